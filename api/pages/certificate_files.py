"""A certificate to take away: the paper, the badge, the credential."""

from flask import Response

from credentials import badge, paper
from credentials.content import Line
from credentials.issuing import MEDIA_TYPE
from pointsbank.database import Session
from pointsbank.errors import NotFound
from rules.certification import statement, verification
from rules.certification.register import Certificate


def ready(session: Session, certificate: Certificate, form: str) -> list[Line]:
    """Lines of the statement, where the form has one. Raises Conflict if it would be made of what was not signed."""
    if form != "json":
        verification.check_signed(session, certificate)
    return statement.lines(session, certificate) if form == "pdf" else []


def answer(certificate: Certificate, form: str, lines: list[Line]) -> Response:
    """Raises NotFound for a form that there is not."""
    if form == "pdf":
        content, kind = paper.pdf(certificate.content, lines, certificate.credential), "application/pdf"
    elif form == "png":
        content, kind = badge.png(certificate.content, certificate.credential), "image/png"
    elif form == "svg":
        content, kind = badge.svg(certificate.content, certificate.credential), "image/svg+xml"
    elif form == "json":
        content, kind = certificate.credential, MEDIA_TYPE
    else:
        raise NotFound("There is no such form of a certificate.")
    response = Response(content, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{certificate.number}.{form}"'
    return response
