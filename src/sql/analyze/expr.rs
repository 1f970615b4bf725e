//! Expressions: the parser's tree to typed ones.
//!
//! Owns: [`Analyzer::expr`] and the operators' and constructs' rules. Function calls are in `call`.
//! Specification: sql-expressions.html, functions-comparison.html, functions-subquery.html.

use sqlparser::ast::{
    self, AccessExpr, BinaryOperator, CaseWhen, Expr as Ast, Subscript, UnaryOperator, Value as AstValue, ValueWithSpan,
};
use sqlparser::ast::{DataType, Spanned};

use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::{Analyzer, fold};
use crate::sql::analyze::resolve::compare;
use crate::sql::analyze::type_name;
use crate::sql::scan::LiteralKind;
use crate::sql::tree::{Expr, ExprKind};
use crate::types::pg_type::Oid;
use crate::types::value::Value;

/// Marks the row values of information_schema._pg_expandarray: a JSON array of element and position.
pub(super) const EXPANDED_ARRAY: i32 = -2;

/// The most elements of an array that one call makes: SQLite's functions have at most 32,767 arguments.
const ARGUMENTS: usize = 10_000;

/// Conditions joined by a template of two, in pairs, so that many of them are no deep tree.
pub(super) fn combined(mut conditions: Vec<Expr>, template: &'static str) -> Option<Expr> {
    while conditions.len() > 1 {
        let mut pairs = Vec::with_capacity(conditions.len().div_ceil(2));
        let mut rest = conditions.into_iter();
        while let Some(left) = rest.next() {
            pairs.push(match rest.next() {
                Some(right) => Expr::template(template, vec![left, right], Oid::BOOL),
                None => left,
            });
        }
        conditions = pairs;
    }
    conditions.pop()
}

