"""The wheels and sdists that `make dist` builds, and what a person has who installs them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ADDRESS = "https://git.example.org/data/dataflow.git"


def build(target: Path, part: str, **env: str) -> Path:
    """Build the sdist of a distribution, and the wheel from that."""
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", target, ROOT / part],
        env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000", **env},
        check=True,
        capture_output=True,
    )
    return next(target.glob(f"dataflow_{part}-*.whl"))


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Both wheels, built where the template's address is known."""
    folder = tmp_path_factory.mktemp("dist")
    return [build(folder, part, DATAFLOW_TEMPLATE_URL=ADDRESS) for part in ("runtime", "tools")]


@pytest.fixture(scope="module")
def installed(wheels: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that has the wheels, and other distributions from ours."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    pip: list[str | Path] = [folder / "bin" / "pip", "install", "--no-deps", "--no-index"]
    subprocess.run([*pip, *wheels], check=True, capture_output=True)
    # A path file in a folder that a path file names is not read: no editable install of ours is.
    (site / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return folder / "bin"


def run(program: Path, *arguments: str, cwd: Path, home: Path) -> str:
    """Run a command in a home of its own, where no network would help."""
    away = {"HOME": str(home), "GIT_ALLOW_PROTOCOL": "file", "XDG_DATA_HOME": ""}
    done = subprocess.run(
        [program, *arguments], cwd=cwd, env={**os.environ, **away}, capture_output=True, text=True,
        check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_what_is_built_is_the_same_each_time(wheels: list[Path], tmp_path: Path) -> None:
    """The same sources give the same wheel and the same sdist, to the byte."""
    again = build(tmp_path, "tools", DATAFLOW_TEMPLATE_URL=ADDRESS)
    first = wheels[1].parent
    for name in (again.name, next(tmp_path.glob("*.tar.gz")).name):
        before, after = ((folder / name).read_bytes() for folder in (first, tmp_path))
        assert hashlib.sha256(before).digest() == hashlib.sha256(after).digest(), name


@pytest.mark.slow
def test_the_tools_carry_the_template_and_the_runtime_does_not(wheels: list[Path]) -> None:
    """Each file of the template that git knows is in the wheel and the sdist of the tools."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "copier.yml", "template"], cwd=ROOT, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    tracked = {name for name in listed.stdout.split("\0") if name}
    runtime, tools = (set(zipfile.ZipFile(wheel).namelist()) for wheel in wheels)
    prefix = "dataflow_tools/template_files/"
    assert {name.removeprefix(prefix) for name in tools if name.startswith(prefix)} == tracked | {
        "origin.json"
    }
    assert not any("template_files" in name for name in runtime)
    with tarfile.open(next(wheels[1].parent.glob("dataflow_tools-*.tar.gz"))) as sdist:
        assert any(name.endswith("template_files/copier.yml") for name in sdist.getnames())


@pytest.mark.slow
def test_a_project_of_the_installed_wheels_is_one_that_colleagues_can_use(
    installed: Path, tmp_path: Path
) -> None:
    """With no network: it remembers the template's address, and installs from the index."""
    run(installed / "dataflow", "init", "shop", "--defaults", cwd=tmp_path, home=tmp_path)
    root = tmp_path / "shop"
    answers = (root / ".copier-answers.yml").read_text()
    assert f"_src_path: {ADDRESS}" in answers
    assert "_commit: v" in answers
    pins = (root / "pyproject.toml").read_text()
    assert "dataflow-runtime[all]==" in pins
    assert "tool.uv.sources" not in pins
    made = ("workflow", "new", "sales", "--defaults")
    run(installed / "dataflow", *made, cwd=root, home=tmp_path)
    assert "Done" in run(
        installed / "dataflow", "workflow", "run", "sales", "--no-daemon", cwd=root, home=tmp_path
    )
