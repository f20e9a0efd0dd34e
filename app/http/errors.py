"""The error of a refused HTTP request, with a status of its own."""

from collections.abc import Mapping

from policies.errors import Code, CodedError


class HttpError(CodedError):
    """A refused request, with an HTTP status and response headers of its own.

    ``status`` replaces the status that `app.errors.HTTP_STATUS` gives for ``code``.
    """

    code = Code.BAD_REQUEST

    def __init__(
        self, status: int, message: str, code: Code | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, code)
        self.status = int(status)
        self.headers = dict(headers or {})
