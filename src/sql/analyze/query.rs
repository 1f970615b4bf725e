//! Queries: WITH, SELECT, VALUES, set operations, ORDER BY, LIMIT.
//!
//! Owns: [`Analyzer::query`], [`Analyzer::subquery`] and the clauses of SELECT; FROM is in `from`, a query of WITH in
//! `cte`, the rule of GROUP BY in `grouping`. Specification: sql-select.html, queries.html.

use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::names::output_name;
use crate::sql::analyze::scope::{RangeVar, Scope};
use crate::sql::syntax::ast::expression::{AConst, ConstValue, Expr as Ast, Field, Indirection};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::{
    self as ast, Distinct, LimitOption, ResTarget, SelectBody, SelectStmt, SetOperation, SimpleSelect, SortBy,
};
use crate::sql::syntax::grammar::locations::expr_location;
use crate::sql::tree::{
    Body, EntryId, EntryKind, Expr, ExprKind, FromItem, Query, RangeTblEntry, Select, SetOperator, SortKey, Target, Var,
};
use crate::types::pg_type::Oid;

/// The output columns of a query: name, type, modifier.
pub(super) type Columns = Vec<(String, Oid, i32)>;

/// The most columns of a result (MaxTupleAttributeNumber).
const MAX_TARGETS: usize = 1_664;

/// 54011 for a result that is too wide.
fn check_width(width: usize) -> Result<()> {
    if width > MAX_TARGETS {
        let message = format!("target lists can have at most {MAX_TARGETS} entries");
        return Err(Error::new(SqlState::TOO_MANY_COLUMNS, message));
    }
    Ok(())
}

