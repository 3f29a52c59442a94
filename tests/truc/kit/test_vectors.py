"""`truc vectors`: right vectors pass however they are spelled, wrong ones fail and say why, and no key is shown."""

import base64
import hashlib
import hmac
import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from tests.counterparts import program
from truc.cli import main
from truc.kit.vector_signatures import spelled
from truc.kit.vectors import vectors

PUBLISHED = Path(__file__).resolve().parents[4] / "shared" / "domain" / "vectors.json"
KEY = "at67qH6mk8w5Y1nAyMoYKMWACiEi2bsa"
TEXT = "amount=1000&orderInfo=Nộp phí"
PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVE = ec.generate_private_key(ec.SECP256R1())
SHA1 = hashes.SHA1()  # noqa: S303  (VietinBank's)
PUBLIC_PEM = PRIVATE.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
PRIVATE_PEM = PRIVATE.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
CURVE_PEM = CURVE.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)


def entry(**changes):
    plain = {
        "partner": "a partner",
        "operation": "a message",
        "algorithm": "HMAC-SHA256-hex",
        "inputs": {},
        "raw": TEXT,
        "key": KEY,
        "expected": hmac.new(KEY.encode(), TEXT.encode(), "sha256").hexdigest(),
        "source": "here",
    }
    return plain | changes


def run(folder, *entries, command=vectors):
    file = folder / "vectors.json"
    file.write_text(json.dumps(entries), encoding="utf-8")
    return CliRunner().invoke(command, [str(file)])


def fails(folder, one):
    """Return what is said of the one entry, which must fail."""
    result = run(folder, one)
    assert result.exit_code == 1
    assert result.output.endswith("0 passed, 1 failed\n")
    assert KEY not in result.output
    return result.output


def passes(folder, one):
    result = run(folder, one)
    return (result.exit_code, result.output) == (0, "1 passed, 0 failed\n")


def mac(name, text=TEXT, key=KEY):
    return hmac.new(key.encode(), text.encode(), name)


def digest(name, text):
    return hashlib.new(name, text.encode())


def test_every_published_vector_passes_or_says_why_it_is_not_checked():
    if not PUBLISHED.exists():
        pytest.skip("published vectors are absent: ../shared/domain/vectors.json")
    entries = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    result = CliRunner().invoke(main, ["vectors", str(PUBLISHED)])
    *lines, last = result.output.splitlines()
    unchecked = [line for line in lines if line.startswith("not checked: ")]
    assert last == f"{len(entries) - len(unchecked)} passed, 0 failed"
    assert result.exit_code == 0
    # Only tables that the hub has no counterpart of; everything that is computed is checked.
    tables = sum(1 for one in entries if one["algorithm"] == "table")
    assert len(unchecked) < tables
    assert all("the hub holds no table" in line for line in unchecked)


def test_no_published_vector_passes_with_another_value(tmp_path):
    if not PUBLISHED.exists():
        pytest.skip("published vectors are absent: ../shared/domain/vectors.json")
    entries = [one for one in json.loads(PUBLISHED.read_text(encoding="utf-8")) if one["algorithm"] != "table"]
    wrong = [one | {"expected": one["expected"][:-1] + ("0" if one["expected"][-1] != "0" else "1")} for one in entries]
    result = run(tmp_path, *wrong)
    assert result.output.endswith(f"0 passed, {len(entries)} failed\n")
    assert not [one["key"] for one in entries if one["key"] and one["key"] in result.output]


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("HMAC-SHA256-hex", mac("sha256").hexdigest()),
        ("HmacSHA256", mac("sha256").hexdigest()),
        ("hmac_sha_512_HEX", mac("sha512").hexdigest().upper()),
        ("HMAC-SHA1-base64", base64.b64encode(mac("sha1").digest()).decode()),
        ("Base64(HMAC-SHA1(key, raw))", base64.b64encode(mac("sha1").digest()).decode()),
        ("SHA256-hex(data+clientSecret)", digest("sha256", TEXT + KEY).hexdigest()),
        ("MD5-hex(secretKey+raw)", digest("md5", KEY + TEXT).hexdigest()),
        ("JWS HS256", base64.urlsafe_b64encode(mac("sha256").digest()).decode().rstrip("=")),
        ("HS256", base64.urlsafe_b64encode(mac("sha256").digest()).decode().rstrip("=")),
        ("HMAC-MD5-hex", mac("md5").hexdigest()),
        ("MD5-hex(key+raw)", digest("md5", KEY + TEXT).hexdigest()),
        ("hex(SHA-1(raw+secret))", digest("sha1", TEXT + KEY).hexdigest()),
        ("SHA256-hex(raw+key)", digest("sha256", TEXT + KEY).hexdigest()),
        ("SHA256-hex(raw|key)", digest("sha256", f"{TEXT}|{KEY}").hexdigest()),
        ("SHA-512-HEX", digest("sha512", KEY + TEXT).hexdigest()),
        ("SHA256-base64", base64.b64encode(digest("sha256", TEXT).digest()).decode()),
    ],
)
def test_spellings_of_a_right_value_pass_and_a_wrong_one_fails(tmp_path, algorithm, expected):
    assert passes(tmp_path, entry(algorithm=algorithm, expected=expected))
    wrong = ("1" if expected[0] == "0" else "0") + expected[1:]
    assert f", expected {wrong}" in fails(tmp_path, entry(algorithm=algorithm, expected=wrong))
    assert f", expected {expected}" in fails(tmp_path, entry(algorithm=algorithm, expected=expected, raw=TEXT + "0"))
    if algorithm != "SHA256-base64":  # which takes no key
        assert "computed" in fails(tmp_path, entry(algorithm=algorithm, expected=expected, key="another key"))


