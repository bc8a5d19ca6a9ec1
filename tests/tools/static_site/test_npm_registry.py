from __future__ import annotations

from pathlib import Path

import pytest

from dataflow_tools.static_site.npm_registry import NpmRegistry


def _settings(tmp_path: Path, project: str = "", own: str = "", **variables: str) -> NpmRegistry:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".npmrc").write_text(own)
    (tmp_path / ".npmrc").write_text(project)
    return NpmRegistry.of(tmp_path, {"HOME": str(home), "PREFIX": str(tmp_path), **variables})


@pytest.mark.parametrize(
    ("project", "own", "variables", "host"),
    [
        ("", "registry=http://own.test/\n", {}, "http://own.test"),
        ("registry = http://project.test", "registry=http://own.test", {}, "http://project.test"),
        (
            "registry=http://p.test",
            "",
            {"NPM_CONFIG_REGISTRY": "http://env.test"},
            "http://env.test",
        ),
        (
            "registry=http://p.test",
            "",
            {"npm_config_registry": "http://low.test/"},
            "http://low.test",
        ),
        ("@a:registry=http://a.test\nregistry=http://p.test", "", {}, "http://a.test"),
        (
            "; registry=http://no.test\nregistry=${HOST}",
            "",
            {"HOST": "http://h.test"},
            "http://h.test",
        ),
    ],
)
def test_the_registry_is_the_one_that_npm_would_ask(
    tmp_path: Path, project: str, own: str, variables: dict[str, str], host: str
) -> None:
    """Variables win over the project's file, that over the person's; a scope has its own."""
    registry = _settings(tmp_path, project, own, **variables)

    assert registry.tarball("@a/pack", "1.2.3") == f"{host}/@a/pack/-/pack-1.2.3.tgz"


def test_without_a_setting_it_is_the_default_of_the_npm_that_came_from_pypi(tmp_path: Path) -> None:
    """No file and no variable: npm's own default, which these tools do not know by heart."""
    assert _settings(tmp_path).tarball("a", "1.0.0").startswith("https://")


def test_credentials_go_to_the_address_that_they_are_for_alone(tmp_path: Path) -> None:
    """A token of one path of a host is not sent to another path, nor to another host."""
    registry = _settings(tmp_path, "//r.test/team/:_authToken=${WORD}", WORD="t")

    assert registry.headers("http://r.test/team/a/-/a-1.tgz") == {"Authorization": "Bearer t"}
    assert registry.headers("http://r.test/a/-/a-1.tgz") == {}
    assert registry.headers("http://other.test/team/a/-/a-1.tgz") == {}
