"""Migrations generated from models, run up, found complete, changed, run up again, and down to nothing."""

import os
import subprocess
import sys
from pathlib import Path

MODELS = """
import enum, uuid
from sqlalchemy import *
from sqlalchemy.dialects.postgresql import ARRAY, INET, INT4RANGE, JSONB, TSVECTOR
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

class Base(DeclarativeBase):
    metadata = MetaData(naming_convention={"ix": "ix_%(column_0_label)s", "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s", "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s", "pk": "pk_%(table_name)s"})

class State(enum.Enum):
    open = "open"
    closed = "closed"

class Person(Base):
    __tablename__ = "person"
    __table_args__ = ({"comment": "who it is about"},)
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[uuid.UUID] = mapped_column(server_default=text("gen_random_uuid()"), unique=True)
    name: Mapped[str] = mapped_column(String(80), index=True, comment="the whole name")
    email: Mapped[str | None] = mapped_column(Text)
    born = mapped_column(Date)
    seen = mapped_column(DateTime(timezone=True), server_default=func.now())
    data = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    tags = mapped_column(ARRAY(String), server_default=text("'{}'"))
    address = mapped_column(INET)

class Ticket(Base):
    __tablename__ = "ticket"
    __table_args__ = (
        CheckConstraint("price >= 0", name="price"),
        UniqueConstraint("person_id", "number"),
        Index("ix_ticket_open", "person_id", postgresql_where=text("state = 'open'")),
        Index("ix_ticket_lower", text("lower(title)")),
        Index("ix_ticket_search", "search", postgresql_using="gin"),
        Index("ix_ticket_wide", "number", postgresql_include=["title"]),
        Index("ix_ticket_desc", text("price DESC NULLS LAST"), "number"),
    )
    id = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    person_id = mapped_column(ForeignKey("person.id", ondelete="CASCADE", onupdate="RESTRICT", deferrable=True, initially="DEFERRED"))
    number = mapped_column(SmallInteger, nullable=False)
    title = mapped_column(String(200), nullable=False)
    state = mapped_column(Enum(State, name="state"), server_default="open", nullable=False)
    price = mapped_column(Numeric(12, 2), server_default="0")
    doubled = mapped_column(Numeric(12, 2), Computed("price * 2", persisted=True))
    search = mapped_column(TSVECTOR, Computed("to_tsvector('english', title)", persisted=True))
    takes = mapped_column(Interval)
    seats = mapped_column(INT4RANGE)
    flag = mapped_column(Boolean, server_default=false())
    raw = mapped_column(LargeBinary)
    ratio = mapped_column(Double)
"""
SECOND = """
class Note(Base):
    __tablename__ = "note"
    __table_args__ = {"schema": "extra"}
    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id = mapped_column(ForeignKey("ticket.id"))
    body: Mapped[str]
    at = mapped_column(Time(timezone=True))
"""


def alembic(*words):
    done = subprocess.run([sys.executable, "-m", "alembic", *words], capture_output=True, text=True)
    # What it logs comes in any order.
    said = sorted(line for line in (done.stdout + done.stderr).splitlines() if "Generating" not in line and "done" not in line)
    print("alembic", *words, "->", done.returncode, *said, sep="\n  ", flush=True)


def schema():
    subprocess.run([os.environ["DUMP"]], check=True)


alembic("init", "migrations")
Path("models.py").write_text(MODELS)
ini = Path("alembic.ini").read_text().replace("driver://user:pass@localhost/dbname", sys.argv[1].replace("postgresql:", "postgresql+psycopg:"))
Path("alembic.ini").write_text(ini)
env = Path("migrations/env.py").read_text()
env = env.replace("target_metadata = None", "import sys; sys.path.insert(0, '.'); import models; target_metadata = models.Base.metadata")
env = env.replace("target_metadata=target_metadata", "target_metadata=target_metadata, compare_server_default=True, include_schemas=True")
Path("migrations/env.py").write_text(env)

alembic("revision", "--autogenerate", "-m", "first", "--rev-id", "1")
alembic("upgrade", "head")
alembic("check")
schema()
changed = MODELS.replace("String(80)", "String(120)").replace("email: Mapped[str | None]", "mail: Mapped[str | None]").replace("Double)", "Numeric(5), nullable=False, server_default='1')").replace("price >= 0", "price > 0")
changed = changed.replace("SmallInteger", "Integer").replace('"the whole name"', '"all of it"').replace("lower(title)", "upper(title)")
Path("models.py").write_text(changed + SECOND)
alembic("revision", "--autogenerate", "-m", "second", "--rev-id", "2")
path = next(Path("migrations/versions").glob("2_*"))
path.write_text(path.read_text().replace("def upgrade() -> None:", "def upgrade() -> None:\n    op.execute('create schema extra')", 1))
alembic("upgrade", "head")
alembic("check")
schema()
alembic("history")
alembic("current")
alembic("downgrade", "-1")
schema()
alembic("upgrade", "head", "--sql")
alembic("downgrade", "base")
alembic("current")
