"""A rehearsal: the next certificate or key of a party does its work once, before it becomes the current one.

What is next stands in the connection beside what is current, as `next_<setting>` (`next_client_cert`, `next_ca_file`,
`next_private_key`, …; `next_key` is short for `next_client_key`), or is given for this once. The rehearsed connection
has the next value in place of each current one. Only questions are asked, and nothing is written but a token that the
party's own client keeps.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import rsa

from truc import parties
from truc.connections import Connection
from truc.domain.calendar import local_day
from truc.envelope import Order
from truc.errors import OutcomeUnknownError, RejectedError, SetupError, TransientError, TrucError
from truc.kit import mutual_tls
from truc.transport.rest import Rest
from truc.trust import keys, tls
from truc.trust.certificates import fingerprint, use_of
from truc.trust.signing import Profile, sign_bytes, verify_bytes

Verdict = Literal["proved", "not_proved", "failed"]
PREFIX = "next_"
SHORT = {"key": "client_key"}
# Where the certificate of a key stands, besides `<name>_cert` for `<name>_key`.
CERTIFICATE_OF = {"private_key": ("private_cert", "signing_cert", "certificate")}
REFERENCES = ("file:", "env:", "pkcs11:", "-----BEGIN")
RSA = Profile(algorithm="RSA-SHA256", output="base64")
EC = Profile(algorithm="ECDSA-SHA256", output="base64")
PROBE = "probe"
EVERY_STATUS = tuple(range(100, 600))


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at, in both languages."""

    verdict: Verdict
    vi: str
    en: str


def rehearse(now_in_use: Connection, given: Mapping[str, str], now: datetime) -> Iterator[Line]:
    """Yield what was proved, what was not and what failed, as it is found.

    SetupError when nothing is next.
    """
    following = {**_next(now_in_use), **{SHORT.get(name, name): value for name, value in given.items()}}
    if not following:
        text = f"nothing is next: set {PREFIX}<setting> in the connection, or say --next NAME=REFERENCE"
        raise SetupError(f"{now_in_use.party}: {text}", reason="nothing_next")
    kept = {name: value for name, value in now_in_use.fields.items() if not name.startswith(PREFIX)}
    rehearsed = Connection(now_in_use.party, {**kept, **following})
    for name in following:
        if use_of(name):
            yield from _certificate(name, now_in_use, rehearsed, now)
    for name in following:
        if name.endswith("_key"):
            yield from _key(name, rehearsed)
    yield from _endpoint(rehearsed, now)


def _next(connection: Connection) -> dict[str, str]:
    named = ((name.removeprefix(PREFIX), value) for name, value in connection.fields.items() if name.startswith(PREFIX))
    return {SHORT.get(name, name): value for name, value in named}


def _certificate(name: str, current: Connection, rehearsed: Connection, now: datetime) -> Iterator[Line]:
    try:
        found = keys.certificates(rehearsed.required(name), setting=name)
    except SetupError as error:
        yield Line("failed", f"{name}: không đọc được ({error})", f"{name}: cannot be read ({error})")
        return
    for one in found:
        start, end = one.not_valid_before_utc, one.not_valid_after_utc
        words = f"{fingerprint(one)[:16]}…, {start:%Y-%m-%d} – {end:%Y-%m-%d}"
        if start <= now < end:
            yield Line("proved", f"{name}: đang trong hạn: {words}", f"{name}: is in its period: {words}")
        else:
            yield Line("failed", f"{name}: ngoài thời hạn: {words}", f"{name}: is outside its period: {words}")
    if current.optional(name) and _fingerprints(current.optional(name), name) == [fingerprint(one) for one in found]:
        yield Line("not_proved", f"{name}: chính là cái đang dùng", f"{name}: is the one in use")


def _fingerprints(reference: str, name: str) -> list[str]:
    """Return those in use; none of what cannot be read: the next one is to replace it."""
    try:
        return [fingerprint(one) for one in keys.certificates(reference, setting=name)]
    except SetupError:
        return []


