"""What the hub does with the national portal: push dossiers and progress, ask about them, fetch online ones."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.national_portal.arrival import dossier_arrival, progress_arrival
from connectors.national_portal.codes import RESULTS, Answered, Result, UnreadableAnswerError, read_answer
from connectors.national_portal.session import HEADERS, Account, Session
from truc.connections import Connection
from truc.envelope import Answer, Arrival, Envelope, Outgoing, Page, Receipt, digest_of
from truc.errors import MalformedError, OutcomeUnknownError, RejectedError, SetupError, TransientError
from truc.manifest import Limits
from truc.transport.rest import Rest
from truc.trust import tls

PARTY = "national_portal"
PUSH_DOSSIER, PUSH_PROGRESS, LOOK_UP = "DongBoHoSoMC", "CapNhatTienDoHoSoMC", "TraCuuHoSo"
# The list service of online dossiers is not confirmed; these three names are all there is to change.
AFTER, HOW_MANY, NEXT = "sau", "soLuong", "tiepTheo"
CURSOR_FORM = re.compile(r"[!-~]{1,200}")
PAGE_ITEMS = 100
PAGES_MAX = 500  # of one fetch; the next one goes on from the cursor


@dataclass(frozen=True, slots=True)
class Settings:
    """What every call after the login needs."""

    madonvi: str
    share_path: str
    integration_path: str
    lookup_path: str
    intake_service: str
    expired_codes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Client:
    """One account at the portal. Safe to use from several threads: they share one session."""

    _rest: Rest
    _session: Session
    _settings: Settings

    def send_dossier(self, outgoing: Outgoing) -> Receipt:
        """Create the dossier, or update it when the portal says that it exists (egov.md 1.3)."""
        answer = self._write(PUSH_DOSSIER, outgoing.body, {"isUpdating": "False"})
        if answer.result is Result.EXISTS:
            answer = self._write(PUSH_DOSSIER, outgoing.body, {"isUpdating": "True"})
        return _written(PUSH_DOSSIER, answer)

    def send_progress(self, outgoing: Outgoing) -> Receipt:
        """Add one progress step; the dossier must be there first (egov.md 1.4)."""
        return _written(PUSH_PROGRESS, self._write(PUSH_PROGRESS, outgoing.body, {}))

    def send_progress_batch(self, outgoings: Sequence[Outgoing]) -> Receipt:
        """Add one step each to different dossiers, in one call with one answer for all (egov.md 1.4).

        A refusal does not say which of them it is about, nor whether the others were taken.
        """
        items = b", ".join(one.body for one in outgoings)
        return _written(PUSH_PROGRESS, self._write(PUSH_PROGRESS, items, {}))

    def ask_dossier(self, outgoing: Outgoing) -> Answer:
        """Say whether the portal's record of this dossier carries our code."""
        item, answer = self._looked_up(outgoing)
        return _answer(dossier_arrival(item, answer), answer)

    def ask_progress(self, outgoing: Outgoing) -> Answer:
        """Say whether this step is where the portal's record stands."""
        item, answer = self._looked_up(outgoing)
        return _answer(progress_arrival(item, answer), answer)

    def fetch_online_dossiers(self, cursor: str) -> Iterator[Page]:
        """Yield pages of dossiers submitted by citizens after `cursor`, until an empty one.

        A page that cannot be read is yielded too, so that it is kept, with the cursor it was asked by; it is
        the last. So is one that does not say where to go on, and MalformedError `cursor_stuck` follows it.
        """
        for _ in range(PAGES_MAX):
            try:
                answer = self._listed(cursor)
            except UnreadableAnswerError as error:
                yield _page(error.body, cursor)
                return
            if not answer.value["result"]:
                return
            following = _following(answer)
            yield _page(answer.body, following or cursor)
            if following in ("", cursor):  # its dossiers are kept; a person must learn that no more will come
                raise MalformedError(f"{PARTY}: list answer does not move on ({NEXT})", reason="cursor_stuck")
            cursor = following

    def get_dossier(self, code: str) -> bytes:
        """Return the portal's whole answer about one dossier by its portal code; `result` is [] if unknown."""
        return _accepted(LOOK_UP, self._read(self._settings.lookup_path, LOOK_UP, {"mahoso": code})).body

    def probe(self) -> str:
        """Log in at the portal."""
        self._session.word()
        return "a session"

    def close(self) -> None:
        """Close the kept connections. The portal has no logout that we know of."""
        self._rest.close()

    def _listed(self, cursor: str) -> Answered:
        service = self._settings.intake_service
        answer = self._read(self._settings.share_path, service, {AFTER: cursor, HOW_MANY: PAGE_ITEMS})
        _accepted(service, answer)
        if not isinstance(answer.value.get("result"), list):
            raise UnreadableAnswerError("list answer has no result[]", answer.body)
        return answer

    def _looked_up(self, outgoing: Outgoing) -> tuple[dict[str, Any], Answered | None]:
        item: dict[str, Any] = json.loads(outgoing.body)
        try:
            answer = self._read(self._settings.lookup_path, LOOK_UP, {"mahoso": item["MaHoSo"]})
        except (MalformedError, RejectedError):  # an answer, but no word on our message
            return item, None
        return item, answer if answer.result is Result.OK else None

    def _read(self, path: str, service: str, arguments: dict[str, object]) -> Answered:
        return self._call(path, service, arguments, b"", reads=True)

    def _write(self, service: str, items: bytes, arguments: dict[str, object]) -> Answered:
        try:
            return self._call(self._settings.integration_path, service, arguments, items, reads=False)
        except MalformedError as error:
            raise OutcomeUnknownError(f"{PARTY}: {service}: {error}", reason=error.reason) from error

    def _call(self, path: str, service: str, arguments: dict[str, object], items: bytes, *, reads: bool) -> Answered:
        word = self._session.word()
        answer = self._post(path, word, service, arguments, items, reads=reads)
        if answer.code not in self._settings.expired_codes:
            return answer
        word = self._session.renewed(word)
        answer = self._post(path, word, service, arguments, items, reads=reads)
        if answer.code in self._settings.expired_codes:
            raise TransientError(f"{PARTY}: {service}: session refused twice", reason="session_refused")
        return answer

    def _post(
        self, path: str, word: str, service: str, arguments: dict[str, object], items: bytes, *, reads: bool
    ) -> Answered:
        head = {"session": word, "madonvi": self._settings.madonvi, "service": service} | arguments
        body = _body(head, items)
        return read_answer(self._rest.call("POST", path, body=body, headers=HEADERS, reads=reads).body)


