//! Row security: which policies a statement's tables have for whom they are read and changed, and where these stand in
//! the statement.
//!
//! Owns: [`Analyzer::policy_condition`], the conditions of a table's entry ([`Analyzer::security_quals`]), the checks of new
//! rows, and [`Analyzer::secure`], which puts conditions where nothing else sees a row before they have. Must not know: how a
//! policy is made, SQLite. Specification: ddl-rowsecurity.html, rowsecurity.c, rls.c.
//!
//! A condition that could tell of a row (a user's function, a cast that fails) is only evaluated where the policies are true:
//! it becomes CASE WHEN policies THEN condition END. Comparisons tell nothing (PostgreSQL's LEAKPROOF) and stand as they
//! are, so that indexes serve them. A sub-query over such a table, and a view that is a security barrier, keeps out what could
//! tell (`RangeTblEntry::barrier`).

use crate::catalog::acl::{Holder, Privileges};
use crate::catalog::policy::{Policy, PolicyCommand, SecurityContext};
use crate::catalog::privileges::PG_CLASS;
use crate::catalog::schema::{Relation, RelationKind};
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::scope::{RangeVar, Scope};
use crate::sql::planner::NOWHERE;
use crate::sql::syntax::ast::expression::Expr as Ast;
use crate::sql::syntax::grammar::locations::expr_location;
use crate::sql::syntax::parse;
use crate::sql::tree::{
    Body, CheckKind, Coercion, EntryId, EntryKind, Expr, ExprKind, FromItem, JoinKind, OperatorRef, Query,
    RangeTblEntry, SubLinkKind, Target, Var, WithCheck,
};
use crate::types::pg_type::Oid;
use crate::types::value::Value;

/// What messages call such expressions where something is not allowed in them.
const PLACE: &str = "policy expressions";

/// The texts of one condition: any of them is enough. None at all is never true.
type Clause<'p> = Vec<&'p str>;

impl<'a> Analyzer<'a> {
    // ----- the expressions of policies

    /// A policy's expression over a row of its table. Whose it is when it counts needs no right to read the row.
    pub(in crate::sql) fn policy_condition(
        &mut self,
        expr: &Ast,
        (entry, relation): (EntryId, &Relation),
        counts: bool,
    ) -> Result<Expr> {
        let mut row = RangeVar::table(self, relation, relation.name.clone(), entry);
        if counts {
            row.has_members = relation.has_members();
            row.columns.iter_mut().for_each(|column| {
                if let ExprKind::Var(var) = &mut column.expr.kind {
                    var.origin = (Oid::INVALID, 0);
                }
            });
        }
        self.scopes.push(Scope { entries: vec![row], ..Scope::default() });
        let result = self.without_sets(PLACE, |a| {
            a.in_clause(PLACE, |a| {
                let typed = a.expr(expr)?;
                a.boolean(typed, "POLICY").map_err(|error| a.at(error, expr_location(expr)))
            })
        });
        self.scopes.pop();
        result
    }

