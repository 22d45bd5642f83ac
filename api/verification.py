"""/verify/: where anybody who holds a certificate, or sees one, finds out whether it holds. Without a key.

Shows what stands on the paper, and nothing else of its holder. A number cannot be guessed: it ends in 40 random bits,
and whoever tries is stopped by the limit long before; one that nobody has and what is no number get the same answer.
"""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

import psycopg
from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database, state
from api.language import LANGUAGES, Language, asked_for, preferred
from api.verification_texts import TEXTS, date_in, time_in
from credentials import badge
from credentials.content import as_written
from credentials.issuing import MEDIA_TYPE
from credentials.paper.errors import MissingGlyphs, PaperNotInstalled
from pointsbank.database import is_transient, unavailable
from pointsbank.errors import NotFound, RateLimited, Unavailable
from rules.certification import verification
from rules.certification.register import Certificate
from rules.certification.verification import Verdict

blp = Blueprint("verification", __name__, template_folder="web/verification")

LIMIT = 60
"""What an address may spend a minute: 1 for a page or a picture."""
UNKNOWN_COST = 6
"""What a number costs that there is not."""
MAX_NUMBER_CHARACTERS = 100
ASSET_CACHE_SECONDS = 3_600

_ASSETS = {name: files("api").joinpath("web/verification", name).read_bytes() for name in ("style.css", "icon.svg")}
_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action "


@blp.get("/verify")
def ask() -> AnyResponse:
    """A form for who has no code to scan."""
    number = request.args.get("number", "").strip()[:MAX_NUMBER_CHARACTERS]
    if number:
        return redirect(url_for(".page", number=number, lang=asked_for(request)), 303)
    return _html("ask.html", 200)


@blp.get("/verify/<any('style.css', 'icon.svg'):name>")
def asset(name: str) -> Response:
    response = Response(_ASSETS[name], mimetype="text/css" if name == "style.css" else "image/svg+xml")
    response.cache_control.public = True
    response.cache_control.max_age = ASSET_CACHE_SECONDS
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@blp.get("/verify/<number>")
def page(number: str) -> Response:
    try:
        found = _found(number)
    except NotFound as error:
        return _unless_json(error, "message.html", {"what": "unknown", "says": _texts()["unknown_says"]})
    except RateLimited as error:
        seconds = error.extra["retry_after_seconds"]
        says = _texts()["limited_says"].format(seconds=seconds)
        return _unless_json(error, "message.html", {"what": "limited", "says": says})
    except (psycopg.Error, SQLAlchemyError) as error:
        if not is_transient(error):
            raise
        return _unless_json(unavailable(error), "message.html", {"what": "away", "says": _texts()["away_says"]})
    if _wants_json():
        return _private(make_response(_as_json(found)))
    return _html("certificate.html", 200, **_shown(found))


@blp.get("/verify/<number>/credential.json")
def credential(number: str) -> Response:
    found = _found(number).certificate
    response = Response(found.credential, content_type=MEDIA_TYPE)
    response.headers["Content-Disposition"] = f'inline; filename="{found.number}.json"'
    response.headers["Access-Control-Allow-Origin"] = "*"  # verifiers run in browsers, too
    return _private(response)


@blp.get("/verify/<number>/badge.svg")
def badge_svg(number: str) -> Response:
    found = _signed(number)
    response = Response(badge.svg(found.content, found.credential), content_type="image/svg+xml")
    response.headers["Content-Security-Policy"] = "default-src 'none'"
    return _private(response)


@blp.get("/verify/<number>/badge.png")
def badge_png(number: str) -> Response:
    found = _signed(number)
    response = Response(badge.png(found.content, found.credential), content_type="image/png")
    response.headers["Content-Disposition"] = f'inline; filename="{found.number}.png"'
    return _private(response)


def _signed(number: str) -> Certificate:
    """To be shown as a badge. Raises as `_found` does, and NotFound for one that is not to be trusted."""
    found = _found(number)
    if not found.is_genuine:
        raise NotFound("There is no badge of a certificate that cannot be trusted.")
    return found.certificate


def _found(number: str) -> Verdict:
    """Raises NotFound, in the same words whatever is wrong with the number, and RateLimited."""
    limiter, address = state().verifications, request.remote_addr or ""
    limiter.spend(address)
    found = verification.verdict(database(), number[:MAX_NUMBER_CHARACTERS])
    if found is None:
        limiter.charge(address, UNKNOWN_COST - 1)
        raise NotFound("There is no certificate with this number.")
    return found


# --- what is answered ---


