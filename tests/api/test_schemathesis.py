"""schemathesis as anyone would run it against the service: all checks, over what /openapi.json promises."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import flask
import pytest
from werkzeug.serving import make_server

from api.examples import EVENT, RULEBOOK
from tests.api.conftest import Caller

ROOT = Path(__file__).parents[2]
# A few random requests per operation and mode beside the examples and the boundaries of every field.
MAX_EXAMPLES = 5
MAX_SECONDS = 600


@pytest.fixture
def url(app: flask.Flask) -> Iterator[str]:
    """The application, served."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_all_checks_of_schemathesis(url: str, programme: Caller, tmp_path: Path) -> None:
    awarder = {"name": "李老师", "role": "trainer", "allowances": {"service": 200}}
    assert programme.put("/v1/programmes/2021/awarders/li-trainer", awarder).status_code == 201
    assert programme.put("/v1/programmes/2021/rulebook/draft", RULEBOOK).status_code == 200
    assert programme.post("/v1/programmes/2021/rulebook/draft/activate").status_code == 200
    assert programme.event(EVENT).status_code == 201
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(ROOT / "schemathesis.toml")),
            *("run", f"{url}/openapi.json", "-H", f"Authorization: Bearer {programme.key}", "--checks", "all"),
            *("--phases", "examples,coverage,fuzzing", "-n", str(MAX_EXAMPLES), "--no-shrink", "--seed", "1"),
            # One worker: two threads that parse Python at once trip over CPython's issue 106905 until 3.11.8.
            *("--workers", "1"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=MAX_SECONDS,
    )
    assert done.returncode == 0, "\n".join(line[:500] for line in (done.stdout + done.stderr).splitlines())
