//! Expressions.
//!
//! Owns: [`Lower::expr`], and the constructs that have no file of their own.

use super::Lower;
use super::tree::{Expr, ExprKind};
use crate::error::{Error, Result};
use crate::limits::session as limits;
use crate::limits::stack;
use crate::sql::functions::{Call, comparison_of};
use crate::sql::lower::search::{Search, Volatile};
use crate::sql::tree::{
    BooleanTest, Bounds, Coercion, Expr as Typed, ExprKind as Kind, OperatorRef, TABLE_OID, Written,
};
use crate::sql::types;
use crate::types::pg_type::Oid;

/// What lowering a node costs besides its parts.
const NODE: usize = 1 << 9;

/// The most elements of an array that one call makes: SQLite's functions have at most 32,767 arguments.
const ARGUMENTS: usize = 10_000;

/// A value that is put in order by a locale's rules, if there is one.
pub(super) fn under_locale(value: Expr, locale: Option<&str>) -> Expr {
    let Some(locale) = locale else { return value };
    let (type_oid, typmod) = (value.type_oid, value.typmod);
    Expr { kind: ExprKind::Collated(format!("\"icu:{locale}\"").into(), Box::new(value)), type_oid, typmod }
}

impl Lower<'_> {
    /// One expression.
    pub(super) fn expr(&mut self, expr: &Typed) -> Result<Expr> {
        stack::check()?;
        limits::work(NODE)?;
        let kind = self.kind(expr)?;
        Ok(Expr { type_oid: expr.type_oid, typmod: expr.typmod, ..kind })
    }

    pub(super) fn exprs(&mut self, exprs: &[Typed]) -> Result<Vec<Expr>> {
        exprs.iter().map(|expr| self.expr(expr)).collect()
    }

    /// A condition of WHERE, HAVING, ON …
    pub(super) fn condition(&mut self, expr: &Typed) -> Result<Expr> {
        Ok(relax_arrays(self.expr(expr)?))
    }

    /// An expression, up to its type, which is the tree's.
    fn kind(&mut self, expr: &Typed) -> Result<Expr> {
        let plain = |kind: ExprKind| Ok(Expr::new(kind, expr.type_oid));
        match &expr.kind {
            Kind::Null => plain(ExprKind::Null),
            Kind::Written(Written::Collate(_), args) => match args.as_slice() {
                [value] => self.expr(value),
                _ => Err(Error::internal("COLLATE without an operand")),
            },
            Kind::Written(..) => Err(Error::internal("a tree that was made to be printed")),
            Kind::Param(n) => Ok(self.parameter(*n, expr.type_oid)),
            Kind::Literal(n) => plain(ExprKind::Literal(*n)),
            Kind::Const(value) => plain(ExprKind::Const(value.clone())),
            Kind::Var(var) => self.column(var, expr.type_oid, expr.typmod),
            Kind::Func(function, args) => self.function(*function, args, expr),
            Kind::Variadic(function, args) => self.variadic(*function, args, expr.type_oid),
            Kind::Op(operator, operands) => self.operator(*operator, operands, expr.type_oid),
            Kind::RowCompare { op, left, right } => self.row_comparison(op, left, right),
            Kind::And(conditions) => self.connected("({0} AND {1})", conditions),
            Kind::Or(conditions) => self.connected("({0} OR {1})", conditions),
            Kind::Not(condition) => self.negation(condition),
            Kind::NullTest { arg, negated } => self.null_test(arg, *negated),
            Kind::BooleanTest { arg, test } => self.boolean_test(arg, *test),
            Kind::Distinct { operator, left, right, negated } => {
                let Some(_) = comparison(*operator) else {
                    return Err(Error::unsupported("IS DISTINCT FROM over these types"));
                };
                let (left, right) = (self.expr(left)?, self.expr(right)?);
                Ok(Expr::compare(if *negated { "IS" } else { "IS NOT" }, left, right))
            }
            Kind::NullIf { value, operator, right } => self.null_if(value, *operator, right),
            Kind::InList { expr, list, negated } => {
                let (expr, list) = (Box::new(self.expr(expr)?), self.exprs(list)?);
                plain(ExprKind::InList { expr, list, negated: *negated })
            }
            Kind::ScalarArray { all, comparison, array, element } => {
                self.scalar_array(*all, comparison, array, *element)
            }
            Kind::Element => match self.elements.last() {
                Some(Some(element)) => Ok(element.clone()),
                _ => plain(ExprKind::ArrayElement),
            },
            Kind::SubLink(link) => self.sub_link(link, expr),
            Kind::Case { operand, whens, otherwise } => self.case(operand.as_deref(), whens, otherwise.as_deref()),
            Kind::CaseTest => self.case_tests.last().cloned().ok_or_else(|| Error::internal("no CASE around")),
            Kind::Coalesce(args) => Ok(Expr::function("coalesce", self.exprs(args)?, expr.type_oid)),
            Kind::MinMax { greatest, args } => self.extreme(*greatest, args, expr.type_oid),
            Kind::Array(elements) => self.array(elements, expr.type_oid),
            Kind::Row { fields, .. } => self.row(fields, expr),
            Kind::Field { arg, index } => self.field(arg, *index, expr),
            Kind::Subscript { container, indexes } => self.subscript(container, indexes, expr.type_oid),
            Kind::Slice { array, bounds } => self.slice(array, bounds),
            Kind::Store { container, bounds, slice, value } => self.store((container, value), bounds, *slice),
            Kind::LikeEscape { insensitive, args } => {
                let bytes = args.first().is_some_and(|value| value.type_oid == Oid::BYTEA);
                let function = match (insensitive, bytes) {
                    (true, _) => "pg_ilike",
                    (false, true) => "pg_bytea_like",
                    (false, false) => "pg_like",
                };
                Ok(Expr::function(function, self.exprs(args)?, Oid::BOOL))
            }
            Kind::Similar(args) => Ok(Expr::function("pg_similar", self.exprs(args)?, Oid::BOOL)),
            Kind::Coerce { how, arg } => self.coerce(how, arg, expr),
            Kind::CoerceTypmod { arg, explicit } => self.coerce_typmod(arg, *explicit, expr),
            Kind::CoerceToDomain { arg, domain, not_null, checks } => {
                self.coerce_to_domain(arg, *domain, *not_null, checks)
            }
            Kind::DomainValue => self.domain_values.last().cloned().ok_or_else(|| Error::internal("no domain around")),
            Kind::EnumOrder(value) => {
                let value = self.expr(value)?;
                Ok(self.enum_order(value))
            }
            Kind::EnumRange { lower, upper, of } => {
                self.enum_range(lower.as_deref(), upper.as_deref(), (*of, expr.type_oid))
            }
            Kind::Aggref(aggregate) => self.aggregate(aggregate, expr.type_oid),
            Kind::CurrentOf { row, cursor } => {
                let relation = self.relation(row.origin.0)?;
                let args = vec![
                    self.expr(cursor)?,
                    Expr::integer(i64::from(relation.oid.0), Oid::OID),
                    Expr::text(relation.name.clone()),
                ];
                let (function, of_type) = match row.attribute {
                    TABLE_OID => ("pg_current_table", Oid::OID),
                    _ => ("pg_current_of", Oid::INT8),
                };
                let current = Expr::function(function, args, of_type);
                Ok(Expr::compare("=", self.column(row, of_type, -1)?, current))
            }
            Kind::Grouping(_) => Err(Error::internal("GROUPING of a query that is not grouped")),
        }
    }

    /// A value that is put in order with all of these expressions, under their collation.
    pub(super) fn collated(&self, value: Expr, of: &[Typed]) -> Result<Expr> {
        let is_text = |expr: &Typed| {
            let (base, _) = types::base_type(self.catalog(), expr.type_oid, -1);
            matches!(base, Oid::TEXT | Oid::VARCHAR | Oid::BPCHAR)
        };
        if !of.iter().any(is_text) {
            return Ok(value);
        }
        let locale = self.collations.locale(self.catalog(), of, of.len() == 1)?;
        Ok(under_locale(value, locale.as_deref()))
    }

    // ----- operators

    /// With an operand that is NULL as it is written nothing is evaluated, neither the operator nor the other operand: so
    /// PostgreSQL folds it, and what the other one would have done or refused does not happen.
    pub(super) fn operator(&mut self, operator: OperatorRef, operands: &[Typed], result: Oid) -> Result<Expr> {
        if operator.is_strict() && operands.iter().any(Typed::is_null) {
            return Ok(Expr::new(ExprKind::Null, result));
        }
        let made = match (comparison(operator), operands) {
            (Some(op), [left, right]) => {
                let ordered = if matches!(op, "=" | "<>") { &[] } else { operands };
                let lowered = self.expr(left)?;
                Expr::compare(op, self.collated(lowered, ordered)?, self.expr(right)?)
            }
            _ => match operator {
                OperatorRef::Listed(row) => self.call(row.call, operands, result)?,
                OperatorRef::Comparison(_) => return Err(Error::internal("a comparison without two operands")),
            },
        };
        // A constant that turns out to be NULL makes it one when PostgreSQL plans: it does not come to the other operand.
        match operands.iter().find(|operand| operator.is_strict() && may_turn_out_null(operand)) {
            Some(constant) if operands.iter().any(|other| !std::ptr::eq(other, constant) && is_computed(other)) => {
                let constant = self.expr(constant)?;
                Ok(Expr::template("CASE WHEN {0} IS NOT NULL THEN {1} END", vec![constant, made], result))
            }
            _ => Ok(made),
        }
    }

    fn row_comparison(&mut self, op: &'static str, left: &[Typed], right: &[Typed]) -> Result<Expr> {
        let row = |items| Expr::new(ExprKind::Row(items), Oid::RECORD);
        let mut fields = Vec::with_capacity(left.len());
        for (n, field) in left.iter().enumerate() {
            let lowered = self.expr(field)?;
            let both: Vec<Typed> = std::iter::once(field).chain(right.get(n)).cloned().collect();
            fields.push(if matches!(op, "=" | "<>") { lowered } else { self.collated(lowered, &both)? });
        }
        let left = row(fields);
        let right = match right {
            // The row of a sub-query.
            [Typed { kind: Kind::SubLink(_), type_oid: Oid::RECORD, .. }] => {
                self.exprs(right)?.pop().ok_or_else(|| Error::internal("a row without its query"))?
            }
            right => row(self.exprs(right)?),
        };
        Ok(Expr::compare(op, left, right))
    }

    pub(super) fn connected(&mut self, template: &'static str, conditions: &[Typed]) -> Result<Expr> {
        let conditions = self.exprs(conditions)?;
        Expr::connected(template, conditions).ok_or_else(|| Error::internal("a connective without operands"))
    }

    fn negation(&mut self, condition: &Typed) -> Result<Expr> {
        let mut condition_or_query = self.expr(condition)?;
        // SQLite has its own forms for sub-queries.
        match &mut condition_or_query.kind {
            ExprKind::Exists { negated, .. } | ExprKind::InQuery { negated, .. } if !*negated => *negated = true,
            _ => return Ok(Expr::negated(condition_or_query)),
        }
        Ok(condition_or_query)
    }

    fn null_test(&mut self, arg: &Typed, negated: bool) -> Result<Expr> {
        let template = if negated { "({0} IS NOT NULL)" } else { "({0} IS NULL)" };
        let Some(fields) = self.fields_of(arg)? else {
            let value = self.expr(arg)?;
            if self.is_row(arg.type_oid) {
                let name = Expr::text(self.internal_name(arg.type_oid, arg.typmod));
                let function = if negated { "pg_row_is_not_null" } else { "pg_row_is_null" };
                return Ok(Expr::function(function, vec![name, value], Oid::BOOL));
            }
            return Ok(Expr::template(template, vec![value], Oid::BOOL));
        };
        // A row is null if all its fields are, and not null if none is.
        let tests = fields.into_iter().map(|field| Expr::template(template, vec![field], Oid::BOOL)).collect();
        Expr::connected("({0} AND {1})", tests).ok_or_else(|| Error::unsupported("an empty row"))
    }

    fn boolean_test(&mut self, arg: &Typed, test: BooleanTest) -> Result<Expr> {
        let template = match test {
            BooleanTest::True => "({0} IS TRUE)",
            BooleanTest::NotTrue => "({0} IS NOT TRUE)",
            BooleanTest::False => "({0} IS FALSE)",
            BooleanTest::NotFalse => "({0} IS NOT FALSE)",
            BooleanTest::Unknown => "({0} IS NULL)",
            BooleanTest::NotUnknown => "({0} IS NOT NULL)",
        };
        Ok(Expr::template(template, vec![self.expr(arg)?], Oid::BOOL))
    }

    fn null_if(&mut self, value: &Typed, operator: OperatorRef, right: &Typed) -> Result<Expr> {
        let Some(op) = comparison(operator) else { return Err(Error::unsupported("NULLIF over these types")) };
        let (value, right) = (self.expr(value)?, self.expr(right)?);
        self.once(value, |_, value| {
            let type_oid = value.type_oid;
            let equal = Expr::compare(op, value.clone(), right);
            let whens = vec![(equal, Expr::new(ExprKind::Null, type_oid))];
            Ok(Expr::new(ExprKind::Case { whens, otherwise: Some(Box::new(value)) }, type_oid))
        })
    }

    // ----- membership

    /// A comparison with an array's elements where SQLite takes no sub-query: those of an array that is written down one
    /// after the other, others by a function. `None` for what neither can do.
    fn compared_in_place(
        &mut self,
        all: bool,
        comparison: &Typed,
        array: &Typed,
        element: Oid,
    ) -> Result<Option<Expr>> {
        if let Typed { kind: Kind::Array(elements), .. } = array
            && !elements.is_empty()
            && elements.iter().all(|one| one.type_oid == element)
        {
            let each = elements.iter().map(|element| {
                let element = self.expr(element)?;
                self.elements.push(Some(element));
                let compared = self.expr(comparison);
                self.elements.pop();
                compared
            });
            let each = each.collect::<Result<Vec<_>>>()?;
            let connective = if all { "({0} AND {1})" } else { "({0} OR {1})" };
            let join = |one, other| Expr::new(ExprKind::Call(Call::Template(connective), vec![one, other]), Oid::BOOL);
            return Ok(each.into_iter().reduce(join));
        }
        let Kind::Op(OperatorRef::Comparison(op), operands) = &comparison.kind else { return Ok(None) };
        let [left, Typed { kind: Kind::Element, .. }] = operands.as_slice() else { return Ok(None) };
        let types = self.types_of(&[left.clone(), array.clone()]);
        let (left, array) = (self.expr(left)?, self.expr(array)?);
        let args = vec![types, left, array, Expr::text((*op).to_owned()), Expr::integer(i64::from(all), Oid::BOOL)];
        Ok(Some(Expr::function("pg_compared_with_elements", args, Oid::BOOL)))
    }

    fn scalar_array(&mut self, all: bool, comparison: &Typed, array: &Typed, element: Oid) -> Result<Expr> {
        if self.context.without_queries
            && let Some(compared) = self.compared_in_place(all, comparison, array, element)?
        {
            return Ok(compared);
        }
        let array = self.expr(array)?;
        let compared = self.expr(comparison)?;
        if !Volatile.in_expr(&compared) {
            return self.once(array, |_, array| Ok(compared_with_elements(all, array, element, compared)));
        }
        // The comparison is made for each element; its left operand must be computed before.
        let ExprKind::Compare(op, left, right) = compared.kind else {
            return Err(Error::unsupported("a volatile operand of ANY or ALL"));
        };
        self.once(*left, |lower, left| {
            let compared = Expr::compare(op, left, *right);
            lower.once(array, |_, array| Ok(compared_with_elements(all, array, element, compared)))
        })
    }

    /// A comparison with the rows of a query.
    pub(super) fn quantified(&mut self, all: bool, comparison: &Typed, array: Expr) -> Result<Expr> {
        // PostgreSQL, too, runs the left operand for each row.
        let comparison = self.expr(comparison)?;
        self.once(array, |_, array| {
            let (array, comparison) = (Box::new(array), Box::new(comparison));
            Ok(Expr::new(ExprKind::Quantified { all, array, comparison }, Oid::BOOL))
        })
    }

    // ----- constructs

    fn case(&mut self, operand: Option<&Typed>, whens: &[(Typed, Typed)], otherwise: Option<&Typed>) -> Result<Expr> {
        let Some(operand) = operand else { return self.branches(whens, otherwise) };
        let operand = self.expr(operand)?;
        self.once(operand, |lower, operand| {
            lower.case_tests.push(operand);
            let branches = lower.branches(whens, otherwise);
            lower.case_tests.pop();
            branches
        })
    }

    fn branches(&mut self, whens: &[(Typed, Typed)], otherwise: Option<&Typed>) -> Result<Expr> {
        let type_oid = whens.first().map_or(Oid::TEXT, |(_, result)| result.type_oid);
        let whens = whens
            .iter()
            .map(|(condition, result)| Ok((self.expr(condition)?, self.expr(result)?)))
            .collect::<Result<Vec<_>>>()?;
        let otherwise = otherwise.map(|otherwise| self.expr(otherwise)).transpose()?.map(Box::new);
        Ok(Expr::new(ExprKind::Case { whens, otherwise }, type_oid))
    }

    fn extreme(&mut self, greatest: bool, args: &[Typed], type_oid: Oid) -> Result<Expr> {
        let given = args;
        let mut args = self.exprs(given)?;
        if let Some(first) = args.first_mut() {
            *first = self.collated(first.clone(), given)?;
        }
        if types::enum_labels(self.catalog(), type_oid).is_some() {
            args = args.into_iter().map(|arg| self.enum_order(Expr { type_oid, ..arg })).collect();
            let place = self.extreme_of(greatest, args, Oid::INT4)?;
            return Ok(self.enum_label(place, type_oid));
        }
        self.extreme_of(greatest, args, type_oid)
    }

    fn extreme_of(&mut self, greatest: bool, args: Vec<Expr>, type_oid: Oid) -> Result<Expr> {
        if !Volatile.in_exprs(&args) {
            return Ok(Expr::new(ExprKind::Extreme { greatest, args }, type_oid));
        }
        // It becomes a sub-query, and must be computed for each row none the less.
        self.once(Expr::new(ExprKind::Row(args), Oid::RECORD), |_, row| match row.kind {
            ExprKind::Row(args) => Ok(Expr::new(ExprKind::Extreme { greatest, args }, type_oid)),
            _ => Err(Error::internal("a row without its values")),
        })
    }

    fn array(&mut self, elements: &[Typed], type_oid: Oid) -> Result<Expr> {
        let mut elements = self.exprs(elements)?;
        // Elements may be arrays themselves; then the array's element type is theirs.
        let (element, typmod) = elements.first().map_or((Oid::TEXT, -1), |first| (first.type_oid, first.typmod));
        let name = Expr::text(self.internal_name(element, typmod));
        let rest = elements.split_off(elements.len().min(ARGUMENTS));
        elements.insert(0, name.clone());
        if rest.is_empty() {
            return Ok(Expr::function("pg_array", elements, type_oid));
        }
        let mut parts = vec![Expr::function("pg_array", elements, type_oid)];
        for part in rest.chunks(ARGUMENTS) {
            let part = std::iter::once(name.clone()).chain(part.iter().cloned()).collect();
            parts.push(Expr::function("pg_array", part, type_oid));
        }
        Ok(Expr::function("pg_array_join", parts, type_oid))
    }

    fn subscript(&mut self, container: &Typed, indexes: &[Typed], element: Oid) -> Result<Expr> {
        let of = container.type_oid;
        let mut args = vec![self.expr(container)?];
        let vector = matches!(of, Oid::INT2VECTOR | Oid::OIDVECTOR);
        for index in indexes {
            let value = self.expr(index)?;
            args.push(match of {
                Oid::JSONB => self.to_text(value, index.type_oid),
                // int2vector and oidvector count from 0.
                _ if vector => Expr::template("({0} + 1)", vec![value], Oid::INT4),
                _ => value,
            });
        }
        Ok(match of {
            Oid::JSONB => {
                let value = args.remove(0);
                args.insert(0, Expr::text("text"));
                let path = Expr::function("pg_array", args, Oid::TEXT_ARRAY);
                Expr::function("pg_json_extract_path", vec![value, path], Oid::JSONB)
            }
            Oid::POINT => Expr::function("pg_point_part", args, element),
            Oid::LSEG => Expr::function("pg_lseg_part", args, element),
            Oid::BOX => Expr::function("pg_box_part", args, element),
            Oid::LINE => Expr::function("pg_line_part", args, element),
            // A name is an array of "char" that counts from 0.
            Oid::NAME => Expr::template("nullif(substr({0}, {1} + 1, 1), '')", args, Oid::CHAR),
            _ => element_value(Expr::function("pg_array_get", args, element)),
        })
    }

    fn slice(&mut self, array: &Typed, bounds: &[Bounds]) -> Result<Expr> {
        let mut args = vec![self.element_name(array), self.expr(array)?];
        let vector = matches!(array.type_oid, Oid::INT2VECTOR | Oid::OIDVECTOR);
        self.bounds(bounds, vector, &mut args)?;
        Ok(Expr::function("pg_array_part", args, array.type_oid))
    }

    /// The element type of an array's value, by name.
    fn element_name(&self, array: &Typed) -> Expr {
        Expr::text(self.internal_name(self.element_type(array.type_oid), array.typmod))
    }

    /// Bounds as arguments; one that is missing is an empty text.
    fn bounds(&mut self, bounds: &[Bounds], vector: bool, args: &mut Vec<Expr>) -> Result<()> {
        for bound in bounds.iter().flat_map(|(lower, upper)| [lower, upper]) {
            args.push(match bound {
                // int2vector and oidvector count from 0.
                Some(bound) if vector => Expr::template("({0} + 1)", vec![self.expr(bound)?], Oid::INT4),
                Some(bound) => self.expr(bound)?,
                None => Expr::text(""),
            });
        }
        Ok(())
    }

    /// A container with another element, slice or member.
    fn store(&mut self, (container, value): (&Typed, &Typed), bounds: &[Bounds], slice: bool) -> Result<Expr> {
        let of = container.type_oid;
        let name = if of == Oid::JSONB { Expr::text("") } else { self.element_name(container) };
        let mut args = vec![name, self.expr(container)?, self.expr(value)?];
        if slice {
            self.bounds(bounds, false, &mut args)?;
            return Ok(Expr::function("pg_array_set_part", args, of));
        }
        for (_, index) in bounds {
            args.extend(index.as_ref().map(|index| self.expr(index)).transpose()?);
        }
        Ok(Expr::function(if of == Oid::JSONB { "pg_jsonb_assign" } else { "pg_array_set" }, args, of))
    }

    /// The element type of an array.
    pub(super) fn element_type(&self, array: Oid) -> Oid {
        types::element_type(self.catalog(), array).unwrap_or(Oid::TEXT)
    }
}

