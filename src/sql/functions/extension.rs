//! Functions of extensions (contrib.html): they are there in databases where the extension was created.

use super::Call::Function as F;
use super::{Function, immutable, stable, volatile};
use crate::sql::type_names::*;

#[rustfmt::skip]
pub(super) static ROWS: &[Function] = &[
    immutable("uuid_nil", &[], UUID, F("pg_uuid_nil")).of("uuid-ossp"),
    immutable("uuid_ns_dns", &[], UUID, F("pg_uuid_ns_dns")).of("uuid-ossp"),
    immutable("uuid_ns_url", &[], UUID, F("pg_uuid_ns_url")).of("uuid-ossp"),
    immutable("uuid_ns_oid", &[], UUID, F("pg_uuid_ns_oid")).of("uuid-ossp"),
    immutable("uuid_ns_x500", &[], UUID, F("pg_uuid_ns_x500")).of("uuid-ossp"),
    volatile("uuid_generate_v1", &[], UUID, F("pg_uuid_generate_v1")).of("uuid-ossp"),
    volatile("uuid_generate_v1mc", &[], UUID, F("pg_uuid_generate_v1")).of("uuid-ossp"),
    volatile("uuid_generate_v4", &[], UUID, F("pg_gen_random_uuid")).of("uuid-ossp"),
    immutable("uuid_generate_v3", &[UUID, TEXT], UUID, F("pg_uuid_generate_v3")).of("uuid-ossp"),
    immutable("uuid_generate_v5", &[UUID, TEXT], UUID, F("pg_uuid_generate_v5")).of("uuid-ossp"),
    immutable("digest", &[TEXT, TEXT], BYTEA, F("pg_digest")).of("pgcrypto"),
    immutable("hmac", &[TEXT, TEXT, TEXT], BYTEA, F("pg_hmac")).of("pgcrypto"),
    immutable("digest", &[BYTEA, TEXT], BYTEA, F("pg_digest")).of("pgcrypto"),
    immutable("hmac", &[BYTEA, BYTEA, TEXT], BYTEA, F("pg_hmac")).of("pgcrypto"),
    volatile("gen_random_bytes", &[INT4], BYTEA, F("pg_gen_random_bytes")).of("pgcrypto"),
    immutable("similarity", &[TEXT, TEXT], FLOAT4, F("pg_similarity")).of("pg_trgm"),
    stable("unaccent", &[TEXT], TEXT, F("pg_unaccent")).of("unaccent"),
    immutable("soundex", &[TEXT], TEXT, F("pg_soundex")).of("fuzzystrmatch"),
    immutable("text_soundex", &[TEXT], TEXT, F("pg_soundex")).of("fuzzystrmatch"),
    immutable("difference", &[TEXT, TEXT], INT4, F("pg_difference")).of("fuzzystrmatch"),
    immutable("levenshtein", &[TEXT, TEXT], INT4, F("pg_levenshtein")).of("fuzzystrmatch"),
    immutable("levenshtein", &[TEXT, TEXT, INT4, INT4, INT4], INT4, F("pg_levenshtein")).of("fuzzystrmatch"),
    immutable("levenshtein_less_equal", &[TEXT, TEXT, INT4], INT4, F("pg_levenshtein_less_equal")).of("fuzzystrmatch"),
    immutable("levenshtein_less_equal", &[TEXT, TEXT, INT4, INT4, INT4, INT4], INT4, F("pg_levenshtein_less_equal")).of("fuzzystrmatch"),
];
