//! a_expr, b_expr and their operators, by gram.y's table of precedences.
//!
//! Owns: [`Parser::a_expr`], [`Parser::b_expr`] and everything that stands between operands. What an operand is, is in
//! `operand`. Must not know: what a name means. Specification: sql-syntax-lexical.html#SQL-PRECEDENCE, gram.y.

use crate::error::Result;
use crate::sql::syntax::ast::expression::*;
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::grammar::operand::{Paren, func_call};
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parser::Parser;

/// gram.y's precedences, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Precedence {
    Lowest,
    Or,
    And,
    Not,
    Is,
    Comparison,
    /// BETWEEN, IN, LIKE, ILIKE, SIMILAR and their negations.
    Like,
    Escape,
    /// Any operator without a place of its own.
    Op,
    Additive,
    Multiplicative,
    Power,
    AtTimeZone,
    Collate,
    UnaryMinus,
    /// Above [`Precedence::UnaryMinus`] nothing but casts, subscripts and fields bind.
    Typecast,
}

impl Precedence {
    /// What the right operand of a left-associative or non-associative operator has to exceed.
    fn next(self) -> Precedence {
        use Precedence::*;
        match self {
            Lowest => Or,
            Or => And,
            And => Not,
            Not => Is,
            Is => Comparison,
            Comparison => Like,
            Like => Escape,
            Escape => Op,
            Op => Additive,
            Additive => Multiplicative,
            Multiplicative => Power,
            Power => AtTimeZone,
            AtTimeZone => Collate,
            Collate => UnaryMinus,
            UnaryMinus | Typecast => Typecast,
        }
    }

    /// Whether `a op b op c` is an error.
    fn is_non_associative(self) -> bool {
        matches!(self, Precedence::Is | Precedence::Comparison | Precedence::Like)
    }
}

/// Which of gram.y's two kinds of expressions: b_expr leaves out what could be taken for the grammar around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    A,
    B,
}

