"""Models, generated schemas, relations, aggregates, transactions, PostgreSQL's own fields and searches over asyncpg."""

import asyncio
import datetime as dt
import os
import subprocess
import sys
import uuid
from decimal import Decimal
from enum import Enum, IntEnum

from tortoise import Tortoise, fields, models
from tortoise.contrib.postgres.fields import ArrayField, TSVectorField
from tortoise.contrib.postgres.functions import Random
from tortoise.contrib.postgres.indexes import GinIndex, HashIndex
from tortoise.contrib.postgres.search import Lexeme, SearchCriterion
from tortoise.exceptions import IntegrityError
from tortoise.expressions import Case, F, Q, RawSQL, Subquery, When
from tortoise.functions import Avg, Coalesce, Concat, Count, Lower, Max, Min, Sum, Upper
from tortoise.transactions import in_transaction


class Size(IntEnum):
    SMALL = 1
    LARGE = 2


class Color(str, Enum):
    RED = "red"
    BLUE = "blue"


class Team(models.Model):
    id = fields.IntField(primary_key=True)
    name = fields.CharField(50, unique=True, description="what it's called")
    founded = fields.DateField(null=True)

    class Meta:
        table_description = "Teams"


class Player(models.Model):
    id = fields.UUIDField(primary_key=True)
    name = fields.TextField()
    team = fields.ForeignKeyField("models.Team", related_name="players", null=True, on_delete=fields.SET_NULL)
    size = fields.IntEnumField(Size, default=Size.SMALL)
    color = fields.CharEnumField(Color, default=Color.RED)
    score = fields.DecimalField(10, 3, default=0)
    ratio, big, tiny, flag = fields.FloatField(null=True), fields.BigIntField(default=2**40), fields.SmallIntField(default=1), fields.BooleanField(default=True)
    at, took, blob = fields.DatetimeField(null=True), fields.TimeDeltaField(null=True), fields.BinaryField(null=True)
    data, tags = fields.JSONField(default=dict), ArrayField("text", default=list)
    numbers = ArrayField("int", null=True)

    class Meta:
        indexes = [("name", "size"), HashIndex(fields=["name"]), GinIndex(fields=["data"])]
        unique_together = (("name", "team"),)


class Event(models.Model):
    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(40)
    players = fields.ManyToManyField("models.Player", related_name="events", through="event_player")
    parent = fields.ForeignKeyField("models.Event", related_name="children", null=True)


async def main():
    await Tortoise.init(db_url=sys.argv[1].replace("postgresql", "asyncpg"), modules={"models": ["__main__"]}, use_tz=True, timezone="UTC")
    await Tortoise.generate_schemas()
    await Tortoise.generate_schemas(safe=True)
    subprocess.run([os.environ["DUMP"]], check=True)
    a, b = await Team.create(name="A", founded=dt.date(1999, 12, 31)), await Team.create(name="B")
    at = dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC)
    players = [
        Player(id=uuid.UUID(int=n), name=f"p{n}", team=(a, b, None)[n % 3], size=Size(1 + n % 2), score=Decimal(n) / 8, ratio=n / 3, at=at + dt.timedelta(hours=n),
               took=dt.timedelta(days=n, seconds=1), blob=bytes([n, 0, 255]), data={"n": n, "deep": {"list": [n, None]}}, tags=[f"t{n}", "x"], numbers=[n, n + 1])
        for n in range(9)
    ]  # fmt: skip
    await Player.bulk_create(players, batch_size=4)
    await Player.bulk_create([Player(id=uuid.UUID(int=1), name="again", team=a)], on_conflict=["id"], update_fields=["name"])
    for p in await Player.all().order_by("id").limit(3):
        print(p.name, p.size, p.color, p.score, p.ratio, p.at, p.took, p.blob, p.data, p.tags, p.numbers)
    print(await Player.filter(Q(name__startswith="p", team_id__not_isnull=True) | Q(score__gt=Decimal("0.9"))).order_by("-score", "name").values_list("name", "team__name"))
    print(await Player.filter(name__icontains="P", at__year=2024, data__contains={"n": 3}).values("name", "at"))
    print(await Player.filter(tags__contains=["t4"]).values_list("name", flat=True), await Player.filter(numbers__overlap=[2, 7]).order_by("name").values_list("name", flat=True))
    print(await Player.filter(data__filter={"deep__list__isnull": False}).count(), await Player.filter(data__filter={"n__gt": 5}).order_by("name").values_list("name", flat=True))
    print(await Player.filter(name__posix_regex="^p[2-4]$").order_by("name").values_list("name", flat=True))
    print(await Team.annotate(n=Count("players"), top=Max("players__score"), low=Min("players__score"), mean=Avg("players__ratio"), all=Sum("players__tiny")).order_by("id").values("name", "n", "top", "low", "mean", "all"))
    print(await Player.annotate(grade=Case(When(score__gte=1, then="high"), default="low"), up=Upper("name"), both=Concat(F("name"), "-", Lower("color")), t=Coalesce("team_id", 0)).order_by("id").limit(2).values("grade", "up", "both", "t"))
    print(await Player.annotate(n=Count("id")).group_by("size").order_by("size").values("size", "n"))
    print(await Team.filter(id__in=Subquery(Player.filter(score__gt=0.8).values("team_id"))).order_by("id").values_list("name", flat=True))
    print(await Player.filter(team=a).update(score=F("score") * 2), await Player.get(id=uuid.UUID(int=3)).values("score"))
    first = await Event.create(name="one")
    await Event.create(name="two", parent=first)
    await first.players.add(*await Player.filter(team=a))
    await first.players.remove(await Player.get(id=uuid.UUID(int=0)))
    print(sorted([p.name async for p in first.players.all()]), await first.children.all().values_list("name", flat=True))
    for team in await Team.all().prefetch_related("players", "players__events").order_by("id"):
        print(team.name, sorted((p.name, [e.name for e in p.events]) for p in team.players))
    print([(p.name, p.team.name) for p in await Player.filter(team_id__not_isnull=True).select_related("team").order_by("name").limit(2)])
    for wrong in (Team.create(name="A"), Player.create(id=uuid.uuid4(), name="x", team_id=99), Team.create(name=None)):
        try:
            await wrong
        except (IntegrityError, ValueError) as error:
            print(type(error).__name__, error)
    try:
        async with in_transaction() as connection:
            await Team.create(name="C", using_db=connection)
            async with in_transaction():
                await Team.create(name="D")
                raise KeyError("out")
    except KeyError:
        print(await Team.all().count())
    async with in_transaction():
        locked = await Player.filter(team=b).select_for_update(skip_locked=True, of=("player",)).order_by("id").first()
        locked.name = "locked"
        await locked.save(update_fields=["name"])
    print(await Player.filter(name="locked").exists(), await Player.get_or_none(name="nobody"), (await Team.get_or_create(name="E"))[1])
    print(await Player.filter(name__search="p5").count(), await Player.annotate(r=RawSQL("1 + 1")).first().values("r"))
    print((await Player.all().order_by("id").first().explain())[0] is not None, await Player.annotate(r=Random()).filter(r__gte=0).count())
    await a.delete()
    print(await Player.filter(team_id__isnull=True).count())
    await Tortoise.get_connection("default").execute_script("create view names as select name from team; select 1")
    print([dict(r) for r in await Tortoise.get_connection("default").execute_query_dict("select * from names order by name")])
    await Tortoise.close_connections()


asyncio.run(main())
