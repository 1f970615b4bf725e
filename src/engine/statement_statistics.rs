//! What statements took, for the extension pg_stat_statements: kept while the server runs, of databases that have it.
//!
//! Owns: [`StatementStatistics`]. Must not know: sessions, who may see what. Specification: pgstatstatements.html,
//! contrib/pg_stat_statements. Statements are the same if their tokens are, but for constants; PostgreSQL compares what
//! analysis made of them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::catalog::tables::source::StatementRow;
use crate::limits::memory;
use crate::sql::scan::scan;
use crate::sql::syntax::lexer::TokenKind;
use crate::types::pg_type::Oid;

/// pg_stat_statements.max
const MOST: usize = 5000;
/// The most bytes of all texts.
const MOST_BYTES: usize = 4 << 20;
/// A longer text is cut.
const LONGEST: usize = 64 << 10;

/// A role, a database, a statement.
type Key = (Oid, Oid, i64);

#[derive(Debug)]
struct Entry {
    text: String,
    calls: i64,
    rows: i64,
    /// Milliseconds, and the sum of the squares of their distances from the mean.
    total: f64,
    min: f64,
    max: f64,
    mean: f64,
    squares: f64,
}

#[derive(Debug, Default)]
struct Kept {
    entries: HashMap<Key, Entry>,
    bytes: usize,
    /// How often the least used had to go.
    evictions: i64,
    /// Microseconds since 1970-01-01 UTC.
    reset: i64,
}

#[derive(Debug, Default)]
pub struct StatementStatistics(Mutex<Kept>);

/// A text's number: its tokens', constants left out.
fn fingerprint(text: &str, tokens: &[crate::sql::syntax::lexer::Token], lifted: &[usize]) -> i64 {
    let mut bytes = Vec::with_capacity(text.len());
    for token in tokens {
        match token.kind {
            TokenKind::End | TokenKind::Symbol(b';') => continue,
            _ if lifted.contains(&(token.start as usize)) => bytes.push(b'?'),
            TokenKind::Keyword(_) | TokenKind::Ident => {
                bytes.extend(token.text(text).bytes().map(|byte| byte.to_ascii_lowercase()));
            }
            _ => bytes.extend_from_slice(token.text(text).as_bytes()),
        }
        bytes.push(0);
    }
    xxhash_rust::xxh3::xxh3_64(&bytes) as i64
}

impl StatementStatistics {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.reset == 0 {
            kept.reset = now();
        }
        kept
    }

    /// A statement has ended.
    pub fn add(&self, user: Oid, database: Oid, text: &str, took: Duration, rows: u64) {
        let sources = scan(text);
        let Some(source) = sources.first() else { return };
        let lifted: Vec<usize> = source.literals.iter().map(|literal| literal.start).collect();
        let number = fingerprint(source.text, &source.tokens, &lifted);
        let millis = took.as_secs_f64() * 1000.0;
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        let mut kept = self.lock();
        if let Some(entry) = kept.entries.get_mut(&(user, database, number)) {
            entry.calls += 1;
            entry.rows = entry.rows.saturating_add(rows);
            entry.total += millis;
            entry.min = entry.min.min(millis);
            entry.max = entry.max.max(millis);
            // Welford's way, as in pgss_store().
            let before = entry.mean;
            entry.mean += (millis - before) / entry.calls as f64;
            entry.squares += (millis - before) * (millis - entry.mean);
            return;
        }
        let mut shown = normalized(source);
        if shown.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|end| shown.is_char_boundary(*end)).unwrap_or(0);
            shown.truncate(end);
        }
        kept.make_room(shown.len());
        kept.bytes += shown.len();
        memory::share(shown.len() + size_of::<Entry>());
        let entry =
            Entry { text: shown, calls: 1, rows, total: millis, min: millis, max: millis, mean: millis, squares: 0.0 };
        kept.entries.insert((user, database, number), entry);
    }

    /// pg_stat_statements.
    pub fn rows(&self) -> Vec<StatementRow> {
        let kept = self.lock();
        let row = |(&(user, database, queryid), entry): (&Key, &Entry)| StatementRow {
            user,
            database,
            queryid,
            query: entry.text.clone(),
            calls: entry.calls,
            rows: entry.rows,
            total: entry.total,
            min: entry.min,
            max: entry.max,
            mean: entry.mean,
            deviation: if entry.calls > 1 { (entry.squares / entry.calls as f64).sqrt() } else { 0.0 },
        };
        kept.entries.iter().map(row).collect()
    }

    /// pg_stat_statements_info: evictions, and when everything was forgotten.
    pub fn info(&self) -> (i64, i64) {
        let kept = self.lock();
        (kept.evictions, kept.reset)
    }

    /// Forgets statements of a role, a database, of a number; each of them is any if it is 0.
    pub fn reset(&self, user: Oid, database: Oid, queryid: i64) {
        let mut kept = self.lock();
        if (user, database, queryid) == (Oid::INVALID, Oid::INVALID, 0) {
            *kept = Kept { reset: now(), ..Kept::default() };
            return;
        }
        kept.entries.retain(|(of_user, of_database, number), _| {
            user != Oid::INVALID && user != *of_user
                || database != Oid::INVALID && database != *of_database
                || queryid != 0 && queryid != *number
        });
        kept.bytes = kept.entries.values().map(|entry| entry.text.len()).sum();
    }
}

