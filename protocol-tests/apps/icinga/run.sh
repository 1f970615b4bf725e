# The schema as icinga2 has it, and what its IDO writes.
set -e
psql="psql -X -v ON_ERROR_STOP=1 $1"
$psql -q -f "$FILES/usr/share/icinga2-ido-pgsql/schema/pgsql.sql"
$psql -v ON_ERROR_STOP=0 <<'SQL'
select name, version from icinga_dbversion;
INSERT INTO icinga_instances (instance_name, instance_description) VALUES (E'default', E'');
SELECT CURRVAL('icinga_instances_instance_id_seq') AS id;
INSERT INTO icinga_objects (instance_id, objecttype_id, name1, name2, is_active) VALUES (1, 1, E'host', NULL, 1), (1, 2, E'host', E'load', 1);
INSERT INTO icinga_hoststatus (instance_id, host_object_id, status_update_time, output, latency) VALUES (1, 1, TO_TIMESTAMP(1700000000) AT TIME ZONE 'UTC', E'a\nb', E'0.25');
UPDATE icinga_hoststatus SET current_state = 1, last_check = TO_TIMESTAMP(1700000005) AT TIME ZONE 'UTC' WHERE host_object_id = 1;
INSERT INTO icinga_customvariables (instance_id, object_id, config_type, has_been_modified, varname, varvalue, is_json) VALUES (1, 1, 1, 0, 'os', 'linux', 0);
SELECT object_id, objecttype_id, name1, name2, is_active FROM icinga_objects WHERE instance_id = 1 order by 1;
select from_unixtime(1700000000), unix_timestamp('2023-11-14 22:13:20'), unix_timestamp(status_update_time), current_state, output, latency, perfdata from icinga_hoststatus;
DELETE FROM icinga_servicechecks WHERE instance_id = 1 AND start_time < TO_TIMESTAMP(1);
select table_name, count(*), string_agg(data_type, ' ' order by ordinal_position) from information_schema.columns where table_schema = 'public' group by 1 order by 1;
select updatedbversion('9', '1.0.0');
SQL
