"""What the building of a site comes to, whichever tool has built it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataflow.shared.errors import DataflowError

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.shared.finding import Finding


@dataclass(frozen=True)
class SiteBuild:
    """A built site.

    Args:
        folder: The folder to serve or to copy; it holds the published data as well.
        pages: Per workflow, the paths of its pages on the site; those of the project under "".
        unchanged: The last build was still good, so nothing was done.
        findings: What is wrong in the pages.
    """

    folder: Path
    pages: dict[str, list[str]]
    seconds: float
    unchanged: bool = False
    findings: list[Finding] = field(default_factory=list)


class BrokenPagesError(DataflowError):
    """The site was built, but some of its pages or source queries have errors.

    The pages that cannot be shown say so in their place.

    Why: A query of a page names a table or column that is not there, or the page has a
    component that does not exist.

    What to do: Fix the pages that are named and build again. `dataflow workflow check NAME`
    tries all queries without a build.
    """

    def __init__(self, build: SiteBuild, lines: list[str]) -> None:
        count = len(lines)
        super().__init__(
            "\n".join(lines),
            f"Fix {'it' if count == 1 else f'these {count} errors'} and build again. "
            "The other pages are up to date.",
        )
        self.build = build
