"""Telling people that a run failed, through Apprise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dataflow.runs.context import own_config
from dataflow.shared.environment import REFERENCE
from dataflow.shared.errors import DataflowError
from dataflow.shared.logging import get_logger
from dataflow.shared.redaction import redact

if TYPE_CHECKING:
    from dataflow.shared.config_model import RunPolicy
    from dataflow.shared.project import Project

log = get_logger(__name__)

# An address whose variable is not set stays as it stands in config.yaml.
_REFERENCE = re.compile(REFERENCE)


def unset_addresses(policy: RunPolicy) -> list[str]:
    """The variables that ``run.on_failure`` names and that are not set: nobody is told there."""
    found = [match[0][2:-1] for text in policy.on_failure for match in _REFERENCE.finditer(text)]
    return list(dict.fromkeys(found))


def report_failure(project: Project, workflow_id: str, run_id: str, error: str) -> bool:
    """Tell those whom a workflow's config.yaml names under ``run.on_failure``.

    Never raises: that nobody could be told must not hide what failed.

    Returns:
        Whether all of them were told; also if there are none.
    """
    try:
        config = own_config(project, workflow_id)
    except DataflowError as fault:
        log.warning("nobody was told of the failed run", reason=fault.reason)
        return False
    if not config or not config.run.on_failure:
        return True
    unset = unset_addresses(config.run)
    if unset:
        log.warning("nobody was told of the failed run at an address not set", unset=unset)
    addresses = [address for address in config.run.on_failure if not _REFERENCE.search(address)]
    if not addresses:
        return False
    try:
        from apprise import Apprise
    except ImportError:
        log.warning(
            "nobody was told of the failed run: Apprise is not installed",
            install="pip install 'dataflow-runtime[notify]'",
        )
        return False
    sender = Apprise()
    understood = [sender.add(address) for address in addresses]
    body = f"{error or 'No reason is known.'}\n\nRun {run_id}"
    link = f"{project.settings.public_url or project.settings.dagster_url}/runs/{run_id}"
    told = all(understood) and sender.notify(
        title=f"{workflow_id} failed", body=redact(f"{body}\n{link}")
    )
    if not told:
        log.warning("not everybody could be told of the failed run", addresses=len(addresses))
    return bool(told) and not unset
