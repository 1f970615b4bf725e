# The schema as kea-admin makes it, and leases through its functions and triggers.
set -e
psql="psql -X -v ON_ERROR_STOP=1 $1"
$psql -q -f "$FILES/usr/share/kea/scripts/pgsql/dhcpdb_create.pgsql"
$DUMP
$psql -v ON_ERROR_STOP=0 <<'SQL'
select * from schema_version;
select * from lease_state order by 1;
insert into lease4 (address, hwaddr, client_id, valid_lifetime, expire, subnet_id, fqdn_fwd, fqdn_rev, hostname, state, user_context)
  select 3232235777 + n, decode('0102030405' || to_hex(16 + n), 'hex'), null, 3600, '2030-01-01 00:00:00+00'::timestamptz + n * interval '1 hour', 1 + n % 2, true, false, 'host' || n, n % 3, '{"n": 1}' from generate_series(0, 9) n;
select * from lease4_stat order by 1, 2;
select address, encode(hwaddr, 'hex'), extract(epoch from expire)::bigint, subnet_id from lease4 where expire < '2030-01-01 05:00:00+00' and state != 2 order by expire limit 3;
update lease4 set state = 1 where address = 3232235777;
delete from lease4 where address = 3232235778;
select * from lease4_stat order by 1, 2;
select lease4DumpHeader();
select * from lease4DumpData() limit 4;
select lease6DumpHeader();
insert into lease6 (address, duid, valid_lifetime, expire, subnet_id, pref_lifetime, lease_type, iaid, prefix_len, fqdn_fwd, fqdn_rev, hostname, state) values ('2001:db8::1', '\x0102', 100, '2030-01-01 00:00:00+00', 5, 50, 0, 7, 128, false, false, '', 0), ('2001:db8::', '\x0102', 100, '2030-01-01 00:00:00+00', 5, 50, 2, 8, 64, false, false, '', 1);
select * from lease6DumpData();
select * from lease6_stat order by 1, 2, 3;
insert into hosts (dhcp_identifier, dhcp_identifier_type, dhcp4_subnet_id, ipv4_address, hostname) values ('\x010203040506', 0, 1, 3232235800, 'fixed') returning host_id;
insert into hosts (dhcp_identifier, dhcp_identifier_type, dhcp4_subnet_id, ipv4_address) values ('\x010203040506', 0, 1, 3232235801);
insert into ipv6_reservations (address, prefix_len, type, host_id) values ('2001:db8::5', 128, 0, 1);
insert into dhcp4_options (code, value, formatted_value, space, persistent, host_id, scope_id) values (3, '\xc0a80001', '192.168.0.1', 'dhcp4', true, 1, 3);
select h.host_id, encode(h.dhcp_identifier, 'hex'), h.hostname, o.code, o.formatted_value, r.address from hosts h left join dhcp4_options o on h.host_id = o.host_id left join ipv6_reservations r on r.host_id = h.host_id order by 1;
select set_config('kea.disable_audit', 'false', false);
select createAuditRevisionDHCP4(now(), 'all', 'a log message', false);
insert into dhcp4_global_parameter (name, value, parameter_type, modification_ts) values ('renew-timer', '900', 0, now());
insert into dhcp4_shared_network (name, modification_ts, interface) values ('net1', now(), 'eth0');
insert into dhcp4_subnet (subnet_id, subnet_prefix, shared_network_name, modification_ts) values (1, '10.0.0.0/8', 'net1', now());
insert into dhcp4_pool (start_address, end_address, subnet_id, modification_ts) values ('10.0.0.5', '10.0.0.9', 1, now());
insert into dhcp4_subnet_server (subnet_id, server_id, modification_ts) values (1, 1, now());
select object_type, object_id, modification_type, log_message from dhcp4_audit a join dhcp4_audit_revision r on a.revision_id = r.id order by a.id;
select s.subnet_prefix, p.start_address, p.end_address, x.tag from dhcp4_subnet s join dhcp4_pool p using (subnet_id) left join dhcp4_subnet_server ss using (subnet_id) left join dhcp4_server x on x.id = ss.server_id;
delete from dhcp4_subnet where subnet_id = 1;
delete from hosts;
select gmt_epoch('2020-01-01 00:00:00'), (select count(*) from dhcp4_options);
SQL
$psql -q -f "$FILES/usr/share/kea/scripts/pgsql/dhcpdb_drop.pgsql"
