"""Point events over HTTP: the encodings of the CloudEvents 1.0 HTTP binding, and NDJSON for bulk.

    application/cloudevents+json         one event, structured
    application/cloudevents-batch+json   an array of events
    ce-* headers and a JSON body         one event, binary
    application/x-ndjson                 one structured event a line, read as a stream

What is wrong with the request as a whole is raised (400 malformed, 413 too-large, 415 unsupported-media-type,
422); what is wrong with one event of many is a `Rejected` in its place, and the others go on.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

import flask
import orjson

from api.bodies import MalformedText, body_chunks, lines, read_body
from pointsbank.errors import Invalid, Malformed, PointsBankError, TooLarge, UnsupportedMediaType
from rules.cloudevent import Event, is_event_id, parse_event
from rules.errors import EventInvalid

MAX_BATCH_EVENTS = 10_000
MAX_NDJSON_EVENTS = 100_000
# Events handed on, and so booked, at a time.
MAX_CHUNK_EVENTS = 10_000
# Of the body after decompression.
MAX_SINGLE_BYTES = 1024 * 1024
MAX_BATCH_BYTES = 32 * 1024 * 1024
MAX_NDJSON_BYTES = 64 * 1024 * 1024

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
NDJSON = "application/x-ndjson"
ACCEPTED = f"{STRUCTURED}, {BATCH}, {NDJSON}, or application/json with ce-* headers"

_JSON_TYPE = re.compile(r"application/(?:[a-z0-9!#$&^_.+-]+\+)?json", re.IGNORECASE)
_QUOTED = re.compile(r'"((?:\\.|[^"\\])*)"')
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event of many that cannot be taken. `id` is None where none could be read."""

    index: int
    id: str | None
    error: PointsBankError
    sent: object
    """As JSON, or the bytes that are none."""


@dataclass(frozen=True, slots=True)
class Posted:
    """`single`: `chunks` is one list of one Event. Else lists of at most MAX_CHUNK_EVENTS, indexed through.

    Iterating may raise Malformed or TooLarge when the rest of a stream cannot be read; what was handed on
    before it holds.
    """

    single: bool
    chunks: Iterator[list[Event | Rejected]]


def read_events(request: flask.Request) -> Posted:
    """The events of a request, by its content type.

    Raises UnsupportedMediaType, TooLarge, Malformed, Invalid; for a single event EventInvalid too.
    """
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8"):
        raise UnsupportedMediaType(f"The charset {charset!r} is not taken; send UTF-8")
    match request.mimetype:
        case "application/cloudevents+json":
            raw = parse(read_body(request, MAX_SINGLE_BYTES))
            if isinstance(raw, list):
                raise Invalid(f"{STRUCTURED} is one event, and an array was sent; send it as {BATCH}")
            return Posted(True, iter([[_single(raw)]]))
        case "application/cloudevents-batch+json":
            return Posted(False, iter(_chunks_of_batch(parse(read_body(request, MAX_BATCH_BYTES)))))
        case "application/x-ndjson":
            return Posted(False, _chunks_of_lines(lines(body_chunks(request, MAX_NDJSON_BYTES), MAX_SINGLE_BYTES)))
        case mimetype if "ce-specversion" in request.headers and not mimetype.startswith("application/cloudevents"):
            return Posted(True, iter([[_single(_binary(request))]]))
        case mimetype:
            raise UnsupportedMediaType(f"The content type {mimetype!r} is not taken; send {ACCEPTED}")


def parse_json(request: flask.Request, max_bytes: int = MAX_SINGLE_BYTES) -> Any:
    """The JSON of a body. Raises Malformed with the place, TooLarge."""
    return parse(read_body(request, max_bytes))


def _chunks_of_batch(raw: object) -> Iterator[list[Event | Rejected]]:
    if not isinstance(raw, list):
        raise Invalid(f"{BATCH} is an array of events; send a single one as {STRUCTURED}")
    if len(raw) > MAX_BATCH_EVENTS:
        raise TooLarge(f"A batch has at most {MAX_BATCH_EVENTS} events, this one {len(raw)}; send it in parts")
    return iter([[_event(item, index) for index, item in enumerate(raw)]])


def _chunks_of_lines(numbered: Iterable[bytes | MalformedText]) -> Iterator[list[Event | Rejected]]:
    chunk: list[Event | Rejected] = []
    index = 0
    for line in numbered:
        if index == 0 and isinstance(line, bytes):
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if isinstance(line, bytes) and not line.strip():
            continue
        if len(chunk) == MAX_CHUNK_EVENTS or (index == MAX_NDJSON_EVENTS and chunk):
            yield chunk
            chunk = []
        if index == MAX_NDJSON_EVENTS:
            raise TooLarge(
                f"A stream holds at most {MAX_NDJSON_EVENTS} events. Those before the limit are taken; "
                "send the rest, or everything in parts: what is booked is not booked twice"
            )
        chunk.append(_event_of_line(line, index))
        index += 1
    if chunk:
        yield chunk


def _event_of_line(line: bytes | MalformedText, index: int) -> Event | Rejected:
    if isinstance(line, MalformedText):
        return Rejected(index, None, TooLarge(line.reason), None)
    try:
        raw = parse(line)
    except Malformed as error:
        return Rejected(index, None, error, line)
    return _event(raw, index)


def _single(raw: object) -> Event:
    try:
        return parse_event(raw, 0)
    except EventInvalid as error:
        error.sent = raw
        raise


def _event(raw: object, index: int) -> Event | Rejected:
    try:
        return parse_event(raw, index)
    except EventInvalid as error:
        identity = raw.get("id") if isinstance(raw, dict) else None
        return Rejected(index, identity if is_event_id(identity) else None, error, raw)


def parse(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        # The standard parser takes what is JSON by its grammar but is not sound, such as half of a surrogate
        # pair, so that the one event that has it can be told from the others; and it says where it stopped.
        return _parse_leniently(body)


def _parse_leniently(body: bytes) -> Any:
    try:
        return json.loads(body.removeprefix(_BYTE_ORDER_MARK).decode(), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise Malformed(f"This is not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        end = "; it ends too soon" if error.pos >= len(error.doc.rstrip()) else ""
        raise Malformed(f"This is not JSON at line {error.lineno}, column {error.colno}: {error.msg}{end}") from error
    except RecursionError as error:
        raise Malformed("This JSON is nested too deeply") from error
    except ValueError as error:
        # Left are constants and integers of thousands of digits.
        raise Malformed(f"This JSON holds a number that is not taken: {str(error).partition(';')[0]}") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _binary(request: flask.Request) -> dict[str, Any]:
    mimetype = request.mimetype
    if mimetype and not _JSON_TYPE.fullmatch(mimetype):
        raise UnsupportedMediaType(f"The data of an event must be JSON, not {mimetype!r}; send application/json")
    raw: dict[str, Any] = {}
    for header, value in request.headers.items():
        name = header.lower()
        if name.startswith("ce-"):
            raw[name[3:]] = _attribute(name, value)
    raw["data"] = parse(read_body(request, MAX_SINGLE_BYTES))
    return raw


def _attribute(name: str, value: str) -> str:
    """A header's value, unquoted, then percent-decoded, then UTF-8 (CloudEvents HTTP binding, 3.1.3.2)."""
    unquoted = _QUOTED.sub(lambda match: re.sub(r"\\(.)", r"\1", match[1]), value)
    try:
        return unquote_to_bytes(unquoted.encode("latin-1")).decode()
    except UnicodeError as error:
        raise Malformed(f"The header {name} is not percent-encoded UTF-8") from error
