"""The verdict fails when anything is not as expected, and the second run's additions are counted both ways."""

import pytest
from rich.console import Console

from sandbox.day.stage import Expectation
from sandbox.day.summary import TROUBLES, _percent, added, expect_coverage, planted_reasons, totals, unmet, verdict
from sandbox.day.table import show

SUMMARY = {
    "day": "2026-11-20",
    "dossiers": {"received": 1977, "online": 378, "online_pct": 19.12, "finished": 1365, "on_time_pct": 96.34},
    "statuses": {"changed": 4246, "at_partner": 4246, "coverage_pct": 100.0},
    "shipments": {"ordered": 154, "at_partner": 154},
    "payments": {
        "count": 2,
        "amount_vnd": 208_000,
        "by_channel": {
            "momo": {"count": 2, "amount_vnd": 208_000, "requested": 3, "states": {"expired": 1, "paid": 2}}
        },
        "found_by_asking": {"momo": 1},
    },
    "reconciliation": {
        "matched": 1,
        "breaks": {"amount_differs": 1},
        "difference_vnd": -5_000,
        "gross_vnd": 9_000,
        "by_channel": {"momo": {"matched": 1, "with_receipt": 2, "breaks": {"amount_differs": 1}}},
    },
    "finance": {
        "signing": {"momo": {"state": "open", "prepared_by": "", "signed_by": ""}},
        "console": "http://127.0.0.1:1/truc/",
        "passwords": {"clerk": "var/secrets/airflow_clerk"},
    },
    "remittance": {"orders": 2, "amount_vnd": 135_000, "states": {"confirmed": 1, "refused": 1}, "left": {}},
    "notices": {"sent": 956, "at_partner": 956},
    "exchange": {"lost": 0, "doubled": 0, "set_aside": 9},
    "faults": {"met": 12},
    "seconds": 171.2,
    "phase_seconds": {"start": 34.0},
}


def test_the_verdict_is_ok_when_everything_holds():
    assert verdict([Expectation("dossiers", 2, 2), Expectation("breaks", {"a": 1}, {"a": 1})]) == "ok"


@pytest.mark.parametrize("found", [1, 3, "2", None])
def test_one_thing_that_does_not_hold_spoils_the_verdict(found):
    assert verdict([Expectation("lost", 0, 0), Expectation("dossiers", 2, found)]) != "ok"


def test_a_second_run_that_adds_nothing_says_so():
    assert added({"core.dossiers": 5}, {"core.dossiers": 5}) == {"added": 0, "where": {}}


def test_rows_that_come_and_rows_that_go_do_not_cancel_out():
    found = added({"core.dossiers": 5, "core.payments": 2}, {"core.dossiers": 6, "core.payments": 1, "sms.message": 0})
    assert found == {"added": 2, "where": {"core.dossiers": 1, "core.payments": -1}}


def test_only_troubles_that_were_met_leave_something_set_aside():
    assert planted_reasons({}) == {}
    troubles = {"wrong_control_total": 1, "momo_create_drop_after_error_after": {"create:drop_after": 1, "b": 1}}
    assert planted_reasons(troubles) == {
        "momo.pay_url_not_given": 2,
        "vietinbank.control_total_differs": 1,
        "vietinbank.same_id_other_bytes": 1,
    }


def test_every_planted_trouble_without_evidence_is_named():
    assert unmet({}) == sorted(TROUBLES)
    all_met = dict.fromkeys(TROUBLES, 1)
    assert unmet(all_met) == []
    assert unmet({**all_met, "portal_outage": {}}) == ["portal_outage"]
    assert unmet({name: 1 for name in TROUBLES if name != "vnpay_callback_lost"}) == ["vnpay_callback_lost"]


def test_one_dossier_of_very_many_that_stands_otherwise_spoils_the_verdict(stage):
    summary = {"statuses": {"dossiers_standing_the_same": 999_999}, "dossiers": {"in_core": 1_000_000}}
    expect_coverage(stage, summary)
    assert verdict(stage.expectations) != "ok"
    assert _percent(999_999, 1_000_000) < 100


def test_breaks_that_cancel_out_are_not_hidden():
    assert totals([5_000, -5_000]) == {"difference_vnd": 0, "gross_vnd": 10_000}


def test_the_table_shows_amounts_as_citizens_read_them():
    text = _printed([])
    assert "208.000 ₫" in text
    assert "-5.000 ₫" in text


def test_the_table_shows_in_which_states_a_channels_payments_stand():
    text = _printed([])
    assert "expired 1" in text
    assert "paid 2" in text
    assert "known by asking only" in text


def test_the_table_says_what_waits_for_the_visitor_and_where_and_who_signed_the_rest():
    text = _printed([])
    assert "Lệch số tiền 1" in text
    assert "http://127.0.0.1:1/truc/days/momo/2026-11-20" in text
    assert "var/secrets/airflow_clerk" in text
    signed = {"momo": {"state": "signed", "prepared_by": "lan", "signed_by": "minh"}}
    text = _printed([], finance={**SUMMARY["finance"], "signing": signed})
    assert "lan trình, minh ký" in text
    assert "make serve" not in text


def test_the_table_names_what_does_not_hold_and_where_to_look():
    text = _printed([Expectation("parcels", 2, 1, "var/log/sandbox.log")])
    assert "parcels" in text
    assert "2 → 1" in text
    assert "var/log/sandbox.log" in text


def _printed(expectations: list[Expectation], **otherwise: object) -> str:
    console = Console(width=120, record=True, quiet=False, force_terminal=False)
    with console.capture() as captured:
        show(console, {**SUMMARY, **otherwise}, expectations)
    return captured.get()
