"""The encodings of events over HTTP: what is read from them, and what is refused as a whole or one by one."""

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from typing import Any

import flask
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from api import cloudevents
from api.bodies import CHUNK_BYTES, MalformedText, lines
from api.cloudevents import BATCH, NDJSON, STRUCTURED, Posted, Rejected, read_events
from pointsbank.errors import PointsBankError
from rules.cloudevent import Event
from rules.errors import EventInvalid

BINARY = {
    "ce-specversion": "1.0",
    "ce-id": "a-1",
    "ce-source": "/lms",
    "ce-type": "lms.assessment.scored",
    "ce-subject": "20210001",
}


def raw(identity: str = "a-1", **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": identity,
        "source": "/lms",
        "type": "lms.assessment.scored",
        "subject": "20210001",
        "data": {"programme": "2021", "score": 86},
        **more,
    }


def posted(content_type: str | None, body: bytes, **headers: str) -> Posted:
    sent = [(name.replace("_", "-"), value) for name, value in headers.items()]
    builder = EnvironBuilder(method="POST", content_type=content_type, headers=sent, input_stream=io.BytesIO(body))
    environ = builder.get_environ()
    environ["CONTENT_LENGTH"] = headers.get("Content_Length", str(len(body)))
    return read_events(flask.Request(environ))


def items(content_type: str, body: bytes, **headers: str) -> list[Event | Rejected]:
    return [item for chunk in posted(content_type, body, **headers).chunks for item in chunk]


def shown(found: list[Event | Rejected]) -> list[tuple[int, str | None, str]]:
    return [(item.index, item.id, item.error.slug if isinstance(item, Rejected) else "event") for item in found]


ONE = orjson.dumps(raw())


def test_each_encoding_gives_the_same_event() -> None:
    data = orjson.dumps(raw()["data"])
    found = [
        *items(STRUCTURED, ONE),
        *items(f"{STRUCTURED}; charset=UTF-8", ONE),
        *items(BATCH, b"[" + ONE + b"]"),
        *items(NDJSON, ONE),
        *items(NDJSON, b"\n" + ONE + b"\r\n  \n"),
        *items("application/json", data, **BINARY),
        *items("application/json; charset=utf-8", data, **BINARY),
        *items(STRUCTURED, b"\xef\xbb\xbf" + ONE),
        *items(STRUCTURED, gzip.compress(ONE), Content_Encoding="gzip"),
        *items(NDJSON, gzip.compress(ONE[:40]) + gzip.compress(ONE[40:]), Content_Encoding="gzip"),
    ]
    assert all(item == found[0] for item in found)
    assert [posted(kind, b"[]").single for kind in (BATCH, NDJSON)] == [False, False]
    assert posted(STRUCTURED, ONE).single


# fmt: off
HEADERS = [
    ("20210001",                       "20210001"),
    ("%E5%A4%A7%E5%AD%A6%E7%94%9F",    "大学生"),
    ("\u00e5\u00a4\u00a7",             "大"),
    ('"a%20\\"b"',                     'a "b'),
    ("100%25",                         "100%"),
]
# fmt: on


@pytest.mark.parametrize(("header", "subject"), HEADERS)
def test_attributes_in_headers_are_decoded(header: str, subject: str) -> None:
    (event,) = items("application/json", b'{"programme":"2021"}', **{**BINARY, "ce-subject": header})
    assert isinstance(event, Event)
    assert event.subject == subject


BROTLI = {"Content_Encoding": "br"}
GZIP = {"Content_Encoding": "gzip"}
NOT_UTF8 = {**BINARY, "ce-id": "%ff"}
BOMB = gzip.compress(b" " * (cloudevents.MAX_SINGLE_BYTES + 1))
# fmt: off
UNSUPPORTED = "unsupported-media-type"
REFUSED = [
    (STRUCTURED,                       b"",                             {},     "malformed"),
    (STRUCTURED,                       ONE[:-1],                        {},     "malformed"),
    (STRUCTURED,                       b'{"a":NaN}',                    {},     "malformed"),
    (STRUCTURED,                       b'{"a":' + b"9" * 5000 + b"}",   {},     "malformed"),
    (STRUCTURED,                       b"\xff\xfe{}",                   {},     "malformed"),
    (STRUCTURED,                       b"[" * 100_000,                  {},     "malformed"),
    (STRUCTURED,                       b"[" + ONE + b"]",               {},     "validation"),
    (STRUCTURED,                       b"{}",                           {},     "validation"),
    (STRUCTURED,                       b" " * (1024 * 1024 + 1),        {},     "too-large"),
    (STRUCTURED,                       BOMB,                            GZIP, "too-large"),
    (STRUCTURED,                       ONE,                             GZIP, "malformed"),
    (STRUCTURED,                       gzip.compress(ONE)[:-9],         GZIP, "malformed"),
    (STRUCTURED,                       b"",                             GZIP, "malformed"),
    (STRUCTURED,                       ONE,                             BROTLI, UNSUPPORTED),
    (f"{STRUCTURED}; charset=gbk",     ONE,                             {},     UNSUPPORTED),
    (BATCH,                            ONE,                             {},     "validation"),
    (BATCH,                            b"[" + ONE,                      {},     "malformed"),
    (BATCH,                            b"[" + b"1," * 10_000 + b"1]",   {},     "too-large"),
    ("application/json",               ONE,                             {},     UNSUPPORTED),
    ("application/json",               b"[" + ONE + b"]",               {},     UNSUPPORTED),
    ("application/cloudevents+xml",    b"<a/>",                         BINARY, UNSUPPORTED),
    ("text/plain",                     b"{}",                           BINARY, UNSUPPORTED),
    (None,                             ONE,                             {},     UNSUPPORTED),
    ("application/json",               b"{",                            BINARY, "malformed"),
    ("application/json",               b"[1]",                          BINARY, "validation"),
    ("application/json",               b"{}",                           NOT_UTF8, "malformed"),
]
# fmt: on


