//! Conversions between types.
//!
//! Owns: [`Lower::coerce`], [`Lower::coerce_typmod`], [`Lower::coerce_to_domain`]: what a conversion is in SQLite.
//! Specification: typeconv.html; the functions `pg_in_…`, `pg_out_…` and `pg_typmod_…` are the types' own.

use super::Lower;
use super::program::Statement;
use super::tree::{Body, Expr, ExprKind, Modify, Query, Select};
use crate::error::{Error, Result};
use crate::sql::functions::Call;
use crate::sql::tree::{Body as TypedBody, Coercion, Expr as Typed, Query as TypedQuery};
use crate::sql::types;
use crate::types::pg_type::{Oid, Repr, Scalar, TypeInfo, type_info};
use crate::types::row_type::Row;

impl Lower<'_> {
    /// A parameter. In an array of objects' identifiers names may stand, as the client sent them.
    pub(super) fn parameter(&self, number: usize, type_oid: Oid) -> Expr {
        let value = Expr::new(ExprKind::Param(number), type_oid);
        match shown_by(type_oid) {
            Some(Shown::Names(kind)) => Expr::function("pg_array_ids", vec![Expr::text(kind), value], type_oid),
            _ => value,
        }
    }

    /// A conversion to the type of `to`.
    pub(super) fn coerce(&mut self, how: &Coercion, arg: &Typed, to: &Typed) -> Result<Expr> {
        let from = arg.type_oid;
        let value = self.expr(arg)?;
        Ok(match how {
            Coercion::Relabel => value,
            // A number becomes as many bits as the modifier says, from its right end.
            Coercion::Cast(cast) if to.type_oid == Oid::BIT && matches!(cast.call, Call::Function(_)) => {
                let modifier = Expr::integer(i64::from(to.typmod), Oid::INT4);
                Expr::new(ExprKind::Call(cast.call, vec![value, modifier]), to.type_oid)
            }
            Coercion::Cast(cast) => Expr::new(ExprKind::Call(cast.call, vec![value]), to.type_oid),
            Coercion::ViaIo => {
                let text = self.to_text(value, from);
                self.from_text(text, to.type_oid)
            }
            Coercion::Input => {
                let modifier = Expr::integer(i64::from(to.typmod), Oid::INT4);
                Expr::function("pg_interval_in", vec![value, modifier], to.type_oid)
            }
            Coercion::Array(element) => self.coerce_elements(value, element, to)?,
            Coercion::Row(row) => self.converted_row(value, row)?,
        })
    }

    /// An array by the cast of its elements: the array is evaluated once, in a sub-query that SQLite does not flatten.
    fn coerce_elements(&mut self, array: Expr, element: &Typed, to: &Typed) -> Result<Expr> {
        self.elements.push(None);
        let lowered = self.expr(element);
        self.elements.pop();
        let name = Expr::text(self.internal_name(element.type_oid, element.typmod));
        let template = "(SELECT pg_array_shaped(s.v, pg_array_agg({2}, {1})) FROM (SELECT {0} AS v) AS s \
                        LEFT JOIN json_each(pg_array_flat(s.v)))";
        Ok(Expr::template(template, vec![array, lowered?, name], to.type_oid))
    }

    /// The text form of a value; strings and enums are theirs already.
    pub(super) fn to_text(&self, value: Expr, from: Oid) -> Expr {
        let info = self.info(from, value.typmod);
        match info.repr {
            repr if repr.array_of.is_none() && repr.scalar == Scalar::Text => {
                Expr { type_oid: Oid::TEXT, typmod: -1, ..value }
            }
            Repr { scalar: Scalar::Row(_), .. } => {
                Expr::function("pg_type_out", vec![Expr::text(info.name), value], Oid::TEXT)
            }
            // A range type that users made.
            repr if repr.scalar.range().is_some() && info.name.starts_with('{') => {
                Expr::function("pg_type_out", vec![Expr::text(info.name), value], Oid::TEXT)
            }
            _ => {
                Expr::new(ExprKind::Call(io_function("pg_out_", self.internal_name(from, -1)), vec![value]), Oid::TEXT)
            }
        }
    }

    /// A value read from its text form.
    fn from_text(&self, text: Expr, to: Oid) -> Expr {
        if types::enum_labels(self.catalog(), to).is_some() {
            return self.checked_label(text, to);
        }
        let info = self.info(to, -1);
        match info.repr {
            Repr { scalar: Scalar::Row(_), .. } => Expr::function("pg_type_in", vec![Expr::text(info.name), text], to),
            repr if repr.scalar.range().is_some() && info.name.starts_with('{') => {
                Expr::function("pg_type_in", vec![Expr::text(info.name), text], to)
            }
            repr if repr.array_of.is_none() && repr.scalar == Scalar::Text && to != Oid::XML => {
                Expr { type_oid: to, typmod: -1, ..text }
            }
            _ => Expr::new(ExprKind::Call(io_function("pg_in_", self.internal_name(to, -1)), vec![text]), to),
        }
    }

    /// The modifier of `to` enforced: lengths, precision and scale (22001, 22003).
    pub(super) fn coerce_typmod(&mut self, arg: &Typed, explicit: bool, to: &Typed) -> Result<Expr> {
        let value = self.expr(arg)?;
        let modifier = Expr::integer(i64::from(to.typmod), Oid::INT4);
        let explicit = Expr::integer(i64::from(explicit), Oid::INT4);
        let (function, args) = match to.type_oid {
            Oid::VARCHAR => ("pg_typmod_varchar", vec![value, modifier, explicit]),
            Oid::BPCHAR => ("pg_typmod_bpchar", vec![value, modifier, explicit]),
            Oid::BIT => ("pg_typmod_bit", vec![value, modifier, explicit]),
            Oid::VARBIT => ("pg_typmod_varbit", vec![value, modifier, explicit]),
            Oid::NUMERIC => ("pg_typmod_numeric", vec![value, modifier]),
            Oid::TIME => ("pg_typmod_time", vec![value, modifier]),
            Oid::TIMETZ => ("pg_typmod_timetz", vec![value, modifier]),
            Oid::TIMESTAMP => ("pg_typmod_timestamp", vec![value, modifier]),
            Oid::TIMESTAMPTZ => ("pg_typmod_timestamptz", vec![value, modifier]),
            Oid::INTERVAL => ("pg_typmod_interval", vec![value, modifier]),
            Oid::VECTOR => ("pg_typmod_vector", vec![value, modifier]),
            array => {
                let element = self.internal_name(self.element_type(array), -1);
                ("pg_typmod_array", vec![Expr::text(element), value, modifier, explicit])
            }
        };
        Ok(Expr::function(function, args, to.type_oid))
    }

    /// A domain's value is its base type's, checked.
    pub(super) fn coerce_to_domain(
        &mut self,
        arg: &Typed,
        domain: Oid,
        not_null: bool,
        checks: &[(String, Typed)],
    ) -> Result<Expr> {
        let shown = self.type_name(domain);
        let user = self.catalog().types.get(&domain);
        let (schema, name) = user.map_or_else(Default::default, |user| (user.schema.clone(), user.name.clone()));
        let value = self.expr(arg)?;
        self.once(value, |lower, mut value| {
            if not_null {
                let message = format!("domain {shown} does not allow null values");
                let test = Expr::template("({0} IS NOT NULL)", vec![value.clone()], Oid::BOOL);
                value = checked(value, test, ["23502", &message, &schema, &name, ""]);
            }
            for (check, condition) in checks {
                lower.domain_values.push(value.clone());
                let condition = lower.condition(condition);
                lower.domain_values.pop();
                let test = Expr::template("({0} IS NOT 0)", vec![condition?], Oid::BOOL);
                let message = format!("value for domain {shown} violates check constraint \"{check}\"");
                value = checked(value, test, ["23514", &message, &schema, &name, check]);
            }
            Ok(value)
        })
    }

    /// Columns of type regclass and its kin leave as names, which only the catalog knows; records as their text.
    pub(super) fn show_objects(&mut self, tree: &TypedQuery, query: &mut Query) -> Result<()> {
        let outputs = tree.outputs();
        let of_objects = outputs.iter().any(|(_, type_oid, _)| shown_by(*type_oid).is_some());
        if of_objects && !matches!(query.body, Body::Select(_)) {
            let inner = std::mem::replace(query, Query::of_select(Select::default()));
            *query = Query::of_select(self.select_all(inner));
        }
        let Body::Select(select) = &mut query.body else { return Ok(()) };
        let is_select = matches!(tree.body, TypedBody::Select(_));
        for (index, (target, (_, _, typmod))) in select.targets.iter_mut().zip(outputs).enumerate() {
            let type_oid = target.expr.type_oid;
            let value = target.expr.clone();
            target.expr = match (shown_by(type_oid), type_oid) {
                (Some(Shown::Name(output)), _) => Expr::new(ExprKind::Call(output, vec![value]), type_oid),
                (Some(Shown::Names(kind)), _) => {
                    Expr::function("pg_array_names", vec![Expr::text(kind), value], type_oid)
                }
                (None, _) => match self.info(type_oid, typmod) {
                    TypeInfo { repr: Repr { scalar: Scalar::Row(row), .. }, name, .. } if names_objects(*row) => {
                        Expr::function("pg_row_names", vec![Expr::text(*name), value], type_oid)
                    }
                    TypeInfo { repr: Repr { scalar: Scalar::Record, .. }, .. } if is_select => {
                        return Err(Error::unsupported("a record whose fields are not known"));
                    }
                    _ => continue,
                },
            };
            // The order is still by OID.
            query.order_by.iter_mut().filter(|key| key.output == Some(index)).for_each(|key| key.output = None);
        }
        Ok(())
    }
}