impl Analyzer<'_> {
    /// One expression. Its type may be UNKNOWN: the context decides then.
    pub(super) fn expr(&mut self, ast: &Ast) -> Result<Expr> {
        self.deeper(|a| a.expr_kind(ast))
    }

    /// A condition in a clause (WHERE, HAVING, ON …).
    pub(super) fn condition(&mut self, ast: &Ast, clause: &str) -> Result<Expr> {
        let expr = self.expr(ast)?;
        let expr = self.boolean(expr, clause).map_err(|e| self.at(e, ast.span()))?;
        Ok(relax_arrays(expr))
    }

    fn expr_kind(&mut self, ast: &Ast) -> Result<Expr> {
        match ast {
            // A word of the grammar, like current_user, which the parser takes for a name.
            Ast::Identifier(ident) if ident.quote_style.is_none() && fold(ident) == "current_schema" => {
                self.bare_call("current_schema")
            }
            Ast::Identifier(ident) => self.column(std::slice::from_ref(ident)),
            Ast::CompoundIdentifier(parts) => self.column(parts),
            Ast::Nested(inner) => self.expr(inner),
            Ast::Value(value) => self.value(value),
            Ast::TypedString(typed) => {
                let text = self.value(&typed.value)?;
                self.typed_constant(text, &typed.data_type)
            }
            Ast::Cast { kind, expr, data_type, .. } => self.cast_expr(kind, expr, data_type),
            Ast::UnaryOp { op, expr } => self.unary(*op, expr),
            Ast::BinaryOp { left, op, right } => self.binary(left, op, right),
            Ast::IsNull(e) => self.test("({0} IS NULL)", e),
            Ast::IsNotNull(e) => self.test("({0} IS NOT NULL)", e),
            Ast::IsTrue(e) => self.truth("({0} IS TRUE)", e, "IS TRUE"),
            Ast::IsNotTrue(e) => self.truth("({0} IS NOT TRUE)", e, "IS NOT TRUE"),
            Ast::IsFalse(e) => self.truth("({0} IS FALSE)", e, "IS FALSE"),
            Ast::IsNotFalse(e) => self.truth("({0} IS NOT FALSE)", e, "IS NOT FALSE"),
            Ast::IsUnknown(e) => self.truth("({0} IS NULL)", e, "IS UNKNOWN"),
            Ast::IsNotUnknown(e) => self.truth("({0} IS NOT NULL)", e, "IS NOT UNKNOWN"),
            Ast::IsDistinctFrom(l, r) => self.distinct_from("IS NOT", l, r),
            Ast::IsNotDistinctFrom(l, r) => self.distinct_from("IS", l, r),
            Ast::Between { expr, negated, low, high } => self.between(expr, low, high, *negated),
            Ast::InList { expr, list, negated } => self.in_list(expr, list, *negated),
            Ast::InSubquery { expr, subquery, negated } => self.in_query(expr, subquery, *negated),
            Ast::Like { negated, any: false, expr, pattern, escape_char } => {
                self.like("~~", *negated, expr, pattern, escape_char.as_deref())
            }
            Ast::ILike { negated, any: false, expr, pattern, escape_char } => {
                self.like("~~*", *negated, expr, pattern, escape_char.as_deref())
            }
            Ast::Like { negated, any: true, expr, pattern, escape_char: None } => {
                self.quantified(false, expr, if *negated { "!~~" } else { "~~" }, pattern)
            }
            Ast::ILike { negated, any: true, expr, pattern, escape_char: None } => {
                self.quantified(false, expr, if *negated { "!~~*" } else { "~~*" }, pattern)
            }
            Ast::SimilarTo { negated, expr, pattern, escape_char } => {
                self.similar_to(*negated, expr, pattern, escape_char.as_deref())
            }
            Ast::AnyOp { left, compare_op, right, .. } => {
                self.quantified(false, left, &operator_name(compare_op)?, right)
            }
            Ast::AllOp { left, compare_op, right } => self.quantified(true, left, &operator_name(compare_op)?, right),
            Ast::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref())
            }
            Ast::Exists { subquery, negated } => {
                let (query, _) = self.subquery(subquery)?;
                Ok(Expr::new(ExprKind::Exists { query: Box::new(query), negated: *negated }, Oid::BOOL))
            }
            Ast::Subquery(query) => self.scalar_query(query),
            Ast::Tuple(items) => self.row(items),
            Ast::Array(array) => self.array(&array.elem),
            Ast::CompoundFieldAccess { root, access_chain } => self.field_access(root, access_chain),
            Ast::Collate { expr, collation } => self.collate(expr, collation),
            Ast::Interval(interval) => self.interval(interval),
            Ast::Prefixed { prefix, value } => {
                Err(self.at(Error::unsupported(format!("the prefix {prefix} of {value}")), prefix.span))
            }
            _ => self.special_call(ast),
        }
    }

    // ----- constants

    fn value(&mut self, value: &ValueWithSpan) -> Result<Expr> {
        if let Some(n) = self.lifted(value.span) {
            return Ok(self.literal(n));
        }
        Ok(match &value.value {
            AstValue::Number(text, _) => number(text),
            AstValue::SingleQuotedString(text)
            | AstValue::EscapedStringLiteral(text)
            | AstValue::UnicodeStringLiteral(text)
            | AstValue::NationalStringLiteral(text) => unknown_text(text),
            AstValue::DollarQuotedString(string) => unknown_text(&string.value),
            AstValue::Boolean(b) => Expr::constant(Value::Integer(i64::from(*b)), Oid::BOOL),
            AstValue::Null => Expr::new(ExprKind::Null, Oid::UNKNOWN),
            AstValue::Placeholder(name) => return self.placeholder(name).map_err(|e| self.at(e, value.span)),
            other => return Err(self.at(Error::unsupported(format!("the constant {other}")), value.span)),
        })
    }

    /// A lifted constant: a number has its natural type until its context asks for another.
    fn literal(&mut self, n: usize) -> Expr {
        let kind = self.source.literals.get(n).map_or(LiteralKind::String, |l| l.kind);
        let type_oid = match kind {
            LiteralKind::Int4 => Oid::INT4,
            LiteralKind::Int8 => Oid::INT8,
            LiteralKind::Numeric => Oid::NUMERIC,
            LiteralKind::String => return Expr::new(ExprKind::Literal(n), Oid::UNKNOWN),
        };
        let slot = self.literal_types.get_mut(n);
        // Analysed a second time (GROUP BY an alias …) it keeps what the first use made of it.
        let type_oid = match slot {
            Some(Some(known)) => *known,
            Some(slot) => {
                *slot = Some(type_oid);
                type_oid
            }
            None => type_oid,
        };
        Expr::new(ExprKind::Literal(n), type_oid)
    }

    fn placeholder(&mut self, name: &str) -> Result<Expr> {
        let number = name.strip_prefix('$').and_then(|n| n.parse::<usize>().ok());
        let index = match number {
            Some(n) if (1..=65535).contains(&n) => n - 1,
            _ => {
                let message = format!("there is no parameter {name}");
                return Err(Error::new(SqlState::UNDEFINED_PARAMETER, message));
            }
        };
        if index >= self.params.len() {
            self.params.resize(index + 1, Oid::INVALID);
        }
        Ok(match self.params.get(index).copied().unwrap_or(Oid::INVALID) {
            Oid::INVALID => Expr::new(ExprKind::Param(index), Oid::UNKNOWN),
            known => self.parameter(index, self.base_type(known, -1).0),
        })
    }

    /// The text of a string constant, as the statement has it; the plan then depends on it.
    pub(super) fn constant_text(&mut self, expr: &Expr) -> Option<String> {
        match &expr.kind {
            ExprKind::Literal(n) => {
                self.pinned.insert(*n);
                self.source.literals.get(*n).map(|l| l.value().into_owned())
            }
            ExprKind::Const(Value::Text(text)) => Some(text.clone()),
            ExprKind::Const(Value::Integer(i)) => Some(i.to_string()),
            _ => None,
        }
    }

    // ----- casts

    /// type 'text': the constant is read as that type.
    fn typed_constant(&mut self, text: Expr, data_type: &DataType) -> Result<Expr> {
        let target = self.resolve_type(data_type)?;
        self.cast(text, target.oid, target.typmod)
    }

    pub(super) fn resolve_type(&self, data_type: &DataType) -> Result<type_name::ResolvedType> {
        type_name::resolve(data_type, self.catalog(), &self.search_path).map_err(|error| match data_type {
            DataType::Custom(name, _) => self.at(error, name.span()),
            _ => error,
        })
    }

    fn cast_expr(&mut self, kind: &ast::CastKind, expr: &Ast, data_type: &DataType) -> Result<Expr> {
        if matches!(kind, ast::CastKind::TryCast | ast::CastKind::SafeCast) {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "TRY_CAST and SAFE_CAST are not PostgreSQL's"));
        }
        let target = self.resolve_type(data_type)?;
        if let (Ast::Array(array), Some(element)) = (expr, self.element_type(target.oid)) {
            return self.array_of(&array.elem, Some(element));
        }
        let value = self.expr(expr)?;
        self.cast(value, target.oid, target.typmod).map_err(|e| self.at(e, expr.span()))
    }

    fn interval(&mut self, interval: &ast::Interval) -> Result<Expr> {
        let text = self.expr(&interval.value)?;
        let data_type = DataType::Interval { fields: None, precision: None };
        let target = self.resolve_type(&data_type)?;
        match (&interval.leading_field, &interval.last_field) {
            (None, None) => self.cast(text, target.oid, target.typmod),
            (Some(field), None) => {
                // INTERVAL '1' DAY: a bare number counts in the field's unit.
                let Some(value) = self.constant_text(&text) else {
                    return Err(Error::unsupported("an interval field over an expression"));
                };
                let with_unit = match value.trim().parse::<f64>() {
                    Ok(_) => format!("{value} {field}"),
                    Err(_) => value,
                };
                self.cast(unknown_text(&with_unit), target.oid, target.typmod)
            }
            _ => Err(Error::unsupported("an interval constant with two fields")),
        }
    }

    // ----- operators

    fn unary(&mut self, op: UnaryOperator, ast: &Ast) -> Result<Expr> {
        if op == UnaryOperator::Minus {
            if let Ast::BinaryOp { op: BinaryOperator::PGExp, .. } = ast {
                return self.expr(&minus_first(ast));
            }
            if let Some(smallest) = self.smallest_integer(ast) {
                return Ok(smallest);
            }
        }
        let operand = self.expr(ast)?;
        let name = match op {
            UnaryOperator::Not | UnaryOperator::BangNot => {
                let operand = self.boolean(operand, "NOT").map_err(|e| self.at(e, ast.span()))?;
                return Ok(Expr::template("(NOT {0})", vec![operand], Oid::BOOL));
            }
            UnaryOperator::Plus => "+",
            UnaryOperator::Minus => "-",
            UnaryOperator::BitwiseNot => "~",
            UnaryOperator::PGAbs => "@",
            UnaryOperator::PGSquareRoot => "|/",
            UnaryOperator::PGCubeRoot => "||/",
            UnaryOperator::PGPrefixFactorial => "!!",
            UnaryOperator::DoubleAt => "@@",
            UnaryOperator::AtDashAt => "@-@",
            other => return Err(Error::unsupported(format!("operator {other}"))),
        };
        self.prefix_operator(name, operand)
    }

    /// The smallest integer and bigint: their digits alone are one too large for the type.
    fn smallest_integer(&mut self, ast: &Ast) -> Option<Expr> {
        let Ast::Value(value) = ast else { return None };
        let AstValue::Number(digits, _) = &value.value else { return None };
        let (smallest, type_oid) = match digits.as_str() {
            "2147483648" => (i64::from(i32::MIN), Oid::INT4),
            "9223372036854775808" => (i64::MIN, Oid::INT8),
            _ => return None,
        };
        if let Some(n) = self.lifted(value.span) {
            self.pinned.insert(n);
        }
        Some(Expr::constant(Value::Integer(smallest), type_oid))
    }

    fn binary(&mut self, left: &Ast, op: &BinaryOperator, right: &Ast) -> Result<Expr> {
        let connective = match op {
            BinaryOperator::And => Some(("({0} AND {1})", "AND")),
            BinaryOperator::Or => Some(("({0} OR {1})", "OR")),
            _ => None,
        };
        if let Some((template, clause)) = connective {
            // Any number of them is one list, as in PostgreSQL, and no deep tree.
            let (mut operands, mut rest) = (vec![right], left);
            while let Ast::BinaryOp { left, op: inner, right } = rest
                && inner == op
            {
                operands.push(right);
                rest = left;
            }
            operands.push(rest);
            let mut conditions = Vec::with_capacity(operands.len());
            for operand in operands.into_iter().rev() {
                let condition = self.expr(operand)?;
                conditions.push(self.boolean(condition, clause).map_err(|e| self.at(e, operand.span()))?);
            }
            return combined(conditions, template).ok_or_else(|| Error::internal("no operands"));
        }
        let name = operator_name(op)?;
        if let Ast::Subquery(query) = right
            && let Ast::Tuple(items) = left
        {
            return self.row_with_query(&name, items, query);
        }
        let l = self.expr(left)?;
        let r = self.expr(right)?;
        let span = left.span();
        self.operator(&name, l, r).map_err(|e| self.at_operator(e, span))
    }

    /// PostgreSQL points at the operator: the first token after the left operand.
    pub(super) fn at_operator(&self, error: Error, left: sqlparser::tokenizer::Span) -> Error {
        if self.in_stored_text > 0 || error.fields().position.is_some() || left.end.line == 0 {
            return error;
        }
        let text = self.source.text;
        let Some(end) = crate::sql::parse::byte_offset(text, left.end) else { return error };
        let Some(rest) = text.get(end..) else { return error };
        let blanks = rest.len() - rest.trim_start_matches(|c: char| c.is_whitespace() || c == ')').len();
        let characters = text.get(..end + blanks).map_or(0, |before| before.chars().count());
        error.with_position(self.source.offset + characters as u32 + 1)
    }

    /// (a, b) op (SELECT c, d …)
    fn row_with_query(&mut self, name: &str, items: &[Ast], query: &ast::Query) -> Result<Expr> {
        let (query, columns) = self.subquery(query)?;
        let left = self.row(items)?;
        let op = match name {
            "=" => "=",
            "<>" => "<>",
            _ => return Err(Error::unsupported(format!("a row {name} sub-query"))),
        };
        if items.len() != columns.len() {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "subquery has too few columns"));
        }
        let right = Expr::new(ExprKind::ScalarQuery(Box::new(query)), Oid::RECORD);
        Ok(compare(op, left, right))
    }

    fn test(&mut self, template: &'static str, ast: &Ast) -> Result<Expr> {
        let expr = self.expr(ast)?;
        if let ExprKind::Row(items) = expr.kind {
            // A row is null if all its fields are, and not null if none is.
            let mut all: Option<Expr> = None;
            for item in items {
                let item = self.resolve_unknown(item)?;
                let tested = Expr::template(template, vec![item], Oid::BOOL);
                all = Some(match all {
                    None => tested,
                    Some(all) => Expr::template("({0} AND {1})", vec![all, tested], Oid::BOOL),
                });
            }
            return all.ok_or_else(|| Error::unsupported("an empty row"));
        }
        let expr = self.resolve_unknown(expr)?;
        Ok(Expr::template(template, vec![expr], Oid::BOOL))
    }

    fn truth(&mut self, template: &'static str, ast: &Ast, clause: &str) -> Result<Expr> {
        let expr = self.expr(ast)?;
        let expr = self.boolean(expr, clause).map_err(|e| self.at(e, ast.span()))?;
        Ok(Expr::template(template, vec![expr], Oid::BOOL))
    }

    fn distinct_from(&mut self, op: &'static str, left: &Ast, right: &Ast) -> Result<Expr> {
        let (l, r) = (self.expr(left)?, self.expr(right)?);
        let compared = self.operator("=", l, r)?;
        match compared.kind {
            ExprKind::Compare(_, l, r) => Ok(compare(op, *l, *r)),
            _ => Err(Error::unsupported("IS DISTINCT FROM over these types")),
        }
    }

    fn between(&mut self, expr: &Ast, low: &Ast, high: &Ast, negated: bool) -> Result<Expr> {
        let (value, low, high) = (self.expr(expr)?, self.expr(low)?, self.expr(high)?);
        let lower = self.operator(">=", value.clone(), low)?;
        let upper = self.operator("<=", value, high)?;
        let template = if negated { "(NOT ({0} AND {1}))" } else { "({0} AND {1})" };
        Ok(Expr::template(template, vec![lower, upper], Oid::BOOL))
    }

    fn like(&mut self, name: &str, negated: bool, expr: &Ast, pattern: &Ast, escape: Option<&Ast>) -> Result<Expr> {
        let (value, pattern) = (self.expr(expr)?, self.expr(pattern)?);
        let matched = match escape {
            None => self.operator(name, value, pattern).map_err(|e| self.at_operator(e, expr.span()))?,
            Some(escape) => {
                let escape = self.expr(escape)?;
                let args = [value, pattern, escape]
                    .into_iter()
                    .map(|arg| self.implicit(arg, Oid::TEXT))
                    .collect::<Result<Vec<_>>>()?;
                Expr::function(if name == "~~" { "pg_like" } else { "pg_ilike" }, args, Oid::BOOL)
            }
        };
        Ok(if negated { Expr::template("(NOT {0})", vec![matched], Oid::BOOL) } else { matched })
    }

    fn similar_to(&mut self, negated: bool, expr: &Ast, pattern: &Ast, escape: Option<&Ast>) -> Result<Expr> {
        let mut args = vec![self.expr(expr)?, self.expr(pattern)?];
        if let Some(escape) = escape {
            args.push(self.expr(escape)?);
        }
        let args = args.into_iter().map(|arg| self.implicit(arg, Oid::TEXT)).collect::<Result<Vec<_>>>()?;
        let matched = Expr::function("pg_similar", args, Oid::BOOL);
        Ok(if negated { Expr::template("(NOT {0})", vec![matched], Oid::BOOL) } else { matched })
    }

    // ----- constructs

    fn case(&mut self, operand: Option<&Ast>, conditions: &[CaseWhen], otherwise: Option<&Ast>) -> Result<Expr> {
        let operand = operand.map(|o| self.expr(o)).transpose()?;
        let mut tests = Vec::with_capacity(conditions.len());
        let mut results = Vec::with_capacity(conditions.len() + 1);
        for when in conditions {
            let condition = self.expr(&when.condition)?;
            tests.push(match &operand {
                None => self.boolean(condition, "CASE/WHEN").map_err(|e| self.at(e, when.condition.span()))?,
                Some(operand) => self.operator("=", operand.clone(), condition)?,
            });
            results.push(self.expr(&when.result)?);
        }
        let has_else = otherwise.is_some();
        if let Some(otherwise) = otherwise {
            // The ELSE branch leads the choice of the common type, as in PostgreSQL.
            let otherwise = self.expr(otherwise)?;
            results.insert(0, otherwise);
        }
        let (mut results, common) = self.unify(results, "CASE")?;
        let otherwise = has_else.then(|| Box::new(results.remove(0)));
        let whens = tests.into_iter().zip(results).collect();
        Ok(Expr::new(ExprKind::Case { whens, otherwise }, common))
    }

    fn row(&mut self, items: &[Ast]) -> Result<Expr> {
        let items = items.iter().map(|item| self.expr(item)).collect::<Result<Vec<_>>>()?;
        Ok(Expr::new(ExprKind::Row(items), Oid::RECORD))
    }

    fn array(&mut self, items: &[Ast]) -> Result<Expr> {
        self.array_of(items, None)
    }

    /// ARRAY[…], of a given element type or of the items' common one.
    fn array_of(&mut self, items: &[Ast], element: Option<Oid>) -> Result<Expr> {
        let mut elements = Vec::with_capacity(items.len());
        for item in items {
            elements.push(match item {
                Ast::Array(inner) => self.array_of(&inner.elem, element)?,
                item => {
                    let value = self.expr(item)?;
                    match element {
                        Some(element) if self.element_type(value.type_oid).is_none() => {
                            self.cast(value, element, -1)?
                        }
                        _ => value,
                    }
                }
            });
        }
        if elements.is_empty() {
            let Some(element) = element else {
                let message = "cannot determine type of empty array";
                let hint = "Explicitly cast to the desired type, for example ARRAY[]::integer[].";
                return Err(Error::new(SqlState::INDETERMINATE_DATATYPE, message).with_hint(hint));
            };
            let type_oid = self.array_type(element).unwrap_or(Oid::TEXT_ARRAY);
            return Ok(Expr::constant(Value::Text("[]".into()), type_oid));
        }
        let (mut elements, common) = self.unify(elements, "ARRAY")?;
        let Some(type_oid) = self.array_type(common) else {
            let message = format!("could not find array type for data type {}", self.type_name(common));
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
        };
        let name = Expr::text(self.internal_name(common));
        let rest = elements.split_off(elements.len().min(ARGUMENTS));
        elements.insert(0, name.clone());
        if !rest.is_empty() {
            let mut parts = vec![Expr::function("pg_array", elements, type_oid)];
            for part in rest.chunks(ARGUMENTS) {
                let part = std::iter::once(name.clone()).chain(part.iter().cloned()).collect();
                parts.push(Expr::function("pg_array", part, type_oid));
            }
            return Ok(Expr::function("pg_array_join", parts, type_oid));
        }
        Ok(Expr::function("pg_array", elements, type_oid))
    }

    fn scalar_query(&mut self, query: &ast::Query) -> Result<Expr> {
        let (query, columns) = self.subquery(query)?;
        match columns.as_slice() {
            [(_, type_oid, typmod)] => {
                let kind = ExprKind::ScalarQuery(Box::new(query));
                Ok(Expr { kind, type_oid: *type_oid, typmod: *typmod })
            }
            _ => Err(Error::new(SqlState::SYNTAX_ERROR, "subquery must return only one column")),
        }
    }

    /// ARRAY(SELECT …)
    pub(super) fn array_of_query(&mut self, query: crate::sql::tree::Query, element: Oid) -> Result<Expr> {
        let Some(type_oid) = self.array_type(element) else {
            return Err(Error::unsupported(format!("an array of {}", self.type_name(element))));
        };
        let kind = ExprKind::ArrayQuery { query: Box::new(query), element: self.internal_name(element) };
        Ok(Expr::new(kind, type_oid))
    }

    /// Subscripts; fields of composite values are not there.
    fn field_access(&mut self, root: &Ast, chain: &[AccessExpr]) -> Result<Expr> {
        let (array, chain) = match qualified_root(root, chain) {
            Some((parts, rest)) => (self.column(&parts)?, rest),
            None => (self.expr(root)?, chain),
        };
        if let [AccessExpr::Dot(Ast::Identifier(field))] = chain {
            return self.field(array, field);
        }
        let vector = matches!(array.type_oid, Oid::INT2VECTOR | Oid::OIDVECTOR);
        let jsonb = array.type_oid == Oid::JSONB;
        let mut subscripts = Vec::new();
        for access in chain {
            match access {
                AccessExpr::Subscript(Subscript::Index { index }) => subscripts.push(self.expr(index)?),
                AccessExpr::Subscript(Subscript::Slice { lower_bound, upper_bound, stride: None })
                    if chain.len() == 1 =>
                {
                    return self.slice(array, lower_bound.as_ref(), upper_bound.as_ref());
                }
                AccessExpr::Subscript(_) => return Err(Error::unsupported("this array slice")),
                AccessExpr::Dot(_) => return Err(Error::unsupported("selecting a field of a composite value")),
            }
        }
        if jsonb {
            return subscripts.into_iter().try_fold(array, |value, index| self.operator("->", value, index));
        }
        if array.type_oid == Oid::NAME
            && let [subscript] = subscripts.as_slice()
        {
            // A name is an array of "char" that counts from 0.
            let subscript = self.implicit(subscript.clone(), Oid::INT4)?;
            return Ok(Expr::template("nullif(substr({0}, {1} + 1, 1), '')", vec![array, subscript], Oid::CHAR));
        }
        let Some(element) = self.element_type(array.type_oid) else {
            let message = format!(
                "cannot subscript type {} because it does not support subscripting",
                self.type_name(array.type_oid)
            );
            return Err(self.at(Error::new(SqlState::DATATYPE_MISMATCH, message), root.span()));
        };
        let mut args = vec![array];
        for subscript in subscripts {
            let subscript = self.coerce(subscript, Oid::INT4, -1, crate::sql::casts::CastContext::Assignment)?;
            // int2vector and oidvector count from 0.
            args.push(if vector { Expr::template("({0} + 1)", vec![subscript], Oid::INT4) } else { subscript });
        }
        let value = Expr::function("pg_array_get", args, element);
        Ok(match element {
            Oid::BYTEA => Expr::function("pg_in_bytea", vec![value], element),
            _ => value,
        })
    }

    /// A field of a row value whose fields are known.
    fn field(&mut self, row: Expr, field: &ast::Ident) -> Result<Expr> {
        let name = crate::sql::analyze::analyzer::fold(field);
        match (row.type_oid, row.typmod, name.as_str()) {
            (Oid::RECORD, EXPANDED_ARRAY, "x") => Ok(Expr::template("({0} ->> 0)", vec![row], Oid::INT2)),
            (Oid::RECORD, EXPANDED_ARRAY, "n") => Ok(Expr::template("({0} ->> 1)", vec![row], Oid::INT4)),
            _ => {
                Err(self.at(Error::unsupported(format!("selecting the field {name} of a composite value")), field.span))
            }
        }
    }

    fn slice(&mut self, array: Expr, lower: Option<&Ast>, upper: Option<&Ast>) -> Result<Expr> {
        let type_oid = array.type_oid;
        let mut args = vec![array];
        for bound in [lower, upper] {
            args.push(match bound {
                Some(bound) => {
                    let bound = self.expr(bound)?;
                    self.implicit(bound, Oid::INT4)?
                }
                None => Expr::new(ExprKind::Null, Oid::INT4),
            });
        }
        Ok(Expr::function("pg_array_slice", args, type_oid))
    }

    /// COLLATE: the database has one collation, by bytes; those that mean it are accepted.
    fn collate(&mut self, expr: &Ast, collation: &ast::ObjectName) -> Result<Expr> {
        let (_, name, span) = self.split_name(collation)?;
        let value = self.expr(expr)?;
        match name.as_str() {
            "default" | "C" | "POSIX" | "ucs_basic" | "C.UTF-8" | "C.utf8" => self.resolve_unknown(value),
            _ => {
                let message = format!("collation \"{name}\" for encoding \"UTF8\" does not exist");
                Err(self.at(Error::new(SqlState::UNDEFINED_OBJECT, message), span))
            }
        }
    }
}

