"""Every DAG loads, light and well formed, and its real tasks do their work over a real store."""

import json
from collections import Counter

import pytest
import requests

from truc import parties
from truc.manifest import Capability

OF_THE_ISSUE = {
    "catalogue_load",
    "dossier_intake",
    "status_push",
    "postal_orders",
    "postal_tracking",
    "payment_callbacks",
    "statement_momo",
    "statement_vietinbank",
    "reconcile_payments",
    "notify_sms",
}
DECLARED = {pipeline.dag_id: one for one in parties.manifests() for pipeline in one.pipelines}
PIPELINES = [pipeline for manifest in parties.manifests() for pipeline in manifest.pipelines]
BY_DAY = {one.dag_id for one in PIPELINES if one.does == "fetch_day"} | {"reconcile_payments"}
OF_FILES = {
    "catalogue_load",
    "certificates",
    "exchange_sweep",
    "exchange_upkeep",
    "notices",
    "notices_daily",
    "payment_callbacks",
    "reconcile_payments",
    "remit_collections",
}


def test_every_file_is_read_without_an_error(seen):
    assert seen["import_errors"] == {}


def test_there_is_one_dag_for_each_declared_pipeline_and_for_each_file_and_no_other(seen):
    assert set(seen["dags"]) == set(DECLARED) | OF_FILES
    assert set(seen["dags"]) >= OF_THE_ISSUE


def test_no_two_files_make_the_same_dag(seen):
    files = {name: dag["file"] for name, dag in seen["dags"].items()}
    assert {name for name, file in files.items() if file == "parties.py"} == set(DECLARED)
    assert Counter(files.values()) == {"parties.py": len(DECLARED), **{f"{name}.py": 1 for name in OF_FILES}}


def test_every_dag_is_well_formed(seen):
    for name, dag in seen["dags"].items():
        assert dag["owner"] == "truc", name
        assert dag["start"] == "2025-12-31T17:00:00+00:00", name  # midnight in Vietnam
        assert (dag["zone"], dag["schedule_zone"]) == ("Asia/Ho_Chi_Minh", "Asia/Ho_Chi_Minh"), name
        assert dag["catchup"] is False, name
        assert dag["paused_at_creation"] is False, name
        assert dag["description"], name
        for task in dag["tasks"].values():
            assert (task["owner"], task["delay_s"]) == ("truc", 30.0), name


def test_what_drains_a_queue_runs_alone_and_what_waits_for_a_days_file_waits_all_day_beside_other_days(seen):
    for name, dag in seen["dags"].items():
        retries = {task["retries"] for one, task in dag["tasks"].items() if one != "day.await_signature"}
        if name in BY_DAY:
            # A day that waits for its signature holds up none of the sixty after it.
            at_once = 60 if name == "reconcile_payments" else 4
            assert (dag["max_active_runs"], retries) == (at_once, {48}), name
        else:
            assert (dag["max_active_runs"], retries) == (1, {4}), name


def test_who_did_not_sign_for_two_months_is_not_asked_again(seen):
    assert seen["dags"]["reconcile_payments"]["tasks"]["day.await_signature"]["retries"] == 0


def test_every_pipeline_keeps_the_schedule_it_declares(seen):
    for manifest in parties.manifests():
        for pipeline in manifest.pipelines:
            assert seen["dags"][pipeline.dag_id]["cron"] == pipeline.schedule


def test_pipelines_that_deliver_or_ask_are_also_woken_by_their_own_queues_and_no_other_dag_is(seen):
    woken = {name: dag["watched"] for name, dag in seen["dags"].items() if dag["watched"]}
    assert woken == {
        pipeline.dag_id: {
            # All that Airflow stores of a trigger, and shows: no address, no secret.
            f"truc://outbox/{manifest.party}/{pipeline.dag_id}": [
                ["truc.on_airflow.OutboxTrigger", {"party": manifest.party, "operations": list(pipeline.of)}]
            ]
        }
        for manifest in parties.manifests()
        for pipeline in manifest.pipelines
        if pipeline.does in ("deliver", "ask_payments")
    }
    assert len(woken) >= 4


def test_every_operation_of_a_party_is_delivered_by_exactly_one_pipeline(seen):
    for manifest in parties.manifests():
        delivered = Counter(name for one in manifest.pipelines if one.does == "deliver" for name in one.of)
        assert delivered == Counter(operation.name for operation in manifest.operations)


