"""Mutations of referrals."""

import strawberry

from resolvers.referral import issue_referral_code
from schema.context import Info
from schema.field import mutation
from schema.types.member import Member, to_member


@strawberry.input(description="A member who is to have a referral code.")
class MemberReferralCodeIssueInput:
    relation_reference: str | None = strawberry.field(
        default=None, description="The member's reference; null with a member's own token."
    )


@strawberry.type(description="The member with its referral code.")
class MemberReferralCodePayload:
    member: Member = strawberry.field(description="The member.")
    replayed: bool = strawberry.field(description="The member had a code, and keeps it.")


@strawberry.type
class ReferralMutation:
    @mutation("Give a referral code to a member who was enrolled while referrals were off; one that has one keeps it.")
    async def member_referral_code_issue(
        self, info: Info, input: MemberReferralCodeIssueInput
    ) -> MemberReferralCodePayload | None:
        issued = await issue_referral_code(info.context.changing(), input.relation_reference)
        return MemberReferralCodePayload(member=to_member(issued.member, info.context), replayed=issued.replayed)
