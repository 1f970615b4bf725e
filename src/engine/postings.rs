//! Postings: which rows have which key of an inverted index.
//!
//! Owns: [`rows`], the rows that have the keys that a condition needs. Must not know: what keys are (`types::gin`), who keeps
//! the postings (`engine::ddl::posting`). The rarest key's rows are read in their order, and those of the others only where
//! it has some, so it makes a frequent one cheap. Specification: gin-implementation.html.

use rusqlite::{CachedStatement, Connection, Statement, ToSql, params};

use crate::engine::error_map::from_rusqlite;
use crate::error::Result;
use crate::limits::{memory, session as limits};
use crate::types::gin::{Key, Needed, Term};

/// The rows of a key that are read at first, at least and at most at a time.
const FIRST: usize = 64;
const FEWEST: usize = 2;
const MOST: usize = 4096;

/// How many rows are read in the time that it takes to look a place up.
const ROWS_PER_LOOKUP: usize = 6;

/// The postings of one column of an index.
pub(crate) struct Postings<'a> {
    pub database: &'a Connection,
    /// Their table, quoted.
    pub table: &'a str,
    pub part: i64,
}

/// The rows that have what is needed, in order; `None` if the keys do not tell.
pub(crate) fn rows(postings: &Postings<'_>, needed: &Needed) -> Result<Option<Vec<i64>>> {
    match needed {
        Needed::Unknown => Ok(None),
        Needed::Nothing => Ok(Some(Vec::new())),
        Needed::Keys { alternatives, at_least } if *at_least < alternatives.len() => {
            postings.with_some(alternatives, *at_least).map(Some)
        }
        Needed::Keys { alternatives, .. } => postings.with_all(alternatives).map(Some),
    }
}

/// Every row of a table, by quoted names of it and of its rowid.
pub(crate) fn all_rows(database: &Connection, table: &str, rowid: &str) -> Result<Vec<i64>> {
    let sql = format!("SELECT {rowid} FROM {table}");
    let mut statement = database.prepare(&sql).map_err(from_rusqlite)?;
    let mut found = Vec::new();
    read(&mut statement, &[], &mut found)?;
    Ok(found)
}

impl Postings<'_> {
    /// The rows that have a key of each of the alternatives.
    fn with_all(&self, alternatives: &[Vec<Term>]) -> Result<Vec<i64>> {
        let mut statement = self.prepared("key = ?2 AND row >= ?3 ORDER BY row LIMIT ?4")?;
        let mut lists = Vec::with_capacity(alternatives.len());
        for terms in alternatives {
            let mut of_terms = terms.iter().map(|term| self.list(term)).collect::<Result<Vec<_>>>()?;
            let mut density = 0.0;
            for list in &mut of_terms {
                list.seek(i64::MIN, self.part, &mut statement)?;
                density += list.density();
            }
            lists.push((density, of_terms));
        }
        // The rarest decides which rows the others are asked for.
        lists.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        let (mut found, mut row, mut agreed) = (Vec::new(), i64::MIN, 0);
        while let Some((_, of_terms)) = lists.get_mut(agreed) {
            let mut next = None;
            for list in of_terms {
                let at = list.seek(row, self.part, &mut statement)?;
                next = next.into_iter().chain(at).min();
            }
            let Some(next) = next else { break };
            agreed = if next == row || agreed == 0 { agreed + 1 } else { 0 };
            row = next;
            if agreed == lists.len() {
                push(&mut found, row)?;
                let Some(next) = row.checked_add(1) else { break };
                (row, agreed) = (next, 0);
            }
        }
        Ok(found)
    }

    /// The rows that have keys of so many of the alternatives.
    fn with_some(&self, alternatives: &[Vec<Term>], at_least: usize) -> Result<Vec<i64>> {
        let mut all = Vec::new();
        let mut statement = self.prepared("key = ?2")?;
        for terms in alternatives {
            let mut of_terms = Vec::new();
            for term in terms {
                match term {
                    Term::Key(key) => read(&mut statement, params![self.part, bound(key)], &mut of_terms)?,
                    Term::Prefix(prefix) => of_terms.append(&mut self.with_prefix(prefix)?),
                }
            }
            if terms.len() > 1 {
                of_terms.sort_unstable();
                of_terms.dedup();
            }
            memory::reserve((all.len() + of_terms.len()) * size_of::<i64>())?;
            all.append(&mut of_terms);
        }
        // Runs in order, one after the other: merged.
        all.sort();
        let enough = all.chunk_by(|one, next| one == next).filter(|same| same.len() >= at_least);
        Ok(enough.filter_map(|same| same.first().copied()).collect())
    }

    fn list(&self, term: &Term) -> Result<List> {
        match term {
            Term::Key(key) => Ok(List { key: Some(key.clone()), chunk: FIRST / 2, asked: FIRST, ..List::default() }),
            Term::Prefix(prefix) => Ok(List { rows: self.with_prefix(prefix)?, ..List::default() }),
        }
    }

    /// The rows of all keys that begin so, in order.
    fn with_prefix(&self, prefix: &str) -> Result<Vec<i64>> {
        let mut statement = self.prepared("key >= ?2 AND key < ?3")?;
        let mut rows = Vec::new();
        read(&mut statement, params![self.part, prefix, format!("{prefix}{}", char::MAX)], &mut rows)?;
        rows.sort_unstable();
        rows.dedup();
        Ok(rows)
    }

    /// Kept by the connection: to prepare it takes as long as to read the rows of a rare key.
    fn prepared(&self, condition: &str) -> Result<CachedStatement<'_>> {
        let sql = format!("SELECT row FROM {} WHERE part = ?1 AND {condition}", self.table);
        self.database.prepare_cached(&sql).map_err(from_rusqlite)
    }
}

