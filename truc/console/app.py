"""The console: finance's pages as one application, wherever it is mounted and whoever logs people in."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from truc.console import ageing, break_acts, breaks, days, downloads, problems, signing, statics
from truc.console.desk import Desk
from truc.console.forms import Forms
from truc.console.gate import Gate
from truc.console.headers import Guarded
from truc.store.opened import Store

TITLE = "Trục — đối soát"


def create_app(store: Store, gate: Gate, *, forms_key: bytes, signer: Ed25519PrivateKey) -> FastAPI:
    """Return the pages over this store, for those whom the gate lets in."""
    app = FastAPI(
        title=TITLE,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        exception_handlers=problems.HANDLERS,
        redirect_slashes=False,
    )
    app.state.desk = Desk(store=store, gate=gate, forms=Forms(forms_key), signer=signer)
    for room in (days, breaks, break_acts, ageing, signing, downloads, statics):
        app.include_router(room.ROUTES)
    app.add_middleware(Guarded)
    return app
