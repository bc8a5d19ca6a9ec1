"""What can go wrong in a stage that a person can put right."""

from __future__ import annotations

from dataflow.shared.errors import BadInputError


class StageError(BadInputError):
    """A stage or one of its options is unknown, or the rows cannot go through it."""
