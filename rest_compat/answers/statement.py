"""What statements answer."""

from rest_compat.answers.shape import GUID, INTEGER, POINTS, TEXT, TEXT_OR_NULL, TIME, TIME_OR_NULL, list_of, object_of

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
        Id=INTEGER,
        Points={**POINTS, "minimum": 0},
        Narration=TEXT,
        TransactionDate=TIME,
        ProcessingDate=TIME,
        ExpiryDate=TIME_OR_NULL,
        RelationReference=TEXT,
        ExternalReference=GUID,
        AdditionalDetail={
            "type": "string",
            "description": "What led to the points, as JSON.",
        },
        LoyaltyTxnType=INTEGER,
        TransactionType={"type": "integer", "enum": [1, 2], "description": "1 = credit, 2 = debit."},
        MerchantName=TEXT_OR_NULL,
        IsActive={"type": "boolean", "description": "False once it was reversed."},
    )
)
CATEGORIES = list_of(
    object_of(
        Category=TEXT,
        LoyaltyTxnType={"type": ["integer", "null"]},
        Points=POINTS,
        Transactions=INTEGER,
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
