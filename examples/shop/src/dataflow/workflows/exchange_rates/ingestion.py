"""Where the rows come from."""

from typing import Any

from dataflow.authoring import read_source
from dataflow.shared.config import load_config
from dataflow.shared.logging import get_logger

log = get_logger(__name__)


def extract_data(params: dict[str, Any]) -> dict[str, Any]:
    """Fetch the rows from the source that config.yaml names.

    Args:
        params: Takes the place of single entries of `ingestion.parameters`.

    Returns:
        The rows under "data"; under "metadata" their source, number and time.
    """
    ingestion = load_config(__package__)["ingestion"]
    extracted = read_source(ingestion, params)
    log.info("extracted", rows=extracted["metadata"]["record_count"])
    return extracted
