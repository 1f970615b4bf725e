//! The lines in which SQLite says what it does (EXPLAIN QUERY PLAN).
//!
//! Owns: [`Line`], [`Scan`], [`forest`]. Must not know: what the lines are about. Specification: sqlite.org/eqp.html.

use std::collections::HashMap;

use super::Step;
use crate::catalog::schema::POSTINGS;
use crate::limits::stack;

/// A line with what belongs to it.
pub(super) struct Line<'s> {
    pub detail: &'s str,
    pub cost: i64,
    pub children: Vec<Line<'s>>,
}

/// A loop over a table.
#[derive(Debug, Default)]
pub(super) struct Scan<'s> {
    pub name: &'s str,
    pub search: bool,
    pub index: Option<&'s str>,
    pub covering: bool,
    pub automatic: bool,
    pub rowid: bool,
    /// Columns, and whether they are compared for equality.
    pub terms: Vec<(&'s str, bool)>,
    pub left: bool,
    pub exists: bool,
}

/// The lines of a statement with what belongs to each.
pub(super) fn forest(steps: &[Step]) -> Vec<Line<'_>> {
    let mut below: HashMap<i64, Vec<&Step>> = HashMap::new();
    steps.iter().for_each(|step| below.entry(step.parent).or_default().push(step));
    lines_below(&below, 0)
}

fn lines_below<'s>(below: &HashMap<i64, Vec<&'s Step>>, parent: i64) -> Vec<Line<'s>> {
    if stack::check().is_err() {
        return Vec::new();
    }
    let steps = below.get(&parent).map_or(&[][..], Vec::as_slice);
    let line = |step: &&'s Step| Line {
        detail: step.detail.as_str(),
        cost: step.cost,
        // A line is not its own parent.
        children: if step.id == parent { Vec::new() } else { lines_below(below, step.id) },
    };
    steps.iter().map(line).collect()
}

impl<'s> Scan<'s> {
    /// `None` if the line says something else.
    pub fn of(detail: &'s str) -> Option<Self> {
        let (search, rest) = match detail.strip_prefix("SEARCH ") {
            Some(rest) => (true, rest),
            None => (false, detail.strip_prefix("SCAN ")?),
        };
        if rest.ends_with("CONSTANT ROW") || rest.ends_with("CONSTANT ROWS") || rest.ends_with("VALUES CLAUSE") {
            return None;
        }
        let marks = [" USING ", " VIRTUAL TABLE ", " LEFT-JOIN", " EXISTS", " ("];
        let end = marks.iter().filter_map(|mark| rest.find(mark)).min().unwrap_or(rest.len());
        let (name, rest) = rest.split_at_checked(end)?;
        let mut scan = Scan { name, search, ..Scan::default() };
        scan.left = rest.contains(" LEFT-JOIN");
        scan.exists = rest.contains(" EXISTS");
        if let Some((_, using)) = rest.split_once(" USING ") {
            scan.covering = using.contains("COVERING INDEX");
            scan.automatic = using.starts_with("AUTOMATIC");
            scan.rowid = using.starts_with("INTEGER PRIMARY KEY");
            if let Some((_, index)) = using.split_once("INDEX ")
                && !scan.automatic
            {
                scan.index = index.split(" (").next().and_then(|index| index.split(" LEFT-JOIN").next());
            }
            if let Some((_, terms)) = using.rsplit_once('(') {
                let terms = terms.split(')').next().unwrap_or_default().split(" AND ");
                scan.terms = terms
                    .filter_map(|term| {
                        let end = term.find(['=', '<', '>'])?;
                        let (column, operator) = term.split_at_checked(end)?;
                        Some((column, operator.starts_with('=')))
                    })
                    .collect();
            }
        }
        Some(scan)
    }
}

impl<'s> Line<'s> {
    /// If the line is of a sub-query over an inverted index's postings: the name of their table.
    pub fn postings(&self) -> Option<&'s str> {
        let scanned = self.children.iter().find_map(|line| Scan::of(line.detail));
        scanned.map(|scan| scan.name).filter(|name| name.starts_with(POSTINGS))
    }
}
