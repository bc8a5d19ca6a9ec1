"""The launcher ``local``: runs are processes of the machine that the service is on."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from dataflow.runs.launcher_kind import LauncherKind
from dataflow.shared.config_types import Section


class LocalSettings(Section):
    """Runs are processes of this machine."""

    type: Literal["local"] = Field(description="Runs are processes of the service's machine.")


def _config(_: LocalSettings) -> dict[str, Any]:
    return {"module": "dataflow.service.warm_launcher", "class": "WarmRunLauncher"}


KIND = LauncherKind(LocalSettings, _config, is_remote=False)