    /// 42P17 for a sub-query in a policy of a table that is read because of a policy of the same table.
    pub(super) fn check_policy_recursion(&self) -> Result<()> {
        let Some((oid, around)) = self.securing.split_last() else { return Ok(()) };
        if !around.contains(oid) {
            return Ok(());
        }
        let name = self.catalog().relations.get(oid).map_or("", |relation| &relation.name);
        let message = format!("infinite recursion detected in policy for relation \"{name}\"");
        Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message).with_position(NOWHERE))
    }

    fn clause(&mut self, clause: &[&str], (entry, relation): (EntryId, &Relation)) -> Result<Expr> {
        let mut parts = Vec::with_capacity(clause.len());
        let permissions = self.permissions.borrow().clone();
        for text in clause {
            let expr = parse::expression(text)?;
            // What it refers to is its own, not the statement's.
            let used = self.used.borrow().clone();
            self.securing.push(relation.oid);
            let condition = self.stored(|a| a.deeper(|a| a.policy_condition(&expr, (entry, relation), true)));
            self.securing.pop();
            self.used.replace(used);
            parts.push(condition?);
        }
        if let Some(always) = parts.iter().position(|part| part.kind == ExprKind::Const(Value::Integer(1))) {
            // The others are not evaluated, and what they read needs no right.
            self.permissions.replace(permissions);
            return Ok(parts.swap_remove(always));
        }
        Ok(match parts.len() {
            0 => Expr::constant(Value::Integer(0), Oid::BOOL),
            1 => parts.remove(0),
            _ => Expr::new(ExprKind::Or(parts), Oid::BOOL),
        })
    }

    // ----- which policies count

    /// Whose policies count where the analysis is: none where the table's do not (check_enable_rls).
    fn secured_for(&mut self, relation: &Relation) -> Result<Option<(&'a SecurityContext, Oid)>> {
        let Some(context) = self.context.security else { return Ok(None) };
        if !relation.row_security().enabled || relation.kind != RelationKind::Table || self.to_be_printed() {
            return Ok(None);
        }
        self.depends_on_row_security = true;
        let view = self.permissions.borrow().view();
        let user = view.map_or(context.role, |view| self.catalog().owner_of(PG_CLASS, view));
        match context.applies(self.catalog(), relation, user).map_err(|error| error.with_position(NOWHERE))? {
            true => Ok(Some((context, user))),
            false => Ok(None),
        }
    }

    /// What is wrong with COPY FROM where policies count: that it may not be done at all comes first.
    pub(in crate::sql) fn refuse_copy_of_secured(&mut self, relation: &Relation) -> Result<()> {
        match self.secured_for(relation) {
            Ok(None) => Ok(()),
            Ok(Some(_)) => {
                self.check_may_copy(relation, Privileges::INSERT)?;
                let message = "COPY FROM not supported with row-level security";
                let error = Error::new(SqlState::FEATURE_NOT_SUPPORTED, message);
                Err(error.with_hint("Use INSERT statements instead."))
            }
            Err(error) => self.check_may_copy(relation, Privileges::INSERT).and(Err(error.without_position())),
        }
    }

    /// The same of COPY TO, which reads what is seen.
    pub(in crate::sql) fn check_copy_of_secured(&mut self, relation: &Relation) -> Result<()> {
        match self.secured_for(relation) {
            Ok(None) => Ok(()),
            Ok(Some(_)) => self.check_may_copy(relation, Privileges::SELECT),
            Err(error) => self.check_may_copy(relation, Privileges::SELECT).and(Err(error.without_position())),
        }
    }

    fn check_may_copy(&self, relation: &Relation, wanted: Privileges) -> Result<()> {
        let Some(context) = self.context.security else { return Ok(()) };
        let holder = Holder::new(&context.roles, context.role, context.owner);
        let mut columns = relation.columns.iter().map(|column| column.number);
        match columns.all(|column| self.catalog().may_column(&holder, relation.oid, column, wanted)) {
            true => Ok(()),
            false => {
                let message = format!("permission denied for table {}", relation.name);
                Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
            }
        }
    }

    /// The conditions of a command's USING for a row of an entry: all of them.
    pub(super) fn security_quals(
        &mut self,
        relation: &Relation,
        entry: EntryId,
        commands: &[PolicyCommand],
    ) -> Result<Vec<Expr>> {
        match self.quals_of(relation, entry, commands) {
            Err(error) if self.securing.is_empty() => {
                self.put_off(error);
                // Nothing is seen whatever becomes of the error.
                Ok(vec![Expr::constant(Value::Integer(0), Oid::BOOL)])
            }
            quals => quals,
        }
    }

    /// What is wrong with policies is told when the rest of the statement is known to be right: PostgreSQL looks at them
    /// in the rewriter.
    fn put_off(&mut self, error: Error) {
        self.policy_error.get_or_insert(error);
    }

    /// The error that was put off.
    pub(in crate::sql) fn check_policies(&mut self) -> Result<()> {
        self.policy_error.take().map_or(Ok(()), Err)
    }

    fn quals_of(&mut self, relation: &Relation, entry: EntryId, commands: &[PolicyCommand]) -> Result<Vec<Expr>> {
        let Some((context, user)) = self.secured_for(relation)? else { return Ok(Vec::new()) };
        let mut clauses: Vec<Clause<'_>> = Vec::new();
        for command in commands {
            let (permissive, restrictive) = policies(relation, *command, context, user);
            self.check_recursion_of(&permissive, &restrictive, (entry, relation))?;
            let any: Clause<'_> = permissive.iter().filter_map(|policy| policy.using.as_deref()).collect();
            if !any.is_empty() {
                let each = restrictive.iter().filter_map(|policy| policy.using.as_deref());
                each.for_each(|text| add_unique(&mut clauses, vec![text]));
            }
            add_unique(&mut clauses, any);
        }
        clauses.iter().map(|clause| self.clause(clause, (entry, relation))).collect()
    }

    /// Adds the checks of rows by a command's policies (add_with_check_options).
    pub(super) fn add_row_checks(
        &mut self,
        checks: &mut Vec<WithCheck>,
        (relation, entry): (&Relation, EntryId),
        (kind, command): (CheckKind, PolicyCommand),
        force_using: bool,
    ) -> Result<()> {
        match self.row_checks_of((relation, entry), (kind, command), force_using) {
            Ok(found) => {
                found.into_iter().for_each(|check| {
                    if !checks.contains(&check) {
                        checks.push(check);
                    }
                });
                Ok(())
            }
            Err(error) => {
                self.put_off(error);
                let (name, condition) = (relation.name.clone(), Expr::constant(Value::Integer(0), Oid::BOOL));
                checks.push(WithCheck { kind, name, policy: None, condition });
                Ok(())
            }
        }
    }

    /// A policy of which one expression has a sub-query counts as one that has.
    fn check_recursion_of(
        &mut self,
        permissive: &[&Policy],
        restrictive: &[&Policy],
        row: (EntryId, &Relation),
    ) -> Result<()> {
        if !self.securing.contains(&row.1.oid) {
            return Ok(());
        }
        let texts =
            permissive.iter().chain(restrictive).flat_map(|policy| policy.using.iter().chain(&policy.with_check));
        texts.into_iter().try_for_each(|text| self.clause(&[text], row).map(|_| ()))
    }

    fn row_checks_of(
        &mut self,
        (relation, entry): (&Relation, EntryId),
        (kind, command): (CheckKind, PolicyCommand),
        force_using: bool,
    ) -> Result<Vec<WithCheck>> {
        let mut checks = Vec::new();
        let Some((context, user)) = self.secured_for(relation)? else { return Ok(checks) };
        let (permissive, restrictive) = policies(relation, command, context, user);
        let text = |policy: &'_ Policy| -> Option<String> {
            let own = policy.with_check.as_ref().filter(|_| !force_using);
            own.or(policy.using.as_ref()).cloned()
        };
        let any: Vec<String> = permissive.iter().filter_map(|policy| text(policy)).collect();
        let any: Clause<'_> = any.iter().map(String::as_str).collect();
        let mut add = |a: &mut Self, policy: Option<&str>, clause: &[&str]| {
            let mut condition = a.clause(clause, (entry, relation))?;
            if matches!(kind, CheckKind::Insert | CheckKind::Update) {
                a.compute_generated(&mut condition, (relation, entry))?;
            }
            let (name, policy) = (relation.name.clone(), policy.map(str::to_owned));
            checks.push(WithCheck { kind, name, policy, condition });
            Ok::<_, Error>(())
        };
        add(self, None, &any)?;
        if any.is_empty() {
            return Ok(checks);
        }
        for policy in restrictive {
            if let Some(text) = text(policy) {
                add(self, Some(&policy.name), &[&text])?;
            }
        }
        Ok(checks)
    }

    /// A row that is not there yet has no generated columns: they are what they are generated from.
    fn compute_generated(&mut self, condition: &mut Expr, (relation, entry): (&Relation, EntryId)) -> Result<()> {
        for column in relation.columns.iter().filter(|column| column.generated) {
            let is_it = |expr: &Expr| matches!(&expr.kind, ExprKind::Var(var) if var.entry == entry && var.attribute == column.number);
            let Some(text) = column.default.as_deref().filter(|_| condition.any_deep(&is_it)) else { continue };
            let expr = parse::expression(text)?;
            let value = self.stored(|a| {
                let row = RangeVar::table(a, relation, relation.name.clone(), entry);
                a.scopes.push(Scope { entries: vec![row], ..Scope::default() });
                let value = a.expr(&expr);
                a.scopes.pop();
                value
            })?;
            replace(condition, &is_it, &value);
        }
        Ok(())
    }

    // ----- where the conditions stand

    /// Puts the conditions of FROM's entries into a query's conditions, and those of `target`, which a statement changes.
    pub(super) fn secure(
        &self,
        from: &mut [FromItem],
        selection: &mut Option<Expr>,
        target: Option<(EntryId, &[Expr])>,
    ) {
        let mut guards = Guards::default();
        guards.entries.extend(target.filter(|(_, quals)| !quals.is_empty()).map(|(id, quals)| Guard {
            id,
            condition: all(quals.to_vec()),
            nullable: false,
            is_query: false,
        }));
        from.iter().for_each(|item| guards.collect(item, false));
        if guards.entries.is_empty() {
            return;
        }
        let mut pending: Vec<Expr> = Vec::new();
        for item in from.iter_mut() {
            pending.extend(guards.place(item));
        }
        pending.extend(target.into_iter().flat_map(|(_, quals)| quals.iter().cloned()));
        *selection = guards.guarded(selection.take(), pending);
        from.iter_mut().for_each(|item| guards.set_barriers(item));
    }
}

