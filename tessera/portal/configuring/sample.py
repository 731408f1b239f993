"""A sample transaction as a form: of a member, or of somebody who does not exist."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.errors import BadRequest
from domain.rules.fixed import member_definitions
from domain.rules.model import AttributeDefinition, Configuration
from domain.rules.value import read_date, read_decimal
from resolvers.simulation import SampleMember, SimulateTransaction, Simulation, simulate_transaction
from resolvers.submission_order import SubmitTransaction
from tessera.portal.configuring.draft import Source
from tessera.portal.visit import Visit

_PLAIN = frozenset({"relation_reference", "full_name", "email_id", "mobile_number", "address", "status"})
"""Member attributes that no rule would ask a sample about."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleForm:
    """What the form asks: attributes by entity, the codes and levels there are."""

    transaction: Sequence[AttributeDefinition]
    member: Sequence[AttributeDefinition]
    products: Sequence[str]
    sub_products: Sequence[str]
    levels: Sequence[str]
    today: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """A sample under what is in force, and under a draft where there is one."""

    live: Simulation
    draft: Simulation | None

    @property
    def decisive(self) -> Simulation:
        """The one to look at more closely."""
        return self.draft or self.live

    @property
    def difference(self) -> Decimal:
        """What the draft gives more."""
        return Decimal(0) if self.draft is None else self.draft.points - self.live.points


def sample_form(visit: Visit, configuration: Configuration) -> SampleForm:
    """The form for samples under this configuration."""
    codes = configuration.product_codes
    return SampleForm(
        transaction=configuration.transaction_attributes,
        member=[one for one in member_definitions(configuration) if one.key not in _PLAIN],
        products=[one.code for one in codes],
        sub_products=list(dict.fromkeys(code for one in codes for code in one.sub_codes)),
        levels=[one.name for one in configuration.tiers.levels],
        today=visit.services.clock().astimezone(visit.zone).date().isoformat(),
    )


async def try_out(visit: Visit, source: Source | None) -> Trial:
    """Simulate the sample of the form, twice where there is a draft. Raises what the use case does."""
    command = _read(visit)
    live = await simulate_transaction(visit.ctx, command)
    if source is None:
        return Trial(live=live, draft=None)
    drafted = SimulateTransaction(
        transaction=command.transaction, member=command.member, draft=source.body, prune=source.prune
    )
    return Trial(live=live, draft=await simulate_transaction(visit.ctx, drafted))


def _read(visit: Visit) -> SimulateTransaction:
    reference = visit.optional("s-member")
    transaction = SubmitTransaction(
        transaction_id=visit.given("s-id"),
        transaction_type=visit.given("s-type") or "DR",
        amount=_amount(visit),
        transaction_date=_moment(visit, "s-date"),
        member_relation_reference=reference,
        product_code=visit.optional("s-product"),
        sub_product_code=visit.optional("s-sub"),
        attributes=_values(visit, "s-t-"),
    )
    enrolled = visit.given("s-enrolled")
    member = SampleMember(
        attributes=_values(visit, "s-m-"),
        enrolled_at=_moment(visit, "s-enrolled") if enrolled else None,
        tier=visit.optional("s-tier"),
    )
    return SimulateTransaction(transaction=transaction, member=None if reference else member)


def _values(visit: Visit, prefix: str) -> dict[str, Any]:
    return {
        name.removeprefix(prefix): value.strip()
        for name, value in visit.form.items()
        if name.startswith(prefix) and isinstance(value, str) and value.strip()
    }


def _amount(visit: Visit) -> Decimal:
    try:
        return read_decimal(visit.given("s-amount"))
    except ValueError as error:
        raise BadRequest(f"amount: {error}", field="s-amount") from error


def _moment(visit: Visit, name: str) -> datetime:
    try:
        found = read_date(visit.given(name) or visit.services.clock().astimezone(visit.zone).date().isoformat())
    except ValueError as error:
        raise BadRequest(f"date: {error}", field=name) from error
    # Without a zone it is a time on the clocks of the program.
    return found if isinstance(found, datetime) else datetime(found.year, found.month, found.day)  # noqa: DTZ001


def last_month(visit: Visit) -> tuple[date, date]:
    """The whole month before this one, on the clocks of the program."""
    today = visit.services.clock().astimezone(visit.zone).date()
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def read_day(visit: Visit, name: str) -> date:
    """A day of the form. Raises BadRequest."""
    try:
        return date.fromisoformat(visit.given(name))
    except ValueError as error:
        raise BadRequest(f"{name}: must be a date (YYYY-MM-DD)", field=name) from error
