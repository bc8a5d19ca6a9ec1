"""The check of a whole template: every pair of choices, rendered, linted, run and updated to."""

from __future__ import annotations

import shlex
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import BadInputError, DataflowError
from dataflow.shared.suggestion import nearest_few
from dataflow_tools.fleet.render_cache import RenderCache
from dataflow_tools.templates.answer_sets import answer_sets, read_samples, spread
from dataflow_tools.templates.findings import Step, TemplateFinding, copy_command
from dataflow_tools.templates.rendered_checks import (
    Rendered,
    check_contract,
    check_format,
    check_lint,
    check_runs,
)
from dataflow_tools.templates.rendered_project import PROJECT_SET, render_project
from dataflow_tools.templates.snapshot import find_template, take_snapshot
from dataflow_tools.templates.tag_updates import update_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dataflow_tools.fleet.export import Export
    from dataflow_tools.fleet.versions import Template

# What `--quick` leaves: sets of pairs, workflows that run, released versions.
_QUICK_SETS, _QUICK_RUNS, _QUICK_TAGS = 4, 1, 1


@dataclass(frozen=True)
class CheckRequest:
    """What to check, and how much of it.

    Args:
        only: The names of the sets of answers to check; none for all.
        tags: The released versions to update from; none for all, unless ``quick``.
        runs: How many workflows run on their sample.
        keep: A folder to leave the rendered project in.
    """

    only: Sequence[str] = ()
    tags: Sequence[str] = ()
    runs: int = 3
    quick: bool = False
    keep: Path | None = None


@dataclass
class CheckReport:
    """What a check of a template found, step by step."""

    template: str
    version: str
    sets: Mapping[str, Mapping[str, Any]]
    steps: list[Step] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not any(step.findings for step in self.steps)

    def as_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "passed": self.passed,
            "template": self.template,
            "last_release": self.version,
            "answer_sets": {name: dict(answers) for name, answers in self.sets.items()},
            "steps": [step.as_json() for step in self.steps],
        }


def check_template(
    folder: Path,
    request: CheckRequest,
    progress: Callable[[str], None] = lambda _: None,
    done: Callable[[Step], None] = lambda _: None,
) -> CheckReport:
    """Check the working tree of a template's repository; nothing in it is changed.

    Args:
        progress: Told in a few words what is being done.
        done: Told of each step when it has ended.

    Raises:
        DataflowError: The check cannot be made.
    """
    root = find_template(folder)
    keep = request.keep
    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise BadInputError(f"The folder {keep} is not empty.", "Name a folder to make.")
    with tempfile.TemporaryDirectory(prefix="dataflow-template-") as temporary:
        work = Path(temporary).resolve()
        progress("making a version of the working tree")
        template, version = take_snapshot(root, work / "template")
        with RenderCache(work) as cache:
            template = cache.template(template.source)
            new = cache.export(template, version)
            most = _QUICK_SETS if request.quick and not request.only else None
            sets = answer_sets(new.config or {}, read_samples(root), most=most)
            sets = _chosen(sets, request.only)
            releases = [tag for tag in template.releases if tag != version.name]
            report = CheckReport(str(root), releases[-1] if releases else "", sets)
            place = (keep or work / "rendered").absolute()
            check = _Check(root, request, cache, template, new, sets, place, progress)
            for step in check.steps(_tags(releases, request), work):
                report.steps.append(step)
                done(step)
    return report


def _chosen(sets: dict[str, dict[str, Any]], only: Sequence[str]) -> dict[str, dict[str, Any]]:
    unknown = [name for name in only if name not in sets and name != PROJECT_SET]
    if unknown:
        meant = ", ".join(nearest_few(unknown[0], list(sets), 3)) or ", ".join(sets)
        raise BadInputError(
            f"There is no set of answers named {', '.join(unknown)}.", f"There are: {meant}."
        )
    return {name: answers for name, answers in sets.items() if not only or name in only}


def _tags(releases: list[str], request: CheckRequest) -> list[str]:
    unknown = [tag for tag in request.tags if tag not in releases]
    if unknown:
        raise BadInputError(
            f"The template has no release {', '.join(unknown)}.",
            f"Releases: {', '.join(releases) or 'none'}. Fetch tags with: git fetch --tags",
        )
    if request.tags:
        return list(request.tags)
    return releases[-_QUICK_TAGS:] if request.quick else releases


