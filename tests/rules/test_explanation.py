"""Any tree of criteria over any findings: what the explanation says is what the leaves say, and missing is exact."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.criteria import Criterion, Fact, Group, Scope, parse_criterion
from rules.explanation import Explanation, Found, Number, explain, members, with_ids
from rules.wording import LANGUAGES, Names, asked

PROGRAMME, COURSE = Scope("programme"), Scope("course", "service")
NAMES = Names(
    2,
    {"service": "客服"},
    {},
    {"points": {"zh": "积分证", "en": "Points certificate"}},
    {"served": {"zh": "志愿服务", "en": "Volunteer work"}},
)

counts = st.integers(0, 300)
parts = st.decimals(Decimal("-50"), Decimal("300"), places=2)
limits = st.integers(1, 200)


def of(name: str, at_least: st.SearchStrategy[Any], **fixed: Any) -> st.SearchStrategy[Fact]:
    return at_least.map(lambda value: Fact(name, at_least=value, **fixed))  # type: ignore[arg-type]  # of FactName


AT_LEAST = st.one_of(
    of("credits", limits, scope=PROGRAMME),
    of("flowers", limits, scope=COURSE),
    of("passed", st.none() | limits | st.integers(1, 9_999).map(lambda n: n / 100), scope=COURSE),
    of("attendance", st.integers(0, 10_000).map(lambda n: n / 100), scope=PROGRAMME, type="attendance"),
    of("match_won", limits),
    of("award", limits, scope=PROGRAMME, role="mentor"),
    of("events", limits, scope=COURSE, type="x"),
    of("events", st.integers(1, 9_999).map(lambda n: n / 100), scope=PROGRAMME, type="x", sum="hours"),
    st.sampled_from(["points", "gold"]).map(lambda key: Fact("certificate", key=key)),
)
RANKS = limits.map(lambda rank: Fact("team_rank", PROGRAMME, at_most=rank, unit="credits", score="sum"))


def trees(leaves: st.SearchStrategy[Fact], with_not: bool) -> st.SearchStrategy[Criterion]:
    def grown(inner: st.SearchStrategy[Criterion]) -> st.SearchStrategy[Criterion]:
        several = st.lists(inner, min_size=1, max_size=4).map(tuple)
        groups = [
            several.map(lambda parts: Group("all", parts)),
            several.map(lambda parts: Group("any", parts)),
            several.flatmap(lambda parts: st.integers(1, len(parts)).map(lambda n: Group("at_least", parts, n))),
        ]
        return st.one_of(*groups, *([inner.map(lambda part: Group("not", (part,)))] if with_not else []))

    return st.recursive(leaves, grown, max_leaves=10)


ANY_TREE = trees(AT_LEAST | RANKS, with_not=True)
MONOTONE = trees(AT_LEAST, with_not=False)


@st.composite
def findings(draw: st.DrawFn, facts: list[Fact]) -> dict[Fact, Found]:
    found: dict[Fact, Found] = {}
    for fact in facts:
        entries = tuple(sorted(draw(st.sets(st.integers(1, 99), max_size=4))))
        value: Number | None = draw(counts)
        out_of = None
        if fact.fact == "attendance":
            out_of = draw(st.just(0) | st.integers(1, 120))
            value = draw(st.integers(0, out_of))
        elif fact.fact == "passed":
            value = draw(st.none() | parts)
        elif fact.sum is not None:
            value = draw(parts)
        elif fact.fact == "certificate":
            value = draw(st.integers(0, 1))
        elif fact.fact == "team_rank":
            value = draw(st.none() | limits)
        state: Any = (
            None if fact.fact != "certificate" else "held" if value else draw(st.sampled_from(["short", "revoked"]))
        )
        found[fact] = Found(value, entries, out_of, state)
    return found


def leaves(criterion: Criterion) -> Iterator[Fact]:
    if isinstance(criterion, Fact):
        yield criterion
    else:
        for part in criterion.of:
            yield from leaves(part)


@st.composite
def judged(draw: st.DrawFn, tree: st.SearchStrategy[Criterion]) -> tuple[Criterion, dict[Fact, Found]]:
    criterion = draw(tree)
    return criterion, draw(findings(list(dict.fromkeys(leaves(criterion)))))


def of_leaves(criterion: Criterion, holding: Iterator[bool]) -> bool:
    """What the leaves' answers, in their order, say of the tree: the plain meaning of its words."""
    if isinstance(criterion, Fact):
        return next(holding)
    answers = [of_leaves(part, holding) for part in criterion.of]
    if criterion.op == "all":
        return all(answers)
    if criterion.op == "any":
        return any(answers)
    if criterion.op == "not":
        return not answers[0]
    assert criterion.count is not None
    return sum(answers) >= criterion.count


