//! Casts of values between statements: assignments, arguments, results.
//!
//! Owns: [`Executor::cast`], [`Executor::text`]. A cast that is more than a look at a number is the ordinary expression, run
//! as a statement of its own. Specification: exec_cast_value in pl_exec.c.

use std::sync::Arc;

use crate::engine::routines::execute::Executor;
use crate::engine::routines::types::row_columns;
use crate::error::{Error, Result, SqlState};
use crate::plpgsql::value::{Column, DataType, TypeKind, Typed};
use crate::sql::plan::SqliteStatement;
use crate::sql::stored::{CastSource, cast_statement};
use crate::types::encoding;
use crate::types::format::Format;
use crate::types::pg_type::{Oid, Scalar};
use crate::types::value::Value;

/// A cast as a statement of one row.
pub(crate) struct CastPlan(SqliteStatement);

impl Executor {
    /// An assignment's cast.
    pub fn cast(&self, value: Typed, to: &DataType) -> Result<Value> {
        if value.value.is_null() && !to.is_domain() {
            return Ok(Value::Null);
        }
        if !to.is_domain() && value.data_type.is_same(to) {
            return Ok(value.value);
        }
        if let Some(done) = simple(&value, to) {
            return done;
        }
        if to.is_row() && value.data_type.is_row() && !value.value.is_null() {
            return self.cast_row(value, to);
        }
        let from = match value.data_type.oid {
            Oid::UNKNOWN => Oid::TEXT,
            // Its checks are made for what it has become.
            oid if oid == to.oid && to.is_domain() => {
                self.planning(|planning| Ok(crate::sql::types::base_type(planning.catalog, oid, -1).0))?
            }
            oid => oid,
        };
        let fields = self.fields(&value);
        let plan = self.cast_plan(from, fields.as_deref(), (to.oid, to.typmod))?;
        self.cast_with(&plan, value.value)
    }

    /// A row becomes one of another type field by field.
    fn cast_row(&self, value: Typed, to: &DataType) -> Result<Value> {
        let catalog = self.link.catalog();
        let base = self.planning(|planning| Ok(crate::sql::types::base_type(planning.catalog, to.oid, -1).0))?;
        let wanted = row_columns(&catalog, base).ok_or_else(|| Error::unsupported("this cast of a row"))?;
        let given = self.fields(&value).ok_or_else(|| Error::unsupported("this cast of a row"))?;
        if given.len() != wanted.len() {
            let message =
                format!("cannot cast type record to {}", self.planning(|planning| Ok(planning.type_name(to.oid)))?);
            return Err(Error::new(SqlState::CANNOT_COERCE, message));
        }
        let values = super::records::decompose(&given, &value.value)?;
        let mut cast = Vec::with_capacity(values.len());
        for ((value, from), to) in values.into_iter().zip(given.iter()).zip(wanted.iter()) {
            let typed = Typed { data_type: from.data_type, value, fields: from.fields.clone() };
            cast.push(self.cast(typed, &to.data_type)?);
        }
        super::records::compose(&wanted, &cast)
    }

    /// The columns of a row's value.
    pub(super) fn fields(&self, value: &Typed) -> Option<Arc<[Column]>> {
        match value.data_type.kind {
            TypeKind::Record => value.fields.clone(),
            TypeKind::Composite | TypeKind::CompositeDomain => row_columns(&self.link.catalog(), value.data_type.oid),
            _ => None,
        }
    }

    fn cast_plan(&self, from: Oid, fields: Option<&[Column]>, to: (Oid, i32)) -> Result<Arc<CastPlan>> {
        let catalog_version = self.link.catalog().version;
        let key = (catalog_version, from, to.0, to.1);
        let cache = self.link.database.routines();
        if fields.is_none()
            && let Some(known) = cache.cast(&key)
        {
            return Ok(known);
        }
        let fields = fields.map(|fields| {
            let shape = |column: &Column| (column.name.clone(), column.data_type.oid, column.data_type.typmod);
            fields.iter().map(shape).collect::<Vec<_>>()
        });
        let kept = fields.is_none();
        let statement =
            self.planning(|planning| cast_statement(CastSource { type_oid: from, fields }, to, planning))?;
        let plan = Arc::new(CastPlan(statement));
        if kept {
            cache.keep_cast(key, &plan);
        }
        Ok(plan)
    }

    fn cast_with(&self, plan: &CastPlan, value: Value) -> Result<Value> {
        let mut cursor = self.open(&plan.0, (&[value], &[]))?;
        match cursor.step()? {
            true => Ok(cursor.column(0).to_owned()),
            false => Err(Error::internal("a cast without a row")),
        }
    }

    /// A value's text form. Not NULL.
    pub fn text(&self, value: &Typed) -> Result<String> {
        let is_shown = |scalar: Scalar| scalar != Scalar::Record && !scalar.names_object();
        if let (Value::Text(text), Scalar::Text, None) =
            (&value.value, value.data_type.repr.scalar, value.data_type.repr.array_of)
        {
            return Ok(text.clone());
        }
        if is_shown(value.data_type.repr.scalar) {
            let settings = self.link.context().settings.shared_format();
            let mut out = bytes::BytesMut::new();
            encoding::encode(value.data_type.repr, Format::Text, value.value.as_ref(), &settings, &mut out)?;
            return Ok(String::from_utf8_lossy(&out).into_owned());
        }
        let plan = self.cast_plan(value.data_type.oid, self.fields(value).as_deref(), (Oid::TEXT, -1))?;
        match self.cast_with(&plan, value.value.clone())? {
            Value::Text(text) => Ok(text),
            _ => Ok(String::new()),
        }
    }
}

/// Casts among integers, and to texts of any length.
fn simple(value: &Typed, to: &DataType) -> Option<Result<Value>> {
    const INTEGERS: [Oid; 3] = [Oid::INT2, Oid::INT4, Oid::INT8];
    let from = value.data_type.oid;
    if let Value::Integer(integer) = value.value
        && INTEGERS.contains(&from)
    {
        let out_of_range = |name| {
            let message = format!("{name} out of range");
            Some(Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)))
        };
        return match to.oid {
            Oid::INT2 if i16::try_from(integer).is_err() => out_of_range("smallint"),
            Oid::INT4 if i32::try_from(integer).is_err() => out_of_range("integer"),
            oid if INTEGERS.contains(&oid) => Some(Ok(Value::Integer(integer))),
            _ => None,
        };
    }
    let texts = [Oid::TEXT, Oid::VARCHAR, Oid::UNKNOWN];
    if texts.contains(&from) && matches!(to.oid, Oid::TEXT | Oid::VARCHAR) && to.typmod == -1 {
        return Some(Ok(value.value.clone()));
    }
    None
}
