"""The tracking store and the model registry on a database: all migrations, runs, metrics, searches, versions, deletion, a downgrade."""

import os
import subprocess
import sys

os.environ["MLFLOW_TRACKING_URI"] = url = sys.argv[1].replace("postgresql:", "postgresql+psycopg2:")
os.environ.update(GIT_PYTHON_REFRESH="quiet", MLFLOW_ENABLE_ASYNC_TRACE_LOGGING="false")
done = subprocess.run(["mlflow", "db", "upgrade", url], capture_output=True, text=True)
print("db upgrade", done.returncode, done.stderr[-2000:] if done.returncode else "", flush=True)
subprocess.run([os.environ["DUMP"]], check=True)
if done.returncode:
    sys.exit(1)
import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType

client = MlflowClient()
experiment = client.create_experiment("first", artifact_location="file:///tmp/none", tags={"team": "a"})
ids = []
for n in range(6):
    run = client.create_run(experiment, start_time=1000 + n, tags={"kind": "even" if n % 2 == 0 else "odd", "mlflow.user": "me"}, run_name=f"run {n}")
    ids.append(run.info.run_id)
    client.log_batch(run.info.run_id, metrics=[Metric("loss", v, 2000 + s, s) for s, v in enumerate([1 / (n + 1), float("nan"), float("inf"), n / 7])], params=[Param("lr", str(n / 10)), Param("long", "x" * 5000)], tags=[RunTag("note", "é'\"")])
    client.log_metric(run.info.run_id, "acc", n / 6, 3000, 1)
    client.set_terminated(run.info.run_id, "FINISHED" if n else "FAILED", 5000)
show = lambda runs: print([(r.info.run_name, r.info.status, sorted(r.data.metrics.items()), r.data.params.get("lr")) for r in runs], flush=True)
show(client.search_runs(experiment, "metrics.acc > 0.3 and params.lr like '0.%' and tags.kind = 'odd'", order_by=["metrics.acc DESC"]))
show(client.search_runs(experiment, "tags.kind ilike 'EV%'", order_by=["params.lr ASC", "metrics.loss DESC"], max_results=2))
page = client.search_runs(experiment, "run_name != 'run 1'", order_by=["attributes.start_time"], max_results=2)
show(page), show(client.search_runs(experiment, "run_name != 'run 1'", order_by=["attributes.start_time"], max_results=2, page_token=page.token))
print([(m.step, m.value) for m in client.get_metric_history(ids[3], "loss")], client.get_run(ids[0]).data.tags["note"])
for wrong in (lambda: client.log_param(ids[0], "lr", "other"), lambda: client.create_experiment("first"), lambda: client.get_run("0" * 32), lambda: client.search_runs(experiment, "nothing = 1")):
    try:
        wrong()
    except Exception as error:
        print(type(error).__name__, str(error).split("\n")[0][:150].replace(ids[0], "ID"))
client.delete_run(ids[0]), client.set_tag(ids[1], "t", "v"), client.delete_tag(ids[1], "t"), client.rename_experiment(experiment, "renamed")
print(len(client.search_runs(experiment, run_view_type=ViewType.DELETED_ONLY)), [e.name for e in client.search_experiments(filter_string="tags.team = 'a'", order_by=["name DESC"])], client.restore_run(ids[0]))
client.create_registered_model("model", tags={"k": "v"}, description="d")
for n in range(3):
    client.create_model_version("model", f"file:///tmp/none/{n}", tags={"n": str(n)})
client.set_registered_model_alias("model", "best", 2), client.set_model_version_tag("model", 1, "good", "yes"), client.transition_model_version_stage("model", 3, "Production", archive_existing_versions=True)
print(client.get_model_version_by_alias("model", "best").version, [(v.version, v.current_stage, v.tags) for v in client.search_model_versions("name='model'", order_by=["version_number DESC"])], [(m.name, m.aliases, [v.version for v in m.latest_versions]) for m in client.search_registered_models("name ilike 'MOD%'")])
client.rename_registered_model("model", "other"), client.delete_model_version("other", 1)
print([v.version for v in client.search_model_versions("name='other'")], client.delete_registered_model("other"), client.search_registered_models())
mlflow.set_experiment("traces")
with mlflow.start_span("root", attributes={"a": 1}) as span:
    span.set_inputs({"q": "x"}), mlflow.update_current_trace(tags={"t": "1"})
print(len(mlflow.search_traces(return_type="list", filter_string="tag.t = '1'")))
client.delete_experiment(experiment)
done = subprocess.run(["mlflow", "gc", "--backend-store-uri", url, "--experiment-ids", experiment], capture_output=True, text=True)
print("gc", done.returncode, done.stderr[-500:].replace(ids[0], "ID") if done.returncode else "", [e.name for e in client.search_experiments(view_type=ViewType.ALL)])
