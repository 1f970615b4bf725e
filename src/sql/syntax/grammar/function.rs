//! Function calls: func_application with what may follow it, SQL's own call syntax, windows.
//!
//! Owns: [`Parser::func_expr`], [`Parser::func_application`], func_expr_common_subexpr, window definitions. Must not
//! know: which functions there are. Specification: sql-expressions.html, gram.y.

use crate::error::{Result, SqlState};
use crate::sql::syntax::ast::expression::*;
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::SortBy;
use crate::sql::syntax::grammar::operand::{func_call, plain_call};
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parser::Parser;

impl Parser<'_> {
    /// func_name: a function's name.
    pub(super) fn func_name(&mut self) -> Result<AnyName> {
        if !self.is_col_id(0) {
            return Ok(vec![self.type_function_name()?]);
        }
        let is_function_name = self.is_type_function_name(0);
        let mut name = vec![self.col_id()?];
        // A word such as char is no function's name, but may be its schema's.
        if !is_function_name && !self.at_symbol(b'.') {
            return Err(self.unexpected());
        }
        while self.eat_symbol(b'.') {
            name.push(self.col_label()?);
        }
        Ok(name)
    }

    /// A call whose name has been read: func_expr. `name (…) 'text'` is a constant of a type with modifiers.
    pub(super) fn func_expr(&mut self, name: AnyName, location: Location) -> Result<Expr> {
        let mut call = self.func_arguments(name, location)?;
        if self.is_sconst(0) && !call.args.is_empty() && !call.func_variadic && !call.agg_distinct {
            return self.string_of_call(call);
        }
        let within = self.location();
        if self.eat(K::Within) {
            self.within_group(&mut call, within)?;
        }
        if self.eat(K::Filter) {
            call.agg_filter = Some(self.parens(|p| {
                p.expect(K::Where)?;
                p.a_expr()
            })?);
        }
        if self.eat(K::Over) {
            call.over = Some(self.over_clause()?);
        }
        Ok(Expr::FuncCall(Box::new(call)))
    }

    /// func_name '(' func_arg_list opt_sort_clause ')' Sconst
    fn string_of_call(&mut self, call: FuncCall) -> Result<Expr> {
        for arg in &call.args {
            if let Expr::NamedArg(named) = arg {
                return Err(self.syntax_error_at(named.location, "type modifier cannot have parameter name"));
            }
        }
        if !call.agg_order.is_empty() {
            return Err(self.syntax_error_at(call.location, "type modifier cannot have ORDER BY"));
        }
        self.string_of_type(call.name, call.args, call.location)
    }

    /// func_application: a call without WITHIN GROUP, FILTER and OVER.
    pub(super) fn func_application(&mut self) -> Result<FuncCall> {
        let location = self.location();
        let name = self.func_name()?;
        self.func_arguments(name, location)
    }

    /// func_expr_windowless: a call, or SQL's own syntax for one, as in FROM and in indexes.
    pub(super) fn func_expr_windowless(&mut self) -> Result<Expr> {
        if let TokenKind::Keyword(keyword) = self.peek()
            && let Some(expr) = self.func_expr_common_subexpr(keyword)?
        {
            return Ok(expr);
        }
        Ok(Expr::FuncCall(Box::new(self.func_application()?)))
    }

    fn func_arguments(&mut self, name: AnyName, location: Location) -> Result<FuncCall> {
        let mut call = plain_call(name, Vec::new(), CoercionForm::ExplicitCall, location);
        self.parens(|p| {
            if p.at_symbol(b')') {
                return Ok(());
            }
            if p.eat_symbol(b'*') {
                call.agg_star = true;
                return Ok(());
            }
            let quantified = if p.eat(K::Distinct) {
                call.agg_distinct = true;
                true
            } else {
                p.eat(K::All)
            };
            loop {
                if !quantified && p.eat(K::Variadic) {
                    call.func_variadic = true;
                }
                call.args.push(p.func_arg_expr()?);
                if call.func_variadic || !p.eat_symbol(b',') {
                    break;
                }
            }
            call.agg_order = p.opt_sort_clause()?;
            Ok(())
        })?;
        Ok(call)
    }

    /// func_arg_list_opt without parentheses around it.
    fn func_arg_list_opt(&mut self) -> Result<Vec<Expr>> {
        if self.at_symbol(b')') { Ok(Vec::new()) } else { self.comma_list(Self::func_arg_expr) }
    }

    /// An argument, maybe with its name.
    pub(super) fn func_arg_expr(&mut self) -> Result<Expr> {
        let named = matches!(self.peek_at(1), TokenKind::ColonEquals | TokenKind::EqualsGreater);
        if !named || !self.is_type_function_name(0) {
            return self.a_expr();
        }
        let location = self.location();
        let name = self.type_function_name()?;
        self.advance();
        let arg = self.a_expr()?;
        Ok(Expr::NamedArg(Box::new(NamedArgExpr { name, arg, location })))
    }

    fn within_group(&mut self, call: &mut FuncCall, location: Location) -> Result<()> {
        self.expect(K::Group)?;
        let order = self.parens(Self::sort_clause)?;
        let wrong = match () {
            () if !call.agg_order.is_empty() => "cannot use multiple ORDER BY clauses with WITHIN GROUP",
            () if call.agg_distinct => "cannot use DISTINCT with WITHIN GROUP",
            () if call.func_variadic => "cannot use VARIADIC with WITHIN GROUP",
            () => {
                (call.agg_order, call.agg_within_group) = (order, true);
                return Ok(());
            }
        };
        Err(self.syntax_error_at(location, wrong))
    }

    // ----- windows

    /// over_clause behind OVER.
    fn over_clause(&mut self) -> Result<WindowDef> {
        if self.at_symbol(b'(') {
            return self.window_specification();
        }
        let location = self.location();
        Ok(WindowDef { name: Some(self.col_id()?), location, ..WindowDef::default() })
    }

    /// ( [name] [PARTITION BY …] [ORDER BY …] [frame] )
    pub(super) fn window_specification(&mut self) -> Result<WindowDef> {
        let location = self.location();
        self.parens(|p| {
            let begins = p.at_any(&[K::Partition, K::Range, K::Rows, K::Groups]);
            let refname = if !begins && p.is_col_id(0) { Some(p.col_id()?) } else { None };
            let partition = if p.eat_all(&[K::Partition, K::By]) { p.expr_list()? } else { Vec::new() };
            let order: Vec<SortBy> = p.opt_sort_clause()?;
            let frame = p.opt_frame_clause()?;
            Ok(WindowDef { name: None, refname, partition, order, frame, location })
        })
    }

    fn opt_frame_clause(&mut self) -> Result<Option<WindowFrame>> {
        let mode = match self.peek() {
            TokenKind::Keyword(K::Range) => FrameMode::Range,
            TokenKind::Keyword(K::Rows) => FrameMode::Rows,
            TokenKind::Keyword(K::Groups) => FrameMode::Groups,
            _ => return Ok(None),
        };
        self.advance();
        let location = self.location();
        let (start, end) = if self.eat(K::Between) {
            let location = self.location();
            let start = self.frame_bound()?;
            self.expect(K::And)?;
            let end_location = self.location();
            let end = self.frame_bound()?;
            self.check_frame(&start, Some(&end), location, end_location)?;
            (start, Some(end))
        } else {
            let start = self.frame_bound()?;
            self.check_frame(&start, None, location, location)?;
            (start, None)
        };
        let exclusion = self.opt_window_exclusion_clause()?;
        Ok(Some(WindowFrame { mode, start, end, exclusion }))
    }

    fn frame_bound(&mut self) -> Result<FrameBound> {
        if self.at(K::Unbounded) && (self.keyword_at(1, K::Preceding) || self.keyword_at(1, K::Following)) {
            self.advance();
            let preceding = self.at(K::Preceding);
            self.advance();
            return Ok(if preceding { FrameBound::UnboundedPreceding } else { FrameBound::UnboundedFollowing });
        }
        if self.eat_all(&[K::Current, K::Row]) {
            return Ok(FrameBound::CurrentRow);
        }
        let offset = self.a_expr()?;
        if self.eat(K::Preceding) {
            return Ok(FrameBound::Preceding(offset));
        }
        self.expect(K::Following)?;
        Ok(FrameBound::Following(offset))
    }

    /// The frames that gram.y refuses.
    fn check_frame(
        &self,
        start: &FrameBound,
        end: Option<&FrameBound>,
        start_location: Location,
        end_location: Location,
    ) -> Result<()> {
        use FrameBound::*;
        let (location, message) = match (start, end) {
            (UnboundedFollowing, _) => (start_location, "frame start cannot be UNBOUNDED FOLLOWING"),
            (Following(_), None) => (start_location, "frame starting from following row cannot end with current row"),
            (_, Some(UnboundedPreceding)) => (end_location, "frame end cannot be UNBOUNDED PRECEDING"),
            (CurrentRow, Some(Preceding(_))) => {
                (end_location, "frame starting from current row cannot have preceding rows")
            }
            (Following(_), Some(Preceding(_) | CurrentRow)) => {
                (end_location, "frame starting from following row cannot have preceding rows")
            }
            _ => return Ok(()),
        };
        Err(self.error_at(location, SqlState::WINDOWING_ERROR, message))
    }

    fn opt_window_exclusion_clause(&mut self) -> Result<FrameExclusion> {
        if !self.eat(K::Exclude) {
            return Ok(FrameExclusion::NoOthers);
        }
        if self.eat_all(&[K::Current, K::Row]) {
            return Ok(FrameExclusion::CurrentRow);
        }
        if self.eat_all(&[K::No, K::Others]) {
            return Ok(FrameExclusion::NoOthers);
        }
        if self.eat(K::Group) {
            return Ok(FrameExclusion::Group);
        }
        self.expect(K::Ties)?;
        Ok(FrameExclusion::Ties)
    }

    // ----- SQL's own syntax

    /// func_expr_common_subexpr, if this keyword begins one.
    pub(super) fn func_expr_common_subexpr(&mut self, keyword: K) -> Result<Option<Expr>> {
        let location = self.location();
        // current_schema() is a function like others.
        if let Some(op) = sql_value_function(keyword)
            && !(keyword == K::CurrentSchema && self.symbol_at(1, b'('))
        {
            self.advance();
            return self.sql_value_function(op, location).map(Some);
        }
        if keyword == K::Collation && self.keyword_at(1, K::For) {
            self.expect_all(&[K::Collation, K::For])?;
            let arg = self.parens(Self::a_expr)?;
            return Ok(Some(func_call("pg_collation_for", vec![arg], CoercionForm::SqlSyntax, location)));
        }
        let production: fn(&mut Self, Location) -> Result<Expr> = match keyword {
            K::Cast => Self::cast,
            K::Extract => Self::extract,
            K::Normalize => Self::normalize,
            K::Overlay => Self::overlay,
            K::Position => Self::position_call,
            K::Substring => Self::substring,
            K::Treat => Self::treat,
            K::Trim => Self::trim,
            K::Nullif => Self::nullif,
            K::Coalesce => {
                |p, location| Ok(Expr::Coalesce(CoalesceExpr { args: p.parens_list(Self::a_expr)?, location }))
            }
            K::Greatest | K::Least if self.symbol_at(1, b'(') => {
                self.advance();
                let args = self.parens_list(Self::a_expr)?;
                return Ok(Some(Expr::MinMax(MinMaxExpr { greatest: keyword == K::Greatest, args, location })));
            }
            K::Xmlconcat
            | K::Xmlelement
            | K::Xmlexists
            | K::Xmlforest
            | K::Xmlparse
            | K::Xmlpi
            | K::Xmlroot
            | K::Xmlserialize
                if self.symbol_at(1, b'(') =>
            {
                self.advance();
                return self.xml_expr(keyword, location).map(Some);
            }
            _ => return Ok(None),
        };
        if !self.symbol_at(1, b'(') {
            // Their names serve as columns' as well.
            return Ok(None);
        }
        self.advance();
        production(self, location).map(Some)
    }

    fn sql_value_function(&mut self, op: SqlValueFunctionOp, location: Location) -> Result<Expr> {
        use SqlValueFunctionOp::*;
        let takes = matches!(op, CurrentTime | CurrentTimestamp | LocalTime | LocalTimestamp);
        let typmod = if takes && self.at_symbol(b'(') { Some(self.parens(Self::iconst)?) } else { None };
        Ok(Expr::SqlValueFunction(SqlValueFunction { op, typmod, location }))
    }

    fn cast(&mut self, location: Location) -> Result<Expr> {
        self.parens(|p| {
            let arg = p.a_expr()?;
            p.expect(K::As)?;
            let type_name = p.type_name()?;
            Ok(Expr::TypeCast(Box::new(TypeCast { arg, type_name, location })))
        })
    }

    fn treat(&mut self, location: Location) -> Result<Expr> {
        self.parens(|p| {
            let arg = p.a_expr()?;
            p.expect(K::As)?;
            let mut type_name = p.type_name()?;
            let name = type_name.names.pop().unwrap_or_default();
            Ok(func_call(&name, vec![arg], CoercionForm::ExplicitCall, location))
        })
    }

    /// EXTRACT(field FROM source)
    fn extract(&mut self, location: Location) -> Result<Expr> {
        self.parens(|p| {
            let at = p.location();
            let field = match p.peek() {
                TokenKind::Keyword(k @ (K::Year | K::Month | K::Day | K::Hour | K::Minute | K::Second)) => {
                    p.advance();
                    k.word().to_owned()
                }
                TokenKind::Ident | TokenKind::QuotedIdent | TokenKind::UnicodeIdent => p.col_id()?,
                _ => p.sconst()?,
            };
            p.expect(K::From)?;
            let source = p.a_expr()?;
            let field = Expr::Const(AConst { value: ConstValue::String(field), location: at });
            Ok(func_call("extract", vec![field, source], CoercionForm::SqlSyntax, location))
        })
    }

    fn normalize(&mut self, location: Location) -> Result<Expr> {
        self.parens(|p| {
            let mut args = vec![p.a_expr()?];
            if p.eat_symbol(b',') {
                args.push(p.opt_unicode_normal_form().ok_or_else(|| p.unexpected())?);
            }
            Ok(func_call("normalize", args, CoercionForm::SqlSyntax, location))
        })
    }

    /// A call of the function of that name, which SQL's syntax has taken.
    fn plain_syntax(&mut self, name: &str, first: Option<Expr>, location: Location) -> Result<Expr> {
        let mut args = Vec::new();
        match first {
            Some(first) => {
                args.push(first);
                while self.eat_symbol(b',') {
                    args.push(self.func_arg_expr()?);
                }
            }
            None => args = self.func_arg_list_opt()?,
        }
        let call = plain_call(vec![name.to_owned()], args, CoercionForm::ExplicitCall, location);
        Ok(Expr::FuncCall(Box::new(call)))
    }

    /// Whether a call's first argument is none of SQL's syntax: there is none, or it has a name.
    fn at_plain_arguments(&self) -> bool {
        self.at_symbol(b')')
            || self.is_type_function_name(0)
                && matches!(self.peek_at(1), TokenKind::ColonEquals | TokenKind::EqualsGreater)
    }

    /// OVERLAY(a PLACING b FROM c [FOR d])
    fn overlay(&mut self, location: Location) -> Result<Expr> {
        self.parens(|p| {
            if p.at_plain_arguments() {
                return p.plain_syntax("overlay", None, location);
            }
            let first = p.a_expr()?;
            if !p.eat(K::Placing) {
                return p.plain_syntax("overlay", Some(first), location);
            }
            let mut args = vec![first, p.a_expr()?];
            p.expect(K::From)?;
            args.push(p.a_expr()?);
            args.extend(p.optional(K::For, Self::a_expr)?);
            Ok(func_call("overlay", args, CoercionForm::SqlSyntax, location))
        })
    }

    /// POSITION(a IN b): the function has the arguments the other way round.
    fn position_call(&mut self, location: Location) -> Result<Expr> {
        self.parens(|p| {
            let needle = p.b_expr()?;
            p.expect(K::In)?;
            let haystack = p.b_expr()?;
            Ok(func_call("position", vec![haystack, needle], CoercionForm::SqlSyntax, location))
        })
    }

    /// SUBSTRING(a FROM b FOR c), in its variants.
    fn substring(&mut self, location: Location) -> Result<Expr> {
        self.parens(|p| {
            if p.at_plain_arguments() {
                return p.plain_syntax("substring", None, location);
            }
            let first = p.a_expr()?;
            let args = if p.eat(K::From) {
                let from = p.a_expr()?;
                let length = p.optional(K::For, Self::a_expr)?;
                [first, from].into_iter().chain(length).collect()
            } else if p.eat(K::For) {
                let length = p.a_expr()?;
                match p.optional(K::From, Self::a_expr)? {
                    Some(from) => vec![first, from, length],
                    None => vec![first, from_the_first(), of_int4(length)],
                }
            } else if p.eat(K::Similar) {
                let pattern = p.a_expr()?;
                p.expect(K::Escape)?;
                vec![first, pattern, p.a_expr()?]
            } else {
                return p.plain_syntax("substring", Some(first), location);
            };
            Ok(func_call("substring", args, CoercionForm::SqlSyntax, location))
        })
    }

    /// TRIM([BOTH | LEADING | TRAILING] [characters] [FROM] text)
    fn trim(&mut self, location: Location) -> Result<Expr> {
        self.parens(|p| {
            let name = match p.peek() {
                TokenKind::Keyword(K::Leading) => "ltrim",
                TokenKind::Keyword(K::Trailing) => "rtrim",
                _ => "btrim",
            };
            if p.at_any(&[K::Both, K::Leading, K::Trailing]) {
                p.advance();
            }
            let args = if p.eat(K::From) {
                p.expr_list()?
            } else {
                let first = p.a_expr()?;
                if p.eat(K::From) {
                    let mut args = p.expr_list()?;
                    args.push(first);
                    args
                } else {
                    let mut args = vec![first];
                    while p.eat_symbol(b',') {
                        args.push(p.a_expr()?);
                    }
                    args
                }
            };
            Ok(func_call(name, args, CoercionForm::SqlSyntax, location))
        })
    }

    fn nullif(&mut self, location: Location) -> Result<Expr> {
        self.parens(|p| {
            let left = Some(p.a_expr()?);
            p.expect_symbol(b',')?;
            let right = p.a_expr()?;
            let name = vec!["=".to_owned()];
            Ok(Expr::AExpr(Box::new(AExpr { kind: AExprKind::NullIf, name, left, right, location })))
        })
    }
}

/// SUBSTRING(a FOR n) starts at 1.
fn from_the_first() -> Expr {
    Expr::Const(AConst { value: ConstValue::Integer(1), location: Location::UNKNOWN })
}

fn of_int4(arg: Expr) -> Expr {
    let type_name = TypeName { names: vec!["pg_catalog".to_owned(), "int4".to_owned()], ..TypeName::default() };
    Expr::TypeCast(Box::new(TypeCast { arg, type_name, location: Location::UNKNOWN }))
}

/// The functions without parentheses.
fn sql_value_function(keyword: K) -> Option<SqlValueFunctionOp> {
    use SqlValueFunctionOp::*;
    Some(match keyword {
        K::CurrentDate => CurrentDate,
        K::CurrentTime => CurrentTime,
        K::CurrentTimestamp => CurrentTimestamp,
        K::Localtime => LocalTime,
        K::Localtimestamp => LocalTimestamp,
        K::CurrentRole => CurrentRole,
        K::CurrentUser => CurrentUser,
        K::User => User,
        K::SessionUser => SessionUser,
        K::CurrentCatalog => CurrentCatalog,
        K::CurrentSchema => CurrentSchema,
        _ => return None,
    })
}
