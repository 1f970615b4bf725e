//! Type names as SQL writes them, to types: every spelling PostgreSQL has, length and precision modifiers, arrays,
//! and the enums and domains of a database.
//!
//! Owns: [`resolve`], [`serial`]. Must not know: the sequences behind serial columns.
//! Specification: datatype.html, parse_type.c and the types' typmod input functions.

use crate::catalog::schema::CatalogSnapshot;
use crate::catalog::tables::types::{information_domain, recorded_type};
use crate::error::{Error, Result, SqlState};
use crate::sql::syntax::ast::expression::{AConst, ColumnRef, ConstValue, Expr, Field, TypeName};
use crate::sql::types;
use crate::types::extension::Kind;
use crate::types::extension::vector::MAX_DIMENSIONS;
use crate::types::pg_type::{Oid, Repr, Scalar, type_by_name};
use crate::types::{bits, interval};

/// A type with its modifier and how its values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResolvedType {
    pub oid: Oid,
    pub typmod: i32,
    pub repr: Repr,
}

/// The serial types' names and what they are (parse_utilcmd.c).
const SERIALS: &[(&str, Oid)] = &[
    ("serial", Oid::INT4),
    ("serial4", Oid::INT4),
    ("bigserial", Oid::INT8),
    ("serial8", Oid::INT8),
    ("smallserial", Oid::INT2),
    ("serial2", Oid::INT2),
];

/// The integer type behind a serial type's name.
pub fn serial(type_name: &TypeName) -> Option<Oid> {
    let [name] = type_name.names.as_slice() else { return None };
    let plain = type_name.typmods.is_empty() && type_name.array_bounds.is_empty();
    SERIALS.iter().find(|(serial, _)| serial == name && plain).map(|(_, oid)| *oid)
}

/// The longest varchar(n) and char(n) (htup_details.h, MaxAttrSize).
const MAX_LENGTH: i64 = 10_485_760;

/// The type a name means. 42704 when there is none, 0A000 when only we do not have it.
pub fn resolve(type_name: &TypeName, catalog: &CatalogSnapshot, search_path: &[String]) -> Result<ResolvedType> {
    if type_name.setof {
        return Err(Error::new(SqlState::DATATYPE_MISMATCH, "type modifier SETOF is not allowed here"));
    }
    if type_name.pct_type {
        return Err(Error::unsupported("%TYPE"));
    }
    let modifiers = &type_name.typmods;
    let element = match type_name.names.as_slice() {
        [name] => resolve_name(None, name, modifiers, catalog, search_path),
        [schema, name] | [_, schema, name] => resolve_name(Some(schema), name, modifiers, catalog, search_path),
        names => {
            let message = format!("improper qualified name (too many dotted names): {}", names.join("."));
            Err(Error::new(SqlState::SYNTAX_ERROR, message))
        }
    }?;
    // int[][] is int[]: PostgreSQL does not tell dimensions apart either.
    if type_name.array_bounds.is_empty() || element.repr.array_of.is_some() {
        return Ok(element);
    }
    let array = types::array_type(catalog, element.oid)
        .filter(|oid| *oid != element.oid)
        .ok_or_else(|| undefined(&format!("{}[]", type_name.names.join("."))))?;
    Ok(ResolvedType { oid: array, typmod: element.typmod, repr: Repr::array(element.oid, element.repr.scalar) })
}

/// Precisions above 6 are reduced to 6, as PostgreSQL does (it warns).
fn time_typmod(precision: i64) -> i32 {
    i32::try_from(precision.clamp(0, 6)).unwrap_or(6)
}

fn length_typmod(length: i64, name: &str) -> Result<i32> {
    match length {
        ..1 => Err(invalid(format!("length for type {name} must be at least 1"))),
        1..=MAX_LENGTH => Ok(i32::try_from(length).unwrap_or(i32::MAX - 4) + 4),
        _ => Err(invalid(format!("length for type {name} cannot exceed {MAX_LENGTH}"))),
    }
}

/// vector(n)
fn dimensions_typmod(dimensions: i64) -> Result<i32> {
    const MOST: i64 = MAX_DIMENSIONS as i64;
    match dimensions {
        ..1 => Err(invalid("dimensions for type vector must be at least 1".to_owned())),
        1..=MOST => Ok(i32::try_from(dimensions).unwrap_or(i32::MAX)),
        _ => Err(invalid(format!("dimensions for type vector cannot exceed {MAX_DIMENSIONS}"))),
    }
}

fn invalid(message: String) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

/// numeric.c, make_numeric_typmod
fn numeric_typmod(precision: i64, scale: i64) -> Result<i32> {
    let Some(precision) = i32::try_from(precision).ok().filter(|p| (1..=1000).contains(p)) else {
        return Err(invalid(format!("NUMERIC precision {precision} must be between 1 and 1000")));
    };
    let Some(scale) = i32::try_from(scale).ok().filter(|s| (-1000..=1000).contains(s)) else {
        return Err(invalid(format!("NUMERIC scale {scale} must be between -1000 and 1000")));
    };
    Ok(((precision << 16) | (scale & 0x7ff)) + 4)
}

