from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.browser_fixtures import OpenPage, WatchedPage, site_server
from tests.dashboard_fixtures import write_warehouse

from dataflow.publish.folders import SiteFolders, is_built
from dataflow.publish.parquet import publish_workflow
from dataflow.shared.project import Project
from dataflow_tools.static_site.site_build import build_site

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(shapes: Project) -> Iterator[str]:
    """The address of the built site of all shapes."""
    build_site(shapes, lambda _: None)
    with site_server(SiteFolders.of(shapes).public) as url:
        yield url


def _open(open_page: OpenPage, url: str) -> WatchedPage:
    watched = open_page()
    watched.page.goto(url)
    watched.page.wait_for_selector("#page[data-state=ready]")
    return watched


def _ask(project: Project, workflow_id: str, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(project.warehouse_file(workflow_id)), read_only=True) as connection:
        return connection.execute(query).fetchall()


def _card(watched: WatchedPage, label: str) -> float:
    card = watched.page.locator("#cards > div", has_text=label)
    return float(card.locator("dd").inner_text().replace(",", ""))


def _section(watched: WatchedPage, heading: str) -> Any:
    return watched.page.locator(
        "#charts section", has=watched.page.get_by_text(heading, exact=True)
    )


def _bars(watched: WatchedPage, heading: str) -> tuple[list[str], list[float]]:
    """The labels of a ranking from above, and the bars' lengths as parts of the longest."""
    section = _section(watched, heading)
    section.locator("[aria-label=bar] rect").first.wait_for()
    labels = section.locator("[aria-label='y-axis tick label'] text").all_text_contents()
    bars = section.locator("[aria-label=bar] rect").evaluate_all(
        "(bars) => bars.map((bar) => [bar.y.baseVal.value, bar.width.baseVal.value])"
    )
    widths = [width for _, width in sorted(bars)]
    return labels, [width / max(widths) for width in widths]


def test_the_list_says_of_each_workflow_what_is_published(
    address: str, open_page: OpenPage
) -> None:
    """Each workflow has a line with title, description, rows and time, run or not."""
    watched = _open(open_page, address)

    lines = watched.page.locator("tr[data-workflow]").all_inner_texts()
    assert [line.split("\t")[:3] for line in lines] == [
        ["Cities", "", "240"],
        ["Later", "", "\N{EN DASH}"],
        ["Ledger", "", "64"],
        ["Rates", "", "100"],
        ["Sales of the shop", "What was sold.", "1,500"],
        ["Stations", "", "300"],
        ["Survey", "", "400"],
        ["Visits", "", "900"],
    ]
    assert "UTC" in lines[0]
    assert "not yet" in lines[1]
    watched.page.get_by_text("Sales of the shop").click()
    watched.page.wait_for_selector("#page[data-state=ready] #cards")


