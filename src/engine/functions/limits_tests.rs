//! Every function that can take long or make something large, asked to: it must see that it is to end, and be refused
//! the memory before it has it. Expressions are in SQLite's dialect.

use rusqlite::Connection;

use super::tests::assert_values_in;
use super::{ContextSlot, register};
use crate::error::{Error, SqlState};
use crate::limits::memory;
use crate::limits::session::Limits;

/// The error an expression ends with.
fn evaluate(connection: &Connection, slot: &ContextSlot, expression: &str) -> Option<Error> {
    let outcome = connection.query_row(&format!("SELECT count(v) FROM (SELECT {expression} AS v)"), [], |_| Ok(()));
    match (outcome, slot.take_error()) {
        (Ok(()), None) => None,
        (_, Some(error)) => Some(error),
        (Err(error), None) => panic!("{expression}: {error}"),
    }
}

/// Numbers from 1 as a stored array.
const NUMBERS: &str = "(SELECT pg_array_agg('int4', value) FROM pg_generate_series_int(1, 30000))";

#[test]
fn what_takes_long_sees_that_it_is_to_end() {
    let text = |length: usize| format!("pg_repeat('a', {length})");
    let long = text(200_000);
    let expressions = [
        format!("pg_regexp_replace({long}, 'a|a*b', 'x', 'g')"),
        format!("pg_regexp_count({long}, 'a|a*b')"),
        format!("(SELECT count(*) FROM pg_regexp_matches({long}, 'a|a*b', 'g'))"),
        format!("(SELECT count(*) FROM pg_regexp_split_to_table({long}, 'a', ''))"),
        format!("pg_like({long}, '%ab%ab')"),
        format!("pg_arrayoverlap('_int4,_int4', {NUMBERS}, {NUMBERS})"),
        format!("pg_arraycontains('_int4,_int4', {NUMBERS}, {NUMBERS})"),
        format!("pg_array_remove('_int4,int4', {NUMBERS}, 0)"),
        format!("pg_array_to_string('_int4,text', {NUMBERS}, ',')"),
        format!("pg_jsonb_contains({NUMBERS}, {NUMBERS})"),
        format!("pg_jsonb_path_query_array({NUMBERS}, '$[*] ? (@ > 30000 || @ == -1)')"),
        format!("pg_jsonb_path_exists({NUMBERS}, '$ ? (@[*] + 1 > @[*])')"),
        format!("pg_jsonb_pretty({NUMBERS})"),
        format!("(SELECT count(*) FROM pg_unnest({NUMBERS}))"),
        "(SELECT count(*) FROM pg_generate_series_int(1, 1000000000000))".to_owned(),
        "(SELECT count(*) FROM pg_generate_series_numeric('1', '1000000000000'))".to_owned(),
        "pg_numeric_fac(30000)".to_owned(),
        "pg_array_fill('int4,_int4', 1, '[1000000]')".to_owned(),
        format!("pg_translate({long}, 'b', 'c')"),
        format!("replace({long}, 'a', 'bb')"),
        format!("pg_initcap({long})"),
        format!("pg_split_part({long}, 'a', 100000)"),
        format!("pg_rpad({long}, 1000000, 'xy')"),
        format!("pg_string_to_array({long}, NULL)"),
        format!("pg_show_trgm({long})"),
        format!("pg_similarity({long}, 'a')"),
        format!("pg_sha256(CAST({} AS BLOB))", text(2_000_000)),
        format!("pg_md5(CAST({} AS BLOB))", text(2_000_000)),
    ];
    let (connection, slot) = (Connection::open_in_memory().unwrap(), ContextSlot::default());
    register(&connection, &slot).unwrap();
    for expression in expressions {
        // Making the arguments asks as well; a hash asks before it begins and never again.
        let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = std::sync::Arc::clone(&asked);
        let ended = Error::new(SqlState::QUERY_CANCELED, "canceling statement due to user request");
        let patience = if expression.starts_with("pg_sha") || expression.starts_with("pg_md5") { 1 } else { 2 };
        let limits = Limits::new(move |_| {
            let before = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if before < patience { Ok(()) } else { Err(ended.clone()) }
        });
        let _entered = limits.enter();
        let error = evaluate(&connection, &slot, &expression);
        let code = error.map(|error| error.code());
        assert_eq!(code, Some(SqlState::QUERY_CANCELED), "{expression}: {asked:?}");
    }
}

#[test]
fn what_is_too_large_is_refused_before_it_is_there() {
    memory::set_limits(16 << 20, 1 << 40);
    let megabytes = |count: usize| format!("pg_repeat('a', {})", count << 20);
    let expressions = [
        "pg_array_fill('int4,_int4', 1, '[134217727]')".to_owned(),
        "pg_array_fill('int4,_int4', 1, '[10000,10000]')".to_owned(),
        megabytes(200),
        "pg_lpad('x', 1000000000)".to_owned(),
        "pg_rpad('x', 500000000, 'é')".to_owned(),
        "pg_format('text,text', '%900000000s', 'x')".to_owned(),
        format!("(SELECT pg_string_agg({}, ',') FROM pg_generate_series_int(1, 500))", megabytes(1)),
        format!("(SELECT pg_array_agg('text', {}) FROM pg_generate_series_int(1, 500))", megabytes(1)),
        format!("(SELECT pg_json_agg('text', {}) FROM pg_generate_series_int(1, 500))", megabytes(1)),
        format!("replace({}, 'a', {})", megabytes(1), megabytes(1)),
        format!("pg_regexp_replace({}, 'a', {}, 'g')", "pg_repeat('a', 1000)", megabytes(1)),
        format!("pg_array_to_string('_int4,text', pg_array_fill('int4,_int4', 1, '[1000]'), {})", megabytes(1)),
        format!(
            "pg_array_replace('_text,text,text', pg_array_fill('text,_int4', 'a', '[1000]'), 'a', {})",
            megabytes(1)
        ),
        "pg_string_to_array(pg_repeat('a,', 1000000), ',')".to_owned(),
    ];
    let (connection, slot) = (Connection::open_in_memory().unwrap(), ContextSlot::default());
    register(&connection, &slot).unwrap();
    for expression in expressions {
        let limits = Limits::new(|_| Ok(()));
        let _entered = limits.enter();
        let code = evaluate(&connection, &slot, &expression).map(|error| error.code());
        assert!(memory::of_session() < 8 << 20, "{expression}: {}", memory::of_session());
        assert_eq!(code, Some(SqlState::OUT_OF_MEMORY), "{expression}");
    }
}

#[test]
fn a_value_has_a_gigabyte_at_most() {
    let slot = ContextSlot::default();
    assert_values_in(
        slot,
        &[
            ("pg_repeat('x', 1073741824)", "54000 requested length too large"),
            ("pg_rpad('x', 1073741824)", "54000 requested length too large"),
            ("pg_array_fill('text,_int4', '123456789', '[134217727]')", "54000 out of memory"),
            ("pg_format('text,text', '%2147483647s', 'x')", "54000 out of memory"),
            (
                "pg_array_fill('int4,_int4', 1, '[134217728]')",
                "54000 array size exceeds the maximum allowed (134217727)",
            ),
        ],
    );
}
