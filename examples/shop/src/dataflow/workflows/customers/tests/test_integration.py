"""The workflow customers end to end, on sample data and in a folder of its own."""

import pytest

from dataflow.authoring import Sandbox


@pytest.fixture(scope="module")
def has_run(module_sandbox: Sandbox) -> Sandbox:
    """The workflow after a run on sample data, once for all tests that look at it."""
    module_sandbox.use_sample("sample.json")
    module_sandbox.run()
    return module_sandbox


def test_the_rows_go_end_to_end(has_run: Sandbox) -> None:
    """Every row that was loaded is in the mart after a run."""
    loaded = has_run.count("raw.customers")
    assert has_run.count("marts.customers") == loaded > 0


def test_a_second_run_doubles_nothing(has_run: Sandbox) -> None:
    """Running again on the same rows leaves each of them once."""
    before = has_run.count("raw.customers")
    has_run.run()
    assert has_run.count("raw.customers") == before
