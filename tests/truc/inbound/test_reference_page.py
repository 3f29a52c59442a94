"""The page /docs: all that it loads comes from the gateway, and every file of it is there."""

import re

import pytest
import requests

from truc.errors import SetupError
from truc.inbound import reference_page


@pytest.fixture(scope="module")
def page(closed_gateway):
    return requests.get(f"{closed_gateway.url}/docs", timeout=30)


def test_the_page_names_no_other_host(page):
    assert page.status_code == 200
    assert re.findall(r"https?://|//[a-z]", page.text) == []
    assert "Trục — cổng tiếp nhận" in page.text
    assert '"validatorUrl": null' in page.text


def test_the_browser_is_told_to_load_nothing_from_elsewhere(page):
    rules = dict(rule.strip().split(" ", 1) for rule in page.headers["content-security-policy"].split(";"))
    assert rules.pop("default-src") == "'none'"
    assert not [rule for rule in rules.values() if "//" in rule or "*" in rule]


def test_every_file_that_it_loads_is_there(page, closed_gateway):
    loaded = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert loaded == ["/docs/swagger-ui.css", "/docs/swagger-ui.js"]
    style, script = (requests.get(f"{closed_gateway.url}{path}", timeout=30) for path in loaded)
    assert (style.status_code, style.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert (script.status_code, script.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert b".swagger-ui" in style.content
    assert b"isOAS31" in script.content, "it must read OpenAPI 3.1, which is what FastAPI writes"
    assert re.findall(r"url: '([^']+)'", page.text) == ["/openapi.json"]


def test_without_the_package_the_text_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(reference_page, "PACKAGE", "no_such_package")
    with pytest.raises(SetupError, match="no_such_package is not installed"):
        reference_page.router("T", "/openapi.json")
