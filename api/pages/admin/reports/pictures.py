"""Each report as charts, with what is read to who does not see them."""

from collections.abc import Mapping, Sequence

from flask_babel import gettext as _

from api.pages.admin.reports import charts, words
from api.pages.admin.reports.charts import Bar, Box, Cell, Line
from api.pages.admin.reports.choice import Choice
from api.pages.admin.reports.drawing import HUES, Chart, hue
from pointsbank.leaderboards.boards import Unit
from pointsbank.reports.distribution import Distribution
from pointsbank.reports.givers import Giver, Giving
from pointsbank.reports.happenings import Happening
from pointsbank.reports.over_time import OverTime, Series
from pointsbank.reports.participation import Participation
from pointsbank.reports.selection import Named

MOST_SERIES = HUES
"""That a chart shows one by one; what is beyond is shown together."""
MOST_ROWS = 30
"""Of a chart with a row for each."""
MOST_TEAMS = 12
"""Of the matrix of givers; those with most."""


def name_of(series: Series, choice: Choice) -> str:
    if series.key is not None:
        return series.name
    return str(_("Without a team") if choice.by == "team" else _("Without a course"))


def shown(over: OverTime, choice: Choice) -> list[tuple[str, Series, int]]:
    """(what it is called, the series, its colour): the largest ones, and the rest together in colour 0."""
    there = [each for each in over.series if any(each.amounts) or each.key is not None]
    first = there if len(there) <= MOST_SERIES else there[: MOST_SERIES - 1]
    everybody = there if len(there) <= HUES else first  # colours stay, whatever is chosen, if there are enough
    keys = sorted(each.key for each in everybody if each.key is not None)
    found = [(name_of(each, choice), each, _colour(keys, each.key)) for each in first]
    rest = there[len(first) :]
    if rest:
        together = tuple(sum(amounts) for amounts in zip(*(each.amounts for each in rest), strict=True))
        found.append((str(_("%(count)s others", count=len(rest))), Series(None, "", together), 0))
    return found


def _colour(keys: Sequence[str], key: str | None) -> int:
    return 0 if key is None else keys.index(key) % HUES + 1


def over_time(over: OverTime, choice: Choice) -> Chart:
    unit = choice.unit
    steps = [words.step(start, over.step) for start in over.starts]
    series = [
        Line(
            f"{name}  {words.amount(each.total, unit)}",
            hue(colour),
            [words.figure(amount, unit) for amount in (each.running if choice.is_running else each.amounts)],
        )
        for name, each, colour in shown(over, choice)
    ]
    says = _(
        "%(unit)s over time; in all: %(series)s",
        unit=words.unit_name(unit),
        series="; ".join(each.label for each in series),
    )
    return charts.lines(says, series, steps) if choice.is_running else charts.columns(says, series, steps)


def histogram(found: Distribution, unit: Unit) -> Chart:
    edges = [(words.figure(each.least, unit), words.figure(each.below, unit), each.learners) for each in found.bins]
    middle = found.overall.median
    label = _("Median %(amount)s", amount=words.amount(middle, unit))
    fullest = max(found.bins, key=lambda each: each.learners)
    says = _(
        "How many learners have how much: most of them, %(learners)s, have %(least)s to %(below)s. %(median)s.",
        learners=fullest.learners,
        least=words.amount(fullest.least, unit),
        below=words.amount(fullest.below, unit),
        median=label,
    )
    return charts.histogram(says, edges, words.figure(middle, unit), label)


def boxes(found: Distribution, unit: Unit) -> Chart:
    rows = [
        Box(
            each.name or _("Without a team"),
            (
                words.figure(each.least, unit),
                words.figure(each.lower, unit),
                words.figure(each.median, unit),
                words.figure(each.upper, unit),
                words.figure(each.most, unit),
            ),
            words.amount(each.median, unit),
        )
        for each in found.teams[:MOST_ROWS]
    ]
    says = _(
        "The middle half of each team, with the median: %(teams)s",
        teams="; ".join(f"{each.name} {each.label}" for each in rows),
    )
    return charts.boxes(says, rows)


