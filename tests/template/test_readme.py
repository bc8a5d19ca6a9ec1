"""What a rendered README tells of its workflow."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from copier import run_copy

if TYPE_CHECKING:
    from pathlib import Path

API = {"source_type": "api", "source_url": "https://api.test/v1?team=${TEAM}"}
DATABASE = {
    "source_type": "database",
    "source_url": "postgresql://${DB_USER}:${DB_PASSWORD:-none}@db.test/shop",
    "source_settings": {"schema": "${DB_SCHEMA}"},
    "use_evidence": False,
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answers", "variables"),
    [
        ({}, set()),
        ({**API, "auth_type": "basic"}, {"TEAM", "TRIPS_USERNAME", "TRIPS_PASSWORD"}),
        (DATABASE, {"DB_USER", "DB_PASSWORD", "DB_SCHEMA"}),
    ],
    ids=["file", "api", "database"],
)
def test_it_names_every_variable_and_says_what_the_dashboard_shows(
    template_repository: Path, tmp_path: Path, answers: dict[str, Any], variables: set[str]
) -> None:
    """What config.yaml reads from the environment is there, and a dashboard where there is one."""
    folder = tmp_path / "trips"
    data = {"workflow_id": "trips", **answers}
    run_copy(str(template_repository), folder, data, defaults=True, quiet=True)
    config, readme = ((folder / name).read_text() for name in ("config.yaml", "README.md"))
    assert {*re.findall(r"(?<!\$)\$\{(\w+)", config)} == variables
    told = re.search(r"^Set these environment variables first: (.*)\.$", readme, re.MULTILINE)
    assert {*re.findall(r"`(\w+)`", told[1] if told else "")} == variables
    assert ("## The dashboard" in readme) == (folder / "evidence").is_dir()
