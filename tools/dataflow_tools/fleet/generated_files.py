"""What a version makes of its *generated* files, without a run of Copier for each workflow.

Such files depend on few answers, most on none. So they are rendered by themselves, with Copier's
own environment for Jinja, where nothing but recorded answers can have a say in them; and once for
all workflows that have the same answers to those questions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dataflow_tools.fleet.export import is_answers_file
from dataflow_tools.fleet.render import Owner
from dataflow_tools.fleet.tree import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jinja2 import Environment

    from dataflow_tools.fleet.answers_file import Answers
    from dataflow_tools.fleet.export import Export
    from dataflow_tools.fleet.render import Rendering

_TAG = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_STATEMENT = re.compile(r"\{%.*?%\}")
_EXPRESSION = re.compile(r"\{\{.*?\}\}")
_WORD = re.compile(r"[^\W\d]\w*")
# Tags that take in, or repeat, what one file alone does not say.
_ENTANGLED = {"include", "import", "from", "extends", "yield"}


@dataclass(frozen=True)
class _Source:
    """A template file that makes a generated one."""

    path: str
    entry: Entry
    names: frozenset[str]


@dataclass
class GeneratedFiles:
    """The generated files of one version and kind.

    Args:
        sources: The template files that can make one; ``None`` if only Copier can tell.
        rendering: What Copier made of the version, which knows who owns a file.
        environment: Copier's environment for Jinja.
        suffix: What the name of a file ends with that is rendered.
    """

    sources: list[_Source] | None
    rendering: Rendering
    environment: Environment
    suffix: str
    _known: dict[tuple[str, str], tuple[str, Entry] | None] = field(default_factory=dict)

    def of(self, answers: Answers) -> dict[str, Entry] | None:
        """The generated files of a workflow, or ``None`` if only Copier can tell."""
        if self.sources is None:
            return None
        found = {}
        for source in self.sources:
            values = answers.some(source.names)
            if values.keys() != source.names:
                # Not asked of this workflow: the template computes it.
                return None
            key = (source.path, repr(sorted(values.items())))
            if key not in self._known:
                self._known[key] = self._render(source, values)
            if (made := self._known[key]) is not None:
                found[made[0]] = made[1]
        generated = Owner.GENERATED
        return {
            path: file for path, file in found.items() if self.rendering.owner(path) is generated
        }

    def _render(self, source: _Source, values: Mapping[str, Any]) -> tuple[str, Entry] | None:
        parts = [
            self.environment.from_string(part).render(**values) for part in source.path.split("/")
        ]
        if not all(parts) or parts[-1] == self.suffix:
            return None
        path = "/".join(parts)
        if not path.endswith(self.suffix):
            return path, source.entry
        text = self.environment.from_string(source.entry.data.decode("utf-8"))
        data = text.render(**values).encode("utf-8")
        return path.removesuffix(self.suffix), Entry(data, source.entry.executable)


def generated_files(export: Export, part: str, rendering: Rendering) -> GeneratedFiles:
    """Find the template files that make generated ones.

    Args:
        export: The version.
        part: The subdirectory that is rendered.
        rendering: What Copier made of it for one workflow.
    """
    config = export.config
    suffix = str((config or {}).get("_templates_suffix") or ".jinja")
    patterns = [str(line) for line in (config or {}).get("_generated") or ()]
    simple = (
        config is not None
        and "_exclude" not in config
        and not any(set(pattern) & set("{*?[!") for pattern in patterns)
    )
    sources = list(_sources(export, part, patterns, suffix)) if simple else [None]
    known = [source for source in sources if source is not None]
    whole = len(known) == len(sources)
    environment = rendering.worker.jinja_env
    return GeneratedFiles(known if whole else None, rendering, environment, suffix)


def _sources(
    export: Export, part: str, patterns: list[str], suffix: str
) -> Iterator[_Source | None]:
    """Each template file that can make a generated one; ``None`` if it is not simple."""
    questions = {name for name in export.config or {} if not name.startswith("_")}
    for path, entry in export.part(part).items():
        plain = _STATEMENT.sub("", path).removesuffix(suffix)
        shape = re.compile(".*".join(re.escape(text) for text in _EXPRESSION.split(plain)))
        if is_answers_file(path) or not any(_may_match(shape, pattern) for pattern in patterns):
            continue
        text = path
        if suffix in path:
            if entry.is_binary:
                yield None
                return
            text += entry.data.decode("utf-8", errors="replace")
        tags = " ".join(_TAG.findall(text))
        words = set(_WORD.findall(tags))
        if entry.link or words & _ENTANGLED or any(word.startswith("_") for word in words):
            yield None
            return
        yield _Source(path, entry, frozenset(words & questions))


def _may_match(shape: re.Pattern[str], pattern: str) -> bool:
    """Whether a file of a shape can be the one that a pattern without wildcards names."""
    wanted = pattern.strip("/")
    # A name matches at any depth, and a folder with all that is in it.
    anywhere = "/" not in wanted
    return shape.fullmatch(wanted) is not None or anywhere or pattern.endswith("/")
