//! Views that can be written to: one whose query selects columns of a single table, or of another such view.
//!
//! Owns: [`ViewRow`], what such a view's columns and conditions are over the row of the table below it, and why a view is
//! not such a one. Specification: sql-createview.html#SQL-CREATEVIEW-UPDATABLE-VIEWS, view_query_is_auto_updatable() in
//! rewriteHandler.c.

use crate::catalog::schema::{Relation, RelationKind};
use crate::error::Result;
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::names::output_name;
use crate::sql::analyze::scope::{RangeColumn, RangeVar, Scope};
use crate::sql::syntax::ast::expression::{Expr as Ast, Field};
use crate::sql::syntax::ast::query::{
    FromItem as Item, RangeVar as RangeName, ResTarget, SelectBody, SelectStmt, SimpleSelect,
};
use crate::sql::syntax::parse;
use crate::sql::tree::{Body, EntryId, Expr, ExprKind, Query};

/// What a view shows of a row of the table below it.
pub(in crate::sql) struct ViewRow<'a> {
    pub table: &'a Relation,
    pub columns: Vec<RangeColumn>,
    /// Why a column is none of the table's, by its place.
    pub computed: Vec<Option<&'static str>>,
    /// The outermost of the views that has no column of the table's; rows can only be deleted from it.
    pub columnless: Option<&'a Relation>,
    /// Defaults of views, by the table's columns; the outermost view's counts.
    pub defaults: Vec<(i16, &'a str)>,
    /// The view and those below it, the innermost last.
    pub levels: Vec<ViewLevel<'a>>,
}

/// One view of several on top of each other.
pub(in crate::sql) struct ViewLevel<'a> {
    pub view: &'a Relation,
    pub condition: Option<Expr>,
    /// What it selects from.
    pub below: &'a Relation,
    /// The columns of that which its own are, by their place.
    pub columns: Vec<Option<i16>>,
}

/// A view's row, or the view, this or one below it, that cannot be written to, and why.
pub(in crate::sql) type Updatable<'a> = std::result::Result<ViewRow<'a>, (&'a Relation, &'static str)>;

const COMPUTED: &str = "View columns that are not columns of their base relation are not updatable.";
const SYSTEM: &str = "View columns that refer to system columns are not updatable.";
const WHOLE_ROW: &str = "View columns that return whole-row references are not updatable.";
const NOT_SINGLE: &str = "Views that do not select from a single table or view are not automatically updatable.";

pub const NO_COLUMNS: &str = "Views that have no updatable columns are not automatically updatable.";

/// An item of the select list: the column that it is, as written, and what it means.
type Output = (Option<String>, Expr);

/// The columns that every table has.
const SYSTEM_COLUMNS: &[&str] = &["tableoid", "ctid", "xmin", "cmin", "xmax", "cmax"];

