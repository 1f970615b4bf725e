//! SQL in a body: where an expression or a statement ends, and what of it is the language's own.
//!
//! Owns: read_sql_construct() and what is built on it, INTO. Must not know: what SQL means.

use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::limits::{session, stack};
use crate::plpgsql::keyword::Word;
use crate::plpgsql::parse::parser::Parser;
use crate::plpgsql::parse::scanner::{Lookup, Tok, TokKind};
use crate::plpgsql::query::{Query, QueryKind};
use crate::plpgsql::simple::{self, Found, Simple};
use crate::plpgsql::tree::{Expression, Into, Kind, Place, Root, Target};
use crate::sql::syntax::ast::expression::{Expr, Field};
use crate::sql::syntax::ast::query::{SelectBody, SelectStmt};
use crate::sql::syntax::ast::statement::Stmt;
use crate::sql::syntax::keywords::{Category, Keyword};
use crate::sql::syntax::lexer::{TokenKind, tokens};
use crate::sql::syntax::parse;

/// What ends a piece of SQL, outside of parentheses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    Symbol(u8),
    Word(Word),
    DotDot,
    /// The body's end, which pl_gram.y takes for the end where it knows of one or two others.
    End,
}

/// A piece of SQL in the body: its bytes, and what ended it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Construct {
    pub start: usize,
    pub end: usize,
    pub until: Until,
}

/// The most variables INTO may have.
const MOST_TARGETS: usize = 1024;

/// What stands before an expression to make a statement of it.
const SELECT: &str = "SELECT ";

impl<'t> Parser<'t> {
    /// read_sql_construct(): takes everything up to one of these, and that.
    pub(super) fn construct(&mut self, until: &[Until], expected: &str, is_expression: bool) -> Result<Construct> {
        let mut depth = 0_usize;
        let start = self.scanner.raw(self.at).start as usize;
        let mut end = start;
        loop {
            let raw = self.scanner.raw(self.at);
            let mut found = until.iter().find(|until| depth == 0 && self.ends(**until)).copied();
            if depth == 0 && until.len() < 3 && raw.kind == TokenKind::End {
                found = Some(Until::End);
            }
            if let Some(until) = found {
                if end == start {
                    return Err(self.raw_error(if is_expression {
                        "missing expression"
                    } else {
                        "missing SQL statement"
                    }));
                }
                self.at += usize::from(until != Until::End);
                session::work(end - start)?;
                return Ok(Construct { start, end, until });
            }
            match raw.kind {
                TokenKind::Bad(_) => return Err(self.raw_error("")),
                TokenKind::Symbol(b'(' | b'[') => depth += 1,
                TokenKind::Symbol(b')' | b']') => {
                    depth = depth.checked_sub(1).ok_or_else(|| self.raw_error("mismatched parentheses"))?;
                }
                TokenKind::End | TokenKind::Symbol(b';') if depth > 0 => {
                    return Err(self.raw_error("mismatched parentheses"));
                }
                TokenKind::End | TokenKind::Symbol(b';') => {
                    let what = if is_expression { "expression" } else { "statement" };
                    let message = format!("missing \"{expected}\" at end of SQL {what}");
                    return Err(self.wrong_syntax(raw.start as usize, message));
                }
                _ => {}
            }
            end = raw.end as usize;
            self.at += 1;
        }
    }

    fn ends(&self, until: Until) -> bool {
        match until {
            Until::Symbol(symbol) => self.at_symbol(symbol),
            Until::Word(word) => self.scanner.reserved(self.at) == Some(word),
            Until::DotDot => self.scanner.raw(self.at).kind == TokenKind::DotDot,
            Until::End => false,
        }
    }

