"""A verified webhook is kept and read, and nothing of it is set aside or booked."""

from connectors.zalo.manifest import MANIFEST
from truc import steps
from truc.envelope import Envelope, digest_of
from truc.exchange import inbox
from truc.store.opened import Store


def test_an_event_is_read_once_and_books_nothing(empty_store: Store) -> None:
    body = b'{"event_name": "user_received_message", "timestamp": "1764000000123"}'
    with empty_store.begin() as transaction:
        inbox.keep(transaction, Envelope("zalo", "event", digest_of(body), body))
    first = steps.book_kept(empty_store, "zalo", MANIFEST.callback_names)
    assert (first["messages"], first["items"], first["set_aside"]) == (1, 0, 0)
    assert steps.book_kept(empty_store, "zalo", MANIFEST.callback_names)["messages"] == 0
