"""Brings Airflow's metadata database up to date and sees to its administrator; runs as a process of its own.

`python -m truc.ground.airflow_bootstrap USER PASSWORD_FILE`. One process does what `airflow db migrate` and
`airflow users create` do, because importing Airflow is most of the cost. The environment is that of
truc.ground.airflow_home.
"""

import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Migrate, then create the administrator or give it the password of the file."""
    user, password_file = arguments
    password = Path(password_file).read_text(encoding="utf-8").strip()
    _migrate()
    _ensure_administrator(user, password)
    return 0


def _migrate() -> None:
    from airflow.utils import db

    db.upgradedb()


def _ensure_administrator(name: str, password: str) -> None:
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    with get_application_builder() as builder:
        manager = builder.sm
        known = manager.find_user(username=name)
        if known is None:
            role = manager.find_role("Admin")
            known = manager.add_user(name, "Trục", "Admin", f"{name}@localhost.localdomain", role, password)
        else:
            manager.reset_password(known.id, password)
        if not known:
            raise SystemExit(f"Airflow did not accept the user {name!r}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
