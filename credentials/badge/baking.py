"""The credential in the file of a picture. https://www.imsglobal.org/spec/ob/v3p0#baked-badge

For a credential that has its proof in it, the whole JSON goes in: into an SVG as the text of an element, in CDATA, into
a PNG as an iTXt chunk that is not compressed; once.
"""

import re
import struct
import zlib

NAMESPACE = "https://purl.imsglobal.org/ob/v3p0"
ELEMENT = "openbadges:credential"
KEYWORD = b"openbadgecredential"

_SVG_TAG = re.compile(r"<svg\b[^>]*>")
_NOT_IN_XML = re.compile("[\ufffe\uffff]")
_IEND = b"\x00\x00\x00\x00IEND\xaeB`\x82"


def into_svg(picture: str, credential: bytes) -> bytes:
    text = _NOT_IN_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", credential.decode())
    text = text.replace("]]>", "]]]]><![CDATA[>")  # which ends a section; readers put the two together again
    opening = _SVG_TAG.match(picture)
    assert opening is not None, "a picture begins with its svg tag"
    tag = f'{opening[0][:-1]} xmlns:openbadges="{NAMESPACE}">'
    element = f"<{ELEMENT}><![CDATA[{text}]]></{ELEMENT}>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tag}{element}{picture[opening.end() :]}'.encode()


def into_png(picture: bytes, credential: bytes) -> bytes:
    assert picture.endswith(_IEND), "the last chunk of a PNG"
    # After the keyword: not compressed, by method 0, in no language, no keyword in that language.
    content = b"iTXt" + KEYWORD + b"\x00" + b"\x00\x00" + b"\x00" + b"\x00" + credential
    chunk = struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
    return picture[: -len(_IEND)] + chunk + _IEND
