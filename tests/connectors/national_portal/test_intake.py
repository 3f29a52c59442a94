"""Online dossiers come page by page, as bytes, from where the last fetch ended."""

import json

import pytest

from connectors.national_portal import client as module
from connectors.national_portal.client import Client
from mappings.national_portal import online_dossiers
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
    assert_kept_then_stuck(client, "")


@pytest.mark.parametrize("following", [None, "", "7", 7, "a b", "a\x00", "đ", "x" * 201, ["8"]])
def test_a_page_with_a_bad_cursor_is_kept_and_its_dossiers_are_not_lost(
    client: Client, portal: Portal, following: object
) -> None:
    portal.tell("submit", submitted(8))
    portal.tell("lists", {"tiepTheo": following})
    assert_kept_then_stuck(client, "7")
    assert codes(list(client.fetch_online_dossiers("7"))) == ["G22.99-261120-0008"]


def assert_kept_then_stuck(client: Client, cursor: str) -> None:
    pages = client.fetch_online_dossiers(cursor)
    page = next(pages)
    assert page.cursor == cursor
    assert len(codes([page])) == 1
    with pytest.raises(MalformedError) as failed:
        next(pages)
    assert failed.value.reason == "cursor_stuck"


@pytest.mark.parametrize("result", [None, {}, "", 0])
def test_a_list_without_result_is_kept_and_the_cursor_stays(client: Client, portal: Portal, result: object) -> None:
    portal.tell("lists", {"result": result})
    assert_unreadable_is_kept(client)


def test_a_list_that_cannot_be_read_is_kept_and_the_cursor_stays(client: Client, portal: Portal) -> None:
    portal.fault("LayDanhSachHoSoTrucTuyen", "garbage")
    assert_unreadable_is_kept(client)


def assert_unreadable_is_kept(client: Client) -> None:
    (page,) = client.fetch_online_dossiers("7")
    assert page.cursor == "7"
    with pytest.raises(MalformedError):
        list(online_dossiers.read(page.envelope.body))


def test_an_unreadable_list_shares_no_name_with_the_good_one_that_follows(client: Client, portal: Portal) -> None:
    portal.tell("submit", submitted(1))
    portal.fault("LayDanhSachHoSoTrucTuyen", "garbage")
    (bad,), (good,) = client.fetch_online_dossiers(""), client.fetch_online_dossiers("")
    assert bad.envelope.external_id != good.envelope.external_id


def test_the_portal_may_list_a_dossier_twice(client: Client, portal: Portal) -> None:
    portal.tell("submit", submitted(2))
    portal.fault("online_item", "twice")
    assert codes(list(client.fetch_online_dossiers(""))).count("G22.99-261120-0002") == 2


@pytest.mark.parametrize(
    ("mode", "failure"),
    [("refuse", TransientError), ("unavailable", TransientError), ("silent_before", TransientError),
     ("silent_after", TransientError), ("drop_after", TransientError), ("error_after", TransientError),
     ("truncated", TransientError), ("huge", MalformedError)],
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
