//! Queries.

use super::Printer;
use crate::sql::syntax::ast::definition::ColumnDef;
use crate::sql::syntax::ast::expression::*;
use crate::sql::syntax::ast::query::*;
use crate::sql::syntax::ast::statement::Stmt;

impl Printer {
    pub(super) fn select(&mut self, select: &SelectStmt) {
        self.with(select.with.as_ref());
        match &select.body {
            SelectBody::Select(simple) => self.simple_select(simple),
            SelectBody::Values(rows) => {
                self.put("VALUES ");
                self.list(rows, ", ", |p, row| p.parens(|p| p.exprs(row)));
            }
            SelectBody::SetOperation(operation) => self.set_operation(operation),
        }
        self.order_by(&select.sort);
        match (&select.limit_count, select.limit_option) {
            (Some(count), LimitOption::WithTies) => {
                self.put(" FETCH FIRST ");
                self.parens(|p| p.expr(count));
                self.put(" ROWS WITH TIES");
            }
            (Some(Expr::Const(AConst { value: ConstValue::Null, .. })), _) => self.put(" LIMIT ALL"),
            (Some(count), _) => {
                self.put(" LIMIT ");
                self.expr(count);
            }
            (None, _) => {}
        }
        if let Some(offset) = &select.limit_offset {
            self.put(" OFFSET ");
            self.expr(offset);
        }
        for lock in &select.locking {
            self.locking(lock);
        }
    }

    pub(super) fn with(&mut self, with: Option<&WithClause>) {
        let Some(with) = with else { return };
        self.put(if with.recursive { "WITH RECURSIVE " } else { "WITH " });
        self.list(&with.ctes, ", ", |p, cte| p.cte(cte));
        self.put(" ");
    }

    fn cte(&mut self, cte: &CommonTableExpr) {
        self.name(&cte.name);
        if !cte.columns.is_empty() {
            self.names(&cte.columns);
        }
        self.put(match cte.materialized {
            CteMaterialize::Default => " AS ",
            CteMaterialize::Always => " AS MATERIALIZED ",
            CteMaterialize::Never => " AS NOT MATERIALIZED ",
        });
        self.parens(|p| p.preparable(&cte.query));
        if let Some(search) = &cte.search {
            self.put(if search.breadth_first { " SEARCH BREADTH FIRST BY " } else { " SEARCH DEPTH FIRST BY " });
            self.list(&search.columns, ", ", |p, name| p.name(name));
            self.put(" SET ");
            self.name(&search.sequence_column);
        }
        if let Some(cycle) = &cte.cycle {
            self.put(" CYCLE ");
            self.list(&cycle.columns, ", ", |p, name| p.name(name));
            self.put(" SET ");
            self.name(&cycle.mark_column);
            if let Some((value, default)) = &cycle.mark {
                self.put(" TO ");
                self.constant_of_type(value);
                self.put(" DEFAULT ");
                self.constant_of_type(default);
            }
            self.put(" USING ");
            self.name(&cycle.path_column);
        }
    }

    /// CYCLE takes constants only, which a cast is not.
    fn constant_of_type(&mut self, value: &Expr) {
        match value {
            Expr::TypeCast(cast) => {
                self.type_name(&cast.type_name);
                self.put(" ");
                self.expr(&cast.arg);
            }
            other => self.expr(other),
        }
    }

