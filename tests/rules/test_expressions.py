"""Expressions: what they read, what they give, what they refuse, and that remembering changes nothing."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.cloudevent import Event
from rules.errors import ExpressionFailed, ExpressionInvalid
from rules.expressions import MAX_EXPRESSION_CHARS, MAX_REMEMBERED, Expression
from rules.reads import find_reads

MOMENT = datetime(2021, 9, 1, 8, 30, tzinfo=UTC)


def event(data: dict[str, Any], *, time: datetime | None = MOMENT) -> Event:
    return Event(0, "a-1", "/lms", "lms.scored", "1", time, data, b"{}", 0)


# fmt: off
READS = [
    ("data.score >= 40",                       {"score"},           False, ()),
    ("data . score + data.weight",             {"score", "weight"}, False, ()),
    ("has(data.a) ? data.a : data.b",          {"a", "b"},          False, ()),
    ("data.a.b.c",                             {"a"},               False, ()),
    ("data.list.all(x, x > data.min)",         {"list", "min"},     False, ()),
    ("'data' + \"data x\" + r'\\' + data.a",   {"a"},               False, ()),
    ("data.a // data and more",                {"a"},               False, ()),
    ("'''data ' data''' + data.a",             {"a"},               False, ()),
    ("'it\\'s data' + data.a",                 {"a"},               False, ()),
    ("data['score']",                          set(),               True,  ()),
    ("data == {}",                             set(),               True,  ()),
    ("data.size() > 1",                        set(),               True,  ()),
    ("data.map(k, k)",                         set(),               True,  ()),
    ("[data][0].score",                        set(),               True,  ()),
    ("{'data': data.a}.data",                  {"a"},               False, ()),
    ("type == 'x' && source != 'y'",           set(),               False, ("source", "type")),
    ("type(data.a) == int",                    {"a"},               False, ()),
    ("data.type == data.time",                 {"time", "type"},    False, ()),
    ("time.getHours() < 9",                    set(),               False, ("time",)),
]
GIVES = [
    ("data.score * 18",                                {"score": 86},              1548),
    ("double(data.score) * double(data.weight) / 100.0", {"score": 86, "weight": 18}, 15.48),
    ("data.score >= 40",                               {"score": 39.5},            False),
    ("has(data.late)",                                 {},                         False),
    ("has(data.late)",                                 {"late": None},             True),
    ("has(data.late) && data.late",                    {},                         False),
    ("data.late == null",                              {"late": None},             True),
    ("data.position == 1 ? 5 : 2",                     {"position": 1},            5),
    ("data.scores.all(x, x > 1)",                      {"scores": [2, 3]},         True),
    ("type == 'lms.scored' && source == '/lms'",       {},                         True),
    ("time < timestamp('2022-01-01T00:00:00Z')",       {},                         True),
    ("data['odd name'] + 1",                           {"odd name": 1},            2),
    ("type(data.a) == int",                            {"a": 1},                   True),
    ("data.l.filter(x, x in ['a', 'b', 'c', 'd', 'e']).size()", {"l": ["a"] * 250}, 250),
    ("data.l.exists(x, double(x) + double(data.a) + 0.5 > 9.0)", {"l": [1] * 300, "a": 8}, True),
    ("data.l.filter(x, x > 1).map(x, x + data.a).exists(x, x == 10)", {"l": [2] * 300, "a": 8}, True),
    ("data.l.exists(x, x.matches('^b+$'))",            {"l": ["a", "bb"]},         True),
]
FAILS = [
    ("data.score >= 40",             {},                     "data.score is missing"),
    ("data.o.x >= 40",               {"o": {}},              "x is missing"),
    ("data.score * 2.0",             {"score": 1},           "data.score is a whole number (1)"),
    ("data.score >= 40",             {"score": "86"},        "data.score is text ('86')"),
    ("data.score + 1",               {"score": None},        "data.score is null"),
    ("double(data.score) > 1.0",     {"score": "many"},      "data.score is text ('many')"),
    ("string(data.l) == ''",         {"l": [1]},             "data.l is a list"),
    ("1 / data.n",                   {"n": 0},               "divides by zero"),
    ("data.n + 1",                   {"n": 2**63 - 1},       "too large"),
    ("data.l[3]",                    {"l": [1]},             "too short"),
    ("data.l.map(x, x)",             {"l": [1] * 5000},      "too long"),
    ("(data.l + data.l).all(x, (data.l + data.l).all(y, y > 0))", {"l": [1] * 40}, "too long"),
    ("data.l.exists(x, x.matches(data.r))", {"l": ["a"] * 100, "r": "a"}, "too long"),
    ("data.l.map(x, data.s + data.s).size()", {"l": [1] * 300, "s": "x" * 60_000}, "too much memory"),
    ("data.l.map(x, [data.s, data.s]).size()", {"l": [1] * 300, "s": "x" * 60_000}, "too much memory"),
]
INVALID = [
    ("",                                      "must not be empty"),
    ("1 +",                                   "it ends too soon"),
    ("(data.a >= 4",                          "at its end ')' is missing"),
    ("data.a >= 4)",                          "at character 12 ) is not expected"),
    ("data.a = 4",                            "at character 8 write == instead of ="),
    ("data.a > 1 &&\n data.b =\n 4",          "at character 23 write == instead of ="),
    ("data.a > = 4",                          "at character 10 = is not expected"),
    ("data.a >= 4 and data.b",                "at character 13 write && instead of and"),
    ("data.a ≥ 4",                            "at character 8 write >= instead of ≥"),
    ("data.a == “x”",                         "at character 11 write \" instead of “"),
    ("data.a == 'x",                          "at character 11 a text has no end"),
    ("has(data)",                             "invalid argument to has()"),
    ("score > 1",                             "'score'"),
    ("data.a > x",                            "'x'"),
    ("[1].map(x, x)[0] + x",                  "'x'"),
    ("math.greatest(1, 2) > 1",               "'math'"),
    (".data.score",                           "'.data'"),
    ("max(1, 2)",                             "'max'"),
    ("data.l.map(data, data)",                "'data'"),
    ("1" * (MAX_EXPRESSION_CHARS + 1),        "at most"),
    ("(" * 400 + "1" + ")" * 400,             "nests brackets too deeply"),
    ("data.a.all(x, x.all(y, y.all(z, z)))",  "more than 2"),
    ("[data.s]" + ".map(y, y + y)" * 40 + ".size() == 1",  "beyond measure"),
    ("[data.s]" + ".map(y, [y, y])" * 40 + ".size() == 1", "beyond measure"),
    ("[data.s]" + ".map(y, {1: y, 2: y})" * 30 + ".size() == 1", "beyond measure"),
    ("[data.s]" + ".map(y, [y, true ? y : y])" * 30 + ".size() == 1", "beyond measure"),
    ("data.a.?b",                             "not a CEL expression"),
]
# fmt: on


@pytest.mark.parametrize(("source", "fields", "whole_data", "variables"), READS)
def test_reads(source: str, fields: set[str], whole_data: bool, variables: tuple[str, ...]) -> None:
    reads = find_reads(source)
    assert (set(reads.fields), reads.whole_data, reads.variables) == (fields, whole_data, variables)
    Expression(source)


@pytest.mark.parametrize(("source", "data", "value"), GIVES)
def test_gives(source: str, data: dict[str, Any], value: object) -> None:
    expression = Expression(source)
    for _ in range(2):
        given_value = expression.evaluate(event(data))
        assert (given_value, type(given_value)) == (value, type(value))


@pytest.mark.parametrize(("source", "data", "reason"), FAILS)
def test_fails_in_words(source: str, data: dict[str, Any], reason: str) -> None:
    expression = Expression(source)
    for _ in range(2):
        with pytest.raises(ExpressionFailed) as failure:
            expression.evaluate(event(data))
        assert reason in failure.value.detail


@pytest.mark.parametrize(("source", "reason"), INVALID)
def test_invalid(source: str, reason: str) -> None:
    with pytest.raises(ExpressionInvalid) as refusal:
        Expression(source)
    assert reason in refusal.value.detail


def test_an_event_without_time_has_none_to_read() -> None:
    with pytest.raises(ExpressionFailed, match="time"):
        Expression("time.getHours() < 9").evaluate(event({}, time=None))


def test_equal_values_of_other_types_are_not_mixed_up() -> None:
    expression = Expression("type(data.a) == int")
    assert [expression.evaluate(event({"a": a})) for a in (1, 1.0, True, 1)] == [True, False, False, True]
    signs = Expression("1.0 / data.a > 0.0")
    assert [signs.evaluate(event({"a": a})) for a in (0.0, -0.0, 0.0)] == [True, False, True]


def test_what_is_remembered_is_bounded() -> None:
    expression = Expression("data.a + 1")
    for a in range(MAX_REMEMBERED + 10):
        assert expression.evaluate(event({"a": a})) == a + 1
    assert len(expression._remembered) <= MAX_REMEMBERED
    text = Expression("data.a != ''")
    assert text.evaluate(event({"a": "x" * 1000})) is True
    assert not text._remembered


SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, -0.0, 1.0, -1.5]) | st.just("1")
DATA = st.dictionaries(st.sampled_from("ab"), SCALARS | st.lists(st.integers(0, 1), max_size=1))
SOURCES = (
    "data.a + data.b",
    "data.a == data.b",
    "has(data.a) ? 1 : 2",
    "1.0 / double(data.a)",
    "type(data.a) == type(data.b)",
    "data.a > data.b || type == 'x'",
)


def outcome(expression: Expression, data: dict[str, Any]) -> tuple[str, str]:
    try:
        return "value", repr(expression.evaluate(event(data)))
    except ExpressionFailed as failure:
        return "failed", failure.detail


@given(st.sampled_from(SOURCES), st.lists(DATA, max_size=12))
def test_remembering_never_changes_a_result(source: str, many: list[dict[str, Any]]) -> None:
    remembering = Expression(source)
    assert [outcome(remembering, data) for data in many] == [outcome(Expression(source), data) for data in many]


@given(st.sampled_from(SOURCES), DATA)
def test_reading_only_what_is_read_never_changes_a_result(source: str, data: dict[str, Any]) -> None:
    whole = Expression(f"data == data ? ({source}) : ({source})")
    assert whole.reads.whole_data
    few, all_ = outcome(Expression(source), data), outcome(whole, data)
    assert few[0] == all_[0]
    assert few[0] == "failed" or few == all_