/// intervaltypmodin: the mask of the fields, and the precision of the seconds.
fn interval_typmod(range: i64, precision: Option<i64>) -> i32 {
    let range = i32::try_from(range).unwrap_or(interval::fields::FULL) & interval::fields::FULL;
    match precision {
        None if range == interval::fields::FULL => -1,
        precision => interval::make_typmod(range, precision.map(time_typmod)),
    }
}

fn resolve_name(
    schema: Option<&str>,
    name: &str,
    modifiers: &[Expr],
    catalog: &CatalogSnapshot,
    search_path: &[String],
) -> Result<ResolvedType> {
    if schema.is_none_or(|s| s == "pg_catalog") {
        if let Some(info) = type_by_name(name) {
            let typmod = named_typmod(info.oid, name, modifiers)?;
            return Ok(ResolvedType { oid: info.oid, typmod, repr: info.repr });
        }
        if recorded_type(name).is_some() {
            return Err(Error::unsupported(format!("type {name}")));
        }
    }
    if schema == Some("information_schema")
        && let Some((base, typmod)) = information_domain(name)
    {
        let repr = catalog.repr(base).ok_or_else(|| Error::internal("a domain's base"))?;
        return Ok(ResolvedType { oid: base, typmod, repr });
    }
    let found = match schema {
        Some(schema) if !catalog.has_schema(schema) => {
            let message = format!("schema \"{schema}\" does not exist");
            return Err(Error::new(SqlState::INVALID_SCHEMA_NAME, message));
        }
        Some(schema) => types::named(catalog, schema, name),
        None => search_path.iter().find_map(|schema| types::named(catalog, schema, name)),
    };
    let oid =
        found.ok_or_else(|| undefined(&schema.map_or_else(|| name.to_owned(), |schema| format!("{schema}.{name}"))))?;
    if oid == Oid::VECTOR {
        let typmod = named_typmod(oid, name, modifiers)?;
        return Ok(ResolvedType { oid, typmod, repr: Repr::scalar(Scalar::Extension(Kind::Vector)) });
    }
    if !modifiers.is_empty() {
        let message = format!("type modifier is not allowed for type \"{name}\"");
        return Err(Error::new(SqlState::SYNTAX_ERROR, message));
    }
    let repr = catalog.repr(oid).ok_or_else(|| Error::internal("user type"))?;
    Ok(ResolvedType { oid, typmod: -1, repr })
}

/// The modifier of a built-in type's name, where no catalog is needed to know the type: in SET TIME ZONE INTERVAL.
pub fn builtin_typmod(type_name: &TypeName) -> Result<i32> {
    let name = type_name.names.last().map_or("", String::as_str);
    let info = type_by_name(name).ok_or_else(|| undefined(name))?;
    named_typmod(info.oid, name, &type_name.typmods)
}

/// A type's modifier from what stands in its parentheses.
fn named_typmod(oid: Oid, name: &str, modifiers: &[Expr]) -> Result<i32> {
    let numbers = modifiers.iter().map(modifier).collect::<Result<Vec<i64>>>()?;
    match (oid, numbers.as_slice()) {
        (_, []) => Ok(-1),
        (Oid::VARCHAR, [n]) => length_typmod(*n, "varchar"),
        (Oid::BPCHAR, [n]) => length_typmod(*n, "char"),
        (Oid::BIT | Oid::VARBIT, [n]) => bits::length_typmod(*n, name),
        (Oid::NUMERIC, [precision]) => numeric_typmod(*precision, 0),
        (Oid::NUMERIC, [precision, scale]) => numeric_typmod(*precision, *scale),
        (Oid::TIME | Oid::TIMETZ | Oid::TIMESTAMP | Oid::TIMESTAMPTZ, [precision]) => Ok(time_typmod(*precision)),
        (Oid::INTERVAL, [range]) => Ok(interval_typmod(*range, None)),
        (Oid::INTERVAL, [range, precision]) => Ok(interval_typmod(*range, Some(*precision))),
        (Oid::VECTOR, [n]) => dimensions_typmod(*n),
        (Oid::NUMERIC, _) => Err(invalid("invalid NUMERIC type modifier".to_owned())),
        (Oid::INTERVAL, _) => Err(invalid("invalid INTERVAL type modifier".to_owned())),
        (
            Oid::VARCHAR
            | Oid::BPCHAR
            | Oid::BIT
            | Oid::VARBIT
            | Oid::TIME
            | Oid::TIMETZ
            | Oid::TIMESTAMP
            | Oid::TIMESTAMPTZ
            | Oid::VECTOR,
            _,
        ) => Err(invalid("invalid type modifier".to_owned())),
        _ => {
            let message = format!("type modifier is not allowed for type \"{name}\"");
            Err(Error::new(SqlState::SYNTAX_ERROR, message))
        }
    }
}

