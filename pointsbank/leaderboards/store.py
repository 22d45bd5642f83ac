"""Boards in Redis: their keys, and the scripts (`scripts/*.lua`) that read and change them whole or not at all.

All keys of a company have one hash tag, so that they are in one slot of a cluster.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from itertools import islice
from typing import Any, Literal, NamedTuple, TypeVar

from pointsbank.leaderboards.exchange import Exchange
from pointsbank.leaderboards.frame import Frame
from pointsbank.leaderboards.packing import (
    SINCE_1900,
    Member,
    Pages,
    bucket_of,
    bytes_of,
    member_of,
    packed,
    row_of,
)
from pointsbank.leaderboards.scores import Later, Score
from pointsbank.leaderboards.standings import Row

LIVES_SECONDS = 24 * 60 * 60
"""How long a board stays without being looked at."""
BUILDING_SECONDS = 10 * 60
LARGE_SECONDS = 60 * 60
"""So long it is not tried again to put a board here that has a score beyond `MAX_SCORE`."""
PAGE_MEMBERS = 16
"""About so many members share a field of `pages`: a field costs Redis more than what stands in it."""
CHUNK = 2_000
MAX_SCORE = 2**53 - 1
"""What the score of a sorted set holds exactly."""

_DATA = ("order", "pages", "now", "was", "later")

Applied = Literal["applied", "other", "broken", "large"]

T = TypeVar("T")


class State(NamedTuple):
    """What of the ledger a board reflects: entries to `number`, which was recorded at `recorded_at` (microseconds
    since 1970: another database has another entry of this number), the directory's version, and `before`."""

    number: int
    recorded_at: int
    version: int
    before: int

    def __str__(self) -> str:
        return "-".join(map(str, self))

    @classmethod
    def of(cls, text: str) -> "State":
        """Raises ValueError."""
        number, recorded_at, version, before = map(int, text.split("-"))
        return cls(number, recorded_at, version, before)


class Addition(NamedTuple):
    key: str
    amount: int
    amount_before: int
    at: int
    number: int


@dataclass(slots=True)
class Change:
    """From one state of a board to the next. `people` of a team board is None where they are as before."""

    frame: Frame
    was: str
    state: State
    checked: int
    fresh: bool
    tomorrow: int
    additions: Sequence[Addition] = ()
    settings: Sequence[Score] = ()
    later: list[Later] = field(default_factory=list)
    people: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A page of a board in Redis. At `checked` the ledger had nothing newer; now it is `now`, by Redis' clock."""

    checked: int
    now: int
    state: str
    size: int
    people: str
    ahead: tuple[int, int] | None
    replied: Sequence[Any] = ()
    """Member, -score and rank of each row, one after the other."""
    replied_before: Sequence[Any] = ()
    """Rank and -score of each row before; empty if they are those of now."""

    @property
    def members(self) -> list[Member]:
        rows, before = self.replied, self.replied_before or self._as_now()
        return list(map(member_of, rows[::3], rows[1::3], rows[2::3], before[::2], before[1::2]))

    @property
    def rows(self) -> list[Row]:
        """Of a board of sums."""
        rows, before = self.replied, self.replied_before
        return list(map(row_of, rows[::3], rows[1::3], rows[2::3], before[::2] if before else rows[2::3]))

    def _as_now(self) -> list[Any]:
        return [part for pair in zip(self.replied[2::3], self.replied[1::3], strict=True) for part in pair]


class Same(NamedTuple):
    """The board is still in the state that the caller knows."""

    checked: int
    now: int


NotThere = Literal["missing", "turned", "broken", "nobody"]
"""`turned`: it is of another day. `broken`: a part of it is gone. `nobody`: the member is not on it."""


