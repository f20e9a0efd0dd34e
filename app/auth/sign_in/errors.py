"""Errors of a sign-in and of requests with its cookie."""

from http import HTTPStatus

from app.auth.errors import AuthError
from policies.errors import Code


class SignInRefusedError(AuthError):
    """A sign-in that cannot be completed: a person begins again, or an operator corrects the issuer's client."""

    code = Code.BAD_REQUEST
    status = HTTPStatus.BAD_REQUEST


class CrossSiteError(AuthError):
    """A request with the cookie of a session that another page may have sent."""

    code = Code.FORBIDDEN
    status = HTTPStatus.FORBIDDEN
