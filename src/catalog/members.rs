//! What extensions consist of: the rows that they add to the catalogs, recorded from PostgreSQL by
//! `scripts/record-extensions` and embedded here.
//!
//! Owns: [`Member`], and which member has a name, an OID, a description. Must not know: which of them can be carried out
//! (`sql::functions`, `sql::operators`). Specification: pg_depend's rows of kind e.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::catalog::privileges::PG_TYPE;
use crate::catalog::routines::PG_PROC;
use crate::catalog::schema::{CatalogSnapshot, Extension};
use crate::catalog::tables::contents::{RecordedColumns, View};
use crate::catalog::tables::recorded::{Line, Recording};
use crate::catalog::tables::rows::{Cell, Rows};
use crate::catalog::tables::source::BOOTSTRAP_SUPERUSER;
use crate::types::pg_type::Oid;

/// Reads `fixtures/extensions/<name>.tsv` at compile time.
macro_rules! members {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/extensions/", $name, ".tsv"))
    };
}

const PG_OPERATOR: Oid = Oid(2617);
const PG_CAST: Oid = Oid(2605);
const PG_OPFAMILY: Oid = Oid(2753);
const PG_OPCLASS: Oid = Oid(2616);
const PG_AM: Oid = Oid(2601);

/// The language of functions in C (pg_language.oid).
const LANGUAGE_C: i64 = 13;

/// By the OIDs of the catalogs that the members' rows are in.
static RECORDED: &[(Oid, &str)] = &[
    (PG_TYPE, members!("pg_type")),
    (PG_PROC, members!("pg_proc")),
    (PG_OPERATOR, members!("pg_operator")),
    (PG_CAST, members!("pg_cast")),
    (PG_AM, members!("pg_am")),
    (PG_OPFAMILY, members!("pg_opfamily")),
    (PG_OPCLASS, members!("pg_opclass")),
];

/// An object that an extension brings.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    pub extension: &'static str,
    /// The catalog that it has a row in.
    pub class: Oid,
    pub oid: Oid,
    /// As pg_describe_object says it.
    pub description: &'static str,
}

static MEMBERS: LazyLock<Vec<Member>> = LazyLock::new(|| {
    let of_class = |(class, text): &'static (Oid, &'static str)| {
        text.lines().skip(1).filter_map(move |line| {
            let mut fields = line.split('\t');
            let (extension, description) = (fields.next()?, fields.next()?);
            Some(Member { extension, class: *class, oid: Oid(fields.next()?.parse().ok()?), description })
        })
    };
    let mut members: Vec<Member> = RECORDED.iter().flat_map(of_class).collect();
    members.sort_by_key(|member| member.oid);
    members
});

/// The member with that OID.
pub fn member(oid: Oid) -> Option<&'static Member> {
    MEMBERS.binary_search_by_key(&oid, |member| member.oid).ok().and_then(|place| MEMBERS.get(place))
}

/// The members of an extension, in the order of their OIDs.
pub fn members_of(extension: &str) -> impl Iterator<Item = &'static Member> {
    MEMBERS.iter().filter(move |member| member.extension == extension)
}

fn recording(class: Oid) -> Option<Recording> {
    RECORDED.iter().find(|(of, _)| *of == class).map(|(_, text)| Recording::new(text))
}

/// The lines of one catalog that a database's extensions add, each with its extension.
pub fn lines(catalog: &CatalogSnapshot, class: Oid) -> impl Iterator<Item = (Line, &Extension)> {
    let lines = recording(class).into_iter().flat_map(Recording::lines);
    lines.filter_map(|line| {
        let name = line.text("extension");
        let extension = catalog.extensions.iter().find(|extension| extension.name == name)?;
        Some((line, extension))
    })
}

/// Every function of every extension.
pub fn functions() -> impl Iterator<Item = Line> {
    recording(PG_PROC).into_iter().flat_map(Recording::lines)
}

/// What says which function or operator a member is: its extension, its name, the types of its arguments.
type Signature = (String, String, Vec<Oid>);

static BY_SIGNATURE: LazyLock<HashMap<Signature, Oid>> = LazyLock::new(|| {
    let number = |line: &Line, column| Oid(line.number(column).try_into().unwrap_or_default());
    let functions = functions().map(|line| {
        let types: Vec<u32> = serde_json::from_str(&line.text("proargtypes")).unwrap_or_default();
        let types = types.into_iter().map(Oid).collect();
        ((line.text("extension").into_owned(), line.text("proname").into_owned(), types), number(&line, "oid"))
    });
    let operators = recording(PG_OPERATOR).into_iter().flat_map(Recording::lines).map(|line| {
        let types = vec![number(&line, "oprleft"), number(&line, "oprright")];
        ((line.text("extension").into_owned(), line.text("oprname").into_owned(), types), number(&line, "oid"))
    });
    functions.chain(operators).collect()
});