def test_a_failure_names_what_was_computed(tmp_path):
    right = mac("sha256").hexdigest()
    said = fails(tmp_path, entry(expected="00"))
    assert said.startswith(f"failed: entry 1, a partner / a message: computed {right}, expected 00\n")


def test_where_the_secret_stands_is_kept_to(tmp_path):
    last = digest("sha256", TEXT + KEY).hexdigest()
    fails(tmp_path, entry(algorithm="SHA256-hex(key+raw)", expected=last))
    fails(tmp_path, entry(algorithm="SHA256-hex(raw|key)", expected=last))


@pytest.mark.parametrize(
    ("algorithm", "key", "signature"),
    [
        ("RSA-SHA1-base64", PUBLIC_PEM, PRIVATE.sign(TEXT.encode(), padding.PKCS1v15(), SHA1)),
        ("SHA256withRSA", PRIVATE_PEM, PRIVATE.sign(TEXT.encode(), padding.PKCS1v15(), hashes.SHA256())),
        (
            "RSA-PSS-SHA256-base64",
            PUBLIC_PEM,
            PRIVATE.sign(TEXT.encode(), padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()),
        ),
        ("ECDSA-SHA256-base64", CURVE_PEM, CURVE.sign(TEXT.encode(), ec.ECDSA(hashes.SHA256()))),
    ],
    ids=["rsa-sha1", "rsa-sha256", "rsa-pss", "ecdsa"],
)
def test_signatures_of_key_pairs_are_verified_with_a_key_in_pem(tmp_path, algorithm, key, signature):
    right = entry(algorithm=algorithm, key=key.decode(), expected=base64.b64encode(signature).decode())
    assert passes(tmp_path, right)
    said = fails(tmp_path, right | {"raw": TEXT + "x"})
    assert "does not confirm" in said
    assert "PRIVATE KEY" not in said
    assert "does not confirm" in fails(
        tmp_path, right | {"algorithm": algorithm.replace("1", "512").replace("256", "512")}
    )


def test_a_key_is_never_a_path_to_read(tmp_path):
    for key in (f"file:{tmp_path}/vectors.json", "env:HOME", "/etc/hostname", None):
        assert "the key must be PEM" in fails(tmp_path, entry(algorithm="RSA-SHA256-base64", key=key, expected="AAAA"))


def test_keys_and_texts_of_rfc_4231_in_hex(tmp_path):
    right = "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"  # case 3
    assert passes(tmp_path, entry(key="aa" * 20, raw="dd" * 50, expected=right))
    fails(tmp_path, entry(key="aa" * 20, raw="dd" * 49, expected=right))


@pytest.mark.parametrize("algorithm", ["HMAC-SHA3-256", "SHA256-crc", "Blake2", "", "HMAC", "MD5-SHA1", "CRC16-XMODEM"])
def test_an_algorithm_nobody_knows_fails_and_says_so(tmp_path, algorithm):
    assert f"no algorithm {algorithm!r} is known here" in fails(tmp_path, entry(algorithm=algorithm))


