"""The error table: every refusal that any surface can give is declared here, once.

An error is a subclass of `TesseraError`; REST, GraphQL, files and the command line all render the
same declaration. Codes 1300 to 1399 are for errors that the published v1 API does not know.
"""

from domain import catalog_errors as catalog_errors
from domain.errors_administration import AdministratorExists as AdministratorExists
from domain.errors_administration import AdministratorNotFound as AdministratorNotFound
from domain.errors_administration import ApprovalNeeded as ApprovalNeeded
from domain.errors_administration import DeciderNotIndependent as DeciderNotIndependent
from domain.errors_administration import LinkInvalid as LinkInvalid
from domain.errors_administration import RoleInUse as RoleInUse
from domain.errors_administration import SecondFactorNeeded as SecondFactorNeeded
from domain.errors_administration import WebhookAddressRefused as WebhookAddressRefused
from domain.errors_administration import WebhookNotFound as WebhookNotFound
from domain.refusal import CATALOGUE as CATALOGUE
from domain.refusal import TesseraError as TesseraError

# Requests that never reach a use case.


class PathNotFound(TesseraError, code="404", status=404, message="No such path"):
    """No operation stands at this path."""


class MethodNotAllowed(TesseraError, code="405", status=405, message="Method not allowed"):
    """The path exists, the method does not."""


class BodyTooLarge(TesseraError, code="413", status=413, message="Body too large"):
    """The request body is over the limit."""


class NotJson(TesseraError, code="415", status=415, message="Not JSON"):
    """The body is of another content type."""


class Unauthorized(TesseraError, code="401", status=401, message="Unauthorized"):
    """No token, a lapsed one, or wrong credentials; never says which."""


class Forbidden(TesseraError, code="403", status=403, message="Forbidden"):
    """The principal may not do this, or the token is bound to another member or program."""


class TooManyRequests(TesseraError, code="429", status=429, message="Too many requests"):
    """A rate limit was reached; `Retry-After` says when to come back."""


class BadRequest(
    TesseraError,
    code="999",
    status=400,
    message="Bad request",
    document_codes=("GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"),
):
    """Something is missing, cannot be parsed or is of the wrong type."""


class InvalidRequest(TesseraError, code="998", status=400, message="Invalid request"):
    """Everything parses, but a value is not allowed."""


class KeyReused(TesseraError, code="409", status=409, message="Idempotency key reused with another body"):
    """The key, or the client-chosen reference, already stands for another request."""


class UnexpectedFailure(TesseraError, code="997", status=500, message="Exception occurred"):
    """A surprise: logged with the request id, never described to the caller."""


class ServiceUnavailable(TesseraError, code="503", status=503, message="Database away, try again"):
    """The database cannot be reached now; the outcome of a write is unknown until retried with its key."""


class MemberNotFound(TesseraError, code="103", status=404, message="Member does not exist"):
    """Nobody in this program has this reference."""


class UpdateFailed(TesseraError, code="104", status=500, message="Failed to update member profile"):
    """The profile could not be stored."""


class InvalidProductCode(TesseraError, code="105", status=400, message="Invalid product code"):
    """The product or sub product code is not on the program's list."""


class InvalidAttribute(TesseraError, code="106", status=400, message="Invalid attribute value"):
    """An attribute is unknown, or its value does not fit its definition; the detail names it."""


class MemberNotActive(TesseraError, code="107", status=422, message="Member status is not Active", binds_key=True):
    """The operation needs an active member."""


class MemberCancelled(TesseraError, code="113", status=422, message="Member is cancelled", binds_key=True):
    """Status 4."""


class MemberSuspended(TesseraError, code="114", status=422, message="Member is suspended", binds_key=True):
    """Status 2."""


class MembershipBlocked(TesseraError, code="115", status=422, message="Membership is blocked", binds_key=True):
    """Status 6."""


class LoginBlocked(TesseraError, code="116", status=422, message="Login is blocked", binds_key=True):
    """Status 3. The credential check answers the same code with HTTP 401."""


class InvalidCredentials(TesseraError, code="117", status=401, message="Invalid credentials"):
    """Wrong password, or nobody has this reference; never says which."""


class SubRelationAmbiguous(TesseraError, code="118", status=409, message="Sub-relation matches several members"):
    """The card or identifier stands on more than one member; name the member instead."""


class SubRelationLinked(TesseraError, code="119", status=409, message="Sub-relation already linked"):
    """The member has this card or this identifier already, as part of another pair."""


class DuplicateRecord(TesseraError, code="E201", status=409, message="Duplicate record"):
    """The reference, or the `transaction_id` of a `DR`, is taken."""


class MemberNonexistent(TesseraError, code="E202", status=404, message="Member nonexistent"):
    """No member of this program has this `Id`."""


class CancelledMemberUpdate(TesseraError, code="E204", status=422, message="Record updation failed — cancelled member"):
    """A cancelled member's profile is closed."""


class DuplicateEmail(TesseraError, code="E205", status=409, message="Duplicate Email: The email already exists"):
    """Another member of the program has this e-mail address."""


class DuplicateMobile(
    TesseraError, code="E206", status=409, message="Duplicate Mobile: The mobile number already exists"
):
    """Another member of the program has this mobile number."""


class DuplicateAttribute(TesseraError, code="E207", status=409, message="Duplicate unique attribute"):
    """Another member of the program has this value of a unique attribute."""


