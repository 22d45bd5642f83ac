"""How each learner's certificates of the programme stand at the cut-off: the last edition of each.

Held is what was issued for this or an earlier cut-off, is not revoked, and is valid at it. A certificate that was
never issued is not found here; `rules.eligibility` then asks whether its own criteria hold.
"""

from collections.abc import Mapping

from rules.explanation import Found
from rules.facts.ground import Ground


def find(ground: Ground) -> Mapping[tuple[str, int], Found]:
    """By the certificate's key in the rulebook and the number of the learner."""
    rows = ground.session.sql(_ISSUED, ground.parameters())
    return {
        (row.rule, row.learner): Found(int(row.state == "held"), [row.entry_number], state=row.state) for row in rows
    }


_ISSUED = """
SELECT DISTINCT ON (rule, learner) rule, learner, entry_number,
       CASE WHEN revoked_number <= %(number)s THEN 'revoked'
            WHEN valid_until <= %(cut_off)s THEN 'expired' ELSE 'held' END AS state
  FROM certificates
 WHERE company_id = %(company)s AND programme = %(programme)s AND learner = ANY (%(learners)s::integer[])
   AND entry_number <= %(number)s AND cut_off <= %(cut_off)s
 ORDER BY rule, learner, edition DESC
"""
