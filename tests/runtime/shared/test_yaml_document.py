"""YAML texts become values with lines, or plain sentences about what is wrong with them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dataflow.shared.finding import KeyPath
from dataflow.shared.yaml_document import Position, parse_yaml

# JSON does not escape the controls that YAML refuses.
texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff\ufffe\uffff")
)
scalars = st.none() | st.booleans() | st.integers() | texts
json_values = st.recursive(
    scalars | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


def reasons(text: str | bytes) -> list[tuple[int, str]]:
    data = text.encode() if isinstance(text, str) else text
    return [(fault.position.line, fault.reason) for fault in parse_yaml(data).faults]


@pytest.mark.slow
@given(st.dictionaries(texts, json_values, min_size=1, max_size=5))
def test_values_are_those_that_were_written(values: dict[str, Any]) -> None:
    """Whatever mapping is written as JSON, which is YAML, is read back equal."""
    document = parse_yaml(json.dumps(values, ensure_ascii=False).encode())
    assert not document.faults
    assert document.values == values


@given(st.text("ab:-[]{},\n\t '\"#&*!|>%@12.?~", max_size=40))
def test_syntax_is_judged_as_libyaml_judges_it(text: str) -> None:
    """A text that PyYAML cannot compose has a fault, and one without faults has PyYAML's shape."""
    document = parse_yaml(text.encode())
    try:
        composed = yaml.load(text, Loader=yaml.CBaseLoader)  # noqa: S506 - it makes only strings
    except yaml.YAMLError:
        assert document.faults
        return
    if not document.faults:
        assert same_shape(document.values, composed)


def same_shape(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, dict):
        return list(ours) == list(theirs) and all(same_shape(ours[k], theirs[k]) for k in theirs)
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same_shape, ours, theirs))
    return ours == theirs if isinstance(ours, str) else not isinstance(ours, (list, dict))


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    """Whatever a file holds, there are values or faults, never an exception."""
    document = parse_yaml(data)
    assert document.values or document.faults or data.strip()


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        ("1_000", "1_000"),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("0o17", 15),
        ("0x1F", 31),
        ("-7", -7),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", float("-inf")),
        ("'7'", "7"),
        ("!!str 7", "7"),
        ("!!float 7", 7),
        ("= 1", "= 1"),
    ],
)
def test_words_mean_what_yaml_1_2_says(written: str, value: Any) -> None:
    """`no`, `on`, times and dates stay texts; numbers, true, false and null do not."""
    assert parse_yaml(f"key: {written}\n".encode()).values == {"key": value}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "the file is empty"),
        ("# only a comment\n", 1, "the file is empty"),
        ("- a\n", 1, "begins with a list"),
        ("hello\n", 1, "begins with a text"),
        ("a: 1\nb:\n\t- c\n", 3, "a tab indents this line"),
        ("a: 1\n\tb: 2\n", 2, "a tab indents this line"),
        ("a: b: c\n", 1, "in quotes"),
        ("a:\n<<<<<<< yours\n  b: 1\n=======\n  b: 2\n>>>>>>> theirs\n", 2, "choose one"),
        ("a: 1\nb: @x\n", 2, "`@` must be in quotes"),
        ("a: 1\nb: [1, 2\nc: 3\n", 2, "`[` opened on this line is not closed"),
        ("a: 1\nb: {c: 1\n", 2, "`{` opened on this line is not closed"),
        ('a: 1\nb: "x\n', 2, "quote opened on this line is not closed"),
        ("a: 1\nfoo\nb: 2\n", 2, "without `:`"),
        ("a:\n  b: 1\n c: 2\n", 3, "indentation"),
        ("a: 1\nb: 2\na: 3\n", 3, "stands twice, first on line 1"),
        ("# a\n<<<<<<< x\n# b\n=======\n>>>>>>> y\nc: 1\n", 2, "a merge has left both sides"),
        ("a: *x\n", 1, "no `&x` stands before it"),
        ("a: &x [*x]\n", 1, "contains itself"),
        ("a: 1\n---\nb: 2\n", 2, "only one document"),
        ("a: !!python/object:os.system x\n", 1, "tag `!!python/object:os.system` is not allowed"),
        ("a: !!int x\n", 1, "not what its tag"),
        ("a: !env x\n", 1, "tag `!env` is not allowed"),
        ("x: &x {a: 1}\nb:\n  <<: *x\n", 3, "merge keys are not supported"),
        ("? [a]\n: b\n", 1, "a key must be a plain word"),
        (f"a: 1\nb: {'9' * 5000}\n", 2, "a whole number of 5,000 digits"),
        (f"a: 1\nb: !!int {'9' * 5000}\n", 2, "a whole number of 5,000 digits"),
        ('a: 1\nb: "x\\0y"\n', 2, "a NUL character"),
        ('a: {"x\\0y": 1}\n', 1, "a NUL character"),
        (f"a: {'[' * 100}{']' * 100}\n", 1, "levels deep"),
        (b"a: 1\nb: \xe9\n", 2, "not UTF-8"),
        ("a: 1".encode("utf-16"), 1, "UTF-16"),
        (b"a: 1\nb: \x00\n", 2, "U+0000"),
        (b"a: '" + b"x" * 1_000_001 + b"'", 1, "1,000,006 bytes"),
    ],
)
def test_each_fault_has_its_line_and_a_plain_reason(
    text: str | bytes, line: int, words: str
) -> None:
    """What cannot be read is refused by its line, in words that say what to change."""
    [(found, reason)] = reasons(text)
    assert (found, words in reason) == (line, True), reason


def test_aliases_stay_within_bounds() -> None:
    """A file whose aliases expand to billions of values is refused before they do."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    [(line, reason)] = reasons("\n".join(lines))
    assert "expands to more than" in reason
    assert line <= 6


def test_an_alias_is_its_anchors_value_at_its_own_line() -> None:
    """An alias can be used, and what it stands for is placed where it is used."""
    document = parse_yaml(b"a: &x {b: 1}\nc: *x\n")
    assert document.values == {"a": {"b": 1}, "c": {"b": 1}}
    assert document.position(("c", "b")).line == 2


def test_all_repeated_keys_are_found_and_the_first_keep_their_values() -> None:
    """Two repeated keys are two faults, and reading goes on after them."""
    document = parse_yaml(b"a: 1\nb: {c: 1, c: 2}\na: {d: 1}\ne: 5\n")
    assert [(f.position.line, f.path) for f in document.faults] == [(2, ("b", "c")), (3, ("a",))]
    assert document.values == {"a": 1, "b": {"c": 1}, "e": 5}


@pytest.mark.parametrize(
    ("path", "of_key", "position"),
    [
        (("a",), True, (2, 1)),
        (("a",), False, (3, 3)),
        (("a", "b"), True, (3, 3)),
        (("a", "b"), False, (3, 6)),
        (("a", "c", 1), False, (6, 7)),
        (("a", "missing"), False, (2, 1)),
        (("missing",), False, (2, 1)),
    ],
)
def test_positions_are_of_the_key_or_the_value(
    path: KeyPath, of_key: bool, position: tuple[int, int]
) -> None:
    """Keys and values have places; what is missing has the place of what should hold it."""
    document = parse_yaml(b"# comment\na:\n  b: 1\n  c:\n    - x\n    - y\n")
    assert document.position(path, of_key=of_key) == Position(*position)