def test_the_text_must_be_made_of_the_inputs(tmp_path):
    inputs = {"orderInfo": "Nộp phí", "amount": "1000"}
    assert passes(tmp_path, entry(inputs=inputs))
    assert "without the value of amount" in fails(tmp_path, entry(inputs=inputs | {"amount": "1001"}))


def test_a_text_may_hold_more_than_the_inputs_or_less_but_not_another_value(tmp_path):
    assert passes(tmp_path, entry(inputs={"amount": 1000}))  # the rest comes from the settings
    assert passes(tmp_path, entry(inputs={"errorCode": 78, "message": "Permission denied"}))  # not what is signed
    assert passes(tmp_path, entry(inputs={"amount": 1000, "orderInfo": "Nộp phí", "payType": "qr"}))
    fails(tmp_path, entry(inputs={"amount": 1001}))


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        ("2553|241126_58473|36", {"appid": "2553", "apptransid": "241126_58473", "pmcid": "36"}),
        ("1605TRX1MER150000", {"timeStamp": "1605", "merTrxId": "TRX1", "merId": "MER1", "amount": "50000"}),
        (" phí 2000", {"lead": "", "info": "phí", "price": "2000"}),
        ("1605TRX1", {"timeStamp": "1605", "goodsNm": "le phi", "merTrxId": "TRX1"}),
    ],
)
def test_texts_of_values_are_made_of_the_inputs_too(tmp_path, text, inputs):
    right = entry(raw=text, inputs=inputs, expected=mac("sha256", text).hexdigest())
    assert passes(tmp_path, right)
    name = max(inputs, key=lambda one: (inputs[one] in text, len(inputs[one])))
    changed = inputs | {name: inputs[name][:-1] + "9"}
    if any(len(value) >= 4 and value in text for value in changed.values()):
        assert f"without the value of {name}" in fails(tmp_path, right | {"inputs": changed})


def test_a_row_of_the_connector_makes_the_text(tmp_path):
    values = dict(zip(("orderId", "requestId", "partnerCode", "accessKey"), "1234", strict=True))
    text = "accessKey=4&orderId=1&partnerCode=3&requestId=2"
    assert passes(tmp_path, entry(partner="MoMo", inputs=values, raw=None, expected=mac("sha256", text).hexdigest()))
    fails(tmp_path, entry(partner="MoMo", inputs=values, raw=None))


@pytest.mark.parametrize(
    ("raw", "expected", "payload", "good"),
    [
        ("123456789", "29B1", None, True),
        ("123456789", "29b1", None, False),
        ("12345678", "29B1", None, False),
        ("123456789", "29B1", "12345678929B1", True),
        ("123456789", "29B1", "12345678829B1", False),
        (None, "29B1", "12345678929B1", True),
    ],
)
def test_crc(tmp_path, raw, expected, payload, good):
    inputs = {} if payload is None else {"payload": payload}
    one = entry(algorithm="CRC-16/CCITT-FALSE", raw=raw, expected=expected, inputs=inputs, key=None)
    assert run(tmp_path, one).exit_code == (0 if good else 1)


@pytest.mark.parametrize(
    ("number", "expected", "good"),
    [
        ("0100233488", "valid", True),
        ("0100233488", "invalid-checksum", False),
        ("0100233480", "invalid-checksum", True),
        ("0100233480", "invalid", True),
        ("0100233480", "valid", False),
        ("12345", "invalid-length", True),
        ("0312687878-000", "invalid-component", True),
    ],
)
def test_tax_codes(tmp_path, number, expected, good):
    one = entry(algorithm="weights 31,29,23,19,17,13,7,5,3; check = 10 - (sum mod 11)", raw=number, expected=expected)
    assert run(tmp_path, one).exit_code == (0 if good else 1)


def test_momo_s_aes_helper_makes_what_openssl_makes(tmp_path):
    command = [program("openssl"), "enc", "-aes-256-cbc", "-a", "-A", "-K", KEY.encode().hex(), "-iv", "0" * 32]
    made = subprocess.run(command, input=TEXT.encode(), capture_output=True, check=True).stdout.decode().strip()
    one = entry(algorithm="AES-256-CBC, zero IV, Base64", expected=made)
    assert passes(tmp_path, one)
    fails(tmp_path, one | {"raw": TEXT + "0"})
    assert "a key of 32 bytes" in fails(tmp_path, one | {"key": "short"})
    assert "an iv of 16" in fails(tmp_path, one | {"inputs": {"iv": "zz"}})


