//! The system relations as SQLite virtual tables: one generic module.
//!
//! Owns: [`register`], the module, and the cache of rows of one connection. Must not know: what any relation contains.
//! Specification: sqlite.org/vtab.html. Every equality that SQLite can use is looked up in a hash index, so joins
//! between catalogs are not quadratic.
#![allow(unsafe_code, reason = "rusqlite's VTab and VTabCursor are unsafe traits: the base structure must come first")]

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_int};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::vtab::{
    Context, Filters, IndexConstraintOp, IndexInfo, Module, VTab, VTabConfig, VTabConnection, VTabCursor, sqlite3_vtab,
    sqlite3_vtab_cursor,
};

use crate::catalog::cluster::ClusterFacts;
use crate::catalog::tables::contents::{Builtin, Own, OwnRows, StoreRows, View, builtin_rows, contents};
use crate::catalog::tables::relations::{SystemRelation, is_integer, relations};
use crate::catalog::tables::rows::{Cell, Key, RowSet, Rows};
use crate::catalog::tables::source::CatalogSource;
use crate::types::pg_type::{Oid, Scalar};

/// Makes all system relations known to a connection. `source` is asked while statements run.
pub fn register(connection: &rusqlite::Connection, source: Arc<dyn CatalogSource>) -> rusqlite::Result<()> {
    let shared = Arc::new(Shared { source, kept: Mutex::default() });
    for relation in relations() {
        let aux = TableAux { relation, shared: shared.clone() };
        connection.create_module::<Table, _>(
            relation.relation.sqlite_name.as_str(),
            const { &Module::eponymous_only_module() },
            Some(aux),
        )?;
    }
    Ok(())
}

/// What all tables of one connection share.
struct Shared {
    source: Arc<dyn CatalogSource>,
    kept: Mutex<Kept>,
}

/// Rows that follow from one catalog version, from the roles, whose names are in lists of privileges, and from the search
/// path, which views' definitions and the like are written for.
#[derive(Default)]
struct Kept {
    version: u64,
    cluster: Arc<ClusterFacts>,
    search_path: Vec<String>,
    sets: HashMap<Oid, Arc<RowSet>>,
}

struct TableAux {
    relation: &'static SystemRelation,
    shared: Arc<Shared>,
}

impl Shared {
    /// The relation's rows as of now: the built-in ones and this database's.
    fn rows(&self, relation: &'static SystemRelation) -> rusqlite::Result<Vec<Arc<RowSet>>> {
        let Some(contents) = contents(relation) else { return Ok(Vec::new()) };
        let builtin = match contents.builtin {
            Builtin::None => None,
            Builtin::Recorded(_) | Builtin::Computed(_) => self.shared_rows(relation),
        };
        let own = match contents.own {
            Own::None | Own::OfQuery => None,
            Own::OfSession(add) => Some(self.produce(relation, add)),
            Own::OfStore(add) => Some(self.fetch(relation, add)?),
            Own::OfCatalog(add) => Some(self.kept_rows(relation, add)),
        };
        Ok(builtin.into_iter().chain(own).collect())
    }

    /// The built-in rows of a relation, made once per process.
    fn shared_rows(&self, relation: &'static SystemRelation) -> Option<Arc<RowSet>> {
        type Sets = HashMap<Oid, Option<Arc<RowSet>>>;
        static SETS: OnceLock<Mutex<Sets>> = OnceLock::new();
        let catalog = self.source.catalog();
        let view = View { catalog: &catalog, source: self.source.as_ref() };
        let mut sets = SETS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        sets.entry(relation.relation.oid).or_insert_with(|| builtin_rows(relation, &view)).clone()
    }

    fn produce(&self, relation: &'static SystemRelation, add: OwnRows) -> Arc<RowSet> {
        let catalog = self.source.catalog();
        let mut rows = Rows::new(relation);
        add(&mut rows, &View { catalog: &catalog, source: self.source.as_ref() });
        rows.finish()
    }

    fn fetch(&self, relation: &'static SystemRelation, add: StoreRows) -> rusqlite::Result<Arc<RowSet>> {
        let catalog = self.source.catalog();
        let mut rows = Rows::new(relation);
        add(&mut rows, &View { catalog: &catalog, source: self.source.as_ref() })
            .map_err(rusqlite::Error::ModuleError)?;
        Ok(rows.finish())
    }

    fn kept_rows(&self, relation: &'static SystemRelation, add: OwnRows) -> Arc<RowSet> {
        let version = self.source.catalog().version;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (cluster, search_path) = (self.source.cluster(), self.source.search_path());
        if kept.version != version || !Arc::ptr_eq(&kept.cluster, &cluster) || kept.search_path != search_path {
            *kept = Kept { version, cluster, search_path, sets: HashMap::new() };
        }
        kept.sets.entry(relation.relation.oid).or_insert_with(|| self.produce(relation, add)).clone()
    }
}

/// One system relation in one connection.
#[repr(C)]
struct Table {
    base: sqlite3_vtab,
    relation: &'static SystemRelation,
    shared: Arc<Shared>,
}

