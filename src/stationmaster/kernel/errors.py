"""The three families of expected trouble; anything else is a bug.

StationmasterError
├── Refused       the business says no           HTTP 402/403/404/409   consumer: done, ack
├── Invalid       the input is malformed         HTTP 400/422           consumer: dead letter at once
└── Unavailable   a dependency failed, retry     HTTP 503               consumer: retry ladder
"""

from typing import ClassVar


class StationmasterError(Exception):
    """Base of the families. ``code`` is stable and machine-readable, ``hint`` says what to do."""

    status: ClassVar[int] = 500

    def __init__(
        self, code: str, message: str = "", *, hint: str = "", status: int | None = None, **params: object
    ):
        super().__init__(message or code)
        self.code = code
        self.message = message or code
        self.hint = hint
        self.params = params
        self.http_status = status or self.status


class Refused(StationmasterError):
    """The business says no."""

    status = 409


class NotFound(Refused):
    """The thing asked for does not exist, or not for you."""

    status = 404


class Forbidden(Refused):
    """You are known, and may not do this."""

    status = 403


class InsufficientFunds(Refused):
    """The wallet cannot cover it."""

    status = 402


class Invalid(StationmasterError):
    """The input is malformed."""

    status = 422


class Unavailable(StationmasterError):
    """A dependency failed; trying again later may help."""

    status = 503
