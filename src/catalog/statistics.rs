//! Extended statistics as the catalog has them. Nothing is counted: SQLite's planner has statistics of its own.
//!
//! Owns: [`ExtendedStatistics`] and the statement that makes one again. Must not know: where they are kept
//! (`catalog::store`). Specification: catalog-pg-statistic-ext.html, pg_get_statisticsobj_worker() in ruleutils.c.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::catalog::definitions::{Names, Shown, is_call, quote_identifier};
use crate::catalog::privileges::PG_CLASS;
use crate::catalog::qualify::qualified;
use crate::catalog::schema::{CatalogSnapshot, Relation};
use crate::types::pg_type::Oid;

pub const PG_STATISTIC_EXT: Oid = Oid(3381);

/// The kinds there are: letter and name.
pub const KINDS: [(u8, &str); 3] = [(b'd', "ndistinct"), (b'f', "dependencies"), (b'm', "mcv")];

/// CREATE STATISTICS; its table has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtendedStatistics {
    pub oid: Oid,
    pub schema: String,
    pub name: String,
    /// In the order of their numbers.
    pub columns: Vec<i16>,
    /// Letters of [`KINDS`], in their order.
    pub kinds: Vec<u8>,
    /// -1 is the default.
    pub target: i32,
    /// Expressions beside the columns, as PostgreSQL text.
    pub expressions: Vec<String>,
}

impl ExtendedStatistics {
    /// As it is kept.
    pub fn to_json(&self) -> Json {
        json!([self.oid.0, self.schema, self.name, self.columns, self.kinds, self.target, self.expressions])
    }

    /// The inverse.
    pub fn of_json(json: &Json) -> Option<Self> {
        let text = |place: usize| json.get(place).and_then(Json::as_str).map(str::to_owned);
        let number = |json: &Json| json.as_i64();
        let list = |place: usize| json.get(place).and_then(Json::as_array);
        Some(ExtendedStatistics {
            oid: Oid(u32::try_from(json.get(0)?.as_u64()?).ok()?),
            schema: text(1)?,
            name: text(2)?,
            columns: list(3)?.iter().filter_map(|n| i16::try_from(number(n)?).ok()).collect(),
            kinds: list(4)?.iter().filter_map(|n| u8::try_from(number(n)?).ok()).collect(),
            target: json.get(5).and_then(number).and_then(|n| i32::try_from(n).ok()).unwrap_or(-1),
            expressions: list(6).into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect(),
        })
    }

    /// The names of its columns, and its expressions as `shown` shows them.
    pub fn column_list(&self, relation: &Relation, shown: Shown<'_>) -> String {
        let columns = self.columns.iter().filter_map(|number| relation.column_by_number(*number));
        let expressions = self.expressions.iter().map(|text| {
            let text = shown(text, relation);
            if is_call(&text) { text } else { format!("({text})") }
        });
        columns.map(|column| quote_identifier(&column.name)).chain(expressions).collect::<Vec<_>>().join(", ")
    }

    /// Its expressions one by one; none if it has only columns.
    pub fn expression_list(&self, names: &Names<'_>) -> Option<String> {
        let texts: Vec<_> = self.expressions.iter().map(|text| qualified(text, names)).collect();
        Some(json!(texts).to_string()).filter(|_| !texts.is_empty())
    }

    /// CREATE STATISTICS
    pub fn definition(&self, relation: &Relation, names: &Names<'_>, shown: Shown<'_>) -> String {
        let kinds: Vec<&str> =
            KINDS.iter().filter(|(letter, _)| self.kinds.contains(letter)).map(|(_, name)| *name).collect();
        let is_single = self.columns.len() + self.expressions.len() < 2;
        let kinds =
            if kinds.len() == KINDS.len() || is_single { String::new() } else { format!(" ({})", kinds.join(", ")) };
        format!(
            "CREATE STATISTICS {}.{}{kinds} ON {} FROM {}",
            quote_identifier(&self.schema),
            quote_identifier(&self.name),
            self.column_list(relation, shown),
            names.relation(relation)
        )
    }
}

impl CatalogSnapshot {
    /// The owner of statistics: their table's, unless another one was said.
    pub fn statistics_owner(&self, table: &Relation, oid: Oid) -> Oid {
        let own = self.privileges.get(&(PG_STATISTIC_EXT, oid, 0));
        own.map_or_else(|| self.owner_of(PG_CLASS, table.oid), |own| own.owner)
    }

    /// All there are, with their tables.
    pub fn extended_statistics(&self) -> impl Iterator<Item = (&Arc<Relation>, &ExtendedStatistics)> {
        self.relations.values().flat_map(|relation| relation.options.statistics.iter().map(move |own| (relation, own)))
    }
}
