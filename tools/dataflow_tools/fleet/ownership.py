"""Who owns a rendered file: the template (generated), both (merged) or people (yours).

A template declares it in its ``copier.yml``, in patterns as in a ``.gitignore``:

- ``_skip_if_exists`` lists what is *yours*. It is Copier's own setting, so a plain
  ``copier update`` keeps those files as well.
- ``_generated`` lists what is *generated*. Copier ignores settings that it does not know.
- Everything else is *merged*.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from copier._main import Worker


class Owner(StrEnum):
    """Who decides about the content of a rendered file."""

    GENERATED = "generated"
    MERGED = "merged"
    YOURS = "yours"


def owners(worker: Worker) -> Callable[[str], Owner]:
    """Read the table of owners from a finished Copier run.

    Args:
        worker: What ``copier.run_copy`` returned; its answers fill in what is templated.

    Returns:
        A function from a path in the workflow's folder to its owner.
    """
    from pathlib import Path

    from pathspec import GitIgnoreSpec

    is_yours: Callable[[Path], bool] = worker.match_skip
    lines = worker.template.config_data.get("generated", ())
    context = dict(worker.answers.combined)
    generated = GitIgnoreSpec.from_lines(
        worker.jinja_env.from_string(str(line)).render(context) for line in lines
    )

    def owner(path: str) -> Owner:
        if is_yours(Path(path)):
            return Owner.YOURS
        return Owner.GENERATED if generated.match_file(path) else Owner.MERGED

    return owner
