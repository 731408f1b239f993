"""The carrier of webhooks against real receivers: what it takes for success, and whom it never connects to."""

import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import tessera.webhook
from domain.network import read_networks
from resolvers.carrier import AddressRefused, NoAnswer
from tessera.webhook import HttpCarrier, look_up
from tests.receiver import Receiver, Reply, receiving
from tests.servers import NO_CERTIFICATES

LOOPBACK = read_networks("127.0.0.1/32")


def carrier(lookup: Callable[[str], Sequence[str]] = look_up, trusted: ssl.SSLContext = NO_CERTIFICATES) -> HttpCarrier:
    return HttpCarrier(networks=LOOPBACK, https_only=False, lookup=lookup, trusted=trusted)


async def test_what_is_posted_arrives_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    # A proxy would look the name up by itself.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with receiving(Receiver()) as receiver:
        answer = await carrier().post(receiver.url, {"webhook-id": "evt_1"}, b'{"a":1}')
        assert answer.status == 204
        assert answer.is_success
        [one] = receiver.received
    assert (one.path, one.body, one.headers["webhook-id"]) == ("/hook?k=v", b'{"a":1}', "evt_1")
    assert one.headers["host"] == receiver.url.split("/")[2]


async def test_redirections_are_not_followed_and_no_success() -> None:
    with receiving(Receiver()) as elsewhere:
        reply = Reply(status=307, headers={"Location": elsewhere.url})
        with receiving(Receiver(reply=lambda _: reply)) as receiver:
            answer = await carrier().post(receiver.url, {}, b"{}")
        assert (answer.status, answer.is_success) == (307, False)
        assert elsewhere.received == []


async def test_of_the_answer_no_more_is_read_than_was_asked_for() -> None:
    huge = Reply(status=200, headers={"Retry-After": "7"}, body=b"x" * 50_000_000)
    with receiving(Receiver(reply=lambda _: huge)) as receiver:
        unread = await carrier().post(receiver.url, {}, b"{}")
        assert (unread.status, unread.body, unread.retry_after_s) == (200, b"", 7)
        assert (await carrier().post(receiver.url, {}, b"{}", most_bytes=100)).body == b"x" * 100


async def test_who_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tessera.webhook, "LIMIT_S", 0.2)
    with receiving(Receiver(reply=lambda _: Reply(hangs=True))) as receiver:
        with pytest.raises(NoAnswer, match="no answer within"):
            await carrier().post(receiver.url, {}, b"{}")
        assert len(receiver.received) == 1


async def test_nobody_there_is_no_answer() -> None:
    with receiving(Receiver()) as receiver:
        pass
    with pytest.raises(NoAnswer, match="no connection"):
        await carrier().post(receiver.url, {}, b"{}")

    def unknown(_: str) -> Sequence[str]:
        raise OSError("no such name")

    with pytest.raises(NoAnswer, match="no address"):
        await carrier(unknown).post("http://nowhere.example/", {}, b"{}")


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.2"], ["127.0.0.1", "127.0.0.2"], ["::1"], ["fe80::1%1"], ["::ffff:127.0.0.2"], ["169.254.169.254"]],
)
async def test_a_name_that_leads_inside_is_refused_before_anything_is_sent(addresses: list[str]) -> None:
    with receiving(Receiver(), host="127.0.0.1") as outside:
        port = int(outside.url.split(":")[2].split("/")[0])
        with receiving(Receiver(), host="127.0.0.2", port=port) as inside:
            with pytest.raises(AddressRefused):
                await carrier(lambda _: addresses).post(f"http://hooks.example:{port}/", {}, b"{}")
            assert (outside.received, inside.received) == ([], [])


async def test_numbers_that_the_system_takes_for_an_address_are_checked_as_one() -> None:
    with receiving(Receiver(), host="127.0.0.2") as inside:
        port = inside.url.split(":")[2].split("/")[0]
        for host in ("2130706434", "0x7f000002", "127.2", "localhost.localdomain"):
            with pytest.raises(NoAnswer):
                await carrier().post(f"http://{host}:{port}/", {}, b"{}")
        assert inside.received == []


async def test_a_name_that_leads_elsewhere_a_moment_later_changes_nothing() -> None:
    """Rebinding: the address that was looked at is the one that is connected to; the name is looked up once."""
    answers = iter([["127.0.0.1"], ["127.0.0.2"], ["127.0.0.2"]])
    with receiving(Receiver(), host="127.0.0.1") as outside:
        port = int(outside.url.split(":")[2].split("/")[0])
        with receiving(Receiver(), host="127.0.0.2", port=port) as inside:
            rebound = carrier(lambda _: next(answers))
            assert (await rebound.post(f"http://hooks.example:{port}/", {}, b"{}")).is_success
            with pytest.raises(AddressRefused):
                await rebound.post(f"http://hooks.example:{port}/", {}, b"{}")
            assert inside.received == []
        [one] = outside.received
    assert one.headers["host"] == f"hooks.example:{port}"


async def test_the_next_address_is_tried_where_one_cannot_be_connected_to() -> None:
    with receiving(Receiver(), host="127.0.0.1") as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        several = HttpCarrier(
            networks=read_networks("127.0.0.0/8"),
            https_only=False,
            lookup=lambda _: ["127.0.0.3", "127.0.0.1"],
            trusted=NO_CERTIFICATES,
        )
        assert (await several.post(f"http://hooks.example:{port}/", {}, b"{}")).is_success
        assert len(receiver.received) == 1


async def test_the_certificate_is_that_of_the_name_not_of_the_address(tmp_path: Path) -> None:
    server, trusted = certificates(tmp_path, "hooks.example")
    with receiving(Receiver(), tls=server) as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        to_loopback = carrier(lambda _: ["127.0.0.1"], trusted)
        assert (await to_loopback.post(f"https://hooks.example:{port}/", {}, b"{}")).is_success
        for name in ("other.example", "127.0.0.1"):
            with pytest.raises(NoAnswer, match="no connection"):
                await to_loopback.post(f"https://{name}:{port}/", {}, b"{}")
        assert len(receiver.received) == 1


def certificates(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's certificate for a name, and who trusts it."""
    key, issued = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(issued, issued, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    file = folder / "server.pem"
    encoding = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(certificate + key.private_bytes(*encoding))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cadata=certificate.decode())


def test_an_address_is_what_it_is() -> None:
    assert {ip_address(one).is_loopback for one in look_up("127.1")} == {True}
