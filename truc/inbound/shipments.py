"""The internal API's part about parcels: where a dossier's stand, and that one is not wanted any more."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Security
from pydantic import ConfigDict, Field, JsonValue

from truc.errors import MalformedError
from truc.inbound.clients import Scope
from truc.inbound.forms import Body, Instant, Name, Result, Word
from truc.inbound.problems import answers
from truc.services import shipment_standing, shipments
from truc.services.shipment_standing import ShipmentStanding
from truc.store.opened import Store
from truc.store.shipments import Cancel

EXAMPLE: dict[str, JsonValue] = {
    "requested_at": "2026-11-20T08:15:00+07:00",
    "requested_by": "Trần Văn Bình",
    "because": "Công dân nhận kết quả tại quầy",
}


class CancelIn(Body):
    """A parcel that is not wanted any more; a second wish changes nothing."""

    requested_at: Instant
    requested_by: Word = Field(description="Who decided it.")
    because: Word = Field(description="Why; it is kept with the parcel.")

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [EXAMPLE]})


def router(store: Store, key: Callable[..., str]) -> APIRouter:
    """Return the routes over this store; `key` is the dependency that lets a client with the needed scopes in."""
    writer = Annotated[str, Security(key, scopes=[Scope.WRITE_DOSSIERS])]
    reads: dict[str, Any] = {"dependencies": [Security(key, scopes=[Scope.READ])]}
    api = APIRouter()

    @api.post(
        "/shipments/{order_number}/cancel",
        summary="Say that a parcel is not wanted any more",
        responses=answers(400, 401, 403, 408, 413, 422, 503),
    )
    def post_cancel(order_number: Name, body: CancelIn, source: writer) -> Result:
        wish = Cancel(actor=f"{source}: {body.requested_by}", reason=body.because, asked_at=body.requested_at)
        try:
            with store.begin() as transaction:
                new = shipments.cancel(transaction, order_number, wish)
        except MalformedError as error:
            raise HTTPException(422, {"reason": error.reason, "error": str(error)}) from None
        return Result(outcome="booked" if new else "known", code=order_number)

    @api.get(
        "/dossiers/{dossier_code}/shipments",
        summary="Where a dossier's parcels stand",
        responses=answers(401, 403, 404, 422, 503),
        **reads,
    )
    def get_shipments(dossier_code: Name) -> list[ShipmentStanding]:
        with store.begin() as transaction:
            found = shipment_standing.of_dossier(transaction, dossier_code)
        if found is None:
            raise HTTPException(404, {"reason": "unknown", "error": "nothing of this name is here"})
        return found

    return api
