//! Rows of pg_type, pg_enum and the facts about a type that other catalogs repeat.
//!
//! Must not know: SQLite. Specification: catalog-pg-type.html, catalog-pg-enum.html.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::catalog::composite;
use crate::catalog::members;
use crate::catalog::privileges::PG_TYPE;
use crate::catalog::schema::{CatalogSnapshot, UserType, UserTypeKind};
use crate::catalog::tables::contents::{RecordedColumns, View};
use crate::catalog::tables::recorded::{Recording, recording};
use crate::catalog::tables::row_types::{row_types, system_row_types};
use crate::catalog::tables::rows::{Cell, Rows, row};
use crate::types::pg_type::{Oid, Repr, Scalar, TypeInfo, type_info};

/// What pg_attribute and pg_type say of a type's storage.
#[derive(Clone, Copy, Debug)]
pub struct TypeFacts {
    pub len: i16,
    pub by_value: bool,
    pub align: u8,
    pub storage: u8,
    pub collation: Oid,
    pub category: u8,
    pub repr: Repr,
}

impl TypeFacts {
    /// Of a type we do not know: text's.
    pub const UNKNOWN: TypeFacts = TypeFacts {
        len: -1,
        by_value: false,
        align: b'i',
        storage: b'x',
        collation: Oid(100),
        category: b'X',
        repr: Repr::scalar(Scalar::Text),
    };

    /// Of a built-in type.
    pub fn of(info: &TypeInfo) -> TypeFacts {
        TypeFacts {
            len: info.len,
            by_value: info.by_value,
            align: info.align,
            storage: info.storage,
            collation: info.collation,
            category: info.category,
            repr: info.repr,
        }
    }
}

/// An enum's: an OID of pg_enum in four bytes.
const ENUM: TypeFacts = TypeFacts {
    len: 4,
    by_value: true,
    align: b'i',
    storage: b'p',
    collation: Oid::INVALID,
    category: b'E',
    ..TypeFacts::UNKNOWN
};

/// A row's.
const ROW: TypeFacts = TypeFacts { align: b'd', collation: Oid::INVALID, category: b'C', ..TypeFacts::UNKNOWN };

/// The facts about a type, built-in or a user's.
pub fn type_facts(catalog: &CatalogSnapshot, oid: Oid) -> TypeFacts {
    if let Some(info) = type_info(oid) {
        return TypeFacts::of(info);
    }
    if let Some(user) = catalog.types.get(&oid) {
        return match &user.kind {
            UserTypeKind::Enum(_) => ENUM,
            UserTypeKind::Domain { base, collation, .. } => {
                let facts = type_facts(catalog, *base);
                let own = collation.as_ref().map(|kept| catalog.collation_oid(kept));
                TypeFacts { collation: own.unwrap_or(facts.collation), ..facts }
            }
            UserTypeKind::Range(_) | UserTypeKind::Multirange { .. } => TypeFacts {
                collation: Oid::INVALID,
                category: b'R',
                repr: catalog.repr(oid).unwrap_or(Repr::scalar(Scalar::Text)),
                ..TypeFacts::UNKNOWN
            },
        };
    }
    match catalog.types.values().find(|t| t.array == oid) {
        Some(element) => array_facts(type_facts(catalog, element.oid), element.oid),
        None => match composite::relation_of(catalog, oid) {
            Some((_, false)) => ROW,
            Some((_, true)) => array_facts(ROW, oid),
            None => TypeFacts::UNKNOWN,
        },
    }
}

fn array_facts(element: TypeFacts, oid: Oid) -> TypeFacts {
    TypeFacts {
        len: -1,
        by_value: false,
        align: if element.align == b'd' { b'd' } else { b'i' },
        storage: b'x',
        collation: element.collation,
        category: b'A',
        repr: Repr::array(oid, element.repr.scalar),
    }
}

/// The OIDs of input, output, receive, send functions and of the subscript handler (pg_proc.dat).
pub(super) struct Routines {
    pub(super) input: u32,
    pub(super) output: u32,
    pub(super) receive: u32,
    pub(super) send: u32,
    pub(super) analyze: u32,
    pub(super) subscript: u32,
}

const ENUM_ROUTINES: Routines =
    Routines { input: 3506, output: 3507, receive: 3532, send: 3533, analyze: 0, subscript: 0 };
const RANGE_ROUTINES: Routines =
    Routines { input: 3834, output: 3835, receive: 3836, send: 3837, analyze: 3916, subscript: 0 };