def test_a_trigger_fires_at_its_start_and_for_its_own_queues_over_one_shared_connection(seen):
    portal = {"queues": ["national_portal/dossier", "national_portal/progress"]}
    sms = {"queues": ["sms/message"]}
    assert seen["heard"]["connections"] == 1
    assert seen["heard"]["fired"]["national_portal"] == [portal, portal]  # at its start, and when all began to listen
    assert set(map(str, seen["heard"]["fired"]["sms"])) == {str(sms)}
    assert 3 <= len(seen["heard"]["fired"]["sms"]) <= 5  # a thousand notifications later
    assert seen["heard"]["alone"] == sms


def test_a_dag_is_tagged_with_the_party_it_works_for(seen):
    for name, manifest in DECLARED.items():
        assert manifest.party in seen["dags"][name]["tags"]
    calling = {manifest.party for manifest in parties.manifests() if manifest.callbacks}
    assert set(seen["dags"]["payment_callbacks"]["tags"]) == {"callbacks", *calling}
    giving = {one.party for one in parties.with_capability(Capability.FETCH_STATEMENT)}
    assert set(seen["dags"]["reconcile_payments"]["tags"]) == {"reconciliation", *giving}
    assert all(dag["tags"] for dag in seen["dags"].values())


def test_reading_a_dag_file_brings_in_no_heavy_module(seen):
    assert seen["new_modules"] == {f"{name}.py": [] for name in (*OF_FILES, "parties")}


def test_airflow_takes_our_provider_and_knows_a_connection_type_for_every_party(seen):
    assert seen["provider"]["problems"] == []
    assert seen["provider"]["hooks"] == [f"truc_{party}" for party in parties.names()]


def test_airflow_masks_every_setting_that_is_a_secret(seen):
    assert set(seen["sensitive"]) >= {"momo.access_key", "momo.password", "vietinbank.private_key"}
    assert [name for name, hidden in seen["sensitive"].items() if not hidden] == []


@pytest.mark.parametrize("final", ["SetupError", "OutcomeUnknownError", "RejectedError", "MalformedError"])
def test_only_what_is_transient_reaches_the_retries(seen, final):
    assert seen["step"][final] == "airflow.AirflowFailException: because: why"


def test_work_that_a_connection_has_done_another_way_is_skipped_with_the_reason(seen):
    assert seen["step"]["not_in_use"] == "AirflowSkipException: another way"


def test_what_is_transient_or_a_bug_or_well_done_passes_as_it_is(seen):
    assert seen["step"]["TransientError"] == "truc.TransientError: why"
    assert seen["step"]["KeyError"] == "builtins.KeyError: 'bug'"
    assert seen["step"]["success"] == "done"


def test_every_run_of_the_small_day_ends_well(seen):
    runs = {name: run["state"] for name, run in seen["played"].items() if name not in ("codes", "failed while metered")}
    assert set(runs.values()) == {"success"}, runs


def test_the_catalogue_is_loaded_once(seen):
    [first] = seen["played"]["catalogue_load"]["returned"].values()
    [again] = seen["played"]["catalogue_load again"]["returned"].values()
    assert first["procedures"] == first["new_versions"] >= 60
    assert again == {"procedures": first["procedures"], "new_versions": 0}


def test_the_portal_has_what_the_status_push_delivered(seen):
    [delivered] = seen["played"]["status_push"]["returned"].values()
    assert delivered == {"sent": 3, "unreachable": 0}
    portal = seen["stand_ins"]["national_portal"].control_url
    coverage = requests.get(f"{portal}/_control/coverage", timeout=30).json()
    codes = seen["played"]["codes"]
    assert {code: str(status) for code, status in coverage.items()} == {
        codes["dossier momo"]: "4",
        codes["dossier vietinbank"]: "2",
    }


def test_a_delivery_tells_airflows_metrics_what_it_sent_and_what_waits(seen):
    ours = [line for line in seen["metrics"] if line.startswith("airflow.truc.exchange.")]
    for what in ("national_portal.dossier:2", "national_portal.progress:1", "momo.payment:1"):
        assert ours.count(f"airflow.truc.exchange.sent.{what}|c") == 1, ours
    assert "airflow.truc.exchange.waiting.national_portal.dossier:0|g" in ours
    assert "airflow.truc.exchange.oldest_waiting_s.national_portal.dossier:0.0|g" in ours
    assert not [line for line in ours if ".refused." in line or ".unknown." in line or ".set_aside." in line]