def test_sales_over_time_are_those_of_the_warehouse(
    address: str, shapes: Project, open_page: OpenPage
) -> None:
    """Cards, whole weeks and ranked groups equal DuckDB's answers, and menus narrow all of them."""
    watched = _open(open_page, f"{address}/sales/")

    rows, amount, price = _ask(
        shapes, "sales", "SELECT count(*), sum(amount), avg(price) FROM marts.sales"
    )[0]
    assert _card(watched, "Rows") == rows
    assert _card(watched, "Total amount") == pytest.approx(amount, abs=0.01)
    assert _card(watched, "Average price") == pytest.approx(price, abs=0.01)

    # 2024-01-17 is a Wednesday and 2024-07-22, the last day, a Monday: both weeks lack days.
    weeks = _ask(
        shapes,
        "sales",
        "SELECT date_trunc('week', sold_at) AS w, sum(amount) FROM marts.sales "
        "WHERE sold_at >= '2024-01-22' AND sold_at < '2024-07-22' GROUP BY w ORDER BY w",
    )
    line = _section(watched, "Total amount by week, whole weeks only").locator(
        "[aria-label=line] path"
    )
    # One point for each week, at heights that are to each other as the sums are.
    points = [
        tuple(map(float, point.split(",")))
        for point in (line.first.get_attribute("d") or "").lstrip("M").split("L")
    ]
    assert len(points) == len(weeks)
    top = min(range(len(points)), key=lambda index: points[index][1])
    assert weeks[top][1] == max(value for _, value in weeks)

    ranked = _ask(
        shapes,
        "sales",
        "SELECT shop, sum(amount) AS a FROM marts.sales GROUP BY shop ORDER BY a DESC LIMIT 15",
    )
    labels, lengths = _bars(watched, "Total amount by shop")
    assert labels == [shop for shop, _ in ranked]
    assert lengths == pytest.approx([amount / ranked[0][1] for _, amount in ranked], abs=0.01)
    assert _section(watched, "Total amount by shop").locator(".note").inner_text() == "15 of 40"

    watched.page.get_by_label("Channel", exact=True).select_option("(none)")
    expected = _ask(shapes, "sales", "SELECT count(*) FROM marts.sales WHERE channel IS NULL")[0][0]
    watched.page.wait_for_function(
        "(rows) => document.querySelector('#cards dd').textContent === rows", arg=f"{expected:,}"
    )
    ranked = _ask(
        shapes,
        "sales",
        "SELECT shop, sum(amount) AS a FROM marts.sales WHERE channel IS NULL "
        "GROUP BY shop ORDER BY a DESC LIMIT 15",
    )
    section = _section(watched, "Total amount by shop")
    section.get_by_text(ranked[0][0], exact=True).wait_for()
    watched.page.wait_for_function(
        "([name, shops]) => [...document.querySelectorAll(`[aria-label='${name}'] "
        "[aria-label='y-axis tick label'] text`)].map((text) => text.textContent).join() === shops",
        arg=["Total amount by shop", ",".join(shop for shop, _ in ranked)],
    )


def test_what_has_no_time_is_ranked_and_counted(
    address: str, shapes: Project, open_page: OpenPage
) -> None:
    """One row for each city: the largest by name, and a histogram that narrows the ranking."""
    watched = _open(open_page, f"{address}/cities/")

    ranked = _ask(
        shapes, "cities", "SELECT name FROM marts.cities ORDER BY population DESC LIMIT 15"
    )
    labels, _ = _bars(watched, "Name with the largest population")
    assert labels == [name for (name,) in ranked]
    note = _section(watched, "Name with the largest population").locator(".note")
    assert note.inner_text() == "15 of 240"
    rows = _section(watched, "All rows").locator("tbody tr")
    assert rows.count() == 100
    rows.last.scroll_into_view_if_needed()
    rows.nth(100).wait_for()

    histogram = _section(watched, "How population is distributed")
    assert histogram.locator("[aria-label=rect] rect").count() > 5

    histogram.locator("svg").first.scroll_into_view_if_needed()
    box = histogram.locator("svg").first.bounding_box()
    assert box is not None
    watched.page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] / 2)
    watched.page.mouse.down()
    watched.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] / 2, steps=4)
    watched.page.mouse.up()
    watched.page.wait_for_function(
        "() => Number(document.querySelector('#cards dd').textContent) < 240"
    )
    assert int(note.inner_text().removeprefix("15 of ")) == _card(watched, "Rows") < 240


def _numbers(watched: WatchedPage, heading: str) -> dict[str, float]:
    facts = _section(watched, heading).locator(".numbers > div").all_inner_texts()
    return {name: float(value.replace(",", "")) for name, value in (f.split("\n") for f in facts)}


def _lines(watched: WatchedPage, heading: str) -> list[list[str]]:
    rows = _section(watched, heading).locator("table.list tr").all_inner_texts()
    return [row.split("\t") for row in rows[1:]]


def _told(watched: WatchedPage, heading: str, mark: str) -> list[str]:
    """What the marks of a part say of themselves when they are pointed at."""
    marks = _section(watched, heading).locator(f"[aria-label={mark}]")
    marks.locator("title").first.wait_for(state="attached")
    return list(marks.locator("title").all_text_contents())


