"""/metrics: what the workers of this host do, for Prometheus.

Each worker writes its figures into a folder that `pointsbank serve` gives them (`PROMETHEUS_MULTIPROC_DIR`),
so that whichever of them is asked answers for all.
"""

import os
import time
from collections.abc import Mapping

import prometheus_client
from flask import Blueprint, Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

blp = Blueprint("metrics", __name__)

REQUESTS = Histogram(
    "pointsbank_request_seconds",
    "Time from the arrival of a request until its response.",
    ("method", "route", "status"),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
EVENTS = Counter("pointsbank_events", "Events received, by what became of them.", ("status",))


def register(app: Flask) -> None:
    @app.before_request
    def began() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def ended(response: Response) -> Response:
        route = "none" if request.url_rule is None else request.url_rule.rule
        REQUESTS.labels(request.method, route, response.status_code).observe(time.perf_counter() - g.began)
        return response


def count_events(counts: Mapping[str, int]) -> None:
    for status, count in counts.items():
        EVENTS.labels(status).inc(count)


@blp.get("/metrics")
def metrics() -> Response:
    registry = prometheus_client.REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # prometheus_client does not type it
    return Response(prometheus_client.generate_latest(registry), content_type=prometheus_client.CONTENT_TYPE_LATEST)
