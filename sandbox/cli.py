"""`truc sandbox …` and `truc day …`: the stand-ins, and the business day played with them."""

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from truc.settings import Settings


@click.group()
def sandbox() -> None:
    """The partners' stand-ins: run them, list them, tell them to misbehave."""


@sandbox.command()
def serve() -> None:
    """Run every stand-in until Ctrl-C, and tell the hub where they are."""
    from sandbox.serve import serve as serve_all

    settings = _settings()
    serve_all(home=settings.sandbox, hub_url=settings.gateway_url, connections_file=settings.connections_file)


@sandbox.command("parties")
def list_parties() -> None:
    """List the parties that have a stand-in, with the address of its control calls while it runs."""
    from sandbox.serve import parties

    ready = _settings().sandbox / "ready.json"
    running = json.loads(ready.read_text(encoding="utf-8")) if ready.exists() else {}
    for party in parties():
        click.echo(f"{party:18} {running.get(party, 'not running')}")


@sandbox.command()
@click.argument("party")
@click.argument("operation")
@click.argument("mode")
@click.option("--times", default=1, show_default=True, help="How many calls go wrong.")
@click.option("--wait", "wait_s", default=1.0, show_default=True, help="Seconds, for the modes that wait.")
def fault(party: str, operation: str, mode: str, times: int, wait_s: float) -> None:
    """Tell a running stand-in to misbehave: OPERATION (or *) goes wrong in MODE (sandbox/faults.py)."""
    from typing import get_args

    from sandbox.day.partners import partners
    from sandbox.faults import Mode

    if mode not in get_args(Mode):
        raise click.BadParameter(f"one of {', '.join(get_args(Mode))}", param_hint="MODE")
    home = _settings().sandbox
    if not (home / "ready.json").exists():
        raise click.ClickException("no stand-in runs here: `truc serve --with-sandbox`")
    found = partners(home).get(party)
    if found is None:
        raise click.BadParameter(f"no stand-in of that name; there are {', '.join(partners(home))}", param_hint="PARTY")
    found.misbehave(operation, mode, times, wait_s=wait_s)  # type: ignore[arg-type]  # checked above


@click.group(invoke_without_command=True)
@click.pass_context
def day(ctx: click.Context) -> None:
    """A business day, generated from published figures and played through the hub (alone: play it)."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(play)


@day.command()
@click.option("--day", "on", type=click.DateTime(["%Y-%m-%d"]), help="[default: 2026-11-20, or the last before today]")
@click.option("--dossiers", type=click.IntRange(80, 20_000), help="New dossiers of the day. [default: 1977]")
@click.option("--seed", default=20261120, show_default=True, help="The same seed gives the same day.")
def play(on: datetime | None, dossiers: int | None, seed: int) -> None:
    """Play a day through the hub, check it against every partner, and print its summary."""
    from rich.console import Console

    from sandbox.day import figures
    from sandbox.day.generate import over_by, usual_day
    from sandbox.day.play import play as play_day

    now = datetime.now(UTC)
    chosen = usual_day(now) if on is None else on.date()
    if not over_by(chosen, now):
        raise click.BadParameter(f"{chosen} is not over: the hub takes no instant that lies ahead", param_hint="--day")
    size = figures.DOSSIERS_A_DAY if dossiers is None else dossiers
    if not play_day(_settings(), chosen, dossiers=size, seed=seed, console=Console()):
        sys.exit(1)


@day.command()
def show() -> None:
    """Print the summary of the last day played here."""
    from rich.console import Console

    from sandbox.day.stage import Expectation
    from sandbox.day.table import show as show_table

    path = _settings().day / "summary.json"
    if not path.exists():
        raise click.ClickException("no day has been played here: `make demo`")
    found = json.loads(path.read_text(encoding="utf-8"))
    names = ("name", "expected", "found", "where")
    show_table(Console(), found, [Expectation(**{name: one[name] for name in names}) for one in found["expectations"]])


def _settings() -> "Settings":
    from truc.settings import load

    return load()
