//! Assignments to parts of columns: fields, elements, slices, members of jsonb.
//!
//! Owns: [`Analyzer::stored_part`]. Must not know: which statement assigns. Specification: sql-update.html,
//! arrays.html#ARRAYS-MODIFYING, rowtypes.html#ROWTYPES-USAGE; transformAssignmentIndirection in parse_target.c.

use crate::catalog::composite::Attribute;
use crate::catalog::schema::Column;
use crate::error::{Error, Result, SqlState};
use crate::limits::stack;
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::subscript::subscripted;
use crate::sql::casts::CastContext;
use crate::sql::syntax::ast::expression::Indirection;
use crate::sql::syntax::ast::location::Location;
use crate::sql::tree::{Expr, ExprKind};
use crate::types::array::{MAX_DIMENSIONS, too_many_dimensions};
use crate::types::pg_type::Oid;

/// What is assigned to.
struct Place<'p> {
    /// The column's name.
    column: &'p str,
    /// The last name on the way.
    name: &'p str,
    /// An element or a slice, not a field.
    subscripted: bool,
}

/// DEFAULT for a part of a column.
pub(super) fn default_of_part(chain: &[Indirection]) -> Error {
    let message = match chain.first() {
        Some(Indirection::Field(_)) => "cannot set a subfield to DEFAULT",
        _ => "cannot set an array element to DEFAULT",
    };
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
}

