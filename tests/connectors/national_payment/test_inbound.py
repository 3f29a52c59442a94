"""The platform is believed for its hash over our own fields, and hears the answer it knows."""

import hashlib
import json
from pathlib import Path

import jsonschema
import pytest

from connectors.national_payment import inbound
from truc.connections import Connection
from truc.inbound.callbacks import Incoming, Refused, Standing

ROOT = Path(__file__).resolve().parents[3]
SECRET = "s3"
PLAIN = {"login": "X", "password": SECRET}
NAMES = "LoaiBanTin MaLoi MaDoiTac MaThamChieu SoTien MaTienTe MaGiaoDich MaNganHang ThoiGianGD ThongTinGiaoDich"
CALL = {
    "LoaiBanTin": "CONFIRM",
    "MaLoi": "00",
    "MaDoiTac": "X",
    "MaThamChieu": "TT1",
    "SoTien": 200000,
    "MaTienTe": "VND",
    "MaGiaoDich": "77",
    "MaNganHang": "B",
    "ThoiGianGD": "20250603131000",
    "ThongTinGiaoDich": "Phí hồ sơ",
}


def hashed(*values):
    return hashlib.sha256("|".join(values).encode()).hexdigest()


def signed(**changed):
    call = CALL | changed
    values = ("" if call[name] is None else str(call[name]) for name in NAMES.split())
    return call | {"MaXacThuc": hashed(*values, SECRET)}


def received(call, method="POST", **settings):
    body = call if isinstance(call, bytes) else json.dumps(call, ensure_ascii=False).encode()
    incoming = Incoming(method, "/partners/national_payment/result", "", {}, body)
    return inbound.receive(incoming, Connection("national_payment", PLAIN | settings))


def answer(one):
    schema = json.loads((ROOT / "schemas/national_payment/result_answer.json").read_text(encoding="utf-8"))
    said = json.loads(one.body)
    jsonschema.validate(said, schema)
    assert one.status == 200
    return said


def test_a_right_call_is_kept_as_it_came_and_is_about_our_order():
    call = signed()
    schema = json.loads((ROOT / "schemas/national_payment/result.json").read_text(encoding="utf-8"))
    jsonschema.validate(call, schema)
    body = json.dumps(call).encode()
    found = received(body)
    assert (found.envelope.kind, found.envelope.external_id, found.envelope.body) == ("result", "TT1/77", body)
    assert (found.about.our_reference, found.about.amount_vnd) == ("TT1", 200_000)


@pytest.mark.parametrize(
    ("standing", "code"),
    [
        (Standing.OPEN, "00"),
        (Standing.SETTLED, "00"),
        (Standing.AMOUNT_DIFFERS, "99"),
        (Standing.UNKNOWN, "99"),
    ],
)
def test_each_standing_has_its_answer(standing, code):
    said = answer(received(signed()).answers[standing])
    assert (said["MaLoi"], said["MaThamChieu"], said["ThoiGianGD"]) == (code, "TT1", "20250603131000")
    assert set(Standing) == set(received(signed()).answers)


def test_the_answer_gives_the_hash_back_or_signs_what_the_connection_lists():
    call = signed()
    assert answer(received(call).answer)["MaXacThuc"] == call["MaXacThuc"]
    listed = answer(received(call, answer_signed="MaLoi, MaDoiTac,MaThamChieu").answer)
    assert listed["MaXacThuc"] == hashed("00", "X", "TT1", SECRET)


@pytest.mark.parametrize("name", NAMES.split())
def test_every_signed_field_counts(name):
    call = signed()
    call[name] = "X" if name != "MaDoiTac" else "Y"
    with pytest.raises(Refused) as caught:
        received(call)
    assert caught.value.reason == ("wrong_partner" if name == "MaDoiTac" else "bad_signature")


def test_a_bar_in_a_value_moves_no_field_under_the_hash():
    told = CALL | {"MaNganHang": "B|20250603131000", "ThoiGianGD": "Phí", "ThongTinGiaoDich": "x"}
    values = [str(told[name]) for name in NAMES.split()]
    with pytest.raises(Refused) as caught:
        received(told | {"MaXacThuc": hashed(*values, SECRET)})
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (b"", "not_json"),
        (b"[]", "not_json"),
        (b"\xff", "not_json"),
        (b'{"MaLoi": "00", "MaLoi": "99"}', "not_json"),
        (b'{"SoTien": NaN}', "not_json"),
        (b"[" * 100_000, "not_json"),
        (CALL, "field_missing"),
        (signed(MaThamChieu=""), "field_missing"),
        (signed() | {"MaLoi": ["00"]}, "field_missing"),
        (signed() | {"MaXacThuc": "0" * 64}, "bad_signature"),
        (signed() | {"MaXacThuc": signed()["MaXacThuc"].upper()}, "bad_signature"),
        (signed() | {"MaXacThuc": "\u1ea1"}, "bad_signature"),
        (json.dumps(signed() | {"MaGiaoDich": "\ud800"}).encode(), "malformed"),
        (signed(SoTien="1.5"), "amount_malformed"),
        (signed(SoTien="-5"), "amount_malformed"),
        (signed(SoTien="٢٠٠"), "amount_malformed"),
        (signed(SoTien="9" * 16), "amount_malformed"),
    ],
)
def test_what_cannot_be_verified_is_refused_and_nothing_of_it_sent_back(call, reason):
    with pytest.raises(Refused) as caught:
        received(call)
    assert caught.value.reason == reason
    said = answer(caught.value.answer)
    assert (said["MaLoi"], said["MaThamChieu"], said["MaXacThuc"]) == ("99", "", "")


def test_null_is_an_empty_value_of_the_hash():
    assert received(signed(MaNganHang=None)).envelope.external_id == "TT1/77"


def test_an_empty_secret_proves_nothing():
    with pytest.raises(Exception, match="password"):
        received(signed(), password="")


def test_only_post_is_taken():
    with pytest.raises(Refused) as caught:
        received(signed(), method="GET")
    assert (caught.value.reason, caught.value.answer.status) == ("not_post", 405)


def test_a_refusal_of_the_gateway_is_told_as_other_error():
    assert answer(inbound.refusal("address_not_allowed"))["MaLoi"] == "99"


# The stand-in's calls, over a socket.


def test_the_platform_hears_what_makes_it_stop(platform, order):
    platform.client().send_payment(order())
    assert platform.pay("TT1", "NOBODY") == {"paid": 1, "skipped": ["NOBODY"], "notified": {"accepted": 1}}
    assert len(platform.door.got) == 1


@pytest.mark.parametrize("how", ["forged", "other_amount", "unknown_order"])
def test_the_stand_in_lies_as_it_is_told_and_its_books_stay(platform, order, how):
    platform.client().send_payment(order())
    if how != "forged":
        platform.hub.standing = {"other_amount": Standing.AMOUNT_DIFFERS}.get(how, Standing.UNKNOWN)
    assert platform.pay("TT1", **{"as": how})["notified"] == {"refused": 1}
    assert [one["state"] for one in platform.get("payments")] == ["created"]


def test_an_answer_that_only_gives_the_hash_back_is_not_what_this_stand_in_signs(platform, order):
    platform.client().send_payment(order())
    platform.hub.connection = platform.connection(answer_signed="")
    assert platform.pay("TT1")["notified"] == {"refused": 1}
