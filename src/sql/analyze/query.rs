//! Queries: WITH, SELECT, VALUES, set operations, ORDER BY, LIMIT.
//!
//! Owns: [`Analyzer::query`], [`Analyzer::subquery`] and the clauses of SELECT; FROM is in `from`, the rule of GROUP BY
//! in `grouping`. Specification: sql-select.html, queries.html.

use sqlparser::ast::{
    self, Distinct, Expr as Ast, GroupByExpr, LimitClause, NamedWindowExpr, OrderByKind, Query as AstQuery, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, SetQuantifier, Spanned, Value as AstValue, With,
};

use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::{Analyzer, fold};
use crate::sql::analyze::call::{contains_aggregate, contains_window};
use crate::sql::analyze::from::SetCalls;
use crate::sql::analyze::names::output_name;
use crate::sql::analyze::scope::{CteEntry, RangeVar, Scope};
use crate::sql::plan::LockWait;
use crate::sql::tree::{Body, Cte, Expr, ExprKind, FromItem, Query, Select, SetOperator, SortKey, Target};
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
    pub(super) fn subquery(&mut self, ast: &AstQuery) -> Result<(Query, Columns)> {
        let query = self.deeper(|a| a.query(ast))?;
        let columns = query.outputs();
        Ok((query, columns))
    }

    /// A query with its WITH list in scope. Output columns are never of type unknown.
    pub(in crate::sql) fn query(&mut self, ast: &AstQuery) -> Result<Query> {
        let mut query = self.query_with_unknowns(ast)?;
        self.resolve_outputs(&mut query)?;
        Ok(query)
    }

    /// As [`Analyzer::query`], but constants keep type unknown so that INSERT and set operations can decide.
    pub(super) fn query_with_unknowns(&mut self, ast: &AstQuery) -> Result<Query> {
        if !ast.pipe_operators.is_empty() || ast.settings.is_some() || ast.format_clause.is_some() {
            return Err(Error::unsupported("this clause of SELECT"));
        }
        let in_scope = self.ctes.len();
        let ctes = ast.with.as_ref().map(|with| self.with(with)).transpose()?.unwrap_or_default();
        let order_by: &[ast::OrderByExpr] = match &ast.order_by {
            None => &[],
            Some(order_by) => match &order_by.kind {
                OrderByKind::Expressions(keys) => keys,
                OrderByKind::All(_) => {
                    return Err(Error::new(SqlState::SYNTAX_ERROR, "syntax error at or near \"ALL\""));
                }
            },
        };
        let (body, order_by) = self.body(&ast.body, order_by)?;
        let (limit, offset) = self.limit_clause(ast)?;
        for lock in &ast.locks {
            self.lock_rows(lock, &ast.body);
        }
        self.ctes.truncate(in_scope);
        let recursive = ast.with.as_ref().is_some_and(|with| with.recursive);
        Ok(Query { ctes, recursive, body, order_by, limit, offset })
    }

    /// FOR UPDATE and its like. NOWAIT's error is about the table that OF or else FROM names first.
    fn lock_rows(&mut self, lock: &ast::LockClause, body: &SetExpr) {
        let wait = match lock.nonblock {
            None => LockWait::Usual,
            Some(_) => LockWait::Never(format!("row in relation \"{}\"", locked_table(lock, body).unwrap_or_default())),
        };
        if self.locks_rows.as_ref().is_none_or(|known| *known == LockWait::Usual) {
            self.locks_rows = Some(wait);
        }
    }

    fn body(&mut self, body: &SetExpr, order_by: &[ast::OrderByExpr]) -> Result<(Body, Vec<SortKey>)> {
        match body {
            SetExpr::Select(select) => {
                let (select, keys) = self.select(select, order_by)?;
                Ok((Body::Select(Box::new(select)), keys))
            }
            SetExpr::Query(query) => {
                let inner = self.query_with_unknowns(query)?;
                self.wrap(inner, order_by)
            }
            SetExpr::Values(values) => {
                let body = self.values(values)?;
                let keys = self.output_sort_keys(&Query::of(body.clone()).outputs(), order_by, "VALUES")?;
                Ok((body, keys))
            }
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                let body = self.set_operation(left, *op, *set_quantifier, right)?;
                let columns = Query::of(body.clone()).outputs();
                let keys = self.output_sort_keys(&columns, order_by, "UNION/INTERSECT/EXCEPT")?;
                Ok((body, keys))
            }
            // Where it begins a query it has been spelt out.
            SetExpr::Table(_) => Err(Error::unsupported("TABLE here")),
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                Err(Error::unsupported("a data-modifying statement in WITH"))
            }
        }
    }

    /// (query) ORDER BY …: parentheses around a query that may have its own ORDER BY and LIMIT.
    fn wrap(&mut self, inner: Query, order_by: &[ast::OrderByExpr]) -> Result<(Body, Vec<SortKey>)> {
        let bare =
            inner.ctes.is_empty() && inner.order_by.is_empty() && inner.limit.is_none() && inner.offset.is_none();
        if bare {
            let keys = self.output_sort_keys(&inner.outputs(), order_by, "UNION/INTERSECT/EXCEPT")?;
            return Ok((inner.body, keys));
        }
        let mut inner = inner;
        self.resolve_outputs(&mut inner)?;
        let columns = inner.outputs();
        let select = self.select_from(inner, &columns);
        let keys = self.output_sort_keys(&columns, order_by, "UNION/INTERSECT/EXCEPT")?;
        Ok((Body::Select(Box::new(select)), keys))
    }

    /// SELECT of the first columns of a query.
    pub(super) fn select_from(&mut self, inner: Query, columns: &Columns) -> Select {
        let alias = self.fresh_alias();
        let entry = RangeVar::positional(String::new(), alias.clone(), columns);
        Select {
            distinct: false,
            distinct_on: Vec::new(),
            targets: entry.columns.into_iter().map(|column| Target { name: column.name, expr: column.expr }).collect(),
            from: vec![FromItem::Derived { query: Box::new(inner), alias }],
            selection: None,
            group_by: Vec::new(),
            having: None,
            unique: false,
        }
    }

    // ----- WITH

    pub(in crate::sql) fn with(&mut self, with: &With) -> Result<Vec<Cte>> {
        with.cte_tables.iter().map(|cte| self.cte(cte, with.recursive)).collect()
    }

    fn cte(&mut self, cte: &ast::Cte, recursive: bool) -> Result<Cte> {
        let name = fold(&cte.alias.name);
        let sqlite_name = self.fresh_cte_name();
        let renamed: Vec<String> = cte.alias.columns.iter().map(|c| fold(&c.name)).collect();
        let rename = |columns: Columns| -> Result<Columns> {
            if renamed.len() > columns.len() {
                let message = format!(
                    "WITH query \"{name}\" has {} columns available but {} columns specified",
                    columns.len(),
                    renamed.len()
                );
                return Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message));
            }
            let names = renamed.iter().cloned().map(Some).chain(std::iter::repeat(None));
            Ok(columns.into_iter().zip(names).map(|((old, oid, m), new)| (new.unwrap_or(old), oid, m)).collect())
        };
        let query = match (&*cte.query.body, recursive) {
            (SetExpr::SetOperation { left, op: ast::SetOperator::Union, set_quantifier, right }, true) => {
                self.recursive_cte(&name, &sqlite_name, left, *set_quantifier, right, &cte.query, &rename)?
            }
            _ => self.query(&cte.query)?,
        };
        let columns = rename(query.outputs())?;
        let origins = query.origins();
        self.ctes.push(CteEntry { name, sqlite_name: sqlite_name.clone(), columns, origins });
        let materialized = cte.materialized.as_ref().map(|m| matches!(m, ast::CteAsMaterialized::Materialized));
        Ok(Cte { name: sqlite_name, query, materialized })
    }

    /// The non-recursive term decides the columns; the recursive one sees them.
    #[allow(clippy::too_many_arguments)]
    fn recursive_cte(
        &mut self,
        name: &str,
        sqlite_name: &std::rc::Rc<str>,
        left: &SetExpr,
        quantifier: SetQuantifier,
        right: &SetExpr,
        ast: &AstQuery,
        rename: &dyn Fn(Columns) -> Result<Columns>,
    ) -> Result<Query> {
        let in_scope = self.ctes.len();
        let inner = ast.with.as_ref().map(|with| self.with(with)).transpose()?.unwrap_or_default();
        let (left, _) = self.body(left, &[])?;
        let mut left = Query::of(left);
        self.resolve_outputs(&mut left)?;
        let columns = left.outputs();
        let entry = CteEntry {
            name: name.to_owned(),
            sqlite_name: sqlite_name.clone(),
            columns: rename(columns.clone())?,
            origins: left.origins(),
        };
        self.ctes.push(entry);
        let (right, _) = self.body(right, &[])?;
        let mut right = Query::of(right);
        if right.outputs().len() != columns.len() {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "each UNION query must have the same number of columns"));
        }
        for (index, (column, type_oid, _)) in columns.iter().enumerate() {
            let from = right.outputs().get(index).map_or(Oid::UNKNOWN, |c| c.1);
            if self.common_type(&[*type_oid, from], "UNION")? != *type_oid {
                let message = format!(
                    "recursive query \"{name}\" column {} has type {} in non-recursive term but type {} overall",
                    index + 1,
                    self.type_name(*type_oid),
                    self.type_name(from)
                );
                let hint = "Cast the output of the non-recursive term to the correct type.";
                let _ = column;
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message).with_hint(hint));
            }
            self.convert_output(&mut right, index, *type_oid)?;
        }
        self.ctes.truncate(in_scope);
        let all = quantifier == SetQuantifier::All;
        let (left, right) = (Box::new(left), Box::new(right));
        let body = Body::SetOperation { operator: SetOperator::Union, all, left, right };
        let (limit, offset) = self.limit_clause(ast)?;
        Ok(Query { ctes: inner, recursive: false, body, order_by: Vec::new(), limit, offset })
    }

    // ----- set operations and VALUES

    fn set_operation(
        &mut self,
        left: &SetExpr,
        op: ast::SetOperator,
        quantifier: SetQuantifier,
        right: &SetExpr,
    ) -> Result<Body> {
        let (operator, name) = match op {
            ast::SetOperator::Union => (SetOperator::Union, "UNION"),
            ast::SetOperator::Intersect => (SetOperator::Intersect, "INTERSECT"),
            ast::SetOperator::Except | ast::SetOperator::Minus => (SetOperator::Except, "EXCEPT"),
        };
        let all = match quantifier {
            SetQuantifier::All => true,
            SetQuantifier::None | SetQuantifier::Distinct => false,
            _ => return Err(Error::unsupported(format!("{name} BY NAME"))),
        };
        let right_ast = right;
        let (left_body, _) = self.deeper(|a| a.body(left, &[]))?;
        let (right_body, _) = self.deeper(|a| a.body(right, &[]))?;
        let (mut left, mut right) = (Query::of(left_body), Query::of(right_body));
        let (ls, rs) = (left.outputs(), right.outputs());
        if ls.len() != rs.len() {
            let message = format!("each {name} query must have the same number of columns");
            let place = first_item(right_ast).unwrap_or_else(|| right_ast.span());
            return Err(self.at(Error::new(SqlState::SYNTAX_ERROR, message), place));
        }
        for (index, (l, r)) in ls.iter().zip(&rs).enumerate() {
            let common = self.common_type(&[l.1, r.1], name)?;
            self.convert_output(&mut left, index, common)?;
            self.convert_output(&mut right, index, common)?;
        }
        if all && operator != SetOperator::Union {
            return Ok(self.multiset_operation(operator, left, right));
        }
        Ok(Body::SetOperation { operator, all, left: Box::new(left), right: Box::new(right) })
    }

    pub(super) fn values(&mut self, values: &ast::Values) -> Result<Body> {
        let mut rows = Vec::with_capacity(values.rows.len());
        for row in &values.rows {
            let row = row.iter().map(|e| self.expr(e)).collect::<Result<Vec<_>>>()?;
            if rows.first().is_some_and(|first: &Vec<Expr>| first.len() != row.len()) {
                return Err(Error::new(SqlState::SYNTAX_ERROR, "VALUES lists must all be the same length"));
            }
            rows.push(row);
        }
        let width = rows.first().map_or(0, Vec::len);
        check_width(width)?;
        for column in 0..width {
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
        match &mut query.body {
            Body::Select(select) => {
                if let Some(target) = select.targets.get_mut(index)
                    && target.expr.type_oid != to
                {
                    target.expr = self.to_common(target.expr.clone(), to, "UNION")?;
                }
            }
            Body::Values { rows, .. } => {
                for row in rows {
                    if let Some(slot) = row.get_mut(index) {
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

    fn resolve_outputs(&mut self, query: &mut Query) -> Result<()> {
        for (index, (_, type_oid, _)) in query.outputs().into_iter().enumerate() {
            if type_oid == Oid::UNKNOWN {
                self.convert_output(query, index, Oid::TEXT)?;
            }
        }
        Ok(())
    }

    // ----- SELECT

    fn select(&mut self, ast: &ast::Select, order_by: &[ast::OrderByExpr]) -> Result<(Select, Vec<SortKey>)> {
        unsupported_clauses(ast)?;
        self.scopes.push(Scope::default());
        let outer_windows = std::mem::take(&mut self.windows);
        let outer_sets = self.set_calls.replace(SetCalls::default());
        let result = self.select_in_scope(ast, order_by);
        self.set_calls = outer_sets;
        self.windows = outer_windows;
        self.scopes.pop();
        result
    }

    fn select_in_scope(&mut self, ast: &ast::Select, order_by: &[ast::OrderByExpr]) -> Result<(Select, Vec<SortKey>)> {
        for window in &ast.named_window {
            match &window.1 {
                NamedWindowExpr::WindowSpec(spec) => self.windows.push((fold(&window.0), spec.clone())),
                NamedWindowExpr::NamedWindow(_) => return Err(Error::unsupported("a window named by another's name")),
            }
        }
        // Functions in FROM are analysed as part of FROM; only the select list may return sets.
        let sets = self.set_calls.take();
        let mut from = self.from_clause(&ast.from)?;
        let selection = ast.selection.as_ref().map(|s| self.condition(s, "WHERE")).transpose()?;
        if let (Some(condition), Some(clause)) = (&selection, &ast.selection) {
            self.forbid_aggregates(condition, "WHERE").map_err(|e| self.at(e, clause.span()))?;
        }
        self.set_calls = sets;
        let targets = self.targets(&ast.projection)?;
        let set_calls = self.set_calls.take().unwrap_or_default();
        let group_by = self.group_by(&ast.group_by, &targets)?;
        let having = ast.having.as_ref().map(|h| self.condition(h, "HAVING")).transpose()?;
        let distinct_on = match &ast.distinct {
            Some(Distinct::On(exprs)) => self.distinct_on(exprs, &targets)?,
            _ => Vec::new(),
        };
        let distinct = matches!(ast.distinct, Some(Distinct::Distinct));
        let keys = self.select_sort_keys(order_by, &targets, distinct)?;
        self.check_distinct_on(&distinct_on, &keys)?;
        let grouped = !group_by.is_empty()
            || having.is_some()
            || targets.iter().any(|t| contains_aggregate(&t.expr))
            || keys.iter().any(|k| contains_aggregate(&k.expr));
        if grouped {
            for (index, target) in targets.iter().enumerate() {
                let result = self.check_grouped(&target.expr, &group_by);
                result.map_err(|e| ast.projection.get(index).map_or(e.clone(), |item| self.at(e, item.span())))?;
            }
            for expr in having.iter().chain(keys.iter().filter(|k| k.output.is_none()).map(|k| &k.expr)) {
                self.check_grouped(expr, &group_by)?;
            }
        }
        if !set_calls.is_empty() && (grouped || distinct && !from.is_empty()) {
            return Err(Error::unsupported("a set-returning function beside GROUP BY, aggregates or DISTINCT"));
        }
        from.extend(set_calls.into_item());
        let having = match having {
            // SQLite wants a GROUP BY before HAVING only in old versions, but an aggregate query always.
            Some(having) if group_by.is_empty() && !targets.iter().any(|t| contains_aggregate(&t.expr)) => {
                if !contains_aggregate(&having) {
                    return Err(Error::unsupported("HAVING without GROUP BY and without an aggregate"));
                }
                Some(having)
            }
            having => having,
        };
        let unique = self.is_unique(&from, selection.as_ref());
        Ok((Select { distinct, distinct_on, targets, from, selection, group_by, having, unique }, keys))
    }

    /// Whether the one table of FROM is restricted by equality on its whole primary key.
    fn is_unique(&self, from: &[FromItem], selection: Option<&Expr>) -> bool {
        let ([FromItem::Table { alias, .. }], Some(selection)) = (from, selection) else { return false };
        let entry = self.scopes.last().and_then(|s| s.entries.iter().find(|e| e.alias.as_ref() == Some(alias)));
        let relation = entry.and_then(|e| e.relation).and_then(|oid| self.catalog().relations.get(&oid));
        let Some(key) = relation.and_then(|r| r.primary_key()).filter(|key| !key.deferrable) else { return false };
        let mut fixed = Vec::new();
        fixed_columns(selection, alias, &mut fixed);
        key.columns.iter().all(|number| fixed.contains(number))
    }

    /// The select list or a RETURNING list.
    pub(super) fn targets(&mut self, items: &[SelectItem]) -> Result<Vec<Target>> {
        let targets = self.all_targets(items)?;
        check_width(targets.len())?;
        Ok(targets)
    }

    fn all_targets(&mut self, items: &[SelectItem]) -> Result<Vec<Target>> {
        let mut targets = Vec::with_capacity(items.len());
        for item in items {
            match item {
                SelectItem::UnnamedExpr(ast) => {
                    let expr = self.target_expr(ast)?;
                    targets.push(Target { name: output_name(ast), expr });
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    let expr = self.target_expr(expr)?;
                    targets.push(Target { name: fold(alias), expr });
                }
                SelectItem::Wildcard(_) => {
                    let columns = self.star();
                    let empty = self.scopes.last().is_none_or(|s| s.entries.is_empty());
                    if empty {
                        let error =
                            Error::new(SqlState::SYNTAX_ERROR, "SELECT * with no tables specified is not valid");
                        return Err(self.at(error, item.span()));
                    }
                    targets.extend(columns.into_iter().map(|(name, expr)| Target { name, expr }));
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                    let parts: Vec<ast::Ident> = name.0.iter().filter_map(|p| p.as_ident().cloned()).collect();
                    let columns = self.qualified_star(&parts)?;
                    targets.extend(columns.into_iter().map(|(name, expr)| Target { name, expr }));
                }
                other => return Err(Error::unsupported(format!("the select list item {other}"))),
            }
        }
        Ok(targets)
    }

    fn target_expr(&mut self, ast: &Ast) -> Result<Expr> {
        let expr = self.expr(ast)?;
        match expr.kind {
            ExprKind::Row(items) => self.row_value(items),
            _ => Ok(expr),
        }
    }

    /// A row as a value: its text form.
    fn row_value(&mut self, items: Vec<Expr>) -> Result<Expr> {
        let mut args = Vec::with_capacity(items.len());
        for item in items {
            let item = self.resolve_unknown(item)?;
            let from = item.type_oid;
            args.push(self.to_text(item, from));
        }
        Ok(Expr::function("pg_record", args, Oid::RECORD))
    }

    fn group_by(&mut self, group_by: &GroupByExpr, targets: &[Target]) -> Result<Vec<Expr>> {
        let GroupByExpr::Expressions(exprs, modifiers) = group_by else {
            return Err(Error::unsupported("GROUP BY ALL"));
        };
        if !modifiers.is_empty() {
            return Err(Error::unsupported("GROUP BY … WITH"));
        }
        let mut keys = Vec::with_capacity(exprs.len());
        for ast in exprs {
            if matches!(ast, Ast::Rollup(_) | Ast::Cube(_) | Ast::GroupingSets(_)) {
                return Err(Error::unsupported("GROUPING SETS, ROLLUP and CUBE"));
            }
            let key = match self.position(ast, targets.len(), "GROUP BY")? {
                Some(index) => targets.get(index).map(|t| t.expr.clone()),
                None => None,
            };
            let key = match (key, ast) {
                (Some(key), _) => key,
                // An input column of that name comes before an output column.
                (None, Ast::Identifier(ident)) => match self.expr(ast) {
                    Ok(expr) => expr,
                    Err(error) if error.code() == SqlState::UNDEFINED_COLUMN => {
                        let name = fold(ident);
                        targets.iter().find(|t| t.name == name).map(|t| t.expr.clone()).ok_or(error)?
                    }
                    Err(error) => return Err(error),
                },
                (None, ast) => self.expr(ast)?,
            };
            if let ExprKind::Row(items) = key.kind {
                keys.extend(items);
                continue;
            }
            self.forbid_aggregates(&key, "GROUP BY").map_err(|e| self.at(e, ast.span()))?;
            keys.push(self.resolve_unknown(key)?);
        }
        Ok(keys)
    }

    fn forbid_aggregates(&self, expr: &Expr, clause: &str) -> Result<()> {
        if contains_aggregate(expr) {
            let message = format!("aggregate functions are not allowed in {clause}");
            return Err(Error::new(SqlState::GROUPING_ERROR, message));
        }
        if contains_window(expr) {
            let message = format!("window functions are not allowed in {clause}");
            return Err(Error::new(SqlState::WINDOWING_ERROR, message));
        }
        Ok(())
    }

    /// An integer constant in ORDER BY, GROUP BY or DISTINCT ON: an output column by position.
    fn position(&mut self, ast: &Ast, width: usize, clause: &str) -> Result<Option<usize>> {
        let Ast::Value(value) = ast else { return Ok(None) };
        let AstValue::Number(text, _) = &value.value else {
            return match &value.value {
                AstValue::SingleQuotedString(_) => {
                    let message = format!("non-integer constant in {clause}");
                    Err(self.at(Error::new(SqlState::SYNTAX_ERROR, message), value.span))
                }
                _ => Ok(None),
            };
        };
        if let Some(n) = self.lifted(value.span) {
            self.pinned.insert(n);
        }
        let Ok(position) = text.parse::<usize>() else {
            let message = format!("non-integer constant in {clause}");
            return Err(self.at(Error::new(SqlState::SYNTAX_ERROR, message), value.span));
        };
        if position == 0 || position > width {
            let message = format!("{clause} position {position} is not in select list");
            return Err(self.at(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message), value.span));
        }
        Ok(Some(position - 1))
    }

    /// The output column of that name; 42702 when two different ones have it.
    fn named_output(&mut self, ident: &ast::Ident, targets: &[Target], clause: &str) -> Result<Option<usize>> {
        let name = fold(ident);
        let mut found: Option<usize> = None;
        for (index, target) in targets.iter().enumerate().filter(|(_, t)| t.name == name) {
            if let Some(first) = found.and_then(|f| targets.get(f)) {
                if !self.same_expr(&first.expr.clone(), &target.expr) {
                    let message = format!("{clause} \"{name}\" is ambiguous");
                    return Err(self.at(Error::new(SqlState::AMBIGUOUS_COLUMN, message), ident.span));
                }
            } else {
                found = Some(index);
            }
        }
        Ok(found)
    }

    fn select_sort_keys(
        &mut self,
        order_by: &[ast::OrderByExpr],
        targets: &[Target],
        distinct: bool,
    ) -> Result<Vec<SortKey>> {
        let mut keys = Vec::with_capacity(order_by.len());
        for key in order_by {
            let mut output = self.position(&key.expr, targets.len(), "ORDER BY")?;
            if let (None, Ast::Identifier(ident)) = (output, &key.expr) {
                output = self.named_output(ident, targets, "ORDER BY")?;
            }
            let expr = match output.and_then(|i| targets.get(i)) {
                Some(target) => target.expr.clone(),
                None => {
                    let expr = self.expr(&key.expr)?;
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
                return Err(self.at(error, key.expr.span()));
            }
            let expr = self.resolve_unknown(expr)?;
            keys.push(self.sort_key(expr, output, key));
        }
        Ok(keys)
    }

    /// ORDER BY of a set operation or VALUES: output columns only.
    fn output_sort_keys(
        &mut self,
        columns: &[(String, Oid, i32)],
        order_by: &[ast::OrderByExpr],
        what: &str,
    ) -> Result<Vec<SortKey>> {
        let mut keys = Vec::with_capacity(order_by.len());
        for key in order_by {
            let mut output = self.position(&key.expr, columns.len(), "ORDER BY")?;
            if let (None, Ast::Identifier(ident)) = (output, &key.expr) {
                let name = fold(ident);
                output = columns.iter().position(|(column, ..)| *column == name);
                if output.is_none() {
                    let message = format!("column \"{name}\" does not exist");
                    return Err(self.at(Error::new(SqlState::UNDEFINED_COLUMN, message), ident.span));
                }
            }
            let Some(index) = output else {
                let error = Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("invalid {what} ORDER BY clause"))
                    .with_detail("Only result column names can be used, not expressions or functions.")
                    .with_hint("Add the expression/function to every SELECT, or move the UNION into a FROM clause.");
                return Err(self.at(error, key.expr.span()));
            };
            let type_oid = columns.get(index).map_or(Oid::TEXT, |c| c.1);
            let column = crate::sql::tree::ColumnRef {
                alias: None,
                column: format!("c{}", index + 1).into(),
                table: Oid::INVALID,
                attribute: 0,
                not_null: false,
            };
            keys.push(self.sort_key(Expr::new(ExprKind::Column(column), type_oid), Some(index), key));
        }
        Ok(keys)
    }

    fn distinct_on(&mut self, exprs: &[Ast], targets: &[Target]) -> Result<Vec<Expr>> {
        let mut keys = Vec::with_capacity(exprs.len());
        for ast in exprs {
            let mut output = self.position(ast, targets.len(), "SELECT DISTINCT ON")?;
            if let (None, Ast::Identifier(ident)) = (output, ast) {
                output = self.named_output(ident, targets, "DISTINCT ON")?;
            }
            keys.push(match output.and_then(|i| targets.get(i)) {
                Some(target) => target.expr.clone(),
                None => self.expr(ast)?,
            });
        }
        Ok(keys)
    }

    fn check_distinct_on(&mut self, distinct_on: &[Expr], keys: &[SortKey]) -> Result<()> {
        for key in keys.iter().take(distinct_on.len()) {
            let mut matched = false;
            for expr in distinct_on {
                matched |= self.same_expr(expr, &key.expr);
            }
            if !matched {
                let message = "SELECT DISTINCT ON expressions must match initial ORDER BY expressions";
                return Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message));
            }
        }
        Ok(())
    }

    // ----- LIMIT

    fn limit_clause(&mut self, ast: &AstQuery) -> Result<(Option<Expr>, Option<Expr>)> {
        let (mut limit, mut offset) = (None, None);
        match &ast.limit_clause {
            None => {}
            Some(LimitClause::LimitOffset { limit: l, offset: o, limit_by }) => {
                if !limit_by.is_empty() {
                    return Err(Error::unsupported("LIMIT BY"));
                }
                limit = l.as_ref();
                offset = o.as_ref().map(|o| &o.value);
            }
            Some(LimitClause::OffsetCommaLimit { .. }) => {
                return Err(Error::new(SqlState::SYNTAX_ERROR, "LIMIT #,# syntax is not supported")
                    .with_hint("Use separate LIMIT and OFFSET clauses."));
            }
        }
        let one = Ast::Value(AstValue::Number("1".into(), false).into());
        if let Some(fetch) = &ast.fetch {
            if fetch.with_ties || fetch.percent {
                return Err(Error::unsupported("FETCH FIRST … WITH TIES and PERCENT"));
            }
            limit = Some(fetch.quantity.as_ref().unwrap_or(&one));
        }
        let limit = limit.map(|l| self.row_count(l, "LIMIT", "pg_limit")).transpose()?;
        let offset = offset.map(|o| self.row_count(o, "OFFSET", "pg_offset")).transpose()?;
        Ok((limit, offset))
    }

    /// A bigint; NULL means none, a negative one is an error: both are decided at run time.
    fn row_count(&mut self, ast: &Ast, clause: &str, function: &'static str) -> Result<Expr> {
        let expr = self.expr(ast)?;
        let from = expr.type_oid;
        let literal = matches!(expr.kind, ExprKind::Literal(_)) && from != Oid::UNKNOWN;
        let Some(count) = self.try_coerce(expr, Oid::INT8, -1, crate::sql::casts::CastContext::Assignment)? else {
            let message = format!("argument of {clause} must be type bigint, not type {}", self.type_name(from));
            return Err(self.at(Error::new(SqlState::DATATYPE_MISMATCH, message), ast.span()));
        };
        Ok(if literal { count } else { Expr::function(function, vec![count], Oid::INT8) })
    }
}

/// Clauses of other dialects that the parser lets through.
fn unsupported_clauses(ast: &ast::Select) -> Result<()> {
    let others = [
        (ast.into.is_some(), "SELECT INTO here"),
        (ast.top.is_some(), "TOP"),
        (ast.qualify.is_some(), "QUALIFY"),
        (ast.prewhere.is_some(), "PREWHERE"),
        (!ast.lateral_views.is_empty(), "LATERAL VIEW"),
        (!ast.connect_by.is_empty(), "CONNECT BY"),
        (!ast.cluster_by.is_empty() || !ast.distribute_by.is_empty() || !ast.sort_by.is_empty(), "CLUSTER BY"),
        (ast.exclude.is_some(), "EXCLUDE"),
        (ast.value_table_mode.is_some(), "SELECT AS"),
    ];
    match others.iter().find(|(present, _)| *present) {
        Some((_, what)) => Err(Error::unsupported(what)),
        None => Ok(()),
    }
}

/// The columns of one table that a condition's conjuncts compare for equality with something else.
fn fixed_columns(condition: &Expr, alias: &std::rc::Rc<str>, out: &mut Vec<i16>) {
    match &condition.kind {
        ExprKind::Call(crate::sql::functions::Call::Template("({0} AND {1})"), sides) => {
            sides.iter().for_each(|side| fixed_columns(side, alias, out));
        }
        ExprKind::Compare("=", left, right) => {
            for (side, other) in [(left, right), (right, left)] {
                if let ExprKind::Column(column) = &side.kind
                    && column.alias.as_ref() == Some(alias)
                    && !matches!(&other.kind, ExprKind::Column(c) if c.alias.as_ref() == Some(alias))
                {
                    out.push(column.attribute);
                }
            }
        }
        _ => {}
    }
}

/// Where a query's first output column is written.
fn first_item(body: &SetExpr) -> Option<sqlparser::tokenizer::Span> {
    match body {
        SetExpr::Select(select) => select.projection.first().map(Spanned::span),
        _ => None,
    }
}

fn locked_table(lock: &ast::LockClause, body: &SetExpr) -> Option<String> {
    let SetExpr::Select(select) = body else { return None };
    let last = |name: &ast::ObjectName| name.0.last()?.as_ident().map(fold);
    let wanted = lock.of.as_ref().map(last);
    let read = select
        .from
        .iter()
        .flat_map(|item| std::iter::once(&item.relation).chain(item.joins.iter().map(|join| &join.relation)));
    let mut tables = read.filter_map(|factor| match factor {
        ast::TableFactor::Table { name, alias, .. } => {
            let name = last(name)?;
            Some((alias.as_ref().map_or_else(|| name.clone(), |a| fold(&a.name)), name))
        }
        _ => None,
    });
    let found = tables.find(|(alias, _)| wanted.as_ref().is_none_or(|wanted| wanted.as_ref() == Some(alias)));
    found.map(|(_, name)| name)
}
