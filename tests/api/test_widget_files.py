"""The custom element that pages of other origins load."""

import flask


def test_the_element_is_served_to_every_page(app: flask.Flask) -> None:
    client = app.test_client()
    answer = client.get("/widgets/leaderboard.js", headers={"Origin": "https://elsewhere.example.com"})
    assert (answer.status_code, answer.content_type) == (200, "text/javascript; charset=utf-8")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert len(answer.data) < 15_000
    again = client.get("/widgets/leaderboard.js", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data, again.headers["Access-Control-Allow-Origin"]) == (304, b"", "*")
