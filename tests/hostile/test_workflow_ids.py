"""One rule for workflow ids, in the library and in the template, however odd the name."""

from __future__ import annotations

import keyword
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.hostile.template_parts import refusal

from dataflow.shared.errors import BadInputError
from dataflow.workflows.identifiers import RESERVED_IDS, check_workflow_id

pytestmark = pytest.mark.slow

plain = st.from_regex(r"[a-z][a-z0-9_]{0,45}", fullmatch=True)
reserved = st.sampled_from(sorted({*RESERVED_IDS, *keyword.kwlist, *keyword.softkwlist}))
tricks = st.sampled_from(
    [
        *("..", "../a", "a/b", "a\\b", "/etc/passwd", "~a", "$HOME", "${A}", "%2e%2e", "nul.txt"),
        *("a\0", "a\n", "\na", "a\r", "a\u2028", "a\u200b", "a\u0301", " a", "a ", "", "CON"),
        *(
            "a.b",
            "{{ a }}",
            "{% raw %}",
            "a;b",
            "a'b",
            'a"b',
            "-a",
            "a-b",
            "1a",
            "_a",
            "a_",
            "a__b",
        ),
        *("__init__", "__pycache__"),
    ]
)
# Letters that look like Latin ones, or become such when somebody normalises them: Cyrillic,
# full-width, ligatures, superscripts, dotless, long s, Kelvin, mathematical, digits of others.
ALIKE = [
    *map(chr, (0x430, 0x435, 0x43E, 0x440, 0x441, 0x456, 0xFF41, 0xFF5A, 0xFF10, 0xFF3F, 0xFB01)),
    *map(chr, (0xAA, 0xBA, 0xB2, 0x2113, 0x131, 0x17F, 0x212A, 0x1D41A, 0x1D7CE, 0x7C0, 0x660)),
    *map(chr, (0xE9, 0xDF, 0xAD, 0x200D, 0x202E, 0xFEFF)),
]
alike = st.builds(
    lambda text, letter, at: text[:at] + letter + text[at:],
    plain,
    st.sampled_from(ALIKE),
    st.integers(0, 10),
)
cased = st.builds(lambda text, at: text[:at] + text[at:].swapcase(), plain, st.integers(0, 10))
framed = st.builds("".join, st.tuples(tricks, plain | reserved, tricks))


def taken_by_the_library(workflow_id: str) -> bool:
    try:
        return check_workflow_id(workflow_id) == workflow_id
    except BadInputError:
        return False


@settings(max_examples=2000)
@given(plain | reserved | tricks | alike | cased | framed | st.text(max_size=50))
@example("x" * 40)
@example("x" * 41)
@example("type\n")
def test_the_template_takes_what_the_library_takes(workflow_id: str) -> None:
    """Keywords, hyphens, capitals, look-alikes, path tricks, line ends: the two always agree."""
    said = refusal("workflow_id", {"workflow_id": workflow_id})
    taken = taken_by_the_library(workflow_id)
    assert taken == (not said), said
    if taken:
        assert workflow_id == unicodedata.normalize("NFKC", workflow_id)
        assert Path("workflows", workflow_id).name == workflow_id
    else:
        assert "\n" not in said


@pytest.mark.parametrize("workflow_id", sorted(RESERVED_IDS))
def test_the_template_knows_every_reserved_word(workflow_id: str) -> None:
    """A word that the library learns to refuse has to be in the template as well."""
    assert refusal("workflow_id", {"workflow_id": workflow_id})


@pytest.mark.parametrize(
    ("question", "right"),
    [
        *(("table", "sales"), ("project_name", "my-shop"), ("timezone", "Europe/Berlin")),
        *(("workflow_id", "sales"), ("title", "Sales"), ("source_url", "a.csv")),
    ],
)
@pytest.mark.parametrize("wrong", ["\n", "\nevil: 1", "\0", "\x85", "\u2028", "\ud800", "\x7f"])
def test_a_line_end_or_control_character_passes_no_validator(
    question: str, right: str, wrong: str
) -> None:
    """Nothing that could begin another line of a rendered file is an answer."""
    assert not refusal(question, {question: right})
    if question == "title" and wrong == "\n":
        # It is cut off where the title is written.
        return
    assert refusal(question, {question: right + wrong})
