"""The workflow customers end to end, on sample data and in a folder of its own."""

from dataflow.authoring import Sandbox


def test_the_sample_goes_end_to_end(sandbox: Sandbox) -> None:
    """Every row of the sample is in the mart after a run."""
    sandbox.use_sample("sample.json")
    sandbox.run()
    assert sandbox.count("marts.customers") == 6


def test_a_second_run_doubles_nothing(sandbox: Sandbox) -> None:
    """Running twice on the same rows leaves each of them once."""
    sandbox.use_sample("sample.json")
    sandbox.run()
    sandbox.run()
    assert sandbox.count("raw.customers") == 6
