"""The words that stand on a report and nowhere else: titles, headings of columns, sentences of the minutes."""

from collections.abc import Mapping
from datetime import date, datetime

from truc.domain.calendar import BUSINESS_ZONE
from truc.reconcile.words import Lang, Words

# What the sheets are called; Excel allows 31 characters.
SHEETS: Mapping[str, Words] = {
    "summary": Words("Tổng hợp", "Summary"),
    "matched": Words("Đã khớp", "Matched"),
    "breaks": Words("Chênh lệch", "Breaks"),
    "ageing": Words("Tuổi chênh lệch", "Ageing"),
    "carried": Words("Chuyển sang ngày sau", "Carried forward"),
}

COLUMNS: Mapping[str, Words] = {
    "number": Words("STT", "No."),
    "break_id": Words("Mã chênh lệch", "Break id"),
    "break_class": Words("Loại chênh lệch", "Class"),
    "leg": Words("Chặng", "Leg"),
    "rule": Words("Quy tắc", "Rule"),
    "party": Words("Đối tác", "Party"),
    "kind": Words("Loại giao dịch", "Kind"),
    "our_reference": Words("Mã của ta", "Our reference"),
    "partner_reference": Words("Mã của đối tác", "Partner reference"),
    "agency": Words("Cơ quan", "Agency"),
    "core_rows": Words("Số dòng sổ của ta", "Rows in our books"),
    "partner_rows": Words("Số dòng đối tác", "Rows at the partner"),
    "core_vnd": Words("Sổ của ta", "Our books"),
    "partner_vnd": Words("Đối tác", "Partner"),
    "difference_vnd": Words("Chênh lệch", "Difference"),
    "business_on": Words("Ngày giao dịch", "Business day"),
    "core_money_vnd": Words("Tổng tiền các dòng của ta", "Money of our rows"),
    "partner_money_vnd": Words("Tổng tiền các dòng đối tác", "Money of the partner's rows"),
    "at_risk_vnd": Words("Số tiền cần làm rõ", "At risk"),
    "state": Words("Trạng thái", "State"),
    "assignee": Words("Người xử lý", "Assignee"),
    "reason_code": Words("Lý do", "Reason"),
    "proposal": Words("Đề xuất", "Proposal"),
    "proposed_by": Words("Người đề xuất", "Proposed by"),
    "approved_by": Words("Người duyệt", "Approved by"),
    "resolution": Words("Kết quả", "Resolution"),
    "opened_on": Words("Ngày phát sinh", "Opened on"),
    "age_days": Words("Số ngày tồn", "Age in days"),
    "bucket": Words("Nhóm tuổi", "Age group"),
    "matches": Words("Số lần khớp", "Matches"),
    "breaks": Words("Số chênh lệch", "Breaks"),
    "rows": Words("Số dòng", "Rows"),
    "vnd": Words("Số tiền", "Amount"),
    "what": Words("Khoản", "Line"),
}

KINDS: Mapping[str, Words] = {
    "payment": Words("Thu", "Payment"),
    "refund": Words("Hoàn tiền", "Refund"),
    "reversal": Words("Hủy giao dịch", "Reversal"),
    "fee": Words("Phí", "Fee"),
    "settlement": Words("Quyết toán", "Settlement"),
}

