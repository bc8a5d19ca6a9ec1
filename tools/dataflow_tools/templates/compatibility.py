"""What a new version of a template would break for the instances of the last one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import DataflowError
from dataflow_tools.fleet.render import Owner
from dataflow_tools.templates.answer_sets import KIND, WORKFLOW
from dataflow_tools.templates.questions import choices_of, has_default, is_hidden, questions_of
from dataflow_tools.templates.rendered_project import (
    PROJECT_SET,
    known_answers,
    render_fresh,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dataflow_tools.fleet.export import Export
    from dataflow_tools.fleet.render import Rendering
    from dataflow_tools.fleet.render_cache import RenderCache

# Copier runs none of these without --trust, of the old version's and of the new one's.
_NEED_TRUST = ("_tasks", "_migrations", "_jinja_extensions", "_external_data")


@dataclass(frozen=True)
class Breakage:
    """One thing that would break older instances.

    Args:
        key: What it is called, as ``--meant`` takes it; the word behind the last colon has to
            stand in the changelog.
        can_be_meant: Whether a note in the changelog is enough to go on.
    """

    key: str
    reason: str
    remedy: str
    can_be_meant: bool = True

    @property
    def word(self) -> str:
        """What the changelog has to name."""
        return self.key.split(":", 1)[1]


def find_breakages(
    cache: RenderCache, old: Export, new: Export, sets: Mapping[str, Mapping[str, Any]]
) -> list[Breakage]:
    """Compare two versions: their settings, their questions, and who owns what they render.

    Args:
        sets: Answers of workflows that are rendered by both.
    """
    found = [*_settings(old, new), *_questions(old, new)]
    if any(not one.can_be_meant for one in found):
        return found
    return [*found, *_ownership(cache, old, new, sets)]


def _settings(old: Export, new: Export) -> Iterator[Breakage]:
    before, after = old.config or {}, new.config or {}
    for name in _NEED_TRUST:
        if name in after:
            yield Breakage(
                f"trust:{name}",
                f"copier.yml sets {name}, which Copier runs only with --trust: updates of "
                "instances would stop.",
                f"Remove {name}.",
                can_be_meant=False,
            )
    name = "_answers_file"
    if name in before and before.get(name) != after.get(name):
        yield Breakage(
            f"setting:{name}",
            f"{name} was {before.get(name)!r} and is {after.get(name)!r}: no instance would be "
            "found any more.",
            f"Put {name} back.",
            can_be_meant=False,
        )
    if before.get("_subdirectory") != after.get("_subdirectory"):
        yield Breakage(
            "setting:_subdirectory",
            "_subdirectory has changed, which decides what instances are rendered from.",
            "Put it back, or see that every kind of instance is rendered as before.",
        )


def _questions(old: Export, new: Export) -> Iterator[Breakage]:
    before, after = questions_of(old.config or {}), questions_of(new.config or {})
    for name, question in after.items():
        if is_hidden(question):
            continue
        if name not in before or is_hidden(before[name]):
            if not _answers_itself(question):
                yield Breakage(
                    f"default:{name}",
                    f"The new question {name} has no default, so that no older instance can be "
                    "updated: nobody is there to answer.",
                    f"Give {name} a default under which instances stay as they are.",
                    can_be_meant=False,
                )
            continue
        yield from _question(name, before[name], question)
    for name, question in before.items():
        if is_hidden(question):
            continue
        if name in after and is_hidden(after[name]):
            yield Breakage(
                f"question:{name}",
                f"The question {name} is asked no longer and its value is computed: what instances "
                "answered is replaced by it.",
                f"Go on asking it, or say in CHANGELOG.md what becomes of {name}.",
            )
        if name not in after:
            yield Breakage(
                f"question:{name}",
                f"The question {name} is gone: what instances answered is forgotten by the next "
                "update, and what was rendered from it changes.",
                f"Keep the question, or say in CHANGELOG.md what becomes of {name}.",
            )


def _question(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Breakage]:
    if has_default(old) and not _answers_itself(new):
        yield Breakage(
            f"default:{name}",
            f"The question {name} has lost its default, so that instances that never answered it "
            "cannot be updated.",
            "Give it a default.",
            can_be_meant=False,
        )
    old_type, new_type = (str(one.get("type", "yaml")) for one in (old, new))
    if old_type != new_type:
        yield Breakage(
            f"type:{name}",
            f"The question {name} was of type {old_type} and is {new_type}: recorded answers may "
            "not be valid any more, or mean something else.",
            f"Ask a new question beside it, or say in CHANGELOG.md what becomes of {name}.",
        )
    before, after = choices_of(old), choices_of(new)
    if before is None or after is None:
        return
    for value in before:
        if value not in after:
            yield Breakage(
                f"choice:{name}={value}",
                f"The question {name} does not offer {value!r} any more: an instance that chose it "
                "would silently get the default.",
                f"Keep the choice, or say in CHANGELOG.md what those with {name}={value} have to "
                "do first.",
            )


def _answers_itself(question: Mapping[str, Any]) -> bool:
    # Copier takes the first of the choices, and no for a yes or no.
    return has_default(question) or ("default" not in question and choices_of(question) is not None)


def _ownership(
    cache: RenderCache, old: Export, new: Export, sets: Mapping[str, Mapping[str, Any]]
) -> Iterator[Breakage]:
    said: set[str] = set()
    for before, after in _both(cache, old, new, sets):
        for path in sorted(before.files):
            one = _change_of(path, before, after)
            if one is not None and one.key not in said:
                said.add(one.key)
                yield one


def _change_of(path: str, before: Rendering, after: Rendering) -> Breakage | None:
    was = before.owner(path)
    if path not in after.files:
        if was is not Owner.YOURS:
            return None
        return Breakage(
            f"file:{path}",
            f"{path} belongs to people (_skip_if_exists), and is rendered no longer: theirs stays "
            "where it is, but nothing may use it any more.",
            f"Keep its name, or say in CHANGELOG.md what people have to do with {path}.",
        )
    becomes = after.owner(path)
    if was is becomes:
        return None
    consequence = {
        Owner.GENERATED: "every update would replace what people wrote in it",
        Owner.MERGED: "updates would begin to change it under people's hands",
        Owner.YOURS: "updates would not reach it any more where it is",
    }[becomes]
    if was is Owner.GENERATED and becomes is Owner.MERGED:
        return None  # What people write in it stays from now on.
    return Breakage(
        f"owner:{path}",
        f"{path} was {_OWNERS[was]} and would be {_OWNERS[becomes]}: {consequence}.",
        f"Put the pattern back in copier.yml, or say in CHANGELOG.md what happens to {path}.",
    )


_OWNERS = {
    Owner.GENERATED: "generated (_generated)",
    Owner.MERGED: "merged",
    Owner.YOURS: "people's own (_skip_if_exists)",
}


def _both(
    cache: RenderCache, old: Export, new: Export, sets: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[Rendering, Rendering]]:
    """What both versions render for the same answers, where both take them."""
    kinds = choices_of(questions_of(old.config or {}).get(KIND, {})) or [None]
    jobs: dict[str, dict[str, Any]] = {
        PROJECT_SET if kind else "instance": {KIND: kind} if kind else {}
        for kind in kinds
        if kind != WORKFLOW
    }
    jobs |= {name: {KIND: WORKFLOW, "workflow_id": "instance", **sets[name]} for name in sets}
    for answers in jobs.values():
        try:
            yield (
                render_fresh(cache, old, "instance", known_answers(old, answers)),
                render_fresh(cache, new, "instance", known_answers(new, answers)),
            )
        except DataflowError:
            continue  # `dataflow template check` tells of it.
