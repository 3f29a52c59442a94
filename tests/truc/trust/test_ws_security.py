"""WS-Security: what goes on a request, and that of a message only what is signed, fresh and new is believed."""

import base64
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from lxml import etree

from tests.counterparts import program
from tests.truc.trust.holders import DAY, NOW, Holder, holder
from truc.errors import MalformedError, SetupError, TransientError
from truc.trust import username_tokens
from truc.trust.signed_xml import DS
from truc.trust.signers import Trust
from truc.trust.username_tokens import SOAP, WSSE, WSU, Names, Nonces, UsernameToken, check, digest
from truc.trust.ws_security import Expected, Signer, WsSecurity, open_signed

MESSAGE = (
    f'<s:Envelope xmlns:s="{SOAP[1:-1]}" xmlns="urn:outer"><s:Body><ask xmlns="urn:a">Nguyễn Văn A</ask></s:Body>'
    "</s:Envelope>"
).encode()
ADDRESS = "https://partner.example.vn/"
MINUTE = timedelta(minutes=1)
WHY = "the test says so"
TEXT = UsernameToken(username="hub", password="mật khẩu")
DIGEST = UsernameToken(username="hub", password="mật khẩu", form="digest", weak_because=WHY)


@pytest.fixture(scope="module")
def partner() -> Holder:
    return holder("partner")


def written(security: WsSecurity, message: bytes = MESSAGE, address: str = ADDRESS) -> bytes:
    return etree.tostring(security.secured(etree.fromstring(message), address=address))


def signed(who: Holder) -> bytes:
    signer = Signer(key=who.key, certificate=who.certificate)
    return written(WsSecurity(signer=signer, clock=lambda: NOW))


def named(token: UsernameToken) -> bytes:
    return written(WsSecurity(username=token, clock=lambda: NOW))


def expected(who: Holder) -> Expected:
    return Expected(trust=Trust(signers=(who.certificate,)))


def refused(message: bytes, who: Holder, *, at: timedelta = timedelta()) -> str:
    with pytest.raises(MalformedError) as raised:
        open_signed(message, expected(who), now=NOW + at)
    assert "Nguyễn" not in str(raised.value)
    return raised.value.reason


def changed(message: bytes, change: Callable[[etree._Element], object]) -> bytes:
    tree = etree.fromstring(message)
    change(tree)
    return etree.tostring(tree)


def found(tree: etree._Element, path: str) -> etree._Element:
    element = tree.find(path)
    assert element is not None
    return element


def test_what_is_signed_opens_to_its_body_alone(partner: Holder) -> None:
    opened = open_signed(signed(partner), expected(partner), now=NOW)
    assert (opened.certificate, opened.created_at) == (partner.certificate, NOW)
    tree = etree.fromstring(opened.envelope)
    assert [one.tag for one in tree] == [f"{SOAP}Body"]
    assert tree.findtext(f"{SOAP}Body/{{urn:a}}ask") == "Nguyễn Văn A"


def test_timestamp_and_body_are_signed_with_sha_256_and_exclusive_c14n(partner: Holder) -> None:
    tree = etree.fromstring(signed(partner))
    ids = {one.get(f"{WSU}Id"): one.tag for one in tree.iter() if one.get(f"{WSU}Id")}
    uris = [(one.get("URI") or "")[1:] for one in tree.iter(f"{DS}Reference")]
    assert [ids[one] for one in uris] == [f"{WSU}Timestamp", f"{SOAP}Body"]
    algorithms = {one.get("Algorithm") for one in tree.iter() if one.get("Algorithm")}
    assert algorithms == {
        "http://www.w3.org/2001/10/xml-exc-c14n#",
        "http://www.w3.org/2001/04/xmlenc#sha256",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    }
    assert found(tree, f"{SOAP}Header/{WSSE}Security").get(f"{SOAP}mustUnderstand") == "1"


def test_xmlsec1_verifies_what_we_sign_and_refuses_it_changed(tmp_path: Path, partner: Holder) -> None:
    partner.write(tmp_path)
    message = signed(partner)

    def verifies(message: bytes) -> bool:
        (tmp_path / "message.xml").write_bytes(message)
        words = [
            "--verify",
            "--pubkey-cert-pem",
            "certificate.pem",
            "--id-attr:Id",
            "Body",
            "--id-attr:Id",
            "Timestamp",
        ]
        result = subprocess.run(
            [program("xmlsec1"), *words, "message.xml"], cwd=tmp_path, capture_output=True, timeout=30, check=False
        )
        return result.returncode == 0

    assert verifies(message)
    for old, new in (("&#7877;", "&#234;"), (f"Created>{NOW.year}", f"Created>{NOW.year - 1}")):
        assert old.encode() in message
        assert not verifies(message.replace(old.encode(), new.encode()))


