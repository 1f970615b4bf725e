//! Conversions between types: unknown constants and parameters take the type of their context, others go through the
//! table of casts or through text.
//!
//! Owns: [`Analyzer::coerce`], [`Analyzer::cast`], [`Analyzer::common_type`]. Specification: typeconv.html, parse_coerce.c's rules.

use std::sync::Arc;

use crate::catalog::acl::Privileges;
use crate::catalog::schema::{Relation, UserTypeKind};
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::polymorphic::is_polymorphic;
use crate::sql::casts::{self, CastContext};
use crate::sql::planner::schema_denied;
use crate::sql::scan::LiteralKind;
use crate::sql::tree::{CastRef, Coercion, Expr, ExprKind};
use crate::types::encoding;
use crate::types::format::{Format, FormatSettings};
use crate::types::pg_type::{Oid, type_info};
use crate::types::qualified_name::name_parts;
use crate::types::value::Value;

impl Analyzer<'_> {
    /// A type's category (typcategory); user types: enums are E.
    pub(super) fn category(&self, oid: Oid) -> u8 {
        match type_info(oid) {
            Some(info) => info.category,
            None if self.element_type(oid).is_some() => b'A',
            None if self.is_composite(oid) => b'C',
            None if self.range_type(oid).or_else(|| self.range_of_multirange(oid)).is_some() => b'R',
            None => b'E',
        }
    }

    pub(super) fn is_preferred(&self, oid: Oid) -> bool {
        type_info(oid).is_some_and(|info| info.preferred)
    }

    /// How to get from one type to another in this context, if at all.
    pub(super) fn path(&self, from: Oid, to: Oid, context: CastContext) -> Option<Coercion> {
        if from == to {
            return Some(Coercion::Relabel);
        }
        if let Some(cast) = casts::find(from, to) {
            return (cast.context <= context).then(|| match cast.is_binary_coercible() {
                true => Coercion::Relabel,
                false => Coercion::Cast(CastRef(cast)),
            });
        }
        if let (Some(from_element), Some(to_element)) = (self.element_type(from), self.element_type(to)) {
            return self.path(from_element, to_element, context).map(|path| match path {
                Coercion::Relabel => Coercion::Relabel,
                Coercion::Cast(_) => {
                    let element = Expr::new(ExprKind::Element, from_element);
                    Coercion::Array(Box::new(coerced(element, to_element, path)))
                }
                _ => Coercion::ViaIo,
            });
        }
        let (from_category, to_category) = (self.category(from), self.category(to));
        if from == Oid::VOID {
            return (to_category == b'S' && context == CastContext::Explicit).then_some(Coercion::ViaIo);
        }
        if from == Oid::RECORD && to_category != b'S' {
            return None;
        }
        if to == Oid::RECORD && self.is_composite(from)
            || to == Oid::RECORD_ARRAY && self.element_type(from).is_some_and(|e| self.is_composite(e))
        {
            return Some(Coercion::Relabel);
        }
        // Anything may be assigned to a string; strings become anything only when asked.
        if to_category == b'S' && context >= CastContext::Assignment {
            return Some(Coercion::ViaIo);
        }
        (from_category == b'S' && context == CastContext::Explicit).then_some(Coercion::ViaIo)
    }

    /// Whether an argument of type `from` is acceptable where `to` is declared (func_match_argtypes).
    pub(in crate::sql) fn can_coerce(&self, from: Oid, to: Oid, context: CastContext) -> bool {
        if from == to || from == Oid::UNKNOWN {
            return true;
        }
        let by_cast = || self.path(from, to, context).is_some() || self.user_cast_of(from, to, context).is_some();
        self.takes(to, from).unwrap_or_else(by_cast)
    }

    /// Converts an expression to a type without being asked to: 42804 with `what` if it cannot be.
    pub(super) fn coerce(&mut self, expr: Expr, to: Oid, typmod: i32, context: CastContext) -> Result<Expr> {
        let from = expr.type_oid;
        match self.try_coerce(expr, to, typmod, context)? {
            Some(expr) => Ok(expr),
            None => Err(self.cannot_cast(from, to)),
        }
    }

    pub(super) fn cannot_cast(&self, from: Oid, to: Oid) -> Error {
        Error::new(
            SqlState::CANNOT_COERCE,
            format!("cannot cast type {} to {}", self.type_name(from), self.type_name(to)),
        )
    }

    /// An explicit cast.
    pub(super) fn cast(&mut self, expr: Expr, to: Oid, typmod: i32) -> Result<Expr> {
        let cast = self.coerce(expr, to, typmod, CastContext::Explicit)?;
        // Without a modifier the type has none, even where nothing is converted.
        Ok(match cast.typmod {
            -1 => cast,
            _ if typmod == -1 && cast.type_oid == to => coerced(cast, to, Coercion::Relabel),
            _ => cast,
        })
    }

    /// Implicitly to a type, no modifier.
    pub(in crate::sql) fn implicit(&mut self, expr: Expr, to: Oid) -> Result<Expr> {
        self.coerce(expr, to, -1, CastContext::Implicit)
    }

    /// As [`Analyzer::coerce`], with `None` where there is no way.
    pub(in crate::sql) fn try_coerce(
        &mut self,
        expr: Expr,
        to: Oid,
        typmod: i32,
        context: CastContext,
    ) -> Result<Option<Expr>> {
        if is_polymorphic(to) {
            return Ok(Some(expr));
        }
        if let Some(UserTypeKind::Domain { .. }) = self.catalog().types.get(&to).map(|t| &t.kind) {
            return self.to_domain(expr, to, context);
        }
        let (base, of_base) = self.base_type(to, -1);
        if base != to {
            // An array of a domain's values: each is checked.
            let Some(value) = self.try_coerce(expr, base, of_base, context)? else { return Ok(None) };
            return self.checked_elements(value, to).map(Some);
        }
        if expr.type_oid != to
            && let Some(converted) = self.user_cast(&expr, (to, typmod), context)?
        {
            return Ok(Some(converted));
        }
        if self.is_row(to) && self.is_row(expr.type_oid) {
            return self.to_row_type(expr, to, context);
        }
        let expr = self.known_row(expr)?;
        if self.is_enum(to) && expr.type_oid != to {
            return self.to_enum(expr, to, context);
        }
        let from = expr.type_oid;
        if from == Oid::UNKNOWN {
            if to == Oid::INTERVAL && typmod != -1 && !matches!(expr.kind, ExprKind::Param(_)) {
                // The fields of the modifier say what a bare number counts.
                let text = self.type_unknown(expr, Oid::TEXT)?;
                return Ok(Some(Expr { typmod, ..coerced(text, to, Coercion::Input) }));
            }
            if matches!(to, Oid::RECORD | Oid::RECORD_ARRAY) && !matches!(expr.kind, ExprKind::Null) {
                return Err(anonymous_input());
            }
            let typed = self.type_unknown(expr, to)?;
            let typed = self.checked_parts(typed)?;
            return Ok(Some(self.apply_typmod(typed, to, typmod, context)));
        }
        if let (ExprKind::Literal(n), true) = (&expr.kind, from != to)
            && let Some(expr) = self.retype_number(*n, to)
        {
            return Ok(Some(self.apply_typmod(expr, to, typmod, context)));
        }
        let Some(path) = self.path(from, to, context) else { return Ok(None) };
        if to == Oid::BIT
            && let Coercion::Cast(_) = path
            && self.category(from) == b'N'
        {
            // A number becomes as many bits as the modifier says, from its right end.
            return Ok(Some(Expr { typmod, ..coerced(expr, to, path) }));
        }
        let same_modifier = from == to && (typmod == -1 || typmod == expr.typmod);
        let converted = if from == to { expr } else { coerced(expr, to, path.clone()) };
        let converted = if path == Coercion::ViaIo { self.checked_parts(converted)? } else { converted };
        if same_modifier {
            return Ok(Some(converted));
        }
        Ok(Some(self.apply_typmod(converted, to, typmod, context)))
    }

    /// A parameter of a known type. Names of objects, which the session does not look up, come as text.
    pub(in crate::sql) fn parameter(&self, n: usize, type_oid: Oid) -> Expr {
        let repr = self.repr_of(type_oid);
        if repr.scalar.names_object() && repr.array_of.is_none() {
            return coerced(Expr::new(ExprKind::Param(n), Oid::TEXT), type_oid, Coercion::ViaIo);
        }
        Expr::new(ExprKind::Param(n), type_oid)
    }

    /// The OID of the relation that a constant names, as ::regclass reads it.
    fn regclass_constant(&mut self, expr: &Expr) -> Result<Option<Expr>> {
        let Some(text) = self.constant_text(expr) else { return Ok(None) };
        let constant = |oid: u32| Expr::constant(Value::Integer(i64::from(oid)), Oid::REGCLASS);
        if text == "-" {
            return Ok(Some(constant(0)));
        }
        if let Ok(oid) = text.parse::<u32>() {
            return Ok(Some(constant(oid)));
        }
        let found = match name_parts(&text)?.as_slice() {
            [name] => self.catalog().find_relation(&self.search_path, name),
            [schema, _] if self.in_stored_text == 0 && !(self.context.may_use)(schema) => {
                return Err(schema_denied(schema));
            }
            [schema, name] => self.catalog().relation(schema, name).inspect(|relation| {
                // Whoever has the plan needs the right to use the schema.
                if self.in_stored_text == 0 {
                    self.permissions.borrow_mut().require(relation.oid, Privileges::NONE);
                }
            }),
            _ => None,
        };
        match found {
            Some(relation) => Ok(Some(constant(relation.oid.0))),
            // Indexes are not among the relations here: the function finds them.
            None => match (self.may_be_index(&name_parts(&text)?), &expr.kind) {
                (Ok(()), _) => Ok(None),
                (Err(error), ExprKind::Literal(n)) => Err(self.at_literal(error, *n)),
                (Err(error), _) => Err(error),
            },
        }
    }

    /// 42P01 if a name is no user's index either.
    fn may_be_index(&self, parts: &[String]) -> Result<()> {
        let (schema, name) = match parts {
            [name] => (None, name),
            [schema, name] if self.catalog().has_schema(schema) => (Some(schema), name),
            _ => return Ok(()),
        };
        let is_here = |relation: &&Arc<Relation>| schema.is_none_or(|schema| relation.schema == *schema);
        let mut relations = self.catalog().relations.values().filter(is_here);
        let is_kept = self.in_stored_text > self.own_text || self.reads_kept_text;
        let is_kept = is_kept || parts.iter().any(|p| p.starts_with("pg_"));
        if is_kept || relations.any(|relation| relation.indexes.iter().any(|index| index.name == *name)) {
            return Ok(());
        }
        Err(Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{}\" does not exist", parts.join("."))))
    }

    /// Gives a value of type unknown its type.
    fn type_unknown(&mut self, expr: Expr, to: Oid) -> Result<Expr> {
        if to == Oid::REGCLASS
            && let Some(constant) = self.regclass_constant(&expr)?
        {
            return Ok(constant);
        }
        match expr.kind {
            ExprKind::Null => Ok(Expr::new(ExprKind::Null, to)),
            ExprKind::Param(n) => {
                if let Some(slot) = self.params.get_mut(n)
                    && matches!(*slot, Oid::INVALID | Oid::UNKNOWN)
                {
                    *slot = to;
                }
                Ok(self.parameter(n, to))
            }
            ExprKind::Literal(n) if !self.repr_of(to).scalar.names_object() => self.type_literal(n, to),
            ExprKind::Const(Value::Text(text)) => self.constant_from_text(&text, to),
            // A column or sub-query of unknown type is text.
            kind => {
                let kind = match kind {
                    ExprKind::Literal(n) => self.type_literal(n, Oid::TEXT)?.kind,
                    kind => kind,
                };
                Ok(read_as(Expr::new(kind, Oid::TEXT), to))
            }
        }
    }

    /// A constant whose text is known: read now, unless the session's settings or the catalog decide what it means.
    fn constant_from_text(&mut self, text: &str, to: Oid) -> Result<Expr> {
        let repr = self.repr_of(to);
        if repr.scalar.depends_on_session() && (!self.reads_kept_text || repr.scalar.names_object()) {
            return Ok(read_as(Expr::text(text), to));
        }
        let name = self.type_name(to);
        let value = encoding::decode(repr, &name, Format::Text, text.as_bytes(), &FormatSettings::default())?;
        Ok(Expr::constant(value, to))
    }

    /// The lifted constant `n` read as `to`. One used as two types is read as text and converted at run time.
    fn type_literal(&mut self, n: usize, to: Oid) -> Result<Expr> {
        match self.literal_types.get(n).copied().flatten() {
            Some(known) if known != to => {
                let expr = Expr::new(ExprKind::Literal(n), known);
                Ok(coerced(expr, to, Coercion::ViaIo))
            }
            _ => {
                if let Some(slot) = self.literal_types.get_mut(n) {
                    *slot = Some(to);
                }
                Ok(Expr::new(ExprKind::Literal(n), to))
            }
        }
    }

    /// A lifted number read as another numeric type right away.
    fn retype_number(&mut self, n: usize, to: Oid) -> Option<Expr> {
        let kind = self.source.literals.get(n)?.kind;
        let fits = match kind {
            LiteralKind::Int4 => matches!(to, Oid::INT8 | Oid::FLOAT4 | Oid::FLOAT8 | Oid::NUMERIC | Oid::OID),
            LiteralKind::Int8 => matches!(to, Oid::FLOAT4 | Oid::FLOAT8 | Oid::NUMERIC),
            LiteralKind::Numeric => matches!(to, Oid::FLOAT4 | Oid::FLOAT8),
            LiteralKind::String => false,
        };
        // Used twice with two types (a join of two trees): then the ordinary casts apply.
        let slot = self.literal_types.get_mut(n)?;
        if !fits || slot.is_some_and(|known| !is_natural(kind, known)) {
            return None;
        }
        *slot = Some(to);
        Some(Expr::new(ExprKind::Literal(n), to))
    }

    /// Enforces a modifier: lengths, precision and scale (22001, 22003).
    pub(super) fn apply_typmod(&self, expr: Expr, to: Oid, typmod: i32, context: CastContext) -> Expr {
        if typmod == -1 || expr.typmod == typmod && expr.type_oid == to {
            return expr;
        }
        let has_modifier = matches!(
            to,
            Oid::VARCHAR
                | Oid::BPCHAR
                | Oid::BIT
                | Oid::VARBIT
                | Oid::NUMERIC
                | Oid::TIME
                | Oid::TIMETZ
                | Oid::TIMESTAMP
                | Oid::TIMESTAMPTZ
                | Oid::INTERVAL
                | Oid::VECTOR
        );
        if !has_modifier && self.element_type(to).is_none() {
            return Expr { typmod, ..expr };
        }
        let explicit = context == CastContext::Explicit;
        Expr { kind: ExprKind::CoerceTypmod { arg: Box::new(expr), explicit }, type_oid: to, typmod }
    }

    fn to_enum(&mut self, expr: Expr, to: Oid, context: CastContext) -> Result<Option<Expr>> {
        let unknown = expr.type_oid == Oid::UNKNOWN;
        let string = self.category(expr.type_oid) == b'S' && context == CastContext::Explicit;
        if !unknown && !string {
            return Ok(None);
        }
        if let ExprKind::Null = expr.kind {
            return Ok(Some(Expr::new(ExprKind::Null, to)));
        }
        if let ExprKind::Param(n) = expr.kind
            && unknown
        {
            self.type_unknown(Expr::new(ExprKind::Param(n), Oid::UNKNOWN), to)?;
            // It is asked for as the enum, and comes as text.
            return Ok(Some(coerced(Expr::new(ExprKind::Param(n), Oid::TEXT), to, Coercion::ViaIo)));
        }
        if let (ExprKind::Literal(n), true) = (&expr.kind, unknown) {
            self.check_label(*n, to)?;
        }
        let text = if unknown { self.type_unknown(expr, Oid::TEXT)? } else { expr };
        Ok(Some(coerced(text, to, Coercion::ViaIo)))
    }

    /// 22P02 where the constant stands that is none of an enum's labels.
    fn check_label(&self, n: usize, to: Oid) -> Result<()> {
        let Some(UserTypeKind::Enum(labels)) = self.catalog().types.get(&to).map(|user| &user.kind) else {
            return Ok(());
        };
        let Some(literal) = self.source.literals.get(n) else { return Ok(()) };
        let label = literal.value();
        if labels.labels().iter().any(|known| **known == *label) {
            return Ok(());
        }
        let message = format!("invalid input value for enum {}: \"{label}\"", self.type_name(to));
        let error = Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message);
        Err(match self.source.text.get(..literal.start) {
            Some(before) => error.with_position(self.source.offset + before.chars().count() as u32 + 1),
            None => error,
        })
    }

    /// A domain's value is its base type's, checked.
    fn to_domain(&mut self, expr: Expr, to: Oid, context: CastContext) -> Result<Option<Expr>> {
        let Some(user) = self.catalog().types.get(&to) else { return Ok(None) };
        let UserTypeKind::Domain { base, typmod, not_null, checks, .. } = &user.kind else { return Ok(None) };
        let Some(value) = self.try_coerce(expr, *base, *typmod, context)? else { return Ok(None) };
        let (base, typmod) = self.base_type(to, -1);
        let mut conditions = Vec::with_capacity(checks.len());
        for check in checks {
            let value = Expr { kind: ExprKind::DomainValue, ..value.clone() };
            conditions.push((check.name.clone(), self.domain_check(&check.expression, value)?));
        }
        let arg = Box::new(value);
        let kind = ExprKind::CoerceToDomain { arg, domain: to, not_null: *not_null, checks: conditions };
        Ok(Some(Expr { kind, type_oid: base, typmod }))
    }

    /// The type that several expressions are brought to: UNION, CASE, VALUES, ARRAY … (typeconv-union-case.html).
    /// `what` names the construct in 42804.
    pub(super) fn common_type(&self, types: &[Oid], what: &str) -> Result<Oid> {
        let mut candidate: Option<Oid> = None;
        for oid in types.iter().copied().filter(|oid| *oid != Oid::UNKNOWN) {
            let Some(current) = candidate else {
                candidate = Some(oid);
                continue;
            };
            if current == oid {
                continue;
            }
            if self.category(current) != self.category(oid) {
                let message =
                    format!("{what} types {} and {} cannot be matched", self.type_name(current), self.type_name(oid));
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
            }
            let towards = self.can_coerce(current, oid, CastContext::Implicit);
            let back = self.can_coerce(oid, current, CastContext::Implicit);
            if !self.is_preferred(current) && towards && !back {
                candidate = Some(oid);
            }
        }
        Ok(candidate.unwrap_or(Oid::TEXT))
    }

    /// Brings expressions to their common type.
    pub(super) fn unify(&mut self, exprs: Vec<Expr>, what: &str) -> Result<(Vec<Expr>, Oid)> {
        let exprs = exprs.into_iter().map(|e| self.known_row(e)).collect::<Result<Vec<_>>>()?;
        let mut records = exprs.iter().filter(|e| matches!(e.type_oid, Oid::RECORD | Oid::RECORD_ARRAY));
        if let Some(first) = records.next()
            && records.any(|other| other.typmod != first.typmod)
        {
            return Err(Error::unsupported(format!("records of different types in {what}")));
        }
        let types: Vec<Oid> = exprs.iter().map(|e| e.type_oid).collect();
        let common = self.common_type(&types, what)?;
        let exprs = exprs.into_iter().map(|e| self.to_common(e, common, what)).collect::<Result<Vec<_>>>()?;
        Ok((exprs, common))
    }

    /// One expression to the common type of its construct.
    pub(super) fn to_common(&mut self, expr: Expr, common: Oid, what: &str) -> Result<Expr> {
        let from = expr.type_oid;
        match self.try_coerce(expr, common, -1, CastContext::Implicit)? {
            Some(expr) => Ok(expr),
            None => Err(Error::new(
                SqlState::CANNOT_COERCE,
                format!("{what} could not convert type {} to {}", self.type_name(from), self.type_name(common)),
            )),
        }
    }

    /// A condition: boolean, else 42804 ("argument of WHERE must be type boolean, not type integer").
    pub(in crate::sql) fn boolean(&mut self, expr: Expr, clause: &str) -> Result<Expr> {
        let from = expr.type_oid;
        match self.try_coerce(expr, Oid::BOOL, -1, CastContext::Implicit)? {
            Some(expr) => Ok(expr),
            None => Err(Error::new(
                SqlState::DATATYPE_MISMATCH,
                format!("argument of {clause} must be type boolean, not type {}", self.type_name(from)),
            )),
        }
    }

    /// Refuses a parameter whose type nothing tells.
    pub(super) fn determined(&self, expr: Expr) -> Result<Expr> {
        if let (ExprKind::Param(n), Oid::UNKNOWN) = (&expr.kind, expr.type_oid) {
            let message = format!("could not determine data type of parameter ${}", n + 1);
            return Err(Error::new(SqlState::INDETERMINATE_DATATYPE, message));
        }
        Ok(expr)
    }

    /// A value that stays of type unknown at the end is text.
    pub(in crate::sql) fn resolve_unknown(&mut self, expr: Expr) -> Result<Expr> {
        if expr.type_oid == Oid::UNKNOWN { self.type_unknown(expr, Oid::TEXT) } else { self.known_row(expr) }
    }
}

/// 0A000 for a text that is to be a record of no known type (record_in).
pub(super) fn anonymous_input() -> Error {
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, "input of anonymous composite types is not implemented")
}

/// Whether a type is what a constant is read as when nothing else is asked.
fn is_natural(kind: LiteralKind, oid: Oid) -> bool {
    matches!(
        (kind, oid),
        (LiteralKind::Int4, Oid::INT4) | (LiteralKind::Int8, Oid::INT8) | (LiteralKind::Numeric, Oid::NUMERIC)
    )
}

/// A conversion.
pub(super) fn coerced(arg: Expr, to: Oid, how: Coercion) -> Expr {
    Expr::new(ExprKind::Coerce { how, arg: Box::new(arg) }, to)
}

/// A text read as a value of a type.
fn read_as(text: Expr, to: Oid) -> Expr {
    if to == Oid::TEXT { text } else { coerced(text, to, Coercion::ViaIo) }
}
