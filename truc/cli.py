"""`truc …`: every command of the hub. Only click is loaded until a command runs."""

import ast
import importlib
import os
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from truc.errors import TrucError

if TYPE_CHECKING:
    from truc.ground.up import Hub
    from truc.settings import Settings

# Commands kept elsewhere; further ones come from the entry-point group, so that this file knows no stand-in.
ELSEWHERE = {
    "certs": "truc.kit.certificates:certs",
    "client": "truc.inbound.commands:client",
    "exchange": "truc.operating.commands:exchange",
    "journal": "truc.operating.journal:journal",
    "notices": "truc.operating.notices:notices",
    "party": "truc.kit.party:party",
    "payments": "truc.operating.payments:payments",
    "reconcile": "truc.operating.reconcile:reconcile",
    "remittance": "truc.operating.remittance:remittance",
    "shipments": "truc.operating.shipments:shipments",
    "statement": "truc.kit.statement:statement",
    "vectors": "truc.kit.vectors:vectors",
}
ENTRY_POINTS = "truc.commands"
PROGRAM = "truc"


class LazyGroup(click.Group):
    """A group whose further commands are found by name and imported only when they run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_elsewhere()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = super().get_command(ctx, cmd_name)
        where = _elsewhere().get(cmd_name) if found is None else None
        if where is None:
            return found
        module, _, name = where.partition(":")
        if _source(module) is None:
            raise click.UsageError(f"{module} is not installed here", ctx)
        return cast(click.Command, getattr(importlib.import_module(module), name))

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own = {name: command.get_short_help_str(90) for name, command in self.commands.items()}
        others = {name: _first_line(where) for name, where in _elsewhere().items() if name not in own}
        with formatter.section("Commands"):
            formatter.write_dl(sorted((own | others).items()))

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except TrucError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="truc", prog_name=PROGRAM)
def main() -> None:
    """Trục: the integration hub of a province's one-stop public-service system."""


@main.command()
def setup() -> None:
    """Create secrets and databases, and bring all tables up to date."""
    from truc.ground import up

    with up.database_up(_settings()) as settings:
        up.migrate_all(settings)
        click.echo(f"ready: {settings.var}")


@main.command()
@click.option("--with-sandbox", is_flag=True, help="Also run the partners' stand-ins.")
def serve(*, with_sandbox: bool) -> None:
    """Run the whole hub until Ctrl-C: database, gateway, Airflow."""
    from truc.ground.up import hub_up

    try:
        with hub_up(_settings(), with_sandbox=with_sandbox, report=_report) as hub:
            _show(hub)
            _wait_while_well(hub)
    except KeyboardInterrupt:
        click.echo("stopped, no process left")


@main.command()
def stop() -> None:
    """Stop the hub that runs from this folder, from any terminal."""
    from truc.ground.supervisor import stop_running

    was_running = stop_running(_settings().run)
    click.echo("stopped" if was_running else "was not running")


@main.command()
@click.confirmation_option("--yes", prompt="Delete all data and secrets of this installation?")
def clean() -> None:
    """Stop the hub and delete its data, secrets and logs; only the virtual environment stays."""
    import shutil

    from truc.ground import postgres
    from truc.ground.supervisor import stop_running

    settings = _settings()
    stop_running(settings.run)
    postgres.remove(settings)
    for path in settings.var.iterdir():
        if path.is_dir() and path.name != "venv":
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()


@main.group()
def db() -> None:
    """The hub's database: bring it up to date, see where and how it is."""


@db.command()
def migrate() -> None:
    """Bring the hub's tables up to date (Alembic)."""
    from truc.ground import up

    with up.database_up(_settings()) as settings:
        up.migrate_hub(settings)


@db.command()
def url() -> None:
    """Print the address of the hub's database, without the password."""
    from sqlalchemy.engine import make_url

    click.echo(make_url(_settings().database_url).render_as_string(hide_password=True))


