"""What a rule, a conversion or a certificate says, in Chinese and English, for people who do not read JSON.

What criteria ask for, says `rules.wording`.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

from rules import conditions
from rules.conditions import Comparison
from rules.expressions import Expression
from rules.parts import Banded, CertificateRule, Conversion, EarningRule, Rounding
from rules.wording import Language, Names, asked

_OPERATORS: Mapping[Language, Mapping[str, str]] = {
    "zh": {
        "==": "{field} 等于 {value}",
        "!=": "{field} 不等于 {value}",
        ">=": "{field} 不小于 {value}",
        ">": "{field} 大于 {value}",
        "<=": "{field} 不大于 {value}",
        "<": "{field} 小于 {value}",
        "contains": "{field} 包含 {value}",
        "startsWith": "{field} 以 {value} 开头",
        "has": "有 {field}",
    },
    "en": {
        "==": "{field} is {value}",
        "!=": "{field} is not {value}",
        ">=": "{field} is at least {value}",
        ">": "{field} is more than {value}",
        "<=": "{field} is at most {value}",
        "<": "{field} is less than {value}",
        "contains": "{field} contains {value}",
        "startsWith": "{field} begins with {value}",
        "has": "there is {field}",
    },
}
_ROUNDING: Mapping[Language, Mapping[Rounding, str]] = {
    "zh": {"half_up": "四舍五入", "half_even": "四舍六入五成双", "up": "向上取整", "down": "向下取整"},
    "en": {
        "half_up": "rounded half up",
        "half_even": "rounded half to even",
        "up": "rounded up",
        "down": "rounded down",
    },
}
_WITHIN: Mapping[Language, Mapping[str, str]] = {
    "zh": {"programme": "在本项目内", "course": "在每门课程内", "day": "每天"},
    "en": {"programme": "in the programme", "course": "in each course", "day": "each day"},
}
_PARTS_OF_TIME: Mapping[Language, Mapping[str, str]] = {
    "zh": {"Y": "{n} 年", "M": "{n} 个月", "W": "{n} 周", "D": "{n} 天"},
    "en": {"Y": "{n} year", "M": "{n} month", "W": "{n} week", "D": "{n} day"},
}


def earning(rule: EarningRule, names: Names, language: Language) -> str:
    """ "For each “lms.test.scored” where attempt is 1: …"."""
    zh = language == "zh"
    when = "" if rule.when is None else _condition(rule.when, language)
    gives = _amount(rule, names, language)
    if zh:
        said = [f"每收到一次“{rule.on}”{f'，且 {when}' if when else ''}：{gives}"]
    else:
        said = [f"For each event “{rule.on}”{f' where {when}' if when else ''}: {gives}"]
    if rule.cap is not None:
        most, within = _of_unit(rule, rule.cap.amount, names, language), _WITHIN[language][rule.cap.within]
        said.append(f"每位学员{within}最多 {most}" if zh else f"at most {most} for a learner {within}")
    if rule.first is not None:
        first = f"每门课程只给最先达到的 {rule.first} 人" if zh else f"only for the first {rule.first} in each course"
        said.append(first)
    return ("；".join(said) + "。") if zh else ("; ".join(said) + ".")


def conversion(rule: Conversion, names: Names, language: Language) -> str:
    gives, most = names.credits(rule.credits), rule.cap_credits
    rounding = _ROUNDING[language][rule.round]
    if language == "zh":
        said = f"课程结束时，每 {rule.flowers_per_credit} 朵小红花兑换 {gives} 积分，{rounding}"
        said += "" if most is None else f"；每位学员每门课程最多兑换 {names.credits(most)} 积分"
        return f"{said}；余下的小红花作废。"
    flowers = "each red flower" if rule.flowers_per_credit == 1 else f"every {rule.flowers_per_credit} red flowers"
    said = f"When a course closes, {flowers} become {_counted(gives, 'credit')}, {rounding}"
    said += "" if most is None else f"; at most {_counted(names.credits(most), 'credit')} for a learner in each course"
    return f"{said}; the remaining flowers expire."


def certificate(rule: CertificateRule, names: Names, language: Language) -> str:
    zh = language == "zh"
    said = [
        f"须满足：{asked(rule.criteria, names, language)}" if zh else f"Needs {asked(rule.criteria, names, language)}"
    ]
    if rule.valid_for is None:
        said.append("长期有效" if zh else "valid for good")
    else:
        valid = duration(rule.valid_for, language)
        said.append(f"有效期 {valid}" if zh else f"valid for {valid}")
    if rule.equals:
        equals = ("、" if zh else ", ").join(f"{each.system} {each.level}" for each in rule.equals)
        said.append(f"等同于 {equals}" if zh else f"equal to {equals}")
    return ("；".join(said) + "。") if zh else ("; ".join(said) + ".")


def duration(text: str, language: Language) -> str:
    """Of an ISO 8601 duration such as P2Y6M: "2 years 6 months"."""
    parts = [
        (_PARTS_OF_TIME[language][letter].format(n=int(n)), int(n)) for n, letter in re.findall(r"(\d+)([YMWD])", text)
    ]
    plural = "s" if language == "en" else ""
    return " ".join(f"{said}{plural if n != 1 else ''}" for said, n in parts)


def _condition(when: Expression, language: Language) -> str:
    found = conditions.comparisons(when.source)
    if found is None:
        return f"满足 {when.source}" if language == "zh" else f"({when.source})"
    joint = {("zh", "all"): " 且 ", ("zh", "any"): " 或 ", ("en", "all"): " and ", ("en", "any"): " or "}
    return joint[language, found.joined].join(_said(each, language) for each in found.parts)


def _said(each: Comparison, language: Language) -> str:
    value = f"“{each.value}”" if each.operator in ("contains", "startsWith") else each.value
    return _OPERATORS[language][each.operator].format(field=each.field, value=value)


def _amount(rule: EarningRule, names: Names, language: Language) -> str:
    amount = rule.award.amount
    zh = language == "zh"
    if isinstance(amount, int):
        given = _of_unit(rule, amount, names, language)
        return f"给 {given}" if zh else given
    if isinstance(amount, Banded):
        return _banded(rule, amount, names, language)
    rounding = _ROUNDING[language][rule.award.round]
    unit = _unit(rule, language)
    by_factor = conditions.factor(amount.source)
    if by_factor is not None:
        factor = _factor(rule, Decimal(by_factor.factor), names)
        if zh:
            return f"按 {by_factor.field} × {factor} 给{unit}，{rounding}"
        return f"{factor} × {by_factor.field} as {unit}, {rounding}"
    by_case = conditions.cases(amount.source)
    if by_case is not None:
        return _by_case(rule, by_case, names, language)
    return f"按 {amount.source} 给{unit}，{rounding}" if zh else f"{amount.source} as {unit}, {rounding}"


def _banded(rule: EarningRule, amount: Banded, names: Names, language: Language) -> str:
    shown = _shown(rule, names)
    factor = conditions.factor(amount.by.source)
    by = factor.field if factor is not None and factor.factor == "1" else amount.by.source
    bands = sorted(amount.bands, key=lambda band: band.at_least)
    if language == "zh":
        said = "，".join(f"达到 {_number(band.at_least)} 给 {shown(band.amount)}" for band in bands)
        return f"按 {by} 给{_unit(rule, language)}：{said}"
    said = ", ".join(f"{shown(band.amount)} from {_number(band.at_least)}" for band in bands)
    return f"{_unit(rule, language)} by {by}: {said}"


def _by_case(rule: EarningRule, found: conditions.Cases, names: Names, language: Language) -> str:
    shown = _shown(rule, names)
    if language == "zh":
        said = "，".join(f"{_said(each, language)} 给 {shown(amount)}" for each, amount in found.cases)
        return f"给{_unit(rule, language)}：{said}，其他情况给 {shown(found.otherwise)}"
    said = ", ".join(f"{shown(amount)} if {_said(each, language)}" for each, amount in found.cases)
    return f"{_unit(rule, language)}: {said}, otherwise {shown(found.otherwise)}"


def _shown(rule: EarningRule, names: Names) -> Callable[[int], str]:
    return names.credits if rule.award.unit == "credits" else str


def _factor(rule: EarningRule, factor: Decimal, names: Names) -> str:
    """Of whole credits or flowers, though the rule counts the smallest part."""
    whole = factor.scaleb(-names.scale) if rule.award.unit == "credits" else factor
    return f"{whole.normalize():f}"


def _unit(rule: EarningRule, language: Language) -> str:
    if rule.award.unit == "credits":
        return "积分" if language == "zh" else "credits"
    return "小红花" if language == "zh" else "red flowers"


def _of_unit(rule: EarningRule, amount: int, names: Names, language: Language) -> str:
    """ "3 credits", "1 red flower", "3 朵小红花"."""
    shown = _shown(rule, names)(amount)
    if language == "zh":
        return f"{shown} 积分" if rule.award.unit == "credits" else f"{shown} 朵小红花"
    return _counted(shown, "credit" if rule.award.unit == "credits" else "red flower")


def _counted(number: str, one: str) -> str:
    return f"{number} {one}" if number == "1" else f"{number} {one}s"


def _number(number: float) -> str:
    return f"{number:g}" if isinstance(number, float) and number.is_integer() else str(number)
