"""Keys by reference: every form is read, everything else is refused, and nothing shows a key."""

import base64
import traceback
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from truc.connections import Connection
from truc.errors import SetupError
from truc.trust.keys import certificates, pem_key, private_key, public_key, signing_key
from truc.trust.signing import Profile, sign_bytes, verify_bytes

TEXT = "số tiền 60.000 đ".encode()
PASSPHRASE = "mật khẩu của khoá"
RSA, EC = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())
OTHER_KIND = (
    ed25519.Ed25519PrivateKey.generate()
    .public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    .decode()
)
KINDS = {"RSA": (RSA, "RSA-SHA256"), "EC": (EC, "ECDSA-SHA256")}


def pem(key, passphrase="", form=PrivateFormat.PKCS8):
    how = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, form, how).decode()


def certificate(key):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "đối tác")])
    now = datetime.now(UTC)
    until = now + timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, until)
    return builder.sign(key, hashes.SHA256())


def kept(path, text, mode=0o600):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return f"file:{path}"


def signs(key, algorithm, public):
    profile = Profile(algorithm=algorithm, output="base64")
    return verify_bytes(profile, TEXT, public, sign_bytes(profile, TEXT, key))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_key_is_read_from_text_a_file_and_the_environment(kind, form, tmp_path, monkeypatch):
    key, algorithm = KINDS[kind]
    text = pem(key, form=form)
    monkeypatch.setenv("HUB_KEY", text)
    monkeypatch.setenv("HUB_KEY_IN_ONE_LINE", text.replace("\n", "\\n"))
    monkeypatch.setenv("HUB_KEY_BARE", "".join(text.splitlines()[1:-1]))
    file = kept(tmp_path / "key.pem", text)
    der = kept(tmp_path / "key.der", base64.b64decode("".join(text.splitlines()[1:-1])))
    for reference in (text, file, der, "env:HUB_KEY", "env:HUB_KEY_IN_ONE_LINE", "env:HUB_KEY_BARE"):
        assert signs(private_key(reference), algorithm, key.public_key()), reference[:12]


@pytest.mark.parametrize("algorithm", ["RSA-SHA512", "RSA-PSS-SHA256", "RSA-PSS-SHA512"])
def test_an_rsa_key_signs_by_every_algorithm_of_its_kind(algorithm):
    assert signs(private_key(pem(RSA)), algorithm, RSA.public_key())


