"""A project: the folder that holds a team's workflows, and where everything in it lies."""

from __future__ import annotations

import os
import re
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.shared.environments import chosen_environment, environment_apart
from dataflow.shared.errors import BadInputError
from dataflow.shared.project_file import PROJECT_FILE, parse_project_file, read_project_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow.shared.settings import Settings
    from dataflow.shared.values import EnvironmentValues

PROJECT_VARIABLE = "DATAFLOW_PROJECT"
# Walking up meets many pyproject.toml files that are not ours; a search is cheaper than a parse.
_OUR_TABLE = re.compile(r"^\[tool\.dataflow[\].]", re.MULTILINE)

_current: ContextVar[Project | None] = ContextVar("dataflow_project", default=None)


class ProjectNotFoundError(BadInputError):
    """No folder from the current one upwards is a project.

    Why: A project is a folder whose `pyproject.toml` has `[tool.dataflow]`; it is looked for
    from the current folder upwards.

    What to do: Go into the project, set DATAFLOW_PROJECT, or make one: `dataflow init NAME`.
    """


@dataclass(frozen=True)
class Project:
    """The layout of one project.

    Args:
        root: The folder whose ``pyproject.toml`` has a ``[tool.dataflow]`` table.
    """

    root: Path

    @cached_property
    def settings(self) -> Settings:
        """The project's settings: ``[tool.dataflow]``, overridden by ``DATAFLOW_*`` variables."""
        from dataflow.shared.settings import load_settings

        return load_settings(self.root)

    @cached_property
    def values(self) -> EnvironmentValues:
        """What ``${NAME}`` gives in the configurations and settings of this project."""
        from dataflow.shared.values import EnvironmentValues

        settings = self.settings
        folder = self.root / settings.secrets_dir
        return EnvironmentValues(settings.variables, folder, settings.secrets)

    @cached_property
    def name(self) -> str:
        """What it is called in its pyproject.toml, the same on each machine; else its folder."""
        content = read_project_file(self.root / PROJECT_FILE).content
        return str(content.get("project", {}).get("name") or self.root.name)

    @property
    def source_dir(self) -> Path:
        """The folder that has to be on ``sys.path``."""
        return self.root / "src"

    @property
    def workflows_dir(self) -> Path:
        """The folder with one folder per workflow."""
        return self.source_dir / "dataflow" / "workflows"

    @property
    def dagster_home(self) -> Path:
        """Where Dagster keeps its run history: settings are tracked, state is not."""
        return self._apart(self.root / ".dagster")

    @property
    def state_dir(self) -> Path:
        """What can be deleted and rebuilt: the dashboard site, step files, dbt artefacts, locks."""
        return self._apart(self.files_dir)

    @property
    def files_dir(self) -> Path:
        """State about the project's own files, which are the same in all environments."""
        return self.root / ".dataflow"

    @cached_property
    def environment_apart(self) -> str:
        """The chosen environment, if its tables are its own; empty for none, and if it shares them.

        Raises:
            BadInputError: An environment in pyproject.toml is not a table.
        """
        if not chosen_environment():
            return ""
        path = self.root / PROJECT_FILE
        return environment_apart(read_project_file(path).content["tool"]["dataflow"], path)

    def _apart(self, folder: Path) -> Path:
        name = self.environment_apart
        return folder / "environments" / name if name else folder

    @property
    def data_dir(self) -> Path:
        """The folder of the warehouse files. The one folder of state that must not be deleted."""
        return self.root / self.settings.data_dir

    def workflow_dir(self, workflow_id: str) -> Path:
        """The folder of one workflow, which need not exist."""
        return self.workflows_dir / workflow_id

    def warehouse_file(self, workflow_id: str) -> Path:
        """The DuckDB file that holds one workflow's tables."""
        return self.data_dir / f"{workflow_id}.duckdb"

    def relative(self, path: Path) -> str:
        """A path as a person in the project's folder would type it."""
        try:
            return str(path.relative_to(self.root))
        except ValueError:
            return str(path)

    def make_importable(self) -> None:
        """Put the project's workflows on ``sys.path``, once."""
        source = str(self.source_dir)
        if source not in sys.path:
            sys.path.insert(0, source)


@contextmanager
def use_project(project: Project) -> Iterator[None]:
    """Let `find_project`, called inside without a folder, answer with a project that is known."""
    before = _current.get()
    _current.set(project)
    try:
        yield
    finally:
        _current.set(before)


def known_project() -> Project | None:
    """The project that `use_project` names here, without a search for one."""
    return _current.get()


def find_project(start: Path | None = None) -> Project:
    """Find the project that a command or a workflow belongs to.

    Inside a run it is the run's. Else looked at in this order: the variable ``DATAFLOW_PROJECT``,
    then ``start`` (default: the current folder) and every folder above it, then the projects whose
    ``src`` is being imported from, so that a workflow finds its project from wherever it is run.

    Raises:
        ProjectNotFoundError: No project was found.

    >>> project = find_project()
    >>> project.relative(project.workflow_dir("sales"))
    'src/dataflow/workflows/sales'
    """
    current = _current.get()
    if start is None and current is not None:
        return current
    named = os.environ.get(PROJECT_VARIABLE)
    if named:
        root = Path(named).expanduser().resolve()
        if not _is_project(root):
            raise ProjectNotFoundError(
                f"{PROJECT_VARIABLE} names {root}, which is not a DATAFLOW project.",
                "Point it at a folder made with `dataflow init`, or unset it.",
            )
        return Project(root)
    here = (start or Path.cwd()).resolve()
    sources = (Path(entry).resolve() for entry in sys.path if Path(entry).name == "src")
    for folder in (here, *here.parents, *(source.parent for source in sources)):
        if _is_project(folder):
            return Project(folder)
    raise ProjectNotFoundError(
        f"{here} is not inside a DATAFLOW project.",
        "Make one with `dataflow init PATH`, or change into one.",
    )


@lru_cache(maxsize=256)
def _is_project(folder: Path) -> bool:
    path = folder / PROJECT_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    if not _OUR_TABLE.search(text):
        return False
    found = parse_project_file(text, path)
    if found.conflict is not None:
        # Once for each process, since the answer is kept.
        sys.stderr.write(f"{found.told(path)}\n")
    return "dataflow" in found.content.get("tool", {})
