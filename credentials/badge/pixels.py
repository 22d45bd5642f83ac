"""From SVG to PNG."""

from functools import lru_cache

import resvg_py

KEPT = 32
"""Pictures: all holders of a level have the same one, and it takes ten times as long as anything else here."""


@lru_cache(maxsize=KEPT)
def rendered(picture: str, side: int) -> bytes:
    """A PNG of so many pixels a side, transparent around the badge. The same on every machine: text is outlines."""
    return bytes(resvg_py.svg_to_bytes(svg_string=picture, width=side, height=side, skip_system_fonts=True))
