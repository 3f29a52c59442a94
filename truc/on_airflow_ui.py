"""The second door to Airflow: the console in its user interface, its users and roles, the runs that wait for them.

Airflow imports this module in each of its processes: the console, and what of Airflow's web server it needs, is
imported when the first request comes.
"""

from datetime import UTC, date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from airflow.plugins_manager import AirflowPlugin

from truc import secrets_file, settings
from truc.errors import MalformedError
from truc.reconcile.work import vouchers
from truc.reconcile.work.roles import AIRFLOW_ROLES, MAY, Actor, Deed, Role, actor, of_airflow
from truc.reconcile.work.vouchers import Approval
from truc.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI, Request
    from httpx import AsyncClient
    from starlette.types import ASGIApp, Receive, Scope, Send

    from truc.console.gate import User

PREFIX = "/truc"
RESOURCE = "Truc Reconcile"
DAG_ID = "reconcile_payments"
ROOT = "truc.airflow"  # Airflow's own application, in the scope that the console gets
ASKED_AT_ONCE = 100
ASK_TIMEOUT_S = 20.0


class Mounted:
    """The console as Airflow mounts it: built at its first request, told which Airflow it stands in."""

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Pass the request on."""
        await _console()({**scope, ROOT: scope["app"]} if "app" in scope else scope, receive, send)


class TrucPlugin(AirflowPlugin):
    """What Airflow shows and mounts for us."""

    name = "truc"
    fastapi_apps = [{"app": Mounted(), "url_prefix": PREFIX, "name": "truc console"}]  # noqa: RUF012  (Airflow's form)
    external_views = [  # noqa: RUF012
        {
            "name": "Đối soát",
            "href": f"{PREFIX}/",
            "destination": "nav",
            "url_route": "truc-reconcile",
            "nav_top_level": True,
            "icon": f"{PREFIX}/static/console.svg",
        }
    ]


class AirflowGate:
    """Users as Airflow's FAB auth manager knows them, and its runs by its own API, in the user's name."""

    async def user(self, request: "Request") -> "User | None":
        """Return the user of the session; without the right to read our resource he has no role here."""
        from fastapi import HTTPException

        from truc.console.gate import User

        try:
            found: Any = await _airflow_user(request)
        except HTTPException:
            return None
        if found is None or getattr(found, "is_anonymous", False):
            return None
        named = [role.name for role in found.roles]
        person = of_airflow(found.get_name(), named)
        roles = _allowed(person.roles, found)
        return User(actor(person.name, *roles), found.get_display_name().strip() or person.name)

    def login_url(self, back: str) -> str:
        """Return Airflow's login page, which leads back."""
        from airflow.api_fastapi.app import get_auth_manager

        return get_auth_manager().get_url_login(next_url=back)

    def holders(self, role: Role) -> list[str]:
        """Return the logins of Airflow's active users who have the role."""
        from airflow.providers.fab.auth_manager.models import Role as FabRole
        from airflow.providers.fab.auth_manager.models import User as FabUser
        from airflow.utils.session import create_session
        from sqlalchemy import select

        names = [name for name, ours in AIRFLOW_ROLES.items() if ours == role]
        with create_session() as session:
            query = select(FabUser.username).where(FabUser.active.is_(True), FabUser.roles.any(FabRole.name.in_(names)))
            return sorted(str(name) for name in session.scalars(query))

    async def sign_run(
        self, request: "Request", *, party: str, business_on: date, content_hash: str, by: Actor
    ) -> bool:
        """Answer the newest waiting run of that day in the user's name, by Airflow's API and its checks.

        The answer carries our voucher: the run knows by it that the user's role was checked here.
        """
        from truc import signing

        async with _airflow_api(request) as airflow:
            waiting = await _waiting(airflow, signing.subject(party, business_on))
            if waiting is None:
                return False
            approval = Approval(party=party, business_on=business_on, content_hash=content_hash, by=by)
            voucher = vouchers.write(_key(settings.load()), approval, now=datetime.now(UTC))
            said = {"chosen_options": [signing.SIGNED], "params_input": {signing.VOUCHER: voucher}}
            answer = await airflow.patch(waiting, json=said)
        if answer.status_code != 200:
            text = f"{party} {business_on}: the run answered {answer.status_code} to the signature"
            raise MalformedError(text, reason="run_refuses")
        return True


def _allowed(roles: frozenset[Role], user: Any) -> frozenset[Role]:
    """Return what of the roles the user's permissions on our resource leave: who may only read it is an auditor."""
    from airflow.api_fastapi.app import get_auth_manager

    def may(method: Literal["GET", "PUT"]) -> bool:
        return get_auth_manager().is_authorized_custom_view(method=method, resource_name=RESOURCE, user=user)

    if not roles or not may("GET"):
        return frozenset()
    if may("PUT"):
        return roles
    return frozenset(role for role in roles if MAY[role] == {Deed.READ}) or frozenset({Role.AUDITOR})


async def _airflow_user(request: "Request") -> Any:
    """As Airflow's own API finds the user: the Authorization header first, else the session's cookie."""
    from airflow.api_fastapi.core_api.security import bearer_scheme, get_user

    return await get_user(request, None, await bearer_scheme(request))


def _airflow_api(request: "Request") -> "AsyncClient":
    """Return a client of the Airflow we stand in, called in this process with the user's own token."""
    from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
    from httpx import ASGITransport, AsyncClient

    given = request.headers.get("authorization") or f"Bearer {request.cookies.get(COOKIE_NAME_JWT_TOKEN, '')}"
    airflow: ASGIApp = request.scope[ROOT]
    return AsyncClient(
        transport=ASGITransport(app=airflow, raise_app_exceptions=False),
        base_url="http://airflow",
        headers={"Authorization": given},
        timeout=ASK_TIMEOUT_S,
    )


async def _waiting(airflow: "AsyncClient", asked: str) -> str | None:
    """Return where the newest run that asks this is answered; None where none waits.

    Airflow is asked for this subject alone: what waits for other days, however much, is no matter.
    """
    answer = await airflow.get(
        f"/api/v2/dags/{DAG_ID}/dagRuns/~/hitlDetails",
        params={
            "response_received": "false",
            "subject_search": asked,
            "order_by": "-created_at",
            "limit": ASKED_AT_ONCE,
        },
    )
    if answer.status_code == 404:  # this Airflow has no such DAG
        return None
    if answer.status_code != 200:
        raise MalformedError(f"Airflow answered {answer.status_code} to what waits", reason="run_refuses")
    for one in answer.json()["hitl_details"]:
        task = one["task_instance"]
        if one["subject"] == asked and task["state"] in ("awaiting_input", "deferred"):
            where = f"/api/v2/dags/{DAG_ID}/dagRuns/{quote(task['dag_run_id'], safe='')}"
            return f"{where}/taskInstances/{task['task_id']}/{task['map_index']}/hitlDetails"
    return None


@cache
def _console() -> "FastAPI":
    from truc.console.app import create_app
    from truc.exchange.journal.signatures import hub_key
    from truc.store.opened import open_hub_store

    here = settings.load()
    return create_app(open_hub_store(here), AirflowGate(), forms_key=_key(here), signer=hub_key(here.secrets))


def _key(here: Settings) -> bytes:
    from truc import signing

    return secrets_file.read_key(here.secrets, signing.CONSOLE_KEY)