/// SQLite's comparison for an operator, unless it does more to its operands than compare them: dates and timestamps meet
/// in one type.
fn comparison(operator: OperatorRef) -> Option<&'static str> {
    let row = match operator {
        OperatorRef::Comparison(op) => return Some(op),
        OperatorRef::Listed(row) => row,
    };
    comparison_of(row.call)
}

/// ANY or ALL of an array's elements, as SQLite's IN where that is the same.
fn compared_with_elements(all: bool, array: Expr, element: Oid, comparison: Expr) -> Expr {
    let array = Box::new(array);
    match comparison.kind {
        ExprKind::Compare("=", left, right) if !all && matches!(right.kind, ExprKind::ArrayElement) => {
            Expr::new(ExprKind::InArray { expr: left, array, element, exact: true }, Oid::BOOL)
        }
        // SQLite looks each value up in the elements; going through them takes as long as there are elements.
        ExprKind::Compare("<>", left, right) if all && matches!(right.kind, ExprKind::ArrayElement) => {
            Expr::negated(Expr::new(ExprKind::InArray { expr: left, array, element, exact: true }, Oid::BOOL))
        }
        kind => {
            let comparison = Box::new(Expr { kind, ..comparison });
            Expr::new(ExprKind::Quantified { all, array, comparison }, Oid::BOOL)
        }
    }
}

