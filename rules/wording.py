"""Criteria and what is missing of them, in Chinese and English."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from rules.criteria import ATTENDANCE, Criterion, Fact, Group, Scope

if TYPE_CHECKING:
    from rules.explanation import Explanation, Number

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")

_ROLES: Mapping[str, Mapping[str, str]] = {
    "trainer": {"zh": "讲师", "en": " by trainers"},
    "mentor": {"zh": "导师", "en": " by mentors"},
    "committee": {"zh": "委员", "en": " by committee members"},
}
_UNITS: Mapping[str, Mapping[str, str]] = {
    "credits": {"zh": "积分", "en": "credits"},
    "flowers": {"zh": "小红花", "en": "red flowers"},
}
_MEANS = {"zh": "人均", "en": ", mean per member"}
_STATES: Mapping[str, Mapping[str, str]] = {
    "short": {"zh": "尚未取得", "en": "not yet earned"},
    "expired": {"zh": "已过期", "en": "it has expired"},
    "revoked": {"zh": "已撤销", "en": "it is revoked"},
}


@dataclass(frozen=True, slots=True)
class Names:
    """What people call the things that criteria name by their keys; a key without a name is shown as it is.

    `scale` is how many decimals credits are shown with. Names of certificates and of event types are by language.
    """

    scale: int = 0
    courses: Mapping[str, str] = field(default_factory=dict)
    phases: Mapping[str, str] = field(default_factory=dict)
    certificates: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    events: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def credits(self, amount: "Number") -> str:
        return f"{Decimal(amount).scaleb(-self.scale):f}"

    def certificate(self, key: str, language: Language) -> str:
        return self.certificates.get(key, {}).get(language, key)

    def event(self, kind: str, language: Language) -> str:
        found = self.events.get(kind, {}).get(language)
        if language == "zh":
            return f"“{found or kind}”"
        return f" “{found}”" if found else f" {kind}"


def asked(criterion: Criterion, names: Names, language: Language) -> str:
    """What a criterion asks for: "at least 60 credits in the programme"."""
    if isinstance(criterion, Fact):
        return _asked(criterion, names, language)
    parts = [asked(part, names, language) for part in criterion.of]
    if criterion.op == "not":
        return f"不得有（{parts[0]}）" if language == "zh" else f"not ({parts[0]})"
    if len(parts) == 1:
        return parts[0]
    if criterion.op == "all":
        return ("；" if language == "zh" else "; ").join(parts)
    count = criterion.count or 1
    if language == "zh":
        return f"以下 {len(parts)} 项中至少 {count} 项（{'；'.join(parts)}）"
    return f"at least {count} of these {len(parts)} ({'; '.join(parts)})"


def explained(explanation: "Explanation", language: Language) -> str:
    """What is asked for, and whether it is there: "at least 60 credits in the programme: 12.5 credits short"."""
    criterion = explanation.criterion
    if isinstance(criterion, Fact):
        outcome = (_met if explanation.holds else _short)(criterion, explanation, language)
        return _joined(asked(criterion, explanation.names, language), outcome, language)
    if criterion.op == "not":
        of_not = {"zh": "符合", "en": "met"} if explanation.holds else {"zh": "不符合", "en": "not met"}
        return _joined(asked(criterion, explanation.names, language), of_not[language], language)
    if explanation.holds:
        return f"已满足 {explanation.found} 项" if language == "zh" else f"{explanation.found} met"
    return _short_of_group(criterion, explanation, language)


def _joined(asked: str, outcome: str, language: Language) -> str:
    return f"{asked}：{outcome}" if language == "zh" else f"{asked}: {outcome}"


def _short_of_group(group: Group, explanation: "Explanation", language: Language) -> str:
    short = [explained(part, language) for part in explanation.of if not part.holds]
    joined = ("；" if language == "zh" else "; ").join(short)
    if group.op == "all" or len(short) == explanation.missing:
        return joined
    if language == "zh":
        return f"还须满足以下任意 {explanation.missing} 项（{joined}）"
    return f"{explanation.missing} more of these needed ({joined})"


# What is asked for -------------------------------------------------------------------------------


_ASKED: Mapping[Language, Mapping[str, str]] = {
    "zh": {
        "credits": "{where}积分不少于 {least}",
        "flowers": "{where}小红花不少于 {least} 朵",
        "passed": "{where}{type}考核通过",
        "passed with": "{where}{type}考核通过，成绩不低于 {least} 分",
        "attendance": "{where}{type}出勤率不低于 {least}%",
        "team_rank": "小组{mean}{unit}在{where}排名前 {most} 名",
        "match_won": "PK 获胜不少于 {least} 场",
        "match_won of": "PK“{key}”获胜",
        "award": "{where}获{role}奖励不少于 {least} 次",
        "events": "{where}{type}不少于 {least} 次",
        "sum": "{where}{type}的 {sum} 合计不少于 {least}",
        "certificate": "持有“{certificate}”",
    },
    "en": {
        "credits": "at least {least} credits{where}",
        "flowers": "at least {least} red flowers{where}",
        "passed": "passed{where}{type}",
        "passed with": "passed{where}{type} with a score of at least {least}",
        "attendance": "attendance of at least {least} %{where}{type}",
        "team_rank": "team among the first {most} by {unit}{mean}{where}",
        "match_won": "matches won: at least {least}",
        "match_won of": "match {key} won",
        "award": "awards{role}: at least {least}{where}",
        "events": "events{type}: at least {least}{where}",
        "sum": "{sum} of events{type}: at least {least} in all{where}",
        "certificate": "the certificate “{certificate}” held",
    },
}


def _asked(fact: Fact, names: Names, language: Language) -> str:
    zh = language == "zh"
    form: str = "sum" if fact.sum is not None else fact.fact
    if fact.fact == "passed" and fact.at_least is not None:
        form = "passed with"
    if fact.fact == "match_won" and fact.key is not None:
        form = "match_won of"
    return _ASKED[language][form].format(
        where=_where_zh(fact.scope, names) if zh else _where_en(fact.scope, names),
        least=names.credits(int(fact.at_least or 0)) if fact.fact == "credits" else _number(fact.at_least),
        most=fact.at_most,
        key=fact.key,
        sum=fact.sum,
        type="" if fact.type is None or fact.type == ATTENDANCE else names.event(fact.type, language),
        role="" if fact.role is None else _ROLES[fact.role][language],
        unit=_UNITS[fact.unit or "credits"][language],
        mean=_MEANS[language] if fact.score == "mean" else "",
        certificate=names.certificate(fact.key or "", language),
    )


def _where_zh(scope: Scope | None, names: Names) -> str:
    if scope is None:
        return ""
    if scope.key is None:
        return {"company": "公司", "programme": "本项目"}[scope.kind]
    return f"“{(names.courses if scope.kind == 'course' else names.phases).get(scope.key, scope.key)}”"


def _where_en(scope: Scope | None, names: Names) -> str:
    if scope is None:
        return ""
    if scope.key is None:
        return f" in the {scope.kind}"
    return f" in “{(names.courses if scope.kind == 'course' else names.phases).get(scope.key, scope.key)}”"


# What is there, and what is missing --------------------------------------------------------------


def _met(fact: Fact, leaf: "Explanation", language: Language) -> str:
    if fact.fact == "certificate":
        if leaf.what.state == "qualified":
            return "已具备条件" if language == "zh" else "its criteria are met"
        return "已取得" if language == "zh" else "met"
    there = _there(fact, leaf, language)
    return f"已达到（{there}）" if language == "zh" else f"met ({there})"


def _short(fact: Fact, leaf: "Explanation", language: Language) -> str:
    if fact.fact == "certificate":
        return _STATES[leaf.what.state or "short"][language]
    if leaf.missing is None:
        return "不在任何小组" if language == "zh" else "in no team"
    missing = leaf.names.credits(leaf.missing) if fact.fact == "credits" else _number(leaf.missing)
    there = _there(fact, leaf, language)
    if language == "zh":
        return f"还差 {missing} {_MISSING_ZH.get(_kind(fact), '')}".rstrip() + f"（{there}）"
    one, many = _MISSING_EN.get(_kind(fact), ("", ""))
    return f"{_counted(missing, one, many)} short ({there})" if one else f"{missing} short ({there})"


_MISSING_ZH = {
    "credits": "积分",
    "flowers": "朵小红花",
    "passed": "分",
    "attendance": "次出勤",
    "team_rank": "名",
    "match_won": "场胜利",
    "award": "次奖励",
    "events": "次",
}
_MISSING_EN = {
    "credits": ("credit", "credits"),
    "flowers": ("red flower", "red flowers"),
    "passed": ("point", "points"),
    "attendance": ("session", "sessions"),
    "team_rank": ("rank", "ranks"),
    "match_won": ("win", "wins"),
    "award": ("award", "awards"),
    "events": ("event", "events"),
}


def _kind(fact: Fact) -> str:
    return "sum" if fact.sum is not None else fact.fact


def _there(fact: Fact, leaf: "Explanation", language: Language) -> str:
    """What was found."""
    if leaf.found is None:
        return "尚无成绩" if language == "zh" else "no score yet"
    if fact.fact == "credits":
        found = leaf.names.credits(leaf.found)
    elif fact.fact == "attendance":
        found = f"{leaf.found}/{leaf.what.out_of or 0}"
    else:
        found = _number(leaf.found)
    if fact.fact == "team_rank":
        return f"第 {found} 名" if language == "zh" else f"rank {found}"
    return f"现有 {found}" if language == "zh" else f"{found} so far"


def _number(number: "Number | float | None") -> str:
    if isinstance(number, float):
        number = Decimal(str(number))
    return f"{number.normalize():f}" if isinstance(number, Decimal) else str(number)


def _counted(number: str, one: str, many: str | None = None) -> str:
    return f"{number} {one}" if number == "1" else f"{number} {many or one + 's'}"
