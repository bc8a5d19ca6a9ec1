"""The small changes to a module that tests should notice.

What only people read is left alone (messages, log lines, docstrings, annotations), and so is what
never runs (blocks under TYPE_CHECKING).
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    # Not ast.Div, which mostly joins paths here, where anything else fails at once.
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
}
_LOGS = {"log", "logger", "_log", "_logger"}


@dataclass(frozen=True)
class Mutant:
    """One module with one change.

    Args:
        path: The module, from the root of the repository.
        source: Its whole text after the change.
    """

    path: Path
    line: int
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.before} -> {self.after}"


def mutants_of(module: Path, path: Path) -> list[Mutant]:
    """Every mutant of a module, in the order of the text; ``path`` is what they call it."""
    tree = ast.parse(module.read_text())
    found = []
    for number, node in enumerate(_that_run(tree)):
        for variant, after in enumerate(_changes(node)):
            changed = copy.deepcopy(tree)
            target = list(_that_run(changed))[number]
            source = ast.unparse(_Replace(target, _changes(target)[variant]).visit(changed))
            found.append(Mutant(path, _line(node), _start(node), _start(after), source))
    return found


def _line(node: ast.AST) -> int:
    place = node.target if isinstance(node, ast.comprehension) else node
    return int(getattr(place, "lineno", 0))


def _start(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())[:70]


class _Replace(ast.NodeTransformer):
    """Put one node in the place of another."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self._old, self._new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        if node is self._old:
            return ast.fix_missing_locations(ast.copy_location(self._new, node))
        return self.generic_visit(node)


def _that_run(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes whose change somebody but a reader can notice, a parent before its children."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_for_readers(child):
                yield from _that_run(child)
            elif isinstance(child, ast.Raise):
                yield child


def _is_for_readers(node: ast.AST) -> bool:
    if isinstance(node, (ast.Raise, ast.JoinedStr)):
        return True
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        function = node.value.func
        owner = function.value if isinstance(function, ast.Attribute) else None
        return isinstance(owner, ast.Name) and owner.id in _LOGS
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _changes(node: ast.AST) -> list[ast.AST]:
    """What may stand in the place of ``node``."""
    changes: list[ast.AST] = []
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in _COMPARED:
            changes.append(_with(node, ops=[_COMPARED[type(operator)]()]))
        case ast.BoolOp():
            other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            changes.append(_with(node, op=other))
        case ast.UnaryOp(op=ast.Not()):
            changes.append(node.operand)
        case ast.BinOp() | ast.AugAssign() if type(node.op) in _COMPUTED:
            changes.append(_with(node, op=_COMPUTED[type(node.op)]()))
        case ast.Constant(value=bool() as flag):
            changes.append(ast.Constant(not flag))
        case ast.Constant(value=int() as number):
            changes.append(ast.Constant(number + 1))
        # Other tests are changed within themselves, above.
        case ast.If() | ast.While() | ast.IfExp() if isinstance(
            node.test, (ast.Name, ast.Attribute, ast.Call, ast.NamedExpr, ast.Subscript)
        ):
            changes.append(_with(node, test=ast.UnaryOp(ast.Not(), node.test)))
        case ast.comprehension(ifs=[_, *_]):
            changes.append(_with(node, ifs=[]))
        case ast.For():
            changes.append(_with(node, iter=ast.List([], ast.Load())))
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            changes.append(ast.Return(ast.Constant(None)))
        case ast.Raise() | ast.Expr(value=ast.Call() | ast.Await()):
            changes.append(ast.Pass())
        case ast.Assign(targets=[ast.Subscript() | ast.Attribute()]):
            changes.append(ast.Pass())
        case ast.Break():
            changes.append(ast.Continue())
        case ast.Continue():
            changes.append(ast.Break())
        case ast.ExceptHandler(body=body) if not isinstance(body[-1], ast.Raise):
            changes.append(_with(node, body=[ast.Raise()]))
    return changes


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed
