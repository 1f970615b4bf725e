"""django.contrib.postgres: its fields, lookups, search, aggregates, indexes and operations; and the ways to write that only PostgreSQL has."""

import datetime as dt
import os
import sys
from urllib.parse import urlsplit

import django
from django.conf import settings

url = urlsplit(sys.argv[1])
database = dict(ENGINE="django.db.backends.postgresql", HOST=url.hostname, PORT=url.port, USER=url.username, NAME=url.path[1:], OPTIONS={"server_side_binding": bool(os.environ.get("BIND"))})
settings.configure(DATABASES={"default": database}, INSTALLED_APPS=["django.contrib.postgres", "django.contrib.contenttypes"], DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", USE_TZ=True)
django.setup()
from django.contrib.postgres import aggregates as agg, fields as pg, functions as pgf, indexes as ix, search as se
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection, models as m, transaction
from django.db.backends.postgresql.psycopg_any import DateRange, DateTimeTZRange, NumericRange
from django.db.models import functions as f

# An exclusion constraint is tried last, so that all else runs without.
class Room(m.Model):
    name = m.CharField(max_length=40)
    tags = pg.ArrayField(m.CharField(max_length=10), default=list)
    grid = pg.ArrayField(pg.ArrayField(m.IntegerField()), null=True)
    spots = pg.ArrayField(m.DecimalField(max_digits=5, decimal_places=2), size=3, null=True)
    ages = pg.IntegerRangeField(null=True)
    cost = pg.DecimalRangeField(null=True)
    during = pg.DateTimeRangeField(null=True)
    days = pg.DateRangeField(null=True)
    data = m.JSONField(default=dict)
    text = m.TextField(default="")
    vector = se.SearchVectorField(null=True)

    class Meta:
        app_label = "rooms"
        indexes = [ix.GinIndex(fields=["tags"], name="tags_gin"), ix.GinIndex(fields=["vector"], name="vector_gin", fastupdate=False), ix.BrinIndex(fields=["id"], name="id_brin", pages_per_range=4), ix.HashIndex(fields=["name"], name="name_hash"),
                   ix.BTreeIndex(fields=["name"], name="name_btree", fillfactor=50), ix.GistIndex(fields=["during"], name="during_gist"), ix.SpGistIndex(fields=["ages"], name="ages_spgist"), m.Index(ix.OpClass(f.Lower("name"), "varchar_pattern_ops"), name="lower_like")]  # fmt: skip
        constraints = [m.CheckConstraint(condition=m.Q(ages__startswith__gte=0), name="ages_positive"), m.CheckConstraint(condition=m.Q(tags__len__lt=5), name="few_tags")]


def show(*what):
    print(*(list(w) if isinstance(w, m.QuerySet) else w for w in what), flush=True)


def tried(what):
    try:
        with transaction.atomic():
            show(what())
    except Exception as error:
        show(type(error).__name__, error)


with connection.schema_editor() as editor:
    editor.create_model(Room)
utc = dt.timezone.utc
for n in range(6):
    Room.objects.create(name=f"Room {n}", tags=["a", "b", "c"][: n % 4], grid=[[n, 1], [2, 3]], spots=[n, "1.5"], ages=NumericRange(n, n + 10), cost=NumericRange(n, None, "(]"), days=DateRange(dt.date(2024, 1, 1 + n), dt.date(2024, 2, 1)),
                        during=DateTimeTZRange(dt.datetime(2024, 1, 1 + n, tzinfo=utc), dt.datetime(2024, 1, 3 + n, tzinfo=utc)), data={"n": n, "list": [1, {"x": n}]}, text=["The quick brown foxes", "jumped over lazy dogs", "and the fox ran"][n % 3])  # fmt: skip
rooms = Room.objects.order_by("pk")
show(rooms.values_list("name", "tags", "grid", "spots", "ages", "cost", "during", "days"))
for lookup in (dict(tags__contains=["a"]), dict(tags__contained_by=["a", "b"]), dict(tags__overlap=["c", "z"]), dict(tags__len=2), dict(tags__0="a"), dict(tags__0_2=["a", "b"]), dict(grid__0__0=3), dict(spots__contains=[2]), dict(tags=["a"]), dict(tags__in=[["a"], []]), dict(tags__1__iexact="B"),
               dict(ages__contains=4), dict(ages__overlap=NumericRange(0, 2)), dict(ages__fully_lt=NumericRange(12, 20)), dict(ages__not_lt=(3, 5)), dict(ages__adjacent_to=(11, 12)), dict(ages__endswith=13), dict(ages__isempty=False, ages__lower_inc=True), dict(cost__upper_inf=True, cost__startswith__gt=3), dict(days__contains=dt.date(2024, 1, 3)), dict(during__contained_by=DateTimeTZRange(dt.datetime(2024, 1, 2, tzinfo=utc), dt.datetime(2024, 1, 6, tzinfo=utc))),
               dict(data__list__1__x=3), dict(data__has_any_keys=["q", "n"]), dict(data__has_keys=["n", "list"]), dict(data__contained_by={"n": 1, "list": [1, {"x": 1}], "z": 0}), dict(data__list__0__gte=1, data__n__in=[1, 2]), dict(text__search="fox"), dict(id__contained_by=NumericRange(2, 4)), dict(data__n__isnull=True)):  # fmt: skip
    tried(lambda: (lookup, rooms.filter(**lookup).values_list("pk", flat=True)))
Room.objects.update(vector=se.SearchVector("name", weight="A", config="english") + se.SearchVector("text", weight="B", config="english"))
fox = se.SearchQuery("fox | dog", search_type="raw", config="english")
show(rooms.filter(vector=fox).annotate(rank=se.SearchRank("vector", fox, weights=[0.1, 0.2, 0.4, 1.0], cover_density=True, normalization=2), h=se.SearchHeadline("text", fox, config="english", start_sel="<b>", stop_sel="</b>", max_words=4, min_words=2)).order_by("-rank", "pk").values_list("pk", "rank", "h", "vector"))
for query in (se.SearchQuery("quick") & ~se.SearchQuery("lazy"), se.SearchQuery("brown fox", search_type="phrase"), se.SearchQuery('"lazy dog" or ran -quick', search_type="websearch", config="simple")):
    show(rooms.annotate(s=se.SearchVector("text", "name")).filter(s=query).values_list("pk", flat=True))
show(rooms.aggregate(a=agg.ArrayAgg("name", ordering="-pk", filter=m.Q(pk__lt=4)), s=agg.StringAgg("name", delimiter="; ", ordering=["name"]), j=agg.JSONBAgg("tags", ordering="pk"), d=agg.ArrayAgg("text", distinct=True), x=agg.BoolAnd(m.Q(pk__gt=1)), y=agg.BoolOr(m.Q(pk__gt=1)), b=agg.BitAnd("pk"), o=agg.BitOr("pk"), z=agg.BitXor("pk")))
show(rooms.aggregate(c=agg.Corr(y="pk", x=m.F("pk") * 2), v=agg.CovarPop("pk", "pk"), r=agg.RegrSlope("pk", "pk"), n=agg.RegrCount("pk", "pk"), i=agg.RegrIntercept("pk", "pk"), none=agg.ArrayAgg("pk", filter=m.Q(pk=0), default=[7])))
show(rooms.values("text").annotate(names=agg.ArrayAgg("name", ordering="name"), top=m.Max("pk")).order_by("text"))
show(rooms.annotate(mine=ArraySubquery(Room.objects.filter(pk__lt=m.OuterRef("pk")).order_by("-pk").values("name")[:2])).values_list("mine", flat=True), rooms.annotate(u=m.Func(m.F("tags"), function="unnest")).values_list("pk", "u")[:3])
show(rooms.annotate(lo=m.F("ages__startswith"), t=m.F("tags__0"), x=m.F("data__list__1__x"), l=m.functions.Length("name")).values_list("lo", "t", "x", "l")[:2], rooms.annotate(up=pgf.TransactionNow(), id5=pgf.RandomUUID()).filter(up__isnull=False).count())
show(Room.objects.filter(pk=1).update(tags=["z"] * 3, ages=None, data=m.Value([1, None], m.JSONField())), Room.objects.get(pk=1).data, Room.objects.filter(pk=2).update(text=f.Concat("text", m.Value("!"))))
for wrong in (dict(tags=["x"] * 5), dict(ages=NumericRange(-5, 5)), dict(ages=NumericRange(9, 5)), dict(tags=["longer than ten"])):
    tried(lambda: Room.objects.create(name="wrong", **wrong))
show(sorted(connection.introspection.get_constraints(connection.cursor(), "rooms_room").items()))
with connection.cursor() as cursor:
    show(connection.introspection.get_table_description(cursor, "rooms_room"), connection.introspection.get_sequences(cursor, "rooms_room"))
with transaction.atomic():
    show([room.pk for room in rooms.select_for_update(skip_locked=True, no_key=True).iterator(chunk_size=2)], rooms.exists())
apart = ExclusionConstraint(name="apart", expressions=[("days", pg.RangeOperators.ADJACENT_TO), (ix.OpClass("ages", "range_ops"), pg.RangeOperators.EQUAL)], condition=m.Q(pk__gt=2), deferrable=m.Deferrable.IMMEDIATE)
with connection.schema_editor() as editor:
    editor.add_constraint(Room, apart)
    editor.add_index(Room, ix.GinIndex(fields=["data"], name="data_gin", opclasses=["jsonb_path_ops"]))
    editor.alter_field(Room, Room._meta.get_field("tags"), (lambda new: (new.set_attributes_from_name("tags"), setattr(new, "model", Room), new)[2])(pg.ArrayField(m.CharField(max_length=20), default=list)))
tried(lambda: Room.objects.bulk_create([Room(name=str(n), ages=NumericRange(1, 5), days=DateRange(dt.date(2024, 3, n), dt.date(2024, 3, n + 1))) for n in (1, 2)]))
