"""What the pages of the rulebook have in common: their blueprint, the versions there are, names for what is said."""

from dataclasses import dataclass
from typing import Any

from api.pages.access import visitor
from api.pages.frame import Pages, language
from pointsbank.database import Session
from pointsbank.directory import courses, programmes
from pointsbank.directory.courses import Course
from pointsbank.directory.programmes import Programme
from pointsbank.errors import NotFound
from rules import versions
from rules.checking import in_words
from rules.versions import Signed
from rules.wording import Names

blp = Pages("admin_rulebook", __name__)
BASE = "/admin/programmes/<key:programme>/rulebook"

_ORDER = """
    earning conversion certificates system key kind level name fact on when in type award unit amount by bands
    role sum at_least of at_most score round to cap per within first flowers_per_credit credits cap_credits
    remainder criteria all any not valid_for equals zh en
""".split()  # noqa: SIM905 - a list of words reads better so
_PLACES = {name: place for place, name in enumerate(_ORDER)}


@dataclass(frozen=True, slots=True)
class Ground:
    """A programme with the versions of its rulebook that there are now, and who made them."""

    programme: Programme
    courses: list[Course]
    draft: dict[str, Any] | None
    in_force: dict[str, Any] | None
    signed: dict[int, Signed]

    @property
    def names(self) -> Names:
        """Those of the certificates stand in the documents."""
        phases = {phase.key: phase.name for phase in self.programme.phases}
        return Names(visitor().credits_scale, {each.key: each.name for each in self.courses}, phases)

    @property
    def is_closed(self) -> bool:
        return self.programme.closed_at is not None

    def in_words(self, document: dict[str, Any] | None) -> dict[str, str]:
        """What each rule, certificate and the conversion say, by their paths."""
        return in_words(document or {}, self.names, language())


def ground(session: Session, programme: str) -> Ground:
    """Raises NotFound."""
    found = programmes.get(session, programme)
    own = sorted(courses.find_all(session, found).values(), key=lambda each: (each.opens_on, each.no))
    try:
        in_force = versions.in_force(session, found.no)
    except NotFound:
        in_force = None
    return Ground(found, own, versions.find_draft(session, found.no), in_force, versions.signed(session, found.no))


def in_order(value: Any) -> Any:
    """A document as people write it: the database keeps the members of objects in an order of its own."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: (_PLACES.get(name, len(_PLACES)), name))
        return {name: in_order(value[name]) for name in names}
    return [in_order(each) for each in value] if isinstance(value, list) else value


def names_of_rules(*documents: dict[str, Any] | None) -> dict[str, str]:
    """What rules and certificates are called, by their keys; of two documents the first says it."""
    found: dict[str, str] = {}
    for document in documents:
        for section in ("earning", "certificates"):
            for each in (document or {}).get(section) or ():
                name = (each.get("name") or {}).get(language())
                found.setdefault(each["key"], name or each["key"])
    return found
