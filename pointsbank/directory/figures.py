"""How much there is of everything in a programme, and where its credits and flowers are: read from accounts and the
directory, without looking at entries one by one."""

from dataclasses import dataclass

from ledger.accounts import CREDITS, ISSUANCE, AccountClass, allowance, holding, pool_of_course, pool_of_programme
from pointsbank.database import Session
from pointsbank.directory import enrolments, pools
from pointsbank.directory.programmes import Programme


@dataclass(frozen=True, slots=True)
class Flowers:
    """Of a course: what was put into its pool in all, what of it is there still, and what awarders have left. What
    else there is was handed out, less what was taken back."""

    allotted: int
    in_pool: int
    with_awarders: int

    @property
    def handed_out(self) -> int:
        return self.allotted - self.in_pool - self.with_awarders


@dataclass(frozen=True, slots=True)
class Figures:
    """`credits_left` is None for a programme without limit; `flowers` are by the key of the course."""

    learners: int
    without_team: int
    teams: int
    awarders: int
    credits_given: int
    credits_left: int | None
    flowers: dict[str, Flowers]

    @property
    def all_flowers(self) -> Flowers:
        every = self.flowers.values()
        return Flowers(
            sum(each.allotted for each in every),
            sum(each.in_pool for each in every),
            sum(each.with_awarders for each in every),
        )


def of_programme(session: Session, programme: Programme) -> Figures:
    """As things are now; memberships when the programme begins, if that has yet to come."""
    row = session.sql(
        """SELECT (SELECT count(*) FROM enrolments
                    WHERE company_id = %(company)s AND programme = %(programme)s) AS learners,
                  (SELECT count(*) FROM enrolments AS e
                    WHERE e.company_id = %(company)s AND e.programme = %(programme)s
                      AND NOT EXISTS (SELECT FROM memberships AS m
                                       WHERE m.company_id = %(company)s AND m.programme = %(programme)s
                                         AND m.learner = e.learner AND m.from_at <= %(at)s
                                         AND (m.until_at IS NULL OR m.until_at > %(at)s))) AS without_team,
                  (SELECT count(*) FROM teams
                    WHERE company_id = %(company)s AND programme = %(programme)s) AS teams,
                  (SELECT count(*) FROM awarders
                    WHERE company_id = %(company)s AND programme = %(programme)s) AS awarders""",
        {"programme": programme.no, "at": enrolments.present(programme)},
    ).fetchone()
    assert row is not None, "a SELECT without FROM has one row"
    given, left = _credits(session, programme)
    return Figures(
        learners=row.learners,
        without_team=row.without_team,
        teams=row.teams,
        awarders=row.awarders,
        credits_given=given,
        credits_left=left,
        flowers=of_flowers(session, programme),
    )


def of_flowers(session: Session, programme: Programme) -> dict[str, Flowers]:
    """By the key of the course."""
    rows = session.sql(
        """SELECT c.key, c.flowers, coalesce(p.credits - p.debits, 0) AS in_pool,
                  coalesce(w.amount, 0)::bigint AS with_awarders
             FROM courses AS c
             LEFT JOIN accounts AS p ON p.company_id = %(company)s AND p.id = %(pools)s + c.no AND p.unit = c.unit
             LEFT JOIN (SELECT unit, sum(credits - debits) AS amount FROM accounts
                         WHERE company_id = %(company)s AND id >= %(first)s AND id < %(end)s
                         GROUP BY unit) AS w ON w.unit = c.unit
            WHERE c.company_id = %(company)s AND c.programme = %(programme)s ORDER BY c.key""",
        {
            "programme": programme.no,
            "pools": pool_of_course(0),
            "first": allowance(0),
            "end": holding(0),
        },
    )
    return {key: Flowers(allotted, in_pool, with_awarders) for key, allotted, in_pool, with_awarders in rows}


def learners_by_programme(session: Session) -> dict[int, int]:
    """How many take part in each programme, by its number; one without learners is absent."""
    rows = session.sql(
        "SELECT programme, count(*) FROM enrolments WHERE company_id = %(company)s GROUP BY programme"
    ).fetchall()
    return dict(rows)


def _credits(session: Session, programme: Programme) -> tuple[int, int | None]:
    """Given, less what was taken back, and left. Without limit there is no pool to read it from: its entries are
    summed up."""
    if programme.allotment is not None:
        pool = (pool_of_programme(programme.no), CREDITS)
        left = pools.balances(session, [pool])[pool]
        return programme.allotment - left, left
    # As in `rules.closing`: without statistics yet, all transfers would be read again for each entry.
    session.sql("SET LOCAL enable_nestloop = off")
    row = session.sql(
        """SELECT coalesce(sum(CASE WHEN t.debit = %(issuance)s THEN t.amount ELSE -t.amount END), 0)::bigint AS given
             FROM entries AS e
             JOIN transfers AS t ON t.company_id = %(company)s AND t.number = e.number
            WHERE e.company_id = %(company)s AND e.programme = %(programme)s AND t.unit = %(credits)s
              AND (t.debit = %(issuance)s AND t.credit >> 32 = %(holding)s
                   OR t.credit = %(issuance)s AND t.debit >> 32 = %(holding)s)""",
        {
            "programme": programme.no,
            "credits": CREDITS,
            "issuance": ISSUANCE,
            "holding": int(AccountClass.HOLDING),
        },
    ).fetchone()
    session.sql("SET LOCAL enable_nestloop = on")
    assert row is not None, "an aggregate has one row"
    return int(row.given), None
