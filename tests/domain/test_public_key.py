"""Public keys: what is taken, and the sentence for what is not."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from domain.errors import InvalidRequest
from domain.public_key import read_public_key


def _line(key: "rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey") -> str:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


ED25519 = ed25519.Ed25519PrivateKey.generate()
LINE = _line(ED25519)
PRIVATE = ED25519.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def test_good_keys_are_taken_with_their_comment() -> None:
    for line in (LINE, _line(ec.generate_private_key(ec.SECP256R1())), _line(rsa.generate_private_key(65537, 2048))):
        key = read_public_key(f"  {line} ann@shop \n")
        assert (key.line, key.comment) == (line, "ann@shop")
    assert read_public_key(LINE).comment == ""


def test_the_fingerprint_is_the_one_that_ssh_keygen_shows(tmp_path: Path) -> None:
    file = tmp_path / "key.pub"
    file.write_text(LINE + "\n")
    shown = subprocess.run(["ssh-keygen", "-lf", file], capture_output=True, text=True, check=True).stdout
    assert read_public_key(LINE).fingerprint in shown.split()


BAD = (
    (PRIVATE, "private key"),
    ("PuTTY-User-Key-File-3: ssh-ed25519", "private key"),
    ("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA", "convert it"),
    ("", "1 to 4096"),
    ("x" * 5000, "1 to 4096"),
    (f"{LINE}\n{LINE}", "several lines"),
    ("ssh-dss AAAAB3NzaC1kc3MAAACBAA==", "DSA"),
    (_line(rsa.generate_private_key(65537, 1024)), "1024 bits"),  # noqa: S505 - that is the point
    ("ssh-ed25519-cert-v01@openssh.com AAAA", "certificate"),
    ("sk-ssh-ed25519@openssh.com AAAA", "security tokens"),
    ("hello", "no public key"),
    ("ssh-ed25519", "no public key"),
    ("ssh-ed25519 !!!!", "no public key"),
    ("ssh-ed25519 AAAA", "no public key"),
    (LINE.replace("ssh-ed25519", "ssh-rsa", 1), "no public key"),
    (f'command="sh" {LINE}', "no public key"),
    (LINE[:-8], "no public key"),
)


def test_bad_keys_are_refused_with_a_reason() -> None:
    for text, sentence in BAD:
        with pytest.raises(InvalidRequest, match=sentence) as refused:
            read_public_key(text)
        assert refused.value.field == "public_key"
