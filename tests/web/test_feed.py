"""What arrives, as it arrives: booked, sent again, without effect, refused; and why, in the reader's language."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from api.app_state import State
from pointsbank.arrivals import feed, gathered, reading, storing
from pointsbank.arrivals.feed import Wanted
from pointsbank.arrivals.gathered import Gathered, Sent
from pointsbank.arrivals.noting import Arrivals
from pointsbank.errors import Invalid
from pointsbank.saying import say
from tests.api.conftest import Caller
from tests.web.conftest import Reader

HERE = "/admin/feed"
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


def event(identity: str, **changes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": identity,
        "source": "urn:lms",
        "type": "lms.assessment.scored",
        "subject": "20210001",
        "time": "2021-10-18T09:30:00+08:00",
        "data": {"programme": "2021", "score": 86, "weight": 100},
        **changes,
    }


class Sender:
    """A system with a key, and the HR person who looks at what it sends."""

    def __init__(self, caller: Caller, reader: Reader) -> None:
        self.caller, self.reader = caller, reader
        reader.user("hr", "hr")
        reader.become("hr")

    @property
    def arrivals(self) -> Arrivals:
        state = self.reader.app.extensions["pointsbank"]
        assert isinstance(state, State)
        return state.arrivals

    def post(self, body: object, kind: str = STRUCTURED) -> int:
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        headers = {"Authorization": f"Bearer {self.caller.key}", "Content-Type": kind, "Accept": "application/json"}
        status = self.reader.app.test_client().post("/v1/events", data=data, headers=headers).status_code
        self.arrivals.write()
        return status

    def rejections(self, query: str = "") -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.caller.key}", "Accept": "application/json"}
        answer = self.reader.app.test_client().get(f"/v1/rejections{query}", headers=headers)
        assert answer.status_code == 200
        found: dict[str, Any] = answer.get_json()
        return found

    def page(self, query: str = "") -> str:
        return self.reader.get(f"{HERE}{query}").text

    def rows(self, query: str = "") -> list[str]:
        """The states of the lines, the newest first."""
        return re.findall(r'<li class="(\w+)">\s*<time', self.page(query))


@pytest.fixture
def sender(programme: Caller, reader: Reader) -> Sender:
    return Sender(programme, reader)


def test_each_state_has_its_line(sender: Sender) -> None:
    sender.post(event("1"))
    sender.post(event("1"))
    sender.post(event("2", subject="nobody"))
    shown = sender.rows("?source=urn:lms")
    assert shown[0] == "rejected"
    assert shown[1] == "duplicate"
    assert shown[2] in ("booked", "ignored")
    assert sender.rows("?source=urn:lms&status=rejected") == ["rejected"]
    assert sender.rows("?source=urn:lms&status=duplicate") == ["duplicate"]
    assert sender.rows("?source=urn:other") == []
    assert sender.rows("?type=lms.assessment.scored&status=booked&source=%00urn:lms") == [
        each for each in shown if each == "booked"
    ]


def test_a_refused_event_says_what_is_wrong_in_the_readers_language(sender: Sender) -> None:
    assert (
        sender.post(event("1", subject="nobody", data={"programme": "2021", "x": "<script>alert(1)</script>"})) == 422
    )
    page = sender.page()
    assert "<code>subject</code> <bdi>there is no learner nobody</bdi>" in page
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page
    sender.reader.language = "zh-CN"
    assert "<code>subject</code> <bdi>没有学员 nobody</bdi>" in sender.page()


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        ("{", STRUCTURED, "This is not JSON at line 1"),
        ({"id": "1"}, STRUCTURED, "<code>specversion</code> <bdi>must be &#34;1.0&#34;</bdi>"),
        (event("1", time="yesterday"), STRUCTURED, "must be an RFC 3339 time with an offset"),
        (event("1", source="a b"), STRUCTURED, "must be a URI reference, without white space"),
        ([event("1", subject=None), "no event"], BATCH, "an event must be a JSON object"),
        ('{"id": 1}\n{"id": ', "application/x-ndjson", "This is not JSON at line 1"),
        ('{"id": "\\ud800"}', STRUCTURED, "must not hold control characters or half of a surrogate pair"),
        (event("1", data={"programme": "2021", "n": "x\0y"}), STRUCTURED, "neither NUL"),
        (event("1", data={"programme": "none"}), STRUCTURED, "there is no programme none"),
    ],
)
def test_whatever_is_sent_can_be_shown(sender: Sender, body: object, kind: str, says: str) -> None:
    sender.post(body, kind)
    assert says in sender.page("?status=rejected")


def test_counts_by_source(sender: Sender) -> None:
    sender.post([event(str(number)) for number in range(5)] + [event("x", subject="nobody")], BATCH)
    sender.post([event(str(number)) for number in range(5)], BATCH)
    with sender.reader.database.snapshot(sender.reader.company_id) as session:
        (found,) = reading.sources(session)
    booked, duplicate, ignored, rejected = found.hour
    assert (found.source, booked + ignored, duplicate, rejected, found.is_silent) == ("urn:lms", 5, 5, 1, False)
    assert found.day == found.hour
    page = sender.page()
    assert "source=urn:lms&amp;status=rejected" in page or "source=urn%3Alms&amp;status=rejected" in page
    with sender.reader.database.transaction(sender.reader.company_id) as session:
        session.sql(
            "UPDATE arrivals SET begins_at = begins_at - interval '2 days', last_at = last_at - interval '2 days'"
        )
        (found,) = reading.sources(session)
        assert (found.hour, found.day, found.is_silent) == ((0, 0, 0, 0), (0, 0, 0, 0), True)


def test_a_flood_is_bounded_and_counted(sender: Sender) -> None:
    flood = [
        event(str(number), subject="nobody", data={"programme": "2021", "x": "y" * 9_000}) for number in range(450)
    ]
    sender.post(flood, BATCH)
    with sender.reader.database.snapshot(sender.reader.company_id) as session:
        found = reading.find(session, 1_000)
        (source,) = reading.sources(session)
    assert len(found) == gathered.MAX_REJECTED
    assert sum(each.times for each in found) == 450 == source.hour[3]
    assert {len(each.payload or "") for each in found} == {gathered.MAX_PAYLOAD_CHARACTERS}
    assert "and 250 more" in sender.page()


def test_sources_are_bounded(sender: Sender) -> None:
    sender.post([event(str(number), source=f"urn:{number}", subject="nobody") for number in range(120)], BATCH)
    one, two = Gathered(), Gathered()
    for number in range(80):
        (one if number % 2 else two).refuse(event("1", source=f"urn:{number}"), Invalid("x"))
    one.add(two)
    assert len({source for source, _ in one.counts}) == gathered.MAX_SOURCES
    assert sum(one.counts.values()) == 80


def test_old_rows_go(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(storing.KEPT, "rejected", 3)
    monkeypatch.setattr(storing, "TRIMMED_EVERY", 5)
    sender.post([event("d"), event("d")], BATCH)
    for number in range(12):
        sender.post(event(str(number), subject="nobody"))
    with sender.reader.database.transaction(sender.reader.company_id) as session:
        kept = [each.event_id for each in reading.find(session, 50, status="rejected")]
        assert kept[:3] == ["11", "10", "9"]
        assert len(kept) <= 3 + 5
        assert len(reading.find(session, 50, status="duplicate")) == 1
        session.sql("UPDATE unbooked SET arrived_at = arrived_at - %(age)s", {"age": storing.KEPT_FOR})
        session.sql("UPDATE arrivals SET begins_at = begins_at - interval '9 days'")
        storing.forget_old(session)
        assert reading.find(session, 50) == []
        assert reading.sources(session) == []


def test_pages_go_back_to_the_beginning_without_gap_or_repeat(sender: Sender) -> None:
    for number in range(30):
        sender.post(event(str(number), subject="nobody" if number % 3 else "20210001"))
    with sender.reader.database.snapshot(sender.reader.company_id) as session:
        everything = [item.at for item in feed.page(session, Wanted(), 500).items]
        found, before = [], None
        while True:
            page = feed.page(session, Wanted(), 7, before)
            found += [item.at for item in page.items]
            if page.next is None:
                break
            before = page.next
    assert len(found) > 30
    assert found == everything == sorted(everything, reverse=True)


def test_news_is_what_came_after(sender: Sender) -> None:
    head = re.search(r'data-head="([\d.]+)"', sender.page())
    assert head is not None
    sender.post(event("1", subject="nobody"))
    news = sender.reader.get(f"{HERE}/news?after={head[1]}").json
    assert news is not None
    assert (news["count"], news["is_whole"]) == (1, False)
    assert "there is no learner nobody" in news["rows"]
    assert "urn:lms" in news["sources"]
    again = sender.reader.get(f"{HERE}/news?after={news['head']}").json
    assert again is not None
    assert again["count"] == 0
    sender.post([event(str(number), subject="nobody") for number in range(60)], BATCH)
    much = sender.reader.get(f"{HERE}/news?after={news['head']}").json
    assert much is not None
    assert (much["count"], much["is_whole"]) == (40, True)
    assert sender.reader.get(f"{HERE}/news?after=x.y").status_code == 200


def test_the_stream_tells_that_there_is_news(sender: Sender) -> None:
    stream = sender.reader.get(f"{HERE}/stream", buffered=False)
    parts = stream.iter_encoded()

    def next_head() -> str:
        text = b""
        for part in parts:
            text += part
            if (found := re.search(rb'"head":"([\d.]+)"', text)) is not None:
                return found[1].decode()
        raise AssertionError("the stream ended")

    first = next_head()
    sender.post(event("1", subject="nobody"))
    entry, unbooked = next_head().split(".")
    assert (entry, int(unbooked)) == (first.split(".")[0], int(first.split(".")[1]) + 1)
    stream.close()


def test_rejections_over_the_api(sender: Sender) -> None:
    for number in range(3):
        sender.post(event(str(number), subject="nobody"))
    sender.post(event("other", source="urn:other", subject="nobody"))
    first = sender.rejections("?limit=2")
    assert [each["id"] for each in first["items"]] == ["other", "2"]
    assert first["items"][0]["errors"] == [{"path": "subject", "message": "there is no learner nobody"}]
    assert json.loads(first["items"][0]["payload"])["source"] == "urn:other"
    rest = sender.rejections(f"?limit=2&cursor={first['next']}")
    assert ([each["id"] for each in rest["items"]], rest["next"]) == (["1", "0"], None)
    assert [each["id"] for each in sender.rejections("?source=urn:other")["items"]] == ["other"]
    assert sender.rejections("?type=none")["items"] == []


def test_another_company_sees_none_of_it(
    sender: Sender, new_company: Callable[..., Caller], new_reader: Callable[[str], Reader]
) -> None:
    sender.post(event("ours", subject="nobody"))
    other = new_reader(new_company().company_key)
    other.user("hr", "hr")
    other.become("hr")
    assert "urn:lms" not in other.get(HERE).text
    assert "urn:lms" not in other.get(f"{HERE}/news?after=0.0").text


def test_a_post_does_not_fail_by_it(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(storing, "store", fail)
    assert sender.post(event("1", subject="nobody")) == 422
    assert sender.post(event("1")) in (200, 201)
    monkeypatch.undo()
    sender.post(event("2", subject="nobody"))
    assert [each["id"] for each in sender.rejections()["items"]] == ["2"]


def test_it_is_written_without_being_asked(sender: Sender) -> None:
    arrivals = sender.arrivals
    what = Gathered()
    what.refuse(event("1"), Invalid.field("subject", say("there is no learner %(learner)s", learner="x")))
    what.note_again(Sent("urn:lms", "t", "2", None), 1)
    arrivals.take(sender.reader.company_id, what)
    thread = arrivals.thread
    assert thread is not None
    thread.join(timedelta(seconds=20).total_seconds())
    assert [each["id"] for each in sender.rejections()["items"]] == ["1"]
