"""What a file is, by what is in it and whatever its name says."""

import re
import zipfile
from typing import Literal

from pointsbank.rosters.refusals import Unreadable
from pointsbank.saying import Said, say

FileKind = Literal["xlsx", "text"]

MAX_FILE_BYTES = 20 * 2**20
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""Microsoft's container of old: .xls, and anything of Office with a password."""
_LOOKED_AT_BYTES = 4096
_HTML = re.compile(rb"<\s*(?:!doctype\s+html|html|table|head|body|meta|style)\b", re.IGNORECASE)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def kind(content: bytes) -> FileKind:
    """Raises Unreadable, naming what the file is instead."""
    if not content:
        raise Unreadable(say("The file is empty."))
    if len(content) > MAX_FILE_BYTES:
        raise Unreadable(too_large())
    if content.startswith(_COMPOUND):
        raise Unreadable(_compound(content))
    if content.startswith(b"PK"):
        return "xlsx"
    if (message := _something_else(content)) is not None:
        raise Unreadable(message)
    if not content.startswith(_UTF16) and b"\0" in content[: 64 * 2**10]:
        raise Unreadable(say("This is no table. Save it as .xlsx or as CSV, and choose that file."))
    return "text"


def too_large() -> Said:
    return say(
        "The file is larger than %(most)s MB. Take out sheets and pictures that are not needed.",
        most=MAX_FILE_BYTES // 2**20,
    )


def _compound(content: bytes) -> Said:
    if "EncryptedPackage".encode("utf-16-le") in content:
        return say(
            "The file is protected by a password. Save it without one (File, Info, Protect Workbook), and "
            "choose it again."
        )
    if "Workbook".encode("utf-16-le") in content or "Book".encode("utf-16-le") in content:
        return say("This is an .xls file of Excel 97 to 2003. Open it, and save it as .xlsx.")
    return say("This is a document of an old Office version, and no table. Save the table as .xlsx or as CSV.")


def _something_else(content: bytes) -> Said | None:
    start = content[:_LOOKED_AT_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"%PDF"):
        return say("This is a PDF. Save the table itself as .xlsx or as CSV.")
    if start.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM6")):
        return say("This is a picture. Save the table itself as .xlsx or as CSV.")
    if start.startswith((b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b")):
        return say("This is an archive. Unpack it, and choose the table that is in it.")
    if start.startswith(b"{\\rtf"):
        return say("This is a text document. Copy its table into a spreadsheet, and save that as .xlsx.")
    if b"urn:schemas-microsoft-com:office:spreadsheet" in start:
        return say("This is an XML spreadsheet of Excel 2003, whatever its name says. Open it, and save it as .xlsx.")
    if _HTML.search(start) and start.startswith(b"<"):
        return say(
            "This is a web page, whatever its name says: systems that export “Excel” often do that. Open it, "
            "and save it as .xlsx."
        )
    return None


def refuse_other_packages(package: zipfile.ZipFile) -> None:
    """A ZIP archive that is no workbook, or one of a kind that is not taken. Raises Unreadable."""
    names = {each.filename for each in package.infolist()}
    if "xl/vbaProject.bin" in names or b"macroEnabled" in _head(package, "[Content_Types].xml"):
        raise Unreadable(
            say("The file holds macros (.xlsm), which are not let in. Save it as .xlsx, which holds none.")
        )
    if "xl/workbook.bin" in names:
        raise Unreadable(say("This is an .xlsb file. Open it, and save it as .xlsx."))
    if _head(package, "mimetype").startswith(b"application/vnd.oasis.opendocument"):
        raise Unreadable(say("This is an OpenDocument file (.ods). Open it, and save it as .xlsx."))
    if any(name.endswith((".iwa", "Index.zip")) for name in names):
        raise Unreadable(
            say("This is a file of Apple Numbers. Export it as Excel (File, Export To), and choose that file.")
        )
    if "word/document.xml" in names or "ppt/presentation.xml" in names:
        raise Unreadable(
            say("This is a text document or a presentation. Copy its table into a spreadsheet, and save that as .xlsx.")
        )
    if "[Content_Types].xml" not in names:
        raise Unreadable(say("This is an archive. Unpack it, and choose the table that is in it."))


def _head(package: zipfile.ZipFile, name: str) -> bytes:
    try:
        with package.open(name) as file:
            return file.read(64 * 2**10)
    except KeyError:
        return b""
