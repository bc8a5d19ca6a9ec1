"""A campaign as one page that needs nothing else: no script, no font, no address."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from dataflow_tools.campaign.ledger import State
from dataflow_tools.campaign.report import COLOURS, WORDS, CampaignReport, summary_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow_tools.campaign.ledger import Entry

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem;
       color: #1a1a1a; background: #fff; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem;
         border-bottom: 1px solid #ddd; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
.green { color: #146c2e; } .red { color: #b3261e; } .yellow { color: #7a5200; }
pre { margin: .3rem 0 0; white-space: pre-wrap; font-size: .85rem; color: #444; }
@media (prefers-color-scheme: dark) {
  body { color: #eee; background: #16181c; } th, td { border-color: #333; } pre { color: #bbb; }
  .green { color: #7fd493; } .red { color: #ff9a90; } .yellow { color: #f0c060; } a { color: #9cf; }
}
"""


def report_page(report: CampaignReport) -> str:
    """The report as HTML. What repositories say is text there, whatever it looks like."""
    title = f"Campaign: template {escape(report.settings.version)}"
    summary = "\n".join(f"<p>{escape(line)}</p>" for line in summary_lines(report))
    rows = "\n".join(_rows(report))
    head = "".join(
        f'<th scope="col">{name}</th>'
        for name in ("Repository", "Ring", "State", "Workflows", "What to know")
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{title}</h1>\n{summary}\n<table>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody>\n</table>\n</main>\n</body>\n</html>\n"
    )


def _rows(report: CampaignReport) -> Iterator[str]:
    for repository in report.settings.repositories:
        entry = report.entries[repository.name]
        ring = report.ring_of(repository.name)
        name = f"{escape(repository.name)}<pre>{escape(repository.shown)}</pre>"
        cells = [f"<td>{name}</td>", f'<td class="number">{ring or ""}</td>']
        cells.append(f'<td class="{COLOURS[entry.state]}">{WORDS[entry.state]}{_link(entry)}</td>')
        cells.append(f"<td>{escape(', '.join(entry.updated))}</td>")
        cells.append(f"<td>{_details(entry)}</td>")
        yield f"<tr>{''.join(cells)}</tr>"


def _link(entry: Entry) -> str:
    if not entry.url.startswith(("https://", "http://")):
        return ""
    return f'<br><a href="{escape(entry.url, quote=True)}">{escape(entry.url)}</a>'


def _details(entry: Entry) -> str:
    lines = [entry.reason] if entry.reason else []
    if entry.state is not State.CONFLICT:
        lines += [f"{name} is left out: {why}" for name, why in entry.left_out.items()]
    lines += [entry.instruction] if entry.instruction else []
    lines += entry.notes
    return f"<pre>{escape(chr(10).join(lines))}</pre>" if lines else ""
