"""Cards, accounts, devices and external ids of members: what a pair may be, and which link a pair means."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from domain.errors import BadRequest, InvalidRequest, SubRelationLinked

CARD = "CARD"
TYPES = (CARD, "ACCOUNT", "DEVICE", "EXTERNAL_ID", "LOAN")
TYPE_NAMES: Mapping[str, str] = {**{name: name for name in TYPES}, "CREDIT": CARD, "DEBIT": CARD}
"""What may stand for a type: the published card file knows two classes of cards, which are one type here."""

_MAX_LENGTH = 100
_SHOWN_DIGITS = 6
_PAYMENT_CARD_LENGTHS = range(13, 20)


@dataclass(frozen=True, slots=True)
class Pair:
    """What names a sub-relation: a card number, an identifier of the program's own, or both. None: not given.

    The card number never stands in a text that shows the pair, because it may be a payment card's.
    """

    card_number: str | None = field(repr=False)
    identifier: str | None

    @property
    def card_last_four(self) -> str | None:
        """The end of the card number, as receipts print it."""
        return None if self.card_number is None else self.card_number[-4:]

    @property
    def storable_card_number(self) -> str | None:
        """The card number in clear, where it is no payment card's."""
        return None if self.card_number is None or is_payment_card(self.card_number) else self.card_number


@dataclass(frozen=True, kw_only=True, slots=True)
class SubRelation:
    """A link as stored. `card_number` None: there is none, or it is a payment card's.

    `status` is the program's own word; it is an input of rules, and stops nothing.
    """

    id: int
    member_id: int
    type: str
    card_hash: bytes | None
    card_last_four: str | None
    card_number: str | None
    identifier: str | None
    last_six_digits: str | None
    product_code: str | None
    expiry_date: date | None
    status: str | None
    created_at: datetime
    version: int


def read_pair(card_number: str | None, identifier: str | None) -> Pair | None:
    """The pair without blanks and the separators of a printed card number; None: both are missing or zero.

    Raises BadRequest (too long, or with control characters).
    """
    if not card_number and not identifier:
        return None
    pair = Pair(_card(card_number), _unless_zero(read_word(identifier, "sub_relation_identifier")))
    return None if pair == Pair(None, None) else pair


def read_word(given: str | None, name: str) -> str | None:
    """A short text in NFC without outer blanks; None for the empty one. Raises BadRequest."""
    text = unicodedata.normalize("NFC", given or "").strip()
    if len(text) > _MAX_LENGTH or not text.isprintable():
        raise BadRequest(f"{name}: at most {_MAX_LENGTH} printable characters", field=name)
    return text or None


def check_link(pair: Pair, type: str, last_six_digits: str | None) -> None:
    """Refuse what would put a payment card's number in clear, or names no type. Raises InvalidRequest."""
    if type not in TYPES:
        raise InvalidRequest(f"sub_relation_type: one of {', '.join(TYPES)}", field="sub_relation_type")
    # Numbers of devices and loans may pass the check as well, by design or by chance, and are no secret.
    repeats_card = pair.identifier is not None and pair.identifier == pair.card_number
    if pair.identifier is not None and is_payment_card(pair.identifier) and (type == CARD or repeats_card):
        raise InvalidRequest("sub_relation_identifier: is a card number", field="sub_relation_identifier")
    digits = last_six_digits or ""
    if digits and not (len(digits) <= _SHOWN_DIGITS and digits.isascii() and digits.isdecimal()):
        raise InvalidRequest(f"last_six_digits: at most {_SHOWN_DIGITS} digits", field="last_six_digits")


def find_link(held: Iterable[SubRelation], card_hash: bytes | None, identifier: str | None) -> SubRelation | None:
    """The link of a member with this pair, to be changed; None: the pair is new to the member.

    Raises SubRelationLinked where one half of the pair stands on the member in another pair.
    """
    for one in held:
        if (one.card_hash, one.identifier) == (card_hash, identifier):
            return one
        has_card = card_hash is not None and one.card_hash == card_hash
        if has_card or (identifier is not None and one.identifier == identifier):
            raise SubRelationLinked
    return None


def is_payment_card(number: str) -> bool:
    """Whether a number has the length and the check digit (Luhn) of a payment card's."""
    if len(number) not in _PAYMENT_CARD_LENGTHS or not (number.isascii() and number.isdecimal()):
        return False
    digits = [int(digit) for digit in reversed(number)]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _card(given: str | None) -> str | None:
    number = _unless_zero(read_word(given, "card_number"))
    if number is None:
        return None
    bare = number.replace(" ", "").replace("-", "")
    return bare if bare.isascii() and bare.isdecimal() else number


def _unless_zero(text: str | None) -> str | None:
    # The published API writes a half of the pair that does not exist as 0.
    return text if (text or "").strip("0") else None
