//! WITH: in which order the queries of a list are analysed. With RECURSIVE one may read those that come after it.
//!
//! Owns: [`Analyzer::with`]. Must not know: what the queries are (`query`). Specification: sql-select.html#SQL-WITH,
//! transformWithClause in parse_cte.c.

use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::WithClause;
use crate::sql::tree::Cte;

impl Analyzer<'_> {
    pub(in crate::sql) fn with(&mut self, with: &WithClause) -> Result<Vec<Cte>> {
        for (index, cte) in with.ctes.iter().enumerate() {
            if with.ctes.iter().take(index).any(|other| other.name == cte.name) {
                let message = format!("WITH query name \"{}\" specified more than once", cte.name);
                return Err(self.at(Error::new(SqlState::DUPLICATE_ALIAS, message), cte.location));
            }
        }
        let before = self.ctes.len();
        let mut order: Vec<usize> = (0..with.ctes.len()).collect();
        let mut needs: Vec<(usize, usize)> = Vec::new();
        loop {
            match self.with_in_order(with, &order)? {
                Ok(ctes) => return Ok(ctes),
                // One reads a later one, which is analysed before it then; what reads each other is refused.
                Err((reader, read)) => {
                    self.ctes.truncate(before);
                    needs.push((reader, read));
                    if leads_to(&needs, read, reader) {
                        let location = with.ctes.get(reader.min(read)).map_or(Location::UNKNOWN, |cte| cte.location);
                        return Err(self.at(mutual_recursion(), location));
                    }
                    order.retain(|index| *index != read);
                    let place = order.iter().position(|index| *index == reader).unwrap_or(0);
                    order.insert(place, read);
                }
            }
        }
    }

    /// The WITH list analysed in that order; or which of its queries reads which one that comes later.
    fn with_in_order(
        &mut self,
        with: &WithClause,
        order: &[usize],
    ) -> Result<std::result::Result<Vec<Cte>, (usize, usize)>> {
        let mut ctes = Vec::with_capacity(order.len());
        for (place, index) in order.iter().enumerate() {
            let Some(cte) = with.ctes.get(*index) else { return Err(Error::internal("a WITH query")) };
            let in_scope = self.ctes.len();
            let later: Vec<usize> = order.iter().skip(place + 1).copied().collect();
            if with.recursive {
                let names = later.iter().filter_map(|index| with.ctes.get(*index)).map(|later| later.name.as_str());
                names.for_each(|name| self.refuse_cte(name, forward_reference(name)));
            }
            let names = later.iter().filter_map(|index| with.ctes.get(*index)).map(|later| later.name.clone());
            let outer = std::mem::replace(&mut self.later_ctes, names.collect());
            let result = self.cte(cte, with.recursive);
            self.later_ctes = outer;
            let result = match result {
                Err(error) => {
                    let read = |index: &&usize| {
                        with.ctes.get(**index).is_some_and(|cte| is_forward_reference(&error, &cte.name))
                    };
                    return later.iter().find(read).map_or(Err(error.clone()), |read| Ok(Err((*index, *read))));
                }
                Ok(result) => result,
            };
            let defined = self.ctes.pop();
            self.ctes.truncate(in_scope);
            self.ctes.extend(defined);
            ctes.push(result);
        }
        Ok(Ok(ctes))
    }
}

/// What a reference to a later query of the list is until that query has been analysed before.
fn forward_reference(name: &str) -> Error {
    Error::new(SqlState::INVALID_RECURSION, format!("forward reference to \"{name}\""))
}

fn is_forward_reference(error: &Error, name: &str) -> bool {
    error.code() == SqlState::INVALID_RECURSION && error.message() == forward_reference(name).message()
}

/// Whether one query reads another, maybe through others.
fn leads_to(needs: &[(usize, usize)], from: usize, to: usize) -> bool {
    let mut reached = vec![from];
    let mut next = 0;
    while let Some(reader) = reached.get(next).copied() {
        if reader == to {
            return true;
        }
        for (_, read) in needs.iter().filter(|(by, _)| *by == reader) {
            if !reached.contains(read) {
                reached.push(*read);
            }
        }
        next += 1;
    }
    false
}

fn mutual_recursion() -> Error {
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, "mutual recursion between WITH items is not implemented")
}