class Store:
    """The boards of one Redis. Raises what the client raises when it is away."""

    def __init__(self, client: Any) -> None:
        self.client = client
        shared = _source("board")
        self._apply, self._switch, self._confirm = (
            client.register_script(shared + _source(name)) for name in ("apply", "switch", "confirm")
        )
        self._pages = Exchange(client, shared + _source("page"))

    def microseconds(self, company_id: int) -> int:
        """The time of the Redis that has the company's boards: every worker reads it alike."""
        seconds, rest = self.client.eval("return redis.call('TIME')", 1, _index(company_id))
        return int(seconds) * 1_000_000 + int(rest)

    # Which boards there are -------------------------------------------------------------------------------

    def wanted(self, company_id: int) -> dict[str, float]:
        """Frames' ids of the boards that are looked at, and when last in seconds."""
        found = self.client.zrange(_index(company_id), 0, -1, withscores=True)
        return {key.decode(): looked for key, looked in found}

    def want(self, company_id: int, frame: Frame) -> None:
        """Says that the board is looked at: it is made if it is not there, and stays longer if it is."""
        now = self.microseconds(company_id) // 1_000_000
        pipeline = self.client.pipeline(transaction=False)
        pipeline.zadd(_index(company_id), {frame.id: now})
        pipeline.expire(_index(company_id), 2 * LIVES_SECONDS)
        keys = board_keys(company_id, frame)
        pipeline.expire(keys[0], LIVES_SECONDS - 60)
        for key in keys[1:]:
            pipeline.expire(key, LIVES_SECONDS)
        pipeline.execute()

    def drop(self, company_id: int, frame_id: str) -> None:
        self.client.zrem(_index(company_id), frame_id)
        self.client.unlink(*_keys(company_id, frame_id))

    def forget(self, company_id: int, frame: Frame) -> None:
        """The board is no longer there, but still looked at."""
        self.client.unlink(*board_keys(company_id, frame))

    def size(self, company_id: int, frame: Frame) -> int:
        return int(self.client.hget(board_keys(company_id, frame)[0], "size") or 0)

    def states(self, company_id: int, frames: Sequence[Frame]) -> list[State | Literal["large"] | None]:
        """Of each board: None if it is not there, `large` if it was found to be one that cannot be."""
        pipeline = self.client.pipeline(transaction=False)
        for frame in frames:
            pipeline.hmget(board_keys(company_id, frame)[0], "state", "large")
        return [
            "large" if large else None if state is None else State.of(state.decode())
            for state, large in pipeline.execute()
        ]

    def checked_states(self, company_id: int, frames: Sequence[Frame]) -> list[tuple[State, int] | None]:
        """The state and when it was last compared with the ledger, of each board that is there."""
        pipeline = self.client.pipeline(transaction=False)
        for frame in frames:
            pipeline.hmget(board_keys(company_id, frame)[0], "state", "checked")
        return [None if state is None else (State.of(state.decode()), int(at)) for state, at in pipeline.execute()]

    def lock(self, company_id: int, seconds: float) -> str | None:
        """Makes the caller the company's one projector for so long; None if there is one. What it saves is work:
        what a second one would write is refused."""
        token = secrets.token_hex(8)
        held = self.client.set(_lock(company_id), token, nx=True, px=int(seconds * 1000))
        return token if held else None

    def hold(self, company_id: int, token: str, seconds: float) -> None:
        """Keeps the lock for so much longer, if it is still the caller's."""
        self.client.eval(_HOLD, 1, _lock(company_id), token, int(seconds * 1000))

    def unlock(self, company_id: int, token: str) -> None:
        self.client.eval(_UNLOCK, 1, _lock(company_id), token)

    # One board ----------------------------------------------------------------------------------------------

    def page(
        self,
        company_id: int,
        frame: Frame,
        before: int,
        limit: int | None = None,
        offset: int = 0,
        around: str = "",
        known: str = "",
    ) -> Found | Same | NotThere:
        """A page; or `Same` if the board is still in the state `known`; or why there is none."""
        arguments: list[str | int] = [known, before + SINCE_1900, -1 if limit is None else limit, offset, around]
        reply = self._pages.run(board_keys(company_id, frame), arguments)
        if len(reply) == 1:
            status: NotThere = reply[0].decode()
            return status
        if len(reply) == 3:
            return Same(reply[1], reply[2])
        _, checked, now, state, size, people, ahead, *rows = reply
        nearest = (ahead[0], ahead[1]) if ahead else None
        return Found(checked, now, state.decode(), size, people.decode(), nearest, *rows)

    def apply(self, company_id: int, change: Change) -> Applied:
        """The change whole or not at all, and only if the board is in the state that it begins with."""
        outcome: Applied = self._apply(keys=board_keys(company_id, change.frame), args=_arguments(change)).decode()
        return outcome

    def confirm(self, company_id: int, frame: Frame, state: str, checked: int) -> Applied:
        """Notes that at `checked` the ledger had nothing that the board in this state has not."""
        outcome: Applied = self._confirm(keys=board_keys(company_id, frame), args=[state, checked]).decode()
        return outcome

    def build(
        self, company_id: int, building: "Building", scores: Iterable[Score], later: Callable[[int], Sequence[Later]]
    ) -> Applied:
        """Makes the board anew, beside the one that is there, and puts it in its place.

        Once all scores are read, `later` is told the latest time of them, and gives what happens after today.
        """
        keys = board_keys(company_id, building.frame)
        apart = [f"{key}~{secrets.token_hex(4)}" for key in keys[1:]]
        pages = Pages.of(building.buckets)
        size = largest = latest = 0

        def pipelines() -> Iterator[Any]:
            nonlocal size, largest, latest
            for chunk in chunked(scores, CHUNK):
                yield self._scores_of(chunk, apart, building, pages)
                totals, times = [score.total for score in chunk], [score.at for score in chunk]
                largest = max(largest, max(totals), -min(totals))
                latest = max(latest, max(times))
                size += len(chunk)

        _execute(pipelines())
        if largest > MAX_SCORE:
            self.client.unlink(*apart, *keys)
            self.client.hset(keys[0], "large", 1)
            self.client.expire(keys[0], LARGE_SECONDS)
            return "large"
        _execute(self._pages_of(apart[1], chunk) for chunk in chunked(pages.packed(), CHUNK))
        if happens := later(latest):
            self.client.zadd(apart[4], {_later(each): each.at + SINCE_1900 for each in happens})
        meta = {"state": str(building.state), "size": size, **building.meta()}
        arguments = [building.state.number, LIVES_SECONDS, *(part for pair in meta.items() for part in pair)]
        reply: Applied = self._switch(keys=[*keys, *apart], args=arguments).decode()
        return reply

    def _scores_of(self, chunk: Sequence[Score], apart: Sequence[str], building: "Building", pages: "Pages") -> Any:
        """What adds the chunk to the board; its records are put to the pages."""
        order: list[int | bytes] = []
        now: dict[bytes, int] = {}
        was: dict[bytes, int] = {}
        buckets, fresh = building.buckets, building.fresh
        counts, records = pages.counts, pages.records
        for key_text, name_text, total, before, at, number in chunk:
            key, name, since = key_text.encode(), name_text.encode(), at + SINCE_1900
            bucket = bucket_of(key, buckets)
            counts[bucket] += 1
            records[bucket] += packed(key, name, total, since, number)
            order += (-total, bytes_of(key, name, total, since, number))
            if total != before and not fresh:
                now[key], was[key] = -total, -before
        pipeline = self.client.pipeline(transaction=False)
        pipeline.execute_command("ZADD", apart[0], *order)
        if now:
            pipeline.zadd(apart[2], now)
            pipeline.zadd(apart[3], was)
        for each in (apart[0], apart[2], apart[3]):
            pipeline.expire(each, BUILDING_SECONDS)
        return pipeline

    def _pages_of(self, key: str, chunk: Sequence[tuple[int, bytes]]) -> Any:
        pipeline = self.client.pipeline(transaction=False)
        pipeline.hset(key, mapping=dict(chunk))
        pipeline.expire(key, BUILDING_SECONDS)
        return pipeline


