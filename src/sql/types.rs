//! Types, the built-in ones and the user's, as analysis and lowering ask for them.
//!
//! Owns: what a type's OID means in a catalog: how its values are stored, what it is made of, what it is called.

use crate::catalog::schema::{CatalogSnapshot, UserType, UserTypeKind};
use crate::error::{Error, SqlState};
use crate::types::pg_type::{Oid, Repr, Scalar, type_info};

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
    match user_type(catalog, oid) {
        Some((user, array)) => {
            let scalar = match &user.kind {
                UserTypeKind::Enum(_) => Scalar::Text,
                UserTypeKind::Domain { base, .. } => repr_of(catalog, *base).scalar,
            };
            if array { Repr::array(user.oid, scalar) } else { Repr::scalar(scalar) }
        }
        None => Repr::scalar(Scalar::Text),
    }
}

/// What messages call a type: format_type() without a modifier.
pub fn type_name(catalog: &CatalogSnapshot, oid: Oid) -> String {
    if let Some(info) = type_info(oid) {
        return info.sql_name.to_owned();
    }
    match user_type(catalog, oid) {
        Some((user, false)) => user.name.clone(),
        Some((user, true)) => format!("{}[]", user.name),
        None => oid.to_string(),
    }
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
        _ => (oid, typmod),
    }
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
        None => user_type(catalog, oid).filter(|(_, array)| *array).map(|(user, _)| user.oid),
    }
}

/// The array type over an element type.
pub fn array_type(catalog: &CatalogSnapshot, element: Oid) -> Option<Oid> {
    match type_info(element) {
        Some(info) if info.is_array() => Some(element),
        Some(info) => Some(info.array).filter(|a| *a != Oid::INVALID),
        None => catalog.types.get(&element).map(|t| t.array),
    }
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
