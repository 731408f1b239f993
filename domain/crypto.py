"""Keys: all derived from the deployment's one secret, each for one purpose.

A member's personal information is encrypted under a key of its own, which is stored wrapped; to destroy
that key is to erase the member, in backups too. Look-ups go by keyed hashes, never by clear text.
"""

import hashlib
import hmac
import os
import unicodedata

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from domain.signing import KeyName

_NONCE_BYTES = 12
_KEY_BYTES = 32
# A caller may name any key in a header, so no more are kept than are ever in use.
_SIGNING_KEYS = 64


class KeyRing:
    """The deployment's keys. `secret` is `TESSERA_SECRET_KEY`, at least 32 characters."""

    def __init__(self, secret: str) -> None:
        if len(secret) < 32:
            raise ValueError("TESSERA_SECRET_KEY must have at least 32 characters")
        self._secret = secret.encode()
        self._wrapping = AESGCM(self._derive("member-data-key", 32))
        # Copied for each value: to begin with the key again takes longer than all the rest.
        self._lookup = HMAC(self._derive("lookup-hash", 32), SHA256())
        self._codes = self._derive("one-time-code", 32)
        self._refresh = self._derive("refresh-token", 32)
        self._queued = AESGCM(self._derive("queued", 32))
        self._partner = AESGCM(self._derive("partner-server", 32))
        self._administration = AESGCM(self._derive("administration", 32))
        self._voucher = AESGCM(self._derive("voucher-code", 32))
        self._webhook = AESGCM(self._derive("webhook-secret", 32))
        self._signing: dict[str, bytes | Ed25519PrivateKey] = {}

    def _derive(self, purpose: str, length: int) -> bytes:
        return HKDF(algorithm=SHA256(), length=length, salt=b"tessera", info=purpose.encode()).derive(self._secret)

    def signing_key(self, name: KeyName) -> bytes | Ed25519PrivateKey:
        """The key that signs access tokens under this name: 512 bits for HS512, a private key for EdDSA."""
        known = self._signing.get(name.kid)
        if known is None:
            if len(self._signing) >= _SIGNING_KEYS:
                self._signing.clear()
            known = self._signing[name.kid] = self._derive_signing_key(name)
        return known

    def checking_key(self, name: KeyName) -> bytes | Ed25519PublicKey:
        """The key that checks access tokens under this name."""
        key = self.signing_key(name)
        return key if isinstance(key, bytes) else key.public_key()

    def _derive_signing_key(self, name: KeyName) -> bytes | Ed25519PrivateKey:
        purpose = f"access-token:{name.kid}"
        if name.algorithm == "EdDSA":
            return Ed25519PrivateKey.from_private_bytes(self._derive(purpose, 32))
        return self._derive(purpose, 64)

    def check_value(self) -> bytes:
        """What a database keeps to know this secret again; it tells nothing about it."""
        return hmac.digest(self._derive("check-value", 32), b"tessera", "sha256")

    def new_data_keys(self, count: int) -> list[tuple[bytes, bytes]]:
        """Fresh member keys: each itself, and the wrapped form that is stored."""
        size = _KEY_BYTES + _NONCE_BYTES
        # At once: to ask for randomness takes as long as to use it.
        drawn = os.urandom(size * count)
        parts = [(drawn[at : at + _KEY_BYTES], drawn[at + _KEY_BYTES : at + size]) for at in range(0, len(drawn), size)]
        return [(key, nonce + self._wrapping.encrypt(nonce, key, b"data-key")) for key, nonce in parts]

    def unwrap(self, wrapped: bytes) -> bytes:
        """The member key behind its stored form."""
        return _open(self._wrapping, wrapped, b"data-key")

    def seal_queued(self, text: str) -> bytes:
        """A text that waits for work, which may name people whose own key is not known yet."""
        return _seal(self._queued, text.encode(), b"queued")

    def open_queued(self, sealed: bytes) -> str:
        """The text that `seal_queued` sealed. Raises cryptography's InvalidTag where it was changed."""
        return _open(self._queued, sealed, b"queued").decode()

    def seal_partner(self, text: str) -> bytes:
        """What Tessera proves itself with at a partner's server."""
        return _seal(self._partner, text.encode(), b"partner-server")

    def open_partner(self, sealed: bytes) -> str:
        """The text that `seal_partner` sealed. Raises cryptography's InvalidTag where it was changed."""
        return _open(self._partner, sealed, b"partner-server").decode()

    def seal_administration(self, text: str) -> bytes:
        """What belongs to administrators: the secret of a code generator, a change that waits for approval."""
        return _seal(self._administration, text.encode(), b"administration")

    def open_administration(self, sealed: bytes) -> str:
        """The text that `seal_administration` sealed. Raises cryptography's InvalidTag where it was changed."""
        return _open(self._administration, sealed, b"administration").decode()

    def seal_voucher(self, text: str) -> bytes:
        """What a pool of voucher codes keeps until a member has it, and what signs the orders of a partner."""
        return _seal(self._voucher, text.encode(), b"voucher-code")

    def open_voucher(self, sealed: bytes) -> str:
        """The text that `seal_voucher` sealed. Raises cryptography's InvalidTag where it was changed."""
        return _open(self._voucher, sealed, b"voucher-code").decode()

    def seal_webhook(self, text: str) -> bytes:
        """What a program's webhooks are signed with."""
        return _seal(self._webhook, text.encode(), b"webhook-secret")

    def open_webhook(self, sealed: bytes) -> str:
        """The text that `seal_webhook` sealed. Raises cryptography's InvalidTag where it was changed."""
        return _open(self._webhook, sealed, b"webhook-secret").decode()

    def reveal(self, wrapped: bytes, sealed: bytes | None) -> str | None:
        """A text that may be under a member's key; None where there is none, or the key was destroyed.

        Raises cryptography's InvalidTag where the text or the key was changed.
        """
        return decrypt(self.unwrap(wrapped), sealed) if wrapped and sealed is not None else None

    def lookup_hash(self, program_id: int, attribute: str, value: str) -> bytes:
        """The keyed hash by which a unique value is found, without its letter case and white space."""
        mac = self._lookup.copy()
        mac.update(f"{program_id}\x1f{attribute}\x1f{lookup_form(value)}".encode())
        return mac.finalize()

    def code_mac(self, *parts: str) -> bytes:
        """The keyed hash of a one-time code with all that it is bound to: without the key, few digits tell nothing."""
        return hmac.digest(self._codes, "\x1f".join(parts).encode(), "sha256")

    def refresh_mac(self, *parts: str) -> bytes:
        """The keyed hash that makes a refresh token what only this deployment can have written."""
        return hmac.digest(self._refresh, "\x1f".join(parts).encode(), "sha256")


def lookup_form(value: str) -> str:
    """What two unique values have in common that count as one."""
    return unicodedata.normalize("NFC", value).strip().casefold()


def encrypt(key: bytes, text: str) -> bytes:
    """Text under a member's key (AES-256-GCM, random nonce in front)."""
    return _seal(AESGCM(key), text.encode(), b"")


def decrypt(key: bytes, sealed: bytes) -> str:
    """The text that `encrypt` sealed. Raises cryptography's InvalidTag where it was changed."""
    return _open(AESGCM(key), sealed, b"").decode()


def reveal(keys: KeyRing, wrapped_key: bytes | None, sealed: bytes | None) -> str | None:
    """The text under a member's stored key; None where there is none, or the key was destroyed or replaced."""
    if not sealed or not wrapped_key:
        return None
    try:
        return decrypt(keys.unwrap(wrapped_key), sealed)
    except InvalidTag:
        return None


def hash_secret(secret: str) -> bytes:
    """SHA-256 of a machine-made secret of 256 random bits, which needs no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def _seal(cipher: AESGCM, data: bytes, context: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, data, context)


def _open(cipher: AESGCM, sealed: bytes, context: bytes) -> bytes:
    return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
