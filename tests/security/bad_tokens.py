"""Bad tokens and bad headers, each under the name of its attack or mistake, and how to forge them."""

import base64
import hashlib
import hmac
import json
import string
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc.jwk import RSAKey
from support.servers.issuer import AUDIENCE, EC, ENCRYPTION, RSA, STRANGER, SYMMETRIC, URL, LiveIssuer, sign

Forger = Callable[[LiveIssuer], str]
ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
DAY = 24 * 3_600
EC_AS_JWK = json.dumps(EC.as_dict(private=False)).encode()
P256_ORDER = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
"""SEC 2, section 2.4.2."""


def b64(raw: bytes | str) -> str:
    """Encode a JWT segment."""
    data = raw.encode() if isinstance(raw, str) else raw
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forge(header: object, claims: object, signature: bytes = b"x" * 64) -> str:
    """Assemble a token without a key."""
    return f"{b64(json.dumps(header))}.{b64(json.dumps(claims))}.{b64(signature)}"


def hmac_signed(issuer: LiveIssuer, secret: bytes, kid: str) -> str:
    """Sign with HS256 by hand, as an attacker who knows a public key would."""
    text = f"{b64(json.dumps({'alg': 'HS256', 'typ': 'at+jwt', 'kid': kid}))}.{b64(json.dumps(issuer.claims()))}"
    return f"{text}.{b64(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


def signed_by_hand(issuer: LiveIssuer, signature: bytes) -> str:
    """Join a good header and good claims with a signature of the caller's choice."""
    return forge({"alg": "ES256", "typ": "at+jwt", "kid": "ec"}, issuer.claims(), signature)


def der(issuer: LiveIssuer) -> str:
    """Encode the right signature as in X.509 instead of as in RFC 7518."""
    text, _, signature = issuer.mint().rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    return f"{text}.{b64(encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:])))}"


def respelled(issuer: LiveIssuer) -> str:
    """Set a bit of the last character that carries no data."""
    text, last = issuer.mint()[:-1], issuer.mint()[-1]
    return text + ALPHABET[ALPHABET.index(last) | 1]


def twice(first: str, second: str) -> Forger:
    """Sign claims in which one name occurs twice."""
    return lambda issuer: sign(f"{{{first},{json.dumps(issuer.claims())[1:-1]},{second}}}")


def embedded(**member: object) -> Forger:
    """Sign with the key of a stranger, which the header carries along."""
    return lambda issuer: issuer.mint(STRANGER, member)


def without_use(key: RSAKey) -> RSAKey:
    """Return the same key, allowed to sign."""
    return RSAKey.import_key({name: value for name, value in key.as_dict(private=True).items() if name != "use"})


def tampered(issuer: LiveIssuer) -> str:
    """Raise the scope of a good token after it was signed."""
    header, _, signature = issuer.mint().split(".")
    return f"{header}.{b64(json.dumps(issuer.claims(scope='graph:admin')))}.{signature}"


def changed(**changes: object) -> Forger:
    """Change claims of a good token before it is signed."""
    return lambda issuer: issuer.mint(**changes)


def later(**seconds: float) -> Forger:
    """Set times relative to now."""
    return lambda issuer: issuer.mint(**{name: int(issuer.clock.epoch) + value for name, value in seconds.items()})


def headed(**header: object) -> Forger:
    """Change the header of a good token before it is signed."""
    return lambda issuer: issuer.mint(EC, header)


def payload(text: str | bytes) -> Forger:
    """Sign a payload that is no claim set."""
    return lambda _issuer: sign(text)


