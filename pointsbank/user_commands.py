"""`pointsbank users …`: who may sign in to the pages."""

import sys
from typing import TYPE_CHECKING

import click

from pointsbank.opening import company_id_of, opened

if TYPE_CHECKING:
    from pointsbank.users.people import User

company_option = click.option("--company", required=True, metavar="KEY")


@click.group()
def users() -> None:
    """Who may sign in to the pages."""


@users.command()
@click.argument("name")
@company_option
@click.option("--role", "roles", required=True, multiple=True, help="learner, awarder, hr, admin; several times.")
@click.option("--shown", metavar="TEXT", help="What pages call them; else the name.")
@click.option("--learner", metavar="ID", help="The learner they are.")
@click.option("--awarder", "awarders", multiple=True, metavar="PROGRAMME/ID", help="Several times.")
@click.option("--password/--no-password", default=True, help="Ask for one; without, a link or a provider lets them in.")
def create(
    name: str,
    company: str,
    roles: tuple[str, ...],
    shown: str | None,
    learner: str | None,
    awarders: tuple[str, ...],
    password: bool,
) -> None:
    """Make a user who signs in with NAME."""
    from pointsbank.users import people

    pairs = [(programme, awarder) for programme, _, awarder in (each.partition("/") for each in awarders)]
    secret = _asked() if password else None
    with opened() as (database, _), database.transaction(company_id_of(database, company)) as session:
        click.echo(_line(people.create(session, name, roles, shown, learner, pairs, secret)))


@users.command("set-password")
@click.argument("name")
@company_option
def set_password(name: str, company: str) -> None:
    """Ask for a new password; whoever is signed in as this user is out."""
    from pointsbank.users import people

    secret = _asked()
    with opened() as (database, _), database.transaction(company_id_of(database, company)) as session:
        people.set_password(session, name, secret)
        click.echo(_line(people.get(session, name)))


@users.command("list")
@company_option
def show(company: str) -> None:
    """Say each user, by name."""
    from pointsbank.users import people

    with opened() as (database, _), database.snapshot(company_id_of(database, company)) as session:
        for user in people.all_users(session):
            click.echo(_line(user))


@users.command()
@click.argument("name")
@company_option
def disable(name: str, company: str) -> None:
    """Let a user in no more; one who is signed in is out at once."""
    _set_disabled(name, company, True)


@users.command()
@click.argument("name")
@company_option
def enable(name: str, company: str) -> None:
    """Let a user in again."""
    _set_disabled(name, company, False)


@users.command()
@click.argument("name")
@company_option
def link(name: str, company: str) -> None:
    """Print a link that signs the user in: once, within an hour."""
    from pointsbank.users import people, signing_in

    with opened() as (database, settings), database.transaction(company_id_of(database, company)) as session:
        made = signing_in.make_link(session, people.get(session, name).no)
        click.echo(f"{settings.base_url}/sign-in/link/{made}")


def _set_disabled(name: str, company: str, disabled: bool) -> None:
    from pointsbank.users import people

    with opened() as (database, _), database.transaction(company_id_of(database, company)) as session:
        people.set_disabled(session, name, disabled)
        click.echo(_line(people.get(session, name)))


def _asked() -> str:
    """Of the terminal twice; a program writes it to the standard input as a line."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def _line(user: "User") -> str:
    """Such as: chen  learner  learner 20210001  password."""
    opens = [
        word
        for word, there in (("password", user.has_password), (f"at {user.issuer}", user.issuer is not None))
        if there
    ]
    said = [user.name, ", ".join(user.roles), f"learner {user.learner}" if user.learner else "", ", ".join(opens)]
    return "  ".join([word for word in said if word] + (["disabled"] if user.disabled_at is not None else []))
