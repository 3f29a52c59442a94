"""A browser that comes back is believed for its secure_code over all it says, and settles nothing."""

import hashlib
import json
from pathlib import Path
from urllib.parse import urlencode

import jsonschema
import pytest

from connectors.nganluong.inbound import receive
from mappings.nganluong import browser_return
from truc.connections import from_airflow_json
from truc.errors import MalformedError
from truc.inbound.callbacks import About, Incoming, Refused, Standing

ROOT = Path(__file__).resolve().parents[3]
CONNECTION = from_airflow_json("nganluong", {"login": "36680", "password": "pass"})
SAID = {
    "transaction_info": "Lệ phí",
    "order_code": "TT1",
    "price": "50000",
    "payment_id": "77",
    "payment_type": "1",
    "error_text": "",
}


def secure_code(fields, *, lead=" "):
    text = f"{lead}{' '.join(fields[name] for name in SAID)} 36680 pass"
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324  (the partner's interface)


def came(**changed):
    fields = SAID | {"secure_code": secure_code(SAID)} | changed
    return Incoming("GET", "/partners/nganluong/browser_return", urlencode(fields), {}, b"")


def test_a_return_is_kept_as_it_came_and_means_nothing_to_our_books():
    schema = json.loads((ROOT / "schemas/nganluong/browser_return.json").read_text(encoding="utf-8"))
    jsonschema.validate(SAID | {"secure_code": secure_code(SAID)}, schema)
    received = receive(came(), CONNECTION)
    assert (received.envelope.kind, received.envelope.external_id) == ("browser_return", "TT1/77")
    assert received.envelope.body == came().query.encode()
    assert received.about == About("TT1", 50_000)
    assert (received.answer.status, received.answers[Standing.OPEN].status) == (404, 200)
    assert list(browser_return.read(received.envelope.body)) == []


@pytest.mark.parametrize("name", SAID)
def test_each_value_is_covered(name):
    with pytest.raises(Refused) as caught:
        receive(came(**{name: SAID[name] + "9"}), CONNECTION)
    answer = caught.value.answer
    assert (caught.value.reason, answer.status) == ("bad_signature", 400)
    assert answer.content_type == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"secure_code": secure_code(SAID, lead="")}, "bad_signature"),
        ({"secure_code": secure_code(SAID).upper()}, "bad_signature"),
        ({"secure_code": ""}, "bad_signature"),
        ({"secure_code": "é"}, "bad_signature"),
    ],
)
def test_a_code_in_another_form_is_refused(changed, reason):
    with pytest.raises(Refused) as caught:
        receive(came(**changed), CONNECTION)
    assert caught.value.reason == reason


def test_the_merchant_is_ours_and_not_what_the_browser_says():
    assert receive(came(merchant_site_code="1"), CONNECTION)


@pytest.mark.parametrize(
    ("method", "query", "reason"),
    [
        ("POST", "", "not_get"),
        ("GET", "order_code=TT1", "field_missing"),
        ("GET", "order_code=TT1&order_code=TT2", "malformed"),
        ("GET", "", "field_missing"),
        ("GET", "%ff=1", "malformed"),
    ],
)
def test_what_is_no_return_is_refused(method, query, reason):
    with pytest.raises(Refused) as caught:
        receive(Incoming(method, "/", query, {}, b""), CONNECTION)
    assert caught.value.reason == reason


@pytest.mark.parametrize("body", [b"", b"\xff", b"a=1"])
def test_bytes_that_are_no_return_are_set_aside(body):
    with pytest.raises(MalformedError):
        browser_return.read(body)