impl Lower<'_> {
    /// The same of RETURNING; rows are shown as they are made.
    pub(super) fn show_returned(&self, statement: &mut Statement) {
        let targets = match statement {
            Statement::Query(Query { body: Body::Select(select), .. }) => &mut select.targets,
            Statement::Query(_) => return,
            Statement::Modify(Modify::Insert(insert)) => &mut insert.returning,
            Statement::Modify(Modify::Update(update)) => &mut update.returning,
            Statement::Modify(Modify::Delete(delete)) => &mut delete.returning,
        };
        for target in targets {
            let type_oid = target.expr.type_oid;
            let value = || target.expr.clone();
            target.expr = match shown_by(type_oid) {
                Some(Shown::Name(output)) => Expr::new(ExprKind::Call(output, vec![value()]), type_oid),
                Some(Shown::Names(kind)) => Expr::function("pg_array_names", vec![Expr::text(kind), value()], type_oid),
                None => continue,
            };
        }
    }
}

/// Whether there are names of objects in a row, which only the catalog knows.
fn names_objects(row: Row) -> bool {
    row.present().any(|field| match field.info.repr.scalar {
        Scalar::Row(inner) => names_objects(inner),
        scalar => scalar.names_object(),
    })
}

/// How values of a type that names objects leave.
enum Shown {
    Name(Call),
    Names(&'static str),
}

fn shown_by(type_oid: Oid) -> Option<Shown> {
    let info = type_info(type_oid).filter(|info| info.repr.scalar.names_object())?;
    Some(match info.repr.array_of {
        None => Shown::Name(io_function("pg_out_", info.name)),
        Some(element) => Shown::Names(type_info(element)?.name),
    })
}

/// CASE WHEN test THEN value ELSE raise an error.
fn checked(value: Expr, test: Expr, raised: [&str; 5]) -> Expr {
    let (type_oid, typmod) = (value.type_oid, value.typmod);
    let raise = Expr::function("pg_raise_domain", raised.map(Expr::text).to_vec(), type_oid);
    Expr { kind: ExprKind::Case { whens: vec![(test, value)], otherwise: Some(Box::new(raise)) }, type_oid, typmod }
}

/// pg_in_… and pg_out_… by type: the names are the types', so the set is finite and kept for the process' life.
fn io_function(prefix: &'static str, type_name: &str) -> Call {
    use std::collections::HashMap;
    use std::sync::{LazyLock, Mutex, PoisonError};
    static NAMES: LazyLock<Mutex<HashMap<String, &'static str>>> = LazyLock::new(Mutex::default);
    let name = format!("{prefix}{type_name}");
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let leaked = *names.entry(name).or_insert_with_key(|name| Box::leak(name.clone().into_boxed_str()));
    Call::Function(leaked)
}
