"""What a report sums up: exactly, in the order in which people read it."""

from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest

from tests.truc.reconcile.report.days import a_break, a_day, a_match, day_report
from truc.reconcile.reading.breaks import BUCKETS
from truc.reconcile.report.contents import buckets_of, magnitude, total
from truc.reconcile.report.names import file_name


def test_sums_beyond_64_bits_are_exact() -> None:
    day = day_report([a_match(number, 2**63 - 1) for number in range(3)], [])
    assert total(day.matches, "core_vnd") == 3 * (2**63 - 1)
    assert day.rules()[0].core_vnd == 3 * (2**63 - 1)
    assert day.matched_vnd() == 3 * (2**63 - 1)


def test_a_sum_of_nothing_is_nothing() -> None:
    day = day_report([], [])
    assert (total(day.matches, "core_vnd"), day.rules(), day.classes(), day.ages()) == (0, [], [], [])


def test_magnitude_is_what_no_partial_sum_exceeds() -> None:
    day = day_report([], [a_break(1, "amount_differs", 5, 9), a_break(2, "amount_differs", 9, 5)])
    assert (total(day.breaks, "difference_vnd"), magnitude(day.breaks, "difference_vnd")) == (0, 8)


def test_classes_and_rules_stand_in_the_order_of_their_words() -> None:
    day = a_day()
    assert [line.break_class for line in day.classes()] == [
        "missing_at_partner",
        "missing_in_core",
        "amount_differs",
        "refund_unmatched",
        "timing",
        "unreadable",
    ]
    assert [line.rule for line in day.rules()] == ["exact_reference", "exact_reference/split", "batch"]


def test_receipts_of_the_same_payments_are_not_counted_once_more() -> None:
    day = day_report([a_match(1, 7_000), a_match(1, 7_000, leg="receipts"), a_match(2, 500, leg="return")], [])
    assert day.matched_vnd() == 7_500


@pytest.mark.parametrize(
    ("age", "key"),
    [(-1, "0-1"), (0, "0-1"), (1, "0-1"), (2, "2-3"), (7, "4-7"), (8, "8-30"), (30, "8-30"), (31, ">30")],
)
def test_an_age_falls_under_one_group(age: int, key: str) -> None:
    assert buckets_of(pa.chunked_array([[age]])).to_pylist() == [key]
    first, last = BUCKETS[key]
    assert first <= max(age, 0) <= (age if last is None else last)


def test_what_is_carried_forward_is_by_class_and_age() -> None:
    lines = {(line.break_class, line.bucket): (line.breaks, line.at_risk_vnd) for line in a_day().ages()}
    assert lines["timing", "2-3"] == (1, 45_001)
    assert lines["unreadable", ">30"] == (1, 0)
    assert ("refund_unmatched", "0-1") not in lines  # it is resolved


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "doi-soat_momo_2026-11-20_v2.xlsx"),
        ({"parties": ("momo", "vnpay")}, "doi-soat_2-doi-tac_2026-11-20_v2.xlsx"),
        ({"first_on": date(2026, 11, 1)}, "doi-soat_momo_2026-11-01--2026-11-20_v2.xlsx"),
        ({"first_on": None, "last_on": None}, "doi-soat_momo_khong-ngay_v2.xlsx"),
        ({"parties": ("../../etc/x",)}, "doi-soat_etc-x_2026-11-20_v2.xlsx"),
        ({"parties": ("Ví",)}, "doi-soat_V_2026-11-20_v2.xlsx"),
        ({"parties": ("ñ",)}, "doi-soat_doi-tac_2026-11-20_v2.xlsx"),
    ],
)
def test_a_file_is_called_by_party_day_and_version(changes: dict[str, object], name: str) -> None:
    assert file_name(replace(a_day(), **changes), ".xlsx") == name  # type: ignore[arg-type]
