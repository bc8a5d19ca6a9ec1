"""The Postgres of a project's history: where it is, and reaching it.

``history = "postgresql://..."`` is all that a project says. Dagster's storage and the locks of
workflows use it by psycopg 2: under SQLAlchemy 2.1 a plain ``postgresql://`` is psycopg 3, on which
Dagster's ``NOTIFY`` fails.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dataflow.shared.errors import BadInputError, DataflowError, MissingDependencyError
from dataflow.shared.postgres_address import shown_address
from dataflow.shared.redaction import redact
from dataflow.shared.setting_values import setting_value

if TYPE_CHECKING:
    from dagster._core.storage.base_storage import DagsterStorage
    from psycopg2.extensions import connection as Connection  # noqa: N812

    from dataflow.shared.project import Project

_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg2", "postgresql+psycopg")
SECONDS_TO_CONNECT = 10
# How long a connection on which nothing happens may be dead without anybody knowing: a machine
# that lost its power says no good-bye.
_KEEPALIVE: dict[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}


class HistoryError(DataflowError):
    """Dagster's run history cannot be opened.

    Why: The history is a SQLite database in `.dagster`, or the Postgres of the setting
    `history`. It cannot be reached or read, or it is of a newer version.

    What to do: What the message names. A broken history in `.dagster` can be moved away: runs,
    logs and the marks of sensors are gone with it; tables, watermarks and dashboards are not.
    """

    http_status = 503


class HistorySettingError(BadInputError):
    """The setting ``history`` is no address of a Postgres."""


def history_address(project: Project) -> str:
    """The address of the Postgres that a project's history is in, as libpq takes it, or nothing.

    Raises:
        BadInputError: The setting ``history`` is none, or a value that it needs is missing.
    """
    if not project.settings.history:
        return ""
    address = str(setting_value(project, "history"))
    scheme, sign, rest = address.partition("://")
    if not sign or scheme not in _SCHEMES or not urlsplit(f"postgresql://{rest}").path.strip("/"):
        raise HistorySettingError(
            f"The setting history is {redact(address)!r}, which is not the address of a Postgres.",
            'Write history = "postgresql://USER:${PASSWORD}@HOST:5432/DATABASE".',
        )
    return f"postgresql://{rest}"


def postgres_storage(project: Project) -> DagsterStorage[Any]:
    """Dagster's own storage in the project's Postgres; its tables are made if there are none.

    Raises:
        MissingDependencyError: The extra ``postgres`` is not installed.
        BadInputError: The setting ``history`` is wrong.
    """
    require_driver()
    from dagster_postgres import DagsterPostgresStorage

    address = history_address(project)
    return DagsterPostgresStorage(address.replace("postgresql://", "postgresql+psycopg2://", 1))


def connect(address: str, **options: Any) -> Connection:
    """A connection of its own to the history's Postgres.

    Raises:
        MissingDependencyError: The extra ``postgres`` is not installed.
        HistoryError: It cannot be reached, or refuses the login.
    """
    require_driver()
    import psycopg2

    given = {"connect_timeout": SECONDS_TO_CONNECT, "application_name": "dataflow"}
    try:
        connection: Connection = psycopg2.connect(address, **{**given, **_KEEPALIVE, **options})
    except psycopg2.Error as error:
        raise postgres_fault(address, error) from error
    return connection


def require_driver() -> None:
    """Say what to install where a Postgres is to be used and cannot be.

    Raises:
        MissingDependencyError: The extra ``postgres`` is not installed.
    """
    for module in ("psycopg2", "dagster_postgres"):
        if find_spec(module) is None:
            raise MissingDependencyError(
                f"A history in Postgres needs {module}, which is not installed.",
                "Install it: pip install 'dataflow-runtime[postgres]'",
            )


def postgres_fault(address: str, error: BaseException) -> HistoryError:
    """What a person is told who meets an error of the history's Postgres."""
    said = [error, error.__cause__, error.__context__]
    texts = (str(getattr(each, "orig", None) or each) for each in said if each is not None)
    # Dagster says that it tried too often; why it failed is what it was told.
    words = next((text for text in texts if "too many retries" not in text), str(error))
    line = " ".join(words.split()).strip().rstrip(".?")
    if "authentication failed" in line or "no password supplied" in line:
        told = "Correct the user and the password of the setting history."
    elif "does not exist" in line:
        told = "Make that database or user, or correct the setting history."
    else:
        told = "Start it, or correct the setting history; `dataflow env check` tries it."
    return HistoryError(
        f"The run history in the Postgres at {shown_address(address)} cannot be used: "
        f"{redact(line)}.",
        told,
    )
