"""The server's migrations up, a flow with tasks, retries and subflows run against it, deployments, blocks, variables, filters; migrations down."""

import asyncio
import os
import subprocess
import sys

os.environ.update(PREFECT_API_DATABASE_CONNECTION_URL=sys.argv[1].replace("postgresql:", "postgresql+asyncpg:"), PREFECT_SERVER_ANALYTICS_ENABLED="false", PREFECT_LOGGING_LEVEL="CRITICAL", PREFECT_SERVER_LOGGING_LEVEL="CRITICAL", PREFECT_SERVER_ALLOW_EPHEMERAL_MODE="true", PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS="120", PREFECT_LOGGING_TO_API_ENABLED="false", DO_NOT_TRACK="1")


def command(*words):
    done = subprocess.run(["prefect", *words], capture_output=True, text=True)
    print("prefect", *words, "->", done.returncode, (done.stdout + done.stderr)[-2500:] if done.returncode else "", flush=True)
    return done.returncode


failed = command("server", "database", "upgrade", "-y")
subprocess.run([os.environ["DUMP"]], check=True)
if failed:
    sys.exit(1)
import prefect
from prefect import flow, get_client, task
from prefect.client.schemas import filters, sorting
from prefect.variables import Variable

tries = []


@task(retries=2, retry_delay_seconds=0, tags=["t"])
def shaky(n):
    tries.append(n)
    if n == 2 and tries.count(2) < 2:
        raise ValueError(n)
    return n * 2


@flow(name="inner")
def inner(a):
    return shaky(a)


@flow(name="outer", retries=0)
def outer(n: int = 3):
    return [shaky(i) for i in range(n)] + [inner(7)]


@flow(name="wrong")
def wrong():
    raise RuntimeError("no")


async def look():
    async with get_client() as client:
        runs = await client.read_flow_runs(sort=sorting.FlowRunSort.START_TIME_ASC)
        print([(r.state_name, r.run_count, r.parameters) for r in runs])
        tasks = await client.read_task_runs(flow_filter=filters.FlowFilter(name=filters.FlowFilterName(like_="out")), sort=sorting.TaskRunSort.NAME_ASC)
        print(sorted((t.name.rsplit("-", 1)[0], t.state_name, t.run_count) for t in tasks))
        flows = await client.read_flows(flow_filter=filters.FlowFilter(name=filters.FlowFilterName(any_=["outer", "wrong"])))
        print(sorted(f.name for f in flows), await client.count_flow_runs(flow_run_filter=filters.FlowRunFilter(state=filters.FlowRunFilterState(type=filters.FlowRunFilterStateType(any_=["FAILED"])))))
        deployment = await client.create_deployment(flow_id=next(f.id for f in flows if f.name == "outer"), name="d", tags=["x", "y"], parameters={"n": 1}, work_queue_name="q", schedules=[])
        await client.create_flow_run_from_deployment(deployment, parameters={"n": 2}, idempotency_key="k"), await client.create_flow_run_from_deployment(deployment, idempotency_key="k")
        print([(d.name, d.tags, d.work_queue_name) for d in await client.read_deployments(deployment_filter=filters.DeploymentFilter(tags=filters.DeploymentFilterTags(all_=["x"])))], len(await client.read_flow_runs(flow_run_filter=filters.FlowRunFilter(deployment_id=filters.FlowRunFilterDeploymentId(any_=[deployment])))))
        await client.create_concurrency_limit(tag="t", concurrency_limit=3)
        await client.create_global_concurrency_limit(prefect.client.schemas.actions.GlobalConcurrencyLimitCreate(name="g", limit=2, slot_decay_per_second=0.5))
        print((await client.read_concurrency_limit_by_tag("t")).concurrency_limit, (await client.increment_concurrency_slots(names=["g"], slots=2, mode="concurrency")).json()[0]["limit"])
        await client.delete_deployment(deployment)


print(outer(), prefect.__version__)
try:
    wrong()
except RuntimeError as error:
    print(error)
Variable.set("v", {"a": [1]}, tags=["z"]), Variable.set("v", 5, overwrite=True)
print(Variable.get("v"), Variable.get("none", default=1))
asyncio.run(look())
from prefect.blocks.system import Secret

Secret(value="hidden").save("s"), Secret(value="other").save("s", overwrite=True)
print(Secret.load("s").get())
command("server", "database", "downgrade", "-y", "-r", "-2")
command("server", "database", "upgrade", "-y")
command("server", "database", "reset", "-y")
