"""Doctor's look at plug-ins: whether what other distributions bring can be imported and used."""

from __future__ import annotations

from collections import Counter
from typing import get_args

from dataflow.shared.config_kinds import KindGroup, model_of
from dataflow.shared.finding import Finding
from dataflow.shared.output_redaction import guard_output
from dataflow.shared.plugins import Group, PluginError, distribution_of, installed, load
from dataflow_tools.checks.protocol import Verdict, judged, not_applicable

_OURS = ("dataflow-runtime", "dataflow-tools")


def diagnose_plugins() -> dict[str, Verdict]:
    """Import each entry point of another distribution, and resolve what it names."""
    findings: list[Finding] = []
    brought: Counter[str] = Counter()
    for group in get_args(Group):
        for name, point in installed(group).items():
            if distribution_of(point) in _OURS:
                continue
            if not brought:
                # Foreign code runs from now on.
                guard_output()
            brought[distribution_of(point)] += 1
            try:
                if group in get_args(KindGroup):
                    model_of(group, name)
                else:
                    load(group, name)
            except PluginError as error:
                findings.append(Finding.of(error))
    if not brought:
        return {"plug-ins": not_applicable("no other distribution brings any")}
    told = ", ".join(f"{name} ({count})" for name, count in sorted(brought.items()))
    return {"plug-ins": judged(findings, told)}
