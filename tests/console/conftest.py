"""The console on a real socket over a real store, behind a gate made by hand: who comes is who the cookie says."""

import html
import os
import re
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import sync_playwright

from tests import counterparts
from tests.console import a_day
from tests.databases import copied
from truc.console.app import create_app
from truc.console.gate import User
from truc.errors import MalformedError
from truc.inbound import serving as gateway
from truc.reconcile.work.roles import Role, actor
from truc.store.opened import Store, open_store
from truc.trust.sealing import Sealer

SCREENS = Path(__file__).parents[2] / "docs" / "screens"
SCREEN_BYTES_MAX = 150_000
SIZE = {"width": 1200, "height": 760}
PEOPLE = {
    "clerk": ("Lê Thị Kế Toán", Role.CLERK),
    "clerk2": ("Trần Văn Kế", Role.CLERK),
    "approver": ("Phạm Văn Duyệt", Role.APPROVER),
    "auditor": ("Đỗ Thị Kiểm", Role.AUDITOR),
    "admin": ("Trục Admin", Role.ADMIN),
    "chief": ("Nguyễn Kiêm Nhiệm", Role.CLERK, Role.APPROVER),
    "nobody": ("Không Vai Trò",),
}


@dataclass
class HandMadeGate:
    """Knows PEOPLE; of the runs that wait it is told by the test, and does with an answer what the test says."""

    runs: dict = field(default_factory=dict)  # (party, day) → what the run does with its answer
    answered: list = field(default_factory=list)

    async def user(self, request):
        name = request.cookies.get("who")
        if name not in PEOPLE:
            return None
        shown, *roles = PEOPLE[name]
        return User(actor(name, *roles), shown)

    def login_url(self, back):
        return f"/login?next={back}"

    def holders(self, role):
        return sorted(name for name, (_, *held) in PEOPLE.items() if role in held)

    async def sign_run(self, request, *, party, business_on, content_hash, by):
        if (party, business_on) not in self.runs:
            return False
        answer = (by.name, party, business_on, content_hash)
        self.answered.append(answer)
        if self.runs[party, business_on] is None:
            raise MalformedError("the run says no", reason="run_refuses")
        self.runs[party, business_on](*answer)
        return True


@dataclass
class Console:
    """Where it listens, its store and its gate."""

    url: str
    store: Store
    gate: HandMadeGate
    signer: Ed25519PrivateKey

    def session(self, who, **cookies):
        """A browser of somebody, without a page yet."""
        made = requests.Session()
        for name, value in {"who": who, **cookies}.items():
            made.cookies.set(name, value)
        return made

    def get(self, path, who="clerk", **how):
        return self.session(who).get(self.url + path, timeout=30, **how)

    def post(self, path, who="clerk", *, on="/breaks", files=None, **fields):
        """Send a form as a page of `on` would: with its token, in one session."""
        browser = self.session(who)
        token = form_token(browser.get(self.url + on, timeout=30).text)
        return browser.post(self.url + path, data={"form_token": token, **fields}, files=files, timeout=30)


def form_token(page):
    """The token that a page's forms carry."""
    return re.search(r'name="form_token" value="([0-9a-f]{64})"', page).group(1)


def words(page):
    """What of a page is read, without its tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def screen(page, name):
    """Keep a picture of the page for the guides, where that is asked for."""
    if os.environ.get("TRUC_SCREENSHOTS") != "1":
        return
    SCREENS.mkdir(exist_ok=True)
    page.mouse.move(0, 0)
    page.screenshot(path=SCREENS / f"{name}.png", animations="disabled")
    assert (SCREENS / f"{name}.png").stat().st_size < SCREEN_BYTES_MAX


@pytest.fixture(scope="module")
def chromium():
    program = counterparts.program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def serving(store):
    """Serve the console over the store inside the block."""
    gate, signer = HandMadeGate(), Ed25519PrivateKey.generate()
    app = create_app(store, gate, forms_key=bytes(32), signer=signer)
    server, listening = gateway.server(app), gateway.listen("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    yield Console(f"http://127.0.0.1:{listening.getsockname()[1]}", store, gate, signer)
    server.should_exit = True
    thread.join(timeout=20)


@pytest.fixture
def empty_console(empty_store):
    """The console over a store in which nothing was ever reconciled."""
    with serving(empty_store) as found:
        yield found


@pytest.fixture
def console(empty_console):
    """The console on a morning."""
    a_day.morning(empty_console.store)
    return empty_console


@pytest.fixture(scope="module")
def read_console(server):
    """The console on a morning, for all tests of a module that only read."""
    with copied(server) as url:
        store = open_store(url, Sealer(seal_key=bytes(32), index_key=bytes(32)))
        a_day.morning(store)
        with serving(store) as found:
            yield found
        store.close()
