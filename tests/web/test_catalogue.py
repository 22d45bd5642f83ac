"""Every text of the pages is there in both languages, and says the same of the same things."""

import re
from pathlib import Path

from babel.messages.extract import extract_from_dir

import api
from api.pages import catalogue

API = Path(api.__file__).parent
DOMAIN = ("api", "ledger", "pointsbank", "rules")
"""Where `say` says what a page may show."""
METHODS = [("pages/**.py", "python"), ("web/pages/**.html", "jinja2.ext:babel_extract")]
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
HAN = re.compile(r"[\u3400-\u9fff]")


def wanted() -> dict[str | tuple[str, ...], str]:
    """Each text of code and templates, and where it stands."""
    options = {"web/pages/**.html": {"newstyle_gettext": "true", "silent": "false"}}
    found = extract_from_dir(str(API), METHODS, options, keywords={"_": None, "gettext": None, "ngettext": (1, 2)})
    texts = {message: f"{file}:{line}" for file, line, message, _, _ in found}
    for package in DOMAIN:
        said = extract_from_dir(str(API.parent / package), [("**.py", "python")], keywords={"say": None})
        texts |= {message: f"{package}/{file}:{line}" for file, line, message, _, _ in said}
    return texts


def translated() -> dict[str | tuple[str, ...], tuple[str, ...]]:
    texts: dict[str | tuple[str, ...], tuple[str, ...]] = {}
    for name, each in catalogue.catalogues("zh").items():
        for message in each:
            if message.id:
                known = texts.setdefault(message.id, _all(message.string))
                assert known == _all(message.string), f"{name}: {message.id} is said in two ways"
                assert not message.fuzzy, message.id
    return texts


def _all(texts: str | tuple[str, ...]) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts)


def test_every_text_is_in_chinese_and_no_more() -> None:
    there, said = wanted(), translated()
    assert len(there) > 20
    assert {text: where for text, where in there.items() if text not in said} == {}
    assert {text for text in said if text not in there} == set(), "nobody says this any more"


def test_the_chinese_is_chinese_and_has_the_same_places() -> None:
    for text, chinese in translated().items():
        places = set(PLACEHOLDER.findall(" ".join(_all(text))))
        for each in chinese:
            assert HAN.search(each), text
            assert set(PLACEHOLDER.findall(each)) == places, text


def test_templates_say_nothing_past_the_catalogue() -> None:
    """Text between tags is either given by the page or goes through the catalogue."""
    for path in sorted((API / "web" / "pages").rglob("*.html")):
        bare = re.sub(r"{#.*?#}|{{.*?}}|{%.*?%}|<[^>]*>", "", path.read_text("utf-8"), flags=re.DOTALL)
        assert not re.search(r"\w{2,}", bare), f"{path.name}: {bare.split()}"


def test_catalogues_are_read_as_they_are() -> None:
    assert catalogue.translations("zh").gettext("Sign in") == "登录"
    assert catalogue.translations("zh").ngettext("flower", "flowers", 2) == "朵小红花"
    assert catalogue.translations("en").gettext("Sign in") == "Sign in"
