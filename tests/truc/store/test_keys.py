"""Sealed data is worked on with the keys that sealed it, or not at all."""

from dataclasses import replace

import pytest

from truc.errors import SetupError
from truc.store import keys
from truc.store.opened import Store


def test_the_same_keys_go_on(empty_store: Store) -> None:
    for _ in range(2):
        with empty_store.begin() as transaction:
            keys.check(transaction)


@pytest.mark.parametrize("which", ["seal_key", "index_key"])
def test_another_key_is_refused_by_name_and_changes_nothing(empty_store: Store, which: str) -> None:
    with empty_store.begin() as transaction:
        keys.check(transaction)
    other = replace(empty_store, sealer=replace(empty_store.sealer, **{which: b"\x07" * 32}))
    name = {"seal_key": "sealing.key", "index_key": "blind_index.key"}[which]
    with pytest.raises(SetupError, match=name) as caught, other.begin() as transaction:
        keys.check(transaction)
    assert caught.value.reason == "key_mismatch"
    with empty_store.begin() as transaction:
        keys.check(transaction)
