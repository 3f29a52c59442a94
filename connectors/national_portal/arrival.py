"""Whether an earlier send arrived, judged from the portal's record of the dossier (TraCuuHoSo).

An online dossier is in the portal before we ever push it, so being found proves nothing: what
counts is our own code for a dossier, and status and time for a step.
"""

from typing import Any

from connectors.national_portal.codes import Answered
from truc.envelope import Arrival


def dossier_arrival(item: dict[str, Any], answer: Answered | None) -> Arrival:
    """ARRIVED when the record carries our code; ABSENT when there is no record or it carries none."""
    record = _record(item, answer)
    if not isinstance(record, dict):
        return record
    found, ours = record.get("SoBienNhan"), item["SoBienNhan"]
    if found == ours or (found is None and item["MaHoSo"] == ours):  # we gave it its name
        return Arrival.ARRIVED
    return Arrival.ABSENT if found == "" else Arrival.NOT_SAID


def progress_arrival(item: dict[str, Any], answer: Answered | None) -> Arrival:
    """ARRIVED when the record stands at our step; NOT_SAID when a later step hides it."""
    record = _record(item, answer)
    if not isinstance(record, dict):
        return record
    status, at = str(record.get("TrangThaiHoSo") or ""), record.get("ThoiDiemXuLy")
    if not status or not isinstance(at, str | None):
        return Arrival.NOT_SAID
    if status == item["TrangThai"] and at in (None, item["ThoiDiemXuLy"]):  # None: no time shown
        return Arrival.ARRIVED
    # yyyyMMddHHmmss sorts as time does; "" means no step yet. Our steps of one dossier go in order, so a
    # step that is not later than this one was sent before it.
    return Arrival.ABSENT if (at or "") <= item["ThoiDiemXuLy"] else Arrival.NOT_SAID


def _record(item: dict[str, Any], answer: Answered | None) -> dict[str, Any] | Arrival:
    records = None if answer is None else answer.value.get("result")
    if not isinstance(records, list):
        return Arrival.NOT_SAID
    if not records:
        return Arrival.ABSENT
    named = [one for one in records if isinstance(one, dict) and one.get("MaHoSo") == item["MaHoSo"]]
    return named[0] if len(named) == 1 else Arrival.NOT_SAID
