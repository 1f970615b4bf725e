//! Calls of simple functions in SQL become their expressions: what they compute is part of the statement then, can be
//! compared with an index, and no statement is run for each row.
//!
//! Owns: [`Analyzer::inlined`]. A body is analysed with a stand-in for each parameter; the arguments take their places
//! afterwards. Must not know: how functions are run. Specification: inline_function in clauses.c.

use std::sync::Arc;

use crate::catalog::acl::{AclKind, Privileges};
use crate::catalog::routines::{self, Body, Language, PG_PROC, Routine, RoutineKind};
use crate::error::Result;
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::routine::CallSite;
use crate::sql::analyze::scope::{RangeColumn, RangeVar, Scope};
use crate::sql::functions::{RoutineCall, Volatility};
use crate::sql::scan;
use crate::sql::syntax::ast::expression::Expr as Ast;
use crate::sql::syntax::ast::query::SelectBody;
use crate::sql::syntax::ast::routine::RoutineBody;
use crate::sql::syntax::ast::statement::Stmt;
use crate::sql::syntax::lexer::tokens;
use crate::sql::syntax::parse;
use crate::sql::tree::{Coercion, EntryId, Expr, ExprKind, Written};
use crate::types::pg_type::{Oid, type_info};
use crate::types::value::Value;

/// The stand-in for the first parameter: no statement has so many of its own.
const STAND_IN: usize = 1 << 20;

/// What an argument may cost that is computed more than once, in operators (10 × cpu_operator_cost).
const CHEAP: usize = 10;

/// How much of a tree a call may become.
const MAX_NODES: usize = 10_000;

