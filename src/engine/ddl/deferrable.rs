//! DEFERRABLE unique constraints and primary keys: their index is not unique in SQLite, and triggers note the keys that
//! are there twice after a row was written; `engine::constraint_timing` looks at them again when they are due.

use super::Change;
use super::sqlite::{in_database, qualified, quote};
use crate::catalog::schema::{Constraint, Relation};
use crate::error::{Error, Result};

/// How the triggers' names begin.
const PREFIX: &str = "__pg_unique_";

/// The names of the rowid, of which a column may take some.
const ROWID: &[&str] = &["rowid", "_rowid_", "oid"];

impl Change<'_> {
    /// Makes the triggers anew that a table in SQLite needs, and removes others.
    pub(super) fn renew_unique_triggers(&self, relation: &Relation) -> Result<()> {
        for name in self.unique_triggers(relation)? {
            self.execute(&format!("DROP TRIGGER {}", in_database(relation, &name)))?;
        }
        let keys = relation.indexes.iter().filter_map(|index| relation.deferrable_key(index));
        keys.into_iter().try_for_each(|constraint| self.create_unique_triggers(relation, constraint))
    }

    fn unique_triggers(&self, relation: &Relation) -> Result<Vec<String>> {
        let database = if relation.temporary { "temp" } else { "main" };
        let sql = format!(
            "SELECT name FROM {database}.sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 AND substr(name, 1, ?2) = ?3"
        );
        let mut statement = self.sqlite(self.connection.prepare(&sql))?;
        let parameters = rusqlite::params![relation.sqlite_name, PREFIX.len() as i64, PREFIX];
        let names = self.sqlite(statement.query_map(parameters, |row| row.get(0)))?;
        self.sqlite(names.collect())
    }

    fn create_unique_triggers(&self, relation: &Relation, constraint: &Constraint) -> Result<()> {
        let taken = |name: &str| relation.columns.iter().any(|c| c.name.eq_ignore_ascii_case(name));
        let Some(rowid) = ROWID.iter().find(|name| !taken(name)) else {
            return Err(Error::unsupported("DEFERRABLE in a table with columns rowid, _rowid_ and oid"));
        };
        let columns: Vec<String> = constraint
            .columns
            .iter()
            .filter_map(|number| relation.column_by_number(*number))
            .map(|column| quote(&column.name))
            .collect();
        let equal: Vec<String> = columns.iter().map(|column| format!("t.{column} = NEW.{column}")).collect();
        let new: Vec<String> = columns.iter().map(|column| format!("NEW.{column}")).collect();
        for (event, of) in [("INSERT", String::new()), ("UPDATE", format!(" OF {}", columns.join(", ")))] {
            let name = format!("{PREFIX}{}_{}", constraint.oid.0, event.to_lowercase());
            // SQLite reads the table's name in a trigger's body in the trigger's own schema.
            let sql = format!(
                "CREATE TRIGGER {} AFTER {event}{of} ON {} WHEN EXISTS (SELECT 1 FROM {} AS t WHERE {} AND t.{rowid} <> NEW.{rowid}) \
                 BEGIN SELECT pg_recheck_unique({}, {}); END",
                in_database(relation, &name),
                quote(&relation.sqlite_name),
                quote(&relation.sqlite_name),
                equal.join(" AND "),
                constraint.oid.0,
                new.join(", ")
            );
            self.execute(&sql)?;
        }
        Ok(())
    }

    /// Whether some rows have the same key.
    pub(super) fn has_duplicates(&self, relation: &Relation, constraint: &Constraint) -> Result<bool> {
        let names = constraint.columns.iter().filter_map(|number| relation.column_by_number(*number));
        let columns: Vec<String> = names.map(|column| quote(&column.name)).collect();
        let not_null: Vec<String> = columns.iter().map(|column| format!("{column} IS NOT NULL")).collect();
        let sql = format!(
            "SELECT 1 FROM {} WHERE {} GROUP BY {} HAVING count(*) > 1 LIMIT 1",
            qualified(relation),
            not_null.join(" AND "),
            columns.join(", ")
        );
        let mut statement = self.sqlite(self.connection.prepare(&sql))?;
        self.sqlite(statement.exists([]))
    }
}