def _key(name: str, rehearsed: Connection) -> Iterator[Line]:
    """Sign something new with the key, and verify it with its certificate."""
    reference = rehearsed.required(name)
    beside = (name.removesuffix("key") + "cert", *CERTIFICATE_OF.get(name, ()))
    certificate = next((one for one in beside if rehearsed.optional(one)), "")
    over_ssh = name == "private_key" and parties.manifest(rehearsed.party).transport == "sftp"
    if over_ssh or not (certificate or reference.startswith(REFERENCES)):
        yield Line("not_proved", f"{name}: chỉ lời gọi mới cho biết", f"{name}: only a call can tell")
        return
    text = secrets.token_bytes(64)
    try:
        key = keys.signing_key(rehearsed, name)
        public = keys.public_key(rehearsed.required(certificate), setting=certificate) if certificate else None
        profile = RSA if public is None or isinstance(public, rsa.RSAPublicKey) else EC
        fits = public is not None and verify_bytes(profile, text, public, sign_bytes(profile, text, key))
    except TrucError as error:
        yield Line("failed", f"{name}: không ký được ({error})", f"{name}: does not sign ({error})")
        return
    if not certificate:
        yield Line(
            "not_proved",
            f"{name}: đọc được, nhưng không có chứng thư bên cạnh để kiểm ({beside[0]})",
            f"{name}: can be read, but no certificate stands beside it to verify with ({beside[0]})",
        )
    elif fits:
        yield Line(
            "proved", f"{name}: chữ ký khớp với {certificate}", f"{name}: its signature verifies with {certificate}"
        )
    else:
        yield Line("failed", f"{name}: không thuộc về {certificate}", f"{name}: does not belong to {certificate}")


def _endpoint(rehearsed: Connection, now: datetime) -> Iterator[Line]:
    """Talk to the configured endpoint; before one without TLS (a stand-in) a TLS server of ours asks who we are."""
    host = rehearsed.optional("host")
    match urlsplit(host).scheme:
        case "https":
            yield from _handshake(rehearsed)
            yield from _call(rehearsed, now)
        case "http" if rehearsed.optional("client_cert"):
            yield from _before_a_stand_in(rehearsed, now)
        case _ if parties.manifest(rehearsed.party).transport == "smtp":  # TLS begins inside, as `security` says
            yield from _call(rehearsed, now)
        case _:
            yield Line("not_proved", "TLS: địa chỉ này không dùng TLS", "TLS: this address does not use it")
            yield from _call(rehearsed, now)


def _before_a_stand_in(rehearsed: Connection, now: datetime) -> Iterator[Line]:
    try:
        with mutual_tls.before(rehearsed.required("host"), rehearsed.required("client_cert"), now) as front:
            through = Connection(rehearsed.party, {**rehearsed.fields, "host": front.url, "ca_file": front.ca_pem})
            _status(through)
            yield Line(
                "proved",
                "TLS: máy chủ của ta, đứng trước đối tác giả lập, đã kiểm client_cert",
                "TLS: a server of ours, before the stand-in, verified client_cert",
            )
            yield from _call(through, now)
    except TrucError as error:
        yield Line("failed", f"TLS: {error}", f"TLS: {error}")
    yield Line(
        "not_proved",
        "TLS: đối tác thật có nhận client_cert, ca_file có đúng hay không thì chưa biết",
        "TLS: whether the real partner takes client_cert, and whether ca_file is its own, is not known",
    )


