"""TLS of the connections to receivers, which choose as little of a handshake as possible: it runs in one callback."""

import ssl
from functools import cache
from typing import Final

_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Ciphers of TLS 1.2: those of all receivers that are kept up to date. TLS 1.3 has no others."""

_GROUP: Final = "prime256v1"
"""The group of the key exchange, which each server of TLS 1.2 and 1.3 should have (RFC 9325)."""


@cache
def client_tls() -> ssl.SSLContext:
    """Return how receivers are verified, and their certificates, by the certificate authorities of this machine.

    With DHE the receiver would choose parameters that take the event loop 0.6 seconds in each handshake, and with the
    largest groups of TLS 1.3 0.1 seconds. Nor may it demand further handshakes of a connection.
    """
    context = ssl.create_default_context()
    context.set_ciphers(_CIPHERS)
    context.set_ecdh_curve(_GROUP)
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    return context