/// typenameTypeMod: modifiers are constants or names, and those of the types there are, integers.
fn modifier(expr: &Expr) -> Result<i64> {
    let text = match expr {
        Expr::Const(AConst { value: ConstValue::Integer(n), .. }) => return Ok(i64::from(*n)),
        Expr::Const(AConst { value: ConstValue::Float(text) | ConstValue::String(text), .. }) => text,
        Expr::ColumnRef(ColumnRef { fields, .. }) => match fields.as_slice() {
            [Field::Name(name)] => name,
            _ => return Err(not_simple()),
        },
        _ => return Err(not_simple()),
    };
    text.parse().map_err(|_| {
        let message = format!("invalid input syntax for type integer: \"{text}\"");
        Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message)
    })
}

fn not_simple() -> Error {
    Error::new(SqlState::SYNTAX_ERROR, "type modifiers must be simple constants or identifiers")
}

fn undefined(name: &str) -> Error {
    Error::new(SqlState::UNDEFINED_OBJECT, format!("type \"{name}\" does not exist"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::catalog::schema::{Schema, UserType, UserTypeKind};

    fn resolve_text(text: &str) -> Result<ResolvedType> {
        let mut catalog = CatalogSnapshot::default();
        catalog.schemas.push(Schema { oid: Oid(2200), name: "public".into() });
        catalog.put_type(Arc::new(UserType {
            oid: Oid(16384),
            array: Oid(16385),
            schema: "public".into(),
            name: "mood".into(),
            kind: UserTypeKind::Enum(crate::catalog::schema::EnumLabels::new(vec!["sad".into()])),
        }));
        let type_name = crate::sql::syntax::grammar::statement::type_name(text)?;
        resolve(&type_name, &catalog, &["pg_catalog".into(), "public".into()])
    }

    /// `SELECT atttypid, atttypmod` of a column of each type, from PostgreSQL 15.
    const TYPES: &[(&str, u32, i32)] = &[
        ("int", 23, -1),
        ("INT4", 23, -1),
        ("integer", 23, -1),
        ("bigint", 20, -1),
        ("int2", 21, -1),
        ("float(24)", 700, -1),
        ("float", 701, -1),
        ("double precision", 701, -1),
        ("decimal", 1700, -1),
        ("numeric(7)", 1700, 458_756),
        ("numeric(7,2)", 1700, 458_758),
        ("numeric(3,-2)", 1700, 198_658),
        ("pg_catalog.numeric(7,2)", 1700, 458_758),
        ("varchar(20)", 1043, 24),
        ("character varying", 1043, -1),
        ("char", 1042, 5),
        ("character(3)", 1042, 7),
        ("bpchar", 1042, -1),
        ("\"char\"", 18, -1),
        ("name", 19, -1),
        ("time(3)", 1083, 3),
        ("timetz", 1266, -1),
        ("timestamp(0) with time zone", 1184, 0),
        ("timestamptz(9)", 1184, 6),
        ("interval", 1186, -1),
        ("interval year to month", 1186, 458_751),
        ("interval(2)", 1186, 2_147_418_114),
        ("integer[]", 1007, -1),
        ("int[3][3]", 1007, -1),
        ("text array", 1009, -1),
        ("varchar(5)[]", 1015, 9),
        ("_int8", 1016, -1),
        ("oid", 26, -1),
        ("inet", 869, -1),
        ("regclass", 2205, -1),
        ("mood", 16384, -1),
        ("public.mood[]", 16385, -1),
        ("_mood", 16385, -1),
    ];

    #[test]
    fn every_spelling_gives_postgresqls_type_and_modifier() {
        for &(text, oid, typmod) in TYPES {
            let resolved = resolve_text(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!((resolved.oid, resolved.typmod), (Oid(oid), typmod), "{text}");
        }
    }

    #[test]
    fn wrong_names_and_modifiers_are_postgresqls_errors() {
        for (text, code, message) in [
            ("nosuch", "42704", "type \"nosuch\" does not exist"),
            ("public.nosuch", "42704", "type \"public.nosuch\" does not exist"),
            ("nowhere.t", "3F000", "schema \"nowhere\" does not exist"),
            ("varchar(0)", "22023", "length for type varchar must be at least 1"),
            ("numeric(1001)", "22023", "NUMERIC precision 1001 must be between 1 and 1000"),
            ("float(54)", "22023", "precision for type float must be less than 54 bits"),
            ("tinyint", "42704", "type \"tinyint\" does not exist"),
            ("mood(3)", "42601", "type modifier is not allowed for type \"mood\""),
            ("gtsvector", "0A000", "type gtsvector is not supported"),
        ] {
            let error = resolve_text(text).expect_err(text);
            assert_eq!((error.code().as_str(), error.message()), (code, message));
        }
    }
}
