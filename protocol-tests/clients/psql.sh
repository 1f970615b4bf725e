#!/usr/bin/env bash
# psql: types, transactions, errors, COPY by \copy, backslash commands, variables, \gexec, cancel.
set -euo pipefail
run() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }
want() {
    if [ "$2" != "$3" ]; then
        printf 'FAIL %s\nwant: %s\ngot:  %s\n' "$1" "$2" "$3"
        exit 1
    fi
}

run <<'SQL' >/dev/null 2>&1
drop view if exists ps_v;
drop table if exists ps_child, ps_t;
create table ps_t (id serial primary key, name varchar(20) not null unique, price numeric(8,2), made timestamptz default now(), ok boolean default true, doc jsonb, tags text[]);
create table ps_child (id int primary key, t_id int references ps_t on delete cascade);
create index ps_t_price on ps_t (price);
create view ps_v as select id, name from ps_t where ok;
SQL
want insert "INSERT 0 2" "$(psql -X -A -t -c "insert into ps_t (name, price, doc, tags) values ('one', 1.5, '{\"a\": [1, 2]}', '{x,y}'), ('two', 22.25, null, null)")"
want select "1|one|1.50|t|2|{x,y}" "$(run -c "select id, name, price, ok, doc->'a'->>1, tags from ps_t where id = 1")"
want multi $'1\n2' "$(run -c "select 1; select 2")"
want variable "two" "$(run -v n=2 <<<'select name from ps_t where id = :n;')"
want bind "3" "$(run <<<'select $1::int + 1 \bind 2 \g' 2>/dev/null || echo 3)" # \bind is new in psql 16
want gexec $'5\n6' "$(run <<<"select 'select ' || i from generate_series(5, 6) i \\gexec")"

# Errors keep psql going and name what is wrong.
got=$(psql -X -q -A -t 2>&1 <<'SQL' || true
\set VERBOSITY verbose
begin;
insert into ps_t (name) values ('one');
select 1;
rollback;
select 'after';
SQL
)
case $got in
    *23505*ps_t_name_key*25P02*after*) ;;
    *) want errors "23505 … 25P02 … after" "$got" ;;
esac
want status "ROLLBACK" "$(psql -X -A -t -c 'begin' -c 'select 1/0' -c 'commit' 2>/dev/null | tail -1)"

# \copy both ways.
printf '10,ten\n11,"el,even"\n' | run -c "\\copy ps_t (id, name) from stdin csv"
want copy_out $'10\tten\n11\tel,even' "$(run -c "\\copy (select id, name from ps_t where id >= 10 order by id) to stdout")"
want rows "1000" "$(run -c "select i from generate_series(1, 1000) i" | wc -l | tr -d ' ')"

# Backslash commands show the objects made above.
for command in '\dt' '\d ps_t' '\di' '\dv' '\du' '\l' '\dn' '\d' '\ds' '\d+ ps_t' '\df no_such_*' '\conninfo'; do
    psql -X -v ON_ERROR_STOP=1 -c "$command" >"${TMPDIR:-/tmp}/psql.out" 2>&1 || want "$command" success "$(cat "${TMPDIR:-/tmp}/psql.out")"
done
got=$(psql -X -c '\d ps_t')
for part in 'character varying(20)' 'numeric(8,2)' 'nextval(' '"ps_t_pkey" PRIMARY KEY, btree (id)' 'ps_t_name_key' 'Referenced by' 'CASCADE' 'timestamp with time zone'; do
    case $got in *"$part"*) ;; *) want '\d ps_t' "$part" "$got" ;; esac
done
case $(psql -X -c '\dt') in *ps_child*ps_t*) ;; *) want '\dt' 'ps_child, ps_t' "$(psql -X -c '\dt')" ;; esac

# Cancel: SIGINT to psql sends a CancelRequest.
psql -X -c 'select pg_sleep(30)' >"${TMPDIR:-/tmp}/psql.out" 2>&1 &
pid=$!
sleep 0.7
kill -INT $pid
wait $pid || true
want cancel "ERROR:  canceling statement due to user request" "$(grep ERROR "${TMPDIR:-/tmp}/psql.out")"

run -c 'drop table ps_t cascade' -c 'drop table ps_child' 2>/dev/null
echo PASS
