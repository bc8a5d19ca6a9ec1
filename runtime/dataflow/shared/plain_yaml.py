"""YAML without positions, by libyaml where it is there: each run reads and writes several files.

It takes a tenth of the time. A file that people write errors into is read by `yaml_document`.
"""

from __future__ import annotations

from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def load_yaml(text: str) -> Any:
    """What a text says.

    Raises:
        yaml.YAMLError: It is no YAML.

    >>> load_yaml("a: [1, x]")
    {'a': [1, 'x']}
    """
    return yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader


def dump_yaml(values: Any, *, sort_keys: bool = True, allow_unicode: bool = False) -> str:
    r"""A text that says it.

    >>> dump_yaml({"b": [1, "x"], "a": None})
    'a: null\nb:\n- 1\n- x\n'
    """
    text: str = yaml.dump(values, Dumper=_DUMPER, sort_keys=sort_keys, allow_unicode=allow_unicode)
    return text
