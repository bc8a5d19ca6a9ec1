"""Takes out of the dashboards' package-lock.json what no site is built with: run after npm made it.

Usage: python .ci/prune_site_lock.py

Evidence's packages list what their authors test and check them with (eslint, vitest, Storybook) as
if whoever builds a site needed it: a third of all packages. `npm ci` installs what the lock file
says, whose entries name their dependencies themselves.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

LOCK = Path("tools/dataflow_tools/site/site_files/package-lock.json")
_SDK = (
    *("@vitest/coverage-v8", "eslint", "eslint-config-prettier", "eslint-plugin-svelte"),
    *("prettier", "prettier-plugin-svelte", "vitest", "@types/express", "@types/jsdom"),
    *("@types/lodash.chunk", "@types/lodash.merge", "@types/node"),
)
# Which package asks for what it does not use in a site.
UNUSED = {
    "@evidence-dev/core-components": ("@storybook/test", "@types/leaflet"),
    "@evidence-dev/sdk": _SDK,
    # Its script has both inside.
    "@docsearch/js": ("@docsearch/react", "preact"),
}


def main() -> None:
    """Write the lock file that the command line names, or the tools' own, without them."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else LOCK
    lock = json.loads(path.read_text(encoding="utf-8"))
    before = len(lock["packages"])
    prune(lock["packages"])
    path.write_text(json.dumps(lock, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write(f"{before - len(lock['packages'])} of {before} packages left out.\n")


def prune(packages: dict[str, dict[str, Any]]) -> None:
    """Leave out what is unused, and what only that asked for."""
    for place, entry in packages.items():
        for name in UNUSED.get(place.rpartition("node_modules/")[2], ()):
            entry.get("dependencies", {}).pop(name, None)
    wanted, ahead = {""}, [""]
    while ahead:
        place = ahead.pop()
        for name in asked_by(packages[place]):
            found = place_of(packages, place, name)
            if found and found not in wanted:
                wanted.add(found)
                ahead.append(found)
    for place in packages.keys() - wanted:
        del packages[place]


def asked_by(entry: dict[str, Any]) -> list[str]:
    """What an entry of a lock file asks for; peers that it can do without are none."""
    optional = {
        name
        for name, facts in entry.get("peerDependenciesMeta", {}).items()
        if facts.get("optional")
    }
    return [
        *entry.get("dependencies", {}),
        *entry.get("optionalDependencies", {}),
        *(name for name in entry.get("peerDependencies", {}) if name not in optional),
    ]


def place_of(packages: dict[str, Any], place: str, name: str) -> str:
    """Where Node finds a package that another asks for; empty if nowhere."""
    while True:
        found = f"{place}/node_modules/{name}" if place else f"node_modules/{name}"
        if found in packages:
            return found
        if not place:
            return ""
        place = place.rpartition("node_modules/")[0].rstrip("/")


if __name__ == "__main__":
    main()
