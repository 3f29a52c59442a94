"""Online dossiers come page by page, as bytes, from where the last fetch ended."""

import json

import pytest

from connectors.national_portal import client as module
from connectors.national_portal.client import Client
from truc.envelope import Page
from truc.errors import MalformedError, RejectedError, TransientError

from .conftest import Portal


def submitted(count: int, first: int = 1) -> list[dict[str, str]]:
    numbers = range(first, first + count)
    return [{"MaHoSo": f"G22.99-261120-{number:04}", "ChuHoSo": "Lê Thị Ước"} for number in numbers]


def codes(pages: list[Page]) -> list[str]:
    return [item["MaHoSo"] for page in pages for item in json.loads(page.envelope.body)["result"]]


def test_nothing_submitted_gives_no_page(client: Client) -> None:
    assert list(client.fetch_online_dossiers("")) == []


def test_every_dossier_comes_once_in_order(client: Client, portal: Portal) -> None:
    portal.tell("submit", submitted(250))
    pages = list(client.fetch_online_dossiers(""))
    assert [len(json.loads(page.envelope.body)["result"]) for page in pages] == [100, 100, 50]
    assert codes(pages) == [one["MaHoSo"] for one in submitted(250)]
    assert len({page.envelope.external_id for page in pages}) == 3


def test_the_next_fetch_goes_on_from_the_cursor(client: Client, portal: Portal) -> None:
    portal.tell("submit", submitted(3))
    cursor = list(client.fetch_online_dossiers(""))[-1].cursor
    portal.tell("submit", submitted(5))  # two new ones; three told again
    pages = list(client.fetch_online_dossiers(cursor))
    assert codes(pages) == ["G22.99-261120-0004", "G22.99-261120-0005"]


def test_a_fetch_has_a_page_limit(client: Client, portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGES_MAX", 2)
    monkeypatch.setattr(module, "PAGE_ITEMS", 10)
    portal.tell("submit", submitted(45))
    assert len(list(client.fetch_online_dossiers(""))) == 2


def test_a_list_that_does_not_move_on_is_not_read_for_ever(
    client: Client, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NEXT", "khong_co")
    portal.tell("submit", submitted(1))
    with pytest.raises(MalformedError) as failed:
        list(client.fetch_online_dossiers(""))
    assert failed.value.reason == "cursor_stuck"


def test_the_portal_may_list_a_dossier_twice(client: Client, portal: Portal) -> None:
    portal.tell("submit", submitted(2))
    portal.fault("online_item", "twice")
    assert codes(list(client.fetch_online_dossiers(""))).count("G22.99-261120-0002") == 2


@pytest.mark.parametrize(
    ("mode", "failure"),
    [("refuse", TransientError), ("unavailable", TransientError), ("silent_before", TransientError),
     ("silent_after", TransientError), ("drop_after", TransientError), ("error_after", TransientError),
     ("truncated", TransientError), ("garbage", MalformedError), ("huge", MalformedError)],
)  # fmt: skip
def test_a_failed_fetch_loses_nothing(client: Client, portal: Portal, mode: str, failure: type[Exception]) -> None:
    portal.tell("submit", submitted(1))
    portal.fault("LayDanhSachHoSoTrucTuyen", mode)
    with pytest.raises(failure):
        list(client.fetch_online_dossiers(""))
    assert codes(list(client.fetch_online_dossiers(""))) == ["G22.99-261120-0001"]


def test_a_refused_list_names_the_code(client: Client, portal: Portal) -> None:
    portal.tell("codes", {"next": {"LayDanhSachHoSoTrucTuyen": "12"}})
    with pytest.raises(RejectedError) as refused:
        list(client.fetch_online_dossiers(""))
    assert refused.value.code == "12"


def test_a_dossier_the_portal_does_not_know_is_an_empty_result(client: Client) -> None:
    assert json.loads(client.get_dossier("H32.5-261120-4040"))["result"] == []
