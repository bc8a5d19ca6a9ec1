"""What happens to the rows before they are loaded."""

from typing import Any

from dataflow.authoring import apply_stages
from dataflow.shared.config import load_config
from dataflow.shared.logging import get_logger

log = get_logger(__name__)


def transform_data(data: dict[str, Any]) -> dict[str, Any]:
    """Clean and enrich the rows with the stages that config.yaml lists.

    Args:
        data: What `extract_data` returned.

    Returns:
        The same shape, with `metadata["transformation_stages"]`.
    """
    stages = load_config(__package__)["transformation"]["stages"]
    transformed = apply_stages(data, stages)
    log.info("transformed", rows=transformed["metadata"]["record_count"])
    return transformed
