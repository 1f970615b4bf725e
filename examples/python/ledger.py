"""A ledger: accounts are loaded by COPY, workers move money in transactions, the journal is streamed."""

import csv
import io
import random
import sys
import threading
import time

import psycopg2
from psycopg2 import errors, extensions

ACCOUNTS, WORKERS, TRANSFERS = 100, 4, 50
OPENING_BALANCE = 1000


def connect():
    """By PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE, which libpq reads itself."""
    return psycopg2.connect("", application_name="ledger")


def transaction(connection, body, attempts=100):
    """Runs body(cursor) in a transaction, again if it collided with another one. Returns how often it was run again."""
    for retries in range(attempts):
        try:
            with connection, connection.cursor() as cursor:  # commits, or rolls back when body raises
                body(cursor)
            return retries
        except errors.SerializationFailure:  # 40001: another transaction was faster; nothing has happened
            time.sleep(random.uniform(0, 0.002 * min(retries + 1, 10)))
    raise RuntimeError(f"gave up after {attempts} attempts")


def create(connection):
    with connection, connection.cursor() as cursor:
        cursor.execute("create table python_account (id int primary key, balance int not null check (balance >= 0))")
        cursor.execute(
            "create table python_journal (id bigint generated always as identity primary key,"
            " payer int not null references python_account, payee int not null references python_account,"
            " amount int not null check (amount > 0), at timestamptz not null default now())"
        )


def load(connection):
    """COPY FROM STDIN reads any object with a read method."""
    rows = io.StringIO()
    csv.writer(rows).writerows((number, OPENING_BALANCE) for number in range(ACCOUNTS))
    rows.seek(0)
    with connection, connection.cursor() as cursor:
        cursor.copy_expert("copy python_account (id, balance) from stdin (format csv)", rows)
        return cursor.rowcount


def transfer(cursor, payer, payee, amount):
    """Reads, decides, writes: right only because the transaction sees one state and fails if that changed."""
    cursor.execute("select balance from python_account where id = %s", (payer,))
    if cursor.fetchone()[0] < amount:
        return
    cursor.execute("update python_account set balance = balance - %s where id = %s", (amount, payer))
    cursor.execute("update python_account set balance = balance + %s where id = %s", (amount, payee))
    cursor.execute("insert into python_journal (payer, payee, amount) values (%s, %s, %s)", (payer, payee, amount))


def work(retries):
    connection = connect()
    connection.set_session(isolation_level=extensions.ISOLATION_LEVEL_SERIALIZABLE)
    for _ in range(TRANSFERS):
        payer, payee = random.sample(range(ACCOUNTS), 2)
        amount = random.randint(1, 50)
        retries.append(transaction(connection, lambda cursor: transfer(cursor, payer, payee, amount)))
    connection.close()


def total_moved(connection):
    """A cursor with a name is the server's: rows come in portions of itersize, not all at once."""
    rows = moved = 0
    with connection, connection.cursor("journal") as cursor:
        cursor.itersize = 50
        cursor.execute("select amount from python_journal order by id")
        for (amount,) in cursor:
            rows, moved = rows + 1, moved + amount
    return rows, moved


def main():
    connection = connect()
    create(connection)
    try:
        print(f"{load(connection)} accounts loaded")
        retries = []
        workers = [threading.Thread(target=work, args=(retries,)) for _ in range(WORKERS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        print(f"{len(retries)} transfers, {sum(retries)} retries")
        print("{} journal rows read, {} moved".format(*total_moved(connection)))
        with connection, connection.cursor() as cursor:
            cursor.execute("select sum(balance) from python_account")
            total = cursor.fetchone()[0]
    finally:
        with connection, connection.cursor() as cursor:
            cursor.execute("drop table python_journal, python_account")
    right = total == ACCOUNTS * OPENING_BALANCE and len(retries) == WORKERS * TRANSFERS
    print("the books balance" if right else f"WRONG: {total} in the books, {len(retries)} transfers done")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
