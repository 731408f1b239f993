"""The parts of the settings: which keys of which section stand on one form, and the lists inside of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import available_timezones

from tessera.portal.configuring.schema_form import CHOICE, TICK, Field, form_of, object_schema, read_fields
from tessera.portal.visit import Visit

MAX_BLANK = 2
"""Rows that stand ready in a list for what is to be added."""
_CURRENCIES = (
    "AED AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF IDR ILS INR JPY KRW MXN MYR NOK NZD PHP PLN RON SAR SEK SGD THB",
    "TRY USD ZAR",
)
_KNOWN: Mapping[str, Sequence[str]] = {
    "time_zone": sorted(available_timezones()),
    "currency": " ".join(_CURRENCIES).split(),
}
"""What is offered to type; others are taken as well."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """A list without names inside a section: each item a row of these fields."""

    key: str
    title: str
    hint: str
    fields: Sequence[str]
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A form of the settings. `tidy` takes away what another field makes meaningless."""

    key: str
    section: str
    title: str
    lead: str
    fields: Sequence[str]
    labels: Mapping[str, str] = field(default_factory=dict)
    rows: Rows | None = None
    tidy: Callable[[dict[str, Any]], None] = lambda _: None
    shown: Sequence[str] = ()

    def form(self, section: Mapping[str, Any]) -> list[Field]:
        """The fields with what the section says."""
        return form_of(self.section, section, self.fields, labels=self.labels, suggestions=_KNOWN)

    def row_forms(
        self, section: Mapping[str, Any], count: int | None = None, products: Sequence[str] = ()
    ) -> list[list[Field]]:
        """The fields of each row, and of some that are blank; `products` are the codes to choose from."""
        if self.rows is None:
            return []
        items = list(section.get(self.rows.key) or ())
        length = len(items) + MAX_BLANK if count is None else count
        schema = object_schema(self.section)["properties"][self.rows.key]["items"]
        rows = [
            form_of(
                self.section,
                items[index] if index < len(items) else {},
                self.rows.fields,
                labels=self.rows.labels,
                options={"product_code": [("", "Any"), *((one, one) for one in products)]} if products else None,
                within=schema,
                prefix=f"{self.rows.key}[{index}].",
            )
            for index in range(length)
        ]
        return [row if index < len(items) else [_blank(one) for one in row] for index, row in enumerate(rows)]

    def read(self, visit: Visit, before: Mapping[str, Any]) -> dict[str, Any]:
        """The section that the form says; keys that it does not show stay as they are."""
        item = read_fields(visit, self.form(before), before)
        if self.rows is not None:
            item[self.rows.key] = self._read_rows(visit, before)
        self.tidy(item)
        return item

    def _read_rows(self, visit: Visit, before: Mapping[str, Any]) -> list[dict[str, Any]]:
        if self.rows is None:
            return []
        begins = f"{self.rows.key}["
        count = len({name.partition("]")[0] for name in visit.form if name.startswith(begins)})
        stand = list(before.get(self.rows.key) or ())
        read = []
        for index, fields in enumerate(self.row_forms(before, count)):
            # Choices have a value even in a row that nobody filled in.
            if visit.given(f"{self.rows.key}[{index}].remove") == "yes" or not _is_filled(visit, fields):
                continue
            item = {} if index >= len(stand) else stand[index]
            read.append(read_fields(visit, fields, item))
        return read


def _blank(one: Field) -> Field:
    """A field of a row that nobody has filled in yet: what it has to say has to be chosen."""
    if one.kind == CHOICE and one.is_required:
        return replace(one, options=[("", "None"), *one.options], value="")
    return one


def _is_filled(visit: Visit, fields: Sequence[Field]) -> bool:
    needed = [one for one in fields if one.is_required] or [one for one in fields if one.kind not in {CHOICE, TICK}]
    return any(visit.given(one.name) for one in needed)


def _tidy_expiry(item: dict[str, Any]) -> None:
    policy = item.get("policy")
    for key, policies in (("months", {"months", "inactivity"}), ("date", {"fixed_date"})):
        if policy not in policies:
            item.pop(key, None)