def departments(found: Participation) -> Chart:
    rows = [
        Bar(
            each.name or _("No department"),
            each.share,
            _(
                "%(share)s · %(part)s of %(all)s",
                share=words.percent(each.share),
                part=each.taking_part,
                all=each.learners,
            ),
            hue(4),
        )
        for each in found.departments[:MOST_ROWS]
    ]
    says = _("Who takes part: %(rows)s", rows="; ".join(f"{each.name} {each.label}" for each in rows))
    return charts.bars(says, rows, most=1)


def months(found: Participation) -> Chart:
    """What part of each department was active in each month."""
    there = found.departments[:MOST_ROWS]
    names = charts.distinct(each.name or _("No department") for each in there)
    across = charts.distinct(words.step(month, "month") for month in found.months)
    cells = []
    for name, each in zip(names, there, strict=True):
        for month, column in zip(found.months, across, strict=True):
            part = each.active.get(month, 0) / max(1, each.learners)
            cells.append(Cell(name, column, part, words.percent(part)))
    return charts.heat(_("What part of each department earned something, month by month"), names, across, cells, hue(4))


def matrix_teams(found: Giving) -> list[Named]:
    """Those that got most, in their order."""
    got = {
        each.no: sum(giver.teams[each.no].flowers for giver in found.givers if each.no in giver.teams)
        for each in found.teams
    }
    most = sorted(found.teams, key=lambda each: -got[each.no])[:MOST_TEAMS]
    return [each for each in found.teams if each in most]


def matrix_givers(found: Giving) -> list[Giver]:
    return [each for each in found.givers if each.flowers][:MOST_ROWS]


def matrix_is_marked(found: Giving) -> bool:
    """Whether any cell of it has a line around it."""
    cells = [giver.teams.get(team.no) for giver in matrix_givers(found) for team in matrix_teams(found)]
    return any(cell is not None and cell.flowers > 0 and cell.is_rare for cell in cells)


def matrix(found: Giving) -> Chart:
    teams, givers = matrix_teams(found), matrix_givers(found)
    names = charts.distinct(each.awarder.name for each in givers)
    across = charts.distinct(each.name for each in teams)
    cells = []
    most = max((cell.flowers / giver.flowers for giver in givers for cell in giver.teams.values()), default=1)
    for name, giver in zip(names, givers, strict=True):
        for team, column in zip(teams, across, strict=True):
            cell = giver.teams.get(team.no)
            if cell is not None and cell.flowers > 0:
                cells.append(Cell(name, column, cell.flowers / giver.flowers / most, str(cell.flowers), cell.is_rare))
    return charts.heat(_("How many flowers each giver gave to each team"), names, across, cells)


def receivers(giver: Giver) -> Chart:
    rows = [Bar(each.name, each.flowers, f"{each.flowers}", hue(1)) for each in giver.receivers]
    says = _(
        "Who got most from %(giver)s: %(rows)s",
        giver=giver.awarder.name,
        rows="; ".join(f"{each.name} {each.label}" for each in rows),
    )
    return charts.bars(says, rows)


def events(found: Sequence[Happening], names: Mapping[str, str]) -> Chart:
    rows = [
        Bar(words.kind(names, each.kind), each.events, words.amount(each.events, "flowers"), hue(1))
        for each in found[:MOST_ROWS]
    ]
    says = _("How often: %(rows)s", rows="; ".join(f"{each.name} {each.label}" for each in rows))
    return charts.bars(says, rows)


def event_months(found: Sequence[Happening], names: Mapping[str, str]) -> Chart:
    there = found[:MOST_ROWS]
    own = charts.distinct(words.kind(names, each.kind) for each in there)
    starts = sorted({month for each in there for month in each.months})
    across = charts.distinct(words.step(month, "month") for month in starts)
    cells = []
    for name, each in zip(own, there, strict=True):
        most = max(each.months.values(), default=1)
        for month, column in zip(starts, across, strict=True):
            if count := each.months.get(month, 0):
                cells.append(Cell(name, column, count / most, str(count)))
    return charts.heat(_("How often in each month; each row against its own fullest month"), own, across, cells)
