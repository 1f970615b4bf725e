//! Rows: making them, their text form, IS NULL of them. Of each function the first argument says the type
//! (`types::row_type`).
//!
//! Must not know: how a row is written (`types::row_wire`). Specification: rowtypes.html; record_in and record_out,
//! ExecEvalRowNull.

use std::cmp::Ordering;

use bytes::BytesMut;

use super::elements::find_type;
use super::io::text_form;
use super::{Args, ContextSlot, Definition, Output, object_ids};
use crate::engine::functions::args::{stored, text_of};
use crate::error::{Error, Result};
use crate::types::array::Element;
use crate::types::encoding::decode;
use crate::types::format::Format;
use crate::types::pg_type::{Repr, Scalar, TypeInfo};
use crate::types::row_type::Row;
use crate::types::row_wire::{self, Writer};
use crate::types::value::{Value, ValueRef};

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_row", -1, row).called_on_null(),
    Definition::stable("pg_type_in", 2, |a| Ok(input(type_of(a)?, &a.text(1)?, a.slot())?.into())),
    Definition::stable("pg_type_out", 2, |a| Ok(text_form(type_of(a)?, a.raw(1), a.slot())?.into())),
    Definition::pure("pg_row_is_null", 2, |a| all_fields(a, true)).called_on_null(),
    Definition::pure("pg_row_is_not_null", 2, |a| all_fields(a, false)).called_on_null(),
    Definition::stable("pg_row_names", 2, names),
    Definition::pure("pg_record_image_eq", 2, |a| Ok(compare_images(a)?.is_eq().into())),
    Definition::pure("pg_record_image_ne", 2, |a| Ok(compare_images(a)?.is_ne().into())),
    Definition::pure("pg_record_image_lt", 2, |a| Ok(compare_images(a)?.is_lt().into())),
    Definition::pure("pg_record_image_le", 2, |a| Ok(compare_images(a)?.is_le().into())),
    Definition::pure("pg_record_image_gt", 2, |a| Ok(compare_images(a)?.is_gt().into())),
    Definition::pure("pg_record_image_ge", 2, |a| Ok(compare_images(a)?.is_ge().into())),
];

