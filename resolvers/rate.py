"""Rate limits: of a program's requests, of a member's, and of failed attempts to get a token.

They are shared by all processes. A process leases slices from the database, so that a request costs no further
round trip; together they let through what the bucket holds and regains, and never more than was leased.
"""

import ipaddress
from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection

from domain.access import Principal, PrincipalKind
from domain.clock import to_micros
from domain.errors import TooManyRequests
from domain.rate import SECOND_NS, SKEW_NS, Lease, Rate, rate_per_second, seconds_until
from domain.store.program import ProgramState
from domain.store.rate import forget_full, full_at, lease_rate
from resolvers.context import Services

DEPLOYMENT = 0
"""The buckets of whoever has no program yet."""

# Nobody guesses a secret of 256 random bits. These keep those who try, and those whose secret is out of date, from
# costing others: who fails too often from one address is not listened to for a while, and nobody else is locked out.
PAIR = Rate(3 * SECOND_NS, 20)
"""Failures for one client id from one address; beyond them the right secret is refused as well."""
CLIENT = Rate(SECOND_NS, 100)
"""Failures for one client id from anywhere."""
ADDRESS = Rate(SECOND_NS, 100)
"""Failures from one address for any client id."""

_INSIDE = tuple(
    ipaddress.ip_network(one)
    for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10")
)
_KEPT = timedelta(minutes=5)

Bucket = tuple[str, str, Rate]


async def admit(services: Services, principal: Principal) -> None:
    """Count a request of an authenticated caller. Raises TooManyRequests.

    A member-bound caller counts for its member first and then for the program. Administrators are not limited.
    """
    if principal.program_id is None:
        return
    state = services.programs.peek(principal.program_id) or await _state(services, principal.program_id)
    terms = state.terms
    reference = principal.member_reference
    if reference is not None and terms.member_rate_limit_per_second is not None:
        rate = rate_per_second(terms.member_rate_limit_per_second, terms.member_rate_burst)
        await _take(services, principal.program_id, ("rate-member", reference, rate or PAIR))
    if terms.rate_limit_per_second is not None or services.rate_ceiling is not None:
        own = rate_per_second(terms.rate_limit_per_second, terms.rate_burst)
        rates = [rate for rate in (own, services.rate_ceiling) if rate is not None]
        slowest = max(rates, key=lambda rate: rate.interval_ns)
        # Everybody can read a publishable key: what is done with it must not use up what the program's servers have.
        kind = "rate-app" if principal.kind is PrincipalKind.APP else "rate-program"
        await _take(services, principal.program_id, (kind, "", slowest))


async def _state(services: Services, program_id: int) -> ProgramState:
    return await services.db.read(lambda tx: services.programs.current(tx, program_id))


async def _take(services: Services, program_id: int, bucket: Bucket) -> None:
    kind, text, rate = bucket

    def now_ns() -> int:
        return to_micros(services.clock()) * 1000

    async def ask(wanted: int) -> Lease:
        key = _key(services, program_id, kind, text)
        return await services.db.write(lambda tx: lease_rate(tx, program_id, key, rate, wanted, now_ns()))

    await services.rates.take((program_id, kind, text), rate, now_ns, ask)


def refuse_guessing(
    tx: Connection, services: Services, client_id: str, address: str, now: datetime, door: str = "token"
) -> None:
    """Raise TooManyRequests where this address failed too often for this client, in whichever process.

    `door` is where they try: `token` or `sftp`, where the client is a username.
    """
    _refuse_closed(tx, services, DEPLOYMENT, _pair(door, client_id, address), now)


def refuse_spraying(tx: Connection, services: Services, program_id: int, address: str, now: datetime) -> None:
    """Raise TooManyRequests where too many attempts at signing in failed from this address, whoever they were for."""
    if is_telling(address):
        _refuse_closed(tx, services, program_id, ("session-address", network_of(address), ADDRESS), now)


async def count_failed_start(services: Services, program_id: int, address: str) -> None:
    """Count a failed attempt at signing in. Raises TooManyRequests where there were too many of them."""
    if is_telling(address):
        await _take(services, program_id, ("session-address", network_of(address), ADDRESS))


def is_telling(address: str) -> bool:
    """Whether an address says where a call comes from: none of this machine or of a private network does.

    Behind a proxy that is not trusted all callers share such a one, and whoever fails would keep all of them out.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return not (found.is_loopback or found.is_unspecified or any(found in one for one in _INSIDE))


def _refuse_closed(tx: Connection, services: Services, program_id: int, bucket: Bucket, now: datetime) -> None:
    kind, text, rate = bucket
    known = full_at(tx, program_id, _key(services, program_id, kind, text))
    now_ns = to_micros(now) * 1000
    if known is not None and now_ns < rate.opens_at(known) <= now_ns + rate.interval_ns + SKEW_NS:
        raise TooManyRequests(retry_after_s=seconds_until(rate.opens_at(known), now_ns))


async def count_failure(services: Services, client_id: str, address: str, door: str = "token") -> None:
    """Count a failed attempt at a door. Raises TooManyRequests where there were too many of them."""
    client = (f"{door}-client", client_id, CLIENT)
    for bucket in (_pair(door, client_id, address), client, *_of_address(door, address)):
        await _take(services, DEPLOYMENT, bucket)


async def forget_full_buckets(services: Services) -> int:
    """Delete buckets that are full again, of which nothing has to be known: how many."""
    before = to_micros(services.clock() - _KEPT) * 1000
    return await services.db.write(lambda tx: forget_full(tx, before))


def _pair(door: str, client_id: str, address: str) -> Bucket:
    return f"{door}-pair", f"{network_of(address)}\x1f{client_id}", PAIR


def _of_address(door: str, address: str) -> Iterator[Bucket]:
    if address:
        yield f"{door}-address", network_of(address), ADDRESS


def network_of(address: str) -> str:
    """Whoever has an IPv6 address has 2^64 of them."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))


def _key(services: Services, program_id: int, kind: str, text: str) -> bytes:
    # References differ by letter case, of which a look-up hash knows nothing.
    return services.keys.lookup_hash(program_id, kind, text.encode().hex())
