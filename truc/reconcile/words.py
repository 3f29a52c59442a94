"""Every word of reconciliation that a person reads, in Vietnamese and English: the one place where they lie.

Each table is code → `Words`. Pages, reports and commands look a code up with `said`; an unknown code is shown as it is.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Lang = Literal["vi", "en"]


class Words(NamedTuple):
    """One thing in both languages."""

    vi: str
    en: str


BREAK_CLASSES: Mapping[str, Words] = {
    "missing_at_partner": Words("Đối tác không có", "Missing at partner"),
    "missing_in_core": Words("Sổ của ta không có", "Missing in our books"),
    "amount_differs": Words("Lệch số tiền", "Amount differs"),
    "duplicate_in_core": Words("Trùng trong sổ của ta", "Duplicate in our books"),
    "duplicate_at_partner": Words("Trùng ở đối tác", "Duplicate at partner"),
    "state_differs": Words("Lệch trạng thái", "State differs"),
    "refund_unmatched": Words("Hoàn tiền chưa khớp", "Refund unmatched"),
    "fee_differs": Words("Lệch phí", "Fee differs"),
    "settlement_short": Words("Quyết toán thiếu", "Settlement short"),
    "settlement_over": Words("Quyết toán thừa", "Settlement over"),
    "receipt_missing": Words("Thiếu biên lai", "Receipt missing"),
    "receipt_amount_differs": Words("Biên lai lệch số tiền", "Receipt amount differs"),
    "receipt_without_payment": Words("Biên lai không có khoản thu", "Receipt without payment"),
    "remittance_short": Words("Nộp kho bạc thiếu", "Remittance short"),
    "remittance_over": Words("Nộp kho bạc thừa", "Remittance over"),
    "remittance_late": Words("Nộp kho bạc muộn", "Remittance late"),
    "timing": Words("Lệch ngày", "Timing"),
    "ambiguous": Words("Chưa xác định được cặp", "Ambiguous"),
    "unreadable": Words("Dòng không đọc được", "Unreadable line"),
}

STATES: Mapping[str, Words] = {
    "open": Words("Mới", "Open"),
    "assigned": Words("Đã giao", "Assigned"),
    "proposed": Words("Chờ duyệt", "Proposed"),
    "resolved": Words("Đã xử lý", "Resolved"),
}

# Why finance resolves a break as it does. `carried` stands for itself: the break goes on to the next day, seen.
REASONS: Mapping[str, Words] = {
    "carried": Words("Chuyển sang ngày sau", "Carried forward"),
    "late_at_partner": Words("Đối tác ghi nhận muộn", "Late at the partner"),
    "partner_error": Words("Đối tác ghi sai", "The partner's error"),
    "our_error": Words("Ta ghi sai", "Our error"),
    "paid_twice": Words("Người dân nộp hai lần", "Paid twice by the citizen"),
    "callback_lost": Words("Mất thông báo của đối tác", "The partner's notice was lost"),
    "receipt_not_issued": Words("Chưa phát hành biên lai", "The receipt was not issued"),
    "refund_outside": Words("Đã hoàn tiền ngoài hệ thống", "Refunded outside the hub"),
    "fee_agreed": Words("Phí đúng theo thỏa thuận", "The fee is as agreed"),
    "small_difference": Words("Chênh lệch nhỏ, chấp nhận", "A small difference, accepted"),
    "corrected_by_partner": Words("Đối tác đã sửa sao kê", "The partner corrected the statement"),
    "settled_later": Words("Đã quyết toán ngày sau", "Settled on a later day"),
    "other": Words("Lý do khác", "Another reason"),
}

# What is proposed to be done. The first three end the break by a decision; the others are done through the exchange.
PROPOSALS: Mapping[str, Words] = {
    "accept": Words("Chấp nhận, đã giải trình", "Accept as explained"),
    "write_off": Words("Xóa chênh lệch", "Write off"),
    "correct_elsewhere": Words("Điều chỉnh ở nơi khác", "Corrected elsewhere"),
    "query_partner": Words("Hỏi lại đối tác", "Ask the partner"),
    "find_callback": Words("Tìm thông báo đến muộn", "Find the late callback"),
    "issue_receipt": Words("Phát hành biên lai còn thiếu", "Issue the missing receipt"),
    "request_refund": Words("Yêu cầu hoàn tiền", "Request the refund"),
}
DECISIONS = ("accept", "write_off", "correct_elsewhere")
# What may be proposed beyond a decision, by what a break is: its cause can be asked, or what is missing can be done.
EXECUTED: Mapping[str, tuple[str, ...]] = {
    "state_differs": ("query_partner", "find_callback"),
    "missing_in_core": ("find_callback", "query_partner"),
    "receipt_missing": ("issue_receipt",),
    "duplicate_at_partner": ("request_refund",),
}

# What is written in a break's life.
ACTIONS: Mapping[str, Words] = {
    "opened": Words("Phát sinh", "Opened"),
    "restated": Words("Số tiền thay đổi ở lần chạy mới", "Restated by a new run"),
    "reopened": Words("Mở lại", "Reopened"),
    "assigned": Words("Giao việc", "Assigned"),
    "commented": Words("Ghi chú", "Commented"),
    "attached": Words("Đính kèm", "Attached"),
    "proposed": Words("Đề xuất", "Proposed"),
    "approved": Words("Duyệt", "Approved"),
    "rejected": Words("Từ chối", "Rejected"),
    "carried": Words("Chuyển sang ngày sau", "Carried forward"),
    "executed": Words("Đã thực hiện", "Executed"),
    "matched_later": Words("Khớp ở ngày sau", "Matched later"),
    "no_longer_found": Words("Không còn ở lần chạy mới", "No longer found"),
}

# How a break came to its end (`break_items.resolution`).
RESOLUTIONS: Mapping[str, Words] = {
    "matched_later": ACTIONS["matched_later"],
    "no_longer_found": ACTIONS["no_longer_found"],
    **{code: words for code, words in PROPOSALS.items() if code not in ("query_partner", "find_callback")},
}

LEGS: Mapping[str, Words] = {
    "statement": Words("Sao kê", "Statement"),
    "settlement": Words("Quyết toán", "Settlement"),
    "return": Words("Hoàn trả", "Return"),
    "receipts": Words("Biên lai", "Receipts"),
    "remittance": Words("Nộp kho bạc", "Remittance"),
}

SIDES: Mapping[str, Words] = {
    "core": Words("Sổ của ta", "Our books"),
    "partner": Words("Đối tác", "Partner"),
    "receipt": Words("Biên lai", "Receipt"),
    "remittance": Words("Nộp kho bạc", "Remittance"),
}

# The stations of the money, in its order.
STATIONS: Mapping[str, Words] = {
    "core": Words("Sổ của ta", "Our books"),
    "partner": Words("Đối tác", "Partner"),
    "bank": Words("Ngân hàng", "Bank"),
    "treasury": Words("Kho bạc", "Treasury"),
}

# The lines of a day's account: carried in + new = matched + without money + written off + carried out.
TOTALS: Mapping[str, Words] = {
    "carried_in": Words("Chuyển từ ngày trước", "Carried in"),
    "new": Words("Phát sinh trong ngày", "New"),
    "matched": Words("Đã khớp", "Matched"),
    "no_money": Words("Không phát sinh tiền", "Without money"),
    "written_off": Words("Đã xử lý", "Written off"),
    "carried_out": Words("Chuyển sang ngày sau", "Carried out"),
}

RULES: Mapping[str, Words] = {
    "exact_reference": Words("Đúng mã của ta", "Our exact reference"),
    "partner_reference": Words("Mã giao dịch của đối tác", "The partner's transaction"),
    "normalised_reference": Words("Mã sau khi chuẩn hóa", "The reference once normalised"),
    "amount_day": Words("Số tiền và ngày, duy nhất", "Amount and day, unique"),
    "batch": Words("Lô quyết toán", "Netted batch"),
    "settlement": Words("Tổng quyết toán của ngày", "The day's settlement"),
    "original": Words("Khoản thu gốc", "The original payment"),
    "agency_day": Words("Tổng theo cơ quan và ngày", "Totals per agency and day"),
    "none": Words("Không quy tắc nào khớp", "No rule matched"),
}

SIGNING: Mapping[str, Words] = {
    "open": Words("Chưa trình", "Not prepared"),
    "prepared": Words("Chờ ký", "Waits for the signature"),
    "signed": Words("Đã ký, đã khóa", "Signed and locked"),
}

ROLES: Mapping[str, Words] = {
    "finance_clerk": Words("Kế toán viên", "Finance clerk"),
    "finance_approver": Words("Người duyệt", "Finance approver"),
    "admin": Words("Quản trị", "Administrator"),
    "auditor": Words("Kiểm toán", "Auditor"),
}

# How old a break is, in days since the day it belongs to; the key is that of `reading.breaks.BUCKETS`.
AGES: Mapping[str, Words] = {
    "0-1": Words("0–1 ngày", "0–1 days"),
    "2-3": Words("2–3 ngày", "2–3 days"),
    "4-7": Words("4–7 ngày", "4–7 days"),
    "8-30": Words("8–30 ngày", "8–30 days"),
    ">30": Words("Trên 30 ngày", "Over 30 days"),
}


def said(table: Mapping[str, Words], code: str, lang: Lang = "vi") -> str:
    """Return the word for a code; a code that the table does not hold is returned as it is."""
    words = table.get(code)
    return code if words is None else words[0 if lang == "vi" else 1]


def rule_said(rule: str, lang: Lang = "vi") -> str:
    """Return the word for a rule; what several rows of one side add to it ("/split", "/joined") is told too."""
    if rule in RULES:
        return said(RULES, rule, lang)
    stem, _, form = rule.partition("/")
    forms = {"split": Words("nhiều dòng của đối tác", "split"), "joined": Words("nhiều dòng của ta", "joined")}
    return f"{said(RULES, stem, lang)} ({said(forms, form, lang)})" if form else said(RULES, stem, lang)
