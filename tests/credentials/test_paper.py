"""Certificates as PDFs, read again by two other libraries: pypdf for what is in them, PDFium for how they look."""

import builtins
import hashlib
import io
import subprocess
import sys
import unicodedata
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pypdf
import pypdfium2
import pytest
import zxingcpp
from PIL import Image, ImageChops

from credentials import badge, paper
from credentials.content import Content, Equal, Line, Result
from tests.credentials.certificates import HOSTILE as SIGNED_NAMES
from tests.credentials.samples import BOTH, CREDENTIAL, POINTS, QUALIFICATION, lines

A4_POINTS = (595.28, 841.89)
SIZE_MAX = 75_000
"""Bytes of a PDF without a statement."""


def read(data: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(data), strict=True)


def text_of(data: bytes, page: int = 0) -> str:
    return read(data).pages[page].extract_text()


def looked_at(data: bytes, page: int = 0, scale: float = 1.5) -> Image.Image:
    with pypdfium2.PdfDocument(data) as document:
        return document[page].render(scale=scale).to_pil().convert("RGB")


def letters(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("content", BOTH, ids=lambda each: each.kind)
def test_a_page_says_all_in_both_languages(content: Content) -> None:
    text = text_of(paper.pdf(content, [], CREDENTIAL))
    said = [content.company_name, content.name["zh"], content.name["en"], content.learner_name, content.credits]
    said += [content.programme_name, content.number, content.verify_url, "2022年7月5日", "5 July 2022"]
    said += ["兹证明", "This is to certify that", "有效期至", "Valid until", "证书编号", "Certificate No."]
    if content.kind == "qualification":
        said += ["2024年7月5日", "5 July 2024", "等级", "初级", "对等", "talent P2"]
    else:
        said += ["长期有效", "without limit"]
    assert [each for each in said if letters(each) not in letters(text)] == []


@pytest.mark.parametrize("content", BOTH, ids=lambda each: each.kind)
def test_it_is_one_small_a4_page_with_subsets_of_fonts(content: Content) -> None:
    data = paper.pdf(content, [], CREDENTIAL)
    (page,) = read(data).pages
    assert sorted((float(page.mediabox.width), float(page.mediabox.height))) == pytest.approx(A4_POINTS, abs=0.1)
    assert (page.mediabox.width > page.mediabox.height) == (content.kind == "qualification")
    assert len(data) < SIZE_MAX
    for font in page["/Resources"]["/Font"].values():
        (inner,) = font.get_object()["/DescendantFonts"]
        described = inner.get_object()["/FontDescriptor"]
        assert "/FontFile2" in described or "/FontFile3" in described
        assert "+" in described["/FontName"], "a subset's name begins with a tag"


def test_codes_are_those_of_glyphs_that_are_there() -> None:
    """Readers complain of others, or show something else."""
    said = replace(POINTS, learner_name=" ".join(HOSTILE.values()))
    fonts = read(paper.pdf(said, lines(3), CREDENTIAL)).pages[0]["/Resources"]["/Font"]
    assert len(fonts) > 5
    for font in fonts.values():
        cmap = font.get_object()["/ToUnicode"].get_data().decode()
        codes = [line.split()[0] for line in cmap.splitlines() if line.startswith("<") and "FFFF" not in line]
        assert codes
        assert all(len(code) == len("<0000>") for code in codes)


def test_the_same_certificate_is_the_same_file_also_in_another_process() -> None:
    made = [paper.pdf(each, lines(40), CREDENTIAL) for each in (POINTS, POINTS, replace(POINTS, credits="187"))]
    assert made[0] == made[1]
    assert made[0] != made[2]
    program = (
        "from credentials import paper; from tests.credentials.samples import *; import hashlib; "
        "print(hashlib.sha256(paper.pdf(POINTS, lines(40), CREDENTIAL)).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == hashlib.sha256(made[0]).hexdigest()


def test_threads_do_not_disturb_each_other() -> None:
    names = ["陈思远", "𠮷野㛃", "محمد בן", "Żółć", "❀"] * 4
    contents = [replace(BOTH[index % 2], learner_name=name) for index, name in enumerate(names)]
    alone = [(paper.pdf(each, [], CREDENTIAL), badge.svg(each, CREDENTIAL)) for each in contents]
    with ThreadPoolExecutor(8) as threads:
        pdfs = threads.map(lambda each: paper.pdf(each, [], CREDENTIAL), contents)
        badges = threads.map(lambda each: badge.svg(each, CREDENTIAL), contents)
        assert list(zip(pdfs, badges, strict=True)) == alone


@pytest.mark.parametrize("content", BOTH, ids=lambda each: each.kind)
def test_the_credential_is_attached_to_the_byte(content: Content) -> None:
    reader = read(paper.pdf(content, [], CREDENTIAL))
    assert reader.attachments["credential.json"] == [CREDENTIAL]
    (attached,) = reader.root_object["/AF"]
    assert attached.get_object()["/AFRelationship"] == "/Alternative"
    assert attached.get_object()["/EF"]["/F"]["/Subtype"] == "/application/ld+json"


@pytest.mark.parametrize("content", BOTH, ids=lambda each: each.kind)
@pytest.mark.parametrize(
    "base", ["https://b.cn", "https://certificates.points-bank.example-company.com/with/a/long/path"]
)
def test_the_code_is_read_by_a_scanner(content: Content, base: str) -> None:
    content = replace(content, base_url=base)
    page = looked_at(paper.pdf(content, [], CREDENTIAL), scale=2)
    (code,) = zxingcpp.read_barcodes(page)
    assert (code.format, code.text) == (zxingcpp.BarcodeFormat.QRCode, content.verify_url)


def test_it_has_a_title_a_language_and_a_structure_for_readers_that_speak() -> None:
    reader = read(paper.pdf(POINTS, lines(3), CREDENTIAL))
    root = reader.root_object
    assert reader.metadata is not None
    assert POINTS.learner_name in str(reader.metadata.title)
    assert POINTS.number in str(reader.metadata.title)
    assert reader.metadata.creation_date == POINTS.issued_at
    assert root["/Lang"] == "zh-CN"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    (whole,) = root["/StructTreeRoot"]["/K"]
    kinds = [each.get_object() for each in whole.get_object()["/K"]]
    assert [each["/S"] for each in kinds].count("/H1") == 2, "the certificate's title, and the statement's"
    (code,) = [each for each in kinds if each["/S"] == "/Figure"]
    assert code["/Alt"] == POINTS.verify_url


def test_all_that_is_drawn_is_in_an_element_or_an_artifact() -> None:
    for page in read(paper.pdf(POINTS, lines(60), CREDENTIAL)).pages:
        contents = page.get_contents()
        assert contents is not None
        depth, outside = 0, []
        for operands, operator in contents.operations:
            depth += {b"BDC": 1, b"BMC": 1, b"EMC": -1}.get(operator, 0)
            if depth == 0 and operator in (b"Tj", b"TJ", b"S", b"f", b"B"):
                outside.append((operands, operator))
        assert depth == 0
        assert outside == []


HOSTILE = {
    "rare": "𠮷野㛃",
    "other scripts": "Żółć Đặng Ελένη Жанна さくら 가람",
    "symbols": "小红花❤★☀✿",
    "right to left": "محمد בן",
    "combining": "Z\u0323e\u0301",
    "marked": "\u202eabc\u202c\u200f李雷",
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("content", BOTH, ids=lambda each: each.kind)
def test_a_hostile_name_shows(content: Content, name: str) -> None:
    assert paper.missing_glyphs([name]) == {}
    named = paper.pdf(replace(content, learner_name=name), [], CREDENTIAL)
    shown = letters(text_of(named))
    expected = "李雷" if name == HOSTILE["marked"] else name
    if name == HOSTILE["marked"]:
        assert "abc李雷" in shown, "a mark does not turn a name round"
    elif name == HOSTILE["right to left"]:
        assert all(word in shown for word in expected.split())
    elif name == HOSTILE["combining"]:
        assert "Ẓé" in shown
    else:
        assert letters(expected) in shown
    # Each of its characters leaves ink: a page with it and one without it are not the same picture.
    pictures = [looked_at(named)]
    pictures += [looked_at(paper.pdf(replace(content, learner_name=name.replace(each, "", 1)), [], CREDENTIAL))
                 for each in name if each.isalpha() and len(name) < 8]  # fmt: skip
    assert all(ImageChops.difference(pictures[0], other).getbbox() for other in pictures[1:])


def ink_of_the_name(name: str) -> tuple[int, int, int]:
    """Its left and right end, and the middle of the page, in pixels."""
    page = looked_at(paper.pdf(replace(POINTS, learner_name=name), [], CREDENTIAL), scale=3).convert("L")
    middle = page.crop((0, round(0.335 * page.height), page.width, round(0.395 * page.height)))
    inside = middle.crop((edge := round(0.12 * page.width), 0, page.width - edge, middle.height))
    box = inside.point(lambda value: 255 * (value < 110)).getbbox()
    assert box is not None
    return edge + box[0], edge + box[2], page.width // 2


@pytest.mark.parametrize("name", ["محمد بن عبد الله الأندلسي", "מֹשֶׁה", "Adébáyọ̀", "مُحَمَّد", "می‌خواهم", "李\u200b雷"])
def test_a_name_stands_in_the_middle_also_where_letters_join(name: str) -> None:
    left, right, middle = ink_of_the_name(name)
    assert (left + right) / 2 == pytest.approx(middle, abs=12)


@pytest.mark.parametrize(
    ("name", "without"),
    [("ẹ\u0300kọ\u0301", "ẹ\u0300kọ"), ("z\u0335o\u0334", "z\u0335o"), ("مُحَمَّدُ", "مُحَمَّد"), ("محمُد", "محمد")],
    ids=["over letters", "through letters", "over the last", "between letters that join"],
)
def test_a_mark_stands_on_its_letter(name: str, without: str) -> None:
    """So that a name is no wider for it."""
    widths = [right - left for left, right, _ in map(ink_of_the_name, (name, without))]
    assert widths[0] == pytest.approx(widths[1], abs=8)


def test_what_has_no_width_leaves_no_gap() -> None:
    plain, marked = (ink_of_the_name(name) for name in ("李雷", "李\u200b\u2060\u00ad\ufeff雷"))
    assert plain == marked


@pytest.mark.parametrize("name", ["李{nb}雷", "𠮷{nb}", "ẹ\u0300{nb}"])
def test_a_name_is_no_instruction(name: str) -> None:
    """fpdf2 writes the number of pages for {nb}."""
    assert "{nb}" in letters(text_of(paper.pdf(replace(POINTS, learner_name=name), [], CREDENTIAL)))


@pytest.mark.parametrize("name", SIGNED_NAMES)
def test_a_name_that_can_be_signed_shows_or_is_refused(name: str) -> None:
    content = replace(POINTS, learner_name=name)
    if paper.missing_glyphs([name]):
        with pytest.raises(paper.MissingGlyphs):
            paper.pdf(content, [], CREDENTIAL)
        return
    shown = unicodedata.normalize("NFC", text_of(paper.pdf(content, [], CREDENTIAL)))
    assert {each for each in unicodedata.normalize("NFC", name) if each.isalnum()} <= set(shown)


def test_a_rare_character_is_drawn_and_not_a_box() -> None:
    def name_of(text: str) -> bytes:
        page = looked_at(paper.pdf(replace(POINTS, learner_name=text), [], CREDENTIAL), scale=3)
        left, top, right, bottom = 0.2 * page.width, 0.33 * page.height, 0.8 * page.width, 0.39 * page.height
        return page.crop((round(left), round(top), round(right), round(bottom))).tobytes()

    pictures = [name_of(each) for each in ("𠮷", "㛃", "❀", "吉", "口")]
    assert len(set(pictures)) == len(pictures)


def test_what_no_font_has_is_told_before_anything_is_issued() -> None:
    asked = ["陈思远", "a𛀀b", "กขก", "𠮷㛃❀", "小红花🌺", "\U00030000\ue000"]
    assert paper.missing_glyphs(asked) == {
        "a𛀀b": ["U+1B000 𛀀"],
        "小红花🌺": ["U+1F33A 🌺"],
        "กขก": ["U+0E01 ก", "U+0E02 ข"],
        "\U00030000\ue000": ["U+30000 \U00030000", "U+E000 \ue000"],
    }


@pytest.mark.parametrize(
    "change",
    [
        {"learner_name": "李𛀀雷"},
        {"company_name": "李𛀀雷"},
        {"programme_name": "李𛀀雷"},
        {"level": "李𛀀雷"},
        {"name": {"zh": "积分证", "en": "李𛀀雷"}},
        {"equals": (Equal("talent", "李𛀀雷"),)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_pdf_with_a_missing_glyph_is_not_made(change: dict[str, Any]) -> None:
    content = replace(QUALIFICATION, **change)
    with pytest.raises(paper.MissingGlyphs, match=r"U\+1B000"):
        paper.pdf(content, [], CREDENTIAL)
    (text,) = paper.missing_in(content, [])
    assert "李𛀀雷" in text
    assert paper.missing_in(QUALIFICATION, lines(2)) == {}


def test_a_missing_glyph_in_the_statement_counts_too() -> None:
    line = Line(POINTS.issued_at, {"zh": "带队复盘𛀀", "en": "Review"}, None, "+1", "1")
    with pytest.raises(paper.MissingGlyphs):
        paper.pdf(POINTS, [line], CREDENTIAL)
    assert list(paper.missing_in(POINTS, [line])) == ["带队复盘𛀀"]


LONG = {
    "learner_name": "欧阳" * 100,
    "company_name": "云桥客服有限公司" * 25,
    "programme_name": "训练营" * 66,
    "credits": "1234567890.25",
    "equals": tuple(Equal("talent-system", f"P{n}") for n in range(20)),
    "base_url": "https://certificates.points-bank.example-company.com/with/a/longer/path",
}


@pytest.mark.parametrize("content", BOTH, ids=lambda each: each.kind)
@pytest.mark.parametrize("name", ["欧阳" * 100, "W" * 200, "Maximiliane " * 16, "❀" * 200])
def test_200_characters_stay_in_the_frame(content: Content, name: str) -> None:
    """Whatever is written, the frame and all around it are the same picture as on an empty page."""
    level = None if content.level is None else "初级" * 30
    titles = {"zh": "任职资格证" * 40, "en": "Qualification certificate " * 7}
    long = replace(content, **{**LONG, "learner_name": name, "level": level, "name": titles})
    data = paper.pdf(long, [], CREDENTIAL)
    assert letters(name) in letters(text_of(data))
    pictures = [looked_at(each) for each in (data, paper.pdf(content, [], CREDENTIAL))]
    width, height = pictures[0].size
    edge = round(20 / 25.4 * 72 * 1.5)  # millimetres, at 1.5 pixels a point
    changed = ImageChops.difference(*pictures).getbbox()
    assert changed is not None
    left, top, right, bottom = changed
    assert left > edge and top > edge and right < width - edge and bottom < height - edge  # noqa: PT018 - one box


def boxes(data: bytes, page: int = 0) -> list[tuple[float, float, float, float, str]]:
    """Each line of text with its box: left, bottom, right, top."""
    with pypdfium2.PdfDocument(data) as document:
        text = document[page].get_textpage()
        found = []
        for index in range(text.count_rects()):
            box = text.get_rect(index)
            found.append((*box, text.get_text_bounded(*box)))
        return found


@pytest.mark.parametrize("content", [replace(each, **LONG) for each in BOTH] + list(BOTH))
def test_no_text_lies_on_another(content: Content) -> None:
    found = boxes(paper.pdf(content, [], CREDENTIAL))
    assert len(found) > 15
    laps = []
    for index, (left, bottom, right, top, text) in enumerate(found):
        for left2, bottom2, right2, top2, text2 in found[index + 1 :]:
            width, height = min(right, right2) - max(left, left2), min(top, top2) - max(bottom, bottom2)
            # Boxes have the height of the letters; lines of one paragraph may touch.
            if width > 0.5 and height > 0.35 * min(top - bottom, top2 - bottom2):
                laps.append((text, text2))
    assert laps == []


def rows_of(data: bytes) -> list[str]:
    reader = read(data)
    return [line for page in reader.pages[1:] for line in page.extract_text().splitlines()]


@pytest.mark.parametrize("count", [1, 29, 30, 31, 32, 33, 34, 200])
def test_the_statement_has_each_line_once_in_order_with_its_balance(count: int) -> None:
    booked = lines(count)
    data = paper.pdf(POINTS, booked, CREDENTIAL)
    rows = [row.split() for row in rows_of(data) if row.startswith("20")]
    assert [(row[0], row[-2], row[-1]) for row in rows] == [
        (f"{line.at:%Y-%m-%d}", line.amount, line.balance) for line in booked
    ]


def test_each_page_of_the_statement_has_its_head_and_its_number() -> None:
    data = paper.pdf(POINTS, lines(100), CREDENTIAL)
    pages = [page.extract_text() for page in read(data).pages[1:]]
    assert len(pages) == 3
    for number, text in enumerate(pages, 1):
        assert "日期 Date" in text
        assert "累计 Balance" in text
        assert f"Page {number} of 3" in text
        assert f"第 {number} 页，共 3 页" in text
        assert POINTS.number in text
        assert POINTS.learner_name in text
    assert "出勤  Attendance" in pages[0]
    assert "带队复盘  带队复盘" not in "".join(pages), "what is the same in both languages stands once"


@pytest.mark.parametrize("count", [0, 1, 62, 72, 73, 100, 200])
def test_many_sums_take_several_pages(count: int) -> None:
    sums = tuple(Result(f"rule-{n}", {"zh": f"规则{n}", "en": f"Rule {n}"}, f"{n}.25") for n in range(count))
    data = paper.pdf(replace(POINTS, results=sums), lines(40), CREDENTIAL)
    text = "".join(rows_of(data))
    assert [n for n in range(count) if f"规则{n}  Rule {n}" not in text] == []
    rows = [row.split() for row in rows_of(data) if row.startswith("2021")]
    assert len(rows) == 40
    for page in range(1, len(read(data).pages)):
        foot = [bottom for _, bottom, _, top, _ in boxes(data, page) if top < 50]
        assert len({round(bottom) for bottom in foot}) <= 2, "the address and the page's number, and nothing over them"


def test_long_reasons_take_several_lines_within_their_column() -> None:
    booked: Sequence[Line] = [replace(each, what={"zh": "带队复盘" * 50, "en": "reviewed " * 20}) for each in lines(9)]
    data = paper.pdf(POINTS, booked, CREDENTIAL)
    assert letters("".join(rows_of(data))).count("带队复盘") == 9 * 50
    margin = 20 / 25.4 * 72 - 1
    for page in range(1, len(read(data).pages)):
        assert all(left > margin and right < A4_POINTS[0] - margin for left, _, right, _, _ in boxes(data, page))


def test_days_are_the_companys() -> None:
    late = datetime(2022, 7, 4, 17, 30, tzinfo=UTC)
    said = letters(text_of(paper.pdf(replace(POINTS, issued_at=late), [], CREDENTIAL)))
    assert "2022年7月5日" in said
    assert "5July2022" in said


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    there = builtins.__import__

    def lacking(name: str, *rest: Any) -> Any:
        if name.split(".")[0] == "fpdf":
            raise ModuleNotFoundError("No module named 'fpdf'", name="fpdf")
        return there(name, *rest)

    for module in [each for each in sys.modules if each.startswith("credentials.paper.") and "errors" not in each]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(builtins, "__import__", lacking)
    with pytest.raises(paper.PaperNotInstalled, match=r"pip install 'pointsbank\[certificates\]'") as raised:
        paper.pdf(POINTS, [], CREDENTIAL)
    assert raised.value.status == 503
