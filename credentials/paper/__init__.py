"""A certificate on paper: a PDF with embedded fonts, in Chinese and English, with its credential attached.

What it needs is the extra `pointsbank[certificates]`; without it everything here raises PaperNotInstalled. The
libraries are loaded at the first use: who serves events does not carry them.
"""

from collections.abc import Iterable, Sequence

from credentials.content import Content, Line
from credentials.paper.errors import MissingGlyphs, PaperNotInstalled, installed

__all__ = ["MissingGlyphs", "PaperNotInstalled", "missing_glyphs", "missing_in", "pdf"]


def pdf(content: Content, lines: Sequence[Line], credential: bytes) -> bytes:
    """The certificate as a PDF: one A4 page, and the statement `lines`, if there are any, on further pages.

    The same arguments give the same bytes. `credential` is attached as `credential.json`. Raises MissingGlyphs,
    PaperNotInstalled.
    """
    with installed():
        from credentials.paper.document import document

        return document(content, lines, credential)


def missing_glyphs(texts: Iterable[str]) -> dict[str, list[str]]:
    """The texts that cannot be shown whole, each with those of its characters that no font has: "U+1B000 𛀀".

    To be asked before anything is issued. Raises PaperNotInstalled.
    """
    with installed():
        from credentials.paper.fonts import missing

        found = {text: missing(text) for text in texts}
    return {text: characters for text, characters in found.items() if characters}


def missing_in(content: Content, lines: Sequence[Line]) -> dict[str, list[str]]:
    """`missing_glyphs` of all that would stand on the paper. Raises PaperNotInstalled."""
    with installed():
        from credentials.paper.document import texts

        return missing_glyphs(texts(content, lines))
