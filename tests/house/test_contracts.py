"""The import contracts of setup.cfg: they hold, and each of them fires when it is broken."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOMS = ("truc", "connectors", "mappings", "sandbox")
LINT = Path(sys.executable).with_name("lint-imports")

# (contract, file of ours, a line nobody may write there)
BROKEN = [
    ("core-knows-no-partner", "truc/exchange/courier.py", "import connectors.momo.client"),
    ("core-knows-no-partner", "truc/steps.py", "def late():\n    from mappings.momo import ipn"),
    ("core-knows-no-partner", "truc/inbound/app.py", "import sandbox.serve"),
    ("connectors-return-bytes", "connectors/momo/client.py", "from mappings.momo import payment"),
    ("connectors-return-bytes", "connectors/sms/client.py", "from truc.store import payments"),
    ("connectors-return-bytes", "connectors/sms/client.py", "from truc.messages import NoticeDue"),
    ("connectors-return-bytes", "connectors/vnpost/client.py", "import sqlalchemy"),
    # Not directly, but by way of a module that connectors may use.
    ("connectors-return-bytes", "truc/transport/rest.py", "import truc.settings"),
    ("mappings-are-pure", "mappings/momo/payment.py", "import requests"),
    ("mappings-are-pure", "mappings/momo/payment.py", "import connectors.momo.signatures"),
    ("mappings-are-pure", "mappings/sms/message.py", "from truc.store.opened import Store"),
    ("mappings-are-pure", "truc/domain/procedure.py", "from truc.transport import rest"),
    ("parties-are-strangers", "connectors/momo/client.py", "import connectors.vnpost.client"),
    ("mappings-are-strangers", "mappings/vietinbank/statement.py", "from mappings.momo import statement"),
    ("stand-ins-share-no-code", "sandbox/momo/gateway.py", "from connectors.momo import signatures"),
    ("stand-ins-share-no-code", "sandbox/state.py", "from truc.errors import TrucError"),
    ("arrows-point-down", "truc/domain/money.py", "from truc.store import payments"),
    ("arrows-point-down", "truc/errors.py", "import truc.envelope"),
    ("arrows-point-down", "truc/services/payments.py", "from truc.reconcile import day"),
    ("arrows-point-down", "truc/nowhere.py", '"""A module without a place."""'),
    ("domain-knows-only-itself", "truc/domain/calendar.py", "import requests"),
    ("airflow-through-one-door", "truc/steps.py", "from airflow.sdk import task"),
    ("airflow-through-one-door", "truc/provider.py", "import airflow"),
    ("airflow-through-one-door", "connectors/momo/client.py", "import airflow"),
]


def lint(root, *arguments):
    """Run the contracts of the tree at `root`."""
    return subprocess.run(
        [str(LINT), "--no-cache", *arguments],
        cwd=root,
        env={"PYTHONPATH": str(root), "PATH": "", "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of our rooms, to be spoilt."""
    root = tmp_path_factory.mktemp("tree")
    here = Path(__file__).parents[2]
    for room in ROOMS:
        shutil.copytree(here / room, root / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(here / "setup.cfg", root)
    return root


def test_the_contracts_hold(repository):
    done = lint(repository)
    assert done.returncode == 0, done.stdout
    assert " 0 broken" in done.stdout


def test_the_copy_that_is_spoilt_below_keeps_the_contracts_before(tree):
    assert lint(tree).returncode == 0


@pytest.mark.parametrize(("contract", "file", "line"), BROKEN, ids=lambda part: str(part).splitlines()[0])
def test_a_contract_fires_when_it_is_broken(tree, contract, file, line):
    path = tree / file
    whole = path.read_text(encoding="utf-8") if path.exists() else None
    path.write_text(f"{whole or ''}\n{line}\n", encoding="utf-8")
    try:
        done = lint(tree, "--contract", contract)
    finally:
        path.unlink() if whole is None else path.write_text(whole, encoding="utf-8")
    assert done.returncode == 1, done.stdout + done.stderr
    module = file.removesuffix(".py").replace("/", ".")
    assert "BROKEN" in done.stdout
    assert module.removeprefix("truc.") in done.stdout


def test_every_contract_is_seen_to_fire():
    text = (Path(__file__).parents[2] / "setup.cfg").read_text(encoding="utf-8")
    declared = {line[len("[importlinter:contract:") : -1] for line in text.splitlines() if ":contract:" in line}
    assert declared == {contract for contract, _, _ in BROKEN}
