//! The columns of indexes: what they are called, of which type their keys are kept, their operator classes.
//!
//! Must not know: SQLite. Specification: ConstructTupleDescriptor and ChooseIndexColumnNames in PostgreSQL's commands and
//! catalog/index.c.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::catalog::members;
use crate::catalog::schema::{Index, IndexKey, Relation};
use crate::catalog::tables::classes::access_method;
use crate::catalog::tables::constraints::operator_class;
use crate::catalog::tables::contents::View;
use crate::catalog::tables::recorded::{Line, Recording, recording};
use crate::catalog::tables::types::type_facts;
use crate::types::extension;
use crate::types::pg_type::Oid;

/// A column of an index.
pub struct IndexColumn {
    pub name: String,
    /// The type of what is indexed.
    pub type_oid: Oid,
    pub typmod: i32,
    /// Of a key.
    pub class: Oid,
    /// The type that the index keeps, if it is another.
    pub kept: Option<Oid>,
    /// The number of the table's column; 0 for an expression.
    pub column: i16,
}

/// The name of an index's column: a second one of a name gets a number.
pub fn free_name(taken: impl Fn(&str) -> bool, name: String) -> String {
    if !taken(&name) {
        return name;
    }
    let numbered = (1_u32..).map(|number| {
        let number = number.to_string();
        let mut end = name.len().min(63 - number.len());
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        format!("{}{number}", name.get(..end).unwrap_or_default())
    });
    numbered.into_iter().find(|numbered| !taken(numbered)).unwrap_or(name.clone())
}

impl View<'_> {
    /// The columns of an index, keys first.
    pub fn index_columns(&self, relation: &Relation, index: &Index) -> Vec<IndexColumn> {
        let mut columns: Vec<IndexColumn> = Vec::new();
        let included = index.included.iter().copied().map(IndexKey::of_column);
        for (place, key) in index.keys.iter().cloned().chain(included).enumerate() {
            let (name, type_oid, typmod) = match relation.column_by_number(key.column) {
                Some(column) => (column.name.clone(), column.type_oid, column.typmod),
                None => {
                    let text = key.expression.as_deref().unwrap_or_default();
                    let described = self.source.describe_expression(relation, text);
                    described.unwrap_or_else(|| ("expr".to_owned(), Oid::TEXT, -1))
                }
            };
            let name = free_name(|name| columns.iter().any(|column| column.name == name), name);
            let is_key = place < index.keys.len();
            let class = if is_key { self.key_class(&index.method, &key, type_oid) } else { Oid::INVALID };
            let kept = self.kept_type(&index.method, class, type_oid).filter(|_| is_key);
            columns.push(IndexColumn { name, type_oid, typmod, class, kept, column: key.column });
        }
        columns
    }

    fn key_class(&self, method: &str, key: &IndexKey, type_oid: Oid) -> Oid {
        let method_oid = access_method(method);
        if let Some(name) = key.operator_class.as_deref() {
            let mut lines = Recording::new(recording!("pg_opclass")).lines();
            let own = lines.find(|l| l.number("opcmethod") == i64::from(method_oid.0) && l.text("opcname") == name);
            let own = own.map(|line| number(&line, "oid"));
            return own.or_else(|| members::operator_class(self.catalog, name, method)).unwrap_or_default();
        }
        if extension::of_oid(type_oid).is_some() {
            let mut classes = members::classes_of_method(self.catalog, method_oid.0.into());
            let default = classes.find(|l| number(l, "opcintype") == type_oid && l.number("opcdefault") != 0);
            return default.map_or(Oid::INVALID, |line| number(&line, "oid"));
        }
        operator_class(method_oid, type_oid, type_facts(self.catalog, type_oid).category)
    }

    /// The type of what an index keeps where it is not the key's own.
    fn kept_type(&self, method: &str, class: Oid, type_oid: Oid) -> Option<Oid> {
        static KEPT: OnceLock<HashMap<Oid, (Oid, Oid)>> = OnceLock::new();
        let types = |line: &Line| (number(line, "opckeytype"), number(line, "opcintype"));
        let recorded = KEPT.get_or_init(|| {
            let lines = Recording::new(recording!("pg_opclass")).lines();
            lines.map(|line| (number(&line, "oid"), types(&line))).collect()
        });
        let of_extension = || {
            let mut classes = members::classes_of_method(self.catalog, access_method(method).0.into());
            classes.find(|line| number(line, "oid") == class).map(|line| types(&line))
        };
        let (kept, input) = recorded.get(&class).copied().or_else(of_extension)?;
        let kept = match kept {
            // A hash index keeps hashes.
            Oid::INVALID if method == "hash" => Oid::INT4,
            Oid::ANYELEMENT if input == Oid::ANYARRAY => type_facts(self.catalog, type_oid).repr.array_of?,
            kept => kept,
        };
        Some(kept).filter(|kept| *kept != Oid::INVALID && *kept != type_oid)
    }
}

fn number(line: &Line, column: &str) -> Oid {
    Oid(line.number(column).try_into().unwrap_or_default())
}
