//! Types that are no built-in ones, as their values need them: which fields a row has and how each is stored, what an
//! array is of, what a user's type is called.
//!
//! Owns: [`Shape`], its text, by which functions of SQLite are told of such a type, and [`Row`], a row type known to the
//! whole process. Must not know: catalogs (`catalog::composite` makes shapes), the forms of values (`types::row_wire`).
//! A shape's text says everything about it, so that what is stored in a file keeps its meaning. Each is kept once, for the
//! process' life, up to [`KEPT`] bytes of them.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{LazyLock, PoisonError, RwLock};

use serde_json::{Value as Json, json};

use crate::error::{Error, Result, SqlState};
use crate::types::pg_type::{Oid, RangeOf, Repr, Scalar, TYPES, TypeInfo, type_info};

/// How many bytes of texts of shapes are kept.
const KEPT: usize = 64 << 20;

/// How deep shapes may be in each other.
const MAX_DEPTH: usize = 100;

/// What a type is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    BuiltIn(Oid),
    /// An enum or a domain: stored as another.
    Like {
        oid: Oid,
        name: String,
        like: Box<Shape>,
    },
    /// A composite type, or the type record. The place of a field that was dropped is `None`.
    Row {
        oid: Oid,
        name: String,
        fields: Vec<Option<(String, Shape)>>,
    },
    Array {
        oid: Oid,
        of: Box<Shape>,
    },
    /// A range type over a built-in type, or its multirange type.
    Range {
        oid: Oid,
        name: String,
        subtype: Oid,
        is_multi: bool,
    },
}

/// A row type.
pub struct RowType {
    pub oid: Oid,
    /// By attribute number; that of one that was dropped is empty.
    pub fields: Vec<Option<RowField>>,
    /// What messages call it.
    pub name: &'static str,
    /// Its shape's text.
    pub text: &'static str,
    collation: &'static str,
    array_collation: &'static str,
}

/// A field of a row type.
pub struct RowField {
    pub name: String,
    pub info: &'static TypeInfo,
}

/// A reference to a row type.
#[derive(Clone, Copy)]
pub struct Row(&'static RowType);

impl std::ops::Deref for Row {
    type Target = RowType;

    fn deref(&self) -> &RowType {
        self.0
    }
}

impl Row {
    /// Its fields by attribute number, for as long as the process lives.
    pub fn all(self) -> &'static [Option<RowField>] {
        &self.0.fields
    }
}

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Row {}

impl Hash for Row {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::from_ref(self.0).hash(state);
    }
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.text)
    }
}

impl RowType {
    /// The fields that there are.
    pub fn present(&self) -> impl Iterator<Item = &RowField> {
        self.fields.iter().flatten()
    }

    /// The collation by which such rows are compared, or arrays of them.
    pub fn collation(&self, array: bool) -> &'static str {
        if array { self.array_collation } else { self.collation }
    }
}

/// What is kept of a shape.
#[derive(Clone, Copy)]
struct Kept {
    info: &'static TypeInfo,
    element: Option<&'static TypeInfo>,
}

#[derive(Default)]
struct Table {
    by_text: HashMap<&'static str, Kept>,
    size: usize,
}

static TABLE: LazyLock<RwLock<Table>> = LazyLock::new(RwLock::default);

fn known(text: &str) -> Option<Kept> {
    TABLE.read().unwrap_or_else(PoisonError::into_inner).by_text.get(text).copied()
}

/// The type that a text describes, or the built-in type of that name.
pub fn type_of_text(text: &str) -> Result<&'static TypeInfo> {
    if let Some(kept) = known(text) {
        return Ok(kept.info);
    }
    let corrupt = || Error::internal(format_args!("unknown type {text} in a call"));
    let json: Json = serde_json::from_str(text).map_err(|_| corrupt())?;
    Shape::of_json(&json, 0).ok_or_else(corrupt)?.info()
}

/// The type of an array's elements.
pub fn element_of(info: &TypeInfo) -> Option<&'static TypeInfo> {
    let described = info.name.starts_with('{').then(|| known(info.name)?.element).flatten();
    described.or_else(|| type_info(info.element))
}

