"""Dossiers and progress reach the portal once, whatever it answers."""

import json

import pytest

from connectors.national_portal.client import Client
from connectors.national_portal.codes import RESULTS
from truc.envelope import Arrival, Outgoing
from truc.errors import OutcomeUnknownError, RejectedError, TransientError, TrucError

from .conftest import Portal

CODE = "H32.5-261120-0001"
ITEM = {
    "MaHoSo": CODE,
    "SoBienNhan": CODE,
    "MaTTHC": "1.001193",
    "TenTTHC": "Đăng ký khai sinh",
    "MaLinhVuc": "G01-HT02",
    "TenLinhVuc": "Hộ tịch",
    "TrichYeuHoSo": "Đăng ký khai sinh",
    "DonViXuLy": "UBND phường Nha Trang",
    "ChuHoSo": "Nguyễn Thị Thử",
    "LoaiDoiTuong": "1",
    "DinhDanhCHS": [],
    "NgayTiepNhan": "20261120081500",
    "NgayHenTra": "",
    "TrangThaiHoSo": "2",
    "KenhThucHien": "1",
}
NO_EFFECT = {
    "refuse": OutcomeUnknownError,
    "unavailable": TransientError,
    "silent_before": OutcomeUnknownError,
    "error_before": OutcomeUnknownError,
}
WITH_EFFECT = ("silent_after", "drop_after", "error_after", "garbage", "truncated", "huge")


def dossier(**changed: object) -> Outgoing:
    return Outgoing("dossier-1", CODE, json.dumps(ITEM | changed, ensure_ascii=False).encode())


def step(status: str = "4", at: str = "20261120093000", code: str = CODE) -> Outgoing:
    item = {"MaHoSo": code, "NguoiXuLy": "Trần Văn Mẫu", "ThoiDiemXuLy": at, "TrangThai": status}
    return Outgoing(f"step-{status}-{at}", CODE, json.dumps(item, ensure_ascii=False).encode())


def test_a_dossier_and_its_steps_stand_at_the_portal(client: Client, portal: Portal) -> None:
    client.send_dossier(dossier())
    client.send_progress(step("4"))
    client.send_progress(step("9", "20261120101500"))
    assert portal.said("coverage") == {CODE: "9"}
    assert portal.times("DongBoHoSoMC") == {CODE: 1}
    assert [key for key, _ in portal.said("order?operation=CapNhatTienDoHoSoMC")] == [CODE, CODE]


def test_vietnamese_text_arrives_letter_by_letter(client: Client, portal: Portal) -> None:
    client.send_dossier(dossier())
    assert portal.said("effects?operation=DongBoHoSoMC")[0]["data"] == ITEM


def test_the_same_dossier_twice_is_one_national_record_updated(client: Client, portal: Portal) -> None:
    client.send_dossier(dossier())
    client.send_dossier(dossier(TrichYeuHoSo="Khai sinh quá hạn"))
    assert portal.times("DongBoHoSoMC") == {CODE: 1}
    assert json.loads(client.get_dossier(CODE))["result"][0]["TrichYeuHoSo"] == "Khai sinh quá hạn"


@pytest.mark.parametrize("exists", ["3", "-3", 3, -3])
def test_exists_as_text_or_number_becomes_an_update(client: Client, portal: Portal, exists: object) -> None:
    client.send_dossier(dossier())
    portal.tell("codes", {"exists": exists})
    client.send_dossier(dossier(GhiChu="lần hai"))
    assert json.loads(client.get_dossier(CODE))["result"][0]["GhiChu"] == "lần hai"


@pytest.mark.parametrize("ok", ["0", 0, "00", " 0 "])
def test_success_is_a_code_not_a_word(client: Client, portal: Portal, ok: object) -> None:
    portal.tell("codes", {"ok": ok})
    client.send_dossier(dossier())
    assert portal.times("DongBoHoSoMC") == {CODE: 1}


def test_a_known_refusal_is_one_and_carries_its_code(client: Client, portal: Portal) -> None:
    portal.tell("codes", {"next": {"DongBoHoSoMC": "-1"}})
    with pytest.raises(RejectedError) as refused:
        client.send_dossier(dossier())
    assert (refused.value.reason, refused.value.code) == ("result_refused", "-1")
    assert portal.times("DongBoHoSoMC") == {}


@pytest.mark.parametrize("code", ["77", -5])
def test_a_code_nobody_documented_is_asked_about_and_not_guessed_at(
    client: Client, portal: Portal, code: object
) -> None:
    portal.tell("codes", {"ok": code})
    with pytest.raises(OutcomeUnknownError, match=str(code)) as unknown:
        client.send_dossier(dossier())
    assert unknown.value.reason == "unknown_result_code"
    assert client.ask_dossier(dossier()).arrival is Arrival.ARRIVED
    with pytest.raises(OutcomeUnknownError):
        client.send_progress(step())
    assert client.ask_progress(step()).arrival is Arrival.ARRIVED


def test_exists_again_after_the_update_is_a_refusal_not_a_loop(client: Client, portal: Portal) -> None:
    portal.tell("codes", {"next": {"CapNhatTienDoHoSoMC": "3"}})
    with pytest.raises(RejectedError) as refused:
        client.send_progress(step())
    assert refused.value.reason == "result_exists"


@pytest.mark.parametrize("code", [None, True, 0.0, {"a": 1}, "Thành công"])
def test_an_answer_without_a_readable_code_is_an_unknown_outcome(client: Client, portal: Portal, code: object) -> None:
    portal.tell("codes", {"ok": code})
    with pytest.raises(OutcomeUnknownError):
        client.send_dossier(dossier())


