"""A template's versions: which there are, in which order, and each as a plain folder."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass, field
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from dataflow.shared.errors import DataflowError
from dataflow_tools.scaffold.git import GitError, find_top, hide_credentials, run_git, succeeds

if TYPE_CHECKING:
    from packaging.version import Version as Release

# Copier's short forms, from `copier._vcs` 9.19.
_ALIASES = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}
_URL = re.compile(r"^([a-z][a-z0-9+.-]*://|[^/\s]+@[^/\s]+:)")


class TemplateError(DataflowError):
    """A template, or a version of it, cannot be had.

    Why: Updates merge between two versions of the template, and one of them cannot be had: no
    network, no access, a tag that was deleted, or a template that has moved.

    What to do: `dataflow template move URL` has all workflows follow a template to its new
    address.
    """


@dataclass(frozen=True)
class Version:
    """One commit of a template; its name is what Copier records: a tag, or one and a distance."""

    name: str
    commit: str


@dataclass
class Template:
    """A template's repository on this machine: the original, or a mirror of a remote one.

    Args:
        source: What the answers file calls it.
        address: Where the original is, if that is elsewhere.
        notes: What a person should know, such as that the remote could not be reached.
    """

    source: str
    repository: Path
    address: str | None = None
    notes: list[str] = field(default_factory=list)
    _versions: dict[str, Version] = field(default_factory=dict, repr=False)

    @cached_property
    def releases(self) -> list[str]:
        """All tags that are versions by PEP 440, oldest first, as Copier orders them."""
        tags = run_git(
            "for-each-ref", "--format=%(refname:strip=2)", "refs/tags", cwd=self.repository
        )
        known = [(_release(tag), tag) for tag in tags.decode().splitlines()]
        return [tag for release, tag in sorted((r, t) for r, t in known if r is not None)]

    def latest(self, *, prereleases: bool = False) -> Version:
        """The version an update goes to unless told otherwise.

        It is the highest tag by PEP 440, or the last commit if there is no such tag.
        """
        for tag in reversed(self.releases):
            release = _release(tag)
            if release is not None and (prereleases or not release.is_prerelease):
                return self.version(f"refs/tags/{tag}")
        return self.version("HEAD")

    def version(self, reference: str) -> Version:
        """Find a version by tag, branch, commit or what ``git describe`` made of one.

        Raises:
            TemplateError: The template has no such commit.
        """
        if reference not in self._versions:
            commit = self._resolve(reference)
            name = run_git("describe", "--tags", "--always", commit, cwd=self.repository)
            self._versions[reference] = Version(name.decode().strip(), commit)
            if reference == "HEAD" and self._is_dirty():
                self.notes.append(
                    f"The template {hide_credentials(self.source)} has uncommitted changes. They "
                    "are left out: no later update could start from a version that does not exist."
                )
        return self._versions[reference]

    def is_older(self, one: Version, other: Version) -> bool:
        """Tell whether ``one`` comes before ``other``."""
        first, second = _release(one.name), _release(other.name)
        if first is not None and second is not None:
            return first < second
        if one.commit == other.commit:
            return False
        return succeeds(
            "merge-base", "--is-ancestor", one.commit, other.commit, cwd=self.repository
        )

    def between(self, old: Version, new: Version) -> list[str]:
        """The released tags after ``old``, up to and with ``new``, oldest first."""
        # Without the distance that `git describe` adds to the nearest tag.
        low, high = (_release(re.sub(r"-\d+-g[0-9a-f]+$", "", v.name)) for v in (old, new))
        found = []
        for tag in self.releases:
            release = _release(tag)
            if release is None or (release.is_prerelease and tag != new.name):
                continue
            if (low is None or release > low) and (high is None or release <= high):
                found.append(tag)
        return found

    def export(self, version: Version, folder: Path) -> None:
        """Write all files of a version into a new folder, as a checkout would.

        A checkout honours line-ending attributes and ignores ``export-ignore``, as Copier's clone
        does and ``git archive`` does not.

        Raises:
            TemplateError: The version has submodules.
        """
        folder.mkdir(parents=True)
        index = folder.with_name(f"{folder.name}.index")
        place = {
            "GIT_DIR": str(self._git_dir),
            "GIT_WORK_TREE": str(folder),
            "GIT_INDEX_FILE": str(index),
        }
        plain = ("-c", "core.sparseCheckout=false", "-c", "core.fsmonitor=false")
        run_git(*plain, "read-tree", version.commit, cwd=folder, environment=place)
        staged = run_git("ls-files", "--stage", cwd=folder, environment=place)
        if any(line.startswith(b"160000 ") for line in staged.splitlines()):
            raise TemplateError(
                f"The template version {version.name} has submodules, which are not supported.",
                "Put the files into the template itself.",
            )
        run_git(*plain, "checkout-index", "--all", "--force", cwd=folder, environment=place)
        index.unlink()

    @cached_property
    def _git_dir(self) -> Path:
        answer = run_git("rev-parse", "--absolute-git-dir", cwd=self.repository)
        return Path(os.fsdecode(answer.rstrip(b"\n")))

    def _resolve(self, reference: str) -> str:
        # On the standard input, a version from an answers file cannot be taken for an option.
        if "\n" not in reference:
            for candidate in (reference, f"refs/remotes/origin/{reference}"):
                answer = run_git(
                    "cat-file",
                    "--batch-check=%(objectname)",
                    cwd=self.repository,
                    stdin=f"{candidate}^{{commit}}\n".encode(),
                )
                found = answer.decode(errors="replace").strip()
                if re.fullmatch(r"[0-9a-f]{40,64}", found):
                    return found
        raise TemplateError(
            f"The template {hide_credentials(self.source)} has no version {reference!r}.",
            "Fetch its tags if it is a clone. If that version was never committed, set `_commit` "
            "in the answers file to the nearest one that exists, and commit that.",
        )

    def _is_dirty(self) -> bool:
        try:
            return bool(run_git("status", "--porcelain", cwd=self.repository))
        except GitError:
            return False  # A bare repository has no work tree.


def open_template(source: str, near: Path) -> Template:
    """Open the template that an answers file names.

    Args:
        source: A path, a URL or one of Copier's short forms.
        near: The folder that a relative path starts from, if not from the current one.

    Raises:
        TemplateError: It is not the root of a git repository, or cannot be reached.
    """
    address = expand_address(source)
    local = _local_path(address, near)
    if local is None:
        return _open_mirror(source, address)
    top = find_top(local)
    if top != local.resolve() and not _is_bare(local):
        raise TemplateError(
            f"{local} is not the root of a git repository, so it has no versions.",
            "Make the template the root of a git repository with tags.",
        )
    return Template(source, local)


def cache_folder() -> Path:
    """Where mirrors of remote templates are kept, apart from Copier's own cache.

    Copier's is shared by all its processes and breaks when two of them use it at once.
    """
    from platformdirs import user_cache_path

    return user_cache_path("dataflow", appauthor=False) / "templates"


def _open_mirror(source: str, address: str) -> Template:
    shown = hide_credentials(address)
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    name = sha256(shown.encode()).hexdigest()[:24]
    mirror, fresh = folder / f"{name}.git", folder / f"{name}.new"
    notes: list[str] = []
    with FileLock(folder / f"{name}.lock"):
        if mirror.is_dir() and succeeds("rev-parse", "--git-dir", cwd=mirror):
            try:
                refs = "+refs/*:refs/*"
                run_git("fetch", "--quiet", "--prune", "--force", address, refs, cwd=mirror)
            except GitError as error:
                notes = [f"{shown} was not reached; its last known state is used. {error.reason}"]
        else:
            for leftover in (fresh, mirror):
                shutil.rmtree(leftover, ignore_errors=True)
            try:
                run_git("clone", "--quiet", "--mirror", "--", address, fresh, cwd=folder)
            except GitError as error:
                raise TemplateError(
                    f"The template {shown} cannot be fetched. {error.reason}",
                    "Check your access to it. If it is elsewhere now: dataflow template move URL",
                ) from error
            fresh.rename(mirror)
    return Template(source, mirror, address, notes)


def _is_bare(folder: Path) -> bool:
    # In a folder inside of a work tree, git would answer for the repository around it.
    return (folder / "HEAD").is_file() and succeeds("rev-parse", "--git-dir", cwd=folder)


def expand_address(source: str) -> str:
    """An address that git understands, of one in any form that Copier takes."""
    for alias, host in _ALIASES.items():
        if source.startswith(alias):
            path = source.removeprefix(alias).lstrip("/")
            return f"{host}{path.removesuffix('.git')}.git"
    return source.removeprefix("git+")


def _local_path(address: str, near: Path) -> Path | None:
    """The folder of a template on this machine; ``None`` for a URL or a bundle."""
    if address.startswith("file://"):
        path = Path(address.removeprefix("file://"))
    elif _URL.match(address):
        return None
    else:
        path = Path(address).expanduser()
    candidates = [Path.cwd() / path, near / path]
    found = next((candidate for candidate in candidates if candidate.exists()), None)
    if found is None:
        looked = dict.fromkeys(str(folder) for folder in (Path.cwd(), near))
        where = "" if path.is_absolute() else f" in {' or '.join(looked)}"
        raise TemplateError(
            f"The template {address} does not exist{where}.",
            "Put it back. If it is elsewhere now: dataflow template move URL",
        )
    return found if found.is_dir() else None


@cache
def _release(tag: str) -> Release | None:
    from packaging.version import InvalidVersion
    from packaging.version import Version as Release

    try:
        return Release(tag)
    except InvalidVersion:
        return None
