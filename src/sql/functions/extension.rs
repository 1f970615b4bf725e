//! Functions of extensions (contrib.html): they are there in databases where the extension was created.

use super::Call::{self, Function as F, Template as T, Typed as Y};
use super::{Function, Volatility, aggregate, immutable, set, stable, volatile};
use crate::sql::type_names::*;
use crate::types::pg_type::Oid;

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
    immutable("encrypt", &[BYTEA, BYTEA, TEXT], BYTEA, F("pg_encrypt")).of("pgcrypto"),
    immutable("encrypt_iv", &[BYTEA, BYTEA, BYTEA, TEXT], BYTEA, F("pg_encrypt_iv")).of("pgcrypto"),
    immutable("decrypt", &[BYTEA, BYTEA, TEXT], BYTEA, F("pg_decrypt")).of("pgcrypto"),
    immutable("decrypt_iv", &[BYTEA, BYTEA, BYTEA, TEXT], BYTEA, F("pg_decrypt_iv")).of("pgcrypto"),
    immutable("armor", &[BYTEA], TEXT, F("pg_armor")).of("pgcrypto"),
    immutable("armor", &[BYTEA, TEXT_ARRAY, TEXT_ARRAY], TEXT, F("pg_armor")).of("pgcrypto"),
    immutable("dearmor", &[TEXT], BYTEA, F("pg_dearmor")).of("pgcrypto"),
    set("pgp_armor_headers", &[TEXT], RECORD, F("pg_armor_headers")).columns(&[("key", TEXT), ("value", TEXT)]).of("pgcrypto"),
    immutable("metaphone", &[TEXT, INT4], TEXT, F("pg_metaphone")).of("fuzzystrmatch"),
    immutable("crypt", &[TEXT, TEXT], TEXT, F("pg_crypt")).of("pgcrypto"),
    volatile("gen_salt", &[TEXT], TEXT, F("pg_gen_salt")).of("pgcrypto"),
    volatile("gen_salt", &[TEXT, INT4], TEXT, F("pg_gen_salt")).of("pgcrypto"),
    volatile("gen_random_bytes", &[INT4], BYTEA, F("pg_gen_random_bytes")).of("pgcrypto"),
    stable("unaccent", &[TEXT], TEXT, F("pg_unaccent")).of("unaccent"),
    immutable("soundex", &[TEXT], TEXT, F("pg_soundex")).of("fuzzystrmatch"),
    immutable("text_soundex", &[TEXT], TEXT, F("pg_soundex")).of("fuzzystrmatch"),
    immutable("difference", &[TEXT, TEXT], INT4, F("pg_difference")).of("fuzzystrmatch"),
    immutable("levenshtein", &[TEXT, TEXT], INT4, F("pg_levenshtein")).of("fuzzystrmatch"),
    immutable("levenshtein", &[TEXT, TEXT, INT4, INT4, INT4], INT4, F("pg_levenshtein")).of("fuzzystrmatch"),
    immutable("levenshtein_less_equal", &[TEXT, TEXT, INT4], INT4, F("pg_levenshtein_less_equal")).of("fuzzystrmatch"),
    immutable("levenshtein_less_equal", &[TEXT, TEXT, INT4, INT4, INT4, INT4], INT4, F("pg_levenshtein_less_equal")).of("fuzzystrmatch"),
];

/// btree_gist's: how far apart two values are.
#[rustfmt::skip]
pub(super) static OF_BTREE_GIST: &[Function] = &[
    immutable("cash_dist", &[MONEY, MONEY], MONEY, T("abs(pg_cash_mi({0}, {1}))")).of("btree_gist"),
    immutable("date_dist", &[DATE, DATE], INT4, T("abs(pg_date_mi({0}, {1}))")).of("btree_gist"),
    immutable("float4_dist", &[FLOAT4, FLOAT4], FLOAT4, T("pg_float4abs(pg_float4mi({0}, {1}))")).of("btree_gist"),
    immutable("float8_dist", &[FLOAT8, FLOAT8], FLOAT8, T("pg_float8abs(pg_float8mi({0}, {1}))")).of("btree_gist"),
    immutable("int2_dist", &[INT2, INT2], INT2, T("pg_int2abs(pg_int2mi({0}, {1}))")).of("btree_gist"),
    immutable("int4_dist", &[INT4, INT4], INT4, T("pg_int4abs(pg_int4mi({0}, {1}))")).of("btree_gist"),
    immutable("int8_dist", &[INT8, INT8], INT8, T("pg_int8abs(pg_int8mi({0}, {1}))")).of("btree_gist"),
    immutable("interval_dist", &[INTERVAL, INTERVAL], INTERVAL, F("pg_interval_dist")).of("btree_gist"),
    immutable("oid_dist", &[OID, OID], OID, T("abs({0} - {1})")).of("btree_gist"),
    immutable("time_dist", &[TIME, TIME], INTERVAL, F("pg_time_dist")).of("btree_gist"),
    immutable("ts_dist", &[TIMESTAMP, TIMESTAMP], INTERVAL, F("pg_timestamp_dist")).of("btree_gist"),
    immutable("tstz_dist", &[TIMESTAMPTZ, TIMESTAMPTZ], INTERVAL, F("pg_timestamptz_dist")).of("btree_gist"),
];

