"""What becomes of points that expired before their redemption was reversed: each case played by the ledger's core.

The cases are published in `docs/reversals.md`, and played again over both databases by the tests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.expiry_terms import ExpiryOverride, ExpiryTerms
from domain.ids import new_reference
from domain.ledger.account import Account
from domain.ledger.expiry import expires_at
from domain.ledger.posting import BONUS, Draft, Lot, lot_order, new_lot
from domain.ledger.reversal import Policy, Restored, reverse
from domain.ledger.transfer import transfer

GRACE = timedelta(days=30)
"""What a program has that says nothing else."""

AWARDED_AT = datetime(2026, 2, 1, tzinfo=UTC)
SENT_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
REDEEMED_AT = datetime(2026, 3, 15, 12, tzinfo=UTC)
REDEEMED = 100

_MARCH, _JUNE = date(2026, 3, 31), date(2026, 6, 30)
_REDEMPTION_TYPE = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """Points of the member, the last day on which they are good, and whether another member sent them."""

    points: int
    last_day: date
    sent: bool = False

    @property
    def expires_at(self) -> datetime:
        """The first instant without them."""
        return expires_at(ExpiryTerms(), AWARDED_AT, ZoneInfo("UTC"), ExpiryOverride(last_day=self.last_day))


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """A redemption of `REDEEMED` points of a member with these lots, reversed when so many of them are past."""

    policy: Policy
    past: str
    given: Sequence[Given]
    reversed_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of it. `taken`: points and expiry; `postings`: kind, points, date, from the redemption on;
    `receipts`: points, expiry, expired at once; `lots`: what is left, with its earning date and expiry.
    """

    taken: Sequence[tuple[int, datetime]]
    postings: Sequence[tuple[str, int, datetime]]
    receipts: Sequence[tuple[int, datetime, int]]
    lots: Sequence[tuple[int, datetime, datetime]]
    balance: int


_OWN = (Given(points=60, last_day=_MARCH), Given(points=60, last_day=_JUNE))
_SENT = (Given(points=60, last_day=_MARCH, sent=True), Given(points=60, last_day=_JUNE))
_CASES: tuple[tuple[str, Sequence[Given], datetime], ...] = (
    ("none", _OWN, datetime(2026, 3, 20, 12, tzinfo=UTC)),
    ("some", _OWN, datetime(2026, 5, 1, 12, tzinfo=UTC)),
    ("all", _OWN, datetime(2026, 8, 1, 12, tzinfo=UTC)),
    ("the transferred one", _SENT, datetime(2026, 5, 1, 12, tzinfo=UTC)),
)
_POLICIES: tuple[Policy, ...] = ("extend", "forfeit", "original")

SCENARIOS: Sequence[Scenario] = [
    Scenario(policy=policy, past=past, given=given, reversed_at=reversed_at)
    for policy in _POLICIES
    for past, given, reversed_at in _CASES
]


def play(scenario: Scenario) -> Outcome:
    """What the core decides, from the first award to the reversal."""
    account = _account(1)
    lots = sorted((_award(account, given) for given in scenario.given), key=lot_order)
    redemption = Draft("redemption", "redeem", -REDEEMED, _REDEMPTION_TYPE, REDEEMED_AT, [])
    account.debit(redemption, lots)
    taken = [(move.lot, -move.points) for move in redemption.moves]
    told = [(points, lot.expires_at) for lot, points in taken]
    # What was due on the account is written off before anything else is posted to it.
    account.write_off([lot for lot in lots if lot.expires_at <= scenario.reversed_at])
    _, receipts = reverse(account, 0, taken, policy=scenario.policy, grace=GRACE, now=scenario.reversed_at)
    since = account.drafts.index(redemption) + 1
    return Outcome(
        taken=told,
        postings=[(draft.kind, draft.points, draft.transaction_date) for draft in account.drafts[since:]],
        receipts=[_receipt(one) for one in receipts],
        lots=[(lot.remaining, lot.earned_at, lot.expires_at) for lot in sorted(lots, key=lot_order) if lot.remaining],
        balance=account.balance,
    )


def _account(number: int) -> Account:
    return Account(program_id=1, id=number, member_id=number, version=0, available=0, head_hash=b"")


def _award(account: Account, given: Given) -> Lot:
    """The lot that the member has of it: by a transfer it is a new one with the old dates."""
    owner = _account(2) if given.sent else account
    move = new_lot(given.points, AWARDED_AT, given.expires_at)
    owner.credit(Draft("bonus", "bonus", given.points, BONUS, AWARDED_AT, [move]), AWARDED_AT)
    if given.sent:
        _, into = transfer(owner, account, given.points, [move.lot], now=SENT_AT, reference=new_reference())
        [move] = into.moves
    return move.lot


def _receipt(one: Restored) -> tuple[int, datetime, int]:
    return one.points, one.expires_at, one.expired
