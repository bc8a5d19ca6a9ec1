"""What tests of several folders stand on: the template as a repository, and projects made of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis.internal.conjecture import providers
from tests.browser_fixtures import browser, open_page, playwright_driver, shared_node_modules
from tests.exhaustive import pytest_addoption, pytest_collection_modifyitems

from dataflow.shared import redaction
from dataflow.workflows import registry

__all__ = [
    "browser",
    "open_page",
    "playwright_driver",
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "shared_node_modules",
]

# A machine may be busy: how long one example takes says nothing of the code.
settings.register_profile("fixed", deadline=None, derandomize=True)
# `make fuzz`: other examples each time, and what fails is written down to be pasted as an example.
# Said in full: where `CI` is set, Hypothesis takes its own profile for the one to start from, which
# draws the same examples each time.
settings.register_profile(
    "fuzz", deadline=None, max_examples=1_000, print_blob=True, derandomize=False
)
# `make mutants`: one failing example is enough, the smallest is of no use.
settings.register_profile(
    "mutants", settings.get_profile("fixed"), phases=[Phase.explicit, Phase.generate]
)
settings.load_profile("fixed")


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    """Let the modules that happen to be loaded have no say in which examples are tried.

    Hypothesis mixes constants of the loaded local modules into what it draws. Which those are
    depends on the tests that ran before in this process, and so on how many processes share them.
    It has no setting for that (6.170).
    """
    if settings.get_current_profile_name() != "fuzz":
        providers._get_local_constants = lambda: providers._local_constants


_SETTINGS = {name: text for name, text in os.environ.items() if name.startswith("DATAFLOW_")}


def pytest_collection_finish() -> None:
    """Refuse a module whose import sets a setting, for all tests that come after it."""
    found = {name: text for name, text in os.environ.items() if name.startswith("DATAFLOW_")}
    if found != _SETTINGS:
        raise pytest.UsageError(f"the settings were {_SETTINGS}, and are {found}")


# Whatever a shell starts in the background ignores Ctrl-C, and so would all that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

Dataflow = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True, scope="module")
def _leave_no_project() -> Iterator[None]:
    """Keep what the tests of one file import from those of others, which use the same names."""
    path, registered = list(sys.path), dict(registry._registered)
    yield
    sys.path[:] = path
    registry._registered.clear()
    registry._registered.update(registered)
    for name in [each for each in sys.modules if each.startswith("dataflow.workflows.")]:
        file = getattr(sys.modules[name], "__file__", None)
        if file is None or not Path(file).is_relative_to(REPOSITORY / "runtime"):
            del sys.modules[name]


@pytest.fixture(autouse=True)
def _forget_secrets() -> Iterator[None]:
    """Keep the secrets of one test from masking the texts of others."""
    before, pattern = set(redaction._secrets), redaction._pattern
    yield
    redaction._secrets, redaction._pattern = before, pattern


def _git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="session")
def template_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template of the working tree, committed and tagged in a repository of its own."""
    folder = tmp_path_factory.mktemp("template")
    shutil.copy(REPOSITORY / "copier.yml", folder)
    shutil.copytree(REPOSITORY / "template", folder / "template")
    _git(folder, "init", "--quiet")
    _git(folder, "add", "--all", "--force")
    _git(folder, "commit", "--quiet", "--message", "The working tree")
    _git(folder, "tag", "v0.2.0")
    return folder


@pytest.fixture(scope="session")
def dataflow() -> Dataflow:
    """The installed command, in a process of its own, as a user runs it."""

    def run(
        *arguments: str | Path, cwd: Path, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BIN / "dataflow", *arguments],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    return run


@pytest.fixture(scope="session")
def _rendered(
    tmp_path_factory: pytest.TempPathFactory, template_repository: Path, dataflow: Dataflow
) -> Path:
    folder = tmp_path_factory.mktemp("rendered")
    for command in (
        ("init", "shop", "--template", template_repository, "--defaults", "--no-git"),
        ("workflow", "new", "sales", "--defaults"),
    ):
        made = dataflow(*command, cwd=folder if command[0] == "init" else folder / "shop")
        assert made.returncode == 0, made.stderr
    shutil.move(folder / "shop" / "src" / "dataflow" / "workflows" / "sales", folder / "sales")
    return folder


@pytest.fixture
def project_folder(tmp_path: Path, _rendered: Path) -> Path:
    """A new project, as `dataflow init` makes it."""
    return shutil.copytree(_rendered / "shop", tmp_path / "shop", symlinks=True)


@pytest.fixture
def workflow_folder(project_folder: Path, _rendered: Path) -> Path:
    """The workflow `sales` in that project, as `dataflow workflow new sales` makes it."""
    folder = project_folder / "src" / "dataflow" / "workflows" / "sales"
    return shutil.copytree(_rendered / "sales", folder)
