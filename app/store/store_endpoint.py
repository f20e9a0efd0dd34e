"""The address of a store, and the credentials that every request to the store carries."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, urlsplit, urlunsplit

from policies.errors import ConfigurationError

if TYPE_CHECKING:
    from app.settings import Settings


@dataclass(frozen=True, slots=True)
class StoreEndpoint:
    """The Gremlin URL of a store, without credentials, and the user and password of HTTP Basic authentication.

    ``user`` is empty for a store without credentials. ``repr`` leaves out the password, because logs may contain the
    result.
    """

    url: str
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str, user: str = "", password: str = "") -> Self:
        """Return the endpoint of ``url``, whose user info is an alternative to ``user`` and ``password``.

        Raises ConfigurationError if ``url`` is no HTTP URL, if the user contains a colon, or if the credentials are
        incomplete or given twice.
        """
        try:
            parts = urlsplit(url)
            info, _, address = parts.netloc.rpartition("@")
            valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            valid = False
        if not valid:
            raise ConfigurationError(  # without the value, which may contain a password
                "The URL of the store, in MLG_STORE_URL or given to the command, is no HTTP URL. Give the Gremlin "
                "endpoint, such as http://127.0.0.1:8182/gremlin, or several with commas between them. A comma in a "
                "password is %2C."
            )
        if info and (user or password):
            raise ConfigurationError(
                "The credentials of the store are given twice: remove the user info from MLG_STORE_URL, or unset "
                "MLG_STORE_USER and MLG_STORE_PASSWORD."
            )
        if info:
            user, _, password = (unquote(part) for part in info.partition(":"))
        if bool(user) != bool(password) or ":" in user:
            raise ConfigurationError(
                "The credentials of the store are incomplete, or the user contains a colon. Set MLG_STORE_USER without "
                "a colon and MLG_STORE_PASSWORD, or both in the URL of the store, or neither."
            )
        return cls(urlunsplit(parts._replace(netloc=address)), user, password)

    @property
    def authorization(self) -> str:
        """The value of the header `Authorization`, empty for a store without credentials."""
        if not self.user:
            return ""
        return f"Basic {b64encode(f'{self.user}:{self.password}'.encode()).decode()}"

    @property
    def headers(self) -> dict[str, str]:
        """The headers that every request to the store carries."""
        return {"Authorization": self.authorization} if self.user else {}


def external_endpoints(settings: Settings) -> tuple[StoreEndpoint, ...]:
    """Return the endpoints of ``MLG_STORE_URL``, none if the setting is empty.

    Raises ConfigurationError as `StoreEndpoint.parse`, and for a URL that is listed twice.
    """
    given = settings.store_url.split(",") if settings.store_url else []
    found = [StoreEndpoint.parse(url.strip(), settings.store_user, settings.store_password) for url in given]
    urls = [endpoint.url for endpoint in found]
    if twice := sorted({url for url in urls if urls.count(url) > 1}):
        raise ConfigurationError(f"The URL of the store lists {', '.join(twice)} twice; list each server once.")
    return tuple(found)


def server_endpoints(settings: Settings) -> tuple[StoreEndpoint, ...]:
    """Return the endpoints of the store that a server uses, none for the embedded store.

    Raises ConfigurationError if an endpoint is invalid, and in production for an embedded store that is not allowed.
    """
    endpoints = external_endpoints(settings)
    if not endpoints and settings.env == "production" and not settings.allow_embedded_store:
        raise ConfigurationError(
            "MLG_STORE_URL is not set, and MLG_ENV is `production`: set MLG_STORE_URL to the Gremlin endpoint of a "
            "JanusGraph (docs/production.md), or MLG_ALLOW_EMBEDDED_STORE=1 to keep all data in the embedded store."
        )
    return endpoints
