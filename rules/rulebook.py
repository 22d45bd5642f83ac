"""A programme's rules: one JSON document, checked whole, made into values that the rest computes with.

`parse` reports all faults at once, each with a path into the document such as `earning[0].award.amount`.
`rules.schemas` checks the structure, `rules.references` what criteria say about other parts; double keys are
looked for here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import ValidationError

from pointsbank.errors import FieldError
from pointsbank.saying import say
from rules import references
from rules.errors import RulebookInvalid
from rules.parts import Rulebook
from rules.references import Places
from rules.schemas import MAX_CERTIFICATES, MAX_EARNING_RULES, RulebookSchema
from rules.storable import unstorable

# Objects and lists within each other: deep enough for MAX_CRITERIA_DEPTH groups.
MAX_DOCUMENT_DEPTH = 32


def parse(document: object, places: Places | None = None) -> Rulebook:
    """A parsed JSON document as a rulebook; raises RulebookInvalid with every fault and its path.

    With the `places` of its programme, criteria may name these and no others.
    """
    if not isinstance(document, dict):
        raise RulebookInvalid([("", say("a rulebook must be a JSON object"))])
    if faults := unstorable(document, "", max_depth=MAX_DOCUMENT_DEPTH):
        raise RulebookInvalid([(path.removeprefix("."), message) for path, message in faults])
    rulebook = Rulebook()
    try:
        rulebook = RulebookSchema().load(document)
    except ValidationError as error:
        faults = list(_flattened(error.messages, ""))
    faults += [*_double_keys(document), *references.faults(document, places)]
    if faults:
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


def _double_keys(document: Mapping[str, Any]) -> Iterator[FieldError]:
    for section, most in (("earning", MAX_EARNING_RULES), ("certificates", MAX_CERTIFICATES)):
        first: dict[str, int] = {}
        listed = document.get(section)
        for index, rule in enumerate(listed[:most] if isinstance(listed, list) else ()):
            key = rule.get("key") if isinstance(rule, dict) else None
            if isinstance(key, str) and (at := first.setdefault(key, index)) != index:
                wrong = say("%(key)s is already the key of %(other)s", key=repr(key), other=f"{section}[{at}]")
                yield f"{section}[{index}].key", wrong
