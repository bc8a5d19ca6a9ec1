"""Each place where Copier offers no setting for what we need, and what is put there for one call.

Nothing is changed on import, and all is as it was when a context closes. Copier's public interface
is `run_copy` and its arguments; none of them takes an environment for Jinja, a YAML loader or a
configured repository (no issue that asks for one is known to us). `test_copier_patches.py` fails
when `run_copy` takes a new argument, so that somebody looks whether one of these can go:

- `compiled_once` replaces a method of Copier's own class for Jinja environments;
- `fast_yaml` replaces PyYAML's `SafeLoader`, from which Copier makes its loader;
- `without_git` empties the search path of plumbum, by which Copier finds git, and sets variables
  that Copier and git read.
"""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dataflow_tools.scaffold.git import REPOSITORY_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dataflow_tools.fleet.export import Export


@contextmanager
def compiled_once() -> Iterator[None]:
    """Remember what Jinja compiles for Copier while the context is open.

    Copier compiles every question, file name and file again in each run, which is five sixths of
    a run's time. The outcome depends on the text and the environment's syntax only, so this
    gives the same results. Jinja's own bytecode cache cannot be reached through Copier and
    covers files alone.
    """
    from copier._jinja_ext import SandboxedEnvironment as Environment

    original = Environment.compile
    known: dict[tuple[object, ...], Any] = {}

    def compile_once(
        self: Environment,
        source: Any,
        name: str | None = None,
        filename: str | None = None,
        raw: bool = False,
        defer_init: bool = False,
    ) -> Any:
        if not isinstance(source, str) or callable(self.autoescape):
            return original(self, source, name, filename, raw, defer_init)  # type: ignore[call-overload]
        # Jinja keeps one lexer for each combination of syntax options.
        syntax = (self.lexer, *sorted(self.extensions), self.autoescape, self.optimized)
        key = (source, name, filename, raw, defer_init, syntax)
        if key in known:
            # Copier's `yield` extension resets its state in this hook, which a compilation runs.
            self.preprocess(source, name, filename)
        else:
            known[key] = original(self, source, name, filename, raw, defer_init)  # type: ignore[call-overload]
        return known[key]

    Environment.compile = compile_once  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        # The class inherits the method; Jinja's own was never touched.
        del Environment.compile


@contextmanager
def fast_yaml() -> Iterator[None]:
    """Read YAML with the library's parser in C while the context is open.

    Copier reads the template's questions in every run, and PyYAML's parser in Python takes half of
    what is left of a run's time for it.
    """
    import yaml

    original = yaml.SafeLoader
    yaml.SafeLoader = getattr(yaml, "CSafeLoader", original)  # type: ignore[misc]
    try:
        yield
    finally:
        yaml.SafeLoader = original  # type: ignore[misc]


@contextmanager
def without_git(export: Export, *, except_for_template: bool) -> Iterator[None]:
    """Run Copier without its warnings and, where it needs none, without its calls of git.

    Copier asks git about the destination after each file that it writes and about a plain
    folder before it reads it; a run would start some forty processes.

    Where it does need git, it clones a remote template again. It gets our mirror instead, and
    a cache of its own, as the one that all Copier processes share breaks now and then.
    """
    from plumbum import local

    template = export.template
    environment = {"COPIER_CACHE_DIR": str(export.folder.with_name("copier-cache"))}
    if not except_for_template:
        environment["PATH"] = os.devnull
    elif template.address is not None:
        # https://git-scm.com/docs/git-config#Documentation/git-config.txt-GITCONFIGCOUNT
        environment["GIT_CONFIG_COUNT"] = "1"
        environment["GIT_CONFIG_KEY_0"] = f"url.{template.repository}.insteadOf"
        environment["GIT_CONFIG_VALUE_0"] = template.address
    with warnings.catch_warnings(), local.env(**environment), _cache_variable(environment):
        warnings.simplefilter("ignore")
        for name in REPOSITORY_VARIABLES:
            if name in local.env:
                del local.env[name]
        yield


@contextmanager
def _cache_variable(environment: Mapping[str, str]) -> Iterator[None]:
    """Set the one variable that Copier reads from this process's environment."""
    name = "COPIER_CACHE_DIR"
    previous = os.environ.get(name)
    os.environ[name] = environment[name]
    try:
        yield
    finally:
        if previous is None:
            del os.environ[name]
        else:
            os.environ[name] = previous
