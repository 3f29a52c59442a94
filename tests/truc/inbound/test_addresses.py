"""Who calls: only our own proxies' word counts, read from the right."""

import pytest

from truc.connections import Connection
from truc.errors import SetupError
from truc.inbound.addresses import allowed, allows, caller, neighbourhood, networks, trusted_proxies
from truc.manifest import Callback

OURS = networks("127.0.0.1, 10.0.0.0/8, ::1", "test")


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),  # no proxy of ours: its word is nothing
        ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "1.2.3.4, 203.0.113.7", "203.0.113.7"),  # what stands left was made up
        ("127.0.0.1", "203.0.113.7,10.1.1.1 , 10.2.2.2", "203.0.113.7"),
        ("127.0.0.1", "10.1.1.1, 10.2.2.2", "10.1.1.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "unknown", ""),
        ("127.0.0.1", "203.0.113.7, ", ""),
        ("127.0.0.1", "203.0.113.7:4711", "203.0.113.7"),
        ("127.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:127.0.0.1", "::ffff:203.0.113.7", "203.0.113.7"),
        ("", "203.0.113.7", ""),
    ],
)
def test_the_caller_is_the_last_hop_that_no_proxy_of_ours_is(peer, forwarded, found):
    assert caller(peer, forwarded, OURS) == found


def test_without_trusted_proxies_nobody_is_believed():
    assert caller("127.0.0.1", "203.0.113.7", trusted_proxies({})) == "127.0.0.1"


@pytest.mark.parametrize(
    ("text", "address", "is_allowed"),
    [
        ("", "203.0.113.7", True),
        ("", "", True),
        ("203.0.113.0/24", "203.0.113.7", True),
        ("203.0.113.0/24", "203.0.114.7", False),
        ("203.0.113.7,2001:db8::/32", "2001:db8::5", True),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("203.0.113.7", "", False),
    ],
)
def test_a_list_holds_what_it_names_and_an_empty_one_everybody(text, address, is_allowed):
    assert allows(networks(text, "test"), address) is is_allowed


@pytest.mark.parametrize("text", ["momo.vn", "203.0.113.0/33", "203.0.113.7/24", "203.0.113.7;203.0.113.8"])
def test_a_list_that_cannot_be_read_names_its_setting(text):
    with pytest.raises(SetupError, match="TRUC_TRUSTED_PROXIES"):
        trusted_proxies({"TRUC_TRUSTED_PROXIES": text})


@pytest.mark.parametrize(
    ("callback", "found"),
    [
        (Callback(name="ipn"), "203.0.113.7"),
        (Callback(name="lookup", does="asks"), "198.51.100.0/24"),  # a list of its own
        (Callback(name="browser_return", does="returns"), ""),
        (Callback(name="pay_page", does="opens"), ""),
    ],
)
def test_a_partner_is_listed_by_kind_of_call_and_a_citizen_never(callback, found):
    lists = {"callback_addresses": "203.0.113.7", "lookup_addresses": "198.51.100.0/24", "pay_page_addresses": "::1"}
    assert allowed(Connection("x", lists), callback) == networks(found, "test")


def test_a_list_that_cannot_be_read_is_named_by_its_setting():
    with pytest.raises(SetupError, match="lookup_addresses"):
        allowed(Connection("x", {"lookup_addresses": "momo.vn"}), Callback(name="lookup", does="asks"))


@pytest.mark.parametrize(
    ("address", "together"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.7"),
        ("", ""),
    ],
)
def test_one_network_of_ipv6_counts_as_one_caller(address: str, together: str) -> None:
    assert neighbourhood(address) == together