@db.command()
def status() -> None:
    """Say whether the database answers, its version, size, and the revision of its tables."""
    import psycopg

    address = _settings().database_url.replace("+psycopg", "")
    try:
        with psycopg.connect(address, connect_timeout=5) as connection:
            for name, question in STATUS.items():
                click.echo(f"{name:10} {_one(connection, question)}")
    except psycopg.OperationalError as error:
        raise click.ClickException("the database does not answer: is the hub running?") from error


STATUS = {
    "server": "SHOW server_version",
    "database": "SELECT current_database()",
    "size": "SELECT pg_size_pretty(pg_database_size(current_database()))",
    "tables": "SELECT count(*) FROM pg_stat_user_tables",
    "revision": "SELECT version_num FROM alembic_version",
}


@main.command()
def gateway() -> None:
    """Run only the HTTP gateway that partners and the one-stop software call."""
    import logging

    from truc.inbound import serving
    from truc.inbound.app import create_app
    from truc.settings import LOCAL

    settings = _settings()
    os.environ.update(settings.environment)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    serving.serve(create_app(settings), serving.listen(LOCAL, settings.ports.gateway))


@main.group()
def catalogue() -> None:
    """The catalogue of administrative procedures."""


@catalogue.command("load")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def load_catalogue(file: Path) -> None:
    """Load procedures from FILE (our form or the national export's); list what could not be read, with the reason."""
    from truc import steps
    from truc.ground import up
    from truc.store.opened import open_hub_store

    with up.database_up(_settings()) as settings:
        up.migrate_hub(settings)
        store = open_hub_store(settings)
        loaded = steps.load_catalogue(store, file)
        store.close()
    click.echo(f"{loaded.procedures} procedures read, {loaded.new_versions} new versions")
    for reason, count in loaded.unread.most_common():
        click.echo(f"  {count:>5} wordings kept without a value: {reason}")
    for item, reason in loaded.set_aside:
        click.echo(f"  set aside: {item}: {reason}")


def _settings() -> "Settings":
    from truc.settings import load

    return load()


def _report(phase: str) -> None:
    click.echo(f"… {phase}", err=True)


def _show(hub: "Hub") -> None:
    for name, address in hub.urls.items():
        click.echo(f"{name:12} {address}")
    for name, file in hub.logins.items():
        click.echo(f"{'login':12} {name} / the password in {file}")
    click.echo("Ctrl-C stops everything.")


def _wait_while_well(hub: "Hub") -> None:
    import time

    while not (failed := hub.failed()):
        time.sleep(0.5)
    raise click.ClickException(f"{', '.join(failed)} could not be kept up: see {hub.settings.logs}")


def _one(connection: object, question: str) -> object:
    import psycopg

    try:
        row = cast("psycopg.Connection", connection).execute(question.encode()).fetchone()
    except psycopg.errors.UndefinedTable:
        return "none: run `truc db migrate`"
    return row[0] if row else "none"


def _elsewhere() -> dict[str, str]:
    found: tuple[EntryPoint, ...] = tuple(entry_points(group=ENTRY_POINTS))
    return ELSEWHERE | {one.name: one.value for one in found}


def _first_line(where: str) -> str:
    """Return the first line of a command's help, read from its source without running it."""
    module, _, name = where.partition(":")
    source = _source(module)
    for node in ast.parse(source.read_text(encoding="utf-8")).body if source else []:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return (_declared_help(node) or ast.get_docstring(node) or "").partition("\n")[0]
    return "(not installed)"


def _declared_help(node: ast.FunctionDef) -> str | None:
    """Return the text of `@click.command(help="…")`."""
    calls = (one for one in node.decorator_list if isinstance(one, ast.Call))
    texts = (word.value for call in calls for word in call.keywords if word.arg == "help")
    return next((str(text.value) for text in texts if isinstance(text, ast.Constant)), None)


def _source(module: str) -> Path | None:
    # Only the top package is looked up: looking up what is inside would import it.
    top, *inside = module.split(".")
    spec = find_spec(top)
    for folder in (spec and spec.submodule_search_locations) or ():
        for path in (Path(folder, *inside).with_suffix(".py"), Path(folder, *inside, "__init__.py")):
            if path.is_file():
                return path
    return None


if __name__ == "__main__":
    main(prog_name=PROGRAM)
