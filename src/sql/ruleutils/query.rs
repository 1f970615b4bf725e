//! SELECT and its clauses (get_query_def).

use super::constant::ShowType;
use super::layout::{STD, VAR};
use super::{Printer, unprintable, without_implicit};
use crate::catalog::definitions::quote_identifier;
use crate::error::Result;
use crate::limits::stack;
use crate::sql::tree::{
    Body, Cte, CteQuery, Expr, ExprKind, Query, Select, SetOperator, SortKey, Target, Window, Written,
};

impl Printer<'_> {
    /// `columns` are the names of the result, where they are known from elsewhere. `named` says whether anybody sees
    /// those that the query gives.
    pub(super) fn query_def(&mut self, query: &Query, columns: Option<&[String]>, named: bool) -> Result<()> {
        stack::check()?;
        let (indent, taken) = (self.indent, self.taken.len());
        if let Body::Select(select) = &query.body {
            self.enter_from(&select.from)?;
        }
        self.with_clause(query)?;
        let result = self.select_query(query, columns, named);
        self.taken.truncate(taken);
        self.indent = indent;
        result
    }

    /// A query inside another one.
    pub(super) fn subquery_def(&mut self, query: &Query, named: bool) -> Result<()> {
        let prefix = std::mem::replace(&mut self.prefix, true);
        let result = self.query_def(query, None, named);
        self.prefix = prefix;
        result
    }

    fn with_clause(&mut self, query: &Query) -> Result<()> {
        if query.ctes.is_empty() {
            return Ok(());
        }
        if self.style.indent {
            self.indent += STD;
            self.push(" ");
        }
        self.push(if query.recursive { "WITH RECURSIVE " } else { "WITH " });
        self.list(&query.ctes, ", ", Self::cte)?;
        if self.style.indent {
            self.indent -= STD;
            self.keyword("", 0, 0, 0);
        } else {
            self.push(" ");
        }
        Ok(())
    }

    fn cte(&mut self, cte: &Cte) -> Result<()> {
        let Some(name) = self.written.ctes.get(&cte.id) else { return Err(unprintable("a WITH query")) };
        self.push(&quote_identifier(&name.name));
        self.column_names(&name.columns);
        self.push(" AS ");
        match cte.materialized {
            Some(true) => self.push("MATERIALIZED "),
            Some(false) => self.push("NOT MATERIALIZED "),
            None => {}
        }
        self.push("(");
        self.line();
        let CteQuery::Select(query) = &cte.query else { return Err(unprintable("a change of data in WITH")) };
        self.subquery_def(query, true)?;
        self.line();
        self.push(")");
        Ok(())
    }

    fn line(&mut self) {
        if self.style.indent {
            self.keyword("", 0, 0, 0);
        }
    }

    /// (a, b), if there are any.
    pub(super) fn column_names(&mut self, columns: &[String]) {
        if !columns.is_empty() {
            let columns: Vec<String> = columns.iter().map(|name| quote_identifier(name)).collect();
            self.push(&format!("({})", columns.join(", ")));
        }
    }

    fn select_query(&mut self, query: &Query, columns: Option<&[String]>, named: bool) -> Result<()> {
        let by_number = matches!(query.body, Body::SetOperation { .. });
        match &query.body {
            Body::SetOperation { .. } => self.set_operation(query, columns, named)?,
            Body::Select(select) => self.basic_select(select, &query.order_by, columns, named)?,
            Body::Values { rows, names } => {
                if !query.order_by.is_empty() {
                    return Err(unprintable("VALUES in an order"));
                }
                self.values_query(rows, names, columns)?;
            }
        }
        if !query.order_by.is_empty() {
            self.keyword(" ORDER BY ", -STD, STD, 1);
            let select = match &query.body {
                Body::Select(select) => Some(&**select),
                _ => None,
            };
            self.order_by(&query.order_by, select, by_number)?;
        }
        if let Some(offset) = &query.offset {
            self.keyword(" OFFSET ", -STD, STD, 0);
            self.expr(without_implicit(offset), false)?;
        }
        match &query.limit {
            None => {}
            Some(limit) if query.with_ties => {
                self.keyword(" FETCH FIRST (", -STD, STD, 0);
                self.expr(without_implicit(limit), false)?;
                self.push(") ROWS WITH TIES");
            }
            Some(limit) => {
                self.keyword(" LIMIT ", -STD, STD, 0);
                match without_implicit(limit).kind {
                    ExprKind::Null => self.push("ALL"),
                    _ => self.expr(without_implicit(limit), false)?,
                }
            }
        }
        Ok(())
    }

    fn basic_select(
        &mut self,
        select: &Select,
        keys: &[SortKey],
        columns: Option<&[String]>,
        named: bool,
    ) -> Result<()> {
        if self.style.indent {
            self.indent += STD;
            self.push(" ");
        }
        self.push("SELECT");
        if !select.distinct_on.is_empty() {
            self.push(" DISTINCT ON (");
            self.list(&select.distinct_on, ", ", Self::sort_group)?;
            self.push(")");
        } else if select.distinct {
            self.push(" DISTINCT");
        }
        self.targets(&select.targets, columns, named)?;
        self.from_clause(&select.from)?;
        if let Some(condition) = &select.selection {
            self.keyword(" WHERE ", -STD, STD, 1);
            self.expr(condition, false)?;
        }
        if !select.group_by.is_empty() {
            self.keyword(" GROUP BY ", -STD, STD, 1);
            self.list(&select.group_by, ", ", |p, key| match &key.kind {
                ExprKind::Written(Written::Group(_), _) => p.grouping_set(key, true),
                _ => p.sort_group(key),
            })?;
        }
        if let Some(condition) = &select.having {
            self.keyword(" HAVING ", -STD, STD, 0);
            self.expr(condition, false)?;
        }
        self.window_clause(&named_windows(select, keys))
    }

    /// get_rule_groupingset
    fn grouping_set(&mut self, set: &Expr, omit: bool) -> Result<()> {
        let ExprKind::Written(Written::Group(name), parts) = &set.kind else { return self.sort_group(set) };
        if name.is_empty() {
            let bare = omit && parts.len() == 1;
            self.push(if bare { "" } else { "(" });
            self.list(parts, ", ", Self::sort_group)?;
            self.push(if bare { "" } else { ")" });
            return Ok(());
        }
        self.push(name);
        self.push("(");
        let omit = !name.starts_with("GROUPING");
        self.list(parts, ", ", |p, part| p.grouping_set(part, omit))?;
        self.push(")");
        Ok(())
    }

    fn targets(&mut self, targets: &[Target], columns: Option<&[String]>, named: bool) -> Result<()> {
        let mut multiline = false;
        for (index, target) in targets.iter().enumerate() {
            self.push(if index == 0 { " " } else { ", " });
            let text = self.apart(|p| p.target(target, columns.and_then(|c| c.get(index)), named))?;
            if self.style.indent && self.style.wrap >= 0 {
                if text.starts_with('\n') {
                    self.remove_spaces();
                } else if index > 0 && (self.line_with(&text) > self.style.wrap || multiline) {
                    self.keyword("", -STD, STD, VAR);
                }
                multiline = text.get(usize::from(text.starts_with('\n'))..).is_some_and(|rest| rest.contains('\n'));
            }
            self.push(&text);
        }
        Ok(())
    }

    fn target(&mut self, target: &Target, name: Option<&String>, named: bool) -> Result<()> {
        let name = name.unwrap_or(&target.name);
        let own = match &target.expr.kind {
            ExprKind::Var(var) => {
                self.column(var)?;
                Some(self.variable(var)?)
            }
            ExprKind::Field { arg, index } if self.row_field(arg, *index).is_some() => {
                self.expr(&target.expr, true)?;
                self.row_field(arg, *index).map(|(_, own)| own)
            }
            ExprKind::Written(Written::Merged(own), _) => {
                self.push(&quote_identifier(own));
                Some(own.clone())
            }
            ExprKind::Row { names, .. } if !names.is_empty() => {
                self.whole_row(&target.expr, true)?;
                None
            }
            _ => {
                self.expr(&target.expr, true)?;
                None
            }
        };
        let shown = match own {
            Some(own) => own == *name,
            None => !named && name == "?column?",
        };
        if !shown {
            self.push(&format!(" AS {}", quote_identifier(name)));
        }
        Ok(())
    }

    fn values_query(&mut self, rows: &[Vec<Expr>], names: &[String], columns: Option<&[String]>) -> Result<()> {
        if self.style.indent {
            self.indent += STD;
            self.push(" ");
        }
        if columns.is_none_or(|columns| columns == names) {
            return self.values(rows);
        }
        self.push("SELECT");
        for (index, (name, column)) in names.iter().zip(columns.unwrap_or_default()).enumerate() {
            self.push(if index == 0 { " " } else { ", " });
            if index > 0 && self.style.wrap >= 0 && self.style.indent {
                self.keyword("", -STD, STD, VAR);
            }
            self.push(&format!("\"*VALUES*\".{}", quote_identifier(name)));
            if column != name {
                self.push(&format!(" AS {}", quote_identifier(column)));
            }
        }
        self.keyword(" FROM ", -STD, STD, 2);
        self.push("(");
        self.values(rows)?;
        self.push(") \"*VALUES*\"");
        Ok(())
    }

    pub(super) fn values(&mut self, rows: &[Vec<Expr>]) -> Result<()> {
        self.push("VALUES ");
        self.list(rows, ", ", |p, row| {
            p.push("(");
            p.list(row, ",", |p, value| p.expr(value, false))?;
            p.push(")");
            Ok(())
        })
    }

    // ----- set operations

    fn set_operation(&mut self, query: &Query, columns: Option<&[String]>, named: bool) -> Result<()> {
        stack::check()?;
        let Body::SetOperation { operator, all, left, right } = &query.body else {
            return self.leaf(query, columns, named);
        };
        let same = |side: &Query| matches!(&side.body, Body::SetOperation { operator: o, all: a, .. } if o == operator && a == all);
        let nested = is_operation(left) && !same(left);
        let indent = if nested { STD } else { 0 };
        if nested {
            self.push("(");
            self.keyword("", indent, 0, 0);
        }
        self.side(left, columns, named)?;
        if nested {
            self.keyword(") ", -indent, 0, 0);
        } else if self.style.indent {
            self.keyword("", -indent, 0, 0);
        } else {
            self.push(" ");
        }
        self.push(match operator {
            SetOperator::Union => "UNION ",
            SetOperator::Intersect => "INTERSECT ",
            SetOperator::Except => "EXCEPT ",
        });
        if *all {
            self.push("ALL ");
        }
        let nested = is_operation(right);
        let indent = if nested { STD } else { 0 };
        if nested {
            self.push("(");
        }
        self.keyword("", indent, 0, 0);
        self.side(right, columns, false)?;
        if self.style.indent {
            self.indent -= indent;
        }
        if nested {
            self.keyword(")", 0, 0, 0);
        }
        Ok(())
    }

    fn side(&mut self, side: &Query, columns: Option<&[String]>, named: bool) -> Result<()> {
        match is_operation(side) {
            true => self.set_operation(side, columns, named),
            false => self.leaf(side, columns, named),
        }
    }

    /// A query that is no set operation itself.
    fn leaf(&mut self, query: &Query, columns: Option<&[String]>, named: bool) -> Result<()> {
        let parentheses =
            !query.ctes.is_empty() || !query.order_by.is_empty() || query.limit.is_some() || query.offset.is_some();
        self.push(if parentheses { "(" } else { "" });
        let prefix = std::mem::replace(&mut self.prefix, true);
        self.query_def(query, columns, named)?;
        self.prefix = prefix;
        self.push(if parentheses { ")" } else { "" });
        Ok(())
    }

    // ----- ORDER BY, GROUP BY, windows

    /// get_rule_orderby
    pub(super) fn order_by(&mut self, keys: &[SortKey], select: Option<&Select>, by_number: bool) -> Result<()> {
        self.list(keys, ", ", |p, key| {
            let target = key.output.and_then(|place| select?.targets.get(place));
            match (by_number, key.output) {
                (true, Some(place)) => p.push(&(place + 1).to_string()),
                (true, None) => match &without_implicit(&key.expr).kind {
                    ExprKind::Var(var) => p.push(&var.attribute.to_string()),
                    _ => return Err(unprintable("this ORDER BY")),
                },
                (false, _) => p.sort_group(target.map_or(&key.expr, |target| &target.expr))?,
            }
            p.push(match (key.descending, key.nulls_first) {
                (false, false) => "",
                (false, true) => " NULLS FIRST",
                (true, true) => " DESC",
                (true, false) => " DESC NULLS LAST",
            });
            Ok(())
        })
    }

    /// get_rule_sortgroupclause
    pub(super) fn sort_group(&mut self, expr: &Expr) -> Result<()> {
        let expr = match &expr.kind {
            ExprKind::EnumOrder(arg) => arg,
            _ => expr,
        };
        match &expr.kind {
            ExprKind::Const(value) => self.constant(value, expr.type_oid, ShowType::Always),
            ExprKind::Null => {
                self.null(expr.type_oid, ShowType::Always);
                Ok(())
            }
            ExprKind::Var(_) => self.expr(expr, true),
            _ => {
                let parentheses = self.style.paren || self.is_function(expr);
                self.push(if parentheses { "(" } else { "" });
                self.expr(expr, true)?;
                self.push(if parentheses { ")" } else { "" });
                Ok(())
            }
        }
    }

    /// get_rule_windowspec
    pub(super) fn window_spec(&mut self, window: &Window) -> Result<()> {
        self.push("(");
        let mut space = "";
        if !window.partition_by.is_empty() {
            self.push("PARTITION BY ");
            self.list(&window.partition_by, ", ", Self::sort_group)?;
            space = " ";
        }
        if !window.order_by.is_empty() {
            self.push(space);
            self.push("ORDER BY ");
            self.order_by(&window.order_by, None, false)?;
            space = " ";
        }
        if let Some(frame) = &window.frame {
            self.push(space);
            self.frame(frame)?;
        }
        self.push(")");
        Ok(())
    }

    /// The WINDOW clause: the named windows that are used.
    fn window_clause(&mut self, windows: &[(&str, &Window)]) -> Result<()> {
        if windows.is_empty() {
            return Ok(());
        }
        self.keyword(" WINDOW ", -STD, STD, 1);
        self.list(windows, ", ", |p, (name, window)| {
            p.push(&format!("{} AS ", quote_identifier(name)));
            p.window_spec(window)
        })
    }
}

fn is_operation(query: &Query) -> bool {
    matches!(query.body, Body::SetOperation { .. })
        && query.ctes.is_empty()
        && query.order_by.is_empty()
        && query.limit.is_none()
        && query.offset.is_none()
}

/// The named windows of a query, in the order in which they are used.
fn named_windows<'q>(select: &'q Select, keys: &'q [SortKey]) -> Vec<(&'q str, &'q Window)> {
    let mut windows = Vec::new();
    for expr in select.targets.iter().map(|target| &target.expr).chain(keys.iter().map(|key| &key.expr)) {
        note_windows(expr, &mut windows);
    }
    windows
}

fn note_windows<'q>(expr: &'q Expr, windows: &mut Vec<(&'q str, &'q Window)>) {
    if let ExprKind::Aggref(call) = &expr.kind
        && let Some(window) = &call.over
        && let Some(name) = &window.name
        && !windows.iter().any(|(known, _)| known == name)
    {
        windows.push((name, window));
    }
    expr.for_each_child(&mut |part| note_windows(part, windows));
}
