"""Runs in a process of its own: imports Airflow, looks at the DAGs, plays them, and prints what it saw as JSON.

Airflow reads its settings when it is imported and changes much of the process, so the tests keep out
of it: tests/dags/conftest.py starts this program once and the tests look at its answer.
"""

import asyncio
import importlib.util
import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

HEAVY = (
    "zeep", "paramiko", "pandas", "lxml", "fastapi", "uvicorn", "holidays", "vietnam_provinces", "phonenumbers",
    "duckdb", "ibis", "polars", "pyarrow", "pyspark", "fpdf", "openpyxl", "xlsxwriter",
)  # fmt: skip
DAY, AT = "2026-03-04", datetime(2026, 3, 4, 2, 0, tzinfo=UTC)


def main() -> None:
    """Write the answer to the file named by the first argument."""
    told = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    seen: dict = {"new_modules": parsed_alone(Path(told["dags"]))}
    bag = filled_bag(told["dags"])
    seen |= {"import_errors": bag.import_errors, "dags": {name: described(dag) for name, dag in bag.dags.items()}}
    seen["provider"] = provider(told["provider_schema"])
    seen["sensitive"] = masked()
    seen["step"] = failures()
    seen["played"] = played(bag, told["control"])
    seen["ended"] = ended(bag)
    seen["heard"] = asyncio.run(heard())
    Path(sys.argv[1]).write_text(json.dumps(seen, default=str), encoding="utf-8")