/// citext's: text's functions that do not tell capital letters from small ones.
#[rustfmt::skip]
pub(super) static OF_CITEXT: &[Function] = &[
    immutable("citext", &[BPCHAR], CITEXT, T("rtrim({0}, ' ')")).of("citext"),
    immutable("citext", &[BOOL], CITEXT, T("(CASE {0} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)")).of("citext"),
    immutable("citext", &[INET], CITEXT, F("pg_inet_text")).of("citext"),
    immutable("citext_eq", &[CITEXT, CITEXT], BOOL, T("({0} COLLATE pg_citext = {1})")).of("citext"),
    immutable("citext_ne", &[CITEXT, CITEXT], BOOL, T("({0} COLLATE pg_citext <> {1})")).of("citext"),
    immutable("citext_lt", &[CITEXT, CITEXT], BOOL, T("({0} COLLATE pg_citext < {1})")).of("citext"),
    immutable("citext_le", &[CITEXT, CITEXT], BOOL, T("({0} COLLATE pg_citext <= {1})")).of("citext"),
    immutable("citext_gt", &[CITEXT, CITEXT], BOOL, T("({0} COLLATE pg_citext > {1})")).of("citext"),
    immutable("citext_ge", &[CITEXT, CITEXT], BOOL, T("({0} COLLATE pg_citext >= {1})")).of("citext"),
    immutable("citext_cmp", &[CITEXT, CITEXT], INT4, T("(({0} COLLATE pg_citext > {1}) - ({0} COLLATE pg_citext < {1}))")).of("citext"),
    immutable("citext_pattern_lt", &[CITEXT, CITEXT], BOOL, T("({0} COLLATE pg_citext < {1})")).of("citext"),
    immutable("citext_pattern_le", &[CITEXT, CITEXT], BOOL, T("({0} COLLATE pg_citext <= {1})")).of("citext"),
    immutable("citext_pattern_gt", &[CITEXT, CITEXT], BOOL, T("({0} COLLATE pg_citext > {1})")).of("citext"),
    immutable("citext_pattern_ge", &[CITEXT, CITEXT], BOOL, T("({0} COLLATE pg_citext >= {1})")).of("citext"),
    immutable("citext_pattern_cmp", &[CITEXT, CITEXT], INT4, T("(({0} COLLATE pg_citext > {1}) - ({0} COLLATE pg_citext < {1}))")).of("citext"),
    immutable("citext_smaller", &[CITEXT, CITEXT], CITEXT, T("(CASE WHEN {0} COLLATE pg_citext < {1} THEN {0} ELSE {1} END)")).of("citext"),
    immutable("citext_larger", &[CITEXT, CITEXT], CITEXT, T("(CASE WHEN {0} COLLATE pg_citext > {1} THEN {0} ELSE {1} END)")).of("citext"),
    aggregate("min", &[CITEXT], CITEXT, F("min")).of("citext"),
    aggregate("max", &[CITEXT], CITEXT, F("max")).of("citext"),
    immutable("texticlike", &[CITEXT, CITEXT], BOOL, F("pg_ilike")).of("citext"),
    immutable("texticlike", &[CITEXT, TEXT], BOOL, F("pg_ilike")).of("citext"),
    immutable("texticnlike", &[CITEXT, CITEXT], BOOL, T("(NOT pg_ilike({0}, {1}))")).of("citext"),
    immutable("texticnlike", &[CITEXT, TEXT], BOOL, T("(NOT pg_ilike({0}, {1}))")).of("citext"),
    immutable("texticregexeq", &[CITEXT, CITEXT], BOOL, F("pg_iregex")).of("citext"),
    immutable("texticregexeq", &[CITEXT, TEXT], BOOL, F("pg_iregex")).of("citext"),
    immutable("texticregexne", &[CITEXT, CITEXT], BOOL, T("(NOT pg_iregex({0}, {1}))")).of("citext"),
    immutable("texticregexne", &[CITEXT, TEXT], BOOL, T("(NOT pg_iregex({0}, {1}))")).of("citext"),
    immutable("regexp_match", &[CITEXT, CITEXT], TEXT_ARRAY, T("pg_regexp_match({0}, {1}, 'i')")).of("citext"),
    immutable("regexp_match", &[CITEXT, CITEXT, TEXT], TEXT_ARRAY, T("pg_regexp_match({0}, {1}, CASE WHEN instr({2}, 'c') THEN {2} ELSE {2} || 'i' END)")).of("citext"),
    set("regexp_matches", &[CITEXT, CITEXT], TEXT_ARRAY, F("pg_citext_matches")).of("citext"),
    set("regexp_matches", &[CITEXT, CITEXT, TEXT], TEXT_ARRAY, F("pg_citext_matches")).of("citext"),
    immutable("regexp_replace", &[CITEXT, CITEXT, TEXT], TEXT, T("pg_regexp_replace({0}, {1}, {2}, 'i')")).of("citext"),
    immutable("regexp_replace", &[CITEXT, CITEXT, TEXT, TEXT], TEXT, T("pg_regexp_replace({0}, {1}, {2}, CASE WHEN instr({3}, 'c') THEN {3} ELSE {3} || 'i' END)")).of("citext"),
    immutable("regexp_split_to_array", &[CITEXT, CITEXT], TEXT_ARRAY, T("pg_regexp_split_to_array({0}, {1}, 'i')")).of("citext"),
    immutable("regexp_split_to_array", &[CITEXT, CITEXT, TEXT], TEXT_ARRAY, T("pg_regexp_split_to_array({0}, {1}, CASE WHEN instr({2}, 'c') THEN {2} ELSE {2} || 'i' END)")).of("citext"),
    set("regexp_split_to_table", &[CITEXT, CITEXT], TEXT, F("pg_citext_split")).of("citext"),
    set("regexp_split_to_table", &[CITEXT, CITEXT, TEXT], TEXT, F("pg_citext_split")).of("citext"),
    immutable("strpos", &[CITEXT, CITEXT], INT4, T("instr(pg_lower({0}), pg_lower({1}))")).of("citext"),
    immutable("replace", &[CITEXT, CITEXT, CITEXT], TEXT, T("pg_regexp_replace({0}, pg_regexp_replace({1}, '([^a-zA-Z_0-9])', '\\\\\\1', 'g'), {2}, 'gi')")).of("citext"),
    immutable("split_part", &[CITEXT, CITEXT, INT4], TEXT, T("json_extract(pg_regexp_split_to_array({0}, pg_regexp_replace({1}, '([^a-zA-Z_0-9])', '\\\\\\1', 'g'), 'i'), '$[' || ({2} - 1) || ']')")).of("citext"),
    immutable("translate", &[CITEXT, CITEXT, TEXT], TEXT, T("pg_translate(pg_translate({0}, pg_lower({1}), {2}), pg_upper({1}), {2})")).of("citext"),
];