PARTS: Sequence[Part] = (
    Part(
        key="points",
        section="program",
        title="Points and money",
        lead="The currency, the value of points, and the time zone.",
        fields=(
            "currency", "redemption_rate", "redemption_minimum", "points_decimals", "accrual_cap_per_month",
            "time_zone", "expiry_reminder_days",
        ),
        shown=("currency", "redemption_rate", "redemption_minimum", "time_zone"),
    ),
    Part(
        key="expiry",
        section="expiry",
        title="Expiry of points",
        lead="For points that are earned from now on. Rules can have their own.",
        fields=("policy", "months", "period_end", "date"),
        labels={"period_end": "Until the end of the", "date": "Last day"},
        tidy=_tidy_expiry,
        shown=("policy", "months", "period_end", "date"),
    ),
    Part(
        key="redemption",
        section="program",
        title="Redemptions and refunds",
        lead="How points are spent, and what happens when purchases and redemptions are reversed.",
        fields=(
            "refund_policy", "reversal_of_expired", "reversal_grace_days", "pending_validity", "require_key",
            "duplicate_window_s", "default_merchant", "default_loyalty_txn_type", "redemption_types",
        ),
        labels={"duplicate_window_s": "Seconds in which a duplicate is refused", "require_key": "A key is required",
                "default_loyalty_txn_type": "Default type"},
        shown=("refund_policy", "reversal_of_expired"),
    ),
    Part(
        key="transactions",
        section="program",
        title="Transactions",
        lead="What is accepted from servers and files, and how.",
        fields=(
            "unique_transaction_id", "accrue_cancelled", "ignore_unknown_attributes", "ignore_unknown_attributes_lbms",
            "lbms_http_200_for_business_errors", "park_days", "queue_limit",
        ),
        labels={"unique_transaction_id": "A transaction id earns once", "accrue_cancelled": "Cancelled members earn",
                "park_days": "Days that early refunds wait", "queue_limit": "Most transactions per queued call",
                "ignore_unknown_attributes_lbms": "Ignore unknown attributes on lbms paths",
                "lbms_http_200_for_business_errors": "HTTP 200 for business errors on lbms paths"},
        shown=("unique_transaction_id", "park_days"),
    ),
    Part(
        key="access",
        section="program",
        title="Sign-in, pages and limits",
        lead="Tokens, one-time codes, allowed origins and rate limits.",
        fields=(
            "allowed_origins", "sign_in_url", "otp_length", "otp_channel", "otp_sends_per_address", "token_minutes",
            "token_renewal_margin_s", "rate_limit_per_second", "rate_burst", "member_rate_limit_per_second",
            "member_rate_burst",
        ),
        labels={"otp_length": "Digits of a code", "otp_channel": "Codes go by", "otp_sends_per_address":
                "Codes for an address in an hour", "sign_in_url": "Page for links to sign in", "token_renewal_margin_s":
                "Renewal margin of tokens, in seconds", "token_minutes": "Life of a token, in minutes"},
        shown=("allowed_origins", "otp_channel"),
    ),
    Part(
        key="approvals",
        section="program",
        title="Approvals",
        lead="What a second administrator has to approve. Nobody can approve their own.",
        fields=("approvals", "adjustment_approval_from"),
        labels={"approvals": "Changes that need approval", "adjustment_approval_from": "Adjustments from points"},
        shown=("approvals", "adjustment_approval_from"),
    ),
    Part(
        key="referrals",
        section="referrals",
        title="Referrals",
        lead="What members get for bringing others.",
        fields=("enabled", "reward_on", "referrer_points", "referee_points", "max_per_referrer"),
        labels={"referrer_points": "Points for the referrer", "referee_points": "Points for the new member",
                "max_per_referrer": "Most rewards per member"},
        shown=("enabled", "reward_on", "referrer_points", "referee_points"),
    ),
    Part(
        key="thresholds",
        section="fraud",
        title="Thresholds for review",
        lead="Above these, purchases are held for review and redemptions are refused.",
        fields=("redemption.max_points", "redemption.max_per_day"),
        labels={"redemption.max_points": "Most points per redemption",
                "redemption.max_per_day": "Most redemptions per member and day"},
        rows=Rows(
            key="earning",
            title="Purchases",
            hint="Every purchase is checked against every row. A row needs points or a number of purchases.",
            fields=("product_code", "max_points", "max_transactions", "per", "action"),
            labels={"max_points": "Most points", "max_transactions": "Most purchases", "per": "Per"},
        ),
        shown=("earning", "redemption"),
    ),
    Part(
        key="files",
        section="files",
        title="Files",
        lead="How batch files are read and written, and how long they are kept.",
        fields=(
            "delimiter", "encoding", "reject_limit_percent", "park_unknown_members", "park_days", "retention_days",
            "personal_data_in_exports",
        ),
        labels={"reject_limit_percent": "Held from this percentage of rejects", "park_days": "Days that they wait",
                "park_unknown_members": "Rows of unknown members wait", "retention_days": "Days that files are kept"},
        rows=Rows(
            key="exports",
            title="Exports by schedule",
            hint="One schedule per kind. Partners fetch the files over SFTP.",
            fields=("kind", "every", "at", "since_last", "gzip"),
        ),
        shown=("delimiter", "encoding", "reject_limit_percent", "exports"),
    ),
)  # fmt: skip
"""Every form of the settings."""