def parsed_alone(folder: Path) -> dict:
    """Import each DAG file as Airflow does; tell which heavy modules that brought in."""
    import airflow.sdk  # noqa: F401  (what a parse has anyway)

    found = {}
    for path in sorted(folder.glob("*.py")):
        before = set(sys.modules)
        spec = importlib.util.spec_from_file_location(f"parsed_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found[path.name] = sorted({name.partition(".")[0] for name in set(sys.modules) - before} & set(HEAVY))
    return found


def filled_bag(folder: str):
    """Make Airflow's database and return the bag of DAGs."""
    from airflow.utils.db import initdb

    initdb()
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(folder)


def described(dag) -> dict:
    """What the tests ask about one DAG."""
    clock = getattr(dag.timetable, "timetable", dag.timetable)  # of one that also waits for an asset
    condition = dag.timetable.asset_condition
    return {
        "cron": clock.expression,
        "watched": {
            asset.uri: [watcher.trigger.serialize() for watcher in asset.watchers]
            for asset in (condition.objects if condition else ())
        },
        "file": Path(dag.fileloc).name,
        "owner": dag.owner,
        "tags": sorted(dag.tags),
        "start": dag.start_date.isoformat(),  # Airflow has turned it to UTC; the zone it had is `zone`
        "zone": str(dag.timezone),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "paused_at_creation": dag.is_paused_upon_creation,
        "description": dag.description or dag.doc_md,
        "schedule_zone": str(clock.timezone),
        "tasks": {
            task.task_id: {"retries": task.retries, "owner": task.owner, "delay_s": task.retry_delay.total_seconds()}
            for task in dag.tasks
        },
    }


def provider(schema_file: str) -> dict:
    """Hold our provider's form against Airflow's schema, and ask Airflow whether it took the connection types."""
    import jsonschema
    from airflow.providers_manager import ProvidersManager

    from truc.provider import provider_info

    schema = json.loads(Path(schema_file).read_text(encoding="utf-8"))
    problems = [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(provider_info())]
    return {
        "problems": problems,
        "hooks": sorted(name for name in ProvidersManager().hooks if name.startswith("truc_")),
    }


def masked() -> dict[str, bool]:
    """For every setting that is a secret: whether Airflow masks a field of its name."""
    from airflow.sdk._shared.secrets_masker import should_hide_value_for_key

    from truc import parties

    return {
        f"{one.party}.{setting.name}": should_hide_value_for_key(setting.name)
        for one in parties.manifests()
        for setting in one.settings
        if setting.secret
    }


def failures() -> dict[str, str]:
    """What a task sees of each of the five failures, of a bug, and of success."""
    from truc import errors
    from truc.on_airflow import step

    def fail(error):
        raise error

    found = {}
    names = ("SetupError", "TransientError", "OutcomeUnknownError", "RejectedError", "MalformedError")
    for error in [*(getattr(errors, name)("why", reason="because") for name in names), KeyError("bug")]:
        try:
            step(fail)(error)
        except Exception as seen:  # noqa: BLE001  (what it is, is what we ask)
            found[type(error).__name__] = f"{type(seen).__module__.partition('.')[0]}.{type(seen).__name__}: {seen}"
    try:
        step(fail)(errors.SetupError("another way", reason="not_in_use"))
    except Exception as seen:  # noqa: BLE001  (as above)
        found["not_in_use"] = f"{type(seen).__name__}: {seen}"
    found["success"] = step(lambda: "done")()
    return found


def played(bag, control: dict[str, str]) -> dict:
    """A small day, DAG by DAG, over the real store and the stand-ins."""
    from truc import settings
    from truc.store.opened import open_hub_store

    store = open_hub_store(settings.load())
    seen = {"catalogue_load": run(bag, "catalogue_load"), "catalogue_load again": run(bag, "catalogue_load")}
    references = work_of_the_office(store)
    seen["status_push"] = run(bag, "status_push")
    seen["payments_momo"] = run(bag, "payments_momo")
    citizen_pays(store, control["momo"], references["momo"])
    seen["payment_callbacks"] = run(bag, "payment_callbacks")
    bank_writes(control["vietinbank"], references["vietinbank"])
    for name in ("statement_momo", "statement_vietinbank", "reconcile_payments"):
        seen[name] = run(bag, name, {"day": DAY})
    seen["codes"] = references
    seen["exchange_sweep"], seen["exchange_sweep again"] = run(bag, "exchange_sweep"), run(bag, "exchange_sweep")
    seen["failed while metered"] = failed_while_metered(store)
    store.close()
    return seen


def run(bag, dag_id: str, conf: dict | None = None) -> dict:
    """Play one DAG with its real tasks; return its state, and what each task returned."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    begun = time.monotonic()
    # Nobody is there to sign; that a run waits for a person, and what an answer does, is tried in tests/day.
    done = bag.dags[dag_id].test(run_conf=conf, mark_success_pattern=".*(await_signature|sign)")
    with create_session() as session:
        rows = session.scalars(
            select(XComModel).where(
                XComModel.dag_id == dag_id, XComModel.run_id == done.run_id, XComModel.key == "return_value"
            )
        )
        returned = {f"{row.task_id}[{row.map_index}]": XComModel.deserialize_value(row) for row in rows}
    return {"state": str(done.state), "returned": returned, "seconds": time.monotonic() - begun}


def ended(bag) -> dict[str, dict[str, str]]:
    """Play DAGs of parties without connection, with work or without, and of one whose connection is broken.

    Return for each how its tasks ended.
    """
    from truc import settings
    from truc.store.opened import open_hub_store

    store = open_hub_store(settings.load())
    asked_through(store, "nganluong")
    store.close()
    names = ("payments_national_payment", "ask_payments_national_payment", "postal_tracking", "statement_vietcombank")
    found = {}
    for name in (*names, "payments_nganluong", "payments_vnpay"):
        done = bag.dags[name].test(run_conf={"day": DAY})
        found[name] = {one.task_id: str(one.state) for one in done.get_task_instances()}
    return found


def asked_through(store, party: str) -> None:
    """Ask for a fee through the party: its message waits."""
    from sqlalchemy import text

    from truc.services import payments

    with store.begin() as transaction:
        code = transaction.sql.execute(text("SELECT code FROM dossiers ORDER BY code LIMIT 1")).scalar_one()
        wish = payments.PaymentWish(
            source="one-stop",
            source_reference=f"P-{party}",
            dossier_code=code,
            party=party,
            amount_vnd=250_000,
            requested_at=AT,
        )
        payments.request(transaction, wish)


def work_of_the_office(store) -> dict:
    """Two dossiers, one of them moved on, and a fee for each: one through MoMo, one through the bank."""
    from truc.domain.status import Status
    from truc.messages import Channel, Person
    from truc.services import dossiers, payments
    from truc.store import catalogue

    made: dict = {}
    for number, party in enumerate(("momo", "vietinbank")):
        with store.begin() as transaction:
            intake = dossiers.Intake(
                source="one-stop",
                source_reference=f"R-{number}",
                procedure_code="1.013831",
                agency_code="H32.06",
                channel=Channel.COUNTER,
                applicant=Person(name="Nguyễn Văn An", personal_id=f"05612345678{number}", phone="0905123456"),
                received_at=AT,
                status=Status.ACCEPTED,
            )
            code = dossiers.receive(transaction, intake, catalogue.working_calendar(transaction)).code
            wish = payments.PaymentWish(
                source="one-stop",
                source_reference=f"P-{number}",
                dossier_code=code,
                party=party,
                amount_vnd=250_000,
                requested_at=AT,
            )
            made[party], _ = payments.request(transaction, wish)
            made[f"dossier {party}"] = code
    change = dossiers.StatusChange(
        dossier_code=made["dossier momo"],
        status=4,
        changed_at=AT.replace(hour=3),
        officer_name="Lê Văn Phúc",
        officer_title="",
        department="",
        note="",
        source="one-stop",
    )
    with store.begin() as transaction:
        dossiers.change_status(transaction, change)
    return made


def citizen_pays(store, control: str, reference: str) -> None:
    """The order is paid at MoMo, and its IPN is kept as the gateway keeps one."""
    from truc.envelope import Envelope
    from truc.exchange import inbox

    called(control, "pay", {"orders": [{"reference": reference, "at": AT.isoformat()}], "notify": False})
    ipn = {
        "orderId": reference,
        "transId": 4_000_000_001,
        "amount": 250_000,
        "resultCode": 0,
        "responseTime": int(AT.timestamp() * 1000),
    }
    with store.begin() as transaction:
        inbox.keep(transaction, Envelope("momo", "ipn", f"{reference}/4000000001", json.dumps(ipn).encode()))


def bank_writes(control: str, reference: str) -> None:
    """The bank has a transfer for our second payment, of which the hub has not heard."""
    line = {"our_reference": reference, "partner_reference": "FT1", "amount_vnd": 250_000, "at": AT.isoformat()}
    called(control, "deposit", {"day": DAY, "lines": [line]})


def failed_while_metered(store) -> str:
    """Measure one notice that waits, as a delivery does that fails before it sends any."""
    from truc.exchange import outbox
    from truc.manifest import Event
    from truc.messages import NoticeDue
    from truc.on_airflow import metered

    notice = NoticeDue(notice_id="n", dossier_code="H32.06-1", notice="ready", phone="0905123456", text="Ho so")
    with store.begin() as transaction:
        outbox.publish(transaction, Event.NOTICE_DUE, notice, key="n", external_id="n")

    def fail() -> None:
        raise ConnectionError("on purpose")

    try:
        with metered(store, "sms", ("message",)):
            fail()
    except ConnectionError as error:
        return str(error)


async def heard() -> dict:
    """Two triggers as a triggerer runs them: what each fires, and how many connections they hold."""
    import contextlib

    import psycopg
    from airflow.triggers.shared_stream import SharedStreamManager

    from truc import settings
    from truc.on_airflow import OutboxTrigger

    streams, fired = SharedStreamManager(), {}
    triggers = [OutboxTrigger("sms", ["message"]), OutboxTrigger("national_portal", ["dossier", "progress"])]

    async def run_trigger(number: int, trigger) -> None:
        key = trigger.shared_stream_key()
        async for event in trigger.filter_shared_stream(streams.subscribe(trigger_id=number, trigger=trigger, key=key)):
            fired.setdefault(trigger.party, []).append(event.payload)

    async def until_fired(party: str, times: int) -> None:
        async with asyncio.timeout(30):
            while len(fired.get(party, [])) < times:
                await asyncio.sleep(0.05)

    running = [asyncio.create_task(run_trigger(number, trigger)) for number, trigger in enumerate(triggers)]
    await until_fired("sms", 2)
    await until_fired("national_portal", 2)
    address = settings.load().database_url.replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as connection:
        own = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'truc waking'"
        connections = connection.execute(own + " AND datname = current_database()").fetchone()[0]
        for _ in range(1000):
            connection.execute("SELECT pg_notify('truc_outbox', 'sms/message')")
    await until_fired("sms", 3)
    await asyncio.sleep(3)
    for one in running:
        one.cancel()
    for one in running:
        with contextlib.suppress(asyncio.CancelledError):
            await one
    await streams.stop_all()
    return {"fired": fired, "connections": connections, "alone": await first_event_alone(triggers[0])}


async def first_event_alone(trigger) -> dict:
    """What the trigger fires first where streams are not shared."""
    from contextlib import aclosing

    async with aclosing(trigger.run()) as events:
        return (await anext(events)).payload


def called(control: str, path: str, value: dict) -> None:
    """Call a control of a stand-in."""
    import requests

    requests.post(f"{control}/_control/{path}", json=value, timeout=30).raise_for_status()


if __name__ == "__main__":
    os.umask(0o077)
    main()
