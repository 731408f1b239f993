"""Standard OAuth client libraries get a token from a running server, and call an operation with it."""

from collections.abc import Callable
from typing import Any

import pytest
from authlib.integrations.base_client.errors import OAuthError  # type: ignore[import-untyped]
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession  # type: ignore[import-untyped]
from oauthlib.oauth2 import BackendApplicationClient, InvalidClientError, InvalidScopeError  # type: ignore[import-untyped]
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session as RequestsSession  # type: ignore[import-untyped]

from tests.shell.command import Deployment

PATHS = ("/oauth/Auth/Token", "/lbms-ingress/oauth/api/Auth/Token")

Connect = Callable[[str, str, str, str | None], Any]
"""A session with a token, from the endpoint, the client id, its secret and a scope."""


def _authlib(method: str) -> Connect:
    def connect(endpoint: str, client_id: str, secret: str, scope: str | None) -> Any:
        session = AuthlibSession(client_id, secret, scope=scope, token_endpoint_auth_method=method)
        session.fetch_token(endpoint, grant_type="client_credentials")
        return session

    return connect


def _requests_basic(endpoint: str, client_id: str, secret: str, scope: str | None) -> Any:
    session = RequestsSession(client=BackendApplicationClient(client_id=client_id, scope=scope))
    session.fetch_token(endpoint, auth=HTTPBasicAuth(client_id, secret))
    return session


def _requests_body(endpoint: str, client_id: str, secret: str, scope: str | None) -> Any:
    session = RequestsSession(client=BackendApplicationClient(client_id=client_id, scope=scope))
    session.fetch_token(endpoint, client_id=client_id, client_secret=secret, include_client_id=True)
    return session


CLIENTS: dict[str, Connect] = {
    "authlib with Basic": _authlib("client_secret_basic"),
    "authlib with a form": _authlib("client_secret_post"),
    "requests-oauthlib with Basic": _requests_basic,
    "requests-oauthlib with a form": _requests_body,
}


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_standard_clients_get_a_token_and_call_with_it(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    # oauthlib refuses to speak plain HTTP, even with the machine itself.
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    issued = deployment.run("program", "create", "OAuth", "--json").json
    client_id, secret = issued["client_id"], issued["client_secret"]
    with deployment.serving():
        for path in PATHS:
            endpoint = deployment.base_url + path
            for name, connect in CLIENTS.items():
                server = connect(endpoint, client_id, secret, None)
                reference = f"{name} {path}"
                member = {"relation_reference": reference, "status": 1}
                created = server.post(f"{deployment.base_url}/v1/CreateProfileWithAttributes", json=member)
                assert (created.status_code, created.json()["ErrorCode"]) == (200, "000"), name
                app = connect(endpoint, client_id, secret, f'["LOGIN","{reference}"]')
                own = app.get(f"{deployment.base_url}/v1/GetMemberProfile").json()
                assert own["ReturnObject"]["RelationReference"] == reference
                with pytest.raises((OAuthError, InvalidClientError)) as refusal:
                    connect(endpoint, client_id, "wrong", None)
                assert refusal.value.error == "invalid_client"
                with pytest.raises((OAuthError, InvalidScopeError)) as refusal:
                    connect(endpoint, client_id, secret, "everything")
                assert refusal.value.error == "invalid_scope"
