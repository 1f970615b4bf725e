//! What PostgreSQL evaluates when it plans a statement: parts without columns and parameters, of immutable functions. A
//! statement fails by them before it has read or changed anything, whether or not it would have come to them.
//!
//! Owns: [`of_query`] and [`of_change`], which give expressions to be evaluated before the statement: of such parts those
//! that can fail, behind the constants that keep PostgreSQL from coming to them. Must not know: SQLite, which evaluates
//! them. Specification: eval_const_expressions in clauses.c.

use std::cell::RefCell;
use std::collections::HashSet;

use crate::limits::stack;
use crate::sql::functions::{FunctionKind, Volatility};
use crate::sql::tree::{
    Body, BooleanTest, Coercion, CteId, CteQuery, EntryId, EntryKind, Expr, ExprKind, FromItem, Modify, OperatorRef,
    Query, Select, SubLinkKind, Target,
};
use crate::types::pg_type::{Oid, type_info};

/// Operators that fail for some operands.
const FAILING_OPERATORS: &[&str] = &["%", "*", "+", "-", "/", "^", "||/", "|/"];

/// Functions that fail for some arguments, and are not in the way of others.
const FAILING_FUNCTIONS: &[&str] = &[
    "abs",
    "chr",
    "div",
    "dexp",
    "dlog10",
    "dpow",
    "dsqrt",
    "exp",
    "factorial",
    "int4",
    "int8",
    "ln",
    "log",
    "log10",
    "mod",
    "pow",
    "power",
    "sqrt",
    "to_number",
];

/// Types whose operators, and whose conversions from and to text, depend on no setting.
const PLAIN: &[Oid] = &[
    Oid::BOOL,
    Oid::INT2,
    Oid::INT4,
    Oid::INT8,
    Oid::FLOAT4,
    Oid::FLOAT8,
    Oid::NUMERIC,
    Oid::TEXT,
    Oid::VARCHAR,
    Oid::BPCHAR,
    Oid::UUID,
];

/// What of a query is to be evaluated before it.
pub fn of_query(query: &Query) -> Vec<Expr> {
    let mut folding = Folding::default();
    folding.note_query(query);
    folding.query(query, &|_| true);
    folding.all()
}

/// What of a change of data is to be evaluated before it.
pub fn of_change(modify: &Modify) -> Vec<Expr> {
    let mut folding = Folding::default();
    modify.for_each_expr(&mut |expr| folding.note(expr));
    modify.for_each_entry_read(&mut |entry| folding.note_entry(&entry.kind));
    folding.modify(modify);
    folding.all()
}

#[derive(Default)]
struct Folding {
    guards: Vec<Expr>,
    /// Constants that name an object, as 'x'::regclass does: PostgreSQL looks them up as it analyses the statement.
    names: Vec<Expr>,
    /// The columns that something names.
    named: HashSet<(EntryId, i16)>,
    /// The WITH queries that something reads.
    read: HashSet<CteId>,
    /// Whether it is within an operand of an operator that is NULL whatever it is: its sub-queries are not planned.
    is_null: bool,
}

impl Folding {
    fn all(mut self) -> Vec<Expr> {
        self.names.append(&mut self.guards);
        self.names
    }

    fn note(&mut self, expr: &Expr) {
        let named = RefCell::new(std::mem::take(&mut self.named));
        let names = RefCell::new(std::mem::take(&mut self.names));
        expr.any_deep(&|part| {
            match &part.kind {
                ExprKind::Var(var) => {
                    named.borrow_mut().insert((var.entry, var.attribute));
                }
                ExprKind::Coerce { how: Coercion::ViaIo, arg } if names_object(part, arg) => {
                    let mut names = names.borrow_mut();
                    if !names.contains(part) {
                        names.push(part.clone());
                    }
                }
                _ => {}
            }
            false
        });
        self.named = named.into_inner();
        self.names = names.into_inner();
    }