    fn simple_select(&mut self, select: &SimpleSelect) {
        self.put("SELECT");
        match &select.distinct {
            None => {}
            Some(Distinct::All) => self.put(" DISTINCT"),
            Some(Distinct::On(exprs)) => {
                self.put(" DISTINCT ON ");
                self.parens(|p| p.exprs(exprs));
            }
        }
        if !select.targets.is_empty() {
            self.put(" ");
            self.targets(&select.targets);
        }
        if let Some(into) = &select.into {
            self.put(match into.relation.persistence {
                Persistence::Permanent => " INTO ",
                Persistence::Temporary => " INTO TEMPORARY ",
                Persistence::Unlogged => " INTO UNLOGGED ",
            });
            self.relation(&into.relation);
        }
        self.from(" FROM ", &select.from);
        self.clause(" WHERE ", select.where_clause.as_ref());
        if !select.group.is_empty() {
            self.put(if select.group_distinct { " GROUP BY DISTINCT " } else { " GROUP BY " });
            self.list(&select.group, ", ", |p, item| p.group_item(item));
        }
        self.clause(" HAVING ", select.having.as_ref());
        if !select.windows.is_empty() {
            self.put(" WINDOW ");
            self.list(&select.windows, ", ", |p, window| {
                p.name(window.name.as_deref().unwrap_or_default());
                p.put(" AS ");
                p.window_specification(window);
            });
        }
    }

    /// A word and an expression, if there is one.
    pub(super) fn clause(&mut self, word: &str, expr: Option<&Expr>) {
        if let Some(expr) = expr {
            self.put(word);
            self.expr(expr);
        }
    }

    /// The select list, or that of RETURNING.
    pub(super) fn targets(&mut self, targets: &[ResTarget]) {
        self.list(targets, ", ", |p, target| {
            p.exprs(target.value.as_slice());
            if let Some(name) = &target.name {
                p.put(" AS ");
                p.name(name);
            }
        });
    }

    fn group_item(&mut self, item: &GroupItem) {
        match item {
            GroupItem::Expr(expr) => self.expr(expr),
            GroupItem::Empty(_) => self.put("()"),
            GroupItem::Rollup(exprs, _) => {
                self.put("ROLLUP");
                self.parens(|p| p.exprs(exprs));
            }
            GroupItem::Cube(exprs, _) => {
                self.put("CUBE");
                self.parens(|p| p.exprs(exprs));
            }
            GroupItem::Sets(items, _) => {
                self.put("GROUPING SETS ");
                self.parens(|p| p.list(items, ", ", |p, item| p.group_item(item)));
            }
        }
    }

    fn set_operation(&mut self, operation: &SetOperation) {
        self.parens(|p| p.select(&operation.left));
        self.put(match operation.op {
            SetOperator::Union => " UNION ",
            SetOperator::Intersect => " INTERSECT ",
            SetOperator::Except => " EXCEPT ",
        });
        if operation.all {
            self.put("ALL ");
        }
        self.parens(|p| p.select(&operation.right));
    }

    pub(super) fn order_by(&mut self, keys: &[SortBy]) {
        if keys.is_empty() {
            return;
        }
        self.put(" ORDER BY ");
        self.list(keys, ", ", |p, key| {
            p.expr(&key.node);
            match &key.direction {
                SortByDir::Default => {}
                SortByDir::Asc => p.put(" ASC"),
                SortByDir::Desc => p.put(" DESC"),
                SortByDir::Using(operator) => {
                    p.put(" USING ");
                    p.operator_name(operator);
                }
            }
            p.nulls(key.nulls);
        });
    }

    pub(super) fn nulls(&mut self, nulls: SortByNulls) {
        self.put(match nulls {
            SortByNulls::Default => "",
            SortByNulls::First => " NULLS FIRST",
            SortByNulls::Last => " NULLS LAST",
        });
    }

    fn locking(&mut self, lock: &LockingClause) {
        self.put(match lock.strength {
            LockStrength::ForKeyShare => " FOR KEY SHARE",
            LockStrength::ForShare => " FOR SHARE",
            LockStrength::ForNoKeyUpdate => " FOR NO KEY UPDATE",
            LockStrength::ForUpdate => " FOR UPDATE",
        });
        if !lock.relations.is_empty() {
            self.put(" OF ");
            self.list(&lock.relations, ", ", |p, relation| p.relation(relation));
        }
        self.put(match lock.wait {
            LockWaitPolicy::Block => "",
            LockWaitPolicy::Skip => " SKIP LOCKED",
            LockWaitPolicy::Error => " NOWAIT",
        });
    }

