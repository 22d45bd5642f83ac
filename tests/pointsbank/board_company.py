"""A company for tests of boards: its directory, and what is booked, also as the tests remember it."""

import itertools
import secrets
from datetime import datetime
from zoneinfo import ZoneInfo

from ledger.accounts import CREDITS, ISSUANCE, holding
from ledger.journal import Booked, Draft, Transfer, post
from ledger.terms import intern
from pointsbank.directory import learners
from pointsbank.leaderboards.boards import parse
from pointsbank.leaderboards.frame import of_scope
from pointsbank.leaderboards.projection import project
from pointsbank.leaderboards.standings import standings

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2021, 10, 20, 12, tzinfo=SHANGHAI)  # a Wednesday
START = datetime(2021, 7, 1, tzinfo=SHANGHAI)
P, SERVICE, NETWORK = "programme:2021", "course:2021/service", "course:2021/network"
DIRECTORY = """
INSERT INTO companies (company_id, key, name, timezone, credits_scale)
VALUES (%(company)s, 'c' || %(company)s, '公司', 'Asia/Shanghai', 2);
INSERT INTO journals (company_id) VALUES (%(company)s);
INSERT INTO units VALUES (%(company)s, 0, 'credits'), (%(company)s, 1, 'flowers:service'),
                         (%(company)s, 2, 'flowers:network'), (%(company)s, 3, 'flowers:other');
INSERT INTO programmes (company_id, no, key, name, starts_on, ends_on, timezone)
VALUES (%(company)s, 1, '2021', '2021', '2021-07-01', '2022-06-30', 'Asia/Shanghai'),
       (%(company)s, 2, '2022', '2022', '2021-07-01', '2022-06-30', 'Asia/Shanghai');
INSERT INTO courses (company_id, no, programme, key, name, kind, unit, flowers, opens_on, closes_on)
VALUES (%(company)s, 1, 1, 'service', 'Service', 'structured', 1, 1000, '2021-07-01', '2022-06-30'),
       (%(company)s, 2, 1, 'network', 'Network', 'practical', 2, 1000, '2021-07-01', '2022-06-30'),
       (%(company)s, 3, 2, 'other', 'Other', 'practical', 3, 1000, '2021-07-01', '2022-06-30');
INSERT INTO teams VALUES (%(company)s, 1, 1, 'red', '红队'), (%(company)s, 2, 1, 'blue', '蓝队'),
                         (%(company)s, 3, 1, 'empty', '空队');
INSERT INTO learners (company_id, no, key, name)
SELECT %(company)s, n, chr(96 + n), 'Learner ' || chr(96 + n) FROM generate_series(1, 6) AS n;
INSERT INTO enrolments (company_id, programme, learner, from_at)
SELECT %(company)s, 1, n, '2021-07-01T00:00:00+08:00' FROM generate_series(1, 5) AS n;
INSERT INTO enrolments VALUES (%(company)s, 2, 6, '2021-07-01T00:00:00+08:00'),
                              (%(company)s, 2, 1, '2021-07-01T00:00:00+08:00');
"""


def at(text):
    """`10-18 09:30` of 2021 in the company's time zone."""
    return datetime.strptime(f"2021-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=SHANGHAI)


class Company:
    """Six learners a to f; a to e in programme 2021, a and f in 2022; teams red, blue and empty in 2021."""

    def __init__(self, database):
        self.database = database
        self.id = secrets.randbelow(2**60 - 1) + 1
        self.keys = itertools.count()
        self.booked = []  # (learner, unit, signed amount, occurred_at, number, programme, course)
        self.stays = []  # (learner, team, from_at, until_at)
        self.leavers = {}  # the last day of who has left the company
        with database.transaction(self.id) as session:
            for statement in DIRECTORY.split(";\n")[:-1]:
                session.sql(statement)
            self.term = intern(session, ["lms"])["lms"]

    def book(self, learner, amount, when, unit=CREDITS, programme=1, course=None, awarder=None):
        """Awards, or with a negative amount takes back."""
        return self.book_many([learner], amount, when, unit, programme, course, awarder)

    def book_many(self, learners, amount, when, unit=CREDITS, programme=1, course=None, awarder=None):
        numbers = [ord(learner) - 96 for learner in learners]
        sign = 1 if amount > 0 else -1
        transfers = [
            Transfer(unit, ISSUANCE, holding(n), amount, n, 1)
            if amount > 0
            else Transfer(unit, holding(n), ISSUANCE, -amount, n, -1)
            for n in numbers
        ]
        only = numbers[0] if len(numbers) == 1 else None
        draft = Draft(
            self.term, f"k{next(self.keys)}", self.term, 0, when, transfers, programme, course, only, awarder=awarder
        )
        with self.database.transaction(self.id) as session:
            (outcome,) = post(session, [draft])
        if isinstance(outcome, Booked):
            self.booked += [(n, unit, sign * abs(amount), when, outcome.number, programme, course) for n in numbers]
        return outcome

    def convert(self, learner, amount, when):
        n = ord(learner) - 96
        draft = Draft(
            self.term,
            f"k{next(self.keys)}",
            self.term,
            0,
            when,
            [Transfer(CREDITS, ISSUANCE, holding(n), amount, n)],
            1,
        )
        with self.database.transaction(self.id) as session:
            post(session, [draft])

    def join(self, learner, team, from_at=START, until_at=None):
        stay = (ord(learner) - 96, {"red": 1, "blue": 2, "empty": 3}[team], from_at, until_at)
        self.stays.append(stay)
        with self.database.transaction(self.id) as session:
            session.sql(
                """INSERT INTO memberships (company_id, programme, learner, from_at, until_at, team)
                   VALUES (%(company)s, 1, %(learner)s, %(from_at)s, %(until_at)s, %(team)s)""",
                dict(zip(("learner", "team", "from_at", "until_at"), stay, strict=True)),
            )

    def leave(self, learner, left_on):
        with self.database.transaction(self.id) as session:
            learners.put(session, learners.Learner(learner, f"Learner {learner}", left_on=left_on))
        self.leavers[ord(learner) - 96] = left_on

    def standings(self, now=NOW, limit=10, offset=0, around=None, **query):
        with self.database.snapshot(self.id) as session:
            return standings(session, parse(query), limit, offset, around, now)

    def rows(self, **query):
        return [(row.rank, row.member, row.score) for row in self.standings(**query).rows]

    def cached(self, store, query, now=NOW):
        """The board made in Redis, and its frame."""
        board = parse(query)
        with self.database.snapshot(self.id) as session:
            frame = of_scope(session, board.scope, board.unit, board.members).of_period(board.period, SHANGHAI, now)
        store.want(self.id, frame)
        assert project(self.database, store, self.id, now)
        return frame
