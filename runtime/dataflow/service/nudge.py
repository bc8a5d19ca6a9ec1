"""Telling a running service that there is something new, without waiting for what it does."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from dataflow.runs.dagster_names import LOCATION_NAME
from dataflow.service.service_lock import is_up

if TYPE_CHECKING:
    from dataflow.shared.project import Project

_RELOAD = """
mutation Reload($location: String!) {
  reloadRepositoryLocation(repositoryLocationName: $location) { __typename }
}
"""
# For it to take the request; it goes on by itself.
_SECONDS_TO_TELL = 0.5


def nudge_service(project: Project) -> bool:
    """Let a running service read the workflows anew.

    Returns:
        Whether there is one that has been told.
    """
    if not is_up(project, "dagster"):
        return False
    body = {"query": _RELOAD, "variables": {"location": LOCATION_NAME}}
    request = urllib.request.Request(  # noqa: S310 - the project's own address
        f"{project.settings.dagster_url}/graphql",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    # Straight to it, whatever proxy the environment names.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_SECONDS_TO_TELL):
            return True
    except TimeoutError:
        return True
    except urllib.error.URLError as error:
        return isinstance(error.reason, TimeoutError)
    except OSError:
        return False