def test_the_metrics_are_told_also_by_a_delivery_that_fails(seen):
    assert seen["played"]["failed while metered"] == "on purpose"
    gauges = dict(line.removesuffix("|g").rsplit(":", 1) for line in seen["metrics"] if line.endswith("|g"))
    assert gauges["airflow.truc.exchange.waiting.sms.message"] == "1"
    assert float(gauges["airflow.truc.exchange.oldest_waiting_s.sms.message"]) > 0


def test_the_sweep_brings_into_the_journal_what_came_in_and_the_next_finds_nothing(seen):
    [first] = seen["played"]["exchange_sweep"]["returned"].values()
    [again] = seen["played"]["exchange_sweep again"]["returned"].values()
    assert first["chained"] > 0
    assert again == {"chained": 0}


def test_the_payment_request_reached_momo_only(seen):
    [delivered] = seen["played"]["payments_momo"]["returned"].values()
    assert delivered == {"sent": 1, "unreachable": 0}
    payments = requests.get(f"{seen['stand_ins']['momo'].control_url}/_control/payments", timeout=30).json()
    assert [one["reference"] for one in payments] == [seen["played"]["codes"]["momo"]]


def test_a_party_that_the_province_does_not_use_is_skipped_with_the_reason(seen):
    assert seen["ended"]["payments_national_payment"] == {"deliver": "skipped"}
    assert seen["ended"]["ask_payments_national_payment"] == {"ask_payments": "skipped"}
    assert seen["ended"]["postal_tracking"] == {"fetch": "skipped"}
    assert seen["ended"]["statement_vietcombank"] == {"fetch_day": "skipped"}
    for party in ("national_payment", "vnpost", "vietcombank"):
        assert f"{party}: this hub has no connection of that name, and no business with the party" in seen["output"]


def test_work_that_waits_for_a_party_without_connection_fails(seen):
    assert seen["ended"]["payments_nganluong"] == {"deliver": "failed"}
    assert "connection_missing: no connection 'nganluong'" in seen["output"]


def test_a_connection_that_cannot_be_read_fails_although_nothing_waits(seen):
    assert seen["ended"]["payments_vnpay"] == {"deliver": "failed"}
    assert "setting_malformed: AIRFLOW_CONN_VNPAY is not JSON" in seen["output"]


def test_the_kept_callback_is_booked_by_the_mapped_task(seen):
    booked = seen["played"]["payment_callbacks"]["returned"]
    calling = [one.party for one in parties.manifests() if one.callbacks]
    nothing = {"messages": 0, "items": 0, "set_aside": 0}
    assert booked == {
        f"book[{place}]": {"messages": 1, "items": 1, "set_aside": 0} if party == "momo" else nothing
        for place, party in enumerate(calling)
    }


def test_reconciliation_runs_once_for_every_party_with_a_statement(seen):
    returned = seen["played"]["reconcile_payments"]["returned"]
    # Vietcombank has a stand-in here, and no business with this hub.
    assert returned.pop("to_reconcile[-1]") == ["momo", "vietinbank"]
    assert set(returned) == {f"day.{task}[{place}]" for task in ("reconcile", "ask") for place in (0, 1)}
    found = [returned[f"day.reconcile[{place}]"] for place in (0, 1)]
    assert [(one["party"], one["business_on"], one["matched"], one["breaks"]) for one in found] == [
        ("momo", "2026-03-04", 1, {}),
        ("vietinbank", "2026-03-04", 0, {"state_differs": 1}),
    ]
    asked = [returned[f"day.ask[{place}]"]["subject"] for place in (0, 1)]
    assert asked == [f"Ký duyệt đối soát {party} 2026-03-04" for party in ("momo", "vietinbank")]


def test_no_secret_of_a_connection_and_nobodys_name_is_in_what_the_tasks_wrote(seen):
    written = seen["output"] + json.dumps(seen["played"])
    assert "Nguyễn Văn An" not in written
    for one in seen["stand_ins"].values():
        for secret in (one.connection["password"], one.connection.get("extra", {}).get("access_key")):
            assert not secret or secret not in written, one.party
