"""How much of each rate limit was handed out to processes."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table

from domain.models.base import METADATA, program_key

rate_lease = Table(
    "rate_lease",
    METADATA,
    program_key(),
    Column("bucket", LargeBinary, primary_key=True),
    Column("full_at", BigInteger, nullable=False),
    Column("granted", Integer, nullable=False),
)
"""A bucket by the keyed hash of whom it is for; program 0 holds those of the token endpoint.

`full_at` is the instant, in nanoseconds since 1970, at which the bucket would be full again; `granted` what
the last lease got. A row whose bucket is full says nothing, and may be deleted.
"""
