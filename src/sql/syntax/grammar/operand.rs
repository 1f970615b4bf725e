//! c_expr: what stands between operators. Names, constants, parentheses, sub-queries, CASE, arrays, rows.
//!
//! Owns: [`Parser::c_expr`] and [`Parser::paren_expr`]. Calls are in `function`. Must not know: what a name means.

use crate::error::Result;
use crate::sql::syntax::ast::expression::*;
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::SelectStmt;
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parser::Parser;

/// What stands in parentheses.
pub(super) enum Paren {
    Select(SelectStmt),
    /// One expression, or the parts of a row.
    Exprs(Vec<Expr>),
}

/// A call of a function of pg_catalog, as gram.y makes it for SQL's own syntax.
pub(super) fn func_call(name: &str, args: Vec<Expr>, format: CoercionForm, location: Location) -> Expr {
    let name = vec!["pg_catalog".to_owned(), name.to_owned()];
    Expr::FuncCall(Box::new(plain_call(name, args, format, location)))
}

/// A call without anything but arguments.
pub(super) fn plain_call(name: AnyName, args: Vec<Expr>, format: CoercionForm, location: Location) -> FuncCall {
    FuncCall {
        name,
        args,
        agg_order: Vec::new(),
        agg_filter: None,
        over: None,
        agg_within_group: false,
        agg_star: false,
        agg_distinct: false,
        func_variadic: false,
        format,
        location,
    }
}

fn constant(value: ConstValue, location: Location) -> Expr {
    Expr::Const(AConst { value, location })
}

