"""What events earn: amounts, roundings, bands, and the ways in which a rule fails."""

from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import rulebook
from rules.cloudevent import Event
from rules.earning import evaluate, rounded
from rules.errors import RuleFailed
from rules.parts import MAX_AMOUNT, Rounding

BANDS = {
    "by": "data.score",
    "bands": [{"at_least": 60, "amount": 1}, {"at_least": 90, "amount": 5}, {"at_least": 74.5, "amount": 3}],
}


def event(data: dict[str, Any], kind: str = "scored") -> Event:
    return Event(0, "a-1", "/lms", kind, "1", None, {"programme": "2021", **data}, b"{}", 0)


def rule(award: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"key": "r", "on": "scored", "award": {"unit": "credits", **award}, **more}


def earned(document_rule: dict[str, Any], data: dict[str, Any]) -> list[int]:
    return [one.amount for one in evaluate(rulebook.parse({"earning": [document_rule]}), event(data))]


# fmt: off
EARNS = [
    ({"amount": 7},                                   {},               [7]),
    ({"amount": 0},                                   {},               []),
    ({"amount": "data.score"},                        {"score": 86},    [86]),
    ({"amount": "data.score"},                        {"score": -3},    []),
    ({"amount": "data.score"},                        {"score": 0.49},  []),
    ({"amount": "data.score"},                        {"score": 0.5},   [1]),
    ({"amount": "data.score"},                        {"score": 2.5},   [3]),
    ({"amount": "data.score", "round": "half_even"},  {"score": 2.5},   [2]),
    ({"amount": "data.score", "round": "half_even"},  {"score": 3.5},   [4]),
    ({"amount": "data.score", "round": "down"},       {"score": 2.99},  [2]),
    ({"amount": "data.score", "round": "up"},         {"score": 2.01},  [3]),
    ({"amount": "data.score * 100.0"},                {"score": 1.005}, [100]),
    ({"amount": "data.score"},                        {"score": MAX_AMOUNT}, [MAX_AMOUNT]),
    (BANDS,                                           {"score": 59.9},  []),
    (BANDS,                                           {"score": 60},    [1]),
    (BANDS,                                           {"score": 74},    [1]),
    (BANDS,                                           {"score": 74.5},  [3]),
    (BANDS,                                           {"score": 100},   [5]),
]
FAILS = [
    (rule({"amount": "data.score"}),                     {},                     "data.score is missing"),
    (rule({"amount": "data.score"}),                     {"score": "86"},        "not a number"),
    (rule({"amount": "data.score"}),                     {"score": True},        "gives true, not a number"),
    (rule({"amount": "data.score"}),                     {"score": None},        "gives null, not a number"),
    (rule({"amount": "data.score"}),                     {"score": [1]},         "not a number"),
    (rule({"amount": "1.0 / data.score"}),               {"score": 0.0},         "not a number"),
    (rule({"amount": "0.0 / data.score"}),               {"score": 0.0},         "not a number"),
    (rule({"amount": "duration(data.score)"}),           {"score": "1h"},        "gives a duration, not a number"),
    (rule({"amount": "data.score"}),                     {"score": MAX_AMOUNT + 1}, "beyond"),
    (rule({"amount": "data.score * data.score"}),        {"score": 1e150},       "beyond"),
    (rule(BANDS),                                        {"score": "A"},         "not a number"),
    (rule({"amount": 1}, when="data.score"),             {"score": 1},           "not true or false"),
    (rule({"amount": 1}, when="data.score > 1"),         {},                     "data.score is missing"),
    (rule({"amount": 1, "unit": "flowers"}),             {},                     "data.course is missing"),
]
# fmt: on


@pytest.mark.parametrize(("award", "data", "amounts"), EARNS)
def test_earns(award: dict[str, Any], data: dict[str, Any], amounts: list[int]) -> None:
    assert earned(rule(award), data) == amounts


@pytest.mark.parametrize(("document_rule", "data", "reason"), FAILS)
def test_fails_with_the_rules_key(document_rule: dict[str, Any], data: dict[str, Any], reason: str) -> None:
    with pytest.raises(RuleFailed) as failure:
        earned(document_rule, data)
    assert (failure.value.rule, failure.value.extra) == ("r", {"rule": "r"})
    assert reason in failure.value.detail


def test_every_rule_that_matches_gives_and_in_order() -> None:
    book = rulebook.parse(
        {
            "earning": [
                {**rule({"amount": 1}), "key": "c"},
                {**rule({"amount": 2}, when="data.score > 90"), "key": "b"},
                {**rule({"amount": 3, "unit": "flowers"}), "key": "a"},
                {**rule({"amount": 4}), "key": "other", "on": "other"},
            ]
        }
    )
    found = [(one.rule.key, one.unit, one.amount) for one in evaluate(book, event({"score": 80, "course": "c"}))]
    assert found == [("c", "credits", 1), ("a", "flowers", 3)]
    assert evaluate(book, event({}, kind="unknown")) == []


def exactly(value: float, rounding: Rounding) -> int:
    """Rounding as taught in school, on the number as it is written."""
    number = Fraction(repr(value))
    size = abs(number)
    whole, rest = floor(size), size - floor(size)
    half = Fraction(1, 2)
    further = {
        "half_up": rest >= half,
        "half_even": rest > half or (rest == half and whole % 2 == 1),
        "up": rest > 0,
        "down": False,
    }[rounding]
    return (whole + further) * (-1 if number < 0 else 1)


# Every amount beyond MAX_AMOUNT is refused, however it would be rounded.
NUMBERS = st.floats(-MAX_AMOUNT, MAX_AMOUNT) | st.integers(-(10**6), 10**6).map(lambda n: n / 8)


@given(NUMBERS | st.integers(), st.sampled_from(["half_up", "half_even", "up", "down"]))
def test_rounding_is_exact(value: float, rounding: Rounding) -> None:
    assert rounded(value, rounding) == exactly(value, rounding)
