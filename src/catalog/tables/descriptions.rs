//! pg_description: what users said in COMMENT, and what PostgreSQL says of its own objects.
//!
//! Owns: [`descriptions`], [`recorded`]. Must not know: SQLite. Recorded by `scripts/record-catalogs` as a column of the
//! objects' own catalogs.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

use crate::catalog::objects::PG_OPERATOR;
use crate::catalog::privileges::{PG_NAMESPACE, PG_TYPE};
use crate::catalog::routines::PG_PROC;
use crate::catalog::tables::contents::View;
use crate::catalog::tables::recorded::{Line, Recording, recording};
use crate::catalog::tables::rows::{Rows, row};
use crate::types::pg_type::Oid;

/// The catalogs whose objects are described, by their OIDs.
static RECORDED: &[(Oid, &str)] = &[
    (PG_TYPE, recording!("pg_type")),
    (PG_PROC, recording!("pg_proc")),
    (Oid(2601), recording!("pg_am")),
    (Oid(2607), recording!("pg_conversion")),
    (Oid(2612), recording!("pg_language")),
    (PG_NAMESPACE, recording!("pg_namespace")),
    (PG_OPERATOR, recording!("pg_operator")),
    (Oid(3079), recording!("pg_extension")),
    (Oid(3456), recording!("pg_collation")),
    (Oid(3600), recording!("pg_ts_dict")),
    (Oid(3601), recording!("pg_ts_parser")),
    (Oid(3602), recording!("pg_ts_config")),
    (Oid(3764), recording!("pg_ts_template")),
];

/// A description of one of PostgreSQL's own objects.
struct Description {
    class: Oid,
    object: Oid,
    text: Cow<'static, str>,
    /// A function that is listed only if it can be called, by this name.
    function: Option<Cow<'static, str>>,
}

fn all() -> &'static [Description] {
    static ALL: OnceLock<Vec<Description>> = OnceLock::new();
    ALL.get_or_init(|| {
        let operators = implemented();
        let of_class = |&(class, text): &(Oid, &'static str)| {
            Recording::new(text).lines().map(move |line| (class, line)).collect::<Vec<_>>()
        };
        let described = RECORDED.iter().flat_map(of_class).filter_map(|(class, line)| {
            let object = oid(&line, "oid");
            let text = match line.text("description") {
                text if !text.is_empty() => text,
                _ => format!("implementation of {} operator", operators.get(&object).filter(|_| class == PG_PROC)?)
                    .into(),
            };
            let function = (class == PG_PROC && line.number("referred") == 0).then(|| line.text("proname"));
            Some(Description { class, object, text, function })
        });
        described.collect()
    })
}

/// By function: the operator that it carries out, the first by name if there are several.
fn implemented() -> HashMap<Oid, Cow<'static, str>> {
    let mut operators: HashMap<Oid, Cow<'static, str>> = HashMap::new();
    for line in Recording::new(recording!("pg_operator")).lines() {
        let name = line.text("oprname");
        let first = operators.entry(oid(&line, "oprcode")).or_insert_with(|| name.clone());
        if name < *first {
            *first = name;
        }
    }
    operators
}

fn oid(line: &Line, column: &str) -> Oid {
    Oid(line.number(column).try_into().unwrap_or_default())
}

/// What PostgreSQL says of one of its own objects; without a catalog, of any with that OID.
pub fn recorded(object: Oid, class: Option<Oid>) -> Option<&'static str> {
    static BY_OBJECT: OnceLock<HashMap<Oid, Vec<&'static Description>>> = OnceLock::new();
    let by_object = BY_OBJECT.get_or_init(|| {
        let mut by_object: HashMap<Oid, Vec<_>> = HashMap::new();
        all().iter().for_each(|described| by_object.entry(described.object).or_default().push(described));
        by_object
    });
    let found = by_object.get(&object)?.iter().find(|described| class.is_none_or(|class| described.class == class))?;
    Some(&found.text)
}

/// The rows of pg_description.
pub fn descriptions(rows: &mut Rows, view: &View<'_>) {
    for Description { class, object, text, function } in all() {
        let listed = function.as_ref().is_none_or(|name| view.source.has_function(name));
        if listed && !view.catalog.comments.contains_key(&(*class, *object, 0)) {
            row!(rows, objoid: *object, classoid: *class, objsubid: 0, description: text.clone());
        }
    }
    // An empty one says that what PostgreSQL says of its own was taken away.
    let mut comments: Vec<_> = view.catalog.comments.iter().filter(|(_, text)| !text.is_empty()).collect();
    comments.sort();
    for (&(class, object, part), text) in comments {
        row!(rows, objoid: object, classoid: class, objsubid: part, description: text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_operators_are_described_by_them() {
        assert_eq!(recorded(Oid(177), Some(PG_PROC)), Some("implementation of + operator"));
        assert_eq!(recorded(Oid(551), Some(PG_OPERATOR)), Some("add"));
        assert_eq!(recorded(Oid(1317), None), Some("length"));
        assert_eq!(recorded(Oid(23), Some(PG_TYPE)), Some("-2 billion to 2 billion integer, 4-byte storage"));
    }
}
