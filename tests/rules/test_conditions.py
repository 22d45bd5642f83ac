"""Expressions as people say them: which are of such a form, and what they say."""

import pytest

from rules.conditions import Cases, Comparison, Comparisons, Factor, cases, comparisons, factor

SCORE = Comparison("score", ">=", "60")
FIRST = Comparison("attempt", "==", "1")

# fmt: off
COMPARED = [
    ("data.score >= 60",                             Comparisons("all", (SCORE,))),
    ("data.score>=60&&data.attempt==1",              Comparisons("all", (SCORE, FIRST))),
    ("data.score >= 60 || data.attempt == 1",        Comparisons("any", (SCORE, FIRST))),
    ("data.score >= 60 && data.attempt == 1 || true", None),
    ("data.score >= 60 && data.a == 1 || data.b == 2", None),
    ("data.score + 1 >= 60",                         None),
    ("(data.score >= 60)",                           None),
    ("data.score >= 60 &&",                          None),
    ("",                                             None),
    ("data.level == 'A && B'",                       Comparisons("all", (Comparison("level", "==", "A && B"),))),
    ('data.level != "x"',                            Comparisons("all", (Comparison("level", "!=", "x"),))),
    ("data.done == true",                            Comparisons("all", (Comparison("done", "==", "true"),))),
    ("data.score < -1.5",                            Comparisons("all", (Comparison("score", "<", "-1.5"),))),
    ("data.score < 1e3",                             None),
    ("data.note.contains('快')",                     Comparisons("all", (Comparison("note", "contains", "快"),))),
    ("data.note.startsWith('A')",                    Comparisons("all", (Comparison("note", "startsWith", "A"),))),
    ("has(data.bonus)",                              Comparisons("all", (Comparison("bonus", "has", ""),))),
    ("data.level == 'it\\'s'",                       None),
]
AMOUNTS = [
    ("double(data.hours) * 2.0",                     Factor("hours", "2.0")),
    ("data.hours",                                   Factor("hours", "1")),
    ("data.hours * 2",                               None),
    ("double(data.hours) * 2.0 + 1.0",               None),
]
CASES = [
    ("data.p == 1 ? 5 : data.p == 2 ? 3 : 2",
        Cases(((Comparison("p", "==", "1"), 5), (Comparison("p", "==", "2"), 3)), 2)),
    ("data.p == 1 ? 5 : 2.5",                        None),
    ("data.p == 1 ? 5",                              None),
    ("data.p == 1",                                  None),
    ("7",                                            None),
]
# fmt: on


@pytest.mark.parametrize(("source", "said"), COMPARED)
def test_comparisons(source: str, said: Comparisons | None) -> None:
    assert comparisons(source) == said


@pytest.mark.parametrize(("source", "said"), AMOUNTS)
def test_factors(source: str, said: Factor | None) -> None:
    assert factor(source) == said


@pytest.mark.parametrize(("source", "said"), CASES)
def test_cases(source: str, said: Cases | None) -> None:
    assert cases(source) == said
