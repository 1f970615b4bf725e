"""Every type of the dialect stored and read back by two drivers, what reflection finds, and the ORM's ways of writing."""

import datetime as dt
import decimal
import enum
import sys
import uuid

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql as pg

meta = sa.MetaData()


class Mood(enum.Enum):
    sad = 1
    happy = 2


when = dt.datetime(2024, 2, 29, 12, 30, 15, 123456)
VALUES = {
    "small": (sa.SmallInteger, 7), "big": (sa.BigInteger, 2**40), "text": (sa.Text, "täxt"), "var": (sa.String(40), "it's"), "fixed": (sa.CHAR(5), "ab"),
    "num": (sa.Numeric(20, 5), decimal.Decimal("12345.67890")), "num_any": (sa.Numeric, decimal.Decimal("1e-20")), "dbl": (sa.Double, 0.1),
    "real": (sa.REAL, 1.5), "flag": (sa.Boolean, True), "day": (sa.Date, when.date()), "clock": (sa.Time, when.time()), "stamp": (sa.DateTime, when),
    "stamptz": (sa.DateTime(timezone=True), when.replace(tzinfo=dt.timezone.utc)), "span": (sa.Interval, dt.timedelta(days=3, seconds=5, microseconds=7)),
    "stamp0": (pg.TIMESTAMP(precision=0), when.replace(microsecond=0)), "span_d": (pg.INTERVAL(fields="DAY"), dt.timedelta(days=4)),
    "raw": (sa.LargeBinary, b"\0\1\xff"), "uuid": (sa.Uuid, uuid.UUID(int=5)), "mood": (sa.Enum(Mood, name="mood"), Mood.happy), "bits": (pg.BIT(3), "101"),
    "varbits": (pg.BIT(8, varying=True), "1011"), "js": (sa.JSON, {"a": [1, None, "x"]}), "jsb": (pg.JSONB, {"b": {"c": 1.5}}), "cash": (pg.MONEY, "$1,234.50"),
    "addr": (pg.INET, "10.0.0.1/8"), "net": (pg.CIDR, "10.0.0.0/8"), "mac": (pg.MACADDR, "08:00:2b:01:02:03"), "mac8": (pg.MACADDR8, "08:00:2b:01:02:03:04:05"),
    "ints": (pg.ARRAY(sa.Integer), [1, 2, 3]), "texts": (pg.ARRAY(sa.Text, dimensions=2), [["a", "b"], ["c", "d"]]), "moods": (pg.ARRAY(pg.ENUM(Mood, name="mood")), [Mood.sad]),
    "range": (pg.INT4RANGE, pg.Range(1, 10)), "nums": (pg.NUMRANGE, pg.Range(decimal.Decimal("1.5"), None)), "days": (pg.DATERANGE, pg.Range(when.date(), None)),
    "stamps": (pg.TSRANGE, pg.Range(when, when + dt.timedelta(1))), "multi": (pg.INT8MULTIRANGE, pg.MultiRange([pg.Range(1, 3), pg.Range(5, 9)])),
    "vector": (pg.TSVECTOR, "'cat':2 'fat':1"), "question": (pg.TSQUERY, "'cat' & 'fat'"), "oid": (pg.OID, 42), "clazz": (pg.REGCLASS, "parent"),
    "dom": (pg.DOMAIN("positive", sa.Integer, check="value > 0", not_null=False), 3), "path": (pg.JSONPATH, '$."a"'),
}  # fmt: skip
parent = sa.Table("parent", meta, sa.Column("id", sa.Integer, sa.Identity(start=10, increment=5), primary_key=True), sa.Column("name", sa.String(20), unique=True, comment="its 'name'"), comment="top")
every = sa.Table("every", meta, sa.Column("id", sa.Integer, primary_key=True), *(sa.Column(n, t) for n, (t, _) in VALUES.items()),
                 sa.Column("parent_id", sa.ForeignKey("parent.id", ondelete="SET NULL", deferrable=True, initially="DEFERRED", name="up")),
                 sa.CheckConstraint("small < 100", name="small_enough"), sa.UniqueConstraint("small", "big", name="pair"), pg.ExcludeConstraint(("range", "&&"), name="apart"),
                 sa.Index("by_text", sa.text("lower(text)"), postgresql_where=sa.text("flag")), sa.Index("by_json", "jsb", postgresql_using="gin"), schema=None)  # fmt: skip
other = sa.Table("Odd Name", meta, sa.Column("A b", sa.Integer, primary_key=True), sa.Column("order", sa.Text, server_default="x'y"), schema="Other")


def reflected(engine):
    seen = sa.inspect(engine)
    print(seen.get_schema_names(), seen.get_table_names(), seen.get_view_names(), seen.get_materialized_view_names(), seen.get_enums(), seen.get_domains(), sep="\n")
    for schema, table in ((None, "parent"), (None, "every"), ("Other", "Odd Name"), (None, "seen")):
        for column in seen.get_columns(table, schema):
            print(table, {k: repr(v) if k == "type" else v for k, v in column.items()})
        for what in ("pk_constraint", "foreign_keys", "indexes", "unique_constraints", "check_constraints", "table_comment"):
            try:
                print(table, what, getattr(seen, "get_" + what)(table, schema))
            except Exception as error:
                print(table, what, type(error).__name__, error)
    again = sa.MetaData()
    again.reflect(engine, views=True)
    print(sorted(again.tables), seen.get_view_definition("seen"), seen.get_sequence_names(), seen.has_table("every"), seen.has_sequence("nothing"), sep="\n")


