"""Its command's schema, jobs and schedules enqueued and worked off by its manager, its statistics, uninstalled."""

import asyncio
import os
import subprocess
import sys
from datetime import timedelta

import asyncpg
from pgqueuer import AsyncpgDriver, PgQueuer, Queries
from pgqueuer.models import Job


def command(*words):
    done = subprocess.run(["pgq", "--pg-dsn", sys.argv[1], *words], capture_output=True, text=True, env=dict(os.environ, COLUMNS="200"))
    print(*words, "->", done.returncode, done.stdout if done.returncode else len(done.stdout.splitlines()), flush=True)


for words in ("verify --expect present", "install", "verify --expect present", "upgrade", "durability volatile", "durability durable", "autovac", "queue fetch hello"):
    command(*words.split())
subprocess.run([os.environ["DUMP"]], check=True)


async def main():
    connection = await asyncpg.connect(sys.argv[1])
    driver = AsyncpgDriver(connection)
    queries, manager, seen = Queries(driver), PgQueuer(driver), []

    @manager.entrypoint("fetch")
    async def fetch(job: Job):
        seen.append((job.id, job.priority, job.payload))
        if job.payload == b"wrong":
            raise ValueError("wrong")
        if len(seen) == 11:
            manager.shutdown.set()

    @manager.schedule("tick", "* * * * *")
    async def tick(schedule):
        pass

    print(await queries.enqueue(["fetch"] * 10, [f"{n}".encode() for n in range(9)] + [b"wrong"], [n % 3 for n in range(10)]))
    print(await queries.enqueue("fetch", b"later", 0, timedelta(hours=1)), await queries.enqueue("fetch", None, 5, dedupe_key="one"))
    try:
        await queries.enqueue("fetch", None, 5, dedupe_key="one")
    except Exception as error:
        print(type(error).__name__)
    print(sorted((s.entrypoint, s.priority, s.status, s.count) for s in await queries.queue_size()))
    await asyncio.wait_for(manager.run(), 60)
    print(sorted(seen), [payload for _, priority, payload in seen if priority == 5])
    print(sorted((s.entrypoint, s.priority, s.status, s.count) for s in await queries.queue_size()), sorted((l.job_id, l.status) for l in await queries.queue_log()))
    print(await queries.schema_is_installed(), await queries.has_table("pgqueuer"), await queries.has_trigger("tg_pgqueuer_changed"), await queries.table_has_column("pgqueuer", "nothing"), await queries.has_user_defined_enum("picked", "pgqueuer_status"))
    print([(s.entrypoint, s.expression) for s in await queries.peek_schedule()], len(await queries.log_statistics(10)) > 0, len(await queries.queue_age()))
    await queries.mark_job_as_cancelled([11]), await queries.clear_queue(), await queries.clear_statistics_log()
    print(await queries.queue_size())
    await connection.close()


asyncio.run(main())
for words in ("failed", "backlog", "workers", "stale", "uninstall", "verify --expect absent"):
    command(*words.split())
