"""Token, create, insert, check, redeem, reverse, statement, with nothing but a generated client.

Runs in the environment of the generator: `python generated_client_walk.py URL CLIENT_ID CLIENT_SECRET`.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

PACKAGE = "tessera_rest_v_1_client"
MEMBER = {"RelationReference": "G-1"}


def _operation(group: str, name: str) -> Any:
    return importlib.import_module(f"{PACKAGE}.api.{group}.v_1_{name}")


def _body(name: str, **values: Any) -> Any:
    return getattr(importlib.import_module(f"{PACKAGE}.models"), name).from_dict(values)


def _walk(url: str, client_id: str, client_secret: str) -> dict[str, Any]:
    client_module = importlib.import_module(f"{PACKAGE}.client")
    identity = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    issued = _operation("auth", "token").sync(
        client=client_module.Client(base_url=url), body=_body("V1TokenJsonBody", **identity)
    )
    client = client_module.AuthenticatedClient(base_url=url, token=issued.access_token)
    return {**_earned(client), **_spent(client)}


def _earned(client: Any) -> dict[str, Any]:
    created = _operation("members", "create_profile_with_attributes").sync(
        client=client, body=_body("V1CreateProfileWithAttributesBody", relation_reference="G-1", status="1")
    )
    inserted = _operation("transactions", "insert_transaction_data").sync_detailed(
        client=client,
        body=_body(
            "V1InsertTransactionDataBody",
            transaction_id="T-1",
            amount=100,
            transaction_date="2026-02-03",
            transaction_type="DR",
            member_relation_reference="G-1",
            product_code="SHOP",
        ),
    )
    available = _operation("redemption", "check_availability").sync(
        client=client, body=_body("V1CheckAvailabilityBody", **MEMBER)
    )
    return {
        "created": created.return_object,
        "inserted": inserted.parsed.return_object,
        "points_awarded": inserted.headers["x-points-awarded"],
        "available": available.return_object,
    }


def _spent(client: Any) -> dict[str, Any]:
    redeem = _operation("redemption", "redeem_points")
    too_much = redeem.sync(
        client=client, body=_body("V1RedeemPointsBody", **MEMBER, Points=1000, MerchantName="Corner Shop")
    )
    order = {"body": _body("V1RedeemPointsBody", **MEMBER, Points=20, MerchantName="Corner Shop")}
    first, again = (redeem.sync_detailed(client=client, idempotency_key="order-1", **order) for _ in range(2))
    assert first.parsed.return_object == again.parsed.return_object
    reversal = _operation("redemption", "reversal_points").sync(
        client=client,
        body=_body(
            "V1ReversalPointsBody",
            **MEMBER,
            MerchantName="Corner Shop",
            ExternalReference=first.parsed.return_object,
        ),
    )
    summary = _operation("statements", "get_member_statement_summary").sync(
        client=client, body=_body("V1GetMemberStatementSummaryBody", **MEMBER)
    )
    return {
        "too_much": too_much.error_code,
        "replayed": again.headers["idempotency-replayed"] == "true",
        "reversed": reversal.return_object,
        "balance": summary.return_object.point_balance,
    }


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    sys.stdout.write(json.dumps(_walk(*sys.argv[1:])))