/// The policies of a command for a role: the permissive ones, and the restrictive ones by name.
fn policies<'r>(
    relation: &'r Relation,
    command: PolicyCommand,
    context: &SecurityContext,
    user: Oid,
) -> (Vec<&'r Policy>, Vec<&'r Policy>) {
    let counts = |policy: &&'r Policy| {
        let for_role = |role: &Oid| *role == Oid::INVALID || context.has_privileges_of(user, *role);
        (policy.command == PolicyCommand::All || policy.command == command) && policy.roles.iter().any(for_role)
    };
    let all = relation.row_security().policies.iter().map(|policy| &**policy).filter(counts);
    all.partition(|policy| policy.permissive)
}

fn add_unique<'p>(clauses: &mut Vec<Clause<'p>>, clause: Clause<'p>) {
    if !clauses.contains(&clause) {
        clauses.push(clause);
    }
}

fn all(mut conditions: Vec<Expr>) -> Expr {
    match conditions.len() {
        1 => conditions.remove(0),
        _ => Expr::new(ExprKind::And(conditions), Oid::BOOL),
    }
}

fn replace(expr: &mut Expr, is_it: &dyn Fn(&Expr) -> bool, by: &Expr) {
    if is_it(expr) {
        expr.clone_from(by);
        return;
    }
    if let Some(query) = expr.subquery_mut() {
        query.for_each_expr_mut(&mut |part| replace(part, is_it, by));
    }
    expr.for_each_child_mut(&mut |child| replace(child, is_it, by));
}

