"""The warning of an old import path, which says the new one."""

from __future__ import annotations

import warnings


def moved(old: str, new: str) -> None:
    """Warn that a module is imported by the path that it had in version 0.1.

    Args:
        old: The module that was imported.
        new: What to write instead, as an import statement.
    """
    # 1 is here, 2 the old module; what lies between it and who imports it is importlib's, which
    # warnings leaves out by itself.
    warnings.warn(
        f"{old} is an old path, which goes in 0.3. Write: {new}", DeprecationWarning, stacklevel=3
    )
