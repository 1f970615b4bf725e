//! Types as written, and constants of a type: Typename, SimpleTypename, func_type, AexprConst.
//!
//! Owns: [`Parser::type_name`], the grammar's own type names, interval's fields. Must not know: which types there are.
//! Specification: datatype.html, gram.y.

use crate::error::{Result, SqlState};
use crate::sql::syntax::ast::expression::*;
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parser::Parser;

/// The bit of an interval's field in its type modifier (datetime.h, INTERVAL_MASK).
pub const INTERVAL_YEAR: i32 = 1 << 2;
pub const INTERVAL_MONTH: i32 = 1 << 1;
pub const INTERVAL_DAY: i32 = 1 << 3;
pub const INTERVAL_HOUR: i32 = 1 << 10;
pub const INTERVAL_MINUTE: i32 = 1 << 11;
pub const INTERVAL_SECOND: i32 = 1 << 12;
/// All fields: an interval with a precision alone.
pub const INTERVAL_FULL_RANGE: i32 = 0x7fff;

fn integer(value: i32) -> Expr {
    Expr::Const(AConst { value: ConstValue::Integer(value), location: Location::UNKNOWN })
}

fn system_type(name: &str, typmods: Vec<Expr>, location: Location) -> TypeName {
    TypeName { names: vec!["pg_catalog".to_owned(), name.to_owned()], typmods, location, ..TypeName::default() }
}

