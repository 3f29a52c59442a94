"""Metrics: who may read them, what they say against the tables, and what a reading costs."""

import json
import re
import stat
import time
from bisect import bisect_left
from contextlib import closing

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain
from sqlalchemy import text

from tests.truc.inbound.conftest import dossier
from truc import parties
from truc.exchange import tallies
from truc.inbound import metrics
from truc.inbound.metrics import ExchangeCollector

OPENMETRICS = "application/openmetrics-text;version=1.0.0"


@pytest.fixture
def key(server):
    return metrics.ensure_key(server.secrets)


def read(gateway, key, **headers):
    """Read /metrics and return the answer."""
    return requests.get(f"{gateway.url}/metrics", headers={"Authorization": f"Bearer {key}", **headers}, timeout=30)


def samples(exposition):
    """Return {(name, labels …): value}; labels as `name=value`, in order."""
    return {
        (sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))): sample.value
        for family in plain(exposition)
        for sample in family.samples
    }


def run(store, statement, **values):
    with store.begin() as transaction:
        transaction.sql.execute(text(statement), values)


def collected(store):
    return samples(generate_latest(ExchangeCollector(store)).decode())


def test_the_key_is_made_once_and_kept_for_its_owner_alone(tmp_path):
    made = metrics.ensure_key(tmp_path)
    assert metrics.ensure_key(tmp_path) == made
    assert len(made) >= 40
    assert stat.S_IMODE((tmp_path / "metrics.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer wrong", "Basic YTpi", "Bearer \u00fcber"])
def test_a_stranger_reads_nothing_also_from_this_machine_and_before_the_store_is_asked(closed_gateway, header):
    headers = {"Authorization": header.encode()} if header else {}
    answer = requests.get(f"{closed_gateway.url}/metrics", headers=headers, timeout=30)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "truc_" not in answer.text


def test_the_key_of_a_client_does_not_read_metrics_and_that_of_metrics_hands_nothing_over(gateway, key):
    assert read(gateway, gateway.key).status_code == 401
    assert gateway.post("/internal/v1/dossiers", dossier(), key=key).status_code == 401


def test_a_store_that_does_not_answer_is_503_and_the_log_says_so_without_the_address(closed_gateway, key, caplog):
    assert read(closed_gateway, key).status_code == 503
    assert "metrics: the store does not answer" in caplog.text
    assert "nobody@" not in caplog.text


def test_both_forms_are_spoken_and_each_reads_back(gateway, key):
    simple = read(gateway, key)
    assert simple.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert {one.name for one in plain(simple.text)} == {one.name for one in open_metrics(_open_form(gateway, key))}


def _open_form(gateway, key):
    answer = read(gateway, key, Accept=OPENMETRICS)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    return answer.text


def test_what_is_declared_is_there_before_anything_happened(empty_store):
    found = collected(empty_store)
    for manifest in parties.manifests():
        for operation in manifest.operations:
            at = (f"kind={operation.name}", f"party={manifest.party}")
            assert found["truc_exchange_open_messages", *at, "state=waiting"] == 0
            assert found["truc_exchange_delivery_seconds_count", *at] == 0
            assert found["truc_exchange_outcomes_total", at[0], "outcome=sent", at[1]] == 0
    assert found["truc_exchange_breaker_state", "party=momo"] == 0
    assert found["truc_journal_pending_entries",] == 0


def test_names_follow_the_conventions(empty_store):
    families = {one.name: one for one in ExchangeCollector(empty_store).collect()}
    assert len(families) == 13
    for name, family in families.items():
        assert re.fullmatch(r"truc_(exchange|journal)_[a-z_]+[a-z]", name)
        assert family.documentation.endswith(".")
        assert not name.endswith(("_total", "_count", "_sum", "_bucket")), "the library adds these"
        assert ("age of" in family.documentation.lower()) <= name.endswith("_seconds")
    assert families["truc_exchange_outcomes"].type == "counter"
    assert families["truc_exchange_delivery_seconds"].type == "histogram"


