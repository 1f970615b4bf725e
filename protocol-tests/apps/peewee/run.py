"""Models with peewee's PostgreSQL types, playhouse's migrations and reflection, queries of its guide."""

import datetime as dt
import os
import subprocess
import sys
from decimal import Decimal
from uuid import UUID

from peewee import *
from playhouse.migrate import PostgresqlMigrator, migrate
from playhouse.postgres_ext import *
from playhouse.reflection import Introspector, print_table_sql
from playhouse.shortcuts import model_to_dict

db = PostgresqlDatabase(None)
db.init(sys.argv[1])


class Base(Model):
    class Meta:
        database = db


class Person(Base):
    name = CharField(80, unique=True)
    born = DateField(null=True, index=True)
    boss = ForeignKeyField("self", null=True, backref="staff", on_delete="SET NULL")


class Thing(Base):
    key = UUIDField(primary_key=True)
    owner = ForeignKeyField(Person, backref="things", on_delete="CASCADE")
    price = DecimalField(10, 2, constraints=[Check("price >= 0")], default=0)
    ratio, small, big, flag = DoubleField(null=True), SmallIntegerField(default=1), BigIntegerField(default=2**40), BooleanField(default=True)
    raw, at, day = BlobField(default=b"\0\xff"), DateTimeTZField(null=True), TimeField(null=True)
    data, tags, numbers, span = BinaryJSONField(default=dict), ArrayField(TextField, default=list), ArrayField(IntegerField, dimensions=2, null=True), IntervalField(null=True)
    search = TSVectorField(null=True)

    class Meta:
        indexes = ((("owner", "small"), True),)


def show(query):
    print(list(query), flush=True)


db.connect()
db.create_tables([Person, Thing])
subprocess.run([os.environ["DUMP"]], check=True)
boss = Person.create(name="Boss", born=dt.date(1960, 5, 6))
Person.insert_many([{"name": f"P{n}", "born": dt.date(1980 + n, 1, 1), "boss": boss} for n in range(6)]).execute()
with db.atomic():
    for n in range(9):
        Thing.create(key=UUID(int=n), owner=2 + n % 3, small=n, price=Decimal(n) / 4, ratio=n / 3, data={"n": n, "deep": {"list": [n, 2]}}, tags=["a", "b", f"t{n}"][n % 3 :], numbers=[[n, 1], [2, 3]], span=dt.timedelta(days=n, seconds=5), at=dt.datetime(2024, 1, 1 + n, 12, tzinfo=dt.timezone.utc), day=dt.time(n), search=fn.to_tsvector("english", f"fat cats {n}"))
show(Thing.select(Thing.key, Thing.data["deep"]["list"][0], Thing.span, Thing.numbers, Thing.raw).order_by(Thing.key).limit(2).tuples())
show(Thing.select(Thing.small).where(Thing.tags.contains("b") & Thing.data.contains({"n": 4})).tuples())
show(Thing.select(Thing.small).where(Thing.tags.contains_any("t3", "t8") | Thing.data.has_key("none") | Thing.search.match("cat & 5")).order_by(Thing.small).tuples())
show(Person.select(Person.name, fn.COUNT(Thing.key).alias("n"), fn.SUM(Thing.price).filter(Thing.small > 3)).join(Thing, JOIN.LEFT_OUTER).group_by(Person).having(fn.COUNT(Thing.key) > 0).order_by(SQL("n").desc(), Person.name).tuples())
show(Thing.select(Thing.small, fn.RANK().over(partition_by=[Thing.owner], order_by=[Thing.price.desc()]), fn.LAG(Thing.small, 1).over(order_by=[Thing.key])).order_by(Thing.small).tuples())
Staff = Person.alias()
level = Value(1).alias("level")
base = Person.select(Person.id, Person.name, level).where(Person.boss.is_null()).cte("base", recursive=True, columns=("id", "name", "level"))
more = Staff.select(Staff.id, Staff.name, (base.c.level + 1).alias("level")).join(base, on=(Staff.boss == base.c.id))
cte = base.union_all(more)
show(cte.select_from(cte.c.name, cte.c.level).order_by(cte.c.level, cte.c.name).tuples())
show(Person.insert(name="P1", born=dt.date(2000, 1, 1)).on_conflict(conflict_target=[Person.name], update={Person.born: EXCLUDED.born}, where=Person.born < EXCLUDED.born).returning(Person.id, Person.born).tuples())
show(Thing.update(price=Thing.price + 1, tags=Thing.tags.concat(["x"]) if hasattr(Thing.tags, "concat") else Thing.tags).where(Thing.small < 2).returning(Thing.small, Thing.price, Thing.tags).tuples())
show(Person.select(fn.DATE_TRUNC("year", Person.born), Person.born.year, fn.TO_CHAR(Person.born, "DD Mon")).where(Person.name.iregexp("^p[0-2]") | Person.name.startswith("Bo")).order_by(Person.id).tuples())
inner = Thing.select(Thing.small).where(Thing.owner == Person.id).order_by(Thing.price.desc()).limit(2).alias("top")
show(Person.select(Person.name, inner.c.small).join(inner, JOIN.LEFT_LATERAL, on=True).order_by(Person.id, inner.c.small).limit(5).tuples())
show(Thing.select().where(Thing.small == 3).for_update("FOR UPDATE SKIP LOCKED").dicts() if False else Thing.select(Thing.small).where(Thing.small == 3).for_update(nowait=True).tuples())
print(model_to_dict(Person.get_by_id(3), recurse=True), [t.small for t in boss.staff[0].things.order_by(Thing.small)])
for wrong in (lambda: Person.create(name="Boss"), lambda: Thing.create(key=UUID(int=99), owner=99), lambda: Thing.create(key=UUID(int=98), owner=1, price=-1)):
    try:
        with db.atomic():
            wrong()
    except IntegrityError as error:
        print(error)
migrator = PostgresqlMigrator(db)
migrate(migrator.add_column("person", "mail", TextField(default="none")), migrator.rename_column("person", "born", "birthday"), migrator.drop_not_null("thing", "small"), migrator.add_index("person", ("mail", "birthday"), False), migrator.alter_column_type("thing", "small", BigIntegerField()), migrator.rename_table("thing", "object"), migrator.add_unique("person", "mail", "birthday"))
for name, model in sorted(Introspector.from_database(db).generate_models().items()):
    print(name, {field.name: type(field).__name__ for field in model._meta.sorted_fields}, [(i._expressions if False else i) for i in model._meta.indexes])
print(db.get_tables(), db.get_indexes("person"), db.get_columns("object"), db.get_foreign_keys("object"), sep="\n")
subprocess.run([os.environ["DUMP"]], check=True)
migrate(migrator.drop_column("person", "mail"), migrator.rename_table("object", "thing"))
print(Person.delete().where(Person.id == 2).execute(), Thing.select().count())
db.drop_tables([Person, Thing])