class OtpInvalid(TesseraError, code="130", status=400, message="OTP invalid or expired"):
    """Wrong, used, expired, of another type, or never sent."""


class OtpAttemptsExceeded(TesseraError, code="131", status=400, message="OTP attempts exceeded"):
    """The code's tries, or the member's guesses of the hour, are used up: the right code is refused as well."""


class OtpTooOften(TesseraError, code="132", status=429, message="OTP requested too often"):
    """As many codes as an hour has were sent to the member or asked for from the address; see `Retry-After`."""


class InsertFailed(TesseraError, code="006", status=500, message="Insert failed"):
    """The transaction could not be stored."""


class AwardFailed(TesseraError, code="201", status=500, message="Failed to award points"):
    """The rules ran, the posting failed; nothing was stored."""


class AccrualNotAllowed(TesseraError, code="128", status=422, message="Accrual is not allowed", binds_key=True):
    """Accrual is switched off for this member."""


class PointsNotPositive(TesseraError, code="120", status=422, message="Points must be greater than zero"):
    """Zero or fewer points, once what is beyond five decimals is cut."""


class InsufficientPoints(TesseraError, code="121", status=422, message="Insufficient point balance", binds_key=True):
    """The available balance is smaller than what was asked for."""


class AlreadyReversed(TesseraError, code="122", status=409, message="Redemption already reversed"):
    """The redemption was reversed before; the detail says when."""


class RedemptionNotFound(TesseraError, code="123", status=404, message="No such redemption or request"):
    """Unknown, of another program, or not a redemption."""


class ReferenceOfAnother(
    TesseraError, code="124", status=422, message="Reference belongs to another member or merchant"
):
    """The redemption was made by another member or at another merchant."""


class BelowMinimum(TesseraError, code="125", status=422, message="Below the redemption minimum", binds_key=True):
    """The program redeems no fewer points than its minimum."""


class HeldForReview(TesseraError, code="129", status=422, message="Held for review", binds_key=True):
    """A redemption over a threshold of the program is refused; or somebody rejected a transaction that was held."""


class PendingRequestExists(TesseraError, code="126", status=409, message="A pending request exists"):
    """One request to pay with rewards may be pending for each member."""


class RequestNotPending(TesseraError, code="127", status=409, message="Request is no longer pending"):
    """The hold or request was settled, cancelled or decided before, or its time is over."""


class NoTransactions(TesseraError, code="204", status=404, message="No Transaction details are available"):
    """The transaction types asked for cannot be combined or do not exist."""


class MerchantMissing(TesseraError, code="208", status=400, message="Merchant name missing"):
    """A redemption or reversal needs the merchant's name."""


# Errors that only GraphQL, files, the portal or the command line have.


class ConfigurationRefused(TesseraError, code="1300", status=400, message="Configuration refused"):
    """The configuration does not hold; the detail lists paths and what is wrong there."""


class BatchRefused(TesseraError, code="1301", status=409, message="File refused"):
    """The file is misnamed, was seen before, or cannot be read; nothing of it was processed."""


class InvalidRow(TesseraError, code="1302", status=400, message="Row cannot be read"):
    """The row does not have the columns of the header, or is not text."""


class ProgramNotFound(TesseraError, code="1303", status=404, message="Program does not exist"):
    """No program has this id in this environment."""


class QueryTooComplex(TesseraError, code="1304", status=400, message="Operation is too complex"):
    """The document passes a limit on depth, aliases, fields, directives or cost."""


class PersistedQueryNotFound(
    # What clients of Apollo's protocol look for, in the message or the code; then they send the document.
    TesseraError,
    code="1350",
    status=404,
    message="PersistedQueryNotFound",
    graphql_code="PERSISTED_QUERY_NOT_FOUND",
):
    """No document is known by this id or hash: send its text beside the hash."""


class DocumentNotTrusted(TesseraError, code="1351", status=403, message="Document is not on the list"):
    """This deployment runs only the documents of its list."""


class IntrospectionDisabled(
    TesseraError,
    code="1352",
    status=400,
    message="GraphQL introspection is off",
    graphql_code="GRAPHQL_VALIDATION_FAILED",
):
    """Clients of this deployment may not read the schema."""


class MergeRefused(TesseraError, code="1310", status=409, message="Members cannot be merged or parted"):
    """Points of the victim are held, or something that moved was spent or refunded; the detail says what."""


class ConfigurationChanged(TesseraError, code="1305", status=409, message="Configuration changed meanwhile"):
    """The version that the change was made from is in force no longer; the detail names the one that is."""


class SubRelationNotFound(TesseraError, code="1330", status=404, message="Sub-relation does not exist"):
    """No sub-relation of this program has this id."""


class SftpLoginNotFound(TesseraError, code="1360", status=404, message="SFTP login does not exist"):
    """No login of this program that is not revoked has this username."""


class ReferralRefused(TesseraError, code="1340", status=422, message="Referral code is not accepted"):
    """Unknown, of a member who is not active, or referrals are off; the detail says which."""


class ProofNeeded(TesseraError, code="1342", status=403, message="A fresh proof is needed"):
    """A member changes where it is reached, and has not just proved who it is; the detail says how."""


class TierNotManual(TesseraError, code="1341", status=409, message="Tiers are not given by hand"):
    """The program has no tiers, or they follow what members earn; the detail says which."""


BY_CODE: dict[str, type[TesseraError]] = {error.code: error for error in CATALOGUE.values()}
"""Every declared error by its v1 code."""
