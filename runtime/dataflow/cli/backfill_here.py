"""A backfill in this process: one run after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import click

from dataflow.cli.backfill_lines import (
    TimeLeft,
    again_command,
    partition_json,
    partition_line,
    rest_command,
)
from dataflow.runs.dagster_names import BACKFILL_TAG
from dataflow.runs.part_check import closing_parts
from dataflow.runs.run import run_workflow
from dataflow.runs.run_part import LOAD, part_tags
from dataflow.runs.run_request import RunRequest
from dataflow.shared.errors import DataflowError
from dataflow.warehouse.load import UNPARTITIONED

if TYPE_CHECKING:
    from dataflow.cli.progress import SecondsLine
    from dataflow.shared.project import Project


class BackfillStoppedError(DataflowError):
    """Ctrl-C; what was done stays, and the rest can be done later."""

    exit_code = 130


class BackfillHere:
    """Runs a workflow for some partitions, and tells of each.

    Args:
        missing: Whether only missing ones were asked for, as the command that goes on has to.
        models_once: Leave models and dashboard out of each run, and make them after the last.
        as_json: Print JSON in place of lines for people.
    """

    def __init__(
        self,
        project: Project,
        name: str,
        line: SecondsLine,
        *,
        missing: bool,
        models_once: bool,
        as_json: bool,
    ) -> None:
        self._project = project
        self._name = name
        self._line = line
        self._as_json = as_json
        self._closing = closing_parts(project, name) if models_once else []
        self._backfill = {BACKFILL_TAG: str(uuid4())}
        self._tags = {**self._backfill, **(part_tags([LOAD]) if models_once else {})}
        options = [("--missing", missing), ("--models-once", models_once)]
        self._is_unpartitioned = False
        self._options = [option for option, is_on in options if is_on]

    def run(self, keys: list[str]) -> bool:
        """Run all of them; true if all succeeded.

        Raises:
            BackfillStoppedError: Ctrl-C.
            DataflowError: See `run_workflow`.
        """
        done: list[str] = []
        failed: list[str] = []
        try:
            self._run_each(keys, done, failed)
        except KeyboardInterrupt:
            raise self._stopped(keys, len(done), failed) from None
        is_closed = len(failed) == len(keys) or self._close()
        if failed:
            self._name_failed(failed)
        return is_closed and not failed

    def _run_each(self, keys: list[str], done: list[str], failed: list[str]) -> None:
        """Run one after the other, and note which have been and which of these failed."""
        left = TimeLeft(len(keys))
        for number, key in enumerate(keys, start=1):
            self._line.count(f"  … {key}  ({number}/{len(keys)}{left.after(number - 1)})")
            request = RunRequest(partition=key, tags=self._tags)
            ended = run_workflow(self._project, self._name, request=request)
            if not ended.stopped:
                done.append(key)
            if not ended.success:
                failed.append(key)
                self._is_unpartitioned |= UNPARTITIONED in (ended.whole_error or "")
            said = partition_line(key, ended, f"({number}/{len(keys)})")
            self._line.say(partition_json(key, ended) if self._as_json else said)
            if ended.stopped:
                failed.pop()
                raise KeyboardInterrupt

    def _close(self) -> bool:
        """Make models and dashboard of all that has been loaded; true if that went well."""
        if not self._closing:
            return True
        named = " and ".join(self._closing)
        self._line.count(f"  … {named}")
        try:
            request = RunRequest(tags={**self._backfill, **part_tags(self._closing)})
            ended = run_workflow(self._project, self._name, request=request)
        except KeyboardInterrupt:
            ended = None
        if ended is None or ended.stopped:
            raise BackfillStoppedError(
                f"Stopped; all partitions are loaded, and {named} not made yet.",
                f"Make them: {self._closing_command}",
            )
        said = partition_line(named, ended, "")
        self._line.say(partition_json(None, ended) if self._as_json else said.rstrip())
        if not ended.success:
            click.echo(f"What is loaded stays; make the rest: {self._closing_command}", err=True)
        return ended.success

    @property
    def _closing_command(self) -> str:
        parts = " ".join(f"--only {part}" for part in self._closing)
        return f"dataflow workflow run {self._name} {parts}"

    def _name_failed(self, failed: list[str]) -> None:
        more = " …" if len(failed) > 10 else ""
        click.echo(f"Failed: {', '.join(failed[:10])}{more}", err=True)
        if self._is_unpartitioned:
            begin = f"dataflow workflow run {self._name} --partition {failed[0]} --full-refresh"
            again = f"dataflow workflow backfill {self._name} --missing"
            click.echo(f"The table has {UNPARTITIONED}. Begin anew: {begin}", err=True)
            click.echo(f"Then load the others: {again}", err=True)
            return
        options = [each for each in self._options if each != "--missing"]
        click.echo(f"Run them again: {again_command(self._name, failed, *options)}", err=True)

    def _stopped(self, keys: list[str], done: int, failed: list[str]) -> BackfillStoppedError:
        left = keys[done:]
        models = " Models and dashboard are not made yet." if self._closing and done else ""
        faults = f", of which {len(failed)} failed ({', '.join(failed[:3])} …)" if failed else ""
        return BackfillStoppedError(
            f"Stopped after {done} of {len(keys)} partitions{faults}; {len(left)} are left, "
            f"from {left[0]} to {left[-1]}.{models}",
            f"Go on: {rest_command(self._name, left, *self._options)}",
        )