/// In a WHERE, a NULL array may as well answer false: SQLite can then use an index for membership.
fn relax_arrays(expr: Expr) -> Expr {
    let Expr { kind, type_oid, typmod } = expr;
    let kind = match kind {
        ExprKind::InArray { expr, array, element, .. } => ExprKind::InArray { expr, array, element, exact: false },
        ExprKind::Call(call, args) if is_connective(&call) => {
            ExprKind::Call(call, args.into_iter().map(relax_arrays).collect())
        }
        kind => kind,
    };
    Expr { kind, type_oid, typmod }
}

fn is_connective(call: &crate::sql::functions::Call) -> bool {
    use crate::sql::functions::Call::Template;
    matches!(call, Template("({0} AND {1})" | "({0} OR {1})"))
}

/// -a ^ b is (-a) ^ b: PostgreSQL's unary minus binds tighter than ^, the parser's does not.
fn minus_first(ast: &Ast) -> Ast {
    match ast {
        Ast::BinaryOp { left, op: BinaryOperator::PGExp, right } => {
            Ast::BinaryOp { left: Box::new(minus_first(left)), op: BinaryOperator::PGExp, right: right.clone() }
        }
        operand => Ast::UnaryOp { op: UnaryOperator::Minus, expr: Box::new(operand.clone()) },
    }
}

