"""What a payment is for: the six kinds of the national payment platform, each with the fields it needs.

Fields of fees and of fines are those of ThongTinBienLai (partners.md §9.1); of taxes those of the payable item and
of the deposit slip (partners.md §11.1 and §11.2). For insurance, electricity and court-fee advances no published
record was found: they hold only who pays, what is owed under which code, to whom, and how much.
"""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from truc.domain.money import MAX_VND
from truc.domain.text import storable

Amount = Annotated[int, Field(strict=True, gt=0, le=MAX_VND)]  # whole đồng
Code = Annotated[str, Field(min_length=1, max_length=100)]
Name = Annotated[str, Field(min_length=1, max_length=250)]  # TenTTHC: at most 250
Words = Annotated[str, Field(max_length=500)]


class Part(BaseModel):
    """Frozen, closed to unknown fields, and storable."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="after")
    def _storable(self) -> Self:
        for name, value in self:
            if isinstance(value, str) and not storable(value):
                raise ValueError(f"{name}: holds NUL or half a character")
        return self


class Payer(Part):
    """Who pays (HoTenNguoiNop, SoCMNDNguoiNop, DiaChiNguoiNop, HuyenNguoiNop, TinhNguoiNop)."""

    name: Name
    personal_id: Words = ""  # CCCD, or an organisation's tax code
    address: Words = ""
    district: Words = ""
    province: Words = ""


class FeeLine(Part):
    """One line of PhiLePhi. `kind` is LoaiPhiLePhi: 1 phí (charge), 2 lệ phí (fee)."""

    kind: Literal["charge", "fee"]
    code: Words = ""
    name: Name
    amount_vnd: Amount


class DueLine(Part):
    """One line of DSKhoanNop."""

    text: Name
    amount_vnd: Amount


class FeeDetails(Part):
    """Fees and charges of a dossier (MaDichVu 2). Lines, where given, add up to the payment."""

    kind: Literal["fees"] = "fees"
    payer: Payer
    dossier_code: Code  # MaHoSo
    procedure_code: Code  # MaTTHC
    procedure_name: Words  # TenTTHC
    collecting_code: Code  # MaDonVi
    collecting_name: Name  # TenDonVi
    lines: tuple[FeeLine, ...] = ()


class FineDetails(Part):
    """An administrative fine (MaDichVu 1)."""

    kind: Literal["fine"] = "fine"
    payer: Payer
    decision_number: Code  # SoQD
    decided_on: date  # NgayQD
    deciding_code: Code  # MaCoQuanQD
    deciding_name: Name  # TenCoQuanQD
    form_code: Code  # MaLoaiHinhThuPhat
    form_name: Name  # TenLoaiHinhThuPhat
    offender_name: Name  # TenNguoiViPham
    offended_at: AwareDatetime | None = None  # ThoiGianViPham
    offence_place: Words = ""  # DiaDiemViPham
    treasury: Words  # KhoBac
    budget_account: Words  # TaiKhoanThuNSNN
    lines: tuple[DueLine, ...] = ()

    @property
    def collecting_code(self) -> str:
        """Who decided the fine is who it is collected for."""
        return self.deciding_code


class TaxDetails(Part):
    """Tax of a person or a business: one payable item (ID khoản phải nộp, partners.md §11.2)."""

    kind: Literal["tax"] = "tax"
    payer: Payer
    tax_code: Code  # MST of whoever owes it
    taxpayer: Literal["person", "business"]
    obligation_code: Code  # ID khoản phải nộp
    collecting_code: Code  # the tax office
    collecting_name: Name
    chapter: Words = ""
    sub_item: Words = ""
    period: Words = ""
    area_code: Words = ""
    notice_number: Words = ""
    notified_on: date | None = None


class InsuranceDetails(Part):
    """Social or health insurance. No published record was found: the least that says what is owed."""

    kind: Literal["insurance"] = "insurance"
    payer: Payer
    insurance: Literal["social", "health"]
    obligation_code: Code  # of the participant or the employer, as the insurer names it
    collecting_code: Code
    collecting_name: Name
    period: Words = ""


class ElectricityDetails(Part):
    """An electricity bill. No published record was found: the least that says what is owed."""

    kind: Literal["electricity"] = "electricity"
    payer: Payer
    obligation_code: Code  # the customer's code at the supplier, or the bill's
    collecting_code: Code
    collecting_name: Name
    period: Words = ""


class CourtFeeDetails(Part):
    """An advance of a court fee. No published record was found: the least that says what is owed."""

    kind: Literal["court_fee"] = "court_fee"
    payer: Payer
    obligation_code: Code  # of the notice to pay the advance
    collecting_code: Code
    collecting_name: Name
    notified_on: date | None = None


PaymentDetails = Annotated[
    FeeDetails | FineDetails | TaxDetails | InsuranceDetails | ElectricityDetails | CourtFeeDetails,
    Field(discriminator="kind"),
]
KINDS = ("fees", "fine", "tax", "insurance", "electricity", "court_fee")


def obligation_code(details: PaymentDetails) -> str:
    """Return what the obligation is called; of fees it is the dossier, of a fine the decision."""
    match details:
        case FeeDetails():
            return details.dossier_code
        case FineDetails():
            return details.decision_number
        case _:
            return details.obligation_code


def lines_vnd(details: PaymentDetails) -> int | None:
    """Return what the lines add up to, None where there are none: the payment's amount stands alone then."""
    lines = details.lines if isinstance(details, FeeDetails | FineDetails) else ()
    return sum(line.amount_vnd for line in lines) if lines else None
