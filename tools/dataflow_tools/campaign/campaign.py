"""Plan and run a campaign: one repository after the other, ring after ring."""

from __future__ import annotations

import os
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dataflow.shared.errors import BadInputError, DataflowError
from dataflow_tools.campaign.clone import Clone
from dataflow_tools.campaign.clone_update import check_clone, run_command, update_clone
from dataflow_tools.campaign.ledger import Entry, Ledger, State
from dataflow_tools.campaign.locks import campaign_lock, repository_lock
from dataflow_tools.campaign.proposal_text import commit_message, proposal_body, title
from dataflow_tools.campaign.pull_requests import Proposal, code_host, require_login
from dataflow_tools.campaign.report import CampaignReport
from dataflow_tools.campaign.rings import split
from dataflow_tools.campaign.settings import FILE, Settings, read_settings, write_settings
from dataflow_tools.fleet.answers_file import ANSWERS_FILE, read_answers
from dataflow_tools.fleet.render_cache import RenderCache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dataflow_tools.campaign.clone import Remote
    from dataflow_tools.campaign.sources import Repository

_LEDGER, _CLONES = "ledger.jsonl", "clones"
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


@dataclass(frozen=True)
class Voice:
    """How a campaign tells what it does.

    Args:
        progress: A few words about what is being done now.
        told: What became of one repository, when it has.
    """

    progress: Callable[[str], None] = lambda _: None
    told: Callable[[Entry], None] = lambda _: None


def read_campaign(folder: Path) -> tuple[Settings, Ledger]:
    """Read a campaign's folder; nothing is written.

    Raises:
        BadInputError: There is no campaign in it.
    """
    settings = read_settings(folder)
    if settings is None:
        raise BadInputError(
            f"There is no campaign in {folder}.",
            "Plan one: dataflow campaign plan FILE_OR_FOLDER_OR_URL...",
        )
    return settings, Ledger(folder / _LEDGER)


def report_campaign(folder: Path) -> CampaignReport:
    """What became of each repository so far; raises what `read_campaign` raises."""
    settings, ledger = read_campaign(folder)
    entries = {one.name: ledger.latest(one.name) for one in settings.repositories}
    return CampaignReport(settings, entries)


def plan_campaign(folder: Path, wanted: Settings, voice: Voice) -> CampaignReport:
    """Clone each repository and say what an update would do; nothing is pushed.

    Planned again, a campaign keeps what was done and looks at the others anew.

    Args:
        wanted: What is asked for. Without a version the template's latest release is meant.

    Raises:
        BadInputError: The folder has a campaign for another version, or is something else.
        CampaignBusyError: Another process works on it.
    """
    # Checks run in other folders, where a relative path would mean another place.
    folder = folder.resolve()
    _make_folder(folder)
    with _working(folder) as cache:
        before = read_settings(folder)
        if before is not None:
            wanted = _continued(folder, before, wanted)
        ledger = Ledger(folder / _LEDGER)
        work = _Work(folder, wanted, ledger, cache, voice)
        number = len(wanted.repositories)
        for position, repository in enumerate(wanted.repositories, start=1):
            if ledger.latest(repository.name).state.is_done and ledger.commits(repository.name):
                continue
            work.where = f"{position} of {number}: {repository.name}"
            work.plan(repository)
        settings = work.settings
        if not settings.version:
            raise BadInputError(
                "No repository says which template it came from, so there is no version to go to.",
                "See the reasons with --json, or name the version with --to.",
            )
        entries = {one.name: ledger.latest(one.name) for one in settings.repositories}
        write_settings(folder, replace(settings, rings=_rings(settings, entries)))
    return report_campaign(folder)


def run_campaign(folder: Path, voice: Voice, last_ring: int | None = None) -> CampaignReport:
    """Update the repositories of each ring, and go on to the next while few fail.

    What is done is not done again; what failed is tried again.

    Args:
        last_ring: The number of the last ring to go to; all of them if not given.

    Raises:
        CampaignBusyError: Another process works on it.
        DataflowError: The code host's command line is missing or not logged in.
    """
    stopped, folder = "", folder.resolve()
    with _working(folder) as cache:
        settings, ledger = read_campaign(folder)
        for host in {
            host.program: host
            for one in settings.repositories
            if (host := code_host(settings.pull_requests, one.address)) is not None
        }.values():
            require_login(host)
        work = _Work(folder, settings, ledger, cache, voice)
        for number, ring in enumerate(settings.rings[:last_ring], start=1):
            stopped = work.run_ring(number, ring)
            if stopped:
                break
    return replace(report_campaign(folder), stopped=stopped)


