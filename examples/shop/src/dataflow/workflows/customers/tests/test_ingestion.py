"""What extract_data promises."""

import pytest

from dataflow.authoring import DataflowError, Sandbox
from dataflow.workflows.customers.ingestion import extract_data


def test_all_rows_arrive_with_their_origin(sandbox: Sandbox) -> None:
    """Every record of the sample is there, and the metadata say how many and when."""
    sandbox.use_sample("sample.json")
    extracted = extract_data(params={})
    assert sandbox.rows(extracted) == 6
    assert extracted["metadata"]["record_count"] == 6
    assert extracted["metadata"]["timestamp"]


@pytest.mark.usefixtures("sandbox")
def test_a_missing_source_is_a_clear_error() -> None:
    """A source that is not there is refused with a reason, not with a traceback."""
    with pytest.raises(DataflowError):
        extract_data(params={})