/// The rows of a term, as far as they are read.
#[derive(Default)]
struct List {
    /// The key whose rows are read; all are there if there is none.
    key: Option<Key>,
    rows: Vec<i64>,
    place: usize,
    /// How many were read at a time, and how often it was asked for one of them.
    chunk: usize,
    asked: usize,
}

impl List {
    /// The first row from that one on. Rows are asked for in order.
    fn seek(&mut self, row: i64, part: i64, statement: &mut Statement<'_>) -> Result<Option<i64>> {
        self.asked += 1;
        while let Some(next) = self.rows.get(self.place) {
            if *next >= row {
                return Ok(Some(*next));
            }
            self.place += 1;
        }
        let Some(key) = &self.key else { return Ok(None) };
        // To look a place up takes as long as to read some rows.
        let were_of_use = self.asked * ROWS_PER_LOOKUP >= self.chunk;
        self.chunk = if were_of_use { self.chunk * 2 } else { self.chunk / 2 }.clamp(FEWEST, MOST);
        (self.asked, self.place) = (0, 0);
        self.rows.clear();
        let most = i64::try_from(self.chunk).unwrap_or(i64::MAX);
        read(statement, params![part, bound(key), row, most], &mut self.rows)?;
        if self.rows.len() < self.chunk {
            self.key = None;
        }
        Ok(self.rows.first().copied())
    }

    /// How many of the table's rows have it, as far as the first of them tell.
    fn density(&self) -> f64 {
        match (self.rows.as_slice(), &self.key) {
            ([first, .., last], Some(_)) => self.rows.len() as f64 / (*last as f64 - *first as f64 + 1.0),
            // All there are: rarer than what goes on.
            (rows, _) => rows.len() as f64 * f64::MIN_POSITIVE,
        }
    }
}

fn bound(key: &Key) -> &dyn ToSql {
    match key {
        Key::Number(number) => number,
        Key::Text(text) => text,
    }
}

fn read(statement: &mut Statement<'_>, values: &[&dyn ToSql], found: &mut Vec<i64>) -> Result<()> {
    let mut rows = statement.query(values).map_err(from_rusqlite)?;
    while let Some(row) = rows.next().map_err(from_rusqlite)? {
        push(found, row.get(0).map_err(from_rusqlite)?)?;
    }
    Ok(())
}

fn push(found: &mut Vec<i64>, row: i64) -> Result<()> {
    limits::work(1)?;
    if found.len() == found.capacity() {
        memory::reserve(found.len() * size_of::<i64>())?;
    }
    found.push(row);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(key: &str) -> Term {
        Term::Key(Key::Text(key.to_owned()))
    }

    #[test]
    fn rows_with_all_keys_and_with_some() {
        let database = Connection::open_in_memory().unwrap();
        database
            .execute_batch(
                "CREATE TABLE p (part, key, row, PRIMARY KEY (part, key, row)) WITHOUT ROWID;
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
                 INSERT INTO p SELECT 1, k, i FROM n, (SELECT 'all' AS k, 1 AS every UNION ALL SELECT 'third', 3
                     UNION ALL SELECT 'seventh', 7 UNION ALL SELECT 'rare', 9973) WHERE i % every = 0",
            )
            .unwrap();
        let postings = Postings { database: &database, table: "p", part: 1 };
        let find = |alternatives: Vec<Vec<Term>>, at_least| {
            rows(&postings, &Needed::Keys { alternatives, at_least }).unwrap().unwrap()
        };
        let multiples = |of: i64| (1..=20000).filter(|row| row % of == 0).collect::<Vec<i64>>();
        assert_eq!(find(vec![vec![text("all")], vec![text("third")], vec![text("seventh")]], 3), multiples(21));
        assert_eq!(find(vec![vec![text("rare")], vec![text("all")]], 2), multiples(9973));
        assert_eq!(find(vec![vec![text("all")]], 1).len(), 20000);
        assert_eq!(find(vec![vec![text("third")], vec![text("none")]], 2), Vec::<i64>::new());
        let either = find(vec![vec![text("third"), text("seventh")]], 1);
        assert_eq!(either, (1..=20000).filter(|row| row % 3 == 0 || row % 7 == 0).collect::<Vec<i64>>());
        let prefix = find(vec![vec![Term::Prefix("s".to_owned())], vec![text("all")]], 2);
        assert_eq!(prefix, multiples(7));
        let two = find(vec![vec![text("third")], vec![text("seventh")], vec![text("rare")]], 2);
        assert_eq!(two, multiples(21));
    }
}
