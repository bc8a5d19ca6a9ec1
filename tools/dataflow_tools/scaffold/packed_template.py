"""The template that comes inside the installed distribution, where there is no checkout.

`hatch_build.py` packs it. Copier takes templates from repositories alone, so it is put into one of
the person's own, which gets the template of each version that is installed, as one commit with one
tag. Where the distribution knows the address that it was built from, that is what projects
remember, and git reads the person's repository in its place when this version is asked for.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from dataflow_tools.scaffold.git import run_git, succeeds

if TYPE_CHECKING:
    from collections.abc import Iterator

_ORIGIN = "origin.json"
# The same content is the same commit on every machine.
_SIGNED = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (
        ("NAME", "DATAFLOW"),
        ("EMAIL", "dataflow@localhost"),
        ("DATE", "2000-01-01T00:00:00 +0000"),
    )
}


@dataclass(frozen=True)
class PackedTemplate:
    """The template inside of a distribution.

    Args:
        folder: Its files.
        tag: The version that they are.
    """

    folder: Path
    tag: str

    @cached_property
    def address(self) -> str:
        """Where others reach it; empty if the distribution was built without an address."""
        origin = json.loads((self.folder / _ORIGIN).read_text(encoding="utf-8"))
        return str(origin["url"])

    @property
    def repository(self) -> Path:
        """The repository of the person's own that it is put into."""
        home = os.environ.get("XDG_DATA_HOME", "")
        data = Path(home) if home else Path.home() / ".local" / "share"
        return data / "dataflow" / "template"

    @property
    def source(self) -> str:
        """What a project remembers as its template."""
        return self.address or str(self.repository)

    def has(self, url: str, ref: str | None) -> bool:
        """Whether it is the template of an address, in the version that is asked for."""
        return ref == self.tag and url.removeprefix("git+") == self.source

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let git read it where its address is asked for, also with no network."""
        self._put()
        if not self.address:
            yield
            return
        from plumbum import local

        count = int(os.environ.get("GIT_CONFIG_COUNT", "0"))
        # Copier runs git through plumbum, and hands it no settings of ours but its environment.
        added = {
            "GIT_CONFIG_COUNT": str(count + 1),
            f"GIT_CONFIG_KEY_{count}": f"url.{self.repository}.insteadOf",
            f"GIT_CONFIG_VALUE_{count}": self.address,
        }
        with local.env(**added):
            yield

    def _put(self) -> None:
        """Commit it under its tag, unless it is there."""
        repository = self.repository
        repository.mkdir(parents=True, exist_ok=True)
        with FileLock(repository.with_suffix(".lock")):
            if not (repository / ".git").is_dir():
                run_git("init", "--quiet", cwd=repository)
                run_git("symbolic-ref", "HEAD", "refs/heads/main", cwd=repository)
            index = repository / ".git" / f"packing-{os.getpid()}"
            packed = {
                "GIT_WORK_TREE": str(self.folder),
                "GIT_DIR": str(repository / ".git"),
                "GIT_INDEX_FILE": str(index),
                **_SIGNED,
            }
            ignoring_nothing = ("-c", "core.excludesFile=", "-c", "core.autocrlf=false")
            # Its own .gitignore files are what projects get, and not about this.
            arguments = ("add", "--all", "--force", "--", ".", f":!{_ORIGIN}")
            try:
                run_git(*ignoring_nothing, *arguments, cwd=self.folder, environment=packed)
                tree = run_git("write-tree", cwd=self.folder, environment=packed).decode().strip()
            finally:
                index.unlink(missing_ok=True)
            if succeeds("diff", "--quiet", f"{self.tag}^{{tree}}", tree, cwd=repository):
                return
            made = run_git(
                *("commit-tree", tree, "-m", self.tag), cwd=repository, environment=packed
            )
            commit = made.decode().strip()
            run_git("tag", "--force", self.tag, commit, cwd=repository)
            run_git("update-ref", "refs/heads/main", commit, cwd=repository)


def packed_template() -> PackedTemplate | None:
    """The template inside of the installed tools; None where they are installed from a checkout."""
    folder = Path(str(files("dataflow_tools"))) / "template_files"
    if not (folder / _ORIGIN).is_file():
        return None
    return PackedTemplate(folder, f"v{version('dataflow-tools')}")