def test_one_changed_letter_is_refused(partner: Holder) -> None:
    assert refused(signed(partner).replace(b">Ng", b">ng"), partner) == "signature_broken"


def test_a_body_put_aside_for_another_is_refused(partner: Holder) -> None:
    def into_the_header(tree: etree._Element) -> None:
        body = found(tree, f"{SOAP}Body")
        other = etree.SubElement(tree, f"{SOAP}Body")
        etree.SubElement(other, "{urn:a}ask").text = "Lê Văn B"
        etree.SubElement(found(tree, f"{SOAP}Header"), "other").append(body)

    def second(tree: etree._Element) -> None:
        etree.SubElement(tree, f"{SOAP}Body")

    def under_the_same_id(tree: etree._Element) -> None:
        name = found(tree, f"{SOAP}Body").get(f"{WSU}Id") or ""
        etree.SubElement(found(tree, f"{SOAP}Header"), "other").set(f"{WSU}Id", name)

    assert refused(changed(signed(partner), into_the_header), partner) == "not_covered"
    assert refused(changed(signed(partner), second), partner) == "element_not_one"
    assert refused(changed(signed(partner), under_the_same_id), partner) == "id_not_one"


def test_a_timestamp_that_is_not_the_signed_one_is_refused(partner: Holder) -> None:
    def second(tree: etree._Element) -> None:
        security = found(tree, f"{SOAP}Header/{WSSE}Security")
        security.insert(0, etree.fromstring(etree.tostring(found(security, f"{WSU}Timestamp"))))

    def another(tree: etree._Element) -> None:
        security = found(tree, f"{SOAP}Header/{WSSE}Security")
        old = found(security, f"{WSU}Timestamp")
        fresh = etree.SubElement(security, f"{WSU}Timestamp")
        etree.SubElement(fresh, f"{WSU}Created").text = NOW.isoformat()
        etree.SubElement(found(tree, f"{SOAP}Header"), "other").append(old)

    assert refused(changed(signed(partner), second), partner) == "id_not_one"
    assert refused(changed(signed(partner), another), partner) == "not_covered"


def test_a_message_is_fresh_for_a_while_within_the_skew(partner: Holder) -> None:
    message = signed(partner)
    for at in (-MINUTE, timedelta(), 6 * MINUTE):
        assert open_signed(message, expected(partner), now=NOW + at)
    for at in (-MINUTE - timedelta(seconds=1), 6 * MINUTE + timedelta(seconds=1), DAY):
        assert refused(message, partner, at=at) == "not_fresh"


def test_a_signer_who_says_it_is_fresh_for_a_year_is_believed_for_minutes(partner: Holder) -> None:
    signer = Signer(key=partner.key, certificate=partner.certificate)
    message = written(WsSecurity(signer=signer, lives=365 * DAY, clock=lambda: NOW))
    assert refused(message, partner, at=7 * MINUTE) == "not_fresh"


def test_a_message_signed_by_another_or_by_nobody_is_refused(partner: Holder) -> None:
    assert refused(signed(holder("other")), partner) == "signer_unknown"
    assert refused(MESSAGE, partner) == "not_signed"
    assert refused(written(WsSecurity(clock=lambda: NOW)), partner) == "not_signed"
    assert refused(b"<a/>", partner) == "not_soap"
    assert refused(b"<!DOCTYPE a><a/>", partner) == "dtd_forbidden"
    assert refused(signed(partner), partner, at=31 * DAY) == "certificate_out_of_date"


def test_a_certificate_that_is_not_in_a_token_is_refused(partner: Holder) -> None:
    def out(tree: etree._Element) -> None:
        found(tree, f"{SOAP}Header").append(found(tree, f".//{WSSE}BinarySecurityToken"))

    def nonsense(tree: etree._Element) -> None:
        found(tree, f".//{WSSE}BinarySecurityToken").text = "AAAA"

    for change in (out, nonsense):
        assert refused(changed(signed(partner), change), partner) == "certificate_unusable"


@pytest.mark.parametrize("token", [TEXT, DIGEST], ids=["text", "digest"])
def test_a_name_with_its_password_is_taken_once(token: UsernameToken) -> None:
    names, nonces = Names(passwords={"hub": "mật khẩu"}, form=token.form), Nonces()
    message = named(token)
    assert check(message, names, nonces, now=NOW) == "hub"
    for at in (timedelta(), 6 * MINUTE):
        with pytest.raises(MalformedError) as raised:
            check(message, names, nonces, now=NOW + at)
        assert raised.value.reason == "nonce_used"
    assert check(named(token), names, nonces, now=NOW) == "hub"


def why_refused(message: bytes, names: Names, at: timedelta = timedelta()) -> str:
    with pytest.raises(MalformedError) as raised:
        check(message, names, Nonces(), now=NOW + at)
    assert "khẩu" not in str(raised.value)
    return raised.value.reason


