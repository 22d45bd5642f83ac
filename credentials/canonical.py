"""The canonical form of a document, RDFC-1.0 (W3C, RDF Dataset Canonicalization), and its hash.

A blank node is named by the hash of the statements that it is in. Where two have the same hash (two equal things in one
array), the standard goes on to compare whole neighbourhoods, and pyoxigraph does that.
"""

from collections import defaultdict
from collections.abc import Collection
from hashlib import sha256

from credentials.shapes import Json, Statement, Untranslatable, statements

_BLANK = "_:"


def canonical(document: dict[str, Json]) -> bytes:
    """Sorted N-Quads. Raises shapes.Untranslatable."""
    found = statements(document)
    names = _names(found)
    if names is None:
        return _canonical_by_neighbourhood(found)
    lines = [f"{names.get(s, s)} {p} {names.get(o, o)} .\n" for s, p, o in found]
    lines.sort()
    return "".join(lines).encode()


def digest(document: dict[str, Json]) -> bytes:
    """SHA-256 of the canonical form. Raises shapes.Untranslatable."""
    return sha256(canonical(document)).digest()


def _names(found: Collection[Statement]) -> dict[str, str] | None:
    """The blank nodes' canonical names; None if two of them cannot be told apart by their own statements."""
    around: defaultdict[str, list[str]] = defaultdict(list)
    for s, p, o in found:
        if s.startswith(_BLANK):
            around[s].append(f"_:a {p} {'_:a' if o == s else '_:z' if o.startswith(_BLANK) else o} .\n")
        if o.startswith(_BLANK) and o != s:
            around[o].append(f"{'_:z' if s.startswith(_BLANK) else s} {p} _:a .\n")
    hashes = {sha256("".join(sorted(lines)).encode()).digest(): node for node, lines in around.items()}
    if len(hashes) < len(around):
        return None
    return {hashes[each]: f"_:c14n{number}" for number, each in enumerate(sorted(hashes))}


def _canonical_by_neighbourhood(found: Collection[Statement]) -> bytes:
    # Here, and not above: most workers never need it, and are 10 MB smaller.
    from pyoxigraph import CanonicalizationAlgorithm, Dataset, RdfFormat, parse, serialize

    text = "".join(f"{s} {p} {o} .\n" for s, p, o in found)
    try:
        dataset = Dataset(parse(text, format=RdfFormat.N_QUADS))
    except SyntaxError as error:  # an IRI whose port is no number, say
        raise Untranslatable(f"The document has an IRI that is none: {error}") from error
    dataset.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    lines = serialize(dataset, format=RdfFormat.N_QUADS)
    assert lines is not None, "it was asked for as bytes"
    return b"".join(sorted(lines.splitlines(keepends=True)))