    pub(super) fn text(&self, construct: &Construct) -> &'t str {
        self.scanner.text.get(construct.start..construct.end).unwrap_or("")
    }

    // ----- expressions

    /// An expression up to one of these; and which it was.
    pub(super) fn expression(&mut self, until: &[Until], expected: &str) -> Result<(Expression, Until)> {
        let construct = self.construct(until, expected, true)?;
        Ok((self.expression_of(&construct)?, construct.until))
    }

    /// expression, … up to the end.
    pub(super) fn expressions(&mut self, end: Until, expected: &str) -> Result<Vec<Expression>> {
        let mut list = Vec::new();
        loop {
            let (expression, until) = self.expression(&[Until::Symbol(b','), end], expected)?;
            list.push(expression);
            if until != Until::Symbol(b',') {
                return Ok(list);
            }
        }
    }

    pub(super) fn expression_until(&mut self, word: Word, expected: &str) -> Result<Expression> {
        Ok(self.expression(&[Until::Word(word)], expected)?.0)
    }

    pub(super) fn expression_until_semicolon(&mut self) -> Result<Expression> {
        Ok(self.expression(&[Until::Symbol(b';')], ";")?.0)
    }

    pub(super) fn expression_of(&mut self, construct: &Construct) -> Result<Expression> {
        let text = self.text(construct);
        self.make_expression(text, text, QueryKind::Expression, construct.start)
    }

    /// An expression that stands at a place of the body, as part of what CONTEXT is to show.
    pub(super) fn make_expression(
        &mut self,
        text: &str,
        written: &str,
        kind: QueryKind,
        start: usize,
    ) -> Result<Expression> {
        let sql = format!("{SELECT}{text}");
        let parsed = self.check(&sql, start, -(SELECT.len() as i32))?;
        self.check_is_expression(text, start, parsed.as_ref())?;
        let select = match &parsed {
            Some(Stmt::Select(select)) => Some(&**select),
            _ => None,
        };
        let simple = select.and_then(only_target).and_then(|expr| self.simple(expr));
        let direct = select.and_then(only_target).and_then(|expr| self.place_of(expr)).map(|place| place.root);
        let is_plain = select.is_some_and(is_bare) && is_plain(text);
        let lead = written.len().saturating_sub(text.len());
        let lead = written.get(..lead).map_or(0, |lead| lead.chars().count());
        let shift = lead as i32 - SELECT.len() as i32;
        let is_row = matches!(select.and_then(only_target), Some(Expr::Row(row)) if !row.args.is_empty());
        let row = if is_row { self.row_fields(text, start)? } else { None };
        let query = self.make_query(sql, written.to_owned(), kind, shift);
        Ok(Expression { query, simple, direct, row, is_plain })
    }

    /// The fields of [ROW] (…), unless one stands for many.
    fn row_fields(&mut self, text: &str, start: usize) -> Result<Option<Vec<Expression>>> {
        stack::check()?;
        let mut depth = 0_usize;
        let (mut fields, mut from) = (Vec::new(), 0);
        for token in tokens(text, true) {
            let (begin, end) = (token.start as usize, token.end as usize);
            match token.kind {
                TokenKind::Symbol(b'(' | b'[') => {
                    depth += 1;
                    if depth == 1 {
                        from = end;
                    }
                }
                TokenKind::Symbol(b')' | b']') if depth == 1 => fields.push((from, begin)),
                TokenKind::Symbol(b',') if depth == 1 => {
                    fields.push((from, begin));
                    from = end;
                }
                TokenKind::Symbol(b'*') if text.get(..begin).is_some_and(|before| before.trim_end().ends_with('.')) => {
                    return Ok(None);
                }
                _ => {}
            }
            if matches!(token.kind, TokenKind::Symbol(b')' | b']')) {
                depth = depth.saturating_sub(1);
            }
        }
        let mut expressions = Vec::with_capacity(fields.len());
        for (from, to) in fields {
            let field = text.get(from..to).unwrap_or("").trim();
            expressions.push(self.make_expression(field, field, QueryKind::Expression, start + from)?);
        }
        Ok(Some(expressions))
    }

    pub(super) fn simple(&self, expr: &Expr) -> Option<Simple> {
        simple::compile(expr, &|names| {
            let parts: Vec<&str> = names.to_vec();
            let named = self.names.lookup(self.names.top(), &parts)?;
            let whole = named.taken == parts.len();
            let variable = self.variables.get(named.number as usize).filter(|_| whole)?;
            let is_argv = self.arguments_of_trigger == Some(named.number);
            let base = if is_argv { 0 } else { 1 };
            Some(Found { number: named.number, data_type: variable.data_type, base })
        })
    }

    /// What the grammar of expressions has not, though that of SELECT has.
    fn check_is_expression(&self, text: &str, start: usize, parsed: Option<&Stmt>) -> Result<()> {
        let into = |select: &SelectStmt| matches!(&select.body, SelectBody::Select(simple) if simple.into.is_none());
        if parsed.is_none_or(|stmt| matches!(stmt, Stmt::Select(select) if into(select))) || !self.options.check_syntax
        {
            return Ok(());
        }
        let mut depth = 0_usize;
        for token in tokens(text, true) {
            match token.kind {
                TokenKind::Symbol(b'(' | b'[') => depth += 1,
                TokenKind::Symbol(b')' | b']') => depth = depth.saturating_sub(1),
                TokenKind::Keyword(_) if depth == 0 => {
                    let word = token.text(text);
                    if ["union", "intersect", "except", "into"].iter().any(|other| word.eq_ignore_ascii_case(other)) {
                        let message = format!("syntax error at or near \"{word}\"");
                        return Err(self.wrong_syntax(start + token.start as usize, message));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn make_query(&mut self, sql: String, written: String, kind: QueryKind, shift: i32) -> Query {
        let number = self.texts.len();
        self.texts.push(sql.clone());
        let context = Arc::from(kind.context(&written));
        Query { number, sql, written: Arc::from(written), context, kind, shift, scope: self.names.top() }
    }

    /// check_sql_expr(): what SQL's own grammar says of it. `None` where nobody asks and it is wrong.
    pub(super) fn check(&self, sql: &str, start: usize, shift: i32) -> Result<Option<Stmt>> {
        // Parsing takes more than copying.
        session::work(sql.len().saturating_mul(16))?;
        match parse::statement(sql, &tokens(sql, true)) {
            Ok(stmt) => Ok(stmt),
            Err(_) if !self.options.check_syntax => Ok(None),
            Err(error) => Err(self.within(error, start, shift)),
        }
    }

    /// An error in a text that stands at a place of the body (plpgsql_sql_error_callback).
    pub(super) fn within(&self, error: Error, start: usize, shift: i32) -> Error {
        let before = self.scanner.text.get(..start).map_or(0, |before| before.chars().count()) as i32;
        let position = error.fields().position.map_or(1, |position| position as i32 + shift);
        error.with_internal_position((before + position).max(1) as u32, self.scanner.text)
    }

    // ----- statements

    /// read_sql_stmt()
    pub(super) fn statement_until_semicolon(&mut self) -> Result<Query> {
        let construct = self.construct(&[Until::Symbol(b';')], ";", false)?;
        let text = self.text(&construct);
        self.check(text, construct.start, 0)?;
        Ok(self.make_query(text.to_owned(), text.to_owned(), QueryKind::Statement, 0))
    }

    /// stmt_perform: PERFORM stands for SELECT.
    pub(super) fn stmt_perform(&mut self) -> Result<Kind> {
        let construct = self.construct(&[Until::Symbol(b';')], ";", false)?;
        let text = self.text(&construct);
        let sql = format!("SELECT{}", text.get("PERFORM".len()..).unwrap_or(""));
        self.check(&sql, construct.start, 1)?;
        Ok(Kind::Perform(self.make_query(sql.clone(), sql, QueryKind::Statement, 0)))
    }

    /// CALL and DO.
    pub(super) fn stmt_call(&mut self, is_call: bool) -> Result<Kind> {
        let construct = self.construct(&[Until::Symbol(b';')], ";", false)?;
        let text = self.text(&construct);
        let mut arguments = Vec::new();
        if let Some(Stmt::Call(call)) = self.check(text, construct.start, 0)? {
            arguments.extend(call.args.iter().map(|argument| self.place_of(argument)));
        }
        let query = self.make_query(text.to_owned(), text.to_owned(), QueryKind::Statement, 0);
        Ok(Kind::Call { query, is_call, arguments })
    }

    /// The variable that an argument is.
    fn place_of(&self, argument: &Expr) -> Option<Place> {
        let root = match argument {
            Expr::NamedArg(named) => return self.place_of(&named.arg),
            Expr::ColumnRef(column) => {
                let name = |field: &Field| match field {
                    Field::Name(name) => Some(name.clone()),
                    Field::Star => None,
                };
                let names = column.fields.iter().map(name).collect::<Option<Vec<String>>>()?;
                let parts: Vec<&str> = names.iter().map(String::as_str).collect();
                let named = self.names.lookup(self.names.top(), &parts)?;
                match parts.get(named.taken..)? {
                    [] => Root::Variable(named.number),
                    [field] if named.is_record => Root::Field(named.number, Arc::from(*field)),
                    _ => return None,
                }
            }
            Expr::ParamRef(param) => {
                let named = self.names.lookup(self.names.top(), &[&format!("${}", param.number)])?;
                Root::Variable(named.number)
            }
            _ => return None,
        };
        Some(Place { root, steps: Vec::new() })
    }

    /// make_execsql_stmt(): an SQL statement, with an INTO anywhere in it taken out.
    pub(super) fn stmt_execsql(&mut self) -> Result<Kind> {
        let start = self.scanner.raw(self.at).start as usize;
        let (mut into, mut removed) = (None, None);
        let is_import = self.scanner.raw_text(self.at).eq_ignore_ascii_case("import");
        let is_routine = self.creates_routine();
        let (mut parens, mut blocks) = (0_usize, 0_usize);
        self.at += 1;
        loop {
            let word = self.scanner.reserved(self.at);
            match (self.scanner.raw(self.at).kind, word) {
                (TokenKind::Bad(_), _) => return Err(self.raw_error("")),
                (TokenKind::Symbol(b'('), _) => parens += 1,
                (TokenKind::Symbol(b')'), _) => parens = parens.saturating_sub(1),
                (_, Some(Word::Begin | Word::Case)) if is_routine && parens == 0 => blocks += 1,
                (_, Some(Word::End)) if is_routine && parens == 0 => blocks = blocks.saturating_sub(1),
                (TokenKind::Symbol(b';'), _) if parens == 0 && blocks == 0 => break,
                (TokenKind::End, _) => return Err(self.raw_error("unexpected end of function definition")),
                (_, Some(Word::Into)) if !is_import && !self.follows_insert() => {
                    if into.is_some() {
                        return Err(self.raw_error("INTO specified more than once"));
                    }
                    let from = self.scanner.raw(self.at).start as usize;
                    self.at += 1;
                    into = Some(self.into_target(true)?);
                    removed = Some((from, self.scanner.raw(self.at).start as usize));
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
        let end = self.scanner.raw(self.at).start as usize;
        self.at += 1;
        let text = self.without(start, end, removed);
        self.check(&text, start, 0)?;
        Ok(Kind::Sql { query: self.make_query(text.clone(), text, QueryKind::Statement, 0), into })
    }

    /// The body's text between two places, blanks instead of what was taken out.
    fn without(&self, start: usize, end: usize, removed: Option<(usize, usize)>) -> String {
        let part = |from: usize, to: usize| self.scanner.text.get(from..to).unwrap_or("");
        let text = match removed {
            Some((from, to)) => format!("{}{}{}", part(start, from), " ".repeat(to - from), part(to, end)),
            None => part(start, end).to_owned(),
        };
        text.trim_end_matches([' ', '\t', '\n', '\r', '\x0c']).to_owned()
    }

    /// INSERT INTO and MERGE INTO are SQL's own.
    fn follows_insert(&self) -> bool {
        let before = self.scanner.raw_text(self.at - 1);
        ["insert", "merge"].iter().any(|word| before.eq_ignore_ascii_case(word))
    }

    /// CREATE [OR REPLACE] {FUNCTION | PROCEDURE}, whose body may have semicolons.
    fn creates_routine(&self) -> bool {
        let word = |n: usize, expected: &str| self.scanner.raw_text(self.at + n).eq_ignore_ascii_case(expected);
        let kind = if word(1, "or") && word(2, "replace") { 3 } else { 1 };
        word(0, "create") && (word(kind, "function") || word(kind, "procedure"))
    }

    // ----- INTO

    /// read_into_target(): behind INTO.
    pub(super) fn into_target(&mut self, may_be_strict: bool) -> Result<Into> {
        debug_assert_eq!(self.lookup, Lookup::Normal);
        let strict = may_be_strict && self.eat(Word::Strict)?;
        let tok = self.take()?;
        let TokKind::Variable(found) = &tok.kind else { return Err(self.not_a_variable(&tok)) };
        if !found.is_record {
            return Ok(Into { target: self.scalar_list(&tok)?, strict });
        }
        self.check_assignable(&found.root, tok.start)?;
        if self.at_symbol(b',') {
            let start = self.peek()?.start;
            return Err(self.wrong_syntax(start, "record variable cannot be part of multiple-item INTO list"));
        }
        let (Root::Variable(number) | Root::Field(number, _)) = found.root;
        Ok(Into { target: Target::Record(number), strict })
    }

    /// read_into_scalar_list(): behind its first variable, which is no record.
    pub(super) fn scalar_list(&mut self, first: &Tok) -> Result<Target> {
        let TokKind::Variable(found) = &first.kind else { return Err(self.not_a_variable(first)) };
        self.check_assignable(&found.root, first.start)?;
        let mut list = vec![found.root.clone()];
        while self.at_symbol(b',') {
            let comma = self.take()?;
            if list.len() >= MOST_TARGETS {
                let message = "too many INTO variables specified";
                return Err(self.error_at(comma.start, SqlState::PROGRAM_LIMIT_EXCEEDED, message));
            }
            let tok = self.take()?;
            let TokKind::Variable(found) = &tok.kind else { return Err(self.not_a_variable(&tok)) };
            list.push(self.scalar(&tok, found)?);
        }
        Ok(Target::List(list))
    }
}

/// The expression of SELECT expression.
fn only_target(select: &SelectStmt) -> Option<&Expr> {
    match &select.body {
        SelectBody::Select(body) if is_bare(select) => match body.targets.as_slice() {
            [target] => target.value.as_ref(),
            _ => None,
        },
        _ => None,
    }
}

/// Whether it is SELECT and a list, and nothing else.
fn is_bare(select: &SelectStmt) -> bool {
    let SelectBody::Select(body) = &select.body else { return false };
    let more = [
        select.with.is_some(),
        !select.sort.is_empty(),
        select.limit_count.is_some() || select.limit_offset.is_some(),
        !select.locking.is_empty(),
        body.distinct.is_some() || body.into.is_some() || body.having.is_some() || body.where_clause.is_some(),
        !body.from.is_empty() || !body.group.is_empty() || !body.windows.is_empty(),
    ];
    !more.contains(&true)
}

/// See [`Expression::is_plain`]. What names nothing is folded while it is planned.
fn is_plain(text: &str) -> bool {
    let mut names = false;
    for token in tokens(text, true) {
        match token.kind {
            TokenKind::Keyword(Keyword::Select | Keyword::Values | Keyword::Table | Keyword::With) => return false,
            TokenKind::Keyword(keyword) => names |= keyword.category() != Category::Reserved,
            TokenKind::Ident | TokenKind::QuotedIdent | TokenKind::UnicodeIdent | TokenKind::Param => names = true,
            _ => {}
        }
    }
    names
}
