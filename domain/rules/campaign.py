"""When a campaign runs: the instants that the compiled rules go by, and its days on the program's calendar."""

from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from domain.program_zone import end_of, local_date, to_instant
from domain.rules.model import Campaign


class CampaignTime(NamedTuple):
    """`starts` is inclusive and `ends` exclusive, both in UTC; the days are the first and the last that it runs on."""

    starts: datetime
    ends: datetime
    first_day: date
    last_day: date

    def has(self, at: datetime) -> bool:
        """Whether the campaign is on at an instant."""
        return self.starts <= at < self.ends


def time_of(campaign: Campaign, zone: ZoneInfo) -> CampaignTime:
    """The time of a campaign on the clocks of its program."""
    starts, ends = to_instant(campaign.starts, zone), end_of(campaign.ends, zone)
    return CampaignTime(
        starts=starts,
        ends=ends,
        first_day=_day(campaign.starts, starts, zone),
        last_day=_day(campaign.ends, ends - timedelta(microseconds=1), zone),
    )


def _day(given: date | datetime, instant: datetime, zone: ZoneInfo) -> date:
    # A day that the program's calendar skipped stays what the configuration says.
    return local_date(instant, zone) if isinstance(given, datetime) else given
