"""Traces: one from the gateway to the partner's ear, seen by a real OTLP receiver; off, nothing at all."""

import os
import socket
import subprocess
import sys
import threading
import time
import timeit
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from sqlalchemy import text

from sandbox.http import HttpServer
from tests.truc.inbound.conftest import dossier, opened_gateway, serving
from tests.truc.inbound.test_callbacks import ipn
from truc import parties, steps, tracing
from truc.connections import from_airflow_json
from truc.envelope import Receipt
from truc.errors import SetupError, TransientError
from truc.exchange import attempts
from truc.exchange.outcomes import Claimed
from truc.inbound.app import create_app
from truc.inbound.clients import ensure_client
from truc.manifest import Limits
from truc.settings import Settings
from truc.store.opened import Store, open_hub_store
from truc.transport.rest import Rest

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{CALLER}-01"
JSON = {"Content-Type": "application/json; charset=UTF-8"}
PERSONAL = ("Nguyễn", "056190000123", "0905123456", "Trần Phú", "H32.", "R-1")


@dataclass
class Collector:
    """An OTLP receiver on the loopback: what it was sent, decoded and raw."""

    url: str
    raw: list[bytes] = field(default_factory=list)

    def spans(self) -> list[Span]:
        """Return every span."""
        return [span for one in self._requests() for part in one.scope_spans for span in part.spans]

    def services(self) -> set[str]:
        """Return the service names the spans came under."""
        told = (pair for one in self._requests() for pair in one.resource.attributes)
        return {pair.value.string_value for pair in told if pair.key == "service.name"}

    def named(self, name: str, *, times: int = 1) -> list[Span]:
        """Wait for so many spans of that name, in the order of their start."""
        until = time.monotonic() + 15
        while time.monotonic() < until:
            tracing.flush()
            found = [span for span in self.spans() if span.name == name]
            if len(found) >= times:
                return sorted(found, key=lambda span: span.start_time_unix_nano)
            time.sleep(0.05)
        raise AssertionError(f"no {times} × {name!r} among {[span.name for span in self.spans()]}")

    def _requests(self) -> Iterator[Any]:
        for body in list(self.raw):
            yield from ExportTraceServiceRequest.FromString(body).resource_spans


