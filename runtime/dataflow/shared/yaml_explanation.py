"""YAML's syntax errors in plain words, at the place where something is to be put right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.conflict_markers import CONFLICT, conflict_line

if TYPE_CHECKING:
    import yaml

# libyaml's wording, and ours where its is not a sentence that helps.
_EXPLANATIONS = (
    ("tab character that violates indentation", "a tab indents this line; use spaces"),
    (
        "mapping values are not allowed",
        "a second `: ` on one line, or a wrong indentation; put a value that holds `: ` in quotes",
    ),
    ("could not find expected ':'", "a key was opened on this line without `:` after it"),
    (
        "did not find expected key",
        "the indentation does not fit the lines above, or a quote or bracket is not closed",
    ),
    (
        "did not find expected '-' indicator",
        "a list's item must begin with `- `, as those above it",
    ),
    (
        "did not find expected ',' or ']'",
        "the `[` opened on this line is not closed, or lacks a comma",
    ),
    (
        "did not find expected ',' or '}'",
        "the `{` opened on this line is not closed, or lacks a comma",
    ),
    ("found unexpected end of stream", "the quote opened on this line is not closed"),
    ("found unexpected document indicator", "the quote opened on this line is not closed"),
    (
        "found unknown escape character",
        "an unknown `\\` escape in double quotes; use single quotes",
    ),
    ("did not find expected <document start>", "text after the end of the mapping"),
    ("did not find expected node content", "a value is missing or a bracket is not closed"),
)


def explain(error: yaml.MarkedYAMLError, text: str) -> tuple[int, int, str]:
    """Say what is wrong with a YAML text that cannot be read.

    Returns:
        The line and the column, both counted from 1, and the reason.
    """
    if line := conflict_line(text):
        return line, 1, CONFLICT
    mark = error.problem_mark or error.context_mark
    problem = error.problem or "it cannot be read"
    if mark is None:
        return 1, 1, f"this is not YAML: {problem}"
    here = (mark.line + 1, mark.column + 1)
    if "cannot start any token" in problem:
        return *here, _bad_start(text, mark.line, mark.column)
    for theirs, ours in _EXPLANATIONS:
        if theirs in problem:
            # What is never closed is found further down, but is wrong where it opens.
            opening = error.context_mark if "opened" in ours else None
            place = (opening.line + 1, opening.column + 1) if opening else here
            return *place, ours
    context = f" {error.context}" if error.context else ""
    return *here, f"this is not YAML: {problem}{context}"


def _bad_start(text: str, line: int, column: int) -> str:
    lines = text.splitlines()
    character = lines[line][column : column + 1] if line < len(lines) else ""
    if character == "\t":
        return "a tab indents this line; use spaces"
    return f"a value that begins with `{character}` must be in quotes"
