"""Files of different shape under one location: which tables they are."""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.sources.errors import SourceSettingError
from dataflow.sources.file.location import FORMATS
from dataflow.sources.file.unpack import inner_name
from dataflow.workflows.identifiers import suggest_workflow_id
from dataflow_tools.inspection.sample import read_sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MONTHS = r"(?<![a-z])(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*(?![a-z])"
_MOST_NAMED = 3
# So many files of one series are looked at, spread over all of it, if these agree.
_MOST_LOOKED_AT = 20


@dataclass(frozen=True)
class FileGroup:
    """Files that are one table.

    Args:
        name: What the table may be called.
        location: A path or pattern that names these files and no others.
        columns: The columns that they have, as the first one writes them.
    """

    name: str
    location: str
    files: Sequence[Path]
    columns: Sequence[str]

    @property
    def told(self) -> str:
        """In one line: which table, of which files."""
        names = [file.name for file in self.files]
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        return f"{self.name}: {', '.join(names[:_MOST_NAMED])}{more}"


def file_groups(location: str) -> list[FileGroup]:
    """The tables that the files of a folder, or of a pattern, are.

    Files with the same columns are one table, and so are those that are called alike but for
    numbers and months and have a column in common, as files of one series are. Of a long series
    some files are looked at; whoever reads all of them refuses one that has other columns.

    Returns:
        One group for each table, in the order of the files' names; nothing if the location names
        no folder and no several files on this machine.

    Raises:
        SourceError: A file cannot be read.
        SourceSettingError: No pattern names the files of a group alone.
    """
    files = _files(location)
    if not files or files == [Path(location)]:
        return []
    groups: list[_Part] = []
    for part in _parts(files):
        same = next((group for group in groups if group.is_one_with(part)), None)
        if same is None:
            groups.append(part)
        else:
            same.files.extend(part.files)
    taken: set[str] = set()
    if len(groups) == 1 and not Path(location).is_dir():
        return [FileGroup(_name(files, taken), location, files, groups[0].columns)]
    return [
        FileGroup(
            _name(group.files, taken), _pattern(group.files, files), group.files, group.columns
        )
        for group in groups
    ]


@dataclass
class _Part:
    files: list[Path]
    columns: Sequence[str]

    def is_one_with(self, other: _Part) -> bool:
        if _format(self.files[0]) != _format(other.files[0]):
            return False
        mine = {column.lower() for column in self.columns}
        others = {column.lower() for column in other.columns}
        return mine == others or (
            _stem(self.files[0]) == _stem(other.files[0]) and bool(mine & others)
        )


def _parts(files: Sequence[Path]) -> list[_Part]:
    """Each file with its columns; in a long series that agrees, with those of its first file."""
    series: dict[tuple[str, str], list[Path]] = {}
    for file in files:
        series.setdefault((_stem(file), _format(file)), []).append(file)
    columns: dict[Path, Sequence[str]] = {}
    for members in series.values():
        first, *others = (_looked_at(file) for file in _spread(members))
        if all(first.is_one_with(other) for other in others):
            columns |= dict.fromkeys(members, first.columns)
        columns |= {part.files[0]: part.columns for part in (first, *others)}
        columns |= {file: _looked_at(file).columns for file in members if file not in columns}
    return [_Part([file], columns[file]) for file in files]


def _looked_at(file: Path) -> _Part:
    sample = read_sample({"type": "file", "url": str(file)})
    return _Part([file], sample.table.column_names)


def _spread(files: Sequence[Path]) -> list[Path]:
    """All of a few files; of many the first, the last, and some at equal distances between.

    >>> [str(file) for file in _spread([Path(str(number)) for number in range(100)])][:4]
    ['0', '5', '10', '16']
    """
    last, most = len(files) - 1, _MOST_LOOKED_AT - 1
    return [files[at * last // most] for at in range(most + 1)] if last > most else list(files)


def _files(location: str) -> list[Path]:
    """The files in a folder, or those that a pattern names."""
    path = Path(location)
    if path.is_dir():
        found: Iterable[Path] = path.iterdir()
    elif path.exists() or not glob.has_magic(location):
        return []
    else:
        found = (Path(match) for match in glob.glob(location, recursive=True))  # noqa: PTH207
    return sorted(
        file
        for file in found
        if file.is_file()
        and not file.name.startswith(".")
        and Path(inner_name(file.name)).suffix.lower() in FORMATS
    )


def _format(file: Path) -> str:
    """The suffix that says what a file holds, packed or not."""
    return Path(inner_name(file.name)).suffix.lower()


def _stem(file: Path) -> str:
    """What a file's name is without numbers, months and signs."""
    name = Path(inner_name(file.name)).stem.lower()
    return re.sub(r"[\W\d_]+", "", re.sub(_MONTHS, "", name))


def _name(files: Sequence[Path], taken: set[str]) -> str:
    stem = Path(inner_name(files[0].name)).stem
    if len(files) > 1:
        common = _common([Path(inner_name(file.name)).stem for file in files])
        stem = re.sub(r"[\W\d_]+$", "", common) or stem
    name, count = suggest_workflow_id(stem), 2
    while name in taken:
        name, count = f"{suggest_workflow_id(stem)}_{count}", count + 1
    taken.add(name)
    return name


def _pattern(files: Sequence[Path], among: Sequence[Path]) -> str:
    """What names these files, and none of the others that are there."""
    # Of a folder that has several tables, what is called without a number is a table by itself.
    if len(files) == 1 < len(among) and not re.search(r"\d", files[0].stem):
        return str(files[0])
    if len(files) == len(among) and len({file.parent for file in files}) == 1:
        suffixes = {"".join(file.suffixes[-1:]) for file in files}
        if len(suffixes) == 1:
            candidate = f"{glob.escape(str(files[0].parent))}/*{suffixes.pop()}"
            if _named(candidate) == set(files):
                return candidate
    folder, start = glob.escape(str(files[0].parent)), _common([file.name for file in files])
    # The widest comes first: the files of next month belong to the series too.
    word = re.match(r"[^\W\d_]+(?=[\W\d_])", start)
    starts = [word[0]] if word else []
    for beginning in (*starts, re.sub(r"[\W\d_]+$", "", start), start):
        for suffix in (files[0].suffix, ""):
            candidate = f"{folder}/{glob.escape(beginning)}*{suffix}"
            if beginning and _named(candidate) == set(files):
                return candidate
    if len(files) == 1:
        return str(files[0])
    listed = ", ".join(file.name for file in files[:_MOST_NAMED])
    raise SourceSettingError(
        f"{listed} have the same columns, and no pattern names them without other files.",
        "Put the files of each table into a folder of its own, or name them: "
        "--source NAME=PATTERN for each table.",
    )


def _common(texts: Sequence[str]) -> str:
    """What all of them begin with."""
    signs = takewhile(lambda column: len(set(column)) == 1, zip(*texts, strict=False))
    return "".join(column[0] for column in signs)


def _named(pattern: str) -> set[Path]:
    return {Path(match) for match in glob.glob(pattern, recursive=True)}  # noqa: PTH207
