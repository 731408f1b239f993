"""What statements answer."""

from rest_compat.answers.shape import (
    GUID,
    INTEGER,
    POINTS,
    TEXT,
    TEXT_OR_NULL,
    TIME,
    TIME_OR_NULL,
    list_of,
    object_of,
    shown,
)

SUMMARY = object_of(
    PointBalance=POINTS,
    Bonus=POINTS,
    Spend=POINTS,
    Redeem=POINTS,
    Partner=POINTS,
    Purchased=POINTS,
    OtherAccrued=POINTS,
    ExpiredPoints=POINTS,
)
ENTRIES = list_of(
    object_of(
        Id=shown(INTEGER, 12),
        Points={**POINTS, "minimum": 0, "description": "Always positive; `TransactionType` tells the direction."},
        Narration=shown(TEXT, "One point per dollar"),
        TransactionDate=TIME,
        ProcessingDate=TIME,
        ExpiryDate=shown(
            TIME_OR_NULL, "2028-03-31T23:59:59.999", "Null for a debit, for what came back, and where nothing expires."
        ),
        RelationReference=shown(TEXT, "M-1001"),
        ExternalReference=GUID,
        AdditionalDetail=shown(TEXT, "{}", "What led to the points, as JSON; empty where nothing did."),
        LoyaltyTxnType=shown(INTEGER, 1, "As the table of statements.md has it."),
        TransactionType={"type": "integer", "enum": [1, 2], "description": "1 = credit, 2 = debit."},
        MerchantName=shown(TEXT_OR_NULL, None),
        IsActive={"type": "boolean", "description": "False once it was reversed."},
    )
)
CATEGORIES = list_of(
    object_of(
        Category=shown(TEXT, "Spend"),
        LoyaltyTxnType=shown({"type": ["integer", "null"]}, 1),
        Points=POINTS,
        Transactions=shown(INTEGER, 3),
    )
)
EXPIRY = object_of(
    Period={"type": "string", "enum": ["Monthly", "Quarterly", "Annually"]},
    ExpiryPeriod=list_of(
        object_of(
            ScheduleDate=TIME,
            AccrualPoints=POINTS,
            RedeemPoints=POINTS,
            BlockedPoints=POINTS,
            TotalExpiredPoints=POINTS,
            TotalAvailablePoints=POINTS,
        )
    ),
)