def _make_folder(folder: Path) -> None:
    """Make a campaign's folder; one that has files of others is refused."""
    folder.mkdir(parents=True, exist_ok=True)
    there = {path.name for path in folder.iterdir()}
    if there and not there & {FILE, _LEDGER} and not there <= {".gitignore", "lock", _CLONES}:
        raise BadInputError(
            f"The folder {folder} has files that are not a campaign's.",
            "Name a folder of the campaign's own with --in.",
        )
    if ".gitignore" not in there:
        # The clones are of no concern to a repository that the folder may lie in.
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")


@contextmanager
def _working(folder: Path) -> Iterator[RenderCache]:
    os.environ.setdefault("GIT_TERMINAL_PROMPT", "0")
    if not folder.is_dir():
        read_campaign(folder)
    with campaign_lock(folder), RenderCache(folder) as cache:
        yield cache


def _continued(folder: Path, before: Settings, wanted: Settings) -> Settings:
    if wanted.version and wanted.version != before.version:
        raise BadInputError(
            f"The campaign in {folder} carries {before.version}, not {wanted.version}.",
            "Plan the other version in a folder of its own: --in FOLDER",
        )
    known = {one.address: one for one in before.repositories}
    names = {one.name for one in before.repositories}
    fresh = []
    for one in wanted.repositories:
        if one.address not in known:
            number = 2
            name = one.name
            while name in names:
                name, number = f"{one.name}-{number}", number + 1
            names.add(name)
            fresh.append(replace(one, name=name))
    return replace(
        wanted,
        version=before.version,
        rings=before.rings,
        repositories=[*before.repositories, *fresh],
    )


def _rings(settings: Settings, entries: dict[str, Entry]) -> list[list[str]]:
    """The rings of all that have something to come; once begun, rings keep who is in them."""
    ready = [name for name, entry in entries.items() if entry.state is State.READY]
    begun = any(entries[name].commit for ring in settings.rings for name in ring)
    if not begun:
        return split(ready, settings.sizes)
    placed = {name for ring in settings.rings for name in ring}
    late = [name for name in ready if name not in placed]
    return [*settings.rings[:-1], [*settings.rings[-1], *late]]


