"""The parts of an .xlsx workbook that say what its sheets hold: which there are, its texts, its formats of numbers.

ECMA-376, part 1, sections 12 and 18. Read with expat and without any document type, so nothing is expanded; all limits
are looked at in the archive's directory before anything is unpacked, and an entry never yields more than it says there.
"""

import io
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from xml.parsers import expat

from pointsbank.rosters import kinds, numbers
from pointsbank.rosters.cells import MAX_CELL_CHARACTERS
from pointsbank.rosters.numbers import Format
from pointsbank.rosters.refusals import Unreadable
from pointsbank.saying import say

MAX_PARTS = 2_000
MAX_UNPACKED_BYTES = 400 * 2**20
"""A million rows that have nothing but borders are 200 MB."""
MAX_TEXTS_BYTES = 64 * 2**20
MAX_TEXTS = 1_000_000
MAX_STYLES_BYTES = 16 * 2**20
MAX_SHEETS = 255
MAX_RATIO = 200
"""Worksheets pack to a tenth or a fiftieth; what packs to a thousandth is made to burst."""
RATIO_FROM_BYTES = 10 * 2**20
DAMAGED = (ArithmeticError, EOFError, LookupError, NotImplementedError, OSError, ValueError, struct.error)
"""What reading what somebody else wrote may end in, besides what ZIP and XML say."""
_SEPARATOR = "}"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_STRICT_RELATIONS = "http://purl.oclc.org/ooxml/officeDocument/relationships"
_TRUE = ("1", "true", "on")

Attributes = dict[str, str]


class Sheet(NamedTuple):
    """`part` is its name in the archive."""

    name: str
    part: str
    is_hidden: bool


@dataclass(frozen=True)
class Workbook:
    """An open workbook; `formats` are by the number of a cell's style."""

    package: zipfile.ZipFile
    sheets: list[Sheet]
    texts: list[str]
    formats: list[Format]
    epoch: datetime


@contextmanager
def opened(content: bytes) -> Iterator[Workbook]:
    """Raises Unreadable for what is no workbook, is too large, or is damaged, also while it is read from."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            _refuse_bombs(package.infolist())
            kinds.refuse_other_packages(package)
            yield _workbook(package)
    except (*DAMAGED, zipfile.BadZipFile, zlib.error, expat.ExpatError) as error:
        raise Unreadable(
            say("The file is damaged. Open it in a spreadsheet program, save it as .xlsx, and choose it again.")
        ) from error


def _refuse_bombs(parts: list[zipfile.ZipInfo]) -> None:
    if any(part.flag_bits & 1 for part in parts):
        raise Unreadable(say("The archive is protected by a password. Unpack it, and choose the table that is in it."))
    if len({part.filename for part in parts}) < len(parts):
        raise zipfile.BadZipFile("two parts of one name")
    swells = any(part.file_size > max(RATIO_FROM_BYTES, MAX_RATIO * part.compress_size) for part in parts)
    if swells or len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
        raise Unreadable(
            say(
                "Unpacked, the file would be far larger than a roster is. Copy its rows into a new workbook, "
                "and choose that."
            )
        )


def _workbook(package: zipfile.ZipFile) -> Workbook:
    relations = _relations(package, "")
    main = next((target for kind, target in relations.values() if kind == "officeDocument"), "xl/workbook.xml")
    own = _relations(package, main)
    found: list[tuple[str, str, bool]] = []
    epochs = [numbers.EPOCH_1900]

    def start(tag: str, given: Attributes) -> None:
        if tag == "sheet":
            id_ = given.get(f"{_RELATIONS}{_SEPARATOR}id") or given.get(f"{_STRICT_RELATIONS}{_SEPARATOR}id") or ""
            found.append((given.get("name", ""), id_, given.get("state", "visible") != "visible"))
        elif tag == "workbookPr" and given.get("date1904") in _TRUE:
            epochs[0] = numbers.EPOCH_1904

    _parse(package, main, MAX_STYLES_BYTES, start)
    sheets = [Sheet(name, own[id_][1], hidden) for name, id_, hidden in found if own.get(id_, ("",))[0] == "worksheet"]
    if not sheets:
        raise Unreadable(say("The workbook has no worksheet, only charts or nothing at all."))
    parts = dict(own.values())
    texts = _texts(package, parts["sharedStrings"]) if "sharedStrings" in parts else []
    formats = _formats(package, parts["styles"]) if "styles" in parts else []
    return Workbook(package, sheets[:MAX_SHEETS], texts, formats, epochs[0])


def _relations(package: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """By their ids: the last word of the type, and the part that it leads to."""
    folder, name = posixpath.split(part)
    found: dict[str, tuple[str, str]] = {}

    def start(tag: str, given: Attributes) -> None:
        if tag == "Relationship" and given.get("TargetMode") != "External":
            target = given["Target"]
            full = target[1:] if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            found[given["Id"]] = (given["Type"].rpartition("/")[2], full)

    _parse(package, posixpath.join(folder, "_rels", f"{name}.rels"), MAX_STYLES_BYTES, start)
    return found


def _texts(package: zipfile.ZipFile, part: str) -> list[str]:
    """Shared by cells; of rich text all runs, without the pronunciation that may stand beside it."""
    texts: list[str] = []
    text = _Text()

    def end(tag: str) -> None:
        if tag == "si":
            if len(texts) == MAX_TEXTS:
                raise Unreadable(
                    say("The workbook holds more texts than a roster has. Copy the rows into a new workbook.")
                )
            texts.append(text.take())
        else:
            text.end(tag)

    _parse(package, part, MAX_TEXTS_BYTES, lambda tag, _given: text.start(tag), end, text.add)
    return texts


class _Text:
    """Gathers what stands in `t`, outside of `rPh`."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._is_open = self._is_sound = False

    def start(self, tag: str) -> None:
        if tag == "t":
            self._is_open = not self._is_sound
        elif tag == "rPh":
            self._is_sound = True

    def end(self, tag: str) -> None:
        if tag == "t":
            self._is_open = False
        elif tag == "rPh":
            self._is_sound = False

    def add(self, data: str) -> None:
        if self._is_open and self._length <= MAX_CELL_CHARACTERS:
            self._pieces.append(data)
            self._length += len(data)

    def take(self) -> str:
        text = "".join(self._pieces)
        self._pieces.clear()
        self._length = 0
        return text


