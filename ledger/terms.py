"""Sources, event types and rule keys: written once per company, and referred to by number."""

from collections.abc import Iterable

from pointsbank.database import Session


def intern(session: Session, names: Iterable[str]) -> dict[str, int]:
    """The number of each name; names that are new get one. Takes the journal's lock only if there are any."""
    wanted = list(dict.fromkeys(names))
    found = find(session, wanted)
    missing = [name for name in wanted if name not in found]
    if missing:
        session.sql("SELECT FROM journals WHERE company_id = %(company)s FOR UPDATE")
        session.sql(
            """INSERT INTO terms (company_id, no, term)
               SELECT %(company)s, position + coalesce((SELECT max(no) FROM terms WHERE company_id = %(company)s), 0),
                      term
                 FROM (SELECT term, row_number() OVER (ORDER BY place) AS position
                         FROM unnest(%(missing)s::text[]) WITH ORDINALITY AS wanted (term, place)
                        WHERE NOT EXISTS (SELECT FROM terms AS t
                                           WHERE t.company_id = %(company)s AND t.term = wanted.term)
                      ) AS new""",
            {"missing": missing},
        )
        found = find(session, wanted)
    return found


def find(session: Session, names: list[str]) -> dict[str, int]:
    """The number of each name that has one."""
    rows = session.sql(
        "SELECT term, no FROM terms WHERE company_id = %(company)s AND term = ANY (%(names)s)",
        {"names": names},
    )
    return {row.term: row.no for row in rows}