def _execute(pipelines: Iterable[Any]) -> None:
    """One after the other; Redis takes one while the next is made."""
    with ThreadPoolExecutor(1) as redis:
        taken: Future[Any] | None = None
        for pipeline in pipelines:
            if taken is not None:
                taken.result()
            taken = redis.submit(pipeline.execute)
        if taken is not None:
            taken.result()


@dataclass(slots=True)
class Building:
    """What a board is to be besides its scores; `size` is about how many there will be."""

    frame: Frame
    state: State
    checked: int
    fresh: bool
    size: int
    people: str = ""

    @property
    def buckets(self) -> int:
        return max(1, self.size // PAGE_MEMBERS)

    def meta(self) -> Mapping[str, int | str]:
        return {
            "buckets": self.buckets,
            "checked": self.checked,
            "before": self.state.before + SINCE_1900,
            "fresh": int(self.fresh),
            "people": self.people,
        }


@lru_cache(maxsize=10_000)
def board_keys(company_id: int, frame: Frame) -> list[str]:
    """meta and the data, in the order of `scripts/board.lua`."""
    return _keys(company_id, frame.id)


def _keys(company_id: int, frame_id: str) -> list[str]:
    return [f"pb:{{{company_id}}}:board:{frame_id}:{name}" for name in ("meta", *_DATA)]


def _index(company_id: int) -> str:
    return f"pb:{{{company_id}}}:boards"


def _lock(company_id: int) -> str:
    return f"pb:{{{company_id}}}:projector"


def chunked(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _source(name: str) -> str:
    return files("pointsbank.leaderboards").joinpath("scripts", f"{name}.lua").read_text("utf-8")


_HOLD = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end"
_UNLOCK = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


def _later(later: Later) -> str:
    return f"{later.key}\0{later.amount}\0{later.number}\0{later.at + SINCE_1900}"


def _arguments(change: Change) -> list[str | int]:
    arguments: list[str | int] = [change.was, str(change.state), change.checked, change.state.before + SINCE_1900]
    arguments += [int(change.fresh), change.tomorrow + SINCE_1900, change.people or ""]
    arguments.append(len(change.additions))
    for addition in change.additions:
        key, amount, before, at, number = addition
        arguments += [key, amount, before, at + SINCE_1900, number]
    arguments.append(len(change.settings))
    for score in change.settings:
        arguments += [score.key, score.name, score.total, score.before, score.at + SINCE_1900, score.number]
    arguments.append(len(change.later))
    for later in change.later:
        arguments += [later.key, later.amount, later.at + SINCE_1900, later.number]
    return arguments
