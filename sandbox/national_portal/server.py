"""The national portal's adapter, played: login with expiry, dossiers, progress, look-up, intake list.

Operations for faults: `login`, `DongBoHoSoMC`, `CapNhatTienDoHoSoMC`, `TraCuuHoSo`, and the intake
service `LayDanhSachHoSoTrucTuyen`; mode "twice" on `online_item` lists the last dossier of a page twice.

`data` of the two writing services is an array with one answer for all: every item is checked before any is carried out.
How the real portal treats an array with a bad item is not known; `batches` has it stop in the middle instead.

Its own control calls:
    POST /_control/submit           [online dossier, …] in the portal's form, to be listed later; MaHoSo once
    GET  /_control/coverage         {MaHoSo: TrangThaiHoSo} of every dossier the portal has
    POST /_control/expire_sessions  every open session is over
    GET  /_control/sessions         {"logins": how many ever, "open": how many now}
    POST /_control/forget           the portal is as new: no dossier, no session, no open fault
    POST /_control/codes            {"ok": code, "exists": code, "next": {service: code}} to answer with
    POST /_control/batches          {"accept": k}: of the next array of several the first k are taken, then it fails
    POST /_control/insist           {"operation": "dossier", "codes": [code, …]}: the next answers to it carry these
                                    codes, without an effect ("dossier", "progress", "query")
    GET  /_control/operations       {our operation: {"fault", "effect"}}: how the portal's services are named
    POST /_control/plant            {"feed": "online_dossiers", "name": MaHoSo}: a citizen submits a dossier
    POST /_control/lists            {…} laid over the next list answer; a field given as null is left out
"""

import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.faults import Faults
from sandbox.http import Handle, HttpServer, Request, Response, json_response
from sandbox.national_portal.checks import Refusal, check_dossier, check_step
from sandbox.serve import Running
from sandbox.state import State

LOGIN, PASSWORD = "sandbox-h32", "sandbox-only-not-a-secret"
DSTCODE, MADONVI = "VN:GOV:SANDBOX:DVCQG", "H32"
AUTH, SHARE, INTEGRATION = "/adapter/login", "/adapter/share", "/adapter/integration"
PUSH_DOSSIER, PUSH_PROGRESS, LOOK_UP = "DongBoHoSoMC", "CapNhatTienDoHoSoMC", "TraCuuHoSo"
INTAKE = "LayDanhSachHoSoTrucTuyen"
SERVICES = {SHARE: (LOOK_UP, INTAKE), INTEGRATION: (PUSH_DOSSIER, PUSH_PROGRESS)}
# The hub's operations and feeds, and the services that carry them.
OURS = {"dossier": PUSH_DOSSIER, "progress": PUSH_PROGRESS, "query": LOOK_UP, "online_dossiers": INTAKE}
SUBMITTED = {
    "MaTTHC": "1.004873",
    "MaCoQuanThucHien": "H32.01",
    "ChuHoSo": "Nguyễn Văn An",
    "LoaiDoiTuong": "1",
    "SoDienThoai": "0905000111",
    "DiaChi": "1 Hùng Vương",
    "MaTinhThanh": "56",
    "NgayNopHoSo": "20260304090000",
    "HinhThuc": "0",
    "DangKyNhanSMS": "0",
}
EXPIRED, FAILED = "-100", "-1"  # the first is ours: the real code is not known
SESSION_S = 1200.0
PAGE_MAX = 200
Item = Callable[[dict[str, Any]], None]


