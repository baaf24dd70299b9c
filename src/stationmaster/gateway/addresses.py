"""Where does a connection really come from, and is that a place without limits?"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network


class Networks:
    """A set of networks; asked once per connection."""

    def __init__(self, networks: Iterable[str]):
        self._networks: list[IPv4Network | IPv6Network] = [
            ip_network(each, strict=False) for each in networks
        ]

    def __contains__(self, address: object) -> bool:
        parsed = _parse(str(address))
        return parsed is not None and any(parsed in network for network in self._networks)


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return mapped or parsed


def remote_address(peer: str, forwarded_for: str | None, trusted: Networks) -> str:
    """The socket's peer; behind a trusted proxy the nearest address that is not a trusted proxy's.

    Read from the right: what stands left of the first untrusted address was written by a stranger.
    """
    if forwarded_for is None or peer not in trusted:
        return peer
    for hop in reversed([hop.strip() for hop in forwarded_for[:1024].split(",")]):
        parsed = _parse(hop)
        if parsed is None:
            return peer
        if str(parsed) not in trusted:
            return str(parsed)
    return peer