def test_a_survey_shows_its_answers_its_score_and_its_texts(
    address: str, shapes: Project, open_page: OpenPage
) -> None:
    """Answers in the order of their scale, NPS and most frequent texts; all narrowed by a flag."""
    watched = _open(open_page, f"{address}/survey/")

    def expected(condition: str) -> tuple[Any, ...]:
        return _ask(
            shapes,
            "survey",
            "SELECT round(100.0 * (count(*) FILTER (nps >= 9) - count(*) FILTER (nps <= 6)) "
            "/ count(nps), 2), count(*) FILTER (nps >= 9), count(*) FILTER (nps IN (7, 8)), "
            "count(*) FILTER (nps <= 6), count(nps), count(*) "
            f"FROM marts.survey WHERE {condition}",
        )[0]

    assert tuple(_numbers(watched, "Answers to nps").values()) == expected("true")
    assert _card(watched, "NPS") == expected("true")[0]
    scale = ["Dissatisfied", "Neutral", "Satisfied", "Very satisfied"]
    service = _section(watched, "Answers to service")
    assert service.locator("[aria-label='y-axis tick label'] text").all_text_contents() == scale
    assert _lines(watched, "Answers to service") == [[answer, "25", "80"] for answer in scale]
    texts = _ask(
        shapes,
        "survey",
        "SELECT comment, count(*)::VARCHAR FROM marts.survey GROUP BY 1 ORDER BY count(*) DESC, 1",
    )
    assert _lines(watched, "Most frequent comment") == [list(text) for text in texts]

    watched.page.get_by_label("Came back", exact=True).select_option("true")
    score, *_ = expected("came_back")
    watched.page.wait_for_function(
        "(score) => document.querySelector('.numbers dd').textContent === score", arg=f"{score:g}"
    )
    assert tuple(_numbers(watched, "Answers to nps").values()) == expected("came_back")


def test_events_show_where_when_and_how_they_ended(
    address: str, shapes: Project, open_page: OpenPage
) -> None:
    """Rate of success, weighted rates, hours by weekdays and places equal DuckDB's answers."""
    watched = _open(open_page, f"{address}/visits/")

    success, rate = _ask(
        shapes,
        "visits",
        "SELECT avg(CASE status WHEN 'ok' THEN 100 WHEN 'failed' THEN 0 END), "
        "100 * sum(rate * visits) / sum(visits) FROM marts.visits",
    )[0]
    assert _card(watched, "Success rate (%)") == pytest.approx(success, abs=0.01)
    assert _card(watched, "Average rate (%)") == pytest.approx(rate, abs=0.01)
    hours = _ask(
        shapes,
        "visits",
        "SELECT count(*)::VARCHAR FROM marts.visits "
        "GROUP BY hour(happened_at), isodow(happened_at)",
    )
    told = _told(watched, "Rows by hour and weekday", "cell")
    assert sorted(told) == sorted(count for (count,) in hours)
    cells = _section(watched, "Rows by hour and weekday")
    days = cells.locator("[aria-label='y-axis tick label'] text").all_text_contents()
    assert days == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    places = _ask(
        shapes,
        "visits",
        "SELECT count(*)::VARCHAR FROM marts.visits WHERE lat IS NOT NULL GROUP BY lat, lon",
    )
    dots = _told(watched, "Rows by lat and lon", "dot")
    assert sorted(dots) == sorted(count for (count,) in places)
    assert _numbers(watched, "Rows by lat and lon") == {"With a place": 882, "Without": 18}
    countries, _ = _bars(watched, "Rows by country")
    assert countries[0] == "DE"


