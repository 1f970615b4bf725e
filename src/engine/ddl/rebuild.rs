//! Changing a table where SQLite's ALTER TABLE cannot: only its text in SQLite's schema changes where the rows stay as
//! they are, else a new one is made, filled and put in the old one's place (both in sqlite.org/lang_altertable.html,
//! "Making Other Kinds Of Table Schema Changes").
//!
//! SQLite reads its whole schema again after either, and after its own ALTER TABLE, but not after CREATE and DROP. So a
//! table with less in it than the schema has is dropped and made again instead.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use super::Change;
use super::expression::Coercion;
use super::sqlite::{self, column_names, in_database, qualified, quote};
use crate::catalog::schema::{Column, Constraint, ForeignKey, Relation};
use crate::error::{Error, Result, SqlState};

/// The table under construction; no name of PostgreSQL's becomes this one (see `Change::check_free`).
const UNDER_CONSTRUCTION: &str = "__pg_rebuild";

/// About what SQLite reads in the time that it takes for one object of its schema.
const BYTES_PER_OBJECT: i64 = 500;

/// Where the new table's columns come from, by attribute number: SQLite expressions over the old table. Columns that
/// are not named here keep their value.
pub(super) type Sources = HashMap<i16, String>;

impl Change<'_> {
    /// Changes the constraints of a table of which nothing else changes: its rows are what they were, so its text in
    /// SQLite's schema is all there is to change. The rows must have been found to satisfy them. False, and nothing
    /// done, if the rows would have to change.
    pub(super) fn redeclare(&mut self, before: &Relation, after: &Relation) -> Result<bool> {
        let same = |a: &Column, b: &Column| {
            a.number == b.number && a.name == b.name && a.repr == b.repr && !a.generated && !b.generated
        };
        let columns = || before.columns.iter().zip(&after.columns);
        if before.columns.is_empty()
            || before.columns.len() != after.columns.len()
            || !columns().all(|(a, b)| same(a, b))
        {
            return Ok(false);
        }
        for (was, is) in columns() {
            // A column that is the rowid is not in the row's record.
            if was.rowid_alias && !is.rowid_alias
                || is.rowid_alias && !was.rowid_alias && !self.is_rowid(before, was)?
            {
                return Ok(false);
            }
        }
        if self.is_small(before)? || self.has_whole_floats(before)? {
            self.recreate(before, after)?;
        } else {
            self.write_schema(after)?;
        }
        Ok(true)
    }

    /// Whether a table may have floats that are stored as integers: it was made with columns of affinity REAL, which
    /// have to stay, or its rows have to be copied.
    fn has_whole_floats(&self, table: &Relation) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM pragma_table_xinfo(?1, ?2) WHERE type = 'REAL')";
        let schema = if table.temporary { "temp" } else { "main" };
        self.sqlite(self.connection.query_row(sql, [table.sqlite_name.as_str(), schema], |row| row.get(0)))
    }

    /// Whether copying a table's rows takes less than reading the schema.
    pub(super) fn is_small(&self, table: &Relation) -> Result<bool> {
        let objects = i64::try_from(self.catalog.relations.len()).unwrap_or(i64::MAX);
        let lengths: Vec<String> =
            table.columns.iter().map(|c| format!("coalesce(octet_length({}), 0)", quote(c.stored_name()))).collect();
        let length = if lengths.is_empty() { "0".to_owned() } else { lengths.join(" + ") };
        let sql = format!(
            "SELECT count(*), coalesce(sum(length), 0) FROM (SELECT {length} AS length FROM {} LIMIT {})",
            qualified(table),
            objects.saturating_add(1)
        );
        let read = self.connection.query_row(&sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
        let (rows, bytes) = self.sqlite(read)?;
        Ok(rows <= objects && bytes <= objects.saturating_mul(BYTES_PER_OBJECT))
    }

    /// Makes a table again whose rows stay as they are, but for new columns without a value, with the indexes it had.
    pub(super) fn recreate(&mut self, before: &Relation, after: &Relation) -> Result<()> {
        self.without_foreign_keys(|change| {
            change.execute(&change.create_table_sql(after, UNDER_CONSTRUCTION)?)?;
            change.without_checks(|change| {
                change.copy_rows(before, after, &Sources::new())?;
                change.put_in_place(before, after)
            })?;
            let kept = |oid| before.indexes.iter().any(|i| i.oid == oid);
            for index in after.indexes.iter().filter(|i| kept(i.oid) && sqlite::has_index(after, i)) {
                change.create_index_in_sqlite(after, index)?;
            }
            change.renew_postings(Some(before), &mut after.clone())
        })
    }

    /// Copies rows that need not satisfy CHECKs, or are known to.
    fn without_checks(&mut self, run: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.sqlite(self.connection.execute_batch("PRAGMA ignore_check_constraints = ON"))?;
        let result = run(self);
        self.sqlite(self.connection.execute_batch("PRAGMA ignore_check_constraints = OFF"))?;
        result
    }

    /// The table under construction takes the old one's place, by a second copy of its rows.
    fn put_in_place(&self, before: &Relation, after: &Relation) -> Result<()> {
        let made = in_database(after, UNDER_CONSTRUCTION);
        self.execute(&format!("DROP TABLE {}", qualified(before)))?;
        self.execute(&self.create_table_sql(after, &after.sqlite_name)?)?;
        let stored = after.columns.iter().filter(|c| !c.generated).map(|c| quote(c.stored_name())).collect::<Vec<_>>();
        let names = if stored.is_empty() { quote("__pg_no_columns") } else { stored.join(", ") };
        self.execute(&format!("INSERT INTO {} ({names}) SELECT {names} FROM {made}", qualified(after)))?;
        self.execute(&format!("DROP TABLE {made}"))?;
        Ok(())
    }

    /// Whether a column has the rowid's value in every row.
    fn is_rowid(&self, table: &Relation, column: &Column) -> Result<bool> {
        // A column of such a name hides the rowid.
        if ["rowid", "oid", "_rowid_"].iter().any(|n| table.columns.iter().any(|c| c.name.eq_ignore_ascii_case(n))) {
            return Ok(false);
        }
        let sql =
            format!("SELECT 1 FROM {} WHERE rowid IS NOT {} LIMIT 1", qualified(table), quote(column.stored_name()));
        let mut statement = self.sqlite(self.connection.prepare(&sql))?;
        self.sqlite(statement.exists([])).map(|differs| !differs)
    }

    /// Writes a table's text into SQLite's schema. The new schema version makes every connection read it, and makes
    /// SQLite forget it on ROLLBACK.
    fn write_schema(&self, table: &Relation) -> Result<()> {
        let text = format!("CREATE TABLE {} {}", quote(&table.sqlite_name), self.table_body_sql(table)?);
        self.sqlite(self.write_schema_text(table, &text))
    }

    fn write_schema_text(&self, table: &Relation, text: &str) -> rusqlite::Result<()> {
        use rusqlite::config::DbConfig::SQLITE_DBCONFIG_DEFENSIVE as DEFENSIVE;
        let database = if table.temporary { "temp" } else { "main" };
        let connection = self.connection;
        let defensive = connection.db_config(DEFENSIVE)?;
        connection.set_db_config(DEFENSIVE, false)?;
        let written = (|| {
            let version: i64 =
                connection.query_row(&format!("PRAGMA {database}.schema_version"), [], |row| row.get(0))?;
            connection.execute_batch("PRAGMA writable_schema = ON")?;
            let sql = format!("UPDATE {database}.sqlite_schema SET sql = ?1 WHERE type = 'table' AND name = ?2");
            connection.execute(&sql, [text, &table.sqlite_name])?;
            connection.execute_batch(&format!("PRAGMA {database}.schema_version = {}", version + 1))
        })();
        let reread = connection.execute_batch("PRAGMA writable_schema = RESET");
        connection.set_db_config(DEFENSIVE, defensive)?;
        written.and(reread)
    }

    /// 23514 if some row does not satisfy a CHECK.
    pub(super) fn check_rows(&self, table: &Relation, constraint: &str, text: &str) -> Result<()> {
        let condition = self.relation_sql(text, table, Coercion::Boolean)?;
        let sql = format!("SELECT 1 FROM {} WHERE NOT ({condition}) LIMIT 1", qualified(table));
        let mut statement = self.sqlite(self.connection.prepare(&sql))?;
        if self.sqlite(statement.exists([]))? {
            return Err(check_violated(table, constraint));
        }
        Ok(())
    }

    /// Replaces `before` by `after` in SQLite with its rows and all its indexes, and writes the catalog's rows.
    pub(super) fn rebuild(&mut self, before: &Relation, after: Relation, sources: &Sources) -> Result<()> {
        let is_small = self.is_small(before)?;
        self.without_foreign_keys(|change| {
            // Rows from before need not satisfy what is not valid.
            let mut validated = after.clone();
            validated.constraints.retain(|constraint| !constraint.options.not_valid);
            change.execute(&change.create_table_sql(&validated, UNDER_CONSTRUCTION)?)?;
            change.copy_rows(before, &after, sources)?;
            if is_small {
                change.without_checks(|change| change.put_in_place(before, &after))?;
            } else {
                change.execute(&format!("DROP TABLE {}", qualified(before)))?;
                let made = in_database(&after, UNDER_CONSTRUCTION);
                change.execute(&format!("ALTER TABLE {made} RENAME TO {}", quote(&after.sqlite_name)))?;
                if validated.constraints.len() < after.constraints.len() {
                    change.write_schema(&after)?;
                }
            }
            for index in after.indexes.iter().filter(|i| sqlite::has_index(&after, i)) {
                change.create_index_in_sqlite(&after, index)?;
            }
            Ok(())
        })?;
        self.put_relation(after)
    }

    fn copy_rows(&self, before: &Relation, after: &Relation, sources: &Sources) -> Result<()> {
        let mut names = Vec::new();
        let mut values = Vec::new();
        for column in after.columns.iter().filter(|c| !c.generated) {
            let kept = before.column_by_number(column.number).map(|c| quote(c.stored_name()));
            let mut source = sources.get(&column.number).cloned().or(kept).unwrap_or_else(|| "NULL".to_owned());
            if column.rowid_alias {
                // SQLite would invent a value for NULL, and refuses what is no number.
                source = format!("coalesce({source}, '')");
            }
            names.push(quote(column.stored_name()));
            values.push(source);
        }
        if names.is_empty() {
            (names, values) = (vec![quote("__pg_no_columns")], vec!["1".to_owned()]);
        }
        // A rowid that is a column is filled in order, which appends to the b-tree.
        let order = after.columns.iter().find(|c| c.rowid_alias).and_then(|c| before.column_by_number(c.number));
        let order = order.map_or_else(String::new, |c| format!(" ORDER BY {}", quote(c.stored_name())));
        let sql = format!(
            "INSERT INTO {} ({}) SELECT {} FROM {}{order}",
            in_database(after, UNDER_CONSTRUCTION),
            names.join(", "),
            values.join(", "),
            qualified(before)
        );
        // Functions are to know what this statement has made: a serial's sequence.
        if let Ok(session) = self.slot.session() {
            session.lock().unwrap_or_else(PoisonError::into_inner).catalog = Arc::clone(&self.catalog);
        }
        self.connection.execute(&sql, []).map(|_| ()).map_err(|error| self.copy_error(error, before, after))
    }

    /// What a row that does not fit the new table means.
    fn copy_error(&self, error: rusqlite::Error, before: &Relation, after: &Relation) -> Error {
        use rusqlite::ffi;
        let rusqlite::Error::SqliteFailure(code, Some(text)) = &error else { return self.failed(error) };
        let subject = text.rsplit(": ").next().unwrap_or_default().to_owned();
        match code.extended_code {
            ffi::SQLITE_CONSTRAINT_NOTNULL => {
                let column =
                    subject.strip_prefix(UNDER_CONSTRUCTION).map_or(subject.as_str(), |c| c.trim_start_matches('.'));
                null_values(after, column)
            }
            ffi::SQLITE_CONSTRAINT_CHECK => check_violated(after, &subject),
            ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_ROWID => {
                match after.indexes.iter().find(|i| i.primary) {
                    Some(index) => self.duplicate_keys(before, index),
                    None => self.failed(error),
                }
            }
            ffi::SQLITE_MISMATCH => match after.columns.iter().find(|c| c.rowid_alias) {
                Some(column) => null_values(after, &column.name),
                None => self.failed(error),
            },
            _ => self.failed(error),
        }
    }

    /// 23502 if a column that is to be NOT NULL has NULLs. SQLite would invent values for a NULL rowid, so a column
    /// that becomes one is looked at before.
    pub(super) fn check_no_nulls(&self, table: &Relation, column: &str) -> Result<()> {
        let sql = format!("SELECT 1 FROM {} WHERE {} IS NULL LIMIT 1", qualified(table), quote(column));
        let mut statement = self.sqlite(self.connection.prepare(&sql))?;
        if self.sqlite(statement.exists([]))? {
            return Err(null_values(table, column));
        }
        Ok(())
    }

    /// 23503 if some row's key is null in part, which MATCH FULL does not take.
    fn check_not_mixed(&self, table: &Relation, constraint: &Constraint) -> Result<()> {
        let columns = constraint.columns.iter().filter_map(|&n| table.column_by_number(n));
        let nulls: Vec<String> = columns.map(|c| format!("({} IS NULL)", quote(c.stored_name()))).collect();
        let sql = format!(
            "SELECT 1 FROM {} WHERE {} NOT IN (0, {}) LIMIT 1",
            qualified(table),
            nulls.join(" + "),
            nulls.len()
        );
        let mut statement = self.sqlite(self.connection.prepare(&sql))?;
        if !self.sqlite(statement.exists([]))? {
            return Ok(());
        }
        let (child, name) = (&table.name, &constraint.name);
        let message = format!("insert or update on table \"{child}\" violates foreign key constraint \"{name}\"");
        Err(Error::new(SqlState::FOREIGN_KEY_VIOLATION, message)
            .with_detail("MATCH FULL does not allow mixing of null and nonnull key values.")
            .with_schema(&table.schema)
            .with_table(child)
            .with_constraint(name))
    }

    /// 23503 if some row's key is not in the other table.
    pub(super) fn check_foreign_key(&self, table: &Relation, constraint: &Constraint, key: &ForeignKey) -> Result<()> {
        if constraint.options.match_full {
            self.check_not_mixed(table, constraint)?;
        }
        if self.is_own_key(table, constraint) {
            return self.check_own_key(table, constraint, key);
        }
        let parent = if key.relation == table.oid {
            table
        } else {
            self.catalog.relations.get(&key.relation).ok_or_else(|| Error::internal("referenced table"))?
        };
        let columns: Vec<_> = constraint.columns.iter().filter_map(|&n| table.column_by_number(n)).collect();
        let parents: Vec<_> = key.columns.iter().filter_map(|&n| parent.column_by_number(n)).collect();
        let not_null: Vec<String> =
            columns.iter().map(|c| format!("c.{} IS NOT NULL", quote(c.stored_name()))).collect();
        // The parent's side stands first, because its collation decides, as in SQLite's own check.
        let equal: Vec<String> = columns
            .iter()
            .zip(&parents)
            .map(|(c, p)| format!("p.{} = c.{}", quote(p.stored_name()), quote(c.stored_name())))
            .collect();
        let shown: Vec<String> = columns.iter().map(|c| self.output_sql(c, "c.")).collect();
        let sql = format!(
            "SELECT {} FROM {} c WHERE {} AND NOT EXISTS (SELECT 1 FROM {} p WHERE {}) LIMIT 1",
            shown.join(" || ', ' || "),
            qualified(table),
            not_null.join(" AND "),
            qualified(parent),
            equal.join(" AND ")
        );
        let mut statement = self.sqlite(self.connection.prepare(&sql))?;
        let mut rows = self.sqlite(statement.query([]))?;
        let Some(row) = self.sqlite(rows.next())? else { return Ok(()) };
        let values: String = self.sqlite(row.get(0))?;
        let message = format!(
            "insert or update on table \"{}\" violates foreign key constraint \"{}\"",
            table.name, constraint.name
        );
        let names = column_names(table, &constraint.columns).replace('"', "");
        Err(Error::new(SqlState::FOREIGN_KEY_VIOLATION, message)
            .with_detail(format!("Key ({names})=({values}) is not present in table \"{}\".", parent.name))
            .with_schema(&table.schema)
            .with_table(&table.name)
            .with_constraint(&constraint.name))
    }
}

fn null_values(table: &Relation, column: &str) -> Error {
    let message = format!("column \"{column}\" of relation \"{}\" contains null values", table.name);
    Error::new(SqlState::NOT_NULL_VIOLATION, message)
        .with_schema(&table.schema)
        .with_table(&table.name)
        .with_column(column)
}

fn check_violated(table: &Relation, constraint: &str) -> Error {
    let message = format!("check constraint \"{constraint}\" of relation \"{}\" is violated by some row", table.name);
    Error::new(SqlState::CHECK_VIOLATION, message)
        .with_schema(&table.schema)
        .with_table(&table.name)
        .with_constraint(constraint)
}
