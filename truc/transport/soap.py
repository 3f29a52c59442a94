"""SOAP 1.1 calls to a partner: a WSDL from our disk, HTTP by truc.transport.rest, XML by zeep.

A call has three phases, and what a failure means follows from the phase: while the request is
written nothing has left; while it travels `Rest` decides; once an answer is here that cannot be
read, a call that changes something has an unknown outcome.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol

import zeep
import zeep.helpers
import zeep.wsdl
from lxml import etree
from zeep import exceptions
from zeep.wsdl.bindings import Soap11Binding

from truc.errors import (
    MalformedError,
    OutcomeUnknownError,
    RejectedError,
    SetupError,
    TransientError,
    TrucError,
)
from truc.manifest import Limits
from truc.transport.rest import Rest, refused, unread

# zeep is typed in part only, and in part wrongly (a transport where its class is meant).
ZEEP: Any = zeep
WSDL_BYTES_MAX = 4 * 1024 * 1024

Phase = Literal["writing", "answered"]
Word = Literal["setup", "message", "unreadable", "fault"]

# Every error of zeep.exceptions: what it says (while we write the request, once the answer is here).
# A WSDL that cannot be loaded is always a matter of setup.
TRANSLATIONS: dict[type[Exception], tuple[Word, Word]] = {
    exceptions.Error: ("setup", "unreadable"),
    exceptions.XMLSyntaxError: ("setup", "unreadable"),
    exceptions.XMLParseError: ("setup", "unreadable"),
    exceptions.UnexpectedElementError: ("message", "unreadable"),
    exceptions.WsdlSyntaxError: ("setup", "unreadable"),
    exceptions.TransportError: ("setup", "unreadable"),
    exceptions.LookupError: ("setup", "unreadable"),
    exceptions.NamespaceError: ("setup", "unreadable"),
    exceptions.Fault: ("setup", "fault"),
    exceptions.ValidationError: ("message", "unreadable"),
    exceptions.SignatureVerificationFailed: ("setup", "unreadable"),
    exceptions.IncompleteMessage: ("message", "unreadable"),
    exceptions.IncompleteOperation: ("setup", "unreadable"),
    exceptions.DTDForbidden: ("setup", "unreadable"),
    exceptions.EntitiesForbidden: ("setup", "unreadable"),
    exceptions.ExternalReferenceForbidden: ("setup", "unreadable"),
}
# What else zeep and lxml let through: on an answer of another shape, on text XML cannot carry.
OTHERS: dict[type[Exception], tuple[Word, Word]] = {
    etree.LxmlError: ("message", "unreadable"),
    ValueError: ("message", "unreadable"),
    TypeError: ("message", "unreadable"),
    AttributeError: ("setup", "unreadable"),
    LookupError: ("setup", "unreadable"),
    NotImplementedError: ("setup", "unreadable"),
}
FAILURES: tuple[type[Exception], ...] = (exceptions.Error, *OTHERS)
# SOAP 1.1 section 4.4.1.
FAULT_OF_THE_MESSAGE = "Client"
FAULTS_OF_THE_SETUP = ("VersionMismatch", "MustUnderstand")


class Security(Protocol):
    """What a partner wants in the header of a request and puts into that of an answer; see truc.trust.ws_security."""

    def secured(self, envelope: etree._Element, *, address: str) -> etree._Element:
        """Return the envelope with its header, for the address it is sent to; SetupError where it may not go there."""

    def opened(self, answer: bytes) -> bytes:
        """Return the envelope that may be believed; MalformedError for an answer that is not signed as it must be."""


@dataclass(frozen=True, slots=True)
class SoapReply:
    """What the partner answered: the bytes as received, and what may be read of them.

    `believed` is the envelope with what the partner signed alone, where its answers must be signed, and else `body`;
    `value` is the same, read by the WSDL into plain values.
    """

    body: bytes
    value: Any
    believed: bytes


class Soap:
    """The operations of the first SOAP 1.1 port of one WSDL, at one address."""

    def __init__(
        self,
        party: str,
        wsdl: Path,
        base_url: str,
        limits: Limits,
        *,
        tls: ssl.SSLContext | None = None,
        security: Security | None = None,
    ) -> None:
        """Raise SetupError for a WSDL that cannot be used or an address neither https nor on the loopback."""
        self._party = party
        self._base_url = base_url
        self._security = security
        self._http = Rest(party, base_url, limits, tls=tls)
        document = _document(party, wsdl.resolve())
        self._binding = _first_binding(party, document)
        self._client = ZEEP.Client(document, transport=document.transport, settings=document.settings)

    def call(self, operation: str, fields: Mapping[str, object], *, path: str = "", reads: bool = False) -> SoapReply:
        """Make one call and return its answer; anything else is one of the five failures.

        The address in the WSDL is ignored: `path` under the connection's address is called.
        `reads` says that the call changes nothing at the partner.
        """
        bound = self._bound(operation)
        body = self._written(bound, fields)
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{bound.soapaction or ""}"'}
        # A 500 with an XML body is an answer that carries a fault (SOAP 1.1 section 6.2).
        reply = self._http.call("POST", path, body=body, headers=headers, reads=reads, accept=(500,))
        if reply.status == 500 and not reply.headers.get("content-type", "").lower().startswith("text/xml"):
            raise refused(self._party, reply, harmless=reads)
        believed = reply.body if self._security is None else self._opened(self._security, reply.body, harmless=reads)
        return SoapReply(reply.body, self._read(bound, believed, harmless=reads), believed)

    def close(self) -> None:
        """Close the kept connections."""
        self._http.close()

    def _bound(self, operation: str) -> Any:
        if operation not in self._binding.all():
            raise SetupError(f"{self._party}: the WSDL has no operation {operation!r}", reason="wsdl_unusable")
        return self._binding.get(operation)

    def _written(self, bound: Any, fields: Mapping[str, object]) -> bytes:
        try:
            envelope = bound.create(**fields).content
        except FAILURES as error:
            # Without its cause: zeep's texts quote what was sent and received.
            raise translate(self._party, error, phase="writing") from None
        if self._security is not None:
            envelope = self._secured(self._security, envelope)
        return bytes(etree.tostring(envelope, xml_declaration=True, encoding="utf-8"))

    def _secured(self, security: Security, envelope: etree._Element) -> etree._Element:
        """Put what the partner wants into the header. What XML cannot carry there is a setting's, not the message's."""
        try:
            return security.secured(envelope, address=self._base_url)
        except ValueError as error:
            name = type(error).__name__
            text = f"{self._party}: {name}: no Security header: check name and password for control characters"
            raise SetupError(text, reason="setting_malformed") from None

    def _opened(self, security: Security, body: bytes, *, harmless: bool) -> bytes:
        """Return what may be believed of an answer. One that is not signed as it must be says nothing of a write."""
        try:
            return security.opened(body)
        except MalformedError as error:
            raise unread(f"{self._party}: {error}", error.reason, harmless=harmless) from None

    def _read(self, bound: Any, body: bytes, *, harmless: bool) -> Any:
        try:
            answer = self._binding.process_reply(self._client, bound, _XmlAnswer(body))
            return ZEEP.helpers.serialize_object(answer, dict)
        except FAILURES as error:
            raise translate(self._party, error, phase="answered", harmless=harmless) from None


def translate(party: str, error: Exception, *, phase: Phase, harmless: bool = False) -> TrucError:
    """Return our failure for one of zeep's. Its text names the class only: zeep's own quotes the message."""
    known = TRANSLATIONS | OTHERS
    row = next(known[kind] for kind in type(error).__mro__ if kind in known)
    word = row[0] if phase == "writing" else row[1]
    name = type(error).__name__
    match word:
        case "message":
            return MalformedError(f"{party}: {name}: the message does not fit the WSDL", reason="not_by_wsdl")
        case "setup":
            return SetupError(f"{party}: {name}: check the WSDL in schemas/", reason="wsdl_unusable")
        case "fault":
            return _fault(party, str(getattr(error, "code", "") or ""), harmless=harmless)
        case "unreadable":
            return _unreadable(party, f"{party}: {name}: the answer cannot be read", harmless=harmless)


def _fault(party: str, code: str, *, harmless: bool) -> TrucError:
    kind = code.rpartition(":")[2].partition(".")[0]
    if kind == FAULT_OF_THE_MESSAGE:
        return RejectedError(f"{party}: SOAP fault {kind}", reason="soap_fault", code=kind)
    if kind in FAULTS_OF_THE_SETUP:
        return SetupError(f"{party}: SOAP fault {kind}", reason="soap_fault")
    # The partner's own failure, or a code outside the standard: nobody says how far it came.
    if harmless:
        return TransientError(f"{party}: SOAP fault of the partner", reason="soap_fault")
    return OutcomeUnknownError(f"{party}: SOAP fault of the partner", reason="soap_fault")


def _unreadable(party: str, text: str, *, harmless: bool) -> TrucError:
    if harmless:
        return MalformedError(text, reason="answer_unreadable")
    return OutcomeUnknownError(f"{text}; ask {party} before sending again", reason="answer_unreadable")


@cache
def _document(party: str, wsdl: Path) -> Any:
    """Return the WSDL, read once per process."""
    settings = ZEEP.Settings(
        strict=True, forbid_entities=True, forbid_dtd=True, forbid_external=True, xml_huge_tree=False
    )
    try:
        return ZEEP.wsdl.Document(str(wsdl), _Folder(party, wsdl.parent), settings=settings)
    except FAILURES as error:
        text = f"{party}: WSDL {wsdl.name}: {type(error).__name__}"
        raise SetupError(text, reason="wsdl_unusable") from error


def _first_binding(party: str, document: Any) -> Any:
    for service in document.services.values():
        for port in service.ports.values():
            if isinstance(port.binding, Soap11Binding):
                return port.binding
    raise SetupError(f"{party}: the WSDL offers no SOAP 1.1 port", reason="wsdl_unusable")


class _Folder:
    """What zeep loads documents through: files of one folder, and nothing else. It cannot reach a network."""

    def __init__(self, party: str, folder: Path) -> None:
        self._party = party
        self._folder = folder.resolve()

    def load(self, url: str) -> bytes:
        """Return the file's bytes, or raise SetupError for anything outside the folder."""
        path = Path(url).resolve()
        if "://" in url or not path.is_relative_to(self._folder):
            raise SetupError(
                f"{self._party}: the WSDL reads outside its folder; keep what it imports in "
                f"schemas/{self._party}/ and name it relatively",
                reason="wsdl_reads_outside",
            )
        if not path.is_file() or path.stat().st_size > WSDL_BYTES_MAX:
            raise SetupError(
                f"{self._party}: {path.name} is missing or over {WSDL_BYTES_MAX:,} bytes",
                reason="wsdl_unusable",
            )
        return path.read_bytes()


@dataclass(frozen=True, slots=True)
class _XmlAnswer:
    """The answer in the form zeep's bindings take. Always plain XML: attachments are not read."""

    content: bytes
    status_code: int = 200
    encoding: str = "utf-8"

    @property
    def headers(self) -> dict[str, str]:
        """One header: the type zeep looks at."""
        return {"Content-Type": "text/xml"}
