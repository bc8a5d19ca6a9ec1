"""The typed configuration, used from Python."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from dataflow.shared import config_model
from dataflow.shared.config_model import Ingestion, WorkflowConfig, WorkflowSettings
from dataflow.shared.config_types import Section
from dataflow.shared.load_settings import Load
from dataflow.sources.api import settings as api_settings
from dataflow.sources.api.settings import ApiSource
from dataflow.sources.database import settings as database_settings
from dataflow.sources.file import settings as file_settings
from dataflow.sources.file.settings import FileSource


def test_a_configuration_can_be_made_in_python() -> None:
    """The models take keyword arguments, fill in defaults and cannot be changed afterwards."""
    config = WorkflowConfig(
        workflow=WorkflowSettings(name="a"),
        ingestion=Ingestion(source=FileSource(type="file", url="x.csv")),
        load=Load(table="t"),
    )
    assert config.ingestion.parameters.max_retries == 3
    assert config.transformation.stages == []
    with pytest.raises(ValidationError):
        config.load.table = "u"


def test_a_secret_is_not_in_its_representation() -> None:
    """Printing a configuration shows no token, header secret or password in a URL."""
    source = ApiSource(
        type="api",
        url="https://me:hunter2@host/x",
        auth_type="bearer_token",
        token="hunter2",  # noqa: S106
        headers={"Authorization": "hunter2"},
        params={"api_key": "hunter2"},
    )
    assert "hunter2" not in repr(source)
    assert "hunter2" not in str(source)


def test_an_error_of_pydantic_does_not_show_the_input() -> None:
    """Even an error that nobody translates has no value in it."""
    with pytest.raises(ValidationError) as caught:
        ApiSource.model_validate({"type": "api", "url": "ftp://hunter2", "auth_type": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_faults_within_and_between_keys_come_together() -> None:
    """A wrong value does not hide that another one makes no sense."""
    with pytest.raises(ValidationError) as caught:
        Load.model_validate({"table": 5, "primary_key": ["id", "id"]})
    assert [error["loc"] for error in caught.value.errors()] == [("table",), ("primary_key",)]


def test_every_model_refuses_unknown_keys() -> None:
    """No mapping of the file accepts a key that it does not know."""
    models = [
        value
        for module in (config_model, api_settings, database_settings, file_settings)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Section) and value.known_keys()
    ]
    assert len(models) > 12
    for model in models:
        near_miss = f"{model.known_keys()[0]}x"
        with pytest.raises(ValidationError, match="is not a known key"):
            model.model_validate({near_miss: 1})
