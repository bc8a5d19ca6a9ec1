"""Do the quick tests of a package notice when its code is broken?

Draws mutants (one small change each) of the packages that move data, runs the package's quick
tests on each in a copy of the repository, and prints the share that they notice and every mutant
that they do not. `make mutants` runs it; the same seed draws the same mutants of the same code.
"""

from __future__ import annotations

import argparse
import compileall
import os
import py_compile
import random
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.mutations import Mutant, mutants_of

REPOSITORY = Path(__file__).resolve().parent.parent
# The code of each package, and the folder of its quick tests.
PACKAGES = {
    "sources": ("runtime/dataflow/sources", "tests/runtime/sources"),
    "warehouse": ("runtime/dataflow/warehouse", "tests/runtime/warehouse"),
    "stages": ("runtime/dataflow/stages", "tests/runtime/stages"),
    "publish": ("runtime/dataflow/publish", "tests/runtime/publish"),
    "runs": ("runtime/dataflow/runs", "tests/runtime/runs"),
    "fleet": ("tools/dataflow_tools/fleet", "tests/tools/fleet"),
}
LEAST_KILLED = 85
# No test failed, or there was none to run: all of those files may be slow.
_UNNOTICED = (0, 5)
LEFT_OUT = (".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "node_modules", "*.egg-info")


@dataclass(frozen=True)
class Figure:
    """How the tests of one package did."""

    package: str
    drawn: int
    possible: int
    survivors: list[Mutant]

    @property
    def killed(self) -> float:
        """The share of mutants that the tests noticed, in percent."""
        return 100 * (self.drawn - len(self.survivors)) / self.drawn if self.drawn else 100.0


def main() -> None:
    """Try a sample of mutants of each package; exits with 1 if too few are noticed."""
    options = _options()
    figures = [
        measure(package, options.sample, options.seed, options.processes)
        for package in options.packages
    ]
    print(f"\nseed {options.seed}")
    for figure in figures:
        noticed = figure.drawn - len(figure.survivors)
        print(
            f"{figure.package:10} {noticed:4} of {figure.drawn:4} killed ({figure.killed:.0f} %), "
            f"drawn from {figure.possible}"
        )
    sys.exit(any(figure.killed < LEAST_KILLED for figure in figures))


def measure(package: str, sample: int, seed: int, processes: int) -> Figure:
    """Run the quick tests of ``package`` on ``sample`` of its mutants, or on all if it is 0."""
    code, tests = PACKAGES[package]
    possible = [
        mutant
        for path in sorted((REPOSITORY / code).rglob("*.py"))
        for mutant in mutants_of(path, path.relative_to(REPOSITORY))
    ]
    chance = random.Random(f"{seed} {package}")  # noqa: S311
    drawn = chance.sample(possible, min(sample or len(possible), len(possible)))
    with tempfile.TemporaryDirectory(prefix="mutants-") as temporary:
        trees: SimpleQueue[Path] = SimpleQueue()
        for number in range(processes):
            tree = Path(temporary, str(number))
            shutil.copytree(REPOSITORY, tree, ignore=shutil.ignore_patterns(*LEFT_OUT))
            _compile(tree)
            trees.put(tree)
        seconds = _unbroken(tree, tests)
        print(f"{package}: the tests take {seconds:.0f} s; {len(drawn)} of {len(possible)} mutants")

        def survives(mutant: Mutant) -> bool:
            tree = trees.get()
            try:
                alive = _survives(mutant, tree, tests, 30 + 5 * seconds)
            finally:
                trees.put(tree)
            if alive:
                print(f"  survives: {mutant}", flush=True)
            return alive

        with ThreadPoolExecutor(processes) as pool:
            outcomes = list(zip(drawn, pool.map(survives, drawn), strict=True))
    survivors = [mutant for mutant, alive in outcomes if alive]
    return Figure(package, len(drawn), len(possible), survivors)


def _unbroken(tree: Path, tests: str) -> float:
    started = time.monotonic()
    done = _run_tests(tree, [tests], 600)
    if done.returncode != 0:
        sys.exit(f"The tests fail on the code as it is:\n{done.stdout[-3000:]}")
    return time.monotonic() - started


def _survives(mutant: Mutant, tree: Path, tests: str, seconds: float) -> bool:
    path = tree / mutant.path
    as_it_was = path.read_text()
    path.write_text(mutant.source)
    try:
        # Most changes are noticed by the tests that stand for the module: those come first.
        own = _tests_of(mutant, tree, tests)
        if own and _run_tests(tree, own, seconds).returncode not in _UNNOTICED:
            return False
        return _run_tests(tree, [tests], seconds).returncode in _UNNOTICED
    except subprocess.TimeoutExpired:
        return False
    finally:
        path.write_text(as_it_was)


def _tests_of(mutant: Mutant, tree: Path, tests: str) -> list[str]:
    """The files of tests that are called for the module, or that import it."""
    name = ".".join(mutant.path.with_suffix("").parts[1:])
    return [
        str(file.relative_to(tree))
        for file in sorted((tree / tests).rglob("test_*.py"))
        if file.stem == f"test_{mutant.path.stem}" or f"from {name} import" in file.read_text()
    ]


def _compile(tree: Path) -> None:
    # By the content of a file, not by its time: a module may be changed twice within a second.
    compileall.compile_dir(
        tree, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH
    )


def _run_tests(tree: Path, tests: list[str], seconds: float) -> subprocess.CompletedProcess[str]:
    # The copy comes before the installed packages, which are those of this repository.
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tree / "runtime"), str(tree / "tools")]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-m", "not slow"]
    command += ["-p", "no:cacheprovider", "-p", "no:schemathesis"]
    command += ["--hypothesis-profile", "mutants", *tests]
    return subprocess.run(
        command, cwd=tree, env=env, capture_output=True, text=True, timeout=seconds, check=False
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("packages", nargs="*", default=list(PACKAGES), choices=list(PACKAGES))
    parser.add_argument("--sample", type=int, default=40, help="mutants a package; 0 for all")
    parser.add_argument("--seed", type=int, default=9)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
