"""What config.yaml may say of how an API's answer is divided into pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from dataflow.shared.config_types import (
    Boolean,
    FaultsBetween,
    Section,
    Text,
    WholeNumber,
    refusal,
)

_MOST_PAGES = 1_000_000


class Paging(Section):
    """How the answer of an API is divided into pages."""

    type: Literal[
        "none",
        "page_number",
        "offset",
        "cursor",
        "last_record",
        "link_header",
        "graphql",
        "auto",
    ] = Field(
        default="auto",
        description="How to ask for the next page: by its number; by an `offset`; by a `cursor` or "
        "link that the answer names; by a field of the `last_record`; by the header `Link`; by "
        "`pageInfo` of `graphql`. `auto` finds out from the first answer, or refuses.",
    )
    page_param: Text | None = Field(
        default=None, description="The parameter with the number of the page, or the offset."
    )
    page_size_param: Text | None = Field(
        default=None, description="The parameter that takes `batch_size`, the rows per page."
    )
    param_location: Literal["query", "body"] | None = Field(
        default=None,
        description="Where these parameters go. Left out: into the body, or the variables of "
        "GraphQL, if there is one; into the query of the address otherwise.",
    )
    total_path: Text | None = Field(
        default=None,
        description="Where the answer says how many rows there are: a dotted path, or "
        "`header:NAME`.",
    )
    total_pages_path: Text | None = Field(
        default=None,
        description="Where the answer says how many pages there are: a dotted path, or "
        "`header:NAME`.",
    )
    has_more_path: Text | None = Field(
        default=None,
        description="Where the answer says whether there is more: a dotted path. Left out: the "
        "usual places, such as `has_more`.",
    )
    cursor_path: Text | None = Field(
        default=None,
        description="Where the answer names the next page: a dotted path, or `header:NAME`. With "
        "`type: last_record`, the field of the last row that names it, `id` if left out.",
    )
    cursor_param: Text | None = Field(
        default=None, description="The parameter that takes the name of the next page."
    )
    base_page: Annotated[int, WholeNumber(0, 1)] | None = Field(
        default=None, description="The number of the first page: 0 or 1."
    )
    max_pages: Annotated[int, WholeNumber(1, _MOST_PAGES)] | None = Field(
        default=None, description="Read so many pages at most, even if there are more."
    )
    check_total: Boolean = Field(
        default=True,
        description="Whether fewer rows than the answer says there are in all are a fault. "
        "`total_path` is always checked.",
    )

    @classmethod
    def faults_between(cls, values: Mapping[str, Any]) -> FaultsBetween:
        """A cursor is taken from somewhere, and sent as something."""
        if values.get("type") == "cursor" and values.get("cursor_path") is None:
            yield ("cursor_path",), refusal("is missing, and `type: cursor` needs it")
        if values.get("type") == "last_record" and values.get("cursor_param") is None:
            yield ("cursor_param",), refusal("is missing, and `type: last_record` needs it")
