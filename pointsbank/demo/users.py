"""Who signs in to the pages of the demo: somebody of each role, with links instead of passwords."""

from typing import NamedTuple

from pointsbank.database import Session
from pointsbank.demo.programme import PROGRAMME
from pointsbank.errors import NotFound
from pointsbank.users import people, signing_in
from pointsbank.users.people import Role


class DemoUser(NamedTuple):
    name: str
    role: Role
    shown: str
    learner: str | None = None
    awarders: tuple[tuple[str, str], ...] = ()


USERS = (
    DemoUser("chen", "learner", "陈思远", learner="20210001"),
    DemoUser("li", "awarder", "李静宜", awarders=((PROGRAMME, "li-trainer"),)),
    DemoUser("hr", "hr", "人力资源部"),
    DemoUser("admin", "admin", "系统管理员"),
)


def sign_in_paths(session: Session) -> list[tuple[str, str]]:
    """Each role with the path of a link that signs in, once; makes the users who are not there yet."""
    paths: list[tuple[str, str]] = []
    for each in USERS:
        try:
            user = people.get(session, each.name)
        except NotFound:
            user = people.create(session, each.name, [each.role], each.shown, each.learner, each.awarders)
        paths.append((each.role, f"/sign-in/link/{signing_in.make_link(session, user.no)}"))
    return paths
