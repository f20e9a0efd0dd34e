"""Addresses as messages, states of imports and assets show them: without credentials.

A credential may be in the user info, the query or the fragment of an address. All three are left out of every address,
whatever they contain. The names of parameters do not matter, because each driver has its own.
"""

import re
from typing import Final
from urllib.parse import parse_qsl, unquote

DATABASES: Final = ("sqlite", "postgresql", "mysql", "mssql")
"""Schemes of the addresses of databases, which may be followed by a plus sign and a driver."""

_JDBC: Final = "jdbc:"
_CONTAINER: Final = re.compile(r"(?:wasb|abfs)s?://[^:/?#@]*@", re.IGNORECASE)
_USER_INFO: Final = re.compile(r"(?!\[)[^:/?#@]*(?::(?!\d+(?:[/?#]|$))[^@]*)?@")
_DATABASE_USER_INFO: Final = re.compile(r"[^:/@]*(?::[^@]*)?@")
"""As SQLAlchemy reads it: a password may contain a slash, a question mark and a number sign."""

_SECRET: Final = re.compile(r"pass|pwd|secret|token|key|sig|credential|connect", re.IGNORECASE)
"""Part of the names of parameters whose values are secrets."""


def without_credentials(address: str) -> str:
    """Return an address without user info, query and fragment; a text without a scheme remains as it is.

    The container in an address of Azure, such as ``abfss``, is kept. An address of JDBC is cut at a semicolon too, and
    is the name of its driver if it has no ``//`` after that name.
    """
    scheme, separator, rest = address.partition("://")
    is_jdbc = address.lower().startswith(_JDBC)
    if not separator:
        return ":".join(address.split(":")[:2]) if is_jdbc else address
    place = rest.removeprefix(_user_info(address))
    place = re.split("[?#;]" if is_jdbc else "[?#]", place, maxsplit=1)[0]
    host, slash, path = place.partition("/")
    return f"{scheme}://{host if _CONTAINER.match(address) else host.rpartition('@')[2]}{slash}{path}"


def without_secrets(text: str, address: str) -> str:
    """Return a text, such as an error of a driver, without the user info of the address, and with ``***`` for secrets.

    Secrets are the password, and values in the query whose names suggest one.
    """
    user_info = _user_info(address)
    text = text.replace(address, without_credentials(address))
    text = text.replace(user_info, "") if user_info.strip("@") else text
    password = user_info.removesuffix("@").partition(":")[2]
    named = parse_qsl(address.replace(user_info, "", 1).partition("?")[2])
    secrets = {password, unquote(password), *(value for name, value in named if _SECRET.search(name))}
    for secret in sorted(secrets - {""}, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _user_info(address: str) -> str:
    """Return the user info of an address with its ``@``; an empty text without one, and for a container of Azure."""
    scheme, _, rest = address.partition("://")
    if _CONTAINER.match(address):
        return ""
    kind = scheme.lower().rpartition(":")[2].partition("+")[0]
    found = (_DATABASE_USER_INFO if kind in DATABASES else _USER_INFO).match(rest)
    return found[0] if found else ""
