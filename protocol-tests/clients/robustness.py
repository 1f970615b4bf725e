"""Clients that misbehave: silence, garbage, half messages, sudden ends. The server must go on answering others.

Needs nothing but Python. PGSERVER_PID, when set, is watched for memory growth.
"""

import os
import random
import resource
import socket
import struct
import time

ADDRESS = (os.environ["PGHOST"], int(os.environ["PGPORT"]))
STARTUP = b"\0\x03\0\0user\0postgres\0database\0postgres\0\0"
STARTUP = struct.pack(">I", len(STARTUP) + 4) + STARTUP
chance = random.Random(7)
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def connect(start=True):
    conn = socket.create_connection(ADDRESS, timeout=10)
    if start:
        conn.sendall(STARTUP)
        ready(conn)
    return conn


def ready(conn):
    seen = b""
    while seen[-6:-1] != b"Z\0\0\0\5":
        chunk = conn.recv(65536)
        assert chunk, seen
        seen += chunk
    return seen


def query(conn, sql):
    body = sql.encode() + b"\0"
    conn.sendall(b"Q" + struct.pack(">I", len(body) + 4) + body)
    return ready(conn)


def alive(what):
    started = time.time()
    while True:
        try:
            conn = connect()
            break
        except (ConnectionError, AssertionError):
            # Amid a flood from its address a newcomer may be turned away before it is heard.
            assert time.time() - started < 5, f"{what}: nobody gets in"
    assert b"4711" in query(conn, "select 4711"), what
    conn.close()
    assert time.time() - started < 5, f"{what}: {time.time() - started:.1f} s for one query"


def memory():
    pid = os.environ.get("PGSERVER_PID")
    if not pid:
        return 0
    return int(open(f"/proc/{pid}/status").read().split("VmRSS:")[1].split()[0]) / 1024


def quiet_end(conn, data):
    """Sends bytes and reads whatever comes until the end or a short silence; never hangs."""
    try:
        conn.sendall(data)
        conn.settimeout(0.02)
        while conn.recv(65536):
            pass
    except OSError:
        pass
    conn.close()


def silent_connections():
    conns = [connect(start=False) for _ in range(1000)]
    alive("beside 1,000 silent connections")
    for conn in conns:
        conn.close()
    alive("after 1,000 silent connections")


def garbage_at_startup():
    for _ in range(200):
        quiet_end(connect(start=False), chance.randbytes(chance.randrange(1, 200)))
    for length in (0, 1, 7, 8, 9, 10_000, 10_001, 0x7FFFFFFF, 0xFFFFFFFF):
        quiet_end(connect(start=False), struct.pack(">I", length) + b"\0\x03\0\0" + b"x" * 50)
    alive("after garbage at start-up")


def garbage_frames():
    for _ in range(300):
        kind = chance.choice(b"QPBDECSHXdcfFp\0~zZ")
        body = chance.randbytes(chance.randrange(0, 60))
        length = chance.choice([len(body) + 4] * 6 + [0, 3, 4, len(body), 0x3FFFFFFF, 0x7FFFFFFF, 0xFFFFFFFF])
        data = bytes([kind]) + struct.pack(">I", length) + body
        if chance.random() < 0.5:
            data += b"S\0\0\0\4"
        quiet_end(connect(), data)
    alive("after garbage frames")


def hostile_messages():
    """Well-formed frames whose content is extreme."""
    frame = lambda tag, body: tag + struct.pack(">I", len(body) + 4) + body
    sync = b"S\0\0\0\4"
    cases = [
        frame(b"P", b"\0select 1\0" + struct.pack(">H", 65535)),
        frame(b"P", b"s\0select $65535\0\0\0"),
        frame(b"P", b"s\0select $99999999999\0\0\0"),
        frame(b"B", b"\0\0" + struct.pack(">HH", 0, 65535)),
        frame(b"B", b"\0\0" + struct.pack(">H", 65535) + b"\0\1" * 65535),
        frame(b"E", b"\0" + b"\xff\xff\xff\xff"),
        frame(b"Q", b"select " + b"(" * 50_000 + b"1" + b")" * 50_000 + b"\0"),
        frame(b"Q", b"select " + b"1+" * 50_000 + b"1\0"),
        frame(b"Q", b"select " + b"-" * 50_000 + b"1\0"),
        frame(b"Q", b"select " + b"not " * 50_000 + b"true\0"),
        frame(b"Q", b"select array" + b"[" * 20_000 + b"1" + b"]" * 20_000 + b"\0"),
        frame(b"Q", b"select '" + b"[" * 100_000 + b"'::jsonb\0"),
        frame(b"Q", b"select 1" + b",1" * 5_000 + b"\0"),
        frame(b"Q", b"select repeat('x', 2000000000)\0"),
        frame(b"Q", b"select lpad('x', 2000000000, 'y')\0"),
        frame(b"Q", b"select 10::numeric ^ 100000\0"),
        frame(b"Q", b"select '1e100000000'::numeric\0"),
        frame(b"Q", b"select 'x' ~ '" + b"(" * 10_000 + b"\0"),
        frame(b"Q", b"select 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' ~ '(a+)+$'\0"),
        frame(b"Q", b";" * 100_000 + b"\0"),
        frame(b"Q", b"select '\xff\xfe'\0"),
        frame(b"Q", b"/*" * 2_000 + b"\0"),
        frame(b"Q", b"select " + b"case when true then " * 5_000 + b"1" + b" end" * 5_000 + b"\0"),
        frame(b"Q", b"with " + b",".join(b"c%d as (select 1)" % i for i in range(2_000)) + b" select 1\0"),
        frame(b"Q", b"select * from " + b"(select * from " * 500 + b"(select 1) x" + b") x" * 500 + b"\0"),
    ]
    for case in cases:
        conn = connect()
        conn.settimeout(20)
        conn.sendall(case + (sync if case[:1] in b"PBE" else b""))
        try:
            seen = b""
            while seen[-6:-1] != b"Z\0\0\0\5":
                chunk = conn.recv(1 << 20)
                if not chunk:
                    break
                seen = (seen + chunk)[-100_000:]
        except TimeoutError:
            raise AssertionError(f"no answer within 20 s to {case[:60]!r}") from None
        conn.close()
        alive(f"after {case[:60]!r}")


def sudden_ends():
    conn = connect()
    query(conn, "drop table if exists rb_t; create table rb_t (i int primary key)")
    for sql in ("begin; insert into rb_t values (1)", "copy rb_t from stdin", "select pg_sleep(30)", "select * from generate_series(1, 100000000)"):
        other = connect()
        body = sql.encode() + b"\0"
        other.sendall(b"Q" + struct.pack(">I", len(body) + 4) + body)
        time.sleep(0.1)
        other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        other.close()
    time.sleep(0.2)
    assert b"INSERT 0 1" in query(conn, "insert into rb_t values (1)"), "a vanished client keeps its lock"
    query(conn, "drop table rb_t")
    conn.close()


def misbehave():
    silent_connections()
    garbage_at_startup()
    garbage_frames()
    hostile_messages()
    sudden_ends()


# Stacks and the allocator's caches come and go by tens of megabytes; a leak is in every round.
misbehave()
before = memory()
after = []
for _ in range(3):
    misbehave()
    after.append(memory() - before)
assert min(after) < 100, f"memory grew by {after} MB"
print("PASS")
