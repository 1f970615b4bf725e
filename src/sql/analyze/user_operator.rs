//! Operators and casts that users made.
//!
//! Owns: [`Analyzer::user_operator`], [`Analyzer::user_cast`]. Both become calls of their functions; a tree that is to be
//! printed keeps what was written. Specification: typeconv-oper.html, sql-createcast.html; oper() in parse_oper.c,
//! find_coercion_pathway and build_coercion_expression in parse_coerce.c.

use std::sync::Arc;

use crate::catalog::objects::{UserCast, UserOperator};
use crate::catalog::schema::UserTypeKind;
use crate::catalog::tables::operators;
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::coerce::coerced;
use crate::sql::analyze::resolve::Choice;
use crate::sql::casts::CastContext;
use crate::sql::tree::{Coercion, Expr, ExprKind, Written};
use crate::types::pg_type::Oid;

/// Which of a range type's constructors makes a multirange of one range.
const OF_ONE_RANGE: usize = 3;

impl Analyzer<'_> {
    /// An operator of a user's applied to its operands; `None` if one of PostgreSQL's is meant, or none fits.
    pub(super) fn user_operator(
        &mut self,
        schema: Option<&str>,
        name: &str,
        operands: (Option<&Expr>, &Expr),
    ) -> Result<Option<Expr>> {
        if self.catalog().operators.is_empty() || schema == Some("pg_catalog") {
            return Ok(None);
        }
        let is_prefix = operands.0.is_none();
        let (left, right) = (operands.0.map_or(Oid::INVALID, |left| left.type_oid), operands.1.type_oid);
        let found = self.operators_along_path(schema, name, is_prefix);
        if found.is_empty() {
            return Ok(None);
        }
        let own = match schema {
            None => operators::operators_named(name),
            Some(_) => &[],
        };
        let own = own.iter().filter(|own| (own.left == Oid::INVALID) == is_prefix).map(|own| [own.left, own.right]);
        let mut signatures: Vec<[Oid; 2]> = own.collect();
        let count = signatures.len();
        signatures.extend(found.iter().map(|operator| operator.operands()));
        let all: Vec<usize> = (0..signatures.len()).collect();
        let chosen = match is_prefix {
            false => self.choose_operator(&all, &signatures, [left, right]),
            true => self.choose(&all, &|i| signatures.get(i).map_or(&[][..], |s| &s[1..]), &[right]),
        };
        let operator = match chosen {
            Choice::One(index) => match index.checked_sub(count).and_then(|index| found.get(index)) {
                Some(operator) => Arc::clone(operator),
                None => return Ok(None),
            },
            Choice::None => return Ok(None),
            Choice::Ambiguous => {
                return Err(self.ambiguous_operator(name, operands.0.map(|left| left.type_oid), right));
            }
        };
        if operator.is_shell() {
            let left = operands.0.map_or(String::new(), |left| format!("{} ", self.type_name(left.type_oid)));
            let message = format!("operator is only a shell: {left}{name} {}", self.type_name(right));
            return Err(Error::new(SqlState::UNDEFINED_FUNCTION, message));
        }
        self.used_routine(operator.oid);
        let args: Vec<Expr> = operands.0.into_iter().chain([operands.1]).cloned().collect();
        // What uses an operator depends on that alone.
        let known = self.used.borrow().routines.contains(&operator.function);
        let call = self.call_function(operator.function, args)?;
        if !known {
            self.used.borrow_mut().routines.remove(&operator.function);
        }
        if !self.to_be_printed() {
            return Ok(Some(call));
        }
        let (type_oid, typmod) = (call.type_oid, call.typmod);
        let ExprKind::Func(function, mut args) = call.kind else { return Ok(Some(call)) };
        if function.name.is_empty() {
            args.remove(0);
        }
        let kind = ExprKind::Written(Written::UserOperator(operator.oid), args);
        Ok(Some(Expr { kind, type_oid, typmod }))
    }

    /// Those of a schema, or of all along the path; of two with the same operands the first.
    fn operators_along_path(&self, schema: Option<&str>, name: &str, is_prefix: bool) -> Vec<Arc<UserOperator>> {
        let named = self.catalog().operators_named(name);
        let named = named.into_iter().filter(|operator| (operator.left == Oid::INVALID) == is_prefix);
        let named: Vec<&Arc<UserOperator>> = named.collect();
        if let Some(schema) = schema {
            return named.into_iter().filter(|operator| operator.schema == schema).cloned().collect();
        }
        let mut found: Vec<Arc<UserOperator>> = Vec::new();
        for schema in self.search_path.iter() {
            for operator in named.iter().filter(|operator| operator.schema == *schema) {
                if found.iter().all(|known| known.operands() != operator.operands()) {
                    found.push(Arc::clone(operator));
                }
            }
        }
        found
    }

    /// The user's cast between two types that may be applied in this context.
    pub(super) fn user_cast_of(&self, from: Oid, to: Oid, context: CastContext) -> Option<&UserCast> {
        let catalog = self.catalog();
        if catalog.casts.is_empty() {
            return None;
        }
        let cast = catalog.cast(from, to)?;
        let wanted = match cast.context {
            b'i' => CastContext::Implicit,
            b'a' => CastContext::Assignment,
            _ => CastContext::Explicit,
        };
        (wanted <= context).then_some(cast)
    }

    /// A value converted by a user's cast, if there is one.
    pub(super) fn user_cast(
        &mut self,
        expr: &Expr,
        (to, typmod): (Oid, i32),
        context: CastContext,
    ) -> Result<Option<Expr>> {
        if context == CastContext::Explicit
            && let Some(multirange) = self.as_multirange(expr, to)?
        {
            return Ok(Some(multirange));
        }
        let Some(cast) = self.user_cast_of(expr.type_oid, to, context).cloned() else { return Ok(None) };
        self.used_routine(cast.oid);
        let converted = match cast.method {
            b'b' => coerced(expr.clone(), to, Coercion::Relabel),
            b'i' => coerced(expr.clone(), to, Coercion::ViaIo),
            _ if self.to_be_printed() => coerced(expr.clone(), to, Coercion::ViaIo),
            _ => {
                let mut args = vec![expr.clone()];
                let count = self.argument_count(cast.function);
                if count > 1 {
                    args.push(Expr::integer(typmod.into(), Oid::INT4));
                }
                if count > 2 {
                    let is_explicit = i64::from(context == CastContext::Explicit);
                    args.push(Expr::integer(is_explicit, Oid::BOOL));
                }
                let call = self.call_function(cast.function, args)?;
                if call.type_oid == to { call } else { coerced(call, to, Coercion::Relabel) }
            }
        };
        let converted = if cast.method == b'i' { self.checked_parts(converted)? } else { converted };
        Ok(Some(self.apply_typmod(converted, to, typmod, context)))
    }

    /// A range as its multirange: the cast comes with the types.
    fn as_multirange(&mut self, expr: &Expr, to: Oid) -> Result<Option<Expr>> {
        let user = self.catalog().types.get(&expr.type_oid);
        let Some(UserTypeKind::Range(range)) = user.map(|user| &user.kind) else { return Ok(None) };
        let Some(constructor) = range.constructors.get(OF_ONE_RANGE).copied().filter(|_| range.multirange == to) else {
            return Ok(None);
        };
        match self.to_be_printed() {
            true => Ok(Some(coerced(expr.clone(), to, Coercion::ViaIo))),
            false => self.call_function(constructor, vec![expr.clone()]).map(Some),
        }
    }

    fn argument_count(&self, function: Oid) -> usize {
        match self.catalog().routines.get(&function) {
            Some(routine) => routine.inputs().count(),
            None => crate::catalog::tables::procs::proc(function).map_or(0, |proc| proc.argument_types().len()),
        }
    }
}