impl Analyzer<'_> {
    /// The expression that a call of a user's function computes, if it is a simple one; else the call.
    pub(super) fn inlined(&mut self, call: Expr) -> Expr {
        let Some(routine) = self.inlinable(&call) else { return call };
        if self.inlining.contains(&routine.oid) {
            return call;
        }
        let ExprKind::Func(_, args) = &call.kind else { return call };
        let args = args.get(1..).unwrap_or_default();
        self.inlining.push(routine.oid);
        // What is found on the way counts only if it is used.
        let kept = (self.permissions.borrow().clone(), self.used.borrow().clone());
        let noted = (self.writes, self.waits, self.last_aggregate);
        let body = self.body_of(&routine, args, &call);
        self.inlining.pop();
        match body {
            Some(body) => body,
            None => {
                (*self.permissions.borrow_mut(), *self.used.borrow_mut()) = kept;
                (self.writes, self.waits, self.last_aggregate) = noted;
                call
            }
        }
    }

    /// The routine that is called, if its kind can be put in place.
    fn inlinable(&self, call: &Expr) -> Option<Arc<Routine>> {
        let ExprKind::Func(function, args) = &call.kind else { return None };
        if !self.inlines || !RoutineCall::reads(function.0) {
            return None;
        }
        let ExprKind::Const(Value::Text(site)) = &args.first()?.kind else { return None };
        let catalog = self.catalog();
        let routine = catalog.routines.get(&CallSite::of_text(site).ok()?.routine)?;
        let is_plain = routine.kind == RoutineKind::Function
            && routine.language == Language::Sql
            && !routine.returns_set
            && !routine.security_definer
            && routine.settings.is_empty();
        let is_base = |oid: Oid| {
            self.base_type(oid, -1).0 == oid
                && !self.is_composite(oid)
                && type_info(oid).is_none_or(|info| info.kind != b'p')
        };
        let parameters = || routine.parameters.iter().filter(|parameter| parameter.mode.is_input());
        let is_known = |oid: Oid| routines::is_polymorphic(oid) || is_base(oid);
        if !is_plain
            || !is_base(call.type_oid)
            || !is_known(routine.returns)
            || !parameters().all(|parameter| is_known(parameter.type_oid))
            || routine.outputs().count() > 1
        {
            return None;
        }
        // Who may not call it is told so when it is called.
        let address = (PG_PROC, routine.oid, 0);
        let listed = catalog.owner_and_acl(address, AclKind::Function).1;
        let mut of_all = listed.0.iter().filter(|item| item.grantee == Oid::INVALID);
        let is_public = of_all.any(|item| item.privileges.common(Privileges::EXECUTE) == Privileges::EXECUTE);
        // An index is over the call: so it is found by it.
        let is_indexed = || {
            let mut indexes = catalog.relations.values().flat_map(|relation| &relation.indexes);
            indexes.any(|index| index.options.uses.routines.contains(&routine.oid))
        };
        let is_free = is_public && !(routine.volatility == routines::Volatility::Immutable && is_indexed());
        is_free.then(|| Arc::clone(routine))
    }

    fn body_of(&mut self, routine: &Arc<Routine>, args: &[Expr], call: &Expr) -> Option<Expr> {
        // What an argument means may depend on where it stands.
        let depends = |part: &Expr| {
            matches!(part.kind, ExprKind::Element | ExprKind::CaseTest | ExprKind::DomainValue)
                || part.subquery().is_some()
        };
        if args.iter().any(|arg| arg.any(&depends)) {
            return None;
        }
        let ast = only_expression(&routine.body)?;
        let mut body = self.analysed_body(routine, args, &ast, call.type_oid).ok()?;
        let refused = |part: &Expr| {
            part.subquery().is_some()
                || part.set_call().is_some()
                || matches!(part.kind, ExprKind::Written(Written::Collate(_), _) | ExprKind::Aggref(_))
        };
        if body.type_oid != call.type_oid || body.any(&refused) {
            return None;
        }
        let mutable = |part: &Expr, worst: Volatility| match &part.kind {
            ExprKind::Func(function, _) | ExprKind::Variadic(function, _) => match function.volatility {
                Volatility::Immutable => false,
                Volatility::Stable => worst == Volatility::Immutable,
                Volatility::Volatile | Volatility::Waits | Volatility::Writes => true,
            },
            ExprKind::Written(..) => worst == Volatility::Immutable,
            _ => false,
        };
        let breaks = match routine.volatility {
            routines::Volatility::Volatile => false,
            routines::Volatility::Stable => body.any(&|part| mutable(part, Volatility::Stable)),
            routines::Volatility::Immutable => body.any(&|part| mutable(part, Volatility::Immutable)),
        };
        if breaks || routine.strict && body.any(&|part| !is_strict(part)) {
            return None;
        }
        let mut counts = vec![0usize; args.len()];
        count(&body, &mut counts);
        for (arg, count) in args.iter().zip(&counts) {
            let volatile = || arg.any(&|part| mutable(part, Volatility::Stable));
            // One that is not used must be analysed all the same: what it says of groups counts.
            if *count == 0 || *count > 1 && (volatile() || cost(arg) > CHEAP) {
                return None;
            }
        }
        let grown: usize = args.iter().zip(&counts).map(|(arg, count)| nodes(arg) * count).sum();
        if grown + nodes(&body) > MAX_NODES {
            return None;
        }
        replace(&mut body, args);
        if !matches!(body.kind, ExprKind::Var(_)) && body.typmod == call.typmod {
            return Some(body);
        }
        // It is an expression, and not a column that a client could take for its table's.
        let kind = ExprKind::Coerce { how: Coercion::Relabel, arg: Box::new(body) };
        Some(Expr { typmod: call.typmod, ..Expr::new(kind, call.type_oid) })
    }

    /// The expression over stand-ins, as the result's type.
    fn analysed_body(&mut self, routine: &Routine, args: &[Expr], ast: &Ast, result: Oid) -> Result<Expr> {
        let parameters = routine.parameters.iter().filter(|parameter| parameter.mode.is_input());
        let stand_ins = args.iter().enumerate().map(|(n, arg)| self.parameter(STAND_IN + n, arg.type_oid));
        let stand_ins: Vec<Expr> = stand_ins.collect();
        let named = parameters.zip(&stand_ins).filter(|(parameter, _)| !parameter.name.is_empty());
        let columns = named.map(|(p, expr)| RangeColumn { name: p.name.clone(), expr: expr.clone() }).collect();
        let entry = RangeVar::over(routine.name.clone(), EntryId::OUTPUT, columns);
        self.stored(|a| {
            a.search_path = a.context.settings.schemas_searched().clone();
            a.scopes.push(Scope { entries: vec![entry], ..Scope::default() });
            let outer = a.stand_ins.replace(stand_ins);
            let value = a.without_sets("a function's body", |a| {
                a.deeper(|a| {
                    let value = a.target_expr(ast)?;
                    let value = a.resolve_unknown(value)?;
                    a.implicit_or_assigned(value, result)
                })
            });
            a.stand_ins = outer;
            a.scopes.pop();
            value
        })
    }
}