impl<'a> Analyzer<'a> {
    /// The row of a view over `entry`, which stands for the table below. `entry` must be in no scope yet.
    pub(in crate::sql) fn updatable_view(&mut self, view: &'a Relation, entry: EntryId) -> Result<Updatable<'a>> {
        let Some(text) = &view.view_query else { return Ok(Err((view, NOT_SINGLE))) };
        let ast = parse::query(text)?;
        self.permissions.borrow_mut().enter_view(view);
        let row = self.stored(|a| a.deeper(|a| a.view_row(view, &ast, entry)));
        self.permissions.borrow_mut().leave_view();
        row
    }

    fn view_row(&mut self, view: &'a Relation, ast: &SelectStmt, entry: EntryId) -> Result<Updatable<'a>> {
        let select = match plain_select(ast) {
            Ok(select) => select,
            Err(why) => return Ok(Err((view, why))),
        };
        if let Some(why) = returns_more(&self.query(ast)?) {
            return Ok(Err((view, why)));
        }
        let [Item::Relation(name)] = select.from.as_slice() else { return Ok(Err((view, NOT_SINGLE))) };
        let below = self.relation(name)?;
        let (row, inner) = match below.kind {
            RelationKind::Table if below.is_materialized() => return Ok(Err((view, NOT_SINGLE))),
            RelationKind::Table => (RangeVar::table(self, below, below.name.clone(), entry), ViewRow::of_table(below)),
            RelationKind::View => match self.updatable_view(below, entry)? {
                Ok(mut inner) => (RangeVar::of_view(below, std::mem::take(&mut inner.columns), entry), inner),
                Err(why) => return Ok(Err(why)),
            },
            _ => return Ok(Err((view, NOT_SINGLE))),
        };
        let (targets, condition) = self.over_row(named(row, name)?, select)?;
        let number = |(_, expr): &Output| match &expr.kind {
            ExprKind::Var(var) if var.origin.0 == below.oid => Some(var.origin.1),
            _ => None,
        };
        let columns = targets.iter().map(number).collect();
        let mut levels = vec![ViewLevel { view, condition, below, columns }];
        levels.extend(inner.levels);
        let computed: Vec<_> =
            targets.iter().map(|(target, expr)| why_computed(target.as_deref(), expr, entry)).collect();
        let columnless = if computed.iter().all(Option::is_some) { Some(view) } else { inner.columnless };
        let mut defaults: Vec<(i16, &'a str)> = Vec::new();
        for (column, (_, expr)) in view.columns.iter().zip(&targets) {
            if let (Some(default), ExprKind::Var(var)) = (&column.default, &expr.kind) {
                defaults.push((var.attribute, default));
            }
        }
        defaults.extend(inner.defaults);
        let names = view.columns.iter().map(|column| column.name.clone());
        let columns = names.zip(targets).map(|(name, (_, expr))| RangeColumn { name, expr }).collect();
        Ok(Ok(ViewRow { table: inner.table, columns, computed, columnless, defaults, levels }))
    }

    /// The select list, with the names of columns as written, and the condition over one row.
    fn over_row(&mut self, row: RangeVar, select: &SimpleSelect) -> Result<(Vec<Output>, Option<Expr>)> {
        self.scopes.push(Scope { entries: vec![row], ..Scope::default() });
        let result = self.targets_and_condition(select);
        self.scopes.pop();
        result
    }

    fn targets_and_condition(&mut self, select: &SimpleSelect) -> Result<(Vec<Output>, Option<Expr>)> {
        let mut targets = Vec::new();
        for item in &select.targets {
            let written = column_written(item);
            for target in self.targets(std::slice::from_ref(item))? {
                targets.push((written.clone(), self.resolve_unknown(target.expr)?));
            }
        }
        let condition = select.where_clause.as_ref().map(|ast| self.condition(ast, "WHERE")).transpose()?;
        Ok((targets, condition))
    }
}

impl<'a> ViewRow<'a> {
    /// What is below the innermost view.
    fn of_table(table: &'a Relation) -> Self {
        let (columns, computed, defaults, levels) = Default::default();
        ViewRow { table, columns, computed, columnless: None, defaults, levels }
    }

    /// The places of the columns that are the table's.
    pub fn updatable_columns(&self) -> impl Iterator<Item = usize> {
        self.computed.iter().enumerate().filter(|(_, why)| why.is_none()).map(|(place, _)| place)
    }
}

impl RangeVar {
    /// A view's row, whose columns are expressions over the table below it.
    pub(super) fn of_view(view: &Relation, columns: Vec<RangeColumn>, entry: EntryId) -> Self {
        let mut row = RangeVar {
            schema: Some(view.schema.clone()),
            row_type: Some(view.oid),
            ..RangeVar::over(view.name.clone(), entry, columns)
        };
        let origins: Vec<_> = view.columns.iter().map(|column| (view.oid, column.number)).collect();
        row.carry_origins(&origins);
        row
    }
}

/// A row under the alias that the query gives it.
fn named(mut row: RangeVar, name: &RangeName) -> Result<RangeVar> {
    if let Some(alias) = &name.alias {
        row.name.clone_from(&alias.name);
        row.schema = None;
        row.rename_columns(&alias.columns)?;
    }
    Ok(row)
}

/// The SELECT of a query that is nothing else, as far as its text says.
fn plain_select(ast: &SelectStmt) -> std::result::Result<&SimpleSelect, &'static str> {
    let select = match &ast.body {
        SelectBody::Select(select) => Some(&**select),
        SelectBody::SetOperation(_) | SelectBody::Values(_) => None,
    };
    if select.is_some_and(|select| select.distinct.is_some()) {
        return Err("Views containing DISTINCT are not automatically updatable.");
    }
    if select.is_some_and(|select| !select.group.is_empty()) {
        return Err("Views containing GROUP BY are not automatically updatable.");
    }
    if select.is_some_and(|select| select.having.is_some()) {
        return Err("Views containing HAVING are not automatically updatable.");
    }
    if matches!(ast.body, SelectBody::SetOperation(_)) {
        return Err("Views containing UNION, INTERSECT, or EXCEPT are not automatically updatable.");
    }
    if ast.with.is_some() {
        return Err("Views containing WITH are not automatically updatable.");
    }
    if ast.limit_offset.is_some() || ast.limit_count.is_some() {
        return Err("Views containing LIMIT or OFFSET are not automatically updatable.");
    }
    let select = select.ok_or(NOT_SINGLE)?;
    match select.from.as_slice() {
        [Item::TableSample(_)] => Err("Views containing TABLESAMPLE are not automatically updatable."),
        _ => Ok(select),
    }
}

/// What a select list has that makes other rows than the table's.
fn returns_more(query: &Query) -> Option<&'static str> {
    let Body::Select(select) = &query.body else { return None };
    let has = |is_it: fn(&Expr) -> bool| select.targets.iter().any(|target| is_it(&target.expr));
    if has(Expr::contains_aggregate) {
        return Some("Views that return aggregate functions are not automatically updatable.");
    }
    if has(Expr::contains_window) {
        return Some("Views that return window functions are not automatically updatable.");
    }
    has(Expr::contains_set).then_some("Views that return set-returning functions are not automatically updatable.")
}

/// The column that an item of the select list is, as written.
fn column_written(item: &ResTarget) -> Option<String> {
    match &item.value {
        Some(value @ Ast::ColumnRef(column)) if column.fields.last() != Some(&Field::Star) => Some(output_name(value)),
        _ => None,
    }
}

/// Why an output column is not a column of the table.
fn why_computed(written: Option<&str>, expr: &Expr, entry: EntryId) -> Option<&'static str> {
    match &expr.kind {
        ExprKind::Var(var) if var.entry == entry && var.attribute > 0 => None,
        _ if written.is_some_and(|name| SYSTEM_COLUMNS.contains(&name)) => Some(SYSTEM),
        ExprKind::Row { names, .. } if !names.is_empty() && written.is_some() => Some(WHOLE_ROW),
        _ => Some(COMPUTED),
    }
}
