"""A certification run: a preview in this process, and `pointsbank certify --issue` as an operator runs it."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from bench import eligibility, memory, signing
from bench.ground import RULEBOOK, Ground
from pointsbank import company
from pointsbank.settings import Settings
from rules import versions
from rules.certification import run as runs
from rules.certification import working
from rules.certification.run import Wanted

CUT_OFF = datetime(2022, 7, 1, tzinfo=UTC)


class Measured(NamedTuple):
    """`bare_seconds` of SQL that finds everybody's credits, `signatures` of Ed25519 a second, `megabytes` resident at
    most."""

    bare_seconds: float
    preview_seconds: float
    signatures: float
    seconds: float
    issued: int
    megabytes: float


def measure(ground: Ground) -> Measured:
    with ground.database.transaction(ground.company_id) as session:
        versions.put_draft(session, 1, {**RULEBOOK, **eligibility.DOCUMENT})
        versions.activate(session, 1)
    bare, _ = eligibility.of_everybody(ground)
    preview = _seconds_of_preview(ground)
    with ground.database.snapshot(ground.company_id) as session:
        key = company.get(session).key
    began = time.perf_counter()
    megabytes = memory.of_command(
        ground, "certify", "2021", "--company", key, "--cut-off", CUT_OFF.isoformat(), "--issue"
    )
    seconds = time.perf_counter() - began
    with ground.database.snapshot(ground.company_id) as session:
        issued = runs.numbered(session, 2).issued
    return Measured(bare, preview, signing.measure(2).bare, seconds, issued, megabytes)


def _seconds_of_preview(ground: Ground) -> float:
    settings = Settings(Path("var"), ground.database.url, None, True, signing.BASE_URL, "warning")
    who = working.worker(ground.database, settings)
    began = time.perf_counter()
    run = ground.database.run(
        ground.company_id, lambda session: runs.start(session, "2021", Wanted(CUT_OFF), who.name), writes=True
    )
    *_, last = working.carry_out(who, ground.company_id, run.no)
    assert last.stage == "finished"
    return time.perf_counter() - began
