"""A certificate as a badge: a picture with the credential baked in, after Open Badges 3.0, section 5.3.

Kind and level are told by form and colour; the holder's name is in the credential only. Needs the extra
`pointsbank[certificates]`, as paper does.
"""

from credentials.content import Content
from credentials.paper.errors import installed

PNG_SIDE = 600
"""Pixels."""


def svg(content: Content, credential: bytes) -> bytes:
    """Raises MissingGlyphs, PaperNotInstalled."""
    with installed():
        from credentials.badge import art, baking

        return baking.into_svg(art.drawn(content), credential)


def png(content: Content, credential: bytes) -> bytes:
    """A square of PNG_SIDE. Raises MissingGlyphs, PaperNotInstalled."""
    with installed():
        from credentials.badge import art, baking, pixels

        return baking.into_png(pixels.rendered(art.drawn(content), PNG_SIDE), credential)