    fn note_query(&mut self, query: &Query) {
        query.for_each_expr(&mut |expr| self.note(expr));
        // Those of sub-queries are among them.
        query.for_each_entry_read(&mut |entry| {
            if let EntryKind::Cte(id) = &entry.kind {
                self.read.insert(*id);
            }
        });
    }

    fn note_entry(&mut self, kind: &EntryKind) {
        match kind {
            EntryKind::Cte(id) => {
                self.read.insert(*id);
            }
            EntryKind::Subquery { query, .. } => self.note_query(query),
            _ => {}
        }
    }

    fn modify(&mut self, modify: &Modify) {
        for cte in modify.with().0 {
            self.cte(&cte.query, cte.id);
        }
        match modify {
            Modify::Insert(insert) => {
                self.body(&insert.source, &|_| true);
                if let Some(update) = insert.conflict.as_ref().and_then(|conflict| conflict.update.as_ref()) {
                    update.assignments.iter().for_each(|(_, value)| self.root(value));
                    update.selection.iter().for_each(|selection| self.root(selection));
                }
            }
            Modify::Update(update) => {
                update.from.iter().for_each(|item| self.from(item));
                update.assignments.iter().for_each(|(_, value)| self.root(value));
                update.selection.iter().for_each(|selection| self.root(selection));
            }
            Modify::Delete(delete) => {
                delete.using.iter().for_each(|item| self.from(item));
                delete.selection.iter().for_each(|selection| self.root(selection));
            }
            Modify::Merge(merge) => {
                self.from(&merge.source);
                self.root(&merge.condition);
                merge.action_exprs().for_each(|expr| self.root(expr));
            }
        }
        modify.returning().iter().for_each(|target| self.root(&target.expr));
    }

    fn cte(&mut self, query: &CteQuery, id: CteId) {
        match query {
            CteQuery::Select(query) if self.read.contains(&id) => self.query(query, &|_| true),
            CteQuery::Select(_) => {}
            CteQuery::Modify(modify) => self.modify(modify),
        }
    }

    /// `is_used` says of which of its columns somebody makes use.
    fn query(&mut self, query: &Query, is_used: &dyn Fn(usize) -> bool) {
        if stack::check().is_err() {
            return;
        }
        query.ctes.iter().for_each(|cte| self.cte(&cte.query, cte.id));
        self.body(&query.body, is_used);
        query.order_by.iter().filter(|key| key.output.is_none()).for_each(|key| self.root(&key.expr));
        query.limit.iter().chain(&query.offset).for_each(|expr| self.root(expr));
    }

    fn body(&mut self, body: &Body, is_used: &dyn Fn(usize) -> bool) {
        match body {
            Body::Select(select) => self.select(select, is_used),
            Body::Values { rows, .. } => rows.iter().flatten().for_each(|expr| self.root(expr)),
            Body::SetOperation { left, right, .. } => {
                self.query(left, &|_| true);
                self.query(right, &|_| true);
            }
        }
    }

    fn select(&mut self, select: &Select, is_used: &dyn Fn(usize) -> bool) {
        select.from.iter().for_each(|item| self.from(item));
        let targets = select.targets.iter().enumerate();
        targets
            .filter(|(place, _)| select.distinct || is_used(*place))
            .for_each(|(_, Target { expr, .. })| self.root(expr));
        let rest = select.selection.iter().chain(&select.having).chain(&select.group_by).chain(&select.distinct_on);
        rest.for_each(|expr| self.root(expr));
    }

    fn from(&mut self, item: &FromItem) {
        if stack::check().is_err() {
            return;
        }
        match item {
            FromItem::Join { left, right, on, .. } => {
                self.from(left);
                self.from(right);
                on.iter().for_each(|on| self.root(on));
            }
            FromItem::Entry(entry) => match &entry.kind {
                EntryKind::Subquery { query, .. } => {
                    let numbers = |named: &HashSet<(EntryId, i16)>| {
                        let own = named.iter().filter(|(id, _)| *id == entry.id);
                        own.map(|(_, attribute)| *attribute).collect::<HashSet<i16>>()
                    };
                    let used = numbers(&self.named);
                    self.query(query, &|place| i16::try_from(place + 1).is_ok_and(|number| used.contains(&number)));
                }
                EntryKind::Function { calls, .. } => calls.iter().for_each(|call| self.root(call)),
                _ => {}
            },
        }
    }

