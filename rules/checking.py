"""A document looked at while somebody writes it: every fault, and what the parts of it that hold say in words."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from marshmallow import Schema, ValidationError

from pointsbank.errors import FieldError
from rules import rule_words
from rules.errors import RulebookInvalid
from rules.parts import CertificateRule, Conversion, EarningRule
from rules.references import Places
from rules.rulebook import parse
from rules.schemas import (
    MAX_CERTIFICATES,
    MAX_EARNING_RULES,
    CertificateSchema,
    ConversionSchema,
    EarningRuleSchema,
)
from rules.wording import Language, Names


class Checked(NamedTuple):
    """`words` are by the paths of rules, certificates and the conversion; what does not hold has none."""

    faults: list[FieldError]
    words: dict[str, str]


def check(document: object, places: Places, names: Names, language: Language) -> Checked:
    """`names` are those of the programme; those of the certificates stand in the document."""
    try:
        parse(document, places)
    except RulebookInvalid as refusal:
        return Checked(list(refusal.errors), in_words(document, names, language))
    return Checked([], in_words(document, names, language))


def in_words(document: object, names: Names, language: Language) -> dict[str, str]:
    if not isinstance(document, Mapping):
        return {}
    rules = _loaded(EarningRuleSchema(), document, "earning", MAX_EARNING_RULES)
    certificates = _loaded(CertificateSchema(), document, "certificates", MAX_CERTIFICATES)
    named = replace(names, certificates={each.key: each.name for each in certificates.values()})
    said = {path: rule_words.earning(rule, named, language) for path, rule in rules.items()}
    found = _load(ConversionSchema(), document.get("conversion"))
    if isinstance(found, Conversion):
        said["conversion"] = rule_words.conversion(found, named, language)
    for path, each in certificates.items():
        said[path] = rule_words.certificate(each, named, language)
    return said


def _loaded(schema: Schema, document: Mapping[str, Any], section: str, most: int) -> dict[str, Any]:
    listed = document.get(section)
    found: dict[str, EarningRule | CertificateRule] = {}
    for index, item in enumerate(listed[:most] if isinstance(listed, list) else ()):
        loaded = _load(schema, item)
        if loaded is not None:
            found[f"{section}[{index}]"] = loaded
    return found


def _load(schema: Schema, item: object) -> Any:
    if not isinstance(item, dict):
        return None
    try:
        return schema.load(item)
    except ValidationError:
        return None
