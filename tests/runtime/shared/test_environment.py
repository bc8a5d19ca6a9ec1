"""References to the environment in configuration texts."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "postgresql://${U}:${P}@host/db",
            "postgresql://a%40b:p%40s%3As%2F%23%25%3F%26%20%C3%BC@host/db",
        ),
        (
            "postgresql://u:${P}@${H}:1/db",
            "postgresql://u:p%40s%3As%2F%23%25%3F%26%20%C3%BC@h/x:1/db",
        ),
        ("x+y://${L}@host", "x+y://u:p%40w@host"),
        ("https://u:${Q}@host", "https://u:p%40ss@host"),
        ("https://u:${NONE:-a/b}@host", "https://u:a%2Fb@host"),
        ("https://host/${H}/a@b", "https://host/h/x/a@b"),
        ("${A}://${H}", "one://h/x"),
        ("${P}", "p@s:s/#%?& ü"),
        ("mail me: ${U}", "mail me: a@b"),
    ],
)
def test_a_login_in_an_address_may_hold_any_character(text: str, expected: str) -> None:
    """It is quoted for whoever takes the address apart, unless it is quoted already."""
    environ = {"U": "a@b", "P": "p@s:s/#%?& ü", "H": "h/x", "L": "u:p@w", "Q": "p%40ss", **ENVIRON}
    assert interpolate(text, environ)[0] == expected


@given(st.text(), st.text())
def test_any_login_comes_out_of_an_address_as_it_went_in(user: str, password: str) -> None:
    """As SQLAlchemy and requests read it."""
    text, _, _ = interpolate("http://${U}:${P}@host/", {"U": user, "P": password})
    if "%" in user + password:
        return
    parts = urlsplit(text)
    assert (unquote(parts.username or ""), unquote(parts.password or "")) == (user, password)
    assert parts.hostname == "host"