impl Kept {
    /// The twentieth part that was called least goes where there is no room.
    fn make_room(&mut self, bytes: usize) {
        while !self.entries.is_empty() && (self.entries.len() >= MOST || self.bytes + bytes > MOST_BYTES) {
            let mut calls: Vec<i64> = self.entries.values().map(|entry| entry.calls).collect();
            let place = calls.len() / 20;
            let (_, most, _) = calls.select_nth_unstable(place);
            let most = *most;
            let mut left = place + 1;
            self.entries.retain(|_, entry| {
                let goes = entry.calls <= most && left > 0;
                left -= usize::from(goes);
                !goes
            });
            self.bytes = self.entries.values().map(|entry| entry.text.len()).sum();
            self.evictions += 1;
        }
    }
}

/// The text with parameters in place of its constants.
fn normalized(source: &crate::sql::scan::Source<'_>) -> String {
    let given = source.tokens.iter().filter(|token| token.kind == TokenKind::Param);
    let numbers = given.filter_map(|token| token.text(source.text).trim_start_matches('$').parse::<usize>().ok());
    let first = numbers.max().unwrap_or(0);
    let mut shown = String::with_capacity(source.text.len());
    let mut copied = 0;
    for (place, literal) in source.literals.iter().enumerate() {
        shown.push_str(source.text.get(copied..literal.start).unwrap_or(""));
        shown.push_str(&format!("${}", first + place + 1));
        copied = literal.start + literal.text.len();
    }
    shown.push_str(source.text.get(copied..).unwrap_or(""));
    shown
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_micros() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_that_differ_in_constants_are_one() {
        let statistics = StatementStatistics::default();
        for (text, millis) in [("select 1, $2 || 'x'", 1), ("SELECT  2, $2 || 'yz' /* c */", 3), ("begin", 1)] {
            statistics.add(Oid(10), Oid(5), text, Duration::from_millis(millis), 1);
        }
        let mut rows = statistics.rows();
        rows.sort_by_key(|row| row.calls);
        let [_, row] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!((row.query.as_str(), row.calls, row.rows), ("select $3, $2 || $4", 2, 2));
        assert_eq!((row.total, row.min, row.max, row.mean, row.deviation), (4.0, 1.0, 3.0, 2.0, 1.0));
        statistics.reset(Oid(10), Oid::INVALID, row.queryid);
        assert_eq!(statistics.rows().len(), 1);
        for number in 0..MOST + 10 {
            statistics.add(Oid(10), Oid(5), &format!("select c{number}"), Duration::ZERO, 0);
        }
        assert!(statistics.rows().len() <= MOST && statistics.info().0 == 1);
    }
}
