"""The template's questions and files one by one, rendered as Copier renders them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from copier._main import Worker
from jinja2 import Template
from tests.conftest import REPOSITORY

__all__ = ["QUESTIONS", "refusal", "template_file"]

QUESTIONS: dict[str, Any] = yaml.safe_load((REPOSITORY / "copier.yml").read_text())
# A folder without a copier.yml: Copier would make a copy of the whole repository for each.
_JINJA = Worker(src_path=str(REPOSITORY / "template")).jinja_env
for _name, _value in QUESTIONS["_envops"].items():
    setattr(_JINJA, _name, _value)
_COMPUTED = {"unwritable": QUESTIONS["unwritable"]["default"]}
_VALIDATORS = {
    name: _JINJA.from_string(question["validator"])
    for name, question in QUESTIONS.items()
    if isinstance(question, dict) and "validator" in question
}


def refusal(question: str, answers: dict[str, Any]) -> str:
    """What Copier says of an answer; nothing if it takes it."""
    return _VALIDATORS[question].render(**_COMPUTED, **answers).strip()


def template_file(name: str) -> Template:
    """A file of the template for workflows, by the end of its path."""
    [path] = [
        path
        for path in Path(REPOSITORY / "template" / "workflow").rglob("*.jinja")
        if path.as_posix().endswith(name)
    ]
    return _JINJA.from_string(path.read_text())
