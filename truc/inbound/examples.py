"""Examples of what the internal API takes: the OpenAPI document shows them, and a test hands each of them over.

Procedure and agency are of the shipped catalogue; persons and numbers are invented.
"""

from pydantic import JsonValue

JsonObject = dict[str, JsonValue]

DOSSIER: JsonObject = {
    "reference": "MC-2026-000123",
    "procedure_code": "1.001193",
    "agency_code": "H32.01",
    "channel": "counter",
    "applicant": {
        "kind": "person",
        "name": "Nguyễn Văn An",
        "personal_id": "056090001234",
        "phone": "0905000000",
        "address": "12 Trần Phú",
        "province_code": "56",
    },
    "received_at": "2026-03-03T08:15:00+07:00",
    "wants_postal_return": True,
    "wants_sms": True,
}
STATUS: JsonObject = {
    "reference": "MC-2026-000123",
    "status": 4,
    "changed_at": "2026-03-03T09:00:00+07:00",
    "officer_name": "Trần Minh Hà",
    "officer_title": "Chuyên viên",
    "department": "Phòng Tư pháp",
}
PAYMENT: JsonObject = {
    "reference": "PAY-2026-000123",
    "dossier_reference": "MC-2026-000123",
    "party": "momo",
    "amount_vnd": 50_000,
    "requested_at": "2026-03-03T08:20:00+07:00",
}
PAID_AT_THE_COUNTER: JsonObject = {
    "reference": "PAY-2026-000124",
    "dossier_reference": "MC-2026-000123",
    "party": "vietinbank",
    "amount_vnd": 30_000,
    "requested_at": "2026-03-03T08:20:00+07:00",
    "paid": {"partner_reference": "FT26062001", "occurred_at": "2026-03-03T08:25:00+07:00"},
}
FOR_A_FINE: JsonObject = {
    "reference": "PAY-2026-000125",
    "party": "national_payment",
    "amount_vnd": 4_000_000,
    "requested_at": "2026-03-03T08:30:00+07:00",
    "details": {
        "kind": "fine",
        "payer": {"name": "Lê Văn Phúc"},
        "decision_number": "12/QĐ-XPHC",
        "decided_on": "2026-03-02",
        "deciding_code": "H32.01",
        "deciding_name": "Ủy ban nhân dân phường",
        "form_code": "1",
        "form_name": "Phạt tiền",
        "offender_name": "Lê Văn Phúc",
        "treasury": "Kho bạc Nhà nước khu vực",
        "budget_account": "7111",
    },
}
REFUND: JsonObject = {
    "reference": "REF-2026-000001",
    "amount_vnd": 20_000,
    "requested_at": "2026-03-04T10:00:00+07:00",
    "requested_by": "Lê Văn Phúc",
    "because": "Thu nhầm",
}
DOSSIER_CODE = "H32.01-260303-0001"
OUR_REFERENCE = "P26030300000001"
