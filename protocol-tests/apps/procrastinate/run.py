"""Its schema, then jobs that are deferred, locked, scheduled, fail, are retried, cancelled and kept, as a worker runs them."""

import asyncio
import datetime as dt
import os
import subprocess
import sys

import procrastinate

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=sys.argv[1], min_size=1, max_size=4))
done, tries = [], []


@app.task(queue="sums", pass_context=True)
async def add(context, a, b):
    done.append(a + b)


@app.task(queue="sums", retry=procrastinate.RetryStrategy(max_attempts=3, wait=0))
async def flaky(n):
    tries.append(n)
    if len(tries) < 3:
        raise ValueError("not yet")


@app.task(queue="bad")
async def broken():
    raise ValueError("never")


@app.periodic(cron="0 * * * *")
@app.task(queue="hourly")
async def hourly(timestamp):
    pass


async def jobs(**which):
    found = await app.job_manager.list_jobs_async(**which)
    return sorted(((j.task_name.rpartition(".")[2], j.status, j.attempts, j.lock, j.queueing_lock, j.priority, j.task_kwargs) for j in found), key=str)


async def main():
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        subprocess.run([os.environ["DUMP"]], check=True)
        print(await app.check_connection_async())
        for n in range(5):
            await add.configure(lock=f"l{n % 2}", priority=n).defer_async(a=n, b=1)
        await add.configure(queueing_lock="one").defer_async(a=10, b=1)
        try:
            await add.configure(queueing_lock="one").defer_async(a=11, b=1)
        except procrastinate.exceptions.AlreadyEnqueued as error:
            print("AlreadyEnqueued", error)
        later = await add.configure(schedule_at=dt.datetime(2100, 1, 1, tzinfo=dt.UTC)).defer_async(a=100, b=1)
        print(await add.batch_defer_async({"a": 20, "b": 1}, {"a": 21, "b": 1}))
        await flaky.defer_async(n=1)
        await broken.defer_async()
        print(await jobs(queue="sums"))
        await app.run_worker_async(queues=["sums", "bad"], wait=False, concurrency=1, install_signal_handlers=False, delete_jobs="never")
        print(sorted(done), len(tries))
        print(await jobs())
        print(await app.job_manager.cancel_job_by_id_async(later), await jobs(status="cancelled"))
        print([(q["name"], q["jobs_count"], q["todo"], q["succeeded"], q["failed"]) for q in await app.job_manager.list_queues_async()])
        print([(t["name"].rpartition(".")[2], t["jobs_count"], t["failed"]) for t in await app.job_manager.list_tasks_async()])
        print([lock["name"] for lock in await app.job_manager.list_locks_async()])
        failed = [j async for j in aiter_of(await app.job_manager.list_jobs_async(status="failed"))]
        await app.job_manager.retry_job_by_id_async(failed[0].id, dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        print(await jobs(status="todo"))
        await app.job_manager.delete_old_jobs(nb_hours=0, include_failed=True)
        print(await jobs())
        stalled = await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=1)
        print(list(stalled))
        worker = asyncio.create_task(app.run_worker_async(queues=["sums"], concurrency=2, install_signal_handlers=False, listen_notify=True))
        await asyncio.sleep(1)
        await add.defer_async(a=1000, b=1)
        for _ in range(100):
            if 1001 in done:
                break
            await asyncio.sleep(0.1)
        print(1001 in done)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def aiter_of(items):
    for item in items:
        yield item


asyncio.run(main())
