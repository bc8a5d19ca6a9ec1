"""What is put in the place of something of Copier's: that it helps, ends, and is still needed."""

from __future__ import annotations

import inspect
import os
from pathlib import Path

import copier
import jinja2
import jinja2.nodes
import yaml
from plumbum import local

from dataflow_tools.fleet.copier_patches import compiled_once, fast_yaml, without_git
from dataflow_tools.fleet.export import Export
from dataflow_tools.fleet.versions import Template, Version

# The arguments of `run_copy` in Copier 9.19. None takes an environment, a loader or a repository.
KNOWN = (
    "src_path dst_path data answers_file vcs_ref settings exclude use_prereleases skip_if_exists "
    "cleanup_on_error defaults user_defaults overwrite pretend quiet unsafe skip_tasks ask"
)


def template(folder: Path) -> Path:
    (folder / "copier.yml").write_text("title: {type: str, default: t}\n")
    (folder / "a.txt.jinja").write_text("{{ title }}{% raw %}{{ x }}{% endraw %}\n")
    return folder


def test_copier_still_has_no_seam() -> None:
    """If this fails, Copier has a new argument: see whether one of our patches can go."""
    assert set(inspect.signature(copier.run_copy).parameters) == set(KNOWN.split())


def test_a_text_is_compiled_once_for_many_runs(tmp_path: Path) -> None:
    """The second run compiles nothing, and renders the same."""
    (tmp_path / "t").mkdir()
    source = template(tmp_path / "t")
    compiled: list[object] = []
    original = jinja2.Environment._generate

    def counted(self: jinja2.Environment, *arguments: object, **named: object) -> str:
        # Answers that are no text, such as `true`, go the same way and cost nothing.
        compiled.extend(part for part in arguments if isinstance(part, jinja2.nodes.Template))
        return original(self, *arguments, **named)  # type: ignore[arg-type]

    jinja2.Environment._generate = counted  # type: ignore[method-assign]
    try:
        with compiled_once():
            copier.run_copy(str(source), tmp_path / "one", defaults=True, quiet=True)
            first = len(compiled)
            copier.run_copy(str(source), tmp_path / "two", defaults=True, quiet=True)
            again = len(compiled) - first
    finally:
        jinja2.Environment._generate = original  # type: ignore[method-assign]
    assert first > 0
    assert again == 0
    assert (tmp_path / "two/a.txt").read_text() == "t{{ x }}\n"


def test_all_is_as_it_was_afterwards() -> None:
    """Neither Jinja nor PyYAML shows that we were there, and Jinja's own class never does."""
    from copier._jinja_ext import SandboxedEnvironment

    loader, compiler = yaml.SafeLoader, jinja2.Environment.compile
    with compiled_once(), fast_yaml():
        assert jinja2.Environment.compile is compiler
        assert SandboxedEnvironment.compile is not compiler
        assert yaml.SafeLoader is not loader
    assert (yaml.SafeLoader, SandboxedEnvironment.compile) == (loader, compiler)


def test_copier_gets_our_mirror_in_the_place_of_a_remote_template(tmp_path: Path) -> None:
    """And a cache of its own; where it needs no git, it finds none. All is as before afterwards."""
    address = "https://example.org/t.git"
    before = dict(os.environ)

    def seen(address: str | None, *, except_for_template: bool) -> dict[str, str]:
        template = Template("t", tmp_path / "mirror", address)
        export = Export(template, Version("1.0.0", "abc"), tmp_path / "v")
        with without_git(export, except_for_template=except_for_template):
            assert os.environ["COPIER_CACHE_DIR"] == str(tmp_path / "copier-cache")
            return {name: text for name, text in local.env.items() if before.get(name) != text}

    cache = {"COPIER_CACHE_DIR": str(tmp_path / "copier-cache")}
    assert seen(address, except_for_template=True) == {
        **cache,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{tmp_path / 'mirror'}.insteadOf",
        "GIT_CONFIG_VALUE_0": address,
    }
    assert seen(None, except_for_template=True) == cache
    assert seen(address, except_for_template=False) == {**cache, "PATH": os.devnull}
    assert dict(os.environ) == before
