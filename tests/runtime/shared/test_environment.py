"""References to the environment in configuration texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.shared.environment import EnvironmentText, interpolate, resolve

ENVIRON = {"A": "one", "EMPTY": "", "B_2": "two"}
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,10}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${A}", "one"),
        ("x${A}y${B_2}z", "xoneytwoz"),
        ("${NONE:-fallback}", "fallback"),
        ("${NONE:-}", ""),
        ("${EMPTY}", ""),
        ("${EMPTY:-fallback}", "fallback"),
        ("${A:-fallback}", "one"),
        ("$${A}", "${A}"),
        ("$$${A}", "$${A}"),
        ("$A $ {A} {A}", "$A $ {A} {A}"),
        ("${NONE:-a:-b c}", "a:-b c"),
    ],
)
def test_references_become_values(text: str, expected: str) -> None:
    """Variables, defaults and escapes, alone or several in one text."""
    assert interpolate(text, ENVIRON) == (expected, [], False)


@given(st.text())
def test_an_escaped_text_is_itself(text: str) -> None:
    """Any text in which `${` is written `$${` comes out as it was meant."""
    assert interpolate(text.replace("${", "$${"), {})[0] == text


@given(st.lists(st.tuples(st.text(st.characters(exclude_characters="$")), names), max_size=5))
def test_values_stand_where_their_references_stood(parts: list[tuple[str, str]]) -> None:
    """Text around references is kept, and a value is not itself searched for references."""
    environ = {name: f"<{name}>${{A}}" for _, name in parts}
    text = "".join(f"{before}${{{name}}}" for before, name in parts)
    expected = "".join(f"{before}<{name}>${{A}}" for before, name in parts)
    assert interpolate(text, environ) == (expected, [], False)


def test_missing_variables_are_all_named_and_no_value_is() -> None:
    """Every unset variable is a fault with its path; the values of others are in none of them."""
    values = {"a": "${A} ${NO_1} ${NO_2}", "b": ["x", "${NO_3}"], "c": {"token": "${NO_4}"}}
    _, faults = resolve(values, ENVIRON)
    assert [(f.path, f.reason) for f in faults] == [
        (("a",), "the environment variable NO_1 is not set"),
        (("a",), "the environment variable NO_2 is not set"),
        (("b", 1), "the environment variable NO_3 is not set"),
        (("c", "token"), "the environment variable NO_4 is not set"),
    ]
    assert "one" not in str(faults)
    assert [":-" in f.hint for f in faults] == [True, True, True, False], "no default for secrets"


@pytest.mark.parametrize("text", ["${", "${}", "${1}", "${A", "${A-b}", "${A B}", "a ${é} b"])
def test_a_broken_reference_is_a_fault(text: str) -> None:
    """A `${` that begins no reference is refused rather than passed on."""
    _, [fault] = resolve({"a": text}, ENVIRON)
    assert "`$${`" in fault.hint


def test_only_texts_from_the_environment_are_marked() -> None:
    """What was replaced knows its variables and defaults; keys and other texts stay as they are."""
    values, faults = resolve({"${A}": "plain", "b": "p-${A}-${NONE:-dflt}", "c": 5}, ENVIRON)
    assert not faults
    assert list(values) == ["${A}", "b", "c"]
    assert not isinstance(values["${A}"], EnvironmentText)
    assert values["b"] == "p-one-dflt"
    assert values["b"].variables == {"A": "one", "NONE": "dflt"}
    assert values["b"].literals == ("dflt",)
    assert values["b"].skeleton == "p-\0-dflt"
    assert values["b"].shown == "${A} and ${NONE}"
