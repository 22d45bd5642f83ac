"""JSON-LD documents as RDF, many of one shape: each shape is translated once, then only values are put in.

A shape is a document's structure: its keys, the lengths of its arrays, its types and contexts, and whatever else the
contexts give a meaning to (`_WORDS`). All other values are leaves. PyLD translates the structure with a marker in place
of each leaf; the markers tell where the leaf's value stands in the statements, and that it stands there at all: PyLD
drops what no context defines without a word, and here a marker is then missing. Translating takes milliseconds, putting
values in takes microseconds. `tests/credentials/test_shapes.py` holds both ways against each other.

Refused is what would be read otherwise by a program that does not know JSON-LD: keywords, IRIs as keys, empty arrays
and objects, null. So a document that is signed says the same as JSON and as RDF.
"""

import re
import threading
from collections.abc import Iterator
from functools import lru_cache
from math import isfinite
from typing import Any, NamedTuple

from credentials.contexts import ContextUnknown, load

Json = Any
Shape = tuple[Any, ...]

MAX_SHAPES = 256
"""Kept at once. A certificate's shape follows from how many results and equal levels it has."""
MAX_LEAVES = 10_000
MAX_DEPTH = 20

_WORDS = frozenset(["@context", "type", "cryptosuite", "proofPurpose", "identityType", "resultType", "statusPurpose"])
"""Their values are part of the shape: a context may give a word a meaning, or they are few."""
_MARKER = "urn:leaf:"
_BASE = "https://relative.invalid/"
"""What a word that no context defines becomes relative to."""
_ABSOLUTE = re.compile(r"(?:https?://|urn:|did:)(?:[!#$&'()*+,./0-9:;=?@A-Z\[\]_a-z~-]|%[0-9A-Fa-f]{2})+")
"""ASCII alone: what we make of other characters is percent-encoded, and so they cannot be written in two ways."""
_XSD = "http://www.w3.org/2001/XMLSchema#"
_STRING = f"{_XSD}string"
_MAX_INTEGER = 10**21  # from there on JavaScript writes an exponent
_RDF_TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"

# RDF Dataset Canonicalization, section 5.2: these escapes and no others.
_ESCAPES = {code: f"\\u{code:04X}" for code in [*range(0x20), 0x7F]}
_ESCAPES |= {ord(char): f"\\{name}" for char, name in zip('\b\t\n\f\r"\\', 'btnfr"\\', strict=True)}
_ESCAPED = re.compile('[\x00-\x1f\x7f"\\\\\ud800-\udfff\ufffe\uffff]')
_REFUSED = re.compile("[\ud800-\udfff\ufffe\uffff]")
"""Halves of surrogate pairs, and two that are no characters: implementations differ in how they write them."""

_one_at_a_time = threading.Lock()
"""PyLD shares its caches of contexts between threads, and does not guard them."""


class Untranslatable(Exception):
    """The document would lose something on its way to RDF; the message says what."""


class _Place(NamedTuple):
    """A term of a statement: as N-Quads write it, or the leaf of this index before what follows its literal (None: an
    IRI)."""

    text: str
    leaf: int = -1
    suffix: str | None = None


Statement = tuple[str, str, str]
"""Subject, predicate and object as canonical N-Quads write them; blank nodes have names of their own: `_:b0`."""


def statements(document: dict[str, Json]) -> set[Statement]:
    """The document's RDF. Raises Untranslatable."""
    leaves: list[Json] = []
    shape = _shape(document, leaves)
    if len(leaves) > MAX_LEAVES:
        raise Untranslatable(f"The document has more than {MAX_LEAVES} values.")
    translated = _translated(shape)
    terms = [_term(leaves[place.leaf], place.suffix) for place in translated.leaves]
    return {
        (terms[s] if s >= 0 else texts[~s], texts[p], terms[o] if o >= 0 else texts[~o])
        for texts in [translated.texts]
        for s, p, o in translated.statements
    }


class _Translated(NamedTuple):
    """A shape's RDF. In `statements` the predicate is an index of `texts`; subject and object are of `leaves`, or, if
    they are negative, of `texts`, inverted."""

    texts: tuple[str, ...]
    leaves: tuple[_Place, ...]
    statements: tuple[tuple[int, int, int], ...]


def _shape(value: Json, leaves: list[Json], depth: int = 0) -> Shape:
    """The value's structure; its leaves are added to `leaves` in reading order."""
    if depth > MAX_DEPTH:
        raise Untranslatable(f"The document is nested more than {MAX_DEPTH} deep.")
    if isinstance(value, dict):
        parts: list[Any] = []
        for key, inner in value.items():
            if key in _WORDS:
                parts.append((key, None, _words(key, inner)))
            elif key.startswith("@") or ":" in key:
                raise Untranslatable(f"{key} is no key of a credential.")
            else:
                parts.append((key, _shape(inner, leaves, depth + 1), None))
        if not parts:
            raise Untranslatable("The document has an empty object.")
        return ("object", *parts)
    if isinstance(value, list):
        if not value:
            raise Untranslatable("The document has an empty array.")
        return ("array", *[_shape(inner, leaves, depth + 1) for inner in value])
    if value is None:
        raise Untranslatable("The document has a null.")
    leaves.append(value)
    return ("leaf",) if isinstance(value, str) else ("number",)


def _words(key: str, value: Json) -> tuple[str, ...] | str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        return tuple(value)
    raise Untranslatable(f"{key} is neither a word nor a list of them.")