def test_every_documented_code_has_a_meaning() -> None:
    assert set(RESULTS) == {"0", "00", "3", "-3", "-1"}


def test_a_step_of_a_dossier_the_portal_does_not_have_is_refused(client: Client, portal: Portal) -> None:
    with pytest.raises(RejectedError) as refused:
        client.send_progress(step())
    assert refused.value.code == "-1"
    assert portal.times("CapNhatTienDoHoSoMC") == {}


@pytest.mark.parametrize("mode", NO_EFFECT)
def test_a_failure_before_the_effect_is_found_absent(client: Client, portal: Portal, mode: str) -> None:
    portal.fault("DongBoHoSoMC", mode)
    with pytest.raises(NO_EFFECT[mode]):
        client.send_dossier(dossier())
    assert client.ask_dossier(dossier()).arrival is Arrival.ABSENT
    assert portal.times("DongBoHoSoMC") == {}


@pytest.mark.parametrize("mode", WITH_EFFECT)
def test_a_failure_after_the_effect_is_found_arrived(client: Client, portal: Portal, mode: str) -> None:
    portal.fault("DongBoHoSoMC", mode)
    with pytest.raises(OutcomeUnknownError):
        client.send_dossier(dossier())
    asked = client.ask_dossier(dossier())
    assert asked.arrival is Arrival.ARRIVED
    assert asked.receipt is not None
    assert portal.times("DongBoHoSoMC") == {CODE: 1}


@pytest.mark.parametrize("mode", NO_EFFECT)
def test_a_step_lost_before_the_effect_is_found_absent(client: Client, portal: Portal, mode: str) -> None:
    client.send_dossier(dossier())
    client.send_progress(step("4"))
    portal.fault("CapNhatTienDoHoSoMC", mode)
    later = step("5", "20261120100000")
    with pytest.raises(NO_EFFECT[mode]):
        client.send_progress(later)
    assert client.ask_progress(later).arrival is Arrival.ABSENT


@pytest.mark.parametrize("mode", WITH_EFFECT)
def test_a_step_lost_after_the_effect_is_found_arrived(client: Client, portal: Portal, mode: str) -> None:
    client.send_dossier(dossier())
    portal.fault("CapNhatTienDoHoSoMC", mode)
    with pytest.raises(OutcomeUnknownError):
        client.send_progress(step())
    assert client.ask_progress(step()).arrival is Arrival.ARRIVED
    assert set(portal.times("CapNhatTienDoHoSoMC").values()) == {1}


def test_the_stand_in_counts_a_step_sent_twice_as_a_double(client: Client, portal: Portal) -> None:
    client.send_dossier(dossier())
    client.send_progress(step())
    client.send_progress(step())
    assert list(portal.times("CapNhatTienDoHoSoMC").values()) == [2]


def test_the_second_4_after_a_supplement_is_not_taken_for_the_first(client: Client, portal: Portal) -> None:
    client.send_dossier(dossier())
    client.send_progress(step("4", "20261120090000"))
    assert client.ask_progress(step("4", "20261120110000")).arrival is Arrival.ABSENT


def test_a_later_step_of_somebody_else_leaves_it_unsaid(client: Client) -> None:
    client.send_dossier(dossier())
    client.send_progress(step("7", "20261120120000"))
    assert client.ask_progress(step("4", "20261120110000")).arrival is Arrival.NOT_SAID


def test_an_online_dossier_found_without_our_code_has_not_arrived(client: Client, portal: Portal) -> None:
    portal.tell("submit", [{"MaHoSo": "G22.99-261120-0007", "MaTTHC": "1.001193"}])
    ours = dossier(MaHoSo="G22.99-261120-0007")
    assert client.ask_dossier(ours).arrival is Arrival.ABSENT
    client.send_dossier(ours)
    assert client.ask_dossier(ours).arrival is Arrival.ARRIVED
    assert portal.times("DongBoHoSoMC") == {"G22.99-261120-0007": 1}


def test_an_online_dossier_under_another_local_code_is_for_a_person(client: Client, portal: Portal) -> None:
    portal.tell("submit", [{"MaHoSo": "G22.99-261120-0007", "SoBienNhan": "H32.5-261120-9999"}])
    assert client.ask_dossier(dossier(MaHoSo="G22.99-261120-0007")).arrival is Arrival.NOT_SAID


@pytest.mark.parametrize("mode", ["garbage", "huge"])
def test_an_unreadable_look_up_says_nothing(client: Client, portal: Portal, mode: str) -> None:
    client.send_dossier(dossier())
    portal.fault("TraCuuHoSo", mode)
    assert client.ask_dossier(dossier()).arrival is Arrival.NOT_SAID


@pytest.mark.parametrize("mode", ["refuse", "silent_before", "silent_after", "error_after", "truncated"])
def test_a_look_up_that_fails_may_be_asked_again(client: Client, portal: Portal, mode: str) -> None:
    portal.fault("TraCuuHoSo", mode)
    with pytest.raises(TransientError):
        client.ask_dossier(dossier())


def test_a_look_up_refused_by_code_says_nothing(client: Client, portal: Portal) -> None:
    portal.tell("codes", {"next": {"TraCuuHoSo": "-1"}})
    assert client.ask_progress(step()).arrival is Arrival.NOT_SAID


def test_no_failure_tells_secrets_or_personal_data(client: Client, portal: Portal) -> None:
    for mode in (*NO_EFFECT, *WITH_EFFECT):
        portal.fault("DongBoHoSoMC", mode)
        with pytest.raises(TrucError) as failed:
            client.send_dossier(dossier())
        told = f"{failed.value} {failed.value.__cause__}"
        assert "Nguyễn" not in told
        assert "sandbox-only-not-a-secret" not in told
