"""What config.yaml may say of the columns of a source."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from dataflow.shared.config_model import Ingestion
from dataflow.shared.contract import Column, database_type, written_type

FILE = {"type": "file", "url": "a.csv"}


def ingestion(**values: Any) -> Ingestion:
    return Ingestion.model_validate({"source": FILE, **values})


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("text", "VARCHAR"),
        ("String", "VARCHAR"),
        ("bigint", "BIGINT"),
        ("int", "INTEGER"),
        ("decimal(12, 2)", "DECIMAL(12,2)"),
        ("numeric(5)", "DECIMAL(5,0)"),
        ("timestamp with time zone", "TIMESTAMP WITH TIME ZONE"),
        ("timestamptz", "TIMESTAMP WITH TIME ZONE"),
        ("decimal", None),
        ("decimal(39,2)", None),
        ("decimal(2,3)", None),
        ("interval", None),
        ("strnig", None),
    ],
)
def test_types_go_by_the_names_of_the_field(written: str, kind: str | None) -> None:
    """SQL's names and their usual short forms; what cannot be kept is no type."""
    assert database_type(written) == kind


@pytest.mark.parametrize("kind", ["BIGINT", "DECIMAL(12,2)", "TIMESTAMP_NS", "DATE", "VARCHAR"])
def test_a_type_that_was_found_is_written_so_that_it_is_read_again(kind: str) -> None:
    """What `new` writes into config.yaml means what was found."""
    assert database_type(written_type(kind)) == kind


def test_a_type_alone_stands_for_a_column() -> None:
    """`amount: bigint` is short for `amount: {type: bigint}`; YAML's numbers are names."""
    columns = ingestion(columns={"amount": "bigint", 2013: "double"}).columns
    assert columns == {"amount": Column(type="bigint"), "2013": Column(type="double")}


def test_what_yaml_calls_null_is_the_choice_null() -> None:
    """`lost_column: null` needs no quotes."""
    on_change = ingestion(on_change={"lost_column": None, "bad_value": None}).on_change
    assert (on_change.lost_column, on_change.bad_value) == ("null", "null")


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("bigit", "did you mean `bigint`?"),
        ("decimal", "how many digits"),
        ({"type": "text", "formt": "x"}, "did you mean `format`?"),
        ({"type": "double", "decimal": "comma"}, "is not one character"),
        ({}, "is missing"),
    ],
)
def test_a_slip_is_told_with_what_was_meant(column: Any, said: str) -> None:
    """A wrong type or key is refused with the key's path."""
    with pytest.raises(ValidationError) as caught:
        ingestion(columns={"amount": column})
    (fault,) = caught.value.errors()
    assert "amount" in fault["loc"]
    assert said in f"{fault['msg']} {fault['ctx']['hint']} {fault['ctx']['allowed']}"


def test_without_columns_there_is_no_contract() -> None:
    """Workflows of before go on finding types out."""
    assert ingestion().contract is None
