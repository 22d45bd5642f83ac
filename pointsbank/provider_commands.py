"""`pointsbank identity-provider …`: where a company's people sign in with OpenID Connect."""

import sys

import click

from pointsbank.opening import company_id_of, opened

company_option = click.option("--company", required=True, metavar="KEY")


@click.group("identity-provider")
def identity_provider() -> None:
    """Where a company's people sign in with OpenID Connect."""


@identity_provider.command("set")
@company_option
@click.option("--issuer", required=True, metavar="URL")
@click.option("--client-id", required=True)
@click.option("--name-claim", default="preferred_username", help="Whose value is a user's name.")
@click.option("--learner-claim", help="Whose value is a learner's id; they need no user first.")
def put(company: str, issuer: str, client_id: str, name_claim: str, learner_claim: str | None) -> None:
    """Ask for the client's secret, or read it as a line, and let people in by this provider."""
    from pointsbank.users import providers

    secret = str(click.prompt("Secret", hide_input=True)) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    with opened() as (database, settings), database.transaction(company_id_of(database, company)) as session:
        keys = settings.key_encryption_keys
        providers.put(session, keys, issuer, client_id, secret, name_claim, learner_claim)
    click.echo(f"{issuer}  redirect URI: {settings.base_url}/sign-in/openid/callback")


@identity_provider.command()
@company_option
def show(company: str) -> None:
    """Say the provider, without its secret."""
    from pointsbank.users import providers

    with opened() as (database, _), database.snapshot(company_id_of(database, company)) as session:
        found = providers.find(session)
    if found is None:
        click.echo("There is none.")
    else:
        learner = f"  learner claim: {found.learner_claim}" if found.learner_claim else ""
        click.echo(f"{found.issuer}  client: {found.client_id}  name claim: {found.name_claim}{learner}")


@identity_provider.command()
@company_option
def remove(company: str) -> None:
    """Let nobody in by it any more; who is in stays in."""
    from pointsbank.users import providers

    with opened() as (database, _), database.transaction(company_id_of(database, company)) as session:
        providers.remove(session)
