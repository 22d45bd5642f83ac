"""Badges with the credential baked in, taken out again here by the standard's own words and by openbadgeslib."""

import io
import json
import struct
import xml.etree.ElementTree as ElementTree
import zlib
from collections.abc import Iterator
from dataclasses import replace

import pytest
from openbadgeslib import baking as other
from PIL import Image

from credentials import badge, paper
from credentials.badge import lettering
from credentials.content import Content
from credentials.paper.fonts import SERIF
from tests.credentials.samples import BOTH, CREDENTIAL, POINTS, QUALIFICATION

NAMESPACE = "{https://purl.imsglobal.org/ob/v3p0}"
SVG = "{http://www.w3.org/2000/svg}"
SIZE_MAX = 200_000


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at = 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack(">I", png[at + 8 + length : at + 12 + length])
        assert checksum == zlib.crc32(kind + body)
        yield kind, body
        at += 12 + length


def out_of_png(png: bytes) -> bytes:
    found = [body for kind, body in chunks(png) if kind == b"iTXt" and body.split(b"\0")[0] == b"openbadgecredential"]
    assert len(found) == 1
    keyword = b"openbadgecredential\0"
    assert found[0][len(keyword) : len(keyword) + 2] == b"\0\0", "not compressed"
    language, translated, text = found[0][len(keyword) + 2 :].split(b"\0", 2)
    assert (language, translated) == (b"", b"")
    return text


def out_of_svg(svg: bytes) -> bytes:
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    elements = root.findall(f".//{NAMESPACE}credential")
    assert len(elements) == 1
    assert root[0] is elements[0], "directly after the svg tag"
    assert elements[0].attrib == {}, "`verify` is for credentials signed as JWT"
    assert b"><![CDATA[" in svg
    return (elements[0].text or "").encode()


@pytest.mark.parametrize("content", BOTH, ids=lambda each: each.kind)
def test_a_png_gives_the_credential_back(content: Content) -> None:
    png = badge.png(content, CREDENTIAL)
    assert out_of_png(png) == CREDENTIAL
    assert other.extract_png(png, keyword=other.ITXT_KEYWORD_OB3) == CREDENTIAL.decode()
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.size == (badge.PNG_SIDE, badge.PNG_SIDE)
        assert picture.getpixel((0, 0))[3] == 0, "nothing around it"
    assert len(png) < SIZE_MAX


@pytest.mark.parametrize("content", BOTH, ids=lambda each: each.kind)
def test_an_svg_gives_the_credential_back(content: Content) -> None:
    svg = badge.svg(content, CREDENTIAL)
    assert out_of_svg(svg) == CREDENTIAL
    extracted = other.extract_svg(svg, element=other.SVG_ELEMENT_OB3, text_fallback=True)
    assert extracted == CREDENTIAL.decode()


@pytest.mark.parametrize(
    "name", ["]]>", "<![CDATA[ ]]> ]]]]>>", "</openbadges:credential>", "𠮷\u007f\u0085\ufffe\uffff"]
)
def test_no_name_breaks_out_of_its_place(name: str) -> None:
    credential = json.dumps({"name": name}, ensure_ascii=False).encode()
    assert json.loads(out_of_svg(badge.svg(POINTS, credential))) == {"name": name}
    assert out_of_png(badge.png(POINTS, credential)) == credential


def test_what_a_badge_says_is_told_to_those_who_cannot_see_it() -> None:
    root = ElementTree.fromstring(badge.svg(replace(QUALIFICATION, company_name="<云桥> & 客服"), CREDENTIAL))
    title = root.find(f"{SVG}title")
    assert title is not None
    assert title.text == "初级客服任职资格证 · Qualification certificate, service, junior · 初级 · <云桥> & 客服"
    assert root.attrib["role"] == "img"


def test_nothing_in_it_is_loaded_or_run_and_no_font_is_needed() -> None:
    root = ElementTree.fromstring(badge.svg(QUALIFICATION, CREDENTIAL))
    tags = {each.tag.removeprefix(SVG) for each in root.iter()}
    assert tags.isdisjoint({"text", "image", "script", "style", "use", "foreignObject", "a"})
    assert not any("href" in name for each in root.iter() for name in each.attrib)


def pixels(content: Content) -> bytes:
    with Image.open(io.BytesIO(badge.png(content, CREDENTIAL))) as picture:
        return picture.tobytes()


def test_kinds_levels_and_credits_look_different() -> None:
    levels = ["初级", "中级", "高级", "P7", "P8", "专家", None]
    each = [replace(QUALIFICATION, level=level) for level in levels]
    each += [replace(POINTS, credits=credits) for credits in ("186", "187")]
    pictures = [pixels(content) for content in each]
    assert len(set(pictures)) == len(pictures)
    # Colours alone tell known levels apart: the rim of the seal, where nothing is written.
    rims = []
    for level in levels[:3]:
        with Image.open(io.BytesIO(badge.png(replace(QUALIFICATION, level=level), CREDENTIAL))) as picture:
            rims.append(picture.getpixel((300, 50)))
    assert len(set(rims)) == 3


def test_the_holder_is_in_the_credential_only() -> None:
    another = replace(POINTS, learner_name="韩梅梅", learner="20210002", number="PB-2022-000099-00000000")
    assert pixels(POINTS) == pixels(another)
    assert badge.svg(POINTS, CREDENTIAL) == badge.svg(another, CREDENTIAL)


def test_long_words_stay_within() -> None:
    long = replace(
        QUALIFICATION,
        level="高级技术专家" * 20,
        company_name="云桥客服有限公司" * 25,
        name={"zh": "任职资格证" * 40, "en": "Qualification certificate " * 7},
    )
    with Image.open(io.BytesIO(badge.png(long, CREDENTIAL))) as picture:
        box = picture.getchannel("A").getbbox()
    with Image.open(io.BytesIO(badge.png(QUALIFICATION, CREDENTIAL))) as picture:
        assert box == picture.getchannel("A").getbbox()


def test_a_badge_with_a_missing_glyph_is_not_made() -> None:
    for make in (badge.svg, badge.png):
        with pytest.raises(paper.MissingGlyphs, match=r"U\+1B000"):
            make(replace(QUALIFICATION, company_name="云𛀀桥"), CREDENTIAL)


@pytest.mark.parametrize(
    ("text", "seen"),
    [("אב גד", "דג בא"), ("Ali אב גד 李", "Ali דג בא 李"), ("אב 李 ג", "ג 李 בא"), ("李雷", "李雷")],
    ids=["right to left", "within left to right", "around left to right", "left to right"],
)
def test_words_stand_in_the_order_of_their_script(text: str, seen: str) -> None:
    def glyphs(text: str) -> list[int]:
        return [number for glyphs, _ in lettering._runs(text, SERIF) for _, number, _, _ in glyphs]

    assert glyphs(text) == [number for character in seen for number in glyphs(character)]


def test_a_mark_stands_on_its_letter() -> None:
    lengths = [sum(length for _, length in lettering._runs(text, SERIF)) for text in ("ọ\u0301", "ọ\u0301\u0308")]
    assert lengths[0] == lengths[1]


def test_scripts_that_join_and_rare_characters_show() -> None:
    shown = [replace(QUALIFICATION, level=level) for level in ("محمد", "𠮷", "❀", "Żółć", "李")]
    assert len({pixels(each) for each in shown}) == len(shown)
