"""Secrets in a workflow's files: found, never repeated, and not seen where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow.shared.project import Project
from dataflow_tools.checks.protocol import Status, Verdict
from dataflow_tools.checks.secrets import check_secrets
from dataflow_tools.checks.workflow_source import WorkflowSource

# Made up, in the forms that the services document; put together so that no scanner finds them here.
FORMATS = {
    "aws": "AKIA" + "Q3EGNP6JZKLMWXYT",
    "github": "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a",
    "github fine": "github_pat_" + "1" * 22 + "_" + "aB3" * 19 + "xy",
    "gitlab": "glpat-" + "x9Kd82mQpL0vTzRw4YbN",
    "google": "AIza" + "SyD3k9fLmQ2vXwZ8pRtY5nB7cJ1hG6dE4sA",
    "slack": "xoxb-" + "263594206564-" + "2343594206574-FGqddMF8t08v8N7Oq4i57vs1",
    "stripe": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "url": "postgresql://reader:" + "k33pMeOut@db.test/shop",
    "jwt": f"{'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9'}."
    "eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
}
HARMLESS = """
url = "postgresql://reader:${DB_PASSWORD}@db.test/shop"
https://github.test/shop/blob/1f8e0a9c7d4b3e2f1a0b9c8d7e6f5a4b3c2d1e0f/README.md
9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
550e8400-e29b-41d4-a716-446655440000 127.0.0.1 10.1.2.3
The token is read from the environment; its password too. APPARTEMENTSVERKAUF
secret: {{ env_var('SOME_SECRET') }}
"""


def check(folder: Path, **files: str) -> Verdict:
    """Check a workflow that consists of these files; `__` in a name is a dot."""
    project = Project(folder)
    for name, text in files.items():
        path = project.workflow_dir("sales") / name.replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return check_secrets(WorkflowSource(project, "sales"))


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("file", ["notes__md", "data__csv", "model__sql", "some__yml", "job__py"])
def test_known_formats_are_found(kind: str, file: str, tmp_path: Path) -> None:
    """A secret of a known form is found in any file, at its line, and is not repeated."""
    before = {"some__yml": "first: 1\nvalue: ", "job__py": 'FIRST = 1\nVALUE = "'}
    after = '"\n' if file == "job__py" else "\n"
    text = before.get(file, "first\nsecond ") + FORMATS[kind] + after
    point = check(tmp_path, **{file: text})
    assert [finding.line for finding in point.findings] == [2], point
    assert FORMATS[kind] not in str(point)


@pytest.mark.parametrize(
    "code",
    [
        'password = "hunter22"',
        'self.api_key: str = "hunter22"',
        'connect(host="db", password="hunter22")',
        'headers = {"Authorization": "hunter22"}',
        'os.environ["DB_PASSWORD"] = "hunter22"',
    ],
)
def test_values_of_secret_names_are_found_in_code(code: str, tmp_path: Path) -> None:
    """Whatever it looks like, a text that a secret's name is given is a secret."""
    point = check(tmp_path, ingestion__py=f"import os\n{code}\n")
    assert [finding.line for finding in point.findings] == [2]
    assert "hunter22" not in str(point)


@pytest.mark.parametrize(
    "code",
    [
        'password = os.environ["DB_PASSWORD"]',
        'token_url = "https://login.test/token"',
        'API_KEY = "SALES_API_KEY"',
        'password = "${DB_PASSWORD}"',
        'password = ""',
        'password = "for a test"  # pragma: allowlist secret',
    ],
)
def test_what_is_no_secret_in_code_is_left_alone(code: str, tmp_path: Path) -> None:
    """Names of variables, addresses and empty texts are no secrets, nor is what is allowed."""
    assert check(tmp_path, ingestion__py=f"import os\n{code}\n").status is Status.MET


def test_dbt_profiles_read_their_secrets(tmp_path: Path) -> None:
    """A password that dbt takes from the environment is fine, one that stands there is not."""
    written = "shop:\n  outputs:\n    prod:\n      type: postgres\n      password: hunter22\n"
    read = written.replace("hunter22", "\"{{ env_var('DB_PASSWORD') }}\"")
    assert check(tmp_path, profiles__yml=read).status is Status.MET
    (finding,) = check(tmp_path, profiles__yml=written).findings
    assert finding.line == 5
    assert "hunter22" not in str(finding)


def test_harmless_text_is_left_alone(tmp_path: Path) -> None:
    """Hashes, ids, addresses and talk about secrets are not taken for secrets."""
    assert check(tmp_path, notes__md=HARMLESS, data__csv=HARMLESS).status is Status.MET


def test_what_is_not_read_is_said(tmp_path: Path) -> None:
    """Binary and very large files are left out, and the point says how many."""
    folder = Project(tmp_path).workflow_dir("sales") / "tests"
    folder.mkdir(parents=True)
    (folder / "sample.parquet").write_bytes(b"PAR1\xff\xfe")
    (folder / "large.csv").write_text("x" * 1_000_001)
    assert check(tmp_path).detail == "0 files; 2 are no text or larger than 1 MB"
