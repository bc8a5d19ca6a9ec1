"""Where a Postgres is, as messages name it."""

from __future__ import annotations

import pytest

from dataflow.shared.postgres_address import shown_address


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://me:secret@db:5433/dagster?sslmode=require", "db:5433/dagster"),
        ("postgresql://me:secret@one:1,two:2/dagster", "one:1,two:2/dagster"),
        ("postgresql://me:secret@/dagster?host=/run/pg&port=5433", "/run/pg:5433/dagster"),
        ("postgresql://me:secret@:5433/dagster?host=db", "db:5433/dagster"),
        ("postgresql://me:secret@%2Frun%2Fpg/dagster", "/run/pg/dagster"),
        ("postgresql:///dagster", "localhost/dagster"),
    ],
)
def test_a_place_has_a_host_and_no_login(
    address: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that is reached by a socket, or as libpq finds it."""
    monkeypatch.delenv("PGHOST", raising=False)
    assert shown_address(address) == shown


def test_libpqs_variable_names_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the one that is meant where the address has none."""
    monkeypatch.setenv("PGHOST", "db.internal")
    assert shown_address("postgresql:///dagster") == "db.internal/dagster"
