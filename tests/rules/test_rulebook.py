"""Rulebook documents: the one of the contract holds, and each fault is found at its path."""

import copy
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import rulebook
from rules.criteria import FACTS, Fact, Group, Scope, parse_criterion
from rules.errors import RulebookInvalid
from rules.parts import Banded, Rulebook
from rules.reachable import contradictions
from rules.references import Places

SCORED = {
    "key": "scored",
    "on": "lms.assessment.scored",
    "when": "data.score >= 40",
    "award": {"unit": "credits", "amount": "double(data.score) * 0.18", "round": "half_up"},
    "cap": {"per": "learner", "within": "programme", "amount": 200},
}
DEBATE = {"key": "debate", "on": "debate.prepared", "award": {"unit": "flowers", "amount": 2}, "first": 3}
POINTS = {
    "key": "points",
    "kind": "points",
    "name": {"zh": "积分证", "en": "Points certificate"},
    "criteria": {"fact": "credits", "in": "programme", "at_least": 40},
}
SERVICE = {
    "key": "service-1",
    "kind": "qualification",
    "level": "初级",
    "name": {"zh": "任职资格证", "en": "Qualification certificate"},
    "criteria": {
        "all": [
            {"fact": "flowers", "in": "course:service", "at_least": 5},
            {
                "any": [
                    {"fact": "passed", "in": "course:service"},
                    {"fact": "team_rank", "in": "programme", "at_most": 3},
                ]
            },
            {"at_least": 1, "of": [{"fact": "events", "type": "attendance.present", "at_least": 10}]},
            {"not": {"fact": "events", "type": "discipline.breach", "at_least": 1}},
            {"fact": "certificate", "key": "points"},
        ]
    },
    "valid_for": "P2Y",
    "equals": [{"system": "talent", "level": "P2"}],
}
DOCUMENT: dict[str, Any] = {
    "earning": [SCORED, DEBATE],
    "conversion": {"flowers_per_credit": 10, "round": "down", "cap_credits": 20, "remainder": "expire"},
    "certificates": [POINTS, SERVICE],
}
ABSENT = object()


def changed(path: tuple[Any, ...], value: object) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    if value is ABSENT:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return document


def faults(document: object) -> list[str]:
    with pytest.raises(RulebookInvalid) as refusal:
        rulebook.parse(document)
    assert all(message for _, message in refusal.value.errors)
    return [path for path, _ in refusal.value.errors]


def certificate(key: str, *needs: str) -> dict[str, Any]:
    criteria = [{"fact": "certificate", "key": need} for need in needs]
    return {**POINTS, "key": key, "criteria": {"all": criteria} if criteria else POINTS["criteria"]}


