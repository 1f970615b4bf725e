"""Models with every field over asyncpg, its migrations by command, the queries of its guide."""

import asyncio
import datetime as dt
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from uuid import UUID

MODELS = """
from enum import Enum
from tortoise import fields, models
from tortoise.contrib.postgres.fields import ArrayField, TSVectorField
from tortoise.contrib.postgres.indexes import GinIndex, HashIndex
from tortoise.indexes import Index, PartialIndex

class Kind(str, Enum):
    cup = "cup"
    league = "league"

class Tournament(models.Model):
    id = fields.IntField(primary_key=True)
    name = fields.CharField(max_length=60, db_index=True, description="its 'name'")
    made = fields.DatetimeField(auto_now_add=True)
    kind = fields.CharEnumField(Kind, default=Kind.cup)
    class Meta:
        indexes = [HashIndex(fields=("kind",)), PartialIndex(fields=("made",), condition={"kind": "cup"})]

class Event(models.Model):
    key = fields.UUIDField(primary_key=True)
    tournament = fields.ForeignKeyField("models.Tournament", related_name="events", on_delete=fields.CASCADE)
    teams = fields.ManyToManyField("models.Team", related_name="events", through="event_team")
    prize = fields.DecimalField(max_digits=10, decimal_places=2, null=True)
    data = fields.JSONField(default=dict)
    tags = ArrayField(element_type="text", default=list)
    small, big, ratio, flag = fields.SmallIntField(default=1), fields.BigIntField(default=2**40), fields.FloatField(null=True), fields.BooleanField(default=True)
    blob, day, clock, span, text = fields.BinaryField(null=True), fields.DateField(null=True), fields.TimeField(null=True), fields.TimeDeltaField(null=True), fields.TextField(default="")
    class Meta:
        unique_together = (("tournament", "small"),)
        indexes = [GinIndex(fields=("data",))]

class Team(models.Model):
    name = fields.CharField(max_length=50, unique=True)
    city = fields.CharField(max_length=50, null=True)
"""
url = sys.argv[1].replace("postgresql:", "asyncpg:")
CONFIG = {"connections": {"default": url}, "apps": {"models": {"models": ["things"], "migrations": "migrations", "default_connection": "default"}}, "use_tz": True, "timezone": "UTC"}
Path("things.py").write_text(MODELS)
Path("config.json").write_text(json.dumps(CONFIG))
sys.path.insert(0, ".")


def command(*words):
    done = subprocess.run(["tortoise", "--config-file", "config.json", *words], capture_output=True, text=True, env=dict(os.environ, PYTHONPATH="."))
    print(*words, "->", done.returncode, done.stdout, done.stderr[-300:], flush=True)


for words in ("init", "makemigrations", "upgrade", "history", "heads"):
    command(*words.split())
subprocess.run([os.environ["DUMP"]], check=True)
Path("things.py").write_text(MODELS.replace("max_length=50, null=True)", "max_length=70, null=True)\n    founded = fields.IntField(default=1900)").replace("ratio, flag = fields.SmallIntField(default=1)", "ratio, flag = fields.IntField(default=1)"))
for words in ("makemigrations", "upgrade", "history"):
    command(*words.split())
from things import Event, Kind, Team, Tournament
from tortoise import Tortoise
from tortoise.exceptions import IntegrityError
from tortoise.expressions import Case, F, Q, RawSQL, Subquery, When
from tortoise.functions import Avg, Coalesce, Count, Lower, Max, Sum, Trim
from tortoise.transactions import in_transaction


async def main():
    await Tortoise.init(config=CONFIG)
    cups = [await Tournament.create(name=f"Cup {n}", kind=Kind.cup if n % 2 else Kind.league) for n in range(3)]
    teams = await Team.bulk_create([Team(name=f"T{n}", city=None if n == 2 else f"C{n % 2}") for n in range(5)])
    teams = await Team.all().order_by("id")
    for n in range(8):
        event = await Event.create(key=UUID(int=n), tournament=cups[n % 3], prize=Decimal(n) / 4 if n else None, data={"n": n, "deep": {"list": [n, 2]}}, tags=["a", f"t{n}"], small=n, ratio=n / 3, blob=bytes([n]), day=dt.date(2024, 1, 1 + n), clock=dt.time(n, tzinfo=dt.timezone.utc), span=dt.timedelta(hours=n))
        await event.teams.add(*teams[: n % 4])
    show = lambda found: print([dict(f) if isinstance(f, dict) else f for f in found], flush=True)
    show(await Event.all().order_by("key").limit(2).values("key", "prize", "data", "tags", "ratio", "blob", "day", "clock", "span", "tournament__name"))
    show(await Tournament.annotate(n=Count("events"), s=Coalesce(Sum("events__prize"), 0), top=Max("events__small", _filter=Q(events__flag=True))).filter(n__gt=1).order_by("id").values_list("name", "n", "s", "top"))
    show(await Event.filter(Q(data__contains={"n": 3}) | Q(tags__contains=["t5"]) | Q(data__filter={"deep__list__0": 7})).order_by("small").values_list("small", flat=True))
    show(await Event.filter(day__year=2024, day__month__lt=2, small__range=(2, 5), teams__name__in=["T0", "T1"]).distinct().order_by("-small").values_list("small", "tournament__kind"))
    show(await Team.filter(name__icontains="t", city__not_isnull=True).exclude(name__endswith="3").annotate(l=Lower("name"), c=Case(When(city="C0", then="zero"), default="else")).order_by("id").values_list("l", "c"))
    show(await Event.filter(small__in=Subquery(Event.filter(prize__gte=1).values("small"))).annotate(double=F("small") * 2, raw_sum=RawSQL("small + 1")).order_by("small").limit(3).values_list("double", "raw_sum"))
    show(await Tournament.annotate(n=Count("id")).group_by("kind").order_by("kind").values_list("kind", "n"))
    full = await Tournament.all().prefetch_related("events__teams").order_by("id")
    show([(t.name, [(e.small, sorted(m.name for m in e.teams)) for e in sorted(t.events, key=lambda e: e.small)]) for t in full])
    print(await Event.filter(small__lt=3).update(prize=F("prize") + 1), (await Team.get_or_create(name="T1"))[1], (await Team.update_or_create(name="new", defaults={"city": "x"}))[1], await Team.bulk_create([Team(name="T1", city="changed")], on_conflict=["name"], update_fields=["city"]) is not None, (await Team.get(name="T1")).city)
    for wrong in (lambda: Team.create(name="T0"), lambda: Event.create(key=UUID(int=99), tournament_id=77), lambda: Event.create(key=UUID(int=98), tournament=cups[0], small=0)):
        try:
            async with in_transaction():
                await wrong()
        except IntegrityError as error:
            print(str(error))
    async with in_transaction() as connection:
        print((await Team.select_for_update(skip_locked=True, of=("team",)).using_db(connection).get(name="T0")).name, await connection.execute_query_dict("select count(*) as n from event_team where team_id = $1", [1]))
    print(await cups[0].delete(), await Event.all().count(), await Event.all().only("small").order_by("small").first())
    await Tortoise.close_connections()


asyncio.run(main())
command("downgrade", "models", "0001_initial")
