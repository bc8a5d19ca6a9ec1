"""Generated files are rendered without Copier exactly as Copier renders them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.tools.fleet.material import TEN

from dataflow_tools.fleet.answers_file import read_answers
from dataflow_tools.fleet.render import Owner, render
from dataflow_tools.fleet.render_cache import RenderCache

if TYPE_CHECKING:
    from tests.tools.fleet.conftest import Lab

REPOSITORY = Path(__file__).resolve().parents[3]


def compare(lab: Lab, *names: str) -> list[set[str]]:
    """Ask for the generated files both ways, and require the same; what they are called."""
    seen = []
    with RenderCache(lab.project.root) as cache:
        for name in names:
            answers = read_answers(lab.project.workflow_dir(name) / ".copier-answers.yml")
            template = cache.template(answers.source)
            export = cache.export(template, template.version(answers.commit))
            whole = render(export, name, answers, cache.scratch(), settled=True)
            expected = {
                path: file
                for path, file in whole.files.items()
                if whole.owner(path) is Owner.GENERATED
            }
            assert cache.generated(export, name, answers) == expected
            seen.append(set(expected))
    return seen


@pytest.mark.slow
def test_this_repositorys_generated_files_are_as_copier_renders_them(lab: Lab) -> None:
    """With dbt and without, and each with the name of its workflow in it."""
    shutil.rmtree(lab.template / "template")
    shutil.copytree(REPOSITORY / "template", lab.template / "template")
    config = (REPOSITORY / "copier.yml").read_text(encoding="utf-8")
    lab.release("1.0.0", config=config)
    lab.render("one", "two")
    lab.render("bare", use_dbt="false")
    one, two, bare = compare(lab, "one", "two", "bare")
    assert one == two >= {"dbt/profiles.yml", "dbt/macros/exact_cast.sql"}
    assert bare == set()


@pytest.mark.parametrize(
    "files",
    [
        {"job.py.jinja": "{{ title }} {{ shout }}\n"},
        {"job.py.jinja": "{% include 'template/workflow/other' %}\n", "other": TEN},
        {"{% if title == 'Two' %}job.py{% endif %}.jinja": "{{ _folder_name }}\n"},
        {"sub/{{ title }}.py": "a\n", "job.py": "b\r\n"},
        {
            "deep/er/job.py.jinja": "{% raw %}{{ x }}{% endraw %} {{ title | upper }}",
            "job.py": "\0",
        },
    ],
    ids=["computed", "included", "conditional", "named by an answer", "anywhere"],
)
def test_whatever_a_template_does_they_are_the_same(lab: Lab, files: dict[str, str]) -> None:
    """Where one file alone does not say what becomes of it, Copier is asked."""
    shout = "shout: {type: str, default: '{{ title }}!', when: false}\n"
    config = f"{lab.config}title: {{type: str, default: One}}\n{shout}_generated: [job.py, sub/]\n"
    lab.release("1.0.0", dict(files), config=config)
    lab.render("one")
    lab.render("two", title="Two")
    compare(lab, "one", "two")
