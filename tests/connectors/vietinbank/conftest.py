"""The real client and the bank's stand-in, over sockets."""

import pytest

from tests.connectors.sftp_bank import started


@pytest.fixture
def bank(tmp_path):
    """A bank of this test alone."""
    yield from started("vietinbank", tmp_path / "vietinbank")


@pytest.fixture(scope="module")
def lasting_bank(tmp_path_factory):
    """One bank for a table of cases that do not touch each other."""
    yield from started("vietinbank", tmp_path_factory.mktemp("vietinbank"))