def orm_use(engine):
    registry = orm.registry()

    class Node:
        pass

    nodes = sa.Table("node", registry.metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("up", sa.ForeignKey("node.id")), sa.Column("name", sa.Text), sa.Column("version", sa.Integer, nullable=False))
    registry.map_imperatively(Node, nodes, version_id_col=nodes.c.version, properties={"children": orm.relationship(Node, order_by=nodes.c.id, cascade="all, delete-orphan")})
    registry.metadata.create_all(engine)
    node = lambda name, *children: (n := Node(), setattr(n, "name", name), setattr(n, "children", list(children)))[0]
    with orm.Session(engine) as session:
        session.add(node("root", node("a", node("a1"), node("a2")), *(node(f"b{n}") for n in range(20))))
        session.commit()
        tree = sa.select(nodes.c.id, nodes.c.name, sa.literal(0).label("depth")).where(nodes.c.up.is_(None)).cte("tree", recursive=True)
        tree = tree.union_all(sa.select(nodes.c.id, nodes.c.name, tree.c.depth + 1).join(tree, nodes.c.up == tree.c.id))
        print(session.execute(sa.select(tree.c.depth, sa.func.count(), sa.func.array_agg(pg.aggregate_order_by(tree.c.name, tree.c.name.desc()))).group_by(tree.c.depth).order_by(tree.c.depth)).all())
        print(session.execute(sa.select(nodes.c.name, sa.func.row_number().over(partition_by=nodes.c.up, order_by=nodes.c.name.desc())).order_by(nodes.c.id).limit(4)).all())
        upsert = pg.insert(nodes).values([{"id": 1, "name": "top", "version": 1}, {"id": 99, "name": "new", "version": 1}])
        print(session.execute(upsert.on_conflict_do_update(index_elements=["id"], set_={"name": upsert.excluded.name}).returning(nodes.c.id, nodes.c.name)).all())
        sub = sa.select(sa.func.count()).where(nodes.c.up == 1).scalar_subquery()
        print(session.execute(sa.update(nodes).where(nodes.c.id == 99).values(version=sub).returning(nodes.c.version)).all())
        print(session.scalars(sa.select(Node).options(orm.selectinload(Node.children)).where(Node.name == "a").with_for_update(skip_locked=True)).one().children[1].name)
        lateral = sa.select(nodes.c.name).where(nodes.c.up == 1).order_by(nodes.c.id).limit(2).lateral("l")
        print(session.execute(sa.select(nodes.c.id, lateral.c.name).join(lateral, sa.true()).where(nodes.c.id < 3).order_by(nodes.c.id, lateral.c.name)).all())
        series = sa.func.generate_series(1, 4).table_valued("n", with_ordinality="at").render_derived()
        print(session.execute(sa.select(series)).all(), session.execute(sa.select(sa.values(sa.column("x", sa.Integer), name="v").data([(1,), (2,)]))).all())
        with session.begin_nested() as nested:
            session.execute(sa.delete(nodes).where(nodes.c.id == 99))
            nested.rollback()
        session.delete(session.get(Node, 1))
        session.commit()
        print(session.scalar(sa.select(sa.func.count()).select_from(nodes)))
    registry.metadata.drop_all(engine)


for driver in ("psycopg", "psycopg2"):
    engine = sa.create_engine(sys.argv[1].replace("postgresql:", f"postgresql+{driver}:"))
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema("Other"))
        meta.create_all(connection)
        connection.execute(sa.text("create view seen as select e.id, p.name from every e join parent p on p.id = e.parent_id"))
        connection.execute(sa.text("create materialized view kept as select count(*) from every"))
        print(connection.execute(sa.insert(parent).returning(parent.c.id), [{"name": n} for n in "abc"]).all())
        # psycopg2 has ranges of its own.
        own = {n: v for n, (_, v) in VALUES.items() if driver == "psycopg" or not isinstance(v, (pg.Range, list))}
        connection.execute(sa.insert(every), {"parent_id": 10, **own})
        connection.execute(sa.insert(every), [{"parent_id": None, **dict.fromkeys(VALUES.keys() - {"path"}), "small": n} for n in range(2)])
        for row in connection.execute(sa.select(every).order_by(every.c.id)).mappings():
            print({k: v for k, v in row.items() if v is not None})
        for name, value in own.items():
            try:
                with connection.begin_nested():
                    print(name, connection.scalar(sa.select(sa.func.count()).where(every.c[name] == value)))
            except sa.exc.DBAPIError as error:
                print(name, type(error).__name__, error.orig)
    reflected(engine)
    orm_use(engine)
    for wrong in (sa.insert(every).values(small=101), sa.insert(parent).values(name="a"), sa.select(sa.text("nothing"))):
        try:
            with engine.begin() as connection:
                connection.execute(wrong)
        except sa.exc.DBAPIError as error:
            print(type(error).__name__, error.orig)
    with engine.begin() as connection:
        connection.execute(sa.text("drop view seen; drop materialized view kept"))
        meta.drop_all(connection)
        connection.execute(sa.schema.DropSchema("Other"))
    engine.dispose()
