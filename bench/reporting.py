"""Reports over everything, against bare SQL that adds up the same transfers without their entries."""

import statistics
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from bench import eligibility
from bench.ground import BATCH, LEARNERS, Ground
from ledger import terms
from ledger.accounts import ISSUANCE, holding
from ledger.journal import Transfer
from pointsbank.directory import awarders, courses, learners, programmes
from pointsbank.reports.distribution import distribution
from pointsbank.reports.givers import giving
from pointsbank.reports.happenings import happenings
from pointsbank.reports.over_time import over_time
from pointsbank.reports.participation import participation
from pointsbank.reports.selection import Selection

COURSES, AWARDERS, DEPARTMENTS = 8, 40, 12
FLOWERS_EVERY = 4
"""One in so many entries gives flowers by hand, the others credits by a rule."""
READS = 3
BARE = """
SELECT unit, count(*), sum(amount * earning) FROM transfers
 WHERE company_id = %(company)s AND earning <> 0 GROUP BY unit"""


class Measured(NamedTuple):
    name: str
    seconds: float


def fill(ground: Ground, transfers: int, progress: Callable[[int], None]) -> None:
    """Teams, departments, courses and awarders, and so many transfers."""
    eligibility.put_teams(ground)
    with ground.database.transaction(ground.company_id) as session:
        programme = programmes.get(session, "2021")
        for number in range(COURSES):
            courses.put(session, programme.key, f"c{number}", name=f"课程{number}", kind="structured", flowers=1)
        for number in range(AWARDERS):
            awarders.put(session, "2021", f"a{number}", name=f"讲师{number}", role="trainer")
        everyone = [
            learners.Learner(f"2021{number:05d}", f"学员{number}", department=f"部门{number % DEPARTMENTS}")
            for number in range(LEARNERS)
        ]
        learners.put_batch(session, everyone)
        given = list(courses.find_all(session, programme).values())
        kind = terms.intern(session, ["award.given"])["award.given"]
    for booked in range(0, transfers, BATCH):
        drafts = ground.drafts()
        for place, draft in enumerate(drafts):
            course = given[place % COURSES]
            draft.course = course.no
            if place % FLOWERS_EVERY == 0:
                no = draft.learner or 0
                draft.kind, draft.awarder = kind, 1 + place % AWARDERS
                draft.transfers = [Transfer(course.unit, ISSUANCE, holding(no), 1 + place % 3, no, 1)]
        ground.post(drafts)
        progress(booked + BATCH)


def measure(ground: Ground) -> Iterator[Measured]:
    """Median seconds, the bare SQL first."""
    with ground.database.snapshot(ground.company_id) as session:
        selection = Selection(programmes.get(session, "2021"))
        reads: dict[str, Callable[[], object]] = {
            "bare SQL": lambda: session.sql(BARE).fetchall(),
            "credits by team and week": lambda: over_time(session, selection, "credits", "team", "week"),
            "flowers by course": lambda: over_time(session, selection, "flowers", "course", "month"),
            "distribution of credits": lambda: distribution(session, selection, "credits"),
            "participation": lambda: participation(session, selection, 30),
            "givers": lambda: giving(session, selection),
            "events by type": lambda: happenings(session, selection),
        }
        for name, read in reads.items():
            yield Measured(name, _median(read))


def _median(read: Callable[[], object]) -> float:
    times = []
    for _ in range(READS):
        began = time.perf_counter()
        read()
        times.append(time.perf_counter() - began)
    return statistics.median(times)
