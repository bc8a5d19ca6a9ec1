"""One workflow on its way through an update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataflow_tools.fleet.answers import Answers
    from dataflow_tools.fleet.instance import Instance
    from dataflow_tools.fleet.results import Outcome
    from dataflow_tools.fleet.versions import Version


@dataclass
class Job:
    """A workflow on its way through an update.

    Args:
        instance: The workflow.
        outcome: What is known so far about how it ends.
        answers: Its answers file, once it is read.
        target: The version it goes to, once that is known.
    """

    instance: Instance
    outcome: Outcome
    answers: Answers | None = None
    target: Version | None = None
