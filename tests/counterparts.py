"""Programs we did not write and test against. They are not on PyPI, so they are looked for, never assumed.

Where one is absent its tests are skipped and say how to get it; where `TRUC_COUNTERPARTS=required` (as `.ci/run`
sets) they fail instead, so that nothing is skipped there.
"""

import os
import shutil
from pathlib import Path

import pytest

# What Debian calls the package; npm's are put where `.ci/run` puts them.
PACKAGES = {
    "gpg": "gnupg",
    "nginx": "nginx-light",
    "openssl": "openssl",
    "softhsm2-util": "softhsm2",
    "sshd": "openssh-server",
    "xmlsec1": "xmlsec1",
}
ELSEWHERE = ("/usr/sbin", "/usr/local/sbin")
NODE_MODULES = Path(__file__).resolve().parents[1] / "var" / "counterparts" / "node_modules"


def program(name: str) -> Path:
    """Return where the program lies, or skip (or fail) the test that asks."""
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(ELSEWHERE))
    if found is None:
        _absent(f"no {name} here: apt-get install {PACKAGES.get(name, name)}")
    return Path(str(found))


def node_package(name: str, version: str) -> Path:
    """Return the folder of an npm package, or skip (or fail) the test that asks."""
    program("node")
    found = NODE_MODULES / name
    if not (found / "package.json").is_file():
        _absent(f"no npm package {name} here: npm install --prefix var/counterparts --no-package-lock {name}@{version}")
    return found


def _absent(text: str) -> None:
    if os.environ.get("TRUC_COUNTERPARTS") == "required":
        pytest.fail(text)
    pytest.skip(text)