impl Analyzer<'_> {
    /// A column's value with a part of it replaced.
    pub(super) fn stored_part(
        &mut self,
        old: Expr,
        (column, name): (&Column, &str),
        chain: &[Indirection],
        (value, location): (Expr, Location),
    ) -> Result<Expr> {
        let place = Place { column: name, name, subscripted: false };
        let stored = self.with_part(old, (column.type_oid, column.typmod), chain, value, &place);
        stored.map_err(|error| self.at(error, location))
    }

    fn with_part(
        &mut self,
        old: Expr,
        (declared, typmod): (Oid, i32),
        chain: &[Indirection],
        value: Expr,
        place: &Place<'_>,
    ) -> Result<Expr> {
        stack::check()?;
        let (base, base_typmod) = self.base_type(declared, typmod);
        match chain {
            [] => self.assigned_part(value, declared, typmod, place),
            [Indirection::Field(field), rest @ ..] => {
                let new = self.with_field(old, base, (field, rest), value, place)?;
                self.coerce(new, declared, typmod, CastContext::Assignment)
            }
            chain => {
                let is_subscript = |step: &&Indirection| !matches!(step, Indirection::Field(_));
                let count = chain.iter().take_while(is_subscript).count();
                let (subscripts, rest) = chain.split_at_checked(count).unwrap_or((chain, &[]));
                let new = self.with_element(old, (base, base_typmod), (subscripts, rest), value, place)?;
                self.coerce(new, declared, typmod, CastContext::Assignment)
            }
        }
    }

    /// The value itself, as its place wants it.
    fn assigned_part(&mut self, value: Expr, declared: Oid, typmod: i32, place: &Place<'_>) -> Result<Expr> {
        let from = value.type_oid;
        if let Some(value) = self.try_coerce(value, declared, typmod, CastContext::Assignment)? {
            return Ok(value);
        }
        let (wanted, given) = (self.type_name(declared), self.type_name(from));
        let message = match place.subscripted {
            true => {
                let name = place.name;
                format!("subscripted assignment to \"{name}\" requires type {wanted} but expression is of type {given}")
            }
            false => format!("subfield \"{}\" is of type {wanted} but expression is of type {given}", place.name),
        };
        Err(Error::new(SqlState::DATATYPE_MISMATCH, message)
            .with_hint("You will need to rewrite or cast the expression."))
    }

    /// A row with another field. One that is NULL has only this field then.
    fn with_field(
        &mut self,
        old: Expr,
        row_type: Oid,
        (field, rest): (&str, &[Indirection]),
        value: Expr,
        place: &Place<'_>,
    ) -> Result<Expr> {
        let cannot = |a: &Self, code, why: &str| {
            let message = format!("cannot assign to field \"{field}\" of column \"{}\" because {why}", place.name);
            Err(Error::new(code, message.replace("{}", &a.type_name(row_type))))
        };
        let Some(attributes) = self.attributes(row_type, -1).filter(|_| row_type != Oid::RECORD) else {
            return cannot(self, SqlState::DATATYPE_MISMATCH, "its type {} is not a composite type");
        };
        let is_it = |attribute: &Option<Attribute>| attribute.as_ref().is_some_and(|known| known.name == field);
        let Some(index) = attributes.iter().position(is_it) else {
            return cannot(self, SqlState::UNDEFINED_COLUMN, "there is no such column in data type {}");
        };
        let mut value = Some(value);
        let (mut fields, mut names) = (Vec::new(), Vec::new());
        for (at, attribute) in attributes.into_iter().enumerate() {
            let Some(Attribute { name, type_oid, typmod }) = attribute else {
                fields.push(Expr::null(Oid::TEXT));
                names.push(String::new());
                continue;
            };
            let kept = match &old.kind {
                ExprKind::Row { fields, .. } => fields.get(at).cloned(),
                ExprKind::Null => Some(Expr::null(self.base_type(type_oid, -1).0)),
                _ => None,
            };
            let kept = kept.unwrap_or_else(|| self.field_select(old.clone(), at, type_oid, typmod));
            fields.push(match value.take_if(|_| at == index) {
                Some(value) => {
                    let place = Place { column: place.column, name: &name, subscripted: false };
                    self.with_part(kept, (type_oid, typmod), rest, value, &place)?
                }
                None => kept,
            });
            names.push(name);
        }
        Ok(Expr::new(ExprKind::Row { fields, names }, row_type))
    }

    /// An array with another element or slice, jsonb with another member.
    fn with_element(
        &mut self,
        old: Expr,
        (container, typmod): (Oid, i32),
        (subscripts, rest): (&[Indirection], &[Indirection]),
        value: Expr,
        place: &Place<'_>,
    ) -> Result<Expr> {
        let place = Place { subscripted: true, ..*place };
        let mut bounds = Vec::with_capacity(subscripts.len());
        let slice = subscripts.iter().any(|subscript| matches!(subscript, Indirection::Slice(..)));
        if container == Oid::JSONB {
            for subscript in subscripts {
                let Indirection::Index(index) = subscript else {
                    let message = "jsonb subscript does not support slices";
                    return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
                };
                let index = self.expr(index)?;
                bounds.push((None, Some(self.jsonb_subscript(index)?)));
            }
            let value = match rest {
                [] => self.assigned_part(value, Oid::JSONB, -1, &place)?,
                _ => return self.with_field(Expr::null(Oid::JSONB), Oid::JSONB, ("", rest), value, &place),
            };
            return Ok(stored(old, bounds, slice, value));
        }
        let Some(element) = self.element_type(container).filter(|_| container != Oid::NAME) else {
            let shown = self.type_name(container);
            let message = format!("cannot subscript type {shown} because it does not support subscripting");
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        };
        if matches!(container, Oid::INT2VECTOR | Oid::OIDVECTOR) {
            return Err(Error::unsupported("assigning to an element of a vector"));
        }
        if subscripts.len() > MAX_DIMENSIONS {
            return Err(too_many_dimensions(subscripts.len()));
        }
        for subscript in subscripts {
            bounds.push(self.bounds(subscript, slice)?);
        }
        if slice {
            let value = match rest {
                [] => self.assigned_part(value, container, typmod, &place)?,
                _ => return Err(Error::unsupported("assigning to a field of an array's slice")),
            };
            return Ok(stored(old, bounds, slice, value));
        }
        let indexes = bounds.iter().filter_map(|(_, index)| index.clone()).collect();
        let inner = subscripted(old.clone(), indexes, self.base_type(element, -1).0);
        let value = self.with_part(inner, (element, typmod), rest, value, &place)?;
        Ok(stored(old, bounds, slice, value))
    }
}

fn stored(container: Expr, bounds: Vec<(Option<Expr>, Option<Expr>)>, slice: bool, value: Expr) -> Expr {
    let (type_oid, typmod) = (container.type_oid, container.typmod);
    let (container, value) = (Box::new(container), Box::new(value));
    Expr { kind: ExprKind::Store { container, bounds, slice, value }, type_oid, typmod }
}
