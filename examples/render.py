"""Renders the example project from the template of the working tree.

Usage: python examples/render.py        (or: make examples)
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from copier import run_copy

HERE = Path(__file__).resolve().parent
WORKFLOWS: dict[str, dict[str, Any]] = {
    "orders": {
        "title": "Orders",
        "description": "What the shop sold, from the file that the till exports every night.",
        "timezone": "Europe/Berlin",
    },
    "exchange_rates": {
        "title": "Exchange rates",
        "description": "Daily rates of the currencies that the shop takes.",
        "source_type": "api",
        "source_url": "https://rates.example.com/v1/rates",
        "auth_type": "bearer_token",
        "data_path": "data",
        "write_disposition": "merge",
        "primary_key": ["day", "currency"],
        "columns": [
            {"name": "day", "identifier": "day", "type": "DATE", "role": "date"}
            | {"tests": ["not_null"], "contract": {"type": "date"}},
            {"name": "currency", "identifier": "currency", "type": "VARCHAR", "role": "category"}
            | {"tests": ["not_null"], "accepted_values": ["EUR", "GBP", "USD"], "kinds": True}
            | {"contract": {"type": "text"}},
            {"name": "rate", "identifier": "rate", "type": "DOUBLE", "role": "measure"}
            | {"tests": ["not_null"], "contract": {"type": "double"}},
        ],
    },
    "customers": {
        "title": "Customers",
        "description": "Who bought, from the shop's own database.",
        "source_type": "database",
        "source_url": "postgresql://localhost/shop",
        "source_table": "customers",
        "schedule": "",
        "use_assets": False,
    },
}


def render(project: Path) -> None:
    """Render the example project into a folder that does not exist yet."""
    with tempfile.TemporaryDirectory() as folder:
        # A plain folder: the version of an example is that of the commit it stands in.
        template = Path(folder)
        shutil.copy(HERE.parent / "copier.yml", template)
        shutil.copytree(HERE.parent / "template", template / "template")
        _copy(template, project, {"kind": "project", "project_name": "shop"})
        for name, answers in WORKFLOWS.items():
            target = project / "src" / "dataflow" / "workflows" / name
            _copy(template, target, {"workflow_id": name, **answers})
    for answers_file in project.rglob(".copier-answers.yml"):
        text = answers_file.read_text(encoding="utf-8")
        answers_file.write_text(text.replace(str(template), "../.."), encoding="utf-8")


def _copy(template: Path, target: Path, data: dict[str, Any]) -> None:
    run_copy(str(template), target, data=data, defaults=True, quiet=True)


def main() -> None:
    """Replace the rendered example."""
    project = HERE / "shop"
    shutil.rmtree(project, ignore_errors=True)
    render(project)
    sys.stdout.write(f"Rendered {project.relative_to(HERE.parent)}.\n")


if __name__ == "__main__":
    main()
