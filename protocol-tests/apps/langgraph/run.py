"""The checkpointer and the store, synchronous and not: set up twice, threads written, read back, listed, pruned, deleted."""

import asyncio
import sys

import psycopg
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.store.base import GetOp, ListNamespacesOp, MatchCondition, PutOp, SearchOp
from langgraph.store.postgres import AsyncPostgresStore, PostgresStore


def checkpoint(n):
    return dict(empty_checkpoint(), id=f"1ef{n:05}", ts=f"2024-01-01T00:00:{n:02}Z", channel_values={"text": f"v{n}", "list": [n, {"a": None}], "raw": b"\0\1"}, channel_versions={"text": f"{n:03}", "list": f"{n:03}", "raw": "001"})


def shown(found):
    return found and (found.checkpoint["id"], sorted(found.checkpoint["channel_values"].items()), {k: v for k, v in found.metadata.items()}, found.pending_writes, (found.parent_config or {}).get("configurable", {}).get("checkpoint_id"))


with PostgresSaver.from_conn_string(sys.argv[1]) as saver:
    saver.setup(), saver.setup()
    config = {"configurable": {"thread_id": "t1", "checkpoint_ns": ""}}
    for n in range(5):
        config = saver.put(config, checkpoint(n), {"source": "loop", "step": n, "writes": {"x\0y" if n == 4 else "x": n}, "tag": "even" if n % 2 == 0 else "odd"}, checkpoint(n)["channel_versions"])
        saver.put_writes(config, [("text", f"w{n}"), ("other", {"n": n}), ("__error__", "boom")], f"task{n}", "path")
    saver.put({"configurable": {"thread_id": "t2", "checkpoint_ns": "child|1"}}, checkpoint(9), {"source": "input", "step": -1}, checkpoint(9)["channel_versions"])
    thread = {"configurable": {"thread_id": "t1"}}
    print(shown(saver.get_tuple(thread)), shown(saver.get_tuple({"configurable": {"thread_id": "t1", "checkpoint_id": "1ef00002"}})), shown(saver.get_tuple({"configurable": {"thread_id": "none"}})), sep="\n")
    print([c.checkpoint["id"] for c in saver.list(thread, filter={"tag": "even"}, limit=2)], [c.checkpoint["id"] for c in saver.list(None)], [c.checkpoint["id"] for c in saver.list(thread, before={"configurable": {"checkpoint_id": "1ef00003"}})])
    saver.delete_thread("t1")
    print([c.checkpoint["id"] for c in saver.list(None)])


async def again():
    async with AsyncPostgresSaver.from_conn_string(sys.argv[1]) as saver:
        await saver.setup()
        config = {"configurable": {"thread_id": "a", "checkpoint_ns": ""}}
        configs = await asyncio.gather(*(saver.aput({"configurable": {"thread_id": f"a{n}", "checkpoint_ns": ""}}, checkpoint(n), {"step": n}, checkpoint(n)["channel_versions"]) for n in range(4)))
        await saver.aput_writes(configs[0], [("text", 1)], "t")
        print([shown(await saver.aget_tuple(c)) for c in configs], sorted([c.checkpoint["id"] async for c in saver.alist(None)]), sep="\n")
    async with AsyncPostgresStore.from_conn_string(sys.argv[1]) as store:
        await store.setup()
        await store.aput(("docs", "a"), "k", {"x": 1})
        print((await store.aget(("docs", "a"), "k")).value, await store.aget(("docs",), "none"))


asyncio.run(again())
with PostgresStore.from_conn_string(sys.argv[1]) as store:
    store.setup()
    for n in range(6):
        store.put(("users", f"u{n % 2}", "notes"), f"n{n}", {"n": n, "kind": "a" if n < 3 else "b", "nested": {"deep": n}}, ttl=None)
    print([i.key for i in store.search(("users",), filter={"kind": "a"})], [i.key for i in store.search(("users", "u1"), filter={"n": {"$gte": 3}})], [i.key for i in store.search(("users",), limit=2, offset=1)] != [])
    print(store.list_namespaces(prefix=("users",)), store.list_namespaces(suffix=("notes",), max_depth=2), store.list_namespaces(prefix=("*", "u1")))
    print(store.batch([GetOp(("users", "u0", "notes"), "n2"), PutOp(("users", "u0", "notes"), "n0", None), PutOp(("x",), "k", {"é": "\u2028"}), ListNamespacesOp(match_conditions=(MatchCondition("prefix", ("x",)),)), SearchOp(("nothing",))])[3:])
    print([i.key for i in store.search(("users", "u0"))], store.get(("x",), "k").value)
with psycopg.connect(sys.argv[1]) as conn:
    print(conn.execute("select v from checkpoint_migrations order by v").fetchall(), conn.execute("select thread_id, channel, version, type from checkpoint_blobs order by 1, 2, 3 limit 4").fetchall(), conn.execute("select prefix, key, value from store order by 1, 2").fetchall())
