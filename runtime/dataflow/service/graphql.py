"""What is asked of Dagster's GraphQL interface."""

from __future__ import annotations

_RUN_FIELDS = """
fragment RunFields on Run {
  runId jobName status creationTime startTime endTime tags { key value }
}
"""
_ERROR_FIELDS = """
fragment ErrorFields on PythonError {
  className message stack cause { className message stack }
}
"""
_EVENT_FIELDS = (
    _ERROR_FIELDS
    + """
fragment EventFields on EventConnection {
  cursor hasMore
  events {
    __typename
    ... on ExecutionStepStartEvent { stepKey timestamp }
    ... on ExecutionStepSuccessEvent { stepKey timestamp }
    ... on ExecutionStepSkippedEvent { stepKey timestamp }
    ... on ExecutionStepOutputEvent {
      stepKey
      metadataEntries {
        label ... on IntMetadataEntry { intValue } ... on TextMetadataEntry { text }
      }
    }
    ... on ExecutionStepFailureEvent { stepKey timestamp message error { ...ErrorFields } }
    ... on RunFailureEvent { message error { ...ErrorFields } }
    ... on EngineEvent { message error { ...ErrorFields } }
  }
}
"""
)

JOBS = """
query Jobs($selector: RepositorySelector!) {
  repositoryOrError(repositorySelector: $selector) {
    __typename
    ... on Repository {
      jobs { name description tags { key value } }
      schedules { name pipelineName cronSchedule executionTimezone scheduleState { status } }
    }
    ... on Error { message }
  }
}
"""
SCHEDULES = """
query Schedules($selector: RepositorySelector!) {
  repositoryOrError(repositorySelector: $selector) {
    __typename
    ... on Repository {
      schedules {
        name cronSchedule executionTimezone scheduleState { id status }
        futureTicks(limit: 1) { results { timestamp } }
      }
    }
    ... on Error { message }
  }
}
"""
START_SCHEDULE = """
mutation StartSchedule($selector: ScheduleSelector!) {
  startSchedule(scheduleSelector: $selector) { __typename ... on Error { message } }
}
"""
STOP_SCHEDULE = """
mutation StopSchedule($id: String!) {
  stopRunningSchedule(id: $id) { __typename ... on Error { message } }
}
"""
PARTITION = """
query Partition($selector: PipelineSelector!, $key: String!) {
  pipelineOrError(params: $selector) {
    __typename
    ... on Pipeline {
      partitionKeysOrError { partitionKeys }
      partition(partitionName: $key) {
        runConfigOrError {
          __typename ... on PartitionRunConfig { yaml } ... on Error { message }
        }
        tagsOrError {
          __typename ... on PartitionTags { results { key value } } ... on Error { message }
        }
      }
    }
    ... on Error { message }
  }
}
"""
LAUNCH = (
    _RUN_FIELDS
    + """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { ...RunFields } }
    ... on RunConfigValidationInvalid { errors { message path } }
    ... on Error { message }
  }
}
"""
)
STATUS = (
    _RUN_FIELDS
    + """
query Status($runId: ID!) {
  runOrError(runId: $runId) { __typename ...RunFields ... on Error { message } }
}
"""
)
RUN = (
    _RUN_FIELDS
    + _EVENT_FIELDS
    + """
query Run($runId: ID!, $limit: Int) {
  runOrError(runId: $runId) {
    __typename
    ...RunFields
    ... on Run {
      eventConnection(limit: $limit) { ...EventFields }
    }
    ... on Error { message }
  }
}
"""
)
MORE_EVENTS = (
    _EVENT_FIELDS
    + """
query MoreEvents($runId: ID!, $after: String, $limit: Int) {
  logsForRun(runId: $runId, afterCursor: $after, limit: $limit) {
    __typename ...EventFields ... on Error { message }
  }
}
"""
)
LOG = (
    _ERROR_FIELDS
    + """
query Log($runId: ID!, $after: String, $limit: Int) {
  logsForRun(runId: $runId, afterCursor: $after, limit: $limit) {
    __typename
    ... on EventConnection {
      cursor hasMore
      events {
        __typename
        ... on MessageEvent { timestamp level stepKey message }
        ... on ExecutionStepFailureEvent { error { ...ErrorFields } }
        ... on RunFailureEvent { error { ...ErrorFields } }
        ... on EngineEvent { error { ...ErrorFields } }
      }
    }
    ... on Error { message }
  }
}
"""
)
RUNS = (
    _RUN_FIELDS
    + """
query Runs($filter: RunsFilter, $cursor: String, $limit: Int) {
  runsOrError(filter: $filter, cursor: $cursor, limit: $limit) {
    __typename
    ... on Runs { results { ...RunFields } }
    ... on Error { message }
  }
}
"""
)
CANCEL = """
mutation Cancel($runId: String!, $policy: TerminateRunPolicy) {
  terminateRun(runId: $runId, terminatePolicy: $policy) {
    __typename
    ... on TerminateRunFailure { message }
    ... on Error { message }
  }
}
"""
RELOAD = """
mutation Reload($location: String!) {
  reloadRepositoryLocation(repositoryLocationName: $location) { __typename }
}
"""
HEALTH = """
query Health {
  version
  instance { daemonHealth { allDaemonStatuses { daemonType lastHeartbeatTime } } }
}
"""
PLAN = """
query Plan($selector: PipelineSelector!) {
  executionPlanOrError(pipeline: $selector, mode: "default") {
    __typename ... on PythonError { message }
  }
}
"""
BACKFILL = """
mutation Backfill($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on Error { message }
  }
}
"""
CANCEL_BACKFILL = """
mutation CancelBackfill($id: String!) {
  cancelPartitionBackfill(backfillId: $id) {
    __typename
    ... on Error { message }
  }
}
"""
OPEN_BACKFILLS = """
query OpenBackfills {
  partitionBackfillsOrError(filters: {statuses: [REQUESTED]}) {
    __typename
    ... on PartitionBackfills { results { id jobName tags { key value } } }
    ... on Error { message }
  }
}
"""
FIND_BACKFILLS = """
query FindBackfills($filter: RunsFilter!) {
  runsFeedOrError(view: BACKFILLS, filter: $filter, limit: 100) {
    __typename
    ... on RunsFeedConnection {
      results { ... on PartitionBackfill { id status tags { key value } } }
    }
    ... on Error { message }
  }
}
"""
BACKFILL_STATUS = (
    _ERROR_FIELDS
    + """
query BackfillStatus($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    __typename
    ... on PartitionBackfill {
      id status timestamp endTimestamp partitionNames jobName
      tags { key value }
      error { ...ErrorFields }
      partitionStatuses { results { partitionName runId runStatus } }
    }
    ... on Error { message }
  }
}
"""
)
