//! What a column that does not exist may have been meant to be.
//!
//! Owns: [`Analyzer::missing_column`]. Specification: errorMissingColumn, searchRangeTableForCol and
//! updateFuzzyAttrMatchState in parse_relation.c.

use crate::error::{Error, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::scope::{Naming, RangeVar};

/// How far a name may be from what is meant (MAX_FUZZY_DISTANCE).
const MAX_DISTANCE: usize = 3;

/// Columns of tables with more are not searched: the hint is not worth it.
const MAX_NAME: usize = 63;

/// The best matches so far: table and column.
struct Closest {
    distance: usize,
    first: Option<(String, String)>,
    second: Option<(String, String)>,
}

impl Analyzer<'_> {
    /// 42703 for a column that does not exist, with a hint if a similar one does or it is out of sight.
    pub(super) fn missing_column(&self, table: Option<&str>, name: &str) -> Error {
        let message = match table {
            Some(table) => format!("column {table}.{name} does not exist"),
            None => format!("column \"{name}\" does not exist"),
        };
        let error = Error::new(SqlState::UNDEFINED_COLUMN, message);
        let mut closest = Closest { distance: MAX_DISTANCE + 1, first: None, second: None };
        let scopes = self.scopes.iter().rev();
        for entry in scopes.flat_map(|scope| &scope.entries).filter(|entry| entry.naming != Naming::Qualified) {
            let penalty = table.map_or(0, |table| distance(table, &entry.name));
            if penalty == 0 && entry.columns.iter().any(|column| column.name == name) {
                return error.with_hint(format!(
                    "There is a column named \"{name}\" in table \"{}\", but it cannot be referenced from this part of the \
                     query.",
                    entry.name
                ));
            }
            closest.look_at(entry, penalty, name);
        }
        let shown = |(table, column): &(String, String)| format!("the column \"{table}.{column}\"");
        match (&closest.first, &closest.second) {
            (Some(first), None) => error.with_hint(format!("Perhaps you meant to reference {}.", shown(first))),
            (Some(first), Some(second)) => {
                error.with_hint(format!("Perhaps you meant to reference {} or {}.", shown(first), shown(second)))
            }
            _ => error,
        }
    }
}

impl Closest {
    fn look_at(&mut self, entry: &RangeVar, penalty: usize, name: &str) {
        for column in &entry.columns {
            if penalty > self.distance {
                return;
            }
            let own = distance(&column.name, name);
            if own > name.len() / 2 {
                continue;
            }
            let found = Some((entry.name.clone(), column.name.clone()));
            let distance = own + penalty;
            if distance < self.distance {
                *self = Closest { distance, first: found, second: None };
            } else if distance == self.distance {
                if self.second.is_some() {
                    *self = Closest { distance: distance.saturating_sub(1), first: None, second: None };
                } else if self.first.is_some() {
                    self.second = found;
                } else if self.distance <= MAX_DISTANCE {
                    self.first = found;
                }
            }
        }
    }
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(MAX_NAME).collect(), b.chars().take(MAX_NAME).collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (index, left) in a.iter().enumerate() {
        let mut previous = index;
        let mut next = vec![index + 1];
        for (right, above) in b.iter().zip(row.iter().skip(1)) {
            let replaced = previous + usize::from(left != right);
            let beside = next.last().copied().unwrap_or(0);
            next.push(replaced.min(above + 1).min(beside + 1));
            previous = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn distances() {
        for (a, b, expected) in [("", "", 0), ("abc", "abc", 0), ("uunique1", "unique1", 1), ("kitten", "sitting", 3)] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }
}
