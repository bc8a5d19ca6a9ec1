"""Spark's session for the time of a build: made in this process, worked for by a cluster."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import threading
import time
import warnings
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from dataflow.shared.errors import MissingDependencyError
from dataflow.warehouse.database import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EXTRA = "pip install 'dataflow-runtime[spark]'"
# What makes Spark's SQL mean what it means in DuckDB: a value that does not fit fails, `timestamp`
# has no time zone, names are in double quotes.
FIXED = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
    "spark.sql.caseSensitive": "false",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.timeType.enabled": "true",
    "spark.sql.storeAssignmentPolicy": "ANSI",
    "spark.sql.parquet.fieldId.read.enabled": "true",
    # Filters and aggregates go into a file by names, also where its columns are read by ids: what a
    # table was given in place of a dropped column of the same name would be compared with that one.
    "spark.sql.parquet.filterPushdown": "false",
    "spark.sql.parquet.aggregatePushdown": "false",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    # A task that is made twice at a time could leave its rows twice.
    "spark.speculation": "false",
    "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "1",
    "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
}
_DEFAULTS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
_JAVA_OPTIONS = "spark.driver.extraJavaOptions"
# A process has one context of Spark's, whose catalog all of it shares.
_one_at_a_time = threading.Lock()
_JAVA = (
    "Install Java 17 or later, on Debian and Ubuntu by apt-get install openjdk-17-jre-headless; or "
    "set JAVA_HOME."
)


@dataclass(frozen=True)
class SparkCluster:
    """A cluster, and how a session asks it for executors.

    Args:
        master: Its address as Spark has it: ``spark://host:port``, ``k8s://...``, ``local[*]``.
        options: Spark's own properties.
        wait: For how many seconds executors are waited for.
    """

    master: str
    options: Mapping[str, str]
    wait: float

    def require(self) -> None:
        """See that all is here that a session needs, before anything is written.

        Raises:
            MissingDependencyError: Packages or Java are missing.
        """
        for module, package in (("pyspark", "pyspark"), ("dbt.adapters.spark", "dbt-spark")):
            try:
                found = find_spec(module)
            except ModuleNotFoundError:
                found = None
            if found is None:
                raise MissingDependencyError(
                    f"The warehouse is on Spark, and {package} is not installed.",
                    f"Install it: {EXTRA}",
                )
        home = os.environ.get("JAVA_HOME")
        if not shutil.which(str(Path(home, "bin", "java")) if home else "java"):
            where = f"JAVA_HOME={home}" if home else "the PATH"
            raise MissingDependencyError(
                f"The warehouse is on Spark, which needs Java, and there is none in {where}.", _JAVA
            )

    def fault(self, said: str) -> WarehouseError:
        """What an error about the cluster means for a person."""
        text = " ".join(said.split())
        return WarehouseError(
            f"Spark at {self.master} could not do the work: {text[:600]}",
            "See that the master and its workers run and can be reached from here, and run again; "
            "the tables are those of the last good run.",
        )


@contextmanager
def spark_session(cluster: SparkCluster, name: str, folder: Path) -> Iterator[Any]:
    """A session of one's own, stopped at the end; its executors are there.

    Args:
        name: What the cluster shows as the application's name.
        folder: Of this machine, for what Spark's catalog keeps.

    Raises:
        MissingDependencyError: Packages or Java are missing.
        WarehouseError: The cluster cannot be reached, or no executor comes.
    """
    cluster.require()
    _refuse_silent_master(cluster)
    with _one_at_a_time:
        yield from _session(cluster, name, folder)


def _session(cluster: SparkCluster, name: str, folder: Path) -> Iterator[Any]:
    from py4j.protocol import Py4JError
    from pyspark import SparkContext
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    if SparkContext._active_spark_context is not None:
        raise WarehouseError(
            "This process has a Spark session of its own already, with other settings.",
            "Stop it before the models are built: `spark.stop()` at the end of the step.",
        )
    # Errors are told by who meets them; PySpark logs each as lines of JSON as well.
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL + 1)
    values = {**_DEFAULTS, **cluster.options, **FIXED}
    java = f"{values.get(_JAVA_OPTIONS, '')} -Dlog4j2.configurationFile={_silence(folder)}"
    values[_JAVA_OPTIONS] = java.strip()
    values["spark.sql.warehouse.dir"] = (folder / "spark-warehouse").absolute().as_uri()
    builder = SparkSession.builder.master(cluster.master).appName(name)
    for key, value in values.items():
        builder = builder.config(key, value)
    try:
        with warnings.catch_warnings():
            # Of pandas, which is not used with Spark here.
            warnings.simplefilter("ignore", FutureWarning)
            session = builder.getOrCreate()
    except Exception as error:
        if "JAVA_GATEWAY_EXITED" in str(error) or "UnsupportedClassVersion" in str(error):
            raise MissingDependencyError(f"Spark's Java did not start: {error}", _JAVA) from error
        raise cluster.fault(str(error)) from error
    try:
        with _watched(cluster, session):
            yield session
    except (PySparkException, Py4JError) as error:
        raise cluster.fault(first_line(error)) from error
    finally:
        # Without its cluster there is nothing left to stop.
        with suppress(Exception):
            session.stop()


def _silence(folder: Path) -> str:
    """A configuration by which Spark's driver logs nothing: errors are told by who meets them."""
    path = (folder / "spark-log4j2.properties").absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without an appender Spark takes its own configuration.
    path.write_text(
        "rootLogger.level = off\nrootLogger.appenderRef.none.ref = none\n"
        "appender.none.type = Null\nappender.none.name = none\n",
        encoding="utf-8",
    )
    return path.as_uri()