    // ----- windows

    pub(super) fn window_specification(&mut self, window: &WindowDef) {
        self.parens(|p| {
            if let Some(name) = &window.refname {
                p.name(name);
            }
            if !window.partition.is_empty() {
                p.put(" PARTITION BY ");
                p.exprs(&window.partition);
            }
            p.order_by(&window.order);
            if let Some(frame) = &window.frame {
                p.frame(frame);
            }
        });
    }

    fn frame(&mut self, frame: &WindowFrame) {
        self.put(match frame.mode {
            FrameMode::Range => " RANGE ",
            FrameMode::Rows => " ROWS ",
            FrameMode::Groups => " GROUPS ",
        });
        match &frame.end {
            None => self.frame_bound(&frame.start),
            Some(end) => {
                self.put("BETWEEN ");
                self.frame_bound(&frame.start);
                self.put(" AND ");
                self.frame_bound(end);
            }
        }
        self.put(match frame.exclusion {
            FrameExclusion::NoOthers => "",
            FrameExclusion::CurrentRow => " EXCLUDE CURRENT ROW",
            FrameExclusion::Group => " EXCLUDE GROUP",
            FrameExclusion::Ties => " EXCLUDE TIES",
        });
    }

    fn frame_bound(&mut self, bound: &FrameBound) {
        match bound {
            FrameBound::UnboundedPreceding => self.put("UNBOUNDED PRECEDING"),
            FrameBound::UnboundedFollowing => self.put("UNBOUNDED FOLLOWING"),
            FrameBound::CurrentRow => self.put("CURRENT ROW"),
            FrameBound::Preceding(offset) => {
                self.expr(offset);
                self.put(" PRECEDING");
            }
            FrameBound::Following(offset) => {
                self.expr(offset);
                self.put(" FOLLOWING");
            }
        }
    }

    // ----- FROM

    pub(super) fn from(&mut self, word: &str, items: &[FromItem]) {
        if !items.is_empty() {
            self.put(word);
            self.list(items, ", ", |p, item| p.from_item(item));
        }
    }

    pub(super) fn from_item(&mut self, item: &FromItem) {
        match item {
            FromItem::Relation(relation) => self.relation(relation),
            FromItem::Subselect(sub) => {
                self.lateral(sub.lateral);
                self.parens(|p| p.select(&sub.subquery));
                self.alias(sub.alias.as_ref());
            }
            FromItem::Function(function) => self.range_function(function),
            FromItem::TableFunc(table) => self.xmltable(table),
            FromItem::TableSample(sample) => {
                self.relation(&sample.relation);
                self.put(" TABLESAMPLE ");
                self.any_name(&sample.method);
                self.parens(|p| p.exprs(&sample.args));
                if let Some(seed) = &sample.repeatable {
                    self.put(" REPEATABLE ");
                    self.parens(|p| p.expr(seed));
                }
            }
            FromItem::Join(join) => {
                self.parens(|p| p.join(join));
                self.alias(join.alias.as_ref());
            }
        }
    }

    fn lateral(&mut self, lateral: bool) {
        self.put(if lateral { "LATERAL " } else { "" });
    }

    /// A relation's name, with its alias.
    pub(super) fn relation(&mut self, relation: &RangeVar) {
        if !relation.inherit {
            self.put("ONLY ");
        }
        for qualifier in [&relation.catalog, &relation.schema].into_iter().flatten() {
            self.name(qualifier);
            self.put(".");
        }
        self.name(&relation.relation);
        self.alias(relation.alias.as_ref());
    }

    fn alias(&mut self, alias: Option<&Alias>) {
        let Some(alias) = alias else { return };
        self.put(" AS ");
        self.name(&alias.name);
        if !alias.columns.is_empty() {
            self.names(&alias.columns);
        }
    }

