"""The servers that scripts measure and try, and connections to them that speak just enough of the simple protocol."""

import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PG_BIN = Path(os.environ.get("PG_BIN", "/usr/lib/postgresql/15/bin"))
TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def as_postgres(command):
    """A server refuses to run as root; the user postgres owns it then."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command] if os.getuid() == 0 else command


def children(pid):
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


class Server:
    """A running server: its address, its processes, its files."""

    def __init__(self, name):
        self.name = name
        self.port = free_port()
        self.directory = Path(tempfile.mkdtemp(prefix=f"bench-{name}-"))
        self.process = None
        self.start_up = []

    def command(self):
        raise NotImplementedError

    def environment(self):
        return dict(os.environ)

    def start(self):
        started = time.perf_counter()
        log = open(self.directory / "log", "ab")
        self.process = subprocess.Popen(self.command(), cwd=self.directory, env=self.environment(), stdout=log, stderr=log)
        while True:
            try:
                if self.hello():
                    break
            except OSError:
                pass
            if self.process.poll() is not None:
                sys.exit(f"{self.name} ended:\n{(self.directory / 'log').read_text()[-2000:]}")
            time.sleep(0.001)
        self.start_up.append(time.perf_counter() - started)

    def hello(self):
        """Whether a session can be opened: a start-up packet is answered with something but an error."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as conn:
            conn.sendall(STARTUP)
            return conn.recv(1) == b"R"

    def stop(self):
        self.process.send_signal(2)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def processes(self):
        """Every process of the server."""
        pids, wave = {self.process.pid}, [self.process.pid]
        while wave:
            wave = [child for pid in wave for child in children(pid)]
            pids.update(wave)
        return pids

    def cpu(self):
        """Seconds of CPU used so far, ended children included."""
        total = 0
        for pid in self.processes():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            total += int(fields[11]) + int(fields[12])
            if pid == self.process.pid:
                total += int(fields[13]) + int(fields[14])
        return total / TICK

    def memory(self):
        """Resident memory in MB; what processes share is counted once (PSS)."""
        total = 0
        for pid in self.processes():
            try:
                text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:
                continue
            total += int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1])
        return total / 1024

    def url(self, database="bench"):
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"] + (["-d", database] if database else [])

    def psql(self, sql, database="bench", **kwargs):
        command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *self.url(database), "-c", sql]
        done = subprocess.run(command, capture_output=True, text=True, **kwargs)
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        return done.stdout.strip()


class Postgres(Server):
    def __init__(self, name="postgres"):
        super().__init__(name)
        if os.getuid() == 0:
            shutil.chown(self.directory, "postgres")
        self.directory.chmod(0o755)
        initdb = [PG_BIN / "initdb", "-D", self.directory / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        subprocess.run(as_postgres([str(part) for part in initdb]), check=True, stdout=subprocess.DEVNULL, cwd="/")
        with open(self.directory / "data/postgresql.conf", "a") as conf:
            # Room for the connection tests; everything else is PostgreSQL's default.
            conf.write("max_connections = 1100\n")

    def command(self):
        args = ["-D", f"{self.directory}/data", "-p", str(self.port), "-k", str(self.directory), "-c", "listen_addresses=127.0.0.1"]
        return as_postgres([str(PG_BIN / "postgres"), *args])

    def binary(self):
        return PG_BIN / "postgres"


class Pgserver(Server):
    def __init__(self, name="pgserver", **settings):
        super().__init__(name)
        self.settings = settings

    def command(self):
        return [str(self.binary())]

    def environment(self):
        address = {"PG_HOST": "127.0.0.1", "PG_PORT": str(self.port), "PG_USER": "postgres", "DB_NAME": "postgres"}
        return address | {"PATH": os.environ["PATH"]} | self.settings

    def binary(self):
        return Path(os.environ.get("PGSERVER", ROOT / "target/release/pgserver"))


def startup(database):
    """A start-up packet."""
    packet = b"\0\x03\0\0user\0postgres\0database\0" + database.encode() + b"\0\0"
    return (len(packet) + 4).to_bytes(4, "big") + packet


STARTUP = startup("postgres")


def read_until_ready(conn):
    """The messages up to ReadyForQuery."""
    seen = b""
    while not (len(seen) >= 6 and seen[-6:-1] == b"Z\0\0\0\5"):
        chunk = conn.recv(65536)
        if not chunk:
            raise ConnectionError(f"closed after {text(seen)}")
        seen += chunk
    return seen


def text(answer):
    """An answer's bytes for a person."""
    return answer.replace(b"\0", b" ").decode(errors="replace")


def errors(answer):
    """The ErrorResponses among an answer's messages."""
    while len(answer) >= 5:
        length = 1 + int.from_bytes(answer[1:5], "big")
        if answer[:1] == b"E":
            yield answer[5:length]
        answer = answer[length:]


class Connection:
    """A session, in the database postgres unless another one is named."""

    def __init__(self, port, timeout=30, database="postgres"):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.unread = b""
        self.socket.sendall(startup(database))
        # BackendKeyData comes right before the ReadyForQuery of six bytes.
        self.pid, self.secret = struct.unpack("!ii", self.read()[-14:-6])

    def read(self):
        """The messages up to ReadyForQuery, and those that have come unasked before."""
        at = 0
        while True:
            while len(self.unread) >= at + 5:
                end = at + 1 + int.from_bytes(self.unread[at + 1 : at + 5], "big")
                if len(self.unread) < end:
                    break
                if self.unread[at : at + 1] == b"Z":
                    answer, self.unread = self.unread[:end], self.unread[end:]
                    return answer
                at = end
            chunk = self.socket.recv(65536)
            if not chunk:
                raise ConnectionError(f"closed after {text(self.unread)}")
            self.unread += chunk

    def send(self, kind, body):
        """Sends one message."""
        self.socket.sendall(kind + (len(body) + 4).to_bytes(4, "big") + body)

    def query(self, sql):
        """The answer's bytes; raises OSError when the server is gone, RuntimeError with its words when it answers an error."""
        self.send(b"Q", sql.encode() + b"\0")
        answer = self.read()
        for error in errors(answer):
            raise RuntimeError(text(error))
        return answer


def build():
    """Makes the debug binary and has servers use it, unless PGSERVER names another one."""
    if "PGSERVER" not in os.environ:
        subprocess.run(["cargo", "build", "-q", "--bin", "pgserver"], cwd=ROOT, check=True)
        os.environ["PGSERVER"] = str(ROOT / "target/debug/pgserver")