/// pg_trgm's.
#[rustfmt::skip]
pub(super) static OF_PG_TRGM: &[Function] = &[
    volatile("set_limit", &[FLOAT4], FLOAT4, F("pg_set_trgm_limit")).of("pg_trgm"),
    stable("show_limit", &[], FLOAT4, F("pg_trgm_limit")).of("pg_trgm"),
    immutable("show_trgm", &[TEXT], TEXT_ARRAY, F("pg_show_trgm")).of("pg_trgm"),
    immutable("similarity", &[TEXT, TEXT], FLOAT4, F("pg_similarity")).of("pg_trgm"),
    stable("similarity_op", &[TEXT, TEXT], BOOL, F("pg_is_similar")).of("pg_trgm"),
    immutable("similarity_dist", &[TEXT, TEXT], FLOAT4, F("pg_similarity_distance")).of("pg_trgm"),
    immutable("word_similarity", &[TEXT, TEXT], FLOAT4, F("pg_word_similarity")).of("pg_trgm"),
    stable("word_similarity_op", &[TEXT, TEXT], BOOL, F("pg_has_similar_word")).of("pg_trgm"),
    stable("word_similarity_commutator_op", &[TEXT, TEXT], BOOL, T("pg_has_similar_word({1}, {0})")).of("pg_trgm"),
    immutable("word_similarity_dist_op", &[TEXT, TEXT], FLOAT4, F("pg_word_distance")).of("pg_trgm"),
    immutable("word_similarity_dist_commutator_op", &[TEXT, TEXT], FLOAT4, T("pg_word_distance({1}, {0})")).of("pg_trgm"),
    immutable("strict_word_similarity", &[TEXT, TEXT], FLOAT4, F("pg_strict_word_similarity")).of("pg_trgm"),
    stable("strict_word_similarity_op", &[TEXT, TEXT], BOOL, F("pg_has_similar_words")).of("pg_trgm"),
    stable("strict_word_similarity_commutator_op", &[TEXT, TEXT], BOOL, T("pg_has_similar_words({1}, {0})")).of("pg_trgm"),
    immutable("strict_word_similarity_dist_op", &[TEXT, TEXT], FLOAT4, F("pg_strict_word_distance")).of("pg_trgm"),
    immutable("strict_word_similarity_dist_commutator_op", &[TEXT, TEXT], FLOAT4, T("pg_strict_word_distance({1}, {0})")).of("pg_trgm"),
];

