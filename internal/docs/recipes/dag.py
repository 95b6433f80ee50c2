"""Airflow 3: a sync every night, then a check that no table is older than 26 hours.

The worker needs the paylake binary on its PATH, the configuration file, and the
secret key in its environment (or `api_key: {command: [...]}` in the configuration).
When Airflow stops a task it sends SIGTERM: paylake commits what is proven and ends.
A retry goes on where the try before it stopped.
"""

import os
from datetime import datetime, timedelta, timezone

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

CONFIG = os.environ.get("PAYLAKE_CONFIG", "/etc/paylake/paylake.yaml")

with DAG(
    dag_id="paylake",
    schedule="17 5 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,  # two syncs of one connection would share its rate limit
    default_args={"env": {"PAYLAKE_TRIGGER": "airflow"}, "append_env": True},
) as dag:
    sync = BashOperator(
        task_id="sync",
        # Exit code 3 (rejects, a stream or window failed) and 5 (configuration) fail
        # the task; the log names what is wrong.
        bash_command=f"exec paylake sync --config '{CONFIG}' --quiet",
        retries=2,
        retry_delay=timedelta(minutes=15),
        execution_timeout=timedelta(hours=12),
    )
    fresh = BashOperator(
        task_id="fresh",
        bash_command=f"exec paylake status --config '{CONFIG}' --max-lag 26h",
        trigger_rule="all_done",
    )
    sync >> fresh
