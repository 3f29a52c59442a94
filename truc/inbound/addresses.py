"""Says who calls, as far as trusted proxies vouch for it, and whether a party's allow-list holds that address."""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from truc.connections import Connection
from truc.errors import SetupError
from truc.manifest import Callback

Address = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]

TRUSTED_PROXIES = "TRUC_TRUSTED_PROXIES"  # environment: whose X-Forwarded-For is believed
# Connection settings: from where a party may call; `<kind>_addresses` where one kind of call comes from elsewhere.
CALLBACK_ADDRESSES = "callback_addresses"


def trusted_proxies(environ: Mapping[str, str]) -> Networks:
    """Return the networks of our own proxies; none by default, and then X-Forwarded-For is nobody's word."""
    return networks(environ.get(TRUSTED_PROXIES, ""), TRUSTED_PROXIES)


@lru_cache(maxsize=256)
def networks(text: str, setting: str) -> Networks:
    """Read addresses and CIDR networks separated by commas; raise SetupError that names the setting."""
    try:
        return tuple(ip_network(part) for word in text.split(",") if (part := word.strip()))
    except ValueError as error:
        problem = f"{setting}: addresses or networks separated by commas, as 203.0.113.7, 198.51.100.0/24 ({error})"
        raise SetupError(problem, reason="setting_malformed") from error


def caller(peer: str, forwarded: str, proxies: Networks) -> str:
    """Return the address of whoever called, "" where nobody can say.

    `peer` is the other end of the connection. Only where that is a trusted proxy is `forwarded` read (X-Forwarded-For,
    all its lines joined), from the right: each hop was written down by the one after it, so the first that is no proxy
    of ours is the caller, and what stands left of it is the caller's own invention.
    """
    near = _address(peer)
    if near is None:
        return ""
    for hop in reversed(forwarded.split(",") if forwarded else []):
        if not _holds(proxies, near):
            break
        far = _address(hop.strip())
        if far is None:
            return ""
        near = far
    return str(near)


def allowed(connection: Connection, callback: Callback) -> Networks:
    """Return from where this kind of call may come; empty for anywhere, as for every call of a citizen's browser."""
    if callback.caller == "browser":
        return ()
    setting = f"{callback.name}_addresses"
    setting = setting if connection.optional(setting) else CALLBACK_ADDRESSES
    return networks(connection.optional(setting), f"connection {connection.party!r}: {setting}")


def neighbourhood(address: str) -> str:
    """Return whose calls count together: of IPv6 the /64, which is one caller's as a whole."""
    found = _address(address)
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else address


def allows(allowed: Networks, address: str) -> bool:
    """Whether the list holds the address; an empty list holds every one."""
    if not allowed:
        return True
    known = _address(address)
    return known is not None and _holds(allowed, known)


def _holds(held: Networks, address: Address) -> bool:
    return any(address in network for network in held)


def _address(text: str) -> Address | None:
    """Read an address, also with a port; IPv4 written as IPv6 is IPv4."""
    bare = text[1:].partition("]")[0] if text.startswith("[") else text
    bare = bare.partition(":")[0] if bare.count(":") == 1 else bare
    try:
        found = ip_address(bare)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return found if mapped is None else mapped
