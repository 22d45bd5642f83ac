"""What a certificate says as an Open Badges 3.0 credential, without its proof.

A pure function of the content: the same certificate gives the same document, so also the same signature.
"""

import hmac
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from credentials import addresses
from credentials.addresses import Issuer
from credentials.content import Content, Equal
from credentials.contexts import CREDENTIALS, OPEN_BADGES, OPEN_BADGES_EXTENSIONS

SCHEMA = "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_achievementcredential_schema.json"
LANGUAGES = ("zh", "en")
_LEVEL = "等级 / Level"
_SALT_CHARACTERS = 32  # 128 bits


def document(content: Content, issuer: Issuer, status_list: str, secret: bytes) -> dict[str, Any]:
    """`status_list` is the address of the list that the certificate's status is in, `secret` the company's own."""
    return {
        "@context": [CREDENTIALS, OPEN_BADGES, OPEN_BADGES_EXTENSIONS],
        "id": content.verify_url,
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": title(content),
        "description": _description(content),
        "issuer": {"id": issuer.did, "type": ["Profile"], "name": content.company_name, "url": issuer.url},
        "validFrom": _time(content, content.issued_at),
        **({} if content.valid_until is None else {"validUntil": _time(content, content.valid_until)}),
        "credentialSubject": _subject(content, issuer, secret),
        "credentialSchema": [{"id": SCHEMA, "type": "1EdTechJsonSchemaValidator2019"}],
        "credentialStatus": {
            "id": f"{status_list}#{content.status_index}",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": str(content.status_index),
            "statusListCredential": status_list,
        },
    }


def _subject(content: Content, issuer: Issuer, secret: bytes) -> dict[str, Any]:
    achievement = issuer.achievement(content.programme, content.rule, content.rulebook_version)
    sums = _sums(content, achievement)
    subject: dict[str, Any] = {
        "type": ["AchievementSubject"],
        "identifier": [_learner(content, secret), _name(content)],
        "licenseNumber": content.number,
        "creditsEarned": _number(content.credits),
        "achievement": _achievement(content, issuer, achievement, sums),
    }
    if sums:
        subject["result"] = [{"type": ["Result"], "resultDescription": each.id, "value": each.value} for each in sums]
    return subject


class _Sum(NamedTuple):
    id: str
    name: str
    kind: str
    value: str


def _sums(content: Content, achievement: str) -> list[_Sum]:
    """The level, if there is one, and the statement's sums."""
    level = [] if content.level is None else [_Sum(f"{achievement}/level", _LEVEL, "PerformanceLevel", content.level)]
    return level + [
        _Sum(addresses.result(achievement, each.key), in_both(each.name), "RawScore", each.value)
        for each in content.results
    ]


def _achievement(content: Content, issuer: Issuer, achievement: str, sums: list[_Sum]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "id": achievement,
        "type": ["Achievement"],
        "achievementType": "Certificate",
        "name": title(content),
        "description": f"{content.company_name}, {content.programme_name}",
        "criteria": {"narrative": narrative(content)},
        "fieldOfStudy": content.programme_name,
        "humanCode": content.rule,
        "version": str(content.rulebook_version),
    }
    if sums:
        described["resultDescription"] = [
            {"id": each.id, "type": ["ResultDescription"], "name": each.name, "resultType": each.kind} for each in sums
        ]
    if content.equals:
        described["alignment"] = [_alignment(issuer, each) for each in content.equals]
    return described


def _alignment(issuer: Issuer, equal: Equal) -> dict[str, Any]:
    return {
        "type": ["Alignment"],
        "targetName": f"{equal.system} {equal.level}",
        "targetFramework": equal.system,
        "targetCode": equal.level,
        "targetUrl": issuer.level(equal.system, equal.level),
    }


def _learner(content: Content, secret: bytes) -> dict[str, Any]:
    """HR's id of the learner: who knows it can check it, and nobody can find it by trying.

    The salt is the same for all certificates of a learner, so that they can be told to be one person's.
    """
    salt = hmac.digest(secret, b"salt:" + content.learner.encode(), "sha256").hex()[:_SALT_CHARACTERS]
    return {
        "type": "IdentityObject",
        "hashed": True,
        "identityHash": "sha256$" + sha256((content.learner + salt).encode()).hexdigest(),
        "identityType": "identifier",
        "salt": salt,
    }


def _name(content: Content) -> dict[str, Any]:
    """As on the paper."""
    return {"type": "IdentityObject", "hashed": False, "identityHash": content.learner_name, "identityType": "name"}


def title(content: Content) -> str:
    """In both languages, with the level."""
    name = in_both(content.name)
    return name if content.level is None else f"{name} ({content.level})"


def narrative(content: Content) -> str:
    """What was asked, in both languages."""
    return in_both(content.criteria, "\n\n")


def _description(content: Content) -> str:
    day = content.cut_off.astimezone(content.timezone).date().isoformat()
    where = f"{content.company_name}, {content.programme_name}"
    return in_both({"zh": f"{where}：截至 {day}", "en": f"{where}: as of {day}"})


def in_both(texts: Mapping[str, str], between: str = " / ") -> str:
    """Open Badges have one text for all languages. Said twice only if it differs."""
    return between.join(dict.fromkeys(texts[language] for language in LANGUAGES if texts.get(language)))


def _time(content: Content, time: datetime) -> str:
    return time.astimezone(content.timezone).isoformat(timespec="seconds")


def _number(text: str) -> int | float:
    """Whole ones without a fraction: "96.0" is not written alike in every language."""
    value = float(text)
    return int(value) if value.is_integer() else value
