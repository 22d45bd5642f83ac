"""Journal entries: one, many by what they are about, and reversals."""

from typing import Any

from marshmallow import Schema, fields

from api.app_state import database
from api.auth import company_id, requires, snapshot
from api.fields import Instant, Key, StrictSchema, Text
from api.idempotency import IDEMPOTENCY_KEY, idempotency_key
from api.openapi import Resource
from api.paging import PageQuery, decode_cursor, encode_cursor
from ledger import entries
from ledger.identity import number_of
from ledger.journal import Booked
from pointsbank.directory.faults import MAX_KEY_CHARACTERS
from pointsbank.errors import NotFound
from rules.certification.reviewing import reverse

blp = Resource("Entries", __name__, url_prefix="/v1", description="Journal entries (凭证) and reversals (冲正)")

_ID = "f4a631a9-9811-8086-8000-000000000009"


class TimeShown(fields.AwareDateTime):
    """A time of the ledger, left as it is: written where all JSON is, the same in every answer."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value


class TransferSchema(Schema):
    id = fields.String(metadata={"example": f"{_ID}.1"})
    unit = fields.String(metadata={"example": "credits"})
    amount = fields.Integer(metadata={"example": 15})
    debit = fields.String(metadata={"description": "Account code.", "example": "pool:programme:2021"})
    credit = fields.String(metadata={"description": "Account code.", "example": "holding:20210001"})
    rule = fields.String(allow_none=True, metadata={"description": "The rule that gave it.", "example": "scored"})


class EntrySchema(Schema):
    """One business event as booked, with its transfers. Never changed; undone by a reversal."""

    id = fields.UUID(metadata={"example": _ID})
    number = fields.Integer(metadata={"description": "In the company's journal, from 1 without gaps.", "example": 9})
    source = fields.String(metadata={"example": "urn:lms:scores"})
    key = fields.String(metadata={"description": "Unique within the source.", "example": "result-8650"})
    kind = fields.String(metadata={"example": "lms.assessment.scored"})
    occurred_at = TimeShown()
    recorded_at = TimeShown()
    programme = fields.String(allow_none=True, metadata={"example": "2021"})
    course = fields.String(allow_none=True, metadata={"example": "service"})
    learner = fields.String(allow_none=True, metadata={"example": "20210001"})
    team = fields.String(allow_none=True)
    awarder = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)
    note = fields.String(allow_none=True, metadata={"description": "Why no rule gave anything."})
    reverses = fields.UUID(allow_none=True, metadata={"description": "The entry that this one undoes."})
    reversed_by = fields.UUID(allow_none=True, metadata={"description": "The entry that undoes this one."})
    rulebook_version = fields.Integer(allow_none=True, metadata={"example": 1})
    data = fields.Raw(allow_none=True, metadata={"description": "The event's data, as sent."})
    transfers = fields.List(fields.Nested(TransferSchema))


class BookedSchema(Schema):
    status = fields.String(metadata={"enum": ["booked", "duplicate"], "example": "booked"})
    entry = fields.Nested(EntrySchema)


class EntryPageSchema(Schema):
    items = fields.List(fields.Nested(EntrySchema))
    next = fields.String(allow_none=True, metadata={"description": "The next page's `cursor`."})


class EntriesQuery(PageQuery):
    source = Text(metadata={"example": "urn:lms:scores"})
    key = Text(metadata={"example": "result-8650"})
    kind = Text(metadata={"example": "lms.assessment.scored"})
    learner = Key(metadata={"description": "Whose holding it moves, or whose event it is.", "example": "20210001"})
    programme = Key(metadata={"example": "2021"})
    course = Key(metadata={"example": "service"})
    team = Key()
    awarder = Key()
    occurred_from = Instant(data_key="from", metadata={"description": "Happened at or after."})
    occurred_to = Instant(data_key="to", metadata={"description": "Happened before."})


class ReversalSchema(StrictSchema):
    reason = Text(required=True, metadata={"example": "成绩录入有误"})


@blp.route("/entries", methods=["GET"])
@requires("read")
@blp.arguments(EntriesQuery, location="query")
@blp.response(200, EntryPageSchema)
def list_entries(query: dict[str, Any]) -> dict[str, Any]:
    """Journal entries, newest first"""
    limit, cursor = query.pop("limit"), query.pop("cursor")
    after = None if cursor is None else decode_cursor(cursor, [int])[0]
    with snapshot() as session:
        numbers = entries.find(session, entries.Filters(**query), after, limit + 1)
        items = entries.load(session, numbers[:limit])
    return {"items": items, "next": encode_cursor([numbers[limit - 1]]) if len(numbers) > limit else None}


@blp.route("/entries/<key:entry>", methods=["GET"])
@requires("read")
@blp.response(200, EntrySchema)
def get_entry(entry: str) -> dict[str, Any]:
    """A journal entry with its transfers"""
    with snapshot() as session:
        found = entries.load(session, [_number(entry)])
    if not found:
        raise NotFound(f"There is no entry {entry}.")
    return found[0]


@blp.route("/entries/<key:entry>/reversal", methods=["POST"])
@requires("awards:write")
@blp.arguments(ReversalSchema)
@blp.response(201, BookedSchema)
@blp.alt_response(200, schema=BookedSchema, description="Booked before under this Idempotency-Key")
@blp.doc(parameters=[IDEMPOTENCY_KEY])
def post_reversal(body: dict[str, Any], entry: str) -> tuple[dict[str, Any], int]:
    """Reverse an entry

    Books a new entry that moves everything back, dated as the entry was. An event without transfers can be
    reversed, too; a reversal cannot, nor what a PUT in the directory has booked.
    """
    number, key = _number(entry), idempotency_key()
    outcome = database().run(company_id(), lambda session: reverse(session, number, body["reason"], key), writes=True)
    is_new = isinstance(outcome, Booked)
    with snapshot() as session:
        (reversal,) = entries.load(session, [outcome.number])
    return {"status": "booked" if is_new else "duplicate", "entry": reversal}, 201 if is_new else 200


def _number(entry: str) -> int:
    """Of this company's entry with that id. Raises NotFound for the id of anything else."""
    number = number_of(company_id(), entry) if len(entry) <= MAX_KEY_CHARACTERS else None
    if number is None:
        raise NotFound(f"There is no entry {entry}.")
    return number
