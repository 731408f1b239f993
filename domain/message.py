"""Messages to members: which template speaks for an event, and what it says."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

EMAIL, SMS = "email", "sms"
CHANNELS = (EMAIL, SMS)
OTP_EVENT, LINK_EVENT, ADDRESS_EVENT = "OTP", "LINK", "ADDRESS"
NOTICE_LIFE = timedelta(days=3)
"""How long it is tried to deliver what asks for no answer."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageTemplate:
    """What a message says. `event` is OTP, or OTP.LOGIN and so on, LINK, ADDRESS, or one of `domain.notice`.

    `language` None: for whom no other speaks. `{minutes}` is filled in, and `{code}`, or `{link}` where the event is
    LINK; nothing where it is ADDRESS.
    """

    name: str
    event: str
    channel: str
    body: str
    subject: str = ""
    language: str | None = None


BUILT_IN: Mapping[str, MessageTemplate] = {
    channel: MessageTemplate(
        name="built in",
        event=OTP_EVENT,
        channel=channel,
        language="en",
        subject="Your one-time code" if channel == EMAIL else "",
        body="Your one-time code is {code}. It works for {minutes} minutes.",
    )
    for channel in CHANNELS
}
BUILT_IN_LINK = MessageTemplate(
    name="built in",
    event=LINK_EVENT,
    channel=EMAIL,
    language="en",
    subject="Your link to sign in",
    body="Sign in with this link: {link}\nIt works once, for {minutes} minutes. If you did not ask for it, do nothing.",
)
BUILT_IN_NOTICE: Mapping[str, MessageTemplate] = {
    channel: MessageTemplate(
        name="built in",
        event=ADDRESS_EVENT,
        channel=channel,
        language="en",
        subject="Your address was changed" if channel == EMAIL else "",
        body=f"Your account no longer uses this {what}: it was changed. If that was not you, contact us at once.",
    )
    for channel, what in ((EMAIL, "e-mail address"), (SMS, "number"))
}
"""What is said where the program says nothing."""


def pick_template(
    templates: Sequence[MessageTemplate], otp_type: str, channel: str, language: str | None
) -> MessageTemplate:
    """The template for a code of this type: the member's language counts for more than the type."""
    return _pick(templates, (f"{OTP_EVENT}.{otp_type}", OTP_EVENT), channel, language) or BUILT_IN[channel]


def pick_link_template(templates: Sequence[MessageTemplate], language: str | None) -> MessageTemplate:
    """The template for a link to sign in, which goes by e-mail."""
    return _pick(templates, (LINK_EVENT,), EMAIL, language) or BUILT_IN_LINK


def pick_notice_template(templates: Sequence[MessageTemplate], channel: str, language: str | None) -> MessageTemplate:
    """The template of the notice that goes to an address which a member had until now."""
    return _pick(templates, (ADDRESS_EVENT,), channel, language) or BUILT_IN_NOTICE[channel]


def pick_event_template(
    templates: Sequence[MessageTemplate], event: str, channel: str, language: str | None
) -> MessageTemplate | None:
    """The template that tells of what happened; None where the program says nothing of it by this channel."""
    return _pick(templates, (event,), channel, language)


def _pick(
    templates: Sequence[MessageTemplate], events: Sequence[str], channel: str, language: str | None
) -> MessageTemplate | None:
    known = {(fold_language(one.language), one.event): one for one in templates if one.channel == channel}
    for spoken in _languages(language):
        for event in events:
            if (spoken, event) in known:
                return known[spoken, event]
    return None


def _languages(language: str | None) -> Iterator[str | None]:
    tag = fold_language(language)
    if tag:
        yield tag
        yield tag.partition("-")[0]
    yield None


def fold_language(language: str | None) -> str | None:
    """A language tag in its one form: `de-AT` and `de_at` are the same."""
    return (language or "").strip().replace("_", "-").casefold() or None


def placeholders(text: str) -> list[str]:
    """The names in braces."""
    return _PLACEHOLDER.findall(text)


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled in; braces around anything else stay."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)
