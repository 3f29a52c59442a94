"""`truc reconcile …`: the daily work of finance, and the same on files; a command is imported when it runs."""

from importlib import import_module

import click

COMMANDS = {
    "files": "truc.reconcile.file_commands:files",
    "pairs": "truc.reconcile.pairs.commands:pairs",
    "report": "truc.reconcile.report.commands:report",
    "run": "truc.operating.reconcile_run:run",
}
OF_WORK = (
    "approve", "assign", "attach", "breaks", "carry", "comment", "explain", "prepare", "propose", "reject", "sign",
    "verify", "withdraw",
)  # fmt: skip


class LazyCommands(click.Group):
    """A group that knows its commands by name."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return sorted((*COMMANDS, *OF_WORK))

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in OF_WORK:
            from truc.operating.break_commands import work_commands

            return next(one for one in work_commands if one.name == cmd_name)
        module, _, name = COMMANDS.get(cmd_name, "").partition(":")
        if not module:
            return None
        found: click.Command = getattr(import_module(module), name)
        return found


@click.group(cls=LazyCommands, help="Reconcile days and files; work on breaks; sign a day; write its report.")
def reconcile() -> None:
    """Group the commands."""
