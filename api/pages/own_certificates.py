"""/me/certificates: what a learner takes away: the paper, the badge, the credential."""

from flask import Response

from api.app_state import database
from api.pages.access import allows, visitor
from api.pages.frame import Pages
from credentials import badge, paper
from credentials.issuing import MEDIA_TYPE
from pointsbank.errors import NotFound
from rules.certification import register, statement

blp = Pages("own_certificates", __name__)


@blp.get("/me/certificates/<number>.<form>")
@allows("learner")
def download(number: str, form: str) -> Response:
    """Raises NotFound, also for a certificate of anybody else's."""
    with database().snapshot(visitor().company_id) as session:
        found = register.find(session, number)
        if found is None or found.learner != visitor().learner_no:
            raise NotFound("You have no such certificate.")
        lines = statement.lines(session, found) if form == "pdf" else []
    if form == "pdf":
        content, kind = paper.pdf(found.content, lines, found.credential), "application/pdf"
    elif form == "png":
        content, kind = badge.png(found.content, found.credential), "image/png"
    elif form == "json":
        content, kind = found.credential, MEDIA_TYPE
    else:
        raise NotFound("There is no such form of a certificate.")
    response = Response(content, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{found.number}.{form}"'
    return response
