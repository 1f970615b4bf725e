//! Type names as SQL writes them, to types: every spelling PostgreSQL has, length and precision modifiers, arrays,
//! and the enums and domains of a database.
//!
//! Owns: [`resolve`], [`serial`]. Must not know: the sequences behind serial columns.
//! Specification: datatype.html, parse_type.c and the types' typmod input functions.

use sqlparser::ast::{
    ArrayElemTypeDef, CharacterLength, DataType, DateTimeField, ExactNumberInfo, IntervalFields, ObjectName,
    ObjectNamePart, TimezoneInfo,
};

use crate::catalog::schema::CatalogSnapshot;
use crate::error::{Error, Result, SqlState};
use crate::types::pg_type::{Oid, Repr, type_by_name, type_info};

/// A type with its modifier and how its values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResolvedType {
    pub oid: Oid,
    pub typmod: i32,
    pub repr: Repr,
}

/// Types PostgreSQL has and we do not: they answer 0A000 instead of "does not exist".
const UNSUPPORTED: &[&str] = &[
    "bit",
    "varbit",
    "box",
    "circle",
    "datemultirange",
    "daterange",
    "int4multirange",
    "int4range",
    "int8multirange",
    "int8range",
    "line",
    "lseg",
    "macaddr",
    "macaddr8",
    "money",
    "nummultirange",
    "numrange",
    "path",
    "pg_snapshot",
    "point",
    "polygon",
    "regcollation",
    "regconfig",
    "regdictionary",
    "regoper",
    "regoperator",
    "regprocedure",
    "tsmultirange",
    "tsquery",
    "tsrange",
    "tstzmultirange",
    "tstzrange",
    "tsvector",
    "txid_snapshot",
    "xid8",
];

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
pub fn serial(data_type: &DataType) -> Option<Oid> {
    let DataType::Custom(name, modifiers) = data_type else { return None };
    let name = name.to_string().to_lowercase();
    SERIALS.iter().find(|(serial, _)| *serial == name && modifiers.is_empty()).map(|(_, oid)| *oid)
}

/// The longest varchar(n) and char(n) (htup_details.h, MaxAttrSize).
const MAX_LENGTH: u64 = 10_485_760;

/// The type a name means. 42704 when there is none, 0A000 when only we do not have it.
pub fn resolve(data_type: &DataType, catalog: &CatalogSnapshot, search_path: &[String]) -> Result<ResolvedType> {
    let (oid, typmod) = match data_type {
        DataType::Array(element) => return resolve_array(element, catalog, search_path),
        DataType::Custom(name, modifiers) => return resolve_custom(name, modifiers, catalog, search_path),
        DataType::Character(length) | DataType::Char(length) => {
            (Oid::BPCHAR, character_typmod(length.as_ref(), "char")?.unwrap_or(5))
        }
        DataType::CharacterVarying(length) | DataType::CharVarying(length) | DataType::Varchar(length) => {
            (Oid::VARCHAR, character_typmod(length.as_ref(), "varchar")?.unwrap_or(-1))
        }
        DataType::Nvarchar(length) => return Err(undefined(&format!("nvarchar{}", suffix(length.as_ref())))),
        DataType::Numeric(info) | DataType::Decimal(info) | DataType::Dec(info) => {
            (Oid::NUMERIC, numeric_typmod(info)?)
        }
        DataType::Float(info) => (float_type(info)?, -1),
        DataType::Time(precision, zone) => (with_zone(zone, Oid::TIME, Oid::TIMETZ), time_typmod(*precision)),
        DataType::Timestamp(precision, zone) => {
            (with_zone(zone, Oid::TIMESTAMP, Oid::TIMESTAMPTZ), time_typmod(*precision))
        }
        DataType::Interval { fields, precision } => (Oid::INTERVAL, interval_typmod(fields.as_ref(), *precision)),
        plain => match plain_type(plain) {
            Some(oid) => (oid, -1),
            None => return resolve_name(None, &plain.to_string().to_lowercase(), &[], catalog, search_path),
        },
    };
    let repr = type_info(oid).ok_or_else(|| Error::internal("built-in type"))?.repr;
    Ok(ResolvedType { oid, typmod, repr })
}

