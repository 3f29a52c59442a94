"""The stand-in checks what the portal would check, and keeps its books."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from connectors.national_portal.client import Client
from connectors.national_portal.manifest import MANIFEST
from sandbox.national_portal.server import DSTCODE, LOGIN, MADONVI, PASSWORD, start
from truc.errors import RejectedError

from .conftest import Portal
from .test_push import dossier, step


def call(portal: Portal, path: str, **body: object) -> dict[str, object]:
    headers = {"dstcode": DSTCODE}
    url = f"{portal.running.control_url}/adapter/{path}"
    return dict(requests.post(url, json=body, headers=headers, timeout=5).json())


def session(portal: Portal) -> str:
    return str(call(portal, "login", username=LOGIN, password=PASSWORD)["session"])


@pytest.mark.parametrize(
    "changed",
    [{"MaTTHC": ""}, {"NgayTiepNhan": "2026-11-20"}, {"TrangThaiHoSo": "11"}, {"TrangThaiHoSo": 2},
     {"KenhThucHien": "4"}, {"TrichYeuHoSo": "x" * 1001},
     {"DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": "123"}]}],
)  # fmt: skip
def test_a_dossier_that_breaks_the_portals_rules_is_refused(
    client: Client, portal: Portal, changed: dict[str, object]
) -> None:
    with pytest.raises(RejectedError):
        client.send_dossier(dossier(**changed))
    assert portal.times("DongBoHoSoMC") == {}


def test_updating_what_does_not_exist_is_refused(portal: Portal) -> None:
    said = call(portal, "integration", session=session(portal), madonvi=MADONVI, service="DongBoHoSoMC",
                isUpdating="True", data=[{"MaHoSo": "H32.5-261120-0404"}])  # fmt: skip
    assert said["error_code"] == "-1"


def test_is_updating_must_be_text(portal: Portal) -> None:
    said = call(portal, "integration", session=session(portal), madonvi=MADONVI, service="DongBoHoSoMC",
                isUpdating=True, data=[{"MaHoSo": "H32.5-261120-0404"}])  # fmt: skip
    assert "isUpdating" in str(said["message"])


def test_a_writing_service_is_not_found_at_the_reading_path(portal: Portal) -> None:
    said = call(portal, "share", session=session(portal), madonvi=MADONVI, service="DongBoHoSoMC")
    assert said["error_code"] == "-1"


def test_another_units_code_is_refused(opened: Callable[..., Client]) -> None:
    with pytest.raises(RejectedError):
        opened(madonvi="H99").send_dossier(dossier())


def test_the_connection_it_gives_has_every_required_setting(portal: Portal) -> None:
    for setting in MANIFEST.settings:
        if setting.required:
            assert portal.connection().required(setting.name)


def test_its_books_outlive_a_restart(tmp_path: Path) -> None:
    first = start(0, tmp_path, "")
    Portal(first).tell("submit", [{"MaHoSo": "G22.99-261120-0001"}])
    first.close()
    again = start(0, tmp_path, "")
    assert Portal(again).said("coverage") == {"G22.99-261120-0001": "1"}
    assert Portal(again).tell("submit", [{"MaHoSo": "G22.99-261120-0001"}]) == {"new": 0}
    again.close()


def test_a_day_of_calls_is_no_burden(client: Client) -> None:
    client.send_dossier(dossier())
    began = time.perf_counter()
    for number in range(200):
        client.send_progress(step("4", f"202611200930{number % 60:02}"))
    assert (time.perf_counter() - began) / 200 < 0.02  # whole round trip; generous for a shared machine
