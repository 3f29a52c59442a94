"""`truc client …`: who may call the internal API, and what each may do there."""

import click

from truc import settings
from truc.inbound import clients
from truc.inbound.clients import ALL, Scope


@click.group(help="The clients of the internal API.")
def client() -> None:
    """Group the commands."""


@client.command("add", help="Make a key for the client NAME, or change what its key opens; the key is never printed.")
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice([one.value for one in Scope]), help="May be given again."
)
def add(name: str, scopes: tuple[str, ...]) -> None:
    """Print the file that holds the key (mode 0600), and what it opens."""
    folder = settings.load().secrets
    clients.ensure_client(folder, name, frozenset(map(Scope, scopes)) or None)
    [opens] = [one.scopes for one in clients.listed(folder) if one.name == name]
    click.echo(folder / f"client_{name}.key")
    click.echo(f"opens: {', '.join(sorted(opens))}")


@client.command("list", help="Show every client and what its key opens.")
def list_() -> None:
    """Print one line for each."""
    found = clients.listed(settings.load().secrets)
    for one in found:
        click.echo(f"{one.name:<24} {'everything' if one.scopes == ALL else ', '.join(sorted(one.scopes))}")
    if not found:
        click.echo("no client yet: truc client add NAME")


@client.command("revoke", help="Take the key from the client NAME; its next call is refused.")
@click.argument("name")
def revoke(name: str) -> None:
    """Forget it, and say so."""
    clients.revoke(settings.load().secrets, name)
    click.echo(f"{name} has no key any more")
