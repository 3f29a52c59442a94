"""VietQR texts: published ones are read as published, and what we write is read back the same."""

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truc.domain import vietqr
from truc.domain.vietqr import VietQr, ascii_text, build, crc, elements, parse
from truc.errors import MalformedError

VECTORS = Path(__file__).resolve().parents[4] / "shared" / "domain" / "vectors.json"
# vietqr-ts, after NAPAS 1.5.2: a static QR to an account.
STATIC = "00020101021138570010A00000072701270006970403011300110123456780208QRIBFTTA53037045802VN63049E6F"
# NAPAS's own sample (partners.md §15): the CRC is right, but it declares 12 digits of an account that has 13.
NAPAS_BROKEN = "00020101021138570010A00000072701270006970403011200110123456780208QRIBFTTA53037045802VN6304F4E5"
# Three other libraries: vietnam-qr-pay (a static one with an amount), sunary/vietqr, napas-qr-python (another order).
OF_OTHERS = {
    "00020101021238530010A0000007270123000697041601092576788590208QRIBFTTA5303704540410005802VN62150811Chuyen tien"
    "6304BBB8": VietQr(bank_bin="970416", number="257678859", amount_vnd=1000, purpose="Chuyen tien"),
    "00020101021138510010A00000072701210006970407010797968680208QRIBFTTA53037045802VN62240820gen by sunary/vietqr"
    "6304BE74": VietQr(bank_bin="970407", number="9796868", purpose="gen by sunary/vietqr"),
    "00020101021153037045802VN38540010A00000072701240006970436011010319334300208QRIBFTTA62220818Thanh toan hoa don"
    "6304FCE9": VietQr(bank_bin="970436", number="1031933430", purpose="Thanh toan hoa don"),
}
# vietqr-ts: the length of the purpose counts bytes. EMVCo's own sample: lengths count characters.
ACCENTED = (
    "00020101021238570010A000000727013900069704220113012345678902002"
    "08QRIBFTTA53037045405100005802VN62260822Thanh toán hóa đơn630432F8"
)
CHINESE = (
    "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST TRANSPORT"
    "6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A6008667"
    "0902ME91320016A0112233449988770708123456786304A13A"
)
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=25)
QRS = st.builds(
    VietQr,
    bank_bin=st.from_regex(r"\A[0-9]{6}\Z"),
    number=st.from_regex(r"\A[0-9]{12,19}\Z"),
    payee=st.sampled_from(("account", "card")),
    amount_vnd=st.none() | st.integers(1, vietqr.AMOUNT_VND_MAX),
    name=TEXT,
    city=TEXT.map(lambda text: text[:15]),
    bill_number=TEXT,
    terminal=TEXT,
    purpose=TEXT,
)
FEE = VietQr(bank_bin="970436", number="0011012345678", amount_vnd=150_000, purpose="Lệ phí hồ sơ", bill_number="H32-1")


def signed(text):
    return f"{text}6304{crc(f'{text}6304')}"


def reason(call, *arguments):
    with pytest.raises(MalformedError) as caught:
        call(*arguments)
    return caught.value.reason


def test_the_catalogue_s_check_value():
    assert crc("123456789") == "29B1"


@given(QRS)
def test_what_is_written_is_read_back(qr):
    text = build(qr)
    assert text.isascii()
    assert parse(text).qr == qr


@given(QRS, st.data())
def test_a_changed_character_is_never_read_as_the_same_transfer(qr, data):
    text = build(qr)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(min_codepoint=32, max_codepoint=126).filter(lambda one: one != text[place]))
    assert reason(parse, text[:place] + other + text[place + 1 :]) == "bad_crc"


def test_a_published_static_text_is_made_and_read():
    qr = VietQr(bank_bin="970403", number="0011012345678")
    assert build(qr) == STATIC
    assert parse(STATIC).qr == qr


@pytest.mark.parametrize(("text", "qr"), OF_OTHERS.items())
def test_texts_of_other_libraries_are_read(text, qr):
    assert parse(text).qr == qr