/// An entry whose rows not everybody sees.
struct Guard {
    id: EntryId,
    /// What is true of the rows that are seen; of a sub-query it is in there.
    condition: Expr,
    /// An outer join can leave it out.
    nullable: bool,
    is_query: bool,
}

/// Those of a query level.
#[derive(Default)]
struct Guards {
    entries: Vec<Guard>,
    /// Entries whose columns may be anything of what stands before them.
    lateral: Vec<EntryId>,
    /// Columns of sub-queries that are computed there.
    computed: Vec<(EntryId, i16)>,
    /// Sub-queries that something could tell of.
    barriers: std::cell::RefCell<Vec<EntryId>>,
}

impl Guards {
    fn collect(&mut self, item: &FromItem, nullable: bool) {
        match item {
            FromItem::Entry(entry) => self.collect_entry(entry, nullable),
            FromItem::Join { kind, left, right, .. } => {
                self.collect(left, nullable || matches!(kind, JoinKind::Right | JoinKind::Full));
                self.collect(right, nullable || matches!(kind, JoinKind::Left | JoinKind::Full));
            }
        }
    }

    fn collect_entry(&mut self, entry: &RangeTblEntry, nullable: bool) {
        let id = entry.id;
        if !entry.security_quals.is_empty() {
            let condition = all(entry.security_quals.clone());
            return self.entries.push(Guard { id, condition, nullable, is_query: false });
        }
        match &entry.kind {
            EntryKind::Subquery { query, lateral } => {
                if *lateral {
                    self.lateral.push(id);
                }
                if entry.security_barrier || query.is_secured() {
                    let condition = Expr::constant(Value::Integer(1), Oid::BOOL);
                    self.entries.push(Guard { id, condition, nullable, is_query: true });
                    let computed = query.outputs().len();
                    let computed = (1..=computed).filter(|place| !is_plain(query, *place));
                    self.computed.extend(computed.filter_map(|place| Some((id, i16::try_from(place).ok()?))));
                }
            }
            EntryKind::Function { .. } => self.lateral.push(id),
            EntryKind::Relation(_) | EntryKind::Members(_) | EntryKind::Cte(_) | EntryKind::Kept { .. } => {}
        }
    }