// SAFETY: `Table` is repr(C) and its first member is the base structure.
unsafe impl VTab<'_> for Table {
    type Aux = TableAux;
    type Cursor = TableCursor;

    fn connect(
        db: &mut VTabConnection,
        aux: Option<&TableAux>,
        _module_name: &[u8],
        _database_name: &[u8],
        _table_name: &[u8],
        _args: &[&[u8]],
    ) -> rusqlite::Result<(Cow<'static, CStr>, Self)> {
        let aux =
            aux.ok_or_else(|| rusqlite::Error::ModuleError("a system relation without its description".into()))?;
        db.config(VTabConfig::Innocuous)?;
        let declaration = CString::new(declaration(aux.relation))?;
        let table = Table { base: sqlite3_vtab::default(), relation: aux.relation, shared: aux.shared.clone() };
        Ok((Cow::Owned(declaration), table))
    }

    fn best_index(&self, info: &mut IndexInfo) -> rusqlite::Result<bool> {
        let best = info
            .constraints()
            .enumerate()
            .filter(|(_, c)| c.is_usable() && c.operator() == IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_EQ)
            .filter_map(|(i, c)| usize::try_from(c.column()).ok().filter(|&c| self.is_indexed(c)).map(|c| (i, c)))
            .filter(|&(i, _)| info.collation(i).is_ok_and(|c| c.eq_ignore_ascii_case("BINARY")))
            .map(|(i, column)| (self.expected_matches(column), i, column))
            .min();
        let rows = match best {
            None => ESTIMATED_ROWS,
            Some((matches, constraint, column)) => {
                info.constraint_usage(constraint).set_argv_index(1);
                info.set_idx_num(c_int::try_from(column + 1).unwrap_or(0));
                matches
            }
        };
        info.set_estimated_rows(rows);
        // Opening a cursor costs something too, so that many look-ups do not seem free.
        info.set_estimated_cost(rows as f64 + 1.0);
        Ok(true)
    }

    fn open(&mut self) -> rusqlite::Result<TableCursor> {
        Ok(TableCursor {
            base: sqlite3_vtab_cursor::default(),
            relation: self.relation,
            shared: self.shared.clone(),
            parts: Vec::new(),
            place: Place::All { part: 0, row: 0 },
        })
    }
}

/// How many rows SQLite's planner is told a relation has.
const ESTIMATED_ROWS: i64 = 1000;

impl Table {
    /// Whether an equality on a column can be looked up: not in the columns that only hold the database's name.
    fn is_indexed(&self, column: usize) -> bool {
        self.relation
            .relation
            .columns
            .get(column)
            .is_some_and(|c| !c.name.ends_with("_catalog") && c.name != "catalog_name")
    }

    /// How many rows an equality on a column is likely to leave, in the planner's eyes.
    fn expected_matches(&self, column: usize) -> i64 {
        let Some(column) = self.relation.relation.columns.get(column) else { return ESTIMATED_ROWS };
        match column.repr.scalar {
            _ if column.name == "oid" => 1,
            Scalar::Oid | Scalar::RegClass => 10,
            Scalar::Text if column.name.ends_with("name") => 10,
            Scalar::Bool | Scalar::Char => ESTIMATED_ROWS / 2,
            _ => 100,
        }
    }
}

/// The CREATE TABLE statement SQLite learns the columns from.
fn declaration(relation: &SystemRelation) -> String {
    let columns = relation.relation.columns.iter().map(|c| {
        let affinity = match c.repr.scalar {
            _ if is_integer(c.repr) => "INTEGER",
            Scalar::Float4 | Scalar::Float8 if c.repr.array_of.is_none() => "REAL",
            _ => "TEXT",
        };
        format!("\"{}\" {affinity}", c.name)
    });
    format!("CREATE TABLE x({})", columns.collect::<Vec<_>>().join(", "))
}

/// A scan of a system relation.
#[repr(C)]
struct TableCursor {
    base: sqlite3_vtab_cursor,
    relation: &'static SystemRelation,
    shared: Arc<Shared>,
    parts: Vec<Arc<RowSet>>,
    place: Place,
}

/// Where a scan stands.
enum Place {
    /// Over everything.
    All { part: usize, row: usize },
    /// Over the rows found by an index: (part, row).
    Found { rows: Vec<(usize, u32)>, next: usize },
}

impl TableCursor {
    fn current(&self) -> Option<(usize, usize)> {
        match &self.place {
            Place::All { part, row } => Some((*part, *row)).filter(|&(part, _)| part < self.parts.len()),
            Place::Found { rows, next } => rows.get(*next).map(|&(part, row)| (part, row as usize)),
        }
    }

    /// Moves past the ends of parts.
    fn settle(&mut self) {
        if let Place::All { part, row } = &mut self.place {
            while self.parts.get(*part).is_some_and(|p| *row >= p.len()) {
                (*part, *row) = (*part + 1, 0);
            }
        }
    }