def spark_path(place: str) -> str:
    """A folder or an address of the lake as Spark has it."""
    if "://" not in place:
        return f"file://{Path(place).absolute()}" + ("/" if place.endswith("/") else "")
    return place.replace("s3://", "s3a://", 1)


def lake_path(place: str) -> str:
    """A file that Spark names as the lake has it."""
    if place.startswith("file:"):
        return unquote(urlsplit(place).path)
    return place.replace("s3a://", "s3://", 1)


def executors(session: Any) -> dict[str, str]:
    """The executors that are alive, by id, with the hosts that they are on."""
    store = session.sparkContext._jsc.sc().statusStore()
    alive = store.executorList(True)
    found = {}
    for at in range(alive.size()):
        executor = alive.apply(at)
        found[str(executor.id())] = str(executor.hostPort())
    is_local = session.sparkContext.master.startswith("local")
    return {key: host for key, host in found.items() if is_local or key != "driver"}


@contextmanager
def _watched(cluster: SparkCluster, session: Any) -> Iterator[None]:
    """See that executors come, and give up a job for which none is left: Spark waits for ever."""
    deadline = time.monotonic() + cluster.wait
    while not _alive(session):
        if time.monotonic() > deadline:
            raise cluster.fault(
                f"no executor came within {cluster.wait:.0f} s; the workers may have too little "
                "memory or too few cores free, or other applications have them"
            )
        time.sleep(0.1)
    over = threading.Event()
    gone = threading.Event()

    def watch() -> None:
        last = time.monotonic()
        while not over.wait(1.0):
            if _alive(session):
                last = time.monotonic()
            elif time.monotonic() - last > cluster.wait:
                gone.set()
                with suppress(Exception):
                    session.sparkContext.cancelAllJobs()
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    except Exception as error:
        if gone.is_set():
            raise cluster.fault(f"no executor was left for {cluster.wait:.0f} s") from error
        raise
    finally:
        over.set()
        watcher.join(5)


def _alive(session: Any) -> bool:
    try:
        return bool(executors(session))
    except Exception:
        return False


def _refuse_silent_master(cluster: SparkCluster) -> None:
    """Spark tries for a minute, and says little."""
    if not cluster.master.startswith("spark://"):
        return
    said = ""
    for address in cluster.master.removeprefix("spark://").split(","):
        parts = urlsplit(f"//{address}")
        try:
            with socket.create_connection((parts.hostname or "", parts.port or 7077), timeout=10):
                return
        except OSError as error:
            said = str(error)
    raise cluster.fault(f"its master does not answer: {said}")


def probe_folder(session: Any, data: str) -> None:
    """See that what executors write into a folder is what this machine reads there.

    A folder that is not the same one on each machine would lose rows without an error.

    Raises:
        WarehouseError: It is not.
    """
    place = f"{spark_path(data)}spark-probe-{uuid4().hex}"
    tasks = 2 * max(2, session.sparkContext.defaultParallelism)
    try:
        session.range(0, tasks, 1, tasks).write.parquet(place)
        found = session.read.schema("id long").parquet(place).count()
    except Exception as error:
        raise WarehouseError(
            f"Spark's executors cannot write into {data} and read there: {first_line(error)}",
            "Set `data` of the warehouse to a folder that the driver and all workers have mounted "
            "and may write into, or to a bucket.",
        ) from error
    finally:
        with suppress(Exception):
            _remove(session, place)
    if found != tasks:
        raise WarehouseError(
            f"Of {tasks} files that Spark's executors wrote into {data} this machine sees {found}: "
            "it is not the same folder on all of them.",
            "Set `data` of the warehouse to a folder that the driver and all workers have mounted, "
            "or to a bucket.",
        )


def _remove(session: Any, place: str) -> None:
    context = session.sparkContext
    path = context._jvm.org.apache.hadoop.fs.Path(place)
    path.getFileSystem(context._jsc.hadoopConfiguration()).delete(path, True)


def first_line(error: Exception) -> str:
    """What an error of Spark's says, without where in Spark it was."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