@lru_cache(maxsize=MAX_SHAPES)
def _translated(shape: Shape) -> _Translated:
    # Here, and not above: a worker that signs nothing is 10 MB smaller.
    from pyld import jsonld

    kinds: list[str] = []
    document = _marked(shape, kinds)
    try:
        with _one_at_a_time:
            dataset = jsonld.to_rdf(document, {"documentLoader": load, "base": _BASE})
    except (jsonld.JsonLdError, ContextUnknown) as error:
        raise Untranslatable(f"The document is no JSON-LD that this service knows: {error}") from error
    if set(dataset) - {"@default"}:
        raise Untranslatable("The document has named graphs.")
    found = [
        (_place(quad["subject"], kinds), _place(quad["predicate"], kinds), _place(quad["object"], kinds))
        for quad in dataset.get("@default", ())
    ]
    _check_nothing_was_lost(shape, kinds, found)
    return _indexed(found)


def _indexed(found: list[tuple[_Place, _Place, _Place]]) -> _Translated:
    texts: dict[str, int] = {}
    leaves: dict[_Place, int] = {}

    def index(place: _Place) -> int:
        return leaves.setdefault(place, len(leaves)) if place.leaf >= 0 else ~texts.setdefault(place.text, len(texts))

    indexed = tuple((index(s), ~index(p), index(o)) for s, p, o in found)
    return _Translated(tuple(texts), tuple(leaves), indexed)


def _marked(shape: Shape, kinds: list[str]) -> Json:
    kind, *parts = shape
    if kind == "object":
        return {
            key: _marked(inner, kinds) if words is None else list(words) if isinstance(words, tuple) else words
            for key, inner, words in parts
        }
    if kind == "array":
        return [_marked(inner, kinds) for inner in parts]
    kinds.append(kind)
    return f"{_MARKER}{len(kinds) - 1}"


def _place(term: dict[str, str], kinds: list[str]) -> _Place:
    kind, value = term["type"], term["value"]
    leaf = int(value.removeprefix(_MARKER)) if value.startswith(_MARKER) else -1
    if kind == "blank node":
        return _Place(value)
    if kind == "IRI":
        return (
            _Place("", leaf) if leaf >= 0 else _Place(_iri(value, f"No context defines {value.removeprefix(_BASE)!r}."))
        )
    datatype = term["datatype"]
    suffix = "" if datatype == _STRING else f"^^<{datatype}>"
    if leaf < 0:
        return _Place(_term(value, suffix))
    if kinds[leaf] == "number" and datatype == _STRING:
        raise Untranslatable("The document has a number where its context names no type for it.")
    return _Place("", leaf, suffix)


def _check_nothing_was_lost(shape: Shape, kinds: list[str], found: list[tuple[_Place, _Place, _Place]]) -> None:
    placed = {place.leaf for statement in found for place in statement}
    if lost := set(range(len(kinds))) - placed:
        paths = list(_paths(shape))
        raise Untranslatable("No context defines " + ", ".join(paths[leaf] for leaf in sorted(lost)[:3]))
    types = sum(predicate.text == _RDF_TYPE for _, predicate, _ in found)
    if types != _count_types(shape):
        raise Untranslatable("The document has a type twice, or one that no context defines.")
    words = [place.text.removeprefix("<") for _, _, place in found]
    if undefined := [word.removeprefix(_BASE)[:-1] for word in words if word.startswith(_BASE)]:
        raise Untranslatable(f"No context defines {undefined[0]}.")


def _paths(shape: Shape, at: str = "") -> Iterator[str]:
    kind, *parts = shape
    if kind == "object":
        for key, inner, words in parts:
            if words is None:
                yield from _paths(inner, f"{at}.{key}" if at else key)
    elif kind == "array":
        for number, inner in enumerate(parts):
            yield from _paths(inner, f"{at}[{number}]")
    else:
        yield at


def _count_types(shape: Shape) -> int:
    kind, *parts = shape
    if kind == "array":
        return sum(map(_count_types, parts))
    if kind != "object":
        return 0
    return sum(
        _count_types(inner) if words is None else (len(words) if isinstance(words, tuple) else 1) * (key == "type")
        for key, inner, words in parts
    )


def _term(value: Json, suffix: str | None) -> str:
    """The value as N-Quads write it: a literal, with what follows it, or an IRI."""
    if suffix is None:
        return _iri(value, f"{value!r} is no absolute IRI.")
    if not isinstance(value, str):
        value = lexical(value)
    elif _ESCAPED.search(value):
        if found := _REFUSED.search(value):
            raise Untranslatable(f"{found[0]!r} is no character.")
        value = value.translate(_ESCAPES)
    return f'"{value}"{suffix}'


def _iri(value: Json, otherwise: str) -> str:
    if not isinstance(value, str) or not _ABSOLUTE.fullmatch(value):
        raise Untranslatable(otherwise)
    return f"<{value}>"


def lexical(value: bool | int | float) -> str:
    """A number or truth value as JSON-LD 1.1 (8.6, Data Round Tripping) writes it in RDF. Raises Untranslatable."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isfinite(value):
        raise Untranslatable(f"{value} is no number of JSON.")
    if value == int(value) and abs(value) < _MAX_INTEGER:
        return str(int(value))
    mantissa, _, exponent = f"{value:.15E}".partition("E")
    digits = mantissa.rstrip("0")
    return f"{digits}{'0' if digits.endswith('.') else ''}E{int(exponent)}"
