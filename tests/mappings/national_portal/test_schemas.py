"""What we write and what we were given fit the schemas we keep."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mappings.national_portal import dossier, progress
from truc.messages import Channel, DossierReceived, Person, StatusChanged

SCHEMAS = Path(__file__).parents[3] / "schemas" / "national_portal"
SAMPLES = Path(__file__).parent / "samples"
AT = datetime(2026, 11, 20, 1, 15, tzinfo=UTC)
HEAD = {"session": "s", "madonvi": "H32"}


def schema(name: str) -> Any:
    return json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))


def received(**changed: Any) -> DossierReceived:
    values: dict[str, Any] = {
        "dossier_code": "H32.5-261120-0001", "procedure_code": "1.001193", "procedure_name": "Đăng ký khai sinh",
        "field_code": "G01-HT02", "field_name": "Hộ tịch", "agency_code": "H32.5", "agency_name": "UBND phường",
        "channel": Channel.COUNTER, "applicant": Person(name="Nguyễn Thị Thử"), "received_at": AT,
        "due_at": None, "status": 2,
    }  # fmt: skip
    return DossierReceived(**(values | changed))


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.stem)
def test_every_schema_is_one(path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "message",
    [
        received(),
        received(portal_code="G22.99-261120-0007", channel=Channel.ONLINE, due_at=AT),
        received(channel=Channel.POST, applicant=Person(name="Lê Ước", personal_id="056000000001")),
        received(applicant=Person(kind="organisation", name="Công ty Thử", personal_id="4200000000")),
    ],
)
def test_a_written_dossier_fits(message: DossierReceived) -> None:
    item = json.loads(dossier.write(message))
    whole = HEAD | {"service": "DongBoHoSoMC", "isUpdating": "False", "data": [item]}
    jsonschema.validate(whole, schema("dossier"))


def test_a_written_step_fits() -> None:
    message = StatusChanged(
        dossier_code="H32.5-261120-0001", status=4, changed_at=AT, officer_name="Trần Văn Mẫu", officer_title="",
        department="", note="", started_at=AT, due_at=None,
    )  # fmt: skip
    item = json.loads(progress.write(message))
    jsonschema.validate(HEAD | {"service": "CapNhatTienDoHoSoMC", "data": [item]}, schema("progress"))


def test_the_sample_page_fits() -> None:
    page = json.loads((SAMPLES / "online_dossiers.json").read_text(encoding="utf-8"))
    jsonschema.validate(page, schema("online_dossiers"))


def test_a_step_with_an_unknown_status_does_not_fit() -> None:
    item = dict.fromkeys(schema("progress")["properties"]["data"]["items"]["required"], "")
    item |= {"MaHoSo": "x", "ThoiDiemXuLy": "20261120081500", "TrangThai": "11"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(HEAD | {"service": "CapNhatTienDoHoSoMC", "data": [item]}, schema("progress"))
