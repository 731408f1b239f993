"""Mutations of segments."""

from enum import Enum

import strawberry

from resolvers.snapshot import FreezeSegment, freeze_segment
from schema.context import Info
from schema.field import mutation


@strawberry.enum(description="What becomes of the members who are in a snapshot already.")
class SnapshotMode(Enum):
    REPLACE = strawberry.enum_value("REPLACE", description="Who is not taken now is in it no more.")
    APPEND = strawberry.enum_value("APPEND", description="They stay.")


@strawberry.input(description="A snapshot to take of a frozen segment.")
class SegmentFreezeInput:
    segment: str = strawberry.field(description="The segment's name.")
    mode: SnapshotMode = strawberry.field(description="What becomes of those who are in it already.")
    members: list[str] | None = strawberry.field(
        default=None,
        description="The references of the members to take, at most 5000. Null: everybody for whom the segment's "
        "condition holds now.",
    )


@strawberry.type(description="A snapshot that was taken.")
class SegmentFreezePayload:
    segment: str = strawberry.field(description="The segment's name.")
    size: int = strawberry.field(description="How many members it has now.")
    added: int = strawberry.field(description="How many came into it.")
    removed: int = strawberry.field(description="How many are in it no more.")


@strawberry.type
class SegmentMutation:
    @mutation(
        "Take the snapshot of a frozen segment: everybody for whom its condition holds now, or a list. All of it is "
        "seen at once or nothing; refused where another configuration came into force while members were looked at."
    )
    async def segment_freeze(self, info: Info, input: SegmentFreezeInput) -> SegmentFreezePayload | None:
        command = FreezeSegment(
            segment=input.segment, replaces=input.mode is SnapshotMode.REPLACE, members=input.members
        )
        done = await freeze_segment(info.context.changing(), command)
        return SegmentFreezePayload(segment=done.segment, size=done.size, added=done.added, removed=done.removed)
