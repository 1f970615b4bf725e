//! Rows as values. A record is stored as a JSON array of its fields' stored forms, in their order; its row type is known
//! when the statement is planned, and only its text form leaves.
//!
//! Owns: [`Lower::row`], [`Lower::field`], [`Lower::record_text`]. Specification: rowtypes.html.

use super::Lower;
use super::expr::element_value;
use super::tree::{Expr, ExprKind};
use crate::error::{Error, Result};
use crate::sql::functions::{self, Call, FunctionKind};
use crate::sql::tree::{Expr as Typed, ExprKind as Kind};
use crate::types::pg_type::Oid;

impl Lower<'_> {
    /// A row's stored form.
    pub(super) fn row(&mut self, fields: &[Typed]) -> Result<Expr> {
        let fields = self.exprs(fields)?;
        Ok(stored(fields))
    }

    /// The fields of a row, if they are known one by one.
    pub(super) fn fields_of(&mut self, row: &Typed) -> Result<Option<Vec<Expr>>> {
        match &row.kind {
            Kind::Row { fields, .. } => Ok(Some(self.exprs(fields)?)),
            _ => Ok(None),
        }
    }

    /// A field of a composite value.
    pub(super) fn field(&mut self, arg: &Typed, index: usize, field: &Typed) -> Result<Expr> {
        if let Kind::Row { fields, .. } = &arg.kind {
            return match fields.get(index) {
                Some(field) => self.expr(field),
                None => Err(Error::internal("a row has no such field")),
            };
        }
        if arg.set_call().is_some() {
            return self.set_field(arg, index);
        }
        let row = self.expr(arg)?;
        Ok(element(row, index, field.type_oid, field.typmod))
    }

    /// A record as text, as a client sees it.
    pub(super) fn record_text(&mut self, row: &Typed) -> Result<Expr> {
        if let Some(fields) = self.fields_of(row)? {
            return Ok(self.text_of_fields(fields));
        }
        let value = self.expr(row)?;
        self.shown_record(row, value)
    }

    /// The text of a record that has been lowered.
    pub(super) fn shown_record(&mut self, row: &Typed, value: Expr) -> Result<Expr> {
        // One that is made here needs no array in between.
        if let ExprKind::Call(Call::Function(STORED), fields) = value.kind {
            let fields = fields.into_iter().zip(self.context.records.fields(row.typmod));
            let texts = fields.map(|(held, (_, oid, _))| match *oid {
                Oid::BYTEA => held,
                oid => self.to_text(held, oid),
            });
            return Ok(Expr::function("pg_record", texts.collect(), Oid::RECORD));
        }
        let fields = self.context.records.fields(row.typmod);
        if fields.is_empty() {
            return Err(Error::unsupported("a record whose fields are not known"));
        }
        self.once(value, |lower, row| {
            let fields = fields.iter().enumerate();
            let values = fields.map(|(index, (_, oid, typmod))| element(row.clone(), index, *oid, *typmod)).collect();
            let text = lower.text_of_fields(values);
            let whens = vec![(Expr::template("({0} IS NOT NULL)", vec![row], Oid::BOOL), text)];
            Ok(Expr::new(ExprKind::Case { whens, otherwise: None }, Oid::RECORD))
        })
    }

    fn text_of_fields(&mut self, fields: Vec<Expr>) -> Expr {
        let texts = fields.into_iter().map(|field| {
            let from = field.type_oid;
            self.to_text(field, from)
        });
        Expr::function("pg_record", texts.collect(), Oid::RECORD)
    }

    /// A row as a JSON object: {"a":1,"b":null}, without the blanks that json_build_object writes; jsonb has its own.
    pub(super) fn row_as_json(&mut self, fields: &[Typed], names: &[String], binary: bool) -> Result<Expr> {
        if binary {
            let build = functions::named("jsonb_build_object").iter().find(|function| function.variadic);
            let build = build.ok_or_else(|| Error::internal("jsonb_build_object"))?;
            let pairs: Vec<Typed> =
                names.iter().zip(fields).flat_map(|(name, value)| [Typed::text(name.clone()), value.clone()]).collect();
            return self.call(build.call, &pairs, Oid::JSONB);
        }
        let to_json = functions::named("to_json").iter().find(|function| function.kind == FunctionKind::Scalar);
        let to_json = to_json.ok_or_else(|| Error::internal("to_json"))?;
        let mut text = Expr::text("{");
        for (index, (name, value)) in names.iter().zip(fields).enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let key = serde_json::to_string(name).map_err(|e| Error::internal(format!("a column's name: {e}")))?;
            let json = match &value.kind {
                Kind::Row { fields, names } => self.row_as_json(fields, names, false)?,
                _ => self.call(to_json.call, std::slice::from_ref(value), Oid::JSON)?,
            };
            let json = Expr::function("coalesce", vec![json, Expr::text("null")], Oid::TEXT);
            let key = Expr::text(format!("{comma}{key}:"));
            text = Expr::template("({0} || {1} || {2})", vec![text, key, json], Oid::TEXT);
        }
        Ok(Expr::template("({0} || '}')", vec![text], Oid::JSON))
    }
}

/// The function that makes a record's stored form.
const STORED: &str = "json_array";

/// A record of these values.
pub(super) fn stored(fields: Vec<Expr>) -> Expr {
    let held = fields.into_iter().map(|field| match field.type_oid {
        Oid::BYTEA => Expr::function("pg_out_bytea", vec![field], Oid::TEXT),
        _ => field,
    });
    Expr::function(STORED, held.collect(), Oid::RECORD)
}

/// A field of a stored record.
fn element(record: Expr, index: usize, type_oid: Oid, typmod: i32) -> Expr {
    let index = Expr::integer(index as i64, Oid::INT4);
    let held = Expr { typmod, ..Expr::template("({0} ->> {1})", vec![record, index], type_oid) };
    element_value(held)
}
