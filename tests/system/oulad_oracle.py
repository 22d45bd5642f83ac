"""What the points bank must make of the OULAD tables, computed by SQLite from the CSV files alone.

It shares no code with the service or the example. Credits are integers, hundredths of a credit.
"""

import csv
import sqlite3
from dataclasses import dataclass
from pathlib import Path

TABLES = ("courses", "assessments", "studentInfo", "studentAssessment")

# One row for each result. Weights such as 12.5 give half hundredths, which are rounded up.
RESULTS = """
create table results as
select r.id_student as learner, r.rowid as place, cast(r.date_submitted as integer) as day,
       case when r.score <> ''
            then cast(floor(cast(a.weight as real) * cast(r.score as real) + 0.5) as integer)
            else 0 end as credits,
       case when r.score = '' or a.date = '' then 0
            when cast(r.date_submitted as integer) > cast(a.date as integer) - 1 then 0
            when cast(r.score as real) >= 95 then 2
            when cast(r.score as real) >= 80 then 1
            else 0 end as flowers
from studentAssessment r join assessments a using (id_assessment)
"""

LEARNERS = """
create table learners as
select i.id_student as learner, i.region as team,
       coalesce(sum(r.credits), 0) as credits, coalesce(sum(r.flowers), 0) as flowers
from studentInfo i left join results r on r.learner = i.id_student
group by i.id_student, i.region
"""

# Among equals stands first who reached the score first: with the last result that counted, by its day, then by its
# place in the file, which is the order of posting. Who has nothing has reached nothing.
RANKED = """
with reached as (
    select learner, max(day * 1000000 + place) as last from results where {unit} > 0 group by learner
)
select learner, rank() over (order by {unit} desc) as place, {unit}
from learners left join reached using (learner)
order by {unit} desc, case when {unit} > 0 then last end, learner
"""
TEAM_ORDER = """
with reached as (
    select i.region as team, max(r.day * 1000000 + r.place) as last
    from results r join studentInfo i on i.id_student = r.learner where r.credits > 0 group by i.region
)
select team from ({teams}) join reached using (team) order by {by} desc, last
"""

# The mean has two decimals, in hundredths of the smallest part of a credit, halves away from zero.
TEAMS = """
select team, sum(credits) as credits, (200 * sum(credits) + count(*)) / (2 * count(*)) as mean_hundredths
from learners group by team order by credits desc
"""

# The average of a course, weighted, out of 100: exams are left out, and what was not handed in counts 0.
AVERAGES = """
with part as (select id_assessment, cast(weight as real) as weight from assessments where assessment_type <> 'Exam')
select i.id_student as learner,
       coalesce(sum(p.weight * cast(r.score as real)), 0) / (select sum(weight) from part) as average,
       count(p.id_assessment) filter (where cast(r.score as real) > 0) as results
from studentInfo i
left join studentAssessment r on r.id_student = i.id_student
left join part p using (id_assessment)
group by i.id_student
"""
SHORTFALLS = f"""
select learner, case when average >= :least then '' else printf('%.2f', :least - average) end, results
from ({AVERAGES})
"""


@dataclass(frozen=True)
class Team:
    credits: int
    mean: str


@dataclass(frozen=True)
class Expected:
    """`credits` and `flowers` are each learner's rank and sum, in the order of the board; those with nothing are
    among them. `team_orders` are the names by sum and by mean."""

    posted: int
    booked: int
    credits: dict[str, tuple[int, int]]
    flowers: dict[str, tuple[int, int]]
    teams: dict[str, Team]
    team_orders: tuple[list[str], list[str]]


def compute(folder: Path) -> Expected:
    """The figures for a folder that holds one presentation."""
    database = sqlite3.connect(":memory:")
    try:
        for table in TABLES:
            _load(database, folder, table)
        database.execute(RESULTS)
        database.execute(LEARNERS)
        posted, booked = database.execute(
            "select count(*), count(*) filter (where credits > 0 or flowers > 0) from results"
        ).fetchone()
        return Expected(
            posted=posted,
            booked=booked,
            credits=_ranked(database, "credits"),
            flowers=_ranked(database, "flowers"),
            teams={
                team: Team(credits, f"{mean // 100}.{mean % 100:02d}")
                for team, credits, mean in database.execute(TEAMS)
            },
            team_orders=(_team_order(database, "credits"), _team_order(database, "mean_hundredths")),
        )
    finally:
        database.close()


def shortfalls(folder: Path, least: int) -> dict[str, tuple[str, int]]:
    """What each learner's average lacks of `least`, with two decimals, or "" if nothing; and the results it is of."""
    database = sqlite3.connect(":memory:")
    try:
        for table in TABLES:
            _load(database, folder, table)
        return {learner: (short, results) for learner, short, results in database.execute(SHORTFALLS, {"least": least})}
    finally:
        database.close()


def _load(database: sqlite3.Connection, folder: Path, table: str) -> None:
    with open(folder / f"{table}.csv", encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        columns = next(rows)
        database.execute(f"create table {table} ({', '.join(columns)})")
        database.executemany(f"insert into {table} values ({', '.join('?' * len(columns))})", rows)


def _ranked(database: sqlite3.Connection, unit: str) -> dict[str, tuple[int, int]]:
    return {learner: (place, amount) for learner, place, amount in database.execute(RANKED.format(unit=unit))}


def _team_order(database: sqlite3.Connection, by: str) -> list[str]:
    teams = TEAMS.partition(" order by")[0]
    return [team for (team,) in database.execute(TEAM_ORDER.format(teams=teams, by=by))]