@dataclass
class _Check:
    """One check on its way."""

    root: Path
    request: CheckRequest
    cache: RenderCache
    template: Template
    new: Export
    sets: Mapping[str, Mapping[str, Any]]
    place: Path
    progress: Callable[[str], None]

    def steps(self, tags: Sequence[str], work: Path) -> Iterator[Step]:
        """Each step when it has ended; updates come last, since they take longest."""
        step = self._step("render", "every set of answers renders")
        began = time.monotonic()
        made = render_project(self.cache, self.new, self.sets, self.place, self.progress)
        self.rendered = Rendered(made, self.sets, self._reproduce)
        for name, error in made.refused.items():
            command = copy_command(str(self.root), name, self.sets.get(name, {}), "/tmp/rendered")  # noqa: S108
            reason = f"{error.reason} {_HINT}"
            step.findings.append(
                TemplateFinding(name, self.sets.get(name, {}), "", reason, command)
            )
        step.counted = f"{len(self.rendered.workflows)} of {len(self.sets)}, and the project"
        yield _ended(step, began)
        for name, title, look in (
            ("format", "ruff format has nothing to change", check_format),
            ("lint", "ruff check has nothing to say", check_lint),
            ("contract", "each passes the authoring checklist", check_contract),
        ):
            step, began = self._step(name, title), time.monotonic()
            self.progress(title)
            step.findings = look(self.rendered)
            yield _ended(step, began)
        yield self._runs()
        if not tags:
            step = self._step("update", "updates from every release")
            step.notes.append(
                "There is no release to update from yet. If there is one, fetch its tag: "
                "git fetch --tags"
            )
            yield step
        for tag in tags:
            yield self._updates(tag, work / f"from-{tag}")

    def _runs(self) -> Step:
        step, began = self._step("run", "workflows run on their sample"), time.monotonic()
        names = self.rendered.workflows
        runs = _QUICK_RUNS if self.request.quick else self.request.runs
        names = spread(names, runs)
        step.findings = check_runs(self.rendered, names, self.progress)
        step.counted = ", ".join(names) or "none (--runs 0)"
        return _ended(step, began)

    def _updates(self, tag: str, folder: Path) -> Step:
        step = self._step("update", f"instances of {tag} become as fresh ones, and lose nothing")
        began = time.monotonic()
        old = self.cache.export(self.template, self.template.version(f"refs/tags/{tag}"))
        folder.mkdir()
        try:
            found = update_from(self.cache, old, self.new, self.sets, folder, self.progress)
        except DataflowError as error:
            reason = f"no instance of {tag} can be updated: {error.reason} {error.instruction}"
            command = shlex.join(["dataflow", "template", "check", "--from", tag])
            step.findings.append(TemplateFinding(PROJECT_SET, {}, "", reason, command))
            return _ended(step, began)
        step.counted = f"{found.instances} instances, twice: untouched, and edited by a person"
        if found.refused:
            step.notes.append(f"{found.refused} sets of answers are not known to {tag}.")
        if found.conflicts:
            files = ", ".join(f"{file} ({times})" for file, times in found.conflicts.most_common(4))
            step.notes.append(
                f"Conflicts with a line that a person wrote at a file's end: {files}. Both are "
                "kept, and the person decides."
            )
        for name, file, reason in found.problems:
            only = ["--only", name] if name != PROJECT_SET else []
            command = shlex.join(["dataflow", "template", "check", *only, "--from", tag])
            answers = self.sets.get(name, {})
            step.findings.append(TemplateFinding(name, answers, file, reason, command))
        return _ended(step, began)

    def _step(self, name: str, title: str) -> Step:
        return Step(name, title)

    def _reproduce(self, name: str, command: str) -> str:
        folder = "/tmp/rendered"  # noqa: S108 (a place that a person is shown)
        only = [] if name == PROJECT_SET else ["--only", name]
        again = shlex.join(["dataflow", "template", "check", *only, "--quick", "--keep", folder])
        return f"{again}; cd {folder} && {command}"


_HINT = (
    "If a question has no default for these answers, give it one, or an answer in "
    "template-check.yml."
)


def _ended(step: Step, began: float) -> Step:
    step.seconds = time.monotonic() - began
    return step
