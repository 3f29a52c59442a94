"""The gateway: partners' callbacks on /partners/…, the internal API on /internal/v1, /metrics, OpenAPI on /docs."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from truc import parties, settings, tracing
from truc.inbound import addresses, internal, keeping, metrics, partners, problems, reference_page
from truc.inbound.body_limit import BodyLimit
from truc.inbound.door import Door
from truc.inbound.guard import CALLS, Pace
from truc.inbound.keyed import Keyed
from truc.manifest import Capability
from truc.settings import Settings
from truc.store.opened import Store, open_hub_store, open_store

TITLE = "Trục — cổng tiếp nhận"
BODY_BYTES_MAX = 8 * 1024 * 1024
# Calls of the internal API that work at a time: as many as its store keeps connections.
INTERNAL_AT_ONCE = 8
# Asked every few seconds by machines: no trace is wanted of it.
NOT_TRACED = ("/health", "/metrics")


class Traced:
    """ASGI middleware: a span for each call, named by its route, under the caller's where it sends a traceparent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on. Its address is not told: it holds codes of dossiers."""
        if scope["type"] != "http" or scope["path"] in NOT_TRACED:
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(tracing.HEADER.encode(), b"").decode("latin-1")
        with tracing.continued("gateway", given or None, kind="server") as span:
            if span is tracing.NOTHING:
                await self._app(scope, receive, send)
                return

            async def told(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                await send(message)

            await self._app(scope, receive, told)
            if (route := scope.get("route")) is not None:
                span.update_name(f"gateway {scope['method']} {route.path}")


def create_app(at: Settings | None = None, *, pace: Pace = CALLS) -> FastAPI:
    """Return the gateway of this installation; `pace` is how fast one address may call for one party."""
    here = at or settings.load()
    store = open_hub_store(here)
    callbacks = open_store(here.database_url, store.sealer, connections_max=keeping.AT_ONCE)
    desk = partners.Desk(callbacks, addresses.trusted_proxies(os.environ), pace)

    @asynccontextmanager
    async def open_while_serving(_app: FastAPI) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = INTERNAL_AT_ONCE
        yield
        store.close()
        callbacks.close()
        tracing.flush()

    app = FastAPI(
        lifespan=open_while_serving,
        title=TITLE,
        description=internal.DESCRIPTION,
        version="1",
        docs_url=None,
        redoc_url=None,
        exception_handlers=problems.HANDLERS,
    )
    app.state.turned_away = desk.turned_away
    app.add_middleware(BodyLimit, bytes_max=BODY_BYTES_MAX)
    app.add_middleware(Keyed, secrets=here.secrets)
    app.add_middleware(Door, desk=desk)
    app.add_middleware(Traced)
    app.include_router(internal.router(store, here.secrets, _payable(), desk.known))
    app.include_router(metrics.router(store, here.secrets, desk.turned_away))
    app.include_router(reference_page.router(TITLE, "/openapi.json"))
    app.add_api_route("/health", _health(store), include_in_schema=False)
    return app


def _payable() -> frozenset[str]:
    """The parties that a payment may go through."""
    wanted = {Capability.TAKE_PAYMENTS, Capability.FETCH_STATEMENT}
    return frozenset(one.party for one in parties.manifests() if one.capabilities & wanted)


def _health(store: Store) -> Callable[[], dict[str, str]]:
    def health() -> dict[str, str]:
        """Answer when the store answers."""
        with store.begin() as transaction:
            transaction.sql.exec_driver_sql("SELECT 1")
        return {"status": "ok"}

    return health
