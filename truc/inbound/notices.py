"""The internal API's part about notices: what a citizen wishes to hear, what an officer has told, what was told."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Security
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from truc.domain.notice_fields import Fact, FieldName
from truc.errors import MalformedError
from truc.inbound.clients import Scope
from truc.inbound.forms import Body, Name, Word
from truc.inbound.problems import answers
from truc.messages import Vnd
from truc.services import notice_terms, notice_wishes
from truc.services.notice_wishes import NoticeOrder, NoticeStanding, Wants, Wish
from truc.services.notices import Became
from truc.store.opened import Store

WRITES: dict[str, Any] = {"responses": answers(400, 401, 403, 408, 413, 422, 503)}
READS: dict[str, Any] = {"responses": answers(401, 403, 404, 422, 503)}
LATE: dict[str, JsonValue] = {
    "reference": "XL-2026-000017",
    "kind": "late_apology",
    "dossier_code": "H32.01-261120-0001",
    "due_on": "2026-11-27",
}


class WishIn(Body):
    """How the citizen of a dossier wants to hear, of this dossier and all others of theirs."""

    channel: str = Field(default="", max_length=40, description="sms, zalo, email; empty for the province's order.")
    wants: Wants = "as_asked"

    model_config = ConfigDict(json_schema_extra={"examples": [{"channel": "zalo", "wants": "as_asked"}]})


class NoticeIn(Body):
    """Something an officer has told: an apology with a new day, or an electronic receipt issued elsewhere."""

    reference: Word = Field(description="The caller's own name for it; a second call with it changes nothing.")
    kind: Literal["late_apology", "receipt_issued"]
    dossier_code: Word
    due_on: date | None = Field(default=None, description="With late_apology: the new day.")
    amount_vnd: Annotated[Vnd, Field(gt=0)] | None = Field(default=None, description="With receipt_issued.")
    receipt_number: Word | None = Field(default=None, description="With receipt_issued.")

    model_config = ConfigDict(json_schema_extra={"examples": [LATE]})

    @property
    def facts(self) -> dict[FieldName, Fact]:
        """Return those that were given."""
        found: dict[FieldName, Fact | None] = {
            "due_on": self.due_on,
            "amount_vnd": self.amount_vnd,
            "receipt_number": self.receipt_number,
        }
        return {name: fact for name, fact in found.items() if fact is not None}


class NoticeAnswer(BaseModel):
    """What became of it; `known` for one that was ordered before, `unwanted` where nobody asked to be told."""

    outcome: Became
    event_key: str


def router(store: Store, key: Callable[..., str]) -> APIRouter:
    """Return the routes over this store; `key` is the dependency that lets a client with the needed scopes in.

    Raise SetupError for settings of notices that cannot be read: better at the start than at the first dossier.
    """
    notice_terms.read()
    officer = Annotated[str, Security(key, scopes=[Scope.WRITE_STATUSES])]
    writes: dict[str, Any] = WRITES | {"dependencies": [Security(key, scopes=[Scope.WRITE_DOSSIERS])]}
    reads: dict[str, Any] = READS | {"dependencies": [Security(key, scopes=[Scope.READ])]}
    api = APIRouter()

    @api.post("/notices", summary="Have a citizen told of something that no status says", **WRITES)
    def post_notice(body: NoticeIn, source: officer) -> NoticeAnswer:
        wanted = NoticeOrder(
            source=source,
            reference=body.reference,
            kind=body.kind,
            dossier_code=body.dossier_code,
            facts=body.facts,
        )
        try:
            with store.begin() as transaction:
                name, became = notice_wishes.order(transaction, wanted)
        except MalformedError as error:
            raise _refused(error) from None
        return NoticeAnswer(outcome=became, event_key=name)

    @api.post("/dossiers/{dossier_code}/wish", summary="Say how a dossier's citizen wants to hear", **writes)
    def post_wish(dossier_code: Name, body: WishIn) -> WishIn:
        try:
            with store.begin() as transaction:
                notice_wishes.keep_wish(transaction, dossier_code, Wish(channel=body.channel, wants=body.wants))
                return WishIn(**asdict(notice_wishes.wish(transaction, dossier_code)))
        except MalformedError as error:
            raise _refused(error) from None

    @api.get("/dossiers/{dossier_code}/notices", summary="What the citizen of a dossier was told", **reads)
    def get_notices(dossier_code: Name) -> list[NoticeStanding]:
        with store.begin() as transaction:
            found = notice_wishes.of_dossier(transaction, dossier_code)
        if found is None:
            raise HTTPException(404, {"reason": "unknown", "error": "nothing of this name is here"})
        return found

    return api


def _refused(error: MalformedError) -> HTTPException:
    return HTTPException(422, {"reason": error.reason, "error": str(error)})
