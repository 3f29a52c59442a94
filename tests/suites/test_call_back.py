"""Every party that calls back is believed for its signature over what we know of, once, whenever it comes."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.suites import calling
from tests.suites.calling import Here
from tests.suites.partner import Partner
from tests.truc.conftest import Office
from truc import parties
from truc.manifest import Callback, Capability
from truc.settings import Settings

CALLERS = parties.with_capability(Capability.CALL_BACK)
PAID = [one.party for one in CALLERS if Capability.TAKE_PAYMENTS in one.capabilities]
EVERY_PARTY = pytest.mark.parametrize(
    "here", [one.party for one in parties.with_capability(Capability.CALL_BACK)], indirect=True
)
EVERY_PAYMENT = pytest.mark.parametrize("here", PAID, indirect=True)


def told(here: Here) -> list[Callback]:
    """The kinds of call by which the party tells us something."""
    return [one for one in here.partner.manifest.callbacks if one.does == "tells"]


@pytest.fixture
def here(
    request: pytest.FixtureRequest, server: Settings, office: Office, start: Callable[..., Partner], tmp_path: Path
) -> Iterator[Here]:
    """The party of the parameter, calling back a gateway of this test alone."""
    with calling.opened(server, office, start, request.param, tmp_path) as found:
        yield found


@EVERY_PARTY
def test_a_call_is_kept_answered_and_taken(here: Here) -> None:
    reference = here.begun()
    assert here.called(reference) == {"accepted": 1}
    assert here.kinds()[-1] in here.partner.manifest.callback_names
    here.book()
    assert here.taken() == 1


@EVERY_PAYMENT
def test_a_call_with_each_published_code_ends_as_the_mapping_says_and_one_code_alone_books_money(here: Here) -> None:
    unpublished, said, became = "77", {}, {}
    for code in (*here.codes(), unpublished):
        reference = here.begun()
        assert here.called(reference, code=code) == {"accepted": 1}, code
        said[code] = here.word() or here.state(reference)  # a word that says nothing of a payment leaves it as it is
        here.book()
        became[code] = here.state(reference)
    assert became == said
    assert became[unpublished] in ("created", "pending")
    assert (list(became.values()).count("paid"), here.taken()) == (1, 1)


@EVERY_PARTY
def test_a_wrong_signature_is_refused_kept_and_changes_nothing(here: Here) -> None:
    reference = here.begun()
    assert here.called(reference, **{"as": "forged"}) == {"refused": 1}
    assert [kind for kind in here.kinds() if kind.endswith("_refused")]
    here.book()
    assert here.taken() == 0


@EVERY_PAYMENT
@pytest.mark.parametrize("lie", ["other_amount", "unknown_order"])
def test_what_our_own_order_does_not_say_is_kept_and_moves_no_money(here: Here, lie: str) -> None:
    reference = here.begun()
    assert sum(here.called(reference, **{"as": lie}).values()) == 1
    assert here.kinds()[-1] in here.partner.manifest.callback_names
    here.book()
    assert here.taken() == 0


@EVERY_PARTY
def test_a_call_that_comes_twice_is_taken_once(here: Here) -> None:
    reference = here.begun()
    assert here.called(reference, **{"as": "twice"})["accepted"] >= 1
    here.book()
    assert here.taken() == 1


@EVERY_PARTY
def test_a_call_sent_again_by_somebody_else_later_changes_nothing(here: Here) -> None:
    reference = here.begun()
    here.called(reference)
    here.book()
    again = here.gateway.again(here.gateway.calls[-1])
    assert again.status_code < 500
    here.book()
    assert here.taken() == 1


@EVERY_PARTY
def test_a_call_with_one_byte_changed_is_not_believed(here: Here) -> None:
    reference = here.begun()
    here.called(reference)
    call = here.gateway.calls[-1]
    other = reference[:-1] + ("1" if reference[-1] == "0" else "0")
    assert reference in call.path + call.body.decode("utf-8", "replace")
    changed = type(call)(
        call.method,
        call.path.replace(reference, other),
        call.headers,
        call.body.replace(reference.encode(), other.encode()),
        call.status,
        call.answer,
    )
    kept = len(here.kinds())
    here.gateway.again(changed)
    assert len(here.kinds()) == kept + 1
    assert here.kinds()[-1].endswith("_refused")


@EVERY_PARTY
def test_garbage_half_a_call_and_a_huge_one_are_refused_and_leave_the_books_alone(here: Here) -> None:
    reference = here.begun()
    here.called(reference)
    call = here.gateway.calls[-1]
    path, _, query = call.path.partition("?")
    long = b" " * max(one.bytes_max for one in told(here))
    kept, half = len(here.kinds()), (call.body[: len(call.body) // 2], query[: len(query) // 2])
    for body, words in ((b"\x00\xff<", "%00%FF"), (b"{}", "a=b"), half):
        spoilt = type(call)(call.method, f"{path}?{words}" if query else path, call.headers, body, 0, b"")
        assert here.gateway.again(spoilt).status_code < 500, body
    assert [kind for kind in here.kinds()[kept:] if not kind.endswith("_refused")] == []
    huge = type(call)("POST", path, call.headers, call.body + long, 0, b"")
    assert here.gateway.again(huge).status_code in (405, 413)
    here.book()
    assert here.taken() == 1


@EVERY_PARTY
def test_a_call_may_come_before_the_answer_to_what_it_is_about(here: Here) -> None:
    reference = here.begun(fault="drop_after")
    if here.is_paying and not [one for one in here.partner.told("payments") if one["reference"] == reference]:
        here.deliver()  # this party is called by nobody: the citizen opens the address first
    assert sum(here.called(reference).values()) == 1
    here.book()
    for _ in range(4):
        here.deliver()
    assert here.taken() == 1
    if here.is_paying:
        (order,) = here.partner.told("payments")
        assert order["times"] == 1


@EVERY_PARTY
def test_clocks_that_are_two_minutes_apart_lose_no_call(here: Here) -> None:
    for count, minutes in enumerate((-2, 2), start=1):
        reference = here.begun()
        at = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
        assert here.called(reference, at=at) == {"accepted": 1}
        here.book()
        assert here.taken() == count


@EVERY_PARTY
def test_a_call_that_says_it_is_too_old_is_kept_and_not_taken(here: Here) -> None:
    ages_s = [one.age_max_s for one in told(here) if one.age_max_s is not None]
    reference = here.begun()
    here.called(reference, at=(datetime.now(UTC) - timedelta(seconds=max(ages_s, default=0) + 60)).isoformat())
    here.book()
    # A party whose calls name no time is believed whenever they come.
    assert here.taken() == (0 if ages_s else 1)
