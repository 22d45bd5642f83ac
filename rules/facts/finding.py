"""All facts of a rulebook's criteria, but for certificates: those depend on each other."""

from collections.abc import Iterable

from rules.criteria import Fact
from rules.explanation import Found
from rules.facts import entries, matches, teams
from rules.facts.ground import Findings, Ground

_MODULES = (entries, teams, matches)


def find(ground: Ground, facts: Iterable[Fact]) -> Findings:
    wanted = dict.fromkeys(facts)
    findings: dict[tuple[Fact, int], Found] = {}
    for module in _MODULES:
        own = [fact for fact in wanted if fact.fact in module.FACTS]
        if own:
            findings |= module.find(ground, own)
    return findings
