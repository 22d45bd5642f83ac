"""A programme's rules: one JSON document, checked whole, made into values that the rest computes with.

`parse` reports all faults at once, each with a path into the document such as `earning[0].award.amount`.
`rules.schemas` checks the structure; what one part says about another (double keys, certificates that wait
for each other) is checked here, after it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from marshmallow import ValidationError

from pointsbank.errors import FieldError
from rules.criteria import facts_in
from rules.errors import RulebookInvalid
from rules.parts import CertificateRule, EarningRule, Rulebook
from rules.schemas import RulebookSchema
from rules.storable import unstorable

# Objects and lists within each other: deep enough for MAX_CRITERIA_DEPTH groups.
MAX_DOCUMENT_DEPTH = 32


def parse(document: object) -> Rulebook:
    """A parsed JSON document as a rulebook; raises RulebookInvalid with every fault and its path."""
    if not isinstance(document, dict):
        raise RulebookInvalid([("", "a rulebook must be a JSON object")])
    if faults := unstorable(document, "", max_depth=MAX_DOCUMENT_DEPTH):
        raise RulebookInvalid([(path.removeprefix("."), message) for path, message in faults])
    try:
        rulebook: Rulebook = RulebookSchema().load(document)
    except ValidationError as error:
        raise RulebookInvalid(list(_flattened(error.messages, ""))) from error
    if faults := [*_double_keys(rulebook), *_faults_between_certificates(rulebook.certificates)]:
        raise RulebookInvalid(faults)
    return rulebook


def _flattened(messages: Any, path: str) -> Iterator[FieldError]:
    """marshmallow's nested messages as paths."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            if isinstance(key, int):
                yield from _flattened(inner, f"{path}[{key}]")
            elif key == "_schema":
                yield from _flattened(inner, path)
            else:
                yield from _flattened(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(messages, str):
        yield path, messages
    else:
        for message in messages:
            yield from _flattened(message, path)


def _double_keys(rulebook: Rulebook) -> Iterator[FieldError]:
    sections: tuple[tuple[str, Iterable[EarningRule | CertificateRule]], ...] = (
        ("earning", rulebook.earning),
        ("certificates", rulebook.certificates),
    )
    for section, rules in sections:
        first: dict[str, int] = {}
        for index, rule in enumerate(rules):
            at = first.setdefault(rule.key, index)
            if at != index:
                yield f"{section}[{index}].key", f"{rule.key!r} is already the key of {section}[{at}]"


def _faults_between_certificates(certificates: tuple[CertificateRule, ...]) -> Iterator[FieldError]:
    needs = {
        rule.key: [fact.key for fact in facts_in(rule.criteria) if fact.fact == "certificate" and fact.key is not None]
        for rule in certificates
    }
    for index, rule in enumerate(certificates):
        path = f"certificates[{index}].criteria"
        for key in needs[rule.key]:
            if key not in needs:
                yield path, f"asks for the certificate {key!r}, which this rulebook does not have"
        if circle := _circle(rule.key, needs):
            yield path, f"waits for itself: {' needs '.join(circle)}"


def _circle(start: str, needs: Mapping[str, list[str]]) -> list[str] | None:
    """The shortest way from a certificate back to itself."""
    ways = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        for key in needs.get(way[-1], ()):
            if key == start:
                return [*way, key]
            if key not in seen:
                seen.add(key)
                ways.append([*way, key])
    return None
