"""The credits that a certificate speaks of: what each rule gave a learner in a programme, and what else did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ledger.accounts import CREDITS
from pointsbank.database import Session
from pointsbank.matches import settling
from rules import awards, closing
from rules.as_of import AsOf

AWARDS, CONVERSION, PRIZES, OTHER = "awards", "conversion", "prizes", "other"

NAMES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        AWARDS: {"zh": "讲师与导师奖励", "en": "Awards by hand"},
        CONVERSION: {"zh": "小红花兑换", "en": "Red flowers converted"},
        PRIZES: {"zh": "小组竞赛奖励", "en": "Prizes of matches"},
        OTHER: {"zh": "其他", "en": "Other"},
    }
)
"""Of what no earning rule gave."""


@dataclass(frozen=True, slots=True)
class Sum:
    """`amount` is in the smallest part, negative if more was taken than given. `rule`: whether an earning rule gave it,
    whose key is `key` then; else `key` is one of `NAMES`."""

    key: str
    rule: bool
    amount: int


def of(session: Session, programme: int, learners: Sequence[int], as_of: AsOf) -> dict[int, list[Sum]]:
    """What makes up each learner's credits in the programme, rules first; they add up to the fact `credits`.

    What a reversal takes back is taken from what it reverses.
    """
    found: dict[int, list[Sum]] = {learner: [] for learner in learners}
    rows = session.sql(
        _SUMS,
        {
            "programme": programme,
            "learners": list(learners),
            "cut_off": as_of.cut_off,
            "number": as_of.number,
            "unit": CREDITS,
        },
    )
    for row in rows:
        found[row.learner].append(Sum(row.key, row.by_rule, row.amount))
    return found


# The kind of a reversal is that of what it reverses.
_SUMS = f"""
SELECT learner, by_rule, key, sum(amount)::bigint AS amount
  FROM (SELECT t.learner, t.rule IS NOT NULL AS by_rule,
               CASE WHEN t.credit >> 32 = 4 THEN t.amount ELSE -t.amount END AS amount,
               coalesce((SELECT term FROM terms WHERE company_id = %(company)s AND no = t.rule),
                        CASE (SELECT term FROM terms WHERE company_id = %(company)s AND no = coalesce(o.kind, e.kind))
                             WHEN '{awards.KIND}' THEN '{AWARDS}'
                             WHEN '{closing.KIND}' THEN '{CONVERSION}'
                             WHEN '{settling.PRIZE_KIND}' THEN '{PRIZES}' ELSE '{OTHER}' END) AS key
          FROM transfers AS t
          JOIN entries AS e ON e.company_id = %(company)s AND e.number = t.number
          LEFT JOIN entries AS o ON o.company_id = %(company)s AND o.number = e.reverses
         WHERE t.company_id = %(company)s AND t.learner = ANY (%(learners)s::integer[]) AND t.unit = %(unit)s
           AND t.number <= %(number)s AND t.occurred_at < %(cut_off)s AND e.programme = %(programme)s) AS moved
 GROUP BY learner, by_rule, key
HAVING sum(amount) <> 0
 ORDER BY learner, by_rule DESC, sum(amount) DESC, key
"""  # noqa: S608 - constants
