"""`truc party new` writes rooms that are clean, nothing else, and refuses what cannot be a party."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from truc.errors import SetupError
from truc.kit import party_rooms
from truc.kit.party_rooms import NewParty
from truc.manifest import Capability

EVERYTHING = ",".join(one for one in Capability if one not in party_rooms.NOT_MADE)
# Names as short and as long as they may be: no line may become too long, nor short enough to be joined.
STANDS = ("faults", "http", "serve", "state")
MADE = [
    ("ab", "rest", EVERYTHING),
    ("a_name_of_20_letters", "rest", "push_status,push_dossiers,ship"),
    ("a_name_of_20_letters", "soap", EVERYTHING),
    ("ab", "soap", "track"),
    ("a_name_of_20_letters", "sftp", "fetch_statement"),
    ("ab", "rest", "fetch_statement"),
    ("ab", "rest", "take_payments"),
    ("a_name_of_20_letters", "rest", "give_dossiers,notify"),
    ("ab", "soap", "take_payments,call_back,say_payment,refund"),
]
PARENTS = ("tests", *party_rooms.ROOMS)
CHECKED_BY = (
    "tests/connectors/newcomer",
    "tests/connectors/test_secrets_stay_hidden.py",
    "tests/mappings/newcomer",
    "tests/mappings/test_schema_checked.py",
    "tests/house/test_parties.py",
    "tests/truc/test_parties.py",
)


def new(name="songhan", transport="rest", can="notify", title="Song Han", title_vi="Sông Hàn"):
    return NewParty(name=name, title=title, title_vi=title_vi, transport=transport, can=party_rooms.capabilities(can))


def beside_the_others(home, repository):
    """Have the whole tree at `home` by links, with rooms of its own in which a party can be written."""
    for folder in ("", *PARENTS):
        (home / folder).mkdir(parents=True, exist_ok=True)
        for there in (repository / folder).iterdir():
            if f"{folder}/{there.name}".lstrip("/") not in PARENTS and there.name not in (".git", "var"):
                (home / folder / there.name).symlink_to(there)


@pytest.mark.parametrize(("name", "transport", "can"), MADE)
def test_what_is_written_is_clean_as_it_stands(tmp_path, repository, name, transport, can):
    title = "T" * 40  # as long as one may be
    written = party_rooms.write(tmp_path, new(name, transport, can, title=title, title_vi=title))
    # What is ours is told from the files there are: the order of imports hangs on it.
    for there in ("pyproject.toml", "truc", "tests/truc", *(f"sandbox/{one}.py" for one in STANDS)):
        (tmp_path / there).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / there).symlink_to(repository / there)
    python = [str(path.relative_to(tmp_path)) for path in written if path.suffix == ".py"]
    for command in (["check", "--output-format", "concise"], ["format", "--check"]):
        called = [sys.executable, "-m", "ruff", *command, "--no-cache", *python]
        done = subprocess.run(called, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("transport", "can", "suites"),
    [
        ("rest", EVERYTHING, ("take_payments", "notify")),
        ("soap", EVERYTHING, ()),
        ("sftp", "fetch_statement", ("fetch_statement",)),
    ],
    ids=["rest", "soap", "sftp"],
)
def test_what_is_written_passes_its_own_tests_and_the_rules(tmp_path, repository, transport, can, suites):
    beside_the_others(tmp_path, repository)
    party_rooms.write(tmp_path, new("newcomer", transport, can))
    tests = [*CHECKED_BY, *(f"tests/suites/test_{one}.py" for one in suites)]
    called = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, "-k", "newcomer"]
    done = subprocess.run(called, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("name", "transport", "can"), MADE)
def test_every_file_is_in_a_room_of_the_party(name, transport, can):
    for path in party_rooms.files(new(name, transport, can)):
        assert any(path.startswith(f"{room}/{name}/") for room in party_rooms.ROOMS), path


@pytest.mark.parametrize("can", ["take_payments", "fetch_statement", EVERYTHING])
def test_no_place_to_fill_in_is_left_in_the_code(can):
    for path, text in party_rooms.files(new(can=can)).items():
        assert not {"TODO", "FIXME", "{{", "{%", "NotImplemented"} & set(text.split()), path


@pytest.mark.parametrize("name", ["", "a", "A", "1a", "a-b", "a__b", "_a", "a_", "ví", "a" * 21, "../x", "core", "day"])
def test_a_bad_name_is_refused(name):
    with pytest.raises(SetupError) as caught:
        new(name)
    assert caught.value.reason in ("name_malformed", "name_taken")


@pytest.mark.parametrize("title", ["", "x" * 41, 'a "quoted" one', "two\nlines", "a\\b", "{x}", "a|b"])
def test_a_title_that_would_break_a_file_is_refused(title):
    for given in ({"title": title}, {"title_vi": title}):
        with pytest.raises(SetupError) as caught:
            new(**given)
        assert caught.value.reason == "title_malformed"


def test_a_capability_nobody_has_is_refused_and_those_there_are_named():
    with pytest.raises(SetupError, match="take_payments") as caught:
        party_rooms.capabilities("take_payments,fly")
    assert caught.value.reason == "unknown_capability"


@pytest.mark.parametrize(
    ("transport", "can"),
    [("sftp", "take_payments"), ("rest", "refund,take_payments"), ("rest", "call_back"), ("rest", "say_payment")],
)
def test_capabilities_that_do_not_go_together_are_refused(transport, can):
    with pytest.raises(SetupError) as caught:
        new(transport=transport, can=can)
    assert caught.value.reason == "capability_unfit"


def test_a_party_without_a_capability_is_refused():
    with pytest.raises(SetupError) as caught:
        new(can="")
    assert caught.value.reason == "no_capability"


@pytest.mark.parametrize("room", party_rooms.ROOMS)
def test_nothing_that_exists_is_written_over(tmp_path, room):
    there = tmp_path / room / "songhan"
    there.mkdir(parents=True)
    with pytest.raises(SetupError) as caught:
        party_rooms.write(tmp_path, new())
    assert caught.value.reason == "party_exists"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_command_asks_for_what_it_needs():
    from truc.kit.party import party

    assert CliRunner().invoke(party, ["new", "songhan"]).exit_code == 2
