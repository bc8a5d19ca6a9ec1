"""Dagster's launcher for Celery, as `dataflow.service.celery_launcher` describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG

from dataflow.runs.launcher_kind import chosen_launcher
from dataflow.runs.lock import lost_process
from dataflow.service.celery_launcher import BrokerError, CelerySettings, app_settings
from dataflow.service.run_end import close_run, keep_end
from dataflow.shared.project import find_project
from dataflow.shared.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dagster import DagsterRun
    from dagster._core.launcher.base import LaunchRunContext
    from dagster._serdes import ConfigurableClassData


class CeleryLauncher(CeleryRunLauncher):
    """Launches runs as tasks of Celery; its addresses are those of the project's settings."""

    @classmethod
    def config_type(cls) -> Any:
        """Nothing: what it needs may be secret, and the file that would hold it is not."""
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]
    ) -> CeleryLauncher:
        """Make the launcher of the project in its environment."""
        del config_value
        chosen = chosen_launcher(find_project())
        settings = chosen[1] if chosen else None
        if not isinstance(settings, CelerySettings):
            raise BrokerError(
                "Dagster's settings name Celery, and the environment another launcher.",
                "Start the service in the environment that it is meant for: --env or DATAFLOW_ENV.",
            )
        return cls(inst_data=inst_data, **app_settings(settings))

    def launch_run(self, context: LaunchRunContext) -> None:
        """Hand a run to the workers.

        Raises:
            BrokerError: The broker does not answer.
        """
        from kombu.exceptions import OperationalError

        try:
            super().launch_run(context)
        except OperationalError as error:
            raise BrokerError(
                f"Celery's broker does not answer: {redact(str(error))}.",
                "Start it, or correct `broker` of the setting launcher.",
            ) from error

    def terminate(self, run_id: str) -> bool:
        """End a run that waits or is executed; whether it is one of Celery's."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished or DAGSTER_CELERY_TASK_ID_TAG not in run.tags:
            return False
        self._instance.report_run_canceling(run)
        if keep_end(self._instance, run_id):
            return False
        return bool(super().terminate(run_id))

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Whether the process that executes a run is there, whichever machine that is."""
        gone = lost_process(find_project(), run.run_id)
        if gone:
            # Else Dagster ends it, with words of its own around the reason.
            reason = f"The {gone} that executed this run is gone."
            close_run(self._instance, run.run_id, reason)
            return CheckRunHealthResult(WorkerStatus.FAILED, reason)
        if DAGSTER_CELERY_TASK_ID_TAG not in run.tags:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return super().check_run_worker_health(run)