def test_both_readings_of_lengths_are_taken_and_named():
    accented = parse(ACCENTED)
    assert (accented.qr.purpose, accented.lengths) == ("Thanh toán hóa đơn", "bytes")
    chinese = elements(CHINESE)
    assert (chinese.at["64/01"], chinese.at["91/07"], chinese.lengths) == ("最佳运输", "12345678", "characters")
    assert parse(STATIC).lengths == "bytes"


def test_every_published_payload_is_read_to_its_end():
    if not VECTORS.exists():
        pytest.skip("published vectors are absent: ../shared/domain/vectors.json")
    rows = json.loads(VECTORS.read_text(encoding="utf-8"))
    payloads = [row["inputs"]["payload"] for row in rows if "payload" in row["inputs"]]
    assert len(payloads) >= 6
    for payload in payloads:
        assert elements(payload).at["00"] == "01"


def test_a_right_crc_over_a_wrong_structure_is_refused():
    assert reason(parse, NAPAS_BROKEN) == "bad_structure"
    assert reason(parse, signed("0002010102")) == "bad_structure"
    assert reason(parse, signed("000201010211010211")) == "bad_structure"  # an element twice
    assert reason(parse, signed("0002015900")) == "bad_structure"  # an empty one
    assert reason(parse, signed("00020159٠٣abc")) == "bad_structure"  # digits of another script


def test_what_is_no_qr_is_refused():
    for text in (
        "",
        "6304",
        "x" * 100,
        STATIC[:-4] + "9e6f",
        STATIC + "\n",
        STATIC[:-1],
        "\ud800" + STATIC,
        STATIC[2:],
    ):
        assert reason(parse, text) == "bad_crc", text


@pytest.mark.parametrize(
    ("old", "new"),
    [("A000000727", "A000000728"), ("5303704", "5303840"), ("5802VN", "5802US"), ("QRIBFTTA", "QRPUSHXX")],
)
def test_another_network_currency_country_or_service_is_no_vietqr(old, new):
    assert reason(parse, signed(STATIC[:-8].replace(old, new))) == "not_vietqr"


def test_an_amount_with_a_decimal_part_is_no_whole_dong():
    assert reason(parse, signed(STATIC[:-8] + "54071000.50")) == "bad_amount"
    assert reason(parse, signed(STATIC[:-8] + "54010")) == "bad_amount"


def test_accents_are_taken_off_and_what_has_no_ascii_form_is_refused():
    assert parse(build(FEE)).qr.purpose == "Le phi ho so"
    assert ascii_text("Đường số 5, Quảng Trị") == "Duong so 5, Quang Tri"
    assert ascii_text(unicodedata.normalize("NFD", "Quảng Trị")) == "Quang Tri"
    for text in ("20 €", "北京", "a\nb", "\ud800"):
        assert reason(ascii_text, text) == "not_ascii"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"purpose": "x" * 26}, "too_long"),
        ({"bill_number": "x" * 26}, "too_long"),
        ({"name": "x" * 26}, "too_long"),
        ({"city": "x" * 16}, "too_long"),
        ({"amount_vnd": 0}, "bad_amount"),
        ({"amount_vnd": -1}, "bad_amount"),
        ({"amount_vnd": 10**13}, "bad_amount"),
        ({"amount_vnd": True}, "bad_amount"),
        ({"amount_vnd": 1000.0}, "bad_amount"),
        ({"bank_bin": "97043"}, "bad_bank_bin"),
        ({"bank_bin": "97043٦"}, "bad_bank_bin"),
        ({"number": ""}, "bad_number"),
        ({"number": "1" * 20}, "bad_number"),
        ({"number": "12 34"}, "bad_number"),
        ({"number": "ABC123456789", "payee": "card"}, "bad_number"),
    ],
)
def test_what_does_not_fit_is_refused_before_it_is_printed(changes, expected):
    values = {"bank_bin": "970436", "number": "0011012345678", "amount_vnd": 1000} | changes
    assert reason(build, VietQr(**values)) == expected


def test_no_text_of_an_error_repeats_the_account():
    with pytest.raises(MalformedError) as caught:
        build(VietQr(bank_bin="970436", number="0011-0123"))
    assert "0011" not in str(caught.value)