    /// A whole expression.
    fn root(&mut self, expr: &Expr) {
        let mut found = Vec::new();
        if self.guards_of(expr, None, &mut found) {
            found = own(expr);
        }
        self.guards.append(&mut found);
    }

    /// Whether the expression is a constant; if not, what of its parts is to be evaluated is found. `operand` is what
    /// the CASE around it compares with, if that is a constant.
    fn guards_of(&mut self, expr: &Expr, operand: Option<&Expr>, found: &mut Vec<Expr>) -> bool {
        if stack::check().is_err() {
            return false;
        }
        match &expr.kind {
            ExprKind::Null | ExprKind::Literal(_) | ExprKind::Const(_) => return true,
            ExprKind::CaseTest => return operand.is_some(),
            ExprKind::And(args) => return self.connected(args, BooleanTest::False, operand, found),
            ExprKind::Or(args) => return self.connected(args, BooleanTest::True, operand, found),
            ExprKind::Case { operand: compared, whens, otherwise } => {
                return self.case(compared.as_deref(), whens, otherwise.as_deref(), found);
            }
            ExprKind::Coalesce(args) => {
                let next = |arg: Expr, rest| {
                    let is_null = ExprKind::NullTest { arg: Box::new(arg), negated: false };
                    when(Expr::new(is_null, Oid::BOOL), rest, Vec::new())
                };
                return self.in_turn(args, operand, found, next);
            }
            ExprKind::Op(operator, operands) if operator.is_strict() && operands.iter().any(Expr::is_null) => {
                let outer = std::mem::replace(&mut self.is_null, true);
                for part in operands {
                    if self.guards_of(part, operand, found) && !needs_operand(part) {
                        found.append(&mut own(part));
                    }
                }
                self.is_null = outer;
                return false;
            }
            ExprKind::SubLink(_) if self.is_null => {}
            ExprKind::SubLink(link) => {
                let exists = link.kind == SubLinkKind::Exists;
                self.query(&link.query, &|_| !exists);
            }
            _ => {}
        }
        let mut parts = Vec::new();
        expr.for_each_child(&mut |part| parts.push(part));
        let mut constants = Vec::new();
        let mut constant = is_foldable(expr);
        for part in parts {
            match self.guards_of(part, operand, found) {
                true => constants.push(part),
                false => constant = false,
            }
        }
        if !constant {
            found.extend(constants.into_iter().filter(|part| !needs_operand(part)).flat_map(own));
        }
        constant
    }

    /// AND and OR, whose parts after one that decides are not looked at.
    fn connected(
        &mut self,
        args: &[Expr],
        decides: BooleanTest,
        operand: Option<&Expr>,
        found: &mut Vec<Expr>,
    ) -> bool {
        self.in_turn(args, operand, found, |arg, rest| {
            let test = ExprKind::BooleanTest { arg: Box::new(arg), test: decides };
            when(Expr::new(test, Oid::BOOL), Vec::new(), rest)
        })
    }

    /// Arguments that are looked at one after the other: after a constant, `next` says when the rest is. What may be one
    /// for PostgreSQL alone may decide as well: the rest is not evaluated before the statement then.
    fn in_turn(
        &mut self,
        args: &[Expr],
        operand: Option<&Expr>,
        found: &mut Vec<Expr>,
        next: impl Fn(Expr, Vec<Expr>) -> Expr,
    ) -> bool {
        let mut rest: Vec<Expr> = Vec::new();
        let mut constant = true;
        for arg in args.iter().rev() {
            let mut own_guards = Vec::new();
            rest = match self.guards_of(arg, operand, &mut own_guards) {
                true if rest.is_empty() => own(arg),
                true => vec![next(arg.clone(), rest)],
                false => {
                    constant = false;
                    if !may_be_folded(arg, operand.is_some()) {
                        own_guards.append(&mut rest);
                    }
                    own_guards
                }
            };
        }
        if !constant {
            found.append(&mut rest);
        }
        constant
    }

