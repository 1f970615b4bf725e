//! Expressions of schema objects as PostgreSQL writes them (pg_get_expr): operands in parentheses, constants with
//! their types, conversions spelled out. This text is what the catalog keeps and what clients see.
//!
//! Owns: [`expression`], [`default_value`], [`renamed`]. Must not know: where the text is kept. A construct that has
//! no rule here is written as the parser prints it, which means the same. Specification: ruleutils.c.

use std::cell::Cell;

use sqlparser::ast::{
    self, BinaryOperator, DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, UnaryOperator, Value,
};

use crate::catalog::definitions::{Names, quote_identifier};
use crate::catalog::schema::Relation;
use crate::error::{Error, Result};
use crate::sql::analyze::analyzer::fold;
use crate::sql::analyze::stored::{self, Origin, Target, relation_expression};
use crate::sql::analyze::type_name;
use crate::sql::parse;
use crate::sql::planner::PlanContext;
use crate::types::encoding;
use crate::types::format::{Format, FormatSettings};
use crate::types::pg_type::{Oid, type_info};

/// What writing an expression needs to know.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub planning: PlanContext<'a>,
    /// The relation whose columns the expression is over.
    pub relation: Option<&'a Relation>,
    pub origin: Origin,
    /// A column that is getting another name.
    pub rename: Option<(&'a str, &'a str)>,
}

/// The text of an expression.
pub fn expression(expr: &Expr, context: &Context<'_>) -> String {
    let writer = Writer::new(*context);
    writer.expr(expr, None)
}

/// The text of a column's default; `None` for the constant NULL, which is no default at all.
pub fn default_value(expr: &Expr, type_oid: Oid, context: &Context<'_>) -> Option<String> {
    let writer = Writer::new(*context);
    if matches!(unwrap_nested(expr), Expr::Value(v) if v.value == Value::Null) {
        return None;
    }
    // Conversions to the column's type are not shown, but a constant of no type yet takes the column's.
    if writer.type_of(expr) == Some(Oid::UNKNOWN) {
        return Some(writer.expr(expr, Some(type_oid)));
    }
    Some(writer.expr(expr, None))
}

/// A stored text with one column renamed; 0A000 when it holds a construct that cannot be rewritten.
pub fn renamed(text: &str, names: (&str, &str), context: &Context<'_>) -> Result<String> {
    let parsed = parse::expression(text)?;
    let writer = Writer::new(Context { rename: Some(names), origin: Origin::Stored, ..*context });
    let text = writer.expr(&parsed, None);
    if writer.guessed.get() {
        return Err(Error::unsupported("renaming a column that this expression uses"));
    }
    Ok(text)
}

struct Writer<'a> {
    context: Context<'a>,
    /// Some part was written as the parser prints it.
    guessed: Cell<bool>,
}

fn unwrap_nested(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inner) => unwrap_nested(inner),
        other => other,
    }
}

/// The type whose operators a type borrows: varchar has none of its own.
fn operator_type(oid: Oid) -> Oid {
    if oid == Oid::VARCHAR { Oid::TEXT } else { oid }
}

const INTEGERS: &[Oid] = &[Oid::INT2, Oid::INT4, Oid::INT8];
const FLOATS: &[Oid] = &[Oid::FLOAT4, Oid::FLOAT8];

/// The types two operands are brought to (`None` where nothing is shown), by PostgreSQL's preferences for the
/// everyday types.
fn operand_types(left: Oid, right: Oid) -> (Option<Oid>, Option<Oid>) {
    let (left, right) = match (left, right) {
        (Oid::UNKNOWN, Oid::UNKNOWN) => (Oid::TEXT, Oid::TEXT),
        (Oid::UNKNOWN, other) | (other, Oid::UNKNOWN) => (operator_type(other), operator_type(other)),
        (l, r) => (operator_type(l), operator_type(r)),
    };
    let numeric = |oid: Oid| INTEGERS.contains(&oid) || oid == Oid::NUMERIC || FLOATS.contains(&oid);
    let alike = |types: &[Oid]| types.contains(&left) && types.contains(&right);
    let common = if left == right || !numeric(left) || !numeric(right) || alike(INTEGERS) || alike(FLOATS) {
        None
    } else if FLOATS.contains(&left) || FLOATS.contains(&right) {
        Some(Oid::FLOAT8)
    } else {
        Some(Oid::NUMERIC)
    };
    match common {
        Some(common) => (Some(common), Some(common)),
        None => (Some(left), Some(right)),
    }
}