def open_client(connection: Connection, limits: Limits) -> Client:
    """Return a client that has not logged in yet; raise SetupError that names a missing setting."""
    rest = Rest(PARTY, connection.required("host"), limits, tls=tls.context(connection))
    account = Account(
        path=connection.required("auth_endpoint"),
        login=connection.required("login"),
        password=connection.required("password"),
        dstcode=connection.required("dstcode"),
    )
    session = Session(rest, account, max_age_s=60.0 * _minutes(connection))
    return Client(rest, session, _settings(connection))


def _settings(connection: Connection) -> Settings:
    share_path = connection.required("share_endpoint")
    return Settings(
        madonvi=connection.required("madonvi"),
        share_path=share_path,
        integration_path=connection.required("integration_endpoint"),
        lookup_path=connection.optional("lookup_endpoint", share_path),
        intake_service=connection.required("intake_service"),
        expired_codes=_expired_codes(connection),
    )


def _expired_codes(connection: Connection) -> frozenset[str]:
    listed = connection.optional("session_expired_codes").split(",")
    codes = frozenset(code.strip() for code in listed if code.strip())
    if any(RESULTS.get(code) in (Result.OK, Result.EXISTS) for code in codes):
        raise SetupError(
            f"{PARTY}: session_expired_codes names a code that means success or exists already",
            reason="setting_malformed",
        )
    return codes


def _minutes(connection: Connection) -> int:
    text = connection.optional("session_minutes", "20")
    if not text.isdecimal() or int(text) == 0:
        raise SetupError(f"{PARTY}: session_minutes must be a whole number above 0", reason="setting_malformed")
    return int(text)


def _body(head: dict[str, object], items: bytes) -> bytes:
    """Wrap the mapped items, a comma between them, without reading them: `data` is their array."""
    wrapped = json.dumps(head, ensure_ascii=False).encode()
    return wrapped[:-1] + b', "data": [' + items + b"]}" if items else wrapped


def _written(service: str, answer: Answered) -> Receipt:
    """Return the receipt of a write. A code nobody documented is not guessed at: the portal is asked."""
    if answer.result is None:
        raise OutcomeUnknownError(f"{PARTY}: {service}: error_code {answer.code}", reason="unknown_result_code")
    return _accepted(service, answer)


def _accepted(service: str, answer: Answered) -> Receipt:
    if answer.result is Result.OK:
        return Receipt("", answer.body)
    reason = "unknown_result_code" if answer.result is None else f"result_{answer.result}"
    raise RejectedError(f"{PARTY}: {service}: error_code {answer.code}", reason=reason, code=answer.code)


def _answer(arrival: Arrival, answer: Answered | None) -> Answer:
    if arrival is not Arrival.ARRIVED or answer is None:
        return Answer(arrival)
    return Answer(arrival, Receipt("", answer.body))


def _page(body: bytes, cursor: str) -> Page:
    return Page(Envelope(PARTY, "online_dossiers", digest_of(body), body), cursor)


def _following(answer: Answered) -> str:
    """Return the cursor to go on from, "" where none is given that can be kept and sent."""
    following = answer.value.get(NEXT)
    return following if isinstance(following, str) and CURSOR_FORM.fullmatch(following) else ""