/// The function, or the operator, of an extension that takes these types.
pub fn by_signature(extension: &str, name: &str, types: &[Oid]) -> Option<Oid> {
    BY_SIGNATURE.get(&(extension.to_owned(), name.to_owned(), types.to_vec())).copied()
}

/// Rows of one catalog that a database's extensions add.
fn rows_of(rows: &mut Rows, view: &View<'_>, class: Oid, prefix: &str) {
    let Some(recorded) = recording(class) else { return };
    let columns = RecordedColumns::new(rows.relation(), recorded);
    for (line, extension) in lines(view.catalog, class) {
        columns.add(rows, &line);
        if !prefix.is_empty() {
            rows.set(&format!("{prefix}namespace"), view.namespace_oid(&extension.schema).into());
            rows.set(&format!("{prefix}owner"), BOOTSTRAP_SUPERUSER.into());
        }
        if class == PG_PROC && line.number("prolang") == LANGUAGE_C {
            rows.set("probin", Cell::Text(format!("$libdir/{}", extension.name).into()));
        }
    }
}

/// Rows of pg_proc.
pub fn procs(rows: &mut Rows, view: &View<'_>) {
    rows_of(rows, view, PG_PROC, "pro");
}

/// Rows of pg_type.
pub fn types(rows: &mut Rows, view: &View<'_>) {
    rows_of(rows, view, PG_TYPE, "typ");
}

/// Rows of pg_operator.
pub fn operators(rows: &mut Rows, view: &View<'_>) {
    rows_of(rows, view, PG_OPERATOR, "opr");
}

/// Rows of pg_cast.
pub fn casts(rows: &mut Rows, view: &View<'_>) {
    rows_of(rows, view, PG_CAST, "");
}

/// Rows of pg_am.
pub fn access_methods(rows: &mut Rows, view: &View<'_>) {
    rows_of(rows, view, PG_AM, "");
}

/// The access method of that name that an extension brings, and the extension.
pub fn access_method(name: &str) -> Option<(Oid, String)> {
    let line = recording(PG_AM)?.lines().find(|line| line.text("amname") == name)?;
    Some((Oid(line.number("oid").try_into().ok()?), line.text("extension").into_owned()))
}

/// Rows of pg_opclass.
pub fn operator_classes(rows: &mut Rows, view: &View<'_>) {
    rows_of(rows, view, PG_OPCLASS, "opc");
}

/// Rows of pg_opfamily.
pub fn operator_families(rows: &mut Rows, view: &View<'_>) {
    rows_of(rows, view, PG_OPFAMILY, "opf");
}

/// The operator classes of an access method that a database's extensions add.
pub fn classes_of_method(catalog: &CatalogSnapshot, method: i64) -> impl Iterator<Item = Line> {
    lines(catalog, PG_OPCLASS).map(|(line, _)| line).filter(move |line| line.number("opcmethod") == method)
}

/// An extension's operator class by its name and its access method's.
pub fn operator_class(catalog: &CatalogSnapshot, name: &str, method: &str) -> Option<Oid> {
    let suffix = format!(" for access method {method}");
    let class = MEMBERS.iter().find(|member| {
        let described = member.description.strip_prefix("operator class ").and_then(|rest| rest.strip_suffix(&suffix));
        member.class == PG_OPCLASS && described == Some(name)
    });
    class.filter(|class| catalog.has_extension(class.extension)).map(|class| class.oid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::extension::TYPES;

    #[test]
    fn no_number_is_given_twice() {
        assert!(MEMBERS.windows(2).all(|pair| pair[0].oid < pair[1].oid));
    }

    #[test]
    fn recorded_types_have_the_numbers_of_the_table() {
        for line in recording(PG_TYPE).unwrap().lines() {
            let info = TYPES.iter().flat_map(|of| &of.infos).find(|info| info.name == line.text("typname"));
            let number = |column| line.number(column);
            match info {
                Some(info) => assert_eq!(
                    (i64::from(info.oid.0), i64::from(info.len), i64::from(info.array.0)),
                    (number("oid"), number("typlen"), number("typarray"))
                ),
                None => assert!(number("oid") >= 13700, "{}", line.text("typname")),
            }
        }
    }
}
