"""Validates the ID token of a sign-in by OpenID Connect Core section 3.1.3.7, with the rules of Authlib."""

from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]  # Authlib ships no types
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from app.auth.authenticator import TrustedIssuer
from app.auth.sign_in.browser_session import IssuedTokens
from app.auth.sign_in.errors import SignInRefusedError
from app.auth.token import LEEWAY_SECONDS, TokenRejectedError, read_unverified


async def check_id_token(trusted: TrustedIssuer, tokens: IssuedTokens, *, client: str, nonce: str, now: float) -> None:
    """Raise `SignInRefusedError` unless the ID token is valid, for ``client``, and of the sign-in with ``nonce``.

    ``now`` is in epoch seconds. Raises `UnavailableError` if the issuer's keys cannot be fetched.
    """
    if tokens.identity is None:
        raise _refused("it is missing; an operator has to check the client at the issuer")
    issuer = trusted.issuer
    registry = JWSRegistry(algorithms=sorted(issuer.algorithms), strict_check_header=False)
    try:
        keys = await trusted.keys.keys_for(read_unverified(tokens.identity).kid)
        token = jwt.decode(tokens.identity, keys, registry=registry)
        options = {"iss": {"essential": True, "value": issuer.url}, "aud": {"essential": True, "value": client}}
        properties = {"nonce": nonce, "client_id": client, "access_token": tokens.access}
        CodeIDToken(token.claims, token.header, options, properties).validate(now=int(now), leeway=LEEWAY_SECONDS)
    except TokenRejectedError as error:
        raise _refused(str(error)) from error
    except JoseError as error:
        claim = getattr(error, "claim", None)
        raise _refused(f"its `{claim}` is invalid" if claim else "its signature or form is invalid") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise _refused("its signature or form is invalid") from error


def _refused(reason: str) -> SignInRefusedError:
    return SignInRefusedError(f"The ID token of the issuer was refused: {reason}. Sign in again.")
