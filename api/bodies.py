"""Request bodies, whole or as a stream, unpacked from gzip, never beyond a limit of bytes."""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import flask
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from pointsbank.errors import Malformed, TooLarge, UnsupportedMediaType

# Read, and unpacked, at a time.
CHUNK_BYTES = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class MalformedText:
    """A line that is longer than allowed; it is skipped without being kept."""

    reason: str


def read_body(request: flask.Request, max_bytes: int) -> bytes:
    """The whole body, unpacked; raises TooLarge beyond `max_bytes`, Malformed if it is cut short."""
    return b"".join(body_chunks(request, max_bytes))


def body_chunks(request: flask.Request, max_bytes: int) -> Iterator[bytes]:
    """The body as it arrives, unpacked. The length that the client declares is checked at the call."""
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip", ""):
        raise UnsupportedMediaType(f"The content encoding {encoding!r} is not taken; send gzip or none")
    # Packed bytes are hardly ever more than unpacked ones.
    if request.content_length is not None and request.content_length > max_bytes:
        raise _too_large(max_bytes)
    received = _received(request)
    return _limited(_unpacked(received) if "gzip" in encoding else received, max_bytes)


def lines(chunks: Iterable[bytes], max_line_bytes: int) -> Iterator[bytes | MalformedText]:
    """The lines of a stream without their ends; the last one may lack its line feed."""
    too_long = MalformedText(f"A line has at most {max_line_bytes} bytes")
    rest = b""
    skipping = False
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield too_long if skipping or len(line) > max_line_bytes else line
            skipping = False
        if len(rest) > max_line_bytes:
            rest, skipping = b"", True
    if skipping:
        yield too_long
    elif rest:
        yield rest


def _received(request: flask.Request) -> Iterator[bytes]:
    try:
        while chunk := request.stream.read(CHUNK_BYTES):
            yield chunk
    except ClientDisconnected as error:
        raise Malformed("The body was cut short: fewer bytes came than Content-Length says") from error
    except RequestEntityTooLarge as error:
        raise TooLarge("The body is larger than this service takes") from error


def _unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Members of gzip one after the other, at most CHUNK_BYTES at a time, however well they are packed."""
    unpacker = zlib.decompressobj(_GZIP)
    begun = False
    try:
        for chunk in chunks:
            packed = chunk
            while packed:
                if unpacker.eof:
                    unpacker = zlib.decompressobj(_GZIP)
                begun = True
                yield unpacker.decompress(packed, CHUNK_BYTES)
                packed = unpacker.unconsumed_tail or unpacker.unused_data
        while begun and not unpacker.eof and (tail := unpacker.decompress(b"", CHUNK_BYTES)):
            yield tail
    except zlib.error as error:
        raise Malformed("The body is not gzip, as its Content-Encoding says") from error
    if not unpacker.eof:
        raise Malformed("The body was cut short: its gzip stream has no end")


def _limited(chunks: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > max_bytes:
            raise _too_large(max_bytes)
        yield chunk


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(f"The body has more than {max_bytes} bytes (unpacked); send it in parts")
