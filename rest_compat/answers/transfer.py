"""What a transfer answers."""

from rest_compat.answers.shape import GUID, Schema

REFERENCE: Schema = {**GUID, "description": "The external reference of the transfer, the sender's posting."}
