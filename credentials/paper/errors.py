"""What can go wrong with paper and badges.

PointsBankError
├── Invalid
│   └── MissingGlyphs      422  a character that no font has
└── Unavailable
    └── PaperNotInstalled  503  the extra is not installed
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from pointsbank.errors import Invalid, Unavailable

EXTRA = "pointsbank[certificates]"


class MissingGlyphs(Invalid):
    """A text has characters that none of the fonts can show; change the text."""

    slug, title = "missing-glyphs", "Characters that cannot be shown"

    def __init__(self, missing: Mapping[str, Sequence[str]]) -> None:
        named = "; ".join(f"{text!r}: {', '.join(characters)}" for text, characters in missing.items())
        super().__init__(f"No font has these characters. {named}")


class PaperNotInstalled(Unavailable):
    """This installation makes no PDFs and badges: it lacks the extra `pointsbank[certificates]`."""

    slug, title = "not-installed", "Not installed"


@contextmanager
def installed() -> Iterator[None]:
    """Around imports of what only the extra brings. Raises PaperNotInstalled."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise PaperNotInstalled(
            f"PDFs and badges need {error.name}, which is not installed here: pip install '{EXTRA}'"
        ) from error
