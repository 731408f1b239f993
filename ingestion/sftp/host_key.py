"""The keys that the server is known by: Ed25519, and ECDSA for clients that are too old for that."""

from collections.abc import Callable, Mapping
from io import StringIO

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ecdsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from paramiko import ECDSAKey, Ed25519Key, PKey, SSHException

_MAKERS: Mapping[str, Callable[[], Ed25519PrivateKey | EllipticCurvePrivateKey]] = {
    "ed25519": Ed25519PrivateKey.generate,
    "ecdsa": lambda: generate_ecdsa(SECP256R1()),
}
_READERS: Mapping[str, type[PKey]] = {"ed25519": Ed25519Key, "ecdsa": ECDSAKey}

KINDS = tuple(_READERS)
"""The kinds of host keys, the first one that a client takes being used."""


class HostKeyDamaged(Exception):
    """What was kept is no key of its kind."""


def make_host_key(kind: str) -> str:
    """A new key, as text to be kept where nobody else reads it."""
    return _MAKERS[kind]().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def read_host_key(kind: str, text: str) -> PKey:
    """A key that was kept. Raises HostKeyDamaged."""
    try:
        return _READERS[kind].from_private_key(StringIO(text))
    except (SSHException, ValueError, IndexError) as error:
        raise HostKeyDamaged(kind) from error
