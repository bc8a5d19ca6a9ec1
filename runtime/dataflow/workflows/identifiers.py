"""Workflow ids: the one rule for the name that becomes a folder, a module, a job and a URL."""

from __future__ import annotations

import keyword
import re
import unicodedata

from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import quoted

# An id is also the stem of file, schema and table names, which other systems cut at 63 characters.
MAX_LENGTH = 40
# What the name of a workflow's module begins with.
PACKAGE = "dataflow.workflows."

# One underscore between words: dashboards name a workflow's further sources `<workflow_id>__<x>`.
_PATTERN = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")

# Modules that the library has, or may have, in `dataflow.workflows`, beside the users' folders.
_LIBRARY = "checking cli dashboards dataflow discovery identifiers ingestion modelling orchestration registry service shared template testing transformation warehouse workflow workflows"  # noqa: E501
# Folders that every workflow or test run has, which would shadow it or be shadowed.
_FOLDERS = "dbt evidence test tests"
# The catalog of a DuckDB file takes the file's name, and these would then be ambiguous in SQL.
_CATALOGS = "information_schema main marts memory pg_catalog raw staging system temp"
# Paths that the dashboard site, or the server in front of it, keeps for itself.
_PATHS = "api data docs explore fonts healthz index settings static"
# `dagster._core.definitions.utils.DISALLOWED_NAMES` less Python's keywords (dagster 1.13).
_DAGSTER = "arg_dict bool conf config context dict float input input_arg_dict int meta output output_arg_dict str type"  # noqa: E501
# `duckdb_keywords()` of the category `reserved` (duckdb 1.5): not usable as a bare table name.
_SQL = (
    "all analyse analyze and any array as asc asymmetric both case cast check collate column "
    "constraint create default deferrable desc describe distinct do else end except false fetch "
    "for foreign from group having in initially intersect into lambda lateral leading limit not "
    "null offset on only or order pivot pivot_longer pivot_wider placing primary qualify "
    "references returning select show some summarize symmetric table then to trailing true union "
    "unique unpivot using variadic when where window with"
)
# Plain words that are no texts in YAML, where ids stand as names.
_YAML = "false no null off on true yes"
# Names that Windows keeps for devices, whatever their suffix.
_DEVICES = "aux con nul prn com1 com2 com3 com4 com5 com6 com7 com8 com9 lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9"  # noqa: E501

_REASONS = {
    **dict.fromkeys(_YAML.split(), "a word that YAML takes for a truth value"),
    **dict.fromkeys(_DEVICES.split(), "a device name on Windows"),
    **dict.fromkeys(_SQL.split(), "a reserved word of SQL"),
    **dict.fromkeys(_DAGSTER.split(), "a name that Dagster keeps for itself"),
    **dict.fromkeys(_PATHS.split(), "a path that the dashboard site keeps for itself"),
    **dict.fromkeys(_CATALOGS.split(), "a schema or catalog that every warehouse has"),
    **dict.fromkeys(_FOLDERS.split(), "a folder that every workflow has"),
    **dict.fromkeys(_LIBRARY.split(), "a name that the library keeps for itself"),
    **dict.fromkeys((*keyword.kwlist, *keyword.softkwlist), "a keyword of Python"),
}

RESERVED_IDS = frozenset(_REASONS)


def check_workflow_id(workflow_id: str) -> str:
    """Return ``workflow_id`` if it can name a workflow.

    Raises:
        BadInputError: It cannot. The error says why and suggests one that can.

    >>> check_workflow_id("daily_sales")
    'daily_sales'
    >>> check_workflow_id("Daily-Sales")
    Traceback (most recent call last):
    dataflow.shared.errors.BadInputError: 'Daily-Sales' cannot be a workflow's id: ...
    """
    wrong = _what_is_wrong(workflow_id)
    if wrong is None:
        return workflow_id
    better = suggest_workflow_id(workflow_id)
    raise BadInputError(
        f"{quoted(workflow_id)} cannot be a workflow's id: {wrong}.",
        f"Use lower-case words joined by underscores, such as `{better}`.",
    )


def workflow_of(name: str) -> str:
    """The workflow that a name is about: its id, or that of a module in its folder.

    So code that says ``__package__`` goes on being right when its folder gets another name.

    >>> workflow_of("sales"), workflow_of("dataflow.workflows.sales.ingestion")
    ('sales', 'sales')
    """
    inside = name.removeprefix(PACKAGE) if isinstance(name, str) else name
    return inside.partition(".")[0] if inside != name else name


def is_workflow_id(text: str) -> bool:
    """Whether a text can name a workflow.

    >>> is_workflow_id("daily_sales"), is_workflow_id("Daily Sales")
    (True, False)
    """
    return _what_is_wrong(text) is None


def suggest_workflow_id(text: object) -> str:
    """The nearest valid id to ``text``, which may be anything a person typed.

    >>> suggest_workflow_id("Daily Sales (EUR)")
    'daily_sales_eur'
    >>> suggest_workflow_id("select")
    'my_select'
    """
    typed = str(text)[:1000].replace("ß", "ss")
    plain = unicodedata.normalize("NFKD", typed).encode("ascii", "ignore").decode()
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain).lower()
    stem = re.sub(r"[^a-z0-9]+", "_", words).strip("_")
    if not stem:
        return "my_workflow"
    if stem[0].isdigit():
        stem = f"workflow_{stem}"
    stem = stem[:MAX_LENGTH].rstrip("_")
    return f"my_{stem}" if stem in RESERVED_IDS else stem


def _what_is_wrong(workflow_id: object) -> str | None:
    if not isinstance(workflow_id, str):
        return f"it is not text but of the type {type(workflow_id).__name__}"
    if not workflow_id:
        return "it is empty"
    if len(workflow_id) > MAX_LENGTH:
        return f"it has {len(workflow_id)} characters, and {MAX_LENGTH} is the most"
    if workflow_id in _REASONS:
        return f"it is {_REASONS[workflow_id]}"
    if _PATTERN.fullmatch(workflow_id):
        return None
    other = next((c for c in workflow_id if not re.fullmatch(r"[a-z0-9_]", c)), None)
    if other is not None:
        kind = "an upper-case letter" if other.isascii() and other.isupper() else "not allowed"
        return f"{quoted(other)} is {kind}"
    if not "a" <= workflow_id[0] <= "z":
        return "it does not start with a letter"
    return "underscores may only stand alone between words"
