"""Documents of one shape, translated once: held against PyLD's translation of each document, and against the W3C."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st
from pyld import jsonld
from pyoxigraph import BlankNode, CanonicalizationAlgorithm, Dataset, Literal, NamedNode, Quad

from credentials import achievement, contexts, proof, shapes, status_list
from credentials.addresses import Issuer
from credentials.canonical import canonical
from credentials.content import Content, Equal, Result
from credentials.contexts import CREDENTIALS
from credentials.shapes import Untranslatable, lexical
from tests.credentials.certificates import BASE_URL, CONTENT, HOSTILE

NO_CHARACTERS = "\ufffe\uffff"
# All that may stand in a name, and control characters besides: they have to be escaped as the standard says.
TEXTS = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters=NO_CHARACTERS), min_size=1, max_size=40),
    st.text(st.sampled_from('\x00\x01\b\t\n\x0b\f\r\x1f\x7f\x80\x85\u2028"\\ux'), min_size=1, max_size=8),
)
CREDITS = st.decimals(0, 9_007_199_254, places=2).map(str) | st.integers(0, 2**53 - 1).map(str)
PLAIN = st.sampled_from(HOSTILE) | st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=NO_CHARACTERS), min_size=1, max_size=40
)
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2190, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))


@st.composite
def contents(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> Content:
    both = st.fixed_dictionaries({"zh": texts, "en": texts})
    keys = draw(st.lists(texts, max_size=4, unique=True))
    return replace(
        CONTENT,
        level=draw(st.none() | texts),
        name=draw(both),
        criteria=draw(both),
        company=draw(texts),
        company_name=draw(texts),
        programme=draw(texts),
        programme_name=draw(texts),
        rule=draw(texts),
        learner=draw(texts),
        learner_name=draw(texts),
        credits=draw(CREDITS),
        results=tuple(Result(key, draw(both), draw(CREDITS)) for key in keys),
        equals=tuple(draw(st.lists(st.builds(Equal, texts, texts), max_size=3))),
        issued_at=draw(MOMENTS),
        valid_until=draw(st.none() | MOMENTS),
        status_index=draw(st.integers(0, status_list.BITS - 1)),
    )


def document_of(content: Content) -> dict[str, Any]:
    issuer = Issuer(BASE_URL, content.company, content.company_name)
    return achievement.document(content, issuer, f"{BASE_URL}/v1/status-lists/a-1", b"s" * 32)


def quads_of_pyld(document: dict[str, Any]) -> Iterator[Quad]:
    """The document translated as a whole, term by term."""

    def term(value: dict[str, str]) -> Any:
        if value["type"] == "IRI":
            return NamedNode(value["value"])
        if value["type"] == "blank node":
            return BlankNode(value["value"].removeprefix("_:"))
        return Literal(value["value"], datatype=NamedNode(value["datatype"]))

    dataset = jsonld.to_rdf(document, {"documentLoader": contexts.load})
    for quad in dataset["@default"]:
        yield Quad(term(quad["subject"]), term(quad["predicate"]), term(quad["object"]))


def canonical_the_long_way(document: dict[str, Any]) -> bytes:
    dataset = Dataset(quads_of_pyld(document))
    dataset.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    return "".join(sorted(f"{quad} .\n" for quad in dataset)).encode()


@settings(max_examples=150)
@given(contents(TEXTS))
def test_a_shape_with_its_values_is_the_document(content: Content) -> None:
    document = document_of(content)
    assert canonical(document) == canonical_the_long_way(document)


@settings(max_examples=40)
@given(contents(PLAIN))
def test_pyld_writes_the_same_but_for_control_characters(content: Content) -> None:
    document = document_of(content)
    options = {"algorithm": "URDNA2015", "format": "application/n-quads", "documentLoader": contexts.load}
    assert canonical(document).decode() == jsonld.normalize(document, options)


def test_the_example_of_the_w3c(monkeypatch: pytest.MonkeyPatch) -> None:
    """Data Integrity EdDSA Cryptosuites v1.0, appendix B.1."""
    examples = "https://www.w3.org/ns/credentials/examples/v2"
    monkeypatch.setitem(contexts._FILES, examples, "")
    known = contexts._document
    vocabulary = {"@context": {"@vocab": "https://www.w3.org/ns/credentials/examples#"}}
    monkeypatch.setattr(contexts, "_document", lambda url: vocabulary if url == examples else known(url))
    document = {
        "@context": [CREDENTIALS, examples],
        "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
        "type": ["VerifiableCredential", "AlumniCredential"],
        "name": "Alumni Credential",
        "description": "A minimum viable example of an Alumni Credential.",
        "issuer": "https://vc.example/issuers/5678",
        "validFrom": "2023-01-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:abcdefgh", "alumniOf": "The School of Examples"},
    }
    key = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
    given_proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-rdfc-2022",
        "created": "2023-02-24T23:36:38Z",
        "verificationMethod": f"did:key:{key}#{key}",
        "proofPurpose": "assertionMethod",
        "proofValue": "z2YwC8z3ap7yx1nZYCg4L3j3ApHsF8kgPdSb5xoS1VR7vPG3F561B52hYnQF9iseabecm3ijx4K1FBTQsCZahKZme",
    }
    number = 0
    for digit in key[1:]:
        number = number * 58 + proof._BASE58.index(digit)
    public = Ed25519PublicKey.from_public_bytes(number.to_bytes(34, "big")[2:])
    assert proof.multikey(public) == key
    assert proof.holds(document, given_proof, public)
    assert not proof.holds({**document, "name": "Alumni credential"}, given_proof, public)


CHANGED = {
    "an undefined term": ({"motto": "x"}, "No context defines motto"),
    "an undefined term within": ({"credentialSchema": [{"id": "urn:x", "type": "X", "motto": "x"}]}, "motto"),
    "an undefined type": ({"type": ["VerifiableCredential", "Diploma"]}, "Diploma"),
    "a type that no IRI is": ({"type": ["VerifiableCredential", "Dip\x7floma<"]}, "No context defines"),
    "a type twice": ({"type": ["VerifiableCredential", "VerifiableCredential"]}, "type twice"),
    "a relative id": ({"id": "verify/1"}, "no absolute IRI"),
    "an id with a space": ({"id": "https://bank.example/a b"}, "no absolute IRI"),
    "an id with a bracket": ({"id": "https://bank.example/<a>"}, "cannot be written|no absolute IRI"),
    "an id that is a prefix": ({"id": "xsd:string"}, "no absolute IRI"),
    "an empty array": ({"credentialSchema": []}, "empty array"),
    "an empty object": ({"credentialStatus": {}}, "empty object"),
    "null": ({"description": None}, "null"),
    "a number for a text": ({"name": 5}, "a number where"),
    "a keyword": ({"@id": "urn:x"}, "no key"),
    "an IRI for a key": ({"https://schema.org/name": "x"}, "no key"),
    "a context of its own": ({"@context": [CREDENTIALS, {"name": "urn:x"}]}, "neither a word"),
    "a context that is not known": ({"@context": [CREDENTIALS, "https://example.org/"]}, "no JSON-LD"),
    "a purpose that is none": ({"proofPurpose": {"x": "y"}}, "neither a word"),
    "an id with another script": ({"id": "https://bank.example/示范"}, "no absolute IRI"),
    "an id with half an escape": ({"id": "https://bank.example/100%"}, "no absolute IRI"),
    "half of a surrogate pair": ({"name": "\ud83d"}, "no character"),
    "what is no character": ({"name": "x\uffff"}, "no character"),
    "too deep": ({"evidence": [[[[[[[[[[[[[[[[[[[[["x"]]]]]]]]]]]]]]]]]]]]]}, "nested"),
}


@pytest.mark.parametrize(("change", "why"), CHANGED.values(), ids=CHANGED.keys())
def test_what_would_be_lost_is_refused(change: dict[str, Any], why: str) -> None:
    with pytest.raises(Untranslatable, match=why):
        canonical({**document_of(CONTENT), **change})


NUMBERS = [(0, "0"), (96, "96"), (96.5, "9.65E1"), (-0.25, "-2.5E-1"), (96.0, "96"), (True, "true"), (False, "false")]
NUMBERS += [(1e21, "1.0E21"), (0.1 + 0.2, "3.0E-1"), (123456.789, "1.23456789E5"), (2**53 - 1, "9007199254740991")]


@pytest.mark.parametrize(("number", "written"), NUMBERS)
def test_numbers_as_json_ld_writes_them(number: float, written: str) -> None:
    assert lexical(number) == written


@settings(max_examples=300)
@given(CREDITS)
def test_credits_are_not_rounded(credits: str) -> None:
    document = document_of(replace(CONTENT, credits=credits))
    number = document["credentialSubject"]["creditsEarned"]
    assert abs(Decimal(lexical(number)) - Decimal(credits)) <= Decimal(credits) * Decimal("1e-15")


def test_equal_things_are_told_apart_by_their_neighbourhood() -> None:
    """Two equal levels are two blank nodes of one hash."""
    twins = document_of(replace(CONTENT, equals=(Equal("talent", "P2"), Equal("talent", "P2"), Equal("talent", "P3"))))
    assert canonical(twins) == canonical_the_long_way(twins)
    with pytest.raises(Untranslatable, match="is none"):
        canonical({**twins, "id": "https://bank.example:port/"})


def test_every_character_is_written_as_pyoxigraph_writes_it() -> None:
    """All of the first plane, in names of 200 characters."""
    everything = "".join(map(chr, [*range(0xD800), *range(0xE000, 0xFFFE)]))
    for at in range(0, len(everything), 200):
        document = document_of(replace(CONTENT, equals=(), results=(), learner_name=everything[at : at + 200]))
        lines = canonical(document).decode().split(" .\n")
        literal = str(Literal(everything[at : at + 200]))
        assert any(line.endswith(literal) for line in lines)


def test_many_threads_translate_at_once() -> None:
    documents = [document_of(replace(CONTENT, equals=(Equal("talent", "P2"),) * number)) for number in range(1, 13)]
    shapes._translated.cache_clear()
    with ThreadPoolExecutor(8) as threads:
        written = list(threads.map(canonical, documents * 2))
    assert written == [canonical(document) for document in documents * 2]
