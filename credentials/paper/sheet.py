"""A PDF that text is set on line by line, tagged, in fonts that were cut to what the document says."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from fpdf import FPDF, ViewerPreferences
from fpdf.enums import TextMode
from fpdf.fonts import TTFFont
from fpdf.line_break import Fragment

from credentials.paper import curves, fonts
from credentials.paper.embedding import ByGlyph
from credentials.paper.fonts import FALLBACKS, SANS, SERIF, FontFile

POINTS_PER_MM = curves.POINTS_PER_MM
LEADING = 1.45
"""From one baseline to the next, as a multiple of the size."""
_SHRINK = 0.94

Align = Literal["left", "centre", "right"]

# What does not begin a line, and what does not end one.
_NOT_FIRST = frozenset("，。、；：？！）》」』】〕”’…—·,.;:?!)]}%")
_NOT_LAST = frozenset("（《「『【〔“‘([{")


class Sheet(FPDF):
    """Millimetres from the upper left corner; sizes in points; `y` is a baseline.

    `texts` are all that will be set; `folder` is for font files while the document is made.
    """

    def __init__(self, texts: Iterable[str], folder: Path, at: datetime) -> None:
        super().__init__(unit="mm", format="A4")
        self.set_auto_page_break(False)
        self.set_margin(0)
        self.c_margin = 0
        self.set_creation_date(at)
        self.set_lang("zh-CN")
        self.set_display_mode("fullpage", "continuous")
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self._widths: dict[tuple[str, str], float] = {}
        self._load_fonts(fonts.printable("".join(texts)), folder)

    def _load_fonts(self, text: str, folder: Path) -> None:
        needed: dict[FontFile, set[str]] = {SERIF: set(), SANS: set()}
        for wanted in (SERIF, SANS):
            for character in set(text):
                font = fonts.font_of(character, wanted)
                if font is not None:
                    needed.setdefault(font, set()).add(character)
            for font, run in fonts.runs(text, wanted) if fonts.needs_shaping(text) else ():
                needed.setdefault(font, set()).update(run)
        for font in (SERIF, SANS, *FALLBACKS):
            if font in needed:
                needed[font].add(" ")  # fpdf2 takes the number of another glyph for it where it is missing
                file = folder / f"{font.key}{'.ttf' if font.path.endswith('ttf') else '.otf'}"
                file.write_bytes(fonts.subset(font, needed[font]))
                self.add_font(font.key, fname=file)
                added = self.fonts[font.key]
                assert isinstance(added, TTFFont)
                added.subset = ByGlyph(added)
        # Which font a letter is in says _parse_chars; this tells fpdf2 which of them are not the page's own.
        self.set_fallback_fonts([font.key for font in FALLBACKS if font in needed], exact_match=False)

    # --- setting text ---

    def say(
        self,
        text: str,
        x: float,
        y: float,
        size: float,
        colour: str,
        *,
        font: FontFile = SERIF,
        align: Align = "left",
        spacing: float = 0,
        weight: float = 0,
        tag: str | None = "P",
    ) -> None:
        """One line; `x` is its left end, its middle or its right end. `spacing` between letters, in points.

        `weight` draws outlines of so many points, for titles. `tag` is the structure element; None for what stands in
        an element that is open already.
        """
        text = fonts.printable(text)
        shaped = fonts.needs_shaping(text)
        spacing = 0 if shaped else spacing  # letters that join have none between them, nor has a letter and its mark
        width = self.width_of(text, size, font, spacing)
        left = x - {"left": 0.0, "centre": 0.5, "right": 1.0}[align] * width
        self.set_font(font.key, size=size)
        self.set_char_spacing(spacing)
        self.set_text_shaping(shaped)
        self.set_text_color(colour)
        self.set_draw_color(colour)
        self.text_mode = TextMode.FILL_STROKE if weight else TextMode.FILL
        self.set_line_width(weight)  # written as points where text is outlined
        with self.tagged(tag):
            if shaped or not fonts.covers(font, text):
                # fpdf2 puts the baseline 0.3 of the size below the middle of a cell. Where letters join, the text is
                # narrower than the sum of them, and so it is aligned within.
                self.set_xy(left, y - 0.3 * self.font_size)
                self.cell(w=width, h=0, text=text, align={"left": "L", "centre": "C", "right": "R"}[align])
            else:
                self.text(left, y, text)
        self.set_char_spacing(0)
        self.text_mode = TextMode.FILL

    def _parse_chars(self, text: str, *_: Any, **__: Any) -> Iterator[Fragment]:
        """By `fonts.runs`: fpdf2 cuts between a letter and its mark, which is of a script of its own for it."""
        wanted = next(font for font in (SERIF, SANS) if font.key == self.font_family)
        for font, run in fonts.runs(text, wanted):
            state = self._get_current_graphics_state()
            state.font_family, state.current_font = font.key, self.fonts[font.key]
            yield Fragment(run, state, self.k)

    def width_of(self, text: str, size: float, font: FontFile, spacing: float = 0) -> float:
        """In millimetres. Without the joining of letters, which makes it shorter."""
        points = sum(self._width(character, font) for character in text) * size
        return (points + spacing * max(0, len(text) - 1)) / POINTS_PER_MM

    def _width(self, character: str, font: FontFile) -> float:
        known = self._widths.get((font.key, character))
        if known is None:
            used = fonts.font_of(character, font)
            assert used is not None, "a document with characters that no font has is not begun"
            metrics = self.fonts[used.key]
            assert isinstance(metrics, TTFFont)
            known = metrics.cw[ord(character)] / 1000 if ord(character) in fonts.covered(used) else 0.0
            self._widths[font.key, character] = known
        return known

    def wrapped(self, text: str, width: float, size: float, font: FontFile = SERIF) -> list[str]:
        """Lines that are at most so wide, broken at spaces and between Chinese characters."""
        lines, line, room = [], "", width
        for piece in _pieces(fonts.printable(text)):
            if line and self.width_of(piece.rstrip(), size, font) > room:
                lines.append(line.rstrip())
                line, room, piece = "", width, piece.lstrip()
            while (length := self.width_of(piece.rstrip(), size, font)) > room and len(piece) > 1:
                fits = max(1, round(len(piece) * room / length))  # a word longer than a line
                while fits > 1 and self.width_of(piece[:fits], size, font) > room:
                    fits -= 1
                lines.append(piece[:fits])
                piece = piece[fits:]
            line += piece
            room -= self.width_of(piece, size, font)
        return [*lines, line.rstrip()]

    def fitted(
        self, text: str, width: float, height: float, size: float, font: FontFile = SERIF, smallest: float = 1.5
    ) -> tuple[float, list[str]]:
        """The largest size up to `size` at which the text has room, and its lines; they are about equally long."""
        while True:
            lines = self.wrapped(text, width, size, font)
            if size <= smallest or len(lines) * size * LEADING / POINTS_PER_MM <= height or len(lines) == 1:
                return size, self._balanced(text, lines, width, size, font)
            size = max(smallest, size * _SHRINK)

    def _balanced(self, text: str, lines: list[str], width: float, size: float, font: FontFile) -> list[str]:
        if len(lines) == 1:
            return lines
        narrow, step = width, width / 40
        while narrow > step and len(closer := self.wrapped(text, narrow - step, size, font)) == len(lines):
            lines, narrow = closer, narrow - step
        return lines

    def block(
        self,
        text: str,
        x: float,
        middle: float,
        width: float,
        height: float,
        size: float,
        colour: str,
        *,
        font: FontFile = SERIF,
        align: Align = "centre",
        spacing: float = 0,
        weight: float = 0,
        tag: str | None = "P",
    ) -> None:
        """Text in a box, its lines around the box's middle; made smaller until it has room."""
        relative = weight / size
        size, lines = self.fitted(text, width, height, size, font)
        weight = relative * size
        spacing = min(spacing, size * 0.5) if len(lines) == 1 else 0
        while spacing > 0.1 and self.width_of(lines[0], size, font, spacing) > width:
            spacing *= 0.8
        step = size * LEADING / POINTS_PER_MM
        y = middle - step * (len(lines) - 1) / 2 + 0.36 * size / POINTS_PER_MM
        with self.tagged(tag):
            for line in lines:
                self.say(line, x, y, size, colour, font=font, align=align, spacing=spacing, weight=weight, tag=None)
                y += step

    # --- drawing ---

    @contextmanager
    def tagged(self, tag: str | None) -> Iterator[None]:
        """What is set in the block is one element of the document's structure, for readers that speak."""
        if tag is None:
            yield
            return
        number = self.struct_builder.next_mcid_for_page(self.page)
        self._add_marked_content(struct_type=f"/{tag}", mcid=number)
        self._out(f"/{tag} <</MCID {number}>> BDC")
        yield
        self._out("EMC")

    def picture(self, operators: str, described: str) -> None:
        """Operators of the page's content, in points from the lower left corner, as a figure with its description."""
        number = self.struct_builder.next_mcid_for_page(self.page)
        self._add_marked_content(struct_type="/Figure", mcid=number, alt_text=described)
        self._out(f"/Figure <</MCID {number}>> BDC\nq\n{operators}\nQ\nEMC")

    def ornament(self, operators: str) -> None:
        """The same, for what only adorns: readers that speak pass over it."""
        self._out(f"/Artifact BMC\nq\n{operators}\nQ\nEMC")

    def rule(self, x: float, y: float, x2: float, y2: float, colour: str, width: float = 0.4) -> None:
        """A straight line, `width` in points."""
        ends = [curves.number(value * POINTS_PER_MM) for value in (x, self.h - y, x2, self.h - y2)]
        self.ornament(f"{curves.pen(colour, width)} {ends[0]} {ends[1]} m {ends[2]} {ends[3]} l S")

    def point(self, x: float, y: float) -> tuple[float, float]:
        """A place on the page as operators name it."""
        return x * POINTS_PER_MM, (self.h - y) * POINTS_PER_MM


def _pieces(text: str) -> Iterator[str]:
    """What is not broken: a word with the spaces after it, a Chinese character with its punctuation."""
    piece = ""
    for character in text:
        if piece and _may_break(piece[-1], character):
            yield piece
            piece = ""
        piece += character
    if piece:
        yield piece


def _may_break(before: str, after: str) -> bool:
    if after == " " or after in _NOT_FIRST or before in _NOT_LAST:
        return False
    return before == " " or _is_wide(before) or _is_wide(after)


def _is_wide(character: str) -> bool:
    return "\u2e80" <= character <= "\uffef" or "\U00020000" <= character <= "\U0003ffff"
