"""The tutorial's heroes and teams, with PostgreSQL's types, over SQLAlchemy's asyncpg dialect."""

import asyncio
import datetime as dt
import os
import subprocess
import sys
import uuid
from decimal import Decimal
from enum import Enum

from sqlalchemy import Column, func, inspect, text
from sqlalchemy.dialects.postgresql import ARRAY, INET, JSONB, aggregate_order_by, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import selectinload
from sqlmodel import Field, Relationship, SQLModel, String, col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession


class Rank(str, Enum):
    low = "low"
    high = "high"


class Link(SQLModel, table=True):
    team_id: int | None = Field(default=None, foreign_key="team.id", primary_key=True)
    hero_id: int | None = Field(default=None, foreign_key="hero.id", primary_key=True, ondelete="CASCADE")


class Team(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(index=True, unique=True, max_length=40)
    heroes: list["Hero"] = Relationship(back_populates="teams", link_model=Link)


class Hero(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    key: uuid.UUID = Field(default_factory=uuid.uuid4, index=True)
    name: str
    age: int | None = Field(default=None, index=True)
    rank: Rank = Rank.low
    worth: Decimal = Field(default=0, max_digits=8, decimal_places=3)
    at: dt.datetime | None = None
    took: dt.timedelta | None = None
    raw: bytes | None = None
    data: dict = Field(default_factory=dict, sa_column=Column(JSONB, server_default="{}"))
    tags: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(String)))
    host: str | None = Field(default=None, sa_column=Column(INET))
    teams: list[Team] = Relationship(back_populates="heroes", link_model=Link)


async def main():
    engine = create_async_engine(sys.argv[1].replace("postgresql", "postgresql+asyncpg"))
    async with engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
        await connection.run_sync(SQLModel.metadata.create_all)
    subprocess.run([os.environ["DUMP"]], check=True)
    async with AsyncSession(engine) as session:
        teams = [Team(name="Preventers"), Team(name="Z-Force")]
        at = dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC)
        for n in range(6):
            session.add(Hero(key=uuid.UUID(int=n), name=f"h{n}", age=20 + n if n % 2 else None, rank=Rank.high if n > 3 else Rank.low, worth=Decimal(n) / 3, at=at + dt.timedelta(days=n),
                             took=dt.timedelta(hours=n), raw=bytes([n, 255]), data={"n": n, "tags": ["a", n]}, tags=[f"t{n}", "all"], host=f"10.0.0.{n}", teams=teams[: n % 3]))  # fmt: skip
        await session.commit()
        for hero in (await session.exec(select(Hero).options(selectinload(Hero.teams)).order_by(Hero.id))).all():
            print(hero.id, hero.key, hero.name, hero.age, hero.rank, hero.worth, hero.at, hero.took, hero.raw, hero.data, hero.tags, hero.host, [t.name for t in hero.teams])
        for query in (
            select(Hero.name).where(or_(Hero.age > 22, col(Hero.age).is_(None))).order_by(col(Hero.age).desc().nulls_last(), Hero.name).limit(3).offset(1),
            select(Team.name, func.count(Hero.id), func.avg(Hero.age), func.array_agg(aggregate_order_by(Hero.name, Hero.id))).select_from(Team).join(Link, Link.team_id == Team.id).join(Hero, Hero.id == Link.hero_id).group_by(Team.name).order_by(Team.name),
            select(Hero.name, Hero.data["n"].astext).where(col(Hero.data).contains({"n": 2})),
            select(Hero.name).where(col(Hero.tags).any("t3")),
            select(Hero.name).where(Hero.rank == Rank.high).with_for_update(skip_locked=True).order_by(Hero.name),
            select(Hero.name, func.row_number().over(partition_by=Hero.rank, order_by=Hero.name)).order_by(Hero.name),
            select(func.date_trunc("month", Hero.at).label("m"), func.sum(Hero.worth)).group_by(text("m")).order_by(text("1")),
        ):
            print((await session.exec(query)).all())
        upsert = insert(Team).values([{"name": "Preventers"}, {"name": "New"}])
        print((await session.exec(upsert.on_conflict_do_update(index_elements=["name"], set_={"name": upsert.excluded.name + "!"}).returning(Team.id, Team.name))).all())
        await session.commit()
        hero = (await session.exec(select(Hero).where(Hero.name == "h3"))).one()
        hero.age, hero.data = 99, {**hero.data, "more": None}
        await session.commit()
        await session.refresh(hero)
        print(hero.age, hero.data)
        await session.delete(hero)
        await session.commit()
        print((await session.exec(select(func.count()).select_from(Link))).one())
        session.add(Team(name="New"))
        try:
            await session.commit()
        except DBAPIError as error:
            print(error.orig)
            await session.rollback()
    async with engine.connect() as connection:
        names = await connection.run_sync(lambda c: [(t, [(x["name"], str(x["type"]), x["nullable"], x["default"]) for x in inspect(c).get_columns(t)], inspect(c).get_foreign_keys(t), inspect(c).get_indexes(t), inspect(c).get_unique_constraints(t)) for t in inspect(c).get_table_names()])
        print(*sorted(names, key=str), sep="\n")
        print(await connection.run_sync(lambda c: inspect(c).get_enums()))
    async with engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.drop_all)
    await engine.dispose()


asyncio.run(main())
