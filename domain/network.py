"""Addresses that a program may have the platform connect to: none of the platform's own network. Pure."""

import ipaddress
from collections.abc import Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def read_networks(text: str) -> list[Network]:
    """Networks separated by commas. Raises ValueError."""
    return [ipaddress.ip_network(one.strip()) for one in text.split(",") if one.strip()]


def read_address(text: str) -> Address | None:
    """The address that a host is written as, without the zone of an IPv6 address; None where it is a name."""
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def is_allowed(address: Address, own_networks: Sequence[Network]) -> bool:
    """Whether a program may have the platform connect there: to the internet, and networks that the deployment names.

    What is embedded in an address counts, too, so that no spelling leads to the platform's own machines.
    """
    inner = [address, *_embedded(address)]
    return all(
        one.is_global and not one.is_multicast or any(one in network for network in own_networks if _same(one, network))
        for one in inner
    )


def _embedded(address: Address) -> list[Address]:
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found: list[Address] = [one for one in (address.ipv4_mapped, address.sixtofour) if one is not None]
    found += address.teredo or ()
    return found + ([ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)] if address in _NAT64 else [])


def _same(address: Address, network: Network) -> bool:
    return address.version == network.version
