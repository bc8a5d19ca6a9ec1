"""A project whose workflow runs as the command runs it, and as Dagster's daemon does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.service_fixtures import write_project

__all__ = ["DrivenProject"]

# What Dagster's daemon does with a run, without the seconds that a daemon takes.
DRIVE = """
import json
from dagster import AssetKey, ReexecutionOptions, execute_job, reconstructable
from dataflow.runs.code_location import build_definitions
from dataflow.runs.instance import open_instance
from dataflow.shared.project import find_project


def driven():
    return build_definitions(find_project()).get_job_def("WORKFLOW_job")


def materialize(key):
    # As Dagster's UI has it made: by the job that there is for all assets.
    with open_instance(find_project()) as instance:
        every = build_definitions(find_project()).get_repository_def()
        job = every.get_implicit_global_asset_job_def()
        of_key = job.get_subset(asset_selection={AssetKey(key.split("/"))})
        result = of_key.execute_in_process(instance=instance, raise_on_error=False)
        faults = [e.step_failure_data for e in result.all_events if e.is_step_failure]
        fault = "".join(each.error.to_string() for each in faults)
        told = {"success": result.success, "fault": fault, "by": job.executor_def.name}
        print(json.dumps(told))


def main(resumes):
    with open_instance(find_project()) as instance:
        again = ReexecutionOptions.from_failure(resumes, instance) if resumes else None
        with execute_job(
            reconstructable(driven), instance, reexecution_options=again, raise_on_error=False
        ) as result:
            events = result.all_events
            steps = sorted(event.step_key for event in events if event.is_step_success)
            error = next((str(event.job_failure_data.error or "") for event in events
                          if event.is_job_failure), "")
            said = {"run_id": result.run_id, "success": result.success, "steps": steps,
                    "error": error}
    print(json.dumps(said))
"""
RUN = """
import json
from dataflow.runs.run import run_workflow
from dataflow.runs.run_part import part_tags
from dataflow.runs.run_request import RunRequest
from dataflow.shared.project import find_project

asked = RunRequest(partition={partition!r}, tags=part_tags({parts!r}))
print(json.dumps(run_workflow(find_project(), {workflow!r}, request=asked).as_json()))
"""


class DrivenProject:
    """A new project with the folder of one workflow, whose files are still to be written.

    Each run is in a process of its own, as runs are, and the history is that of the project.
    """

    def __init__(self, root: Path, workflow_id: str) -> None:
        self.root = write_project(root)
        self.workflow_id = workflow_id
        self.folder = root / "src" / "dataflow" / "workflows" / workflow_id
        self.folder.mkdir(parents=True)
        (root / "drive.py").write_text(DRIVE.replace("WORKFLOW", workflow_id))

    def run(
        self, partition: str | None = None, *parts: str, workflow_id: str = ""
    ) -> dict[str, Any]:
        """Run it, or another one, as `dataflow workflow run` does; whole, or only these parts."""
        workflow = workflow_id or self.workflow_id
        return self.start(RUN.format(partition=partition, parts=parts, workflow=workflow))

    def launch(self, resumes: str = "") -> dict[str, Any]:
        """Run it as Dagster does, which may take up a run that failed."""
        return self.start(f"import drive; drive.main({resumes!r})")

    def start(self, code: str) -> dict[str, Any]:
        """Run some code in the project; gives the JSON of the last line that it prints."""
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=self.root, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return said