/// hstore's.
#[rustfmt::skip]
pub(super) static OF_HSTORE: &[Function] = &[
    immutable("hstore_version_diag", &[HSTORE], INT4, T("({0} IS NOT NULL) * 2")).of("hstore"),
    immutable("fetchval", &[HSTORE, TEXT], TEXT, F("pg_hstore_fetch")).of("hstore"),
    immutable("slice_array", &[HSTORE, TEXT_ARRAY], TEXT_ARRAY, F("pg_hstore_slice_array")).of("hstore"),
    immutable("slice", &[HSTORE, TEXT_ARRAY], HSTORE, F("pg_hstore_slice")).of("hstore"),
    immutable("isexists", &[HSTORE, TEXT], BOOL, F("pg_hstore_exist")).of("hstore"),
    immutable("exist", &[HSTORE, TEXT], BOOL, F("pg_hstore_exist")).of("hstore"),
    immutable("exists_any", &[HSTORE, TEXT_ARRAY], BOOL, F("pg_hstore_exists_any")).of("hstore"),
    immutable("exists_all", &[HSTORE, TEXT_ARRAY], BOOL, F("pg_hstore_exists_all")).of("hstore"),
    immutable("isdefined", &[HSTORE, TEXT], BOOL, F("pg_hstore_defined")).of("hstore"),
    immutable("defined", &[HSTORE, TEXT], BOOL, F("pg_hstore_defined")).of("hstore"),
    immutable("delete", &[HSTORE, TEXT], HSTORE, F("pg_hstore_delete")).of("hstore"),
    immutable("delete", &[HSTORE, TEXT_ARRAY], HSTORE, F("pg_hstore_delete_array")).of("hstore"),
    immutable("delete", &[HSTORE, HSTORE], HSTORE, F("pg_hstore_delete_hstore")).of("hstore"),
    immutable("hs_concat", &[HSTORE, HSTORE], HSTORE, F("pg_hstore_concat")).of("hstore"),
    immutable("hs_contains", &[HSTORE, HSTORE], BOOL, F("pg_hstore_contains")).of("hstore"),
    immutable("hs_contained", &[HSTORE, HSTORE], BOOL, T("pg_hstore_contains({1}, {0})")).of("hstore"),
    immutable("tconvert", &[TEXT, TEXT], HSTORE, F("pg_hstore_of_text")).of("hstore"),
    immutable("hstore", &[TEXT, TEXT], HSTORE, F("pg_hstore_of_text")).of("hstore"),
    immutable("hstore", &[TEXT_ARRAY, TEXT_ARRAY], HSTORE, F("pg_hstore_of_arrays")).of("hstore"),
    immutable("hstore", &[TEXT_ARRAY], HSTORE, F("pg_hstore_of_array")).of("hstore"),
    immutable("hstore", &[RECORD], HSTORE, Y("pg_hstore_of_record")).of("hstore"),
    immutable("hstore_to_json", &[HSTORE], JSON, F("pg_hstore_to_json")).of("hstore"),
    immutable("hstore_to_json_loose", &[HSTORE], JSON, F("pg_hstore_to_json_loose")).of("hstore"),
    immutable("hstore_to_jsonb", &[HSTORE], JSONB, F("pg_hstore_to_jsonb")).of("hstore"),
    immutable("hstore_to_jsonb_loose", &[HSTORE], JSONB, F("pg_hstore_to_jsonb_loose")).of("hstore"),
    immutable("hstore_to_array", &[HSTORE], TEXT_ARRAY, F("pg_hstore_to_array")).of("hstore"),
    immutable("hstore_to_matrix", &[HSTORE], TEXT_ARRAY, F("pg_hstore_to_matrix")).of("hstore"),
    immutable("akeys", &[HSTORE], TEXT_ARRAY, F("pg_hstore_akeys")).of("hstore"),
    immutable("avals", &[HSTORE], TEXT_ARRAY, F("pg_hstore_avals")).of("hstore"),
    set("skeys", &[HSTORE], TEXT, F("pg_hstore_skeys")).of("hstore"),
    set("svals", &[HSTORE], TEXT, F("pg_hstore_svals")).of("hstore"),
    set("each", &[HSTORE], RECORD, F("pg_hstore_each")).columns(&[("key", TEXT), ("value", TEXT)]).of("hstore"),
    immutable("populate_record", &[ANYELEMENT, HSTORE], ANYELEMENT, Y("pg_hstore_populate")).of("hstore"),
    immutable("hstore_eq", &[HSTORE, HSTORE], BOOL, T("(pg_hstore_cmp({0}, {1}) = 0)")).of("hstore"),
    immutable("hstore_ne", &[HSTORE, HSTORE], BOOL, T("(pg_hstore_cmp({0}, {1}) <> 0)")).of("hstore"),
    immutable("hstore_gt", &[HSTORE, HSTORE], BOOL, T("(pg_hstore_cmp({0}, {1}) > 0)")).of("hstore"),
    immutable("hstore_ge", &[HSTORE, HSTORE], BOOL, T("(pg_hstore_cmp({0}, {1}) >= 0)")).of("hstore"),
    immutable("hstore_lt", &[HSTORE, HSTORE], BOOL, T("(pg_hstore_cmp({0}, {1}) < 0)")).of("hstore"),
    immutable("hstore_le", &[HSTORE, HSTORE], BOOL, T("(pg_hstore_cmp({0}, {1}) <= 0)")).of("hstore"),
    immutable("hstore_cmp", &[HSTORE, HSTORE], INT4, F("pg_hstore_cmp")).of("hstore"),
];