class Portal:
    """What the portal knows and does."""

    def __init__(self, state: State, faults: Faults) -> None:
        self._state, self._faults = state, faults
        self._lock = threading.Lock()  # one change at a time: a dossier is read, merged and written back
        self._be_new()

    def handle(self, request: Request) -> Response:
        """Answer one call of the adapter."""
        try:
            body = request.json()
        except ValueError:
            return _answer(FAILED, "Dữ liệu không phải JSON")
        if request.method != "POST" or not isinstance(body, dict):
            return Response(405)
        with self._lock:
            if request.path == AUTH:
                return self._log_in(request, body)
            return self._serve(request.path, body)

    def control(self) -> dict[tuple[str, str], Handle]:
        """Return the control calls."""
        return {
            ("POST", "/_control/submit"): self._submit,
            ("GET", "/_control/coverage"): self._coverage,
            ("POST", "/_control/expire_sessions"): self._expire,
            ("GET", "/_control/sessions"): self._count_sessions,
            ("POST", "/_control/forget"): self._forget,
            ("POST", "/_control/codes"): self._set_codes,
            ("POST", "/_control/insist"): self._insist,
            ("GET", "/_control/operations"): self._operations,
            ("POST", "/_control/plant"): self._plant,
            ("POST", "/_control/batches"): self._set_batch,
            ("POST", "/_control/lists"): self._set_list,
        }

    def _be_new(self) -> None:
        self._sessions: dict[str, float] = {}
        self._logins = 0
        self._codes: dict[str, Any] = {"ok": "0", "exists": "3", "next": {}}
        self._insisted: dict[str, list[str]] = {}
        self._list_changes: dict[str, Any] = {}
        self._accept_only: int | None = None

    def _forget(self, _request: Request) -> Response:
        with self._lock:
            self._faults.clear()
            self._state.clear()
            self._be_new()
        return json_response({})

    def _log_in(self, request: Request, body: dict[str, Any]) -> Response:
        known = (body.get("username"), body.get("password"), request.headers.get("dstcode"))
        if known != (LOGIN, PASSWORD, DSTCODE):
            return _answer(FAILED, "Sai thông tin đăng nhập")
        self._logins += 1
        word = secrets.token_hex(16)
        self._sessions[word] = time.monotonic() + SESSION_S
        return json_response({"session": word, "error_code": 0})

    def _serve(self, path: str, body: dict[str, Any]) -> Response:
        service = str(body.get("service"))
        if service not in SERVICES.get(path, ()):
            return _answer(FAILED, "Dịch vụ không tồn tại")
        if self._sessions.get(str(body.get("session")), 0.0) < time.monotonic():
            return _answer(EXPIRED, "Phiên làm việc đã hết hạn")
        if body.get("madonvi") != MADONVI:
            return _answer(FAILED, "Mã đơn vị không đúng")
        if self._insisted.get(service):
            return _answer(self._insisted[service].pop(0), "theo lệnh")
        if service in self._codes["next"]:
            return _answer(self._codes["next"].pop(service), "theo lệnh")
        return self._carry_out(service, body)

    def _carry_out(self, service: str, body: dict[str, Any]) -> Response:
        match service:
            case "DongBoHoSoMC":
                updating = body.get("isUpdating")
                return self._each(body, lambda item: self._check_push(item, updating), self._push)
            case "CapNhatTienDoHoSoMC":
                return self._each(body, self._check_step, self._step)
            case "TraCuuHoSo":
                return self._look_up(body)
            case _:
                return self._list(body)

    def _each(self, body: dict[str, Any], check: Item, act: Item) -> Response:
        items = body.get("data")
        if not isinstance(items, list) or not items or not all(isinstance(one, dict) for one in items):
            return _answer(FAILED, "data phải là danh sách")
        try:
            if self._accept_only is not None and len(items) > 1:
                self._take_some(items, check, act)
            else:
                self._take_all(items, check, act)
        except Refusal as refusal:
            return _answer(refusal.code, str(refusal))
        return _answer(self._codes["ok"], "Thành công", result=[])

    def _take_all(self, items: list[dict[str, Any]], check: Item, act: Item) -> None:
        for item in items:
            check(item)
        for item in items:
            act(item)

    def _take_some(self, items: list[dict[str, Any]], check: Item, act: Item) -> None:
        most, self._accept_only = self._accept_only, None
        for item in items[:most]:
            check(item)
            act(item)
        raise Refusal(FAILED, "theo lệnh")

    def _check_push(self, item: dict[str, Any], updating: object) -> None:
        if updating not in ("True", "False"):
            raise Refusal(FAILED, 'isUpdating phải là "True" hoặc "False"')
        known = self._state.get("dossier", str(item.get("MaHoSo") or ""))
        if known is not None and updating == "False":
            raise Refusal(self._codes["exists"], "Hồ sơ đã tồn tại")
        if known is None and updating == "True":
            raise Refusal(FAILED, "Hồ sơ không tồn tại")
        check_dossier(item)

    def _push(self, item: dict[str, Any]) -> None:
        code = item["MaHoSo"]
        known = self._state.get("dossier", code) or {}
        self._state.put("dossier", code, {"ThoiDiemXuLy": ""} | known | item)
        if self._state.get(PUSH_DOSSIER, code) is None:
            self._state.record(PUSH_DOSSIER, code, item, key=code)
        else:
            self._state.put(PUSH_DOSSIER, code, item)  # an update brings no second dossier into the world

    def _check_step(self, item: dict[str, Any]) -> None:
        check_step(item)
        if self._state.get("dossier", item["MaHoSo"]) is None:
            raise Refusal(FAILED, "Hồ sơ chưa có trên Cổng")

    def _step(self, item: dict[str, Any]) -> None:
        code = item["MaHoSo"]
        step = f"{code}|{item['TrangThai']}|{item['ThoiDiemXuLy']}"
        self._state.record(PUSH_PROGRESS, step, item, key=code)
        stands = {"TrangThaiHoSo": item["TrangThai"], "ThoiDiemXuLy": item["ThoiDiemXuLy"]}
        self._state.put("dossier", code, (self._state.get("dossier", code) or {}) | stands)

    def _look_up(self, body: dict[str, Any]) -> Response:
        known = self._state.get("dossier", str(body.get("mahoso")))
        return _answer(0, "", result=[] if known is None else [known])

    def _list(self, body: dict[str, Any]) -> Response:
        after = str(body.get("sau") or "0")
        if not after.isdecimal():
            return _answer(FAILED, "sau không hợp lệ")
        limit = min(PAGE_MAX, int(body.get("soLuong") or PAGE_MAX))
        items = [one.data for one in self._state.effects("online", after=int(after), limit=limit)]
        following = str(int(after) + len(items))
        if items and self._faults.take("online_item", "twice"):
            items.append(items[-1])
        said = {"result": items, "tiepTheo": following} | self._list_changes
        self._list_changes = {}
        return _answer(0, "", **{name: value for name, value in said.items() if value is not None})

    def _submit(self, request: Request) -> Response:
        items = request.json()
        with self._lock:
            new = [item for item in items if self._take_in(item)]
        return json_response({"new": len(new)})

    def _take_in(self, item: dict[str, Any]) -> bool:
        """Keep what a citizen sent, however malformed, once."""
        code = str(item.get("MaHoSo") or f"?{sorted(item.items())!r}")
        if self._state.get("online", code) is not None:
            return False
        self._state.put("online", code, {"TrangThaiHoSo": "1", "KenhThucHien": "2"} | item)
        if "MaHoSo" in item and self._state.get("dossier", code) is None:
            record = {"TrangThaiHoSo": "1", "SoBienNhan": "", "ThoiDiemXuLy": ""} | item
            self._state.put("dossier", code, record)
        return True

    def _coverage(self, _request: Request) -> Response:
        with self._lock:
            known = self._state.effects("dossier")
        return json_response({one.external_id: one.data.get("TrangThaiHoSo") for one in known})

    def _expire(self, _request: Request) -> Response:
        with self._lock:
            self._sessions.clear()
        return json_response({})

    def _count_sessions(self, _request: Request) -> Response:
        now = time.monotonic()
        with self._lock:
            still = sum(until >= now for until in self._sessions.values())
            return json_response({"logins": self._logins, "open": still})

    def _set_list(self, request: Request) -> Response:
        with self._lock:
            self._list_changes = request.json()
        return json_response({})

    def _set_batch(self, request: Request) -> Response:
        with self._lock:
            self._accept_only = int(request.json()["accept"])
        return json_response({})

    def _insist(self, request: Request) -> Response:
        wanted = request.json()
        with self._lock:
            self._insisted.setdefault(OURS[wanted["operation"]], []).extend(wanted["codes"])
        return json_response({})

    def _operations(self, _request: Request) -> Response:
        return json_response({ours: {"fault": service, "effect": service} for ours, service in OURS.items()})

    def _plant(self, request: Request) -> Response:
        with self._lock:
            self._take_in(SUBMITTED | {"MaHoSo": request.json()["name"]})
        return json_response({})

    def _set_codes(self, request: Request) -> Response:
        with self._lock:
            self._codes |= request.json()
        return json_response({})


