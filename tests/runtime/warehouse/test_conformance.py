"""What a warehouse must do, asked of each kind that the library has, on real servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.database_fixtures import postgres
from tests.lake_fixtures import catalog
from tests.object_store_fixtures import s3_bucket, s3_server
from tests.spark_fixtures import Cluster, spark_cluster

from dataflow.testing.loaded_warehouse import Loaded
from dataflow.testing.warehouse_conformance import WarehouseConformance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["catalog", "postgres", "s3_bucket", "s3_server", "spark_cluster"]


class TestDuckDBFile(WarehouseConformance):
    """The default."""

    @pytest.fixture
    def setting(self) -> str:
        """No more than its name."""
        return "duckdb"

    @pytest.mark.slow
    def test_models_are_built_tested_and_published(self, w: Loaded) -> None:
        """Which takes dbt seconds."""
        super().test_models_are_built_tested_and_published(w)


@pytest.mark.slow
class TestPostgres(WarehouseConformance):
    """Schemas of a database."""

    keeps_nested = False
    keeps_nul = False

    @pytest.fixture
    def setting(self, postgres: str) -> Iterator[dict[str, Any]]:
        """The server, without what an earlier test has left."""
        yield {"type": "postgres", "url": postgres}
        clear(postgres)


@pytest.mark.slow
class TestDltPostgres(WarehouseConformance):
    """Datasets of dlt's in Postgres, which have no more than every destination has."""

    keeps_nested = False
    keeps_nul = False
    keeps_days_before_year_one = False
    keeps_all_names = False

    @pytest.fixture
    def setting(self, postgres: str) -> Iterator[dict[str, Any]]:
        """The server, without what an earlier test has left."""
        yield {"type": "dlt", "destination": "postgres", "credentials": postgres}
        clear(postgres)


@pytest.mark.slow
class TestDltDuckDB(WarehouseConformance):
    """Datasets of dlt's in a DuckDB file: the SQL that MotherDuck has."""

    keeps_nested = False
    keeps_nul = False
    keeps_days_before_year_one = False
    keeps_all_names = False

    @pytest.fixture
    def setting(self, tmp_path: Path) -> dict[str, Any]:
        """A file."""
        path = str(tmp_path / "analytics.duckdb")
        return {"type": "dlt", "destination": "duckdb", "credentials": path}


@pytest.mark.slow
class TestDuckLake(WarehouseConformance):
    """A catalog in Postgres, and files in a store."""

    @pytest.fixture
    def setting(self, catalog: str, s3_bucket: str) -> dict[str, Any]:
        """A database and a bucket of their own."""
        return {"type": "ducklake", "catalog": catalog, "data": f"{s3_bucket}/lake"}


@pytest.mark.slow
class TestSpark(WarehouseConformance):
    """A catalog in Postgres, files in a folder, and a master with two workers for the models."""

    @pytest.fixture
    def setting(self, catalog: str, spark_cluster: Cluster) -> dict[str, Any]:
        """A database and a folder of their own."""
        return spark_cluster.setting(catalog=catalog, data="data/lake", shared=True)


def clear(url: str) -> None:
    """Drop all that warehouses have made in a database."""
    import psycopg

    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT quote_ident(nspname) FROM pg_namespace "
            "WHERE nspname LIKE '%\\_\\_%' OR nspname = 'dataflow'"
        ).fetchall()
        for (schema,) in rows:
            connection.execute(f"DROP SCHEMA {schema} CASCADE".encode())