E0, A0, C1 = ("earning", 0), ("earning", 0, "award"), ("certificates", 1)
ALL = "certificates[1].criteria.all"
BAND = {"at_least": 1, "amount": 1}
TREE = (*C1, "criteria", "all")
# fmt: off
REFUSED = [
    (("extra",),                   1,                              ["extra"]),
    (("earning",),                 {},                             ["earning"]),
    (("earning",),                 [5, None],                      ["earning[0]", "earning[1]"]),
    (("earning",),                 [{**SCORED, "key": f"{n}"} for n in range(201)], ["earning"]),
    ((*E0, "key"),                 ABSENT,                         ["earning[0].key"]),
    ((*E0, "key"),                 "a/b",                          ["earning[0].key"]),
    ((*E0, "key"),                 "debate",                       ["earning[1].key"]),
    ((*E0, "on"),                  "",                             ["earning[0].on"]),
    ((*E0, "on"),                  7,                              ["earning[0].on"]),
    ((*E0, "when"),                "data.score >",                 ["earning[0].when"]),
    ((*E0, "when"),                True,                           ["earning[0].when"]),
    ((*E0, "when"),                "score > 1",                    ["earning[0].when"]),
    ((*E0, "award"),               ABSENT,                         ["earning[0].award"]),
    ((*E0, "award"),               "5 credits",                    ["earning[0].award"]),
    ((*A0, "unit"),                "gold",                         ["earning[0].award.unit"]),
    ((*A0, "amount"),              ABSENT,                         ["earning[0].award.amount"]),
    ((*A0, "amount"),              -1,                             ["earning[0].award.amount"]),
    ((*A0, "amount"),              1.5,                            ["earning[0].award.amount"]),
    ((*A0, "amount"),              True,                           ["earning[0].award.amount"]),
    ((*A0, "amount"),              2**53,                          ["earning[0].award.amount"]),
    ((*A0, "by"),                  "data.score",                   ["earning[0].award.amount"]),
    ((*A0, "round"),               "nearest",                      ["earning[0].award.round"]),
    ((*A0, "to"),                  "team",                         ["earning[0].award.to"]),
    ((*A0, "form"),                "pool",                         ["earning[0].award.form"]),
    (A0, {"unit": "credits", "by": "data.x"},                      ["earning[0].award.bands"]),
    (A0, {"unit": "credits", "bands": [BAND]}, ["earning[0].award.by"]),
    (A0, {"unit": "credits", "by": "data.x", "bands": []},         ["earning[0].award.bands"]),
    (A0, {"unit": "credits", "by": "data.x", "bands": [{"at_least": "A", "amount": -1}]},
        ["earning[0].award.bands[0].at_least", "earning[0].award.bands[0].amount"]),
    (A0, {"unit": "credits", "by": "data.x", "bands": [BAND, {**BAND, "at_least": 1.0}]},
        ["earning[0].award.bands[1].at_least"]),
    (A0, {"unit": "credits", "by": "data.x", "bands": [BAND, {**BAND, "amount": -1}, BAND]},
        ["earning[0].award.bands[1].amount", "earning[0].award.bands[1].at_least",
         "earning[0].award.bands[2].at_least"]),
    ((*E0, "cap", "amount"),       -1,                             ["earning[0].cap.amount"]),
    ((*E0, "cap", "per"),          "team",                         ["earning[0].cap.per"]),
    ((*E0, "cap", "within"),       "week",                         ["earning[0].cap.within"]),
    ((*E0, "first"),               0,                              ["earning[0].first"]),
    (("conversion", "flowers_per_credit"), 0,                      ["conversion.flowers_per_credit"]),
    (("conversion", "cap_credits"), -1,                            ["conversion.cap_credits"]),
    (("conversion", "remainder"),  "burn",                         ["conversion.remainder"]),
    ((*C1, "kind"),                "diploma",                      ["certificates[1].kind"]),
    ((*C1, "name", "zh"),          ABSENT,                         ["certificates[1].name.zh"]),
    ((*C1, "valid_for"),           "2 years",                      ["certificates[1].valid_for"]),
    ((*C1, "valid_for"),           "P0Y",                          ["certificates[1].valid_for"]),
    ((*C1, "equals"),              [{"system": "talent"}],         ["certificates[1].equals[0].level"]),
    ((*C1, "criteria"),            {},                             ["certificates[1].criteria"]),
    ((*C1, "criteria"),            {"all": [], },                  [ALL + ""]),
    ((*C1, "criteria"),            {"all": [POINTS["criteria"]], "any": []}, ["certificates[1].criteria"]),
    ((*TREE, 0, "fact"),           "luck",                         [ALL + "[0].fact"]),
    ((*TREE, 0, "fact"),           ["credits"],                    [ALL + "[0].fact"]),
    ((*TREE, 0, "in"),             "company",                      [ALL + "[0].in"]),
    ((*TREE, 0, "at_least"),       -5,                             [ALL + "[0].at_least"]),
    ((*TREE, 0, "at_most"),        5,                              [ALL + "[0].at_most"]),
    ((*TREE, 1, "any", 1, "at_most"), 0,                           [ALL + "[1].any[1].at_most"]),
    ((*TREE, 2, "at_least"),       2,                              [ALL + "[2].at_least"]),
    ((*TREE, 2),                   {"at_least": 2, "of": [{"fact": "luck"}]},
        [ALL + "[2].of[0].fact", ALL + "[2].at_least"]),
    ((*TREE, 3, "not", "type"),    ABSENT,                         [ALL + "[3].not.type"]),
    ((*TREE, 4, "key"),            "gold",                         [ALL + "[4].key"]),
    ((*TREE, 4, "key"),            "service-1",                    [ALL + "[4].key"]),
    ((*C1, "level"),               "a\x00",                        ["certificates[1].level"]),
    ((*C1, "level"),               "a\ud800",                      ["certificates[1].level"]),
    ((*E0, "first"),               2**64,                          ["earning[0].first"]),
]
# fmt: on


def test_the_document_of_the_contract() -> None:
    book = rulebook.parse(DOCUMENT)
    assert [rule.key for rule in book.rules_by_type["debate.prepared"]] == ["debate"]
    assert book.earning[1].first == 3
    assert book.conversion is not None
    assert book.conversion.cap_credits == 20
    criteria = book.certificates[1].criteria
    assert isinstance(criteria, Group)
    assert criteria.of[0] == Fact("flowers", scope=Scope("course", "service"), at_least=5)
    assert criteria.of[2] == Group(
        "at_least", (Fact("events", scope=Scope("programme"), type="attendance.present", at_least=10),), 1
    )


