//! Foreign keys that SQLite does not know, over the rows that are there: of a key that is made, of a partition that goes.
//!
//! Specification: RI_Initial_Check() and RI_PartitionRemove_Check() in ri_triggers.c.

use super::Change;
use crate::catalog::schema::{Constraint, ForeignKey, Relation};
use crate::engine::cursor::value_of;
use crate::engine::functions::owned;
use crate::engine::key_checks::{leaving, missing};
use crate::engine::referential_actions::named;
use crate::engine::row_capture::{borrowed, quoted};
use crate::error::{Error, Result};
use crate::sql::plan::Action;
use crate::sql::planner::PlanCache;
use crate::types::value::Value;

impl Change<'_> {
    /// The first row of a query in PostgreSQL's SQL.
    fn first_row(&self, text: &str, width: usize) -> Result<Option<Vec<Value>>> {
        let cache = PlanCache::default();
        let sources = cache.parse(text)?;
        let source = sources.first().ok_or_else(|| Error::internal("an empty statement"))?;
        let planned = cache.plan(source, &[], self.planning())?;
        let Action::Sqlite(statement) = &planned.plan.action else {
            return Err(Error::internal("a check that is no query"));
        };
        let values = statement.binds.iter().map(|bind| value_of(bind, &[], &planned.literals).unwrap_or(&Value::Null));
        let mut prepared = self.sqlite(self.connection.prepare(&statement.sql))?;
        let parameters = rusqlite::params_from_iter(values.map(borrowed));
        let mut rows = self.sqlite(prepared.query(parameters))?;
        let Some(row) = self.sqlite(rows.next())? else { return Ok(None) };
        let value = |place: usize| Ok(owned(self.sqlite(row.get_ref(place))?));
        (0..width).map(value).collect::<Result<_>>().map(Some)
    }

    /// 23503 if some row's key is not in the other table.
    pub(super) fn check_own_key(&self, table: &Relation, constraint: &Constraint, key: &ForeignKey) -> Result<()> {
        let Some(parent) = self.catalog.relations.get(&key.relation) else { return Ok(()) };
        let (own, other) = (names(table, &constraint.columns, "c"), names(parent, &key.columns, "p"));
        let text = format!(
            "SELECT {} FROM ONLY {} c WHERE {} AND NOT EXISTS (SELECT 1 FROM {} p WHERE {}) LIMIT 1",
            own.join(", "),
            named(table),
            own.iter().map(|column| format!("{column} IS NOT NULL")).collect::<Vec<_>>().join(" AND "),
            named(parent),
            equal(&own, &other)
        );
        match self.first_row(&text, own.len())? {
            Some(values) => Err(missing(table, constraint, &parent.name, &values, self.context.settings.format())),
            None => Ok(()),
        }
    }

    /// 23503 if rows of a partition that is to go are referred to.
    pub(super) fn check_not_referred(&self, partition: &Relation) -> Result<()> {
        for (child, constraint, key) in self.catalog.keys_to(partition, &self.catalog.server_keys().own) {
            let Some(parent) = self.catalog.relations.get(&key.relation) else { continue };
            let referred: Vec<i16> = key
                .columns
                .iter()
                .filter_map(|number| {
                    partition.column(&parent.column_by_number(*number)?.name).map(|column| column.number)
                })
                .collect();
            let (own, other) = (names(child, &constraint.columns, "c"), names(partition, &referred, "p"));
            let text = format!(
                "SELECT {} FROM {} c JOIN {} p ON {} LIMIT 1",
                own.join(", "),
                named(child),
                named(partition),
                equal(&own, &other)
            );
            if let Some(values) = self.first_row(&text, own.len())? {
                let name = self.catalog.key_name(child, constraint, partition);
                return Err(leaving(child, (constraint, &name), partition, &values, self.context.settings.format()));
            }
        }
        Ok(())
    }
}

fn names(relation: &Relation, numbers: &[i16], alias: &str) -> Vec<String> {
    let columns = numbers.iter().filter_map(|number| relation.column_by_number(*number));
    columns.map(|column| format!("{alias}.{}", quoted(&column.name))).collect()
}

fn equal(own: &[String], other: &[String]) -> String {
    let pairs = own.iter().zip(other).map(|(own, other)| format!("{other} OPERATOR(pg_catalog.=) {own}"));
    pairs.collect::<Vec<_>>().join(" AND ")
}