TOKENS: dict[str, Forger] = {
    # what is no token
    "garbage": lambda _: "abc",
    "three words": lambda _: "a.b.c",
    "empty segments": lambda _: "..",
    "five segments (JWE)": lambda _: "a.b.c.d.e",
    "two segments": lambda i: i.mint().rpartition(".")[0],
    "no signature": lambda i: i.mint().rpartition(".")[0] + ".",
    "trailing dot": lambda i: i.mint() + ".",
    "padded": lambda i: i.mint() + "=",
    "too long": lambda i: i.mint(filler="x" * 20_000),
    "header is a list": lambda i: forge(["alg", "typ", "kid"], i.claims()),
    "header is a text": lambda i: forge("alg", i.claims()),
    "payload is a list": payload("[1,2]"),
    "payload is not JSON": payload("hello"),
    "payload is not UTF-8": payload(b"\xff\xfe"),
    "payload is 5,000 levels deep": payload('{"iss":' + "[" * 5_000 + "]" * 5_000 + "}"),
    "payload is 1,000 levels deep": lambda i: sign(
        json.dumps(i.claims())[:-1] + ',"x":' + "[" * 1000 + "]" * 1000 + "}"
    ),
    # the signature
    "alg none": lambda i: forge({"alg": "none", "typ": "at+jwt"}, i.claims(), b""),
    "alg NONE": lambda i: forge({"alg": "NONE", "typ": "at+jwt", "kid": "ec"}, i.claims(), b""),
    "alg missing": lambda i: forge({"typ": "at+jwt", "kid": "ec"}, i.claims()),
    "alg is a list": lambda i: forge({"alg": ["ES256"], "typ": "at+jwt", "kid": "ec"}, i.claims()),
    "HS256 with the public RSA key": lambda i: hmac_signed(i, RSA.as_pem(private=False), "rsa"),
    "HS256 with the public EC key": lambda i: hmac_signed(i, EC.as_pem(private=False), "ec"),
    "HS256 with the public EC key in DER": lambda i: hmac_signed(i, EC.as_der(private=False), "ec"),
    "HS256 with the public EC key as JWK": lambda i: hmac_signed(
        i, json.dumps(EC.as_dict(private=False)).encode(), "ec"
    ),
    "HS256 with nothing": lambda i: hmac_signed(i, b"", "ec"),
    "HS256 with the key id": lambda i: hmac_signed(i, b"ec", "ec"),
    "HS256 with a published symmetric key": lambda i: i.mint(SYMMETRIC),
    "RS512, not on the list": lambda i: i.mint(RSA, {"alg": "RS512"}),
    "ES256 header, RSA key": lambda i: forge({"alg": "ES256", "typ": "at+jwt", "kid": "rsa"}, i.claims()),
    "key for encryption": lambda i: i.mint(without_use(ENCRYPTION)),
    "a stranger's key, same key id": lambda i: i.mint(STRANGER),
    "unknown key id": headed(kid="unknown"),
    "key id is a number": lambda i: forge({"alg": "ES256", "typ": "at+jwt", "kid": 5}, i.claims()),
    "key id is a list": lambda i: forge({"alg": "ES256", "typ": "at+jwt", "kid": ["ec"]}, i.claims()),
    "no key id among several keys": headed(kid=...),
    "key in the header": embedded(jwk=STRANGER.as_dict(private=False)),
    "key in the header, no key id": embedded(jwk=STRANGER.as_dict(private=False), kid=...),
    "key set by URL": embedded(jku="https://evil.example/jwks"),
    "certificate in the header": embedded(x5c=["MIIB"]),
    "certificate by URL": embedded(x5u="https://evil.example/cert.pem"),
    "key id is a path": embedded(kid="../../../../dev/null"),
    "key id is a query": embedded(kid="ec' OR '1'='1"),
    "key id is long": embedded(kid="e" * 8_000),
    "signature of zeros": lambda i: signed_by_hand(i, bytes(64)),
    "signature of ones": lambda i: signed_by_hand(i, (1).to_bytes(32) * 2),
    "signature of the order": lambda i: signed_by_hand(i, bytes.fromhex(P256_ORDER) * 2),
    "signature in DER": der,
    "signature of another token": lambda i: i.mint().rpartition(".")[0] + "." + i.mint().rpartition(".")[2],
    "signature with a spare bit": respelled,
    "signature and more": lambda i: i.mint() + "AAAA",
    "algorithm is a number": lambda i: forge({"alg": 5, "typ": "at+jwt", "kid": "ec"}, i.claims()),
    "algorithm in small letters": lambda i: forge({"alg": "es256", "typ": "at+jwt", "kid": "ec"}, i.claims()),
    "critical extensions, none": lambda i: forge(
        {"alg": "ES256", "typ": "at+jwt", "kid": "ec", "crit": []}, i.claims()
    ),
    "payload is said to be encoded": headed(b64=True),
    "critical extension, unknown": lambda i: forge(
        {"alg": "ES256", "typ": "at+jwt", "kid": "ec", "crit": ["bork"], "bork": 1}, i.claims()
    ),
    "critical extension, no list": lambda i: forge(
        {"alg": "ES256", "typ": "at+jwt", "kid": "ec", "crit": 5}, i.claims()
    ),
    "unencoded payload": lambda i: forge(
        {"alg": "ES256", "typ": "at+jwt", "kid": "ec", "b64": False, "crit": ["b64"]}, i.claims()
    ),
    "claims changed after signing": tampered,
    # what kind of token
    "no typ": headed(typ=...),
    "typ JWT (an ID token)": headed(typ="JWT"),
    "typ logout": headed(typ="logout+jwt"),
    "typ is empty": headed(typ=""),
    "typ is a number": lambda i: forge({"alg": "ES256", "typ": 5, "kid": "ec"}, i.claims()),
    "typ with a look-alike": headed(typ="at+jwt\u200b"),
    "typ with a parameter": headed(typ="at+jwt; charset=utf-8"),
    "a JWT within a JWT": lambda i: sign(i.mint(), EC, {"cty": "JWT"}),
    "bound to a DPoP key": changed(cnf={"jkt": "abc"}),
    "bound to a certificate": changed(cnf={"x5t#S256": "abc"}),
    "cnf is null": changed(cnf=None),
    # whose, for whom
    "issuer unknown": changed(iss="https://evil.example"),
    "issuer with a slash": changed(iss=URL + "/"),
    "issuer in capitals": changed(iss=URL.upper()),
    "issuer is a list": changed(iss=[URL]),
    "issuer missing": changed(iss=...),
    "issuer with a look-alike": changed(iss=URL.replace("e", "\u0435")),
    "issuer with a zero": changed(iss=URL + "\u0000"),
    "audience in capitals": changed(aud=AUDIENCE.upper()),
    "audience is the issuer": changed(aud=URL),
    "audience twice, the last of another": twice('"x": 1', '"aud": "https://other.example"'),
    "expiry twice, the last in ten years": twice('"x": 1', f'"exp": {2_000_000_000 + DAY * 3_650}'),
    "audience of another API": changed(aud="https://other.example"),
    "audience with our prefix": changed(aud=AUDIENCE + ".evil"),
    "audience missing": changed(aud=...),
    "audience is empty": changed(aud=[]),
    "audience is a number": changed(aud=5),
    "audience is an object": changed(aud={AUDIENCE: True}),
    "audience list with a number": changed(aud=[AUDIENCE, 5]),
    "subject missing": changed(sub=...),
    "subject is empty": changed(sub=""),
    "subject is a number": changed(sub=5),
    "subject is turned round": changed(sub="ada\u202e"),
    "subject has a line break": changed(sub="ada\nroot"),
    "subject is very long": changed(sub="a" * 256),
    "subject is half a character": lambda i: sign(json.dumps(i.claims(sub="\ud800"))),
    "client missing": changed(client_id=...),
    "client is a list": changed(client_id=["portal"]),
    "id missing": changed(jti=...),
    "id is empty": changed(jti=""),
    "client is empty": changed(client_id=""),
    "id is a number": changed(jti=7),
    # when
    "expired": later(iat=-900, exp=-31),
    "expiry missing": changed(exp=...),
    "expiry is a text": changed(exp="9999999999"),
    "expiry is true": changed(exp=True),
    "expiry is null": changed(exp=None),
    "expiry is not a number": lambda i: sign(json.dumps(i.claims(exp=float("nan")))),
    "expiry is infinite": lambda i: sign(json.dumps(i.claims(exp=float("inf")))),
    "expiry in ten years": later(exp=DAY * 3_650),
    "expiry has 400 digits": changed(exp=10**400),
    "lives a second longer than 24 h": later(exp=DAY + 1),
    "expires before it was issued": later(iat=20, exp=10),
    "issued in ten years": later(iat=DAY * 3_650, exp=DAY * 3_650 + 600),
    "issued in the future": later(iat=31, exp=600),
    "issue time missing": changed(iat=...),
    "issue time is true": changed(iat=True),
    "issue time is a text": changed(iat="now"),
    "not yet valid": later(nbf=31),
    "not before is a text": changed(nbf="soon"),
    # what it carries
    "scope is a number": changed(scope=5),
    "scope is a list": changed(scope=["graph:read"]),
    "scope is null": changed(scope=None),
    "groups is a text": changed(groups="ranking"),
    "groups holds a number": changed(groups=[1]),
    "groups holds nothing": changed(groups=[""]),
    "groups is an object": changed(groups={"ranking": True}),
    "groups is null": changed(groups=None),
    "roles is a text": changed(roles="admin"),
    "roles holds objects": changed(roles=[{"value": "admin"}]),
    "kind unknown": changed(principal_kind="GOD"),
    "kind is a list": changed(principal_kind=["PERSON"]),
    "tenant of other callers": changed(tenant="other"),
    "tenant of ours in capitals": changed(tenant="ACME"),
    "tenant is everybody's": changed(tenant="*"),
    "tenant is a list": changed(tenant=["acme"]),
    "tenant is empty": changed(tenant=""),
    "tenant with a slash": changed(tenant="acme/other"),
    "break-glass without a reason": changed(scope="graph:read graph:break-glass"),
    "break-glass for a day": lambda i: i.mint(
        scope="graph:read graph:break-glass", break_glass_reason="incident 4711", exp=int(i.clock.epoch) + DAY
    ),
    "auth_time is a text": changed(auth_time="yesterday"),
    "amr is a text": changed(amr="pwd"),
    "acr is a number": changed(acr=1),
}

HEADERS: dict[str, str | None] = {
    "nothing": None,
    "empty": "",
    "scheme alone": "Bearer",
    "scheme and space": "Bearer ",
    "Basic": "Basic YWRhOmFkYQ==",
    "DPoP": "DPoP {token}",
    "no scheme": "{token}",
    "two tokens": "Bearer {token} {token}",
    "two headers": "Bearer {token}, Bearer {token}",
    "tab": "Bearer\t{token}",
    "line break": "Bearer {token}\n",
    "no ASCII": "Bearer é.é.é",
    "look-alike scheme": "Bearer\u00a0{token}",
}
