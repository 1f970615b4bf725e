//! What the file keeps of an inverted index: a table of postings, `__pg_gin_N` for the index with OID N, with a row for each
//! key of each row's value (`types::gin`), and triggers that keep it.
//!
//! Owns: making them and taking them away. Must not know: how rows are found by them (`engine::postings`).
//! An index that an older version made has none until its table changes.

use super::Change;
use super::deferrable::free_rowid;
use super::sqlite::{in_database, qualified, quote};
use crate::catalog::schema::{Index, IndexKey, Relation, RelationKind};
use crate::error::{Error, Result};
use crate::types::gin::KeyClass;

const EVENTS: [&str; 3] = ["insert", "update", "delete"];

fn trigger_name(index: &Index, event: &str) -> String {
    format!("{}_{event}", index.postings_name())
}

/// A row of which a key is made: as the table has it, or as a trigger sees it.
#[derive(Clone, Copy)]
enum Row {
    OfTable,
    Old,
    New,
}

impl Change<'_> {
    /// Makes the postings that a relation's indexes have in SQLite, and removes those that they had before. What is there
    /// already stays: triggers are gone when a table was made anew, whose rows then have other numbers.
    pub(super) fn renew_postings(&self, before: Option<&Relation>, relation: &mut Relation) -> Result<()> {
        for index in before.into_iter().flat_map(|before| &before.indexes) {
            if !relation.indexes.iter().any(|kept| kept.oid == index.oid) {
                self.drop_postings(relation, index)?;
            }
        }
        let classes: Vec<Vec<Option<KeyClass>>> =
            relation.indexes.iter().map(|index| self.key_classes(relation, index)).collect::<Result<_>>()?;
        for (index, classes) in relation.indexes.iter_mut().zip(classes) {
            index.options.postings = classes;
        }
        for index in &relation.indexes {
            let was = before.and_then(|before| before.indexes.iter().find(|was| was.oid == index.oid));
            let same = was.is_some_and(|was| was.keys == index.keys && was.options.postings == index.options.postings);
            if same && (index.options.postings.is_empty() || self.keeps_postings(relation, index)?) {
                continue;
            }
            if was.is_some_and(|was| !was.options.postings.is_empty()) || !index.options.postings.is_empty() {
                // A table that is renamed has them already.
                self.remove_postings(relation, index)?;
            }
            if !index.options.postings.is_empty() {
                self.create_postings(relation, index)?;
            }
        }
        Ok(())
    }

    pub(super) fn drop_postings(&self, relation: &Relation, index: &Index) -> Result<()> {
        if index.options.postings.is_empty() { Ok(()) } else { self.remove_postings(relation, index) }
    }

    fn remove_postings(&self, relation: &Relation, index: &Index) -> Result<()> {
        for event in EVENTS {
            self.execute(&format!("DROP TRIGGER IF EXISTS {}", in_database(relation, &trigger_name(index, event))))?;
        }
        let rows = in_database(relation, &trigger_name(index, "rows"));
        self.execute(&format!("DROP INDEX IF EXISTS {rows}"))?;
        self.execute(&format!("DROP TABLE IF EXISTS {}", in_database(relation, &index.postings_name()))).map(|_| ())
    }

    /// What is kept of an index: its keys' classes, nothing if none has one.
    fn key_classes(&self, relation: &Relation, index: &Index) -> Result<Vec<Option<KeyClass>>> {
        let has_rows = relation.kind == RelationKind::Table;
        if !has_rows || !relation.declared || relation.is_partitioned() || index.predicate.is_some() {
            return Ok(Vec::new());
        }
        let classes = index.keys.iter().map(|key| {
            if index.method != "gin" && index.method != "gist" {
                return Ok(None);
            }
            let type_oid = self.key_type(relation, key)?;
            let repr = self.catalog.repr(type_oid);
            let class = key.operator_class.as_deref();
            Ok(repr.and_then(|repr| KeyClass::of(&index.method, class, type_oid, repr)))
        });
        let classes: Vec<Option<KeyClass>> = classes.collect::<Result<_>>()?;
        Ok(if classes.iter().any(Option::is_some) { classes } else { Vec::new() })
    }

    fn keeps_postings(&self, relation: &Relation, index: &Index) -> Result<bool> {
        let database = if relation.temporary { "temp" } else { "main" };
        let sql =
            format!("SELECT 1 FROM {database}.sqlite_schema WHERE type = 'trigger' AND name = ?1 AND tbl_name = ?2");
        let mut statement = self.sqlite(self.connection.prepare(&sql))?;
        self.sqlite(statement.exists([trigger_name(index, "insert").as_str(), relation.sqlite_name.as_str()]))
    }

    fn create_postings(&self, relation: &Relation, index: &Index) -> Result<()> {
        let rowid = free_rowid(relation, "an inverted index of")?;
        let (name, table) = (index.postings_name(), quote(&relation.sqlite_name));
        let postings = in_database(relation, &name);
        self.execute(&format!(
            "CREATE TABLE {postings} (part INTEGER NOT NULL, key NOT NULL, row INTEGER NOT NULL, \
             PRIMARY KEY (part, key, row)) WITHOUT ROWID"
        ))?;
        // SQLite's VACUUM numbers the rows of a table anew that has no index: this one is empty.
        if let Some(column) = relation.columns.first() {
            let rows = in_database(relation, &trigger_name(index, "rows"));
            self.execute(&format!("CREATE INDEX {rows} ON {table} ({}) WHERE 0", quote(column.stored_name())))?;
        }
        let (mut inserted, mut deleted) = (String::new(), String::new());
        for (part, (key, class)) in index.keys.iter().zip(&index.options.postings).enumerate() {
            let Some(class) = class else { continue };
            let keys = |row| self.keys_sql(relation, index, key, *class, row);
            self.execute(&format!(
                "INSERT OR IGNORE INTO {postings} SELECT {part}, k.value, t.{rowid} FROM {} AS t, {} ORDER BY 2, 3",
                qualified(relation),
                keys(Row::OfTable)?
            ))?;
            inserted += &format!(
                "INSERT OR IGNORE INTO {} SELECT {part}, k.value, NEW.{rowid} FROM {}; ",
                quote(&name),
                keys(Row::New)?
            );
            deleted += &format!(
                "DELETE FROM {} WHERE part = {part} AND row = OLD.{rowid} AND key IN (SELECT k.value FROM {}); ",
                quote(&name),
                keys(Row::Old)?
            );
        }
        let changed = self.changed_sql(relation, index, rowid);
        let triggers = [
            ("insert", String::new(), inserted.clone()),
            ("update", format!(" WHEN {changed}"), format!("{deleted}{inserted}")),
            ("delete", String::new(), deleted),
        ];
        for (event, when, body) in triggers {
            let trigger = in_database(relation, &trigger_name(index, event));
            self.execute(&format!("CREATE TRIGGER {trigger} AFTER {event} ON {table}{when} BEGIN {body}END"))?;
        }
        Ok(())
    }

    /// FROM items that give a key's keys as `k.value`.
    fn keys_sql(
        &self,
        relation: &Relation,
        index: &Index,
        key: &IndexKey,
        class: KeyClass,
        row: Row,
    ) -> Result<String> {
        let class = class.name();
        let prefix = match row {
            Row::OfTable => "t",
            Row::Old => "OLD",
            Row::New => "NEW",
        };
        if let Some(column) = relation.column_by_number(key.column) {
            return Ok(format!("pg_gin_keys('{class}', {prefix}.{}) AS k", quote(column.stored_name())));
        }
        let text = key.expression.as_deref().ok_or_else(|| Error::internal("index key"))?;
        let value = self.stored_expression(text, relation)?.sql;
        let columns: Vec<String> =
            used_columns(relation, index).map(|column| format!("{prefix}.{0} AS {0}", quote(column))).collect();
        match row {
            Row::OfTable => Ok(format!("pg_gin_keys('{class}', {value}) AS k")),
            _ => Ok(format!("(SELECT {}) AS r, pg_gin_keys('{class}', {value}) AS k", columns.join(", "))),
        }
    }

    /// Whether an UPDATE has changed what the keys are made of.
    fn changed_sql(&self, relation: &Relation, index: &Index, rowid: &str) -> String {
        let columns = used_columns(relation, index).map(quote).chain([rowid.to_owned()]);
        let changed: Vec<String> = columns.map(|column| format!("NEW.{column} IS NOT OLD.{column}")).collect();
        changed.join(" OR ")
    }
}

/// SQLite's names of the columns that an index's keys are made of.
fn used_columns<'r>(relation: &'r Relation, index: &'r Index) -> impl Iterator<Item = &'r str> {
    let by_expressions = index.keys.iter().any(|key| key.expression.is_some());
    let is_used = move |number: i16| {
        index.keys.iter().any(|key| key.column == number)
            || by_expressions && index.options.uses.columns.contains(&(relation.oid, number))
    };
    relation.columns.iter().filter(move |column| is_used(column.number)).map(|column| column.stored_name())
}
