"""What the console asks of the place it stands in: who is there, his colleagues, the run that waits for a signature."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from fastapi import Request

from truc.reconcile.work.roles import Actor, Role


@dataclass(frozen=True, slots=True)
class User:
    """Who is there. Every act is booked by the actor's name; `shown` is for reading only."""

    actor: Actor
    shown: str


class Gate(Protocol):
    """What stands between the console and the place that logs people in."""

    async def user(self, request: Request) -> User | None:
        """Return who sends this request, without a role where the console is not his concern; None for a stranger."""
        ...

    def login_url(self, back: str) -> str:
        """Return where a stranger may log in; `back` is the path to return to."""
        ...

    def holders(self, role: Role) -> list[str]:
        """Return the names of everybody who has the role, in order."""
        ...

    async def sign_run(self, request: Request, *, party: str, business_on: date, content_hash: str, by: Actor) -> bool:
        """Tell the run of that day, in the user's own name, that the day is signed; False where no run waits for it.

        Raise MalformedError `run_refuses` where the run does not take the answer of this user.
        """
        ...