def start(port: int, home: Path, hub_url: str) -> Running:  # noqa: ARG001  (the portal calls nobody back)
    """Start the stand-in; its books are in `home`."""
    state, faults = State(home / "state.sqlite"), Faults()
    portal = Portal(state, faults)
    server = HttpServer(
        "national_portal",
        port,
        handle=portal.handle,
        operation_of=_operation_of,
        state=state,
        faults=faults,
        control=portal.control(),
    )

    def close() -> None:
        server.close()
        state.close()

    return Running("national_portal", server.port, server.url, _connection(server.url), close)


def _operation_of(request: Request) -> str:
    if request.path == AUTH:
        return "login"
    try:
        return str(request.json().get("service") or "")
    except (ValueError, AttributeError):
        return ""


def _connection(url: str) -> dict[str, Any]:
    return {
        "conn_type": "truc_national_portal",
        "host": url,
        "login": LOGIN,
        "password": PASSWORD,
        "extra": {
            "auth_endpoint": AUTH,
            "share_endpoint": SHARE,
            "integration_endpoint": INTEGRATION,
            "dstcode": DSTCODE,
            "madonvi": MADONVI,
            "intake_service": INTAKE,
            "session_expired_codes": EXPIRED,
        },
    }


def _answer(code: object, message: str, **more: object) -> Response:
    return json_response({"error_code": code, "message": message} | more)
