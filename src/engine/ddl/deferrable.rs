//! DEFERRABLE unique constraints and primary keys: their index is not unique in SQLite, and triggers note the keys that
//! are there twice after a row was written; `engine::constraint_timing` looks at them again when they are due.

use super::Change;
use super::sqlite::{in_database, qualified, quote};
use crate::catalog::schema::{Constraint, ConstraintKind, Relation};
use crate::error::{Error, Result};

/// When the triggers fire; and whether only for a change of the key's columns.
const EVENTS: [(&str, bool); 2] = [("INSERT", false), ("UPDATE", true)];

/// The first of the rowid's names that no column has taken; 0A000 for what needs one, if there is none.
pub(super) fn free_rowid(relation: &Relation, what: &str) -> Result<&'static str> {
    let taken = |name: &str| relation.columns.iter().any(|column| column.stored_name().eq_ignore_ascii_case(name));
    let free = ["rowid", "_rowid_", "oid"].into_iter().find(|name| !taken(name));
    free.ok_or_else(|| Error::unsupported(format!("{what} a table with columns rowid, _rowid_ and oid")))
}

fn trigger_name(constraint: &Constraint, event: &str) -> String {
    format!("__pg_unique_{}_{}", constraint.oid.0, event.to_lowercase())
}

fn deferrable_keys(relation: &Relation) -> impl Iterator<Item = &Constraint> {
    let keys = relation.indexes.iter().filter_map(|index| relation.deferrable_key(index));
    keys.filter(|constraint| !matches!(constraint.kind, ConstraintKind::Exclusion(_)))
}

impl Change<'_> {
    /// Makes the triggers anew that a table in SQLite needs, and removes those that it needed before.
    pub(super) fn renew_unique_triggers(&self, before: Option<&Relation>, relation: &Relation) -> Result<()> {
        for constraint in before.into_iter().chain([relation]).flat_map(deferrable_keys) {
            for (event, _) in EVENTS {
                let name = in_database(relation, &trigger_name(constraint, event));
                self.execute(&format!("DROP TRIGGER IF EXISTS {name}"))?;
            }
        }
        self.renew_exclusion_triggers(before, relation)?;
        deferrable_keys(relation).try_for_each(|constraint| self.create_unique_triggers(relation, constraint))
    }

    fn create_unique_triggers(&self, relation: &Relation, constraint: &Constraint) -> Result<()> {
        let rowid = free_rowid(relation, "DEFERRABLE in")?;
        let columns: Vec<String> = constraint
            .columns
            .iter()
            .filter_map(|number| relation.column_by_number(*number))
            .map(|column| quote(column.stored_name()))
            .collect();
        let equal: Vec<String> = columns.iter().map(|column| format!("t.{column} = NEW.{column}")).collect();
        let new: Vec<String> = columns.iter().map(|column| format!("NEW.{column}")).collect();
        for (event, is_of_columns) in EVENTS {
            let of = if is_of_columns { format!(" OF {}", columns.join(", ")) } else { String::new() };
            let name = trigger_name(constraint, event);
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
        let columns: Vec<String> = names.map(|column| quote(column.stored_name())).collect();
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
