"""Mutations by which members prove themselves: one-time codes, passwords, secrets of other systems."""

from datetime import datetime
from enum import Enum

import strawberry

from domain.errors import BadRequest
from domain.password import Scheme
from resolvers.otp import GenerateOtp, VerifyOtp, generate_otp, verify_otp
from resolvers.password import ImportSecret, SecretChanged, SetPassword, import_secret, set_password
from resolvers.subject import Named
from schema.context import Info, RequestContext
from schema.field import field, mutation
from schema.mutations.idempotency import read_key
from schema.types.member import Member, load_answering


@strawberry.enum(description="What a one-time code is for: the published types.")
class OtpType(Enum):
    ACTIVATION = strawberry.enum_value("ACTIVATION", description="Makes an inactive member active.")
    LOGIN = strawberry.enum_value("LOGIN", description="A login.")
    FORGOTPWD = strawberry.enum_value("FORGOTPWD", description="A forgotten password: allows one change.")
    CHANGEPASSWORD = strawberry.enum_value(
        "CHANGEPASSWORD", description="A change of the password that the caller makes."
    )
    RESETPASSWORD = strawberry.enum_value("RESETPASSWORD", description="A password that is reset: allows one change.")
    FORGOTUSERNAME = strawberry.enum_value("FORGOTUSERNAME", description="A forgotten user name.")
    TwoFA = strawberry.enum_value(
        "TwoFA", description="A second factor: allows the member one change of its own addresses."
    )
    UNBLOCKMEMBER = strawberry.enum_value("UNBLOCKMEMBER", description="Lifts a blocked login.")
    NONE = strawberry.enum_value("NONE", description="Anything else.")
    CASHBACKCONFIRM = strawberry.enum_value("CASHBACKCONFIRM", description="Cashback.")
    POINTTRANSFERCONFIRM = strawberry.enum_value("POINTTRANSFERCONFIRM", description="A transfer of points.")
    FAMILYPOOLINGMERGE = strawberry.enum_value("FAMILYPOOLINGMERGE", description="Joining a family's points.")
    FAMILYPOOLINGUNMERGE = strawberry.enum_value("FAMILYPOOLINGUNMERGE", description="Leaving a family's points.")
    AIRREVIEWNCONFIRM = strawberry.enum_value("AIRREVIEWNCONFIRM", description="Confirming a flight.")
    DOMESTICFLIGHTREVIEWNCONFIRM = strawberry.enum_value(
        "DOMESTICFLIGHTREVIEWNCONFIRM", description="Confirming a domestic flight."
    )
    HOTELREVIEWNCONFIRM = strawberry.enum_value("HOTELREVIEWNCONFIRM", description="Confirming a hotel.")
    CARREVIEWNCONFIRM = strawberry.enum_value("CARREVIEWNCONFIRM", description="Confirming a car.")
    GIFTCARDREVIEWNCONFIRM = strawberry.enum_value("GIFTCARDREVIEWNCONFIRM", description="Confirming a gift card.")
    PACKAGEREVIEWNCONFIRM = strawberry.enum_value("PACKAGEREVIEWNCONFIRM", description="Confirming a package.")
    SHOPREVIEWNCONFIRM = strawberry.enum_value("SHOPREVIEWNCONFIRM", description="Confirming a purchase.")
    SHOPDIGITALREVIEWNCONFIRM = strawberry.enum_value(
        "SHOPDIGITALREVIEWNCONFIRM", description="Confirming a digital purchase."
    )
    MERCHANTREVIEWNCONFIRM = strawberry.enum_value(
        "MERCHANTREVIEWNCONFIRM", description="Confirming a merchant's offer."
    )
    ISPREVIEWNCONFIRM = strawberry.enum_value(
        "ISPREVIEWNCONFIRM", description="Confirming a payment to an internet provider."
    )
    INSURANCEREVIEWNCONFIRM = strawberry.enum_value("INSURANCEREVIEWNCONFIRM", description="Confirming an insurance.")


@strawberry.enum(description="What an imported secret is.")
class SecretScheme(Enum):
    PLAIN = strawberry.enum_value(
        "plain", description="What callers send: the password, or always the same hash of it."
    )
    BCRYPT = strawberry.enum_value("bcrypt", description="bcrypt (`$2b$…`) of a cost of 4 to 12.")
    MD5 = strawberry.enum_value("md5", description="MD5 of the password, in hexadecimal.")
    MD5_SALT_FIRST = strawberry.enum_value("md5-salt-first", description="MD5 of the salt and then the password.")
    MD5_SALT_LAST = strawberry.enum_value("md5-salt-last", description="MD5 of the password and then the salt.")


@strawberry.input(description="A member who is to be sent a one-time code: by reference, or by e-mail address.")
class OtpGenerateInput:
    otp_type: OtpType = strawberry.field(description="What the code is for.")
    relation_reference: str | None = strawberry.field(
        default=None, description="The member's reference; null with an e-mail address or a member's own token."
    )
    email: str | None = strawberry.field(
        default=None, description="The member's e-mail address; the code then goes there."
    )
    source_address: str | None = strawberry.field(
        default=None, description="From where the person asks: it counts towards limits, and no code goes there."
    )
    idempotency_key: str | None = strawberry.field(default=None, description="Makes a repetition harmless.")


