"""Events: what is taken, what is refused with which path, and what makes two events the same."""

import copy
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import reversals
from pointsbank.directory import awarders
from pointsbank.matches import settling
from rules import awards, closing
from rules.certification import entries
from rules.cloudevent import MAX_DATA_BYTES, MAX_DATA_DEPTH, RESERVED_TYPES, Event, parse_event
from rules.errors import EventInvalid

GOOD: dict[str, Any] = {
    "specversion": "1.0",
    "id": "a-1",
    "source": "/lms",
    "type": "lms.assessment.scored",
    "subject": "20210001",
    "time": "2021-09-01T08:30:00+08:00",
    "data": {"programme": "2021", "course": "service", "score": 86},
}
ABSENT = object()


def changed(path: str, value: object) -> dict[str, Any]:
    raw = copy.deepcopy(GOOD)
    *parents, name = path.split(".")
    place = raw
    for parent in parents:
        place = place[parent]
    if value is ABSENT:
        del place[name]
    else:
        place[name] = value
    return raw


def nested(levels: int) -> Any:
    return [] if levels == 1 else [nested(levels - 1)]


# fmt: off
TAKEN = [
    ("id",              "x" * 256),
    ("id",              "事件 1"),
    ("source",          "https://hr.example/lms?a=1#b"),
    ("subject",         "大学生创客:1"),
    ("time",            ABSENT),
    ("time",            None),
    ("time",            "2021-09-01t00:30:00.123456789z"),
    ("time",            "1900-01-01T00:00:00Z"),
    ("time",            "2199-12-31T23:59:59Z"),
    ("datacontenttype", "application/json"),
    ("datacontenttype", "application/json; charset=utf-8"),
    ("datacontenttype", "application/vnd.lms+json"),
    ("dataschema",      "https://hr.example/schema"),
    ("data_base64",     None),
    ("traceparent",     "00-0af7"),
    ("data.course",     ABSENT),
    ("data.course",     None),
    ("data.score",      2**63 - 1),
    ("data.score",      -(2**63)),
    ("data.score",      1e18),
    ("data.note",       "line\nfeed and \\u0000 in letters"),
    ("data.nested",     nested(MAX_DATA_DEPTH - 1)),
]
REFUSED = [
    ("specversion",     ABSENT,                          "specversion"),
    ("specversion",     "0.3",                           "specversion"),
    ("specversion",     1.0,                             "specversion"),
    ("id",              ABSENT,                          "id"),
    ("id",              "",                              "id"),
    ("id",              7,                               "id"),
    ("id",              "x" * 257,                       "id"),
    ("id",              "a\x00",                         "id"),
    ("id",              "a\x85",                         "id"),
    ("id",              "a\ud800",                       "id"),
    ("source",          "/l ms",                         "source"),
    ("source",          "/l\u3000ms",                    "source"),
    ("source",          "/" * 513,                       "source"),
    ("type",            None,                            "type"),
    ("type",            "a\x7f",                         "type"),
    ("subject",         ABSENT,                          "subject"),
    ("subject",         "a/b",                           "subject"),
    ("subject",         "  ",                            "subject"),
    ("subject",         "x" * 129,                       "subject"),
    ("subject",         "a\ud83d",                       "subject"),
    ("time",            "2021-09-01",                    "time"),
    ("time",            "2021-09-01T08:30:00",           "time"),
    ("time",            "2021-09-01 08:30:00Z",          "time"),
    ("time",            "2021-02-29T08:30:00Z",          "time"),
    ("time",            "2016-12-31T23:59:60Z",          "time"),
    ("time",            "0000-01-01T00:00:00Z",          "time"),
    ("time",            "0001-01-01T00:00:00+08:00",     "time"),
    ("time",            "9999-12-31T23:59:59Z",          "time"),
    ("time",            "9999-12-31T23:59:59-08:00",     "time"),
    ("time",            "1899-12-31T23:59:59Z",          "time"),
    ("time",            "2021-09-01T08:30:00+24:00",     "time"),
    ("time",            "２021-09-01T08:30:00Z",          "time"),
    ("time",            1630456200,                      "time"),
    ("time",            ["2021"],                        "time"),
    ("datacontenttype", "text/xml",                      "datacontenttype"),
    ("datacontenttype", 3,                               "datacontenttype"),
    ("Trace",           "x",                             "Trace"),
    ("data_base64",     "eA==",                          "data_base64"),
    ("data",            ABSENT,                          "data"),
    ("data",            None,                            "data"),
    ("data",            [1],                             "data"),
    ("data.programme",  ABSENT,                          "data.programme"),
    ("data.programme",  2021,                            "data.programme"),
    ("data.programme",  "20/21",                         "data.programme"),
    ("data.course",     ["service"],                     "data.course"),
    ("data.score",      2**63,                           "data.score"),
    ("data.score",      2**64 - 1,                       "data.score"),
    ("data.score",      -(2**63) - 1,                    "data.score"),
    ("data.score",      10**30,                          "data.score"),
    ("data.score",      1e20,                            "data.score"),
    ("data.score",      float("nan"),                    "data.score"),
    ("data.score",      float("inf"),                    "data.score"),
    ("data.list",       [1, {"x": 2**70}],               "data.list[1].x"),
    ("data.note",       "a\x00",                         "data.note"),
    ("data.note",       ["a\udc00"],                     "data.note[0]"),
    ("data.note",       {"a\x00": 1},                    "data.note"),
    ("data.note",       "x" * MAX_DATA_BYTES,            "data"),
]
# fmt: on


