"""The schema by its command, jobs deferred in every way and worked off, failed ones retried, stalled ones found, periodic ones."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

Path("tasks.py").write_text('''
import os, procrastinate, asyncio
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ["URL"]))
done = []

@app.task(queue="sums", pass_context=True, priority=3)
async def add(context, a, b):
    done.append(("add", a, b, context.job.attempts))

@app.task(queue="sums", retry=procrastinate.RetryStrategy(max_attempts=2, wait=0), lock="one")
def fails(n):
    done.append(("fails", n))
    raise ValueError(n)

@app.task(queue="other", queueing_lock="only")
async def once():
    done.append(("once",))

@app.periodic(cron="* * * * * */1", periodic_id="tick")
@app.task
async def tick(timestamp):
    done.append(("tick",))
''')
os.environ["URL"] = sys.argv[1]
sys.path.insert(0, ".")


def command(*words):
    done = subprocess.run(["procrastinate", "--app", "tasks.app", *words], capture_output=True, text=True, env=dict(os.environ, PYTHONPATH="."))
    print(*words, "->", done.returncode, [line for line in done.stdout.splitlines() if "time" not in line], flush=True)


command("healthchecks")
command("schema", "--apply")
subprocess.run([os.environ["DUMP"]], check=True)
command("healthchecks")
command("defer", "tasks.add", '{"a": 1, "b": 2}')
command("defer", "--in", "3600", "tasks.add", '{"a": 7, "b": 7}')

import procrastinate
import psycopg
import tasks


async def main():
    app = tasks.app
    async with app.open_async():
        await tasks.add.defer_async(a=3, b=4)
        await tasks.add.configure(priority=9, lock="l", schedule_in={"hours": 2}).defer_async(a=5, b=6)
        print(await tasks.add.batch_defer_async({"a": 8, "b": 8}, {"a": 9, "b": 9}), await tasks.fails.defer_async(n=1), await tasks.once.defer_async())
        try:
            await tasks.once.defer_async()
        except procrastinate.exceptions.AlreadyEnqueued as error:
            print(type(error).__name__, error)
        manager = app.job_manager
        await app.run_worker_async(queues=["sums", "other"], wait=False, concurrency=2, install_signal_handlers=False, listen_notify=True, delete_jobs="never")
        print(sorted(map(repr, tasks.done)))
        for status in ("succeeded", "failed", "todo"):
            print(status, sorted((j.id, j.task_name, j.priority, j.attempts, j.status) for j in await manager.list_jobs_async(status=status)))
        print(list(await manager.list_queues_async()), list(await manager.list_tasks_async()), list(await manager.list_locks_async()), sep="\n")
        failed = next(iter(await manager.list_jobs_async(task="tasks.once")))
        print(await manager.cancel_job_by_id_async(2), await manager.cancel_job_by_id_async(999), await manager.get_job_status_async(2), len(list(await manager.get_stalled_jobs(nb_seconds=0))))
        await manager.retry_job_by_id_async(failed.id, retry_at=procrastinate.utils.utcnow())
        print([j.status for j in await manager.list_jobs_async(id=failed.id)])
        # What waits is woken by a notification.
        worker = asyncio.create_task(app.run_worker_async(queues=["sums"], fetch_job_polling_interval=60, install_signal_handlers=False))
        await asyncio.sleep(1)
        tasks.done.clear()
        await tasks.add.defer_async(a="woken", b=0)
        for _ in range(100):
            await asyncio.sleep(0.1)
            if tasks.done:
                break
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
        print([d for d in tasks.done if d[0] == "add"])
    with psycopg.connect(sys.argv[1]) as conn:
        print(conn.execute("select job_id, type, count(*) from procrastinate_events group by 1, 2 order by 1, 2").fetchall(), conn.execute("select count(*) from procrastinate_workers").fetchone())
        for sql in ("select procrastinate_cancel_job_v1(4, true, false)", "insert into procrastinate_jobs (task_name, queue_name, priority, status) values ('t', 'q', 1, 'wrong')", "select procrastinate_finish_job_v1(4, 'todo', false)"):
            try:
                with conn.transaction():
                    print(conn.execute(sql).fetchall())
            except psycopg.Error as error:
                print(type(error).__name__, error)


asyncio.run(main())
