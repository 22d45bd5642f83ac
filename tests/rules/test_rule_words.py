"""What rules say in words, also while the document does not hold as a whole."""

from typing import Any

import pytest

from rules.checking import check, in_words
from rules.references import Places
from rules.wording import Language, Names

NAMES = Names(2, {"service": "服务"}, {})
PLACES = Places(["service"], [])
CREDITS = {"unit": "credits", "amount": 150}
BANDS = [{"at_least": 90.0, "amount": 2}, {"at_least": 60, "amount": 1}]
RACE = {
    "award": {"unit": "flowers", "amount": "data.p == 1 ? 5 : 2"},
    "first": 3,
    "cap": {"within": "day", "amount": 9},
}
RACE_IN_CHINESE = (
    "每收到一次“x”：给小红花：p 等于 1 给 5，其他情况给 2；每位学员每天最多 9 朵小红花；每门课程只给最先达到的 3 人。"
)
RACE_IN_ENGLISH = (
    "For each event “x”: red flowers: 5 if p is 1, otherwise 2; at most 9 red flowers for a learner each day; "
    "only for the first 3 in each course."
)

# fmt: off
RULES: list[tuple[dict[str, Any], str, str]] = [
    ({"award": CREDITS}, "每收到一次“x”：给 1.50 积分。", "For each event “x”: 1.50 credits."),
    ({"award": {"unit": "flowers", "amount": 1}, "when": "data.a == 1 && data.b >= 2"},
        "每收到一次“x”，且 a 等于 1 且 b 不小于 2：给 1 朵小红花。",
        "For each event “x” where a is 1 and b is at least 2: 1 red flower."),
    ({"award": CREDITS, "when": "data.a.contains('好') || has(data.b)"},
        "每收到一次“x”，且 a 包含 “好” 或 有 b：给 1.50 积分。",
        "For each event “x” where a contains “好” or there is b: 1.50 credits."),
    ({"award": CREDITS, "when": "size(data.a) > 2"},
        "每收到一次“x”，且 满足 size(data.a) > 2：给 1.50 积分。",
        "For each event “x” where (size(data.a) > 2): 1.50 credits."),
    ({"award": {"unit": "credits", "amount": "double(data.h) * 200.0", "round": "down"}},
        "每收到一次“x”：按 h × 2 给积分，向下取整。", "For each event “x”: 2 × h as credits, rounded down."),
    ({"award": {"unit": "flowers", "amount": "data.h"}},
        "每收到一次“x”：按 h × 1 给小红花，四舍五入。", "For each event “x”: 1 × h as red flowers, rounded half up."),
    ({"award": {"unit": "flowers", "amount": "data.h % 3"}},
        "每收到一次“x”：按 data.h % 3 给小红花，四舍五入。",
        "For each event “x”: data.h % 3 as red flowers, rounded half up."),
    ({"award": {"unit": "flowers", "by": "data.s", "bands": BANDS}},
        "每收到一次“x”：按 s 给小红花：达到 60 给 1，达到 90 给 2。",
        "For each event “x”: red flowers by s: 1 from 60, 2 from 90."),
    (RACE, RACE_IN_CHINESE, RACE_IN_ENGLISH),
]
# fmt: on


@pytest.mark.parametrize(("rule", "zh", "en"), RULES)
def test_earning_rules(rule: dict[str, Any], zh: str, en: str) -> None:
    said: dict[Language, str] = {"zh": zh, "en": en}
    for language, words in said.items():
        assert in_words({"earning": [{"key": "a", "on": "x", **rule}]}, NAMES, language) == {"earning[0]": words}


def test_conversion_and_certificates() -> None:
    certificate = {
        "key": "c",
        "kind": "points",
        "name": {"zh": "积分证", "en": "Points"},
        "criteria": {"fact": "flowers", "in": "course:service", "at_least": 3},
        "valid_for": "P1Y6M",
        "equals": [{"system": "talent", "level": "P2"}],
    }
    second = {**certificate, "key": "d", "criteria": {"fact": "certificate", "key": "c"}, "equals": []}
    del second["valid_for"]
    document = {
        "conversion": {"flowers_per_credit": 5, "credits": 100, "cap_credits": 2000},
        "certificates": [certificate, second],
    }
    assert in_words(document, NAMES, "zh") == {
        "conversion": "课程结束时，每 5 朵小红花兑换 1.00 积分，向下取整；每位学员每门课程最多兑换 20.00 积分；"
        "余下的小红花作废。",
        "certificates[0]": "须满足：“服务”小红花不少于 3 朵；有效期 1 年 6 个月；等同于 talent P2。",
        "certificates[1]": "须满足：持有“积分证”；长期有效。",
    }
    assert in_words(document, NAMES, "en") == {
        "conversion": "When a course closes, every 5 red flowers become 1.00 credits, rounded down; at most 20.00 "
        "credits for a learner in each course; the remaining flowers expire.",
        "certificates[0]": "Needs at least 3 red flowers in “服务”; valid for 1 year 6 months; equal to talent P2.",
        "certificates[1]": "Needs the certificate “Points” held; valid for good.",
    }


def test_what_holds_is_said_beside_what_does_not() -> None:
    good, bad = {"key": "a", "on": "x", "award": CREDITS}, {"key": "b", "on": "", "award": {"unit": "gold"}}
    checked = check({"earning": [bad, good, 7], "certificates": {}}, PLACES, NAMES, "en")
    assert [path for path, _ in checked.faults] == [
        "earning[0].on",
        "earning[0].award.unit",
        "earning[0].award.amount",
        "earning[2]",
        "certificates",
    ]
    assert checked.words == {"earning[1]": "For each event “x”: 1.50 credits."}
    assert check([], PLACES, NAMES, "en").words == {}
