"""HTTP calls to a partner: time-outs stated, sizes limited, errors translated once.

What a failure means depends on the verb: reading twice is harmless, writing twice is not. So
silence after a GET is transient, and silence after anything else is an unknown outcome, unless the
call is known to have had no chance of an effect (the connection was never made, or the caller says
`reads=True` for a POST that only asks).
"""

import ipaddress
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.cookies import extract_cookies_to_jar

from truc import tracing
from truc.errors import (
    MalformedError,
    OutcomeUnknownError,
    RejectedError,
    SetupError,
    TransientError,
    TrucError,
)
from truc.manifest import Limits

CHUNK_BYTES = 64 * 1024
TEMPLATES_MAX = 64

# Every error of requests stands in one of three tables, looked through in this order.
# Failures before the first byte left: nothing happened, whatever the verb.
NEVER_SENT: tuple[type[Exception], ...] = (
    requests.exceptions.ConnectTimeout,
    requests.exceptions.ProxyError,
    requests.exceptions.RetryError,
)
# The call cannot be made as configured: a person must act.
MISCONFIGURED: tuple[type[Exception], ...] = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidProxyURL,
    requests.exceptions.URLRequired,
    requests.exceptions.UnrewindableBodyError,
)
# The bytes left, or may have left. (requests says InvalidHeader of an answer's headers too.)
SILENT: tuple[type[Exception], ...] = (
    requests.exceptions.SSLError,  # but see _tls_refusal
    requests.exceptions.InvalidHeader,
    requests.exceptions.ReadTimeout,
    requests.exceptions.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
    requests.exceptions.StreamConsumedError,
    requests.exceptions.ConnectionError,
    requests.exceptions.TooManyRedirects,
    requests.exceptions.HTTPError,
    requests.exceptions.JSONDecodeError,
    requests.exceptions.InvalidJSONError,
    requests.exceptions.RequestException,
)

