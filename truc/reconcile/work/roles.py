"""Who may do what to breaks and days: four roles, and a refusal that names what is missing."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from truc.errors import MalformedError
from truc.store.opened import as_storable


class Role(StrEnum):
    """What a person is in the finance work; Airflow knows the first three as TrucClerk, TrucApprover, TrucAuditor."""

    CLERK = "finance_clerk"
    APPROVER = "finance_approver"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Deed(StrEnum):
    """What can be done."""

    READ = "read"
    ASSIGN = "assign"
    COMMENT = "comment"
    ATTACH = "attach"
    PROPOSE = "propose"
    CARRY = "carry"
    APPROVE = "approve"  # a proposal; to reject one needs it too
    PREPARE = "prepare"  # a day; to withdraw a preparation needs it too
    SIGN = "sign"  # a day


_CLERK = frozenset({Deed.READ, Deed.ASSIGN, Deed.COMMENT, Deed.ATTACH, Deed.PROPOSE, Deed.CARRY, Deed.PREPARE})
MAY: Mapping[Role, frozenset[Deed]] = {
    Role.CLERK: _CLERK,
    Role.APPROVER: frozenset({Deed.READ, Deed.COMMENT, Deed.APPROVE, Deed.SIGN}),
    Role.AUDITOR: frozenset({Deed.READ}),
    Role.ADMIN: frozenset({Deed.READ}),  # runs the hub, and decides about no money
}
AIRFLOW_ROLES: Mapping[str, Role] = {
    "TrucClerk": Role.CLERK,
    "TrucApprover": Role.APPROVER,
    "TrucAuditor": Role.AUDITOR,
    "Admin": Role.ADMIN,
}


@dataclass(frozen=True, slots=True)
class Actor:
    """A person with their roles. Make it with `actor`."""

    name: str
    roles: frozenset[Role]

    def may(self, deed: Deed) -> bool:
        """Tell whether one of the roles allows it."""
        return any(deed in MAY[role] for role in self.roles)

    def is_also(self, name: str) -> bool:
        """Tell whether the name is this person's, however its letters are written."""
        return _same(self.name) == _same(name)


def actor(name: str, *roles: Role) -> Actor:
    """Return the person; raise MalformedError for a blank name. White space around it is dropped."""
    if not name.strip():
        raise MalformedError("actor: must not be blank", reason="actor_missing")
    return Actor(unicodedata.normalize("NFC", as_storable(name.strip())), frozenset(roles))


def of_airflow(name: str, airflow_roles: list[str]) -> Actor:
    """Return the person of the Airflow user; roles that say nothing of the finance work are passed over."""
    return actor(name, *(AIRFLOW_ROLES[one] for one in airflow_roles if one in AIRFLOW_ROLES))


def require(person: Actor, deed: Deed) -> None:
    """Return for one who may; else raise MalformedError `role_missing` that names the roles that allow it."""
    if not person.may(deed):
        allowed = " or ".join(sorted(role for role, deeds in MAY.items() if deed in deeds))
        raise MalformedError(f"actor: {person.name} may not {deed}: it needs the role {allowed}", reason="role_missing")


def _same(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()
