"""What may be wrong with a message, in the standard's own words?

    OcppError
    ├── NotImplementedByUs             the action is unknown                     wire: NotImplemented
    ├── NotSupported                   known, but not done here
    ├── InternalError                  we failed
    ├── ProtocolError                  the payload is incomplete
    ├── SecurityError                  a security issue stops the action
    ├── FormationViolation             not the syntax of the message
    ├── PropertyConstraintViolation    a field holds an invalid value
    ├── OccurenceConstraintViolation   a field is missing, or there too often
    ├── TypeConstraintViolation        a field holds the wrong type
    └── GenericError                   anything else
    BadFrame                           the bytes are no OCPP-J frame

The names are those of OCPP-J 1.6, 4.2.3, **with its misspellings** "FormationViolation" and "Occurence...":
stations compare them letter by letter, so they must stay (2.0.1 corrected both).
"""

from typing import ClassVar, Final

from stationmaster.kernel.errors import Invalid


class OcppError(Invalid):
    """A CALL that must be answered with a CALLERROR of this code."""

    ocpp_code: ClassVar[str] = "GenericError"

    def __init__(self, description: str = ""):
        super().__init__(self.ocpp_code, description)


class NotImplementedByUs(OcppError):
    """The requested action is not known by the receiver."""

    ocpp_code = "NotImplemented"


class NotSupported(OcppError):
    """The requested action is recognised, but the receiver does not support it."""

    ocpp_code = "NotSupported"


class InternalError(OcppError):
    """The receiver failed to process the action."""

    ocpp_code = "InternalError"


class ProtocolError(OcppError):
    """The payload for the action is incomplete."""

    ocpp_code = "ProtocolError"


class SecurityError(OcppError):
    """A security issue prevented the action."""

    ocpp_code = "SecurityError"


class FormationViolation(OcppError):
    """The payload is syntactically incorrect or does not fit the action."""

    ocpp_code = "FormationViolation"


class PropertyConstraintViolation(OcppError):
    """Syntactically correct, but a field holds an invalid value."""

    ocpp_code = "PropertyConstraintViolation"


class OccurenceConstraintViolation(OcppError):
    """Syntactically correct, but a field occurs too often or too seldom."""

    ocpp_code = "OccurenceConstraintViolation"


class TypeConstraintViolation(OcppError):
    """Syntactically correct, but a field holds the wrong type."""

    ocpp_code = "TypeConstraintViolation"


class GenericError(OcppError):
    """Any other error."""

    ocpp_code = "GenericError"


ERROR_CODES: Final = frozenset(
    error.ocpp_code
    for error in (
        NotImplementedByUs,
        NotSupported,
        InternalError,
        ProtocolError,
        SecurityError,
        FormationViolation,
        PropertyConstraintViolation,
        OccurenceConstraintViolation,
        TypeConstraintViolation,
        GenericError,
    )
)


class BadFrame(Invalid):
    """Bytes that are no OCPP-J frame.

    ``message_id`` is set when the bytes are a CALL whose id can still be read: then the station is owed a
    CALLERROR with ``code``. Otherwise the frame is ignored and counted: a bad answer is never answered.
    """

    def __init__(self, code: str, reason: str, message_id: str | None = None):
        super().__init__(code, reason)
        self.reason = reason
        self.message_id = message_id
