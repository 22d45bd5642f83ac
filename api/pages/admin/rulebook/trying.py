"""A draft tried on everything that is booked, and put in force."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response

from api import progress
from api.app_state import database
from api.pages.access import allows, visitor
from api.pages.admin.rulebook.editing import sent
from api.pages.admin.rulebook.ground import BASE, blp, ground, names_of_rules
from api.pages.admin.rulebook.trial_texts import trial_texts
from api.pages.admin.shell import MANAGERS, render_admin
from api.pages.forms import said
from api.simulation import one_at_a_time
from pointsbank.database import Session
from pointsbank.directory import learners, programmes
from pointsbank.errors import Invalid, NotFound, PointsBankError
from pointsbank.saying import say
from rules import reevaluation, versions
from rules.simulation.progress import Progress
from rules.simulation.simulating import simulate

MAX_LEARNERS = 5_000
"""Listed on the page, those first for whom most changes; the total is that of all."""


@blp.get(f"{BASE}/trial")
@allows(*MANAGERS)
def try_out(programme: str) -> Response:
    with database().snapshot(visitor().company_id) as session:
        on = ground(session, programme)
        last = _re_evaluation(session, on.programme.no)
    boot = {
        "fingerprint": versions.fingerprint_of(on.draft),
        "in_force": None if on.in_force is None else on.in_force["version"],
        "names": names_of_rules(*(None if each is None else each["document"] for each in (on.draft, on.in_force))),
        "courses": {each.key: each.name for each in on.courses},
        "scale": visitor().credits_scale,
        "last": last,
        "texts": trial_texts(),
    }
    return render_admin("pages/admin/rulebook/trial.html", programme=on.programme, on=on, boot=boot, last=last)


@blp.post(f"{BASE}/trial")
@allows(*MANAGERS)
def try_on(programme: str) -> Any:
    """What activating the draft with re-evaluation would do now, after how far it has come."""
    company_id = visitor().company_id
    steps = one_at_a_time(simulate(database(), company_id, programme, MAX_LEARNERS))

    def shown(report: dict[str, Any] | None) -> dict[str, Any]:
        assert report is not None, "a simulation ends with its report"
        keys = [each["learner"] for each in report["learners"]["items"]]
        for each in report["certificates"]:
            keys += each["newly"] + each["no_longer"]
        keys += [each["learner"] for each in report["short"]["items"]]
        with database().snapshot(company_id) as session:
            return {**report, "people": learners.names_of(session, keys)}

    return progress.answer(steps, shown)


@blp.post(f"{BASE}/activation")
@allows(*MANAGERS)
def activate(programme: str) -> Any:
    """Puts the draft in force if it is still the one that was looked at. Sent once more, it tells how things are."""
    try:
        version, steps = _activated(programme, sent())
    except PointsBankError as error:
        return {"message": said(error.errors[0][1] if error.errors else error.detail)}, error.status
    company_id = visitor().company_id

    def shown(_last: object) -> dict[str, Any]:
        with database().snapshot(company_id) as session:
            number = programmes.get(session, programme).no
            status = versions.of_version(session, number, version)["status"]
            last = _re_evaluation(session, number)
        own = last if last is not None and last["version"] == version else None
        return {"version": version, "status": status, "re_evaluation": own}

    return progress.answer(steps, shown)


def _activated(programme: str, asked: dict[str, Any]) -> tuple[int, Iterator[Progress]]:
    """The version, and what is still to be done for it."""
    fingerprint, with_events = str(asked.get("fingerprint", "")), asked.get("re_evaluate") is True
    with database().transaction(visitor().company_id) as session:
        found = programmes.get(session, programme)
        done = _done_before(session, found.no, fingerprint)
        if done is None:
            from_at = _time(asked.get("from"), found.zone)
            done = versions.activate(session, found.no, from_at, fingerprint=fingerprint, by=visitor().shown)
            if with_events:
                reevaluation.ask(session, found, done["version"], from_at)
        last = _re_evaluation(session, found.no)
    version: int = done["version"]
    is_due = last is not None and last["version"] == version and last["status"] == "running"
    return version, reevaluation.run(database(), visitor().company_id, programme, version) if is_due else iter(())


@blp.get(f"{BASE}/re-evaluation")
@allows(*MANAGERS)
def re_evaluation(programme: str) -> dict[str, Any]:
    """How far the last one has come."""
    with database().snapshot(visitor().company_id) as session:
        found = _re_evaluation(session, ground(session, programme).programme.no)
    return {"re_evaluation": found}


def _re_evaluation(session: Session, programme: int) -> dict[str, Any] | None:
    try:
        found = reevaluation.latest(session, programme)
    except NotFound:
        return None
    report = found.report or {}
    return {
        "version": found.version,
        "status": found.status,
        "corrections": found.corrections,
        "finished_at": found.finished_at,
        "short": report.get("short", {}).get("total", 0),
        "failures": report.get("failures", {}).get("total", 0),
        "problem": report.get("problem"),
    }


def _done_before(session: Session, programme: int, fingerprint: str) -> dict[str, Any] | None:
    """The version that this very draft has become by now."""
    number = fingerprint.partition("-")[0]
    if not (number.isascii() and number.isdigit() and int(number) <= versions.LAST_VERSION):
        return None
    try:
        found = versions.of_version(session, programme, int(number))
    except NotFound:
        return None
    is_it = found["status"] != "draft" and versions.fingerprint_of(found) == fingerprint
    return found if is_it else None


def _time(text: object, zone: ZoneInfo) -> datetime | None:
    """Of `2021-10-01T08:00` on the programme's clocks. Raises Invalid."""
    if text is None or text == "":
        return None
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        at = None
    if at is None or at.tzinfo is not None:
        raise Invalid.field("from", say("must be a day and a time"))
    return at.replace(tzinfo=zone).astimezone(UTC)
