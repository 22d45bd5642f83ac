"""A point event as a client sends it: one CloudEvents 1.0 envelope, checked and made ready to book.

`parse_event` looks at an event twice. `_plainly_good_data` passes nearly all events in a few microseconds;
what it is not sure of goes to `_find_faults`, which alone decides, and names every fault at once.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import orjson

from pointsbank.errors import FieldError
from rules.errors import EventInvalid
from rules.storable import MAX_DEPTH, is_plain, unstorable

# Lengths are in characters (code points).
MAX_ID_LENGTH = 256
MAX_SOURCE_LENGTH = 512
MAX_TYPE_LENGTH = 256
MAX_KEY_LENGTH = 128
# As stored: compact JSON in UTF-8.
MAX_DATA_BYTES = 64 * 1024
MAX_DATA_DEPTH = MAX_DEPTH
# In UTC. PostgreSQL and Python could take more; a year outside is a slip of the pen.
MIN_YEAR, MAX_YEAR = 1900, 2199

_CONTROL = "\x00-\x1f\x7f-\x9f\ud800-\udfff"
KEY_PATTERN = re.compile(rf"(?!\s+\Z)[^/{_CONTROL}]{{1,{MAX_KEY_LENGTH}}}\Z")
"""Ids that HR gives to learners, programmes and courses: 1 to 128 characters, neither control characters nor '/'."""

_FORBIDDEN = re.compile(f"[{_CONTROL}]")
_WHITE_SPACE = re.compile(r"\s")
_EXTENSION_NAME = re.compile(r"[a-z0-9]+\Z")
_JSON_TYPE = re.compile(r"application/(?:[a-z0-9!#$&^_.+-]+\+)?json[ \t]*(?:;.*)?\Z", re.IGNORECASE)
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:(\d\d)(?:\.\d{1,9})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)\Z", re.ASCII
)
_ATTRIBUTES = frozenset(
    ("specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data", "data_base64")
)
_KEY_RULE = f"must be 1 to {MAX_KEY_LENGTH} characters of text, without '/' and control characters, not only spaces"


@dataclass(slots=True)
class Event:
    """A valid event. `index` is its place in the batch, from 0. `subject` is the learner's key.

    `time` is in UTC; None means that the client left it out, and whoever books puts the present moment in.
    `data_json` is compact UTF-8 with sorted names. `fingerprint` is a signed 64-bit hash of the content as sent:
    type, subject, time as an instant or absent, and data, whatever the order of names and the white space.
    """

    index: int
    id: str
    source: str
    type: str
    subject: str
    time: datetime | None
    data: dict[str, Any]
    data_json: bytes
    fingerprint: int


def parse_event(raw: object, index: int) -> Event:
    """One parsed JSON value as an event; raises EventInvalid with every fault and its path."""
    if not isinstance(raw, dict):
        raise EventInvalid([("", "an event must be a JSON object")])
    data_json = _plainly_good_data(raw)
    text, time = raw.get("time"), None
    if text is not None:
        try:
            time = parse_time(text)
        except (TypeError, ValueError):
            data_json = None
    if data_json is None:
        faults = _find_faults(raw)
        if faults:
            raise EventInvalid(faults)
        data_json = orjson.dumps(raw["data"], option=orjson.OPT_SORT_KEYS)
    kind, subject = raw["type"], raw["subject"]
    # No attribute holds a line feed, so the parts cannot run into each other.
    head = f"{kind}\n{subject}\n{'' if time is None else time.isoformat()}\n".encode()
    fingerprint = int.from_bytes(blake2b(head + data_json, digest_size=8).digest(), "big", signed=True)
    return Event(index, raw["id"], raw["source"], kind, subject, time, raw["data"], data_json, fingerprint)


def parse_time(text: str) -> datetime:
    """An RFC 3339 time as UTC; raises ValueError with words for the client. Digits past microseconds are cut off."""
    match = _TIME.match(text)
    if match is None:
        raise ValueError("must be an RFC 3339 time with an offset, such as 2021-09-01T08:30:00+08:00")
    if match[1] == "60":
        raise ValueError("leap seconds (:60) are not taken; send second 59")
    try:
        time = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"is not a time that exists: {error}") from None
    if not MIN_YEAR <= time.year <= MAX_YEAR:
        raise ValueError(f"must lie in the years {MIN_YEAR} to {MAX_YEAR} (UTC)")
    return time


def is_key(value: object) -> bool:
    """Whether a value can be HR's id of something; see KEY_PATTERN."""
    return isinstance(value, str) and KEY_PATTERN.match(value) is not None


def is_event_id(value: object) -> bool:
    """Whether a value can be a CloudEvents id, and so can be shown back to the client."""
    return isinstance(value, str) and 0 < len(value) <= MAX_ID_LENGTH and _FORBIDDEN.search(value) is None


