"""The real client and the bank's stand-in, over sockets."""

import pytest

from tests.connectors.sftp_bank import started


@pytest.fixture
def bank(tmp_path):
    yield from started("vietcombank", tmp_path / "vietcombank")
