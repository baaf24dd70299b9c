"""The standard's codes, letter by letter."""

from stationmaster.ocpp import errors


def test_the_codes_are_those_of_the_standard_with_its_misspellings() -> None:
    assert {
        "NotImplemented",
        "NotSupported",
        "InternalError",
        "ProtocolError",
        "SecurityError",
        "FormationViolation",
        "PropertyConstraintViolation",
        "OccurenceConstraintViolation",
        "TypeConstraintViolation",
        "GenericError",
    } == errors.ERROR_CODES


def test_an_error_carries_its_code_and_says_why() -> None:
    error = errors.OccurenceConstraintViolation("idTag is missing")
    assert (error.code, error.message) == ("OccurenceConstraintViolation", "idTag is missing")