@pytest.mark.parametrize(("path", "value"), TAKEN)
def test_taken(path: str, value: object) -> None:
    for _ in range(2):  # the second time what was found good is remembered
        assert parse_event(changed(path, value), 3).index == 3


@pytest.mark.parametrize(("path", "value", "fault"), REFUSED)
def test_refused(path: str, value: object, fault: str) -> None:
    parse_event(GOOD, 0)
    with pytest.raises(EventInvalid) as refused:
        parse_event(changed(path, value), 0)
    assert [where for where, _ in refused.value.errors] == [fault]
    assert refused.value.status == 422


def test_nesting_beyond_the_limit_names_the_place() -> None:
    with pytest.raises(EventInvalid) as refused:
        parse_event(changed("data.nested", nested(MAX_DATA_DEPTH)), 0)
    assert refused.value.errors[0][0] == "data.nested" + "[0]" * (MAX_DATA_DEPTH - 1)


def test_what_the_bank_books_itself_has_names_of_its_own() -> None:
    certified = {entries.ISSUED, entries.REVIEWED, entries.REVOKED}
    matched = {settling.PRIZE_KIND, settling.RESULT_KIND}
    own = {awarders.KIND, awards.KIND, closing.KIND, reversals.KIND, *certified, *matched}
    assert own | {"course.allotted", "programme.allotted"} == RESERVED_TYPES


def test_a_good_head_does_not_cover_for_what_is_not_in_it() -> None:
    typed = {**GOOD, "datacontenttype": "application/json", "data_base64": None}
    parse_event(typed, 0)
    for name, value in (("datacontenttype", "text/xml"), ("data_base64", "eA==")):
        with pytest.raises(EventInvalid):
            parse_event({**typed, name: value}, 0)


def test_every_fault_at_once() -> None:
    with pytest.raises(EventInvalid) as refused:
        parse_event({"specversion": "2", "time": "soon", "data": {"score": 2**80}}, 0)
    assert [path for path, _ in refused.value.errors] == [
        *("specversion", "id", "source", "type", "subject", "time", "data.programme", "data.score"),
    ]


def test_an_event_as_it_is_kept() -> None:
    event = parse_event({**GOOD, "data": {"score": 86, "programme": "二〇二一"}}, 5)
    assert event.time == datetime(2021, 9, 1, 0, 30, tzinfo=UTC)
    assert event.data_json == '{"programme":"二〇二一","score":86}'.encode()
    assert -(2**63) <= event.fingerprint < 2**63


# fmt: off
CHANGES = [
    ("time",        "2021-09-01T00:30:00Z",      True),
    ("time",        "2021-09-01T00:30:00.0Z",    True),
    ("id",          "another",                   True),
    ("source",      "/another",                  True),
    ("dataschema",  "https://hr.example/s",      True),
    ("time",        "2021-09-01T00:30:00.000001Z", False),
    ("time",        ABSENT,                      False),
    ("type",        "lms.other",                 False),
    ("subject",     "20210002",                  False),
    ("data.score",  87,                          False),
    ("data.score",  86.0,                        False),
    ("data.course", ABSENT,                      False),
    ("data.extra",  None,                        False),
]
# fmt: on


@pytest.mark.parametrize(("path", "value", "same"), CHANGES)
def test_what_the_fingerprint_tells_apart(path: str, value: object, same: bool) -> None:
    assert (parse_event(changed(path, value), 0).fingerprint == parse_event(GOOD, 0).fingerprint) is same


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FACTS = st.dictionaries(
    st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63 - 1)
        | st.floats(-1e18, 1e18)
        | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        max_leaves=8,
    ),
    max_size=5,
)


@given(JSON)
def test_any_json_is_an_event_or_invalid(raw: object) -> None:
    with pytest.raises(EventInvalid):
        parse_event(raw, 0)


@given(st.sampled_from([*GOOD, "datacontenttype", "data_base64", "x"]), JSON)
def test_any_json_in_any_place_is_an_event_or_invalid(name: str, value: object) -> None:
    event: Event | None = None
    with suppress(EventInvalid):
        event = parse_event({**GOOD, name: value}, 0)
    if event is not None:
        # Nothing is lost on the way into the database.
        assert orjson.loads(event.data_json) == event.data


@given(FACTS, st.randoms())
def test_neither_order_nor_white_space_changes_the_fingerprint(facts: dict[str, Any], random: Any) -> None:
    raw = {**GOOD, "data": {**facts, "programme": "2021", "course": "service"}}
    names = list(raw["data"])
    random.shuffle(names)
    shuffled = {**dict(reversed(raw.items())), "data": {name: raw["data"][name] for name in names}}
    other = orjson.loads(json.dumps(shuffled, indent=2))
    assert parse_event(other, 0).fingerprint == parse_event(raw, 0).fingerprint
    assert parse_event(other, 0).data_json == parse_event(raw, 0).data_json
