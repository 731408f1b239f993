"""The oracle: the points ledger once more, in memory, from the written rules alone.

It imports nothing of the product and shares no arithmetic with it, so that where the two agree neither
repeats a mistake of the other. Points are integers of the smallest unit, instants are aware and in UTC.
"""

from tests.oracle.account import Account, Entry, Hold, Lot
from tests.oracle.activity import Inactivity
from tests.oracle.campaigns import Campaign, Regulars
from tests.oracle.caps import Cap
from tests.oracle.corrections import Lapse
from tests.oracle.gate import REFUSAL_BINDS, Refused
from tests.oracle.lapse import lapses_at
from tests.oracle.ledger import Oracle
from tests.oracle.members import ERASED
from tests.oracle.purchases import Award
from tests.oracle.referrals import Reward
from tests.oracle.tiers import Level

__all__ = [
    "ERASED",
    "REFUSAL_BINDS",
    "Account",
    "Award",
    "Campaign",
    "Cap",
    "Entry",
    "Hold",
    "Inactivity",
    "Lapse",
    "Level",
    "Lot",
    "Oracle",
    "Refused",
    "Regulars",
    "Reward",
    "lapses_at",
]
