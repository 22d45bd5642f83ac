"""What the pages of a roster share: where they are, and whose upload it is about."""

from typing import Any

from flask import url_for

from api.pages.access import visitor
from api.pages.frame import Pages
from pointsbank.database import Session
from pointsbank.directory import programmes
from pointsbank.directory.programmes import Programme
from pointsbank.rosters import kept
from pointsbank.rosters.kept import Upload

blp = Pages("admin_roster", __name__)

AT = "/admin/programmes/<key:programme>/roster"


def find(session: Session, programme: str, no: int) -> tuple[Programme, Upload]:
    """Raises NotFound, also for somebody else's."""
    of = programmes.get(session, programme)
    return of, kept.get(session, of, visitor().user_no, no)


def address(programme: str, no: int, **query: Any) -> str:
    """Of the upload's page."""
    return url_for(".show_upload", programme=programme, no=no, **query)
