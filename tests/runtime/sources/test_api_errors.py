"""An answer with status 200 that says that it failed is never a row, on whatever page."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runtime.sources.api_fixtures import ids, js, read_api, records, rows
from tests.source_fixtures import Answer

from dataflow.sources.api.error_answers import find_error
from dataflow.sources.errors import SourceDataError, SourceError

ERRORS: list[Any] = [
    {"status": "error", "message": "limit reached"},
    {"status": "error"},
    {"status": "error", "retry_in": 30},
    {"status": "ERROR", "id": "req-1", "message": "boom"},
    {"status": "fail", "data": {"title": "is missing"}},
    {"status": "failed", "data": []},
    {"status": "error", "data": [{"id": 1}]},
    {"status": 404, "title": "Not found", "detail": "no such thing"},
    {"code": 500, "message": "internal"},
    {"statusCode": 429, "message": "slow down"},
    {"error": "no"},
    {"error": True, "message": "no"},
    {"error": {"code": 3, "message": "no"}},
    {"error": {"code": 3}, "data": []},
    {"errors": [{"message": "no"}]},
    {"errors": ["no"], "data": [{"id": 1}]},
    {"errors": {"name": "is missing"}},
    {"errorMessages": ["no"], "errors": {}},
    {"data": None, "errors": [{"message": "no"}]},
    {"jsonrpc": "2.0", "result": None, "error": {"code": -1, "message": "no"}},
    {"data": None},
    {"results": None, "status": "ok"},
    {"data": None, "total": 3},
    {"data": {}},
    {"data": False},
    {},
    {"success": False},
    {"success": "false"},
    {"success": 0, "data": []},
    {"success": "0", "data": []},
    {"isError": True, "data": []},
    {"failed": True, "data": []},
    {"status": False, "message": "no", "data": []},
    {"stat": "fail", "data": []},
    {"cod": "404", "data": []},
    {"retcode": -1, "data": []},
    {"status": "REQUEST_DENIED", "results": []},
    {"status": "OVER_QUERY_LIMIT", "results": []},
    {"ok": False, "error": "invalid_auth"},
    {"meta": {"success": False}, "data": []},
    {"status": {"error_code": 1002, "error_message": "no key"}, "data": []},
    {"response": {"status": "error"}},
    {"errcode": 40001, "errmsg": "no"},
    {"code": 1, "msg": "invalid key", "data": []},
    {"code": "1001", "message": "Signature wrong", "data": {"list": []}},
    {"Error Message": "no"},
    {"Note": "five calls a minute"},
    {"message": "API rate limit exceeded", "documentation_url": "https://x"},
    {"detail": "Not found."},
    {"fault": {"faultstring": "no"}},
    None,
]
FINE: list[Any] = [
    {"error": None, "data": records(1)},
    {"error": "", "data": records(1)},
    {"error": {}, "data": records(1)},
    {"error": False, "data": records(1)},
    {"error": {"code": 0, "message": None}, "data": records(1)},
    {"errors": [], "data": records(1)},
    {"errors": 0, "data": records(1)},
    {"status": "ok", "data": records(1)},
    {"status": "success", "message": "done", "data": records(1)},
    {"status": 200, "data": records(1)},
    {"code": 0, "msg": "", "data": records(1)},
    {"errcode": 0, "errmsg": "ok", "data": records(1)},
    {"status": {"error_code": 0, "error_message": None}, "data": records(1)},
    {"success": True, "data": records(1)},
    {"success": 1, "failed": 0, "isError": False, "data": records(1)},
    {"status": True, "retcode": 0, "data": records(1)},
    {"state": "expired", "data": records(1)},
    {"data": [{"id": 1, "status": "error", "error": "disk full", "success": False}]},
    [{"id": 1, "status": "error", "error": "disk full", "success": False}],
    {"id": 1, "status": "failed", "amount": 3},
    {"id": 1, "success": False, "score": 0},
    {"id": 1, "data": None},
]
NONE = {"type": "none"}


@pytest.mark.parametrize("document", ERRORS, ids=str)
def test_an_error_is_no_row(server: Any, document: Any) -> None:
    """It stops the run, and says what the API said."""
    url = server.answer("/x", js(document))
    with pytest.raises(SourceDataError, match="Page 1 of .*/x is an error with status 200"):
        read_api(url, paging=NONE)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"error": {"code": "E7", "message": "no rows"}}, "'error' is 'no rows'"),
        ({"errors": [{"code": "E7", "detail": "no rows"}]}, "'errors' is 'no rows'"),
        ({"error": {"a": 1, "b": ["x"]}}, "'error' is 'x'"),
    ],
    ids=str,
)
def test_of_an_error_its_message_is_said(document: Any, said: str) -> None:
    """Before codes and whatever else is in it."""
    assert (find_error(document, None, None) or "").startswith(said)


@pytest.mark.slow
@pytest.mark.parametrize("document", ERRORS, ids=str)
def test_an_error_on_the_second_page_fails_the_run(server: Any, document: Any) -> None:
    """Half of the pages are no table."""
    url = server.answer("/x", js({"data": records(1, 2)}), js(document))
    with pytest.raises(SourceError, match="Page 2 of .*/x is an error|An answer of"):
        read_api(url, data_path="data", paging={"type": "page_number"})


@pytest.mark.parametrize("document", FINE, ids=str)
def test_rows_stay_rows(server: Any, document: Any) -> None:
    """Columns may be called `status` and `error`, and good answers may have a place for errors."""
    assert ids(read_api(server.answer("/x", js(document)), paging=NONE)) == [1]


def test_no_rows_that_are_counted_are_no_error(server: Any) -> None:
    """Some write null for an empty list, and count it."""
    empties: list[Any] = [None, {}]
    for nothing in empties:
        url = server.answer("/x", js({"items": nothing, "total": 0}))
        assert rows(read_api(url, paging=NONE, data_path="items")) == []


@pytest.mark.parametrize(
    ("document", "path", "fails"),
    [
        ({"data": records(1), "problem": "no"}, "problem", True),
        ({"data": records(1), "problem": None}, "problem", False),
        ({"data": records(1), "meta": {"result": {"ok": False}}}, "meta.result.ok", True),
        ({"data": records(1), "meta": {"result": {"ok": True}}}, "meta.result.ok", False),
        # The rule of config.yaml takes the place of what is known otherwise.
        ({"data": records(1), "error": "only a warning"}, "problem", False),
        ({"data": records(1), "status": "error"}, "status", True),
        ({"data": records(1), "code": 1}, "code", True),
        ({"data": records(1), "code": 0}, "code", False),
        ({"data": records(1), "code": "200"}, "code", False),
    ],
)
def test_a_rule_can_be_said(server: Any, document: Any, path: str, fails: bool) -> None:
    """`error_path` names where an answer says that it failed."""
    url = server.answer("/x", js(document))
    if not fails:
        assert ids(read_api(url, error_path=path, paging=NONE, data_path="data")) == [1]
        return
    with pytest.raises(SourceDataError, match="is an error"):
        read_api(url, error_path=path, paging=NONE, data_path="data")


@pytest.mark.parametrize("said", [{}, {"msg": "success"}, {"message": "no records found"}])
def test_a_code_without_rows_is_told(server: Any, said: dict[str, str]) -> None:
    """1 is a failure in one API and a success in the next; a rule settles it."""
    url = server.answer("/x", js({"code": 1, "data": [], **said}))
    result = read_api(url, paging=NONE)
    assert rows(result) == []
    assert any("error_path: code" in note for note in result["metadata"]["notes"])
    with pytest.raises(SourceDataError, match="is an error"):
        read_api(url, paging=NONE, error_path="code")
    ruled = read_api(url, paging=NONE, error_path="problem")
    assert "notes" not in ruled["metadata"]


def test_a_code_beside_rows_is_none_beside_no_more_rows(server: Any) -> None:
    """What stood beside the rows of page one says nothing against an empty last page."""
    pages = [js({"code": 1, "data": records(1)}), js({"code": 1, "data": []})]
    result = read_api(server.answer("/x", *pages), paging={"type": "page_number"})
    assert ids(result) == [1]
    assert "notes" not in result["metadata"]


def test_a_key_that_comes_twice_is_refused(server: Any) -> None:
    """Which of two values is meant cannot be told; twice the same is no question."""
    url = server.answer("/x", Answer('[{"id": 1, "v": 5, "v": 6}]'))
    with pytest.raises(SourceDataError, match="key 'v' twice"):
        read_api(url, paging=NONE)
    url = server.answer("/y", Answer('[{"id": 1, "v": 5, "v": 5}]'))
    assert rows(read_api(url, paging=NONE)) == [{"id": 1, "v": 5}]


def test_half_a_character_is_refused(server: Any) -> None:
    """It is not replaced by a question mark; a whole one of two escapes is what it is."""
    whole, half = r'{"id": 1, "t": "a\ud83d\ude00"}', r'{"id": 2, "t": "b\ud83d"}'
    url = server.answer("/x", Answer(f"[{whole}]"))
    assert rows(read_api(url, paging=NONE))[0]["t"] == "a\N{GRINNING FACE}"
    url = server.answer("/y", Answer(f"[{whole}, {half}]"))
    with pytest.raises(SourceDataError, match="Record 2 has half a character in 't'"):
        read_api(url, paging=NONE)


def test_a_list_of_errors_that_is_the_data_stays_rows(server: Any) -> None:
    """`data_path` says that the errors are what is asked for."""
    url = server.answer("/x", js({"errors": records(1)}))
    assert ids(read_api(url, data_path="errors", paging=NONE)) == [1]


def test_a_token_that_an_error_repeats_is_not_shown(server: Any) -> None:
    """What the API says is quoted without secrets, and cut."""
    url = server.answer("/x", js({"error": f"bad token s3cret-token-1 {'x' * 500}"}))
    with pytest.raises(SourceDataError) as caught:
        read_api(url, auth_type="bearer_token", token="s3cret-token-1")  # noqa: S106
    assert "s3cret" not in str(caught.value)
    assert "x" * 80 not in str(caught.value)


def test_lines_that_end_in_an_error_are_refused(server: Any, say: Any) -> None:
    """A stream that breaks off says so in its last line."""
    body = '{"id": 1}\n{"id": 2}\n{"error": "timeout while reading"}\n'
    url = server.answer("/x", say(body, headers={"Content-Type": "application/x-ndjson"}))
    with pytest.raises(SourceDataError, match="breaks off with an error in line 3"):
        read_api(url, paging=NONE)


_SCALAR = st.none() | st.booleans() | st.integers() | st.text(max_size=8)


@pytest.mark.slow
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["id", "status", "error", "errors", "success", "message", "data"]),
            _SCALAR,
            min_size=1,
        ),
        max_size=5,
    ),
    st.sampled_from(["ok", "success", None]),
)
def test_what_is_in_a_list_is_never_an_error(found: list[dict[str, Any]], status: Any) -> None:
    """Whatever the columns are called and hold."""
    assert find_error(found, None, None) is None
    assert find_error({"status": status, "rows": found}, None, "rows") is None


@pytest.mark.slow
@given(st.dictionaries(st.text(max_size=6), st.recursive(_SCALAR, st.lists, max_leaves=4)))
def test_any_object_with_an_error_is_one(document: dict[str, Any]) -> None:
    """Whatever stands beside it."""
    assert find_error({**document, "error": "no"}, None, None)
    assert find_error({**document, "errors": [{"message": "no"}]}, None, None)
