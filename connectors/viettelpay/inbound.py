"""Verifies ViettelPay's three calls: before a payment, with its result, and the browser's return (partners.md §4).

The call before the payment names no amount, and its checksum covers one. So our bill code says the amount
(`50000VND`): ViettelPay signs both, and the gateway compares that amount with our order. A call that is not verified is
answered without a checksum: values stand in it without anything between them, so what a stranger chose must never
be signed.
"""

import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from connectors.viettelpay.result_codes import PAID
from connectors.viettelpay.signatures import RESULT_ANSWER, VERIFY, VERIFY_ANSWER, Agreed, agreed
from truc.connections import Connection
from truc.envelope import Envelope
from truc.inbound.callbacks import About, HttpAnswer, Incoming, Received, Refused, Standing
from truc.inbound.pages import after_return, unverified

FORM = "application/x-www-form-urlencoded"
BILL = re.compile(r"([1-9][0-9]{0,12})VND")  # as mappings.viettelpay.payment writes it
AMOUNT_DIGITS_MAX = 18
VERIFY_NEEDS = ("billcode", "merchant_code", "order_id", "check_sum")
RESULT_NEEDS = (*VERIFY_NEEDS, "error_code", "payment_status", "trans_amount", "vt_transaction_id")
# A bill of another amount is another bill. One that had its end must not be paid again.
VERIFY_CODES = {
    Standing.OPEN: "00",
    Standing.UNKNOWN: "01",
    Standing.AMOUNT_DIFFERS: "01",
    Standing.SETTLED: "03",
}
# A result of an order that had its end is heard all the same: it need not be repeated.
RESULT_CODES = {
    Standing.OPEN: "00",
    Standing.SETTLED: "00",
    Standing.UNKNOWN: "01",
    Standing.AMOUNT_DIFFERS: "03",
}

Fields = Mapping[str, str]


def _json(fields: Fields) -> HttpAnswer:
    return HttpAnswer(200, json.dumps(fields).encode())


WRONG_BILL, BAD_CHECKSUM, OTHER = (_json({"error_code": code}) for code in ("01", "02", "03"))
PAID_PAGES = after_return(
    "ViettelPay", "ViettelPay báo đã thanh toán. Kết quả chính thức có sau khi hai hệ thống đối chiếu."
)
UNPAID_PAGES = after_return(
    "ViettelPay", "Giao dịch chưa hoàn tất. Nếu tài khoản đã bị trừ tiền, xin chờ ViettelPay xác nhận."
)
WRONG_PAGE = unverified("ViettelPay")


def receive(request: Incoming, connection: Connection) -> Received:
    """Return the verified call, or raise Refused.

    Reasons: wrong_method, malformed, field_missing, wrong_merchant, wrong_bill, bad_signature.
    """
    kind = request.path.rpartition("/")[2]
    if request.method != ("GET" if kind == "browser_return" else "POST"):
        raise Refused("wrong_method", HttpAnswer(405))
    took: dict[str, Callable[[Incoming, Agreed, str], Received]] = {
        "verify": _verify,
        "browser_return": _browser_return,
    }
    return took.get(kind, _result)(request, agreed(connection), connection.required("return_url"))


def refusal(_reason: str) -> HttpAnswer:
    """Return what ViettelPay hears when the gateway refuses a call for a reason of its own."""
    return OTHER


def _verify(request: Incoming, merchant: Agreed, _return_url: str) -> Received:
    """Take the call before the payment. It is kept and books nothing; its body is the form as it came."""
    fields = _fields(_form(request.body, OTHER), VERIFY_NEEDS, merchant, OTHER)
    amount_vnd = _billed_vnd(fields, WRONG_BILL)
    fields["trans_amount"] = str(amount_vnd)
    if not merchant.is_right(VERIFY, fields, fields["check_sum"]):
        raise Refused("bad_signature", BAD_CHECKSUM)
    answers = {standing: _verify_answer(fields, merchant, code) for standing, code in VERIFY_CODES.items()}
    envelope = Envelope("viettelpay", "verify", fields["order_id"], request.body, FORM)
    about = About(fields["order_id"], amount_vnd)
    return Received(envelope, answers[Standing.UNKNOWN], about=about, answers=answers)


