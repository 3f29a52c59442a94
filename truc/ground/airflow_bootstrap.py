"""Brings Airflow's metadata database up to date and sees to its users and roles; runs as a process of its own.

`python -m truc.ground.airflow_bootstrap SECRETS USER=ROLE …`. One process does what `airflow db migrate`,
`airflow users create` and half a dozen more would do, because importing Airflow is most of the cost. The password of
USER lies in SECRETS/airflow_USER. The environment is that of truc.ground.airflow_home.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ADMIN_ROLE = "Admin"
# What the pages under /truc are to Airflow; reading it opens them, and who may do what there follows from the role.
RESOURCE = "Truc Reconcile"
DAG = "DAG:reconcile_payments"
_SELF = (
    ("can_read", "My Profile"),
    ("can_edit", "My Profile"),
    ("can_read", "My Password"),
    ("can_edit", "My Password"),
)
# The pages are found in Airflow's menu by who may read its list of plugins.
_READS = (
    *_SELF,
    ("can_read", "Website"),
    ("can_read", "Plugins"),
    ("can_read", RESOURCE),
    ("can_read", DAG),
    ("can_read", "DAG Runs"),
    ("can_read", "Task Instances"),
    ("can_read", "HITL Detail"),
    ("menu_access", "HITL Detail"),
)
# Airflow asks for the right to edit a DAG of whoever answers one of its runs.
_ANSWERS = (("can_edit", RESOURCE), ("can_edit", "HITL Detail"), ("can_edit", DAG))
ROLES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "TrucClerk": (*_READS, ("can_edit", RESOURCE)),
    "TrucApprover": (*_READS, *_ANSWERS),
    "TrucAuditor": _READS,
    ADMIN_ROLE: (("can_read", RESOURCE),),
}


def main(arguments: list[str]) -> int:
    """Migrate, then see to the roles and to each user, who gets the password of the file."""
    folder, *users = arguments
    _migrate()
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    with get_application_builder() as builder:
        for role, permissions in ROLES.items():
            _ensure_role(builder.sm, role, permissions)
        for name, _, role in (one.partition("=") for one in users):
            password = Path(folder, f"airflow_{name}").read_text(encoding="utf-8").strip()
            _ensure_user(builder.sm, name, role, password)
    return 0


def _migrate() -> None:
    from airflow.utils import db

    db.upgradedb()


def _ensure_role(manager: Any, name: str, permissions: tuple[tuple[str, str], ...]) -> None:
    """Give the role what it lacks; what an administrator gave it besides stays."""
    role = manager.find_role(name) or manager.add_role(name)
    for action, resource in permissions:
        manager.add_permission_to_role(role, manager.create_permission(action, resource))


def _ensure_user(manager: Any, name: str, role: str, password: str) -> None:
    known = manager.find_user(username=name)
    if known is None:
        known = manager.add_user(
            name, "Trục", name.capitalize(), f"{name}@localhost.localdomain", manager.find_role(role), password
        )
    else:
        manager.reset_password(known.id, password)
    if not known:
        raise SystemExit(f"Airflow did not accept the user {name!r}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