class _Work:
    """What plan and run share while they go through the repositories."""

    def __init__(
        self, folder: Path, settings: Settings, ledger: Ledger, cache: RenderCache, voice: Voice
    ) -> None:
        self.settings = settings
        self.where = ""
        self._folder = folder
        self._ledger = ledger
        self._cache = cache
        self._voice = voice

    def plan(self, repository: Repository) -> None:
        """Look at a repository, and write down what an update would do."""
        with self._recorded(repository.name) as entry, self._turn(repository):
            clone = self._clone(repository)
            self._progress("fetching")
            remote = clone.look(self.settings.branch)
            base = clone.start_from(remote.base)
            if not self.settings.version:
                self._choose_version(clone)
            if self.settings.version:
                self._progress("planning")
                update = update_clone(clone, self.settings.version, self._cache, plan_only=True)
            else:
                update = update_clone(clone, "HEAD", self._cache, plan_only=True)
            entry.set(
                **{name: getattr(update, name) for name in _FROM_UPDATE},
                base=base,
                branch=self.settings.branch,
            )

    def run_ring(self, number: int, ring: list[str]) -> str:
        """Update the repositories of a ring; why it was stopped, if it was."""
        failed: list[str] = []
        for position, name in enumerate(ring, start=1):
            if self._ledger.latest(name).state.is_done:
                continue
            self.where = f"ring {number}, {position} of {len(ring)}: {name}"
            self._run(self.settings.repository(name))
            if self._ledger.latest(name).state.is_failure:
                failed.append(name)
            if len(failed) > self.settings.stop_above * len(ring):
                share = f"{self.settings.stop_above:.0%}"
                return (
                    f"Ring {number} was stopped: {len(failed)} of its {len(ring)} repositories "
                    f"failed ({', '.join(failed)}), and at most {share} may."
                )
        return ""

    def _run(self, repository: Repository) -> None:
        settings, name = self.settings, repository.name
        with self._recorded(name) as entry, self._turn(repository):
            clone = self._clone(repository)
            self._progress("fetching")
            remote = clone.look(settings.branch)
            known = self._ledger.latest(name)
            if remote.proposed and remote.proposed in self._ledger.commits(name):
                entry.set(**{field: getattr(known, field) for field in _KEPT})
                entry.set(commit=remote.proposed)
                self._propose(clone, remote, entry)
                return
            base = clone.start_from(remote.base)
            self._progress("updating")
            update = update_clone(clone, settings.version, self._cache)
            entry.set(**{field: getattr(update, field) for field in _FROM_UPDATE}, base=base)
            if update.state is not State.READY:
                return
            if settings.then:
                self._progress(settings.then)
                wrong = run_command(update, settings.then)
                if wrong is not None:
                    entry.set(state=State.FAILED, reason=wrong[0], instruction=wrong[1])
                    return
            commit = clone.commit(commit_message(settings, update.updated, update.left_out))
            if remote.proposed is None:
                self._progress("checking")
                wrong = check_clone(update, settings.check, self._progress)
                if wrong is not None:
                    entry.set(state=State.CHECKS_FAILED, reason=wrong[0], instruction=wrong[1])
                    return
                # Written down before the push, so that after a crash the commit is known for ours.
                entry.set(commit=commit)
                self._ledger.add(entry.entry)
                self._progress("pushing")
                clone.push(commit, settings.branch)
            elif remote.proposed != commit:
                entry.set(
                    state=State.FOREIGN,
                    reason=f"The branch {settings.branch} has commits of others; it is left alone.",
                    instruction="Merge or delete the branch; then plan and run the campaign again.",
                )
                return
            entry.set(commit=commit)
            self._propose(clone, remote, entry)

    def _propose(self, clone: Clone, remote: Remote, entry: _Draft) -> None:
        settings = self.settings
        entry.set(state=State.PUSHED, branch=settings.branch, reason="", instruction="")
        host = code_host(settings.pull_requests, clone.address)
        if host is None:
            return
        self._progress("opening the pull request")
        url = host.find(clone.folder, settings.branch)
        if url is None:
            body = proposal_body(settings, entry.entry)
            proposal = Proposal(settings.branch, remote.branch, title(settings), body)
            url = host.create(clone.folder, proposal)
        entry.set(state=State.PROPOSED, url=url)

    def _choose_version(self, clone: Clone) -> None:
        """The campaign goes to the latest release of the first template that is met."""
        for root in clone.projects():
            if (root / ANSWERS_FILE).is_file():
                template = self._cache.template(read_answers(root / ANSWERS_FILE).source)
                self.settings = replace(self.settings, version=template.latest().name)
                return

    def _clone(self, repository: Repository) -> Clone:
        return Clone(self._folder / _CLONES / repository.name, repository.address)

    def _progress(self, words: str) -> None:
        self._voice.progress(f"{self.where}: {words}")

    @contextmanager
    def _turn(self, repository: Repository) -> Iterator[None]:
        with repository_lock(repository.address, self._progress):
            yield

    @contextmanager
    def _recorded(self, name: str) -> Iterator[_Draft]:
        """Write down what became of a repository, also when it could not be done."""
        began, draft = time.monotonic(), _Draft(Entry(name, State.WAITING))
        try:
            yield draft
        except DataflowError as error:
            draft.set(state=State.FAILED, reason=error.reason, instruction=error.instruction)
        except OSError as error:
            reason = f"{error.filename or 'The disk'}: {error.strerror}."
            draft.set(state=State.FAILED, reason=reason, instruction="See that the disk has room.")
        draft.set(seconds=time.monotonic() - began)
        self._voice.told(self._ledger.add(draft.entry))


_FROM_UPDATE = ("state", "updated", "left_out", "reason", "instruction", "notes")
_KEPT = ("base", "updated", "left_out", "notes")


class _Draft:
    """An entry that is being filled."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry

    def set(self, **values: object) -> None:
        """Set some of its fields."""
        self.entry = replace(self.entry, **values)  # type: ignore[arg-type]


def require_version(text: str) -> None:
    """Refuse a version that cannot be part of a branch's name.

    Raises:
        BadInputError: It cannot.
    """
    if not _VERSION.fullmatch(text) or text.endswith(".lock") or ".." in text:
        raise BadInputError(
            f"{text!r} cannot be part of a branch's name.", "Name a tag, such as v0.2.0."
        )
