//! Rows of pg_proc: of the functions PostgreSQL has those that can be called here, and those that types, operators and
//! access methods refer to.
//!
//! Must not know: SQLite, how functions are carried out (the source says which there are).

use crate::catalog::tables::contents::{RecordedColumns, View};
use crate::catalog::tables::recorded::{Line, Recording, recording};
use crate::catalog::tables::rows::{Cell, Rows};
use crate::catalog::tables::source::BOOTSTRAP_SUPERUSER;

/// The schema and the language of built-in functions, and what one call costs (pg_proc.dat).
const PG_CATALOG: u32 = 11;
const INTERNAL: u32 = 12;
const COST: f64 = 1.0;

/// pg_proc.
pub fn procs(rows: &mut Rows, view: &View<'_>) {
    let recording = Recording::new(recording!("pg_proc"));
    let columns = RecordedColumns::new(rows.relation(), recording);
    let available = |line: &Line| line.number("referred") != 0 || view.source.has_function(&line.text("proname"));
    for line in recording.lines().filter(available) {
        columns.add(rows, &line);
        rows.set("pronamespace", PG_CATALOG.into());
        rows.set("proowner", BOOTSTRAP_SUPERUSER.into());
        rows.set("prolang", INTERNAL.into());
        rows.set("procost", Cell::Real(COST));
        // Recorded only where the C function has another name.
        if line.text("prosrc").is_empty() {
            rows.set("prosrc", Cell::Text(line.text("proname")));
        }
    }
}
