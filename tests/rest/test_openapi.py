"""The committed document is what the table says, is valid, and holds against generated requests."""

from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from domain.errors import BY_CODE
from rest_compat.envelope import Family
from rest_compat.openapi import OPENAPI_FILE, build_openapi, print_openapi
from rest_compat.routes import OPERATIONS

PAIRS = {
    ("POST", "/oauth/Auth/Token", "/lbms-ingress/oauth/api/Auth/Token"),
    ("POST", "/v1/CreateProfileWithAttributes", "/lbms-ingress/member/api/Member/CreateProfileWithAttributes"),
    ("GET", "/v1/GetMemberProfile", "/lbms-ingress/member/api/Member/GetMemberProfile"),
    (
        "GET",
        "/v1/GetMemberDetailsByUniqueAttribute",
        "/lbms-ingress/member/api/Member/GetMemberDetailsByUniqueAttribute",
    ),
    ("POST", "/v1/UpdateProfileWithAttributes", "/lbms-ingress/member/api/Member/UpdateProfileWithAttributes"),
    (
        "POST",
        "/v1/InsertTransactionData",
        "/lbms-ingress/transaction-lm/API/Transaction/InsertTransactionData",
    ),
    (
        "POST",
        "/v1/InsertTransactionDataV2",
        "/lbms-ingress/transaction-lm/API/Transaction/InsertTransactionDataV2",
    ),
    (
        "GET",
        "/v1/PollTransactionBatchStatus",
        "/lbms-ingress/transaction-lm/API/Transaction/PollTransactionBatchStatus",
    ),
    ("POST", "/v1/CheckAvailability", "/lbms-ingress/pg-lm/API/PG/CheckAvailability"),
    ("POST", "/v1/RedeemPoints", "/lbms-ingress/pg-lm/API/PG/RedeemPoints"),
    ("POST", "/v1/ReversalPoints", "/lbms-ingress/pg-lm/API/PG/ReversalPoints"),
    (
        "POST",
        "/v1/GetMemberStatementSummary",
        "/lbms-ingress/transaction-lm/API/Transaction/GetMemberStatementSummary",
    ),
    (
        "POST",
        "/v1/GetMemberTransactionSummaryByDate",
        "/lbms-ingress/transaction-lm/API/Transaction/GetMemberTransactionSummaryByDate",
    ),
    (
        "POST",
        "/v1/GetMemberCategorizedStatement",
        "/lbms-ingress/transaction-lm/API/Transaction/GetMemberCategorizedStatement",
    ),
    ("POST", "/v1/GetExpirySchedule", "/lbms-ingress/transaction-lm/API/Transaction/GetExpirySchedule"),
}


def test_the_published_paths_are_the_route_table() -> None:
    assert {(row.method, row.path(Family.V1), row.path(Family.LBMS)) for row in OPERATIONS} == PAIRS
    assert [row.number for row in OPERATIONS] == sorted({row.number for row in OPERATIONS})


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
                    assert {BY_CODE[code].status for code in name.split("-")[1:]} == {int(status)}
