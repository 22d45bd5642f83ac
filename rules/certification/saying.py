"""What a run's certificates say: the content that a credential, a badge and the paper are made of."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from credentials.content import Content, Equal, Result
from credentials.status_list import Place
from pointsbank.company import Company
from pointsbank.directory.programmes import Programme
from rules import wording
from rules.certification.amounts import shown
from rules.certification.run import Run
from rules.certification.sums import NAMES, Sum
from rules.certification.validity import valid_until
from rules.parts import CertificateRule
from rules.wording import LANGUAGES, Names

RULE = "rule:"
"""How the keys of results begin that an earning rule gave: it may have any key, also one of ours."""


class Saying:
    """Made once for many certificates of one run; `names` are those of its rulebook's criteria, `rules` those of its
    earning rules, by their keys."""

    def __init__(
        self,
        company: Company,
        programme: Programme,
        names: Names,
        rules: Mapping[str, Mapping[str, str]],
        run: Run,
        base_url: str,
    ) -> None:
        self._company = company
        self._programme = programme
        self._names = names
        self._rules = rules
        self._run = run
        self._base_url = base_url
        self._criteria: dict[str, dict[str, str]] = {}

    def content(
        self,
        number: str,
        rule: CertificateRule,
        learner: tuple[str, str],
        earned: Sequence[Sum],
        issued_at: datetime,
        place: Place,
    ) -> Content:
        """Of one certificate; `learner` is the key and the name, `earned` what makes up the credits."""
        scale = self._company.credits_scale
        return Content(
            number=number,
            kind=rule.kind,
            level=rule.level,
            name=dict(rule.name),
            criteria=self._criterion(rule),
            company=self._company.key,
            company_name=self._company.name,
            programme=self._programme.key,
            programme_name=self._programme.name,
            rule=rule.key,
            rulebook_version=self._run.rulebook_version,
            learner=learner[0],
            learner_name=learner[1],
            credits=shown(sum(each.amount for each in earned), scale),
            results=tuple(Result(result_key(each), self._name(each), shown(each.amount, scale)) for each in earned),
            equals=tuple(Equal(each.system, each.level) for each in rule.equals),
            cut_off=self._run.cut_off,
            issued_at=issued_at,
            valid_until=valid_until(issued_at, rule.valid_for, self._programme.zone),
            timezone=self._programme.zone,
            base_url=self._base_url,
            status_list=place.status_list,
            status_index=place.status_index,
        )

    def _name(self, earned: Sum) -> dict[str, str]:
        if not earned.rule:
            return dict(NAMES[earned.key])
        return dict(self._rules.get(earned.key) or dict.fromkeys(LANGUAGES, earned.key))

    def _criterion(self, rule: CertificateRule) -> dict[str, str]:
        found = self._criteria.get(rule.key)
        if found is None:
            found = {language: wording.asked(rule.criteria, self._names, language) for language in LANGUAGES}
            self._criteria[rule.key] = found
        return found


def result_key(earned: Sum) -> str:
    return f"{RULE}{earned.key}" if earned.rule else earned.key