def test_things_with_a_place_are_named_and_told_apart_by_their_values(
    address: str, shapes: Project, open_page: OpenPage
) -> None:
    """Each station is a dot with name and height; quarters and outliers are those of DuckDB."""
    watched = _open(open_page, f"{address}/stations/")

    stations = _ask(shapes, "stations", "SELECT name || ': ' || height FROM marts.stations")
    told = _told(watched, "Average height by latitude and longitude", "dot")
    assert sorted(told) == sorted(station for (station,) in stations)
    spread = _ask(
        shapes,
        "stations",
        "WITH q AS (SELECT quantile_cont(height, 0.25) AS l, quantile_cont(height, 0.75) AS u "
        "FROM marts.stations) SELECT min(height), any_value(l), median(height), avg(height), "
        "any_value(u), max(height), count(*) FILTER (height > u + 1.5 * (u - l) "
        "OR height < l - 1.5 * (u - l)), count(*) - count(height) FROM marts.stations, q",
    )[0]
    shown = _numbers(watched, "How height is distributed")
    assert list(shown.values()) == pytest.approx(spread, abs=0.01)
    assert shown["Outliers (beyond 1.5 times the middle half)"] > 0
    assert _section(watched, "How height is distributed").locator("svg").count() == 2


def test_revenue_and_cost_are_never_added_up(address: str, open_page: OpenPage) -> None:
    """Kinds that are against each other have a line each and no total, along named quarters."""
    watched = _open(open_page, f"{address}/ledger/")

    assert watched.page.locator("#cards dt").all_inner_texts() == ["Rows"]
    lines = _section(watched, "Total amount by quarter, whole quarters only")
    drawn = lines.locator("[aria-label=line] path")
    assert [(path.get_attribute("d") or "").count("L") for path in drawn.all()] == [31, 31]


def test_new_data_shows_on_reload_without_a_build(
    address: str, shapes: Project, open_page: OpenPage
) -> None:
    """A run publishes; the page that was built before shows its rows after a reload."""
    watched = _open(open_page, f"{address}/rates/")
    assert _card(watched, "Rows") == 100

    write_warehouse(
        shapes, "rates", "INSERT INTO marts.rates VALUES (DATE '2023-05-01', 150.0), (NULL, 1.0)"
    )
    publish_workflow(shapes, "rates")
    watched.page.reload()
    watched.page.wait_for_selector("#page[data-state=ready]")

    assert _card(watched, "Rows") == 102
    # What comes by the month is whole, the newest month too; a row without a month is in none.
    line = _section(watched, "Average rate by month, whole months only").locator(
        "[aria-label=line] path"
    )
    assert (line.first.get_attribute("d") or "").count("L") == 100


def test_a_workflow_that_has_not_run_says_so_until_it_is_built(
    address: str, shapes: Project, open_page: OpenPage
) -> None:
    """Its page exists, and only the others count as built."""
    watched = _open(open_page, f"{address}/later/")

    assert "the workflow has not run" in watched.page.inner_text("#page")
    assert is_built(shapes, "cities")
    assert not is_built(shapes, "later")


def test_another_column_than_the_page_was_built_for_says_what_to_do(
    shapes: Project, address: str, open_page: OpenPage
) -> None:
    """A column that went away since the build is named, with the command that builds anew."""
    write_warehouse(shapes, "cities", "ALTER TABLE marts.cities DROP COLUMN region")
    publish_workflow(shapes, "cities")

    watched = open_page()
    watched.page.goto(f"{address}/cities/")
    watched.page.wait_for_selector("#page[data-state=failed]")

    said = watched.page.inner_text("#page .fault")
    assert "region" in said
    assert "dataflow evidence build" in said
    watched.faults.clear()


def test_building_starts_no_other_program(
    project: Project, add_workflow: Callable[..., Path], shared_code: Callable[[Path], None]
) -> None:
    """No Node, and no other process: a hook sees each that Python starts."""
    shared_code(project.root)
    add_workflow("sales", sources={"t": "SELECT 1 AS a"}, warehouse="CREATE SCHEMA marts")
    started: list[object] = []
    is_on = True

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if is_on and event in ("subprocess.Popen", "os.system", "os.posix_spawn", "os.fork"):
            started.append(arguments)

    # An audit hook stays until the process ends.
    sys.addaudithook(note)
    try:
        done = build_site(project, lambda _: None)
    finally:
        is_on = False
    assert started == []
    assert done.pages == {"sales": ["/sales/"]}
    assert (done.folder / "sales" / "index.html").is_file()