def test_it_says_what_the_tables_hold_and_names_nobody(gateway, key):
    for number in range(3):
        gateway.post("/internal/v1/dossiers", dossier(f"R-{number}", channel="post", wants_postal_return=True))
    store = gateway.store
    run(store, "UPDATE outbox SET published_at = now() - interval '90 s' WHERE party = 'vnpost' AND id % 2 = 0")
    run(store, "UPDATE outbox SET state = 'refused' WHERE id = (SELECT max(id) FROM outbox WHERE party = 'vnpost')")
    run(
        store,
        "INSERT INTO set_aside (party, kind, outbox_id, item, reason, text)"
        " SELECT party, operation, id, external_id, 'x', 'x' FROM outbox WHERE state = 'refused'",
    )
    run(store, "INSERT INTO lines (party, breaker, failures) VALUES ('vnpost', 'open', 7), ('sms', 'half_open', 6)")
    run(
        store,
        "INSERT INTO couriers (worker, party, slots, leased_until) VALUES ('a', 'vnpost', 3, now() + interval '1 h'),"
        " ('b', 'vnpost', 1, now() + interval '1 h'), ('dead', 'vnpost', 4, now() - interval '1 s')",
    )
    run(
        store,
        "INSERT INTO inbox (id, party, kind, external_id, digest, body_id, received_at)"
        " VALUES (99, 'momo', 'ipn', 'e', :digest, 1, now() - interval '40 s')",
        digest="0" * 64,
    )
    answer = read(gateway, key).text
    found = samples(answer)
    order = ("kind=order", "party=vnpost")
    assert found["truc_exchange_open_messages", *order, "state=waiting"] == 2
    assert found["truc_exchange_open_messages", *order, "state=refused"] == 1
    assert 90 <= found["truc_exchange_oldest_waiting_seconds", *order] < 600
    assert found["truc_exchange_set_aside_items", "direction=out", *order] == 1
    assert found["truc_exchange_breaker_state", "party=vnpost"] == 2
    assert found["truc_exchange_breaker_state", "party=sms"] == 1
    assert found["truc_exchange_failures_in_a_row", "party=vnpost"] == 7
    assert found["truc_exchange_couriers", "party=vnpost"] == 2
    assert found["truc_exchange_courier_slots", "party=vnpost"] == 4
    assert found["truc_exchange_courier_slots_limit", "party=vnpost"] == parties.manifest("vnpost").limits.concurrency
    assert found["truc_exchange_inbox_kept_messages", "kind=ipn", "party=momo"] == 1
    assert 40 <= found["truc_exchange_inbox_oldest_kept_seconds", "kind=ipn", "party=momo"] < 600
    for word in ("Nguyệt", "056190000123", "0905123456", "H32.", "R-1"):
        assert word not in answer


def test_all_of_a_reading_is_of_one_moment(empty_store):
    reading = ExchangeCollector(empty_store).collect()
    next(reading)
    run(empty_store, "INSERT INTO lines (party, breaker, failures) VALUES ('sms', 'open', 6)")
    told = {family.name: family for family in reading}["truc_exchange_breaker_state"]
    assert {sample.value for sample in told.samples} == {0}
    assert collected(empty_store)["truc_exchange_breaker_state", "party=sms"] == 2


