"""Entities with every kind of attribute and the generator queries of Pony's guide."""

import datetime as dt
import sys
from decimal import Decimal
from urllib.parse import urlsplit
from uuid import UUID

from pony import orm
from pony.orm import *

db = orm.Database()


class Person(db.Entity):
    name = Required(str, 40, unique=True)
    age = Required(int, index="by_age")
    cars = Set("Car")
    friends = Set("Person", reverse="friends")
    passport = Optional("Passport")


class Passport(db.Entity):
    id = PrimaryKey(UUID)
    owner = Required(Person)
    data = Optional(Json)
    scan = Optional(bytes)


class Car(db.Entity):
    make = Required(str)
    year = Required(int, size=16)
    price = Optional(Decimal, 10, 2)
    tags = Optional(StrArray)
    seen = Optional(dt.datetime)
    span = Optional(dt.timedelta)
    day, clock, ratio, big, text = Optional(dt.date), Optional(dt.time), Optional(float), Optional(int, size=64), Optional(LongStr)
    owner = Optional(Person)
    composite_key(make, year)


class Truck(Car):
    load = Required(float)


url = urlsplit(sys.argv[1])
db.bind(provider="postgres", host=url.hostname, port=url.port, user=url.username, database=url.path[1:])
db.generate_mapping(create_tables=True)
with db_session:
    people = [Person(name=f"P{n}", age=20 + n) for n in range(6)]
    people[0].friends = people[1:4]
    Passport(id=UUID(int=1), owner=people[0], data={"a": {"b": [1, 2, {"c": "x"}]}, "n": 5}, scan=b"\0\1")
    for n in range(8):
        kind = Truck if n % 4 == 3 else Car
        kind(make=f"M{n % 3}", year=2000 + n, price=Decimal(n) * 100, tags=["a", f"t{n}"], seen=dt.datetime(2024, 1, 1 + n, 3, 4, 5, 600), span=dt.timedelta(hours=n), day=dt.date(2024, 1, 1 + n), clock=dt.time(n), ratio=n / 7, big=2**40 + n, text="x" * n, owner=people[n % 3], **({"load": 1.5} if kind is Truck else {}))
with db_session:
    show = lambda query: print(list(query), flush=True)
    show(select((p.name, count(p.cars), sum(p.cars.price)) for p in Person).order_by(1))
    show(select(p for p in Person if p.age > 21 and exists(f for f in p.friends if f.name == "P0")).order_by(desc(Person.name)))
    show(select((c.make, max(c.price), min(c.year)) for c in Car if c.owner.name != "P9").order_by(1).without_distinct())
    show(select(c.text[:2] for c in Car if "t3" in c.tags or c.make.startswith("M1") or c.text.upper().strip() == "XXXXX").order_by(1))
    show(select((c.id, c.seen.year, c.day + dt.timedelta(days=1), c.seen - dt.timedelta(hours=2), c.tags[0], len(c.tags)) for c in Car if c.span > dt.timedelta(hours=2)).order_by(1))
    show(select((p.data["a"]["b"][2]["c"], p.data["n"], len(p.data["a"]["b"])) for p in Passport if "n" in p.data and p.data["a"]["b"][0] == 1))
    show(select((c.id, c.load) for c in Truck).order_by(1)), show(Car.select(lambda c: c.price >= 100).order_by(Car.id).page(2, 3))
    show(select((c.make, c.owner.age, coalesce(c.price, 0)) for c in Car if c.id % 2 == 0 and (c.make, c.year) in select((d.make, d.year) for d in Car if d.year > 2003)).order_by(1, 2))
    show(db.select("select name, $(5 + 1) from Person where age > $(22) order by 1")), print(Person.get_for_update(name="P1", nowait=True).age, Car.select_random(0), len(Person.select().for_update(skip_locked=True)[:]))
    show(left_join((p.name, c.year) for p in Person for c in p.cars if p.age < 23 or p.age > 24).order_by(1, 2))
with db_session:
    person = Person.get(name="P0")
    person.set(age=99), person.passport.data["a"]["b"].append(7), person.friends.remove(Person[3]), person.cars.create(make="new", year=1)
    delete(c for c in Car if c.year > 2005), Person["2"].delete()
    flush()
    print(person.to_dict(with_collections=True), Passport.get().data)
    rollback()
for wrong in (lambda: Person(name="P0", age=1), lambda: db.execute("insert into car (make, year, classtype) values ('M0', 2000, 'Car')"), lambda: db.execute("insert into passport (id, owner) values ($(UUID(int=5)), 77)")):
    try:
        with db_session:
            wrong()
    except Exception as error:
        print(type(error).__name__, error)
db.drop_all_tables(with_all_data=True)
