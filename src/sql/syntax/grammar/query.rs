//! SELECT: select_no_parens and its clauses.
//!
//! Owns: [`Parser::select_stmt`], WITH, set operations, ORDER BY, LIMIT, FOR UPDATE, GROUP BY. FROM is in `from`.
//! Must not know: what a name means. Specification: sql-select.html, gram.y.

use crate::error::Result;
use crate::sql::syntax::ast::expression::*;
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::*;
use crate::sql::syntax::grammar::locations::expr_location;
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parser::Parser;

/// What LIMIT, OFFSET and FETCH say.
#[derive(Default)]
struct SelectLimit {
    offset: Option<Expr>,
    count: Option<Expr>,
    option: Option<LimitOption>,
}

impl SelectStmt {
    /// A query without anything behind its body.
    pub fn of(body: SelectBody, location: Location) -> SelectStmt {
        SelectStmt {
            with: None,
            body,
            sort: Vec::new(),
            limit_offset: None,
            limit_count: None,
            limit_option: LimitOption::Count,
            locking: Vec::new(),
            location,
        }
    }
}

impl Parser<'_> {
    /// Whether a query without parentheses begins here.
    pub(super) fn at_select(&self) -> bool {
        self.at_any(&[K::Select, K::Values, K::Table, K::With])
    }

    /// SelectStmt: a query, in parentheses or not.
    pub fn select_stmt(&mut self) -> Result<SelectStmt> {
        if self.at_symbol(b'(') {
            let select = self.select_with_parens()?;
            return self.select_after(select);
        }
        self.select_no_parens()
    }

    /// ( query ), however many parentheses.
    pub(super) fn select_with_parens(&mut self) -> Result<SelectStmt> {
        self.deeper(|p| p.parens(Self::select_stmt))
    }

    /// A query that begins with WITH, SELECT, VALUES or TABLE, or with a parenthesis behind WITH.
    pub(super) fn select_no_parens(&mut self) -> Result<SelectStmt> {
        self.deeper(|p| {
            let with = p.opt_with_clause()?;
            p.select_behind_with(with)
        })
    }

    /// The rest of a query whose WITH has been read.
    pub(super) fn select_behind_with(&mut self, with: Option<WithClause>) -> Result<SelectStmt> {
        let first = self.select_operand()?;
        let mut select = self.set_operations(first, 0)?;
        self.select_options(&mut select)?;
        self.insert_with(&mut select, with)?;
        Ok(select)
    }

    /// What goes on behind a query in parentheses: set operations, ORDER BY, LIMIT …
    pub(super) fn select_after(&mut self, first: SelectStmt) -> Result<SelectStmt> {
        let mut select = self.set_operations(first, 0)?;
        self.select_options(&mut select)?;
        Ok(select)
    }

    /// Whether the next token makes a query in parentheses part of a larger one.
    pub(super) fn continues_select(&self) -> bool {
        self.at_any(&[K::Union, K::Intersect, K::Except, K::Order, K::Limit, K::Offset, K::Fetch, K::For])
    }

    // ----- set operations

    /// select_clause: what a set operation combines.
    fn select_operand(&mut self) -> Result<SelectStmt> {
        if self.at_symbol(b'(') { self.select_with_parens() } else { self.simple_select() }
    }

    /// UNION and EXCEPT bind weaker than INTERSECT; all go from left to right.
    fn set_operations(&mut self, mut left: SelectStmt, least: u8) -> Result<SelectStmt> {
        let mut levels = 0;
        loop {
            let (op, strength) = match self.peek() {
                TokenKind::Keyword(K::Union) => (SetOperator::Union, 0),
                TokenKind::Keyword(K::Except) => (SetOperator::Except, 0),
                TokenKind::Keyword(K::Intersect) => (SetOperator::Intersect, 1),
                _ => break,
            };
            if strength < least {
                break;
            }
            self.advance();
            self.descend(1)?;
            levels += 1;
            let all = self.eat(K::All);
            if !all {
                self.eat(K::Distinct);
            }
            let right = self.select_operand()?;
            let right = self.set_operations(right, strength + 1)?;
            let location = left.location;
            let operation = SetOperation { op, all, left, right };
            left = SelectStmt::of(SelectBody::SetOperation(Box::new(operation)), location);
        }
        self.ascend(levels);
        Ok(left)
    }

    fn simple_select(&mut self) -> Result<SelectStmt> {
        let location = self.location();
        match self.peek() {
            TokenKind::Keyword(K::Values) => {
                self.advance();
                let rows = self.comma_list(|p| p.parens_list(Self::a_expr))?;
                Ok(SelectStmt::of(SelectBody::Values(rows), location))
            }
            TokenKind::Keyword(K::Table) => {
                self.advance();
                let from = vec![FromItem::Relation(self.relation_expr()?)];
                let all = Expr::ColumnRef(ColumnRef { fields: vec![Field::Star], location: Location::UNKNOWN });
                let targets = vec![target(None, all, Location::UNKNOWN)];
                let select = SimpleSelect { targets, from, ..SimpleSelect::default() };
                Ok(SelectStmt::of(SelectBody::Select(Box::new(select)), location))
            }
            _ => {
                self.expect(K::Select)?;
                let select = self.select_clauses()?;
                Ok(SelectStmt::of(SelectBody::Select(Box::new(select)), location))
            }
        }
    }

    /// What follows SELECT.
    fn select_clauses(&mut self) -> Result<SimpleSelect> {
        let mut select = SimpleSelect::default();
        if self.eat(K::Distinct) {
            select.distinct = Some(match self.eat(K::On) {
                true => Distinct::On(self.parens_list(Self::a_expr)?),
                false => Distinct::All,
            });
            select.targets = self.target_list()?;
        } else {
            self.eat(K::All);
            if !self.ends_target_list() {
                select.targets = self.target_list()?;
            }
        }
        if self.eat(K::Into) {
            select.into = Some(self.into_clause()?);
        }
        select.from = self.from_clause()?;
        select.where_clause = self.where_clause()?;
        if self.eat(K::Group) {
            self.expect(K::By)?;
            select.group_distinct = self.eat(K::Distinct);
            if !select.group_distinct {
                self.eat(K::All);
            }
            select.group = self.comma_list(Self::group_by_item)?;
        }
        select.having = self.optional(K::Having, Self::a_expr)?;
        if self.eat(K::Window) {
            select.windows = self.comma_list(|p| {
                let name = p.col_id()?;
                p.expect(K::As)?;
                Ok(WindowDef { name: Some(name), ..p.window_specification()? })
            })?;
        }
        Ok(select)
    }

    /// A SELECT may have no targets at all; then one of these follows.
    fn ends_target_list(&self) -> bool {
        const BEHIND: [K; 17] = [
            K::Into,
            K::From,
            K::Where,
            K::Group,
            K::Having,
            K::Window,
            K::Union,
            K::Intersect,
            K::Except,
            K::Order,
            K::Limit,
            K::Offset,
            K::Fetch,
            K::For,
            K::On,
            K::Returning,
            K::With,
        ];
        self.at_end() || self.at_symbol(b')') || self.at_any(&BEHIND)
    }

    /// target_list
    pub(super) fn target_list(&mut self) -> Result<Vec<ResTarget>> {
        self.comma_list(Self::target_el)
    }

    fn target_el(&mut self) -> Result<ResTarget> {
        let location = self.location();
        if self.eat_symbol(b'*') {
            let all = Expr::ColumnRef(ColumnRef { fields: vec![Field::Star], location });
            return Ok(target(None, all, location));
        }
        let value = self.a_expr()?;
        let name = match () {
            () if self.eat(K::As) => Some(self.col_label()?),
            () if self.is_bare_col_label() => Some(self.col_label()?),
            () => None,
        };
        Ok(target(name, value, location))
    }

    /// OptTempTableName behind INTO.
    fn into_clause(&mut self) -> Result<IntoClause> {
        let relation = self.opt_temp_table_name()?;
        Ok(IntoClause {
            relation,
            columns: Vec::new(),
            access_method: None,
            options: Vec::new(),
            on_commit: Default::default(),
            tablespace: None,
            skip_data: false,
        })
    }

    /// where_clause
    pub(super) fn where_clause(&mut self) -> Result<Option<Expr>> {
        self.optional(K::Where, Self::a_expr)
    }

    fn group_by_item(&mut self) -> Result<GroupItem> {
        let location = self.location();
        match self.peek() {
            TokenKind::Symbol(b'(') if self.symbol_at(1, b')') => {
                self.advance();
                self.advance();
                Ok(GroupItem::Empty(location))
            }
            TokenKind::Keyword(K::Rollup) if self.symbol_at(1, b'(') => {
                self.advance();
                Ok(GroupItem::Rollup(self.parens_list(Self::a_expr)?, location))
            }
            TokenKind::Keyword(K::Cube) if self.symbol_at(1, b'(') => {
                self.advance();
                Ok(GroupItem::Cube(self.parens_list(Self::a_expr)?, location))
            }
            TokenKind::Keyword(K::Grouping) if self.keyword_at(1, K::Sets) => self.deeper(|p| {
                p.expect_all(&[K::Grouping, K::Sets])?;
                Ok(GroupItem::Sets(p.parens_list(Self::group_by_item)?, location))
            }),
            _ => Ok(GroupItem::Expr(self.a_expr()?)),
        }
    }

    // ----- WITH

    pub(super) fn opt_with_clause(&mut self) -> Result<Option<WithClause>> {
        if !self.at(K::With) {
            return Ok(None);
        }
        let location = self.location();
        self.advance();
        let recursive = self.eat(K::Recursive);
        let ctes = self.comma_list(Self::common_table_expr)?;
        Ok(Some(WithClause { recursive, ctes, location }))
    }

    fn common_table_expr(&mut self) -> Result<CommonTableExpr> {
        let location = self.location();
        let name = self.col_id()?;
        let columns = self.opt_column_list()?;
        self.expect(K::As)?;
        let materialized = match () {
            () if self.eat(K::Materialized) => CteMaterialize::Always,
            () if self.eat_all(&[K::Not, K::Materialized]) => CteMaterialize::Never,
            () => CteMaterialize::Default,
        };
        let query = self.deeper(|p| p.parens(Self::preparable_stmt))?;
        let search = self.opt_search_clause()?;
        let cycle = self.opt_cycle_clause()?;
        Ok(CommonTableExpr { name, columns, materialized, query: Box::new(query), search, cycle, location })
    }

    fn opt_search_clause(&mut self) -> Result<Option<CteSearchClause>> {
        let location = self.location();
        if !self.eat(K::Search) {
            return Ok(None);
        }
        let breadth_first = self.eat(K::Breadth);
        if !breadth_first {
            self.expect(K::Depth)?;
        }
        self.expect_all(&[K::First, K::By])?;
        let columns = self.comma_list(Self::col_id)?;
        self.expect(K::Set)?;
        let sequence_column = self.col_id()?;
        Ok(Some(CteSearchClause { breadth_first, columns, sequence_column, location }))
    }

    fn opt_cycle_clause(&mut self) -> Result<Option<CteCycleClause>> {
        let location = self.location();
        if !self.eat(K::Cycle) {
            return Ok(None);
        }
        let columns = self.comma_list(Self::col_id)?;
        self.expect(K::Set)?;
        let mark_column = self.col_id()?;
        let mut mark = None;
        if self.eat(K::To) {
            let value = self.a_expr_const()?;
            self.expect(K::Default)?;
            mark = Some((value, self.a_expr_const()?));
        }
        self.expect(K::Using)?;
        let path_column = self.col_id()?;
        Ok(Some(CteCycleClause { columns, mark_column, mark, path_column, location }))
    }

    /// AexprConst: a constant, maybe of a named type.
    fn a_expr_const(&mut self) -> Result<Expr> {
        let at = self.location();
        match self.c_expr()? {
            constant @ (Expr::Const(_) | Expr::TypeCast(_)) => Ok(constant),
            _ => Err(self.syntax_error_at(at, "syntax error")),
        }
    }

    // ----- ORDER BY, LIMIT, FOR UPDATE

    /// ORDER BY …, which must be there.
    pub(super) fn sort_clause(&mut self) -> Result<Vec<SortBy>> {
        self.expect_all(&[K::Order, K::By])?;
        self.comma_list(Self::sortby)
    }

    pub(super) fn opt_sort_clause(&mut self) -> Result<Vec<SortBy>> {
        if self.at(K::Order) { self.sort_clause() } else { Ok(Vec::new()) }
    }

    fn sortby(&mut self) -> Result<SortBy> {
        let node = self.a_expr()?;
        let mut location = Location::UNKNOWN;
        let direction = if self.eat(K::Using) {
            location = self.location();
            SortByDir::Using(self.qual_all_op()?)
        } else {
            self.opt_asc_desc()
        };
        let nulls = self.opt_nulls_order()?;
        Ok(SortBy { node, direction, nulls, location })
    }

    pub(super) fn opt_asc_desc(&mut self) -> SortByDir {
        match () {
            () if self.eat(K::Asc) => SortByDir::Asc,
            () if self.eat(K::Desc) => SortByDir::Desc,
            () => SortByDir::Default,
        }
    }

    pub(super) fn opt_nulls_order(&mut self) -> Result<SortByNulls> {
        match () {
            () if self.eat_all(&[K::Nulls, K::First]) => Ok(SortByNulls::First),
            () if self.eat_all(&[K::Nulls, K::Last]) => Ok(SortByNulls::Last),
            () => Ok(SortByNulls::Default),
        }
    }

    /// ORDER BY, LIMIT and locking of select_no_parens; a query in parentheses may have its own already.
    fn select_options(&mut self, select: &mut SelectStmt) -> Result<()> {
        let sort = self.opt_sort_clause()?;
        if let Some(first) = sort.first() {
            if !select.sort.is_empty() {
                let at = expr_location(&first.node);
                return Err(self.syntax_error_at(at, "multiple ORDER BY clauses not allowed"));
            }
            select.sort = sort;
        }
        let mut locking = self.for_locking_clause()?;
        let limit = self.opt_select_limit()?;
        if locking.is_none() {
            locking = self.for_locking_clause()?;
        }
        select.locking.extend(locking.unwrap_or_default());
        self.insert_limit(select, limit)
    }

    fn insert_limit(&mut self, select: &mut SelectStmt, limit: SelectLimit) -> Result<()> {
        if let Some(offset) = limit.offset {
            if select.limit_offset.is_some() {
                return Err(self.syntax_error_at(expr_location(&offset), "multiple OFFSET clauses not allowed"));
            }
            select.limit_offset = Some(offset);
        }
        if let Some(count) = limit.count {
            if select.limit_count.is_some() {
                return Err(self.syntax_error_at(expr_location(&count), "multiple LIMIT clauses not allowed"));
            }
            select.limit_count = Some(count);
        }
        if limit.option == Some(LimitOption::WithTies) {
            let wrong = match () {
                () if select.sort.is_empty() => "WITH TIES cannot be specified without ORDER BY clause",
                () if select.locking.iter().any(|lock| lock.wait == LockWaitPolicy::Skip) => {
                    "SKIP LOCKED and WITH TIES options cannot be used together"
                }
                () => "",
            };
            if !wrong.is_empty() {
                return Err(self.syntax_error_at(Location::UNKNOWN, wrong));
            }
            select.limit_option = LimitOption::WithTies;
        }
        Ok(())
    }

    pub(super) fn insert_with(&self, select: &mut SelectStmt, with: Option<WithClause>) -> Result<()> {
        let Some(with) = with else { return Ok(()) };
        if select.with.is_some() {
            return Err(self.syntax_error_at(with.location, "multiple WITH clauses not allowed"));
        }
        select.location = with.location;
        select.with = Some(with);
        Ok(())
    }

    fn opt_select_limit(&mut self) -> Result<SelectLimit> {
        let mut limit = SelectLimit::default();
        loop {
            if self.at_any(&[K::Limit, K::Fetch]) && limit.option.is_none() {
                self.limit_clause(&mut limit)?;
            } else if self.at(K::Offset) && limit.offset.is_none() {
                self.advance();
                limit.offset = Some(self.a_expr()?);
                if self.at_any(&[K::Row, K::Rows]) {
                    self.advance();
                }
            } else {
                return Ok(limit);
            }
        }
    }

    fn limit_clause(&mut self, limit: &mut SelectLimit) -> Result<()> {
        let location = self.location();
        if self.eat(K::Limit) {
            let at = self.location();
            limit.count = Some(if self.eat(K::All) {
                Expr::Const(AConst { value: ConstValue::Null, location: at })
            } else {
                self.a_expr()?
            });
            limit.option = Some(LimitOption::Count);
            if self.eat_symbol(b',') {
                self.a_expr()?;
                return Err(self
                    .syntax_error_at(location, "LIMIT #,# syntax is not supported")
                    .with_hint("Use separate LIMIT and OFFSET clauses."));
            }
            return Ok(());
        }
        self.expect(K::Fetch)?;
        if !self.eat(K::First) {
            self.expect(K::Next)?;
        }
        limit.count = Some(if self.at_any(&[K::Row, K::Rows]) && !self.symbol_at(1, b'(') {
            Expr::Const(AConst { value: ConstValue::Integer(1), location: Location::UNKNOWN })
        } else {
            self.select_fetch_first_value()?
        });
        if !self.eat(K::Row) {
            self.expect(K::Rows)?;
        }
        limit.option = Some(if self.eat(K::Only) {
            LimitOption::Count
        } else {
            self.expect_all(&[K::With, K::Ties])?;
            LimitOption::WithTies
        });
        Ok(())
    }

    /// c_expr, or a number with a sign.
    fn select_fetch_first_value(&mut self) -> Result<Expr> {
        let signed = self.at_symbol(b'+') || self.at_symbol(b'-');
        let number = matches!(self.peek_at(1), TokenKind::Integer | TokenKind::Float);
        match signed {
            true if number => self.b_expr(),
            true => {
                self.advance();
                Err(self.unexpected())
            }
            false => self.c_expr(),
        }
    }

    /// FOR UPDATE …, several; `None` where nothing was written, empty for FOR READ ONLY.
    fn for_locking_clause(&mut self) -> Result<Option<Vec<LockingClause>>> {
        if self.eat_all(&[K::For, K::Read, K::Only]) {
            return Ok(Some(Vec::new()));
        }
        let mut clauses = Vec::new();
        while self.eat(K::For) {
            let strength = match () {
                () if self.eat(K::Update) => LockStrength::ForUpdate,
                () if self.eat(K::Share) => LockStrength::ForShare,
                () if self.eat(K::No) => {
                    self.expect_all(&[K::Key, K::Update])?;
                    LockStrength::ForNoKeyUpdate
                }
                () => {
                    self.expect_all(&[K::Key, K::Share])?;
                    LockStrength::ForKeyShare
                }
            };
            let relations = if self.eat(K::Of) { self.comma_list(Self::qualified_name)? } else { Vec::new() };
            let wait = match () {
                () if self.eat(K::Nowait) => LockWaitPolicy::Error,
                () if self.eat(K::Skip) => {
                    self.expect(K::Locked)?;
                    LockWaitPolicy::Skip
                }
                () => LockWaitPolicy::Block,
            };
            clauses.push(LockingClause { strength, relations, wait });
        }
        Ok((!clauses.is_empty()).then_some(clauses))
    }
}

fn target(name: Option<String>, value: Expr, location: Location) -> ResTarget {
    ResTarget { name, indirection: Vec::new(), value: Some(value), location }
}
