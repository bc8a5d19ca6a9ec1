"""The mutation run changes what code does, and nothing that only people read."""

from __future__ import annotations

from pathlib import Path

from tests.mutations import mutants_of

MODULE = '''\
"""Says 1 + 1."""
if TYPE_CHECKING:
    LIMIT = 3
def add(rows: list[int], more: int = 1) -> int:
    log.info("adding %d", 5)
    total = 0
    for row in rows:
        if row < 2 and not row is None:
            raise ValueError(f"{row + 1} is small" + "!")
        total += row
    keep(total)
    try:
        return [row for row in rows if row]
    except KeyError:
        return None
'''


def test_each_mutant_has_one_change_and_can_be_compiled(tmp_path: Path) -> None:
    """In the order of the text, each with its line; messages, logs and types are left alone."""
    (tmp_path / "module.py").write_text(MODULE)
    mutants = mutants_of(tmp_path / "module.py", Path("module.py"))
    for mutant in mutants:
        compile(mutant.source, "module.py", "exec")
    assert len({mutant.source for mutant in mutants}) == len(mutants)
    assert [str(mutant) for mutant in mutants] == [
        "module.py:4: 1 -> 2",
        "module.py:6: 0 -> 1",
        (
            "module.py:7: for row in rows: if row < 2 and (not row is None): raise ValueError(f'"
            " -> for row in []: if row < 2 and (not row is None): raise ValueError(f'{r"
        ),
        "module.py:8: row < 2 and (not row is None) -> row < 2 or not row is None",
        "module.py:8: row < 2 -> row <= 2",
        "module.py:8: 2 -> 3",
        "module.py:8: not row is None -> row is None",
        "module.py:8: row is None -> row is not None",
        "module.py:9: raise ValueError(f'{row + 1} is small' + '!') -> pass",
        "module.py:10: total += row -> total -= row",
        "module.py:11: keep(total) -> pass",
        "module.py:13: return [row for row in rows if row] -> return None",
        "module.py:13: for row in rows if row -> for row in rows",
        "module.py:14: except KeyError: return None -> except KeyError: raise",
    ]
