"""A project with a bare remote, and its weekly job run as the steps of the rendered file."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from tests.tools.fleet.conftest import git, write

if TYPE_CHECKING:
    from tests.tools.fleet.conftest import Lab

REPOSITORY = Path(__file__).resolve().parents[3]
TEMPLATE = REPOSITORY / "template" / "project"
GITHUB = TEMPLATE / "{% if ci == 'github' %}.github{% endif %}" / "workflows" / "template.yml"
GITLAB = TEMPLATE / "{% if ci == 'gitlab' %}.gitlab-ci.yml{% endif %}"
BIN = REPOSITORY / ".venv" / "bin"
BRANCH = "template-update"
# What a machine of CI has, and this one need not: uv installs what pyproject.toml says, and writes
# it down; gh keeps its pull requests in a file.
PROGRAMS = {
    "pip": "#!/bin/sh\n",
    "uv": """#!/bin/sh
case "$1" in
sync) grep -o 'dataflow-runtime==[0-9.]*' pyproject.toml > "$INSTALLED"
      cp "$INSTALLED" uv.lock ;;
run) shift; [ "$1" = --no-sync ] && shift; exec "$@" ;;
esac
""",
    "gh": """#!/bin/sh
echo "$2" >> "$REQUESTS.log"
case "$2" in
list) if [ -f "$REQUESTS" ]; then echo '[{"number": 7, "state": "OPEN", "url": "https://x/7"}]'
      else echo '[]'; fi ;;
create) echo "$@" > "$REQUESTS"; cat > "$REQUESTS.body"; echo https://x/7 ;;
edit) echo "$@" > "$REQUESTS"; cat > "$REQUESTS.body" ;;
esac
""",
}
# As GitHub answers a push of its own token.
GUARD = """#!/bin/sh
while read old new name; do
  if git diff --name-only main "$new" | grep -q '^.github/workflows/'; then
    echo 'refusing to allow a GitHub App to update workflow without `workflows` permission'
    exit 1
  fi
done
"""


@dataclass
class WeeklyJob:
    """A remote repository, and the job that CI runs on clones of it."""

    lab: Lab
    folder: Path
    forge: str
    runs: int = 0
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def remote(self) -> Path:
        return self.folder / "remote.git"

    def start(self) -> None:
        """Make the remote of the lab's project and the programs of the machine."""
        self.folder.mkdir()
        git(self.folder, "clone", "-q", "--bare", str(self.lab.project.root), str(self.remote))
        git(self.remote, "config", "receive.advertisePushOptions", "true")
        self.hook(
            "post-receive",
            '#!/bin/sh\necho "$GIT_PUSH_OPTION_COUNT" >> pushes\n'
            'env | grep "^GIT_PUSH_OPTION_[0-9]" > options || true\n',
        )
        for name, text in PROGRAMS.items():
            write(self.folder / "bin", {name: text}, (name,))

    def hook(self, name: str, text: str) -> None:
        write(self.remote / "hooks", {name: text}, (name,))

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run the job as its file says, on a fresh clone as CI makes it."""
        self.runs += 1
        clone = self.folder / f"checkout-{self.runs}"
        depth = ["--depth=1"] if self.forge == "gitlab" else []
        git(self.folder, "clone", "-q", *depth, f"file://{self.remote}", str(clone))
        return self.run_in(clone)

    def run_in(self, clone: Path) -> subprocess.CompletedProcess[str]:
        environment = {
            **{k: v for k, v in os.environ.items() if k not in {"GITHUB_ACTIONS", "GITLAB_CI"}},
            "PATH": f"{self.folder / 'bin'}:{BIN}:{os.environ['PATH']}",
            "CI": "true",
            "INSTALLED": str(self.folder / "installed"),
            "REQUESTS": str(self.folder / "requests"),
            "DATAFLOW_PROJECT": str(clone),
            "DAGSTER_HOME": str(clone / ".dagster"),
            **(
                {"GITHUB_ACTIONS": "true", "GITHUB_REF_NAME": "main"}
                if self.forge == "github"
                else {
                    "GITLAB_CI": "true",
                    "CI_DEFAULT_BRANCH": "main",
                    "TEMPLATE_TOKEN": "secret",
                    "CI_SERVER_HOST": "host.test",
                    "CI_PROJECT_PATH": "acme/shop",
                    # The address of the token is this machine's repository.
                    "GIT_CONFIG_COUNT": "1",
                    "GIT_CONFIG_KEY_0": f"url.file://{self.remote}.insteadOf",
                    "GIT_CONFIG_VALUE_0": "https://oauth2:secret@host.test/acme/shop.git",
                }
            ),
            **self.environment,
        }
        done = subprocess.CompletedProcess[str]([], 0, "", "")
        for script in self.scripts():
            # As the runners call their shell.
            done = subprocess.run(
                ["bash", "-e", "-o", "pipefail", "-c", script],
                cwd=clone,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                break
        return done

    def scripts(self) -> list[str]:
        """The commands of the steps, in their order."""
        if self.forge == "github":
            document: dict[str, Any] = yaml.safe_load(GITHUB.read_text(encoding="utf-8"))
            return [step["run"] for step in document["jobs"]["update"]["steps"] if "run" in step]
        document = yaml.safe_load(GITLAB.read_text(encoding="utf-8"))
        steps = [*document["default"]["before_script"], *document["template"]["script"]]
        return ["\n".join(steps)]

    def pushes(self) -> int:
        path = self.remote / "pushes"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def tip(self) -> str:
        return git(self.remote, "rev-parse", BRANCH).strip()

    def show(self, path: str) -> str:
        return git(self.remote, "show", f"{BRANCH}:{path}")

    def person(self, *, branch: str = BRANCH) -> Path:
        """A clone of somebody who works on the branch."""
        clone = self.folder / f"person-{len(list(self.folder.iterdir()))}"
        git(self.folder, "clone", "-q", "-b", branch, str(self.remote), str(clone))
        return clone