impl Shape {
    fn of_json(json: &Json, depth: usize) -> Option<Shape> {
        if depth > MAX_DEPTH {
            return None;
        }
        let inner = |key: &str| Shape::of_json(json.get(key)?, depth + 1).map(Box::new);
        if let Some(oid) = json.as_u64() {
            return Some(Shape::BuiltIn(Oid(u32::try_from(oid).ok()?)));
        }
        let oid = Oid(u32::try_from(json.get("oid")?.as_u64()?).ok()?);
        if let Some(of) = inner("array") {
            return Some(Shape::Array { oid, of });
        }
        let name = json.get("name")?.as_str()?.to_owned();
        if let Some(like) = inner("like") {
            return Some(Shape::Like { oid, name, like });
        }
        if let Some(subtype) = json.get("range").and_then(Json::as_u64) {
            let subtype = Oid(u32::try_from(subtype).ok()?);
            return Some(Shape::Range { oid, name, subtype, is_multi: json.get("multi")?.as_bool()? });
        }
        let field = |field: &Json| match field {
            Json::Null => Some(None),
            field => {
                let shape = Shape::of_json(field.get(1)?, depth + 1)?;
                Some(Some((field.get(0)?.as_str()?.to_owned(), shape)))
            }
        };
        let fields = json.get("row")?.as_array()?.iter().map(field).collect::<Option<_>>()?;
        Some(Shape::Row { oid, name, fields })
    }

    fn json(&self) -> Json {
        match self {
            Shape::BuiltIn(oid) => json!(oid.0),
            Shape::Like { oid, name, like } => json!({"oid": oid.0, "name": name, "like": like.json()}),
            Shape::Array { oid, of } => json!({"oid": oid.0, "array": of.json()}),
            Shape::Range { oid, name, subtype, is_multi } => {
                json!({"oid": oid.0, "name": name, "range": subtype.0, "multi": is_multi})
            }
            Shape::Row { oid, name, fields } => {
                let field = |field: &Option<(String, Shape)>| match field {
                    Some((name, shape)) => json!([name, shape.json()]),
                    None => Json::Null,
                };
                let fields: Vec<Json> = fields.iter().map(field).collect();
                json!({"oid": oid.0, "name": name, "row": fields})
            }
        }
    }

    /// The type as functions know it. 54000 when the process knows too many.
    pub fn info(&self) -> Result<&'static TypeInfo> {
        self.info_at(0)
    }

    fn info_at(&self, depth: usize) -> Result<&'static TypeInfo> {
        if depth > MAX_DEPTH {
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "row types are nested too deeply"));
        }
        if let Shape::BuiltIn(oid) = self {
            return type_info(*oid).ok_or_else(|| Error::internal(format_args!("no built-in type {oid}")));
        }
        let text = self.json().to_string();
        if let Some(kept) = known(&text) {
            return Ok(kept.info);
        }
        let made = self.parts(depth)?;
        let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = table.by_text.get(text.as_str()) {
            return Ok(kept.info);
        }
        // Texts, names, and what is around them.
        let size = 4 * text.len() + 1024;
        if table.size + size > KEPT {
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "too many different row types"));
        }
        table.size += size;
        let text: &'static str = Box::leak(text.into_boxed_str());
        let kept = made.keep(text);
        table.by_text.insert(text, kept);
        Ok(kept.info)
    }

    /// What the type is made of, kept already.
    fn parts(&self, depth: usize) -> Result<Made> {
        Ok(match self {
            Shape::BuiltIn(oid) => return Err(Error::internal(format_args!("the built-in type {oid}"))),
            Shape::Like { oid, name, like } => {
                let like = like.info_at(depth + 1)?;
                Made::Like { oid: *oid, name: name.clone(), like, element: element_of_like(like) }
            }
            Shape::Array { oid, of } => Made::Array { oid: *oid, element: of.info_at(depth + 1)? },
            Shape::Range { oid, name, subtype, is_multi } => {
                let of = RangeOf::continuous(*subtype);
                let scalar = if *is_multi { Scalar::Multirange(of) } else { Scalar::Range(of) };
                Made::Range { oid: *oid, name: name.clone(), scalar }
            }
            Shape::Row { oid, name, fields } => {
                let field = |field: &Option<(String, Shape)>| match field {
                    Some((name, shape)) => {
                        shape.info_at(depth + 1).map(|info| Some(RowField { name: name.clone(), info }))
                    }
                    None => Ok(None),
                };
                let fields = fields.iter().map(field).collect::<Result<_>>()?;
                Made::Row { oid: *oid, name: name.clone(), fields }
            }
        })
    }
}

