"""A file is opened only when it was encrypted for us, whole, and signed by the pinned sender."""

import subprocess

import pysequoia
import pytest

from truc.errors import MalformedError, SetupError
from truc.trust import pgp

BODY = "sao kê của Sở\n".encode() * 200


def made(name, **options):
    """Return the armored texts of a new key pair: (private, public)."""
    secret = pysequoia.Tsk.generate(f"{name} <{name}@example.test>", **options)
    return str(secret), str(secret.extract_certificate())


HUB, BANK, OTHER = made("hub"), made("bank"), made("other")


def opened(body, key=HUB, sender=BANK, **limits):
    return pgp.opened(
        "bank", body, key=pgp.read_key("bank", key[0]), sender=pgp.read_certificate("bank", sender[1]), **limits
    )


def sent(body=BODY, key=BANK, receiver=HUB):
    return pgp.closed(body, key=pgp.read_key("bank", key[0]), receiver=pgp.read_certificate("bank", receiver[1]))


def reason_of(call):
    with pytest.raises((MalformedError, SetupError)) as caught:
        call()
    assert "Stack backtrace" not in str(caught.value)
    return caught.value.reason


def test_what_the_bank_closed_opens_as_it_was():
    assert opened(sent()) == BODY


def test_a_message_for_another_key_is_not_for_us():
    assert reason_of(lambda: opened(sent(receiver=OTHER))) == "not_for_us"


def test_a_signature_of_another_or_none_is_refused():
    assert reason_of(lambda: opened(sent(key=OTHER))) == "signature_wrong"
    unsigned = pysequoia.encrypt(BODY, recipients=[pysequoia.Cert.from_bytes(HUB[1].encode())])
    assert reason_of(lambda: opened(unsigned)) == "signature_wrong"


def test_a_message_only_signed_is_not_taken_for_encrypted():
    signed = pysequoia.sign(pysequoia.Tsk.from_bytes(BANK[0].encode()).signer(), BODY)
    assert reason_of(lambda: opened(signed)) == "not_encrypted"


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9, 0.999])
def test_one_bit_turned_anywhere_is_noticed(place):
    public = pysequoia.Cert.from_bytes(HUB[1].encode())
    whole = pysequoia.encrypt(
        BODY, recipients=[public], signer=pysequoia.Tsk.from_bytes(BANK[0].encode()).signer(), armor=False
    )
    body = bytearray(whole)
    body[int(len(body) * place)] ^= 1
    assert reason_of(lambda: opened(bytes(body))) in {"pgp_damaged", "not_for_us", "signature_wrong"}
    assert reason_of(lambda: opened(whole[: int(len(whole) * place)])) == "pgp_damaged"


@pytest.mark.parametrize("body", [b"", b"H|VCB|20250603\n", b"-----BEGIN PGP MESSAGE-----\n"])
def test_what_is_no_pgp_is_said_to_be_none(body):
    assert reason_of(lambda: opened(body)) in {"pgp_damaged", "not_encrypted"}


def test_a_message_too_large_is_refused_before_it_is_opened():
    message = sent()
    assert reason_of(lambda: opened(message, key=OTHER, bytes_max=len(message) - 1)) == "body_too_large"
    assert opened(message, bytes_max=len(message)) == BODY


def test_a_certificate_that_expired_needs_a_person():
    expired = made("old", validity_seconds=1)  # the library dates a new key a minute back
    assert reason_of(lambda: pgp.read_certificate("bank", expired[1])) == "certificate_expired"


def test_a_revoked_certificate_needs_a_person():
    secret = pysequoia.Tsk.from_bytes(OTHER[0].encode())
    public = secret.extract_certificate()
    revocation = public.revoke(secret.certifier())
    armored = pysequoia.armor(bytes(public) + bytes(revocation), pysequoia.ArmorKind.PublicKey)
    text = armored.decode() if isinstance(armored, bytes) else armored
    assert reason_of(lambda: pgp.read_certificate("bank", text)) == "certificate_revoked"


@pytest.mark.parametrize("text", ["", "no key", HUB[0]])
def test_a_text_that_is_no_certificate_is_named(text):
    assert reason_of(lambda: pgp.read_certificate("bank", text)) == "setting_malformed"


def test_a_public_key_is_no_private_key_and_no_text_of_a_key_is_shown():
    with pytest.raises(SetupError) as caught:
        pgp.read_key("bank", HUB[1])
    assert caught.value.reason == "setting_malformed"
    key = pgp.read_key("bank", HUB[0])
    assert key.fingerprint in repr(key)
    assert "PRIVATE" not in repr(key)
    assert HUB[0].splitlines()[4] not in repr(key) + str(caught.value)


def test_a_message_of_gnupg_opens_too(tmp_path):
    """Proved against a program we did not write."""
    from tests.counterparts import program

    gpg = [program("gpg"), "--homedir", str(tmp_path), "--batch", "--yes", "--trust-model", "always"]
    tmp_path.chmod(0o700)

    def run(*words, data=b""):
        return subprocess.run([*gpg, *words], input=data, check=True, capture_output=True, timeout=60).stdout

    run("--pinentry-mode", "loopback", "--passphrase", "", "--quick-gen-key", "vcb@example.test", "default", "default")
    run("--import", data=HUB[1].encode())
    public = run("--armor", "--export", "vcb@example.test").decode()
    words = ("--sign", "--encrypt", "--recipient", "hub@example.test", "--local-user", "vcb@example.test")
    unlock = ("--pinentry-mode", "loopback", "--passphrase", "")
    assert opened(run(*unlock, "--compress-algo", "none", *words, data=BODY), sender=("", public)) == BODY
    compressed = run(*unlock, "--compress-algo", "zip", *words, data=BODY)
    assert reason_of(lambda: opened(compressed, sender=("", public))) == "pgp_compressed"
    back = pgp.closed(BODY, key=pgp.read_key("bank", HUB[0]), receiver=pgp.read_certificate("bank", public))
    assert run(*unlock, "--decrypt", data=back) == BODY
