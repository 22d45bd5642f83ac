"""/: the way to the pages of who is signed in."""

from flask import redirect
from werkzeug.wrappers import Response as AnyResponse

from api.pages import menu
from api.pages.access import allows, visitor
from api.pages.frame import Pages, render

blp = Pages("home", __name__)


@blp.get("/")
@allows()
def show() -> AnyResponse:
    found = menu.entries()
    if len(found) == 1:
        return redirect(found[0].address, 303)
    return render("pages/home.html", visitor=visitor(), entries=found)
