"""Answers that a new version does not take, and questions that come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.tools.fleet.material import ANSWERS, EMPTY

from dataflow.shared.errors import BadInputError

if TYPE_CHECKING:
    from tests.tools.fleet.conftest import Lab


CHOICES = EMPTY + "source: {type: str, choices: [%s], default: file}\n"


@pytest.mark.slow
def test_a_removed_choice_is_reported_and_not_replaced(lab: Lab) -> None:
    """An answer that is not valid any more stops that workflow, and a new one can be given."""
    lab.release("1.0.0", {"a.py.jinja": "{{ source }}\n"}, config=CHOICES % "file, ftp")
    lab.render("one", source="ftp")
    lab.render("two")
    lab.release("1.1.0", {"b.py": "b\n"}, config=CHOICES % "file, api")

    report = lab.update()

    assert (lab.status_of(report), lab.status_of(report, "two")) == ("failed", "updated")
    reason = "Answer no longer valid: source = 'ftp'; it accepts file, api."
    assert report.outcomes[0].reason == reason
    assert "workflows/one" not in lab.status()
    lab.commit()
    assert lab.update("one", given={"source": "api"}).exit_code == 0
    assert lab.read("one", "a.py") == "api\n"
    assert "source: api" in lab.read("one", ANSWERS)


def test_new_and_dropped_questions_are_reported(lab: Lab) -> None:
    """The report says how a new question was answered and which answer is gone."""
    lab.release("1.0.0", {"a.py": "a\n"}, config=EMPTY + "old: {type: str, default: o}\n")
    lab.render("one")
    lab.release("1.1.0", {}, config=EMPTY + "new: {type: int, default: 5}\n")

    report = lab.update("one")

    assert report.outcomes[0].notes == [
        "new question new: answered with 5",
        "question old is gone: the answer 'o' was dropped",
    ]
    assert "new: 5" in lab.read("one", ANSWERS)


def test_a_new_question_without_a_default_has_to_be_answered(lab: Lab) -> None:
    """A question that nobody has answered stops the update, until an answer is given."""
    lab.release("1.0.0", {"a.py": "a\n"})
    lab.render("one")
    lab.release("1.1.0", {}, config=EMPTY + "owner: {type: str}\n")

    report = lab.update("one")

    assert lab.status_of(report) == "failed"
    assert '"owner" is required' in str(report.outcomes[0].reason)
    assert lab.update("one", given={"owner": "me"}).exit_code == 0


@pytest.mark.slow
def test_answers_that_the_template_does_not_take_refuse_the_run(lab: Lab) -> None:
    """A misspelt name or a wrong value is refused before anything is written, as by `new`."""
    more = "size: {type: str, choices: [small, large], default: small}\n"
    hidden = "extra: {type: str, default: x, when: \"{{ size == 'large' }}\"}\n"
    lab.release("1.0.0", {"a.jinja": "{{ size }}\n"}, config=lab.config + more + hidden)
    lab.render("one")
    for given in ({"sise": "large"}, {"size": "larg"}, {"runtime_version": "9"}):
        with pytest.raises(BadInputError):
            lab.update(given=given)
    report = lab.update("one", given={"extra": "y"})
    told = "extra is not asked for with its other answers, and was left out"
    assert report.outcomes[0].notes == [told]
    assert lab.update("one", given={"size": "large"}).exit_code == 0
    assert lab.read("one", "a") == "large\n"


def test_answers_that_are_not_valid_any_more_are_named_with_what_is(lab: Lab) -> None:
    """All of them, each with the option that answers it anew; nothing is written."""
    lab.release(
        "1.0.0", {"a.py": "a\n"}, config=CHOICES % "file, ftp" + "n: {type: str, default: x}\n"
    )
    text = f"_commit: 1.0.0\n_src_path: {lab.template}\nkind: workflow\nn: x\nsource: ftp\n"
    lab.edit("one", {ANSWERS: text, "a.py": "a\n"})
    lab.release(
        "1.1.0", {"b.py": "b\n"}, config=CHOICES % "api, file" + "n: {type: str, default: y}\n"
    )

    [outcome] = lab.update("one").outcomes

    assert outcome.status.value == "failed"
    assert outcome.reason == "Answer no longer valid: source = 'ftp'; it accepts api, file."
    assert (outcome.instruction or "").endswith(" --data source=api")
    assert not lab.exists("one", "b.py")
    assert lab.update("one", given={"source": "api"}).exit_code == 0
    assert "n: x\nsource: api" in lab.read("one", ANSWERS)