@pytest.mark.parametrize("token", [TEXT, DIGEST], ids=["text", "digest"])
def test_a_wrong_name_password_form_or_time_is_refused(token: UsernameToken) -> None:
    for passwords in ({"hub": "other"}, {"another": "mật khẩu"}, {"hub": ""}, {}):
        assert why_refused(named(token), Names(passwords=passwords, form=token.form)) == "username_refused"
    right = {"hub": "mật khẩu"}
    other = "text" if token.form == "digest" else "digest"
    assert why_refused(named(token), Names(passwords=right, form=other)) == "username_refused"  # type: ignore[arg-type]  # one of the two
    names = Names(passwords=right, form=token.form)
    assert check(named(token), names, Nonces(), now=NOW + 6 * MINUTE) == "hub"
    for at in (-MINUTE - timedelta(seconds=1), 6 * MINUTE + timedelta(seconds=1)):
        assert why_refused(named(token), names, at) == "not_fresh"


def test_a_password_that_says_it_is_of_another_form_is_refused() -> None:
    for token, kind in ((TEXT, "digest"), (DIGEST, "text")):

        def retype(tree: etree._Element, kind: str = kind) -> None:
            found(tree, f".//{WSSE}Password").set("Type", username_tokens.TYPES[kind])

        names = Names(passwords={"hub": "mật khẩu"}, form=token.form)
        assert why_refused(changed(named(token), retype), names) == "username_refused"


def test_an_empty_password_never_opens() -> None:
    empty = UsernameToken(username="nobody", password="")
    assert why_refused(named(empty), Names(passwords={"hub": "x"}, form="text")) == "username_refused"


def test_a_digest_without_nonce_or_time_is_refused() -> None:
    names = Names(passwords={"hub": "mật khẩu"}, form="digest")
    for name in (f"{WSSE}Nonce", f"{WSU}Created", f"{WSSE}Password", f"{WSSE}Username"):

        def take_away(tree: etree._Element, name: str = name) -> None:
            token = found(tree, f".//{WSSE}UsernameToken")
            token.remove(found(token, name))

        assert why_refused(changed(named(DIGEST), take_away), names) == "element_not_one"


def test_the_digest_is_that_of_the_profile() -> None:
    """The value of `printf 'nonce2026-01-01T00:00:00Zsecret' | openssl dgst -sha1 -binary | base64`."""
    own = subprocess.run(
        [program("openssl"), "dgst", "-sha1", "-binary"], input=b"nonce2026-01-01T00:00:00Zsecret",
        capture_output=True, check=True, timeout=30,
    ).stdout  # fmt: skip
    assert digest(b"nonce", "2026-01-01T00:00:00Z", "secret") == base64.b64encode(own).decode()


def test_a_wrong_password_uses_no_nonce_up() -> None:
    names, nonces, message = Names(passwords={"hub": "other"}, form="text"), Nonces(), named(TEXT)
    with pytest.raises(MalformedError):
        check(message, names, nonces, now=NOW)
    assert check(message, Names(passwords={"hub": "mật khẩu"}, form="text"), nonces, now=NOW) == "hub"


def test_nonces_are_kept_while_they_count_and_never_too_many() -> None:
    nonces = Nonces(most=2)
    for one in (b"1", b"2"):
        assert nonces.take(one, until=NOW + MINUTE, now=NOW)
    with pytest.raises(TransientError):
        nonces.take(b"3", until=NOW + MINUTE, now=NOW)
    later = NOW + MINUTE + timedelta(seconds=1)
    assert nonces.take(b"3", until=NOW + 3 * MINUTE, now=later)
    assert not nonces.take(b"3", until=NOW + 9 * MINUTE, now=NOW + 3 * MINUTE)
    assert nonces.take(b"3", until=NOW + 9 * MINUTE, now=NOW + 3 * MINUTE + timedelta(seconds=1))


def test_a_password_as_text_leaves_over_tls_or_the_loopback_only() -> None:
    for address in ("http://127.0.0.1:1", "http://localhost", "http://[::1]/", ADDRESS):
        assert written(WsSecurity(username=TEXT), address=address)
    for address in ("http://partner.example.vn", "http://10.0.0.1", "ftp://partner.example.vn", ""):
        with pytest.raises(SetupError, match="https"):
            written(WsSecurity(username=TEXT), address=address)


def test_a_digest_says_why_it_is_weak_and_no_password_is_printed() -> None:
    with pytest.raises(SetupError, match="SHA-1"):
        UsernameToken(username="hub", password="x", form="digest")
    assert "khẩu" not in repr(TEXT)
    assert "khẩu" not in repr(Names(passwords={"hub": "mật khẩu"}, form="text"))
    assert "khẩu" not in named(DIGEST).decode()
    assert username_tokens.TYPES["digest"].encode() in named(DIGEST)
