"""Who qualifies for which certificate as of a cut-off, and why or why not: the one answer to both questions.

Certificates that others ask for are evaluated first. A certificate counts for others if it is held at the cut-off,
or, if it was never issued, if its own criteria hold in the same evaluation; one that was revoked or has expired does
not come back by itself.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pointsbank import company
from pointsbank.database import Session
from pointsbank.directory import courses
from pointsbank.directory.courses import Course
from pointsbank.directory.programmes import Programme
from rules.as_of import AsOf, as_of
from rules.criteria import Fact, facts_in
from rules.explanation import NO_SCORE, NOTHING, Explanation, Found, explain
from rules.facts import certificates, finding
from rules.facts.ground import Findings, Ground
from rules.parts import CertificateRule, Rulebook
from rules.wording import Names

__all__ = ["AsOf", "Eligibility", "as_of", "evaluate", "names_in"]


@dataclass(frozen=True, slots=True)
class Eligibility:
    """One learner and one certificate. `qualified` is that the criteria hold, whether or not it is held."""

    rule: CertificateRule
    explanation: Explanation

    @property
    def qualified(self) -> bool:
        return self.explanation.holds


def evaluate(
    session: Session, programme: Programme, rulebook: Rulebook, learners: Sequence[int], as_of: AsOf
) -> dict[int, list[Eligibility]]:
    """By the learners' numbers, the rulebook's certificates in its order.

    The same number of statements for any number of learners; memory grows with their entries, so ask for some
    hundreds at a time. The session has to be a snapshot, or the company's one writer.
    """
    own = courses.find_all(session, programme)
    names = names_in(session, programme, rulebook, own)
    ground = Ground(session, programme, own, learners, as_of)
    facts = [fact for rule in rulebook.certificates for fact in facts_in(rule.criteria)]
    findings = finding.find(ground, facts)
    issued = certificates.find(ground) if any(fact.fact == "certificate" for fact in facts) else {}
    order = _needed_first(rulebook.certificates)
    return {learner: _of_learner(learner, rulebook, order, findings, issued, names) for learner in learners}


def names_in(session: Session, programme: Programme, rulebook: Rulebook, own: Mapping[str, Course]) -> Names:
    """What people call the things that the rulebook's criteria name; `own` are the programme's courses."""
    return Names(
        company.get(session).credits_scale,
        {key: course.name for key, course in own.items()},
        {phase.key: phase.name for phase in programme.phases},
        {rule.key: rule.name for rule in rulebook.certificates},
        _names_of_events(rulebook),
    )


def _names_of_events(rulebook: Rulebook) -> dict[str, Mapping[str, str]]:
    """By type: that of the one earning rule which gives for each event of the type. One with a condition, or for the
    first few, tells of some of them only."""
    of_all = [rule for rule in rulebook.earning if rule.when is None and rule.first is None]
    times = Counter(rule.on for rule in of_all)
    return {rule.on: rule.name for rule in of_all if rule.name is not None and times[rule.on] == 1}


def _of_learner(
    learner: int,
    rulebook: Rulebook,
    order: Sequence[CertificateRule],
    findings: Findings,
    issued: Mapping[tuple[str, int], Found],
    names: Names,
) -> list[Eligibility]:
    done: dict[str, Explanation] = {}

    def find(fact: Fact) -> Found:
        if fact.fact != "certificate":
            return findings.get((fact, learner), NO_SCORE if fact.fact == "passed" else NOTHING)
        assert fact.key is not None, "a certificate is asked for by its key"
        held = issued.get((fact.key, learner))
        return _unissued(done[fact.key]) if held is None else held

    for rule in order:
        done[rule.key] = explain(rule.criteria, find, names)
    return [Eligibility(rule, done[rule.key]) for rule in rulebook.certificates]


def _unissued(explanation: Explanation) -> Found:
    if explanation.holds:
        return Found(1, sorted(explanation.entries()), state="qualified")
    return Found(0, state="short")


def _needed_first(rules: Sequence[CertificateRule]) -> list[CertificateRule]:
    """In an order in which each certificate comes after those that it asks for; there are no circles."""
    by_key = {rule.key: rule for rule in rules}
    order: dict[str, CertificateRule] = {}

    def put(rule: CertificateRule) -> None:
        if rule.key not in order:
            for fact in facts_in(rule.criteria):
                if fact.fact == "certificate" and fact.key is not None:
                    put(by_key[fact.key])
            order[rule.key] = rule

    for rule in rules:
        put(rule)
    return list(order.values())
