"""What the API's tests stand on: a project of many workflows and the service running on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.service_fixtures import UNTIL_GO, Service, running, write_project, write_workflow

_SWITCH_ON = """
mutation On($selector: ScheduleSelector!) {
  startSchedule(scheduleSelector: $selector) { __typename }
}
"""


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Dagster and the REST API of one project, for all tests of this folder."""
    root = write_project(tmp_path_factory.mktemp("service") / "shop")
    for number in range(10):
        write_workflow(root, f"brief_{number}")
    write_workflow(root, "waiting", UNTIL_GO)
    write_workflow(root, "endless", "time.sleep(600)")
    write_workflow(root, "failing", "raise ValueError('the shop is closed')")
    write_workflow(root, "picky", config="config_schema={'day': str}")
    write_workflow(root, "ticking", schedule='"* * * * *"')
    by_region = "null, partition: {by: [eu, us, asia]}"
    write_workflow(root, "parted", "note(context.partition_key, '')", schedule=by_region)
    write_workflow(root, "broken", job="import nothing_of_that_name")
    with running(root, "dagster", "api") as up:
        selector = {
            "scheduleName": "ticking_schedule",
            "repositoryName": "__repository__",
            "repositoryLocationName": "dataflow",
        }
        answer = up.graphql(_SWITCH_ON, selector=selector)
        assert answer["startSchedule"]["__typename"] == "ScheduleStateResult"
        yield up
