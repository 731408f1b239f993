"""What is refused, and what is done only once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

NOT_ACTIVE = {2: "114", 3: "116", 4: "113", 5: "107", 6: "115"}
NO_EARNING = {2: "114", 4: "113", 6: "115"}
NO_SENDING = {2: "114", 4: "113"}
NO_RECEIVING = {4: "113", 6: "115"}
NO_ADJUSTING = {4: "113"}
BUSINESS_REFUSALS = {"107", "113", "114", "115", "116", "121", "128"}
REFUSAL_BINDS = timedelta(hours=24)


class Refused(Exception):
    """The ledger says no; `code` is the published one."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def check(status: int, gate: Mapping[int, str]) -> None:
    """Refuse what a member of this status may not do."""
    if code := gate.get(status):
        raise Refused(code)


@dataclass
class Outcomes:
    """What came of the requests that had a key: request, outcome, whether it succeeded, and when."""

    outcomes: dict[tuple[str, str], tuple[object, str, bool, datetime]] = field(default_factory=dict)

    def once(
        self, use_case: str, key: str | None, body: object, now: datetime, run: Callable[[], str]
    ) -> tuple[str, bool]:
        """One outcome per key: success for ever, a business refusal for a day, anything else not at all.

        Answers what `run` answered, and whether that was an earlier run.
        """
        if key is None:
            return run(), False
        if known := self.outcomes.get((use_case, key)):
            known_body, outcome, succeeded, at = known
            if succeeded or now < at + REFUSAL_BINDS:
                if known_body != body:
                    raise Refused("409")
                if not succeeded:
                    raise Refused(outcome)
                return outcome, True
        try:
            outcome = run()
        except Refused as refusal:
            if refusal.code in BUSINESS_REFUSALS:
                self.outcomes[use_case, key] = (body, refusal.code, False, now)
            raise
        self.outcomes[use_case, key] = (body, outcome, True, now)
        return outcome, False
