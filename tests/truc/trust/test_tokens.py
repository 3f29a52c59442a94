"""Keys inside a token: real SoftHSM signs, cryptography verifies, and nothing shows the PIN."""

import inspect
import os
import threading
import traceback

import pkcs11
import pytest
from pkcs11 import exceptions

from tests.truc.trust import softhsm
from tests.truc.trust.softhsm import PIN, TOKEN, Hsm
from truc.connections import Connection
from truc.errors import SetupError, TransientError, TrucError
from truc.trust import tokens
from truc.trust.keys import certificates, pem_key, private_key, public_key, signing_key
from truc.trust.signing import Profile, sign_bytes, verify_bytes
from truc.trust.tokens import translate

TEXT = "mã hồ sơ 000.00.01.H10-260722-0001".encode()
WHY = "a test of the old algorithm"
RSA_ALGORITHMS = ["RSA-SHA1", "RSA-SHA256", "RSA-SHA512", "RSA-PSS-SHA256", "RSA-PSS-SHA512"]
FAILURES = [
    one for _, one in inspect.getmembers(exceptions, inspect.isclass) if issubclass(one, exceptions.PKCS11Error)
]


@pytest.fixture(scope="module")
def hsm(tmp_path_factory: pytest.TempPathFactory) -> Hsm:
    return softhsm.start(tmp_path_factory.mktemp("hsm"))


def profile(algorithm):
    return Profile(algorithm=algorithm, output="base64", weak_because=WHY if algorithm == "RSA-SHA1" else "")


@pytest.mark.parametrize("algorithm", RSA_ALGORITHMS)
def test_what_an_rsa_key_in_a_token_signs_verifies_outside(hsm, algorithm):
    key = private_key(hsm.reference("object=rsa"), secret=PIN)
    signature = sign_bytes(profile(algorithm), TEXT, key)
    assert verify_bytes(profile(algorithm), TEXT, hsm.rsa.public_key(), signature)
    assert not verify_bytes(profile(algorithm), TEXT + b".", hsm.rsa.public_key(), signature)


@pytest.mark.parametrize("algorithm", ["ECDSA-SHA256", "ECDSA-SHA512"])
def test_what_an_ec_key_in_a_token_signs_verifies_outside(hsm, algorithm):
    key = private_key(hsm.reference("object=ec"), secret=PIN)
    for _ in range(20):  # r and s begin with a high bit every other time, with a zero byte now and then
        signature = sign_bytes(profile(algorithm), TEXT, key)
        assert verify_bytes(profile(algorithm), TEXT, hsm.ec.public_key(), signature)


def test_a_short_key_of_ours_is_refused_before_it_signs(hsm):
    softhsm.make_key(hsm, "short", 1024)
    with pytest.raises(SetupError, match="1024 bits") as caught:
        private_key(hsm.reference("object=short"), secret=PIN)
    assert caught.value.reason == "weak_key"


def test_a_connection_names_token_key_and_pin(hsm):
    fields = {"private_key": hsm.reference("object=ec;id=%02;type=private"), "private_key_passphrase": PIN}
    signature = sign_bytes(profile("ECDSA-SHA256"), TEXT, signing_key(Connection("momo", fields)))
    assert verify_bytes(profile("ECDSA-SHA256"), TEXT, hsm.ec.public_key(), signature)


def test_a_key_is_found_by_its_id_alone_and_its_token_by_its_serial(hsm):
    key = private_key(hsm.reference("id=%01"), secret=PIN)
    serial = pkcs11.lib(hsm.library).get_token(token_label=TOKEN).serial.decode()
    same = private_key(f"pkcs11:serial={serial};id=%01?module-path={hsm.library}", secret=PIN)
    assert key.sign(TEXT, "RSA-SHA256") == same.sign(TEXT, "RSA-SHA256")


def test_pin_and_library_may_come_from_the_environment_or_a_file(hsm, monkeypatch, tmp_path):
    (tmp_path / "pin").write_text(f"{PIN}\n")
    monkeypatch.setenv("HUB_PIN", PIN)
    monkeypatch.setenv("TRUC_PKCS11_MODULE", hsm.library)
    for source in ("env:HUB_PIN", f"file:{tmp_path}/pin"):
        key = private_key(f"pkcs11:token={TOKEN};object=rsa?pin-source={source}")
        assert key.sign(TEXT, "RSA-SHA256")


REFUSED = [
    ("object=none", PIN, "key_missing"),
    ("object=twin", PIN, "key_ambiguous"),
    ("object=unsigning", PIN, "key_may_not_sign"),
    ("object=rsa", "24680", "pin_refused"),
    ("object=rsa", "", "setting_missing"),
    ("object=rsa;colour=red", PIN, "setting_malformed"),
    ("object=rsa;type=public", PIN, "setting_malformed"),
    ("object=rsa;object=ec", PIN, "setting_malformed"),
    ("", PIN, "setting_malformed"),
]


@pytest.mark.parametrize(("what", "pin", "reason"), REFUSED, ids=[f"{one[0]}-{one[2]}" for one in REFUSED])
def test_a_key_that_cannot_be_had_is_a_matter_of_setup(hsm, what, pin, reason):
    with pytest.raises(SetupError) as caught:
        private_key(hsm.reference(what), secret=pin, setting="momo private_key")
    assert caught.value.reason == reason
    assert "momo private_key" in str(caught.value)