    /// The rows whose column equals the value; `None` if the index cannot tell and all must be scanned.
    fn find(&self, column: usize, value: ValueRef<'_>) -> Option<Vec<(usize, u32)>> {
        let integer = self.relation.relation.columns.get(column).is_some_and(|c| is_integer(c.repr));
        let key = match value {
            ValueRef::Null => return Some(Vec::new()),
            ValueRef::Integer(i) if integer => Key::Int(i),
            ValueRef::Text(t) if !integer => Key::Text(std::str::from_utf8(t).ok()?.into()),
            // SQLite would apply the column's affinity before it compares.
            _ => return None,
        };
        let parts = self.parts.iter().enumerate();
        Some(parts.flat_map(|(part, set)| set.find(column, &key).iter().map(move |&row| (part, row))).collect())
    }
}

// SAFETY: `TableCursor` is repr(C) and its first member is the base structure.
unsafe impl VTabCursor for TableCursor {
    fn filter(&mut self, idx_num: c_int, _idx_str: Option<&str>, args: &Filters<'_>) -> rusqlite::Result<()> {
        self.parts = self.shared.rows(self.relation)?;
        self.place = Place::All { part: 0, row: 0 };
        if let (Some(column), Some(value)) =
            (usize::try_from(idx_num).ok().and_then(|n| n.checked_sub(1)), args.iter().next())
            && let Some(rows) = self.find(column, value)
        {
            self.place = Place::Found { rows, next: 0 };
        }
        self.settle();
        Ok(())
    }

    fn next(&mut self) -> rusqlite::Result<()> {
        match &mut self.place {
            Place::All { row, .. } => *row += 1,
            Place::Found { next, .. } => *next += 1,
        }
        self.settle();
        Ok(())
    }

    fn eof(&self) -> bool {
        self.current().is_none()
    }

    fn column(&self, ctx: &mut Context, i: c_int) -> rusqlite::Result<()> {
        let (Some((part, row)), Ok(column)) = (self.current(), usize::try_from(i)) else { return Ok(()) };
        match self.parts.get(part).and_then(|p| p.cell(row, column)) {
            Some(Cell::Int(i)) => ctx.set_result(i),
            Some(Cell::Real(r)) => ctx.set_result(r),
            Some(Cell::Text(t)) => ctx.set_result(ToSqlOutput::Borrowed(ValueRef::Text(t.as_bytes()))),
            Some(Cell::Blob(bytes)) => ctx.set_result(ToSqlOutput::Borrowed(ValueRef::Blob(bytes))),
            Some(Cell::Database) => ctx.set_result(self.shared.source.database()),
            Some(Cell::Null) => ctx.set_result(rusqlite::types::Null),
            None => Ok(()),
        }
    }

    fn rowid(&self) -> rusqlite::Result<i64> {
        let (part, row) = self.current().unwrap_or_default();
        Ok(i64::try_from(part << 32 | row).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tables::sample::sample;

    fn connection() -> rusqlite::Connection {
        let connection = rusqlite::Connection::open_in_memory().expect("open");
        register(&connection, Arc::new(sample())).expect("register");
        connection
    }

    #[test]
    fn every_relation_can_be_read() {
        let connection = connection();
        for system in relations() {
            let sql = format!("SELECT * FROM \"{}\"", system.relation.sqlite_name);
            let mut statement = connection.prepare(&sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
            assert_eq!(statement.column_count(), system.relation.columns.len(), "{sql}");
            let mut rows = statement.query([]).expect("query");
            while let Some(row) = rows.next().unwrap_or_else(|e| panic!("{sql}: {e}")) {
                for (column, i) in system.relation.columns.iter().zip(0..) {
                    let value = row.get_ref(i).expect("value");
                    let null = matches!(value, ValueRef::Null);
                    assert!(!(null && column.not_null), "{}.{} is NULL", system.relation.name, column.name);
                    let integer = matches!(value, ValueRef::Integer(_));
                    assert!(
                        null || integer == is_integer(column.repr),
                        "{}.{}: {value:?}",
                        system.relation.name,
                        column.name
                    );
                }
            }
        }
    }

    #[test]
    fn equalities_are_looked_up() {
        let connection = connection();
        let sql = "SELECT a.attname, t.typname FROM \"pg_catalog.pg_class\" c
            JOIN \"pg_catalog.pg_attribute\" a ON a.attrelid = c.oid JOIN \"pg_catalog.pg_type\" t ON t.oid = a.atttypid
            WHERE c.relname = 'pg_am' AND a.attnum > 0 ORDER BY a.attnum";
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("plan");
        let details: Vec<String> = plan.query_map([], |r| r.get(3)).expect("rows").map(|r| r.expect("row")).collect();
        let scans = details.iter().filter(|d| d.contains("VIRTUAL TABLE INDEX 0:")).count();
        assert_eq!(scans, 0, "{details:?}");
        let mut statement = connection.prepare(sql).expect("prepare");
        let rows = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?))).expect("rows");
        let rows: Vec<(String, String)> = rows.map(|r| r.expect("row")).collect();
        let expected = [("oid", "oid"), ("amname", "name"), ("amhandler", "regproc"), ("amtype", "char")];
        assert_eq!(rows, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }
}
