"""Traces of the exchange by OpenTelemetry, configured by the standard OTEL_* environment alone.

Off, which is the default, nothing is imported and nothing is sent. A span tells names and numbers: never bodies, never
an error's text, never an external id. One trace leads from the gateway's call over the outbox (`outbox.trace`) to the
courier's and so to the partner, by W3C traceparent.
"""

import atexit
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

log = logging.getLogger(__name__)

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Attributes = Mapping[str, str | int]

SERVICE = "truc"  # unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES name another
HEADER = "traceparent"
PROTOCOL = "http/protobuf"
# A collector that is away must not hold up a courier or a process that ends: what it did not take by then is lost.
FLUSH_S = 5.0
_MAKING = threading.Lock()


class Span(Protocol):
    """What can be told of a piece of work while it is done."""

    def set_attribute(self, key: str, value: str | int) -> None:
        """Tell one fact."""

    def update_name(self, name: str) -> None:
        """Call it otherwise, once more is known."""


class _Nothing:
    """The span of an installation that is not traced."""

    def __enter__(self) -> Span:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def set_attribute(self, key: str, value: str | int) -> None:
        """Tell nobody."""

    def update_name(self, name: str) -> None:
        """Stay without a name."""


NOTHING = _Nothing()


def span(name: str, *, kind: Kind = "internal", attributes: Attributes | None = None) -> AbstractContextManager[Span]:
    """Open a span under the one this thread or task is in; the start of a trace where it is in none."""
    tracer = _tracer()
    return NOTHING if tracer is None else _opened(tracer, name, kind, attributes, None)


def continued(
    name: str, traceparent: str | None, *, kind: Kind = "internal", attributes: Attributes | None = None
) -> AbstractContextManager[Span]:
    """Open a span under one of elsewhere, by its W3C traceparent; without a readable one, the start of a trace."""
    tracer = _tracer()
    return NOTHING if tracer is None else _opened(tracer, name, kind, attributes, _context(traceparent))


def traceparent() -> str | None:
    """Return the W3C traceparent of the span this thread or task is in, or None where it is in none."""
    if _tracer() is None:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get(HEADER)


def carried(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return the headers of a call with the traceparent, if there is one, added."""
    given, parent = dict(headers or {}), traceparent()
    return given if parent is None else {**given, HEADER: parent}


def flush() -> None:
    """Send what is not sent yet, for FLUSH_S at most: for a process that may end without a farewell."""
    provider = _provider()
    if provider is not None:
        sending = threading.Thread(target=provider.force_flush, name="traces", daemon=True)
        sending.start()
        sending.join(FLUSH_S)


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Tell whether this environment asks for traces: it names a collector, and does not turn them off.

    What it asks for and we do not speak is told in the log, and nothing is traced: to observe must not stop the hub.
    """
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    named = environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip() or ("otlp" if named else "none")
    if exporter != "otlp":
        if exporter != "none":
            log.error("OTEL_TRACES_EXPORTER: only otlp and none are known: nothing is traced")
        return False
    general = environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "")
    if (environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "") or general or PROTOCOL).strip() != PROTOCOL:
        log.error("OTEL_EXPORTER_OTLP_PROTOCOL: only %s is spoken: nothing is traced", PROTOCOL)
        return False
    return True


@contextmanager
def _opened(
    tracer: "Tracer", name: str, kind: Kind, attributes: Attributes | None, context: "Context | None"
) -> Iterator[Span]:
    from opentelemetry.trace import SpanKind, StatusCode

    with tracer.start_as_current_span(
        name,
        context=context,
        kind=SpanKind[kind.upper()],
        attributes=attributes,
        # The library would send the error's text and traceback, which may hold a citizen's data.
        record_exception=False,
        set_status_on_exception=False,
    ) as opened:
        try:
            yield opened
        except Exception as error:
            opened.set_attribute("error.type", type(error).__name__)
            opened.set_status(StatusCode.ERROR)
            raise


def _context(traceparent: str | None) -> "Context":
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier = {} if traceparent is None else {HEADER: traceparent}
    return TraceContextTextMapPropagator().extract(carrier, Context())


@cache
def _tracer() -> "Tracer | None":
    provider = _provider()
    return None if provider is None else provider.get_tracer(SERVICE)


def _provider() -> "TracerProvider | None":
    with _MAKING:
        return _made()


@cache
def _made() -> "TracerProvider | None":
    """Return the one provider of this process. It is ours alone: Airflow, in whose tasks we run, may have its own."""
    if not is_wanted(os.environ):
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create()
    if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
        resource = resource.merge(Resource({SERVICE_NAME: SERVICE}))
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    atexit.register(flush)
    return provider