# What OpenSSL calls the end of a handshake: (our reason, what to do).
OUR_CERTIFICATE = ("client_certificate_refused", "the server does not take our certificate: check client_cert")
NO_COMMON_TLS = ("no_common_tls", "no TLS version or cipher in common: we speak TLS 1.2 and newer")
TLS_REFUSALS = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": OUR_CERTIFICATE,
    "SSLV3_ALERT_BAD_CERTIFICATE": OUR_CERTIFICATE,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": OUR_CERTIFICATE,
    "SSLV3_ALERT_CERTIFICATE_REVOKED": OUR_CERTIFICATE,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": OUR_CERTIFICATE,
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": OUR_CERTIFICATE,
    "TLSV1_ALERT_UNKNOWN_CA": OUR_CERTIFICATE,
    "TLSV1_ALERT_ACCESS_DENIED": OUR_CERTIFICATE,
    # TLS 1.2 servers say this of a missing certificate too.
    "SSLV3_ALERT_HANDSHAKE_FAILURE": ("handshake_refused", "the server ends the handshake: check client_cert and TLS"),
    "TLSV1_ALERT_PROTOCOL_VERSION": NO_COMMON_TLS,
    "UNSUPPORTED_PROTOCOL": NO_COMMON_TLS,
    "NO_PROTOCOLS_AVAILABLE": NO_COMMON_TLS,
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What the partner answered: status, headers (lower-case names) and bytes."""

    status: int
    headers: dict[str, str]
    body: bytes


class Rest:
    """A kept-alive HTTP session to one partner. Where the hub is traced, every call carries its `traceparent` (W3C)."""

    def __init__(self, party: str, base_url: str, limits: Limits, *, tls: ssl.SSLContext | None = None) -> None:
        """Raise SetupError when `base_url` is neither https nor on this machine's loopback, or `tls` leaves checks out.

        `tls` is the party's context (truc.trust.tls.context), which says whom we trust and who we are. Without one
        the public authorities are trusted, from TLS 1.2 on, and no certificate of ours is shown.
        """
        _refuse_clear_text(party, base_url)
        _refuse_unchecked(party, tls)
        self._party = party
        self._base_url = base_url.rstrip("/")
        self._limits = limits
        self._session = requests.Session()
        self._session.trust_env = False
        self._adapter = _OneHost(limits.concurrency, tls)
        self._session.mount(self._base_url, self._adapter)
        self._templates: dict[tuple[object, ...], requests.PreparedRequest] = {}

    def call(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        reads: bool | None = None,
        accept: tuple[int, ...] = (),
    ) -> Reply:
        """Make one call and return the answer of a 2xx; anything else is one of the five failures.

        `reads` says the call changes nothing at the partner; default: the method is GET. `accept` names
        further statuses whose answer the caller reads (a partner that puts its result codes under 400).
        """
        harmless = method == "GET" if reads is None else reads
        told = {"truc.party": self._party, "http.request.method": method}  # no path: it may name a dossier
        with tracing.span(f"call {self._party}", kind="client", attributes=told) as span:
            reply = self._made(method, path, body, headers, harmless=harmless)
            span.set_attribute("http.response.status_code", reply.status)
            if not 200 <= reply.status < 300 and reply.status not in accept:
                raise refused(self._party, reply, harmless=harmless)
        return reply

    def _made(self, method: str, path: str, body: bytes, headers: dict[str, str] | None, *, harmless: bool) -> Reply:
        prepared = self._sendable(method, path, body, headers)
        try:
            # Straight to the adapter: redirects are not followed here, and hooks are not used.
            response = self._adapter.send(
                prepared,
                timeout=(self._limits.connect_timeout_s, self._limits.timeout_s),
                stream=True,
                verify=True,
            )
            if "set-cookie" in response.headers:
                keep_cookies: Callable[..., None] = extract_cookies_to_jar  # requests states no types for it
                keep_cookies(self._session.cookies, prepared, response.raw)
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
            raise translate(self._party, error, harmless=harmless) from error
        with response:
            content = self._content(response, harmless=harmless)
        return Reply(response.status_code, {k.lower(): v for k, v in response.headers.items()}, content)

    def _sendable(
        self, method: str, path: str, body: bytes, headers: dict[str, str] | None
    ) -> requests.PreparedRequest:
        """Prepare a call; whatever fails here, nothing has left. No cause is kept: its text quotes header and address.

        A header is refused for what a setting put there, such as a key with the end of its line.
        """
        try:
            return self._prepared(method, path, body, headers)
        except requests.exceptions.InvalidHeader:
            text = f"{self._party}: a header cannot be sent: check credentials for line ends and letters beyond Latin-1"
            raise SetupError(text, reason="setting_malformed") from None
        except requests.exceptions.RequestException as error:
            raise translate(self._party, error, harmless=True) from None

    def _prepared(
        self, method: str, path: str, body: bytes, headers: dict[str, str] | None
    ) -> requests.PreparedRequest:
        """Prepare a call. Address and headers that were seen before are not worked out again: that is half its cost."""
        seen = (method, path, tuple(headers.items()) if headers else ())
        template = self._templates.get(seen)
        if template is None:
            template = self._session.prepare_request(requests.Request(method, f"{self._base_url}{path}", headers))
            template.headers.pop("Cookie", None)  # those of the template's day; the session has today's
            # http.client writes Latin-1 and nothing else; requests does not look.
            if any(letter > "\xff" for value in (headers or {}).values() for letter in value):
                raise requests.exceptions.InvalidHeader
            if len(self._templates) < TEMPLATES_MAX:  # paths may hold a code each
                self._templates[seen] = template
        prepared = requests.PreparedRequest()
        prepared.method, prepared.url, prepared.headers = template.method, template.url, template.headers.copy()
        if self._session.cookies:
            prepared.prepare_cookies(self._session.cookies)
        prepared.prepare_body(body or None, None)
        prepared.headers.update(tracing.carried(None) or {})
        return prepared

    def close(self) -> None:
        """Close the kept connections."""
        self._session.close()

    def _content(self, response: requests.Response, *, harmless: bool) -> bytes:
        """Read the answer within its size and its time, however slowly it drips."""
        until = time.monotonic() + self._limits.timeout_s
        content = bytearray()
        try:
            # Not iter_content: it waits for a whole chunk, and a partner that drips would hold us for hours.
            while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
                content += chunk
                if len(content) > self._limits.body_bytes_max:
                    limit = self._limits.body_bytes_max
                    raise unread(f"{self._party}: answer over {limit:,} bytes", "body_too_large", harmless=harmless)
                if time.monotonic() > until:
                    raise silence(f"{self._party}: the answer did not end in time", harmless=harmless)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            # An answer had begun, so the bytes had arrived: whatever the error is, it is silence.
            raise silence(f"{self._party}: {type(error).__name__}: no whole answer", harmless=harmless) from error
        return bytes(content)


class _OneHost(HTTPAdapter):
    """The connections to one address with one trust: which pool that is, is worked out once, not for every call."""

    def __init__(self, concurrency: int, tls: ssl.SSLContext | None) -> None:
        self._pool: Any = None  # requests says a narrower type than it returns
        self._tls = tls
        super().__init__(pool_maxsize=concurrency)

    def init_poolmanager(self, *given: Any, **named: Any) -> None:
        """Give the context to the pools, where there is one."""
        super().init_poolmanager(*given, **(named if self._tls is None else named | {"ssl_context": self._tls}))

    def get_connection_with_tls_context(self, *given: Any, **named: Any) -> Any:
        """Return the pool; every call of a `Rest` is to the same one."""
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*given, **named)
        return self._pool

    def cert_verify(self, *given: Any) -> None:
        """Name the authorities to the pool; not to a context, which would then trust the public ones beside its own."""
        if self._tls is None:
            super().cert_verify(*given)  # type: ignore[no-untyped-call]  # requests states no types for it


def translate(party: str, error: Exception, *, harmless: bool) -> TrucError:
    """Return our failure for one of requests' or urllib3's."""
    name = type(error).__name__
    if isinstance(error, MISCONFIGURED):
        return SetupError(f"{party}: {name}: check address and certificates", reason="call_misconfigured")
    if met := _tls_refusal(error):
        return SetupError(f"{party}: {name}: {met[1]}", reason=met[0])
    if isinstance(error, NEVER_SENT) or _never_connected(error):
        return TransientError(f"{party}: {name}: not reached", reason="not_reached")
    return silence(f"{party}: {name}: no whole answer", harmless=harmless)


def silence(text: str, *, harmless: bool) -> TrucError:
    """Return what no answer means: try a question again, ask about anything else."""
    return (TransientError if harmless else OutcomeUnknownError)(text, reason="no_answer")


def unread(text: str, reason: str, *, harmless: bool) -> TrucError:
    """Return what an answer means that cannot be read: a write it answers may have had its effect."""
    return (MalformedError if harmless else OutcomeUnknownError)(text, reason=reason)


def refused(party: str, reply: Reply, *, harmless: bool) -> TrucError:
    """Return our failure for a status outside 2xx. 501 and 503 promise that nothing was done."""
    text = f"{party}: HTTP {reply.status}"
    if 300 <= reply.status < 400:
        return SetupError(f"{text}: redirects are not followed; correct the address", reason="redirected")
    if reply.status in (401, 403):
        return SetupError(f"{text}: credentials or rights refused", reason="unauthorised")
    if reply.status in (429, 503):
        return TransientError(f"{text}: asked to wait", reason="asked_to_wait", retry_after_s=_retry_after_s(reply))
    if reply.status >= 500 or reply.status == 408:
        if harmless:
            return TransientError(text, reason="server_error")
        return OutcomeUnknownError(text, reason="server_error")
    return RejectedError(text, reason="http_refused", code=str(reply.status))


def _retry_after_s(reply: Reply) -> int | None:
    """Read seconds, or a date as seconds from the answer's own date (RFC 9110, 10.2.3); None for neither."""
    text = reply.headers.get("retry-after", "")
    if text.isdecimal():
        return int(text)
    try:
        until, now = (parsedate_to_datetime(one) for one in (text, reply.headers.get("date", "")))
        return max(0, int((until - now).total_seconds()))
    except (TypeError, ValueError):  # no date, or one without a zone beside one with it
        return None