def test_a_database_that_takes_too_long_is_503(gateway, key, monkeypatch):
    monkeypatch.setattr(metrics, "BEGIN", (metrics.BEGIN[0], metrics.BEGIN[1].replace("5s", "200ms")))
    with gateway.store.begin() as transaction:
        transaction.sql.execute(text("LOCK TABLE lines IN ACCESS EXCLUSIVE MODE"))
        assert read(gateway, key).status_code == 503
    assert read(gateway, key).status_code == 200


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["momo", "vnpost"]),
            st.sampled_from(["payment", "order"]),
            st.sampled_from(["sent", "asked_arrived", "unknown", "refused"]),
            st.floats(min_value=0, max_value=200_000).map(lambda seconds: round(seconds, 3))
            | st.sampled_from(tallies.BUCKETS_S),
        ),
        max_size=40,
    )
)
def test_the_histogram_is_cumulative_and_agrees_with_what_was_counted(empty_store, given_outcomes):
    outcomes = [
        (party, kind, name, seconds if name in ("sent", "asked_arrived") else None)
        for party, kind, name, seconds in given_outcomes
    ]
    with empty_store.begin() as transaction:
        transaction.sql.execute(text("DELETE FROM tallies"))
        for half in (outcomes[::2], outcomes[1::2]):
            tallies.count(transaction, half)
    # As if other processes had counted some of it.
    run(empty_store, "UPDATE tallies SET shard = (shard + bucket + 1) % 8")
    found = collected(empty_store)
    for party in ("momo", "vnpost"):
        for kind in ("payment", "order"):
            _is_consistent(found, outcomes, party, kind)


def _is_consistent(found, outcomes, party, kind):
    at = (f"kind={kind}", f"party={party}")
    times = [seconds for *where, _, seconds in outcomes if where == [party, kind] and seconds is not None]
    bounds = [*map(float, tallies.BUCKETS_S), float("inf")]
    name = "truc_exchange_delivery_seconds"
    if (f"{name}_count", *at) not in found:  # nothing was declared and nothing counted
        assert times == []
        return
    shown = [found[f"{name}_bucket", at[0], f"le={'+Inf' if le == float('inf') else le}", at[1]] for le in bounds]
    assert shown == [sum(seconds <= le for seconds in times) for le in bounds]
    assert shown == sorted(shown)
    assert shown[-1] == found[f"{name}_count", *at] == len(times)
    assert found[f"{name}_sum", *at] == pytest.approx(sum(times), abs=0.01)
    for outcome in ("sent", "asked_arrived", "unknown", "refused"):
        counted = sum(one[:3] == (party, kind, outcome) for one in outcomes)
        assert found.get(("truc_exchange_outcomes_total", at[0], f"outcome={outcome}", at[1]), 0) == counted


def test_a_time_on_a_bound_belongs_to_the_bound():
    assert [bisect_left(tallies.BUCKETS_S, bound) for bound in tallies.BUCKETS_S] == list(range(len(tallies.BUCKETS_S)))


FILLED = """
SET LOCAL synchronous_commit = off;
INSERT INTO outbox (drawer, id, place, party, operation, key, external_id, dossier_code, message_id, state)
SELECT CASE WHEN n % 100 = 0 THEN 0 ELSE 99 END, n, n, 'momo', 'payment', n::text, n::text, '', 1,
    CASE WHEN n % 100 = 0 THEN 'waiting' ELSE 'sent' END
FROM generate_series(1, 200000) AS n;
INSERT INTO inbox (drawer, id, party, kind, external_id, digest, body_id, state)
SELECT CASE WHEN n % 100 = 0 THEN 0 ELSE 99 END, n, 'momo', 'ipn', n::text, repeat('0', 64), 1,
    CASE WHEN n % 100 = 0 THEN 'kept' ELSE 'booked' END
FROM generate_series(1, 50000) AS n;
INSERT INTO set_aside (party, kind, outbox_id, item, reason, text, state)
SELECT 'momo', 'payment', n, 'i', 'r', 't', CASE WHEN n % 500 = 0 THEN 'open' ELSE 'resolved' END
FROM generate_series(1, 100000) AS n;
INSERT INTO tallies (party, kind, outcome, bucket, shard, times)
SELECT 'p' || n % 8, 'k', 'o' || n % 6, n % 12, n % 8, 1 FROM generate_series(1, 4000) AS n ON CONFLICT DO NOTHING;
"""
LARGE = {"outbox_other", "inbox_other"}  # where the history lies


