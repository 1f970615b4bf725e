"""Migrations in SQL and in Python, applied, listed, rolled back one by one, by the program and by the library."""

import subprocess
import sys
from pathlib import Path

from yoyo import get_backend, read_migrations

url = sys.argv[1]
Path("migrations").mkdir()
FILES = {
    "0001.first.sql": "create table person (id serial primary key, name text not null);\ninsert into person (name) values ('a;b'), ('c');",
    "0001.first.rollback.sql": "drop table person",
    "0002.second.py": "from yoyo import step\n__depends__ = {'0001.first'}\nsteps = [step('alter table person add age int default 5', 'alter table person drop age'), step(lambda c: c.cursor().execute('update person set age = id'), ignore_errors='all')]",
    "0003.index.py": "from yoyo import step\n__transactional__ = False\nsteps = [step('create index concurrently by_name on person (name)', 'drop index concurrently by_name')]",
    "0004.wrong.sql": "-- depends: 0002.second\ncreate table half (i int);\nselect nothing from person;",
}
for name, text in FILES.items():
    Path("migrations", name).write_text(text)


def yoyo(*words):
    done = subprocess.run([sys.executable, "-m", "yoyo", *words, "-b", "-d", url, "./migrations"], capture_output=True, text=True)
    print("yoyo", *words, "->", done.returncode, "\n".join(line for line in (done.stdout + done.stderr).splitlines() if not line.startswith(" ")), flush=True)


for words in ("list", "apply -r 0003.index", "list", "apply", "rollback -r 0003.index", "reapply -r 0002.second", "mark -r 0003.index", "unmark -r 0003.index", "list"):
    yoyo(*words.split())
backend = get_backend(url)
migrations = read_migrations("migrations").filter(lambda migration: "wrong" not in migration.id)
with backend.lock():
    backend.apply_migrations(backend.to_apply(migrations))
    print([m.id for m in backend.to_rollback(migrations)], backend.list_tables(), [(row[0], row[1]) for row in backend.execute("select migration_id, operation from _yoyo_log order by created_at_utc")])
    backend.rollback_migrations(backend.to_rollback(migrations))
print(backend.list_tables())