/// What an array holds of a value as that value: bytea and the infinities are strings in arrays, whole floats integers.
pub(super) fn element_value(held: Expr) -> Expr {
    let function = match held.type_oid {
        Oid::BYTEA | Oid::VECTOR => "pg_in_bytea",
        Oid::FLOAT4 | Oid::FLOAT8 => "pg_element_float",
        _ => return held,
    };
    let type_oid = held.type_oid;
    Expr::function(function, vec![held], type_oid)
}

/// In a WHERE, a NULL array may as well answer false: SQLite can then use an index for membership.
fn relax_arrays(expr: Expr) -> Expr {
    let Expr { kind, type_oid, typmod } = expr;
    let kind = match kind {
        ExprKind::InArray { expr, array, element, .. } => ExprKind::InArray { expr, array, element, exact: false },
        ExprKind::Call(call @ Call::Template("({0} AND {1})" | "({0} OR {1})"), args) => {
            ExprKind::Call(call, args.into_iter().map(relax_arrays).collect())
        }
        kind => kind,
    };
    Expr { kind, type_oid, typmod }
}

/// Whether it is constant, and NULL or not by what its parts are.
fn may_turn_out_null(expr: &Typed) -> bool {
    let is_constant = |part: &Typed| {
        matches!(
            &part.kind,
            Kind::Literal(_)
                | Kind::Const(_)
                | Kind::Null
                | Kind::Op(..)
                | Kind::Subscript { .. }
                | Kind::NullIf { .. }
                | Kind::Array(_)
                | Kind::Coerce { how: Coercion::Relabel | Coercion::Input, .. }
        )
    };
    matches!(expr.kind, Kind::Op(..) | Kind::Subscript { .. } | Kind::NullIf { .. })
        && !expr.any(&|part| !is_constant(part))
        && expr.any(&|part| match &part.kind {
            Kind::Subscript { .. } | Kind::NullIf { .. } => true,
            Kind::Op(_, operands) => operands.iter().any(|operand| operand.type_oid == Oid::JSONB),
            _ => false,
        })
}

/// Whether something is called for it.
fn is_computed(expr: &Typed) -> bool {
    expr.any(&|part| matches!(part.kind, Kind::Func(..) | Kind::Variadic(..) | Kind::Op(..) | Kind::Coerce { .. }))
}
