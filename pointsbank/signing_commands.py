"""`pointsbank signing-keys …`: the keys that a company's certificates are signed with."""

from typing import TYPE_CHECKING

import click

from pointsbank.opening import company_id_of, opened

if TYPE_CHECKING:
    from credentials.signing_keys import SigningKey


@click.group("signing-keys")
def signing_keys() -> None:
    """Keys that certificates are signed with."""


@signing_keys.command("list")
@click.option("--company", required=True, metavar="KEY")
def show(company: str) -> None:
    """Say each key, in the order of making, and what became of it."""
    from credentials import signing_keys as keys

    with opened() as (database, _), database.snapshot(company_id_of(database, company)) as session:
        every = keys.every(session)
    for key in every:
        click.echo(_line(key))
    if not every:
        click.echo("There is none yet; it is made when the first certificate is signed.")


@signing_keys.command()
@click.option("--company", required=True, metavar="KEY")
def rotate(company: str) -> None:
    """Sign with a new key from now on. What the old one signed stays good."""
    from credentials import signing_keys as keys

    with opened() as (database, settings), database.transaction(company_id_of(database, company)) as session:
        made = keys.rotate(session, settings.key_encryption_keys)
    click.echo(_line(made))


@signing_keys.command()
@click.argument("number", type=click.IntRange(1))
@click.option("--company", required=True, metavar="KEY")
@click.option("--reason", required=True, help="Why; kept with the key.")
def revoke(number: int, company: str, reason: str) -> None:
    """Say that nothing that key NUMBER signed is to be trusted. There is no way back."""
    from credentials import signing_keys as keys

    with opened() as (database, _), database.transaction(company_id_of(database, company)) as session:
        revoked = keys.revoke(session, number, reason)
    click.echo(_line(revoked))


@signing_keys.command()
def reseal() -> None:
    """Seal all private keys and secrets of identity providers with the first key of POINTSBANK_KEY_ENCRYPTION_KEY.

    They may be sealed with any key of it.
    """
    from credentials import signing_keys as keys
    from pointsbank.users import providers

    done = 0
    with opened() as (database, settings):
        for company_id, _ in database.companies():
            with database.transaction(company_id) as session:
                done += keys.seal_again(session, settings.key_encryption_keys)
                done += providers.seal_again(session, settings.key_encryption_keys)
    click.echo(f"sealed again: {done}")


def _line(key: "SigningKey") -> str:
    """Such as: key-2  z6Mk…  2022-07-01 02:30 UTC  signs."""
    from credentials.addresses import key_name
    from credentials.proof import multikey

    fate = "signs"
    if key.revoked_at is not None:
        fate = f"revoked {key.revoked_at:%Y-%m-%d %H:%M} UTC: {key.reason}"
    elif key.retired_at is not None:
        fate = f"retired {key.retired_at:%Y-%m-%d %H:%M} UTC"
    return f"{key_name(key.no)}  {multikey(key.public)}  {key.created_at:%Y-%m-%d %H:%M} UTC  {fate}"
