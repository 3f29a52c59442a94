"""A small business day through real Airflow, real PostgreSQL and real sockets; then the same day once more."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from truc.ground.processes import survivors

ROOT = Path(__file__).parents[2]
DOSSIERS = 150


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], dict[str, Any]]:
    """The folder of an installation of its own, and the summaries of the first and the second run."""
    var = tmp_path_factory.mktemp("day") / "var"
    return var, _played(var), _played(var)


def _played(var: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "truc.cli", "day", "play", "--dossiers", str(DOSSIERS)]
    where = {"TRUC_HOME": str(ROOT), "TRUC_VAR": str(var), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **where}, capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    kept = {path.name: path.read_text(encoding="utf-8").strip() for path in (var / "secrets").glob("airflow_*")}
    assert "airflow_admin" in kept
    assert [name for name, secret in kept.items() if secret in done.stdout + done.stderr] == []
    return dict(json.loads((var / "day" / "summary.json").read_text(encoding="utf-8")))


pytestmark = [pytest.mark.day, pytest.mark.timeout(900)]


def test_everything_came_as_expected_both_times(days):
    _, first, second = days
    for run in (first, second):
        assert run["verdict"] == "ok"
        assert all(one["holds"] for one in run["expectations"])


def test_every_dossier_and_every_move_is_at_the_portal(days):
    _, first, _ = days
    assert first["dossiers"]["received"] == DOSSIERS
    assert first["statuses"]["coverage_pct"] == 100
    assert first["statuses"]["changed"] == first["statuses"]["at_partner"] > DOSSIERS


def test_nothing_is_lost_or_doubled_and_what_is_set_aside_has_its_reason(days):
    _, first, _ = days
    exchange = first["exchange"]
    assert (exchange["lost"], exchange["doubled"], exchange["unexplained"], exchange["waiting"]) == (0, 0, 0, 0)
    assert exchange["set_aside"] == sum(exchange["set_aside_reasons"].values()) > 0
    assert {"momo.bad_signature", "momo.amount_differs", "vietinbank.control_total_differs"} <= set(
        exchange["set_aside_reasons"]
    )


def test_citizens_pay_through_six_channels_and_every_payment_is_in_a_known_state(days):
    _, first, _ = days
    channels = first["payments"]["by_channel"]
    assert set(channels) == {"momo", "vnpay", "viettelpay", "vnptpay", "national_payment", "vietinbank"}
    assert all(one["count"] and one["amount_vnd"] for one in channels.values())
    for one in channels.values():
        assert sum(one["states"].values()) == one["requested"]
        assert set(one["states"]) <= {"paid", "failed", "expired"}  # whoever could not say so was asked
    assert sum(one["count"] for one in channels.values()) == first["payments"]["count"] == first["payments"]["receipts"]
    assert {"paid", "failed", "expired"} == set(first["payments"]["states"])


def test_a_payment_whose_callback_was_lost_is_found_by_asking_its_partner(days):
    _, first, _ = days
    assert first["payments"]["found_by_asking"] == {"momo": 1, "viettelpay": 1, "vnpay": 1}
    for party in ("momo", "viettelpay", "vnpay"):
        assert first["faults"]["troubles"][f"{party}_callback_lost"] == {"misbehaved": 1, "seen": 0}


def test_the_three_planted_breaks_are_found_with_their_class_and_amount(days):
    _, first, _ = days
    found = first["reconciliation"]
    assert found["breaks"] == {"amount_differs": 1, "missing_at_partner": 1, "state_differs": 1}
    assert found["difference_vnd"] == sum(found["breaks_vnd"].values())
    channels = first["payments"]["by_channel"]
    assert found["matched"] == channels["momo"]["count"] + channels["vietinbank"]["count"] - 2
    assert set(found["by_channel"]) == {"momo", "vietinbank"}
    assert found["by_channel"]["vietinbank"]["breaks"] == {"amount_differs": 1}
    assert sum(one["with_receipt"] for one in found["by_channel"].values()) == found["matched"] + 2


def test_a_clerk_and_an_approver_sign_the_banks_day_and_the_wallets_is_left_for_the_visitor(days):
    var, first, _ = days
    assert first["finance"]["signing"] == {
        "vietinbank": {"state": "signed", "prepared_by": "clerk", "signed_by": "approver"},
        "momo": {"state": "open", "prepared_by": "", "signed_by": ""},
    }
    held = {one["name"]: one["found"] for one in first["expectations"]}
    assert held["a clerk signs the day"] == 403
    assert held["vietinbank: the run signs"] == "success"
    assert held["momo: waits for the visitor"] == "awaiting_input"
    for file in first["finance"]["passwords"].values():
        assert Path(file).is_relative_to(var)
        assert Path(file).stat().st_mode & 0o777 == 0o600


def test_two_agencies_are_remitted_to_and_what_is_left_has_its_reason(days):
    _, first, _ = days
    found = first["remittance"]
    assert (found["orders"], found["states"]) == (2, {"confirmed": 1, "refused": 1})
    why = {reason.partition(":")[0] for reasons in found["left"].values() for reason in reasons}
    assert {"not_paid_over", "no_treasury_account", "order_refused", "paid_over_too_much"} <= why
    assert not [account for account in found["left"] if account.startswith("remitting:")]


def test_every_planted_trouble_was_met(days):
    _, first, _ = days
    troubles = first["faults"]["troubles"]
    assert troubles["portal_outage"]["waiting"] > DOSSIERS
    for name in ("national_portal_DongBoHoSoMC", "national_portal_CapNhatTienDoHoSoMC", "momo_create", "vnpost_order"):
        calls = troubles[f"{name}_drop_after_error_after"]
        assert len(calls) == 2
        assert all(calls.values())
    assert troubles["momo_callback_twice"] == {"misbehaved": 1, "seen": 2}


def test_the_second_run_adds_nothing_and_its_figures_are_the_first_ones(days):
    _, first, second = days
    assert second["second_run"] == {"added": 0, "where": {}}
    parts = ("dossiers", "statuses", "shipments", "payments", "reconciliation", "finance", "remittance", "notices")
    for part in (*parts, "exchange"):
        assert second[part] == first[part]


def test_no_process_is_left(days):
    var, _, _ = days
    assert survivors(var / "run") == []
    assert not [one for one in psutil.process_iter() if str(var) in " ".join(_command(one))]


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