def _tls_refusal(error: BaseException | None) -> tuple[str, str] | None:
    """Return (reason, what to do) when TLS ended before any byte of ours could have an effect.

    Their certificate is judged before ours leave; a server that refuses our certificate has not read on (RFC 8446,
    4.4.2.4 and 6.2), though in TLS 1.3 we may have written by then. Any other TLS failure may come after.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, ssl.SSLCertVerificationError):
            why = getattr(error, "verify_message", "") or "certificate refused"
            return "certificate_refused", f"{why}: check address and certificates"
        if isinstance(error, ssl.SSLError) and (word := getattr(error, "reason", "")) in TLS_REFUSALS:
            return TLS_REFUSALS[word]
        reason = getattr(error.args[0], "reason", error.args[0]) if error.args else None
        error = reason if isinstance(reason, BaseException) else error.__cause__ or error.__context__
    return None


def _never_connected(error: Exception) -> bool:
    """A ConnectionError hides its cause: NewConnectionError means no byte left."""
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    return isinstance(reason, urllib3.exceptions.NewConnectionError | urllib3.exceptions.NameResolutionError)


def _refuse_clear_text(party: str, base_url: str) -> None:
    parts = urlsplit(base_url)
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
        return
    raise SetupError(f"{party}: {base_url!r} must be https (http only on the loopback)", reason="clear_text_address")


def _refuse_unchecked(party: str, tls: ssl.SSLContext | None) -> None:
    if tls is None:
        return
    checks = tls.verify_mode is ssl.CERT_REQUIRED and tls.check_hostname
    if not checks or tls.minimum_version < ssl.TLSVersion.TLSv1_2:
        raise SetupError(f"{party}: the TLS context leaves checks out", reason="tls_unchecked")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
