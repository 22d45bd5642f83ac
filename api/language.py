"""Chinese or English: which of them a reader gets."""

from typing import Literal

from flask import Request

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


def asked_for(request: Request) -> Language | None:
    """What `?lang=` says."""
    return known(request.args.get("lang"))


def known(text: str | None) -> Language | None:
    return next((language for language in LANGUAGES if language == text), None)


def preferred(request: Request) -> Language:
    """What the browser prefers; English for readers of neither, Chinese if nothing is said."""
    accepted = request.accept_languages
    found = accepted.best_match(LANGUAGES)
    if found is None:
        return "en" if accepted else "zh"
    return "zh" if found == "zh" else "en"