impl Parser<'_> {
    /// Any expression.
    pub fn a_expr(&mut self) -> Result<Expr> {
        self.operators(Kind::A, Precedence::Lowest)
    }

    /// An expression without AND, OR, NOT, IN, LIKE, BETWEEN and IS NULL at its top.
    pub fn b_expr(&mut self) -> Result<Expr> {
        self.operators(Kind::B, Precedence::Lowest)
    }

    /// expr_list
    pub fn expr_list(&mut self) -> Result<Vec<Expr>> {
        self.comma_list(Self::a_expr)
    }

    fn operators(&mut self, kind: Kind, least: Precedence) -> Result<Expr> {
        self.deeper(|p| {
            let left = p.prefix(kind)?;
            p.operators_after(left, kind, least)
        })
    }

    /// An expression whose beginning has been taken already.
    pub(super) fn a_expr_after(&mut self, left: Expr) -> Result<Expr> {
        self.operators_after(left, Kind::A, Precedence::Lowest)
    }

    /// What follows an operand, as far as it binds at least as strongly as `least`.
    fn operators_after(&mut self, mut left: Expr, kind: Kind, least: Precedence) -> Result<Expr> {
        let mut levels = 0;
        while let Some(precedence) = self.operator_precedence(kind).filter(|p| *p >= least) {
            self.descend(1)?;
            levels += 1;
            left = self.operator(left, kind, precedence)?;
        }
        self.ascend(levels);
        Ok(left)
    }

    /// How strongly the next token binds as an operator behind an operand.
    fn operator_precedence(&self, kind: Kind) -> Option<Precedence> {
        Some(match self.peek() {
            TokenKind::TypeCast => Precedence::Typecast,
            TokenKind::Symbol(b'^') => Precedence::Power,
            TokenKind::Symbol(b'*' | b'/' | b'%') => Precedence::Multiplicative,
            TokenKind::Symbol(b'+' | b'-') => Precedence::Additive,
            TokenKind::Symbol(b'<' | b'>' | b'=')
            | TokenKind::LessEquals
            | TokenKind::GreaterEquals
            | TokenKind::NotEquals => Precedence::Comparison,
            TokenKind::Op => Precedence::Op,
            TokenKind::Keyword(keyword) => return self.keyword_precedence(keyword, kind),
            _ => return None,
        })
    }

    fn keyword_precedence(&self, keyword: K, kind: Kind) -> Option<Precedence> {
        if kind == Kind::B {
            let is = self.keyword_at(1, K::Distinct)
                || self.keyword_at(1, K::Document)
                || self.keyword_at(1, K::Not) && (self.keyword_at(2, K::Distinct) || self.keyword_at(2, K::Document));
            return match keyword {
                K::Operator => Some(Precedence::Op),
                K::Is if is => Some(Precedence::Is),
                _ => None,
            };
        }
        Some(match keyword {
            K::Or => Precedence::Or,
            K::And => Precedence::And,
            K::Is | K::Isnull | K::Notnull => Precedence::Is,
            // SUBSTRING(a SIMILAR b ESCAPE c) has the word without TO.
            K::Similar if !self.keyword_at(1, K::To) => return None,
            K::Between | K::In | K::Like | K::Ilike | K::Similar => Precedence::Like,
            K::Not if self.at_not_la() => Precedence::Like,
            K::Operator => Precedence::Op,
            K::At => Precedence::AtTimeZone,
            K::Collate => Precedence::Collate,
            _ => return None,
        })
    }

    /// gram.y's NOT_LA: NOT before BETWEEN, IN, LIKE, ILIKE, SIMILAR.
    fn at_not_la(&self) -> bool {
        [K::Between, K::In, K::Like, K::Ilike, K::Similar].iter().any(|keyword| self.keyword_at(1, *keyword))
    }

    // ----- before an operand

    fn prefix(&mut self, kind: Kind) -> Result<Expr> {
        let location = self.location();
        match self.peek() {
            TokenKind::Symbol(b'-') => {
                self.advance();
                let operand = self.operators(kind, Precedence::UnaryMinus)?;
                Ok(negated(operand, location))
            }
            TokenKind::Symbol(b'+') => {
                self.advance();
                let operand = self.operators(kind, Precedence::UnaryMinus)?;
                Ok(prefix_operator(vec!["+".to_owned()], operand, location))
            }
            TokenKind::Op | TokenKind::Keyword(K::Operator) => {
                let name = self.qual_op()?;
                let operand = self.operators(kind, Precedence::Op.next())?;
                Ok(prefix_operator(name, operand, location))
            }
            TokenKind::Keyword(K::Not) if kind == Kind::A => {
                self.advance();
                let operand = self.operators(kind, Precedence::Not)?;
                Ok(Expr::Bool(BoolExpr { op: BoolExprType::Not, args: vec![operand], location }))
            }
            TokenKind::Keyword(K::Default) if kind == Kind::A => {
                self.advance();
                Ok(Expr::SetToDefault(location))
            }
            TokenKind::Keyword(K::Unique) if kind == Kind::A => {
                self.advance();
                self.select_with_parens()?;
                Err(self.refused(location, "UNIQUE predicate is not yet implemented"))
            }
            _ => {
                let operand = self.c_expr()?;
                match operand {
                    Expr::Row(row) if kind == Kind::A && self.at(K::Overlaps) => self.overlaps(row),
                    operand => Ok(operand),
                }
            }
        }
    }

    /// row OVERLAPS row
    pub(super) fn overlaps(&mut self, left: RowExpr) -> Result<Expr> {
        let operator = self.location();
        self.expect(K::Overlaps)?;
        let at = self.location();
        let right = match self.c_expr()? {
            Expr::Row(row) => row,
            _ => return Err(self.syntax_error_at(at, "syntax error")),
        };
        for (side, row) in [("left", &left), ("right", &right)] {
            if row.args.len() != 2 {
                let message = format!("wrong number of parameters on {side} side of OVERLAPS expression");
                return Err(self.syntax_error_at(row.location, message));
            }
        }
        let args = left.args.into_iter().chain(right.args).collect();
        Ok(func_call("overlaps", args, CoercionForm::SqlSyntax, operator))
    }

    // ----- operators

    /// One operator behind its left operand, with what belongs to it.
    fn operator(&mut self, left: Expr, kind: Kind, precedence: Precedence) -> Result<Expr> {
        let location = self.location();
        match self.peek() {
            TokenKind::TypeCast => {
                self.advance();
                let type_name = self.type_name()?;
                Ok(Expr::TypeCast(Box::new(TypeCast { arg: left, type_name, location })))
            }
            TokenKind::Keyword(keyword) => match keyword {
                K::Or => self.connective(left, BoolExprType::Or, location),
                K::And => self.connective(left, BoolExprType::And, location),
                K::Is => self.is_test(left, kind),
                K::Isnull | K::Notnull => {
                    self.advance();
                    Ok(null_test(left, keyword == K::Isnull, location))
                }
                K::Collate => {
                    self.advance();
                    let name = self.any_name()?;
                    Ok(Expr::Collate(Box::new(CollateClause { arg: Some(left), name, location })))
                }
                K::At => {
                    self.expect_all(&[K::At, K::Time, K::Zone])?;
                    let zone = self.operators(kind, precedence.next())?;
                    Ok(func_call("timezone", vec![zone, left], CoercionForm::SqlSyntax, location))
                }
                K::Operator => self.binary(left, kind, precedence),
                _ => self.like_family(left),
            },
            _ => self.binary(left, kind, precedence),
        }
    }

    /// left op right, left op ANY (…)
    fn binary(&mut self, left: Expr, kind: Kind, precedence: Precedence) -> Result<Expr> {
        let location = self.location();
        let name = self.qual_all_op()?;
        if kind == Kind::A && self.at_any(&[K::Any, K::Some, K::All]) {
            return self.quantified(left, name, location);
        }
        let right = self.right_operand(kind, precedence)?;
        Ok(a_expr(AExprKind::Op, name, left, right, location))
    }

    /// The right operand of an operator that associates to the left, or not at all.
    fn right_operand(&mut self, kind: Kind, precedence: Precedence) -> Result<Expr> {
        let right = self.operators(kind, precedence.next())?;
        if precedence.is_non_associative() && self.operator_precedence(kind) == Some(precedence) {
            return Err(self.unexpected());
        }
        Ok(right)
    }

    /// ANY, SOME or ALL over a sub-query or an array.
    fn quantified(&mut self, left: Expr, name: AnyName, location: Location) -> Result<Expr> {
        let all = self.at(K::All);
        self.advance();
        Ok(match self.paren_expr(false)? {
            Paren::Select(subselect) => Expr::SubLink(Box::new(SubLink {
                link_type: if all { SubLinkType::All } else { SubLinkType::Any },
                test_expr: Some(left),
                oper_name: name,
                subselect,
                location,
            })),
            Paren::Exprs(exprs) => {
                let kind = if all { AExprKind::OpAll } else { AExprKind::OpAny };
                let Some(right) = exprs.into_iter().next() else { return Err(self.unexpected()) };
                a_expr(kind, name, left, right, location)
            }
        })
    }

    /// AND and OR: chains are one node, as gram.y flattens them, whether or not parentheses stand around the left part.
    fn connective(&mut self, left: Expr, op: BoolExprType, location: Location) -> Result<Expr> {
        let (keyword, precedence) = match op {
            BoolExprType::Or => (K::Or, Precedence::Or),
            _ => (K::And, Precedence::And),
        };
        let mut chain = match left {
            Expr::Bool(chain) if chain.op == op => chain,
            left => BoolExpr { op, args: vec![left], location },
        };
        while self.eat(keyword) {
            chain.args.push(self.operators(Kind::A, precedence.next())?);
        }
        Ok(Expr::Bool(chain))
    }

    // ----- IS

    fn is_test(&mut self, left: Expr, kind: Kind) -> Result<Expr> {
        let location = self.location();
        self.expect(K::Is)?;
        let not = self.eat(K::Not);
        let test = match self.peek() {
            TokenKind::Keyword(K::Distinct) => {
                self.expect_all(&[K::Distinct, K::From])?;
                let right = self.right_operand(kind, Precedence::Is)?;
                let kind = if not { AExprKind::NotDistinct } else { AExprKind::Distinct };
                return Ok(a_expr(kind, vec!["=".to_owned()], left, right, location));
            }
            TokenKind::Keyword(K::Document) => {
                self.advance();
                let test = XmlExpr {
                    op: XmlExprOp::IsDocument,
                    name: None,
                    named_args: Vec::new(),
                    args: vec![left],
                    document: false,
                    preserve_whitespace: false,
                    standalone: XmlStandalone::Omitted,
                    location,
                };
                let test = Expr::Xml(Box::new(test));
                if !not {
                    return Ok(test);
                }
                return Ok(Expr::Bool(BoolExpr { op: BoolExprType::Not, args: vec![test], location }));
            }
            _ if kind == Kind::B => return Err(self.unexpected()),
            TokenKind::Keyword(K::Null) => {
                self.advance();
                return Ok(null_test(left, !not, location));
            }
            TokenKind::Keyword(K::True) => {
                if not {
                    BoolTestType::IsNotTrue
                } else {
                    BoolTestType::IsTrue
                }
            }
            TokenKind::Keyword(K::False) => {
                if not {
                    BoolTestType::IsNotFalse
                } else {
                    BoolTestType::IsFalse
                }
            }
            TokenKind::Keyword(K::Unknown) => {
                if not {
                    BoolTestType::IsNotUnknown
                } else {
                    BoolTestType::IsUnknown
                }
            }
            TokenKind::Keyword(K::Normalized | K::Nfc | K::Nfd | K::Nfkc | K::Nfkd) => {
                return self.is_normalized(left, not, location);
            }
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(Expr::BooleanTest(Box::new(BooleanTest { arg: left, test, location })))
    }

    /// IS [NOT] [form] NORMALIZED
    fn is_normalized(&mut self, left: Expr, not: bool, location: Location) -> Result<Expr> {
        let mut args = vec![left];
        if let Some(form) = self.opt_unicode_normal_form() {
            args.push(form);
        }
        self.expect(K::Normalized)?;
        let test = func_call("is_normalized", args, CoercionForm::SqlSyntax, location);
        if !not {
            return Ok(test);
        }
        Ok(Expr::Bool(BoolExpr { op: BoolExprType::Not, args: vec![test], location }))
    }

    /// NFC, NFD, NFKC or NFKD, as the string that functions take it as.
    pub(super) fn opt_unicode_normal_form(&mut self) -> Option<Expr> {
        let form = match self.peek() {
            TokenKind::Keyword(k @ (K::Nfc | K::Nfd | K::Nfkc | K::Nfkd)) => k.word().to_ascii_uppercase(),
            _ => return None,
        };
        let location = self.location();
        self.advance();
        Some(Expr::Const(AConst { value: ConstValue::String(form), location }))
    }

    // ----- LIKE, IN, BETWEEN

    fn like_family(&mut self, left: Expr) -> Result<Expr> {
        let location = self.location();
        let not = self.eat(K::Not);
        match self.peek() {
            TokenKind::Keyword(K::Like) => self.like(left, AExprKind::Like, if not { "!~~" } else { "~~" }, location),
            TokenKind::Keyword(K::Ilike) => {
                self.like(left, AExprKind::ILike, if not { "!~~*" } else { "~~*" }, location)
            }
            TokenKind::Keyword(K::Similar) => self.similar(left, not, location),
            TokenKind::Keyword(K::In) => self.in_expr(left, not, location),
            TokenKind::Keyword(K::Between) => self.between(left, not, location),
            _ => Err(self.unexpected()),
        }
    }

    fn like(&mut self, left: Expr, kind: AExprKind, operator: &str, location: Location) -> Result<Expr> {
        self.advance();
        let name = vec![operator.to_owned()];
        if self.at_any(&[K::Any, K::Some, K::All]) {
            return self.quantified(left, name, location);
        }
        let pattern = self.operators(Kind::A, Precedence::Like.next())?;
        let right = match self.escape()? {
            Some(escape) => func_call("like_escape", vec![pattern, escape], CoercionForm::ExplicitCall, location),
            None => pattern,
        };
        self.not_again()?;
        Ok(a_expr(kind, name, left, right, location))
    }

    /// SIMILAR TO is a regular expression that a function makes.
    fn similar(&mut self, left: Expr, not: bool, location: Location) -> Result<Expr> {
        self.expect_all(&[K::Similar, K::To])?;
        let pattern = self.operators(Kind::A, Precedence::Like.next())?;
        let mut args = vec![pattern];
        args.extend(self.escape()?);
        self.not_again()?;
        let right = func_call("similar_to_escape", args, CoercionForm::ExplicitCall, location);
        let name = vec![if not { "!~" } else { "~" }.to_owned()];
        Ok(a_expr(AExprKind::Similar, name, left, right, location))
    }

    fn escape(&mut self) -> Result<Option<Expr>> {
        self.optional(K::Escape, |p| p.operators(Kind::A, Precedence::Like.next()))
    }

    /// No two of BETWEEN, IN, LIKE … without parentheses.
    fn not_again(&self) -> Result<()> {
        match self.operator_precedence(Kind::A) {
            Some(Precedence::Like) => Err(self.unexpected()),
            _ => Ok(()),
        }
    }

    fn in_expr(&mut self, left: Expr, not: bool, location: Location) -> Result<Expr> {
        self.expect(K::In)?;
        match self.paren_expr(true)? {
            Paren::Select(subselect) => {
                let link = Expr::SubLink(Box::new(SubLink {
                    link_type: SubLinkType::Any,
                    test_expr: Some(left),
                    oper_name: Vec::new(),
                    subselect,
                    location,
                }));
                if !not {
                    return Ok(link);
                }
                Ok(Expr::Bool(BoolExpr { op: BoolExprType::Not, args: vec![link], location }))
            }
            Paren::Exprs(list) => {
                let name = vec![if not { "<>" } else { "=" }.to_owned()];
                Ok(a_expr(AExprKind::In, name, left, Expr::List(list), location))
            }
        }
    }

    fn between(&mut self, left: Expr, not: bool, location: Location) -> Result<Expr> {
        self.expect(K::Between)?;
        let symmetric = self.eat(K::Symmetric);
        if !symmetric {
            self.eat(K::Asymmetric);
        }
        let low = self.b_expr()?;
        self.expect(K::And)?;
        let high = self.right_operand(Kind::A, Precedence::Like)?;
        let (kind, name) = match (not, symmetric) {
            (false, false) => (AExprKind::Between, "BETWEEN"),
            (true, false) => (AExprKind::NotBetween, "NOT BETWEEN"),
            (false, true) => (AExprKind::BetweenSymmetric, "BETWEEN SYMMETRIC"),
            (true, true) => (AExprKind::NotBetweenSymmetric, "NOT BETWEEN SYMMETRIC"),
        };
        Ok(a_expr(kind, vec![name.to_owned()], left, Expr::List(vec![low, high]), location))
    }

    // ----- operators' names

    /// all_Op: an operator as it stands.
    pub(super) fn all_op(&mut self) -> Result<String> {
        let name = match self.peek() {
            TokenKind::NotEquals => "<>".to_owned(),
            TokenKind::Op
            | TokenKind::LessEquals
            | TokenKind::GreaterEquals
            | TokenKind::Symbol(b'+' | b'-' | b'*' | b'/' | b'%' | b'^' | b'<' | b'>' | b'=') => {
                self.written().to_owned()
            }
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(name)
    }

    /// any_operator: schema.op
    pub(super) fn any_operator(&mut self) -> Result<AnyName> {
        let mut name = Vec::new();
        while self.is_col_id(0) {
            name.push(self.col_id()?);
            self.expect_symbol(b'.')?;
        }
        name.push(self.all_op()?);
        Ok(name)
    }

    /// qual_Op: an operator that is none of arithmetic or comparison, or OPERATOR(schema.op).
    fn qual_op(&mut self) -> Result<AnyName> {
        if self.eat(K::Operator) { self.parens(Self::any_operator) } else { Ok(vec![self.all_op()?]) }
    }

    /// qual_all_Op: any operator, or OPERATOR(schema.op).
    pub(super) fn qual_all_op(&mut self) -> Result<AnyName> {
        self.qual_op()
    }
}

fn a_expr(kind: AExprKind, name: AnyName, left: Expr, right: Expr, location: Location) -> Expr {
    Expr::AExpr(Box::new(AExpr { kind, name, left: Some(left), right, location }))
}

fn prefix_operator(name: AnyName, right: Expr, location: Location) -> Expr {
    Expr::AExpr(Box::new(AExpr { kind: AExprKind::Op, name, left: None, right, location }))
}

fn null_test(arg: Expr, is_null: bool, location: Location) -> Expr {
    Expr::NullTest(Box::new(NullTest { arg, is_null, location }))
}

/// gram.y's doNegate: a negated number is a constant, which lets the smallest integers be written.
fn negated(operand: Expr, location: Location) -> Expr {
    match operand {
        Expr::Const(AConst { value: ConstValue::Integer(n), .. }) => {
            // The digits alone fit 31 bits.
            Expr::Const(AConst { value: ConstValue::Integer(n.wrapping_neg()), location })
        }
        Expr::Const(AConst { value: ConstValue::Float(digits), .. }) => {
            let value = match digits.strip_prefix('-') {
                Some(positive) => positive.to_owned(),
                None => format!("-{digits}"),
            };
            Expr::Const(AConst { value: ConstValue::Float(value), location })
        }
        operand => prefix_operator(vec!["-".to_owned()], operand, location),
    }
}