@strawberry.input(description="A one-time code to verify, of a member named by reference or by e-mail address.")
class OtpVerifyInput:
    otp_type: OtpType = strawberry.field(description="What the code is for.")
    code: str = strawberry.field(description="The code.")
    relation_reference: str | None = strawberry.field(
        default=None, description="The member's reference; null with an e-mail address or a member's own token."
    )
    email: str | None = strawberry.field(default=None, description="The member's e-mail address.")
    source_address: str | None = strawberry.field(
        default=None, description="From where the person answers: it counts towards limits."
    )
    idempotency_key: str | None = strawberry.field(default=None, description="Makes a repetition harmless.")


@strawberry.type(
    description="That it was done. Of a code that was sent it says nothing about whether there is a member."
)
class OtpPayload:
    done: bool = strawberry.field(description="True: everything else is an error.")
    replayed: bool = strawberry.field(description="The idempotency key had run before: nothing was done again.")


@strawberry.input(
    description="A new password. It needs the old one, a verified RESETPASSWORD or FORGOTPWD code, or a session of the "
    "member that began with a code or a link within the last ten minutes and has set none yet."
)
class PasswordSetInput:
    password: str = strawberry.field(description="8 to 128 characters, whatever they are.")
    old_password: str | None = strawberry.field(
        default=None,
        description="Null: a code was verified, or the member signed in with one or with a link, within ten minutes.",
    )
    relation_reference: str | None = strawberry.field(
        default=None, description="The member's reference; null with a member's own token."
    )
    idempotency_key: str | None = strawberry.field(default=None, description="Makes a repetition harmless.")


@strawberry.input(description="A member's secret of another system, as that system kept it.")
class MemberSecretImportInput:
    relation_reference: str = strawberry.field(description="The member's reference.")
    secret: str = strawberry.field(description="The secret; it is stored as argon2id of this very text.")
    scheme: SecretScheme = strawberry.field(default=SecretScheme.PLAIN, description="What the secret is.")
    salt: str = strawberry.field(default="", description="The salt of a salted MD5.")
    force_change: bool = strawberry.field(default=False, description="The member is to choose a new password.")
    idempotency_key: str | None = strawberry.field(default=None, description="Makes a repetition harmless.")


@strawberry.type(description="Whose secret is another now.")
class MemberSecretPayload:
    changed_at: datetime = strawberry.field(description="When it was changed.")
    replayed: bool = strawberry.field(description="The idempotency key had run before: nothing was done again.")
    member_id: strawberry.Private[int]

    @field("The member.")
    async def member(self, info: Info) -> Member | None:
        return await load_answering(self.member_id, info.context)


@strawberry.type
class MemberAuthMutation:
    @mutation(
        "Send a one-time code to an address of the member's own. Whether there is such a member does not show: neither "
        "in the answer nor in the limits."
    )
    async def otp_generate(self, info: Info, input: OtpGenerateInput) -> OtpPayload | None:
        command = GenerateOtp(
            named=_named(input, info.context),
            otp_type=str(input.otp_type.value),
            address=input.source_address,
            idempotency_key=read_key(input.idempotency_key, info.context),
        )
        done = await generate_otp(info.context.changing(), command)
        return OtpPayload(done=True, replayed=done.replayed)

    @mutation(
        "Verify a one-time code, once. ACTIVATION makes an inactive member active, UNBLOCKMEMBER lifts a blocked "
        "login; within ten minutes RESETPASSWORD and FORGOTPWD allow one `passwordSet`, TwoFA one `memberUpdate` by "
        "which the member changes its own addresses."
    )
    async def otp_verify(self, info: Info, input: OtpVerifyInput) -> OtpPayload | None:
        command = VerifyOtp(
            named=_named(input, info.context),
            otp_type=str(input.otp_type.value),
            code=input.code.strip(),
            address=input.source_address,
            idempotency_key=read_key(input.idempotency_key, info.context),
        )
        done = await verify_otp(info.context.changing(), command)
        return OtpPayload(done=True, replayed=done.replayed)

    @mutation(
        "Set a member's password. It ends a lockout after wrong passwords, and all sessions of the member but the one "
        "that sets it."
    )
    async def password_set(self, info: Info, input: PasswordSetInput) -> MemberSecretPayload | None:
        command = SetPassword(
            password=input.password,
            relation_reference=input.relation_reference,
            old_password=input.old_password,
            idempotency_key=read_key(input.idempotency_key, info.context),
        )
        return _payload(await set_password(info.context.changing(), command), info.context)

    @mutation("Take over a member's secret from another system. For servers and administrators.")
    async def member_secret_import(self, info: Info, input: MemberSecretImportInput) -> MemberSecretPayload | None:
        command = ImportSecret(
            relation_reference=input.relation_reference,
            secret=input.secret,
            scheme=Scheme(str(input.scheme.value)),
            salt=input.salt,
            force_change=input.force_change,
            idempotency_key=read_key(input.idempotency_key, info.context),
        )
        return _payload(await import_secret(info.context.changing(), command), info.context)


def _named(input: OtpGenerateInput | OtpVerifyInput, context: RequestContext) -> Named:
    """Who is meant. Raises BadRequest where two names are given: they might be of two members."""
    if input.email is not None and input.relation_reference is not None:
        raise BadRequest("email: not together with relationReference", field="email")
    if input.email is not None:
        return Named(email=input.email)
    return Named(reference=input.relation_reference or context.ctx.principal.member_reference)


def _payload(changed: SecretChanged, context: RequestContext) -> MemberSecretPayload:
    return MemberSecretPayload(
        changed_at=context.local(changed.changed_at), replayed=changed.replayed, member_id=changed.member_id
    )
