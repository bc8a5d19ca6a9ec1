"""What a campaign writes into repositories: the commit's message and the pull request's text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dataflow_tools.campaign.ledger import Entry
    from dataflow_tools.campaign.settings import Settings

_MOST = 40


def title(settings: Settings) -> str:
    """The first line of both."""
    return f"Update to template {settings.version}"


def commit_message(settings: Settings, updated: Sequence[str], left_out: Mapping[str, str]) -> str:
    """What the commit says; the same for the same update."""
    lines = [title(settings), "", *_listing("Updated", updated)]
    if left_out:
        lines += ["", "Left as they are:"]
        lines += [f"- {name}: {why}" for name, why in left_out.items()]
    return "\n".join([*lines, "", "Made by `dataflow campaign`."]) + "\n"


def proposal_body(settings: Settings, entry: Entry) -> str:
    """What the pull request says."""
    lines = [
        f"This brings what was made from the template to **{settings.version}**.",
        "What people wrote here is merged with what the template changed.",
        "",
        *_listing("Updated", entry.updated),
    ]
    if entry.left_out:
        lines += [
            "",
            "**Not updated**, and as they were before:",
            *(f"- `{name}`: {why}" for name, why in entry.left_out.items()),
            "",
            "Update these by hand: `dataflow workflow update NAME`.",
        ]
    if entry.notes:
        lines += ["", "To know:", *(f"- {note}" for note in entry.notes)]
    lines += ["", "Commits that you add to this branch are left alone."]
    return "\n".join(lines) + "\n"


def _listing(word: str, names: Sequence[str]) -> Iterator[str]:
    yield f"{word}: {', '.join(names[:_MOST])}" + (
        f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    )