def _plainly_good_data(raw: Mapping[str, Any]) -> bytes | None:
    """The data as stored if nothing but the time is in doubt, else None. Never passes what has a fault."""
    if raw.get("specversion") != "1.0" or raw.get("datacontenttype", "application/json") != "application/json":
        return None
    identity, source, kind, subject = raw.get("id"), raw.get("source"), raw.get("type"), raw.get("subject")
    data = raw.get("data")
    # isprintable() is false for control characters, surrogates, and white space other than ' '.
    if not (
        type(identity) is str
        and 0 < len(identity) <= MAX_ID_LENGTH
        and identity.isprintable()
        and type(source) is str
        and 0 < len(source) <= MAX_SOURCE_LENGTH
        and source.isprintable()
        and " " not in source
        and type(kind) is str
        and 0 < len(kind) <= MAX_TYPE_LENGTH
        and kind.isprintable()
        and _is_plain_key(subject)
        and type(data) is dict
        and _is_plain_key(data.get("programme"))
        and ("course" not in data or _is_plain_key(data["course"]))
        and is_plain(data, MAX_DATA_DEPTH)
        and raw.keys() <= _ATTRIBUTES
        and raw.get("data_base64") is None
    ):
        return None
    try:
        data_json = orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return None
    if len(data_json) > MAX_DATA_BYTES or b"\\u0000" in data_json:
        return None
    return data_json


def _is_plain_key(value: object) -> bool:
    return (
        type(value) is str
        and 0 < len(value) <= MAX_KEY_LENGTH
        and value.isprintable()
        and "/" not in value
        and value[0] != " "
    )


def _time_fault(text: str) -> str | None:
    try:
        parse_time(text)
    except ValueError as error:
        return str(error)
    return None


def _find_faults(raw: Mapping[str, Any]) -> list[FieldError]:
    faults: list[FieldError] = []
    if raw.get("specversion") != "1.0":
        faults.append(("specversion", 'must be "1.0"'))
    faults += _text_faults(raw, "id", MAX_ID_LENGTH)
    faults += _text_faults(raw, "source", MAX_SOURCE_LENGTH)
    if isinstance(source := raw.get("source"), str) and _WHITE_SPACE.search(source):
        faults.append(("source", "must be a URI reference, without white space"))
    faults += _text_faults(raw, "type", MAX_TYPE_LENGTH)
    if raw.get("subject") is None:
        faults.append(("subject", "is required: the learner's id"))
    elif not is_key(raw["subject"]):
        faults.append(("subject", _KEY_RULE))
    time = raw.get("time")
    if time is not None:
        message = _time_fault(time) if isinstance(time, str) else "must be text, an RFC 3339 time"
        if message:
            faults.append(("time", message))
    content_type = raw.get("datacontenttype")
    if content_type is not None and not (isinstance(content_type, str) and _JSON_TYPE.match(content_type)):
        faults.append(("datacontenttype", "must be application/json or left out; data are JSON"))
    for name in raw:
        if name not in _ATTRIBUTES and not _EXTENSION_NAME.match(name):
            shown = ascii(name)[1:-1][:MAX_KEY_LENGTH]
            faults.append((shown, "is not an attribute of CloudEvents; extensions are lower-case letters and digits"))
    return faults + _data_faults(raw)


def _text_faults(raw: Mapping[str, Any], name: str, max_length: int) -> list[FieldError]:
    value = raw.get(name)
    if value is None:
        return [(name, "is required")]
    if not isinstance(value, str) or not value:
        return [(name, "must be text that is not empty")]
    if len(value) > max_length:
        return [(name, f"must have at most {max_length} characters")]
    if _FORBIDDEN.search(value):
        return [(name, "must not hold control characters or half of a surrogate pair")]
    return []


def _data_faults(raw: Mapping[str, Any]) -> list[FieldError]:
    faults: list[FieldError] = []
    if raw.get("data_base64") is not None:
        faults.append(("data_base64", "binary data are not taken; rules look at JSON, so send an object in data"))
    data = raw.get("data")
    if data is None:
        return faults or [("data", "is required: an object with programme and the facts that rules look at")]
    if not isinstance(data, dict):
        return [*faults, ("data", "must be a JSON object")]
    if data.get("programme") is None:
        faults.append(("data.programme", "is required: the programme's id"))
    elif not is_key(data["programme"]):
        faults.append(("data.programme", _KEY_RULE))
    if data.get("course") is not None and not is_key(data["course"]):
        faults.append(("data.course", _KEY_RULE))
    if unstorable_faults := unstorable(data, "data", max_depth=MAX_DATA_DEPTH):
        faults += [fault for fault in unstorable_faults if fault[0] not in ("data.programme", "data.course")]
    elif len(orjson.dumps(data)) > MAX_DATA_BYTES:
        faults.append(("data", f"must have at most {MAX_DATA_BYTES} bytes as compact JSON"))
    return faults
