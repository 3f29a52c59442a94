"""The page /docs: Swagger UI from a package that is installed here, since a closed network reaches no CDN.

The files are those that flask-appbuilder, which comes with Airflow's user interface, brings for itself.
"""

from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse

from truc.errors import SetupError

PACKAGE, FOLDER = "flask_appbuilder", "static/appbuilder"
SCRIPT, STYLE = "js/swagger-ui-bundle.js", "css/swagger/swagger-ui.css"
# Whatever the page is made to load comes from this gateway, or not at all.
POLICY = (
    "default-src 'none'; connect-src 'self'; img-src 'self' data:; font-src 'self' data:; base-uri 'none'; "
    "script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
)


def router(title: str, openapi_url: str) -> APIRouter:
    """Return the page over the document at `openapi_url`, and its two files; none of them needs a key."""
    files = _folder()
    api = APIRouter(include_in_schema=False)

    @api.get("/docs")
    def page() -> HTMLResponse:
        found = get_swagger_ui_html(
            openapi_url=openapi_url,
            title=title,
            swagger_js_url="/docs/swagger-ui.js",
            swagger_css_url="/docs/swagger-ui.css",
            swagger_favicon_url="data:,",
            swagger_ui_parameters={"validatorUrl": None},  # a stranger's server that would be told our address
        )
        found.headers["Content-Security-Policy"] = POLICY
        return found

    @api.get("/docs/swagger-ui.js")
    def script() -> FileResponse:
        return FileResponse(files / SCRIPT, media_type="text/javascript")

    @api.get("/docs/swagger-ui.css")
    def style() -> FileResponse:
        return FileResponse(files / STYLE, media_type="text/css")

    return api


def _folder() -> Path:
    """Return where the files lie; nothing of the package is imported."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SetupError(f"{PACKAGE} is not installed: see requirements/product.lock", reason="package_missing")
    return Path(spec.origin).parent / FOLDER
