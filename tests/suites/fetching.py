"""What every capability that fetches has to prove: whole or not at all, and again after whatever went wrong."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.suites import payments
from tests.suites.partner import Partner, patience_for
from truc import parties
from truc.envelope import Page
from truc.errors import MalformedError, TransientError
from truc.manifest import Capability, Feed
from truc.messages import Unreadable

# Fault at the stand-in, and how a fetch ends then.
OVER_HTTP: dict[str, type[Exception]] = {
    "refuse": TransientError,
    "unavailable": TransientError,
    "silent_before": TransientError,
    "error_before": TransientError,
    "silent_after": TransientError,
    "drop_after": TransientError,
    "error_after": TransientError,
    "truncated": TransientError,
    "slow": TransientError,
    "huge": MalformedError,
}
# (where the fault sits, fault, how a fetch ends): an SFTP stand-in has faults of the connection and of the reading.
OVER_SFTP: tuple[tuple[str, str, type[Exception]], ...] = (
    ("connect", "refuse", TransientError),
    ("connect", "silent_before", TransientError),
    ("read", "unavailable", TransientError),
    ("read", "truncated", TransientError),
    ("read", "drop_after", TransientError),
    ("read", "silent_after", TransientError),
)
GARBAGE_OVER_HTTP = b"\x00\xff<not what you expect"
BYTES_TOO_FEW = 16  # for any statement
DAY = "2026-03-04"
AT = f"{DAY}T09:30:00+07:00"


def plant(partner: Partner, feed: Feed, number: int) -> str:
    """Have one more item of this feed come into being at the partner; return its name."""
    if feed.name != "statement":
        name = f"H32.01-260304-{number:04d}"
        partner.control("plant", {"feed": feed.name, "name": name})
        return name
    if Capability.TAKE_PAYMENTS in partner.manifest.capabilities:
        message, _ = payments.ask_for(partner, number)
        payments.pay(partner, message.our_reference, at=AT, notify=False)
        return message.our_reference
    line = {"our_reference": f"P{number}", "partner_reference": f"B{number}", "amount_vnd": 50_000, "at": AT}
    partner.control("deposit", {"day": DAY, "lines": [line]})
    return f"P{number}"


def fetched(partner: Partner, feed: Feed) -> tuple[Page, ...]:
    """Fetch the feed from its start, or its one day."""
    with partner.client() as client:
        return tuple(parties.fetcher(client, feed.name)(DAY if feed.by_day else ""))


def read(partner: Partner, feed: Feed, pages: tuple[Page, ...]) -> list[Any]:
    """Read every item of these pages; none of them is unreadable."""
    items = [item for page in pages for item in parties.reader(partner.party, feed.name)(page.envelope.body)]
    assert not [item for item in items if isinstance(item, Unreadable)]
    return items


def comes_whole_and_twice_the_same(partner: Partner, feed: Feed) -> None:
    """What is there is fetched and read; the same fetch again is the same envelope (so that it is kept once)."""
    plant(partner, feed, 1)
    pages, again = fetched(partner, feed), fetched(partner, feed)
    assert read(partner, feed, pages)
    assert [one.envelope for one in pages] == [one.envelope for one in again]
    assert all(one.envelope.kind == feed.name and one.envelope.party == partner.party for one in pages)


def ends_as_a_question_whatever_goes_wrong(partner: Partner, feed: Feed) -> None:
    """After each fault nothing half is taken, and the next fetch brings what a fetch without a fault brings."""
    plant(partner, feed, 1)
    whole = [one.envelope for one in fetched(partner, feed)]
    off = {}
    for operation, mode, expected in _faults(partner, feed):
        partner.fault(operation, mode)
        with patience_for(mode):
            came = _end(lambda: fetched(partner, feed))
        if came is not expected:
            off[mode] = came
        partner.forgive()
        if [one.envelope for one in fetched(partner, feed)] != whole:
            off[f"after {mode}"] = "another"
    assert off == {}, off
    assert sum(partner.told("faults").values()) >= len(_faults(partner, feed)), "the faults were not met"


def is_refused_over_the_limit(partner: Partner, feed: Feed) -> None:
    """What is larger than the party's limit is not taken, however it comes."""
    plant(partner, feed, 1)
    declared = parties.manifest(partner.party)
    small = replace(declared, limits=replace(declared.limits, body_bytes_max=BYTES_TOO_FEW))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parties, "manifest", lambda _party: small)
        with pytest.raises(MalformedError) as caught:
            fetched(partner, feed)
    assert caught.value.reason == "body_too_large"


def is_never_taken_for_what_it_is_not(partner: Partner, feed: Feed) -> None:
    """Garbage is kept to the byte and set aside, or refused by the client; it is never read as items.

    Nor does it move a cursor, but over a file: what has a name is passed by.
    """
    plant(partner, feed, 1)
    (whole,) = fetched(partner, feed)
    partner.fault("read" if partner.manifest.transport == "sftp" else feed.name, "garbage")
    try:
        (page,) = fetched(partner, feed)
    except MalformedError:
        return
    assert page.envelope.body == _garbage(partner, whole.envelope.body)
    assert feed.by_day or partner.manifest.transport == "sftp" or page.cursor == ""
    assert _end(lambda: read(partner, feed, (page,))) is MalformedError


def _garbage(partner: Partner, body: bytes) -> bytes:
    """What the stand-ins send in place of it (sandbox.ssh, sandbox.http)."""
    return (b"\x00\xff" * len(body))[: len(body)] if partner.manifest.transport == "sftp" else GARBAGE_OVER_HTTP


def _faults(partner: Partner, feed: Feed) -> tuple[tuple[str, str, type[Exception]], ...]:
    if partner.manifest.transport == "sftp":
        return OVER_SFTP
    return tuple((feed.name, mode, expected) for mode, expected in OVER_HTTP.items())


def _end(call: Callable[[], object]) -> object:
    try:
        return call()
    except Exception as error:  # noqa: BLE001  (which one it is, is what is looked at)
        return type(error)
