"""The canonical form of a document, RDFC-1.0, and its hash.

pyoxigraph names the blank nodes and writes N-Quads. PyLD could do both, but leaves control characters unescaped that
the standard escapes, so that other implementations would reject what is signed with it.
"""

from hashlib import sha256

from pyoxigraph import CanonicalizationAlgorithm, Dataset, RdfFormat, serialize

from credentials.shapes import Json, statements


def canonical(document: dict[str, Json]) -> bytes:
    """Sorted N-Quads. Raises shapes.Untranslatable."""
    dataset = Dataset(statements(document))
    dataset.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    lines = serialize(dataset, format=RdfFormat.N_QUADS)
    assert lines is not None, "it was asked for as bytes"
    return b"".join(sorted(lines.splitlines(keepends=True)))


def digest(document: dict[str, Json]) -> bytes:
    """SHA-256 of the canonical form. Raises shapes.Untranslatable."""
    return sha256(canonical(document)).digest()
