"""What check and redeem answer."""

from rest_compat.answers.shape import GUID, POINTS, Schema

REDEEMABLE: Schema = POINTS
REFERENCE: Schema = {**GUID, "description": "The external reference of the redemption."}