impl Parser<'_> {
    /// Typename: a type, maybe SETOF it, maybe an array.
    pub fn type_name(&mut self) -> Result<TypeName> {
        let setof = self.eat(K::Setof);
        let mut type_name = self.simple_type_name()?;
        type_name.setof = setof;
        self.array_bounds(&mut type_name)?;
        Ok(type_name)
    }

    fn array_bounds(&mut self, type_name: &mut TypeName) -> Result<()> {
        if self.eat(K::Array) {
            let mut bound = None;
            if self.eat_symbol(b'[') {
                bound = Some(self.iconst()?);
                self.expect_symbol(b']')?;
            }
            type_name.array_bounds.push(bound);
            return Ok(());
        }
        while self.eat_symbol(b'[') {
            let bound = if self.at_symbol(b']') { None } else { Some(self.iconst()?) };
            self.expect_symbol(b']')?;
            type_name.array_bounds.push(bound);
        }
        Ok(())
    }

    /// func_type: a type, or that of a column: t.c%TYPE.
    pub(super) fn func_type(&mut self) -> Result<TypeName> {
        let location = self.location();
        let setof = self.eat(K::Setof);
        let mut ahead = 1;
        while self.symbol_at(ahead, b'.') {
            ahead += 2;
        }
        let is_reference = ahead > 1 && self.symbol_at(ahead, b'%') && self.keyword_at(ahead + 1, K::Type);
        if !is_reference || !self.is_type_function_name(0) {
            let mut type_name = self.simple_type_name()?;
            type_name.setof = setof;
            self.array_bounds(&mut type_name)?;
            return Ok(type_name);
        }
        let mut names = vec![self.type_function_name()?];
        while self.eat_symbol(b'.') {
            names.push(self.col_label()?);
        }
        self.expect_symbol(b'%')?;
        self.expect(K::Type)?;
        Ok(TypeName { names, setof, pct_type: true, location, ..TypeName::default() })
    }

    /// SimpleTypename.
    pub(super) fn simple_type_name(&mut self) -> Result<TypeName> {
        let location = self.location();
        if let TokenKind::Keyword(keyword) = self.peek() {
            if keyword == K::Interval {
                self.advance();
                let typmods = if self.at_symbol(b'(') { self.interval_precision()? } else { self.opt_interval()? };
                return Ok(system_type("interval", typmods, location));
            }
            if let Some(type_name) = self.built_in_type(keyword, true)? {
                return Ok(type_name);
            }
        }
        let mut names = vec![self.type_function_name()?];
        while self.eat_symbol(b'.') {
            names.push(self.col_label()?);
        }
        let typmods = if self.at_symbol(b'(') { self.parens(Self::expr_list)? } else { Vec::new() };
        Ok(TypeName { names, typmods, location, ..TypeName::default() })
    }

    /// Numeric, Bit, Character, ConstDatetime: the types that the grammar knows, interval aside. Where a column of the
    /// type is meant and no length given, char and bit are of length 1.
    fn built_in_type(&mut self, keyword: K, defaults: bool) -> Result<Option<TypeName>> {
        let location = self.location();
        let plain = match keyword {
            K::Int | K::Integer => "int4",
            K::Smallint => "int2",
            K::Bigint => "int8",
            K::Real => "float4",
            K::Boolean => "bool",
            K::Double if self.keyword_at(1, K::Precision) => {
                self.advance();
                "float8"
            }
            K::Float => {
                self.advance();
                let name = self.opt_float()?;
                return Ok(Some(system_type(name, Vec::new(), location)));
            }
            K::Decimal | K::Dec | K::Numeric => {
                self.advance();
                let typmods = if self.at_symbol(b'(') { self.parens(Self::expr_list)? } else { Vec::new() };
                return Ok(Some(system_type("numeric", typmods, location)));
            }
            K::Bit => return self.bit(defaults).map(Some),
            K::Character | K::Char | K::Varchar | K::National | K::Nchar => return self.character(defaults).map(Some),
            K::Timestamp | K::Time => return self.const_datetime(keyword).map(Some),
            _ => return Ok(None),
        };
        self.advance();
        Ok(Some(system_type(plain, Vec::new(), location)))
    }

    fn opt_float(&mut self) -> Result<&'static str> {
        if !self.eat_symbol(b'(') {
            return Ok("float8");
        }
        let location = self.location();
        let bits = self.iconst()?;
        self.expect_symbol(b')')?;
        let message = match bits {
            1..=24 => return Ok("float4"),
            25..=53 => return Ok("float8"),
            ..1 => "precision for type float must be at least 1 bit",
            _ => "precision for type float must be less than 54 bits",
        };
        Err(self.error_at(location, SqlState::INVALID_PARAMETER_VALUE, message))
    }

    fn bit(&mut self, defaults: bool) -> Result<TypeName> {
        let location = self.location();
        self.expect(K::Bit)?;
        let name = if self.eat(K::Varying) { "varbit" } else { "bit" };
        let typmods = match () {
            () if self.at_symbol(b'(') => self.parens(Self::expr_list)?,
            () if defaults && name == "bit" => vec![integer(1)],
            () => Vec::new(),
        };
        Ok(system_type(name, typmods, location))
    }

    fn character(&mut self, defaults: bool) -> Result<TypeName> {
        let location = self.location();
        let varying = if self.eat(K::Varchar) {
            true
        } else {
            if self.eat(K::National) && !self.at_any(&[K::Character, K::Char]) {
                return Err(self.unexpected());
            }
            self.advance();
            self.eat(K::Varying)
        };
        let name = if varying { "varchar" } else { "bpchar" };
        let typmods = if self.at_symbol(b'(') {
            vec![self.parens(Self::iconst_expr)?]
        } else if defaults && !varying {
            vec![integer(1)]
        } else {
            Vec::new()
        };
        Ok(system_type(name, typmods, location))
    }

    fn const_datetime(&mut self, keyword: K) -> Result<TypeName> {
        let location = self.location();
        self.advance();
        let mut typmods = Vec::new();
        if self.at_symbol(b'(') {
            typmods.push(self.parens(Self::iconst_expr)?);
        }
        let zoned = if self.at(K::With) && self.keyword_at(1, K::Time) {
            self.expect_all(&[K::With, K::Time, K::Zone])?;
            true
        } else {
            if self.eat(K::Without) {
                self.expect_all(&[K::Time, K::Zone])?;
            }
            false
        };
        let name = match (keyword, zoned) {
            (K::Timestamp, false) => "timestamp",
            (K::Timestamp, true) => "timestamptz",
            (_, false) => "time",
            (_, true) => "timetz",
        };
        Ok(system_type(name, typmods, location))
    }

    // ----- interval

    pub(super) fn interval_precision(&mut self) -> Result<Vec<Expr>> {
        Ok(vec![integer(INTERVAL_FULL_RANGE), self.parens(Self::iconst_expr)?])
    }

    fn iconst_expr(&mut self) -> Result<Expr> {
        let location = self.location();
        Ok(Expr::Const(AConst { value: ConstValue::Integer(self.iconst()?), location }))
    }

    /// opt_interval: YEAR TO MONTH and the like, as type modifiers: the fields' mask, and SECOND's precision.
    pub(super) fn opt_interval(&mut self) -> Result<Vec<Expr>> {
        // From each field, the fields that may end the range, finest first.
        let (first, last): (i32, &[(K, i32)]) = match self.peek() {
            TokenKind::Keyword(K::Year) => (INTERVAL_YEAR, &[(K::Month, INTERVAL_MONTH)]),
            TokenKind::Keyword(K::Month) => (INTERVAL_MONTH, &[]),
            TokenKind::Keyword(K::Day) => (
                INTERVAL_DAY,
                &[
                    (K::Hour, INTERVAL_HOUR),
                    (K::Minute, INTERVAL_HOUR | INTERVAL_MINUTE),
                    (K::Second, INTERVAL_HOUR | INTERVAL_MINUTE | INTERVAL_SECOND),
                ],
            ),
            TokenKind::Keyword(K::Hour) => {
                (INTERVAL_HOUR, &[(K::Minute, INTERVAL_MINUTE), (K::Second, INTERVAL_MINUTE | INTERVAL_SECOND)])
            }
            TokenKind::Keyword(K::Minute) => (INTERVAL_MINUTE, &[(K::Second, INTERVAL_SECOND)]),
            TokenKind::Keyword(K::Second) => return self.interval_second(0),
            _ => return Ok(Vec::new()),
        };
        self.advance();
        if last.is_empty() || !self.eat(K::To) {
            return Ok(vec![integer(first)]);
        }
        let Some((field, more)) = last.iter().find(|(field, _)| self.at(*field)) else { return Err(self.unexpected()) };
        if *field == K::Second {
            return self.interval_second(first | (more & !INTERVAL_SECOND));
        }
        self.advance();
        Ok(vec![integer(first | more)])
    }

    /// SECOND [(precision)], at the end of a range of fields.
    fn interval_second(&mut self, fields: i32) -> Result<Vec<Expr>> {
        self.expect(K::Second)?;
        let mut typmods = vec![integer(fields | INTERVAL_SECOND)];
        if self.at_symbol(b'(') {
            typmods.push(self.parens(Self::iconst_expr)?);
        }
        Ok(typmods)
    }

    // ----- constants

    /// A constant of one of the grammar's own types, if that is what this keyword begins; else it is a name.
    pub(super) fn typed_constant(&mut self, keyword: K) -> Result<Option<Expr>> {
        if keyword == K::Interval {
            return self.interval_constant();
        }
        let ends_name = match keyword {
            K::Double => self.keyword_at(1, K::Precision),
            K::National => self.keyword_at(1, K::Character) || self.keyword_at(1, K::Char),
            K::Bit | K::Character | K::Char | K::Nchar => {
                self.is_sconst(1) || self.symbol_at(1, b'(') || self.keyword_at(1, K::Varying)
            }
            K::Timestamp | K::Time => {
                self.is_sconst(1)
                    || self.symbol_at(1, b'(')
                    || self.keyword_at(1, K::With) && self.keyword_at(2, K::Time)
                    || self.keyword_at(1, K::Without)
            }
            K::Float | K::Decimal | K::Dec | K::Numeric | K::Varchar => self.is_sconst(1) || self.symbol_at(1, b'('),
            K::Int | K::Integer | K::Smallint | K::Bigint | K::Real | K::Boolean => self.is_sconst(1),
            _ => false,
        };
        if !ends_name {
            return Ok(None);
        }
        let Some(type_name) = self.built_in_type(keyword, false)? else { return Ok(None) };
        let at = self.location();
        let text = self.sconst()?;
        Ok(Some(string_cast(text, at, type_name)))
    }

    fn interval_constant(&mut self) -> Result<Option<Expr>> {
        if !self.is_sconst(1) && !self.symbol_at(1, b'(') {
            return Ok(None);
        }
        let location = self.location();
        self.advance();
        let mut typmods = if self.at_symbol(b'(') { self.interval_precision()? } else { Vec::new() };
        let at = self.location();
        let text = self.sconst()?;
        if typmods.is_empty() {
            typmods = self.opt_interval()?;
        }
        Ok(Some(string_cast(text, at, system_type("interval", typmods, location))))
    }
}

fn string_cast(text: String, at: Location, type_name: TypeName) -> Expr {
    let arg = Expr::Const(AConst { value: ConstValue::String(text), location: at });
    Expr::TypeCast(Box::new(TypeCast { arg, type_name, location: Location::UNKNOWN }))
}
