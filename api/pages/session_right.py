"""The right to a stream that a page opens: for as long as who opened it is signed in, with one of the roles."""

from dataclasses import dataclass

from pointsbank.database import Database
from pointsbank.users import sessions
from pointsbank.users.people import Role


@dataclass(frozen=True, slots=True)
class SessionRight:
    """`text` is what stands in the session's cookie."""

    text: str
    roles: frozenset[Role]

    def holds(self, database: Database) -> bool:
        """A stream that is open is no use of the session: it ends with it."""
        found = sessions.visitor(database, self.text, is_use=False)
        return found is not None and bool(found.roles & self.roles)