    /// Puts conditions into the joins; those that are left belong above the item.
    fn place(&self, item: &mut FromItem) -> Vec<Expr> {
        match item {
            FromItem::Entry(entry) => {
                let own = self.entries.iter().filter(|guard| guard.id == entry.id && !guard.is_query);
                own.map(|guard| guard.condition.clone()).collect()
            }
            FromItem::Join { kind, left, right, on } => {
                let (above_left, above_right) = (self.place(left), self.place(right));
                let (inside, above) = match kind {
                    JoinKind::Inner | JoinKind::Cross => (Vec::new(), [above_left, above_right].concat()),
                    JoinKind::Left => (above_right, above_left),
                    JoinKind::Right => (above_left, above_right),
                    JoinKind::Full => {
                        // A row of one side that the other has no match for is there all the same.
                        let both = [above_left, above_right].concat();
                        let entries = [left.entries(), right.entries()].concat();
                        let of_side = |guard: &&Guard| entries.iter().any(|entry| entry.id == guard.id);
                        let own = self.entries.iter().filter(of_side).filter(|guard| !guard.is_query);
                        (both, own.map(Guard::seen).collect())
                    }
                };
                if on.is_some() || !inside.is_empty() {
                    *on = self.guarded(on.take(), inside);
                }
                above
            }
        }
    }

    /// A condition, guarded, and what must be true besides.
    fn guarded(&self, condition: Option<Expr>, required: Vec<Expr>) -> Option<Expr> {
        let mut conjuncts = Vec::new();
        condition.into_iter().for_each(|condition| split(condition, &mut conjuncts));
        let mut result = Vec::new();
        // Conditions that could tell something, by the entries of which.
        let mut telling: Vec<(Vec<usize>, Vec<Expr>)> = Vec::new();
        for conjunct in conjuncts {
            let of = self.told_by(&conjunct);
            match telling.iter_mut().find(|(known, _)| *known == of) {
                _ if of.is_empty() => result.push(conjunct),
                Some((_, conjuncts)) => conjuncts.push(conjunct),
                None => telling.push((of, vec![conjunct])),
            }
        }
        let mut required: Vec<Expr> = required
            .into_iter()
            .flat_map(|condition| {
                let mut parts = Vec::new();
                split(condition, &mut parts);
                parts
            })
            .collect();
        let mut guarded = Vec::new();
        for (of, conjuncts) in telling {
            let guards: Vec<&Guard> = of.iter().filter_map(|index| self.entries.get(*index)).collect();
            let queries = guards.iter().filter(|guard| guard.is_query).map(|guard| guard.id);
            self.barriers.borrow_mut().extend(queries);
            let tables: Vec<&Guard> = guards.into_iter().filter(|guard| !guard.is_query).collect();
            if tables.is_empty() {
                result.extend(conjuncts);
                continue;
            }
            if let [only] = tables.as_slice()
                && self.lateral.is_empty()
                && !only.nullable
            {
                // What the guard says need not be said again, unless an index can serve it.
                let mut said = Vec::new();
                split(only.condition.clone(), &mut said);
                required.retain(|condition| !said.contains(condition) || is_repeatable(condition));
            }
            let guard = all(tables.iter().map(|guard| guard.seen()).collect());
            let whens = vec![(guard, all(conjuncts))];
            guarded.push(Expr::new(ExprKind::Case { operand: None, whens, otherwise: None }, Oid::BOOL));
        }
        result.extend(required);
        result.extend(guarded);
        (!result.is_empty()).then(|| all(result))
    }

