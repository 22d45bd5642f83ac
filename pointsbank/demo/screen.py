"""The demo's big screen: one display link, kept beside the demo's key, so that it stays the same."""

from pathlib import Path

from pointsbank import displays
from pointsbank.database import Database
from pointsbank.demo.programme import PROGRAMME
from pointsbank.directory import programmes

NAME = "演示大屏"


def display_path(database: Database, company_id: int, data_dir: Path) -> str:
    """The path of the link; of a new one if the old one is lost or revoked."""
    kept = data_dir / "demo.display"
    text = kept.read_text().strip() if kept.exists() else ""
    known = displays.authenticate(database, text)
    if known is None or known.company_id != company_id:
        with database.transaction(company_id) as session:
            _, text = displays.create(session, programmes.get(session, PROGRAMME), NAME)
        kept.touch(mode=0o600)
        kept.write_text(text)
    return f"/screen/link/{text}"
