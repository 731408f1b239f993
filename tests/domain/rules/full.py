"""One document that uses every part of the language, for tests of what only stands together."""

import copy
from typing import Any

from domain.rules.document import load_document

TEXT = """
version: 1
program: {time_zone: Europe/Berlin, points_decimals: 0, accrual_cap_per_month: 500, refund_policy: floor,
          adjustment_approval_from: 1000, pending_validity: release, park_days: 30,
          rate_limit_per_second: 50, rate_burst: 200, member_rate_limit_per_second: 5, member_rate_burst: 10,
          allowed_origins: ["https://shop.example"], sign_in_url: "https://shop.example/in"}
expiry: {policy: inactivity, months: 12, period_end: month}
transaction_attributes: [{key: quantity, name: Quantity, type: int}, {key: shop, name: Shop, type: string}]
member_attributes: [{key: club, name: Club, type: string}, {key: nickname, name: Nickname, type: string, pi: true}]
aggregates:
  - {key: spend_mtd, of: amount, function: sum, period: mtd}
  - {key: visits, function: count, period: lifetime, when: {attribute: transaction.shop, op: eq, value: north}}
  - {key: best, of: quantity, function: max, period: rolling_365}
rule_groups:
  - name: Principal
    caps: {transaction: 300, day: 350, month: 400, lifetime: 1000}
    rules:
      - {name: Base, award: {type: per_unit, of: transaction.amount, points: 1}}
      - name: Tenth visit
        award: {type: every_nth, count: visits, n: 10, points: 50, release_after_days: 14}
      - name: Double for the club
        when: {attribute: member.club, op: eq, value: jazz}
        award: {type: multiplier, factor: 2, expires: {months: 3}}
  - name: Extra
    category: bonus
    rules:
      - name: Big spender
        when:
          all:
            - {attribute: aggregate.spend_mtd, op: gte, value: 1000}
            - {attribute: tier, op: in, value: [Gold]}
            - {attribute: sub_relation.type, op: eq, value: CARD}
            - {attribute: segments, op: not_in, value: [Staff]}
        award: {type: flat, points: 20}
tiers: {assessment: automatic, basis: both, aggregate: spend_mtd, window: rolling_365, retention_days: 90,
        levels: [{name: Silver, from: 0, from_aggregate: 0},
                 {name: Gold, from: 500, from_aggregate: "99.5", multiplier: "1.5", upgrade_bonus: 50}]}
segments:
  - {name: New, when: {attribute: member.days_since_enrolment, op: lte, value: 30}}
  - {name: Staff, kind: frozen}
  - {name: New staff, when: {all: [{attribute: segments, op: contains, value: New},
                                   {attribute: segments, op: in, value: [Staff]}]}}
  - {name: Gold now, kind: frozen, when: {attribute: tier, op: eq, value: Gold}}
campaigns:
  - {name: Spring, starts: 2026-03-01, ends: 2026-03-31, segment: New, award: {type: multiplier, factor: 3}}
  - {name: Hello, starts: 2026-03-01, ends: 2026-05-31T12:00, award: {type: flat, points: 5}, message: Welcome}
fraud:
  earning: [{max_points: "100", max_transactions: 5, per: month, action: hold_excess}]
  redemption: {max_points: 1000, max_per_day: 3}
referrals: {enabled: true, reward_on: first_transaction, referrer_points: 100, referee_points: 50, max_per_referrer: 10}
files: {delimiter: pipe, encoding: latin-1, reject_limit_percent: "12.5", park_unknown_members: true, park_days: 3,
        retention_days: 90, personal_data_in_exports: true,
        exports: [{kind: postings, every: hourly, at: "00:15", since_last: true, gzip: true}, {kind: attributes}]}
catalog:
  - {code: CARD-25, name: Gift card, kind: gift_card, money: "25.50", fulfilment: pool, pool: CARDS, low_stock: 10,
     limit: 2, limit_period: month, segments: [New, Staff], description: "One line\\nand another"}
  - {code: CHOIR, name: Choir, kind: donation, points: 500, fulfilment: manual, tiers: [Gold], answer_days: 30}
  - {code: BOWL, name: Bowl, kind: merchandise, points: "250", fulfilment: webhook, partner: Potter, stock: counted,
     valid_from: 2026-03-01, valid_to: 2026-05-31T12:00, loyalty_txn_type: 5, enabled: false}
messages:
  - {name: Code, event: OTP, channel: email, subject: Your code, body: "{code}, for {minutes} minutes"}
  - {name: Text, event: OTP.LOGIN, channel: sms, language: de, body: "Ihr Code: {code}"}
examples:
  - {name: plain, transaction: {amount: 20}, points: 20}
  - {name: club and campaign, transaction: {amount: 20, transaction_date: 2026-03-10}, points: 125,
     member: {club: jazz, days_since_enrolment: 5}}
  - {name: tenth visit, transaction: {amount: 20, shop: north}, aggregates: {visits: 10}, points: 70}
  - {name: not counted, transaction: {amount: 20, shop: south}, aggregates: {visits: 10}, points: 20}
  - {name: gold, transaction: {amount: 20}, aggregates: {spend_mtd: 1000}, tier: Gold, points: 60,
     sub_relation: {type: CARD}}
  - {name: staff, transaction: {amount: 20}, aggregates: {spend_mtd: 1000}, tier: Gold, points: 30,
     sub_relation: {type: CARD}, segments: [Staff]}
  - {name: almost full, transaction: {amount: 100}, points: 50, used: [{window: month, points: 450}]}
  - {name: group is full, transaction: {amount: 100}, points: 5,
     used: [{group: Principal, window: month, points: 395}]}
"""

_FULL: Any = load_document(TEXT)


def full() -> dict[str, Any]:
    """A fresh copy."""
    return copy.deepcopy(_FULL)
