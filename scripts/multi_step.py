"""Statements of several steps that each write a row into left_side and the same into right_side, for scripts/kill9 and
scripts/disk-full-test: whatever happens, both have it or neither.
"""


def schema(columns):
    """Beside left_side and right_side, which have the same columns; client and number are the key."""
    sides = "insert into left_side values (new.*); insert into right_side values (new.*); return null;"
    return [
        f"create table fed ({columns})",
        f"create table merged ({columns})",
        f"create table moved ({columns}) partition by list (client)",
        "create table waiting partition of moved for values in (-1)",
        "create table arrived partition of moved default",
        f"create table parents ({columns})",
        f"create table children ({columns}, foreign key (client, number) references parents on delete cascade)",
        "create view shown as select * from fed where client >= 0 with check option",
        f"create function sides() returns trigger language plpgsql as $$ begin {sides} end $$",
        "create function gone() returns trigger language plpgsql as $$ begin"
        " if tg_table_name = 'parents' then insert into left_side values (old.*); else insert into right_side values (old.*); end if;"
        " return null; end $$",
        *[f"create trigger t after insert on {table} for each row execute function sides()" for table in ("fed", "merged", "arrived")],
        *[f"create trigger t after delete on {table} for each row execute function gone()" for table in ("parents", "children")],
    ]


def change(row, number):
    """What writes a row, given as SQL: a statement, with what it needs before; another kind for each number."""
    client, key, *rest = row
    values = f"({', '.join(row)})"
    here = f"client = {client} and number = {key}"
    return [
        f"with l as (insert into left_side values {values} returning *) insert into right_side select * from l",
        f"insert into fed values {values}",
        f"merge into merged m using (values {values}) v on m.client = v.column1 and m.number = v.column2 when not matched then insert values (v.*)",
        f"insert into moved values ({', '.join(['-1', key, *rest])}); update moved set client = {client} where client = -1 and number = {key}",
        f"insert into parents values {values}; insert into children values {values}; delete from parents where {here}",
        f"insert into shown values {values}",
        f"with r as (insert into right_side values {values} returning *), l as (insert into left_side select * from r returning 1) select * from l",
    ][number % 7]
