"""Rows that are refused, with the code that every door has to give, and a few that are not."""

from typing import Any

Row = dict[str, Any]

BAD_MEMBERS: list[Row] = [
    {"relation_reference": "S-1", "city": "Bonn", "status": 1},
    {"relation_reference": "S-2", "city": "Bonn", "status": 2},
    {"relation_reference": "S-4", "city": "Bonn", "status": 4},
    {"relation_reference": "S-3", "city": "Bonn", "status": 3},
    {"relation_reference": "S-6", "city": "Bonn", "status": 6},
    {"full_name": "Nobody", "city": "Bonn", "expect": "999"},
    {"relation_reference": "M-1", "city": "Bonn", "action": "NEW", "expect": "1201"},
    {"relation_reference": "N-1", "city": "Bonn", "action": "UPDATE", "expect": "103"},
    {"relation_reference": "N-1", "action": "SUSPEND", "expect": "103"},
    {"relation_reference": "S-4", "full_name": "Too late", "expect": "1204"},
    {"relation_reference": "S-4", "action": "REACTIVATE", "expect": "1204"},
    {"relation_reference": "N\u200b1", "city": "Bonn", "expect": "106"},
    {"relation_reference": "N-1", "city": "Bonn", "status": 9, "expect": "106"},
    {"relation_reference": "N-1", "city": "Bonn", "gender": "X", "expect": "106"},
    {"relation_reference": "N-1", "city": "Bonn", "dob": "1990-02-30", "expect": "106"},
    {"relation_reference": "N-1", "city": "Bonn", "email_id": "ann", "expect": "106"},
    {"relation_reference": "N-1", "city": "Bonn", "email_id": "m1@example.com", "expect": "1205"},
    {"relation_reference": "N-1", "city": "Bonn", "mobile_number": "+491234500001", "expect": "1206"},
    {"relation_reference": "N-1", "city": "Bonn", "club_id": "C-1", "expect": "1207"},
    {"relation_reference": "N-1", "city": "Bonn", "visits": "many", "expect": "106"},
    {"relation_reference": "N-1", "city": "Bonn", "genre": "folk", "expect": "106"},
    {"relation_reference": "N-1", "full_name": "Without a city", "expect": "999"},
]
CHANGES: list[Row] = [
    {"relation_reference": "M-2", "city": "Rome", "action": "UPDATE", "genre": "jazz"},
    {"relation_reference": "M-3", "full_name": "New name"},
    {"relation_reference": "M-5", "status": 1, "city": "Rome"},
    {"relation_reference": "M-11", "action": "SUSPEND"},
    {"relation_reference": "M-12", "action": "CLOSE"},
    {"relation_reference": "M-13", "action": "SUSPEND", "full_name": "Gone for a while"},
    {"relation_reference": "M-13", "action": "REACTIVATE"},
    {"relation_reference": "S-2", "action": "REACTIVATE"},
    {"relation_reference": "M-4", "email_id": "m1@example.com", "expect": "1205"},
]
BAD_CARDS: list[Row] = [
    {"member_relation_reference": "M-1", "sub_relation_type": "CARD", **bad}
    for bad in (
        {"member_relation_reference": None, "card_number": "1", "expect": "999"},
        {"member_relation_reference": "nobody", "card_number": "1", "expect": "103"},
        {"member_relation_reference": "S-4", "card_number": "1", "expect": "1204"},
        {"card_number": "0", "expect": "999"},
        {"card_number": "1", "sub_relation_type": "WATCH", "expect": "998"},
        {"sub_relation_identifier": "4111111111111111", "expect": "998"},
        {"card_number": "1", "last_six_digits": "1234567", "expect": "998"},
        {"card_number": "1", "expiry_date": "2030-02-30", "expect": "999"},
        {"member_relation_reference": "M-2", "card_number": "900002", "sub_relation_identifier": "x", "expect": "119"},
    )
]
NO_MEMBER: Row = {"member_relation_reference": None, "card_number": None, "sub_relation_identifier": None}
BAD_PURCHASES: list[Row] = [
    {"transaction_id": None, "expect": "999"},
    {"transaction_id": "N\u200b1", "expect": "998"},
    {"transaction_id": "N" * 101, "expect": "998"},
    {"transaction_type": None, "expect": "999"},
    {"transaction_type": "XX", "expect": "998"},
    {"amount": None, "expect": "999"},
    {"amount": "1,5", "expect": "999"},
    {"amount": "-1", "expect": "998"},
    {"transaction_date": None, "expect": "999"},
    {"transaction_date": "2026-02-30", "expect": "999"},
    {"transaction_date": "1026-07-01", "expect": "999"},
    {"transaction_date": "yesterday", "expect": "999"},
    {**NO_MEMBER, "expect": "999"},
    {**NO_MEMBER, "member_relation_reference": "nobody", "expect": "103"},
    {**NO_MEMBER, "card_number": "9999", "expect": "103"},
    {**NO_MEMBER, "card_number": "777", "expect": "118"},
    {**NO_MEMBER, "member_relation_reference": "S-4", "expect": "113"},
    {**NO_MEMBER, "member_relation_reference": "S-3"},
    {**NO_MEMBER, "member_relation_reference": "S-6", "expect": "115"},
    {"product_code": "FOOD", "expect": "105"},
    {"product_code": "MUSIC", "sub_product_code": "LP", "expect": "105"},
    {"quantity": "many", "expect": "106"},
    {"channel": "east", "expect": "106"},
    {"gift": "perhaps", "expect": "106"},
    {"note": "longer than twenty characters", "expect": "106"},
    {"_xoxo_api_client_idempotency": "\u00e9", "expect": "998"},
    {"transaction_type": "CR", "transaction_id": "never bought"},
    {"amount": 0},
    {"amount": "1.5e3", "expect": "999"},
    {"amount": "0.00001"},
]
BAD_BONUSES: list[Row] = [
    {"member_relation_reference": "M-1", **bad}
    for bad in (
        {"member_relation_reference": None, "bonus_points": 1, "expect": "999"},
        {"member_relation_reference": "nobody", "bonus_points": 1, "expect": "103"},
        {"member_relation_reference": "S-4", "bonus_points": 1, "expect": "113"},
        {"member_relation_reference": "S-2", "bonus_points": 1, "expect": "114"},
        {"member_relation_reference": "S-6", "bonus_points": 1, "expect": "115"},
        {"bonus_type": 2, "expect": "999"},
        {"bonus_points": "many", "expect": "999"},
        {"bonus_points": 0, "expect": "120"},
        {"bonus_points": -1, "expect": "120"},
        {"bonus_points": "1.55", "expect": "998"},
        {"bonus_points": "9999999999999999", "expect": "999"},
        {"bonus_points": 1, "bonus_type": "GIFT", "expect": "998"},
        {"bonus_points": 1, "award_date": "2026-02-30", "expect": "999"},
        {"bonus_points": 1, "award_date": "1026-07-01", "expect": "999"},
        {"bonus_points": 1, "expiry_date": "2026-12-31T10:00", "expect": "999"},
        {"bonus_points": 1, "_xoxo_api_client_idempotency": "\u00e9", "expect": "998"},
    )
]
