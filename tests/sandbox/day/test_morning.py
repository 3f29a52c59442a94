"""What citizens send on the portal is read as it was planned; the three bad ones are not."""

import json
import unicodedata
from datetime import date

from mappings.national_portal.online_dossiers import read
from sandbox.day.generate import generate
from sandbox.day.morning import bad_items, portal_item
from truc.messages import OnlineDossier, Unreadable

PLAN = generate(date(2026, 11, 20), dossiers=300, seed=4)
ONLINE = [one for one in PLAN.today if one.online]


def _listed(items: list[dict[str, object]]) -> list[object]:
    listed = [{"TrangThaiHoSo": "1", "KenhThucHien": "2"} | item for item in items]
    return list(read(json.dumps({"result": listed}).encode()))


def test_every_online_dossier_is_read_as_it_was_planned():
    for planned, found in zip(ONLINE, _listed([portal_item(one) for one in ONLINE]), strict=True):
        assert isinstance(found, OnlineDossier)
        assert found.portal_code == planned.reference
        assert found.submitted_at == planned.received_at
        assert found.applicant.name == unicodedata.normalize("NFC", planned.applicant.name)
        assert found.applicant.personal_id == planned.applicant.personal_id
        assert (found.wants_sms, found.wants_postal_return) == (planned.wants_sms, planned.wants_postal_return)


def test_the_bad_ones_are_unreadable_but_for_the_procedure_that_only_the_core_can_miss():
    no_time, unknown_procedure, unknown_status = _listed(bad_items(portal_item(ONLINE[0])))
    assert isinstance(no_time, Unreadable)
    assert no_time.reason == "malformed_date"
    assert isinstance(unknown_procedure, OnlineDossier)
    assert isinstance(unknown_status, Unreadable)
    assert unknown_status.reason == "unknown_status"
