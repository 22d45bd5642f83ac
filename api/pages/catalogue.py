"""The texts of pages: English as written in code and templates, Chinese from the catalogues of api/web/pages/messages.

Each part of the pages has a catalogue of its own; they are read at the start, so nothing has to be compiled.
"""

import io
from functools import cache
from importlib.resources import files

import flask_babel
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask

from api.language import Language
from api.pages import frame

FOLDER = "web/pages/messages"


class _Domain(flask_babel.Domain):
    def get_translations(self) -> NullTranslations:
        locale = flask_babel.get_locale()
        return translations("zh" if locale is not None and locale.language == "zh" else "en")


class Texts(flask_babel.Babel):
    domain_instance = _Domain()


def catalogues(language: Language) -> dict[str, Catalog]:
    """By their file names."""
    folder = files("api").joinpath(FOLDER, language)
    found = sorted((each for each in folder.iterdir() if each.name.endswith(".po")), key=lambda each: each.name)
    return {each.name: read_po(io.BytesIO(each.read_bytes()), language) for each in found}


@cache
def translations(language: Language) -> NullTranslations:
    if language == "en":
        return NullTranslations()
    made = Translations()
    for catalogue in catalogues(language).values():
        binary = io.BytesIO()
        write_mo(binary, catalogue)
        binary.seek(0)
        part = Translations(binary)
        made.merge(part)
        made.plural = part.plural  # merging leaves it behind
    return made


def register(app: Flask) -> None:
    Texts(app, locale_selector=frame.language, timezone_selector=frame.timezone)