const MULTIRANGE_ROUTINES: Routines =
    Routines { input: 4231, output: 4232, receive: 4233, send: 4234, analyze: 4242, subscript: 0 };
pub(super) const ARRAY_ROUTINES: Routines =
    Routines { input: 750, output: 751, receive: 2400, send: 2401, analyze: 3816, subscript: 6179 };
/// domain_in and domain_recv; a domain's output functions are its base type's.
const DOMAIN_INPUT: (u32, u32) = (2597, 2598);

/// PostgreSQL's own, and the types of its catalogs' rows.
pub fn builtin_types(rows: &mut Rows, view: &View<'_>) {
    let recorded = Recording::new(recording!("pg_type"));
    let columns = RecordedColumns::new(rows.relation(), recorded);
    recorded.lines().for_each(|line| columns.add(rows, &line));
    system_row_types(rows, view);
}

/// Users' enums and domains, each followed by its array type, and the types of their tables' rows.
pub fn types(rows: &mut Rows, view: &View<'_>) {
    for user in user_types(view.catalog) {
        match &user.kind {
            UserTypeKind::Enum(_) => user_type(rows, view, user, "e", ENUM, &ENUM_ROUTINES),
            UserTypeKind::Domain { base, .. } => domain_type(rows, view, user, *base),
            UserTypeKind::Range(_) => {
                user_type(rows, view, user, "r", type_facts(view.catalog, user.oid), &RANGE_ROUTINES);
            }
            UserTypeKind::Multirange { .. } => {
                user_type(rows, view, user, "m", type_facts(view.catalog, user.oid), &MULTIRANGE_ROUTINES);
            }
        }
        array_type(rows, view, user);
    }
    members::types(rows, view);
    row_types(rows, view);
}

/// Users' types in the order of their OIDs.
pub fn user_types(catalog: &CatalogSnapshot) -> Vec<&UserType> {
    let mut types: Vec<_> = catalog.types.values().map(AsRef::as_ref).collect();
    types.sort_by_key(|t| t.oid);
    types.dedup_by_key(|t| t.oid);
    types
}

fn user_type(
    rows: &mut Rows,
    view: &View<'_>,
    user: &UserType,
    kind: &'static str,
    facts: TypeFacts,
    routines: &Routines,
) {
    let domain = match &user.kind {
        UserTypeKind::Domain { base, typmod, not_null, default, .. } => (*base, *typmod, *not_null, default.clone()),
        UserTypeKind::Enum(_) | UserTypeKind::Range(_) | UserTypeKind::Multirange { .. } => {
            (Oid::INVALID, -1, false, None)
        }
    };
    let (owner, acl) = view.owner_and_acl(PG_TYPE, user.oid, 0);
    row!(rows,
        oid: user.oid,
        typname: &user.name,
        typnamespace: view.namespace_oid(&user.schema),
        typowner: owner,
        typacl: acl,
        typlen: facts.len,
        typbyval: facts.by_value,
        typtype: kind,
        typcategory: Cell::letter(facts.category),
        typisdefined: true,
        typdelim: ",",
        typarray: user.array,
        typinput: routines.input,
        typoutput: routines.output,
        typreceive: routines.receive,
        typsend: routines.send,
        typanalyze: routines.analyze,
        typalign: Cell::letter(facts.align),
        typstorage: Cell::letter(facts.storage),
        typnotnull: domain.2,
        typbasetype: domain.0,
        typtypmod: domain.1,
        typcollation: facts.collation,
        typdefaultbin: domain.3.clone(),
        typdefault: domain.3,
    );
}

fn domain_type(rows: &mut Rows, view: &View<'_>, user: &UserType, base: Oid) {
    let (output, send) = recorded_output(base);
    let routines = Routines { input: DOMAIN_INPUT.0, output, receive: DOMAIN_INPUT.1, send, analyze: 0, subscript: 0 };
    let facts = TypeFacts { collation: view.catalog.type_collation(user.oid), ..type_facts(view.catalog, base) };
    user_type(rows, view, user, "d", facts, &routines);
}

/// The output and send functions of a built-in type.
fn recorded_output(oid: Oid) -> (u32, u32) {
    let mut lines = Recording::new(recording!("pg_type")).lines();
    let number = |n: i64| u32::try_from(n).unwrap_or_default();
    match lines.find(|l| l.number("oid") == i64::from(oid.0)) {
        Some(line) => (number(line.number("typoutput")), number(line.number("typsend"))),
        None => (ENUM_ROUTINES.output, ENUM_ROUTINES.send),
    }
}

