"""The journal and the exchange belong together: no finished message without entry, no kept bytes but those named."""

import pytest

from tests.truc.exchange.journal.conftest import Books
from truc.envelope import digest_of
from truc.exchange import bodies

OUT, IN = "momo/payment/out", "momo/statement/in"


def test_a_skipped_entry_is_found(books: Books) -> None:
    books.send(1)
    with books.store.begin() as transaction:
        books.keep_message(transaction, 2)
        books.keep_message(transaction, 3)
    books.chain()
    report = books.verify()
    assert (report.bad, str(report.first)) == (2, f"{OUT}: exchange 2 is sent, and no entry says so")


@pytest.mark.parametrize("state", ["sent", "superseded", "refused", "set_aside"])
def test_the_entry_must_say_what_the_message_is(books: Books, state: str) -> None:
    books.send(1, state=state)
    assert books.verify().bad == 0
    books.send(2, state=state, outcome="something_else")
    report = books.verify()
    assert (report.bad, str(report.first)) == (1, f"{OUT}: exchange 2 is {state}, and no entry says so")


@pytest.mark.parametrize("state", ["waiting", "sending", "unknown"])
def test_an_open_message_needs_no_entry(books: Books, state: str) -> None:
    with books.store.begin() as transaction:
        books.keep_message(transaction, 1, state=state)
    assert books.verify().bad == 0


def test_the_entry_of_another_exchange_does_not_count(books: Books) -> None:
    with books.store.begin() as transaction:
        books.keep_message(transaction, 1)
    books.decide(2)
    books.decide(1, kind="query")
    assert books.verify().bad == 1


def test_a_booked_message_without_entry_is_found(books: Books) -> None:
    books.receive(1)
    assert books.verify().bad == 0
    books.sql("DELETE FROM journal_pending")
    assert str(books.verify().first) == f"{IN}: exchange 1 is booked, and no entry says so"


def test_what_is_older_than_the_journal_is_counted_not_accused(books: Books) -> None:
    with books.store.begin() as transaction:
        books.keep_message(transaction, 5)
    books.damage("journal_starts", "UPDATE journal_starts SET exchange_id = 5")
    books.send(6)
    report = books.verify()
    assert (report.bad, report.looked_at["exchanges older than the journal"]) == (0, 1)
    assert report.looked_at["finished exchanges"] == 1


@pytest.mark.parametrize(
    ("column", "channel", "text"),
    [
        ("outbox.body_id", OUT, "the bytes that left"),
        ("outbox.receipt_id", OUT, "the bytes that came"),
        ("inbox.body_id", IN, "the bytes that came"),
    ],
)
def test_kept_bytes_that_were_replaced_are_found(books: Books, column: str, channel: str, text: str) -> None:
    books.send(1)
    books.send(2)
    books.receive(3)
    books.receive(4)
    books.chain()
    assert books.verify().looked_at["kept bodies"] == 6
    table, _, name = column.partition(".")
    (row,) = books.sql(f"SELECT max({name}) AS body_id FROM {table}")  # noqa: S608  (ours, above)
    with books.store.begin() as transaction:
        # Somebody with the key seals other bytes, and mends the digest beside them.
        sealed = transaction.sealer.seal(b"forged", context=bodies.CONTEXT)
    forged = {"sealed": sealed, "digest": digest_of(b"forged"), "id": row.body_id}
    books.damage("kept_bodies", "UPDATE kept_bodies SET sealed = :sealed, digest = :digest WHERE id = :id", **forged)

    report = books.verify()
    assert report.bad == 1
    assert report.first is not None
    assert (report.first.channel, report.first.number) == (channel, 2)
    assert f"{text} are not those that were kept" in report.first.wrong


def test_one_changed_byte_of_what_is_kept_is_found(books: Books) -> None:
    books.send(1)
    books.damage(
        "kept_bodies",
        "UPDATE kept_bodies SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)"
        " WHERE id = (SELECT body_id FROM outbox)",
    )
    report = books.verify()
    assert (report.bad, "do not open" in str(report.first)) == (1, True)


def test_a_digest_beside_the_bytes_must_fit_too(books: Books) -> None:
    books.send(1)
    books.damage(
        "kept_bodies", "UPDATE kept_bodies SET digest = repeat('a', 64) WHERE id = (SELECT body_id FROM outbox)"
    )
    assert "are not those that were kept" in str(books.verify().first)


@pytest.mark.parametrize(("months", "bad"), [(23, 1), (24, 1), (25, 0)])
def test_bytes_may_be_gone_when_their_period_is_over_and_not_before(books: Books, months: int, bad: int) -> None:
    books.send(1)
    books.chain()
    books.damage("kept_bodies", "DELETE FROM kept_bodies WHERE id = (SELECT body_id FROM outbox)")
    books.sql("UPDATE clock.hand SET at = at + make_interval(months => :months)", months=months)
    report = books.verify()
    assert (report.bad, report.looked_at["bodies dropped after their period"]) == (bad, 1 - bad)
    if bad:
        assert f"{OUT} number 1: exchange 1: the bytes that left are gone before their period" in str(report.first)


def test_a_message_that_was_decided_twice_is_held_against_both_entries(books: Books) -> None:
    books.send(1, state="set_aside", digest_in=None)
    books.sql("UPDATE outbox SET state = 'sent', drawer = drawer_of(120, now())")
    books.decide(1, digest_out=digest_of(b"out 1"), digest_in=digest_of(b"in 1"))
    books.chain()
    assert books.verify().bad == 0
