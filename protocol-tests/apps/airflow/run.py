"""The metadata database: migrated, checked, filled by the command line, a DAG with mapped tasks run, and the oldest rows archived."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

home = Path.cwd()
(home / "dags").mkdir()
(home / "dags/example.py").write_text('''
from datetime import datetime
from airflow.sdk import dag, task, Asset

@dag(dag_id="example", schedule="@daily", start_date=datetime(2024, 1, 1), catchup=False, tags=["a", "b"])
def example():
    @task
    def numbers():
        return [1, 2, 3]

    @task
    def double(n):
        return n * 2

    @task(outlets=[Asset("x://sum")])
    def add(values):
        return sum(values)

    add(double.expand(n=numbers()))

example()
''')
env = os.environ | {
    "AIRFLOW_HOME": str(home), "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": sys.argv[1].replace("postgresql:", "postgresql+psycopg2:"), "AIRFLOW__CORE__FERNET_KEY": "cFd3ckZ4b2pUdmtLd0VhcU9pVk1ybHkzYmhFcmhsUHc=",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False", "COLUMNS": "200",
}  # fmt: skip


def airflow(*words, show=True):
    done = subprocess.run(["airflow", *words], env=env, capture_output=True, text=True)
    print("$", *words, "ended with", done.returncode)
    if done.returncode:
        print(done.stderr[-1500:], file=sys.stderr)
    if show:
        lines = [line for line in done.stdout.splitlines() if not re.match(r"\d{4}-\d\d-\d\dT|\s*$|.*(Warning|warn)", line)]
        print("\n".join(lines).replace(str(home), "HOME"))
    return done


airflow("db", "migrate", show=False)
subprocess.run([os.environ["DUMP"]])
airflow("db", "check", show=False)
airflow("db", "check-migrations", show=False)
airflow("variables", "set", "key", json.dumps({"a": ["é", 1]}))
airflow("variables", "get", "key")
airflow("connections", "add", "db", "--conn-uri", "postgres://u:p@h:5/d?x=1")
airflow("connections", "get", "db", "-o", "plain")
airflow("pools", "set", "small", "2", "few", "-o", "plain")
airflow("pools", "list", "-o", "plain")
airflow("dags", "reserialize", show=False)
airflow("dags", "list", "-o", "plain", "--columns", "dag_id,owners,is_paused")
airflow("dags", "unpause", "example", "-o", "plain")
airflow("tasks", "list", "example")
airflow("dags", "test", "example", "2024-02-03", show=False)
airflow("dags", "state", "example", "2024-02-03")
airflow("tasks", "states-for-dag-run", "example", "2024-02-03", "-o", "plain", show=False)
psql = ["psql", "-X", sys.argv[1], "-c"]
subprocess.run([*psql, "select dag_id, task_id, map_index, state, try_number from task_instance order by 1, 2, 3"])
subprocess.run([*psql, "select dag_id, run_type, state, conf from dag_run"])
subprocess.run([*psql, "select task_id, map_index, key, value from xcom order by 1, 2, 3"])
subprocess.run([*psql, "select dag_id, is_paused, is_stale, timetable_summary, max_active_tasks from dag"])
subprocess.run([*psql, "select name, uri from asset"])
airflow("db", "clean", "--clean-before-timestamp", "2040-01-01", "--skip-archive", "-y", show=False)
airflow("dags", "delete", "example", "-y", show=False)
subprocess.run([*psql, "select (select count(*) from dag) dags, (select count(*) from dag_run) runs, (select count(*) from serialized_dag) serialized, (select count(*) from log) > 0 logged"])
airflow("db", "downgrade", "-n", "3.0.0", "-y", show=False)
subprocess.run([os.environ["DUMP"]])
airflow("db", "migrate", show=False)
