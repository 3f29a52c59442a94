"""The gateway: partners' callbacks on /partners/…, the internal API on /internal/v1, /metrics, OpenAPI on /docs."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from truc import connections, parties, settings, tracing
from truc.envelope import Envelope, digest_of
from truc.errors import SetupError
from truc.exchange import inbox
from truc.inbound import internal, metrics
from truc.inbound.body_limit import BodyLimit
from truc.inbound.callbacks import HttpAnswer, Incoming, Received, Refused
from truc.inbound.forms import told
from truc.manifest import Capability
from truc.settings import Settings
from truc.store.opened import Store, open_hub_store

log = logging.getLogger(__name__)

BODY_BYTES_MAX = 8 * 1024 * 1024
# A partner's notice is small. What is refused is kept, so a stranger must not fill the store with it.
CALLBACK_BYTES_MAX = 64 * 1024
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

            async def told(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                await send(message)

            await self._app(scope, receive, told)
            if (route := scope.get("route")) is not None:
                span.update_name(f"gateway {scope['method']} {route.path}")


def create_app(at: Settings | None = None) -> FastAPI:
    """Return the gateway of this installation."""
    here = at or settings.load()
    store = open_hub_store(here)

    @asynccontextmanager
    async def open_while_serving(_app: FastAPI) -> AsyncIterator[None]:
        yield
        store.close()
        tracing.flush()

    app = FastAPI(
        lifespan=open_while_serving,
        title="Trục — cổng tiếp nhận",
        description="Calls from the one-stop software (/internal/v1) and from partners (/partners).",
        version="1",
        redoc_url=None,
    )
    app.add_middleware(BodyLimit, bytes_max=BODY_BYTES_MAX)
    app.add_middleware(Traced)
    payable = frozenset(
        one.party
        for one in parties.manifests()
        if one.capabilities & {Capability.TAKE_PAYMENTS, Capability.FETCH_STATEMENT}
    )
    app.include_router(internal.router(store, here.secrets, payable))
    app.include_router(metrics.router(store, here.secrets))

    @app.exception_handler(RequestValidationError)
    async def malformed(_request: Request, error: RequestValidationError) -> Response:
        """Say what to mend and repeat nothing of the body, which holds personal data and may not be JSON at all."""
        return JSONResponse({"detail": {"reason": "malformed", "error": told(error.errors())}}, 422)

    @app.get("/health", include_in_schema=False)
    def health() -> dict[str, str]:
        """Answer when the store answers."""
        with store.begin() as transaction:
            transaction.sql.exec_driver_sql("SELECT 1")
        return {"status": "ok"}

    @app.api_route("/partners/{party}/{kind}", methods=["GET", "POST"], include_in_schema=False)
    async def callback(party: str, kind: str, request: Request) -> Response:
        """Take a partner's call."""
        incoming = Incoming(
            method=request.method,
            path=request.url.path,
            query=request.url.query,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await request.body(),
        )
        try:
            answer = await run_in_threadpool(take, store, party, kind, incoming)
        except OperationalError:
            log.error("%s %s: the store does not answer", party, kind)  # noqa: TRY400  (a traceback shows the statement)
            answer = HttpAnswer(503)
        return Response(answer.body, answer.status, media_type=answer.content_type)

    return app


def take(store: Store, party: str, kind: str, incoming: Incoming) -> HttpAnswer:
    """Verify the call, keep its bytes, and return what the partner expects to hear.

    The bytes of a call that is refused are kept too, set aside with the reason; what cannot be kept
    is answered 503, so that the partner tries again.
    """
    if party not in parties.names() or kind not in parties.manifest(party).callbacks:
        return HttpAnswer(404)
    if len(incoming.body) > CALLBACK_BYTES_MAX:
        log.warning("%s %s: refused, %d bytes are too many", party, kind, len(incoming.body))
        return HttpAnswer(413)
    try:
        received = _verified(party, incoming)
    except Refused as refused:
        log.warning("%s %s: refused, %s", party, kind, refused.reason)
        _keep_refused(store, party, kind, incoming, refused.reason)
        answer: HttpAnswer = refused.answer
        return answer
    except SetupError as error:
        log.error("%s %s: %s", party, kind, error)  # noqa: TRY400  (the text says all; a traceback adds noise)
        return HttpAnswer(503)
    _keep(store, received.envelope)
    return received.answer


def _keep(store: Store, envelope: Envelope) -> None:
    told = {"truc.party": envelope.party, "truc.kind": envelope.kind}
    with tracing.span("keep", attributes=told) as span, store.begin() as transaction:
        kept = inbox.keep(transaction, envelope)
        span.set_attribute("truc.exchange_id", kept.inbox_id)


def _verified(party: str, incoming: Incoming) -> Received:
    received: Received = parties.inbound(party).receive(incoming, connections.read(party))
    if "\x00" in received.envelope.external_id:  # the one character the store cannot hold
        raise Refused("external_id_malformed", HttpAnswer(400))
    return received


def _keep_refused(store: Store, party: str, kind: str, incoming: Incoming, reason: str) -> None:
    content_type = incoming.headers.get("content-type", "application/octet-stream")
    # Named by its digest: what an unverified call says of itself is not believed.
    envelope = Envelope(party, f"{kind}_refused", digest_of(incoming.body), incoming.body, content_type)
    with store.begin() as transaction:
        kept = inbox.keep(transaction, envelope)
        inbox.set_aside_whole(transaction, kept, envelope, reason, f"{kind}: the call was refused ({reason})")
