"""Point events: the one way in for HR systems."""

from typing import Any

import orjson
from flask import Response, request
from marshmallow import fields, validate

from api import examples
from api.app_state import database, state
from api.auth import company_id, requires, snapshot
from api.cloudevents import Rejected, read_events
from api.fields import QuerySchema
from api.metrics import count_events
from api.openapi import Resource
from api.problems import as_problem
from ledger import entries
from ledger.identity import entry_id
from pointsbank.arrivals.gathered import Gathered, Sent
from pointsbank.errors import Malformed, PointsBankError
from rules.cloudevent import Event
from rules.errors import EventInvalid
from rules.recording import Recorded, Result, record
from rules.showing import shown

blp = Resource("Events", __name__, url_prefix="/v1", description="Point events, as CloudEvents 1.0")

COUNTED = ("booked", "duplicate", "ignored", "rejected")


class ResultsQuery(QuerySchema):
    results = fields.String(
        load_default="all",
        validate=validate.OneOf(["all", "problems"]),
        metadata={"description": "`problems` leaves out the results of events that are fine."},
    )


@blp.route("/events", methods=["POST"])
@requires("events:write")
@blp.arguments(ResultsQuery, location="query")
@blp.doc(requestBody=examples.EVENTS_BODY, responses=examples.EVENTS_RESPONSES)
def post_events(query: dict[str, Any]) -> Response:
    """Book point events

    One event (structured or binary), a batch of up to 10,000, or NDJSON of up to 100,000 lines. Each event is
    booked whole or not at all, once however often it is sent, and one bad event stops no other.
    """
    try:
        posted = read_events(request)
    except (EventInvalid, Malformed) as error:
        gathered = Gathered()
        gathered.refuse(error.sent if isinstance(error, EventInvalid) else None, error)
        state().arrivals.take(company_id(), gathered)
        raise
    if posted.single:
        (only,) = next(posted.chunks)
        assert isinstance(only, Event), "a single event that is not valid is raised"
        return _of_one(only)
    counts = dict.fromkeys(COUNTED, 0)
    results: list[bytes] = []
    try:
        for chunk in posted.chunks:
            results.append(_of_chunk(chunk, counts, everything=query["results"] == "all"))
    except PointsBankError as error:
        # A stream that breaks off: what came before is booked, and is not booked again when all is resent.
        error.extra |= counts
        raise
    count_events(counts)
    body = b'%s,"results":[%s]}' % (orjson.dumps(counts)[:-1], b",".join(filter(None, results)))
    return Response(body, mimetype="application/json")


def _of_one(event: Event) -> Response:
    result = state().turnstile.record(company_id(), event)
    gathered = Gathered()
    _gather(gathered, event, result)
    state().arrivals.take(company_id(), gathered)
    if isinstance(result, PointsBankError):
        count_events({"rejected": 1})
        raise result
    count_events({result.status: 1})
    if result.judged is not None:
        entry = shown(company_id(), result, result.judged)
    else:
        with snapshot() as session:
            (entry,) = entries.load(session, [result.number])
    answer: dict[str, Any] = {"status": result.status, "entry": entry}
    if result.status == "ignored":
        answer["reason"] = entry["note"]
    status = 201 if result.status == "booked" else 200
    return Response(orjson.dumps(answer, option=orjson.OPT_UTC_Z), status, mimetype="application/json")


def _of_chunk(chunk: list[Event | Rejected], counts: dict[str, int], everything: bool) -> bytes:
    """The results of a chunk as JSON, without the brackets around them."""
    company = company_id()
    with state().batch_turn:
        results = iter(record(database(), company, [item for item in chunk if isinstance(item, Event)]))
        answers: list[dict[str, Any]] = []
        gathered = Gathered()
        for item in chunk:
            result: Result = item.error if isinstance(item, Rejected) else next(results)
            _gather(gathered, item, result)
            answer = _answer(company, item, result)
            counts[answer["status"]] += 1
            if everything or answer["status"] == "rejected":
                answers.append(answer)
        state().arrivals.take(company, gathered)
        return orjson.dumps(answers, option=orjson.OPT_UTC_Z)[1:-1]


def _gather(gathered: Gathered, item: Event | Rejected, result: Result) -> None:
    """What became of an event, for those who look after what arrives."""
    if isinstance(item, Rejected):
        gathered.refuse(item.sent, item.error)
    elif not isinstance(result, Recorded):
        gathered.refuse(item.as_sent(), result)
    elif result.status == "duplicate":
        gathered.note_again(Sent(item.source, item.type, item.id, item.subject), result.number)
    else:
        gathered.note(item.source, result.status)


def _answer(company: int, item: Event | Rejected, result: Result) -> dict[str, Any]:
    answer: dict[str, Any] = {"index": item.index, "id": item.id}
    if not isinstance(result, Recorded):
        return answer | {"status": "rejected", "problem": as_problem(result)}
    answer["status"] = result.status
    answer["entry_id"] = entry_id(company, result.number)
    if result.status == "ignored" and result.judged is not None:
        answer["reason"] = result.judged.draft.note
    return answer
