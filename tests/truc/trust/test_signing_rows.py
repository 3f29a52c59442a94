"""A row for every partner of partners.md, each against a value computed by hand with hashlib and hmac alone."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from truc.errors import SetupError
from truc.trust.keys import PemKey
from truc.trust.signing import Profile, sign, sign_bytes, text_to_sign, verify, verify_bytes

SECRET = "bí mật 7f&|+"
OLD = "the partner documents nothing else"


@dataclass(frozen=True)
class Row:
    """A profile, the fields that come, and what stands in the text in the end, written out by hand."""

    profile: Profile
    fields: dict[str, str]
    text: str
    value: str


def mac(name, text):
    return hmac.new(SECRET.encode(), text.encode(), name)


def digest(name, text):
    return hashlib.new(name, text.encode())


def names(words):
    return tuple(words.split())


def momo_v2():
    profile = Profile(names=names("accessKey orderId partnerCode requestId"))
    text = "accessKey=k&orderId=đơn 1&partnerCode=&requestId=a&b=c"
    fields = {"requestId": "a&b=c", "partnerCode": "", "orderId": "đơn 1", "accessKey": "k", "signature": "x"}
    return Row(profile, fields, text, mac("sha256", text).hexdigest())


def momo_v1():
    profile = Profile(names=names("partnerCode accessKey requestId orderId requestType"))
    text = "partnerCode=P&accessKey=k&requestId=1&orderId=0.38 1&requestType=refundMoMoWallet"
    fields = dict(zip(profile.names, ("P", "k", "1", "0.38 1", "refundMoMoWallet"), strict=True))
    return Row(profile, fields, text, mac("sha256", text).hexdigest())


def vnpay_210():
    profile = Profile(
        algorithm="HMAC-SHA512",
        apart=("vnp_SecureHash", "vnp_SecureHashType"),
        encoding="form",
        empties="left_out",
    )
    fields = {
        "vnp_TxnRef": "Mã 1",
        "vnp_OrderInfo": "Nộp phí: #1+2 & 3=4",
        "vnp_BankCode": "",
        "vnp_Amount": "1000000",
        "vnp_SecureHashType": "HmacSHA512",
        "vnp_SecureHash": "abc",
    }
    text = "vnp_Amount=1000000&vnp_OrderInfo=N%E1%BB%99p+ph%C3%AD%3A+%231%2B2+%26+3%3D4&vnp_TxnRef=M%C3%A3+1"
    return Row(profile, fields, text, mac("sha512", text).hexdigest())


def vnpay_querydr():
    profile = Profile(
        algorithm="HMAC-SHA512",
        names=names("vnp_RequestId vnp_Version vnp_Command vnp_TmnCode vnp_TxnRef vnp_BankCode"),
        parts="value",
        separator="|",
        missing="empty",
    )
    fields = dict(zip(profile.names, ("r1", "2.1.0", "querydr", "TMN", "t 1"), strict=False))
    text = "r1|2.1.0|querydr|TMN|t 1|"
    return Row(profile, fields, text, mac("sha512", text).hexdigest())


def vnpay_20():
    profile = Profile(
        algorithm="MD5",
        apart=("vnp_SecureHash",),
        encoding="form",
        empties="left_out",
        key_place="prefix",
        weak_because=OLD,
    )
    text = f"{SECRET}a=1+2&b=3"
    return Row(profile, {"b": "3", "a": "1 2", "c": "", "vnp_SecureHash": "x"}, text, digest("md5", text).hexdigest())


def zalopay():
    profile = Profile(names=names("app_id app_trans_id key1"), parts="value", separator="|")
    text = "2553|241126_1|PcY4"
    fields = {"key1": "PcY4", "app_id": "2553", "app_trans_id": "241126_1"}
    return Row(profile, fields, text, mac("sha256", text).hexdigest())


def viettelpay_base64():
    profile = Profile(
        algorithm="HMAC-SHA1",
        names=names("access_code billcode command merchant_code order_id trans_amount version"),
        parts="value",
        separator="",
        output="base64",
        weak_because=OLD,
    )
    fields = dict(zip(profile.names, ("AC", "B1", "PAYMENT", "M", "O1", "10000", "2.0"), strict=True))
    text = "ACB1PAYMENTMO1100002.0"
    return Row(profile, fields, text, base64.b64encode(mac("sha1", text).digest()).decode())


def viettelpay_hex():
    row = viettelpay_base64()
    return replace(row, profile=replace(row.profile, output="HEX"), value=mac("sha1", row.text).hexdigest().upper())


def megapay():
    profile = Profile(
        algorithm="SHA-256",
        names=names("timeStamp merTrxId merId amount"),
        parts="value",
        separator="",
        key_place="last",
    )
    text = f"1605840000000TRX1MER150000{SECRET}"
    fields = {"timeStamp": "1605840000000", "merTrxId": "TRX1", "merId": "MER1", "amount": "50000"}
    return Row(profile, fields, text, digest("sha256", text).hexdigest())


def vnpt_init():
    profile = Profile(
        algorithm="SHA-256", names=names("ACTION VERSION AMOUNT"), parts="value", separator="|", key_place="last"
    )
    text = f"INIT|1.0.5|10000|{SECRET}"
    fields = {"ACTION": "INIT", "VERSION": "1.0.5", "AMOUNT": "10000"}
    return Row(profile, fields, text, digest("sha256", text).hexdigest())


def paygov():
    profile = Profile(
        algorithm="SHA-256",
        names=names("accessKey partnerCode orderId requestCode amount"),
        parts="value",
        separator="",
        key_place="first",
    )
    text = f"{SECRET}AKPCH32-01RQ200000"
    fields = dict(zip(profile.names, ("AK", "PC", "H32-01", "RQ", "200000"), strict=True))
    return Row(profile, fields, text, digest("sha256", text).hexdigest())


def nganluong_checkout():
    profile = Profile(
        algorithm="MD5",
        names=names("merchant_site_code return_url receiver order_code price"),
        parts="value",
        separator=" ",
        key_place="last",
        weak_because=OLD,
    )
    fields = dict(zip(profile.names, ("36680", "https://hub.vn/x", "a@b.vn", "H32", "2000"), strict=True))
    text = f"36680 https://hub.vn/x a@b.vn H32 2000 {SECRET}"
    return Row(profile, fields, text, digest("md5", text).hexdigest())


def nganluong_return():
    profile = Profile(
        algorithm="MD5",
        names=names("transaction_info order_code price payment_id payment_type error_text merchant_site_code"),
        parts="value",
        separator=" ",
        key_place="last",
        lead=" ",
        weak_because=OLD,
    )
    fields = dict(zip(profile.names, ("phí", "H32", "2000", "77", "1", "", "36680"), strict=True))
    text = f" phí H32 2000 77 1  36680 {SECRET}"
    return Row(profile, fields, text, digest("md5", text).hexdigest())


def napas():
    profile = Profile(algorithm="SHA-256", names=("data",), parts="value", separator="", key_place="suffix")
    text = f"eyJvcmRlciI6e319{SECRET}"
    return Row(profile, {"data": "eyJvcmRlciI6e319"}, text, digest("sha256", text).hexdigest())


def national_payment():
    profile = Profile(
        algorithm="SHA-256",
        names=names("LoaiBanTin PhienBan MaDoiTac MaThamChieu ThoiGianGD"),
        parts="value",
        separator="|",
        key_place="last",
    )
    fields = dict(zip(profile.names, ("2", "1.0", "H32", "REF", "20261122101500"), strict=True))
    text = f"2|1.0|H32|REF|20261122101500|{SECRET}"
    return Row(profile, fields, text, digest("sha256", text).hexdigest())


def keypay_v3():
    profile = Profile(names=names("client_id command transaction_id"), parts="value", separator="|")
    text = "C|DETAIL|T1"
    fields = {"client_id": "C", "command": "DETAIL", "transaction_id": "T1"}
    return Row(profile, fields, text, mac("sha256", text).hexdigest())


def keypay_v2():
    profile = Profile(
        algorithm="SHA-256", parts="value", separator="", key_place="prefix", empties="left_out", apart=("secure_hash",)
    )
    text = f"{SECRET}GOOD1TRANS2"
    fields = {"trans_id": "TRANS2", "good_code": "GOOD1", "merchant_code": "", "secure_hash": "x"}
    return Row(profile, fields, text, digest("sha256", text).hexdigest())


def zalo_webhook():
    profile = Profile(
        algorithm="SHA-256", names=names("app_id body timestamp"), parts="value", separator="", key_place="suffix"
    )
    text = f'A1{{"event_name":"x"}}1700000000000{SECRET}'
    fields = {"app_id": "A1", "body": '{"event_name":"x"}', "timestamp": "1700000000000"}
    return Row(profile, fields, text, digest("sha256", text).hexdigest())


ROWS = {
    row.__name__: row
    for row in (
        momo_v2,
        momo_v1,
        vnpay_210,
        vnpay_querydr,
        vnpay_20,
        zalopay,
        viettelpay_base64,
        viettelpay_hex,
        megapay,
        vnpt_init,
        paygov,
        nganluong_checkout,
        nganluong_return,
        napas,
        national_payment,
        keypay_v3,
        keypay_v2,
        zalo_webhook,
    )
}


@pytest.fixture(params=ROWS.values(), ids=ROWS.keys())
def row(request):
    return request.param()


def test_the_text_is_what_the_partner_writes(row):
    assert text_to_sign(row.profile, row.fields, secret=SECRET).decode() == row.text


def test_the_signature_is_what_is_computed_by_hand_and_verifies(row):
    assert sign(row.profile, row.fields, SECRET) == row.value
    assert sign_bytes(row.profile, row.text.encode(), SECRET) == row.value
    assert verify(row.profile, row.fields, SECRET, row.value)
    assert verify_bytes(row.profile, row.text.encode(), SECRET, row.value)


def test_no_signed_field_can_be_changed(row):
    signed = (set(row.profile.names or row.fields) - set(row.profile.apart)) & row.fields.keys()
    assert signed
    for name in signed:
        assert not verify(row.profile, row.fields | {name: row.fields[name] + "0"}, SECRET, row.value), name


def test_another_secret_does_not_verify(row):
    assert not verify(row.profile, row.fields, SECRET + "x", row.value)


def test_a_signature_in_another_form_does_not_verify(row):
    for other in (row.value.swapcase(), row.value + " ", row.value[:-1], "", "é" * 64, "\ud800", row.value + "\0"):
        assert not verify(row.profile, row.fields, SECRET, other), other


def test_no_row_signs_with_an_empty_secret(row):
    with pytest.raises(SetupError) as caught:
        sign(row.profile, row.fields, "")
    assert caught.value.reason == "key_missing"


def test_a_row_of_a_weak_algorithm_needs_its_reason(row):
    if row.profile.weak_because:
        with pytest.raises(SetupError) as caught:
            replace(row.profile, weak_because=" ")
        assert caught.value.reason == "weak_algorithm"
    else:
        assert row.profile.algorithm in ("HMAC-SHA256", "HMAC-SHA512", "SHA-256")


def test_vietinbank_signs_plain_values_with_rsa_and_sha_1():
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    profile = Profile(
        algorithm="RSA-SHA1",
        names=names("queryTransactionId queryType providerId"),
        parts="value",
        separator="",
        output="base64",
        weak_because=OLD,
    )
    fields = {"queryTransactionId": "Q1", "queryType": "PAY", "providerId": "P"}
    by_hand = private.sign(b"Q1PAYP", padding.PKCS1v15(), hashes.SHA1())  # noqa: S303  (the bank signs with nothing else)
    assert sign(profile, fields, PemKey(private)) == base64.b64encode(by_hand).decode()
    assert verify(profile, fields, private.public_key(), base64.b64encode(by_hand).decode())
    assert not verify(profile, fields | {"providerId": "Q"}, private.public_key(), base64.b64encode(by_hand).decode())
