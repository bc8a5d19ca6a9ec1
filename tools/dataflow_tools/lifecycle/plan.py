"""What a command is going to do to a workflow, and what came of it: for people and as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dataflow.shared.shown import counted, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from dataflow.shared.project import Project
    from dataflow_tools.lifecycle.references import Rewriting
    from dataflow_tools.lifecycle.transaction import Transaction

_WIDEST = 90


@dataclass
class Plan:
    """What will be done, and what not.

    Args:
        title: In a few words, such as ``rename orders to sales``.
        does: What happens to what: a word for it, and the rest of the sentence.
        files: The files whose lines change: the lines as they are, by their numbers.
        stays: What is not taken along, or is left as it is.
        back: The commands that take it back.
        next: The commands that come next.
        look_at: Places that a person should look at.
        prepare: Adds the steps to a transaction, when it is to be done.
    """

    title: str
    does: list[tuple[str, str]] = field(default_factory=list)
    files: list[tuple[str, list[tuple[int, str]]]] = field(default_factory=list)
    stays: list[str] = field(default_factory=list)
    back: list[str] = field(default_factory=list)
    next: list[str] = field(default_factory=list)
    look_at: list[str] = field(default_factory=list)
    prepare: Callable[[Transaction], None] = field(default=lambda _: None, repr=False)

    def add_files(self, project: Project, rewritings: Iterable[Rewriting]) -> None:
        """Name the files that are rewritten, and in which lines."""
        for one in rewritings:
            self.files.append((project.relative(one.path), one.lines))

    def as_json(self) -> dict[str, Any]:
        """The plan as plain data."""
        return {
            "title": self.title,
            "does": [{"what": what, "how": how} for what, how in self.does],
            "files": [
                {"path": path, "lines": [{"line": n, "text": text} for n, text in lines]}
                for path, lines in self.files
            ],
            "stays": self.stays,
            "look_at": self.look_at,
            "back": self.back,
            "next": self.next,
        }

    def lines(self, *, every_line: bool) -> Iterator[str]:
        """The plan as people read it."""
        yield f"Plan: {self.title}"
        for what, how in self.does:
            yield f"  {what:<12}{how}"
        if self.files:
            changed = sum(len(lines) for _, lines in self.files)
            where = f"{counted(changed, 'line')} in {counted(len(self.files), 'file')}"
            yield f"  {'files':<12}{where}"
            for path, lines in self.files:
                numbers = ", ".join(str(number) for number, _ in lines)
                yield f"    {path}" + (f":{numbers}" if lines else "")
                if every_line:
                    yield from (f"      {n}: {shortened(text, _WIDEST)}" for n, text in lines)
        for name, entries in (("Stays as it is", self.stays), ("Look at", self.look_at)):
            if entries:
                yield f"{name}:"
                yield from (f"  - {entry}" for entry in entries)


def title_of(command: str, *names: str) -> str:
    """What a command does, in a few words; a journal knows it by them.

    >>> title_of("rename", "orders", "sales")
    'rename the workflow orders to sales'
    """
    return f"{command} the workflow {' to '.join(names)}"