def _as_json(found: Verdict) -> dict[str, Any]:
    certificate, content = found.certificate, found.certificate.content
    return {
        "number": certificate.number,
        "standing": found.standing,
        "signature": found.signature.value,
        "checked_at": found.checked_at,
        "kind": content.kind,
        "name": dict(content.name),
        "level": content.level,
        "holder": content.learner_name,
        "issuer": content.company_name,
        "programme": content.programme_name,
        "credits": content.credits,
        "equals": [{"system": each.system, "level": each.level} for each in content.equals],
        "issued_at": content.issued_at,
        "valid_until": content.valid_until,
        "revoked_at": certificate.revoked_at,
        "revoked_reason": certificate.revoked_reason,
        "url": content.verify_url,
        "credential_url": f"{content.verify_url}/credential.json",
    }


def _shown(found: Verdict) -> dict[str, Any]:
    """What the template of a certificate takes."""
    certificate, content, language = found.certificate, found.certificate.content, _language()
    texts = TEXTS[language]
    facts = [("holder", content.learner_name), ("programme", content.programme_name), ("level", content.level)]
    facts += [("credits", content.credits), ("equals", "、".join(f"{it.system} {it.level}" for it in content.equals))]
    facts.append(("issued", date_in(language, content.issued_at, content)))
    until = content.valid_until
    facts.append(("until", texts["unlimited"] if until is None else date_in(language, until, content)))
    facts += [("issuer", content.company_name), ("number", certificate.number)]
    undone: list[tuple[str, str | None]] = []
    if certificate.revoked_at is not None:
        undone.append(("revoked_at", time_in(language, certificate.revoked_at, content)))
        undone.append(("revoked_reason", certificate.revoked_reason))
    return {
        "standing": found.standing,
        "content": content,
        "title": as_written(content.name[language]),
        "facts": [(texts[name], as_written(value)) for name, value in facts if value],
        "undone": [(texts[name], as_written(value or "")) for name, value in undone],
        "criteria": as_written(content.criteria[language]),
        "checked": texts["genuine"].format(time=time_in(language, found.checked_at, content))
        if found.standing != "untrusted" and found.signature == "genuine"
        else None,
        "has_badge": _has_badge(found),
        "linkedin": _linkedin(found, language) if found.standing == "valid" else None,
    }


def _has_badge(found: Verdict) -> bool:
    """Of what is to be trusted, and where the extra is installed; it is kept for the picture that the browser asks for
    next."""
    if not found.is_genuine:
        return False
    try:
        badge.svg(found.certificate.content, b"{}")
    except (PaperNotInstalled, MissingGlyphs):
        return False
    return True


def _linkedin(found: Verdict, language: Language) -> str:
    """LinkedIn's form for a new certification, filled in."""
    content = found.certificate.content
    issued = content.issued_at.astimezone(content.timezone)
    fields: dict[str, object] = {
        "startTask": "CERTIFICATION_NAME",
        "name": content.name[language],
        "organizationName": content.company_name,
        "issueYear": issued.year,
        "issueMonth": issued.month,
    }
    if content.valid_until is not None:
        until = content.valid_until.astimezone(content.timezone)
        fields |= {"expirationYear": until.year, "expirationMonth": until.month}
    fields |= {"certUrl": content.verify_url, "certId": content.number}
    return f"https://www.linkedin.com/profile/add?{urlencode(fields)}"


def _unless_json(error: NotFound | RateLimited | Unavailable, template: str, values: Mapping[str, Any]) -> Response:
    if _wants_json():
        raise error
    response = _html(template, error.status, **values)
    if "retry_after_seconds" in error.extra:
        response.headers["Retry-After"] = str(error.extra["retry_after_seconds"])
    return response


def _html(template: str, status: int, **values: Any) -> Response:
    language = _language()
    other = LANGUAGES[1 - LANGUAGES.index(language)]
    body = render_template(template, texts=TEXTS[language], language=language, other=other, **values)
    response = make_response(body, status)
    response.headers["Content-Security-Policy"] = f"{_POLICY}'self'"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Content-Language"] = TEXTS[language]["lang"]
    return _private(response)


def _private(response: Response) -> Response:
    """Nobody keeps it, nobody indexes it, and no other page learns from which address its reader came."""
    response.cache_control.no_store = True
    response.vary.update(("Accept", "Accept-Language"))
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _wants_json() -> bool:
    accepted = request.accept_mimetypes
    return max(accepted["application/json"], accepted["application/problem+json"]) > accepted["text/html"]


def _texts() -> dict[str, str]:
    return TEXTS[_language()]


def _language() -> Language:
    """`?lang=` counts, then what the browser prefers."""
    return asked_for(request) or preferred(request)
