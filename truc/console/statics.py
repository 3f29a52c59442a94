"""The style, the script and the icon: fixed files of this folder, for whoever is logged in."""

from pathlib import Path

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse

from truc.console.desk import Known

ROUTES = APIRouter()
FOLDER = Path(__file__).parent / "static"
FILES = {"console.css": "text/css", "console.js": "text/javascript", "console.svg": "image/svg+xml"}
# A new version of the hub is seen at the next load: the browser asks whether its copy is still the one.
CACHING = {"Cache-Control": "private, no-cache"}


@ROUTES.get("/static/{name}")
def static(name: str, _visit: Known) -> FileResponse:
    """Return one of the files."""
    if name not in FILES:
        raise HTTPException(404, "not_found")
    return FileResponse(FOLDER / name, media_type=FILES[name], headers=CACHING)
