"""What is said to people, so that a page can say it in another language.

The API says it in English as it is; a page looks the form up and puts the same values in.
"""

from typing import Any


class Said(str):
    """`form` with its places filled: what a program gets, and what is sorted, joined and compared."""

    __slots__ = ("form", "values")

    form: str
    values: dict[str, Any]

    def format(self, *_: object, **__: object) -> str:
        """As it is: its places are filled, and marshmallow would fill those of its messages once more."""
        return self


def say(form: str, /, **values: Any) -> Said:
    """`say("must have at most %(most)s characters.", most=200)`. The form is written out where it is said, for the
    catalogue of the pages is compared with all of them."""
    said = Said(form % values if values else form)
    said.form, said.values = form, values
    return said