def _handshake(rehearsed: Connection) -> Iterator[Line]:
    """Compare an answer with our certificate to one without: only so it shows whether the server looks at it."""
    try:
        status = _status(rehearsed)
    except TrucError as error:
        yield Line("failed", f"TLS: {error}", f"TLS: {error}")
        return
    whom = "ca_file" if tls.authorities(rehearsed) else "public authorities"
    yield Line(
        "proved", f"TLS: máy chủ đúng tên, đúng CA ({whom})", f"TLS: the server has its name and its authority ({whom})"
    )
    if not rehearsed.optional("client_cert"):
        return
    bare = {name: value for name, value in rehearsed.fields.items() if name not in ("client_cert", "client_key")}
    without = _without(Connection(rehearsed.party, bare))
    if status in (400, 401, 403) or without == status:
        words = f"HTTP {status}", f"HTTP {without}" if isinstance(without, int) else without
        yield Line(
            "not_proved",
            f"TLS: máy chủ có nhận client_cert không thì chưa biết (có: {words[0]}, không có: {words[1]})",
            f"TLS: whether the server takes client_cert does not show (with it {words[0]}, without it {words[1]})",
        )
    else:
        yield Line(
            "proved",
            "TLS: máy chủ nhận client_cert; không có thì từ chối",
            "TLS: the server takes client_cert, and refuses who has none",
        )


def _status(connection: Connection) -> int:
    limits = parties.manifest(connection.party).limits
    with closing(Rest(connection.party, connection.required("host"), limits, tls=tls.context(connection))) as rest:
        return rest.call("GET", "/", accept=EVERY_STATUS).status


def _without(connection: Connection) -> int | str:
    """Return what the server answers to us without a certificate: a status, or the reason of the failure."""
    try:
        return _status(connection)
    except TrucError as error:
        return error.reason


def _call(rehearsed: Connection, now: datetime) -> Iterator[Line]:
    """Ask something by the party's own client, of whose answer nothing is kept."""
    try:
        with _question(rehearsed, now) as (name, ask):
            said = ask()
    except TrucError as error:
        yield _told(error)
        return
    if name == PROBE:
        yield Line("proved", f"đối tác nhận ra ta: {said}", f"the partner knows us: {said}")
    else:
        yield Line("proved", f"{name}: đối tác đã trả lời", f"{name}: the partner answered")


@contextmanager
def _question(rehearsed: Connection, now: datetime) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield a question that changes nothing: about a payment that nobody made, for yesterday's file, or the probe.

    A party that can be asked about transactions has a second contract, which only its probe asks. SetupError
    `unsupported` where no question is known.
    """
    feeds = [one.name for one in parties.manifest(rehearsed.party).feeds if one.by_day]
    yesterday = (local_day(now) - timedelta(days=1)).isoformat()
    nobodys = Order(
        our_reference=f"TRUC{secrets.token_hex(6)}".upper(), partner_token="", amount_vnd=10_000, requested_at=now
    )
    with closing(parties.open_client(rehearsed)) as opened:
        client: Any = opened
        if hasattr(client, "get_payment"):
            yield "get_payment", lambda: client.get_payment(nobodys)
        elif feeds and not parties.gives(opened, "transaction"):
            yield f"fetch_{feeds[0]}", lambda: next(parties.fetcher(opened, feeds[0])(yesterday), None)
        else:
            yield PROBE, parties.prober(opened)


def _told(error: TrucError) -> Line:
    """Read a failure: that the partner knows no such payment or file is an answer to who we are."""
    match error:
        case RejectedError(reason="not_found") | TransientError(reason="not_delivered_yet"):
            return Line("proved", f"đối tác nhận ra ta: {error}", f"the partner knows us: {error}")
        case TransientError() | OutcomeUnknownError():
            return Line("failed", f"không có câu trả lời: {error}", f"no answer: {error}")
        case SetupError(reason="unsupported"):
            return Line("not_proved", f"không có câu hỏi nào để thử: {error}", f"no question to try: {error}")
        case SetupError():
            return Line("failed", f"bị từ chối: {error}", f"refused: {error}")
        case _:
            return Line("not_proved", f"câu trả lời khác: {error}", f"another answer: {error}")
