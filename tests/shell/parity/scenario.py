"""A scenario that touches every feature of rules, made from a seed; dates go by the day it is made on."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from tests.scale import long_run
from tests.shell.parity.bad_rows import BAD_BONUSES, BAD_CARDS, BAD_MEMBERS, BAD_PURCHASES, CHANGES
from tests.shell.parity.rules import LAST_TIERS, OTHER_TIERS, PRODUCTS, rules_of

Row = dict[str, Any]

MEMBERS = 48
PURCHASES = 70 if long_run else 40
"""In each of the three nights. Every one costs two of the doors a request."""


class Made:
    """Makes the scenario of one seed and one day."""

    def __init__(self, seed: int, today: date) -> None:
        self._random = random.Random(seed)
        self._today = today
        self._purchases: list[Row] = []

    def document(self) -> dict[str, Any]:
        """The scenario."""
        return {
            "version": 1,
            "name": "Every feature",
            "configuration": rules_of(self._day),
            "files": [
                {"name": "Night1", "type": "CPD", "rows": [*self._members(), *BAD_MEMBERS]},
                {"name": "Night1", "type": "CRD", "rows": [*self._cards(), *BAD_CARDS]},
                {"name": "Night1", "type": "TXN", "rows": self._night(1, back=50)},
                {"name": "Night1", "type": "BNS", "rows": [*self._bonuses(1), *BAD_BONUSES]},
                {"configuration": {"expiry": {"policy": "fixed_date", "date": self._day(-700)}}},
                {"name": "Night2", "type": "CPD", "rows": CHANGES},
                {"name": "Night2", "type": "TXN", "rows": self._night(2, back=20)},
                {"name": "Night2", "type": "BNS", "rows": self._bonuses(2)},
                {"configuration": {"expiry": {"policy": "inactivity", "months": 12, "period_end": "month"}}},
                # Dated after the members reached their tiers, which they did today.
                {"name": "Night3", "type": "TXN", "rows": self._night(3, back=-9)},
                {"configuration": {"expiry": {"policy": "none"}, "tiers": OTHER_TIERS}},
                {"name": "Night4", "type": "TXN", "rows": [*self._refunds(40, back=-12), *self._early(1)]},
                {"configuration": {"program": {"pending_validity": "earning"}, "tiers": {"assessment": "manual"},
                                   "expiry": {"policy": "months", "months": 6, "period_end": "year"}}},
                {"name": "Night5", "type": "TXN", "rows": self._few(5)},
                {"configuration": {"tiers": LAST_TIERS, "expiry": {"policy": "months", "months": 6}}},
                {"name": "Night6", "type": "TXN", "rows": self._few(6)},
            ],
        }  # fmt: skip

    def _members(self) -> Iterator[Row]:
        for number in range(1, MEMBERS + 1):
            born = self._today - timedelta(days=365 * 30 + self._random.randint(0, 60))
            yield {
                "relation_reference": f"M-{number}",
                "full_name": f"Ann Ó {number}, the \"first\"",
                "email_id": f"m{number}@example.com",
                "mobile_number": f"+4912345{number:05}",
                "dob": born.isoformat(),
                "status": 1 if number % 5 else 5,
                "genre": self._random.choice(["jazz", "rock", None]),
                "visits": self._random.randint(0, 100),
                "vip": self._random.choice([True, False, None]),
                "city": self._random.choice(["Bonn", "Paris"]),
                "club_id": f"C-{number}",
                "action": "NEW" if number % 2 else None,
            }  # fmt: skip

    def _cards(self) -> Iterator[Row]:
        kinds = ["CARD", "account", "DEVICE", "EXTERNAL_ID", "LOAN", "CREDIT", "DEBIT"]
        for number in range(1, 15):
            yield {
                "member_relation_reference": f"M-{number}",
                "card_number": f"9{number:05}" if number % 3 else "0",
                "sub_relation_identifier": f"ID-{number}" if number % 3 != 1 else None,
                "sub_relation_type": kinds[number % len(kinds)],
                "product_code": self._random.choice(["GOLD", "BLUE"]),
                "status": "live",
                "expiry_date": self._day(-500),
            }
        yield {"member_relation_reference": "M-1", "card_number": "4111111111111111", "sub_relation_type": "CREDIT"}
        yield {"member_relation_reference": "M-2", "card_number": "777", "sub_relation_type": "CARD"}
        yield {"member_relation_reference": "M-3", "card_number": "777", "sub_relation_type": "CARD"}
        # A known pair is changed.
        yield {
            "member_relation_reference": "M-1",
            "card_number": "900001",
            "sub_relation_type": "ACCOUNT",
            "status": "lost",
        }

    def _night(self, night: int, back: int) -> list[Row]:
        """Purchases of one night, with refunds and bad rows between them, in any order but that of time."""
        rows = [self._purchase(f"T-{night}-{number}", back) for number in range(1, PURCHASES + 1)]
        good = [row for row in rows if row["product_code"] != "HELD"]
        self._purchases += good
        rows += self._refunds(25, back - 1) + (self._early(0) if night == 1 else [])
        rows += [{**self._purchase(f"B-{night}-{at}", back), **bad} for at, bad in enumerate(BAD_PURCHASES)]
        again = {**self._purchase(f"K-{night}", back), "_xoxo_api_client_idempotency": f"key-{night}"}
        rows += [again, again, {**again, "amount": "1.01", "expect": "409"}]
        rows += [{**good[0], "expect": "1201"}]
        return rows

    def _few(self, night: int) -> list[Row]:
        return [self._purchase(f"T-{night}-{number}", back=-12) for number in range(1, 11)]

    def _purchase(self, name: str, back: int) -> Row:
        rnd = self._random
        code = rnd.choice([*PRODUCTS, "MUSIC", "MUSIC", "BOOK"])
        row: Row = {
            "transaction_id": name,
            "transaction_type": rnd.choice(["DR", "dr"]),
            "amount": f"{rnd.randint(0, 12000) / 100:.2f}",
            "transaction_date": self._when(back),
            "product_code": code,
            "sub_product_code": rnd.choice([*PRODUCTS[code], None]),
            "quantity": rnd.choice([None, *range(11)]),
            "weight": rnd.choice([None, "0.5", "2.25", "10"]),
            "channel": rnd.choice([None, "web", "shop"]),
            "gift": rnd.choice([None, True, False]),
            "note": rnd.choice([None, "A gift, boxed", "as \"usual\"", "Ärger; gift"]),
            "delivered": rnd.choice([None, self._day(15), self._day(40), self._day(rnd.randint(1, 60))]),
        }  # fmt: skip
        return row | self._whose(rnd.randint(1, MEMBERS))

    def _whose(self, number: int) -> Row:
        """A few members buy much, so that caps and tiers are reached; some by what is linked to them."""
        number = number if number > 16 else number % 4 + 7
        if self._random.random() < 0.3:
            number = self._random.choice([1, 4, 5, 6, 9])
            return {"card_number": f"9{number:05}"} if number % 3 else {"sub_relation_identifier": f"ID-{number}"}
        return {"member_relation_reference": f"M-{number}"}

    def _when(self, back: int) -> str:
        moment = self._day(back - self._random.randint(0, 4))
        hour = f"{self._random.randint(0, 23):02}:{self._random.randint(0, 59):02}"
        return moment + self._random.choice(["", f"T{hour}:00", f"T{hour}", f"T{hour}:30.125Z", f"T{hour}:00+05:30"])

    def _refunds(self, count: int, back: int) -> list[Row]:
        """Refunds of purchases so far: of a part, of another, of more than there was."""
        return [
            {
                **{key: value for key, value in bought.items() if key != "expect"},
                "transaction_type": "CR",
                "amount": f"{float(bought['amount']) * self._random.choice([0.25, 0.5, 1, 2]):.2f}",
                "transaction_date": self._when(back),
            }
            for bought in self._random.choices(self._purchases, k=count)
        ]

    def _early(self, at: int) -> list[Row]:
        """Refunds that come before their purchases, and in a later night the purchases."""
        kind, amount = (("CR", 20), ("DR", 80))[at]
        return [
            {
                "transaction_id": f"E-{number}",
                "transaction_type": kind,
                "amount": amount,
                "transaction_date": self._day(12),
                "member_relation_reference": f"M-{number}",
                "product_code": "MUSIC",
            }
            for number in range(20, 26)
        ]

    def _bonuses(self, night: int) -> list[Row]:
        rows: list[Row] = [
            {
                "member_relation_reference": f"M-{number}",
                "bonus_points": f"{self._random.randint(1, 900) / 10:.1f}",
                "bonus_type": self._random.choice([None, "BONUS", "partner", "PURCHASED", 2, 12, 13]),
                "award_date": self._random.choice([None, self._day(30), self._day(1000), f"{self._day(3)}T08:00:00"]),
                "expiry_date": self._random.choice([None, self._day(-100)]),
                "narration": self._random.choice([None, "Thank you, \"friend\""]),
            }
            for number in range(1, 21)
        ]  # fmt: skip
        again = {**rows[0], "award_date": self._day(5), "_xoxo_api_client_idempotency": f"bonus-{night}"}
        return [*rows, again, again, {**again, "bonus_points": 1, "expect": "409"}]

    def _day(self, back: int) -> str:
        return (self._today - timedelta(days=back)).isoformat()


def every_feature(seed: int, today: date) -> dict[str, Any]:
    """The scenario of a seed, made on this day."""
    return Made(seed, today).document()
