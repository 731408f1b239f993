"""The committed document is what the table says, is valid, and holds against generated requests."""

from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from domain.errors import BY_CODE
from rest_compat.envelope import Family
from rest_compat.example import example_body
from rest_compat.openapi import OPENAPI_FILE, build_openapi, print_openapi
from rest_compat.page import index_page, operation_pages
from rest_compat.refusal import errors_of
from rest_compat.routes import OPERATIONS

_OAUTH, _MEMBER = "/lbms-ingress/oauth/api/Auth", "/lbms-ingress/member/api/Member"
_TRANSACTION, _REDEMPTION = "/lbms-ingress/transaction-lm/API/Transaction", "/lbms-ingress/pg-lm/API/PG"

PUBLISHED = (
    (1, "Token", "POST", _OAUTH),
    (2, "CreateProfileWithAttributes", "POST", _MEMBER),
    (3, "GetMemberProfile", "GET", _MEMBER),
    (4, "GetMemberDetailsByUniqueAttribute", "GET", _MEMBER),
    (5, "UpdateProfileWithAttributes", "POST", _MEMBER),
    (6, "CreateSubRelation", "POST", _MEMBER),
    (7, "GetSubRelations", "GET", _MEMBER),
    (8, "InsertTransactionData", "POST", _TRANSACTION),
    (9, "InsertTransactionDataV2", "POST", _TRANSACTION),
    (10, "PollTransactionBatchStatus", "GET", _TRANSACTION),
    (11, "TransferPoints", "POST", _TRANSACTION),
    (12, "CheckAvailability", "POST", _REDEMPTION),
    (13, "RedeemPoints", "POST", _REDEMPTION),
    (14, "ReversalPoints", "POST", _REDEMPTION),
    (15, "CreatePayWithRewards", "POST", _REDEMPTION),
    (16, "CancelPayWithRewards", "POST", _REDEMPTION),
    (17, "ListPayWithRewards", "GET", _REDEMPTION),
    (18, "GetPayWithRewards", "GET", _REDEMPTION),
    (19, "GetMemberStatementSummary", "POST", _TRANSACTION),
    (20, "GetMemberTransactionSummaryByDate", "POST", _TRANSACTION),
    (21, "GetMemberCategorizedStatement", "POST", _TRANSACTION),
    (22, "GetExpirySchedule", "POST", _TRANSACTION),
    (23, "CheckMembershipCredentialsByRelationReference", "POST", _MEMBER),
    (24, "GenerateOTP", "POST", _MEMBER),
    (25, "VerifyOTP", "POST", _MEMBER),
    (26, "GenerateOTPByRelationReference", "POST", _MEMBER),
    (27, "VerifyOTPByRelationReference", "POST", _MEMBER),
)
"""The contract: number, operation, method and lbms prefix of all 27."""

PAIRS = [
    (number, method, "/oauth/Auth/Token" if number == 1 else f"/v1/{name}", f"{prefix}/{name}")
    for number, name, method, prefix in PUBLISHED
]


def test_the_published_paths_are_the_route_table() -> None:
    built = [(row.number, row.method, row.path(Family.V1), row.path(Family.LBMS)) for row in OPERATIONS]
    assert built == PAIRS


def test_members_may_call_what_the_contract_lets_them_call() -> None:
    for_members = {3, 7, 11, 12, 13, *range(15, 23), *range(24, 28)}
    assert {row.number for row in OPERATIONS if row.for_members} == for_members


def test_the_committed_document_is_what_the_table_says() -> None:
    assert OPENAPI_FILE.read_text(encoding="utf-8") == print_openapi(), "run make snapshots"


def test_the_document_is_valid() -> None:
    validate(build_openapi())


def test_every_code_has_its_status_and_an_example_that_fits() -> None:
    document = build_openapi()
    components = document["components"]
    assert components["responses"]
    for name, response in components["responses"].items():
        content = response["content"]["application/json"]
        checker = Draft202012Validator({**content["schema"], "components": components})
        for code, reference in content["examples"].items():
            example = components["examples"][reference["$ref"].rpartition("/")[2]]["value"]
            checker.validate(example)
            assert (example.get("results") or example)["ErrorCode"] == code, name
    for path in document["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                if "$ref" in response:
                    name = response["$ref"].rpartition("/")[2]
                    statuses = {BY_CODE[code].status for code in name.split("-")[1:]}
                    if operation["operationId"].endswith("CheckMembershipCredentialsByRelationReference"):
                        # To whom a login is refused the published API says 401, whatever the reason.
                        statuses -= {BY_CODE["116"].status} if status == "401" else set()
                    assert statuses == {int(status)}


def test_the_example_of_every_answer_fits_its_schema() -> None:
    for path, item in build_openapi()["paths"].items():
        for operation in item.values():
            for status, response in operation["responses"].items():
                for content in response.get("content", {}).values():
                    assert status.startswith("2"), path
                    Draft202012Validator(content["schema"]).validate(content["example"])


def test_the_example_of_every_request_is_read_without_a_complaint() -> None:
    for row in OPERATIONS:
        if row.body is not None:
            reading = row.body.match(example_body(row.body))
            assert not reading.extra, row.name
            assert row.body.fill(reading).refusal is None, row.name


def test_the_page_of_an_operation_tells_fields_answer_and_every_error_in_order() -> None:
    pages = operation_pages()
    assert list(pages) == [row.name for row in OPERATIONS]
    for row in OPERATIONS:
        page = pages[row.name]
        assert page.startswith(f"# {row.name}\n")
        for table in (row.query, row.body):
            assert all(f"| `{one.name}` |" in page for one in (table.fields if table else ())), row.name
        told = [line.split("|")[1].strip(" `") for line in page.partition("## Errors")[2].splitlines() if "| `" in line]
        assert told == [error.code for error in errors_of(row)], row.name
        assert row.name in index_page()
