//! Types of rows: of every table, view and composite type, and what each type that is not built in is made of.
//!
//! Owns: the row types' OIDs, which are made from their relations' and kept nowhere; [`Attribute`]; [`info`], a type as
//! its values need it. Must not know: how types are shown (`catalog::tables`), names. A composite type is a relation
//! without rows, as in PostgreSQL. Specification: rowtypes.html, catalog-pg-type.html.

use crate::catalog::schema::{CatalogSnapshot, Relation, RelationKind, UserTypeKind};
use crate::catalog::tables::relations;
use crate::error::Result;
use crate::limits::stack;
use crate::types::pg_type::{Oid, TypeInfo, type_info};
use crate::types::row_type::Shape;

/// What the OIDs of a relation's row type, and of the arrays of it, end with: labels of enums end with others.
const ROW: u32 = 254;
const ARRAY: u32 = 253;

/// How many relations could have the same row type's OID: a relation's has 32 bits, of which 23 are left.
const ALIASES: u32 = 1 << 9;

/// An attribute of a row type.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    pub name: String,
    pub type_oid: Oid,
    pub typmod: i32,
}

/// Whether rows of the relation have a type.
pub fn has_row_type(relation: &Relation) -> bool {
    matches!(relation.kind, RelationKind::Table | RelationKind::View | RelationKind::Composite)
}

fn derived(relation: Oid, number: u32) -> Oid {
    Oid(0x8000_0000 | (relation.0.wrapping_mul(256).wrapping_add(number) & 0x7fff_ffff))
}

/// The OID of the type of a relation's rows; 0 for what has no rows of its own.
pub fn row_type_oid(relation: &Relation) -> Oid {
    match relation.kind {
        RelationKind::System => relations::by_oid(relation.oid).map_or(Oid::INVALID, |r| r.row_type),
        _ if has_row_type(relation) => derived(relation.oid, ROW),
        _ => Oid::INVALID,
    }
}

/// The OID of the type of arrays of a relation's rows.
pub fn array_type_oid(relation: &Relation) -> Oid {
    match relation.kind {
        RelationKind::System => relations::by_oid(relation.oid).map_or(Oid::INVALID, |r| r.array_type),
        _ if has_row_type(relation) => derived(relation.oid, ARRAY),
        _ => Oid::INVALID,
    }
}

/// The relation of whose rows that is the type, or the array type (true).
pub fn relation_of(catalog: &CatalogSnapshot, type_oid: Oid) -> Option<(&Relation, bool)> {
    if type_oid.0 < 0x8000_0000 {
        if type_oid == Oid::INVALID || type_oid >= Oid::FIRST_NORMAL || type_info(type_oid).is_some() {
            return None;
        }
        let system = relations::relations().iter().find(|r| r.row_type == type_oid || r.array_type == type_oid)?;
        let is_array = system.array_type == type_oid;
        return catalog.relations.get(&system.relation.oid).map(|relation| (relation.as_ref(), is_array));
    }
    let number = type_oid.0 & 0xff;
    let low = (type_oid.0 & 0x7fff_ffff) >> 8;
    if !matches!(number, ROW | ARRAY) {
        return None;
    }
    let candidates = (0..ALIASES).map(|high| Oid(low | high << 23));
    let relation = candidates.filter_map(|oid| catalog.relations.get(&oid)).find(|r| has_row_type(r))?;
    Some((relation.as_ref(), number == ARRAY))
}

/// The relation of whose rows that is the type.
pub fn row_relation(catalog: &CatalogSnapshot, type_oid: Oid) -> Option<&Relation> {
    relation_of(catalog, type_oid).filter(|(_, array)| !array).map(|(relation, _)| relation)
}

/// A row type's attributes by number; `None` for those that were dropped.
pub fn attributes(relation: &Relation) -> Vec<Option<Attribute>> {
    let last = relation.columns.iter().map(|c| c.number).chain(relation.options.dropped.iter().map(|d| d.number)).max();
    let attribute = |number| {
        let column = relation.column_by_number(number)?;
        Some(Attribute { name: column.name.clone(), type_oid: column.type_oid, typmod: column.typmod })
    };
    (1..=last.unwrap_or(0)).map(attribute).collect()
}

/// What a type is made of.
pub fn shape(catalog: &CatalogSnapshot, oid: Oid) -> Result<Shape> {
    stack::check()?;
    if type_info(oid).is_some() {
        return Ok(Shape::BuiltIn(oid));
    }
    if let Some(user) = catalog.user_type(oid) {
        if user.oid != oid {
            return Ok(Shape::Array { oid, of: Box::new(shape(catalog, user.oid)?) });
        }
        let like = match &user.kind {
            UserTypeKind::Enum(_) => Shape::BuiltIn(Oid::TEXT),
            UserTypeKind::Domain { base, .. } => shape(catalog, *base)?,
            UserTypeKind::Range(range) => {
                let name = user.name.clone();
                return Ok(Shape::Range { oid, name, subtype: range.subtype, is_multi: false });
            }
            UserTypeKind::Multirange { subtype, .. } => {
                return Ok(Shape::Range { oid, name: user.name.clone(), subtype: *subtype, is_multi: true });
            }
        };
        return Ok(Shape::Like { oid, name: user.name.clone(), like: Box::new(like) });
    }
    match relation_of(catalog, oid) {
        Some((relation, true)) => Ok(Shape::Array { oid, of: Box::new(shape(catalog, row_type_oid(relation))?) }),
        Some((relation, false)) => {
            let mut fields = Vec::new();
            for attribute in attributes(relation) {
                fields.push(match attribute {
                    Some(Attribute { name, type_oid, .. }) => Some((name, shape(catalog, type_oid)?)),
                    None => None,
                });
            }
            Ok(Shape::Row { oid, name: relation.name.clone(), fields })
        }
        None => Ok(Shape::BuiltIn(Oid::TEXT)),
    }
}

/// A type as its values need it.
pub fn info(catalog: &CatalogSnapshot, oid: Oid) -> Result<&'static TypeInfo> {
    match type_info(oid) {
        Some(info) => Ok(info),
        None => shape(catalog, oid)?.info(),
    }
}

/// Whether values of a type are rows, arrays of rows or domains over them.
pub fn is_of_rows(catalog: &CatalogSnapshot, oid: Oid) -> bool {
    if type_info(oid).is_some() {
        return false;
    }
    match catalog.user_type(oid) {
        Some(user) => match &user.kind {
            UserTypeKind::Domain { base, .. } => is_of_rows(catalog, *base),
            UserTypeKind::Enum(_) | UserTypeKind::Range(_) | UserTypeKind::Multirange { .. } => false,
        },
        None => relation_of(catalog, oid).is_some(),
    }
}