def test_an_empty_document_earns_nothing() -> None:
    assert rulebook.parse({}) == Rulebook()


def test_bands_are_sorted_highest_first() -> None:
    bands = [{"at_least": 60, "amount": 1}, {"at_least": 90, "amount": 5}]
    award = {"unit": "credits", "by": "data.score", "bands": bands}
    banded = rulebook.parse({"earning": [{**DEBATE, "award": award}]}).earning[0].award.amount
    assert isinstance(banded, Banded)
    assert [band.at_least for band in banded.bands] == [90, 60]


@pytest.mark.parametrize(("path", "value", "paths"), REFUSED)
def test_refused_at_its_path(path: tuple[Any, ...], value: object, paths: list[str]) -> None:
    assert faults(changed(path, value)) == paths


@pytest.mark.parametrize("document", [None, [], "x", 3])
def test_a_rulebook_is_an_object(document: object) -> None:
    assert faults(document) == [""]


def test_all_faults_at_once() -> None:
    """Of the structure, between parts, with the programme, and what can never be met."""
    document = changed((*A0, "unit"), "gold")
    document["earning"][1]["first"] = -1
    document["earning"].append(SCORED)
    document["certificates"][0]["criteria"] = {"fact": "luck"}
    document["certificates"][1]["criteria"]["all"][4]["key"] = "gold"
    never = {"all": [{"fact": "match_won"}, {"not": {"fact": "match_won"}}]}
    document["certificates"] += [
        certificate("a", "b"),
        certificate("b", "a"),
        {**POINTS, "key": "c", "criteria": never},
    ]
    with pytest.raises(RulebookInvalid) as refusal:
        rulebook.parse(document, Places((), ()))
    assert [path for path, _ in refusal.value.errors] == [
        "earning[0].award.unit",
        "earning[1].first",
        "certificates[0].criteria.fact",
        "earning[2].key",
        "certificates[1].criteria.all[4].key",
        "certificates[2].criteria.all[0].key",
        "certificates[3].criteria.all[0].key",
        "certificates[4].criteria.all[1].not",
        "certificates[1].criteria.all[0].in",
        "certificates[1].criteria.all[1].any[0].in",
    ]


# fmt: off
PLACES_NAMED = [
    ({"fact": "flowers", "in": "course:service", "at_least": 1}, None),
    ({"fact": "flowers", "in": "course:x", "at_least": 1},       "the programme has no course 'x'; it has service"),
    ({"fact": "credits", "in": "phase:first", "at_least": 1},    None),
    ({"fact": "credits", "in": "phase:x", "at_least": 1},        "the programme has no phase 'x'; it has first"),
    ({"fact": "credits", "in": "programme", "at_least": 1},      None),
]
# fmt: on


@pytest.mark.parametrize(("fact", "message"), PLACES_NAMED)
def test_courses_and_phases_are_those_of_the_programme(fact: dict[str, Any], message: str | None) -> None:
    document = {"certificates": [{**POINTS, "criteria": {"any": [fact]}}]}
    places = Places(["service"], ["first"])
    if message is None:
        rulebook.parse(document, places)
        return
    with pytest.raises(RulebookInvalid) as refusal:
        rulebook.parse(document, places)
    assert refusal.value.errors == [("certificates[0].criteria.any[0].in", message)]


def more(fact: str, at_least: float, **members: Any) -> dict[str, Any]:
    return {"fact": fact, "at_least": at_least, "in": "programme", **members}


def rank(at_most: int) -> dict[str, Any]:
    return {"fact": "team_rank", "in": "programme", "at_most": at_most}