/// vector's.
#[rustfmt::skip]
pub(super) static OF_VECTOR: &[Function] = &[
    immutable("l2_distance", &[VECTOR, VECTOR], FLOAT8, F("pg_vector_l2_distance")).of("vector"),
    immutable("inner_product", &[VECTOR, VECTOR], FLOAT8, F("pg_vector_inner_product")).of("vector"),
    immutable("cosine_distance", &[VECTOR, VECTOR], FLOAT8, F("pg_vector_cosine_distance")).of("vector"),
    immutable("l1_distance", &[VECTOR, VECTOR], FLOAT8, F("pg_vector_l1_distance")).of("vector"),
    immutable("vector_dims", &[VECTOR], INT4, F("pg_vector_dims")).of("vector"),
    immutable("vector_norm", &[VECTOR], FLOAT8, F("pg_vector_norm")).of("vector"),
    immutable("l2_normalize", &[VECTOR], VECTOR, F("pg_vector_normalize")).of("vector"),
    immutable("binary_quantize", &[VECTOR], BIT, F("pg_vector_binary_quantize")).of("vector"),
    immutable("subvector", &[VECTOR, INT4, INT4], VECTOR, F("pg_vector_subvector")).of("vector"),
    immutable("vector_add", &[VECTOR, VECTOR], VECTOR, F("pg_vector_add")).of("vector"),
    immutable("vector_sub", &[VECTOR, VECTOR], VECTOR, F("pg_vector_sub")).of("vector"),
    immutable("vector_mul", &[VECTOR, VECTOR], VECTOR, F("pg_vector_mul")).of("vector"),
    immutable("vector_concat", &[VECTOR, VECTOR], VECTOR, F("pg_vector_concat")).of("vector"),
    immutable("vector_lt", &[VECTOR, VECTOR], BOOL, T("({0} < {1})")).of("vector"),
    immutable("vector_le", &[VECTOR, VECTOR], BOOL, T("({0} <= {1})")).of("vector"),
    immutable("vector_eq", &[VECTOR, VECTOR], BOOL, T("({0} = {1})")).of("vector"),
    immutable("vector_ne", &[VECTOR, VECTOR], BOOL, T("({0} <> {1})")).of("vector"),
    immutable("vector_ge", &[VECTOR, VECTOR], BOOL, T("({0} >= {1})")).of("vector"),
    immutable("vector_gt", &[VECTOR, VECTOR], BOOL, T("({0} > {1})")).of("vector"),
    immutable("vector_cmp", &[VECTOR, VECTOR], INT4, F("pg_vector_cmp")).of("vector"),
    immutable("vector_l2_squared_distance", &[VECTOR, VECTOR], FLOAT8, F("pg_vector_l2_squared")).of("vector"),
    immutable("vector_negative_inner_product", &[VECTOR, VECTOR], FLOAT8, F("pg_vector_negative_product")).of("vector"),
    immutable("vector_spherical_distance", &[VECTOR, VECTOR], FLOAT8, F("pg_vector_spherical_distance")).of("vector"),
    immutable("vector", &[VECTOR, INT4, BOOL], VECTOR, T("pg_typmod_vector({0}, {1})")).of("vector"),
    immutable("array_to_vector", &[INT4_ARRAY, INT4, BOOL], VECTOR, T("pg_typmod_vector(pg_vector_of_array({0}), {1})")).of("vector"),
    immutable("array_to_vector", &[FLOAT4_ARRAY, INT4, BOOL], VECTOR, T("pg_typmod_vector(pg_vector_of_array({0}), {1})")).of("vector"),
    immutable("array_to_vector", &[FLOAT8_ARRAY, INT4, BOOL], VECTOR, T("pg_typmod_vector(pg_vector_of_array({0}), {1})")).of("vector"),
    immutable("array_to_vector", &[NUMERIC_ARRAY, INT4, BOOL], VECTOR, T("pg_typmod_vector(pg_vector_of_array({0}), {1})")).of("vector"),
    immutable("vector_to_float4", &[VECTOR, INT4, BOOL], FLOAT4_ARRAY, T("pg_vector_to_array({0})")).of("vector"),
    aggregate("avg", &[VECTOR], VECTOR, F("pg_vector_avg")).of("vector"),
    aggregate("sum", &[VECTOR], VECTOR, F("pg_vector_sum")).of("vector"),
];