@pytest.mark.parametrize(("content_type", "body", "headers", "slug"), REFUSED)
def test_refused_as_a_whole(content_type: str | None, body: bytes, headers: dict[str, str], slug: str) -> None:
    with pytest.raises(PointsBankError) as refusal:
        posted(content_type, body, **headers)
    assert refusal.value.slug == slug


def test_what_is_accepted_is_named() -> None:
    with pytest.raises(PointsBankError) as refusal:
        posted("text/csv", b"")
    assert all(kind in refusal.value.detail for kind in (STRUCTURED, BATCH, NDJSON, "ce-"))


def test_malformed_json_is_told_with_its_place() -> None:
    with pytest.raises(PointsBankError, match="line 2, column 9"):
        posted(STRUCTURED, b'{"id": 1,\n "a": 1 1}')


@pytest.mark.parametrize("content_type", [STRUCTURED, BATCH, NDJSON])
def test_a_body_cut_short_is_malformed(content_type: str) -> None:
    with pytest.raises(PointsBankError) as refusal:
        list(posted(content_type, ONE, Content_Length=str(len(ONE) + 100)).chunks)
    assert refusal.value.slug == "malformed"


def test_a_declared_length_beyond_the_limit_is_refused_unread() -> None:
    with pytest.raises(PointsBankError) as refusal:
        posted(NDJSON, b"", Content_Length=str(cloudevents.MAX_NDJSON_BYTES + 1))
    assert refusal.value.slug == "too-large"


def test_one_bad_event_of_a_batch_stops_no_other() -> None:
    body = json.dumps([raw("a"), raw("b", subject=None), 7, raw("c", data={"programme": "\ud800"}), raw("d")]).encode()
    assert shown(items(BATCH, body)) == [
        (0, "a", "event"),
        (1, "b", "validation"),
        (2, None, "validation"),
        (3, "c", "validation"),
        (4, "d", "event"),
    ]
    assert items(BATCH, b"[]") == []


def test_an_id_that_cannot_be_shown_is_not() -> None:
    (rejected,) = items(BATCH, json.dumps([raw("a\ud800")]).encode())
    assert isinstance(rejected, Rejected)
    assert rejected.id is None
    assert isinstance(rejected.error, EventInvalid)


def test_one_bad_line_stops_no_other() -> None:
    long = orjson.dumps(raw("long", data={"programme": "2021", "x": "x" * cloudevents.MAX_SINGLE_BYTES}))
    body = b"\n".join([orjson.dumps(raw("a")), b"{", b"", b"\xff", long, b"[" * 5000, b"[]", orjson.dumps(raw("b"))])
    assert shown(items(NDJSON, body)) == [
        (0, "a", "event"),
        (1, None, "malformed"),
        (2, None, "malformed"),
        (3, None, "too-large"),
        (4, None, "malformed"),
        (5, None, "validation"),
        (6, "b", "event"),
    ]


def test_a_stream_comes_in_chunks_and_ends_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloudevents, "MAX_CHUNK_EVENTS", 3)
    monkeypatch.setattr(cloudevents, "MAX_NDJSON_EVENTS", 7)
    body = b"".join(orjson.dumps(raw(str(number))) + b"\n" for number in range(7))
    assert [len(chunk) for chunk in posted(NDJSON, body).chunks] == [3, 3, 1]
    assert list(posted(NDJSON, b"").chunks) == []
    chunks = posted(NDJSON, body + ONE).chunks
    assert [len(next(chunks)) for _ in range(3)] == [3, 3, 1]
    with pytest.raises(PointsBankError, match="at most 7"):
        next(chunks)


class Endless(io.RawIOBase):
    """A body of zeros, packed a thousandfold, that counts what was read of it."""

    def __init__(self) -> None:
        self.read_bytes = 0
        self._packed = self._pack()

    def _pack(self) -> Iterator[bytes]:
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        while True:
            yield packer.compress(bytes(1024 * 1024))

    def read(self, size: int = -1) -> bytes:
        chunk = b""
        while not chunk:
            chunk = next(self._packed)
        self.read_bytes += len(chunk)
        return chunk[:size]


def test_a_gzip_bomb_is_not_unpacked_to_its_end() -> None:
    body = Endless()
    environ = EnvironBuilder(method="POST", content_type=NDJSON, headers=[("Content-Encoding", "gzip")]).get_environ()
    environ.update({"wsgi.input": body, "wsgi.input_terminated": True})
    environ.pop("CONTENT_LENGTH", None)
    with pytest.raises(PointsBankError) as refusal:
        list(read_events(flask.Request(environ)).chunks)
    assert refusal.value.slug == "too-large"
    assert body.read_bytes < cloudevents.MAX_NDJSON_BYTES / 100


@given(st.lists(st.binary(max_size=6)), st.integers(1, 8))
def test_lines_do_not_depend_on_how_the_bytes_arrive(chunks: list[bytes], max_line_bytes: int) -> None:
    whole = b"".join(chunks).split(b"\n")
    if not whole[-1]:
        whole.pop()
    found = [None if isinstance(line, MalformedText) else line for line in lines(chunks, max_line_bytes)]
    assert found == [line if len(line) <= max_line_bytes else None for line in whole]


def test_a_line_without_end_is_not_kept() -> None:
    arrived = (b"x" * CHUNK_BYTES for _ in range(100))
    (only,) = lines(arrived, 1024)
    assert isinstance(only, MalformedText)
