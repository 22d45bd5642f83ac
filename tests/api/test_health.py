"""/healthz, /readyz, /metrics, /docs: what needs no key."""

import pytest


def test_the_service_lives_and_can_serve(app):
    client = app.test_client()
    assert client.get("/healthz").json == {"status": "alive"}
    assert client.get("/readyz").json == {"status": "ready"}


def test_metrics_count_requests_by_route(app):
    client = app.test_client()
    client.get("/healthz")
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert 'pointsbank_request_seconds_count{method="GET",route="/healthz",status="200"}' in answer.text


@pytest.mark.parametrize("path", ["/docs", "/docs/start.js", "/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js"])
def test_the_documentation_page_loads_from_here_alone(app, path):
    answer = app.test_client().get(path)
    assert answer.status_code == 200
    if path == "/docs":
        assert "http://" not in answer.text
        assert "https://" not in answer.text
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def test_no_other_file_is_served(app):
    assert app.test_client().get("/docs/index.html").status_code == 404


@pytest.mark.parametrize("slug", ["validation", "key-conflict", "insufficient-funds", "already-reversed", "closed"])
def test_the_type_of_a_problem_leads_to_what_it_means(app, slug):
    answer = app.test_client().get(f"/problems/{slug}")
    assert answer.status_code == 200
    assert slug in answer.text


def test_there_is_no_page_of_an_unknown_problem(app):
    assert app.test_client().get("/problems/nothing").status_code == 404