    fn case(
        &mut self,
        compared: Option<&Expr>,
        whens: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
        found: &mut Vec<Expr>,
    ) -> bool {
        let mut before = Vec::new();
        let operand = compared.filter(|compared| self.guards_of(compared, None, &mut before));
        let may_decide = operand.is_some() || compared.is_some_and(|compared| may_be_folded(compared, true));
        let mut constant = compared.is_none() || operand.is_some();
        let mut rest = Vec::new();
        if let Some(otherwise) = otherwise {
            match self.guards_of(otherwise, None, &mut rest) {
                true => rest = own(otherwise),
                false => constant = false,
            }
        }
        for (condition, result) in whens.iter().rev() {
            let mut then = Vec::new();
            match self.guards_of(result, None, &mut then) {
                true => then = own(result),
                false => constant = false,
            }
            let mut own_guards = Vec::new();
            match self.guards_of(condition, operand, &mut own_guards) {
                true => {
                    let condition = with_operand(condition, operand);
                    rest = match then.is_empty() && rest.is_empty() {
                        true => own(&condition),
                        false => vec![when(condition, then, rest)],
                    };
                }
                false => {
                    constant = false;
                    if !may_be_folded(condition, may_decide) {
                        own_guards.append(&mut then);
                        own_guards.append(&mut rest);
                    }
                    rest = own_guards;
                }
            }
        }
        if !constant {
            found.append(&mut before);
            found.append(&mut rest);
        }
        constant
    }
}

/// Whether PostgreSQL may come to know its value as it plans, if only as NULL: it depends on nothing that is read, or an
/// operand is NULL. `operand` says that of what the CASE around it compares with.
fn may_be_folded(expr: &Expr, operand: bool) -> bool {
    if stack::check().is_err() {
        return true;
    }
    match &expr.kind {
        ExprKind::Var(_) | ExprKind::SubLink(_) | ExprKind::Aggref(_) | ExprKind::CurrentOf { .. } => false,
        ExprKind::CaseTest => operand,
        ExprKind::Func(function, _) if function.volatility != Volatility::Immutable => false,
        _ => {
            let (mut any, mut all, mut null) = (false, true, false);
            expr.for_each_child(&mut |part| {
                let folded = may_be_folded(part, operand);
                (any, all, null) = (any | folded, all & folded, null | part.is_null());
            });
            let is_decided_by_one =
                matches!(expr.kind, ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Case { .. } | ExprKind::Coalesce(_));
            all || null || any && is_decided_by_one
        }
    }
}

/// Whether it is a constant's text read as the name of an object.
fn names_object(expr: &Expr, text: &Expr) -> bool {
    matches!(text.kind, ExprKind::Literal(_) | ExprKind::Const(_))
        && type_info(expr.type_oid).is_some_and(|info| info.repr.scalar.names_object() && !info.is_array())
}

/// A constant that can fail.
fn own(expr: &Expr) -> Vec<Expr> {
    if expr.any(&can_fail) { vec![expr.clone()] } else { Vec::new() }
}

/// Whether it is over the operand of a CASE, which is not there by itself.
fn needs_operand(part: &Expr) -> bool {
    part.any(&|part| matches!(part.kind, ExprKind::CaseTest))
}

/// A condition over the operand of the CASE it stands in.
fn with_operand(condition: &Expr, operand: Option<&Expr>) -> Expr {
    let mut condition = condition.clone();
    if let Some(operand) = operand {
        put_operand(&mut condition, operand);
    }
    condition
}

