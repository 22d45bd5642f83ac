"""Who gives flowers to whom: what each awarder handed out, to which teams and learners, and how evenly.

Flowers that rules give or that are a match's prize have no giver. They are counted only in `Giving.by_rules`, so that
all of it adds up to what boards count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pointsbank.database import Session
from pointsbank.reports import selection as selecting
from pointsbank.reports.concentration import chance_of_as_many, gini, share
from pointsbank.reports.selection import STANDS, Named, Selection, population

LEAST_AWARDS = 10
"""Of a giver, before anything is said of whether chance would bring it about."""
RARE = 0.001
"""What chance alone would do less often than this, over all teams or learners that there are, is pointed out."""
RECEIVERS = 20
"""Of one giver that are named."""
ALL_RECEIVERS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Cell:
    """What a giver gave to a team: `awards` counts one to a whole team once. `is_rare`: see `RARE`."""

    flowers: int = 0
    awards: int = 0
    is_rare: bool = False


@dataclass(frozen=True, slots=True)
class Receiver:
    """`awards` are those to this learner alone."""

    key: str
    name: str
    team: str | None
    flowers: int
    awards: int


@dataclass(frozen=True, slots=True)
class Giver:
    """`teams` by their numbers (None: who was in no team); `receivers` have the most first, as many as asked for."""

    awarder: Named
    role: str
    flowers: int
    awards: int
    reached: int
    gini: float
    teams: Mapping[int | None, Cell]
    receivers: Sequence[Receiver]
    top_is_rare: bool

    @property
    def share_of_top(self) -> float:
        return share(self.receivers[0].flowers, self.flowers) if self.receivers else 0.0

    @property
    def is_rare(self) -> bool:
        return self.top_is_rare or any(cell.is_rare for cell in self.teams.values())


@dataclass(frozen=True, slots=True)
class Giving:
    """`givers` with the most flowers first, also who gave none; `learners` is how many could have been given some."""

    givers: list[Giver]
    teams: list[Named]
    learners: int
    by_rules: int

    @property
    def total(self) -> int:
        return sum(each.flowers for each in self.givers) + self.by_rules


@dataclass(slots=True)
class _Handed:
    flowers: int = 0
    awards: int = 0
    teams: dict[int | None, tuple[int, int]] = field(default_factory=dict)
    amounts: list[int] = field(default_factory=list)
    receivers: list[Receiver] = field(default_factory=list)
    most_alone: int = 0
    alone: int = 0


def giving(session: Session, selection: Selection, receivers: int = RECEIVERS) -> Giving:
    """Of the flowers of the courses that are chosen; `receivers` is how many of each are listed."""
    parameters = {**selection.parameters(), "receivers": receivers}
    teams = [selection.team] if selection.team else selecting.teams(session, selection.programme)
    sizes = {row.team: row.people for row in session.sql(_SIZES, parameters)}
    statement = _HANDED.format(earned=selection.earned("flowers", by_team=True, entries=True), stands=STANDS)
    handed: dict[int | None, _Handed] = {}
    for row in session.sql(statement, parameters):
        own = handed.setdefault(row.awarder, _Handed())
        if row.what == "team":
            own.teams[row.team] = (row.flowers, row.awards)
            own.flowers += row.flowers
            own.awards += row.awards
        else:
            own.amounts.append(row.flowers)
            own.alone += row.awards
            own.most_alone = max(own.most_alone, row.awards)
            if row.place <= receivers:
                own.receivers.append(Receiver(row.key, row.name, row.team_name, row.flowers, row.awards))
    by_rules = handed.pop(None, _Handed()).flowers
    everybody = session.sql(_LEARNERS.format(population=population(selection)), parameters).fetchone()
    assert everybody is not None, "a count has a row"
    found = []
    for row in session.sql(_AWARDERS, parameters):
        awarder = Named(row.no, row.key, row.name)
        found.append(_giver(awarder, row.role, handed.get(row.no, _Handed()), sizes, everybody.learners))
    found.sort(key=lambda each: (-each.flowers, each.awarder.name))
    return Giving(found, teams, everybody.learners, by_rules)


def _giver(awarder: Named, role: str, own: _Handed, sizes: Mapping[int, int], learners: int) -> Giver:
    people = sum(sizes.values())
    cells = {
        team: Cell(flowers, awards, _is_rare(own.awards, awards, share(sizes.get(team or 0, 0), people), len(sizes)))
        for team, (flowers, awards) in own.teams.items()
    }
    return Giver(
        awarder,
        role,
        own.flowers,
        own.awards,
        sum(amount > 0 for amount in own.amounts),
        gini(amount for amount in own.amounts if amount > 0),
        cells,
        sorted(own.receivers, key=lambda each: (-each.flowers, each.key)),
        _is_rare(own.alone, own.most_alone, share(1, learners), learners),
    )


def _is_rare(awards: int, to_one: int, even_share: float, ones: int) -> bool:
    """Whether awards handed out without regard to the person would so seldom go so often to any one of them."""
    if awards < LEAST_AWARDS or not 0 < even_share < 1:
        return False
    return chance_of_as_many(awards, to_one, even_share) * ones < RARE


# Rows of two kinds. To a team: what all in it got, and how many awards that were; one to a whole team is one. To a
# learner: what the learner got, and how many awards went to nobody else. Those that were reversed come to nothing in
# flowers, and are not counted as awards.
_HANDED = """
WITH given AS MATERIALIZED (
    SELECT e.awarder, s.team, t.learner, t.number, t.amount * t.earning AS flowers,
           {stands} AS stands,
           e.holders IS NULL AS alone{earned}
), to_learner AS (
    SELECT awarder, learner, sum(flowers)::bigint AS flowers, count(*) FILTER (WHERE stands AND alone) AS awards,
           row_number() OVER (PARTITION BY awarder ORDER BY sum(flowers) DESC, learner) AS place
      FROM given WHERE awarder IS NOT NULL GROUP BY awarder, learner
)
SELECT 'team' AS what, awarder, team, sum(flowers)::bigint AS flowers,
       count(DISTINCT number) FILTER (WHERE stands) AS awards,
       NULL::text AS key, NULL::text AS name, NULL::text AS team_name, 0 AS place
  FROM given GROUP BY awarder, team
UNION ALL
SELECT 'learner', r.awarder, NULL, r.flowers, r.awards, l.key, l.name,
       (SELECT g.name FROM memberships AS m JOIN teams AS g ON g.company_id = %(company)s AND g.no = m.team
         WHERE m.company_id = %(company)s AND m.programme = %(programme)s AND m.learner = r.learner
           AND r.place <= %(receivers)s AND m.from_at < %(end)s AND coalesce(m.until_at, 'infinity') >= %(end)s),
       r.place
  FROM to_learner AS r
  JOIN learners AS l ON l.company_id = %(company)s AND l.no = r.learner"""

_SIZES = """
SELECT team, count(*) AS people FROM memberships
 WHERE company_id = %(company)s AND programme = %(programme)s
   AND from_at < %(end)s AND coalesce(until_at, 'infinity') >= %(end)s
 GROUP BY team"""

_AWARDERS = """
SELECT no, key, name, role FROM awarders WHERE company_id = %(company)s AND programme = %(programme)s"""

_LEARNERS = """
SELECT count(*) AS learners FROM ({population}) AS people WHERE was_there"""
