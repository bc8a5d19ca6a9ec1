"""``dataflow init``."""

from __future__ import annotations

from pathlib import Path

import click

from dataflow_tools.cli.answer_options import asks, data_option, defaults_option, parse_answers


@click.command()
@click.argument("path", type=click.Path(path_type=Path, file_okay=False))
@click.option("--template", metavar="URL", help="Where the template is, if not with the library.")
@click.option(
    "--ref", metavar="TAG", help="The template's version; the library's own if not given."
)
@data_option
@defaults_option
@click.option("--no-git", is_flag=True, help="Make no repository, and commit nothing.")
def init(
    path: Path,
    template: str | None,
    ref: str | None,
    data: tuple[str, ...],
    defaults: bool,
    no_git: bool,
) -> None:
    """Make a new project in the folder PATH.

    A project is a git repository with one folder per workflow. This renders its files, commits
    them, and has `git commit` run the checks of .pre-commit-config.yaml. Nothing is installed.
    """
    from dataflow.shared.config_schema import place_schema
    from dataflow.shared.project import Project
    from dataflow_tools.scaffold.create import (
        TemplateSource,
        create_project,
        installed_template,
        is_on_this_machine,
    )
    from dataflow_tools.scaffold.packed_template import packed_template
    from dataflow_tools.scaffold.project_wheels import library_answer, place_wheels
    from dataflow_tools.scaffold.repository import begin_repository
    from dataflow_tools.scaffold.template_address import lasting_address

    # A path from the current folder would mean another folder in the project.
    named = lasting_address(template) if template else None
    source = TemplateSource(named, ref) if named else installed_template()
    if ref is not None:
        source = TemplateSource(source.url, ref)
    answers = parse_answers(data, "init")
    packed = packed_template()
    is_packed = packed is not None and packed.has(source.url, source.ref)
    if is_packed:
        # What was installed from an index is there for colleagues as well; files of wheels are not.
        answers.setdefault("library", library_answer())
    create_project(path, source, answers, ask=asks(defaults=defaults))
    place_schema(Project(path))
    click.echo(f"Made the project {path}.")
    for line in place_wheels(path, answers):
        click.echo(line)
    if is_on_this_machine(source.url):
        lacks = "bring this project to newer versions" if is_packed else "install from it or update"
        click.echo(
            f"Warning: the template is {source.url}, a folder on this machine. Colleagues and CI "
            f"cannot {lacks}. Once it has an address that they can reach: "
            "dataflow template move URL"
        )
    if not no_git:
        begun = begin_repository(path)
        click.echo(
            "It is a git repository, with everything in its first commit."
            if begun.is_committed
            else f"Not committed: {begun.why_not}"
        )
    click.echo("Next:")
    click.echo(f"  cd {path}")
    click.echo("  dataflow workflow new my_workflow")
    click.echo("  dataflow workflow run my_workflow")