def test_a_token_or_library_that_is_not_there_is_a_matter_of_setup(hsm, tmp_path, monkeypatch):
    with pytest.raises(SetupError) as caught:
        private_key(f"pkcs11:token=NONE;object=rsa?module-path={hsm.library}", secret=PIN)
    assert caught.value.reason == "token_missing"
    with pytest.raises(SetupError):
        private_key(f"pkcs11:token={TOKEN};object=rsa?module-path={tmp_path}/none.so", secret=PIN)
    monkeypatch.delenv("TRUC_PKCS11_MODULE", raising=False)
    with pytest.raises(SetupError) as caught:
        private_key(f"pkcs11:token={TOKEN};object=rsa", secret=PIN)
    assert caught.value.reason == "setting_missing"


def test_a_wrong_pin_is_refused_also_when_the_process_is_logged_in(hsm):
    private_key(hsm.reference("object=rsa"), secret=PIN)
    with pytest.raises(SetupError) as caught:
        private_key(hsm.reference("object=rsa"), secret="24680")
    assert caught.value.reason == "pin_refused"


def test_nothing_shows_the_pin_and_none_is_taken_from_a_reference(hsm):
    key = private_key(hsm.reference("object=rsa"), secret=PIN)
    other = "24680" * 2
    with pytest.raises(SetupError) as wrong:
        private_key(hsm.reference("object=rsa"), secret=other)
    with pytest.raises(SetupError, match="no pin-value") as inside:
        private_key(hsm.reference("object=rsa") + f"&pin-value={PIN}")
    shown = repr(key) + "".join(traceback.format_exception(wrong.value) + traceback.format_exception(inside.value))
    assert PIN not in shown
    assert other not in shown


@pytest.mark.parametrize(("what", "algorithm"), [("object=rsa", "ECDSA-SHA256"), ("object=ec", "RSA-SHA256")])
@pytest.mark.parametrize("other", ["", "HMAC-SHA256", "SHA-256"])
def test_an_algorithm_of_another_kind_of_key_is_refused(hsm, what, algorithm, other):
    with pytest.raises(SetupError) as caught:
        private_key(hsm.reference(what), secret=PIN).sign(TEXT, other or algorithm)
    assert caught.value.reason == "key_of_wrong_kind"


def test_a_key_is_found_again_after_the_token_ended_the_session(hsm):
    private_key(hsm.reference("object=rsa"), secret=PIN)
    pkcs11.lib(hsm.library).reinitialize()
    assert private_key(hsm.reference("object=rsa"), secret=PIN).sign(TEXT, "RSA-SHA256")


def test_a_session_that_the_token_ended_is_opened_again(hsm):
    key = private_key(hsm.reference("object=rsa"), secret=PIN)
    before = key.sign(TEXT, "RSA-SHA256")
    pkcs11.lib(hsm.library).reinitialize()  # as a token that was restarted: it knows no session
    assert key.sign(TEXT, "RSA-SHA256") == before


def test_a_key_that_was_replaced_in_the_token_is_found_anew(hsm):
    reference = hsm.reference("object=replaced")
    softhsm.make_key(hsm, "replaced")
    key = private_key(reference, secret=PIN)
    before = key.sign(TEXT, "RSA-SHA256")
    softhsm.make_key(hsm, "replaced")
    assert key.sign(TEXT, "RSA-SHA256") not in (before, b"")


def test_a_child_that_was_forked_signs_and_so_does_its_parent_afterwards(hsm):
    key = private_key(hsm.reference("object=rsa"), secret=PIN)
    before = key.sign(TEXT, "RSA-SHA256")
    reading, writing = os.pipe()
    if not (child := os.fork()):
        try:
            signature = key.sign(TEXT, "RSA-SHA256")
            own = {process for process, *_ in tokens._LOGINS} == {os.getpid()}  # the parent's session is the parent's
            os.write(writing, signature if own else b"by the session of the parent")
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        assert answer.read() == before
    os.waitpid(child, 0)
    assert key.sign(TEXT, "RSA-SHA256") == before


def test_several_threads_share_one_key(hsm):
    key = private_key(hsm.reference("object=rsa"), secret=PIN)
    signatures: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: signatures.extend(key.sign(TEXT, "RSA-SHA256") for _ in range(5)))
        for _ in range(4)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(signatures) == 20
    assert len(set(signatures)) == 1


def test_a_token_holds_private_keys_for_signing_and_nothing_else_is_asked_of_it(hsm):
    for ask in (pem_key, public_key, certificates):
        with pytest.raises(SetupError) as caught:
            ask(hsm.reference("object=rsa"))
        assert caught.value.reason == "in_token"


@pytest.mark.parametrize("kind", FAILURES, ids=lambda one: one.__name__)
def test_every_failure_of_a_token_is_one_of_ours(kind):
    ours = translate("momo private_key", kind("a text of the library"))
    assert isinstance(ours, TrucError)
    assert isinstance(ours, TransientError) == issubclass(kind, tokens.AGAIN_LATER)
    assert "a text of the library" not in str(ours)
    assert (kind in tokens.WORDS) + (kind in tokens.AGAIN_LATER) <= 1


def test_the_library_still_has_the_failures_we_counted():
    assert len(FAILURES) >= 70