/// A type whose parts are kept, and which is not yet.
enum Made {
    Like { oid: Oid, name: String, like: &'static TypeInfo, element: Option<&'static TypeInfo> },
    Array { oid: Oid, element: &'static TypeInfo },
    Range { oid: Oid, name: String, scalar: Scalar },
    Row { oid: Oid, name: String, fields: Vec<Option<RowField>> },
}

impl Made {
    /// Called with the table locked: asks it nothing.
    fn keep(self, text: &'static str) -> Kept {
        let leaked = |name: String| -> &'static str { Box::leak(name.into_boxed_str()) };
        match self {
            Made::Like { oid, name, like, element } => {
                let info = TypeInfo { oid, name: text, sql_name: leaked(name), array: Oid::INVALID, ..like.clone() };
                Kept { info: Box::leak(Box::new(info)), element }
            }
            Made::Array { oid, element } => {
                let info = TypeInfo {
                    oid,
                    name: text,
                    sql_name: leaked(format!("{}[]", element.sql_name)),
                    kind: b'b',
                    category: b'A',
                    element: element.oid,
                    repr: Repr::array(element.oid, element.repr.scalar),
                    ..COMPOSITE
                };
                Kept { info: Box::leak(Box::new(info)), element: Some(element) }
            }
            Made::Range { oid, name, scalar } => {
                let kind = if matches!(scalar, Scalar::Multirange(_)) { b'm' } else { b'r' };
                let sql_name = leaked(name);
                let repr = Repr::scalar(scalar);
                let info = TypeInfo { oid, name: text, sql_name, kind, category: b'R', repr, ..COMPOSITE };
                Kept { info: Box::leak(Box::new(info)), element: None }
            }
            Made::Row { oid, name, fields } => {
                let key = key(&fields);
                let collation = leaked(format!("\"pg_row{key}\""));
                let array_collation = leaked(format!("\"pg_row[{key}]\""));
                let name = leaked(name);
                let row = Row(Box::leak(Box::new(RowType { oid, name, text, fields, collation, array_collation })));
                let info =
                    TypeInfo { oid, name: text, sql_name: name, repr: Repr::scalar(Scalar::Row(row)), ..COMPOSITE };
                Kept { info: Box::leak(Box::new(info)), element: None }
            }
        }
    }
}

/// What a domain over an array is an array of.
fn element_of_like(like: &TypeInfo) -> Option<&'static TypeInfo> {
    like.is_array().then(|| element_of(like)).flatten()
}

/// What all composite types have in common.
const COMPOSITE: TypeInfo = TypeInfo {
    oid: Oid::INVALID,
    name: "",
    sql_name: "",
    len: -1,
    kind: b'c',
    category: b'C',
    preferred: false,
    element: Oid::INVALID,
    array: Oid::INVALID,
    by_value: false,
    align: b'd',
    storage: b'x',
    collation: Oid::INVALID,
    repr: Repr::scalar(Scalar::Record),
};

/// What comparing needs to know of a row's fields: the built-in types they are stored as. See [`Order`].
fn key(fields: &[Option<RowField>]) -> String {
    let field = |field: &Option<RowField>| match field {
        None => "-".to_owned(),
        Some(RowField { info, .. }) => {
            let inner = match info.repr.scalar {
                Scalar::Row(row) => key(&row.fields),
                _ => stored_as(info).0.to_string(),
            };
            if info.repr.array_of.is_some() { format!("[{inner}]") } else { inner }
        }
    };
    let fields: Vec<String> = fields.iter().map(field).collect();
    format!("({})", fields.join(","))
}

