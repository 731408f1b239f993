"""From where a person says to call: an address of the net or of mail, or a phone number, each in one form."""

import ipaddress
import re

_PHONE = re.compile(r"\+?[0-9][0-9 ().-]{5,28}[0-9]")
_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]+)?")
_WITH_PORT = re.compile(r"([0-9.]+):[0-9]+")
# Whoever has one address of such a network has all of them.
_NETWORK_BITS = 64


def read_origin(text: str) -> str | None:
    """What to count under; None where it says nothing: no address, or one that all share."""
    # Of a list that proxies added to, the first is the person's.
    given = text.split(",")[0].strip()
    bare = _BRACKETED.fullmatch(given) or _WITH_PORT.fullmatch(given)
    try:
        where = ipaddress.ip_address(bare[1] if bare else given)
    except ValueError:
        if "@" in given:
            return given.casefold()
        return re.sub(r"\D", "", given) if _PHONE.fullmatch(given) else None
    if isinstance(where, ipaddress.IPv6Address):
        where = where.ipv4_mapped or where
    if where.is_loopback or where.is_unspecified:
        return None
    if isinstance(where, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((where, _NETWORK_BITS), strict=False))
    return str(where)