def _verify_answer(fields: Fields, merchant: Agreed, code: str) -> HttpAnswer:
    said = {name: fields[name] for name in ("billcode", "merchant_code", "order_id", "trans_amount")}
    said["error_code"] = code
    return _json({**said, "check_sum": merchant.answer_check_sum(VERIFY_ANSWER, said)})


def _result(request: Incoming, merchant: Agreed, return_url: str) -> Received:
    """Take the result: its form as it came. It names no time: the core books that of its coming."""
    fields = _signed_result(_form(request.body, OTHER), merchant, wrong=OTHER, unsigned=BAD_CHECKSUM)
    # An order may have several results, and one that is no payment's names no transaction.
    name = f"{fields['order_id']}/{fields['vt_transaction_id']}/{fields['error_code']}/{fields['payment_status']}"
    answers = {one: _result_answer(fields, merchant, code, return_url) for one, code in RESULT_CODES.items()}
    about = About(fields["order_id"], _whole(fields["trans_amount"]))
    envelope = Envelope("viettelpay", "result", name, request.body, FORM)
    return Received(envelope, answers[Standing.UNKNOWN], about=about, answers=answers)


def _result_answer(fields: Fields, merchant: Agreed, code: str, return_url: str) -> HttpAnswer:
    said = {"error_code": code, "merchant_code": fields["merchant_code"], "order_id": fields["order_id"]}
    check_sum = merchant.answer_check_sum(RESULT_ANSWER, said)
    back = {"return_url": return_url, "return_bill_code": fields["billcode"], "return_other_info": ""}
    return _json({**said, **back, "check_sum": check_sum})


def _browser_return(request: Incoming, merchant: Agreed, _return_url: str) -> Received:
    """Take the return of a citizen's browser: verified and kept, and booked nowhere."""
    form = _form(request.query.encode("latin-1"), WRONG_PAGE)
    fields = _signed_result(form, merchant, wrong=WRONG_PAGE, unsigned=WRONG_PAGE)
    answers = PAID_PAGES if (fields["payment_status"], fields["error_code"]) == (PAID, "00") else UNPAID_PAGES
    name = f"{fields['order_id']}/{fields['vt_transaction_id']}"
    envelope = Envelope("viettelpay", "browser_return", name, request.query.encode("latin-1"), FORM)
    about = About(fields["order_id"], _whole(fields["trans_amount"]))
    return Received(envelope, answers[Standing.UNKNOWN], about=about, answers=answers)


def _signed_result(form: Fields, merchant: Agreed, *, wrong: HttpAnswer, unsigned: HttpAnswer) -> dict[str, str]:
    fields = _fields(form, RESULT_NEEDS, merchant, wrong)
    _billed_vnd(fields, wrong)  # the checksum of a pay address, which citizens see, must not pass for a result's
    fields.setdefault("cust_msisdn", "")
    if not merchant.is_right(merchant.result, fields, fields["check_sum"]):
        raise Refused("bad_signature", unsigned)
    return fields


def _fields(form: Fields, needed: tuple[str, ...], merchant: Agreed, wrong: HttpAnswer) -> dict[str, str]:
    may_be_empty = {"vt_transaction_id"}
    if any(name not in form or not (form[name] or name in may_be_empty) for name in needed):
        raise Refused("field_missing", wrong)
    if form["merchant_code"] != merchant.merchant_code:
        raise Refused("wrong_merchant", WRONG_BILL if wrong is OTHER else wrong)
    return dict(form)


def _form(body: bytes, wrong: HttpAnswer) -> dict[str, str]:
    """Return the decoded pairs. A name given twice could be verified with one value and read with the other."""
    try:
        text = body.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=100)
    except ValueError as error:
        raise Refused("malformed", wrong) from error
    if len(dict(pairs)) != len(pairs):
        raise Refused("malformed", wrong)
    return dict(pairs)


def _billed_vnd(fields: Fields, wrong: HttpAnswer) -> int:
    found = BILL.fullmatch(fields["billcode"])
    if found is None:
        raise Refused("wrong_bill", WRONG_BILL if wrong is OTHER else wrong)
    return int(found[1])


def _whole(text: str) -> int | None:
    """None for what is no whole number: booking says so, and sets the message aside."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= AMOUNT_DIGITS_MAX else None
