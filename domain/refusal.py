"""What a refusal is, and the catalogue that each declares itself in (`domain.errors` has them all)."""

import re
from typing import ClassVar

_GRAPHQL_CODE_BY_STATUS = {
    400: "BAD_USER_INPUT",
    401: "UNAUTHENTICATED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "BAD_REQUEST",
    409: "CONFLICT",
    413: "BAD_USER_INPUT",
    415: "BAD_REQUEST",
    422: "BAD_USER_INPUT",
    429: "RATE_LIMITED",
    500: "INTERNAL_SERVER_ERROR",
    503: "SERVICE_UNAVAILABLE",
}

CATALOGUE: dict[str, type["TesseraError"]] = {}
"""Every declared error by its reason, in the order of declaration."""


class TesseraError(Exception):
    """A refusal with a catalogued code.

    `detail` follows the published message in brackets; `field` names the input at fault; `is_replay` is True
    where an idempotency key repeats an earlier refusal.
    """

    lbms_code: ClassVar[str]
    code: ClassVar[str]
    status: ClassVar[int]
    graphql_code: ClassVar[str]
    graphql_codes: ClassVar[tuple[str, ...]]
    message: ClassVar[str]
    reason: ClassVar[str]
    binds_key: ClassVar[bool]

    def __init_subclass__(
        cls,
        *,
        code: str,
        status: int,
        message: str,
        binds_key: bool = False,
        graphql_code: str | None = None,
        document_codes: tuple[str, ...] = (),
    ) -> None:
        super().__init_subclass__()
        cls.lbms_code = code
        cls.code = f"1{code[1:]}" if code.startswith("E") else code
        cls.status = status
        cls.graphql_code = graphql_code or _GRAPHQL_CODE_BY_STATUS[status]
        # What GraphQL calls the same refusal where it is the document that is at fault.
        cls.graphql_codes = (cls.graphql_code, *document_codes)
        cls.message = message
        cls.binds_key = binds_key
        cls.reason = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).upper()
        CATALOGUE[cls.reason] = cls

    def __init__(
        self, detail: str | None = None, *, field: str | None = None, retry_after_s: int | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.retry_after_s = retry_after_s
        self.is_replay = False

    @property
    def text(self) -> str:
        """The published message, then the detail in brackets."""
        return f"{self.message} ({self.detail})" if self.detail else self.message

    def __str__(self) -> str:
        return f"{self.code} {self.text}"