pub(super) fn strip_nesting(ast: &Ast) -> &Ast {
    match ast {
        Ast::Nested(inner) => strip_nesting(inner),
        ast => ast,
    }
}

/// A string constant of a text that is not lifted.
pub(super) fn unknown_text(text: &str) -> Expr {
    Expr::constant(Value::Text(text.to_owned()), Oid::UNKNOWN)
}

/// A numeric constant of a text that is not lifted.
fn number(text: &str) -> Expr {
    match text.parse::<i64>() {
        Ok(n) if i32::try_from(n).is_ok() => Expr::constant(Value::Integer(n), Oid::INT4),
        Ok(n) => Expr::constant(Value::Integer(n), Oid::INT8),
        Err(_) => {
            let canonical = crate::types::numeric::Numeric::parse(text).map_or(text.to_owned(), |n| n.to_string());
            Expr::constant(Value::Text(canonical), Oid::NUMERIC)
        }
    }
}

/// The operator's PostgreSQL name.
fn operator_name(op: &BinaryOperator) -> Result<String> {
    Ok(match op {
        BinaryOperator::PGCustomBinaryOperator(parts) => parts.last().cloned().unwrap_or_default(),
        BinaryOperator::NotEq => "<>".to_owned(),
        BinaryOperator::BitwiseXor | BinaryOperator::PGBitwiseXor => "#".to_owned(),
        BinaryOperator::PGExp => "^".to_owned(),
        BinaryOperator::Overlaps => return Err(Error::unsupported("OVERLAPS")),
        op => op.to_string(),
    })
}

/// The parser takes `t.a[1]` for a field of `t`: the column's name and the subscripts behind it.
fn qualified_root<'a>(root: &Ast, chain: &'a [AccessExpr]) -> Option<(Vec<ast::Ident>, &'a [AccessExpr])> {
    let mut parts = match root {
        Ast::Identifier(ident) => vec![ident.clone()],
        Ast::CompoundIdentifier(parts) => parts.clone(),
        _ => return None,
    };
    let fields = chain.iter().map_while(|access| match access {
        AccessExpr::Dot(Ast::Identifier(ident)) => Some(ident.clone()),
        _ => None,
    });
    let known = parts.len();
    parts.extend(fields);
    let rest = chain.get(parts.len() - known..)?;
    (parts.len() > known).then_some((parts, rest))
}
