"""Public keys of SSH as people hand them in: one line of an OpenSSH file, checked, with its fingerprint."""

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from domain.errors import InvalidRequest

MIN_RSA_BITS, MAX_RSA_BITS = 2048, 8192
MAX_KEY_CHARACTERS = 4096
MAX_LABEL = 100
_KINDS = "ssh-ed25519, ecdsa-sha2-nistp256, -384 or -521, or ssh-rsa"


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicKey:
    """`line`: algorithm and key as OpenSSH writes them. `fingerprint`: as `ssh-keygen -l` shows it."""

    line: str
    fingerprint: str
    comment: str


def fingerprint_of_key(blob: bytes) -> str:
    """The SHA-256 fingerprint of a key as it goes over the wire."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def read_public_key(text: str) -> PublicKey:
    """A key that may open a login. Raises InvalidRequest with the sentence that says what is wrong with it."""
    line = text.strip()
    if "PRIVATE KEY" in line or line.startswith("PuTTY-User-Key-File"):
        # Whoever has it by now could have read it on the way: the sentence says what to do about that.
        raise _refused("this is a private key, which belongs to its owner alone: make a new pair and hand in the .pub")
    if line.startswith("---- BEGIN SSH2"):
        raise _refused("convert it to one line of OpenSSH first: ssh-keygen -i -f FILE")
    if not 0 < len(line) <= MAX_KEY_CHARACTERS:
        raise _refused(f"1 to {MAX_KEY_CHARACTERS} characters")
    if len(line.splitlines()) > 1:
        raise _refused("has several lines: one key at a time")
    algorithm, _, rest = line.partition(" ")
    encoded, _, comment = rest.strip().partition(" ")
    _check(algorithm, encoded)
    return PublicKey(
        line=f"{algorithm} {encoded}",
        fingerprint=fingerprint_of_key(base64.b64decode(encoded)),
        comment="".join(one for one in comment.strip() if one.isprintable())[:MAX_LABEL],
    )


def _check(algorithm: str, encoded: str) -> None:
    if algorithm == "ssh-dss":
        raise _refused("DSA keys are too weak to be taken")
    if algorithm.endswith("-cert-v01@openssh.com"):
        raise _refused("is a certificate: hand in the key itself")
    if algorithm.startswith("sk-"):
        raise _refused(f"keys of security tokens are not taken: {_KINDS}")
    try:
        base64.b64decode(encoded, validate=True)
        key = load_ssh_public_key(f"{algorithm} {encoded}".encode())
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        raise _refused(f"is no public key as OpenSSH writes it: {_KINDS}, then the key") from None
    if isinstance(key, RSAPublicKey):
        if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            raise _refused(f"an RSA key of {key.key_size} bits is not taken: {MIN_RSA_BITS} to {MAX_RSA_BITS}")
    elif not isinstance(key, Ed25519PublicKey | EllipticCurvePublicKey):
        raise _refused(f"only {_KINDS}")


def _refused(why: str) -> InvalidRequest:
    return InvalidRequest(f"public_key: {why}", field="public_key")
