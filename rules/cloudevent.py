"""A point event as a client sends it: one CloudEvents 1.0 envelope, checked and made ready to book.

`_find_faults` alone decides what is valid, and names every fault at once. It takes some 20 microseconds, and
batches have thousands of events that differ in id, subject, time and facts only. So the rest of an event, its
head, is remembered once it was found good, and a quick look at what differs passes nearly all events; what
that look is not sure of is examined in full.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from struct import Struct
from typing import Any

import orjson

from pointsbank.errors import FieldError
from pointsbank.saying import say
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

# Heads of events and times that were found good, kept by each process; when full, heads are forgotten.
MAX_REMEMBERED = 2048
# A longer one is legal and is examined each time.
MAX_REMEMBERED_CONTENT_TYPE = 64

RESERVED_SOURCE = "pointsbank:"
"""How the sources of entries begin that the bank books itself: awards, allotments, allowances, reversals."""

RESERVED_TYPES = frozenset(
    (
        "allowance.given",
        "award.given",
        "certificate.issued",
        "certificate.reviewed",
        "certificate.revoked",
        "course.allotted",
        "flowers.converted",
        "match.prize",
        "match.settled",
        "programme.allotted",
        "reversal",
    )
)
"""What the bank's own entries are called: facts and reports would take an event of that name for one of them."""

_CONTROL = "\x00-\x1f\x7f-\x9f\ud800-\udfff"
KEY_PATTERN = re.compile(rf"(?!\s+\Z)[^/{_CONTROL}]{{1,{MAX_KEY_LENGTH}}}\Z")
"""HR's ids of learners, programmes and courses: neither control characters nor '/'."""

_FORBIDDEN = re.compile(f"[{_CONTROL}]")
_WHITE_SPACE = re.compile(r"\s")
_EXTENSION_NAME = re.compile(r"[a-z0-9]+\Z")
_JSON_TYPE = re.compile(r"application/(?:[a-z0-9!#$&^_.+-]+\+)?json[ \t]*(?:;.*)?\Z", re.IGNORECASE)
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:(\d\d)(?:\.\d{1,9})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)\Z", re.ASCII
)
_ATTRIBUTES = frozenset(
    (
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "time",
        "datacontenttype",
        "dataschema",
        "data",
        "data_base64",
    )
)
# Extensions are left out so that what is remembered is of bounded size.
_REMEMBERED_ATTRIBUTES = _ATTRIBUTES - {"data_base64"}
_SIGNED_64 = Struct(">q")
_good_heads: set[tuple[Any, ...]] = set()
_KEY_RULE = say("must be text of 1 to %(most)s characters, without '/' and control characters", most=MAX_KEY_LENGTH)


@dataclass(slots=True)
class Event:
    """A valid event. `index` is its place in the batch, from 0. `subject` is the learner's key.

    `time` is in UTC; None means that the client left it out, and whoever books puts the present moment in.
    `data_json` is compact UTF-8 with sorted names. `fingerprint` is a signed 64-bit hash of the content:
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

    def as_sent(self) -> dict[str, Any]:
        """The envelope once more, without its extensions."""
        time = {} if self.time is None else {"time": self.time.isoformat()}
        known = {"specversion": "1.0", "id": self.id, "source": self.source, "type": self.type, "subject": self.subject}
        return {**known, **time, "data": self.data}


def parse_event(raw: object, index: int) -> Event:
    """One parsed JSON value as an event; raises EventInvalid with every fault and its path."""
    if not isinstance(raw, dict):
        raise EventInvalid([("", say("an event must be a JSON object"))])
    try:
        data = raw["data"]
        head = _head(raw, data)
        text = raw.get("time")
        time = None if text is None else parse_time(text)
        data_json = _plainly_good_data(raw["id"], raw["subject"], data) if head in _good_heads else None
    except (AttributeError, KeyError, TypeError, ValueError):
        data_json = None
    if data_json is None:
        data_json, time = _examined(raw)
    kind: str = raw["type"]
    subject: str = raw["subject"]
    # No attribute holds a line feed, so the parts cannot run into each other. A double tells microseconds
    # apart up to the year 2255.
    moment = "" if time is None else time.timestamp()
    content = f"{kind}\n{subject}\n{moment}\n".encode() + data_json
    (fingerprint,) = _SIGNED_64.unpack(blake2b(content, digest_size=8).digest())
    return Event(index, raw["id"], raw["source"], kind, subject, time, raw["data"], data_json, fingerprint)


@lru_cache(maxsize=MAX_REMEMBERED)
def parse_time(text: str) -> datetime:
    """An RFC 3339 time as UTC; raises ValueError with words for the client. Microseconds are kept."""
    match = _TIME.match(text)
    if match is None:
        raise ValueError(say("must be an RFC 3339 time with an offset, such as 2021-09-01T08:30:00+08:00"))
    if match[1] == "60":
        raise ValueError(say("leap seconds (:60) are not taken; send second 59"))
    try:
        time = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(say("is not a time that exists: %(why)s", why=error)) from None
    if not MIN_YEAR <= time.year <= MAX_YEAR:
        raise ValueError(say("must lie in the years %(first)s to %(last)s (UTC)", first=MIN_YEAR, last=MAX_YEAR))
    return time


def is_key(value: object) -> bool:
    """Whether a value can be HR's id of something; see KEY_PATTERN."""
    return isinstance(value, str) and KEY_PATTERN.match(value) is not None


def is_event_id(value: object) -> bool:
    """Whether a value can be a CloudEvents id, and so can be shown back to the client."""
    return isinstance(value, str) and 0 < len(value) <= MAX_ID_LENGTH and _FORBIDDEN.search(value) is None


