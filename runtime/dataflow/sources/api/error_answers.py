"""Answers with status 200 that say that the request failed: never rows, on whatever page.

Only the answer itself and its envelope (``meta``, ``response``) are looked at, never a record in a
list: a column may be called ``status`` or ``error``. An answer that is one record itself, which
its ``id`` tells, may have a status of its own too. Where this is wrong, ``error_path`` is the rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dataflow.shared.shown import quoted
from dataflow.sources.api.envelope import plain, words
from dataflow.sources.api.page_detection import find_total
from dataflow.sources.records import MISSING, value_at

# Keys as they are compared: small letters and digits only.
_ERROR = words(
    "error errors err errormessage errormessages errormsg errmsg errorcode errcode "
    "errordescription errordetails exception fault faultstring faultcode"
)
_STATUS = words(
    "status state stat result statuscode code cod resultcode responsecode retcode returncode"
)
# Those whose truth is a failure.
_FAILURE = words(
    "iserror haserror haserrors isfailed hasfailed failed failure isfailure hasexception"
)
_SUCCESS = words("success succeeded successful ok issuccess issuccessful")
_SIGNS = _ERROR | _STATUS | _SUCCESS | _FAILURE
_MESSAGE = words("message messages msg reason detail details note information")
# What else an envelope has that holds no records.
_ENVELOPE = words(
    "data results items records rows value type instance path timestamp time requestid traceid "
    "correlationid version apiversion meta info statustext statusmessage title description hint "
    "help documentationurl total totalcount totalresults totalitems count page pages totalpages "
    "perpage pagesize limit offset skip next previous hasmore hasnext nextcursor cursor paging "
    "pagination links object"
)
_IDENTITY = words("id uuid guid key slug name")
_ENVELOPES = ("meta", "response", "status", "header", "head", "responseStatus", "response_status")
_ROWS = ("data", "results", "result", "items", "records", "rows", "value", "values")
_FAILED = words("error errors fail failed failure fault nok notok ko exception")
# What else a status says of a failure, where there are no rows.
_REFUSED = words(
    "denied forbidden unauthorized unauthorised unauthenticated invalid rejected refused expired "
    "exceeded limit limited throttled unavailable timeout aborted maintenance"
)
_FINE = words("ok success successful succeeded ready done complete completed none 0 200")
_NO = words("false 0 no")
_NO_ROWS = re.compile(r"\b(no|none|not found|empty|nothing|ok|success\w*)\b")
_LOWEST_STATUS = 100
_LOWEST_ERROR_STATUS = 400
_HIGHEST_STATUS = 599


def find_error(document: Any, error_path: str | None, data_path: str | None) -> str | None:
    """What an answer says of its own failure; None if it says nothing of the kind.

    Args:
        document: The JSON of the answer.
        error_path: The rule of config.yaml, which takes the place of all that is known here.
        data_path: Where the records are: nothing there is a sign of failure, but null is.
    """
    if error_path is not None:
        value, key = value_at(document, error_path), error_path.rpartition(".")[2]
        if value is MISSING or not (_tells_failure(key, value) or _is_code_of_failure(key, value)):
            return None
        return _told(error_path, value)
    if document is None or document == {}:
        return "nothing, where the rows should be"
    if not isinstance(document, dict):
        return None
    own = data_path.partition(".")[0] if data_path else None
    told = _sign_in(document, own)
    for key in _ENVELOPES:
        inner = document.get(key)
        if told is None and key != own and isinstance(inner, dict):
            told = _sign_in(inner, None, envelope=True)
    told = told or _null_rows(document, data_path) or _message_only(document, own)
    told = told or _refused_status(document)
    if told is None and (code := code_without_rows(document, data_path)):
        names = {plain(key): key for key in document}
        said = [document[key] for word, key in names.items() if word in _MESSAGE]
        told = _told(code, document[code], said[0]) if any(map(_complains, said)) else None
    return told


def code_without_rows(document: Any, data_path: str | None) -> str | None:
    """The key of a code such as 1 in an answer without rows; None if there is none.

    In some APIs it is a failure, and in others the sign that all is well.
    """
    if not isinstance(document, dict):
        return None
    own = data_path.partition(".")[0] if data_path else None
    names = {plain(key): key for key in document if key != own}
    lists = [found for value in document.values() for found in _lists(value)]
    if names.keys() & _IDENTITY or not lists or any(lists):
        return None
    return next(
        (
            key
            for word, key in names.items()
            if word in _STATUS and word.endswith("code") and _is_code_of_failure(key, document[key])
        ),
        None,
    )


def _lists(value: Any) -> Iterator[list[Any]]:
    """The lists in a value, without those in lists."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _lists(inner)
    elif isinstance(value, list):
        yield value


def _is_code_of_failure(key: str, value: Any) -> bool:
    """Whether a number is neither 0 nor a status of HTTP's that says that all is well."""
    if plain(key) not in _STATUS or isinstance(value, bool) or not isinstance(value, int | str):
        return False
    text = str(value).strip()
    return bool(re.fullmatch(r"-?\d{1,9}", text)) and not (
        int(text) == 0 or _LOWEST_STATUS <= int(text) < _LOWEST_ERROR_STATUS
    )