fn type_of(args: &Args<'_>) -> Result<&'static TypeInfo> {
    args.cached(0, || find_type(&args.text(0)?)).map(|info| *info)
}

/// The row type that a type is.
pub(super) fn row_type(info: &TypeInfo) -> Result<Row> {
    match info.repr {
        Repr { scalar: Scalar::Row(row), array_of: None } => Ok(row),
        _ => Err(Error::internal(format_args!("{} is no row type", info.sql_name))),
    }
}

/// pg_row(type, a, b …): a row of these values, one for each attribute that there ever was.
fn row(args: &Args<'_>) -> Result<Output> {
    let row = row_type(type_of(args)?)?;
    let mut out = String::new();
    let mut writer = Writer::new(row, &mut out);
    for (index, field) in row.all().iter().enumerate() {
        if field.is_some() {
            writer.put(stored(args.raw(index + 1))?)?;
        }
    }
    writer.end();
    Ok(out.into())
}

/// A value read from its text form, names of objects looked up.
pub(super) fn input(info: &'static TypeInfo, text: &str, slot: &ContextSlot) -> Result<Value> {
    match info.repr {
        Repr { scalar: Scalar::Row(row), array_of: None } => {
            row_wire::read_text(row, text, &mut |field, text| input(field, text, slot)).map(Value::Text)
        }
        Repr { scalar, array_of: None } if scalar.names_object() => match object_ids::input(scalar, text, slot)? {
            Output::Value(rusqlite::types::Value::Integer(oid)) => Ok(Value::Integer(oid)),
            _ => Err(Error::internal("an object identifier that is not an integer")),
        },
        repr => slot.with_format(|settings| decode(repr, info.sql_name, Format::Text, text.as_bytes(), settings)),
    }
}

/// A row's text form, its fields' with names of objects.
pub(super) fn output(row: Row, value: rusqlite::types::ValueRef<'_>, slot: &ContextSlot) -> Result<String> {
    let mut out = BytesMut::new();
    row_wire::write_text(row, &text_of(value)?, &mut out, &mut |field, value, out| {
        row_wire::put_quoted(text_form(field, raw(value), slot)?.as_bytes(), out);
        Ok(())
    })?;
    String::from_utf8(out.to_vec()).map_err(|_| Error::internal("a text form that is not UTF-8"))
}

/// A stored value as SQLite gives it.
pub(super) fn raw(value: ValueRef<'_>) -> rusqlite::types::ValueRef<'_> {
    use rusqlite::types::ValueRef as Raw;
    match value {
        ValueRef::Null => Raw::Null,
        ValueRef::Integer(i) => Raw::Integer(i),
        ValueRef::Real(r) => Raw::Real(r),
        ValueRef::Text(text) => Raw::Text(text.as_bytes()),
        ValueRef::Blob(bytes) => Raw::Blob(bytes),
    }
}

/// Whether all fields are NULL, or all are not. A row that is NULL itself is as if all were.
fn all_fields(args: &Args<'_>, null: bool) -> Result<Output> {
    if args.is_null(1) {
        return Ok(null.into());
    }
    let stored = args.text(1)?;
    let fields = row_wire::fields(row_type(type_of(args)?)?, &stored)?;
    Ok(fields.iter().all(|(_, value)| value.is_null() == null).into())
}

/// The row with names in place of the OIDs of objects, as it leaves.
fn names(args: &Args<'_>) -> Result<Output> {
    named(row_type(type_of(args)?)?, &args.text(1)?, args.slot()).map(Output::from)
}

fn named(row: Row, stored: &str, slot: &ContextSlot) -> Result<String> {
    let mut out = String::new();
    let mut writer = Writer::new(row, &mut out);
    for (field, value) in row_wire::fields(row, stored)? {
        let value = match (field.info.repr, value) {
            (Repr { scalar, array_of: None }, Value::Integer(oid)) if scalar.names_object() => {
                Value::Text(object_ids::output(scalar, oid, slot)?)
            }
            (Repr { scalar, array_of: Some(_) }, Value::Text(array)) if scalar.names_object() => {
                Value::Text(object_ids::array_of_names(scalar, &array, slot)?)
            }
            (Repr { scalar: Scalar::Row(inner), array_of: None }, Value::Text(stored)) => {
                Value::Text(named(inner, &stored, slot)?)
            }
            (_, value) => value,
        };
        writer.put(value.as_ref())?;
    }
    writer.end();
    Ok(out)
}

/// How two rows compare by what they look like in memory: integers as if they had no sign, all else by its bytes
/// (record_image_cmp).
fn compare_images(args: &Args<'_>) -> Result<Ordering> {
    let (a, b) = (args.text(0)?, args.text(1)?);
    let (a, b) = (row_wire::places(&a)?, row_wire::places(&b)?);
    let fields = a.iter().zip(&b).map(|(a, b)| compare_places(a, b));
    Ok(fields.into_iter().find(|order| order.is_ne()).unwrap_or_else(|| a.len().cmp(&b.len())))
}

fn compare_places(a: &Element<'_>, b: &Element<'_>) -> Ordering {
    let number = |digits: &str| digits.parse::<i64>().map(i64::cast_unsigned).ok();
    match (a, b) {
        (Element::Null, Element::Null) => Ordering::Equal,
        (Element::Null, _) => Ordering::Greater,
        (_, Element::Null) => Ordering::Less,
        (Element::Bool(a), Element::Bool(b)) => a.cmp(b),
        (Element::Number(a), Element::Number(b)) => match (number(a), number(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.cmp(b),
        },
        (Element::Text(a), Element::Text(b)) => {
            let least = a.len().min(b.len());
            let (head, other) = (a.as_bytes().get(..least), b.as_bytes().get(..least));
            head.cmp(&other).then_with(|| a.len().cmp(&b.len()))
        }
        _ => Ordering::Equal,
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::functions::tests::assert_values;

    #[test]
    fn rows_are_made_and_shown() {
        const T: &str = r#"'{"name":"t","oid":20001,"row":[["a",23],null,["b",16],["c",1009]]}'"#;
        let call = |text: &str| text.replace("$", T);
        let cases = [
            (call("pg_row($, 1, NULL, 1, '[\"x\"]')"), r#"[1,null,true,"[\"x\"]"]"#),
            (call("pg_type_in($, '(1,t,\"{x,NULL}\")')"), r#"[1,null,true,"[\"x\",null]"]"#),
            (call("pg_type_out($, '[1,null,true,\"[]\"]')"), "(1,t,{})"),
            (call("pg_type_in($, '(1,t)')"), "22P02 malformed record literal: \"(1,t)\""),
            (call("pg_row_is_null($, '[null,7,null]')"), "1"),
            (call("pg_row_is_not_null($, '[1,null,true]')"), "0"),
            (call("pg_row_is_not_null($, '[1,null,true,\"[]\"]')"), "1"),
            (call("pg_row_is_null($, NULL)"), "1"),
        ];
        assert_values(&cases.each_ref().map(|(sql, value)| (sql.as_str(), *value)));
    }
}
