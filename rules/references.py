"""What certificates ask for that is not there, or that can never be met: what one part of a document, or the
programme, says about another.

Looks at the document as it was sent, so that these faults are told together with those of its structure. What has not
the form of a criterion is passed over here: `rules.criteria` says what is wrong with it.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError

from pointsbank.errors import FieldError
from pointsbank.saying import Said, say
from rules.criteria import parse_criterion
from rules.reachable import contradictions
from rules.schemas import MAX_CERTIFICATES

MAX_NAMED = 10
"""Courses or phases named in a fault."""


@dataclass(frozen=True, slots=True)
class Places:
    """What a programme has, by the keys that criteria name."""

    courses: Collection[str]
    phases: Collection[str]


@dataclass(frozen=True, slots=True)
class _Certificate:
    """`facts` are its leaves as they were sent, each with its path."""

    path: str
    key: str
    criteria: object
    facts: tuple[tuple[str, Mapping[str, Any]], ...]


def faults(document: Mapping[str, Any], places: Places | None) -> list[FieldError]:
    """Every fault with its path; without `places`, courses and phases are not looked at."""
    certificates = _certificates(document)
    found = [*_unknown_certificates(certificates), *_circles(certificates), *_unreachable(certificates)]
    return found if places is None else [*found, *_unknown_places(certificates, places)]


def _certificates(document: Mapping[str, Any]) -> list[_Certificate]:
    listed = document.get("certificates")
    found = []
    for index, item in enumerate(listed[:MAX_CERTIFICATES] if isinstance(listed, list) else ()):
        if isinstance(item, dict):
            path = f"certificates[{index}].criteria"
            key = item.get("key")
            criteria = item.get("criteria")
            found.append(
                _Certificate(path, key if isinstance(key, str) else "", criteria, tuple(_facts(criteria, path)))
            )
    return found


def _facts(node: object, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(node, dict):
        return
    if "fact" in node:
        yield path, node
        return
    for member in ("all", "any", "of"):
        parts = node.get(member)
        for index, part in enumerate(parts if isinstance(parts, list) else ()):
            yield from _facts(part, f"{path}.{member}[{index}]")
    yield from _facts(node.get("not"), f"{path}.not")


def _needs(certificate: _Certificate) -> Iterator[tuple[str, str]]:
    """Which certificates it asks for, and where."""
    for path, fact in certificate.facts:
        if fact["fact"] == "certificate" and isinstance(fact.get("key"), str):
            yield f"{path}.key", fact["key"]


def _unknown_certificates(certificates: list[_Certificate]) -> Iterator[FieldError]:
    known = {certificate.key for certificate in certificates}
    for certificate in certificates:
        for path, key in _needs(certificate):
            if key not in known:
                wrong = say("asks for the certificate %(key)s, which this rulebook does not have", key=repr(key))
                yield path, wrong


def _circles(certificates: list[_Certificate]) -> Iterator[FieldError]:
    needs = {certificate.key: [key for _, key in _needs(certificate)] for certificate in certificates}
    for certificate in certificates:
        circle = _circle(certificate.key, needs)
        if circle is not None:
            path = next(path for path, key in _needs(certificate) if key == circle[1])
            yield path, say("waits for itself: %(circle)s; leave one of these out", circle=" needs ".join(circle))


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


def _unknown_places(certificates: list[_Certificate], places: Places) -> Iterator[FieldError]:
    known = {"course": places.courses, "phase": places.phases}
    for certificate in certificates:
        for path, fact in certificate.facts:
            kind, colon, key = str(fact.get("in", "")).partition(":")
            if colon and kind in known and key not in known[kind]:
                yield f"{path}.in", _unknown_place(kind, key, known[kind])


def _unknown_place(kind: str, key: str, keys: Collection[str]) -> Said:
    shown = sorted(keys)[:MAX_NAMED]
    listed = ", ".join(shown) + (f" + {len(keys) - len(shown)}" if len(keys) > len(shown) else "")
    if kind == "course":
        if not keys:
            return say("the programme has no course %(key)s; it has none yet: put the course first", key=repr(key))
        return say("the programme has no course %(key)s; it has %(listed)s", key=repr(key), listed=listed)
    if not keys:
        return say("the programme has no phase %(key)s; it has none yet: put the phase first", key=repr(key))
    return say("the programme has no phase %(key)s; it has %(listed)s", key=repr(key), listed=listed)


def _unreachable(certificates: list[_Certificate]) -> Iterator[FieldError]:
    for certificate in certificates:
        try:
            criteria = parse_criterion(certificate.criteria)
        except ValidationError:
            continue
        yield from contradictions(criteria, certificate.path)