def _head(raw: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[Any, ...]:
    """What events of one kind have in common, with the names of their attributes."""
    return (
        raw["specversion"],
        raw["source"],
        raw["type"],
        raw.get("datacontenttype"),
        data["programme"],
        data.get("course"),
        *raw,
    )


def _plainly_good_data(identity: Any, subject: Any, data: dict[str, Any]) -> bytes | None:
    """The data as stored if nothing in an event with a good head is in doubt, else None."""
    # isprintable() is false for control characters, surrogates, and white space other than ' '.
    if not (
        type(identity) is str
        and identity.isprintable()
        and 0 < len(identity) <= MAX_ID_LENGTH
        and type(subject) is str
        and subject.isprintable()
        and 0 < len(subject) <= MAX_KEY_LENGTH
        and "/" not in subject
        and subject[0] != " "
        and is_plain(data, MAX_DATA_DEPTH)
    ):
        return None
    data_json = orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
    if len(data_json) > MAX_DATA_BYTES or b"\\u0000" in data_json:
        return None
    # orjson leaves its buffer of kilobytes behind a short result; a copy has the size of its content.
    return bytes(memoryview(data_json))


def _examined(raw: Mapping[str, Any]) -> tuple[bytes, datetime | None]:
    """Data as stored and time of an event that may have faults; raises EventInvalid with all of them."""
    faults = _find_faults(raw)
    if faults:
        raise EventInvalid(faults)
    data, text = raw["data"], raw.get("time")
    plain_type = len(raw.get("datacontenttype") or "") <= MAX_REMEMBERED_CONTENT_TYPE
    if plain_type and raw.keys() <= _REMEMBERED_ATTRIBUTES:
        if len(_good_heads) >= MAX_REMEMBERED:
            _good_heads.clear()
        _good_heads.add(_head(raw, data))
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS), None if text is None else parse_time(text)


def _time_fault(text: str) -> str | None:
    try:
        parse_time(text)
    except ValueError as error:
        message: str = error.args[0]
        return message
    return None


def _find_faults(raw: Mapping[str, Any]) -> list[FieldError]:
    faults: list[FieldError] = []
    if raw.get("specversion") != "1.0":
        faults.append(("specversion", say('must be "1.0"')))
    faults += _text_faults(raw, "id", MAX_ID_LENGTH)
    faults += _text_faults(raw, "source", MAX_SOURCE_LENGTH)
    if isinstance(source := raw.get("source"), str):
        faults += _source_faults(source)
    faults += _text_faults(raw, "type", MAX_TYPE_LENGTH) or _type_faults(raw["type"])
    if raw.get("subject") is None:
        faults.append(("subject", say("is required: the learner's id")))
    elif not is_key(raw["subject"]):
        faults.append(("subject", _KEY_RULE))
    time = raw.get("time")
    if time is not None:
        message = _time_fault(time) if isinstance(time, str) else say("must be text, an RFC 3339 time")
        if message:
            faults.append(("time", message))
    content_type = raw.get("datacontenttype")
    if content_type is not None and not (isinstance(content_type, str) and _JSON_TYPE.match(content_type)):
        faults.append(("datacontenttype", say("must be application/json or left out; data are JSON")))
    for name in raw:
        if name not in _ATTRIBUTES and not _EXTENSION_NAME.match(name):
            shown = ascii(name)[1:-1][:MAX_KEY_LENGTH]
            faults.append((shown, say("is not a CloudEvents attribute; extensions have lower-case letters and digits")))
    return faults + _data_faults(raw)


def _source_faults(source: str) -> list[FieldError]:
    if source.startswith(RESERVED_SOURCE):
        return [
            (
                "source",
                say(
                    "must not begin with %(reserved)s: these are the bank's own entries", reserved=repr(RESERVED_SOURCE)
                ),
            )
        ]
    if _WHITE_SPACE.search(source):
        return [("source", say("must be a URI reference, without white space"))]
    return []


def _type_faults(type_: str) -> list[FieldError]:
    if type_ in RESERVED_TYPES:
        return [("type", say("is what the bank calls entries of its own: take another name"))]
    return []


def _text_faults(raw: Mapping[str, Any], name: str, max_length: int) -> list[FieldError]:
    value = raw.get(name)
    if value is None:
        return [(name, "is required")]
    if not isinstance(value, str) or not value:
        return [(name, say("must be text that is not empty"))]
    if len(value) > max_length:
        return [(name, say("must have at most %(most)s characters", most=max_length))]
    if _FORBIDDEN.search(value):
        return [(name, say("must not hold control characters or half of a surrogate pair"))]
    return []


def _data_faults(raw: Mapping[str, Any]) -> list[FieldError]:
    faults: list[FieldError] = []
    if raw.get("data_base64") is not None:
        faults.append(("data_base64", say("binary data are not taken; send a JSON object in data")))
    data = raw.get("data")
    if data is None:
        return faults or [("data", say("is required: an object with programme and the facts that rules look at"))]
    if not isinstance(data, dict):
        return [*faults, ("data", say("must be a JSON object"))]
    if data.get("programme") is None:
        faults.append(("data.programme", say("is required: the programme's id")))
    elif not is_key(data["programme"]):
        faults.append(("data.programme", _KEY_RULE))
    if data.get("course") is not None and not is_key(data["course"]):
        faults.append(("data.course", _KEY_RULE))
    if unstorable_faults := unstorable(data, "data", max_depth=MAX_DATA_DEPTH):
        faults += [fault for fault in unstorable_faults if fault[0] not in ("data.programme", "data.course")]
    elif len(orjson.dumps(data)) > MAX_DATA_BYTES:
        faults.append(("data", say("must have at most %(most)s bytes as compact JSON", most=MAX_DATA_BYTES)))
    return faults
