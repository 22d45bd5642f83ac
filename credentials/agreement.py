"""Whether what is shown of a certificate is what its credential says, of which alone a signature speaks."""

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from credentials.achievement import narrative, title
from credentials.content import Content


def agrees(content: Content, credential: bytes) -> bool:
    """Compares all that the verification page shows. False also where the credential has not the form of ours.

    That form is what `achievement` writes: what it once wrote for a content it has to write for ever.
    """
    try:
        document = json.loads(credential)
        return all(shown == signed for shown, signed in _pairs(content, document))
    except (ValueError, KeyError, TypeError, StopIteration, InvalidOperation):
        return False


def _pairs(content: Content, document: dict[str, Any]) -> Iterator[tuple[object, object]]:
    """What is shown beside what is signed."""
    subject = document["credentialSubject"]
    achievement = subject["achievement"]
    yield content.number, subject["licenseNumber"]
    yield content.learner_name, next(each for each in subject["identifier"] if not each["hashed"])["identityHash"]
    yield Decimal(content.credits), Decimal(str(subject["creditsEarned"]))
    yield content.company_name, document["issuer"]["name"]
    yield content.programme_name, achievement["fieldOfStudy"]
    yield content.issued_at.replace(microsecond=0), datetime.fromisoformat(document["validFrom"])
    until = document.get("validUntil")
    shown = None if content.valid_until is None else content.valid_until.replace(microsecond=0)
    yield shown, None if until is None else datetime.fromisoformat(until)
    yield content.verify_url, document["id"]
    yield title(content), achievement["name"]
    yield narrative(content), achievement["criteria"]["narrative"]
    equal = [(each["targetFramework"], each["targetCode"]) for each in achievement.get("alignment", [])]
    yield [(each.system, each.level) for each in content.equals], equal
