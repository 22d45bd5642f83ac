"""What both designs are made of."""

from credentials.content import Content
from credentials.paper import design, wording
from credentials.paper.curves import placed
from credentials.paper.design import Palette
from credentials.paper.fonts import SANS
from credentials.paper.sheet import POINTS_PER_MM, Sheet

_LABEL_SIZE, _VALUE_SIZE, _SECOND_SIZE = 7.0, 11.5, 7.5


def begin(sheet: Sheet, palette: Palette, landscape: bool) -> None:
    sheet.add_page(orientation="landscape" if landscape else "portrait")
    sheet.ornament(design.background(sheet.w, sheet.h, palette))


def heading(sheet: Sheet, content: Content, palette: Palette, top: float, width: float, size: float) -> None:
    """Company, title in both languages and a divider, `top` being where the company's name is."""
    middle = sheet.w / 2
    sheet.block(content.company_name, middle, top, width, 9, 14, palette.text, spacing=3)
    sheet.block(
        content.name["zh"], middle, top + 18, width, 19, size, palette.ink, spacing=size * 0.22, weight=0.9, tag="H1"
    )
    sheet.block(content.name["en"], middle, top + 32.5, width, 8, 13, palette.quiet, spacing=1.1)
    x, y = sheet.point(middle, top + 39.5)
    sheet.ornament(placed(x, y, design.divider(150, palette.line)))


def holder(sheet: Sheet, content: Content, palette: Palette, top: float, width: float, room: float) -> None:
    """The holder's name, large, and why the certificate is given. `room` is the height of the name's box."""
    middle = sheet.w / 2
    sheet.say(wording.CERTIFY, middle, top, 9, palette.quiet, align="centre")
    centre = top + 3 + room / 2
    sheet.block(content.learner_name, middle, centre, width, room, 34, palette.text, spacing=5, weight=0.35, tag="H2")
    y = top + room + 5.5
    sheet.rule(middle - width * 0.29, y, middle + width * 0.29, y, palette.line, 0.6)
    zh, en = wording.sentence(content)
    sheet.block(zh, middle, y + 10.5, width, 14, 12, palette.text)
    sheet.block(en, middle, y + 23, width, 9, 9.5, palette.quiet)


def facts(sheet: Sheet, content: Content, palette: Palette, top: float, width: float) -> None:
    """Side by side, with hairlines between; the label above its value, and the value in English below if it differs."""
    found = wording.facts(content)
    step = width / len(found)
    for index, fact in enumerate(found):
        x = sheet.w / 2 - width / 2 + step * (index + 0.5)
        if index:
            sheet.rule(x - step / 2, top - 2, x - step / 2, top + 15, palette.line, 0.4)
        sheet.say(wording.both(fact.label), x, top, _LABEL_SIZE, palette.quiet, font=SANS, align="centre")
        if fact.zh == fact.en:
            sheet.block(fact.zh, x, top + 7.6, step - 4, 11, _VALUE_SIZE, palette.text)
        else:
            sheet.block(fact.zh, x, top + 6.6, step - 4, 7, _VALUE_SIZE, palette.text)
            sheet.block(fact.en, x, top + 12.6, step - 4, 4, _SECOND_SIZE, palette.quiet)


def verification(sheet: Sheet, content: Content, palette: Palette, left: float, bottom: float, width: float) -> None:
    """The code to scan, `bottom` being its lower edge, and beside it the number and how to verify."""
    side = 25.0
    x, y = sheet.point(left, bottom)
    sheet.picture(design.code(content.verify_url, x, y, side * POINTS_PER_MM, palette.text), content.verify_url)
    sheet.link(x=left, y=bottom - side, w=side, h=side, link=content.verify_url)
    x, top = left + side + 4, bottom - side
    width -= side + 4
    sheet.say(wording.both(wording.NUMBER), x, top + 2.6, _LABEL_SIZE, palette.quiet, font=SANS)
    sheet.block(content.number, x, top + 6.6, width, 6, 11, palette.text, align="left")
    sheet.say(wording.VERIFY[0], x, top + 12.6, 7.5, palette.text, font=SANS)
    sheet.say(wording.VERIFY[1], x, top + 16.2, 6.5, palette.quiet, font=SANS)
    sheet.block(content.verify_url, x, top + 21.6, width, 7, 6.5, palette.accent, font=SANS, align="left")


def issuer(sheet: Sheet, content: Content, palette: Palette, right: float, bottom: float, width: float) -> None:
    """Who gave it and when, as a signature stands: to the right."""
    zh, en = wording.day(content.issued_at, content)
    sheet.say(wording.both(wording.ISSUER), right, bottom - 22.4, _LABEL_SIZE, palette.quiet, font=SANS, align="right")
    sheet.block(content.company_name, right, bottom - 15, width, 9.5, 14, palette.text, align="right")
    sheet.say(zh, right, bottom - 5.2, 10, palette.text, align="right")
    sheet.say(en, right, bottom - 0.6, 7.5, palette.quiet, align="right")
