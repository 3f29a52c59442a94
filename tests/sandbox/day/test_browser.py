"""A person at the browser comes through the login, brings each form's token back, and is told of a closed door."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from sandbox.day.browser import Browser
from sandbox.day.one_stop import RefusedError

PASSWORD = "right & <wrong>"
LOGIN = '<form><input id="csrf_token" name="csrf_token" type="hidden" value="c&amp;1"></form>'
PAGE = '<form><input type="hidden" name="form_token" value="t-1"></form>'


class Door(BaseHTTPRequestHandler):
    """Airflow's login and one page of the console, as far as a browser sees them."""

    def do_GET(self):
        path = urlsplit(self.path).path
        if path == "/login":
            self._answer(200, LOGIN)
        elif "who=clerk" not in self.headers.get("Cookie", ""):
            self._answer(303, "", Location="/login?next=/truc/")
        else:
            self._answer(200 if path in ("/truc/", "/truc/page") else 404, PAGE)

    def do_POST(self):
        given = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if self.path.startswith("/login"):
            right = given["csrf_token"] == ["c&1"] and given["password"] == [PASSWORD]
            headers = {"Location": "/truc/", "Set-Cookie": "who=clerk"} if right else {}
            self._answer(302 if right else 200, LOGIN, **headers)
        else:
            self._answer(200 if given["form_token"] == ["t-1"] and given["why"] == ["so"] else 403, PAGE)

    def _answer(self, status, text, **headers):
        body = text.encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": len(body)}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def clerk():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Browser(f"http://127.0.0.1:{server.server_address[1]}")
    server.shutdown()
    server.server_close()


def test_who_has_the_password_comes_in_and_sends_forms_with_their_token(clerk):
    clerk.log_in("clerk", PASSWORD)
    clerk.send("/page", "/page", why="so")
    assert clerk.try_to_send("/page", "/page", why="not so") == 403


def test_a_wrong_password_a_missing_page_and_a_form_that_is_not_taken_are_told(clerk):
    with pytest.raises(RefusedError, match="did not let clerk in"):
        clerk.log_in("clerk", "wrong")
    clerk.log_in("clerk", PASSWORD)
    with pytest.raises(RefusedError, match="404"):
        clerk.open("/elsewhere")
    with pytest.raises(RefusedError, match="403"):
        clerk.send("/page", "/page", why="not so")


def test_a_page_without_a_form_is_no_way_to_send_one(clerk):
    with pytest.raises(RefusedError, match="no form"):
        clerk.send("/page", "/page", why="so")  # not logged in: the page is the login
