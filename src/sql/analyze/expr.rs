//! Expressions: the tree as written to typed ones.
//!
//! Owns: [`Analyzer::expr`] and the operators' and constructs' rules. Function calls are in `call`, subscripts and
//! fields in `subscript`. Specification: sql-expressions.html, functions-comparison.html, functions-subquery.html.

use super::written::written;
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::call::record_modifier;
use crate::sql::analyze::resolve::comparison;
use crate::sql::analyze::rows::is_constructor;
use crate::sql::analyze::type_name;
use crate::sql::casts::CastContext;
use crate::sql::scan::LiteralKind;
use crate::sql::syntax::ast::expression::{
    self as ast, AConst, AExpr, AExprKind, BoolExpr, BoolExprType, BoolTestType, ConstValue, Expr as Ast, Field,
    SubLinkType,
};
use crate::sql::syntax::ast::query::SelectStmt;
use crate::sql::syntax::grammar::locations::expr_location;
use crate::sql::tree::Written;
use crate::sql::tree::{BooleanTest, Expr, ExprKind, SubLinkKind};
use crate::types::bits;
use crate::types::pg_type::Oid;
use crate::types::pg_type::type_info;
use crate::types::value::Value;

/// What messages call the condition of COPY FROM.
pub(super) const COPY_WHERE: &str = "COPY FROM WHERE conditions";