/// ltree's.
#[rustfmt::skip]
pub(super) static OF_LTREE: &[Function] = &[
    immutable("ltree_cmp", &[LTREE, LTREE], INT4, F("pg_ltree_cmp")).of("ltree"),
    immutable("ltree_lt", &[LTREE, LTREE], BOOL, T("({0} < {1})")).of("ltree"),
    immutable("ltree_le", &[LTREE, LTREE], BOOL, T("({0} <= {1})")).of("ltree"),
    immutable("ltree_eq", &[LTREE, LTREE], BOOL, T("({0} = {1})")).of("ltree"),
    immutable("ltree_ge", &[LTREE, LTREE], BOOL, T("({0} >= {1})")).of("ltree"),
    immutable("ltree_gt", &[LTREE, LTREE], BOOL, T("({0} > {1})")).of("ltree"),
    immutable("ltree_ne", &[LTREE, LTREE], BOOL, T("({0} <> {1})")).of("ltree"),
    immutable("subltree", &[LTREE, INT4, INT4], LTREE, F("pg_ltree_subltree")).of("ltree"),
    immutable("subpath", &[LTREE, INT4, INT4], LTREE, F("pg_ltree_subpath")).of("ltree"),
    immutable("subpath", &[LTREE, INT4], LTREE, F("pg_ltree_subpath")).of("ltree"),
    immutable("index", &[LTREE, LTREE], INT4, F("pg_ltree_index")).of("ltree"),
    immutable("index", &[LTREE, LTREE, INT4], INT4, F("pg_ltree_index")).of("ltree"),
    immutable("nlevel", &[LTREE], INT4, F("pg_ltree_nlevel")).of("ltree"),
    immutable("ltree2text", &[LTREE], TEXT, T("{0}")).of("ltree"),
    immutable("text2ltree", &[TEXT], LTREE, F("pg_ltree_in")).of("ltree"),
    immutable("lca", &[LTREE_ARRAY], LTREE, F("pg_ltree_lca_array")).of("ltree"),
    immutable("lca", &[LTREE, LTREE], LTREE, F("pg_ltree_lca")).of("ltree"),
    immutable("lca", &[LTREE, LTREE, LTREE], LTREE, F("pg_ltree_lca")).of("ltree"),
    immutable("lca", &[LTREE, LTREE, LTREE, LTREE], LTREE, F("pg_ltree_lca")).of("ltree"),
    immutable("lca", &[LTREE, LTREE, LTREE, LTREE, LTREE], LTREE, F("pg_ltree_lca")).of("ltree"),
    immutable("lca", &[LTREE, LTREE, LTREE, LTREE, LTREE, LTREE], LTREE, F("pg_ltree_lca")).of("ltree"),
    immutable("lca", &[LTREE, LTREE, LTREE, LTREE, LTREE, LTREE, LTREE], LTREE, F("pg_ltree_lca")).of("ltree"),
    immutable("lca", &[LTREE, LTREE, LTREE, LTREE, LTREE, LTREE, LTREE, LTREE], LTREE, F("pg_ltree_lca")).of("ltree"),
    immutable("ltree_isparent", &[LTREE, LTREE], BOOL, F("pg_ltree_isparent")).of("ltree"),
    immutable("ltree_risparent", &[LTREE, LTREE], BOOL, T("pg_ltree_isparent({1}, {0})")).of("ltree"),
    immutable("ltree_addltree", &[LTREE, LTREE], LTREE, F("pg_ltree_concat")).of("ltree"),
    immutable("ltree_addtext", &[LTREE, TEXT], LTREE, T("pg_ltree_concat({0}, pg_ltree_in({1}))")).of("ltree"),
    immutable("ltree_textadd", &[TEXT, LTREE], LTREE, T("pg_ltree_concat(pg_ltree_in({0}), {1})")).of("ltree"),
    immutable("ltq_regex", &[LTREE, LQUERY], BOOL, F("pg_ltree_regex")).of("ltree"),
    immutable("ltq_rregex", &[LQUERY, LTREE], BOOL, T("pg_ltree_regex({1}, {0})")).of("ltree"),
    immutable("lt_q_regex", &[LTREE, LQUERY_ARRAY], BOOL, F("pg_ltree_regex_any")).of("ltree"),
    immutable("lt_q_rregex", &[LQUERY_ARRAY, LTREE], BOOL, T("pg_ltree_regex_any({1}, {0})")).of("ltree"),
    immutable("ltxtq_exec", &[LTREE, LTXTQUERY], BOOL, F("pg_ltree_search")).of("ltree"),
    immutable("ltxtq_rexec", &[LTXTQUERY, LTREE], BOOL, T("pg_ltree_search({1}, {0})")).of("ltree"),
    immutable("_ltree_isparent", &[LTREE_ARRAY, LTREE], BOOL, T("pg_ltree_any(0, {0}, {1})")).of("ltree"),
    immutable("_ltree_r_isparent", &[LTREE, LTREE_ARRAY], BOOL, T("pg_ltree_any(0, {1}, {0})")).of("ltree"),
    immutable("_ltree_risparent", &[LTREE_ARRAY, LTREE], BOOL, T("pg_ltree_any(1, {0}, {1})")).of("ltree"),
    immutable("_ltree_r_risparent", &[LTREE, LTREE_ARRAY], BOOL, T("pg_ltree_any(1, {1}, {0})")).of("ltree"),
    immutable("_ltq_regex", &[LTREE_ARRAY, LQUERY], BOOL, T("pg_ltree_any(2, {0}, {1})")).of("ltree"),
    immutable("_ltq_rregex", &[LQUERY, LTREE_ARRAY], BOOL, T("pg_ltree_any(2, {1}, {0})")).of("ltree"),
    immutable("_lt_q_regex", &[LTREE_ARRAY, LQUERY_ARRAY], BOOL, F("pg_ltree_any_regex_any")).of("ltree"),
    immutable("_lt_q_rregex", &[LQUERY_ARRAY, LTREE_ARRAY], BOOL, T("pg_ltree_any_regex_any({1}, {0})")).of("ltree"),
    immutable("_ltxtq_exec", &[LTREE_ARRAY, LTXTQUERY], BOOL, T("pg_ltree_any(3, {0}, {1})")).of("ltree"),
    immutable("_ltxtq_rexec", &[LTXTQUERY, LTREE_ARRAY], BOOL, T("pg_ltree_any(3, {1}, {0})")).of("ltree"),
    immutable("_ltree_extract_isparent", &[LTREE_ARRAY, LTREE], LTREE, T("pg_ltree_first(0, {0}, {1})")).of("ltree"),
    immutable("_ltree_extract_risparent", &[LTREE_ARRAY, LTREE], LTREE, T("pg_ltree_first(1, {0}, {1})")).of("ltree"),
    immutable("_ltq_extract_regex", &[LTREE_ARRAY, LQUERY], LTREE, T("pg_ltree_first(2, {0}, {1})")).of("ltree"),
    immutable("_ltxtq_extract_exec", &[LTREE_ARRAY, LTXTQUERY], LTREE, T("pg_ltree_first(3, {0}, {1})")).of("ltree"),
];

