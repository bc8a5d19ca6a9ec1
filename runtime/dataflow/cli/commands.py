"""Which commands there are: this distribution's own, those of dataflow-tools, and plug-ins'."""

from __future__ import annotations

from dataflow.cli.lazy import LazyCommand
from dataflow.shared.plugins import distribution_of, installed

# In the order of `--help`. Those without a target come with dataflow-tools; their names and lines
# stand here as well, so that without the tools a person is told what to install.
_KNOWN = {
    "init": LazyCommand("", "Make a project."),
    "workflow": LazyCommand("dataflow.cli.main:workflow", "Make, run, check and update workflows."),
    "workflow new": LazyCommand("", "Make a workflow from the template."),
    "workflow list": LazyCommand(
        "dataflow.cli.workflow_list:list_", "List the project's workflows."
    ),
    "workflow run": LazyCommand("dataflow.cli.workflow_run:run", "Run a workflow here and now."),
    "workflow backfill": LazyCommand(
        "dataflow.cli.workflow_backfill:backfill", "Run a workflow for many partitions."
    ),
    "workflow logs": LazyCommand(
        "dataflow.cli.workflow_logs:logs", "Look through the logs of a workflow's runs."
    ),
    "workflow schedule": LazyCommand(
        "dataflow.cli.workflow_schedule:schedule", "List schedules, and switch them on or off."
    ),
    "workflow watermark": LazyCommand(
        "dataflow.cli.workflow_watermark:watermark", "Show or set how far a source was read."
    ),
    "workflow diff": LazyCommand(
        "dataflow.cli.workflow_diff:diff", "Show what a run changed in its tables."
    ),
    "workflow restore": LazyCommand(
        "dataflow.cli.workflow_restore:restore", "Bring back the tables of an earlier run."
    ),
    "workflow check": LazyCommand("", "Go through the authoring checklist."),
    "workflow test": LazyCommand("", "Run a workflow's tests; take a masked sample."),
    "workflow inspect": LazyCommand("", "Compare a source with its contract."),
    "workflow status": LazyCommand("", "Compare workflows with their template."),
    "workflow update": LazyCommand("", "Bring workflows to a newer template."),
    "workflow rename": LazyCommand("", "Give a workflow another id, with all that it has made."),
    "workflow copy": LazyCommand("", "Make a workflow that begins as another one is."),
    "workflow remove": LazyCommand("", "Take a workflow out; say what is kept."),
    "workflow adopt": LazyCommand("", "Link a workflow made by hand to the template."),
    "workflow propose": LazyCommand("", "Propose an update as a pull request."),
    "template": LazyCommand("", "Move to a template's new address; check and release your own."),
    "template move": LazyCommand("", "Have all workflows follow the template to a new address."),
    "template check": LazyCommand("", "Render, lint, run and update a template in every way."),
    "template release": LazyCommand("", "Move version, changelog and tag together."),
    "campaign": LazyCommand("", "Carry a template version through many repositories."),
    "campaign plan": LazyCommand("", "Say what would happen to each repository."),
    "campaign run": LazyCommand("", "Update the repositories, ring by ring."),
    "campaign report": LazyCommand("", "Show what became of each repository."),
    "up": LazyCommand("dataflow.cli.up:up", "Start Dagster, the REST API and the dashboards."),
    "reload": LazyCommand(
        "dataflow.cli.reload:reload", "Let the running service read the workflows anew."
    ),
    "env": LazyCommand("dataflow.cli.main:env", "Show and try the project's environments."),
    "env list": LazyCommand("dataflow.cli.env_list:list_", "List the project's environments."),
    "env show": LazyCommand("dataflow.cli.env_show:show", "Show the settings of an environment."),
    "env check": LazyCommand("dataflow.cli.env_check:check", "Try each part of an environment."),
    "worker": LazyCommand("dataflow.cli.main:worker", "Execute runs that a service hands out."),
    "worker celery": LazyCommand(
        "dataflow.cli.worker_celery:celery", "Execute the runs of launcher celery here."
    ),
    "api": LazyCommand("dataflow.cli.api:api", "Serve the REST API alone."),
    "token": LazyCommand("dataflow.cli.main:token", "Make and revoke tokens of the REST API."),
    "token create": LazyCommand("dataflow.cli.token:create", "Make a token and print it once."),
    "token list": LazyCommand("dataflow.cli.token:list_", "List the tokens."),
    "token revoke": LazyCommand("dataflow.cli.token:revoke", "Let a token open nothing any more."),
    "evidence": LazyCommand("dataflow.cli.main:evidence", "Build and open the dashboards."),
    "evidence build": LazyCommand("", "Build the dashboards."),
    "evidence serve": LazyCommand(
        "dataflow.cli.evidence_serve:serve", "Serve the built dashboards."
    ),
    "evidence dev": LazyCommand("", "Edit dashboards with hot reload."),
    "evidence vendor": LazyCommand("", "Pack the packages of the dashboards."),
    "deploy": LazyCommand("", "Render what a cluster is told to run."),
    "deploy kubernetes": LazyCommand("", "Render Helm values and Kustomize manifests."),
    "explain": LazyCommand("dataflow.cli.explain:explain", "Say what an error means."),
    "doctor": LazyCommand("", "Look at the machine and the project."),
}


def commands_of(group: str = "") -> dict[str, LazyCommand]:
    """The commands of a group, by their own names; without one those of ``dataflow`` itself."""
    prefix = f"{group} " if group else ""
    known = dict(_KNOWN)
    for name, point in installed("commands").items():
        line = known[name].help if name in known else f"From {distribution_of(point)}."
        if name not in known or not known[name].target:
            known[name] = LazyCommand("", line, name)
    return {
        name.removeprefix(prefix): command
        for name, command in known.items()
        if name.startswith(prefix) and " " not in name.removeprefix(prefix)
    }
