"""What is written to the national portal fits its schemas whatever the message, or is refused."""

import contextlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mappings.national_portal import dossier, progress
from truc.errors import MalformedError
from truc.messages import Channel, DossierReceived, Person, StatusChanged

SCHEMAS = Path(__file__).parents[3] / "schemas" / "national_portal"
DOSSIER, PROGRESS = (
    Draft202012Validator(json.loads((SCHEMAS / name).read_text(encoding="utf-8")))
    for name in ("dossier.json", "progress.json")
)
AT = datetime(2026, 11, 20, 1, 15, tzinfo=UTC)
APPLICANT = Person(name="Nguyễn Thị Thử", personal_id="056000000001")
RECEIVED = DossierReceived(
    dossier_code="H32.5-261120-0001",
    procedure_code="1.001193",
    procedure_name="Đăng ký khai sinh",
    field_code="G01-HT02",
    field_name="Hộ tịch",
    agency_code="H32.5",
    agency_name="UBND phường",
    channel=Channel.COUNTER,
    applicant=APPLICANT,
    received_at=AT,
    due_at=None,
    status=2,
)
STEP = StatusChanged(
    dossier_code="H32.5-261120-0001",
    status=4,
    changed_at=AT,
    officer_name="Trần Văn Mẫu",
    officer_title="",
    department="",
    note="",
    started_at=AT,
    due_at=None,
)
HEAD = {"session": "s", "madonvi": "H32"}  # by the client
WORDS = st.text(max_size=9) | st.text(" \n\t", max_size=3) | st.integers(40, 60).map("ợ".__mul__)
DAYS = st.integers(0, 5 * 10**9).map(lambda later_s: AT + timedelta(seconds=later_s))
PEOPLE = st.builds(
    APPLICANT.model_copy,
    update=st.fixed_dictionaries(
        {},
        optional={
            "kind": st.sampled_from(["person", "organisation", "?"]),
            "name": WORDS,
            "personal_id": WORDS | st.from_regex("[0-9]{8,13}", fullmatch=True),
            "phone": WORDS,
            "email": WORDS,
        },
    ),
)
NAMES = ("dossier_code", "portal_code", "procedure_code", "procedure_name", "field_code", "field_name", "agency_name")
TAKEN_IN = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(NAMES, WORDS)
    | {
        "channel": st.sampled_from([*Channel, "?"]),
        "applicant": PEOPLE,
        "received_at": DAYS,
        "due_at": st.none() | DAYS,
        "status": st.integers(0, 12),
    },
)
MOVED = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("dossier_code", "portal_code", "officer_name", "officer_title", "department", "note"), WORDS
    )
    | {"status": st.integers(0, 12), "changed_at": DAYS, "started_at": DAYS, "due_at": st.none() | DAYS},
)


def dossier_fits(message: DossierReceived) -> bool:
    head = HEAD | {"service": "DongBoHoSoMC", "isUpdating": "False"}
    return DOSSIER.is_valid(head | {"data": [json.loads(dossier.write(message))]})


def step_fits(message: StatusChanged) -> bool:
    head = HEAD | {"service": "CapNhatTienDoHoSoMC"}
    return PROGRESS.is_valid(head | {"data": [json.loads(progress.write(message))]})


def test_sound_messages_fit() -> None:
    assert dossier_fits(RECEIVED)
    assert step_fits(STEP)


@given(TAKEN_IN, MOVED)
def test_what_is_written_fits_the_schema_or_is_refused(taken: dict[str, object], moved: dict[str, object]) -> None:
    with contextlib.suppress(MalformedError):
        assert dossier_fits(RECEIVED.model_copy(update=taken))
    with contextlib.suppress(MalformedError):
        assert step_fits(STEP.model_copy(update=moved))