/// What a body of one SELECT of one expression computes.
fn only_expression(body: &Body) -> Option<Ast> {
    let statement = match body {
        Body::Text(text) => {
            let sources = scan::scan(text);
            let [source] = sources.as_slice() else { return None };
            parse::statement(source.text, &source.tokens).ok()??
        }
        Body::Parsed(text) => {
            let function = format!("CREATE FUNCTION f() {text}");
            let Ok(Some(Stmt::CreateFunction(create))) = parse::statement(&function, &tokens(&function, true)) else {
                return None;
            };
            match create.body? {
                RoutineBody::Return(value) => return Some(*value),
                RoutineBody::Atomic(mut statements) => match statements.pop()? {
                    Stmt::Return(value) if statements.is_empty() => return Some(*value),
                    statement if statements.is_empty() => statement,
                    _ => return None,
                },
            }
        }
    };
    let Stmt::Select(select) = statement else { return None };
    let is_plain = select.with.is_none()
        && select.sort.is_empty()
        && select.limit_count.is_none()
        && select.limit_offset.is_none()
        && select.locking.is_empty();
    let SelectBody::Select(mut simple) = select.body else { return None };
    let is_simple = simple.distinct.is_none()
        && simple.into.is_none()
        && simple.from.is_empty()
        && simple.where_clause.is_none()
        && simple.group.is_empty()
        && simple.having.is_none()
        && simple.windows.is_empty();
    let target = simple.targets.pop().filter(|_| is_plain && is_simple && simple.targets.is_empty())?;
    target.value
}

/// Whether it is NULL as soon as a part of it is (the inverse of contain_nonstrict_functions; not all that are are known).
fn is_strict(part: &Expr) -> bool {
    match &part.kind {
        ExprKind::Op(operator, _) => operator.is_strict(),
        ExprKind::Param(_) | ExprKind::Const(_) | ExprKind::Not(_) => true,
        ExprKind::Coerce { how, .. } => matches!(how, Coercion::Relabel | Coercion::Cast(_) | Coercion::ViaIo),
        ExprKind::CoerceTypmod { .. } => true,
        _ => false,
    }
}

fn stand_in(part: &Expr) -> Option<usize> {
    match part.kind {
        ExprKind::Param(n) => n.checked_sub(STAND_IN),
        _ => None,
    }
}

fn count(part: &Expr, counts: &mut [usize]) {
    if let Some(count) = stand_in(part).and_then(|n| counts.get_mut(n)) {
        *count += 1;
    }
    part.for_each_child(&mut |child| count(child, counts));
}

fn replace(part: &mut Expr, args: &[Expr]) {
    match stand_in(part).and_then(|n| args.get(n)) {
        Some(arg) => *part = arg.clone(),
        None => part.for_each_child_mut(&mut |child| replace(child, args)),
    }
}

fn nodes(part: &Expr) -> usize {
    let mut count = 1;
    part.for_each_child(&mut |child| count += nodes(child));
    count
}

/// In operators; a function that users made is as dear as a hundred (procost).
fn cost(part: &Expr) -> usize {
    let mut all = match &part.kind {
        ExprKind::Func(function, _) if function.name.is_empty() => 100,
        ExprKind::Param(_) | ExprKind::Const(_) | ExprKind::Literal(_) | ExprKind::Null | ExprKind::Var(_) => 0,
        _ => 1,
    };
    part.for_each_child(&mut |child| all += cost(child));
    all
}
