//! Types, the built-in ones and the user's, as analysis and lowering ask for them.
//!
//! Owns: what a type's OID means in a catalog: how its values are stored, what it is made of, what it is called.

use std::sync::LazyLock;

use crate::catalog::composite;
use crate::catalog::definitions::Names;
use crate::catalog::schema::{CatalogSnapshot, UserType, UserTypeKind};
use crate::error::{Error, SqlState};
use crate::sql::tree::RecordTypes;
use crate::types::pg_type::{Oid, Repr, Scalar, TYPES, TypeInfo, type_info};

/// The user type with this OID, or whose array type it is; true for the array.
pub fn user_type(catalog: &CatalogSnapshot, oid: Oid) -> Option<(&UserType, bool)> {
    if let Some(user) = catalog.types.get(&oid) {
        return Some((user, user.array == oid));
    }
    catalog.types.values().find(|t| t.array == oid).map(|t| (&**t, true))
}

/// How values of a type, built-in or the user's, are stored.
pub fn repr_of(catalog: &CatalogSnapshot, oid: Oid) -> Repr {
    if let Some(info) = type_info(oid) {
        return info.repr;
    }
    catalog.repr(oid).unwrap_or(Repr::scalar(Scalar::Text))
}

/// A type as functions are told of it, for a value of it; that of a record is known by its modifier.
pub fn info_of(catalog: &CatalogSnapshot, records: &RecordTypes, oid: Oid, typmod: i32) -> &'static TypeInfo {
    records.info(oid, typmod).or_else(|| composite::info(catalog, oid).ok()).unwrap_or_else(text)
}

fn text() -> &'static TypeInfo {
    static TEXT: LazyLock<&'static TypeInfo> =
        LazyLock::new(|| type_info(Oid::TEXT).or(TYPES.first()).unwrap_or_else(|| unreachable!("there are types")));
    *TEXT
}

/// What messages call a type (format_type_be): quoted where it must be, and with its schema where the path does not
/// find it.
pub fn type_name(catalog: &CatalogSnapshot, search_path: &[String], oid: Oid) -> String {
    Names { catalog, search_path }.format_type(oid, None)
}

/// The name by which `pg_in_…` and `pg_out_…` know a type.
pub fn internal_name(catalog: &CatalogSnapshot, oid: Oid) -> &'static str {
    match type_info(oid) {
        Some(info) => info.name,
        None => match user_type(catalog, oid) {
            Some((_, true)) => "_text",
            _ => "text",
        },
    }
}

/// The base type and modifier behind a domain, or the type itself.
pub fn base_type(catalog: &CatalogSnapshot, oid: Oid, typmod: i32) -> (Oid, i32) {
    match catalog.types.get(&oid).map(|t| &t.kind) {
        Some(UserTypeKind::Domain { base, typmod, .. }) => base_type(catalog, *base, *typmod),
        Some(_) => (oid, typmod),
        None => domain_array(catalog, oid).unwrap_or((oid, typmod)),
    }
}

/// Arrays of a domain's values are arrays of its base type's.
fn domain_array(catalog: &CatalogSnapshot, oid: Oid) -> Option<(Oid, i32)> {
    if type_info(oid).is_some() {
        return None;
    }
    let (domain, _) = user_type(catalog, oid).filter(|(user, _)| matches!(user.kind, UserTypeKind::Domain { .. }))?;
    let (base, typmod) = base_type(catalog, domain.oid, -1);
    array_type(catalog, base).filter(|array| *array != base).map(|array| (array, typmod))
}

/// The element type of an array type.
pub fn element_type(catalog: &CatalogSnapshot, oid: Oid) -> Option<Oid> {
    match oid {
        Oid::INT2VECTOR => return Some(Oid::INT2),
        Oid::OIDVECTOR => return Some(Oid::OID),
        _ => {}
    }
    match type_info(oid) {
        Some(info) => info.repr.array_of,
        None => match user_type(catalog, oid) {
            Some((user, array)) => array.then_some(user.oid),
            None => {
                let relation = composite::relation_of(catalog, oid).filter(|(_, array)| *array);
                relation.map(|(relation, _)| composite::row_type_oid(relation))
            }
        },
    }
}

/// The array type over an element type.
pub fn array_type(catalog: &CatalogSnapshot, element: Oid) -> Option<Oid> {
    match type_info(element) {
        Some(info) if info.is_array() => Some(element),
        Some(info) => Some(info.array).filter(|a| *a != Oid::INVALID),
        None => match catalog.types.get(&element) {
            Some(user) => Some(user.array),
            None => composite::row_relation(catalog, element).map(composite::array_type_oid),
        },
    }
    .filter(|array| *array != Oid::INVALID)
}

/// The labels of an enum, in their order.
pub fn enum_labels(catalog: &CatalogSnapshot, oid: Oid) -> Option<&[String]> {
    match catalog.types.get(&oid).map(|t| &t.kind) {
        Some(UserTypeKind::Enum(labels)) => Some(labels.labels()),
        _ => None,
    }
}

/// A label that the open transaction has added (check_safe_enum_use).
pub fn unsafe_label(label: &str, type_name: &str) -> Error {
    let message = format!("unsafe use of new value \"{label}\" of enum type {type_name}");
    let hint = "New enum values must be committed before they can be used.";
    Error::new(SqlState::UNSAFE_NEW_ENUM_VALUE_USAGE, message).with_hint(hint)
}

/// A type that is not built in by its name, or its array type by the name `_name`.
pub fn named(catalog: &CatalogSnapshot, schema: &str, name: &str) -> Option<Oid> {
    let named = |name: &str| {
        let row_type = || catalog.relation(schema, name).map(|relation| composite::row_type_oid(relation));
        let user = catalog.type_names.get(&(schema.to_owned(), name.to_owned())).copied();
        user.or_else(row_type).filter(|oid| *oid != Oid::INVALID)
    };
    named(name).or_else(|| array_type(catalog, named(name.strip_prefix('_')?)?))
}
