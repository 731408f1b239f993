"""A connection to a partner's server: to an address that is allowed, and to the host whose key is known."""

import io
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from ipaddress import ip_address

import paramiko

from domain.network import Network, is_allowed
from domain.partner_server import PartnerSecret, PartnerServer

CONNECT_S = 15.0
SILENCE_S = 60.0
"""A server that says nothing for so long is given up."""


class VisitFailed(Exception):
    """The partner's server cannot be visited now; the message says why, and holds no secret."""


@contextmanager
def connected(
    server: PartnerServer, secret: PartnerSecret, networks: Sequence[Network]
) -> Iterator[paramiko.SFTPClient]:
    """A session on a partner's server; blocking. `networks` are allowed besides the internet. Raises VisitFailed."""
    transport: paramiko.Transport | None = None
    try:
        transport = paramiko.Transport(_connect(server, networks))
        transport.banner_timeout = transport.auth_timeout = transport.handshake_timeout = CONNECT_S
        _begin(transport, server)
        _sign_in(transport, server, secret)
        client = paramiko.SFTPClient.from_transport(transport)
        channel = None if client is None else client.get_channel()
        if client is None or channel is None:
            raise VisitFailed("the server gives no SFTP session")
        channel.settimeout(SILENCE_S)
        yield client
    except (paramiko.SSHException, EOFError, TimeoutError) as error:
        raise VisitFailed(f"{type(error).__name__}: {error}") from error
    finally:
        if transport is not None:
            transport.close()


def rename_over(client: paramiko.SFTPClient, source: str, target: str) -> None:
    """Rename a remote file, whatever has the name already; blocking."""
    try:
        client.posix_rename(source, target)
    except OSError:
        # Servers without that extension rename to no name that is taken.
        with suppress(FileNotFoundError):
            client.remove(target)
        client.rename(source, target)


def _connect(server: PartnerServer, networks: Sequence[Network]) -> socket.socket:
    """A socket to one of the host's addresses: the very one that was looked at, so that its name cannot change."""
    try:
        found = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise VisitFailed(f"{server.host} has no address: {error}") from error
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    if not all(is_allowed(ip_address(one.partition("%")[0]), networks) for one in addresses):
        raise VisitFailed(
            f"{server.host} is in a network that is not visited: TESSERA_VISIT_NETWORKS names those that are"
        )
    failure: OSError | None = None
    for address in addresses:
        try:
            return socket.create_connection((address, server.port), timeout=CONNECT_S)
        except OSError as error:
            failure = error
    raise VisitFailed(f"{server.host} port {server.port} does not answer: {failure}")


def _begin(transport: paramiko.Transport, server: PartnerServer) -> None:
    """Shake hands with the host whose key was pinned, before anything is said that proves who we are."""
    kind, _, rest = server.host_key.partition(" ")
    if rest:
        # Else the server may show a key of another type.
        kinds = ("rsa-sha2-512", "rsa-sha2-256") if kind == "ssh-rsa" else (kind,)
        transport.get_security_options().key_types = kinds
    transport.start_client(timeout=CONNECT_S)
    shown = transport.get_remote_server_key()
    fingerprint = shown.fingerprint
    is_known = shown.get_base64() == rest.split(" ")[0] if rest else fingerprint == server.host_key.rstrip("=")
    if not is_known:
        raise VisitFailed(f"the server has another host key than the one that is known: {fingerprint}")


def _sign_in(transport: paramiko.Transport, server: PartnerServer, secret: PartnerSecret) -> None:
    try:
        if secret.private_key is not None:
            transport.auth_publickey(server.username, _private_key(secret.private_key))
        else:
            transport.auth_password(server.username, secret.password or "")
    except paramiko.AuthenticationException as error:
        raise VisitFailed(f"the server does not let {server.username} in") from error
    if not transport.is_authenticated():
        raise VisitFailed("the server wants more than a key or a password")


def _private_key(text: str) -> paramiko.PKey:
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text))
        except (paramiko.SSHException, ValueError):
            continue
    raise VisitFailed("the private key is of a type that is not supported")