PHRASES: Mapping[str, Words] = {
    "title": Words("BIÊN BẢN ĐỐI SOÁT", "RECONCILIATION MINUTES"),
    "country": Words("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "SOCIALIST REPUBLIC OF VIET NAM"),
    "motto": Words("Độc lập - Tự do - Hạnh phúc", "Independence - Freedom - Happiness"),
    "book": Words("Báo cáo đối soát", "Reconciliation report"),
    "party": Words("Đối tác", "Party"),
    "day": Words("Ngày giao dịch", "Business day"),
    "version": Words("Phiên bản", "Version"),
    "spec": Words("Bộ quy tắc", "Rules"),
    "made_at": Words("Thời điểm đối soát", "Reconciled at"),
    "signing": Words("Ký duyệt", "Signature"),
    "spec_digest": Words("Mã băm bộ quy tắc", "Digest of the rules"),
    "input_digest": Words("Mã băm dữ liệu vào", "Digest of the inputs"),
    "result_digest": Words("Mã băm kết quả", "Digest of the result"),
    "content_hash": Words("Mã băm nội dung", "Content hash"),
    "account": Words("Bảng tổng hợp", "Account"),
    "by_rule": Words("Đã khớp theo quy tắc", "Matched by rule"),
    "by_class": Words("Chênh lệch theo loại", "Breaks by class"),
    "list": Words("Danh sách chênh lệch", "List of breaks"),
    "total": Words("Tổng cộng", "Total"),
    "unit": Words("đơn vị: đồng", "in đồng"),
    "check": Words("Kiểm tra (vào − ra, phải bằng 0)", "Check (in − out, must be 0)"),
    "core": Words("Sổ của ta", "Our books"),
    "partner": Words("Đối tác", "Partner"),
    "matched_words": Words("Số tiền của ta đã khớp", "Our money that matched"),
    "risk_words": Words("Số tiền cần làm rõ", "Amount at risk"),
    "in_words": Words("Bằng chữ", "In words"),
    "no_breaks": Words("Không có chênh lệch.", "There is no break."),
    "more": Words(
        "Còn {more} chênh lệch nữa, xem đủ ở trang tính «{sheet}» của tệp {file}.",
        "{more} more breaks: all are on the sheet «{sheet}» of {file}.",
    ),
    "preparer": Words("NGƯỜI LẬP", "PREPARED BY"),
    "approver": Words("NGƯỜI DUYỆT", "APPROVED BY"),
    "sign_here": Words("(Ký, ghi rõ họ tên)", "(Signature, full name)"),
    "limits": Words(
        "Người lập cho phép còn mở khi ký: tối đa {count} chênh lệch, {vnd}",
        "The preparer let stay open when it is signed: at most {count} breaks, {vnd}",
    ),
    "seal": Words("Niêm phong", "Seal"),
    "sealed": Words(
        "ngày đã ký và khóa lúc {at}, niêm phong bằng khóa của hệ thống; mã băm biên bản được niêm phong: {digest}",
        "the day was signed and locked at {at} and sealed with the hub's key; digest of the sealed minutes: {digest}",
    ),
    "unsealed": Words("chưa ký, chưa khóa", "not signed, not locked"),
    "page": Words("Trang", "Page"),
    "nobody": Words("không có", "none"),
    "large": Words(
        "Số có trên 15 chữ số được ghi dạng chữ, vì bảng tính làm tròn chúng.",
        "Numbers of more than 15 digits are written as text, because spreadsheets round them.",
    ),
}


def say(table: Mapping[str, Words], code: str, lang: Lang) -> str:
    """Return a word that must be there; raise KeyError for a code that the table does not hold."""
    words = table[code]
    return words.vi if lang == "vi" else words.en


def grouped(amount: int, lang: Lang) -> str:
    """Return a number with its thousands grouped: 144.886.308, in English 144,886,308."""
    text = f"{amount:,}"
    return text.replace(",", ".") if lang == "vi" else text


def money(amount_vnd: int, lang: Lang) -> str:
    """Return an amount as it is read: «144.886.308 đ», in English «144,886,308 đ»."""
    return f"{grouped(amount_vnd, lang)} đ"


def day_said(day: date | None) -> str:
    """Return a day as dd/mm/yyyy; "" for none."""
    return "" if day is None else f"{day:%d/%m}/{day.year:04}"


def instant_said(at: datetime | None) -> str:
    """Return an instant as it is read in Vietnam: dd/mm/yyyy hh:mm:ss; "" for none."""
    if at is None:
        return ""
    local = at.astimezone(BUSINESS_ZONE)
    return f"{day_said(local.date())} {local:%H:%M:%S}"


def days_said(first: date | None, last: date | None) -> str:
    """Return one day, or the first and the last of several."""
    return day_said(first) if first == last else f"{day_said(first)} – {day_said(last)}"


def parties_said(parties: tuple[str, ...], called: Words | None, lang: Lang) -> str:
    """Return the party, by name where it is told, or how many there are and which, as far as a line holds them."""
    if not parties:
        return say(PHRASES, "nobody", lang)
    if len(parties) == 1:
        return parties[0] if called is None else f"{called.vi if lang == 'vi' else called.en} ({parties[0]})"
    return f"{len(parties)} ({', '.join(parties[:6])}{', …' if len(parties) > 6 else ''})"