/// intarray's.
#[rustfmt::skip]
pub(super) static OF_INTARRAY: &[Function] = &[
    immutable("querytree", &[QUERY_INT], TEXT, F("pg_intarray_querytree")).of("intarray"),
    immutable("boolop", &[INT4_ARRAY, QUERY_INT], BOOL, F("pg_intarray_query")).of("intarray"),
    immutable("rboolop", &[QUERY_INT, INT4_ARRAY], BOOL, T("pg_intarray_query({1}, {0})")).of("intarray"),
    immutable("_int_contains", &[INT4_ARRAY, INT4_ARRAY], BOOL, F("pg_intarray_contains")).of("intarray"),
    immutable("_int_contained", &[INT4_ARRAY, INT4_ARRAY], BOOL, T("pg_intarray_contains({1}, {0})")).of("intarray"),
    immutable("_int_overlap", &[INT4_ARRAY, INT4_ARRAY], BOOL, F("pg_intarray_overlap")).of("intarray"),
    immutable("_int_same", &[INT4_ARRAY, INT4_ARRAY], BOOL, F("pg_intarray_same")).of("intarray"),
    immutable("_int_different", &[INT4_ARRAY, INT4_ARRAY], BOOL, T("(NOT pg_intarray_same({0}, {1}))")).of("intarray"),
    immutable("_int_union", &[INT4_ARRAY, INT4_ARRAY], INT4_ARRAY, F("pg_intarray_union")).of("intarray"),
    immutable("_int_inter", &[INT4_ARRAY, INT4_ARRAY], INT4_ARRAY, F("pg_intarray_inter")).of("intarray"),
    immutable("intset", &[INT4], INT4_ARRAY, T("json_array({0})")).of("intarray"),
    immutable("icount", &[INT4_ARRAY], INT4, F("pg_intarray_count")).of("intarray"),
    immutable("sort", &[INT4_ARRAY, TEXT], INT4_ARRAY, F("pg_intarray_sort")).of("intarray"),
    immutable("sort", &[INT4_ARRAY], INT4_ARRAY, F("pg_intarray_sort")).of("intarray"),
    immutable("sort_asc", &[INT4_ARRAY], INT4_ARRAY, F("pg_intarray_sort")).of("intarray"),
    immutable("sort_desc", &[INT4_ARRAY], INT4_ARRAY, T("pg_intarray_sort({0}, 'desc')")).of("intarray"),
    immutable("uniq", &[INT4_ARRAY], INT4_ARRAY, F("pg_intarray_uniq")).of("intarray"),
    immutable("idx", &[INT4_ARRAY, INT4], INT4, F("pg_intarray_idx")).of("intarray"),
    immutable("subarray", &[INT4_ARRAY, INT4, INT4], INT4_ARRAY, F("pg_intarray_sub")).of("intarray"),
    immutable("subarray", &[INT4_ARRAY, INT4], INT4_ARRAY, F("pg_intarray_sub")).of("intarray"),
    immutable("intarray_push_elem", &[INT4_ARRAY, INT4], INT4_ARRAY, F("pg_intarray_push")).of("intarray"),
    immutable("intarray_push_array", &[INT4_ARRAY, INT4_ARRAY], INT4_ARRAY, F("pg_intarray_push_array")).of("intarray"),
    immutable("intarray_del_elem", &[INT4_ARRAY, INT4], INT4_ARRAY, F("pg_intarray_del")).of("intarray"),
    immutable("intset_union_elem", &[INT4_ARRAY, INT4], INT4_ARRAY, F("pg_intarray_union_elem")).of("intarray"),
    immutable("intset_subtract", &[INT4_ARRAY, INT4_ARRAY], INT4_ARRAY, F("pg_intarray_subtract")).of("intarray"),
];

