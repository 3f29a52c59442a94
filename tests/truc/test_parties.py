"""Parties are found by their folders; what one cannot do it says."""

from typing import Any

import pytest

from truc import parties
from truc.connections import Connection
from truc.errors import SetupError
from truc.manifest import Capability, OutcomeClass

FIVE = ("momo", "national_portal", "sms", "vietinbank", "vnpost")


def test_every_folder_is_a_party_in_order_of_name() -> None:
    assert tuple(name for name in parties.names() if name in FIVE) == FIVE
    assert list(parties.names()) == sorted(parties.names())


def test_a_manifest_is_called_as_its_folder() -> None:
    assert [one.party for one in parties.manifests()] == list(parties.names())


def test_a_party_is_called_by_its_titles_and_one_without_a_room_by_its_word() -> None:
    assert parties.called("momo") == ("Ví điện tử MoMo", "MoMo e-wallet")
    assert parties.called("a_bank_of_yesterday") == ("a_bank_of_yesterday", "a_bank_of_yesterday")


def test_parties_are_found_by_what_they_can_do() -> None:
    assert {one.party for one in parties.with_capability(Capability.FETCH_STATEMENT)} >= {"momo", "vietinbank"}
    calling = {one.party for one in parties.with_capability(Capability.CALL_BACK)}
    assert calling == {one.party for one in parties.manifests() if Capability.CALL_BACK in one.capabilities}
    assert "momo" in calling
    assert "vnpost" not in calling


@pytest.mark.parametrize("find", [parties.manifest, parties.inbound])
def test_an_unknown_party_is_named(find: Any) -> None:
    with pytest.raises(SetupError, match="nobody") as caught:
        find("nobody")
    assert caught.value.reason == "unknown_party"


@pytest.mark.parametrize("find", [parties.reader, parties.writer])
def test_an_unknown_kind_is_named(find: Any) -> None:
    with pytest.raises(SetupError, match=r"mappings\.momo\.fax") as caught:
        find("momo", "fax")
    assert caught.value.reason == "unknown_party"


def test_every_declared_message_has_its_mapping_and_its_verbs() -> None:
    for manifest in parties.manifests():
        client = _client_class(manifest.party)
        for operation in manifest.operations:
            assert callable(parties.writer(manifest.party, operation.name))
            assert parties.sender(client, operation.name)
            if operation.outcome is OutcomeClass.ASK:
                assert parties.asker(client, operation.name)
        for feed in manifest.feeds:
            assert callable(parties.reader(manifest.party, feed.name))
            assert parties.fetcher(client, feed.name)
        for kind in manifest.callback_names:
            assert callable(parties.reader(manifest.party, kind))
            assert callable(parties.inbound(manifest.party).receive)


def test_what_a_party_cannot_do_is_unsupported() -> None:
    fields = {"host": "http://127.0.0.1:1", "login": "u", "password": "p", "cp_code": "c", "service_id": "s"}
    client = parties.open_client(Connection("sms", fields))
    for verb in (parties.asker, parties.fetcher, parties.sender):
        with pytest.raises(SetupError, match="sms does not support") as caught:
            verb(client, "fax")
        assert caught.value.reason == "unsupported"
    client.close()


def test_a_receipt_is_read_only_where_a_mapping_reads_it() -> None:
    assert parties.reads_receipts("momo", "payment")
    assert not parties.reads_receipts("sms", "message")


def _client_class(party: str) -> Any:
    return parties._module(f"connectors.{party}.client", party).Client