def plain(fact: Fact, what: Found) -> bool:
    """Whether a fact holds, said another way than the explanation does."""
    if fact.at_most is not None:
        return what.value is not None and what.value <= fact.at_most
    if fact.fact == "attendance":
        share = Fraction(what.value or 0, what.out_of) if what.out_of else Fraction(0)
        return share * 100 >= Fraction(str(fact.at_least))
    wanted = {"passed": 60}.get(fact.fact, 1) if fact.at_least is None else fact.at_least
    return what.value is not None and what.value >= Decimal(str(wanted))


@given(judged(ANY_TREE))
def test_qualified_if_and_only_if_the_leaves_say_so(case: tuple[Criterion, dict[Fact, Found]]) -> None:
    criterion, found = case
    explanation = explain(criterion, found.__getitem__, NAMES)
    shown = [node for node in nodes(explanation) if isinstance(node.criterion, Fact)]
    assert [leaf.criterion for leaf in shown] == list(leaves(criterion))
    assert all(leaf.holds == plain(fact, found[fact]) for leaf, fact in zip(shown, leaves(criterion), strict=True))
    assert explanation.holds == of_leaves(criterion, iter([leaf.holds for leaf in shown]))
    if explanation.missing is not None:
        assert explanation.holds == (explanation.missing == 0)


@given(judged(MONOTONE), st.data())
def test_more_of_anything_never_turns_yes_to_no(case: tuple[Criterion, dict[Fact, Found]], data: st.DataObject) -> None:
    criterion, found = case
    before = explain(criterion, found.__getitem__, NAMES)
    fact = data.draw(st.sampled_from(sorted(found, key=repr)))
    raised = found[fact]
    if fact.fact == "attendance":
        assert raised.out_of is not None
        # A missed session that was attended after all, or one more that was.
        more = data.draw(st.integers(0, 50))
        raised = replace(
            raised, value=(raised.value or 0) + more, out_of=max(raised.out_of, (raised.value or 0) + more)
        )
    elif fact.fact == "certificate":
        raised = replace(raised, value=1, state="held")
    else:
        raised = replace(raised, value=(raised.value or 0) + data.draw(st.integers(0, 500)))
    after = explain(criterion, {**found, fact: raised}.__getitem__, NAMES)
    assert after.holds or not before.holds
    for old, new in zip(nodes(before), nodes(after), strict=True):
        assert new.holds or not old.holds


def nodes(explanation: Explanation) -> Iterator[Explanation]:
    yield explanation
    for each in explanation.of:
        yield from nodes(each)


@given(st.one_of(AT_LEAST, RANKS), st.data())
def test_missing_is_exact(fact: Fact, data: st.DataObject) -> None:
    found = data.draw(findings([fact]))
    explanation = explain(fact, found.__getitem__, NAMES)
    missing = explanation.missing
    what = found[fact]
    if missing is None:
        assert what.value is None
        return
    assert missing >= 0
    if missing == 0:
        assert plain(fact, what)
        return
    step = 1 if isinstance(missing, int) else Decimal("0.01")
    sign = 1 if fact.at_most is None else -1

    def holds(change: Number) -> bool:
        value = (what.value or 0) + sign * change
        # Of attendance: sessions that were held and missed, or if there were none, sessions that take place.
        out_of = None if what.out_of is None else max(what.out_of, int(value))
        return explain(fact, lambda _: replace(what, value=value, out_of=out_of), NAMES).holds

    assert not plain(fact, what)
    assert holds(missing)
    assert not holds(missing - step)
    assert plain(fact, replace(what, value=(what.value or 0) + sign * missing, out_of=max(what.out_of or 0, 1)))


@given(judged(ANY_TREE))
def test_json_and_words_say_the_same(case: tuple[Criterion, dict[Fact, Found]]) -> None:
    criterion, found = case
    explanation = explain(criterion, found.__getitem__, NAMES)
    shown = explanation.as_json(7)
    assert with_ids(explanation.as_json(None), 7) == shown
    for node, told in zip(nodes(explanation), nodes_of(shown), strict=True):
        assert told["holds"] == node.holds
        assert told["entries_total"] == len(node.what.entries)
        assert told.items() >= members(node.criterion).items()
        assert told["missing"] is None or abs(Decimal(str(told["missing"])) - Decimal(node.missing or 0)) < Decimal(
            "1e-9"
        )
        for language in LANGUAGES:
            assert told["words"][language]
            assert asked(node.criterion, NAMES, language)
            short = node.missing is not None and not node.holds
            if short and isinstance(node.criterion, Fact) and node.criterion.fact != "certificate":
                assert {"zh": "还差", "en": "short"}[language] in told["words"][language]