@contextmanager
def listening() -> Iterator[Collector]:
    """Receive OTLP over HTTP, in protobuf."""
    collector = Collector("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            known = self.path == "/v1/traces" and self.headers["content-type"] == "application/x-protobuf"
            if known:
                collector.raw.append(body)
            self.send_response(200 if known else 415)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    collector.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield collector
    server.shutdown()
    server.server_close()


@contextmanager
def configured(**environ: str) -> Iterator[None]:
    """Trace by these OTEL_* variables alone, as a process does that was started with them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("OTEL_")]:
            patch.delenv(name)
        for name, value in environ.items():
            patch.setenv(name, value)
        _forget()
        yield
        if (provider := tracing._provider()) is not None:
            provider.shutdown()
    _forget()


def _forget() -> None:
    tracing._tracer.cache_clear()
    tracing._made.cache_clear()


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector that this process sends to."""
    with listening() as found, configured(OTEL_EXPORTER_OTLP_ENDPOINT=found.url):
        yield found


@pytest.fixture
def untraced() -> Iterator[None]:
    """No OTEL_* variable is set."""
    with configured():
        yield


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """The headers of every call the stand-ins answer, control calls left out."""
    calls: list[dict[str, str]] = []
    answer = HttpServer.answer

    def listened(self: HttpServer, request: Any, connection: Any) -> Any:
        if not request.path.startswith("/_control/"):
            calls.append(request.headers)
        return answer(self, request, connection)

    monkeypatch.setattr(HttpServer, "answer", listened)
    return calls


@dataclass
class Hub:
    """A gateway's installation, and the store as the gateway opens it."""

    here: Settings
    store: Store
    home: Path

    def hand_over(self, **headers: str) -> None:
        """Hand one dossier, with an order for the post, to a real gateway."""
        serves, thread, address = serving(create_app(self.here))
        key = ensure_client(self.here.secrets, "one-stop")
        try:
            answer = requests.post(
                f"{address}/internal/v1/dossiers",
                json=dossier(channel="post", wants_postal_return=True),
                headers={"Authorization": f"Bearer {key}", **headers},
                timeout=30,
            )
            assert answer.status_code == 200, answer.text
        finally:
            serves.should_exit = True
            thread.join(timeout=20)

    def deliver(self, party: str) -> dict[str, int]:
        """Send what waits for the party to its stand-in."""
        running = import_module(f"sandbox.{party}.server").start(0, self.home / party, "https://hub.invalid")
        try:
            operations = tuple(one.name for one in parties.manifest(party).operations)
            return steps.deliver(self.store, from_airflow_json(party, running.connection), operations)
        finally:
            running.close()

    def rows(self, statement: str, **values: str) -> list[Any]:
        """Return what a query finds."""
        with self.store.begin() as transaction:
            return list(transaction.sql.execute(text(statement), values))


@pytest.fixture
def hub(server: Settings, store: Store, tmp_path: Path) -> Iterator[Hub]:
    """An installation over a store with a catalogue, with its own keys."""
    here = replace(server, external_hub_url=store.engine.url.render_as_string(hide_password=False))
    opened = open_hub_store(here)
    yield Hub(here, opened, tmp_path)
    opened.close()


def told(span: Span) -> dict[str, str | int]:
    """Return a span's attributes."""
    return {
        pair.key: pair.value.string_value if pair.value.HasField("string_value") else pair.value.int_value
        for pair in span.attributes
    }


@pytest.mark.parametrize("party", ["vnpost", "national_portal"])  # REST, SOAP
def test_one_trace_leads_from_the_gateway_to_the_partners_ear(
    collector: Collector, heard: list[dict[str, str]], hub: Hub, party: str
) -> None:
    hub.hand_over(traceparent=TRACEPARENT)
    assert hub.deliver(party)["sent"] == 1
    [row] = hub.rows("SELECT id, operation, trace FROM outbox WHERE party = :party", party=party)

    [gateway] = collector.named("gateway POST /internal/v1/dossiers")
    [courier] = collector.named("courier")
    calls = collector.named(f"call {party}", times=len(heard))
    published = {span.span_id: span for span in collector.named("publish")}
    spans = [gateway, courier, *calls, *published.values()]
    assert {span.trace_id.hex() for span in spans} == {TRACE}
    assert gateway.parent_span_id.hex() == CALLER
    assert {span.parent_span_id for span in published.values()} == {gateway.span_id}
    assert courier.parent_span_id in published
    assert row.trace == f"00-{TRACE}-{courier.parent_span_id.hex()}-01"
    assert {span.parent_span_id for span in calls} == {courier.span_id}
    assert [one["traceparent"] for one in heard] == [f"00-{TRACE}-{span.span_id.hex()}-01" for span in calls]
    assert (gateway.kind, courier.kind) == (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CONSUMER)
    assert {span.kind for span in calls} == {Span.SPAN_KIND_CLIENT}

    assert told(courier) == {
        "truc.exchange_id": row.id,
        "truc.party": party,
        "truc.operation": row.operation,
        "truc.state": "waiting",
        "truc.attempts": 1,
        "truc.asks": 0,
        "truc.outcome": "sent",
    }
    assert told(gateway) == {"http.response.status_code": 200}
    assert told(calls[-1]) == {"truc.party": party, "http.request.method": "POST", "http.response.status_code": 200}
    assert collector.services() == {"truc"}
    everything = b"".join(collector.raw).decode("latin-1")
    assert [word for word in PERSONAL if word.encode().decode("latin-1") in everything] == []


def test_without_otel_nothing_is_sent_stored_or_told_the_partner(
    untraced: None, heard: list[dict[str, str]], hub: Hub
) -> None:
    with listening() as silent:
        hub.hand_over(traceparent=TRACEPARENT)
        assert hub.deliver("vnpost")["sent"] == 1
        tracing.flush()
        assert silent.raw == []
    assert heard
    assert [name for call in heard for name in call if "trace" in name] == []
    assert {row.trace for row in hub.rows("SELECT trace FROM outbox")} == {None}


def test_a_caller_without_a_readable_traceparent_starts_a_trace(collector: Collector, hub: Hub) -> None:
    hub.hand_over(traceparent="00-nonsense-\xff-01")
    [gateway] = collector.named("gateway POST /internal/v1/dossiers")
    assert gateway.parent_span_id == b""
    assert gateway.trace_id.hex() != TRACE
    assert {span.trace_id for span in collector.named("publish")} == {gateway.trace_id}


def test_a_kept_callback_tells_its_exchange(collector: Collector, server: Settings, hub: Hub) -> None:
    with opened_gateway(server, hub.here.external_hub_url, hub.home) as gateway:
        called = requests.post(f"{gateway.url}/partners/momo/ipn", data=ipn("P1"), headers=JSON, timeout=30)
        assert called.status_code == 204
    [row] = hub.rows("SELECT id FROM inbox")
    [kept] = collector.named("keep")
    [gateway_span] = collector.named("gateway POST /partners/{party}/{kind}")
    assert kept.parent_span_id == gateway_span.span_id
    assert told(kept) == {"truc.party": "momo", "truc.kind": "ipn", "truc.exchange_id": row.id}


def claimed(number: int = 7, **other: Any) -> Claimed:
    """A message in a courier's hands."""
    values: dict[str, Any] = {
        "id": number,
        "worker": "w",
        "party": "vnpost",
        "operation": "order",
        "key": "H32.01-1",
        "external_id": "H32.01-1-R1",
        "amount_vnd": None,
        "message_id": 1,
        "state": "waiting",
        "attempts": 2,
        "asks": 0,
        "body_id": 1,
        "published_at": datetime(2026, 3, 4, tzinfo=UTC),
        "silent_s": 0.0,
    }
    return Claimed(**values | other)


class Taking:
    """A client that takes whatever it is given, one by one or together; `failure` is what it raises instead."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.parents: list[str | None] = []

    def send_order(self, _outgoing: Any) -> Receipt:
        self.parents.append(tracing.traceparent())
        if self.failure is not None:
            raise self.failure
        return Receipt(b"{}", "application/json")

    def send_order_batch(self, outgoing: Sequence[Any]) -> Receipt:
        return self.send_order(outgoing)

    def close(self) -> None:
        pass


def parent(number: int) -> str:
    return f"00-{number:032x}-{number:016x}-01"


def test_each_message_of_a_batch_is_told_in_its_own_trace_and_the_call_in_that_of_the_first(
    collector: Collector,
) -> None:
    client = Taking()
    batch = [claimed(number, trace=parent(number)) for number in (11, 12, 13)]
    assert [one.name for one in attempts.attempt_batch(client, Limits(), batch)] == ["sent"] * 3
    spans = collector.named("courier", times=3)
    by_trace = {int(span.trace_id.hex(), 16): span for span in spans}
    assert sorted(by_trace) == [11, 12, 13]
    for number, span in by_trace.items():
        assert int(span.parent_span_id.hex(), 16) == number
        assert told(span)["truc.exchange_id"] == number
        assert (told(span)["truc.outcome"], told(span)["truc.batch"]) == ("sent", 11)
    assert client.parents == [f"00-{11:032x}-{by_trace[11].span_id.hex()}-01"]
    assert tracing.traceparent() is None, "nothing stays open"


def test_a_failure_is_told_by_its_class_and_never_by_its_text(collector: Collector) -> None:
    client = Taking(SetupError("0905123456 may not", reason="unauthorised"))
    with pytest.raises(SetupError):
        attempts.attempt(client, Limits(), claimed())
    client.failure = TransientError("0905123456 later", reason="asked_to_wait")
    attempts.attempt(client, Limits(), claimed())
    refused, waits = collector.named("courier", times=2)
    assert told(refused)["error.type"] == "SetupError"
    assert refused.status.code == Status.STATUS_CODE_ERROR
    assert (told(waits)["truc.outcome"], told(waits)["truc.attempts"]) == ("waiting", 3)
    assert not any(span.events or span.status.message for span in (refused, waits))
    assert b"0905123456" not in b"".join(collector.raw)


def test_a_call_that_does_not_arrive_is_told_without_its_address(collector: Collector) -> None:
    client = Rest("momo", "http://127.0.0.1:1", Limits(timeout_s=2))
    with pytest.raises(TransientError):
        client.call("POST", "/dossiers/H32.01-1", body=b"{}")
    client.close()
    [span] = collector.named("call momo")
    assert told(span) == {"truc.party": "momo", "http.request.method": "POST", "error.type": "TransientError"}
    assert b"H32." not in b"".join(collector.raw)


def test_the_service_is_named_as_the_environment_says() -> None:
    with listening() as found, configured(OTEL_EXPORTER_OTLP_ENDPOINT=found.url, OTEL_SERVICE_NAME="hub-56"):
        with tracing.span("x"):
            pass
        found.named("x")
        assert found.services() == {"hub-56"}


AT = "http://127.0.0.1:4318"


@pytest.mark.parametrize(
    ("environ", "wanted", "logged"),
    [
        ({}, False, ""),
        ({"OTEL_SERVICE_NAME": "x"}, False, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": AT}, True, ""),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": AT}, True, ""),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": AT, "OTEL_TRACES_EXPORTER": "none"}, False, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": AT, "OTEL_SDK_DISABLED": "true"}, False, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": AT, "OTEL_SDK_DISABLED": "false"}, True, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": AT, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": AT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, False, "OTLP_PROTOCOL"),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": AT,
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
            },
            True,
            "",
        ),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, False, "OTEL_TRACES_EXPORTER"),
    ],
)
def test_the_environment_decides_and_what_is_not_spoken_is_told(
    caplog: pytest.LogCaptureFixture, environ: dict[str, str], wanted: bool, logged: str
) -> None:
    assert tracing.is_wanted(environ) is wanted
    assert (logged in caplog.text) if logged else not caplog.records


def test_a_collector_that_says_nothing_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "FLUSH_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        at = f"http://127.0.0.1:{mute.getsockname()[1]}"
        with configured(OTEL_EXPORTER_OTLP_ENDPOINT=at, OTEL_EXPORTER_OTLP_TIMEOUT="2"):
            with tracing.span("x"):
                pass
            begun = time.monotonic()
            tracing.flush()
            assert 0.25 < time.monotonic() - begun < 1.5


def test_off_it_loads_nothing_and_costs_under_five_microseconds_a_message(untraced: None) -> None:
    code = (
        "import sys; from truc import tracing; from truc.exchange import courier; from truc.transport import rest\n"
        "with tracing.span('x'): print(tracing.traceparent(), tracing.carried({'a': 'b'}))\n"
        "tracing.flush(); print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ)
    assert done.stdout.splitlines() == ["None {'a': 'b'}", "[]"]

    one = claimed()

    def message() -> None:
        with tracing.span("publish", kind="producer", attributes={"truc.messages": 1}):
            tracing.traceparent()
        with attempts._traced(one) as span:
            with tracing.span("call x", kind="client", attributes={"truc.party": "x"}) as call:
                tracing.carried({"a": "b"})
                call.set_attribute("http.response.status_code", 200)
            span.set_attribute("truc.outcome", "sent")

    assert min(timeit.repeat(message, number=2000, repeat=25)) / 2000 < 5e-6
