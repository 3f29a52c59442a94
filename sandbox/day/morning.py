"""The morning: reference data, dossiers at the counters, dossiers from the portal, and what cannot be taken in."""

from typing import Any

from sandbox.day import notices
from sandbox.day.one_stop import dossier_item, in_lanes
from sandbox.day.plan import Dossier
from sandbox.day.stage import Stage
from truc.domain.calendar import BUSINESS_ZONE

SINGLY = 10  # some are handed over as they come, not in a batch
BAD_ITEMS = {"malformed_date": 1, "unknown_procedure": 1, "unknown_status": 1}  # reason → how many, see bad_items
KINDS = {"person": "1", "organisation": "2"}


def load_catalogue(stage: Stage) -> None:
    """Bring procedures, agencies and the working calendar into the core."""
    stage.run("catalogue_load")


def hand_over_counter_dossiers(stage: Stage) -> None:
    """Hand over what came at the counters and by post; one of an unknown procedure is answered as such."""
    items = [dossier_item(one) for one in stage.plan.dossiers if not one.online]
    # The agency first: the hub gives out codes under a lock per agency and day.
    lanes = in_lanes([(item["agency_code"], item) for item in items[SINGLY:]])
    answers = stage.one_stop.lanes("dossiers", lanes)
    for item in items[:SINGLY]:
        answers.add(stage.one_stop.one("dossiers", item))
    unknown = {**items[0], "reference": f"{items[0]['reference']}-X", "procedure_code": "9.999999"}
    answers.add(stage.one_stop.one("dossiers", unknown))
    stage.answers["dossiers"] = answers
    taken = answers.outcomes["booked"] + answers.outcomes["known"]
    stage.expect("counter dossiers taken in", len(items), taken, stage.log("gateway"))
    stage.expect("counter dossiers rejected", {"unknown_procedure": 1}, dict(answers.reasons), stage.log("gateway"))
    stage.progress.say(f"{taken:,} hồ sơ tại quầy · dossiers at counters and by post")
    notices.say_wishes(stage)


def take_in_online_dossiers(stage: Stage) -> None:
    """Let citizens submit on the portal, three of them something unreadable, and fetch what came."""
    items = [portal_item(one) for one in stage.plan.today if one.online]
    stage.partners["national_portal"].tell("submit", items + bad_items(items[0]))
    stage.run("dossier_intake")
    note_bad_items(stage)
    query = "SELECT count(*) FROM dossiers WHERE channel = 'online' AND source_reference LIKE :name"
    found = stage.number(query, name=f"%-{stage.plan.name}-%")
    stage.expect("online dossiers taken in", len(items), found, "dossier_intake")
    stage.progress.say(f"{found:,} hồ sơ trực tuyến · online dossiers from the portal")


def note_bad_items(stage: Stage) -> None:
    """Hold that each of the three was set aside for its own reason; only then were they met."""
    found = stage.aside("national_portal", f"%-{stage.plan.name}-%-X_")
    stage.expect("unreadable portal dossiers, by reason", BAD_ITEMS, found, "dossier_intake")
    stage.meet("bad_portal_items", found if found == BAD_ITEMS else {})


def portal_item(one: Dossier) -> dict[str, Any]:
    """Return a dossier in the form the portal lists it (domain/egov.md 1.3)."""
    applicant = one.applicant
    person = applicant.kind == "person"
    return {
        "MaHoSo": one.reference,
        "MaTTHC": one.procedure_code,
        "MaCoQuanThucHien": one.agency_code,
        "LoaiDoiTuong": KINDS[applicant.kind],
        "ChuHoSo": applicant.name,
        "SoGiayToChuHoSo": applicant.personal_id,
        "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": applicant.personal_id}] if person else [],
        "SoDienThoai": applicant.phone,
        "Email": applicant.email,
        "DiaChi": applicant.address,
        "MaTinhThanh": applicant.province_code,
        "NgayNopHoSo": f"{one.received_at.astimezone(BUSINESS_ZONE):%Y%m%d%H%M%S}",
        "HinhThuc": "1" if one.wants_postal_return else "0",
        "DangKyNhanSMS": "1" if one.wants_sms else "0",
    }


def bad_items(like: dict[str, Any]) -> list[dict[str, Any]]:
    """Return three dossiers nobody can take in: no readable time, an unknown procedure, an unknown status."""
    wrong = ({"NgayNopHoSo": "sáng nay"}, {"MaTTHC": "9.999999"}, {"TrangThaiHoSo": "77"})
    return [like | one | {"MaHoSo": f"{like['MaHoSo']}-X{number}"} for number, one in enumerate(wrong, start=1)]