fn array_type(rows: &mut Rows, view: &View<'_>, user: &UserType) {
    let facts = array_facts(type_facts(view.catalog, user.oid), user.oid);
    row!(rows,
        oid: user.array,
        typname: array_name(&user.name),
        typnamespace: view.namespace_oid(&user.schema),
        typowner: view.catalog.owner_of(PG_TYPE, user.oid),
        typlen: facts.len,
        typtype: "b",
        typcategory: "A",
        typisdefined: true,
        typdelim: ",",
        typsubscript: ARRAY_ROUTINES.subscript,
        typelem: user.oid,
        typinput: ARRAY_ROUTINES.input,
        typoutput: ARRAY_ROUTINES.output,
        typreceive: ARRAY_ROUTINES.receive,
        typsend: ARRAY_ROUTINES.send,
        typanalyze: ARRAY_ROUTINES.analyze,
        typalign: Cell::letter(facts.align),
        typstorage: "x",
        typtypmod: -1,
        typcollation: facts.collation,
    );
}

/// The name of the array type over a type: an underscore before it, cut to 63 bytes.
pub fn array_name(element: &str) -> String {
    let mut name = format!("_{element}");
    let mut end = name.len().min(63);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    name
}

/// Enums' labels. Their OIDs are made from the type's: the catalog keeps none.
pub fn enums(rows: &mut Rows, view: &View<'_>) {
    for user in user_types(view.catalog) {
        let UserTypeKind::Enum(labels) = &user.kind else { continue };
        for ((label, order), number) in labels.labels().iter().zip(labels.orders()).zip(1u32..) {
            let oid = 0x8000_0000 | (user.oid.0.wrapping_mul(256).wrapping_add(number) & 0x7fff_ffff);
            row!(rows, oid: oid, enumtypid: user.oid, enumsortorder: f64::from(*order), enumlabel: label);
        }
    }
}

/// The recorded types by OID: their schemas and names.
fn recorded_names() -> &'static HashMap<Oid, (&'static str, String)> {
    static NAMES: OnceLock<HashMap<Oid, (&'static str, String)>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let lines = Recording::new(recording!("pg_type")).lines();
        let named = lines.map(|line| {
            let own = line.number("typnamespace") == PG_CATALOG;
            let schema = if own { "pg_catalog" } else { "information_schema" };
            (Oid(line.number("oid").try_into().unwrap_or_default()), (schema, line.text("typname").into_owned()))
        });
        named.collect()
    })
}

/// The schema and the name of a recorded type, information_schema's domains included.
pub fn recorded_name(oid: Oid) -> Option<(&'static str, &'static str)> {
    recorded_names().get(&oid).map(|(schema, name)| (*schema, name.as_str()))
}

/// The base type of one of information_schema's domains, with its modifier.
pub fn information_domain(name: &str) -> Option<(Oid, i32)> {
    let line = Recording::new(recording!("pg_type")).lines().find(|line| {
        line.number("typnamespace") != PG_CATALOG && line.text("typtype") == "d" && line.text("typname") == name
    })?;
    Some((Oid(line.number("typbasetype").try_into().ok()?), line.number("typtypmod").try_into().ok()?))
}

/// The OID of one of information_schema's types.
pub fn information_type(name: &str) -> Option<Oid> {
    let own = |(schema, recorded): &(&str, String)| *schema == "information_schema" && recorded == name;
    recorded_names().iter().find(|(_, named)| own(named)).map(|(oid, _)| *oid)
}

/// The type of PostgreSQL's of that name, whether there can be values of it here or not.
pub fn recorded_type(name: &str) -> Option<Oid> {
    let own = |(schema, recorded): &(&str, String)| *schema == "pg_catalog" && recorded == name;
    recorded_names().iter().find(|(_, named)| own(named)).map(|(oid, _)| *oid)
}

/// pg_namespace.oid of pg_catalog.
const PG_CATALOG: i64 = 11;

/// pg_range: the range types that users made.
pub fn ranges(rows: &mut Rows, view: &View<'_>) {
    for user in user_types(view.catalog) {
        let UserTypeKind::Range(range) = &user.kind else { continue };
        let subtype = type_facts(view.catalog, range.subtype);
        let btree = Oid(403);
        let default = crate::catalog::tables::constraints::operator_class(btree, range.subtype, subtype.category);
        row!(rows,
            rngtypid: user.oid,
            rngsubtype: range.subtype,
            rngmultitypid: range.multirange,
            rngcollation: subtype.collation,
            rngsubopc: default,
            rngcanonical: 0,
            rngsubdiff: range.difference,
        );
    }
}
