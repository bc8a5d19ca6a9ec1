"""What is kept of a build by dbt."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow.modelling.artefacts import ArtefactsError, write_artefacts


def test_a_dbt_that_does_not_tell_its_project_is_named(tmp_path: Path) -> None:
    """The error says which version it is and what to install; nothing is written."""
    with pytest.raises(ArtefactsError, match=r"dbt-core 1\.\d+\.\d+ does not tell") as caught:
        write_artefacts(None, None, tmp_path)
    assert "dataflow-runtime[dbt]" in caught.value.instruction
    assert not [*tmp_path.iterdir()]
