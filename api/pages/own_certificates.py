"""/me/certificates: what a learner takes away: the paper, the badge, the credential."""

from flask import Response

from api.app_state import database
from api.pages import certificate_files
from api.pages.access import allows, visitor
from api.pages.frame import Pages
from pointsbank.errors import NotFound
from rules.certification import register

blp = Pages("own_certificates", __name__)


@blp.get("/me/certificates/<number>.<form>")
@allows("learner")
def download(number: str, form: str) -> Response:
    """Raises NotFound, also for a certificate of anybody else's."""
    with database().snapshot(visitor().company_id) as session:
        found = register.find(session, number)
        if found is None or found.learner != visitor().learner_no:
            raise NotFound("You have no such certificate.")
        lines = certificate_files.ready(session, found, form)
    return certificate_files.answer(found, form, lines)