fn put_operand(expr: &mut Expr, operand: &Expr) {
    if matches!(expr.kind, ExprKind::CaseTest) {
        *expr = operand.clone();
    } else if stack::check().is_ok() {
        expr.for_each_child_mut(&mut |part| put_operand(part, operand));
    }
}

/// CASE WHEN condition THEN all of these ELSE all of those END.
fn when(condition: Expr, then: Vec<Expr>, otherwise: Vec<Expr>) -> Expr {
    let kind = ExprKind::Case {
        operand: None,
        whens: vec![(condition, all(then))],
        otherwise: Some(Box::new(all(otherwise))),
    };
    Expr::new(kind, Oid::BOOL)
}

/// An expression that evaluates all of these, one after the other: none of the tests is true.
fn all(guards: Vec<Expr>) -> Expr {
    let tests = guards.into_iter().map(|guard| {
        let is_null = Expr::new(ExprKind::NullTest { arg: Box::new(guard), negated: false }, Oid::BOOL);
        Expr::new(ExprKind::BooleanTest { arg: Box::new(is_null), test: BooleanTest::Unknown }, Oid::BOOL)
    });
    let tests: Vec<Expr> = tests.collect();
    if tests.is_empty() { Expr::null(Oid::BOOL) } else { Expr::new(ExprKind::Or(tests), Oid::BOOL) }
}

fn is_plain(expr: &Expr) -> bool {
    PLAIN.contains(&expr.type_oid)
}

/// Whether PostgreSQL evaluates it once its parts are constants, and the value is one that can be looked at alone.
fn is_foldable(expr: &Expr) -> bool {
    if !is_plain(expr) {
        return false;
    }
    let mut plain = true;
    expr.for_each_child(&mut |part| plain &= is_plain(part));
    match &expr.kind {
        ExprKind::Func(function, _) => {
            plain && function.kind == FunctionKind::Scalar && function.volatility == Volatility::Immutable
        }
        ExprKind::Op(..) | ExprKind::Distinct { .. } | ExprKind::NullIf { .. } | ExprKind::InList { .. } => plain,
        ExprKind::Coerce { how, .. } => {
            plain && matches!(how, Coercion::Relabel | Coercion::Cast(_) | Coercion::ViaIo | Coercion::Input)
        }
        ExprKind::Not(_)
        | ExprKind::NullTest { .. }
        | ExprKind::BooleanTest { .. }
        | ExprKind::CoerceTypmod { .. }
        | ExprKind::MinMax { .. } => plain,
        _ => false,
    }
}

/// What an expression costs, in calls (cost_qual_eval).
pub fn cost(expr: &Expr) -> usize {
    let mut cost = match &expr.kind {
        ExprKind::Func(..) | ExprKind::Variadic(..) | ExprKind::Op(..) | ExprKind::Distinct { .. } => 1,
        ExprKind::NullIf { .. } => 1,
        ExprKind::Coerce { how: Coercion::Relabel | Coercion::Input, .. } => 0,
        ExprKind::Coerce { how: Coercion::ViaIo, .. } => 2,
        ExprKind::Coerce { .. } | ExprKind::CoerceTypmod { .. } => 1,
        ExprKind::InList { list, .. } => list.len().div_ceil(2),
        ExprKind::SubLink(_) => 10_000,
        _ => 0,
    };
    if stack::check().is_ok() {
        expr.for_each_child(&mut |part| cost += self::cost(part));
    }
    cost
}

/// Whether evaluating it, its parts aside, fails for some values.
pub fn can_fail(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Op(OperatorRef::Listed(operator), _) => FAILING_OPERATORS.contains(&operator.name),
        ExprKind::Func(function, _) => FAILING_FUNCTIONS.contains(&function.name),
        ExprKind::Coerce { how: Coercion::ViaIo | Coercion::Cast(_), arg } => {
            let is_text = |oid: Oid| matches!(oid, Oid::TEXT | Oid::VARCHAR | Oid::BPCHAR);
            !is_text(expr.type_oid) && arg.type_oid != expr.type_oid
        }
        _ => false,
    }
}
