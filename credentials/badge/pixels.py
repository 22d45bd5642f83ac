"""From SVG to PNG."""

import resvg_py


def rendered(picture: str, side: int) -> bytes:
    """A PNG of so many pixels a side, transparent around the badge. The same on every machine: text is outlines."""
    return bytes(resvg_py.svg_to_bytes(svg_string=picture, width=side, height=side, skip_system_fonts=True))