/// The keyword spellings without a modifier.
fn plain_type(data_type: &DataType) -> Option<Oid> {
    Some(match data_type {
        DataType::Bool | DataType::Boolean => Oid::BOOL,
        DataType::Int2(None) | DataType::SmallInt(None) => Oid::INT2,
        DataType::Int(None) | DataType::Int4(None) | DataType::Integer(None) => Oid::INT4,
        DataType::Int8(None) | DataType::BigInt(None) => Oid::INT8,
        DataType::Float4 | DataType::Real => Oid::FLOAT4,
        DataType::Float8 | DataType::DoublePrecision => Oid::FLOAT8,
        DataType::Text => Oid::TEXT,
        DataType::Bytea => Oid::BYTEA,
        DataType::Uuid => Oid::UUID,
        DataType::JSON => Oid::JSON,
        DataType::JSONB => Oid::JSONB,
        DataType::Date => Oid::DATE,
        DataType::Regclass => Oid::REGCLASS,
        DataType::Trigger => Oid::TRIGGER,
        _ => return None,
    })
}

fn with_zone(zone: &TimezoneInfo, without: Oid, with: Oid) -> Oid {
    match zone {
        TimezoneInfo::None | TimezoneInfo::WithoutTimeZone => without,
        TimezoneInfo::WithTimeZone | TimezoneInfo::Tz => with,
    }
}

/// Precisions above 6 are reduced to 6, as PostgreSQL does (it warns).
fn time_typmod(precision: Option<u64>) -> i32 {
    precision.map_or(-1, |p| i32::try_from(p.min(6)).unwrap_or(6))
}

fn suffix(length: Option<&CharacterLength>) -> String {
    length.map_or_else(String::new, |l| format!("({l})"))
}

fn character_typmod(length: Option<&CharacterLength>, name: &str) -> Result<Option<i32>> {
    match length {
        None => Ok(None),
        Some(CharacterLength::IntegerLength { length, .. }) => length_typmod(*length, name).map(Some),
        Some(CharacterLength::Max) => Err(Error::new(SqlState::SYNTAX_ERROR, "syntax error at or near \"MAX\"")),
    }
}

fn length_typmod(length: u64, name: &str) -> Result<i32> {
    match length {
        0 => Err(invalid(format!("length for type {name} must be at least 1"))),
        1..=MAX_LENGTH => Ok(i32::try_from(length).unwrap_or(i32::MAX - 4) + 4),
        _ => Err(invalid(format!("length for type {name} cannot exceed {MAX_LENGTH}"))),
    }
}