impl Parser<'_> {
    /// One operand with its fields and subscripts.
    pub fn c_expr(&mut self) -> Result<Expr> {
        let location = self.location();
        match self.peek() {
            TokenKind::Integer | TokenKind::Float => {
                let written = self.written();
                let value = match written.parse() {
                    Ok(number) if self.peek() == TokenKind::Integer => ConstValue::Integer(number),
                    _ => ConstValue::Float(written.to_owned()),
                };
                self.advance();
                Ok(constant(value, location))
            }
            _ if self.is_sconst(0) => Ok(constant(ConstValue::String(self.sconst()?), location)),
            TokenKind::BitString | TokenKind::HexString => {
                let value = self.value().string(&self.token())?;
                self.advance();
                Ok(constant(ConstValue::BitString(value), location))
            }
            TokenKind::Param => {
                let number = self.param_number(&self.token());
                self.advance();
                self.indirection_of(Expr::ParamRef(ParamRef { number, location }))
            }
            TokenKind::Symbol(b'(') => {
                let inner = self.paren_expr(true)?;
                self.paren_operand(inner, location)
            }
            TokenKind::Keyword(keyword) => self.keyword_operand(keyword, location),
            _ => self.column_or_function(),
        }
    }

    fn keyword_operand(&mut self, keyword: K, location: Location) -> Result<Expr> {
        let value = match keyword {
            K::True => ConstValue::Boolean(true),
            K::False => ConstValue::Boolean(false),
            K::Null => ConstValue::Null,
            K::Case => return self.case_expr(),
            K::Array => return self.array(),
            K::Row if self.symbol_at(1, b'(') => return self.explicit_row(),
            K::Exists if self.symbol_at(1, b'(') => {
                self.advance();
                let subselect = self.select_with_parens()?;
                return Ok(sub_link(SubLinkType::Exists, subselect, location));
            }
            K::Grouping if self.symbol_at(1, b'(') => {
                self.advance();
                let args = self.parens_list(Self::a_expr)?;
                return Ok(Expr::GroupingFunc(GroupingFunc { args, location }));
            }
            _ => {
                return match self.func_expr_common_subexpr(keyword)? {
                    Some(expr) => Ok(expr),
                    None => match self.typed_constant(keyword)? {
                        Some(expr) => Ok(expr),
                        None => self.column_or_function(),
                    },
                };
            }
        };
        self.advance();
        Ok(constant(value, location))
    }

    // ----- parentheses

    /// ( … ): a sub-query, an expression, or, where `list` says so, several. Which one it is shows only behind inner
    /// parentheses, so what was read there is gone on with.
    pub(super) fn paren_expr(&mut self, list: bool) -> Result<Paren> {
        self.deeper(|p| {
            p.expect_symbol(b'(')?;
            if p.at_select() {
                let select = p.select_no_parens()?;
                p.expect_symbol(b')')?;
                return Ok(Paren::Select(select));
            }
            if !p.at_symbol(b'(') {
                return p.paren_rest(None, list);
            }
            let start = p.location();
            match p.paren_expr(true)? {
                Paren::Select(inner) if p.at_symbol(b')') => {
                    p.advance();
                    Ok(Paren::Select(inner))
                }
                Paren::Select(inner) if p.continues_select() => {
                    let select = p.select_after(inner)?;
                    p.expect_symbol(b')')?;
                    Ok(Paren::Select(select))
                }
                inner => {
                    let first = p.paren_operand(inner, start)?;
                    let first = match first {
                        Expr::Row(row) if p.at(K::Overlaps) => p.overlaps(row)?,
                        first => first,
                    };
                    p.paren_rest(Some(first), list)
                }
            }
        })
    }

    /// The rest of a parenthesis that holds expressions, the first operand of which may have been read.
    fn paren_rest(&mut self, first: Option<Expr>, list: bool) -> Result<Paren> {
        let mut exprs = vec![match first {
            Some(first) => self.a_expr_after(first)?,
            None => self.a_expr()?,
        }];
        while list && self.eat_symbol(b',') {
            exprs.push(self.a_expr()?);
        }
        self.expect_symbol(b')')?;
        Ok(Paren::Exprs(exprs))
    }

    /// A parenthesis as an operand: a value or row of a sub-query, an expression, a row.
    fn paren_operand(&mut self, inner: Paren, location: Location) -> Result<Expr> {
        match inner {
            Paren::Select(subselect) => self.indirection_of(sub_link(SubLinkType::Expr, subselect, location)),
            Paren::Exprs(mut exprs) if exprs.len() == 1 => match exprs.pop() {
                Some(expr) => self.indirection_of(expr),
                None => Err(self.unexpected()),
            },
            Paren::Exprs(args) => Ok(Expr::Row(RowExpr { args, format: CoercionForm::ImplicitRow, location })),
        }
    }

    // ----- names

    /// columnref, a call, or `type 'text'` with a type of any name.
    fn column_or_function(&mut self) -> Result<Expr> {
        let location = self.location();
        let is_function = self.is_type_function_name(0);
        if !self.is_col_id(0) {
            let followed = self.symbol_at(1, b'(') || self.is_sconst(1);
            if !is_function {
                return Err(self.unexpected());
            }
            if !followed {
                self.advance();
                return Err(self.unexpected());
            }
        }
        let first = if is_function { self.type_function_name()? } else { self.col_id()? };
        let mut fields = vec![Field::Name(first)];
        while self.at_symbol(b'.') {
            self.advance();
            if self.eat_symbol(b'*') {
                fields.push(Field::Star);
                self.refuse_more_after_star()?;
                break;
            }
            fields.push(Field::Name(self.col_label()?));
        }
        let is_name = fields.iter().all(|field| matches!(field, Field::Name(_)));
        if is_name && (is_function || fields.len() > 1) {
            if self.at_symbol(b'(') {
                return self.func_expr(names(fields), location);
            }
            if self.is_sconst(0) {
                return self.string_of_type(names(fields), Vec::new(), location);
            }
        }
        self.subscripts_of(Expr::ColumnRef(ColumnRef { fields, location }))
    }

    /// type 'text', the type named by func_name.
    pub(super) fn string_of_type(&mut self, names: AnyName, typmods: Vec<Expr>, location: Location) -> Result<Expr> {
        let at = self.location();
        let text = self.sconst()?;
        let type_name = TypeName { names, typmods, location, ..TypeName::default() };
        let arg = constant(ConstValue::String(text), at);
        Ok(Expr::TypeCast(Box::new(TypeCast { arg, type_name, location: Location::UNKNOWN })))
    }

    /// A star is the last of its indirection. gram.y reads all of it before it complains, and points behind.
    fn refuse_more_after_star(&mut self) -> Result<()> {
        if !self.at_symbol(b'.') && !self.at_symbol(b'[') {
            return Ok(());
        }
        self.opt_indirection()?;
        Err(self.error_here("improper use of \"*\""))
    }

    /// Subscripts, and fields behind the first of them.
    fn subscripts_of(&mut self, arg: Expr) -> Result<Expr> {
        if self.at_symbol(b'[') { self.indirection_of(arg) } else { Ok(arg) }
    }

    /// opt_indirection: .name, .*, [i], [i:j].
    pub(super) fn indirection_of(&mut self, arg: Expr) -> Result<Expr> {
        let indirection = self.opt_indirection()?;
        if indirection.is_empty() {
            return Ok(arg);
        }
        Ok(Expr::Indirection(Box::new(AIndirection { arg, indirection })))
    }

    pub(super) fn opt_indirection(&mut self) -> Result<Vec<Indirection>> {
        let mut indirection = Vec::new();
        loop {
            if self.eat_symbol(b'.') {
                if self.eat_symbol(b'*') {
                    indirection.push(Indirection::Star);
                    self.refuse_more_after_star()?;
                } else {
                    indirection.push(Indirection::Field(self.col_label()?));
                }
            } else if self.at_symbol(b'[') {
                indirection.push(self.subscript()?);
            } else {
                return Ok(indirection);
            }
        }
    }

    fn subscript(&mut self) -> Result<Indirection> {
        self.expect_symbol(b'[')?;
        let lower = if self.at_symbol(b':') { None } else { Some(self.a_expr()?) };
        if self.eat_symbol(b':') {
            let upper = if self.at_symbol(b']') { None } else { Some(self.a_expr()?) };
            self.expect_symbol(b']')?;
            return Ok(Indirection::Slice(lower, upper));
        }
        self.expect_symbol(b']')?;
        match lower {
            Some(index) => Ok(Indirection::Index(index)),
            None => Err(self.unexpected()),
        }
    }

    // ----- constructors

    fn case_expr(&mut self) -> Result<Expr> {
        let location = self.location();
        self.expect(K::Case)?;
        let arg = if self.at(K::When) { None } else { Some(self.a_expr()?) };
        let mut args = Vec::new();
        loop {
            let location = self.location();
            self.expect(K::When)?;
            let expr = self.a_expr()?;
            self.expect(K::Then)?;
            let result = self.a_expr()?;
            args.push(CaseWhen { expr, result, location });
            if !self.at(K::When) {
                break;
            }
        }
        let defresult = self.optional(K::Else, Self::a_expr)?;
        self.expect(K::End)?;
        Ok(Expr::Case(Box::new(CaseExpr { arg, args, defresult, location })))
    }

    /// ARRAY[…] or ARRAY(query)
    fn array(&mut self) -> Result<Expr> {
        let location = self.location();
        self.expect(K::Array)?;
        if self.at_symbol(b'(') {
            let subselect = self.select_with_parens()?;
            return Ok(sub_link(SubLinkType::Array, subselect, location));
        }
        // gram.y gives it no indirection of its own.
        Ok(Expr::Array(self.array_expr(location)?))
    }

    /// [a, b], [[a], [b]]; nested ones without the word ARRAY.
    fn array_expr(&mut self, location: Location) -> Result<AArrayExpr> {
        self.deeper(|p| {
            p.expect_symbol(b'[')?;
            let elements = if p.at_symbol(b']') {
                Vec::new()
            } else if p.at_symbol(b'[') {
                p.comma_list(|p| {
                    let location = p.location();
                    Ok(Expr::Array(p.array_expr(location)?))
                })?
            } else {
                p.expr_list()?
            };
            p.expect_symbol(b']')?;
            Ok(AArrayExpr { elements, location })
        })
    }

    /// ROW(…)
    fn explicit_row(&mut self) -> Result<Expr> {
        let location = self.location();
        self.expect(K::Row)?;
        let args = self.parens(|p| if p.at_symbol(b')') { Ok(Vec::new()) } else { p.expr_list() })?;
        Ok(Expr::Row(RowExpr { args, format: CoercionForm::ExplicitRow, location }))
    }
}

/// The names of fields that are names all.
fn names(fields: Vec<Field>) -> AnyName {
    fields
        .into_iter()
        .map(|field| match field {
            Field::Name(name) => name,
            Field::Star => "*".to_owned(),
        })
        .collect()
}

fn sub_link(link_type: SubLinkType, subselect: SelectStmt, location: Location) -> Expr {
    Expr::SubLink(Box::new(SubLink { link_type, test_expr: None, oper_name: Vec::new(), subselect, location }))
}
