"""Spare Copier what it would do again for each of many workflows, with the same results."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def compiled_once() -> Iterator[None]:
    """Remember what Jinja compiles while the context is open.

    Copier compiles every question, file name and file again in each run, which is five sixths of
    a run's time. The outcome depends on the text and the environment's syntax only, so this
    gives the same results. Jinja's own bytecode cache cannot be reached through Copier and
    covers files alone.
    """
    from jinja2 import Environment

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

    Environment.compile = compile_once  # type: ignore[method-assign]
    try:
        yield
    finally:
        Environment.compile = original  # type: ignore[method-assign]


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