    /// The entries that a condition could tell something of, by their places.
    fn told_by(&self, condition: &Expr) -> Vec<usize> {
        let is_lateral = |expr: &Expr| matches!(&expr.kind, ExprKind::Var(var) if self.lateral.contains(&var.entry));
        if condition.any_deep(&is_lateral) {
            return (0..self.entries.len()).collect();
        }
        if !self.tells(condition) {
            return Vec::new();
        }
        let mentioned = |guard: &Guard| condition.any_deep(&|expr| is_of(expr, guard.id));
        self.entries.iter().enumerate().filter(|(_, guard)| mentioned(guard)).map(|(place, _)| place).collect()
    }

    fn mentions(&self, expr: &Expr) -> bool {
        expr.any_deep(&|part| self.entries.iter().any(|guard| is_of(part, guard.id)))
    }

    /// Whether evaluating an expression could tell something of the rows (contain_leaked_vars).
    fn tells(&self, expr: &Expr) -> bool {
        if !self.mentions(expr) {
            return false;
        }
        let parts = || {
            let mut tells = false;
            expr.for_each_child(&mut |child| tells = tells || self.tells(child));
            tells
        };
        match &expr.kind {
            ExprKind::Var(var) => self.computed.contains(&(var.entry, var.attribute)),
            ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::NullTest { .. }
            | ExprKind::BooleanTest { .. }
            | ExprKind::Op(OperatorRef::Comparison(_), _)
            | ExprKind::RowCompare { .. }
            | ExprKind::InList { .. }
            | ExprKind::ScalarArray { .. }
            | ExprKind::EnumOrder(_)
            | ExprKind::Coerce { how: Coercion::Relabel, .. }
            | ExprKind::Distinct { operator: OperatorRef::Comparison(_), .. } => parts(),
            ExprKind::Coerce { how: Coercion::Cast(_), arg } => !is_widening(arg.type_oid, expr.type_oid) || parts(),
            ExprKind::CurrentOf { .. } => false,
            ExprKind::SubLink(link) => match &link.kind {
                SubLinkKind::In(values) => {
                    let correlated = link.query.any(&|part| self.entries.iter().any(|guard| is_of(part, guard.id)));
                    correlated || values.iter().any(|value| self.tells(value))
                }
                _ => true,
            },
            _ => true,
        }
    }

    fn set_barriers(&self, item: &mut FromItem) {
        match item {
            FromItem::Entry(entry) => entry.barrier |= self.barriers.borrow().contains(&entry.id),
            FromItem::Join { left, right, .. } => {
                self.set_barriers(left);
                self.set_barriers(right);
            }
        }
    }
}

impl Guard {
    /// True of a row that is seen, and where there is none.
    fn seen(&self) -> Expr {
        if !self.nullable {
            return self.condition.clone();
        }
        let row = Var { entry: self.id, attribute: Var::CTID, origin: (Oid::INVALID, 0), not_null: false };
        let arg = Box::new(Expr::new(ExprKind::Var(row), Oid::INT8));
        let missing = Expr::new(ExprKind::NullTest { arg, negated: false }, Oid::BOOL);
        Expr::new(ExprKind::Or(vec![missing, self.condition.clone()]), Oid::BOOL)
    }
}

