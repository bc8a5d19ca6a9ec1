"""What can go wrong in a stage that a person can put right."""

from __future__ import annotations

from dataflow.shared.errors import BadInputError


class StageError(BadInputError):
    """A stage or one of its options is unknown, or the rows cannot go through it.

    Why: `transformation.stages` in config.yaml names a stage that is neither built in nor a
    function of transform.py, or an option that it does not have.

    What to do: The stages and their options stand in docs/reference/config.md.
    """