def _complains(said: Any) -> bool:
    """Whether a message says something other than that all is well, or that there are no rows."""
    text = next(_texts(said), "").strip().lower()
    return plain(text) not in ("", *_FINE) and not _NO_ROWS.search(text)


def is_error_line(record: Mapping[str, Any], first: Mapping[str, Any]) -> bool:
    """Whether a line of JSON Lines is an error that ends them, and no record like the first."""
    names = {plain(key) for key in record}
    strange = record.keys() != first.keys() and not names & _IDENTITY
    return bool(strange and names & _ERROR and _sign_in(record, None))


def _sign_in(document: Mapping[str, Any], own: str | None, *, envelope: bool = False) -> str | None:
    """The first key that tells of a failure."""
    names = {plain(key): key for key in document}
    speaks = bool((names.keys() & (_MESSAGE | _ERROR)) - {"note", "information"})
    is_record = not envelope and bool(names.keys() & _IDENTITY)
    for word, key in names.items():
        value = document[key]
        if word not in _SIGNS or key == own or not _tells_failure(key, value):
            continue
        if word in _ERROR:
            return _told(key, value)
        grave = isinstance(value, str) and value.strip().lower() == "error"
        if is_record and not (speaks and (grave or word in _SUCCESS)):
            continue
        said = next((document[names[name]] for name in names if name in _MESSAGE), None)
        return _told(key, value, said)
    return None


def _tells_failure(key: str, value: Any) -> bool:
    """Whether a value says, under such a key, that something went wrong."""
    word = plain(key)
    if word in _SUCCESS:
        return not isinstance(value, float) and str(value).strip().lower() in _NO
    if word in _FAILURE:
        # A number of what failed, or a list of it, says nothing of the answer.
        return value is True or str(value).strip().lower() == "true"
    if word in _STATUS:
        if value is False and word in ("status", "result"):
            return True
        code = isinstance(value, int | str) and re.fullmatch(r"-\d{1,18}", str(value).strip())
        if code and word.endswith("code"):
            return True
        if isinstance(value, str):
            text = value.strip().lower()
            return text in _FAILED or (text.isdigit() and _is_error_status(int(text)))
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and _is_error_status(value)
    if isinstance(value, str):
        return value.strip().lower() not in ("", "false", "null", *_FINE)
    if isinstance(value, Mapping):
        # Such as {"code": 0, "message": null}, where the envelope always has its place for errors.
        return any(
            _tells_failure(name, item)
            if plain(name) in _SUCCESS
            else bool(item) and str(item).strip().lower() not in _FINE
            for name, item in value.items()
        )
    return bool(value)


def _is_error_status(value: int) -> bool:
    return _LOWEST_ERROR_STATUS <= value <= _HIGHEST_STATUS


def _null_rows(document: dict[str, Any], data_path: str | None) -> str | None:
    """Null, or an empty object, in the place of the records, unless the answer counts none too."""
    if data_path is not None:
        path, empty = data_path, _is_nothing(value_at(document, data_path))
    else:
        # Beside a list, or a value of its own, null may be a column without a value.
        known = _SIGNS | _MESSAGE | _ENVELOPE | set(_ROWS)
        path = next((key for key in _ROWS if _is_nothing(document.get(key, MISSING))), "")
        empty = bool(path) and all(plain(key) in known for key in document)
        empty = empty and not any(isinstance(value, list) for value in document.values())
    total = find_total(document, {})
    counts_none = (total is not None and total[1] == 0) or document.get("count") == 0
    if not empty or counts_none:
        return None
    return f"nothing at {quoted(path)}, where the rows should be"


def _is_nothing(value: Any) -> bool:
    return value is None or value is False or value in ({}, "")


def _message_only(document: dict[str, Any], own: str | None) -> str | None:
    """A message and nothing else that could be a record."""
    names = {plain(key): key for key in document}
    said = [key for word, key in names.items() if word in _MESSAGE and document[key]]
    known = _SIGNS | _MESSAGE | _ENVELOPE
    if not said or own is not None or not names.keys() <= known:
        return None
    if any(isinstance(value, list | dict) for value in document.values()):
        return None
    fine = any(
        str(document[key]).strip().lower() in (*_FINE, "true")
        for word, key in names.items()
        if word in _STATUS | _SUCCESS
    )
    return None if fine else _told(said[0], document[said[0]])


def _refused_status(document: dict[str, Any]) -> str | None:
    """A status such as ``OVER_QUERY_LIMIT`` in an answer that holds no rows and no record."""
    names = {plain(key): key for key in document}
    if names.keys() & _IDENTITY or any(
        isinstance(value, list | dict) and value for value in document.values()
    ):
        return None
    for word, key in names.items():
        value = document[key]
        if word not in _STATUS or not isinstance(value, str):
            continue
        if _REFUSED & set(re.split(r"[^a-z]+", value.lower())):
            return _told(key, value)
    return None


def _told(key: str, value: Any, said: Any = None) -> str:
    """A failure in the API's own words, cut."""
    told = f"{quoted(key)} is {quoted(next(_texts(value), value))}"
    spoken = next(_texts(said), None)
    return f"{told}: {quoted(spoken)}" if spoken else told


def _texts(value: Any) -> Iterator[str]:
    """The texts in a value, a message before others."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key in sorted(value, key=lambda name: plain(name) not in _MESSAGE):
            yield from _texts(value[key])
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
