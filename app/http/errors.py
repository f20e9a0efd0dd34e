"""What can be wrong with an HTTP request before GraphQL sees it."""

from collections.abc import Mapping

from policies.errors import Code, CodedError


class HttpError(CodedError):
    """A request refused with a status of its own, finer than the code's, and the headers that go with it."""

    code = Code.BAD_REQUEST

    def __init__(
        self, status: int, message: str, code: Code | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, code)
        self.status = int(status)
        self.headers = dict(headers or {})
