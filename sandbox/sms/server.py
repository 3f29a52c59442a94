"""The stand-in for Viettel bulk SMS: reads wsCpMt by hand, checks what the partner checks, counts what it sent.

A message is known by its receiver and its text, as the partner gives no message id: effects of operation
`message` have the external id "receiver:SHA-256 of the text". Control calls of its own:

    POST /_control/answers   {"result": "0", "message": "…", "times": 1, "fault": ""}
        the next `times` calls get this answer without an effect; `fault` = a SOAP fault code with HTTP 500
    POST /_control/insist    {"operation": "message", "codes": ["…"]}: the next answers are result 0 with these texts
"""

import hashlib
import threading
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

from lxml import etree

from sandbox.faults import Faults
from sandbox.http import HttpServer, Request, Response, json_response
from sandbox.serve import Running
from sandbox.state import State

WSDL = Path(__file__).parents[2] / "schemas" / "sms" / "bulksms.wsdl"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
BULK = "http://impl.bulkSms.ws/"
PATH = "/bulkapi"
# Made up for the sandbox; no account anywhere has these.
USER, SECRET, CP_CODE, BRAND = "sandbox-user", "sandbox-password", "SANDBOX_CP", "MOTCUA-DEMO"
CONTENT_BYTES_MAX = 2000


@dataclass(slots=True)
class _Planned:
    """Answers ordered by the control call."""

    answers: list[dict[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def order(self, request: Request) -> Response:
        """Keep an ordered answer."""
        wanted = request.json()
        with self.lock:
            self.answers.extend([wanted] * int(wanted.get("times", 1)))
        return json_response({})

    def insist(self, request: Request) -> Response:
        """Keep refusals in the partner's words."""
        with self.lock:
            self.answers.extend({"result": "0", "message": text} for text in request.json()["codes"])
        return json_response({})

    def take(self) -> dict[str, str] | None:
        """Return the next ordered answer."""
        with self.lock:
            return self.answers.pop(0) if self.answers else None


def start(port: int, home: Path, hub_url: str) -> Running:  # noqa: ARG001  (this party never calls the hub)
    """Start the stand-in."""
    state, planned = State(home / "state.sqlite"), _Planned()
    server = HttpServer(
        "sms",
        port,
        handle=lambda request: _handle(request, state, planned),
        operation_of=lambda request: "message" if request.method == "POST" else "",
        state=state,
        faults=Faults(),
        control={("POST", "/_control/answers"): planned.order, ("POST", "/_control/insist"): planned.insist},
    )

    def close() -> None:
        server.close()
        state.close()

    extra = {"cp_code": CP_CODE, "service_id": BRAND, "path": PATH}
    connection = {
        "conn_type": "truc_sms",
        "host": server.url,
        "login": USER,
        "password": SECRET,
        "extra": extra,
    }
    return Running("sms", server.port, server.url, connection, close)


def _handle(request: Request, state: State, planned: _Planned) -> Response:
    if request.method == "GET" and "wsdl" in request.query:
        return _xml(WSDL.read_bytes())
    if (request.method, request.path) != ("POST", PATH):
        return Response(404)
    wanted = planned.take()
    if wanted is not None and wanted.get("fault"):
        return _fault(wanted["fault"])
    if wanted is not None:
        return _answer(wanted["result"], wanted["message"])
    fields = _fields(request.body)
    if fields is None:
        return _fault("S:Client")
    refusal = _refusal(fields)
    return _sent(fields, state) if refusal == "" else _answer("0", refusal)


def _fields(body: bytes) -> dict[str, str] | None:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        return None
    call = root.find(f"{{{SOAP}}}Body/{{{BULK}}}wsCpMt")
    return None if call is None else {str(one.tag): one.text or "" for one in call}


def _refusal(fields: dict[str, str]) -> str:
    """Return the first complaint, in the partner's words, or "" for none."""
    for name, text in (("CPCode", "Cp_code"), ("User", "UserName"), ("Password", "Password")):
        if not fields.get(name):
            return f"Authenticate: {text}: NULL_OR_BLANK"
    if fields["CPCode"] != CP_CODE:
        return "Authenticate: CP_CODE_NOT_FOUND"
    if (fields["User"], fields["Password"]) != (USER, SECRET):
        return "Authenticate: WRONG_INFORMATION_AUTHENTICATE"
    return _refusal_of_the_message(fields)


def _refusal_of_the_message(fields: dict[str, str]) -> str:  # noqa: PLR0911  (one line per check, in the partner's order)
    for name in ("RequestID", "UserID", "ReceiverID", "CommandCode", "Content"):
        if not fields.get(name, "").strip():
            return f"Check {name}: NULL_OR_BLANK"
    if not fields["RequestID"].isdecimal():
        return "Check RequestID: REQUEST_ID_NOT_NUMBER"
    receiver = fields["ReceiverID"]
    if not (receiver.isdecimal() and receiver.startswith("84") and len(receiver) == 11):
        return "Check ReceiverID: FORMAT_ERROR"
    if fields["UserID"] != receiver:
        return "UserID_NOT_EQUAL_ReceiverID"
    if fields.get("ServiceID") != BRAND:
        return "Check ServiceID: ALIAS_INVALID:TELCO=VT"
    if fields["CommandCode"] != "bulksms":
        return "Check CommandCode: COMMAND_CODE_ERROR"
    size = len(fields["Content"].encode())
    if size > CONTENT_BYTES_MAX:
        return f"Check Content: MAXLENGTH_LIMIT_{CONTENT_BYTES_MAX}_BYTE (YOUR_CONTENT: {size} BYTE)"
    plain = fields.get("ContentType") == "0"
    if fields.get("ContentType") not in ("0", "1") or (plain and not fields["Content"].isascii()):
        return "Check information error"
    return ""


def _sent(fields: dict[str, str], state: State) -> Response:
    digest = hashlib.sha256(fields["Content"].encode()).hexdigest()
    receiver = fields["ReceiverID"]
    # Not the text: a stand-in's books outlive a demo, and the text names a citizen's dossier.
    data = {"brand": fields["ServiceID"], "content_type": fields["ContentType"]}
    state.record("message", f"{receiver}:{digest}", data, key=receiver)
    return _answer("1", "Insert MT_QUEUE: OK")


def _answer(result: str, message: str) -> Response:
    return _xml(
        f'<?xml version="1.0" ?><S:Envelope xmlns:S="{SOAP}"><S:Body><ns2:wsCpMtResponse xmlns:ns2="{BULK}">'
        f"<return><message>{escape(message)}</message><result>{escape(result)}</result></return>"
        "</ns2:wsCpMtResponse></S:Body></S:Envelope>".encode()
    )


def _fault(code: str) -> Response:
    body = (
        f'<?xml version="1.0" ?><S:Envelope xmlns:S="{SOAP}"><S:Body><S:Fault><faultcode>{escape(code)}</faultcode>'
        "<faultstring>said by the stand-in</faultstring></S:Fault></S:Body></S:Envelope>"
    )
    return _xml(body.encode(), status=500)


def _xml(body: bytes, status: int = 200) -> Response:
    return Response(status, body, "text/xml;charset=utf-8")