    fn range_function(&mut self, function: &RangeFunction) {
        self.lateral(function.lateral);
        let one = |p: &mut Self, item: &RowsFromItem| {
            p.expr(&item.function);
            if !item.columns.is_empty() {
                p.put(" AS ");
                p.column_definitions(&item.columns);
            }
        };
        if function.rows_from {
            self.put("ROWS FROM ");
            self.parens(|p| p.list(&function.functions, ", ", one));
        } else {
            self.list(&function.functions, ", ", one);
        }
        if function.ordinality {
            self.put(" WITH ORDINALITY");
        }
        match &function.alias {
            Some(alias) => self.alias(Some(alias)),
            None if !function.columns.is_empty() => self.put(" AS "),
            None => {}
        }
        if !function.columns.is_empty() {
            self.column_definitions(&function.columns);
        }
    }

    /// (a integer, b text): TableFuncElementList.
    pub(super) fn column_definitions(&mut self, columns: &[ColumnDef]) {
        self.parens(|p| {
            p.list(columns, ", ", |p, column| {
                p.name(&column.name);
                if let Some(type_name) = &column.type_name {
                    p.put(" ");
                    p.type_name(type_name);
                }
                if let Some(collation) = &column.collation {
                    p.put(" COLLATE ");
                    p.any_name(&collation.name);
                }
            });
        });
    }

    fn xmltable(&mut self, table: &RangeTableFunc) {
        self.lateral(table.lateral);
        self.put("XMLTABLE(");
        if !table.namespaces.is_empty() {
            self.put("XMLNAMESPACES(");
            self.list(&table.namespaces, ", ", |p, namespace| {
                if namespace.name.is_none() {
                    p.put("DEFAULT ");
                }
                p.exprs(namespace.value.as_slice());
                if let Some(name) = &namespace.name {
                    p.put(" AS ");
                    p.name(name);
                }
            });
            self.put("), ");
        }
        self.parens(|p| p.expr(&table.row));
        self.put(" PASSING ");
        self.parens(|p| p.expr(&table.document));
        self.put(" COLUMNS ");
        self.list(&table.columns, ", ", |p, column| {
            p.name(&column.name);
            match &column.type_name {
                None => p.put(" FOR ORDINALITY"),
                Some(type_name) => {
                    p.put(" ");
                    p.type_name(type_name);
                }
            }
            p.clause(" PATH ", column.path.as_ref());
            p.clause(" DEFAULT ", column.default.as_ref());
            if column.not_null {
                p.put(" NOT NULL");
            }
        });
        self.put(")");
        self.alias(table.alias.as_ref());
    }

    fn join(&mut self, join: &JoinExpr) {
        self.from_item(&join.left);
        let kind = match join.join_type {
            JoinType::Inner => "",
            JoinType::Left => "LEFT ",
            JoinType::Full => "FULL ",
            JoinType::Right => "RIGHT ",
        };
        self.put(match (join.natural, &join.quals) {
            (true, _) => " NATURAL ",
            (false, JoinQuals::None) => " CROSS ",
            (false, _) => " ",
        });
        self.put(kind);
        self.put("JOIN ");
        self.from_item(&join.right);
        match &join.quals {
            JoinQuals::None => {}
            JoinQuals::On(condition) => self.clause(" ON ", Some(condition)),
            JoinQuals::Using(columns, alias) => {
                self.put(" USING ");
                self.names(columns);
                self.alias(alias.as_ref());
            }
        }
    }

    /// PreparableStmt.
    pub(super) fn preparable(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Select(select) => self.select(select),
            Stmt::Insert(insert) => self.insert(insert),
            Stmt::Update(update) => self.update(update),
            Stmt::Delete(delete) => self.delete(delete),
            Stmt::Merge(merge) => self.merge(merge),
            _ => self.unknown(),
        }
    }
}