HELD = {"fact": "certificate", "key": "gold"}
HOURS = {"type": "helped", "sum": "hours"}
PASSED: dict[str, Any] = {"fact": "passed", "in": "course:service"}
# fmt: off
NEVER: list[tuple[dict[str, Any], str | None]] = [
    ({"all": [more("credits", 60), {"not": more("credits", 60)}]},                        "all[1].not"),
    ({"all": [more("credits", 60), {"not": more("credits", 61)}]},                        None),
    ({"all": [more("credits", 60), {"not": more("credits", 40, **{"in": "company"})}]},   None),
    ({"all": [{"all": [more("credits", 60)]}, {"not": {"any": [HELD, more("credits", 9)]}}]}, "all[1].not.any[1]"),
    ({"at_least": 2, "of": [HELD, {"not": HELD}]},                                        "of[1].not"),
    ({"at_least": 1, "of": [HELD, {"not": HELD}]},                                        None),
    ({"not": {"any": [HELD, {"not": HELD}]}},                                             "not.any[0]"),
    ({"not": {"all": [HELD, {"not": HELD}]}},                                             None),
    ({"any": [HELD, {"all": [rank(3), {"not": rank(5)}]}]},                               "any[1].all[0]"),
    ({"all": [rank(5), {"not": rank(3)}]},                                                None),
    ({"not": more("credits", 0)},                                                         "not"),
    ({"not": more("events", 0.5, **HOURS)},                                               None),
    ({"all": [PASSED, {"not": {**PASSED, "at_least": 50}}]},                              None),
    ({"all": [PASSED, {"not": PASSED}]},                                                  "all[1].not"),
]
# fmt: on


@pytest.mark.parametrize(("criteria", "path"), NEVER)
def test_what_can_never_be_met(criteria: dict[str, Any], path: str | None) -> None:
    found = contradictions(parse_criterion(criteria), "")
    assert [at for at, _ in found] == ([] if path is None else [f".{path}"])
    assert all(message.startswith("can never be met: ") for _, message in found)


FACTS_REFUSED = [
    ({"fact": "events", "type": "x", "at_least": 1.5}, "at_least"),
    ({"fact": "events", "type": "x", "at_least": 0}, "at_least"),
    ({"fact": "events", "type": "x", "at_least": 1, "sum": ""}, "sum"),
    ({"fact": "passed", "in": "course:a", "at_least": 0}, "at_least"),
    ({"fact": "attendance", "in": "programme", "at_least": 100.5}, "at_least"),
    ({"fact": "match_won", "key": "pk", "at_least": 2}, "at_least"),
    ({"fact": "credits", "in": "phase:", "at_least": 2}, "in"),
    ({"fact": "credits", "in": "course:a", "at_least": 2}, "in"),
    ({"fact": "team_rank", "in": "programme", "at_most": 2, "score": "median"}, "score"),
    ({"at_least": 3, "of": [HELD, HELD]}, "at_least"),
]


@pytest.mark.parametrize(("criteria", "member"), FACTS_REFUSED)
def test_a_member_that_cannot_be(criteria: dict[str, Any], member: str) -> None:
    document = {"certificates": [{**POINTS, "key": "gold", "criteria": criteria}]}
    assert f"certificates[0].criteria.{member}" in faults(document)


# fmt: off
CIRCLES = [
    ([certificate("a", "b"), certificate("b", "c"), certificate("c")],       []),
    ([certificate("a", "b", "c"), certificate("b", "c"), certificate("c")],  []),
    ([certificate("a", "a")],                                                [0]),
    ([certificate("a", "b"), certificate("b", "a")],                         [0, 1]),
    ([certificate("a", "b"), certificate("b", "c"), certificate("c", "b")],  [1, 2]),
]
# fmt: on


@pytest.mark.parametrize(("certificates", "paths"), CIRCLES)
def test_no_certificate_waits_for_itself(certificates: list[dict[str, Any]], paths: list[int]) -> None:
    document = {"certificates": certificates}
    if paths:
        assert faults(document) == [f"certificates[{index}].criteria.all[0].key" for index in paths]
    else:
        assert len(rulebook.parse(document).certificates) == 3


def test_criteria_are_not_nested_without_end() -> None:
    criteria: dict[str, Any] = POINTS["criteria"]  # type: ignore[assignment]  # the literal's type is wider
    for _ in range(9):
        criteria = {"not": criteria}
    assert faults({"certificates": [{**POINTS, "criteria": criteria}]}) == ["certificates[0].criteria" + ".not" * 8]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*DOCUMENT, *SCORED, *SERVICE, "fact", "all", "of", *FACTS]), inner, max_size=4
        )
    ),
    max_leaves=15,
)
PLACES = [
    ("earning",),
    ("conversion",),
    ("certificates",),
    E0,
    A0,
    (*A0, "amount"),
    C1,
    (*C1, "criteria"),
    (*TREE, 0),
]


@given(st.sampled_from(PLACES), JSON)
def test_any_json_in_any_place_is_a_rulebook_or_invalid(path: tuple[Any, ...], value: object) -> None:
    with suppress(RulebookInvalid):
        assert isinstance(rulebook.parse(changed(path, value)), Rulebook)
