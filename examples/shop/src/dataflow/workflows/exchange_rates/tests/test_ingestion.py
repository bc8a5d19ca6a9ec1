"""What extract_data promises."""

import pytest

from dataflow.authoring import DataflowError, Sandbox
from dataflow.workflows.exchange_rates.ingestion import extract_data


def test_rows_come_with_their_number_and_time(sandbox: Sandbox) -> None:
    """The metadata say how many rows there are, and when they were fetched."""
    sandbox.use_sample("sample.json")
    extracted = extract_data(params=sandbox.params)
    assert sandbox.rows(extracted) == extracted["metadata"]["record_count"]
    assert extracted["metadata"]["timestamp"]


def test_every_record_of_the_source_arrives(sandbox: Sandbox) -> None:
    """None of the sample's records is lost on the way."""
    sandbox.require_source()
    sandbox.use_sample("sample.json")
    assert sandbox.rows(extract_data(params=sandbox.params)) == 6


def test_a_missing_source_is_a_clear_error(sandbox: Sandbox) -> None:
    """A source that is not there is refused with a reason, not with a traceback."""
    sandbox.require_source()
    with pytest.raises(DataflowError):
        extract_data(params=sandbox.params)
