# The schema with its upgrades, a zone, and the queries that gpgsql's documentation lists.
set -e
psql="psql -X -v ON_ERROR_STOP=1 $1"
$psql -f "$FILES/usr/share/pdns-backend-pgsql/schema/schema.pgsql.sql"
$DUMP
$psql -v ON_ERROR_STOP=0 <<'SQL'
insert into domains (type, name, notified_serial, catalog) values ('MASTER', 'example.org', null, null), ('SLAVE', 'example.net', 5, 'cat');
insert into records (content, ttl, prio, type, domain_id, disabled, name, ordername, auth) values
 ('ns1.example.org hostmaster.example.org 1 3600 600 86400 60', 3600, 0, 'SOA', 1, false, 'example.org', '', true),
 ('192.0.2.1', 60, 0, 'A', 1, false, 'www.example.org', 'www', true), ('mail', 60, 10, 'MX', 1, true, 'example.org', '', true),
 ('v=x', 60, 0, 'TXT', 1, false, 'a b.example.org', E'b a', 't'), ('none', 60, 0, 'A', 1, false, 'UPPER.example.org', null, 't');
insert into domainmetadata (domain_id, kind, content) select id, 'ALLOW-AXFR-FROM', 'AUTO-NS' from domains where name = 'example.org';
insert into cryptokeys (domain_id, flags, active, content, published) select id, 257, true, 'key', true from domains where name = 'example.org' returning id;
insert into supermasters values ('2001:db8::1', 'ns.example.net', 'me');
insert into supermasters values ('no address', 'ns', 'me');
insert into comments (domain_id, name, type, modified_at, account, comment) values (1, 'www.example.org', 'A', 1700000000, null, 'x'), (77, 'a', 'A', 1, null, 'x');
SQL
$psql -v ON_ERROR_STOP=0 <<'SQL'
SELECT content,ttl,prio,type,domain_id,disabled::int,name,auth::int FROM records WHERE disabled=false and type='SOA' and name='example.org';
SELECT content,ttl,prio,type,domain_id,disabled::int,name,auth::int FROM records WHERE disabled=false and name='www.example.org' and domain_id='1';
SELECT content,ttl,prio,type,domain_id,disabled::int,name,auth::int FROM records WHERE (disabled=false OR true) and domain_id=1 order by name, type;
select ordername, name from records where domain_id=1 and disabled=false and ordername is not null order by 1 using ~>~, 2 limit 1;
select ordername, name from records where ordername ~<=~ 'www' and domain_id=1 and disabled=false and ordername is not null order by 1 using ~>~ limit 1;
select min(ordername) from records where ordername ~>~ 'b a' and domain_id=1 and disabled=false and ordername is not null;
select domains.id, domains.name, records.content, domains.type, domains.master, domains.notified_serial, domains.last_check, domains.account from domains LEFT JOIN records ON records.domain_id=domains.id AND records.type='SOA' AND records.name=domains.name WHERE records.disabled=false OR records.disabled is null order by 1;
select d.id, d.name, d.type, d.notified_serial, d.options, d.catalog, r.content from records r join domains d on r.domain_id=d.id and r.name=d.name where r.type='SOA' and r.disabled=false and d.type in ('MASTER', 'PRODUCER') order by d.id;
update records set ordername='x', auth=true where domain_id=1 and name='www.example.org' and disabled=false;
update domains set notified_serial=7 where id=1;
select kind,content from domains, domainmetadata where domainmetadata.domain_id=domains.id and name='example.org';
select cryptokeys.id, flags, case when active then 1 else 0 end as active, case when published then 1 else 0 end as published, content from domains, cryptokeys where cryptokeys.domain_id=domains.id and name='example.org';
select content from records where disabled=false and name like '%.example.org' escape '\' and type = 'A' order by 1 limit 5;
select domain_id,name,type,modified_at,account,comment from comments where domain_id=1;
insert into records (name, type, domain_id) values ('Bad.example.org', 'A', 1);
delete from records where domain_id=1 and name='www.example.org' and type='A';
delete from domains where name='example.org';
select (select count(*) from records) records, (select count(*) from comments) comments, (select count(*) from cryptokeys) keys;
SQL
