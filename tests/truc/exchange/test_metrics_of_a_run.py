"""What the metrics say of a run of real couriers is what the tables say."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from truc.exchange import line, tallies
from truc.inbound.metrics import ExchangeCollector

HISTOGRAM = "truc_exchange_delivery_seconds"


def told(hub: Any, name: str, **labels: str) -> dict[tuple[str, ...], float]:
    """Return the samples of that name whose labels match, by the values of their other labels, in order of name."""
    families = text_string_to_metric_families(generate_latest(ExchangeCollector(hub.store)).decode())
    return {
        tuple(value for label, value in sorted(sample.labels.items()) if label not in labels): sample.value
        for family in families
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    }


def open_by_state(hub: Any, party: str) -> dict[tuple[str, ...], int]:
    """Count the open messages by kind and state, from the table."""
    rows = hub.sql(
        "SELECT operation, state, count(*) AS times FROM outbox WHERE drawer = 0 AND party = :party GROUP BY 1, 2",
        party=party,
    )
    return {(row.operation, row.state): row.times for row in rows}


def test_outcomes_times_and_what_is_open_agree_with_the_tables(hub: Any, partner: Any, make: Any) -> None:
    there = partner("vnpost")
    hub.publish(*(make["parcel"](number) for number in range(1, 8)))
    there.fault("silent_after", times=2)
    before = dict(hub.deliver(there))
    there.control("answers", {"body": {"Status": "0", "Message": "no"}})
    hub.publish(make["parcel"](20))
    after = dict(hub.deliver(there))
    hub.publish(make["parcel"](30), make["parcel"](31))
    hub.sql("UPDATE outbox SET published_at = published_at - interval '75 s' WHERE drawer = 0 AND state = 'waiting'")

    shown = told(hub, "truc_exchange_open_messages", party="vnpost")
    assert {key: times for key, times in shown.items() if times} == open_by_state(hub, "vnpost")
    assert shown["order", "waiting"] == 2
    assert shown["order", "refused"] == 1
    assert 75 <= told(hub, "truc_exchange_oldest_waiting_seconds", party="vnpost")["order",] < 600
    set_aside = told(hub, "truc_exchange_set_aside_items", party="vnpost", direction="out")
    assert set_aside == {("order",): 1, ("cancel",): 0}

    did = {name: before.get(name, 0) + after.get(name, 0) for name in before | after if name != "unreachable"}
    counted = told(hub, "truc_exchange_outcomes_total", party="vnpost", kind="order")
    assert {name: times for (name,), times in counted.items() if times} == {k: v for k, v in did.items() if v}
    assert (did["unknown"], did["asked_arrived"], did["sent"], did["refused"]) == (2, 2, 5, 1)

    taken_s = [
        float(row.taken_s)
        for row in hub.sql(
            "SELECT extract(epoch FROM finished_at - published_at) AS taken_s FROM outbox WHERE state = 'sent'"
        )
    ]
    assert len(taken_s) == 7
    buckets = told(hub, f"{HISTOGRAM}_bucket", party="vnpost", kind="order")
    for bound_s in tallies.BUCKETS_S:
        assert buckets[str(float(bound_s)),] == sum(seconds <= bound_s for seconds in taken_s)
    assert buckets["+Inf",] == told(hub, f"{HISTOGRAM}_count", party="vnpost", kind="order")[()] == 7
    assert abs(told(hub, f"{HISTOGRAM}_sum", party="vnpost", kind="order")[()] - sum(taken_s)) < 0.01


def test_a_partner_that_is_away_shows_at_its_breaker_and_its_return_too(hub: Any, partner: Any) -> None:
    there = partner("vnpost")
    for number in range(1, 10):
        hub.one_for("vnpost", number)
    there.go_away()
    assert hub.deliver(there)["unreachable"] == 1
    assert told(hub, "truc_exchange_breaker_state")["vnpost",] == 2
    assert told(hub, "truc_exchange_failures_in_a_row")["vnpost",] >= line.FAILURES_MAX
    assert told(hub, "truc_exchange_open_messages", party="vnpost", state="waiting")["order",] == 9
    there.come_back()
    hub.until_sent(there)
    assert told(hub, "truc_exchange_breaker_state")["vnpost",] == 0
    assert told(hub, "truc_exchange_failures_in_a_row")["vnpost",] == 0
    assert told(hub, "truc_exchange_outcomes_total", party="vnpost", kind="order")["sent",] == 9


def test_a_courier_at_work_is_seen_with_its_slots_while_it_works(hub: Any, partner: Any, limits: Any) -> None:
    limits(concurrency=3, timeout_s=10.0)
    there = partner("vnpost")
    hub.one_for("vnpost")
    there.fault("silent_before", wait_s=2.5)
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(hub.deliver, there)
        until = time.monotonic() + 10
        while not told(hub, "truc_exchange_open_messages", party="vnpost", state="sending")["order",]:
            assert time.monotonic() < until
            time.sleep(0.02)
        at_work = told(hub, "truc_exchange_couriers")["vnpost",], told(hub, "truc_exchange_courier_slots")["vnpost",]
        run.result(timeout=30)
    assert at_work == (1, 3)
    assert told(hub, "truc_exchange_courier_slots_limit")["vnpost",] == 3
    assert told(hub, "truc_exchange_couriers")["vnpost",] == 0