const CROSSTAB: &[(&str, Oid)] =
    &[("row_name", TEXT), ("category_1", TEXT), ("category_2", TEXT), ("category_3", TEXT), ("category_4", TEXT)];

/// The first `count` of its columns.
const fn crosstab_columns(count: usize) -> &'static [(&'static str, Oid)] {
    CROSSTAB.split_at(count).0
}

/// A function over the session's data.
const fn stable_set(name: &'static str, args: &'static [Oid], call: Call) -> Function {
    Function { volatility: Volatility::Stable, ..set(name, args, RECORD, call) }
}

/// tablefunc's.
#[rustfmt::skip]
pub(super) static OF_TABLEFUNC: &[Function] = &[
    Function { volatility: Volatility::Volatile, ..set("normal_rand", &[INT4, FLOAT8, FLOAT8], FLOAT8, F("pg_normal_rand")) }.of("tablefunc"),
    stable_set("crosstab", &[TEXT], Y("pg_crosstab")).of("tablefunc"),
    stable_set("crosstab", &[TEXT, INT4], Y("pg_crosstab")).of("tablefunc"),
    stable_set("crosstab", &[TEXT, TEXT], Y("pg_crosstab_hash")).of("tablefunc"),
    stable_set("crosstab2", &[TEXT], F("pg_crosstab2")).columns(crosstab_columns(3)).of("tablefunc"),
    stable_set("crosstab3", &[TEXT], F("pg_crosstab3")).columns(crosstab_columns(4)).of("tablefunc"),
    stable_set("crosstab4", &[TEXT], F("pg_crosstab4")).columns(crosstab_columns(5)).of("tablefunc"),
    stable_set("connectby", &[TEXT, TEXT, TEXT, TEXT, INT4, TEXT], Y("pg_connectby")).of("tablefunc"),
    stable_set("connectby", &[TEXT, TEXT, TEXT, TEXT, INT4], Y("pg_connectby")).of("tablefunc"),
    stable_set("connectby", &[TEXT, TEXT, TEXT, TEXT, TEXT, INT4, TEXT], Y("pg_connectby_serial")).of("tablefunc"),
    stable_set("connectby", &[TEXT, TEXT, TEXT, TEXT, TEXT, INT4], Y("pg_connectby_serial")).of("tablefunc"),
];

/// pg_stat_statements'.
#[rustfmt::skip]
pub(super) static OF_PG_STAT_STATEMENTS: &[Function] = &[
    volatile("pg_stat_statements_reset", &[], VOID, F("pg_forget_statements")).of("pg_stat_statements"),
    volatile("pg_stat_statements_reset", &[OID], VOID, F("pg_forget_statements")).of("pg_stat_statements"),
    volatile("pg_stat_statements_reset", &[OID, OID], VOID, F("pg_forget_statements")).of("pg_stat_statements"),
    volatile("pg_stat_statements_reset", &[OID, OID, INT8], VOID, F("pg_forget_statements")).of("pg_stat_statements"),
];
