"""The names by which other programs find a project's jobs and runs in Dagster."""

from __future__ import annotations

from dataflow.shared.logging import WORKFLOW_TAG as WORKFLOW_TAG

# Has the job of a workflow that is not the registered one, which commands and the API run.
FURTHER_TAG = "dataflow/further_job"
# Has a job whose runs are each for one partition.
PARTITIONED_TAG = "dataflow/partitioned"
# By which Dagster knows which partition a run is for.
PARTITION_TAG = "dagster/partition"
# On runs of a backfill at a terminal: which; Dagster has a tag of its own for those it starts.
BACKFILL_TAG = "dataflow/backfill"
DAGSTER_BACKFILL_TAG = "dagster/backfill"
# On runs that do a part of what the workflow does: which one, see `dataflow.runs.run_part`.
PART_TAG = "dataflow/part"
# What the last asset that a step makes says of the whole step: in a few words, and rows loaded.
SUMMARY = "dataflow/summary"
LOADED_ROWS = "dataflow/rows_loaded"
# The name that workspace.yaml gives the project's code location.
LOCATION_NAME = "dataflow"
# The name that Dagster gives the one repository of a `Definitions`.
REPOSITORY_NAME = "__repository__"
# On the job that stands for a workflow which cannot be loaded; its description says why.
BROKEN_TAG = "dataflow/broken"
BROKEN_PREFIX = "BROKEN: "
# On runs that a process of its own executes, past Dagster's queue: which, and where.
HOST_TAG = "dataflow/host"
PROCESS_TAG = "dataflow/pid"
# On runs that no person has asked for: what did.
TRIGGER_TAG = "dataflow/trigger"
# On runs that Dagster has started from a warm process: its id and when it began.
RUN_PROCESS_TAG = "dataflow/run_process"
# On runs with a history that hosts share: which host executes them.
RUN_HOST_TAG = "dataflow/run_host"
# On runs of an environment that has a name: which.
ENVIRONMENT_TAG = "dataflow/environment"
# Tells the processes of a service where the process is that forks runs.
WORKER_VARIABLE = "DATAFLOW_RUN_WORKER"
# Marks the processes that `dataflow up` starts again when they end.
SERVICE_VARIABLE = "DATAFLOW_SERVICE"
# Tell the process of a run which job it is for, as Dagster's own launchers do, and whose that is.
JOB_VARIABLE = "DAGSTER_RUN_JOB_NAME"
WORKFLOW_VARIABLE = "DATAFLOW_RUN_WORKFLOW"