impl Analyzer<'_> {
    /// A query inside another statement, its columns' types decided.
    pub(super) fn subquery(&mut self, ast: &SelectStmt) -> Result<(Query, Columns)> {
        self.check_policy_recursion()?;
        self.nesting += 1;
        let query = self.deeper(|a| a.query(ast));
        self.nesting -= 1;
        let query = query?;
        let columns = query.outputs();
        Ok((query, columns))
    }

    /// A query with its WITH list in scope. Output columns are never of type unknown.
    pub(in crate::sql) fn query(&mut self, ast: &SelectStmt) -> Result<Query> {
        let mut query = self.query_with_unknowns(ast)?;
        self.resolve_outputs(&mut query)?;
        Ok(query)
    }

    /// As [`Analyzer::query`], but constants keep type unknown so that INSERT and set operations can decide.
    pub(super) fn query_with_unknowns(&mut self, ast: &SelectStmt) -> Result<Query> {
        let in_scope = self.ctes.len();
        let locked = self.locks_of(&ast.locking);
        let ctes = ast.with.as_ref().map(|with| self.with(with)).transpose()?.unwrap_or_default();
        let outer = std::mem::replace(&mut self.locked, locked);
        let body = self.body(&ast.body, &ast.sort);
        self.locked = outer;
        let (mut body, order_by) = body?;
        let (limit, offset) = self.limit_clause(ast)?;
        if self.to_be_printed() && !ast.locking.is_empty() {
            return Err(Error::unsupported("printing FOR UPDATE"));
        }
        let mut row_marks = Vec::new();
        for lock in &ast.locking {
            self.lock_rows(lock, &ast.body, &mut body, &mut row_marks)?;
        }
        self.ctes.truncate(in_scope);
        let recursive = ast.with.as_ref().is_some_and(|with| with.recursive);
        let with_ties = ast.limit_option == LimitOption::WithTies;
        Ok(Query { ctes, recursive, body, order_by, limit, offset, with_ties, row_marks })
    }

    fn body(&mut self, body: &SelectBody, order_by: &[SortBy]) -> Result<(Body, Vec<SortKey>)> {
        match body {
            SelectBody::Select(select) => {
                let (mut select, keys) = self.select(select, order_by)?;
                self.secure(&mut select.from, &mut select.selection, None);
                Ok((Body::Select(Box::new(select)), keys))
            }
            SelectBody::Values(rows) => {
                let body = self.values(rows)?;
                let keys = self.output_sort_keys(&Query::of(body.clone()).outputs(), order_by, "VALUES")?;
                Ok((body, keys))
            }
            SelectBody::SetOperation(operation) => {
                let body = self.set_operation(operation)?;
                let columns = Query::of(body.clone()).outputs();
                let keys = self.output_sort_keys(&columns, order_by, "UNION/INTERSECT/EXCEPT")?;
                Ok((body, keys))
            }
        }
    }

    /// One side of a set operation. What has its own WITH, ORDER BY or LIMIT is a sub-query.
    pub(super) fn operand(&mut self, side: &SelectStmt) -> Result<Query> {
        let bare = side.with.is_none()
            && side.sort.is_empty()
            && side.limit_count.is_none()
            && side.limit_offset.is_none()
            && side.locking.is_empty();
        if bare {
            let (body, _) = self.deeper(|a| a.body(&side.body, &[]))?;
            return Ok(Query::of(body));
        }
        self.nesting += 1;
        let inner = self.deeper(|a| a.query_with_unknowns(side));
        self.nesting -= 1;
        let mut inner = inner?;
        self.resolve_outputs(&mut inner)?;
        if self.to_be_printed() {
            return Ok(inner);
        }
        let columns = inner.outputs();
        let select = self.select_from(inner, &columns);
        Ok(Query::of(Body::Select(Box::new(select))))
    }

    /// SELECT of the first columns of a query.
    pub(super) fn select_from(&mut self, inner: Query, columns: &Columns) -> Select {
        let id = self.fresh_entry();
        let entry = RangeVar::of_columns(String::new(), id, columns);
        let kind = EntryKind::Subquery { query: Box::new(inner), lateral: false };
        Select {
            targets: entry.columns.into_iter().map(|column| Target { name: column.name, expr: column.expr }).collect(),
            from: vec![FromItem::Entry(RangeTblEntry::new(id, kind))],
            ..Select::default()
        }
    }

    // ----- set operations and VALUES

    fn set_operation(&mut self, operation: &SetOperation) -> Result<Body> {
        let (operator, name) = match operation.op {
            ast::SetOperator::Union => (SetOperator::Union, "UNION"),
            ast::SetOperator::Intersect => (SetOperator::Intersect, "INTERSECT"),
            ast::SetOperator::Except => (SetOperator::Except, "EXCEPT"),
        };
        let all = operation.all;
        let (mut left, mut right) = (self.operand(&operation.left)?, self.operand(&operation.right)?);
        let (ls, rs) = (left.outputs(), right.outputs());
        if ls.len() != rs.len() {
            let message = format!("each {name} query must have the same number of columns");
            return Err(self.at(Error::new(SqlState::SYNTAX_ERROR, message), first_item(&operation.right)));
        }
        for (index, (l, r)) in ls.iter().zip(&rs).enumerate() {
            let common = self.common_type(&[l.1, r.1], name)?;
            self.convert_output(&mut left, index, common)?;
            self.convert_output(&mut right, index, common)?;
        }
        Ok(Body::SetOperation { operator, all, left: Box::new(left), right: Box::new(right) })
    }

    pub(super) fn values(&mut self, values: &[Vec<Ast>]) -> Result<Body> {
        let mut rows = Vec::with_capacity(values.len());
        for row in values {
            let list = self.without_sets("VALUES", |a| a.expression_list(row, false))?;
            let list: Vec<Expr> = list.into_iter().filter_map(|(expr, _)| expr).collect();
            self.check_length(rows.first().map(Vec::len), list.len(), row)?;
            rows.push(list);
        }
        let width = rows.first().map_or(0, Vec::len);
        check_width(width)?;
        for column in 0..width {
            self.same_records(&mut rows, column)?;
            let types: Vec<Oid> = rows.iter().filter_map(|row| row.get(column)).map(|e| e.type_oid).collect();
            if types.iter().all(|t| *t == Oid::UNKNOWN) {
                continue;
            }
            let common = self.common_type(&types, "VALUES")?;
            for row in &mut rows {
                if let Some(slot) = row.get_mut(column) {
                    *slot = self.to_common(slot.clone(), common, "VALUES")?;
                }
            }
        }
        let names = (1..=width).map(|n| format!("column{n}")).collect();
        Ok(Body::Values { rows, names })
    }

    /// Converts one output column of a query to a type.
    pub(super) fn convert_output(&mut self, query: &mut Query, index: usize, to: Oid) -> Result<()> {
        // What is to be printed shows what became of constants only.
        let printed = self.to_be_printed();
        let converted = |expr: &Expr| expr.type_oid != to && (!printed || expr.type_oid == Oid::UNKNOWN);
        match &mut query.body {
            Body::Select(select) => {
                if let Some(target) = select.targets.get_mut(index)
                    && converted(&target.expr)
                {
                    target.expr = self.to_common(target.expr.clone(), to, "UNION")?;
                }
            }
            Body::Values { rows, .. } => {
                for row in rows {
                    if let Some(slot) = row.get_mut(index)
                        && (!printed || converted(slot))
                    {
                        *slot = self.to_common(slot.clone(), to, "VALUES")?;
                    }
                }
            }
            Body::SetOperation { left, right, .. } => {
                self.convert_output(left, index, to)?;
                self.convert_output(right, index, to)?;
            }
        }
        Ok(())
    }

    pub(super) fn resolve_outputs(&mut self, query: &mut Query) -> Result<()> {
        for (index, (_, type_oid, _)) in query.outputs().into_iter().enumerate() {
            if type_oid == Oid::UNKNOWN {
                self.convert_output(query, index, Oid::TEXT)?;
            }
        }
        Ok(())
    }

    // ----- SELECT

    fn select(&mut self, ast: &SimpleSelect, order_by: &[SortBy]) -> Result<(Select, Vec<SortKey>)> {
        if let Some(into) = &ast.into {
            let error = Error::new(SqlState::SYNTAX_ERROR, "SELECT ... INTO is not allowed here");
            return Err(self.at(error, into.relation.location));
        }
        self.scopes.push(Scope { presence: Some(Vec::new()), ..Scope::default() });
        let outer_windows = std::mem::take(&mut self.windows);
        let outer_samples = self.samples.replace(Vec::new());
        let result = self.without_sets("SELECT", |a| a.select_in_scope(ast, order_by));
        self.windows = outer_windows;
        self.samples = outer_samples;
        self.scopes.pop();
        result
    }

    fn select_in_scope(&mut self, ast: &SimpleSelect, order_by: &[SortBy]) -> Result<(Select, Vec<SortKey>)> {
        self.windows = self.named_windows(ast)?;
        let mut from = self.without_sets("FROM", |a| a.from_clause(&ast.from))?;
        let mut targets = self.with_sets(|a| a.targets(&ast.targets))?;
        let selection = ast.where_clause.as_ref().map(|s| self.condition(s, "WHERE")).transpose()?;
        if let (Some(condition), Some(clause)) = (&selection, &ast.where_clause) {
            self.forbid_aggregates(condition, "WHERE").map_err(|e| self.at(e, expr_location(clause)))?;
        }
        let selection = self.with_samples(selection);
        // Those that nobody names must be right, too.
        for window in &ast.windows {
            self.window_spec(window)?;
        }
        let groups = self.group_by(&ast.group, ast.group_distinct, &targets)?;
        let mut having = ast.having.as_ref().map(|h| self.condition(h, "HAVING")).transpose()?;
        let mut distinct_on = match &ast.distinct {
            Some(Distinct::On(exprs)) => self.with_sets(|a| a.distinct_on(exprs, &targets))?,
            _ => Vec::new(),
        };
        let distinct = matches!(ast.distinct, Some(Distinct::All));
        let mut keys = self.with_sets(|a| a.select_sort_keys(order_by, &targets, distinct))?;
        // What is sorted has a type (addTargetToSortList).
        let sorted = |index: usize| ast.distinct.is_some() || keys.iter().any(|key| key.output == Some(index));
        for (index, target) in targets.iter_mut().enumerate() {
            if target.expr.type_oid == Oid::UNKNOWN && sorted(index) {
                target.expr = self.resolve_unknown(target.expr.clone())?;
            }
        }
        let written: &[Ast] = match &ast.distinct {
            Some(Distinct::On(exprs)) => exprs,
            _ => &[],
        };
        self.check_distinct_on(&distinct_on, written, &keys)?;
        let grouped = !ast.group.is_empty()
            || having.is_some()
            || targets.iter().map(|t| &t.expr).chain(keys.iter().map(|k| &k.expr)).any(|e| self.has_aggregate(e));
        if grouped {
            for (index, target) in targets.iter_mut().enumerate() {
                let result = self.check_grouped(&mut target.expr, &groups);
                result.map_err(|e| ast.targets.get(index).map_or(e.clone(), |item| self.at(e, item.location)))?;
            }
            if let (Some(having), Some(clause)) = (&mut having, &ast.having) {
                self.check_grouped(having, &groups).map_err(|e| self.at(e, expr_location(clause)))?;
            }
            for expr in having.iter_mut().chain(&mut distinct_on).chain(keys.iter_mut().map(|k| &mut k.expr)) {
                self.check_grouped(expr, &groups)?;
            }
        }
        let (mut group_by, grouping_sets) = (groups.keys, groups.sets);
        self.require_comparable(ast, order_by, (&keys, &group_by, &distinct_on, &targets))?;
        if self.to_be_printed() && !grouping_sets.is_empty() {
            group_by = self.written_groups(&ast.group, &targets)?;
        }
        for wanted in self.scopes.last_mut().and_then(|scope| scope.presence.take()).unwrap_or_default() {
            from.iter_mut().try_for_each(|item| self.add_presence(item, wanted))?;
        }
        Ok((Select { distinct, distinct_on, targets, from, selection, group_by, grouping_sets, having }, keys))
    }

    /// The windows of the WINDOW clause; no two have one name.
    fn named_windows(&self, ast: &SimpleSelect) -> Result<Vec<crate::sql::syntax::ast::expression::WindowDef>> {
        for (index, window) in ast.windows.iter().enumerate() {
            if ast.windows.iter().take(index).any(|other| other.name == window.name) {
                let message = format!("window \"{}\" is already defined", window.name.as_deref().unwrap_or_default());
                return Err(self.at(Error::new(SqlState::WINDOWING_ERROR, message), window.location));
            }
        }
        Ok(ast.windows.clone())
    }

    /// The select list or a RETURNING list.
    pub(super) fn targets(&mut self, items: &[ResTarget]) -> Result<Vec<Target>> {
        let targets = self.all_targets(items)?;
        check_width(targets.len())?;
        Ok(targets)
    }

    fn all_targets(&mut self, items: &[ResTarget]) -> Result<Vec<Target>> {
        let mut targets = Vec::with_capacity(items.len());
        for item in items {
            let Some(value) = &item.value else { return Err(Error::internal("a target without a value")) };
            if let Ast::Indirection(node) = value
                && let Some(Indirection::Star) = node.indirection.last()
            {
                let fields = self.all_fields(node)?;
                targets.extend(fields.into_iter().map(|(name, expr)| Target { name, expr }));
                continue;
            }
            match starred(value) {
                Some(qualifier) => {
                    let columns = self.starred_columns(&qualifier, item.location)?;
                    targets.extend(columns.into_iter().map(|(name, expr)| Target { name, expr }));
                }
                None => {
                    let expr = self.target_expr(value)?;
                    targets.push(Target { name: item.name.clone().unwrap_or_else(|| output_name(value)), expr });
                }
            }
        }
        Ok(targets)
    }

    /// The columns that * or t.* stands for.
    pub(super) fn starred_columns(&mut self, qualifier: &[&str], location: Location) -> Result<Vec<(String, Expr)>> {
        if !qualifier.is_empty() {
            return self.qualified_star(qualifier, location);
        }
        if self.scopes.last().is_none_or(|s| s.entries.is_empty()) {
            let error = Error::new(SqlState::SYNTAX_ERROR, "SELECT * with no tables specified is not valid");
            return Err(self.at(error, location));
        }
        Ok(self.star())
    }

    pub(super) fn target_expr(&mut self, ast: &Ast) -> Result<Expr> {
        let expr = self.expr(ast)?;
        self.known_row(expr)
    }

    /// An integer constant in ORDER BY, GROUP BY or DISTINCT ON: an output column by position.
    pub(super) fn position(&mut self, ast: &Ast, width: usize, clause: &str) -> Result<Option<usize>> {
        let Ast::Const(AConst { value, location }) = ast else { return Ok(None) };
        if let Some(n) = self.lifted(*location) {
            self.pinned.insert(n);
        }
        let ConstValue::Integer(position) = value else {
            let message = format!("non-integer constant in {clause}");
            return Err(self.at(Error::new(SqlState::SYNTAX_ERROR, message), *location));
        };
        let position = usize::try_from(*position).unwrap_or(0);
        if position == 0 || position > width {
            let message = format!("{clause} position {position} is not in select list");
            return Err(self.at(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message), *location));
        }
        Ok(Some(position - 1))
    }

    /// The output column of that name; 42702 when two different ones have it.
    pub(super) fn named_output(&mut self, ast: &Ast, targets: &[Target], clause: &str) -> Result<Option<usize>> {
        let Some(name) = bare_name(ast) else { return Ok(None) };
        let mut found: Option<usize> = None;
        for (index, target) in targets.iter().enumerate().filter(|(_, t)| t.name == name) {
            if let Some(first) = found.and_then(|f| targets.get(f)) {
                if !self.same_expr(&first.expr.clone(), &target.expr) {
                    let message = format!("{clause} \"{name}\" is ambiguous");
                    return Err(self.at(Error::new(SqlState::AMBIGUOUS_COLUMN, message), expr_location(ast)));
                }
            } else {
                found = Some(index);
            }
        }
        Ok(found)
    }

    fn select_sort_keys(&mut self, order_by: &[SortBy], targets: &[Target], distinct: bool) -> Result<Vec<SortKey>> {
        let mut keys = Vec::with_capacity(order_by.len());
        for key in order_by {
            let mut output = self.position(&key.node, targets.len(), "ORDER BY")?;
            if output.is_none() {
                output = self.named_output(&key.node, targets, "ORDER BY")?;
            }
            let expr = match output.and_then(|i| targets.get(i)) {
                Some(target) => target.expr.clone(),
                None => {
                    let expr = self.expr(&key.node)?;
                    let mut index = 0;
                    while output.is_none() && index < targets.len() {
                        if let Some(target) = targets.get(index)
                            && self.same_expr(&expr, &target.expr)
                        {
                            output = Some(index);
                        }
                        index += 1;
                    }
                    expr
                }
            };
            if distinct && output.is_none() {
                let message = "for SELECT DISTINCT, ORDER BY expressions must appear in select list";
                let error = Error::new(SqlState::INVALID_COLUMN_REFERENCE, message);
                return Err(self.at(error, expr_location(&key.node)));
            }
            let expr = self.resolve_unknown(expr)?;
            keys.push(self.sort_key(expr, output, key)?);
        }
        Ok(keys)
    }

    /// ORDER BY of a set operation or VALUES: output columns only.
    fn output_sort_keys(
        &mut self,
        columns: &[(String, Oid, i32)],
        order_by: &[SortBy],
        what: &str,
    ) -> Result<Vec<SortKey>> {
        let mut keys = Vec::with_capacity(order_by.len());
        for key in order_by {
            let mut output = self.position(&key.node, columns.len(), "ORDER BY")?;
            if let (None, Some(name)) = (output, bare_name(&key.node)) {
                output = columns.iter().position(|(column, ..)| *column == name);
                if output.is_none() {
                    let message = format!("column \"{name}\" does not exist");
                    return Err(self.at(Error::new(SqlState::UNDEFINED_COLUMN, message), expr_location(&key.node)));
                }
            }
            let Some(index) = output else {
                let error = Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("invalid {what} ORDER BY clause"))
                    .with_detail("Only result column names can be used, not expressions or functions.")
                    .with_hint("Add the expression/function to every SELECT, or move the UNION into a FROM clause.");
                return Err(self.at(error, expr_location(&key.node)));
            };
            let type_oid = columns.get(index).map_or(Oid::TEXT, |c| c.1);
            let attribute = i16::try_from(index + 1).unwrap_or(i16::MAX);
            let var = Var { entry: EntryId::OUTPUT, attribute, origin: (Oid::INVALID, 0), not_null: false };
            keys.push(self.sort_key(Expr::new(ExprKind::Var(var), type_oid), Some(index), key)?);
        }
        Ok(keys)
    }

    fn distinct_on(&mut self, exprs: &[Ast], targets: &[Target]) -> Result<Vec<Expr>> {
        let mut keys = Vec::with_capacity(exprs.len());
        for ast in exprs {
            let mut output = self.position(ast, targets.len(), "SELECT DISTINCT ON")?;
            if output.is_none() {
                output = self.named_output(ast, targets, "DISTINCT ON")?;
            }
            keys.push(match output.and_then(|i| targets.get(i)) {
                Some(target) => target.expr.clone(),
                None => self.expr(ast)?,
            });
        }
        Ok(keys)
    }

    /// No key of ORDER BY may come before one of DISTINCT ON without being one (transformDistinctOnClause).
    fn check_distinct_on(&mut self, distinct_on: &[Expr], written: &[Ast], keys: &[SortKey]) -> Result<()> {
        let mut skipped = false;
        let mut left: Vec<usize> = (0..distinct_on.len()).collect();
        for key in keys {
            let mut found = None;
            for (index, expr) in distinct_on.iter().enumerate() {
                // An enum is sorted by its labels' places.
                if self.same_expr(expr, &key.expr) || self.enum_order(expr.clone()) == key.expr {
                    found = Some(index);
                }
            }
            match found {
                Some(index) if skipped => return Err(self.unordered_distinct(written.get(index))),
                Some(index) => left.retain(|other| *other != index),
                None => skipped = true,
            }
        }
        match left.first() {
            Some(index) if skipped => Err(self.unordered_distinct(written.get(*index))),
            _ => Ok(()),
        }
    }

    fn unordered_distinct(&self, written: Option<&Ast>) -> Error {
        let message = "SELECT DISTINCT ON expressions must match initial ORDER BY expressions";
        let error = Error::new(SqlState::INVALID_COLUMN_REFERENCE, message);
        written.map_or(error.clone(), |written| self.at(error, expr_location(written)))
    }

    // ----- LIMIT

    pub(super) fn limit_clause(&mut self, ast: &SelectStmt) -> Result<(Option<Expr>, Option<Expr>)> {
        let ties = ast.limit_option == LimitOption::WithTies;
        if let (true, Some(Ast::Const(AConst { value: ConstValue::Null, .. }))) = (ties, &ast.limit_count) {
            let message = "row count cannot be null in FETCH FIRST ... WITH TIES clause";
            return Err(Error::new(SqlState::INVALID_ROW_COUNT_IN_LIMIT_CLAUSE, message));
        }
        let limit = ast.limit_count.as_ref().map(|l| self.row_count(l, "LIMIT")).transpose()?;
        let offset = ast.limit_offset.as_ref().map(|o| self.row_count(o, "OFFSET")).transpose()?;
        Ok((limit, offset))
    }

    /// A bigint; NULL means none, a negative one is an error: both are decided at run time.
    fn row_count(&mut self, ast: &Ast, clause: &'static str) -> Result<Expr> {
        let expr = self.without_sets(clause, |a| a.expr(ast))?;
        let from = expr.type_oid;
        match self.try_coerce(expr, Oid::INT8, -1, crate::sql::casts::CastContext::Assignment)? {
            Some(count) => Ok(count),
            None => {
                let message = format!("argument of {clause} must be type bigint, not type {}", self.type_name(from));
                Err(self.at(Error::new(SqlState::DATATYPE_MISMATCH, message), expr_location(ast)))
            }
        }
    }
}

/// The qualifier of a star: none of `*`, t of `t.*`.
pub(super) fn starred(ast: &Ast) -> Option<Vec<&str>> {
    let Ast::ColumnRef(column) = ast else { return None };
    let (Field::Star, qualifier) = column.fields.split_last()? else { return None };
    let names = qualifier.iter().map(|field| match field {
        Field::Name(name) => name.as_str(),
        Field::Star => "*",
    });
    Some(names.collect())
}

/// An expression that is nothing but a name.
fn bare_name(ast: &Ast) -> Option<&str> {
    let Ast::ColumnRef(column) = ast else { return None };
    match column.fields.as_slice() {
        [Field::Name(name)] => Some(name),
        _ => None,
    }
}

/// Where a query's first output column is written.
fn first_item(query: &SelectStmt) -> Location {
    let first = match &query.body {
        SelectBody::Select(select) => select.targets.first().map(|target| target.location),
        SelectBody::Values(rows) => rows.first().and_then(|row| row.first()).map(expr_location),
        SelectBody::SetOperation(operation) => Some(first_item(&operation.left)),
    };
    first.unwrap_or(query.location)
}
