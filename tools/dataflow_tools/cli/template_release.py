"""``dataflow template release``."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dataflow.cli.progress import progress_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow_tools.templates.release import ReleasePlan


@click.command()
@click.argument("version", required=False)
@click.option("--major", "part", flag_value="major", help="Move the first number of the version.")
@click.option("--minor", "part", flag_value="minor", help="Move the second.")
@click.option("--patch", "part", flag_value="patch", help="Move the third.")
@click.option("--dry-run", is_flag=True, help="Show every line that would change; write nothing.")
@click.option(
    "--meant", multiple=True, metavar="KEY", help="Let through what breaks instances; repeatable."
)
@click.option(
    "--template",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="The template's repository, if it is not the current folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def release(
    version: str | None,
    part: str | None,
    dry_run: bool,
    meant: tuple[str, ...],
    folder: Path,
    as_json: bool,
) -> None:
    """Release a template: version, changelog and tag move together.

    VERSION is three numbers, such as 1.4.0; or say which number of the last one moves. What stands
    in CHANGELOG.md under Unreleased becomes the release's part, the files that say the version get
    it, and one commit with one tag is made: all of it or nothing. Nothing is pushed.

    Refused are changes that are not committed, a tag that exists, a changelog with nothing new, and
    what would break instances of the last release: a choice that is gone, a question without a
    default, a file of people's that the template would change. Each is named with the reason and a
    KEY. What is meant goes through with --meant KEY, once the changelog says what to do about it.

    The exit code is 0 if it was made, 1 if it would break instances, 2 if it was refused.

    \b
    Examples:
      dataflow template release --patch --dry-run
      dataflow template release --minor
      dataflow template release 2.0.0 --meant choice:source_type=api
    """  # noqa: D301 (click needs the character itself)
    if (version is None) == (part is None):
        raise click.UsageError("Give a VERSION, or one of --major, --minor, --patch.")
    from dataflow_tools.templates.release import finish_release, make_release, plan_release

    if not dry_run and (finished := finish_release(folder)):
        click.echo(f"The release {finished} had been cut short; its files are complete now.")
        return
    with progress_line() as progress:
        plan = plan_release(folder, version or part or "", meant, progress)
    commit = None if dry_run else make_release(plan)
    if as_json:
        found = {**plan.as_json(), "released": not dry_run, "commit": commit}
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    if dry_run:
        for line in _diff(plan):
            click.echo(line)
        click.echo(f"Would release {plan.version}: commit {len(plan.texts)} files, tag {plan.tag}.")
        click.echo("Next: run it without --dry-run.")
        return
    click.echo(
        f"Released {plan.version}: commit {str(commit)[:10]} on {plan.branch}, tag {plan.tag}."
    )
    for one in plan.meant:
        click.echo(f"  meant: {one.key}")
    click.echo(f"Next: git push --atomic origin {plan.branch} {plan.tag}")
    click.echo(
        f"Undo, as long as it is not pushed: git tag -d {plan.tag} && git reset --hard HEAD^"
    )


def _diff(plan: ReleasePlan) -> Iterator[str]:
    for name, text in sorted(plan.texts.items()):
        before = (plan.root / name).read_text(encoding="utf-8").splitlines()
        yield from difflib.unified_diff(
            before, text.splitlines(), f"a/{name}", f"b/{name}", lineterm=""
        )