fn invalid(message: String) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn numeric_typmod(info: &ExactNumberInfo) -> Result<i32> {
    let (precision, scale) = match info {
        ExactNumberInfo::None => return Ok(-1),
        ExactNumberInfo::Precision(precision) => (*precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (*precision, *scale),
    };
    let Some(precision) = i32::try_from(precision).ok().filter(|p| (1..=1000).contains(p)) else {
        return Err(invalid(format!("NUMERIC precision {precision} must be between 1 and 1000")));
    };
    let Some(scale) = i32::try_from(scale).ok().filter(|s| (-1000..=1000).contains(s)) else {
        return Err(invalid(format!("NUMERIC scale {scale} must be between -1000 and 1000")));
    };
    // numeric.c, make_numeric_typmod
    Ok(((precision << 16) | (scale & 0x7ff)) + 4)
}

fn float_type(info: &ExactNumberInfo) -> Result<Oid> {
    match info {
        ExactNumberInfo::None => Ok(Oid::FLOAT8),
        ExactNumberInfo::Precision(0) => Err(invalid("precision for type float must be at least 1 bit".to_owned())),
        ExactNumberInfo::Precision(1..=24) => Ok(Oid::FLOAT4),
        ExactNumberInfo::Precision(25..=53) => Ok(Oid::FLOAT8),
        ExactNumberInfo::Precision(_) => Err(invalid("precision for type float must be less than 54 bits".to_owned())),
        ExactNumberInfo::PrecisionAndScale(..) => {
            Err(Error::new(SqlState::SYNTAX_ERROR, "syntax error at or near \",\""))
        }
    }
}

/// timestamp.h's masks of the fields of an interval.
const YEAR: i32 = 1 << 2;
const MONTH: i32 = 1 << 1;
const DAY: i32 = 1 << 3;
const HOUR: i32 = 1 << 10;
const MINUTE: i32 = 1 << 11;
const SECOND: i32 = 1 << 12;
const ALL_FIELDS: i32 = 0x7fff;
const FULL_PRECISION: i32 = 0xffff;

/// The fields of `first TO last`, if there are such.
pub(super) fn interval_fields(first: &DateTimeField, last: Option<&DateTimeField>) -> Option<IntervalFields> {
    use DateTimeField::{Day, Hour, Minute, Month, Second, Year};
    Some(match (first, last) {
        (Year, None) => IntervalFields::Year,
        (Month, None) => IntervalFields::Month,
        (Day, None) => IntervalFields::Day,
        (Hour, None) => IntervalFields::Hour,
        (Minute, None) => IntervalFields::Minute,
        (Second, None) => IntervalFields::Second,
        (Year, Some(Month)) => IntervalFields::YearToMonth,
        (Day, Some(Hour)) => IntervalFields::DayToHour,
        (Day, Some(Minute)) => IntervalFields::DayToMinute,
        (Day, Some(Second)) => IntervalFields::DayToSecond,
        (Hour, Some(Minute)) => IntervalFields::HourToMinute,
        (Hour, Some(Second)) => IntervalFields::HourToSecond,
        (Minute, Some(Second)) => IntervalFields::MinuteToSecond,
        _ => return None,
    })
}

fn interval_typmod(fields: Option<&IntervalFields>, precision: Option<u64>) -> i32 {
    let range = match fields {
        None if precision.is_none() => return -1,
        None => ALL_FIELDS,
        Some(IntervalFields::Year) => YEAR,
        Some(IntervalFields::Month) => MONTH,
        Some(IntervalFields::Day) => DAY,
        Some(IntervalFields::Hour) => HOUR,
        Some(IntervalFields::Minute) => MINUTE,
        Some(IntervalFields::Second) => SECOND,
        Some(IntervalFields::YearToMonth) => YEAR | MONTH,
        Some(IntervalFields::DayToHour) => DAY | HOUR,
        Some(IntervalFields::DayToMinute) => DAY | HOUR | MINUTE,
        Some(IntervalFields::DayToSecond) => DAY | HOUR | MINUTE | SECOND,
        Some(IntervalFields::HourToMinute) => HOUR | MINUTE,
        Some(IntervalFields::HourToSecond) => HOUR | MINUTE | SECOND,
        Some(IntervalFields::MinuteToSecond) => MINUTE | SECOND,
    };
    let precision = precision.map_or(FULL_PRECISION, |p| i32::try_from(p.min(6)).unwrap_or(6));
    (range << 16) | precision
}

fn resolve_array(
    element: &ArrayElemTypeDef,
    catalog: &CatalogSnapshot,
    search_path: &[String],
) -> Result<ResolvedType> {
    let inner = match element {
        ArrayElemTypeDef::SquareBracket(inner, _)
        | ArrayElemTypeDef::Qualified(inner, _)
        | ArrayElemTypeDef::AngleBracket(inner)
        | ArrayElemTypeDef::Parenthesis(inner) => inner,
        ArrayElemTypeDef::None => return Err(undefined("array")),
    };
    let element = resolve(inner, catalog, search_path)?;
    if element.repr.array_of.is_some() {
        // int[][] is int[]: PostgreSQL does not tell dimensions apart either.
        return Ok(element);
    }
    let array = type_info(element.oid)
        .map(|t| t.array)
        .or_else(|| catalog.types.get(&element.oid).map(|t| t.array))
        .filter(|oid| *oid != Oid::INVALID)
        .ok_or_else(|| undefined(&format!("{inner}[]")))?;
    Ok(ResolvedType { oid: array, typmod: element.typmod, repr: Repr::array(element.oid, element.repr.scalar) })
}

fn resolve_custom(
    name: &ObjectName,
    modifiers: &[String],
    catalog: &CatalogSnapshot,
    search_path: &[String],
) -> Result<ResolvedType> {
    let parts = name_parts(name)?;
    match parts.as_slice() {
        [name] => resolve_name(None, name, modifiers, catalog, search_path),
        [schema, name] | [_, schema, name] => resolve_name(Some(schema), name, modifiers, catalog, search_path),
        _ => Err(Error::new(SqlState::SYNTAX_ERROR, format!("improper type name (too many dotted names): {name}"))),
    }
}

/// The parts of a dotted name, folded to lower case where they are not quoted.
fn name_parts(name: &ObjectName) -> Result<Vec<String>> {
    let part = |part: &ObjectNamePart| match part {
        ObjectNamePart::Identifier(ident) if ident.quote_style.is_some() => Ok(ident.value.clone()),
        ObjectNamePart::Identifier(ident) => Ok(ident.value.to_lowercase()),
        ObjectNamePart::Function(_) => {
            Err(Error::new(SqlState::SYNTAX_ERROR, format!("syntax error at or near \"{part}\"")))
        }
    };
    name.0.iter().map(part).collect()
}

fn resolve_name(
    schema: Option<&str>,
    name: &str,
    modifiers: &[String],
    catalog: &CatalogSnapshot,
    search_path: &[String],
) -> Result<ResolvedType> {
    if schema.is_none_or(|s| s == "pg_catalog") {
        if let Some(info) = type_by_name(name) {
            let typmod = named_typmod(info.oid, name, modifiers)?;
            return Ok(ResolvedType { oid: info.oid, typmod, repr: info.repr });
        }
        if UNSUPPORTED.contains(&name.trim_start_matches('_')) {
            return Err(Error::unsupported(format!("type {name}")));
        }
    }
    let found = match schema {
        Some(schema) if !catalog.has_schema(schema) => {
            let message = format!("schema \"{schema}\" does not exist");
            return Err(Error::new(SqlState::INVALID_SCHEMA_NAME, message));
        }
        Some(schema) => find_user_type(catalog, schema, name),
        None => search_path.iter().find_map(|schema| find_user_type(catalog, schema, name)),
    };
    let oid =
        found.ok_or_else(|| undefined(&schema.map_or_else(|| name.to_owned(), |schema| format!("{schema}.{name}"))))?;
    if !modifiers.is_empty() {
        let message = format!("type modifier is not allowed for type \"{name}\"");
        return Err(Error::new(SqlState::SYNTAX_ERROR, message));
    }
    let repr = catalog.repr(oid).ok_or_else(|| Error::internal("user type"))?;
    Ok(ResolvedType { oid, typmod: -1, repr })
}

/// A user type by its name, or its array type by the name `_name`.
fn find_user_type(catalog: &CatalogSnapshot, schema: &str, name: &str) -> Option<Oid> {
    let key = |name: &str| (schema.to_owned(), name.to_owned());
    if let Some(oid) = catalog.type_names.get(&key(name)) {
        return Some(*oid);
    }
    let element = catalog.type_names.get(&key(name.strip_prefix('_')?))?;
    catalog.types.get(element).map(|t| t.array)
}

/// The modifier of a type written by its internal name: bpchar(3), pg_catalog.numeric(5,2).
fn named_typmod(oid: Oid, name: &str, modifiers: &[String]) -> Result<i32> {
    let numbers: Vec<i64> = modifiers
        .iter()
        .map(|m| m.parse().map_err(|_| invalid("type modifiers must be simple constants or identifiers".to_owned())))
        .collect::<Result<_>>()?;
    let unsigned = |n: i64| u64::try_from(n).unwrap_or(0);
    match (oid, numbers.as_slice()) {
        (_, []) => Ok(-1),
        (Oid::VARCHAR, [n]) => length_typmod(unsigned(*n), "varchar"),
        (Oid::BPCHAR, [n]) => length_typmod(unsigned(*n), "char"),
        (Oid::NUMERIC, [precision]) => numeric_typmod(&ExactNumberInfo::Precision(unsigned(*precision))),
        (Oid::NUMERIC, [p, s]) => numeric_typmod(&ExactNumberInfo::PrecisionAndScale(unsigned(*p), *s)),
        (Oid::TIME | Oid::TIMETZ | Oid::TIMESTAMP | Oid::TIMESTAMPTZ, [p]) => Ok(time_typmod(Some(unsigned(*p)))),
        (Oid::INTERVAL, [p]) => Ok(interval_typmod(None, Some(unsigned(*p)))),
        (Oid::VARCHAR | Oid::BPCHAR | Oid::NUMERIC | Oid::INTERVAL, _) => {
            Err(invalid("invalid type modifier".to_owned()))
        }
        _ => {
            let message = format!("type modifier is not allowed for type \"{name}\"");
            Err(Error::new(SqlState::SYNTAX_ERROR, message))
        }
    }
}

fn undefined(name: &str) -> Error {
    Error::new(SqlState::UNDEFINED_OBJECT, format!("type \"{name}\" does not exist"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sqlparser::dialect::PostgreSqlDialect;
    use sqlparser::parser::Parser;

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
            kind: UserTypeKind::Enum(vec!["sad".into()]),
        }));
        let data_type = Parser::new(&PostgreSqlDialect {}).try_with_sql(text).unwrap().parse_data_type().unwrap();
        resolve(&data_type, &catalog, &["pg_catalog".into(), "public".into()])
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
            ("money", "0A000", "type money is not supported"),
        ] {
            let error = resolve_text(text).expect_err(text);
            assert_eq!((error.code().as_str(), error.message()), (code, message));
        }
    }
}
