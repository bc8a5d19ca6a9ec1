"""Best practice: no file of a workflow holds a secret.

Three ways of looking: what secrets of known services look like (detect-secrets), values that the
code or a YAML file gives to a name such as ``password``, and passwords in URLs. A line that ends
with the comment ``pragma: allowlist secret`` is left alone, as detect-secrets has it. What is
found is never repeated.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from dataflow.shared.config import CONFIG_FILE
from dataflow.shared.config_secrets import literal_secrets
from dataflow.shared.config_types import value_at
from dataflow.shared.environment import resolve
from dataflow.shared.redaction import is_secret_key
from dataflow.shared.yaml_document import parse_yaml
from dataflow_tools.checks.protocol import Group, Verdict, check, judged
from dataflow_tools.checks.secret_folder import exposed_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dataflow.shared.finding import Finding
    from dataflow_tools.checks.workflow_source import Module, WorkflowSource

_INSTRUCTION = (
    "Take it out, read it from the environment, and change it where it is valid: git remembers."
)
_MOST_BYTES = 1_000_000
_ALLOWED = re.compile(r"pragma: ?allowlist[ -]secret")
# Those that go by how random a text looks or by the word beside it are no regular expressions and
# left out as such; these two find addresses, and words in capitals that begin with AP.
_TOO_EAGER = {"ArtifactoryDetector", "IPPublicDetector"}
# Formats younger than detect-secrets 1.5, from the services' own pages and gitleaks' rules
# (github.com/gitleaks/gitleaks, config/gitleaks.toml).
_YOUNGER = {
    "a GitHub token": re.compile(r"\bgithub_pat_\w{82}\b"),
    "a Google API key": re.compile(r"\bAIza[\w-]{35}(?![\w-])"),
    "an Anthropic API key": re.compile(r"\bsk-ant-(?:api|admin)\d{2}-[\w-]{40,}"),
    "a Databricks token": re.compile(r"\bdapi[a-f0-9]{32}(?:-\d)?\b"),
    "a Hugging Face token": re.compile(r"\bhf_[A-Za-z]{34}\b"),
}


@check(Group.PRACTICE, "no file holds a secret", position=2)
def check_secrets(workflow: WorkflowSource) -> Verdict:
    """Look into every file of the workflow."""
    findings: dict[tuple[Path, int], Finding] = {}
    left_out = 0
    for path in workflow.files:
        text = _text(path)
        if text is None:
            left_out += 1
            continue
        allowed = {n for n, line in enumerate(text.splitlines(), 1) if _ALLOWED.search(line)}
        named = (
            pair for module in workflow.code if module.path == path for pair in _by_name(module)
        )
        for line, reason in (*_by_format(path, text), *_by_yaml(workflow, path), *named):
            if line not in allowed:
                found = workflow.finding(reason, _INSTRUCTION, path, line)
                findings.setdefault((path, line), found)
    read = len(workflow.files) - left_out
    some = f"; {left_out} are no text or larger than 1 MB" if left_out else ""
    found_here = [findings[key] for key in sorted(findings)]
    return judged([*found_here, *exposed_secrets(workflow.project)], f"{read} files{some}")


def _text(path: Path) -> str | None:
    try:
        if path.stat().st_size > _MOST_BYTES:
            return None
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _by_format(path: Path, text: str) -> Iterator[tuple[int, str]]:
    for name, pattern in _YOUNGER.items():
        for match in pattern.finditer(text):
            yield text.count("\n", 0, match.start()) + 1, f"This looks like {name}."
    plugins, patterns = _detectors()
    # Line by line, with all its rules of what is no secret after all, it takes a hundred times
    # as long: only files with something to judge are worth that.
    if not any(pattern.search(text) for pattern in patterns):
        return
    from detect_secrets.core.scan import scan_file
    from detect_secrets.settings import transient_settings

    with transient_settings({"plugins_used": [{"name": name} for name in plugins]}):
        for found in scan_file(str(path)):
            yield found.line_number, f"This looks like a secret: {found.type}."


@cache
def _detectors() -> tuple[list[str], list[re.Pattern[str]]]:
    """The detectors of detect-secrets that are used, by name, and what they look for."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.plugins.base import RegexBasedDetector

    known: list[Any] = list(get_mapping_from_secret_type_to_class().values())
    used = [
        plugin
        for plugin in known
        if issubclass(plugin, RegexBasedDetector) and plugin.__name__ not in _TOO_EAGER
    ]
    patterns = [
        re.compile(pattern.pattern, pattern.flags | re.MULTILINE)
        for plugin in used
        for pattern in plugin().denylist
    ]
    return [plugin.__name__ for plugin in used], patterns


def _by_yaml(workflow: WorkflowSource, path: Path) -> Iterator[tuple[int, str]]:
    # What config.yaml gives away makes it invalid, and is said with the key there.
    if path.suffix not in (".yml", ".yaml") or path == workflow.folder / CONFIG_FILE:
        return
    document = parse_yaml(path.read_bytes())
    for key_path in (found.path for found in literal_secrets(resolve(document.values, {})[0])):
        # dbt's files read their secrets through Jinja.
        if "{{" not in str(value_at(document.values, key_path)):
            name = next((p for p in reversed(key_path) if isinstance(p, str)), "")
            yield document.position(key_path).line, f"`{name}` is written out."


def _by_name(module: Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module.tree) if module.tree else ():
        for name, value in _named_values(node):
            is_text = isinstance(value, ast.Constant) and isinstance(value.value, str)
            if is_text and is_secret_key(name) and _is_written_out(value):
                yield value.lineno, f"`{name}` is written out."


def _named_values(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield _name(target), node.value
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        yield _name(node.target), node.value
    elif isinstance(node, ast.keyword) and node.arg:
        yield node.arg, node.value
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, value


def _name(target: ast.expr) -> str:
    if isinstance(target, ast.Name):
        return target.id
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        return str(target.slice.value)
    return target.attr if isinstance(target, ast.Attribute) else ""


def _is_written_out(value: ast.expr) -> bool:
    text = value.value if isinstance(value, ast.Constant) else ""
    # `${NAME}` is read from the environment; a single word in capitals is the name of a variable.
    return (
        isinstance(text, str) and bool(text) and not re.fullmatch(r"\$\{.*\}|[A-Z][A-Z0-9_]*", text)
    )