def nodes_of(shown: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield shown
    for each in shown["of"]:
        yield from nodes_of(each)


@given(judged(ANY_TREE), st.data())
def test_it_rests_on_what_makes_it_so(case: tuple[Criterion, dict[Fact, Found]], data: st.DataObject) -> None:
    """Whatever becomes of all that is not in the record, the answer stays."""
    criterion, found = case
    numbered = {fact: replace(what, entries=(number,)) for number, (fact, what) in enumerate(found.items())}
    explanation = explain(criterion, numbered.__getitem__, NAMES)
    record = explanation.entries()
    others = [fact for fact, what in numbered.items() if not record.issuperset(what.entries)]
    changed = {**numbered, **data.draw(findings(others))}
    assert explain(criterion, changed.__getitem__, NAMES).holds == explanation.holds


# fmt: off
WORDS: list[tuple[dict[str, Any], Found, str, str]] = [
    ({"fact": "credits", "in": "programme", "at_least": 6000}, Found(4750),
        "本项目积分不少于 60.00：还差 12.50 积分（现有 47.50）",
        "at least 60.00 credits in the programme: 12.50 credits short (47.50 so far)"),
    ({"fact": "credits", "in": "company", "at_least": 6000}, Found(6000),
        "公司积分不少于 60.00：已达到（现有 60.00）",
        "at least 60.00 credits in the company: met (60.00 so far)"),
    ({"fact": "flowers", "in": "course:service", "at_least": 5}, Found(4),
        "“客服”小红花不少于 5 朵：还差 1 朵小红花（现有 4）",
        "at least 5 red flowers in “客服”: 1 red flower short (4 so far)"),
    ({"fact": "passed", "in": "course:service"}, Found(None),
        "“客服”考核通过：还差 60 分（尚无成绩）",
        "passed in “客服”: 60 points short (no score yet)"),
    ({"fact": "passed", "in": "course:other", "at_least": 80.5}, Found(Decimal("72.50")),
        "“other”考核通过，成绩不低于 80.5 分：还差 8 分（现有 72.5）",
        "passed in “other” with a score of at least 80.5: 8 points short (72.5 so far)"),
    ({"fact": "attendance", "in": "programme", "at_least": 95}, Found(45, out_of=50),
        "本项目出勤率不低于 95%：还差 3 次出勤（现有 45/50）",
        "attendance of at least 95 % in the programme: 3 sessions short (45/50 so far)"),
    ({"fact": "team_rank", "in": "programme", "at_most": 3}, Found(5),
        "小组积分在本项目排名前 3 名：还差 2 名（第 5 名）",
        "team among the first 3 by credits in the programme: 2 ranks short (rank 5)"),
    ({"fact": "team_rank", "in": "programme", "at_most": 3, "unit": "flowers", "score": "mean"}, Found(None),
        "小组人均小红花在本项目排名前 3 名：不在任何小组",
        "team among the first 3 by red flowers, mean per member in the programme: in no team"),
    ({"fact": "events", "type": "helped", "sum": "hours", "at_least": 20}, Found(Decimal("17.5")),
        "本项目“helped”的 hours 合计不少于 20：还差 2.5（现有 17.5）",
        "hours of events helped: at least 20 in all in the programme: 2.5 short (17.5 so far)"),
    ({"fact": "events", "type": "served", "at_least": 4}, Found(1),
        "本项目“志愿服务”不少于 4 次：还差 3 次（现有 1）",
        "events “Volunteer work”: at least 4 in the programme: 3 events short (1 so far)"),
    ({"fact": "award", "role": "committee"}, Found(0),
        "本项目获委员奖励不少于 1 次：还差 1 次奖励（现有 0）",
        "awards by committee members: at least 1 in the programme: 1 award short (0 so far)"),
    ({"fact": "certificate", "key": "points"}, Found(0, state="revoked"),
        "持有“积分证”：已撤销",
        "the certificate “Points certificate” held: it is revoked"),
    ({"not": {"fact": "match_won", "key": "pk"}}, Found(1),
        "不得有（PK“pk”获胜）：不符合",
        "not (match pk won): not met"),
]
# fmt: on


@pytest.mark.parametrize(("criteria", "found", "zh", "en"), WORDS)
def test_words(criteria: dict[str, Any], found: Found, zh: str, en: str) -> None:
    explanation = explain(parse_criterion(criteria), lambda _: found, NAMES)
    assert (explanation.in_words("zh"), explanation.in_words("en")) == (zh, en)
