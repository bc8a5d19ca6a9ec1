"""Holding rows to the contract of their source: each value as agreed, or told apart by name."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dataflow.shared.contract import written_type
from dataflow.shared.shown import quoted, shortened
from dataflow.shared.sql import quote_identifier, quote_literal
from dataflow.sources.column_names import compared_name
from dataflow.sources.contract_match import (
    LONGEST_VALUE,
    READ_AS_UTC,
    Match,
    Misfit,
    lacks_zone,
    unending_numbers,
)
from dataflow.sources.contract_values import always, reading_of
from dataflow.sources.errors import ContractError
from dataflow.sources.kept_rows import rows_of
from dataflow.sources.lost_columns import listed, lost_columns
from dataflow.sources.rejection_limit import refuse_many_rejected
from dataflow.sources.type_rules import without_tabs
from dataflow.sources.type_widening import wider_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb
    import pyarrow as pa

    from dataflow.shared.contract import Column, Contract
    from dataflow.sources.kept_rows import KeptRows

# What becomes of a value, in the words of a note.
READ_AS_NONE = "read as no value"
_MISFIT = "dataflow: a value does not fit the contract"
# So many columns with values that do not fit are told of, each with its first one.
_MOST_TOLD = 5


@dataclass(frozen=True)
class ContractReport:
    """How the rows of a run differed from the contract.

    Args:
        new_columns: Names of columns that the contract does not have.
        lost_columns: Names of columns that did not come.
        rejected_rows: How many rows were put aside.
        nulled_values: How many values were read as none.
        bad_columns: Names of columns, as the contract has them, with values that do not fit.
        changed_columns: Names of columns, as the contract has them, whose declared type is wider.
    """

    new_columns: Sequence[str] = ()
    lost_columns: Sequence[str] = ()
    rejected_rows: int = 0
    nulled_values: int = 0
    bad_columns: Sequence[str] = ()
    changed_columns: Sequence[str] = ()


@dataclass(frozen=True)
class Conformed:
    """Rows as the contract has them.

    Args:
        rejected: The rows that were put aside: ``row`` (counted from 1), ``reason`` and
            ``record`` (JSON, as they came); None if there are none.
    """

    table: KeptRows
    report: ContractReport
    notes: list[str] = field(default_factory=list)
    rejected: pa.Table | None = None


def conform(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    names: Sequence[str],
    contract: Contract,
    *,
    declared: bool = False,
) -> Conformed:
    """Read a relation by its contract.

    Args:
        relation: What may stand after FROM. Its columns are ``c0``, ``c1`` and so on, of any type.
        names: What these are called at the source.
        declared: Whether the source declares these types. One that has become wider, and has to
            be, is taken over, as far as `on_change.changed_column` lets it.

    Raises:
        ContractError: A column or a value is not as agreed, and `on_change` says `fail`.
        duckdb.Error: The relation cannot be read.
    """
    import duckdb

    described = connection.execute(f"DESCRIBE FROM {relation}").fetchall()
    kinds = {str(key): str(kind) for key, kind, *_ in described}
    empty = _empty(connection, relation, names, contract)
    matches, report, notes = _matched(names, kinds, contract, empty)
    notes += unending_numbers(connection, relation, matches, kinds)
    checked = [match for match in matches if not match.reading.always_fits]
    strict = ", ".join(f"{_strictly(match)} AS {quote_identifier(match.name)}" for match in matches)
    try:
        rows = rows_of(connection, f"SELECT {strict} FROM {relation}")  # noqa: S608
        return Conformed(rows, report, notes)
    except duckdb.Error as error:
        if _MISFIT not in str(error):
            raise
    fits = " AND ".join(match.reading.fits for match in checked)
    numbered = f"(SELECT row_number() OVER () AS n, * FROM {relation})"  # noqa: S608
    if contract.on_change.bad_value == "quarantine":
        # Looked for once: these are asked what is wrong with them, and put aside.
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE misfits AS FROM {numbered} WHERE NOT ({fits})"
        )
        numbered = "misfits"
    wrong, failing_rows = _misfits(connection, numbered, checked)
    if untabbed := _without_tabs(wrong, kinds, relation):
        return conform(connection, untabbed, names, contract, declared=declared)
    if declared and (wider := _widened(connection, wrong, kinds)):
        return _in_wider_types(connection, relation, names, contract, wider)
    if contract.on_change.bad_value == "fail":
        refusal = _refusal(wrong, contract)
        refusal.failing_rows = failing_rows
        raise refusal
    report = replace(report, bad_columns=[misfit.match.name for misfit in wrong])
    values = ", ".join(
        f"{match.reading.value} AS {quote_identifier(match.name)}" for match in matches
    )
    told = [f"{misfit.told}: {{}}." for misfit in wrong]
    if contract.on_change.bad_value == "null":
        rows = rows_of(connection, f"SELECT {values} FROM {relation}")  # noqa: S608
        report = replace(report, nulled_values=sum(misfit.count for misfit in wrong))
        notes += [note.format(READ_AS_NONE) for note in told]
        return Conformed(rows, report, notes)
    rejected = _rejected(connection, numbered, list(names), checked)
    rows = rows_of(connection, f"SELECT {values} FROM {relation} WHERE {fits}")  # noqa: S608
    came = rows.num_rows + rejected.num_rows
    refuse_many_rejected(contract, rejected.num_rows, came, [misfit.told for misfit in wrong])
    report = replace(report, rejected_rows=rejected.num_rows)
    notes += [note.format("the row is put aside") for note in told]
    return Conformed(rows, report, notes, rejected)


def _without_tabs(wrong: Sequence[Misfit], kinds: dict[str, str], relation: str) -> str:
    """The relation with blanks for the tabs in texts that do not fit; empty if there are none.

    To look for tabs in every value takes too long.
    """
    keys = [
        misfit.match.key
        for misfit in wrong
        if misfit.match.key and kinds[misfit.match.key] == "VARCHAR" and "\t" in misfit.value
    ]
    blanks = ", ".join(f"{without_tabs(key)} AS {key}" for key in keys)
    return f"(SELECT * REPLACE ({blanks}) FROM {relation})" if keys else ""  # noqa: S608


@dataclass(frozen=True)
class _Widened:
    """A column whose declared type is wider than the agreed one, and a value that needs it."""

    misfit: Misfit
    kind: str
    declared: str


def _widened(
    connection: duckdb.DuckDBPyConnection, wrong: Sequence[Misfit], kinds: dict[str, str]
) -> list[_Widened]:
    found = []
    for misfit in wrong:
        column, key = misfit.match.column, misfit.match.key
        if column is None or key is None:
            continue
        kind = wider_type(connection, column.database_type, kinds[key])
        found += [_Widened(misfit, kind, kinds[key])] if kind else []
    return found


def _in_wider_types(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    names: Sequence[str],
    contract: Contract,
    wider: Sequence[_Widened],
) -> Conformed:
    """Read a relation by its contract, as if the types in it were those that are declared now."""
    if contract.on_change.changed_column == "fail":
        raise _refusal([each.misfit for each in wider], contract)
    columns, told = dict(contract.columns), []
    for each in wider:
        name = each.misfit.match.name
        column = columns[name]
        columns[name] = column.model_copy(update={"type": written_type(each.kind)})
        told.append(
            f"Column {quoted(name)} is {written_type(each.declared)} at the source now, and "
            f"{column.type} in the contract, which does not hold "
            f"{shortened(each.misfit.value, LONGEST_VALUE)} of row {each.misfit.row:,}: it is "
            f"loaded as {written_type(each.kind)}. `dataflow workflow inspect NAME --accept` "
            "writes that down."
        )
    conformed = conform(
        connection, relation, names, replace(contract, columns=columns), declared=False
    )
    changed = [each.misfit.match.name for each in wider]
    return replace(
        conformed,
        report=replace(conformed.report, changed_columns=changed),
        notes=[*told, *conformed.notes],
    )


def _empty(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    names: Sequence[str],
    contract: Contract,
) -> set[str]:
    """The columns that the contract does not have, and that have no value: they are no news."""
    agreed = {compared_name(column.source or name) for name, column in contract.columns.items()}
    others = [f"c{index}" for index, name in enumerate(names) if compared_name(name) not in agreed]
    if not others:
        return set()
    counts: Any = connection.execute(
        f"SELECT {', '.join(f'count({key})' for key in others)} FROM {relation}"  # noqa: S608
    ).fetchone()
    return {key for key, count in zip(others, counts, strict=True) if not count}


def _matched(
    names: Sequence[str], kinds: dict[str, str], contract: Contract, empty: set[str]
) -> tuple[list[Match], ContractReport, list[str]]:
    """Which column of the relation each of the contract's is, and what to say of the others.

    Args:
        empty: Those of the others without a value, which are loaded without a word.
    """
    keys = {name: f"c{index}" for index, name in enumerate(names)}
    alike = _alike(keys, contract)
    matches: list[Match] = []
    lost: dict[str, str] = {}
    for name, column in contract.columns.items():
        wanted = column.source or name
        key = keys.get(wanted) or alike.get(wanted.lower()) or alike.get(compared_name(wanted))
        if key is None:
            nothing = always(f"CAST(NULL AS {_stored(column)})")
            matches.append(Match(name, None, nothing, column))
            lost |= {} if column.optional else {wanted: name}
        else:
            matches.append(Match(name, key, reading_of(column, key, kinds[key]), column))
    taken = {match.key for match in matches}
    agreed = {match.name.lower() for match in matches}
    others = [name for name, key in keys.items() if key not in taken]
    new = [name for name in others if keys[name] not in empty]
    notes = [
        f"Column {quoted(match.name)}{READ_AS_UTC}"
        for match in matches
        if match.column and match.key and lacks_zone(match.column, kinds[match.key])
    ]
    if lost:
        if contract.on_change.lost_column == "fail":
            raise lost_columns(lost, new, names, contract)
        notes += [f"The source no longer has {quoted(name)}: null in every row." for name in lost]
    if new and contract.on_change.new_column == "fail":
        raise ContractError(
            f"{contract.shown} has columns that the contract does not name: {listed(new)}.",
            f"Describe them in `{contract.place}.columns`"
            + contract.by_inspection(", which `dataflow workflow inspect NAME --accept` does")
            + f", or set `{contract.place}.on_change.new_column` to add or ignore.",
        )
    for name in others:
        key = keys[name]
        ignored = contract.on_change.new_column == "ignore"
        clashes = name.lower() in agreed
        if ignored or clashes:
            why = "one of the contract's is called so" if clashes else "the contract has no such"
            notes += [f"Column {quoted(name)} is left out: {why}."] if name in new else []
            continue
        matches.append(Match(name, key, always(key), None))
        if name not in new:
            continue
        notes.append(
            f"Column {quoted(name)} is new, or has values for the first time, and is loaded as "
            f"{written_type(kinds[key])}. Describe it in `{contract.place}.columns`"
            + contract.by_inspection(": `dataflow workflow inspect NAME --accept` does")
            + "."
        )
    return matches, ContractReport(new, list(lost)), notes


def _alike(keys: dict[str, str], contract: Contract) -> dict[str, str]:
    """The columns that no agreed name is exactly, by how their names are compared.

    Those of which several are compared as the same are left out.
    """
    wanted = {column.source or name for name, column in contract.columns.items()}
    others = {name: key for name, key in keys.items() if name not in wanted}
    times = Counter(map(compared_name, others))
    found = {compared_name(name): key for name, key in others.items()}
    alone = {each: key for each, key in found.items() if times[each] == 1}
    return alone | {name.lower(): key for name, key in others.items()}


def _misfits(
    connection: duckdb.DuckDBPyConnection, numbered: str, checked: Sequence[Match]
) -> tuple[list[Misfit], int]:
    """The columns with values that do not fit, and how many rows have such values."""
    fits = ", ".join(f"{match.reading.fits} AS fits{at}" for at, match in enumerate(checked))
    whole = " AND ".join(f"fits{at}" for at in range(len(checked)))
    asked = ", ".join(
        f"count(*) FILTER (NOT fits{at}), "
        f"arg_min(CAST({match.key} AS VARCHAR), n) FILTER (NOT fits{at}), "
        f"min(n) FILTER (NOT fits{at})"
        for at, match in enumerate(checked)
    )
    *row, rows = connection.execute(
        f"SELECT {asked}, count(*) FILTER (NOT ({whole})) FROM (SELECT *, {fits} FROM {numbered})"  # noqa: S608
    ).fetchall()[0]
    answers = zip(row[::3], row[1::3], row[2::3], strict=True)
    misfits = [
        Misfit(match, count, number, str(value))
        for match, (count, value, number) in zip(checked, answers, strict=True)
        if count
    ]
    return misfits, int(rows)


def _rejected(
    connection: duckdb.DuckDBPyConnection,
    misfits: str,
    names: list[str],
    checked: Sequence[Match],
) -> pa.Table:
    reasons = ", ".join(
        f"CASE WHEN NOT {match.reading.fits} THEN {quote_literal(match.name + ': ')} || "
        f"CAST({match.key} AS VARCHAR) || {quote_literal(f' is no {match.column.told}')} END"
        for match in checked
        if match.column
    )
    record = ", ".join(f"{quote_literal(name)}, c{index}" for index, name in enumerate(names))
    return connection.sql(
        f"SELECT n AS row, concat_ws('; ', {reasons}) AS reason, "  # noqa: S608
        f"CAST(json_object({record}) AS VARCHAR) AS record "
        f"FROM {misfits} ORDER BY n"
    ).to_arrow_table()


def _strictly(match: Match) -> str:
    # The message must not be a constant: DuckDB would work it out, and fail, at once.
    return match.reading.strictly(f"error('{_MISFIT}' || left(CAST({match.key} AS VARCHAR), 0))")


def _refusal(wrong: Sequence[Misfit], contract: Contract) -> ContractError:
    told = "; ".join(misfit.told for misfit in wrong[:_MOST_TOLD])
    more = f"; and in {len(wrong) - _MOST_TOLD} more columns" if len(wrong) > _MOST_TOLD else ""
    return ContractError(
        f"{contract.shown} is not as its contract says. {told}{more}. Nothing was loaded.",
        f"Correct the source, or the column's type in `{contract.place}.columns`"
        + contract.by_inspection(
            " (`dataflow workflow inspect NAME` shows what it has now, and with --accept takes it "
            "over)"
        )
        + f"; or set `{contract.place}.on_change.bad_value` to quarantine, which puts such rows "
        "aside, or to null."
        + contract.by_inspection(
            " A text that means no value goes into `null_values` of the source."
        ),
    )


def _stored(column: Column) -> str:
    """The type in which a column is handed on: JSON as the text that it is."""
    return "VARCHAR" if column.database_type == "JSON" else column.database_type