def test_a_weak_algorithm_signs_where_the_profile_says_why():
    signature = private_key(pem(RSA)).sign(TEXT, "RSA-SHA1")
    RSA.public_key().verify(signature, TEXT, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303  (the one under test)


def test_a_connection_holds_the_key_or_its_reference_and_the_passphrase(tmp_path):
    encrypted = pem(RSA, PASSPHRASE)
    for reference in (encrypted, kept(tmp_path / "key.pem", encrypted)):
        connection = Connection("bank", {"sign_key": reference, "sign_key_passphrase": PASSPHRASE})
        assert signs(signing_key(connection, "sign_key"), "RSA-SHA256", RSA.public_key())
    with pytest.raises(SetupError, match="sign_key") as caught:
        signing_key(Connection("bank", {}), "sign_key")
    assert caught.value.reason == "setting_missing"


@pytest.mark.parametrize(
    ("passphrase", "given", "says"),
    [(PASSPHRASE, "", "encrypted"), (PASSPHRASE, "another", "another passphrase"), ("", PASSPHRASE, "not encrypted")],
)
def test_a_passphrase_that_is_missing_wrong_or_too_much_is_told(passphrase, given, says):
    with pytest.raises(SetupError, match=says) as caught:
        private_key(pem(RSA, passphrase), secret=given)
    assert caught.value.reason == "key_unusable"


NO_KEYS = {
    "nothing": ("", "setting_malformed"),
    "a path alone": ("key.pem", "setting_malformed"),
    "another scheme": ("vault:hub/key", "setting_malformed"),
    "no such file": ("file:none.pem", "key_missing"),
    "no such variable": ("env:NO_SUCH_KEY", "key_missing"),
    "base64 of something": ("A" * 100, "key_unusable"),
    "half a key": (pem(RSA)[:200], "key_unusable"),
    "a certificate": (certificate(RSA).public_bytes(Encoding.PEM).decode(), "key_unusable"),
    "ed25519": (pem(ed25519.Ed25519PrivateKey.generate()), "key_of_wrong_kind"),
    "dsa": (pem(dsa.generate_private_key(2048)), "key_of_wrong_kind"),
}


@pytest.mark.parametrize(("reference", "reason"), NO_KEYS.values(), ids=NO_KEYS.keys())
def test_what_leads_to_no_key_of_ours_is_a_matter_of_setup(reference, reason):
    with pytest.raises(SetupError) as caught:
        private_key(reference, setting="bank private_key")
    assert caught.value.reason == reason
    assert "bank private_key" in str(caught.value)


@pytest.mark.parametrize(("mode", "taken"), [(0o600, True), (0o640, True), (0o644, False), (0o602, False)])
def test_a_private_key_that_everybody_may_read_is_refused_and_a_public_one_is_not(mode, taken, tmp_path):
    reference = kept(tmp_path / "key.pem", pem(RSA), mode)
    if taken:
        assert private_key(reference)
    else:
        with pytest.raises(SetupError) as caught:
            private_key(reference)
        assert caught.value.reason == "key_readable_by_all"
    open_to_all = kept(tmp_path / "partner.pem", certificate(RSA).public_bytes(Encoding.PEM), 0o644)
    assert public_key(open_to_all) == RSA.public_key()


def test_a_short_key_of_ours_is_refused_and_a_partners_is_read():
    """Ours is exchanged in a minute; a partner's is refused where it verifies, unless its profile says why."""
    short = rsa.generate_private_key(65537, 1024)  # noqa: S505  (it is refused)
    weak_curve = ec.generate_private_key(ec.SECP192R1())
    for key, bits in ((short, 1024), (weak_curve, 192)):
        with pytest.raises(SetupError, match=f"bank private_key: a key of {bits} bits is weak") as caught:
            private_key(pem(key), setting="bank private_key")
        assert caught.value.reason == "weak_key"
    partners = short.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert public_key(partners) == short.public_key()
    signed = base64.b64encode(short.sign(TEXT, padding.PKCS1v15(), hashes.SHA256())).decode()
    with pytest.raises(SetupError, match="weak_because"):
        verify_bytes(Profile(algorithm="RSA-SHA256", output="base64"), TEXT, short.public_key(), signed)


def test_a_file_that_is_too_large_is_not_read_in(tmp_path):
    with pytest.raises(SetupError, match="1,048,576"):
        private_key(kept(tmp_path / "large", b"0" * (1024 * 1024 + 1)))


def test_nothing_shows_a_key_or_a_passphrase():
    text, wrong = pem(EC), "một mật khẩu khác"
    assert repr(private_key(text)) == "PemKey()"
    shown = repr(pem_key(text))
    mangled = text.replace("-----BEGIN", "----BEGIN")
    given = {"mangled": (mangled, ""), "cut": (text[:-60], ""), "encrypted": (pem(RSA, PASSPHRASE), wrong)}
    for reference, secret in given.values():
        with pytest.raises(SetupError) as caught:
            private_key(reference, secret=secret)
        shown += "".join(traceback.format_exception(caught.value))
    for line in text.splitlines()[1:-1]:
        assert line not in shown
    assert PASSPHRASE not in shown
    assert wrong not in shown


@pytest.mark.parametrize("algorithm", ["ECDSA-SHA256", "HMAC-SHA256", "SHA-256", "MD5"])
def test_an_algorithm_of_another_kind_of_key_is_refused(algorithm):
    with pytest.raises(SetupError) as caught:
        private_key(pem(RSA)).sign(TEXT, algorithm)
    assert caught.value.reason == "key_of_wrong_kind"


@pytest.mark.parametrize("kind", KINDS)
def test_a_partners_key_is_read_from_a_certificate_or_by_itself(kind, tmp_path, monkeypatch):
    key = KINDS[kind][0]
    cert, public = certificate(key), key.public_key()
    as_pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    as_der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    monkeypatch.setenv("PARTNER", as_pem.decode())
    files = {
        "a.pem": cert.public_bytes(Encoding.PEM),
        "b.cer": cert.public_bytes(Encoding.DER),
        "c.pem": as_pem,
        "d.der": as_der,
        "e.txt": base64.b64encode(cert.public_bytes(Encoding.DER)),
    }
    named = [kept(tmp_path / name, content, 0o644) for name, content in files.items()]
    paths = [one.removeprefix("file:") for one in named]
    texts = [as_pem.decode(), files["a.pem"].decode(), base64.b64encode(as_der).decode(), "env:PARTNER"]
    for reference in (*named, *paths, *texts):
        assert public_key(reference) == public, reference[:40]


def test_certificates_keep_their_order_and_something_else_is_none(tmp_path):
    first, second = certificate(RSA), certificate(EC)
    both = first.public_bytes(Encoding.PEM) + second.public_bytes(Encoding.PEM)
    assert certificates(kept(tmp_path / "chain.pem", both)) == (first, second)
    for reference in (pem(RSA), "A" * 100, kept(tmp_path / "empty.pem", b"")):
        with pytest.raises(SetupError) as caught:
            certificates(reference)
        assert caught.value.reason == "certificate_unusable"


@pytest.mark.parametrize("text", ["A" * 100, pem(RSA), OTHER_KIND], ids=["base64", "private", "ed25519"])
def test_what_holds_no_public_key_of_ours_is_refused(text):
    with pytest.raises(SetupError) as caught:
        public_key(text)
    assert caught.value.reason in ("key_unusable", "key_of_wrong_kind")