impl<'a> Writer<'a> {
    fn new(context: Context<'a>) -> Self {
        Writer { context, guessed: Cell::new(false) }
    }

    /// An expression's type before anything converts it.
    fn type_of(&self, expr: &Expr) -> Option<Oid> {
        if let Expr::Value(value) = unwrap_nested(expr)
            && matches!(value.value, Value::SingleQuotedString(_) | Value::EscapedStringLiteral(_) | Value::Null)
        {
            return Some(Oid::UNKNOWN);
        }
        let how = (self.context.origin, Target::Any);
        let analysed = relation_expression(expr, self.context.relation, how, self.context.planning);
        analysed.ok().and_then(Result::ok).map(|e| e.natural_type)
    }

    fn type_name(&self, oid: Oid, typmod: i32) -> String {
        let search_path = stored::search_path();
        let names = Names { catalog: self.context.planning.catalog, search_path: &search_path };
        // A bpchar without a length is not "character", which would be character(1).
        if oid == Oid::BPCHAR && typmod < 0 { "bpchar".to_owned() } else { names.format_type(oid, Some(typmod)) }
    }

    /// An expression, converted to a type where its own is another.
    fn expr(&self, expr: &Expr, to: Option<Oid>) -> String {
        let expr = unwrap_nested(expr);
        if let Expr::Value(value) = expr {
            return self.constant(&value.value, to);
        }
        if let Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } = expr
            && let Expr::Value(value) = unwrap_nested(inner)
            && let Value::Number(digits, _) = &value.value
        {
            let text = format!("'-{digits}'::{}", number_type(digits));
            return self.converted(text, oid_of_number(digits), to);
        }
        let text = self.compound(expr);
        match (to, to.and_then(|_| self.type_of(expr))) {
            (Some(to), Some(from)) => self.converted(text, from, Some(to)),
            _ => text,
        }
    }

    fn converted(&self, text: String, from: Oid, to: Option<Oid>) -> String {
        match to {
            Some(to) if shows_conversion(from, to) => format!("({text})::{}", self.type_name(to, -1)),
            _ => text,
        }
    }

    fn constant(&self, value: &Value, to: Option<Oid>) -> String {
        match value {
            Value::Number(digits, _) => self.converted(digits.clone(), oid_of_number(digits), to),
            Value::Boolean(true) => "true".to_owned(),
            Value::Boolean(false) => "false".to_owned(),
            Value::Null => to.map_or_else(|| "NULL".to_owned(), |oid| format!("NULL::{}", self.type_name(oid, -1))),
            Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => {
                self.literal(text, to.unwrap_or(Oid::TEXT), -1)
            }
            Value::DollarQuotedString(text) => self.literal(&text.value, to.unwrap_or(Oid::TEXT), -1),
            other => {
                self.guessed.set(true);
                other.to_string()
            }
        }
    }

    /// A constant of a type: numbers and booleans bare, everything else quoted with its type.
    fn literal(&self, text: &str, oid: Oid, typmod: i32) -> String {
        let text = self.canonical(text, oid);
        let bare = INTEGERS.contains(&oid) && oid == Oid::INT4 || oid == Oid::NUMERIC;
        match oid {
            Oid::BOOL => if text == "t" { "true" } else { "false" }.to_owned(),
            _ if bare && text.starts_with(|c: char| c.is_ascii_digit()) => text,
            _ => format!("{}::{}", quote_literal(&text), self.type_name(oid, typmod)),
        }
    }

    /// The text the type itself writes for a value.
    fn canonical(&self, text: &str, oid: Oid) -> String {
        let Some(info) = type_info(oid).filter(|t| t.kind == b'b') else { return text.to_owned() };
        let settings = FormatSettings::default();
        let Ok(value) = encoding::decode(info.repr, info.sql_name, Format::Text, text.as_bytes(), &settings) else {
            return text.to_owned();
        };
        let mut out = bytes::BytesMut::new();
        match encoding::encode(info.repr, Format::Text, value.as_ref(), &settings, &mut out) {
            Ok(()) => String::from_utf8(out.to_vec()).unwrap_or_else(|_| text.to_owned()),
            Err(_) => text.to_owned(),
        }
    }

    fn column(&self, ident: &Ident) -> String {
        let name = fold(ident);
        match self.context.rename {
            Some((from, to)) if name == from => quote_identifier(to),
            // VALUE in a domain's check.
            _ if self.context.relation.is_some_and(|r| r.oid == Oid::INVALID) => name.to_uppercase(),
            _ => quote_identifier(&name),
        }
    }

    fn compound(&self, expr: &Expr) -> String {
        let postfix = |inner: &Expr, words: &str| format!("({} {words})", self.expr(inner, None));
        match expr {
            Expr::Identifier(ident) if self.is_column(ident) => self.column(ident),
            Expr::CompoundIdentifier(parts) => match parts.last() {
                Some(last) if self.is_column(last) => self.column(last),
                _ => self.guess(expr),
            },
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => self.chain(left, right, &BinaryOperator::And),
            Expr::BinaryOp { left, op: BinaryOperator::Or, right } => self.chain(left, right, &BinaryOperator::Or),
            Expr::BinaryOp { left, op, right } => self.binary(left, &op.to_string(), right),
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => format!("(NOT {})", self.expr(expr, None)),
            Expr::UnaryOp { op, expr } => format!("({op} {})", self.expr(expr, None)),
            Expr::IsNull(e) => postfix(e, "IS NULL"),
            Expr::IsNotNull(e) => postfix(e, "IS NOT NULL"),
            Expr::IsTrue(e) => postfix(e, "IS TRUE"),
            Expr::IsNotTrue(e) => postfix(e, "IS NOT TRUE"),
            Expr::IsFalse(e) => postfix(e, "IS FALSE"),
            Expr::IsNotFalse(e) => postfix(e, "IS NOT FALSE"),
            Expr::IsUnknown(e) => postfix(e, "IS UNKNOWN"),
            Expr::IsNotUnknown(e) => postfix(e, "IS NOT UNKNOWN"),
            Expr::IsDistinctFrom(a, b) => self.binary(a, "IS DISTINCT FROM", b),
            Expr::IsNotDistinctFrom(a, b) => format!("(NOT {})", self.binary(a, "IS DISTINCT FROM", b)),
            Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
                self.binary(expr, if *negated { "!~~" } else { "~~" }, pattern)
            }
            Expr::ILike { negated, any: false, expr, pattern, escape_char: None } => {
                self.binary(expr, if *negated { "!~~*" } else { "~~*" }, pattern)
            }
            Expr::Between { expr, negated: false, low, high } => {
                format!("({} AND {})", self.binary(expr, ">=", low), self.binary(expr, "<=", high))
            }
            Expr::Between { expr, negated: true, low, high } => {
                format!("({} OR {})", self.binary(expr, "<", low), self.binary(expr, ">", high))
            }
            Expr::InList { expr, list, negated } => self.in_list(expr, list, *negated),
            Expr::AnyOp { left, compare_op, right, .. } => {
                format!("({} {compare_op} ANY ({}))", self.expr(left, None), self.expr(right, None))
            }
            Expr::AllOp { left, compare_op, right } => {
                format!("({} {compare_op} ALL ({}))", self.expr(left, None), self.expr(right, None))
            }
            Expr::Cast { expr: inner, data_type, .. } => self.cast(inner, data_type),
            Expr::TypedString(typed) => match (&typed.value.value, self.resolve(&typed.data_type)) {
                (Value::SingleQuotedString(text), Some((oid, typmod))) => self.literal(text, oid, typmod),
                _ => self.guess(expr),
            },
            Expr::Interval(interval) if interval.leading_field.is_none() => {
                match self.expr(&interval.value, Some(Oid::INTERVAL)) {
                    text if text.ends_with("::interval") => text,
                    _ => self.guess(expr),
                }
            }
            Expr::Function(call) => self.function(call).unwrap_or_else(|| self.guess(expr)),
            Expr::Case { operand: None, conditions, else_result, .. } => self.case(conditions, else_result.as_deref()),
            Expr::Array(array) => {
                let items: Vec<String> = array.elem.iter().map(|e| self.expr(e, None)).collect();
                format!("ARRAY[{}]", items.join(", "))
            }
            Expr::AtTimeZone { timestamp, time_zone } => {
                format!("({} AT TIME ZONE {})", self.expr(timestamp, None), self.expr(time_zone, None))
            }
            Expr::Extract { field, expr, .. } => {
                format!("EXTRACT({} FROM {})", field.to_string().to_lowercase(), self.expr(expr, None))
            }
            Expr::Position { expr, r#in } => {
                format!("POSITION(({}) IN ({}))", self.expr(expr, Some(Oid::TEXT)), self.expr(r#in, Some(Oid::TEXT)))
            }
            Expr::Collate { expr, collation } => format!("({} COLLATE {collation})", self.expr(expr, None)),
            other => self.guess(other),
        }
    }

    fn guess(&self, expr: &Expr) -> String {
        self.guessed.set(true);
        expr.to_string()
    }

    fn is_column(&self, ident: &Ident) -> bool {
        self.context.relation.is_some_and(|r| r.column(&fold(ident)).is_some())
    }

    /// a AND b AND c is one list.
    fn chain(&self, left: &Expr, right: &Expr, op: &BinaryOperator) -> String {
        let mut parts = Vec::new();
        let mut rest = left;
        let mut reversed = vec![right];
        while let Expr::BinaryOp { left, op: inner, right } = rest {
            if inner != op {
                break;
            }
            reversed.push(right);
            rest = left;
        }
        reversed.push(rest);
        for part in reversed.into_iter().rev() {
            parts.push(self.expr(part, None));
        }
        format!("({})", parts.join(&format!(" {op} ")))
    }

    fn binary(&self, left: &Expr, op: &str, right: &Expr) -> String {
        let (from_left, from_right) = (self.type_of(left), self.type_of(right));
        let (to_left, to_right) = match (from_left, from_right) {
            // The other operand of jsonb's operators is not jsonb.
            (Some(Oid::JSON | Oid::JSONB), Some(Oid::UNKNOWN))
                if op != "=" && op != "<>" && op != "@>" && op != "<@" =>
            {
                (None, Some(if op.starts_with('#') { Oid::TEXT_ARRAY } else { Oid::TEXT }))
            }
            // A date or timestamp and an interval.
            (Some(l), Some(Oid::UNKNOWN)) if matches!(op, "+" | "-") && is_datetime(l) => (None, Some(Oid::INTERVAL)),
            (Some(l), Some(r)) => operand_types(l, r),
            _ => (None, None),
        };
        format!("({} {op} {})", self.expr(left, to_left), self.expr(right, to_right))
    }

    /// a IN (…) is a = ANY (ARRAY[…]).
    fn in_list(&self, expr: &Expr, list: &[Expr], negated: bool) -> String {
        let own = self.type_of(expr).unwrap_or(Oid::TEXT);
        let element = list.iter().filter_map(|e| self.type_of(e)).find(|t| *t != Oid::UNKNOWN).unwrap_or(own);
        let items: Vec<String> = list.iter().map(|e| self.expr(e, Some(element))).collect();
        let (mut left, mut array) = (self.expr(expr, None), format!("ARRAY[{}]", items.join(", ")));
        if own == Oid::VARCHAR {
            left = format!("({left})::text");
            array = format!("({array})::text[]");
        }
        match (list, negated) {
            ([only], false) => self.binary(expr, "=", only),
            ([only], true) => self.binary(expr, "<>", only),
            (_, false) => format!("({left} = ANY ({array}))"),
            (_, true) => format!("({left} <> ALL ({array}))"),
        }
    }

    fn resolve(&self, data_type: &DataType) -> Option<(Oid, i32)> {
        let path = match self.context.origin {
            Origin::Statement => self.context.planning.settings.schemas_searched().clone(),
            Origin::Stored => stored::search_path(),
        };
        type_name::resolve(data_type, self.context.planning.catalog, &path).ok().map(|t| (t.oid, t.typmod))
    }

    fn cast(&self, inner: &Expr, data_type: &DataType) -> String {
        let Some((oid, typmod)) = self.resolve(data_type) else {
            self.guessed.set(true);
            return format!("({})::{data_type}", self.expr(inner, None));
        };
        let inner = unwrap_nested(inner);
        if let Expr::Value(value) = inner
            && let Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) = &value.value
        {
            if oid == Oid::REGCLASS {
                return format!("{}::regclass", quote_literal(&self.regclass(text)));
            }
            return self.literal(text, oid, typmod);
        }
        let empty_array = matches!(inner, Expr::Array(array) if array.elem.is_empty());
        if empty_array {
            return format!("ARRAY[]::{}", self.type_name(oid, typmod));
        }
        format!("({})::{}", self.expr(inner, None), self.type_name(oid, typmod))
    }

    /// A relation's name as stored text has it.
    fn regclass(&self, text: &str) -> String {
        let parts: Vec<String> = text
            .split('.')
            .map(|part| match part.strip_prefix('"').and_then(|p| p.strip_suffix('"')) {
                Some(quoted) => quoted.replace("\"\"", "\""),
                None => part.to_lowercase(),
            })
            .collect();
        let catalog = self.context.planning.catalog;
        let relation = match parts.as_slice() {
            [name] => {
                let path = match self.context.origin {
                    Origin::Statement => self.context.planning.settings.schemas_searched().clone(),
                    Origin::Stored => stored::search_path(),
                };
                catalog.find_relation(&path, name)
            }
            [.., schema, name] => catalog.relation(schema, name),
            [] => None,
        };
        match relation {
            Some(r) if r.schema == "public" => quote_identifier(&r.name),
            Some(r) => format!("{}.{}", quote_identifier(&r.schema), quote_identifier(&r.name)),
            None => text.to_owned(),
        }
    }

    fn function(&self, call: &ast::Function) -> Option<String> {
        if call.over.is_some() || call.filter.is_some() || !call.within_group.is_empty() {
            return None;
        }
        let name = call.name.to_string();
        let bare = name.to_lowercase();
        let arguments = match &call.args {
            // CURRENT_TIMESTAMP and its like.
            FunctionArguments::None => return Some(bare.to_uppercase()),
            FunctionArguments::List(list) if list.clauses.is_empty() && list.duplicate_treatment.is_none() => {
                &list.args
            }
            _ => return None,
        };
        let mut exprs = Vec::new();
        for argument in arguments {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument else { return None };
            exprs.push(expr);
        }
        const SPECIAL: &[&str] = &["coalesce", "nullif", "greatest", "least"];
        const SEQUENCE: &[&str] = &["nextval", "currval", "setval"];
        let special = SPECIAL.contains(&bare.as_str());
        let keyword = ["current_timestamp", "current_time", "localtimestamp", "localtime"].contains(&bare.as_str());
        let mut items = Vec::new();
        for (position, expr) in exprs.iter().enumerate() {
            let own = self.type_of(expr);
            let to = if SEQUENCE.contains(&bare.as_str()) && position == 0 && own == Some(Oid::UNKNOWN) {
                let Expr::Value(value) = unwrap_nested(expr) else { return None };
                let Value::SingleQuotedString(text) = &value.value else { return None };
                items.push(format!("{}::regclass", quote_literal(&self.regclass(text))));
                continue;
            } else if special {
                exprs.iter().filter_map(|e| self.type_of(e)).find(|t| *t != Oid::UNKNOWN).map(operator_type)
            } else {
                own.filter(|o| *o == Oid::VARCHAR).map(|_| Oid::TEXT)
            };
            items.push(self.expr(expr, to));
        }
        let shown = if special || keyword { bare.to_uppercase() } else { bare };
        Some(format!("{shown}({})", items.join(", ")))
    }

    fn case(&self, conditions: &[ast::CaseWhen], otherwise: Option<&Expr>) -> String {
        let results = conditions.iter().map(|w| &w.result).chain(otherwise);
        let known = results.filter_map(|e| self.type_of(e)).find(|t| *t != Oid::UNKNOWN);
        let mut text = "\nCASE".to_owned();
        for when in conditions {
            let (condition, result) = (self.expr(&when.condition, None), self.expr(&when.result, known));
            text.push_str(&format!("\n    WHEN {condition} THEN {result}"));
        }
        match otherwise {
            Some(otherwise) => text.push_str(&format!("\n    ELSE {}", self.expr(otherwise, known))),
            None => text.push_str(&format!("\n    ELSE NULL::{}", self.type_name(known.unwrap_or(Oid::TEXT), -1))),
        }
        text + "\nEND"
    }
}

fn is_datetime(oid: Oid) -> bool {
    [Oid::DATE, Oid::TIME, Oid::TIMETZ, Oid::TIMESTAMP, Oid::TIMESTAMPTZ, Oid::INTERVAL].contains(&oid)
}

/// Whether a conversion is one that PostgreSQL spells out in an operand.
fn shows_conversion(from: Oid, to: Oid) -> bool {
    let numeric = |oid: Oid| oid == Oid::NUMERIC || FLOATS.contains(&oid);
    match (from, to) {
        (Oid::VARCHAR, Oid::TEXT) => true,
        (from, to) => from != to && (INTEGERS.contains(&from) || numeric(from)) && numeric(to),
    }
}

fn oid_of_number(digits: &str) -> Oid {
    if digits.parse::<i32>().is_ok() {
        Oid::INT4
    } else if digits.parse::<i64>().is_ok() {
        Oid::INT8
    } else {
        Oid::NUMERIC
    }
}

fn number_type(digits: &str) -> &'static str {
    type_info(oid_of_number(digits)).map_or("numeric", |t| t.sql_name)
}

/// A string constant; with a backslash it is written E'…'.
fn quote_literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    format!("'{quoted}'")
}
