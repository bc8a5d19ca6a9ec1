"""What config.yaml may say of a source of type api."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from dataflow.shared.config_types import (
    FaultsBetween,
    HeaderValue,
    HttpUrl,
    QueryValue,
    Scalar,
    Secret,
    Section,
    Text,
    refusal,
)
from dataflow.shared.own_code import OwnCode
from dataflow.shared.redaction import register_secret
from dataflow.shared.shown import shortened
from dataflow.sources.api.paging_settings import Paging  # noqa: TC001  (pydantic reads it)
from dataflow.sources.window import LookBack  # noqa: TC001 - pydantic reads it at run time

# The keys that each way to log in needs, in `credentials` as here; each is of no use to the others.
LOGIN_KEYS = {
    "none": (),
    "bearer_token": ("token",),
    "basic": ("username", "password"),
    "api_key": ("api_key",),
    "oauth2_client_credentials": ("token_url", "client_id", "client_secret"),
}
# Those of them that are read from the environment where config.yaml does not say them.
_FROM_ENVIRONMENT = ("token", "username", "password", "api_key", "client_id", "client_secret")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, section 5.1


def login_variables(
    workflow_id: str, source: Mapping[Any, Any], name: str = ""
) -> dict[str, list[str]]:
    """The variables that a login is read from, by the keys that config.yaml leaves out.

    The first that is set counts. One of several sources, which has a ``name``, has variables of its
    own before those of the workflow.

    >>> login_variables("sales", {"auth_type": "basic", "username": "ann"}, "orders")
    {'password': ['SALES_ORDERS_PASSWORD', 'SALES_PASSWORD']}
    """
    login = source.get("auth_type")
    keys = LOGIN_KEYS.get(login, ()) if isinstance(login, str) else ()
    left_out = [key for key in keys if key in _FROM_ENVIRONMENT and source.get(key) is None]
    owners = [f"{workflow_id}_{name}", workflow_id] if name else [workflow_id]
    return {key: [f"{owner}_{key}".upper() for owner in owners] for key in left_out if workflow_id}


class ApiIncremental(Section):
    """Asking an API only for what is new since the last run."""

    cursor_field: Text = Field(
        description="The field whose greatest value says how far the last run came."
    )
    param: Text = Field(
        description="The parameter that sends that value, where those of `paging` go."
    )
    initial_value: Scalar = Field(
        default=None, description="What the first run sends. Left out: nothing."
    )
    look_back: LookBack | None = Field(
        default=None,
        description="How far before the last run's end to read again: `2 days`, or a number.",
    )


class ForEach(Section):
    """Records of a first request, for each of which the source's own request is made."""

    url: HttpUrl = Field(
        description="The address of the first request, at the same host. It is asked with the "
        "source's own login and headers."
    )
    params: dict[str, QueryValue] = Field(
        default_factory=dict, description="Query parameters of the first request."
    )
    data_path: Text | None = Field(
        default=None, description="Where its answer holds the list of records: a dotted path."
    )
    paging: Paging | None = Field(default=None, description="How its answer is divided into pages.")
    field: Text = Field(description="The field of each record that is taken: a dotted path.")
    as_: Text = Field(
        alias="as",
        description="What the value is called: `{NAME}` in the source's `url`, `params`, `body` or "
        "`variables` stands for it, and each row has it as a column.",
    )


def _body(value: Any) -> Any:
    if not isinstance(value, Mapping | list | str):
        raise refusal("cannot be sent as a body", "keys and values, a list or a text")
    return value


