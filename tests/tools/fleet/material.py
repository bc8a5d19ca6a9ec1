"""What the histories of these tests are made of: a template's questions, a file that changes."""

from __future__ import annotations

ANSWERS = ".copier-answers.yml"
# Without a question that a person is asked.
EMPTY = """\
_subdirectory: template/{{ kind }}
_answers_file: .copier-answers.yml
_preserve_symlinks: true
kind: {type: str, choices: [workflow, project], default: workflow}
runtime_version: {type: str, default: "1.0.0", when: false}
"""
# Ten lines, with an edit near the start, one of the template's near the end, and with both.
TEN = "".join(f"line {number}\n" for number in range(10))
MINE = TEN.replace("line 1\n", "mine\n")
THEIRS = TEN.replace("line 8\n", "theirs\n")
BOTH = MINE.replace("line 8\n", "theirs\n")