def _formats(package: zipfile.ZipFile, part: str) -> list[Format]:
    codes: dict[int, str] = {}
    styles: list[int] = []
    inside = [""]

    def start(tag: str, given: Attributes) -> None:
        if tag in ("cellXfs", "cellStyleXfs", "dxfs"):
            inside[0] = tag
        elif tag == "numFmt" and inside[0] != "dxfs":
            codes[int(given["numFmtId"])] = given["formatCode"]
        elif tag == "xf" and inside[0] == "cellXfs":
            styles.append(int(given.get("numFmtId", "0")))

    _parse(package, part, MAX_STYLES_BYTES, start)
    known = {number: Format(number, codes.get(number)) for number in set(styles)}
    return [known[number] for number in styles]


# --- XML ---


def _nothing(_: str) -> None:
    pass


def _parse(
    package: zipfile.ZipFile,
    part: str,
    most_bytes: int,
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None] = _nothing,
    data: Callable[[str], None] = _nothing,
) -> None:
    if package.getinfo(part).file_size > most_bytes:
        raise Unreadable(
            say(
                "Unpacked, the file would be far larger than a roster is. Copy its rows into a new workbook, "
                "and choose that."
            )
        )
    parser = xml_parser(start, end, data)
    with package.open(part) as file:
        parser.ParseFile(file)


def xml_parser(
    start: Callable[[str, Attributes], None], end: Callable[[str], None], data: Callable[[str], None]
) -> expat.XMLParserType:
    """Elements by their local names; attributes of a namespace as `namespace}name`. What declares a document type is no
    workbook, and is refused by a ValueError."""
    parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
    parser.buffer_text = True
    parser.StartElementHandler = lambda tag, given: start(tag.rpartition(_SEPARATOR)[2], given)
    parser.EndElementHandler = lambda tag: end(tag.rpartition(_SEPARATOR)[2])
    parser.CharacterDataHandler = data
    parser.StartDoctypeDeclHandler = _refuse_document_type
    return parser


def _refuse_document_type(*_: object) -> None:
    raise ValueError("a document type")
