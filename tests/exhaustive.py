"""Which cases of a test are left to `make test-all`, which the weekly CI runs.

Each takes seconds, and is one of a row of cases of the same test, or looks once more, from another
side, at what another test looks at: those are run each time, and tell of what breaks the behaviour.
"""
# ruff: noqa: E501 - expressions in two lines are harder to read

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

_OPTION = "--exhaustive"
_CASES = (
    # The same suite is put to another destination of dlt's each time.
    r"warehouse/test_conformance\.py::TestDltDuckDB",
    # A kill before a step and after the one before it find the same files.
    r"faults/test_killed\.py::test_a_killed_run_changes_nothing\[(before|after) (?!the end)",
    r"faults/test_killed\.py::test_a_killed_run_changes_nothing\[when the (copy is made|copy is sealed)",
    r"faults/test_killed\.py::test_a_killed_run_changes_nothing\[while dbt (tests|makes the staging)",
    r"faults/test_killed\.py::test_a_run_killed_at_its_end_is_whole\[after the end",
    r"faults/test_killed\.py::test_a_load_is_whole_or_not_there\[after-",
    r"faults/test_killed\.py::test_a_first_run_killed.*\[[13]-before",
    r"faults/test_storage\.py::test_a_full_disk.*\[\.dataflow/site",
    r"faults/test_storage\.py::test_a_read_only_folder.*\[\.da",
    r"faults/test_storage\.py::test_a_warehouse_open_for_writing.*\[(extract|publish)",
    r"faults/test_storage\.py::test_a_truncated_warehouse.*\[0\.01",
    r"faults/test_storage\.py::test_a_corrupt_history.*\[(garbage-history/runs/index|half-history/runs\.db)",
    r"faults/test_source\.py::test_a_wrong_type_in_row_900_000.*\[append",
    r"faults/test_source\.py::test_an_empty_answer_keeps_the_table\[append",
    r"site/test_(components|own_pages)\.py::test_axe_finds_nothing.*\[(400-light|1280-dark)",
    r"site/test_site_build\.py::test_days_are_the_same_all_over_the_world\[America",
    r"sources/test_second_day\.py::test_ten_thousand_second_days",
    # Backfills over the service are tested over REST each time.
    r"service/test_backfill_in_ui\.py",
    r"cli/test_run_remote\.py::test_partitions_are_filled_in_on_the_service",
    r"docs/test_own_code\.py::test_the_guides_files_work_in_a_rendered_workflow\[[23]",
    r"site/test_vendored\.py::test_packages_are_installed_from_a_folder",
    # What `dataflow template check` finds is what tests/template finds.
    r"templates/test_check\.py::test_this_template_passes_with_a_run_and_an_update",
    r"runtime/runs/test_policy\.py::test_on_the_service_it_is_the_same",
    r"service/test_warm_terminal\.py::test_(a_changed_library_is_seen|another_environment_gets)",
    r"fleet/test_proposal\.py::test_an_update_is_proposed_once.*\[gitlab",
    r"faults/test_clock\.py::test_the_machines_time_zone_changes_no_data\[Europe",
    # The guide's files are run as a whole, and each stage by tests/runtime/stages.
    r"docs/test_own_code\.py::test_a_stage_of_ones_own",
    r"checks/test_python_processes\.py::.*\[trained",
    # The program is part of what `make lint` types, with the cache that it has.
    r"repository/test_surface\.py::test_a_typed_program_is_accepted",
    # Reading kinds of second days is tested case by case in tests/runtime/sources.
    r"template/test_two_days\.py::.*\[(versions_are_text|nothing_in_a_column_today|date_order_is)",
    # With the executor in the run's own process it is tested each time.
    r"runs/test_asset_events\.py::test_a_failed_run_tells.*\[multiprocess",
    r"runs/test_promotion\.py::test_a_run_taken_up_too_late.*\[multiprocess",
    r"service/test_warm_terminal\.py::test_a_killed_warm_process",
    r"faults/test_killed\.py::test_a_run_killed_at_its_end_is_whole\[before the manifest",
    r"site/test_own_pages\.py::test_axe_finds_nothing.*\[400-dark",
    r"service/test_warm_terminal\.py::test_who_gets_no_answer_runs_cold",
    r"runtime/cli/test_screen\.py::test_a_check_is_a_tree",
    r"service/test_history_server\.py::test_a_history_that_is_away",
    r"campaign/test_campaign\.py::test_a_push_that_nobody_wrote_down.*\[2",
    # The how-to's reading of what is new is run each time: docs/test_how_to.py.
    r"docs/test_own_code\.py::test_reading_only_what_is_new",
    r"hostile/test_secrets\.py::test_no_secret_comes_out_of_a_run\[debug",
    r"template/test_two_days\.py::(test_types_that_widen|.*\[(decimal_comma|whole_numbers_grow))",
    r"modelling/test_build\.py::test_a_program_that_has_the_file_open.*\[12-",
    # Two hosts have one lake each time: beyond/test_celery_workers.py.
    r"faults/test_lake\.py::test_two_machines_in_turn",
    r"service/test_warm_terminal\.py::test_one_that_is_idle_goes",
    # The images are built and started, run a workflow and show it each time.
    r"containers/test_(manifests|postgres_history)\.py",
    r"containers/test_services\.py::test_(a_killed_container|volumes_survive)",
    # An own build of the whole: its parts are looked at each time.
    r"docs/test_tutorial\.py::test_the_tutorial_works_as_it_stands",
    r"docs/test_own_code\.py::test_the_guides_files_work_in_a_rendered_workflow\[1",
    r"warehouse/test_spark\.py::test_a_value_that_does_not_fit",
    r"template/test_two_days\.py::.*\[(padded_keys|lost_column)",
    r"template/test_several_tables\.py::test_a_folder_of_different_files",
    r"faults/test_lake\.py::test_a_run_killed_when_it_is_shown",
    # With its files in a folder the same is tested each time.
    r"warehouse/test_lake_rename\.py::.*(\[store|files_in_a_store)",
    r"faults/test_source\.py::test_a_wrong_type_in_row_900_000",
    r"runs/test_promotion\.py::test_a_run_that_dagster_starts_is_seen.*\[multiprocess",
    r"runs/test_postgres_runs\.py::test_two_workflows_of_which_one_reads",
    r"runs/test_shared_run\.py::test_a_store_that_is_away",
    r"runs/test_steps\.py::test_an_incremental_source_goes_on",
    r"site/test_components\.py::test_axe_finds_nothing.*\[400-dark",
    r"fleet/test_proposal\.py::test_files_that_the_token_may_not_push",
    r"cli/test_workflow_inspect\.py::test_a_new_marker_of_no_value",
    r"cli/test_workflow_new\.py::test_what_new_advises_of_a_column_runs",
    # A lake on Spark loads as a lake does; its builds are tested each time by other tests.
    r"warehouse/test_conformance\.py::TestSpark::",
    r"warehouse/test_spark\.py::test_the_numbers_are_right_when_a_worker_is_killed",
    # Kills of runs on DuckDB's files, on Postgres and in the service are tested each time.
    r"faults/test_lake\.py::test_a_killed_run_changes_nothing",
    r"campaign/test_campaign\.py::test_fifty_repositories",
    r"checks/test_check\.py::test_what_is_broken_is_missing\[no_source",
    r"docs/test_own_code\.py::test_the_guides_files_work_in_a_rendered_workflow\[[45]",
    r"site/test_own_pages\.py::test_axe_finds_nothing.*\[1280-light",
    r"checks/test_check\.py::test_what_is_broken_is_missing\[undocumented",
    # Files of the author's own are run each time by tests/runtime/api/test_guide.py.
    r"docs/test_own_code\.py::test_(a_transformation|an_ingestion)_of_ones_own",
    # dagster-dbt is the author's; assets and resources of his are tested each time.
    r"docs/test_own_assets\.py",
    # What a person is told of large files is told of small ones in tests/tools/inspection each time.
    r"inspection/test_large_files\.py::",
    r"template/test_two_days\.py::.*\[new_category",
    # The UI makes the same parts and assets each time: service/test_materialize_in_ui.py.
    r"runs/test_run_part\.py::test_each_part_and_each_asset",
)
_LEFT = re.compile("|".join(_CASES))


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--exhaustive`` runs them, too."""
    parser.addoption(_OPTION, action="store_true", help="Run every case of every test.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave them out, unless they are asked for: by the option, or one by its name."""
    named = any("::" in argument for argument in config.args)
    if config.getoption(_OPTION) or named:
        return
    left = [item for item in items if _LEFT.search(item.nodeid)]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if not _LEFT.search(item.nodeid)]
