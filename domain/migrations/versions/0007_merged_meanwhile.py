"""A redemption that waited for an account asks again whose it is: its member may have been merged meanwhile.

Revision ID: 0007
Revises: 0006
"""

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    """Install the function that asks."""
    _redeem("redeem_points_3.sql")


def downgrade() -> None:
    """Install the one before."""
    _redeem("redeem_points_2.sql")


def _redeem(file: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION redeem_points")
        op.get_bind().exec_driver_sql((_SQL / file).read_text())