def plan(transaction, statement, **values):
    """Return (node, relation) of every part of the plan that reads a table."""
    found = transaction.sql.execute(text(f"EXPLAIN (FORMAT JSON) {statement.text}"), values).scalar_one()
    open_nodes, nodes = [one["Plan"] for one in (found if isinstance(found, list) else json.loads(found))], []
    while open_nodes:
        node = open_nodes.pop()
        open_nodes += node.get("Plans", [])
        if "Relation Name" in node:
            nodes.append((node["Node Type"], node["Relation Name"]))
    return nodes


def test_a_reading_looks_at_what_is_open_alone_and_is_quick_however_much_is_kept(empty_store):
    run(empty_store, FILLED)
    with closing(empty_store.engine.raw_connection()) as connection:  # no transaction: VACUUM takes none
        connection.cursor().execute("VACUUM ANALYZE outbox, inbox, set_aside, tallies")
    with empty_store.begin() as transaction:
        assert {name for _, name in plan(transaction, metrics.OUTBOX)} == {"outbox_open"}
        assert {name for _, name in plan(transaction, metrics.INBOX)} == {"inbox_open"}
        aside = plan(transaction, metrics.SET_ASIDE)
        assert {name for _, name in aside} == {"set_aside"}
        assert "Seq Scan" not in {node for node, _ in aside}
        # The check fires: without the drawer, history is read.
        careless = text(metrics.OUTBOX.text.replace("WHERE drawer = 0", ""))
        assert LARGE & {name for _, name in plan(transaction, careless)}
    collector = ExchangeCollector(empty_store)
    generate_latest(collector)
    took_s = []
    for _ in range(7):
        begun = time.perf_counter()
        exposition = generate_latest(collector).decode()
        took_s.append(time.perf_counter() - begun)
    found = samples(exposition)
    assert found["truc_exchange_open_messages", "kind=payment", "party=momo", "state=waiting"] == 2000
    assert found["truc_exchange_inbox_kept_messages", "kind=ipn", "party=momo"] == 500
    assert found["truc_exchange_set_aside_items", "direction=out", "kind=payment", "party=momo"] == 200
    assert min(took_s) < 0.05


def test_the_pending_entries_of_the_journal_are_counted_up_to_a_limit(empty_store, monkeypatch):
    run(
        empty_store,
        "INSERT INTO journal_pending (exchange_id, at, channel, key, external_id, outcome, handler)"
        " SELECT n, now(), 'momo/payment/out', 'k', 'e', 'sent', '' FROM generate_series(1, 12) AS n",
    )
    assert collected(empty_store)["truc_journal_pending_entries",] == 12
    monkeypatch.setattr(metrics, "PENDING_MAX", 10)
    assert collected(empty_store)["truc_journal_pending_entries",] == 10


TURNED_AWAY = "truc_gateway_calls_turned_away_total"


def test_calls_that_were_turned_away_are_counted_by_party_and_reason(gateway, key):
    before = samples(read(gateway, key).text)
    assert before[TURNED_AWAY, "party=momo", "reason=too_large"] == 0
    assert before[TURNED_AWAY, "party=vnpay", "reason=too_busy"] == 0
    assert not [name for name in before if name[0] == TURNED_AWAY and "party=sms" in name], "nobody calls us there"
    body = b"x" * (64 * 1024 + 1)
    for _ in range(2):
        assert requests.post(f"{gateway.url}/partners/momo/ipn", data=body, timeout=30).status_code == 413
    gateway.app.state.turned_away.count("momo", "bad_signature")
    after = samples(read(gateway, key).text)
    assert after[TURNED_AWAY, "party=momo", "reason=too_large"] == 2
    assert after[TURNED_AWAY, "party=momo", "reason=bad_signature"] == 1
