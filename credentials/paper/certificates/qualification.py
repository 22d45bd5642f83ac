"""The qualification certificate (任职资格证): lying, blue and gold, the level in the medallion."""

from credentials.content import Content
from credentials.paper import design, wording
from credentials.paper.certificates import parts
from credentials.paper.curves import placed
from credentials.paper.design import QUALIFICATION
from credentials.paper.fonts import SANS
from credentials.paper.sheet import POINTS_PER_MM, Sheet

_WIDTH, _EDGE, _RADIUS = 212.0, 30.0, 15.5
_MEDALLION = (12.0, 169.5)
"""To the right of the middle; from the top."""


def draw(sheet: Sheet, content: Content) -> None:
    parts.begin(sheet, QUALIFICATION, landscape=True)
    middle = sheet.w / 2
    parts.heading(sheet, content, QUALIFICATION, top=32, width=_WIDTH, size=34)
    parts.holder(sheet, content, QUALIFICATION, top=79, width=_WIDTH * 0.84, room=17)
    parts.facts(sheet, content, QUALIFICATION, top=133.5, width=_WIDTH)
    parts.verification(sheet, content, QUALIFICATION, left=_EDGE, bottom=183, width=96)
    x, y = middle + _MEDALLION[0], _MEDALLION[1]
    sheet.ornament(placed(*sheet.point(x, y), design.medallion(_RADIUS * POINTS_PER_MM, QUALIFICATION)))
    if content.level is not None:
        sheet.block(content.level, x, y - 1, _RADIUS, 8, 15, QUALIFICATION.ink, weight=0.3)
        sheet.say(wording.both(wording.LEVEL), x, y + 5.6, 5, QUALIFICATION.quiet, font=SANS, align="centre")
    parts.issuer(sheet, content, QUALIFICATION, right=sheet.w - _EDGE, bottom=183, width=60)
