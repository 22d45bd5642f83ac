"""Origins that a company lists: kept as browsers send them, and nothing else."""

import pytest

from tests.api.conftest import Caller


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://intranet.example.com", "https://intranet.example.com"),
        ("HTTPS://Intranet.Example.COM:443", "https://intranet.example.com"),
        ("http://intranet:80", "http://intranet"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[0:0:0:0:0:0:0:1]:3000", "http://[::1]:3000"),
        ("https://内网.示例.中国", "https://xn--v6q792i.xn--fsq092h.xn--fiqs8s"),
    ],
)
def test_origins_are_kept_as_browsers_send_them(caller: Caller, written: str, kept: str) -> None:
    answer = caller.put("/v1/company", {"name": "甲", "origins": [written, kept]})
    assert (answer.status_code, answer.json["origins"]) == (200, [kept])
    assert caller.get("/v1/company").json["origins"] == [kept]


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "",
        "intranet.example.com",
        "ftp://intranet.example.com",
        "https://",
        "https://*.example.com",
        "https://intranet.example.com/",
        "https://intranet.example.com/board",
        "https://intranet.example.com?x",
        "https://intranet.example.com#x",
        "https://user@intranet.example.com",
        "https://intranet.example.com:",
        "https://intranet.example.com:0",
        "https://intranet.example.com:99999",
        "https://intranet.example.com:port",
        "https://-intranet.example.com",
        "https://intranet..example.com",
        "https://[::1",
        "https://[v1.x]",
        "https://in tranet",
        "https://" + "x" * 300,
        "https://" + ".".join(["x" * 60] * 4) + ".example.com",
        7,
        None,
    ],
)
def test_what_is_no_origin_is_refused(caller: Caller, origin: object) -> None:
    answer = caller.put("/v1/company", {"name": "甲", "origins": ["https://intranet.example.com", origin]})
    assert answer.status_code == 422
    assert {error["path"] for error in answer.json["errors"]} == {"origins[1]"}
    assert caller.get("/v1/company").json["origins"] == []


def test_a_company_lists_a_bounded_number_of_origins(caller: Caller) -> None:
    many = [f"https://{n}.example.com" for n in range(51)]
    assert caller.put("/v1/company", {"name": "甲", "origins": many}).status_code == 422
    assert caller.put("/v1/company", {"name": "甲", "origins": many[:50]}).json["origins"] == many[:50]
