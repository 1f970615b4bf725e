//! `pg_in_<type>`, `pg_out_<type>` and `pg_send_<type>`: values from and to PostgreSQL's text form, and to its binary one.
//!
//! Every built-in type has its pair, arrays included; the forms themselves are `types::encoding`, and `object_ids` for
//! the reg types, which need the catalog. Specification: the types' input and output functions.

use bytes::BytesMut;
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::args::{stored, text_of};
use super::{Args, ContextSlot, Definition, Output, Signature, object_ids, register_all, register_one};
use crate::error::{Error, Result};
use crate::types::encoding::{decode, encode};
use crate::types::format::{Format, FormatSettings};
use crate::types::pg_type::{Oid, Repr, Scalar, TypeInfo, all_types};
use crate::types::text_search::query_parser::{self, Syntax};
use crate::types::value::Value;

/// Functions of fixed name.
static FUNCTIONS: &[Definition] = &[Definition::pure("pg_pack", -1, super::aggregate::pack).called_on_null()];

/// Registers the functions of this area.
pub(super) fn register(connection: &Connection, slot: &ContextSlot) -> Result<()> {
    register_all(connection, slot, FUNCTIONS)?;
    for info in all_types() {
        // PostgreSQL calls the conversions of dates and times "stable", and those that look names up.
        // Text search configurations are the same in every database, and belong into indexes.
        let fixed = matches!(info.repr.scalar, Scalar::RegConfig | Scalar::RegDictionary);
        let deterministic = fixed || !info.repr.scalar.depends_on_session();
        let name = format!("pg_in_{}", info.name);
        let signature = Signature { name: &name, arity: 1, strict: true, deterministic };
        register_one(connection, slot, signature, move |args| input(info, args))?;
        let name = format!("pg_out_{}", info.name);
        let signature = Signature { name: &name, arity: 1, strict: true, deterministic };
        register_one(connection, slot, signature, move |args| output(info, args))?;
        if !info.is_array() {
            let name = format!("pg_send_{}", info.name);
            let signature = Signature { name: &name, arity: 1, strict: true, deterministic };
            register_one(connection, slot, signature, move |args| {
                binary_form(info, args.raw(0), args.slot()).map(Into::into)
            })?;
        }
    }
    Ok(())
}

/// Whether the stored form of a scalar is its text form.
fn is_plain_text(info: &TypeInfo) -> bool {
    info.repr.array_of.is_none() && matches!(info.repr.scalar, Scalar::Text | Scalar::BpChar)
}

fn input(info: &'static TypeInfo, args: &Args<'_>) -> Result<Output> {
    let text = args.text(0)?;
    if info.name == "name" {
        return Ok(super::strings::to_name(&text).into());
    }
    if is_plain_text(info) && info.oid != Oid::XML {
        return Ok(Output::Argument(0));
    }
    if info.repr.array_of.is_none() && info.repr.scalar.names_object() {
        return object_ids::input(info.repr.scalar, &text, args.slot());
    }
    if info.repr == Repr::scalar(Scalar::TsQuery) {
        let (query, said) = query_parser::parse(&text, Syntax::Standard, &mut query_parser::as_it_is)?;
        super::text_search::notice_of_query(args.slot(), said)?;
        return Ok(query.to_string().into());
    }
    let value = args
        .slot()
        .with_format(|settings| decode(info.repr, info.sql_name, Format::Text, text.as_bytes(), settings))?;
    match &value {
        Value::Text(stored) if info.repr.scalar.names_object() => {
            Ok(object_ids::array_of_ids(info.repr.scalar, stored, args.slot())?.into())
        }
        _ => Ok(value.into()),
    }
}

fn output(info: &'static TypeInfo, args: &Args<'_>) -> Result<Output> {
    if is_plain_text(info) {
        return Ok(Output::Argument(0));
    }
    Ok(text_form(info, args.raw(0), args.slot())?.into())
}

/// A stored value of that type as PostgreSQL writes it. Not for NULL.
pub(super) fn text_form(info: &TypeInfo, value: ValueRef<'_>, slot: &ContextSlot) -> Result<String> {
    if is_plain_text(info) {
        return Ok(text_of(value)?.into_owned());
    }
    if let Repr { scalar: Scalar::Row(row), array_of: None } = info.repr {
        return super::rows::output(row, value, slot);
    }
    if info.repr.array_of.is_none() && info.repr.scalar.names_object() {
        let oid = value.as_i64().map_err(|_| Error::internal("an object identifier that is not an integer"))?;
        return object_ids::output(info.repr.scalar, oid, slot);
    }
    if info.repr.scalar.names_object() {
        let named = object_ids::array_of_names(info.repr.scalar, &text_of(value)?, slot)?;
        return slot.with_format(|settings| encode_text(info, ValueRef::Text(named.as_bytes()), settings));
    }
    slot.with_format(|settings| encode_text(info, value, settings))
}

/// A stored value of that type as it is sent in binary. Not for NULL.
pub(super) fn binary_form(info: &TypeInfo, value: ValueRef<'_>, slot: &ContextSlot) -> Result<Vec<u8>> {
    let mut out = BytesMut::new();
    slot.with_format(|settings| encode(info.repr, Format::Binary, stored(value)?, settings, &mut out))?;
    Ok(out.to_vec())
}

/// Their text form, for the types whose form depends on nothing but these settings.
pub(super) fn encode_text(info: &TypeInfo, value: ValueRef<'_>, settings: &FormatSettings) -> Result<String> {
    let mut out = BytesMut::new();
    encode(info.repr, Format::Text, stored(value)?, settings, &mut out)?;
    String::from_utf8(out.to_vec()).map_err(|_| Error::internal("a text form that is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use crate::engine::functions::tests::assert_values;

    #[test]
    fn conversions() {
        assert_values(&[("pg_out_varchar('x')", "x"), ("pg_out_regclass(0)", "-"), ("pg_in_regclass('123')", "123")]);
    }
}
