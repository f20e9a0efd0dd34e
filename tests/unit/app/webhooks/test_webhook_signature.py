"""Signatures of webhooks by the specification Standard Webhooks."""

from base64 import b64decode

from app.webhooks.webhook_signature import SECRET_BYTES, message_id, new_secret, signature, signed_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the published example
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = b'{"test": 2432232314}'


def test_the_example_of_the_specification_has_its_signature() -> None:
    """The example of Standard Webhooks, which its libraries test too, has the published signature."""
    assert signature(SECRET, MESSAGE, 1614265330, BODY) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_delivery_has_a_signature_by_each_secret() -> None:
    """Id and time are in headers of their own, and the signatures are separated by a space, the newest first."""
    other = new_secret()
    assert signed_headers([other, SECRET], MESSAGE, 7, BODY) == {
        "webhook-id": MESSAGE,
        "webhook-timestamp": "7",
        "webhook-signature": f"{signature(other, MESSAGE, 7, BODY)} {signature(SECRET, MESSAGE, 7, BODY)}",
    }


def test_secrets_are_random_and_ids_are_not() -> None:
    """A secret has its full length and is never repeated; the id of a message depends on each of its parts only."""
    first, second = new_secret(), new_secret()
    assert first != second
    assert len(b64decode(first.removeprefix("whsec_"))) == SECRET_BYTES
    assert message_id("a", "b") == message_id("a", "b")
    assert len({message_id("a", "b"), message_id("ab", ""), message_id("a", "c"), message_id("b", "a")}) == 4
