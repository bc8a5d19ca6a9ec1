kedro run
