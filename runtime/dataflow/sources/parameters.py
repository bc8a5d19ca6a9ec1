"""How to fetch: ``ingestion.parameters`` of config.yaml."""

from __future__ import annotations

from dataflow.shared.config_model import Parameters as Parameters