impl Analyzer<'_> {
    /// One expression. Its type may be UNKNOWN: the context decides then.
    pub(super) fn expr(&mut self, ast: &Ast) -> Result<Expr> {
        self.deeper(|a| {
            if a.to_be_printed()
                && let Some(expr) = a.written_expr(ast)?
            {
                return Ok(expr);
            }
            a.expr_kind(ast)
        })
    }

    /// A condition in a clause (WHERE, HAVING, ON …).
    pub(super) fn condition(&mut self, ast: &Ast, clause: &'static str) -> Result<Expr> {
        let (without, shown) = match clause {
            "JOIN/ON" => ("JOIN conditions", clause),
            COPY_WHERE => (clause, "WHERE"),
            clause => (clause, clause),
        };
        self.without_sets(clause, |a| a.in_clause(without, |a| a.boolean_expr(ast, shown)))
    }

    /// An expression that must be boolean; the error says of what.
    fn boolean_expr(&mut self, ast: &Ast, clause: &str) -> Result<Expr> {
        let expr = self.expr(ast)?;
        self.boolean(expr, clause).map_err(|e| self.at(e, expr_location(ast)))
    }

    fn expr_kind(&mut self, ast: &Ast) -> Result<Expr> {
        match ast {
            Ast::ColumnRef(column) => self.column_ref(column),
            Ast::ParamRef(param) => self.placeholder(param.number).map_err(|e| self.at(e, param.location)),
            Ast::Const(constant) => self.constant(constant),
            Ast::TypeCast(cast) => self.cast_expr(cast),
            Ast::Collate(collate) => self.collate(collate),
            Ast::AExpr(node) => self.a_expr(node),
            Ast::Bool(node) => self.bool_expr(node),
            Ast::FuncCall(call) => self.function_call(call).map_err(|e| self.at(e, call.location)),
            Ast::Indirection(node) => self.indirection(node),
            Ast::Array(array) => self.array_of(&array.elements, None).map_err(|e| self.at(e, array.location)),
            Ast::Row(row) => self.row(&row.args),
            Ast::SubLink(link) => match link.link_type {
                SubLinkType::Exists => {
                    let (query, _) = self.subquery(&link.subselect)?;
                    Ok(Expr::sub_link(SubLinkKind::Exists, query, Oid::BOOL))
                }
                SubLinkType::Expr => self.scalar_query(&link.subselect).map_err(|e| self.at(e, link.location)),
                SubLinkType::Array => self.array_sub_link(&link.subselect).map_err(|e| self.at(e, link.location)),
                SubLinkType::Any | SubLinkType::All => self.sub_link(link),
            },
            Ast::Case(case) => self.without_sets("CASE", |a| a.case(case)),
            Ast::Coalesce(node) => {
                self.without_sets("COALESCE", |a| a.coalesce(&node.args)).map_err(|e| self.at(e, node.location))
            }
            Ast::MinMax(node) => self.min_max(node.greatest, &node.args).map_err(|e| self.at(e, node.location)),
            Ast::NullTest(node) => self.null_test(!node.is_null, &node.arg),
            Ast::BooleanTest(node) => self.boolean_test(node),
            Ast::SqlValueFunction(node) => self.sql_value_function(node).map_err(|e| self.at(e, node.location)),
            Ast::Xml(node) => self.xml_expr(node),
            Ast::XmlSerialize(node) => self.xml_serialize(node),
            Ast::GroupingFunc(node) => self.grouping(node),
            Ast::NamedArg(node) => Err(self.at(Error::unsupported("a named argument here"), node.location)),
            Ast::SetToDefault(location) => {
                let error = Error::new(SqlState::SYNTAX_ERROR, "DEFAULT is not allowed in this context");
                Err(self.at(error, *location))
            }
            Ast::CurrentOf(cursor) => self.current_of(cursor),
            Ast::MultiAssign(_) | Ast::List(_) => Err(Error::internal("a list of expressions outside of its place")),
        }
    }

    fn column_ref(&mut self, column: &ast::ColumnRef) -> Result<Expr> {
        if let [Field::Name(table), Field::Star] = column.fields.as_slice() {
            return self.whole_row_of(table, column.location);
        }
        let mut names = Vec::with_capacity(column.fields.len());
        for field in &column.fields {
            match field {
                Field::Name(name) => names.push(name.as_str()),
                Field::Star => return Err(self.at(Error::unsupported("a whole row as a value"), column.location)),
            }
        }
        self.column(&names, column.location)
    }

    // ----- constants

    fn constant(&mut self, constant: &AConst) -> Result<Expr> {
        if matches!(constant.value, ConstValue::Integer(_) | ConstValue::Float(_) | ConstValue::String(_))
            && let Some(n) = self.lifted(constant.location)
        {
            return self.lifted_constant(n, &constant.value);
        }
        Ok(match &constant.value {
            ConstValue::Integer(n) => Expr::integer(i64::from(*n), Oid::INT4),
            ConstValue::Float(text) => number(text),
            ConstValue::Boolean(b) => Expr::integer(i64::from(*b), Oid::BOOL),
            ConstValue::String(text) => unknown_text(text),
            ConstValue::BitString(text) => {
                let digits = bits::parse(text).map_err(|e| self.at(e, constant.location))?;
                Expr::constant(Value::Text(digits), Oid::BIT)
            }
            ConstValue::Null => Expr::null(Oid::UNKNOWN),
        })
    }

    /// A constant that was lifted out of the text, where it has no sign.
    fn lifted_constant(&mut self, n: usize, value: &ConstValue) -> Result<Expr> {
        let negative = match value {
            ConstValue::Integer(n) => *n < 0,
            ConstValue::Float(text) => text.starts_with('-'),
            _ => false,
        };
        if !negative {
            return Ok(self.literal(n));
        }
        // The smallest integers' digits alone are too large for their types.
        let smallest = match value {
            ConstValue::Float(text) if text == "-2147483648" => Some((i64::from(i32::MIN), Oid::INT4)),
            ConstValue::Float(text) if text == "-9223372036854775808" => Some((i64::MIN, Oid::INT8)),
            _ => None,
        };
        if let Some((value, type_oid)) = smallest {
            self.pinned.insert(n);
            return Ok(Expr::integer(value, type_oid));
        }
        let digits = self.literal(n);
        self.prefix_operator("-", digits)
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

    fn placeholder(&mut self, number: u32) -> Result<Expr> {
        if let Some(outer) = self.outer_parameter(number)? {
            return Ok(outer);
        }
        if let Some(stand_ins) = self.stand_ins.as_ref().filter(|_| self.in_stored_text > 0) {
            let place = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
            return place.and_then(|place| stand_ins.get(place)).cloned().ok_or_else(|| {
                let message = format!("there is no parameter ${number}");
                Error::new(SqlState::UNDEFINED_PARAMETER, message)
            });
        }
        let index = match usize::try_from(number) {
            Ok(n) if (1..=65535).contains(&n) => n - 1,
            _ => {
                let message = format!("there is no parameter ${number}");
                return Err(Error::new(SqlState::UNDEFINED_PARAMETER, message));
            }
        };
        if index >= self.params.len() {
            self.params.resize(index + 1, Oid::INVALID);
        }
        Ok(match self.params.get(index).copied().unwrap_or(Oid::INVALID) {
            Oid::INVALID => Expr::new(ExprKind::Param(index), Oid::UNKNOWN),
            known => {
                let value = self.parameter(index, self.base_type(known, -1).0);
                self.checked_parts(value)?
            }
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

    pub(super) fn resolve_type(&self, type_name: &ast::TypeName) -> Result<type_name::ResolvedType> {
        let resolved = type_name::resolve(type_name, self.catalog(), &self.search_path);
        resolved.map_err(|error| self.at(error, type_name.location))
    }

    /// expr::type, CAST, type 'text'.
    pub(super) fn cast_expr(&mut self, cast: &ast::TypeCast) -> Result<Expr> {
        let target = self.resolve_type(&cast.type_name)?;
        if let (Ast::Array(array), Some(element)) = (&cast.arg, self.element_type(target.oid)) {
            let vector = matches!(target.oid, Oid::INT2VECTOR | Oid::OIDVECTOR);
            if vector && array.elements.is_empty() {
                let message = format!("array is not a valid {}", self.type_name(target.oid));
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
            }
            let array = self.array_of(&array.elements, Some(element))?;
            if vector {
                return Ok(Expr { type_oid: target.oid, ..array });
            }
            return Ok(self.apply_typmod(array, target.oid, target.typmod, CastContext::Explicit));
        }
        let value = self.expr(&cast.arg)?;
        // A constant that is wrong is pointed at; a conversion that is not, where it was written.
        let at = match cast.location.byte() {
            Some(_) if !matches!(cast.arg, Ast::Const(_)) => cast.location,
            _ => expr_location(&cast.arg),
        };
        self.cast(value, target.oid, target.typmod).map_err(|e| self.at(e, at))
    }

    // ----- operators

    fn a_expr(&mut self, node: &AExpr) -> Result<Expr> {
        let name = node.name.last().map_or("", String::as_str);
        if let [schema, ..] = node.name.as_slice()
            && node.name.len() > 1
            && schema != "pg_catalog"
            && !self.extension_has_operator(schema, name)
        {
            return self.qualified_operator(schema, name, node).map_err(|e| self.at(e, node.location));
        }
        let Some(left) = &node.left else {
            let operand = self.expr(&node.right)?;
            return self.prefix_operator(name, operand).map_err(|e| self.at(e, node.location));
        };
        let result = match node.kind {
            AExprKind::Op => self.binary(name, left, &node.right),
            AExprKind::OpAny => self.quantified(node, false),
            AExprKind::OpAll => self.quantified(node, true),
            AExprKind::Distinct => self.distinct_from(false, left, &node.right),
            AExprKind::NotDistinct => self.distinct_from(true, left, &node.right),
            AExprKind::NullIf => self.nullif(left, &node.right),
            AExprKind::In => match &node.right {
                Ast::List(list) => self.in_list(left, list, name == "<>", node.location),
                _ => Err(Error::internal("IN without a list")),
            },
            AExprKind::Like | AExprKind::ILike => self.like(name, left, &node.right),
            AExprKind::Similar => self.similar_to(name == "!~", left, &node.right),
            AExprKind::Between => self.between(left, &node.right, false, false),
            AExprKind::NotBetween => self.between(left, &node.right, true, false),
            AExprKind::BetweenSymmetric => self.between(left, &node.right, false, true),
            AExprKind::NotBetweenSymmetric => self.between(left, &node.right, true, true),
        };
        result.map_err(|e| self.at(e, node.location))
    }

    /// OPERATOR(schema.name): only users' have other schemas.
    fn qualified_operator(&mut self, schema: &str, name: &str, node: &AExpr) -> Result<Expr> {
        if node.kind != AExprKind::Op {
            return Err(Error::unsupported("OPERATOR(…) of another schema with ANY or ALL"));
        }
        if !self.catalog().has_schema(schema) {
            return Err(Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{schema}\" does not exist")));
        }
        let left = node.left.as_ref().map(|left| self.expr(left)).transpose()?;
        let right = self.expr(&node.right)?;
        let types = (left.as_ref().map(|left| left.type_oid), right.type_oid);
        match self.user_operator(Some(schema), name, (left.as_ref(), &right))? {
            Some(call) => Ok(call),
            None => Err(self.no_operator(&node.name.join("."), types.0, types.1)),
        }
    }

    fn bool_expr(&mut self, node: &BoolExpr) -> Result<Expr> {
        let (connective, clause): (fn(Vec<Expr>) -> ExprKind, _) = match node.op {
            BoolExprType::And => (ExprKind::And, "AND"),
            BoolExprType::Or => (ExprKind::Or, "OR"),
            BoolExprType::Not => {
                let Some(arg) = node.args.first() else { return Err(Error::internal("NOT without an operand")) };
                return Ok(Expr::negated(self.boolean_expr(arg, "NOT")?));
            }
        };
        let args = node.args.iter().map(|arg| self.boolean_expr(arg, clause)).collect::<Result<Vec<_>>>()?;
        Ok(Expr::new(connective(args), Oid::BOOL))
    }

    fn binary(&mut self, name: &str, left: &Ast, right: &Ast) -> Result<Expr> {
        if let (Ast::Row(row), Ast::SubLink(link)) = (left, right)
            && link.link_type == SubLinkType::Expr
        {
            return self.row_with_query(name, &row.args, &link.subselect);
        }
        // LIKE and SIMILAR TO as PostgreSQL prints them.
        if matches!(name, "!~~" | "!~~*") || matches!(name, "~~" | "~~*") && system_call(right, "like_escape").is_some()
        {
            return self.like(name, left, right);
        }
        if matches!(name, "~" | "!~") && system_call(right, "similar_to_escape").is_some() {
            return self.similar_to(name == "!~", left, right);
        }
        let l = self.expr(left)?;
        let r = self.expr(right)?;
        self.operator(name, l, r)
    }

    /// (a, b) op (SELECT c, d …)
    fn row_with_query(&mut self, name: &str, items: &[Ast], query: &SelectStmt) -> Result<Expr> {
        let (mut query, columns) = self.subquery(query)?;
        let left = items.iter().map(|item| self.expr(item)).collect::<Result<Vec<_>>>()?;
        let Some(op) = comparison(name) else {
            return Err(Error::unsupported(format!("a row {name} sub-query")));
        };
        if items.len() != columns.len() {
            let which = if items.len() < columns.len() { "many" } else { "few" };
            return Err(Error::new(SqlState::SYNTAX_ERROR, format!("subquery has too {which} columns")));
        }
        let mut values = Vec::with_capacity(left.len());
        for (index, (value, (_, type_oid, _))) in left.into_iter().zip(columns).enumerate() {
            // There must be an operator for each pair.
            self.operator(op, value.clone(), Expr::null(type_oid))?;
            let common = self.common_type(&[value.type_oid, type_oid], op)?;
            values.push(self.to_common(value, common, op)?);
            self.convert_output(&mut query, index, common)?;
        }
        let right = vec![Expr::sub_link(SubLinkKind::Expr, query, Oid::RECORD)];
        Ok(Expr::new(ExprKind::RowCompare { op, left: values, right }, Oid::BOOL))
    }

    fn null_test(&mut self, negated: bool, ast: &Ast) -> Result<Expr> {
        let mut expr = self.expr(ast)?;
        if let ExprKind::Row { fields, .. } = &mut expr.kind {
            if fields.is_empty() {
                return Ok(Expr::integer(1, Oid::BOOL));
            }
            for field in fields {
                *field = self.resolve_unknown(field.clone())?;
            }
        }
        let expr = self.determined(expr)?;
        let arg = Box::new(self.resolve_unknown(expr)?);
        Ok(Expr::new(ExprKind::NullTest { arg, negated }, Oid::BOOL))
    }

    fn boolean_test(&mut self, node: &ast::BooleanTest) -> Result<Expr> {
        let (test, clause) = match node.test {
            BoolTestType::IsTrue => (BooleanTest::True, "IS TRUE"),
            BoolTestType::IsNotTrue => (BooleanTest::NotTrue, "IS NOT TRUE"),
            BoolTestType::IsFalse => (BooleanTest::False, "IS FALSE"),
            BoolTestType::IsNotFalse => (BooleanTest::NotFalse, "IS NOT FALSE"),
            BoolTestType::IsUnknown => (BooleanTest::Unknown, "IS UNKNOWN"),
            BoolTestType::IsNotUnknown => (BooleanTest::NotUnknown, "IS NOT UNKNOWN"),
        };
        let arg = Box::new(self.boolean_expr(&node.arg, clause)?);
        Ok(Expr::new(ExprKind::BooleanTest { arg, test }, Oid::BOOL))
    }

    fn distinct_from(&mut self, negated: bool, left: &Ast, right: &Ast) -> Result<Expr> {
        let (left, right) = (self.expr(left)?, self.expr(right)?);
        self.distinct_values(negated, left, right)
    }

    pub(super) fn distinct_values(&mut self, negated: bool, left: Expr, right: Expr) -> Result<Expr> {
        let both = is_constructor(&left) && is_constructor(&right);
        let (left, right) = match (left, right) {
            (
                Expr { kind: ExprKind::Row { fields: l, .. }, .. },
                Expr { kind: ExprKind::Row { fields: r, .. }, .. },
            ) if both => {
                return self.distinct_rows(negated, l, r);
            }
            pair => pair,
        };
        let (operator, left, right) = self.equality(left, right, "IS DISTINCT FROM")?;
        let (left, right) = (Box::new(left), Box::new(right));
        Ok(Expr::new(ExprKind::Distinct { operator, left, right, negated }, Oid::BOOL))
    }

    /// PostgreSQL, too, runs the operand twice.
    fn between(&mut self, expr: &Ast, bounds: &Ast, negated: bool, symmetric: bool) -> Result<Expr> {
        let Ast::List(bounds) = bounds else { return Err(Error::internal("BETWEEN without bounds")) };
        let [low, high] = bounds.as_slice() else { return Err(Error::internal("BETWEEN without bounds")) };
        let (value, low, high) = (self.expr(expr)?, self.expr(low)?, self.expr(high)?);
        let mut within = |low: &Expr, high: &Expr| -> Result<Expr> {
            let lower = self.operator(">=", value.clone(), low.clone())?;
            let upper = self.operator("<=", value.clone(), high.clone())?;
            Ok(Expr::new(ExprKind::And(vec![lower, upper]), Oid::BOOL))
        };
        let mut test = within(&low, &high)?;
        if symmetric {
            test = Expr::new(ExprKind::Or(vec![test, within(&high, &low)?]), Oid::BOOL);
        }
        Ok(if negated { Expr::negated(test) } else { test })
    }

    /// [NOT] LIKE, ILIKE, maybe with ESCAPE, which gram.y has made a call of like_escape.
    fn like(&mut self, name: &str, expr: &Ast, pattern: &Ast) -> Result<Expr> {
        let (positive, negated) = match name.strip_prefix('!') {
            Some(positive) => (positive, true),
            None => (name, false),
        };
        let matched = match system_call(pattern, "like_escape") {
            Some([pattern, escape]) => {
                let args = [self.expr(expr)?, self.expr(pattern)?, self.expr(escape)?];
                let bytes = args.iter().any(|arg| arg.type_oid == Oid::BYTEA) && positive == "~~";
                let of = if bytes { Oid::BYTEA } else { Oid::TEXT };
                let args = args.into_iter().map(|arg| self.implicit(arg, of)).collect::<Result<Vec<_>>>()?;
                Expr::new(ExprKind::LikeEscape { insensitive: positive == "~~*", args }, Oid::BOOL)
            }
            _ => {
                let (value, pattern) = (self.expr(expr)?, self.expr(pattern)?);
                self.operator(positive, value, pattern)?
            }
        };
        Ok(if negated { Expr::negated(matched) } else { matched })
    }

    fn similar_to(&mut self, negated: bool, expr: &Ast, pattern: &Ast) -> Result<Expr> {
        let mut args = vec![self.expr(expr)?];
        for part in system_call(pattern, "similar_to_escape").unwrap_or_default() {
            args.push(self.expr(part)?);
        }
        let args = args.into_iter().map(|arg| self.implicit(arg, Oid::TEXT)).collect::<Result<Vec<_>>>()?;
        let matched = Expr::new(ExprKind::Similar(args), Oid::BOOL);
        Ok(if negated { Expr::negated(matched) } else { matched })
    }

    // ----- constructs

    fn case(&mut self, case: &ast::CaseExpr) -> Result<Expr> {
        let operand = match &case.arg {
            None => None,
            Some(operand) => {
                let operand = self.expr(operand)?;
                Some(self.resolve_unknown(operand)?)
            }
        };
        self.case_of(operand, case)
    }

    fn case_of(&mut self, operand: Option<Expr>, case: &ast::CaseExpr) -> Result<Expr> {
        let mut tests = Vec::with_capacity(case.args.len());
        let mut results = Vec::with_capacity(case.args.len() + 1);
        for when in &case.args {
            tests.push(match &operand {
                None => self.boolean_expr(&when.expr, "CASE/WHEN")?,
                Some(operand) => {
                    let value = self.expr(&when.expr)?;
                    let tested = Expr { kind: ExprKind::CaseTest, ..operand.clone() };
                    let equal = self.operator("=", tested, value);
                    equal.map_err(|e| self.at(e, expr_location(&when.expr)))?
                }
            });
            results.push(self.expr(&when.result)?);
        }
        let has_else = case.defresult.is_some();
        if let Some(otherwise) = &case.defresult {
            // The ELSE branch leads the choice of the common type, as in PostgreSQL.
            let otherwise = self.expr(otherwise)?;
            results.insert(0, otherwise);
        }
        let (mut results, common) = self.unify(results, "CASE").map_err(|e| self.at(e, case.location))?;
        let typmod = record_modifier(&results, common);
        let otherwise = has_else.then(|| Box::new(results.remove(0)));
        let whens = tests.into_iter().zip(results).collect();
        let kind = ExprKind::Case { operand: operand.map(Box::new), whens, otherwise };
        Ok(Expr { kind, type_oid: common, typmod })
    }

    fn coalesce(&mut self, args: &[Ast]) -> Result<Expr> {
        let args = args.iter().map(|arg| self.expr(arg)).collect::<Result<Vec<_>>>()?;
        let (mut args, common) = self.unify(args, "COALESCE")?;
        Ok(match args.len() {
            1 => args.swap_remove(0),
            _ => Expr { typmod: record_modifier(&args, common), ..Expr::new(ExprKind::Coalesce(args), common) },
        })
    }

    fn nullif(&mut self, left: &Ast, right: &Ast) -> Result<Expr> {
        let (a, b) = (self.expr(left)?, self.expr(right)?);
        let (operator, left, right) = self.equality(a.clone(), b, "NULLIF")?;
        // The operator's own argument: of nullif(1, 2.0) that is a numeric.
        let value = Box::new(if a.type_oid == left.type_oid { a } else { left });
        let (type_oid, typmod) = (value.type_oid, record_modifier(std::slice::from_ref(&value), value.type_oid));
        Ok(Expr { typmod, ..Expr::new(ExprKind::NullIf { value, operator, right: Box::new(right) }, type_oid) })
    }

    fn min_max(&mut self, greatest: bool, args: &[Ast]) -> Result<Expr> {
        let construct = if greatest { "GREATEST" } else { "LEAST" };
        let args = args.iter().map(|arg| self.expr(arg)).collect::<Result<Vec<_>>>()?;
        let (args, common) = self.unify(args, construct)?;
        let typmod = record_modifier(&args, common);
        Ok(Expr { typmod, ..Expr::new(ExprKind::MinMax { greatest, args }, common) })
    }

    /// CURRENT_DATE and its kin.
    pub(super) fn sql_value_function(&mut self, node: &ast::SqlValueFunction) -> Result<Expr> {
        let value = self.function(crate::sql::analyze::names::value_function(node.op), Vec::new())?;
        match node.typmod {
            Some(precision) => {
                let type_oid = value.type_oid;
                self.cast(value, type_oid, precision.min(6))
            }
            None => Ok(value),
        }
    }

    fn row(&mut self, items: &[Ast]) -> Result<Expr> {
        let fields = self.expression_list(items, false)?;
        Ok(Expr::row(fields.into_iter().filter_map(|(value, _)| value).collect()))
    }

    /// ARRAY[…], of a given element type or of the items' common one.
    pub(super) fn array_of(&mut self, items: &[Ast], element: Option<Oid>) -> Result<Expr> {
        let mut elements = Vec::with_capacity(items.len());
        for item in items {
            elements.push(match item {
                Ast::Array(inner) => self.array_of(&inner.elements, element)?,
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
        let (elements, common) = self.unify(elements, "ARRAY")?;
        // What records an array has its modifier says.
        let typmod = record_modifier(&elements, common);
        let Some(type_oid) = self.array_type(common) else {
            let message = format!("could not find array type for data type {}", self.type_name(common));
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
        };
        Ok(Expr { typmod, ..Expr::new(ExprKind::Array(elements), type_oid) })
    }

    fn scalar_query(&mut self, query: &SelectStmt) -> Result<Expr> {
        let (query, columns) = self.subquery(query)?;
        match columns.as_slice() {
            [(_, type_oid, typmod)] => {
                Ok(Expr { typmod: *typmod, ..Expr::sub_link(SubLinkKind::Expr, query, *type_oid) })
            }
            _ => Err(Error::new(SqlState::SYNTAX_ERROR, "subquery must return only one column")),
        }
    }

    fn array_sub_link(&mut self, query: &SelectStmt) -> Result<Expr> {
        let (query, columns) = self.subquery(query)?;
        let [(_, element, typmod)] = columns.as_slice() else {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "subquery must return only one column"));
        };
        let typmod = if matches!(*element, Oid::RECORD | Oid::RECORD_ARRAY) { *typmod } else { -1 };
        let Some(type_oid) = self.array_type(*element) else {
            return Err(Error::unsupported(format!("an array of {}", self.type_name(*element))));
        };
        Ok(Expr { typmod, ..Expr::sub_link(SubLinkKind::Array, query, type_oid) })
    }

    /// COLLATE: all but those of ICU order by bytes, as the database's own does.
    pub(super) fn collate(&mut self, collate: &ast::CollateClause) -> Result<Expr> {
        let Some(arg) = &collate.arg else { return Err(Error::internal("COLLATE without an operand")) };
        self.split_name(&collate.name, collate.location)?;
        let value = self.expr(arg)?;
        let found = self.catalog().find_collation(&collate.name, &self.context.settings.search_path());
        let Some(collation) = found else {
            let message = format!("collation \"{}\" for encoding \"UTF8\" does not exist", collate.name.join("."));
            return Err(self.at(Error::new(SqlState::UNDEFINED_OBJECT, message), collate.location));
        };
        if self.catalog().named.contains_key(&collation) {
            self.used.borrow_mut().routines.insert(collation);
        }
        let value = self.resolve_unknown(value)?;
        let (base, _) = self.base_type(value.type_oid, -1);
        if type_info(base).is_some_and(|info| info.collation == Oid::INVALID) {
            let message = format!("collations are not supported by type {}", self.type_name(value.type_oid));
            return Err(self.at(Error::new(SqlState::DATATYPE_MISMATCH, message), collate.location));
        }
        Ok(written(Written::Collate(collation), vec![value.clone()], &value))
    }
}

/// The arguments of a call of a function of pg_catalog, if that is what it is.
pub(super) fn system_call<'a>(expr: &'a Ast, name: &str) -> Option<&'a [Ast]> {
    match expr {
        Ast::FuncCall(call) => match call.name.as_slice() {
            [function] if function == name => Some(&call.args),
            [schema, function] if schema == "pg_catalog" && function == name => Some(&call.args),
            _ => None,
        },
        _ => None,
    }
}

/// A string constant of a text that is not lifted.
pub(super) fn unknown_text(text: &str) -> Expr {
    Expr::constant(Value::Text(text.to_owned()), Oid::UNKNOWN)
}

/// A numeric constant of a text that is not lifted.
fn number(text: &str) -> Expr {
    match text.parse::<i64>() {
        Ok(n) if i32::try_from(n).is_ok() => Expr::integer(n, Oid::INT4),
        Ok(n) => Expr::integer(n, Oid::INT8),
        Err(_) => {
            let canonical = crate::types::numeric::Numeric::parse(text).map_or(text.to_owned(), |n| n.to_string());
            Expr::constant(Value::Text(canonical), Oid::NUMERIC)
        }
    }
}
