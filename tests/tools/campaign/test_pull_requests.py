"""Pull requests by the command line of a code host."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.tools.campaign.conftest import Fleet, install_host

from dataflow.shared.errors import MissingDependencyError
from dataflow_tools.campaign.ledger import State
from dataflow_tools.campaign.pull_requests import PullRequestError


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gh", "glab"])
def test_pull_requests_are_opened_once(
    few: Fleet, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the code host's own command line, with branch, base, title and what was left out."""
    install_host(few, name, monkeypatch)
    few.plan(pull_requests=name)
    report = few.run()
    few.run()
    assert report.entries["partly-0"].state is State.PROPOSED
    assert report.entries["partly-0"].url == "https://host.test/pull/partly-0"
    created = [call for call in few.calls() if call[3] == "create"]
    assert Counter(call[1] for call in created) == dict.fromkeys(
        ("edited-0", "partly-0", "plain-0", "plain-1"), 1
    )
    one = next(call for call in created if call[1] == "partly-0")
    assert one[0] == name
    assert {"dataflow/update-v1.1.0", "main", "Update to template v1.1.0"} <= set(one)
    assert any("`one`: conflicts in config.yaml" in word for word in one)


@pytest.mark.slow
def test_a_code_host_that_nobody_is_logged_in_to_stops_it_before_anything(
    few: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one branch is pushed that would then lack its pull request; nor without the program."""
    few.plan(pull_requests="gh")
    with pytest.raises(MissingDependencyError, match="gh was not found"):
        few.run()
    install_host(few, "gh", monkeypatch)
    (few.bin / "nobody").touch()
    with pytest.raises(PullRequestError, match="not logged in"):
        few.run()
    assert not any(few.pushes().values())


@pytest.mark.slow
def test_a_pull_request_that_fails_is_opened_by_the_next_run(
    few: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The branch is there; the next run pushes nothing, and takes one that exists for its own."""
    install_host(few, "gh", monkeypatch)
    few.plan(pull_requests="gh", stop_above=1.0)
    (few.bin / "fails").write_text("HTTP 502: the host is down")
    report = few.run()
    assert report.entries["plain-0"].state is State.FAILED
    assert "HTTP 502" in report.entries["plain-0"].reason
    pushed = few.pushes()
    (few.bin / "fails").unlink()
    # One that `list` does not tell of is told of by `create`.
    (few.bin / "blind").touch()
    (few.bin / "plain-0.url").write_text("https://host.test/pull/7")
    report = few.run()
    assert report.entries["plain-0"].url == "https://host.test/pull/7"
    assert report.entries["plain-1"].state is State.PROPOSED
    assert few.pushes() == pushed
