"""What doctor says of plug-ins."""

from __future__ import annotations

from tests.plugin_fixtures import InstallPlugin, install_plugin

from dataflow_tools.checks.plugins import diagnose_plugins
from dataflow_tools.checks.protocol import Status

__all__ = ["install_plugin"]

GOOD = """
from dataflow.shared.config_types import Section


class Options(Section):
    pass


class KIND:
    options = Options
"""


def test_every_entry_point_is_resolved(install_plugin: InstallPlugin) -> None:
    """Good ones are counted; broken ones are named, with file and line where an import failed."""
    assert diagnose_plugins()["plug-ins"].status is Status.NOT_APPLICABLE
    install_plugin("acme-good", GOOD, stages="good = acme_good:KIND")
    verdict = diagnose_plugins()["plug-ins"]
    assert (verdict.status, verdict.detail) == (Status.MET, "acme-good (1)")
    install_plugin("acme-bad", "import no_such_module\n", commands="hello = acme_bad:hello")
    install_plugin("acme-odd", "KIND = 5\n", sources="odd = acme_odd:KIND")
    verdict = diagnose_plugins()["plug-ins"]
    odd, bad = sorted((found.reason for found in verdict.findings), key=len)
    assert "'odd' of acme-odd has no `settings`" in odd
    assert "acme_bad.py:1: No module named 'no_such_module'" in bad
