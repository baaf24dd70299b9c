"""The standard's codes, letter by letter, and which one a misfit of content gets."""

import msgspec
import pytest

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


class Sample(msgspec.Struct):
    name: str
    count: int = 0


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"{}", "OccurenceConstraintViolation"),
        (b'{"name":1}', "TypeConstraintViolation"),
        (b'{"name":"a","count":"b"}', "TypeConstraintViolation"),
    ],
)
def test_a_misfit_gets_the_code_for_its_kind(payload: bytes, code: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(payload, type=Sample)
    assert errors.constraint_code(str(caught.value)) == code


def test_a_value_out_of_its_list_is_a_property_violation() -> None:
    assert errors.constraint_code("Invalid enum value 'x' - at `$.type`") == "PropertyConstraintViolation"
    assert errors.constraint_code("something else") == "FormationViolation"
