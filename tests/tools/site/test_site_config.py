from __future__ import annotations

import pytest

from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project
from dataflow_tools.site.site_config import read_site_config


def _write(project: Project, text: str) -> None:
    (project.root / "evidence").mkdir()
    (project.root / "evidence" / "evidence.config.yaml").write_text(text)


def test_ones_own_settings_go_over_ours(project: Project) -> None:
    """What is not said stays as it is, in the middle of a section as well."""
    _write(
        project,
        "appearance: {default: dark}\ntheme: {colors: {primary: {light: '#123456'}}}\n"
        "deployment: {basePath: /team/dash/}\nlayout: {title: Shop}\n",
    )

    config = read_site_config(project)

    assert config.evidence["appearance"] == {"default": "dark", "switcher": True}
    assert "@evidence-dev/core-components" in config.evidence["plugins"]["components"]
    assert config.evidence["theme"]["colors"] == {"primary": {"light": "#123456"}}
    assert config.base_path == config.evidence["deployment"]["basePath"] == "/team/dash"
    assert config.layout == {"title": "Shop"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("thme: {}", "thme is not known"),
        ("layout: {colour: red}", "layout.colour is not known"),
        ("layout: wide", "layout.wide is not known"),
        ("deployment: {basePath: dash}", "'dash' is no path"),
        ("deployment: {basePath: '/a b'}", "'/a b' is no path"),
        ("plugins: {components: {mine: {}}}", "packages of the site"),
        ("- a", "is not a mapping"),
        ("a: [", "expected"),
    ],
)
def test_what_the_site_cannot_have_is_refused_by_name(
    project: Project, text: str, reason: str
) -> None:
    """The file and the key are named."""
    _write(project, text)

    with pytest.raises(BadInputError) as caught:
        read_site_config(project)

    assert caught.value.reason.startswith("evidence/evidence.config.yaml")
    assert reason in caught.value.reason
