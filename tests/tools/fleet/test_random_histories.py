"""Whatever people do to their folders, an update loses nothing and touches nothing else.

Each history is that of a project with a few workflows: a template of several versions, and people
who edit, delete, rename, copy and link, who tell git to overlook files, keep repositories of their
own in a folder, and have other line ends. Copier has no answer to much of it, so that the outcome
is held to promises instead. ``DATAFLOW_TEST_LIVES`` asks for more histories.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.tools.fleet.conftest import git, write

from dataflow.shared.errors import DataflowError
from dataflow_tools.fleet.tree import Entry, read_tree

if TYPE_CHECKING:
    from tests.tools.fleet.conftest import Content, Lab

pytestmark = pytest.mark.slow

LIVES = int(os.environ.get("DATAFLOW_TEST_LIVES", "8"))
FIRST = int(os.environ.get("DATAFLOW_TEST_FIRST_LIFE", "0"))
OWNERS = "_generated: [gen/, made.txt]\n_skip_if_exists: [own, mine.py]\n"
PATHS = (
    *("a.txt", "b.txt", "made.txt", "mine.py", "gen/x.txt", "gen/y.txt", "own/o.txt", "own/p.txt"),
    *("sub/c.txt", "sub/d.txt", "sub/deep/e.txt", "sub/deep/f.txt", "bin.dat", "other/g.txt"),
)
NAMES = ("one", "two", "three")


@dataclass
class Life:
    """One history, with what its people wrote in it."""

    lab: Lab
    chance: random.Random
    outside: Path
    words: int = 0
    told: list[str] = field(default_factory=list)

    def word(self) -> str:
        """A line that is in no other file, and that an update must not lose."""
        self.words += 1
        return f"written by hand {self.words}"

    def lines(self, path: str) -> list[str]:
        """The first version of a file of the template."""
        return [f"{path} line {number}" for number in range(self.chance.randint(4, 12))]

    def say(self, *words: object) -> None:
        self.told.append(" ".join(map(str, words)))


def text(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def release_versions(life: Life) -> list[dict[str, Content]]:
    """Make versions of the template: files are changed, dropped, renamed and added."""
    chance = life.chance
    files: dict[str, bytes] = {
        path: text(life.lines(path)) for path in PATHS if chance.random() < 0.8
    }
    files["bin.dat"] = b"\0first"
    versions = [dict(files)]
    for number in range(chance.randint(1, 2)):
        for path in sorted(files):
            draw = chance.random()
            if draw < 0.35:
                if path == "bin.dat":
                    files[path] = b"\0" + str(number).encode()
                    continue
                lines = files[path].decode().splitlines()
                place = chance.randrange(len(lines) + 1)
                lines[place : place + chance.randint(0, 2)] = [f"template {number} in {path}"]
                files[path] = text(lines)
            elif draw < 0.45:
                del files[path]
            elif draw < 0.55 and path != "bin.dat":
                files[f"new{number}/{Path(path).name}"] = files.pop(path)
        if chance.random() < 0.5:
            files[f"sub/added{number}.txt"] = f"added {number}\n".encode()
        versions.append(dict(files))
    known: set[str] = set()
    for number, version in enumerate(versions):
        gone = dict.fromkeys(known - version.keys())
        life.lab.release(
            f"1.{number}.0",
            {**gone, **version},
            config=life.lab.config + OWNERS if number == 0 else None,
        )
        known |= version.keys()
        if number == 0:
            life.lab.render(*NAMES)
    return versions  # type: ignore[return-value]


def live(life: Life) -> None:
    """Have people do things to their workflows, and commit most of it."""
    chance, root = life.chance, life.lab.project.root
    if chance.random() < 0.3:
        git(root, "config", "core.autocrlf", chance.choice(("true", "input")))
        life.say("autocrlf")
    if chance.random() < 0.2:
        git(root, "config", "core.fileMode", "false")
        life.say("fileMode false")
    if chance.random() < 0.3:
        write(root, {".gitattributes": chance.choice(("*.txt text eol=crlf\n", "* text=auto\n"))})
        git(root, "add", "--renormalize", ".")
        life.lab.commit()
        life.say("gitattributes")
    if chance.random() < 0.2:
        life.lab.project.workflow_dir("one").rename(life.lab.project.workflow_dir("renamed"))
        life.say("rename workflow")
    if chance.random() < 0.3:
        source = life.lab.project.workflow_dir("two")
        shutil.copytree(source, source.with_name("copied"), symlinks=True)
        life.say("copy workflow")
    folders = sorted(
        path.parent for path in life.lab.project.workflows_dir.glob("*/.copier-answers.yml")
    )
    for folder in folders:
        for _ in range(chance.randint(0, 5)):
            act(life, folder)
    life.lab.commit()
    for folder in folders:
        for _ in range(chance.choice((0, 0, 0, 1, 2))):
            act_uncommitted(life, folder)


def files_of(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and ".git" not in path.parts
        and path.name != ".copier-answers.yml"
        and not any(parent.is_symlink() for parent in [path, *path.parents])
    )


def edit(life: Life, path: Path) -> None:
    data = path.read_bytes()
    if b"\0" in data:
        path.write_bytes(data + life.word().encode())
        return
    end = b"\r\n" if b"\r\n" in data else b"\n"
    lines = data.split(end)
    lines.insert(life.chance.randrange(len(lines)), life.word().encode())
    path.write_bytes(end.join(lines))


def act(life: Life, folder: Path) -> None:
    """One thing that a person does and commits."""
    chance, files = life.chance, files_of(folder)
    if not files:
        return
    path = chance.choice(files)
    kind = chance.choice(
        (
            "edit",
            "edit",
            "edit",
            "delete",
            "rename",
            "new",
            "mode",
            "crlf",
            "link",
            "linked folder",
            "repository",
            "copy",
            "linked file",
            "blocker",
        )
    )
    life.say(folder.name, kind, path.relative_to(folder))
    if kind == "edit":
        edit(life, path)
    elif kind == "delete":
        path.unlink()
    elif kind == "rename":
        target = folder / f"moved{life.words}" / path.name
        target.parent.mkdir(exist_ok=True)
        path.rename(target)
        life.words += 1
    elif kind == "copy":
        shutil.copy(path, path.with_name(f"copy-{path.name}"))
    elif kind == "new":
        name = chance.choice(("sub/added0.txt", "notes.md"))
        if not (folder / "sub").is_file():
            write(folder, {name: f"{life.word()}\n"})
    elif kind == "mode":
        path.chmod(0o755)
    elif kind == "crlf":
        path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    elif kind == "link":
        path.unlink()
        path.symlink_to(chance.choice(("a.txt", str(life.outside / "kept.txt"), "nowhere")))
    elif kind == "linked file":
        target = life.outside / f"file{life.words}"
        life.words += 1
        path.rename(target)
        path.symlink_to(target)
    elif path.parent == folder:
        return
    elif kind == "linked folder":
        target = life.outside / f"folder{life.words}"
        life.words += 1
        path.parent.rename(target)
        path.parent.symlink_to(target)
    elif kind == "repository":
        git(folder, "rm", "-rq", "--cached", "--ignore-unmatch", str(path.parent))
        git(path.parent, "init", "-q")
        git(path.parent, "add", "-A")
        git(path.parent, "commit", "--allow-empty", "-qm", "own")
    elif kind == "blocker":
        parent = path.parent
        shutil.rmtree(parent)
        parent.write_text(f"{life.word()}\n")


def act_uncommitted(life: Life, folder: Path) -> None:
    """One thing that git does not have, or does not know of."""
    chance, files = life.chance, files_of(folder)
    if not files:
        return
    path = chance.choice(files)
    kind = chance.choice(("skip", "assume", "note", "edit", "staged", "ignored"))
    life.say(folder.name, "uncommitted", kind, path.relative_to(folder))
    if kind in ("skip", "assume"):
        flag = "--skip-worktree" if kind == "skip" else "--assume-unchanged"
        try:
            git(folder, "update-index", flag, str(path))
        except subprocess.CalledProcessError:
            return  # It is in a repository of its own.
        if chance.random() < 0.2:
            path.unlink()
        else:
            edit(life, path)
    elif kind == "note":
        name = chance.choice(("note.md", "sub/added0.txt", "new0/a.txt"))
        if not (folder / name).exists() and not (folder / name).parent.is_symlink():
            try:
                write(folder, {name: f"{life.word()}\n"})
            except OSError:
                return
    elif kind == "ignored":
        exclude = life.lab.project.root / ".git" / "info" / "exclude"
        exclude.write_text("ignored.txt\nnew0/\n")
        write(folder, {"ignored.txt": f"{life.word()}\n"})
    else:
        edit(life, path)
        if kind == "staged":
            git(folder, "add", "-A", ".")


def snapshot(folder: Path) -> dict[str, Entry]:
    return {path: entry for path, entry in read_tree(folder).items() if "__pycache__" not in path}


def words_in(files: dict[str, Entry]) -> set[bytes]:
    return {
        line.strip(b"\r\0")
        for entry in files.values()
        for line in entry.data.replace(b"\0", b"\n").split(b"\n")
        if b"written by hand" in line
    }


def committed(lab: Lab, folder: Path) -> set[bytes]:
    """The lines of people that the last commit has of a folder."""
    listing = git(lab.project.root, "ls-tree", "-r", "-z", "HEAD", str(folder) + "/")
    found: set[bytes] = set()
    for line in listing.split("\0")[:-1]:
        meta, _, path = line.partition("\t")
        if meta.split()[1] == "blob":
            text = git(lab.project.root, "cat-file", "blob", meta.split()[2])
            found |= words_in({path: Entry(text.encode())})
    return found


@pytest.mark.parametrize("seed", range(FIRST, FIRST + LIVES))
def test_no_history_loses_anything(lab: Lab, tmp_path: Path, seed: int) -> None:
    """Every line is there or in git, nothing outside changes, a second run has nothing to do."""
    outside = tmp_path / "outside"
    write(outside, {"kept.txt": "kept\n"})
    life = Life(lab, random.Random(seed), outside)  # noqa: S311 (the same histories each time)
    versions = release_versions(life)
    live(life)
    root, told = lab.project.root, "\n".join(life.told)
    folders = sorted(
        path.parent for path in lab.project.workflows_dir.glob("*/.copier-answers.yml")
    )
    before = {folder: snapshot(folder) for folder in folders}
    around = snapshot(outside)
    repositories = {
        path.parent: snapshot(path.parent) for path in root.rglob(".git") if path.parent != root
    }
    kept = {folder: committed(lab, folder) for folder in folders}
    plan = lab.update(plan_only=True)
    assert {folder: snapshot(folder) for folder in folders} == before, told
    try:
        report = lab.update()
    except DataflowError as error:
        pytest.fail(f"{error}\n{told}")
    shown = "\n".join([told, *(str(one.as_json()) for one in report.outcomes)])
    assert snapshot(outside) == around, shown
    for folder, files in repositories.items():
        assert snapshot(folder) == files, shown
    for outcome in report.outcomes:
        folder = lab.project.workflow_dir(outcome.workflow_id)
        after = snapshot(folder)
        if outcome.status.value in ("skipped", "failed", "current"):
            assert after == before[folder], shown
            continue
        # What people wrote is there, or git has it and the report says that it was replaced.
        lost = words_in(before[folder]) - words_in(after)
        assert lost <= kept[folder], (lost, shown)
        if lost:
            assert any(change.action.value == "replaced" for change in outcome.changes), shown
        planned = next(one for one in plan.outcomes if one.workflow_id == outcome.workflow_id)
        assert [c.as_json() for c in planned.changes] == [c.as_json() for c in outcome.changes]
        # What nobody touched is as the new version has it.
        first, last = versions[0], versions[-1]
        for path, content in last.items():
            entry, old = after.get(path), before[folder].get(path)
            base = first.get(path)
            if old is not None and base is not None and old.data.replace(b"\r\n", b"\n") == base:
                own = path.startswith("own/") or path == "mine.py"
                wanted = base if own else content
                behind = any((folder / p).is_symlink() for p in Path(path).parents)
                inner = any(f in (folder / path).parents for f in repositories)
                if not behind and not inner and entry is not None and not entry.link:
                    assert entry.data.replace(b"\r\n", b"\n") == wanted, (path, shown)
    for outcome in report.outcomes:
        if outcome.status.value == "updated":
            lab.git("add", "-A", str(lab.project.workflow_dir(outcome.workflow_id)))
    lab.git("commit", "--allow-empty", "-qam", "update") if not lab.unmerged() else None
    again = lab.update()
    for outcome in again.outcomes:
        first_time = next(o for o in report.outcomes if o.workflow_id == outcome.workflow_id)
        if first_time.status.value == "updated":
            assert outcome.status.value == "current", (outcome.as_json(), shown)
