"""A person at the browser: logs in on Airflow's own form, opens pages of the console, sends the forms they carry."""

import html
import re
from urllib.parse import urlsplit

import requests

from sandbox.day.one_stop import RefusedError

CONSOLE = "/truc"
FIELD = re.compile(r'name="(csrf_token|form_token)"[^>]*? value="([^"]*)"')


class Browser:
    """One session of one person; it keeps cookies as a browser does."""

    def __init__(self, airflow_url: str, *, timeout_s: float = 60) -> None:
        self._url, self._timeout_s = airflow_url, timeout_s
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Accept"] = "text/html"

    def log_in(self, user: str, password: str) -> None:
        """Come to the console as a stranger, who is sent to the login and back; raise RefusedError when not let in."""
        login = self._checked(self._session.get(f"{self._url}{CONSOLE}/", timeout=self._timeout_s))
        fields = {"username": user, "password": password, "csrf_token": _field(login.text, "csrf_token")}
        back = self._session.post(login.url, data=fields, headers={"Referer": login.url}, timeout=self._timeout_s)
        if urlsplit(self._checked(back).url).path != f"{CONSOLE}/":
            raise RefusedError(f"Airflow did not let {user} in")

    def open(self, path: str) -> str:
        """Return a page of the console; raise RefusedError for one that is not shown."""
        return self._checked(self._session.get(f"{self._url}{CONSOLE}{path}", timeout=self._timeout_s)).text

    def send(self, on: str, path: str, **fields: str) -> None:
        """Fill in a form of the page `on` and send it; raise RefusedError where it is not taken."""
        self._checked(self._sent(on, path, fields))

    def try_to_send(self, on: str, path: str, **fields: str) -> int:
        """Do the same and return the status of the answer, whatever it is."""
        return self._sent(on, path, fields).status_code

    def _sent(self, on: str, path: str, fields: dict[str, str]) -> requests.Response:
        form = {"form_token": _field(self.open(on), "form_token"), **fields}
        return self._session.post(f"{self._url}{CONSOLE}{path}", data=form, timeout=self._timeout_s)

    def _checked(self, answer: requests.Response) -> requests.Response:
        if not answer.ok:
            raise RefusedError(f"the answer to {urlsplit(answer.url).path} was {answer.status_code}")
        return answer


def _field(page: str, name: str) -> str:
    """Return the value of the first hidden field of that name."""
    found = [value for field, value in FIELD.findall(page) if field == name]
    if not found:
        raise RefusedError(f"the page has no form with a {name}")
    return html.unescape(found[0])
