"""The points certificate (积分证): upright, red and gold, the credits in the middle."""

from credentials.content import Content
from credentials.paper import design, wording
from credentials.paper.certificates import parts
from credentials.paper.curves import placed
from credentials.paper.design import POINTS
from credentials.paper.fonts import SANS
from credentials.paper.sheet import POINTS_PER_MM, Sheet

_WIDTH, _EDGE, _RADIUS = 142.0, 30.0, 25.0


def draw(sheet: Sheet, content: Content) -> None:
    parts.begin(sheet, POINTS, landscape=False)
    middle = sheet.w / 2
    parts.heading(sheet, content, POINTS, top=40, width=_WIDTH, size=42)
    parts.holder(sheet, content, POINTS, top=95, width=_WIDTH, room=20)
    x, y = sheet.point(middle, 180)
    sheet.ornament(placed(x, y, design.medallion(_RADIUS * POINTS_PER_MM, POINTS)))
    sheet.block(content.credits, middle, 177.5, _RADIUS * 1.02, 12, 30, POINTS.ink, weight=0.4)
    sheet.say(wording.both(wording.CREDITS), middle, 188.5, 7, POINTS.quiet, font=SANS, align="centre")
    parts.facts(sheet, content, POINTS, top=218, width=_WIDTH)
    parts.verification(sheet, content, POINTS, left=_EDGE, bottom=267, width=98)
    parts.issuer(sheet, content, POINTS, right=sheet.w - _EDGE, bottom=267, width=52)
