"""The handshake of TLS with a receiver: which ones the client takes part in."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from app.webhooks.receiver_tls import client_tls

HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a private key and a certificate of a host, which nothing else has signed."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    path = tmp_path_factory.mktemp("tls") / "identity.pem"
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def server(identity: Path) -> ssl.SSLContext:
    """Return the context of a receiver with the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity)
    return context


def handshake(client: ssl.SSLContext, server: ssl.SSLContext) -> str:
    """Return the version of TLS of a handshake in memory; raises SSLError if one of both refuses it."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=HOST),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(5):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return ends[0].version() or ""


def trusting(identity: Path) -> ssl.SSLContext:
    """Return the context of the client, which trusts the certificate."""
    context = client_tls.__wrapped__()
    context.load_verify_locations(identity)
    return context


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_receivers_have_either_version(identity: Path, server: ssl.SSLContext, version: ssl.TLSVersion) -> None:
    """The versions of TLS that are in use, with the groups and ciphers that servers have by default."""
    server.minimum_version = server.maximum_version = version
    assert handshake(trusting(identity), server) == version.name.replace("_", ".")


def test_an_unknown_certificate_is_refused(server: ssl.SSLContext) -> None:
    """The certificate authority of the receiver must be trusted."""
    with pytest.raises(ssl.SSLError, match="certificate verify failed"):
        handshake(client_tls(), server)


def test_a_receiver_chooses_no_parameters() -> None:
    """With DHE, parameters of 10,000 bits of the receiver take the event loop 0.6 seconds in each handshake."""
    assert {each["kea"] for each in client_tls().get_ciphers()} == {"kx-any", "kx-ecdhe"}  # any: of TLS 1.3


def test_a_receiver_chooses_no_large_group(identity: Path, server: ssl.SSLContext) -> None:
    """With TLS 1.3, the groups that OpenSSL has by default take up to 0.1 seconds."""
    server.minimum_version = ssl.TLSVersion.TLSv1_3
    server.set_ecdh_curve("secp521r1")
    with pytest.raises(ssl.SSLError, match=r"(?i)no suitable|no shared|handshake failure"):
        handshake(trusting(identity), server)


def test_a_receiver_begins_no_second_handshake() -> None:
    """TLS 1.2 lets a server renegotiate within a connection, again and again."""
    assert client_tls().options & ssl.OP_NO_RENEGOTIATION
