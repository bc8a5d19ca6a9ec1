"""Whether a workflow's files are its own: a folder that was renamed or copied by hand is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.recorded_id import righting_command
from dataflow.shared.shown import shortened
from dataflow_tools.lifecycle.python_names import literals
from dataflow_tools.lifecycle.references import Names, declared_id, own_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow.shared.finding import Finding
    from dataflow_tools.checks.workflow_source import WorkflowSource

_WIDEST = 60


def foreign_names(workflow: WorkflowSource) -> Iterator[Finding]:
    """Each line by which a workflow would read, write or be called what another one is."""
    project, own = workflow.project, workflow.workflow_id
    declared = declared_id(workflow.folder)
    if declared != own:
        command = righting_command(project, declared, own)
        for one in own_files(workflow.folder, Names.of(project, declared, own, own)):
            (line, text), *more = one.lines
            others = f" (and in lines {', '.join(str(each) for each, _ in more)})" if more else ""
            yield workflow.finding(
                f"It names {declared!r}: {shortened(text, _WIDEST)}{others}",
                f"Put all of them right: {command}",
                one.path.relative_to(workflow.folder),
                line,
            )
        return
    loads_own, foreign = False, []
    for module in workflow.code:
        code = module.path.read_text(encoding="utf-8") if module.tree else ""
        loads_own = loads_own or "load_config(__package__)" in code
        for literal in literals(code):
            if literal.value != own and (literal.is_own or literal.call == "load_config"):
                foreign.append((module, literal))
            loads_own = loads_own or (literal.call == "load_config" and literal.value == own)
    for module, literal in foreign:
        # Who reads the configuration of his own workflow as well knows what he does.
        if literal.is_own or not loads_own:
            yield workflow.finding(
                f"{literal.call}({literal.value!r}) is about another workflow.",
                f"Write {literal.call}(__package__), which goes by the folder.",
                module.path.relative_to(workflow.folder),
                literal.line,
            )
