"""An event's entry as clients see it, made from what was booked a moment ago.

The same as `ledger.entries.load` would give, without asking the database; a test holds the two together.
"""

from typing import Any

from ledger.identity import entry_id, transfer_id
from rules.judging import Judged
from rules.recording import Recorded


def shown(company_id: int, recorded: Recorded, judged: Judged) -> dict[str, Any]:
    """`recorded` has just been booked, with or without transfers, from `judged`."""
    event, draft = judged.event, judged.draft
    return {
        "id": entry_id(company_id, recorded.number),
        "number": recorded.number,
        "source": event.source,
        "key": event.id,
        "kind": event.type,
        "occurred_at": draft.occurred_at,
        "recorded_at": recorded.recorded_at,
        "programme": judged.programme.key,
        "course": None if judged.course is None else judged.course.key,
        "learner": event.subject,
        "team": None if draft.team is None else judged.programme.teams[draft.team],
        "awarder": None,
        "reason": draft.reason,
        "note": draft.note,
        "reverses": None,
        "reversed_by": None,
        "rulebook_version": draft.rulebook_version,
        "data": event.data,
        "transfers": [
            _transfer(company_id, recorded.number, line, judged) for line in range(1, len(draft.transfers) + 1)
        ],
    }


def _transfer(company_id: int, number: int, line: int, judged: Judged) -> dict[str, Any]:
    transfer, earned = judged.draft.transfers[line - 1], judged.earned[line - 1]
    if earned.unit == "credits":
        unit = "credits"
        debit = f"pool:programme:{judged.programme.key}" if judged.programme.allotment_is_limited else "issuance"
    else:
        assert judged.course is not None, "flowers belong to a course"
        unit = judged.course.unit_code
        debit = f"pool:course:{unit.removeprefix('flowers:')}"
    return {
        "id": transfer_id(company_id, number, line),
        "unit": unit,
        "amount": transfer.amount,
        "debit": debit,
        "credit": f"holding:{judged.event.subject}",
        "rule": earned.rule.key,
    }
