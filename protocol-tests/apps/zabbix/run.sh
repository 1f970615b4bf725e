# The schema and its data as zabbix-server's documentation loads them, and what the server asks first.
set -e
psql="psql -X -q -v ON_ERROR_STOP=1 $1"
for part in schema images data; do
    gunzip -c "$FILES/usr/share/zabbix-server-pgsql/$part.sql.gz" | $psql >loaded
    sort loaded | uniq -c
done
$psql <<'SQL'
select mandatory, optional from dbversion;
select count(*), sum(length(name)), min(hostid), max(hostid) from hosts;
select h.host, count(*) from hosts h join items i using (hostid) left join triggers t on t.templateid is null and t.triggerid = i.itemid group by 1 order by 2 desc, 1 limit 5;
select md5(string_agg(md5(image), '' order by imageid)), sum(length(image)) from images;
select i.itemid, f.triggerid, t.expression from items i, functions f, triggers t where i.itemid = f.itemid and f.triggerid = t.triggerid order by f.functionid limit 3;
select distinct h.hostid, h.host from hosts h, hosts_groups hg where h.hostid = hg.hostid and h.status = 3 and hg.groupid in (select groupid from hstgrp where internal = 1) order by 1 limit 3;
begin;
select nextid from ids where table_name = 'events' and field_name = 'eventid' for update;
insert into ids (table_name, field_name, nextid) values ('events', 'eventid', 1);
insert into hosts (hostid, host, name, status) values (99999, 'mine', 'Mine', 0);
update hosts set description = 'it''s' where hostid = 99999 returning hostid, description, flags;
insert into history_uint (itemid, clock, ns, value) select 1, 1700000000 + n, n, 18446744073709551615 - n from generate_series(1, 100) n;
select itemid, max(value), min(clock), sum(value), avg(value) from history_uint group by itemid;
delete from hosts where hostid = 99999;
commit;
SQL
$psql -c "insert into hosts_groups (hostgroupid, hostid, groupid) values (1, 424242, 1)" || true
$psql -c "delete from hstgrp where groupid = 5" || true