def test_tables_are_compared_with_the_hub_s_own(tmp_path):
    from truc.domain import areas, postage

    def table(**changes):
        return entry(algorithm="table", raw=None, key=None, **changes)

    names = {one.code: one.name for one in areas.provinces()}
    provinces = table(operation="34 province codes", expected=names)
    assert passes(tmp_path, provinces)
    fails(tmp_path, provinces | {"expected": names | {"01": "Hà Tây"}})
    fails(tmp_path, provinces | {"expected": {code: name for code, name in names.items() if code != "96"}})
    before = table(operation="63 province codes before", expected=dict.fromkeys(postage.PRESENT_OF, "a name"))
    assert passes(tmp_path, before)
    fails(tmp_path, before | {"expected": {**before["expected"], "03": "a name"}})
    fails(tmp_path, before | {"expected": {("03" if one == "02" else one): "a name" for one in before["expected"]}})
    strange = run(tmp_path, table(expected={"000": "card data correct"}))
    assert (strange.exit_code, strange.output.splitlines()[-2:]) == (0, ["1 not checked", "0 passed, 0 failed"])


def test_the_codes_of_a_party_are_compared_with_its_own_table(tmp_path):
    from connectors.momo.result_codes import CODES

    one = entry(partner="MoMo", operation="result codes", algorithm="table", raw=None, expected=dict(CODES.meaning))
    assert passes(tmp_path, one)
    held = dict(CODES.meaning)
    for another in (held | {"-1": "?"}, dict(list(held.items())[1:]), {"0": "done", "-1": "?"}):
        assert "the hub's table is another" in fails(tmp_path, one | {"expected": another})
    strange = run(tmp_path, one | {"expected": {"0": "done", "-1": "?", "-2": "?"}})  # of which less than half is held
    assert "1 not checked" in strange.output


def test_an_xml_signature_is_named_as_not_checked(tmp_path):
    assert "1 not checked" in run(tmp_path, entry(algorithm="XMLDSig RSA-SHA1", expected="valid")).output


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{}", "expected a list of vectors"),
        (b"[", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[1]", "entry 1: expected an object, found str"),
        (json.dumps([entry(), {}]).encode(), "entry 2: field 'partner' is missing"),
        (json.dumps([entry(key=True)]).encode(), "entry 1: field 'key' is no text but bool"),
        (json.dumps([entry(raw=["x"])]).encode(), "entry 1: field 'raw' is no text but list"),
        (json.dumps([entry(inputs="x")]).encode(), "entry 1: field 'inputs' is no object but str"),
        (json.dumps([entry(expected=None)]).encode(), "entry 1: field 'expected' is no text but NoneType"),
        (json.dumps([entry(raw="\ud800")]).encode(), "entry 1: field 'raw' is not Unicode text"),
        (b"[" * 100_000, "is not JSON"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path, content, said):
    file = tmp_path / "vectors.json"
    file.write_bytes(content)
    result = CliRunner().invoke(vectors, [str(file)])
    assert result.exit_code == 1
    assert said in result.output
    assert isinstance(result.exception, SystemExit)
    assert len(result.output.splitlines()) <= 2


def test_spellings_are_read_word_by_word():
    assert spelled("SHA256withRSAandMGF1") == spelled("RSASSA-PSS-SHA256") == spelled("RSA-PSS-SHA-256")
    assert spelled("RSA PKCS#1 v1.5 SHA-256") == spelled("SHA256withRSA") == spelled("RSA-SHA256")


def test_an_entry_with_neither_text_nor_fields_is_not_checked(tmp_path):
    result = run(tmp_path, entry(raw=None, inputs={}))
    assert (result.exit_code, "1 not checked" in result.output) == (0, True)
    assert "neither a text nor fields" in result.output


def test_a_number_keeps_the_digits_it_was_written_with(tmp_path):
    file, text = tmp_path / "vectors.json", "amount=1000.50&ref=7"
    right = entry(raw=text, expected=hmac.new(KEY.encode(), text.encode(), "sha256").hexdigest())
    for written, code in (("1000.50", 0), ("1000.51", 1)):
        inputs = f'{{"amount": {written}, "ref": 7}}'
        file.write_text(json.dumps([right]).replace('"inputs": {}', f'"inputs": {inputs}'), encoding="utf-8")
        assert CliRunner().invoke(vectors, [str(file)]).exit_code == code
