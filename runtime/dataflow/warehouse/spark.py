"""The warehouse ``spark``: a lake whose models are built by the workers of a Spark cluster.

Tables, their states and all that is done to them are those of `ducklake`: rows are loaded by DuckDB
in the process that extracts them, through which they come anyway, and readers ask DuckDB. What
reads whole tables, dbt's models and tests, is Spark's work.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, field_validator

from dataflow.shared.config_types import Text  # noqa: TC001 - pydantic reads the annotations
from dataflow.warehouse.ducklake import (
    AtomicDuckLake,
    DuckLake,
    DuckLakeSettings,
    HeldLake,
    open_ducklake,
    says_shared,
)
from dataflow.warehouse.kind import WarehouseKind
from dataflow.warehouse.lake_check import try_lake
from dataflow.warehouse.lake_place import says_unreachable
from dataflow.warehouse.spark_session import (
    FIXED,
    SparkCluster,
    executors,
    probe_folder,
    spark_session,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from dataflow.shared.errors import DataflowError
    from dataflow.shared.project import Project
    from dataflow.warehouse.dbt_engine import DbtEngine, DbtTable
    from dataflow.warehouse.kind import HeldTables
    from dataflow.warehouse.lake_place import LakePlace
    from dataflow.warehouse.spark_tables import ShownTable

# How an error says that the cluster is away, and not that a statement is wrong.
_ABOUT_CLUSTER = (
    "stopped sparkcontext",
    "sparkcontext was shut down",
    "executorlostfailure",
    "cancelled as part of cancellation of all jobs",
    "all masters are unresponsive",
    "answer from java side is empty",
    "error while sending or receiving",
    "an error occurred while trying to connect to the java server",
    "master removed our application",
    "connection refused",
    "fetchfailedexception",
    "no space left on device",
    "file does not exist",
)


class SparkSettings(DuckLakeSettings):
    """Tables of a lake, whose models are built by the workers of a Spark cluster."""

    type: Literal["spark"] = Field(description="Spark.")  # type: ignore[assignment]
    master: Text = Field(
        description="The cluster, as Spark has it: `spark://host:7077`, `k8s://https://host:6443`, "
        "or `local[*]` for this process alone."
    )
    options: dict[str, Text] = Field(
        {},
        description="Properties of Spark, such as `spark.executor.memory`; those that decide what "
        "SQL means are set already.",
    )
    wait: float = Field(
        120.0, gt=0, description="For how many seconds a run waits for executors, then it fails."
    )

    @field_validator("options")
    @classmethod
    def _free_options(cls, value: dict[str, str]) -> dict[str, str]:
        fixed = sorted(name for name in value if name in FIXED or name == "spark.sql.warehouse.dir")
        if fixed:
            raise ValueError(f"sets {', '.join(fixed)}, on which the numbers depend")
        wrong = sorted(name for name in value if not name.startswith("spark."))
        if wrong:
            raise ValueError(f"has {', '.join(wrong)}, which are no properties of Spark")
        return value

    @field_validator("data")
    @classmethod
    def _plain_data(cls, value: str) -> str:
        if any(sign in value for sign in "{},\\"):
            raise ValueError("has one of the signs `{},\\`, which stand for several files in Spark")
        return value


@dataclass(frozen=True)
class SparkLake(DuckLake):
    """One state of a workflow's lake, whose models Spark builds."""

    cluster: SparkCluster

    dbt_makes: ClassVar[Collection[str]] = ("table", "view", "ephemeral", "seed", "test", "unit")

    def dbt_output(self) -> dict[str, Any]:
        """The output of dbt's profile: the session of this process, which is made for a build."""
        return {
            "type": "spark",
            "method": "session",
            "host": "session",
            # What has no schema of its own.
            "schema": "main",
            "threads": 2,
        }

    def dbt_engine(
        self, read: Sequence[DbtTable], upstream: Mapping[str, HeldTables]
    ) -> AbstractContextManager[DbtEngine]:
        """A session of Spark that sees the tables."""
        from dataflow.warehouse.spark_engine import spark_engine
        from dataflow.warehouse.spark_tables import ShownTable

        tables: dict[LakePlace, list[ShownTable]] = {}
        for table in read:
            place, schema = self.place, table.schema
            if table.upstream:
                held = upstream.get(table.upstream)
                if not isinstance(held, HeldLake) or not held.exists():
                    continue
                place, schema = held.place, f"{table.upstream}__{table.schema}"
            elif not self.exists():
                continue
            tables.setdefault(place, []).append(ShownTable(table.schema, table.name, schema))
        return spark_engine(self.cluster, f"dataflow {self.workflow_id}", self.place, tables)

    def is_about(self, said: str) -> bool:
        """Whether an error is about cluster or catalog, and not about a model."""
        # Not by the lake's folder: Spark names the file that it was writing when a value failed.
        return _is_about_cluster(said) or says_unreachable(said)

    def fault(self, said: str) -> DataflowError:  # type: ignore[override]
        """A cluster that is away, or what is wrong with the lake."""
        return self.cluster.fault(said) if _is_about_cluster(said) else super().fault(said)


@dataclass(frozen=True)
class AtomicSparkLake(AtomicDuckLake):
    """A workflow's lake, which a run changes as a whole, with models that Spark builds."""

    cluster: SparkCluster

    dbt_makes: ClassVar[Collection[str]] = SparkLake.dbt_makes

    def begin(self, run_id: str, resumes: str = "", state: str = "") -> SparkLake:
        """A catalog of the run's own; refused before that where Spark could not build."""
        self.cluster.require()
        return self._on_spark(super().begin(run_id, resumes, state))

    def dbt_engine(
        self, read: Sequence[DbtTable], upstream: Mapping[str, HeldTables]
    ) -> AbstractContextManager[DbtEngine]:
        """The engine of the present state."""
        return self._on_spark(self._present(make=True)).dbt_engine(read, upstream)

    def dbt_output(self) -> dict[str, Any]:
        """The output of dbt's profile."""
        return self._on_spark(self._present(make=True)).dbt_output()

    def _on_spark(self, lake: DuckLake) -> SparkLake:
        return SparkLake(lake.workflow_id, lake.place, lake.states, self.cluster)


def _is_about_cluster(said: str) -> bool:
    return any(sign in said.lower() for sign in _ABOUT_CLUSTER)


def open_spark(settings: SparkSettings, project: Project, workflow_id: str) -> AtomicSparkLake:
    """The lake of one workflow; nothing is connected to yet."""
    lake = open_ducklake(settings, project, workflow_id)
    cluster = SparkCluster(settings.master, settings.options, settings.wait)
    return AtomicSparkLake(workflow_id, lake.location, lake.states, cluster)


def check_spark(settings: SparkSettings, project: Project) -> str:
    """Try the lake, and the cluster with files that are written and read; what was found.

    Raises:
        WarehouseError: Something cannot be reached or is refused.
        MissingDependencyError: Packages, Java or an extension of DuckDB are missing.
    """
    lake = open_spark(settings, project, "check")
    lake.cluster.require()
    states = lake.states
    place = states.any_place()
    found = try_lake(place, getattr(states, "database", None))
    own = replace(place, data=place.data.rstrip("/") + ".")
    with spark_session(lake.cluster, "dataflow check", place.cache) as session:
        probe_folder(session, own.data)
        count = len(executors(session))
    return f"{found}; Spark at {settings.master} wrote and read files with {count} executor(s)"


KIND = WarehouseKind(SparkSettings, open_spark, is_shared=says_shared, check=check_spark)
