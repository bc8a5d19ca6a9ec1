"""The workflow orders end to end, on sample data and in a folder of its own."""

from dataflow.authoring import Sandbox


def test_the_rows_go_end_to_end(sandbox: Sandbox) -> None:
    """Every row that was loaded is in the mart after a run."""
    sandbox.use_sample("sample.json")
    sandbox.run()
    loaded = sandbox.count("raw.orders")
    assert sandbox.count("marts.orders") == loaded > 0


def test_a_second_run_doubles_nothing(sandbox: Sandbox) -> None:
    """Running again on the same rows leaves each of them once."""
    sandbox.use_sample("sample.json")
    sandbox.run()
    before = sandbox.count("raw.orders")
    sandbox.run()
    assert sandbox.count("raw.orders") == before
