"""The rules about files hold in this checkout, and each of them fires on a planted break."""

import shutil
from pathlib import Path

import pytest

from tests.house import tree_rules as rules

KEY = "-----BEGIN OPENSSH" + " PRIVATE KEY-----"
HEAD = '"""A module."""\n\n'
LOCK = "name==1.0 \\\n    --hash=sha256:" + "0" * 64 + "\n"

# (rule, file, its text with the break in it)
PLANTED = [
    (rules.no_private_key, "certs/server.pem", f"{KEY}\nAAAA\n"),
    (rules.no_private_key, "tests/connectors/x/key.txt", f"{KEY}\n"),
    (rules.no_registry_host, "requirements/pip.conf", "index-url = https://py" + "pi.org/simple\n"),
    (rules.no_registry_host, "Makefile", "\tpip install https://files.python" + "hosted.org/x.whl\n"),
    (rules.no_machine_path, "docs/guide.md", "see `/wo" + "rk/shared/house.md`\n"),
    (rules.no_machine_path, "truc/x.py", HEAD + 'HOME = "/ro' + 'ot/.config"\n'),
    (rules.certificates_are_verified, "connectors/x/client.py", HEAD + "get(url, verify" + "=False)\n"),
    (rules.certificates_are_verified, "truc/transport/x.py", HEAD + "client.set(Auto" + "AddPolicy())\n"),
    (rules.no_float_near_money, "mappings/x/statement.py", HEAD + 'amount = float("1.5")\n'),
    (rules.no_float_near_money, "truc/messages.py", HEAD + "amount = float(1)\n"),
    (rules.time_is_aware, "truc/x.py", HEAD + "from datetime import datetime\nat = datetime.now()\n"),
    (rules.time_is_aware, "truc/x.py", HEAD + "import datetime\nat = datetime.datetime.utcnow()\n"),
    (rules.time_is_aware, "sandbox/x.py", HEAD + "from datetime import date\non = date.today()\n"),
    (rules.time_is_aware, "tests/x.py", HEAD + "from datetime import datetime\nat = datetime.fromtimestamp(0)\n"),
    (rules.modules_say_what_they_are, "truc/x.py", "VALUE = 1\n"),
    (rules.modules_say_what_they_are, "tests/test_x.py", "# no word of what this is\n"),
    (rules.modules_are_short, "truc/x.py", HEAD + "x = 1\n" * 450),
    (rules.test_folders_are_no_packages, "tests/truc/__init__.py", ""),
    (rules.connectors_use_the_wall_only, "connectors/x/client.py", HEAD + "from truc.store import payments\n"),
    (rules.connectors_use_the_wall_only, "connectors/x/client.py", HEAD + "import truc.something_new\n"),
    (rules.connectors_use_the_wall_only, "connectors/x/client.py", HEAD + "import connectors.y.client\n"),
    (rules.connectors_use_the_wall_only, "connectors/x/client.py", HEAD + "import pandas\n"),
    (rules.mappings_use_words_only, "mappings/x/kind.py", HEAD + "import requests\n"),
    (rules.mappings_use_words_only, "mappings/x/kind.py", HEAD + "from truc.manifest import Event\n"),
    (rules.every_locked_package_has_hashes, "requirements/product.lock", LOCK + "other==2.0\n    # via name\n"),
    (rules.every_locked_package_has_hashes, "requirements/product.lock", LOCK.replace("==1.0", ">=1.0")),
    (rules.what_is_required_is_locked, "requirements/product.in", "name\nleft_out>=2\n"),
    (rules.what_is_required_is_used, "requirements/product.in", "requests\nnobody-uses-this\n"),
    (rules.core_schemas_are_current, "schemas/core/notice_due.json", "{}\n"),
    (rules.core_schemas_are_current, "schemas/core/no_such_message.json", "{}\n"),
]
RULES = [
    one
    for name, one in vars(rules).items()
    if callable(one) and getattr(one, "__annotations__", {}).get("return") == list[str]
]
CHECKS = [one for one in RULES if list(one.__annotations__) == ["root", "return"]]


@pytest.fixture
def small_house(tmp_path, repository):
    """A tree in which every rule holds."""
    for name in ("README.md", "CHANGELOG.md", "LICENSE"):
        (tmp_path / name).write_text("x\n", encoding="utf-8")
    module = tmp_path / "truc" / "a.py"
    module.parent.mkdir()
    module.write_text(HEAD + "import requests\n", encoding="utf-8")
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "product.in").write_text("name\n", encoding="utf-8")
    (tmp_path / "requirements" / "product.lock").write_text(LOCK, encoding="utf-8")
    shutil.copytree(repository / "schemas" / "core", tmp_path / "schemas" / "core")
    return tmp_path


@pytest.mark.parametrize("rule", CHECKS, ids=lambda rule: rule.__name__)
def test_this_house_keeps(rule, repository):
    assert rule(repository) == [], rule.__doc__


@pytest.mark.parametrize(("rule", "file", "text"), PLANTED, ids=lambda part: getattr(part, "__name__", None))
def test_the_check_fires(rule, file, text, small_house):
    if rule is not rules.what_is_required_is_used:  # "name" is no package of this machine
        assert rule(small_house) == []
    path = small_house / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    [found] = rule(small_house)
    assert Path(file).name.partition(".")[0] in found or file.endswith((".in", ".lock"))


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "LICENSE"])
def test_a_missing_top_file_is_noticed(name, small_house):
    (small_house / name).unlink()
    assert rules.top_files_exist(small_house) == [name]


def test_every_rule_about_files_is_seen_to_fire():
    assert {rule for rule, _, _ in PLANTED} | {rules.top_files_exist} == set(CHECKS)
    assert len(CHECKS) == 16
    assert all(rule.__doc__ for rule in CHECKS)