impl Analyzer<'_> {
    /// The same of MERGE, whose source keeps rows for which there is no match: gives its condition.
    pub(super) fn secure_join(
        &mut self,
        source: &mut FromItem,
        condition: Expr,
        (target, quals): (EntryId, &[Expr]),
    ) -> Expr {
        let mut guards = Guards::default();
        if !quals.is_empty() {
            let condition = all(quals.to_vec());
            guards.entries.push(Guard { id: target, condition, nullable: false, is_query: false });
        }
        guards.collect(source, false);
        if guards.entries.is_empty() {
            return condition;
        }
        let pending = guards.place(source);
        if !pending.is_empty() {
            // Rows of the source that are not seen are not there: it is joined with one row, to have a condition.
            let one = Target { name: String::new(), expr: Expr::integer(1, Oid::INT4) };
            let kind = EntryKind::Subquery { query: Box::new(Query::of_targets(vec![one])), lateral: false };
            let row = Box::new(FromItem::Entry(RangeTblEntry::new(self.fresh_entry(), kind)));
            let on = guards.guarded(None, pending);
            *source = FromItem::Join { kind: JoinKind::Inner, left: row, right: Box::new(source.clone()), on };
        }
        let condition = guards.guarded(Some(condition), quals.to_vec());
        guards.set_barriers(source);
        condition.unwrap_or_else(|| Expr::integer(1, Oid::BOOL))
    }
}

impl Query {
    /// Whether something in FROM of it, or of a sub-query there, has rows that not everybody sees.
    pub(super) fn is_secured(&self) -> bool {
        let mut secured = false;
        self.for_each_entry(&mut |entry| secured |= !entry.security_quals.is_empty() || entry.security_barrier);
        secured
    }
}

fn is_of(expr: &Expr, entry: EntryId) -> bool {
    match &expr.kind {
        ExprKind::Var(var) => var.entry == entry,
        ExprKind::CurrentOf { row, .. } => row.entry == entry,
        _ => false,
    }
}

/// A conversion that no value can fail in.
fn is_widening(from: Oid, to: Oid) -> bool {
    matches!((from, to), (Oid::INT2, Oid::INT4 | Oid::INT8) | (Oid::INT4, Oid::INT8) | (Oid::FLOAT4, Oid::FLOAT8))
}

/// Whether an output column of a query is a column as it is.
fn is_plain(query: &Query, place: usize) -> bool {
    let Body::Select(select) = &query.body else { return false };
    let Some(target) = place.checked_sub(1).and_then(|place| select.targets.get(place)) else { return false };
    match &target.expr.kind {
        ExprKind::Null | ExprKind::Const(_) | ExprKind::Literal(_) | ExprKind::Param(_) => true,
        ExprKind::Var(var) => {
            let entries = select.from.iter().flat_map(FromItem::entries).find(|entry| entry.id == var.entry);
            entries.is_some_and(|entry| match &entry.kind {
                EntryKind::Relation(_) | EntryKind::Members(_) | EntryKind::Kept { .. } => true,
                EntryKind::Subquery { query, lateral: false } => {
                    usize::try_from(var.attribute).is_ok_and(|place| is_plain(query, place))
                }
                _ => false,
            })
        }
        _ => false,
    }
}

/// Whether evaluating it twice does nothing twice, and is worth it.
fn is_repeatable(condition: &Expr) -> bool {
    !condition.any(&|part| match &part.kind {
        ExprKind::SubLink(_) => true,
        ExprKind::Func(function, _) | ExprKind::Variadic(function, _) => function.volatility.is_volatile(),
        _ => false,
    })
}

/// What stands between the ANDs.
fn split(condition: Expr, conjuncts: &mut Vec<Expr>) {
    match condition.kind {
        ExprKind::And(parts) => parts.into_iter().for_each(|part| split(part, conjuncts)),
        _ => conjuncts.push(condition),
    }
}
