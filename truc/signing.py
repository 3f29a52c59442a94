"""The signature a reconciled day waits for: what the run asks, what it may be answered, and what an answer does."""

from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, date, datetime
from typing import Any

from truc import secrets_file
from truc.domain.money import format_vnd
from truc.errors import MalformedError
from truc.exchange.journal.signatures import hub_key
from truc.reconcile.reading import days as reading
from truc.reconcile.words import BREAK_CLASSES
from truc.reconcile.work import vouchers
from truc.settings import Settings
from truc.store.opened import Store

SIGNED, RETURNED = "Ký duyệt", "Trả lại"
ANSWERS = (SIGNED, RETURNED)
VOUCHER = "voucher"  # the field of the answer that the console fills in
CONSOLE_KEY = "console_forms.key"


def subject(party: str, business_on: date) -> str:
    """Return the subject under which the run of that day asks for its signature; the console finds it by this."""
    return f"Ký duyệt đối soát {party} {business_on.isoformat()}"


def question(found: Mapping[str, Any]) -> dict[str, str]:
    """Return subject and body of what the run asks, from what reconciling the day returned."""
    party, business_on = str(found["party"]), date.fromisoformat(str(found["business_on"]))
    difference = format_vnd(int(found["difference_vnd"]))
    lines = [
        f"Phiên bản (version) {found['version']}: {found['matched']} khoản khớp (matched).",
        f"Chênh lệch (core − partner): {difference}.",
        "",
        *(f"- {BREAK_CLASSES[name].vi}: {times}" for name, times in found["breaks"].items()),
        "",
        "Ký trên trang **Đối soát**; câu trả lời ở đây không ký được gì. (Sign on the page «Đối soát».)",
    ]
    return {"subject": subject(party, business_on), "body": "\n".join(lines)}


def sign_day(store: Store, here: Settings, found: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    """Sign the day, or leave it, as the waiting run was answered; return "signed" or "returned".

    Raise MalformedError for an answer that the console did not vouch for, or of another day than was asked about, and
    what sign_off.approve refuses: the day stays unsigned then.
    """
    from truc.reconcile.report.signed import sign_with_minutes  # a DAG file imports this module: no PDF for that

    if answer["chosen_options"] != [SIGNED]:
        return "returned"
    key = secrets_file.read_key(here.secrets, CONSOLE_KEY)
    approval = vouchers.read(key, str(answer["params_input"].get(VOUCHER, "")), now=datetime.now(UTC))
    party, business_on = str(found["party"]), date.fromisoformat(str(found["business_on"]))
    if (approval.party, approval.business_on) != (party, business_on):
        text = f"voucher: is of {approval.party} {approval.business_on}, asked was {party} {business_on}"
        raise MalformedError(text, reason="another_day")
    with closing(store), store.begin() as transaction:
        if reading.signing(transaction, party, business_on).state == "signed":
            return "signed"  # a try of this task before did it
        sign_with_minutes(
            transaction,
            party,
            business_on,
            by=approval.by,
            content_hash=approval.content_hash,
            signer=hub_key(here.secrets),
        )
    return "signed"
