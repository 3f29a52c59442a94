"""What tests of several rooms send: messages to publish, a page of the portal's list, an officer's change of status."""

import json
from datetime import UTC, date, datetime, timedelta

from truc.domain.procedure import Channel
from truc.messages import (
    DossierReceived,
    NoticeDue,
    NoticeFacts,
    PaymentRequested,
    Person,
    PostalCancelled,
    PostalRequested,
    RemittanceOrdered,
    StatusChanged,
)
from truc.services.dossiers import StatusChange

MORNING = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)  # a Wednesday, 9:00 in Vietnam
CITIZEN = Person(
    name="Phạm Thị Hòa",
    personal_id="056111222333",
    phone="0905111222",
    address="7 Lê Lợi, Nha Trang",
    province_code="56",
)


def page(*items: object) -> bytes:
    """A page of the portal's list of online dossiers."""
    return json.dumps({"error_code": 0, "result": items}, ensure_ascii=False).encode()


def online(portal_code: str, **changes: str) -> dict[str, str]:
    """One dossier of such a page, at the counter in the test procedure."""
    return {
        "MaHoSo": portal_code,
        "MaTTHC": "9.000001",
        "MaCoQuanThucHien": "H32.01",
        "ChuHoSo": "Nguyễn Văn An",
        "LoaiDoiTuong": "1",
        "SoDienThoai": "0905000111",
        "DiaChi": "1 Hùng Vương",
        "MaTinhThanh": "56",
        "NgayNopHoSo": "20260304090000",
        "TrangThaiHoSo": "1",
        "KenhThucHien": "2",
        "HinhThuc": "0",
        "DangKyNhanSMS": "0",
        **changes,
    }


def wish(code: str, status: int, hours: float) -> StatusChange:
    """An officer's wish to move a dossier, so many hours after MORNING."""
    return StatusChange(
        dossier_code=code,
        status=status,
        changed_at=MORNING + timedelta(hours=hours),
        officer_name="Trần Văn Bình",
        officer_title="Chuyên viên",
        department="Phòng Một",
        note="Đã chuyển bước",
        source="one-stop",
    )


def dossier(number: int) -> tuple[DossierReceived, str, str]:
    """A received dossier, its key and its external id."""
    code = f"H32.01-260304-{number:04d}"
    message = DossierReceived(
        dossier_code=code,
        procedure_code="1.004873",
        procedure_name="Cấp Giấy xác nhận tình trạng hôn nhân",
        field_code="Z00-HT",
        field_name="Hộ tịch",
        agency_code="H32.01",
        agency_name="Sở thử nghiệm",
        channel=Channel.COUNTER,
        applicant=CITIZEN,
        received_at=MORNING,
        due_at=MORNING + timedelta(days=3),
        status=2,
        fee_vnd=0,
    )
    return message, code, code


def step(number: int, status: int, hours: int) -> tuple[StatusChanged, str, str]:
    """A status change of that dossier, its key and its external id."""
    code = f"H32.01-260304-{number:04d}"
    message = StatusChanged(
        dossier_code=code,
        status=status,
        changed_at=MORNING + timedelta(hours=hours),
        officer_name="Trần Văn Bình",
        officer_title="Chuyên viên",
        department="Phòng Một",
        note="Đã chuyển bước",
        started_at=MORNING,
        due_at=MORNING + timedelta(days=3),
    )
    return message, code, f"{code}/{hours}"


def payment(number: int) -> tuple[PaymentRequested, str, str]:
    """A payment request through momo."""
    reference = f"P260304{number:08d}"
    message = PaymentRequested(
        our_reference=reference,
        dossier_code="H32.01-260304-0001",
        amount_vnd=50_000,
        purpose="Phi ho so",
        requested_at=MORNING,
    )
    return message, reference, reference


def parcel(number: int) -> tuple[PostalRequested, str, str]:
    """A parcel for a citizen."""
    order = f"H32.01-260304-{number:04d}-R1"
    office = Person(
        kind="organisation", name="Sở thử nghiệm", phone="0258123456", address="Nha Trang", province_code="56"
    )
    message = PostalRequested(
        order_number=order,
        dossier_code=order[:-3],
        direction="return",
        sender=office,
        receiver=CITIZEN,
        fee_vnd=23_000,
    )
    return message, order, order


def unwanted_parcel(number: int) -> tuple[PostalCancelled, str, str]:
    """The wish to cancel that parcel."""
    _, order, _ = parcel(number)
    return PostalCancelled(order_number=order, dossier_code=order[:-3]), order, f"{order}/cancel"


def remittance(number: int) -> tuple[RemittanceOrdered, str, str]:
    """An order to pay what was collected for an agency into its account at the treasury."""
    reference = f"K260304{number:08d}"
    ordered = RemittanceOrdered(
        remittance_reference=reference,
        business_on=date(2026, 3, 3),
        agency_code="H32.01",
        beneficiary="Sở thử nghiệm",
        treasury="KBNN thử nghiệm",
        account="7111.0.0000000",
        chapter="554",
        sub_item="2663",
        amount_vnd=50_000 + number,
        ordered_at=MORNING,
    )
    return ordered, reference, reference


def notice(number: int, phone: str = "0905111222") -> tuple[NoticeDue, str, str]:
    """A short message to a citizen."""
    code = f"H32.01-260304-{number:04d}"
    message = NoticeDue(
        notice_id=f"{code}/ready",
        dossier_code=code,
        notice="ready",
        phone=phone,
        facts=NoticeFacts(),
        email=f"citizen{number}@example.invalid",
    )
    return message, message.notice_id, message.notice_id