def _keys(value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise refusal("is not keys and values")
    return value


def _header_names(value: Any) -> Any:
    for name in value if isinstance(value, Mapping) else ():
        if isinstance(name, str) and not _HEADER_NAME.fullmatch(name):
            raise refusal("holds a key that cannot be the name of a header")
    return value


class ApiSource(Section):
    """Rows from a web API that answers in JSON, JSON Lines or CSV."""

    type: Literal["api"] = Field(description="Rows from a web API.")
    url: HttpUrl = Field(description="The address to ask: http:// or https://.")
    method: Literal["GET", "POST"] | None = Field(
        default=None,
        description="How to ask. Left out: POST with a `body` or a `query`, GET otherwise.",
    )
    body: Annotated[dict[str, Any] | list[Any] | str | None, BeforeValidator(_body)] = Field(
        default=None, description="What every request sends as its body."
    )
    body_format: Literal["json", "form"] = Field(
        default="json",
        description="How keys and values of `body` are written. A text is sent as is.",
    )
    query: Text | None = Field(
        default=None, description="A query in GraphQL, which every request sends by POST."
    )
    variables: Annotated[dict[str, Any], BeforeValidator(_keys)] = Field(
        default_factory=dict, description="The variables of the GraphQL `query`."
    )
    auth_type: Literal["none", "bearer_token", "basic", "api_key", "oauth2_client_credentials"] = (
        Field(default="none", description="How to log in. Secrets are written as `${VARIABLE}`.")
    )
    token: Secret | None = Field(
        default=None,
        description="The token, with `auth_type: bearer_token`. "
        "Left out: `${<WORKFLOW_ID>_TOKEN}`.",
    )
    username: Text | None = Field(
        default=None,
        description="The user's name, with `auth_type: basic`. "
        "Left out: `${<WORKFLOW_ID>_USERNAME}`.",
    )
    password: Secret | None = Field(
        default=None,
        description="The password, with `auth_type: basic`. Left out: `${<WORKFLOW_ID>_PASSWORD}`.",
    )
    api_key: Secret | None = Field(
        default=None,
        description="The key, with `auth_type: api_key`. Left out: `${<WORKFLOW_ID>_API_KEY}`.",
    )
    api_key_name: Text = Field(
        default="X-API-Key", description="The header or query parameter that takes the key."
    )
    api_key_location: Literal["header", "query"] = Field(
        default="header", description="Whether the key goes into a header or the query."
    )
    token_url: HttpUrl | None = Field(
        default=None,
        description="Where to get a token, with `auth_type: oauth2_client_credentials`.",
    )
    client_id: Text | None = Field(
        default=None,
        description="Who asks, with `auth_type: oauth2_client_credentials`. "
        "Left out: `${<WORKFLOW_ID>_CLIENT_ID}`.",
    )
    client_secret: Secret | None = Field(
        default=None,
        description="Its secret, with `auth_type: oauth2_client_credentials`. "
        "Left out: `${<WORKFLOW_ID>_CLIENT_SECRET}`.",
    )
    scope: Text | None = Field(
        default=None,
        description="What the token is for, with `auth_type: oauth2_client_credentials`.",
    )
    audience: Text | None = Field(
        default=None,
        description="Which API the token is for, with `auth_type: oauth2_client_credentials`.",
    )
    params: dict[str, QueryValue] = Field(
        default_factory=dict, description="Query parameters that every request sends."
    )
    headers: Annotated[dict[str, HeaderValue], BeforeValidator(_header_names)] = Field(
        default_factory=dict, description="Headers that every request sends."
    )
    format: Literal["json", "jsonl", "csv"] | None = Field(
        default=None, description="What the answer is. Left out: as its media type says, or JSON."
    )
    data_path: Text | None = Field(
        default=None,
        description="Where the answer holds the list of rows: a dotted path, `result.items`.",
    )
    records: Literal["list", "map", "rows", "columns"] | None = Field(
        default=None,
        description="What the answer, or what is at `data_path`, is. `map`: an object with one "
        "record for each key, which is a column. `rows`: a list of lists of values. `columns`: an "
        "object with one list for each column. Left out: a list of objects, or one record.",
    )
    names_path: Text | None = Field(
        default=None,
        description="Where an answer with `records: rows` holds the names of the columns: a "
        "dotted path. Left out: they are the first list.",
    )
    error_path: Text | None = Field(
        default=None,
        description="Where an answer with status 200 says that it failed: a dotted path to what is "
        "null, false, empty, zero or `ok` in a good answer. Left out: the usual places, such as "
        "`error`, `errors` and `status`.",
    )
    for_each: ForEach | None = Field(
        default=None,
        description="Make the request once for each record of another one, and read the rows of "
        "all of them.",
    )
    paging: Paging | None = Field(default=None, description="How the answer is divided into pages.")
    incremental: ApiIncremental | None = Field(
        default=None, description="Ask only for what is new since the last run."
    )

    @classmethod
    def filled_in(cls, values: Mapping[Any, Any], context: Any) -> Mapping[Any, Any]:
        """With the login from the workflow's own variables, where the file does not say it.

        One that is not set is asked for by the reader only, and so stays ``${NAME}`` until then.
        """
        if not isinstance(context, OwnCode):
            return values
        logins: dict[str, str] = {}
        found = login_variables(context.workflow_id, values, context.source)
        for key, names in found.items():
            value = next(filter(None, map(context.variables.get, names)), None)
            if value:
                register_secret(value)
                logins[key] = value
            elif not context.reads_source_itself:
                logins[key] = f"${{{names[0]}}}"
        return {**values, **logins}

    @classmethod
    def faults_between(cls, values: Mapping[str, Any]) -> FaultsBetween:
        """Keys that the way to log in or to ask needs, or has no use for."""
        yield from _faults_of_request(values)
        login = values.get("auth_type", "none")
        if not isinstance(login, str) or login not in LOGIN_KEYS:
            return
        for key in LOGIN_KEYS[login]:
            if values.get(key) is None:
                yield (key,), refusal(f"is missing, and `auth_type: {login}` needs it")
        for other, keys in LOGIN_KEYS.items():
            for key in keys if other != login else ():
                if values.get(key) is not None:
                    hint = f"did you mean `auth_type: {other}`?"
                    yield (key,), refusal(f"is of no use with `auth_type: {login}`", hint=hint)


def _faults_of_request(values: Mapping[str, Any]) -> FaultsBetween:
    if values.get("query") is None:
        if values.get("variables"):
            yield ("variables",), refusal("is of no use without `query`")
    elif values.get("body") is not None:
        yield ("body",), refusal("cannot stand beside `query`, which is the body")
    elif values.get("method") == "GET":
        yield ("method",), refusal("cannot send a `query` of GraphQL", "POST")
    parent = values.get("for_each")
    if not isinstance(parent, Mapping):
        return
    name, url, first = parent.get("as"), values.get("url"), parent.get("url")
    if isinstance(name, str) and isinstance(url, str):
        asking = [url, values.get("params"), values.get("body"), values.get("variables")]
        if f"{{{name}}}" not in str(asking):
            reason = (
                f"is used nowhere: write `{{{shortened(name)}}}` into `url`, `params` or `body`"
            )
            yield ("for_each", "as"), refusal(reason)
    if isinstance(url, str) and isinstance(first, str) and _host(url) != _host(first):
        yield ("for_each", "url"), refusal("is at another host than `url`, which it must not be")


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2].lower()
