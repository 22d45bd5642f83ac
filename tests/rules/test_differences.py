"""Two rulebooks compared: what is told is what differs, and putting it in gives the other."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.differences import compare

RULE = {"key": "a", "on": "x", "award": {"unit": "credits", "amount": 2}, "cap": {"within": "day", "amount": 5}}
BANDS = {"key": "b", "on": "x", "award": {"unit": "credits", "by": "data.n", "bands": [{"at_least": 1, "amount": 2}]}}
CONVERSION = {"flowers_per_credit": 10}
CERTIFICATE = {
    "key": "c",
    "kind": "points",
    "name": {"zh": "积分证", "en": "Points"},
    "criteria": {"all": [{"fact": "credits", "in": "programme", "at_least": 40}]},
}
DOCUMENT: dict[str, Any] = {"earning": [RULE, BANDS], "conversion": CONVERSION, "certificates": [CERTIFICATE]}


def changed(**members: Any) -> dict[str, Any]:
    return copy.deepcopy(DOCUMENT) | members


CASES: tuple[tuple[dict[str, Any], list[tuple[str, str, Any, Any, str]]], ...] = (
    (changed(), []),
    (changed(earning=[BANDS, RULE]), []),
    (
        changed(earning=[BANDS]),
        [("removed", "earning[0]", RULE, None, 'Rule "a" is gone; it was {"key":"a",')],
    ),
    (
        changed(earning=[RULE, BANDS, RULE | {"key": "new"}]),
        [("added", "earning[2]", None, RULE | {"key": "new"}, 'Rule "new" is new: {"key":"new",')],
    ),
    (
        changed(earning=[BANDS, {name: value for name, value in RULE.items() if name != "cap"} | {"first": 3}]),
        [
            ("added", "earning[1].first", None, 3, 'Rule "a": first is new: 3.'),
            ("removed", "earning[1].cap", RULE["cap"], None, 'Rule "a": cap is gone; it was {'),
        ],
    ),
    (
        changed(earning=[RULE, BANDS | {"award": BANDS["award"] | {"bands": [{"at_least": 1, "amount": 3}]}}]),
        [("changed", "earning[1].award.bands[0].amount", 2, 3, 'Rule "b": award.bands[0].amount is 3 instead of 2.')],
    ),
    (
        changed(conversion={"flowers_per_credit": 5}),
        [("changed", "conversion.flowers_per_credit", 10, 5, "Conversion: flowers_per_credit is 5 instead of 10.")],
    ),
    (changed(conversion=None), [("removed", "conversion", CONVERSION, None, "Conversion is gone; it was {")]),
    (
        changed(
            certificates=[CERTIFICATE | {"criteria": {"all": [{"fact": "credits", "in": "programme", "at_least": 60}]}}]
        ),
        [
            (
                "changed",
                "certificates[0].criteria.all[0].at_least",
                40,
                60,
                'Certificate "c": criteria.all[0].at_least is 60 instead of 40.',
            )
        ],
    ),
    # 1, 1.0 and true are equal in Python and not to who reads JSON.
    (
        changed(earning=[RULE | {"award": {"unit": "credits", "amount": True}}, BANDS]),
        [("changed", "earning[0].award.amount", 2, True, 'Rule "a": award.amount is true instead of 2.')],
    ),
)


@pytest.mark.parametrize(("after", "expected"), CASES)
def test_what_differs(after: dict[str, Any], expected: list[tuple[str, str, Any, Any, str]]) -> None:
    found = compare(DOCUMENT, after)
    assert [(each.change, each.path, each.before, each.after) for each in found] == [each[:4] for each in expected]
    for each, (*_, words) in zip(found, expected, strict=True):
        assert each.in_words.startswith(words)
    back = [(each.path.split("[")[0].split(".")[0], each.before, each.after) for each in compare(after, DOCUMENT)]
    assert sorted(map(str, back)) == sorted(
        str((path.split("[")[0].split(".")[0], was, now)) for _, path, now, was, _ in expected
    )


VALUES = st.recursive(
    st.sampled_from([None, True, 0, 1, 1.0, "x"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("pq"), inner, max_size=2),
    max_leaves=6,
)
RULES = st.dictionaries(st.sampled_from("ab"), VALUES)


@given(before=RULES, after=RULES)
def test_nothing_is_told_if_and_only_if_nothing_differs(before: dict[str, Any], after: dict[str, Any]) -> None:
    old, new = (
        {"earning": [{"key": key, "value": value} for key, value in rules.items()]} for rules in (before, after)
    )
    told = compare(old, new)
    assert (told == []) == (json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True))
    assert all(each.in_words.endswith(".") and each.path.startswith("earning[") for each in told)
