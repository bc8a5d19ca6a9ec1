"""Where the template of the installed library is."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project
from dataflow_tools.scaffold.create import (
    TemplateSource,
    create_project,
    create_workflow,
    installed_template,
)


def install(site: Path, origin: dict[str, Any] | None) -> None:
    """Put what pip notes about an installation first on the path."""
    notes = site / "dataflow_tools-0.2.0.dist-info"
    notes.mkdir()
    (notes / "METADATA").write_text("Metadata-Version: 2.1\nName: dataflow-tools\nVersion: 0.2.0\n")
    if origin is not None:
        (notes / "direct_url.json").write_text(json.dumps(origin))


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("https://git.test/team/dataflow", "git+https://git.test/team/dataflow"),
        ("ssh://git@git.test/dataflow.git", "git+ssh://git@git.test/dataflow.git"),
        ("file:///srv/the%20repo", "/srv/the repo"),
    ],
)
def test_from_a_repository_it_is_the_commit_that_was_installed(
    url: str, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written as Copier takes it, for which a bare address is no repository."""
    vcs = {"vcs": "git", "commit_id": "abc", "requested_revision": "v0.2.0"}
    install(tmp_path, {"url": url, "subdirectory": "tools", "vcs_info": vcs})
    monkeypatch.syspath_prepend(tmp_path)
    assert installed_template() == TemplateSource(source, "abc")


def test_from_a_folder_it_is_the_repository_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tools lie in a folder of the repository whose root is the template."""
    (tmp_path / "the repo/tools").mkdir(parents=True)
    url = (tmp_path / "the repo/tools").as_uri()
    install(tmp_path, {"url": url, "dir_info": {"editable": True}})
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BadInputError, match="does not say where its template is"):
        installed_template()
    (tmp_path / "the repo/copier.yml").touch()
    assert installed_template() == TemplateSource(str(tmp_path / "the repo"), "HEAD")


def test_from_an_index_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says how to name it."""
    install(tmp_path, None)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BadInputError) as error:
        installed_template()
    assert "--template" in str(error.value.instruction)


def test_a_template_in_a_subfolder_of_a_repository_is_refused(tmp_path: Path) -> None:
    """No version would be recorded, so nothing made from it could ever be updated."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "copier.yml").touch()
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    with pytest.raises(BadInputError, match="lies in a subfolder of the repository") as refused:
        create_project(tmp_path / "shop", TemplateSource(str(tmp_path / "sub")), {}, ask=False)
    assert "subtree split --prefix sub" in refused.value.instruction
    assert not (tmp_path / "shop").exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_workflow_is_there_whole_or_not_at_all(
    tmp_path: Path, template_repository: Path, number: signal.Signals
) -> None:
    """Also if the process is stopped while its files are written; the name stays free."""
    (tmp_path / ".copier-answers.yml").write_text(
        f"_commit: HEAD\n_src_path: {template_repository}\n"
    )
    code = (
        "import os, sys, pathlib\n"
        "from dataflow.shared.project import Project\n"
        "from dataflow_tools.scaffold.create import create_workflow\n"
        "def strike(event, arguments):\n"
        "    if event == 'open' and str(arguments[0]).endswith('/transform.py'):\n"
        f"        os.kill(os.getpid(), {int(number)})\n"
        "sys.addaudithook(strike)\n"
        "create_workflow(Project(pathlib.Path.cwd()), 'orders', {}, ask=False)"
    )
    stopped = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, check=False, capture_output=True
    )
    assert stopped.returncode == -number, stopped.stderr.decode()
    project = Project(tmp_path)
    assert not project.workflow_dir("orders").exists()
    assert (create_workflow(project, "orders", {}, ask=False) / "tests").is_dir()


def test_what_the_machine_refuses_is_no_wrong_answer(
    tmp_path: Path, template_repository: Path
) -> None:
    """Where nothing can be written, that is what is said, and not that an answer is to blame."""
    (tmp_path / ".copier-answers.yml").write_text(
        f"_commit: HEAD\n_src_path: {template_repository}\n"
    )
    (tmp_path / ".dataflow").mkdir()
    (tmp_path / ".dataflow" / "new").touch()
    with pytest.raises(BadInputError, match="orders could not be made: Not a directory"):
        create_workflow(Project(tmp_path), "orders", {}, ask=False)