/// The built-in type, not an array, by which a field's values or their elements are compared.
fn stored_as(info: &TypeInfo) -> Oid {
    let scalar = info.repr.scalar;
    let by_oid = [info.oid, info.element, Oid::TEXT]
        .into_iter()
        .find(|oid| type_info(*oid).is_some_and(|i| i.repr == Repr::scalar(scalar)));
    by_oid.or_else(|| TYPES.iter().find(|i| i.repr == Repr::scalar(scalar)).map(|i| i.oid)).unwrap_or(Oid::TEXT)
}

/// How values of a type are compared.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    Scalar(Scalar),
    Array(Box<Order>),
    /// Field by field, but for those that are not there any more.
    Row(Vec<Option<Order>>),
}

impl Order {
    /// What a collation's name, without "pg_row", says.
    pub fn parse(text: &str) -> Option<Order> {
        let mut rest = text;
        let order = Order::read(&mut rest, 0)?;
        rest.is_empty().then_some(order)
    }

    fn read(rest: &mut &str, depth: usize) -> Option<Order> {
        if depth > MAX_DEPTH {
            return None;
        }
        if let Some(inside) = rest.strip_prefix('[') {
            *rest = inside;
            let element = Order::read(rest, depth + 1)?;
            *rest = rest.strip_prefix(']')?;
            return Some(Order::Array(Box::new(element)));
        }
        if let Some(inside) = rest.strip_prefix('(') {
            *rest = inside;
            return Order::read_fields(rest, depth).map(Order::Row);
        }
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, after) = rest.split_at_checked(digits)?;
        *rest = after;
        type_info(Oid(number.parse().ok()?)).map(|info| Order::Scalar(info.repr.scalar))
    }

    fn read_fields(rest: &mut &str, depth: usize) -> Option<Vec<Option<Order>>> {
        let mut fields = Vec::new();
        loop {
            if let Some(after) = rest.strip_prefix(')') {
                *rest = after;
                return Some(fields);
            }
            if !fields.is_empty() {
                *rest = rest.strip_prefix(',')?;
            }
            fields.push(match rest.strip_prefix('-') {
                Some(after) => {
                    *rest = after;
                    None
                }
                None => Some(Order::read(rest, depth + 1)?),
            });
        }
    }

    /// The order of rows.
    pub fn of_row(row: Row) -> Order {
        Order::Row(row.all().iter().map(|field| field.as_ref().map(|field| Order::of(field.info))).collect())
    }

    /// The order of values of a type.
    pub fn of(info: &TypeInfo) -> Order {
        let element = match info.repr.scalar {
            Scalar::Row(row) => Order::of_row(row),
            scalar => Order::Scalar(scalar),
        };
        if info.repr.array_of.is_some() { Order::Array(Box::new(element)) } else { element }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_what_its_text_says() {
        let mood = Shape::Like { oid: Oid(20000), name: "mood".into(), like: Box::new(Shape::BuiltIn(Oid::TEXT)) };
        let inner = Shape::Row {
            oid: Oid(20001),
            name: "inner".into(),
            fields: vec![Some(("a".into(), Shape::BuiltIn(Oid::NUMERIC_ARRAY))), None, Some(("m".into(), mood))],
        };
        let array = Shape::Array { oid: Oid(20002), of: Box::new(inner.clone()) };
        let outer = Shape::Row { oid: Oid::RECORD, name: "record".into(), fields: vec![Some(("f1".into(), array))] };
        let info = outer.info().unwrap();
        assert!(std::ptr::eq(type_of_text(info.name).unwrap(), info));
        let Scalar::Row(row) = info.repr.scalar else { panic!("{info:?}") };
        assert_eq!(row.collation(false), "\"pg_row([([1700],-,25)])\"");
        let name = row.collation(true).trim_matches('"').strip_prefix("pg_row").unwrap();
        assert_eq!(Order::parse(name), Some(Order::Array(Box::new(Order::of(info)))));
        let inner_info = element_of(row.fields[0].as_ref().unwrap().info).unwrap();
        assert_eq!((inner_info.oid, inner_info.sql_name), (Oid(20001), "inner"));
        assert!(Order::parse("(23,25").is_none() && Order::parse("(0)").is_none());
    }
}
