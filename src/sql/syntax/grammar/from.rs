//! FROM: table_ref, joins, functions in FROM, names of relations.
//!
//! Owns: [`Parser::from_clause`], [`Parser::table_ref`], [`Parser::qualified_name`], [`Parser::relation_expr`].
//! Must not know: which relations there are. Specification: sql-select.html#SQL-FROM, gram.y.

use crate::error::Result;
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::*;
use crate::sql::syntax::keywords::{Category, Keyword as K};
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parser::Parser;

/// What stands in parentheses in FROM.
enum ParenRef {
    Select(SelectStmt, Location),
    Join(FromItem),
}

impl Parser<'_> {
    /// FROM from_list, if it is there.
    pub(super) fn from_clause(&mut self) -> Result<Vec<FromItem>> {
        if self.eat(K::From) { self.from_list() } else { Ok(Vec::new()) }
    }

    pub(super) fn from_list(&mut self) -> Result<Vec<FromItem>> {
        self.comma_list(Self::table_ref)
    }

    /// table_ref: a table, sub-query or function, or a join of them.
    pub(super) fn table_ref(&mut self) -> Result<FromItem> {
        self.deeper(|p| {
            let left = p.table_primary()?;
            p.joins_after(left)
        })
    }

    // ----- joins

    /// Whether a join goes on here.
    fn at_join(&self) -> bool {
        self.at_any(&[K::Join, K::Cross, K::Natural, K::Full, K::Left, K::Right, K::Inner])
    }

    fn joins_after(&mut self, mut left: FromItem) -> Result<FromItem> {
        let mut levels = 0;
        while self.at_join() {
            self.descend(1)?;
            levels += 1;
            left = self.join(left)?;
        }
        self.ascend(levels);
        Ok(left)
    }

    fn join(&mut self, left: FromItem) -> Result<FromItem> {
        let location = self.location();
        let node = |join_type, natural, left, right, quals| {
            FromItem::Join(Box::new(JoinExpr { join_type, natural, left, right, quals, alias: None, location }))
        };
        if self.eat(K::Cross) {
            self.expect(K::Join)?;
            let right = self.table_primary()?;
            return Ok(node(JoinType::Inner, false, left, right, JoinQuals::None));
        }
        let natural = self.eat(K::Natural);
        let join_type = self.join_type();
        self.expect(K::Join)?;
        let mut right = self.table_primary()?;
        if natural {
            return Ok(node(join_type, true, left, right, JoinQuals::None));
        }
        if self.at_join() {
            // a JOIN b JOIN c ON … ON …: the inner one is the right side of the outer.
            right = self.deeper(|p| p.joins_after(right))?;
        }
        let quals = self.join_qual()?;
        Ok(node(join_type, false, left, right, quals))
    }

    fn join_type(&mut self) -> JoinType {
        let join_type = match self.peek() {
            TokenKind::Keyword(K::Full) => JoinType::Full,
            TokenKind::Keyword(K::Left) => JoinType::Left,
            TokenKind::Keyword(K::Right) => JoinType::Right,
            TokenKind::Keyword(K::Inner) => {
                self.advance();
                return JoinType::Inner;
            }
            _ => return JoinType::Inner,
        };
        self.advance();
        self.eat(K::Outer);
        join_type
    }

    fn join_qual(&mut self) -> Result<JoinQuals> {
        if self.eat(K::On) {
            return Ok(JoinQuals::On(self.a_expr()?));
        }
        self.expect(K::Using)?;
        let columns = self.column_list()?;
        let alias = self.optional(K::As, |p| Ok(Alias { name: p.col_id()?, columns: Vec::new() }))?;
        Ok(JoinQuals::Using(columns, alias))
    }

    // ----- what is joined

    fn table_primary(&mut self) -> Result<FromItem> {
        let lateral = self.eat(K::Lateral);
        if self.at_symbol(b'(') {
            let inner = if lateral {
                let at = self.location();
                ParenRef::Select(self.select_with_parens()?, at)
            } else {
                self.paren_ref()?
            };
            return match inner {
                ParenRef::Select(subquery, at) => self.range_subselect(subquery, lateral, at),
                ParenRef::Join(join) => self.aliased_join(join),
            };
        }
        if self.at(K::Xmltable) {
            let mut table = self.xmltable(lateral)?;
            table.alias = self.opt_alias_clause()?;
            return Ok(FromItem::TableFunc(Box::new(table)));
        }
        if lateral || self.at_function() {
            return self.func_table(lateral);
        }
        let mut relation = self.relation_expr()?;
        relation.alias = self.opt_alias_clause()?;
        if self.at(K::Tablesample) {
            return self.tablesample_clause(relation);
        }
        Ok(FromItem::Relation(relation))
    }

    /// ( query ) or ( join ). Which one it is shows only behind inner parentheses.
    fn paren_ref(&mut self) -> Result<ParenRef> {
        self.deeper(|p| {
            let location = p.location();
            p.expect_symbol(b'(')?;
            if p.at_select() {
                let select = p.select_no_parens()?;
                p.expect_symbol(b')')?;
                return Ok(ParenRef::Select(select, location));
            }
            let first = if p.at_symbol(b'(') {
                match p.paren_ref()? {
                    ParenRef::Select(inner, _) if p.at_symbol(b')') => {
                        p.advance();
                        return Ok(ParenRef::Select(inner, location));
                    }
                    ParenRef::Select(inner, _) if p.continues_select() => {
                        let select = p.select_after(inner)?;
                        p.expect_symbol(b')')?;
                        return Ok(ParenRef::Select(select, location));
                    }
                    ParenRef::Select(inner, at) => p.range_subselect(inner, false, at)?,
                    ParenRef::Join(join) if p.at_symbol(b')') => {
                        p.advance();
                        return Ok(ParenRef::Join(join));
                    }
                    ParenRef::Join(join) => p.aliased_join(join)?,
                }
            } else {
                p.table_primary()?
            };
            if !p.at_join() {
                return Err(p.unexpected());
            }
            let join = p.joins_after(first)?;
            p.expect_symbol(b')')?;
            Ok(ParenRef::Join(join))
        })
    }

    fn aliased_join(&mut self, mut item: FromItem) -> Result<FromItem> {
        if let Some(alias) = self.opt_alias_clause()?
            && let FromItem::Join(join) = &mut item
        {
            join.alias = Some(alias);
        }
        Ok(item)
    }

    /// PostgreSQL 15 demands an alias.
    fn range_subselect(&mut self, subquery: SelectStmt, lateral: bool, at: Location) -> Result<FromItem> {
        let alias = self.opt_alias_clause()?;
        if alias.is_none() {
            let (what, example) = match subquery.body {
                SelectBody::Values(_) => ("VALUES", "VALUES"),
                _ => ("subquery", "SELECT"),
            };
            return Err(self
                .syntax_error_at(at, format!("{what} in FROM must have an alias"))
                .with_hint(format!("For example, FROM ({example} ...) [AS] foo.")));
        }
        Ok(FromItem::Subselect(Box::new(RangeSubselect { lateral, subquery, alias, location: at })))
    }

    fn tablesample_clause(&mut self, relation: RangeVar) -> Result<FromItem> {
        self.expect(K::Tablesample)?;
        let location = self.location();
        let method = self.func_name()?;
        let args = self.parens_list(Self::a_expr)?;
        let repeatable = self.optional(K::Repeatable, |p| p.parens(Self::a_expr))?;
        Ok(FromItem::TableSample(Box::new(RangeTableSample { relation, method, args, repeatable, location })))
    }

    // ----- functions

    /// Whether a function stands here, and no relation.
    fn at_function(&self) -> bool {
        if self.keyword_at(0, K::Rows) && self.keyword_at(1, K::From) {
            return true;
        }
        let mut ahead = 1;
        while self.symbol_at(ahead, b'.') {
            ahead += 2;
        }
        match self.peek() {
            TokenKind::Keyword(K::Only) => false,
            TokenKind::Keyword(keyword) if keyword.category() == Category::Reserved => true,
            // No relation's name begins with these, and no function's with the others.
            TokenKind::Keyword(keyword) if keyword.category() == Category::TypeFunctionName => true,
            TokenKind::Keyword(K::Values | K::Row) => false,
            _ => self.symbol_at(ahead, b'('),
        }
    }

    /// func_table func_alias_clause
    fn func_table(&mut self, lateral: bool) -> Result<FromItem> {
        let location = self.location();
        let rows_from = self.at_all(&[K::Rows, K::From]);
        let functions = if self.eat_all(&[K::Rows, K::From]) {
            self.parens_list(|p| {
                let function = p.func_expr_windowless()?;
                let columns = p.optional(K::As, |p| p.parens(Self::column_def_list))?.unwrap_or_default();
                Ok(RowsFromItem { function, columns })
            })?
        } else {
            vec![RowsFromItem { function: self.func_expr_windowless()?, columns: Vec::new() }]
        };
        let ordinality = self.eat_all(&[K::With, K::Ordinality]);
        let mut table =
            RangeFunction { lateral, ordinality, rows_from, functions, alias: None, columns: Vec::new(), location };
        self.func_alias_clause(&mut table)?;
        Ok(FromItem::Function(Box::new(table)))
    }

    /// An alias with columns' names, or with their definitions, or these alone.
    fn func_alias_clause(&mut self, table: &mut RangeFunction) -> Result<()> {
        let written = self.eat(K::As);
        if written && self.at_symbol(b'(') {
            table.columns = self.parens(Self::column_def_list)?;
            return Ok(());
        }
        if !written && !self.is_col_id(0) {
            return Ok(());
        }
        let mut alias = Alias { name: self.col_id()?, columns: Vec::new() };
        if self.at_symbol(b'(') {
            if matches!(self.peek_at(2), TokenKind::Symbol(b',' | b')')) {
                alias.columns = self.column_list()?;
            } else {
                table.columns = self.parens(Self::column_def_list)?;
            }
        }
        table.alias = Some(alias);
        Ok(())
    }

    // ----- names

    /// opt_alias_clause
    pub(super) fn opt_alias_clause(&mut self) -> Result<Option<Alias>> {
        if !self.eat(K::As) && !self.is_col_id(0) {
            return Ok(None);
        }
        let name = self.col_id()?;
        let columns = self.opt_column_list()?;
        Ok(Some(Alias { name, columns }))
    }

    /// qualified_name: [[catalog.]schema.]relation
    pub(super) fn qualified_name(&mut self) -> Result<RangeVar> {
        let location = self.location();
        let mut names = vec![self.col_id()?];
        while self.eat_symbol(b'.') {
            names.push(self.col_label()?);
        }
        if self.at_symbol(b'[') || self.at_symbol(b'*') && names.len() > 3 {
            return Err(self.unexpected());
        }
        let mut parts = names.into_iter().rev();
        let (relation, schema, catalog) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        if let Some(more) = parts.next() {
            let mut all: Vec<String> = parts.collect();
            all.insert(0, more);
            all.reverse();
            all.extend(catalog);
            all.extend(schema);
            all.push(relation);
            let message = format!("improper qualified name (too many dotted names): {}", all.join("."));
            return Err(self.syntax_error_at(location, message));
        }
        Ok(RangeVar {
            catalog,
            schema,
            relation,
            inherit: true,
            persistence: Persistence::Permanent,
            alias: None,
            location,
        })
    }

    /// relation_expr: name, name *, ONLY name, ONLY (name)
    pub(super) fn relation_expr(&mut self) -> Result<RangeVar> {
        if !self.eat(K::Only) {
            let relation = self.qualified_name()?;
            self.eat_symbol(b'*');
            return Ok(relation);
        }
        let mut relation =
            if self.at_symbol(b'(') { self.parens(Self::qualified_name)? } else { self.qualified_name()? };
        relation.inherit = false;
        Ok(relation)
    }

    /// relation_expr_opt_alias: SET is no alias.
    pub(super) fn relation_expr_opt_alias(&mut self) -> Result<RangeVar> {
        let mut relation = self.relation_expr()?;
        let name = match () {
            () if self.eat(K::As) => Some(self.col_id()?),
            () if self.is_col_id(0) && !self.at(K::Set) => Some(self.col_id()?),
            () => None,
        };
        relation.alias = name.map(|name| Alias { name, columns: Vec::new() });
        Ok(relation)
    }
}
