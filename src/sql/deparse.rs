//! Expressions of schema objects as PostgreSQL writes them (pg_get_expr): operands in parentheses, constants with
//! their types, conversions spelled out. This text is what the catalog keeps and what clients see.
//!
//! Owns: [`expression`], [`default_value`], [`renamed`]. Must not know: where the text is kept. A construct that has
//! no rule here is written as the parser prints it, which means the same. Specification: ruleutils.c.

use std::cell::Cell;

use crate::catalog::definitions::{Names, quote_identifier};
use crate::catalog::schema::Relation;
use crate::error::{Error, Result};
use crate::sql::analyze::type_name;
use crate::sql::functions;
use crate::sql::planner::PlanContext;
use crate::sql::stored::{self, Origin, Target, relation_expression};
use crate::sql::syntax::ast::expression::{
    self as ast, AConst, AExpr, AExprKind, BoolExprType, BoolTestType, CoercionForm, ConstValue, Expr, Field, FuncCall,
};
use crate::sql::syntax::parse;
use crate::sql::syntax::print;
use crate::sql::trigger;
use crate::types::format::{Format, FormatSettings};
use crate::types::pg_type::{Oid, type_info};
use crate::types::{bits, encoding};

/// What writing an expression needs to know.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub planning: PlanContext<'a>,
    /// The relation whose columns the expression is over.
    pub relation: Option<&'a Relation>,
    pub origin: Origin,
    /// A column that is getting another name.
    pub rename: Option<(&'a str, &'a str)>,
    /// It is a trigger's condition, over `old` and `new`.
    pub is_trigger: bool,
}

/// The text of an expression.
pub fn expression(expr: &Expr, context: &Context<'_>) -> String {
    let writer = Writer::new(*context);
    writer.expr(expr, None)
}

/// The text of a column's default; `None` for the constant NULL, which is no default at all.
pub fn default_value(expr: &Expr, type_oid: Oid, context: &Context<'_>) -> Option<String> {
    let writer = Writer::new(*context);
    if matches!(expr, Expr::Const(AConst { value: ConstValue::Null, .. })) {
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
        if let Expr::Const(AConst { value: ConstValue::String(_) | ConstValue::Null, .. }) = expr {
            return Some(Oid::UNKNOWN);
        }
        if let (true, Some(relation)) = (self.context.is_trigger, self.context.relation) {
            return trigger::type_of(expr, relation, self.context.origin, self.context.planning);
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
        if let Expr::Const(constant) = expr {
            return self.constant(&constant.value, to);
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

    fn constant(&self, value: &ConstValue, to: Option<Oid>) -> String {
        match value {
            ConstValue::Integer(number) => self.number(&number.to_string(), to),
            ConstValue::Float(digits) => self.number(digits, to),
            ConstValue::Boolean(true) => "true".to_owned(),
            ConstValue::Boolean(false) => "false".to_owned(),
            ConstValue::Null => {
                to.map_or_else(|| "NULL".to_owned(), |oid| format!("NULL::{}", self.type_name(oid, -1)))
            }
            ConstValue::String(text) => self.literal(text, to.unwrap_or(Oid::TEXT), -1),
            ConstValue::BitString(text) => match bits::parse(text) {
                Ok(digits) => self.converted(format!("'{digits}'::\"bit\""), Oid::BIT, to),
                Err(_) => {
                    let constant = AConst { value: value.clone(), location: Default::default() };
                    self.guess(&Expr::Const(constant))
                }
            },
        }
    }

    /// A number; a negative one is quoted, because a sign binds less than a cast.
    fn number(&self, digits: &str, to: Option<Oid>) -> String {
        let oid = oid_of_number(digits);
        let text = match digits.starts_with('-') {
            true => format!("'{digits}'::{}", type_info(oid).map_or("numeric", |t| t.sql_name)),
            false => digits.to_owned(),
        };
        self.converted(text, oid, to)
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
        let Some(info) = type_info(oid).filter(|t| matches!(t.kind, b'b' | b'r' | b'm')) else {
            return text.to_owned();
        };
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

    fn column(&self, name: &str) -> String {
        match self.context.rename {
            Some((from, to)) if name == from => quote_identifier(to),
            // VALUE in a domain's check.
            _ if self.context.relation.is_some_and(|r| r.oid == Oid::INVALID) => name.to_uppercase(),
            _ => quote_identifier(name),
        }
    }

    fn compound(&self, expr: &Expr) -> String {
        let postfix = |inner: &Expr, words: &str| format!("({} {words})", self.expr(inner, None));
        match expr {
            Expr::ColumnRef(column) if self.context.is_trigger => match column.fields.as_slice() {
                [Field::Name(row), Field::Name(name)] if self.is_column(name) => {
                    format!("{row}.{}", self.column(name))
                }
                [Field::Name(row)] | [Field::Name(row), Field::Star] => format!("{row}.*"),
                _ => self.guess(expr),
            },
            Expr::ColumnRef(column) => match column.fields.last() {
                Some(Field::Name(name)) if self.is_column(name) => self.column(name),
                _ => self.guess(expr),
            },
            Expr::AExpr(node) => self.a_expr(node).unwrap_or_else(|| self.guess(expr)),
            Expr::Bool(node) => match node.op {
                BoolExprType::And => self.chain(&node.args, " AND "),
                BoolExprType::Or => self.chain(&node.args, " OR "),
                BoolExprType::Not => format!("(NOT {})", self.chain_parts(&node.args).join("")),
            },
            Expr::NullTest(node) => postfix(&node.arg, if node.is_null { "IS NULL" } else { "IS NOT NULL" }),
            Expr::BooleanTest(node) => postfix(
                &node.arg,
                match node.test {
                    BoolTestType::IsTrue => "IS TRUE",
                    BoolTestType::IsNotTrue => "IS NOT TRUE",
                    BoolTestType::IsFalse => "IS FALSE",
                    BoolTestType::IsNotFalse => "IS NOT FALSE",
                    BoolTestType::IsUnknown => "IS UNKNOWN",
                    BoolTestType::IsNotUnknown => "IS NOT UNKNOWN",
                },
            ),
            Expr::TypeCast(cast) => self.cast(&cast.arg, &cast.type_name),
            Expr::FuncCall(call) => self.function(call).unwrap_or_else(|| self.guess(expr)),
            Expr::Coalesce(node) => self.of_common_type("COALESCE", &node.args),
            Expr::MinMax(node) => self.of_common_type(if node.greatest { "GREATEST" } else { "LEAST" }, &node.args),
            Expr::SqlValueFunction(_) => print::expression(expr),
            Expr::Case(case) if case.arg.is_none() => self.case(&case.args, case.defresult.as_ref()),
            Expr::Array(array) => {
                let items: Vec<String> = array.elements.iter().map(|e| self.expr(e, None)).collect();
                format!("ARRAY[{}]", items.join(", "))
            }
            Expr::Collate(collate) => match &collate.arg {
                Some(arg) => {
                    let name: Vec<String> = collate.name.iter().map(|part| quote_identifier(part)).collect();
                    format!("({} COLLATE {})", self.expr(arg, None), name.join("."))
                }
                None => self.guess(expr),
            },
            other => self.guess(other),
        }
    }

    fn guess(&self, expr: &Expr) -> String {
        self.guessed.set(true);
        print::expression(expr)
    }

    fn is_column(&self, name: &str) -> bool {
        self.context.relation.is_some_and(|r| r.column(name).is_some())
    }

    fn chain_parts(&self, args: &[Expr]) -> Vec<String> {
        args.iter().map(|part| self.expr(part, None)).collect()
    }

    /// a AND b AND c is one list.
    fn chain(&self, args: &[Expr], between: &str) -> String {
        format!("({})", self.chain_parts(args).join(between))
    }

    fn a_expr(&self, node: &AExpr) -> Option<String> {
        let name = match node.name.as_slice() {
            [name] => name.as_str(),
            [schema, name] if schema == "pg_catalog" => name.as_str(),
            _ => return None,
        };
        let right = &node.right;
        let Some(left) = &node.left else {
            return Some(format!("({name} {})", self.expr(right, None)));
        };
        Some(match node.kind {
            AExprKind::Op => self.binary(left, name, right),
            AExprKind::Distinct => self.binary(left, "IS DISTINCT FROM", right),
            AExprKind::NotDistinct => format!("(NOT {})", self.binary(left, "IS DISTINCT FROM", right)),
            AExprKind::Like | AExprKind::ILike if !matches!(right, Expr::FuncCall(_)) => self.binary(left, name, right),
            AExprKind::OpAny => format!("({} {name} ANY ({}))", self.expr(left, None), self.expr(right, None)),
            AExprKind::OpAll => format!("({} {name} ALL ({}))", self.expr(left, None), self.expr(right, None)),
            AExprKind::NullIf => return self.nullif(left, right),
            AExprKind::In => match right {
                Expr::List(list) => self.in_list(left, list, name == "<>"),
                _ => return None,
            },
            AExprKind::Between | AExprKind::NotBetween => match right {
                Expr::List(bounds) => self.between(left, bounds, node.kind == AExprKind::NotBetween)?,
                _ => return None,
            },
            _ => return None,
        })
    }

    fn between(&self, value: &Expr, bounds: &[Expr], negated: bool) -> Option<String> {
        let [low, high] = bounds else { return None };
        Some(match negated {
            false => format!("({} AND {})", self.binary(value, ">=", low), self.binary(value, "<=", high)),
            true => format!("({} OR {})", self.binary(value, "<", low), self.binary(value, ">", high)),
        })
    }

    fn nullif(&self, left: &Expr, right: &Expr) -> Option<String> {
        Some(self.of_common_type("NULLIF", &[left.clone(), right.clone()]))
    }

    /// What takes arguments of one type.
    fn of_common_type(&self, name: &str, args: &[Expr]) -> String {
        let common = args.iter().filter_map(|e| self.type_of(e)).find(|t| *t != Oid::UNKNOWN).map(operator_type);
        let items: Vec<String> = args.iter().map(|arg| self.expr(arg, common)).collect();
        format!("{name}({})", items.join(", "))
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

    fn resolve(&self, data_type: &ast::TypeName) -> Option<(Oid, i32)> {
        let path = match self.context.origin {
            Origin::Statement => self.context.planning.settings.schemas_searched().clone(),
            Origin::Stored => stored::search_path(),
        };
        type_name::resolve(data_type, self.context.planning.catalog, &path).ok().map(|t| (t.oid, t.typmod))
    }

    fn cast(&self, inner: &Expr, data_type: &ast::TypeName) -> String {
        let Some((oid, typmod)) = self.resolve(data_type) else {
            self.guessed.set(true);
            return format!("({})::{}", self.expr(inner, None), print::type_name(data_type));
        };
        if let Expr::Const(AConst { value: ConstValue::String(text), .. }) = inner {
            if oid == Oid::REGCLASS {
                return format!("{}::regclass", quote_literal(&self.regclass(text)));
            }
            return self.literal(text, oid, typmod);
        }
        let empty_array = matches!(inner, Expr::Array(array) if array.elements.is_empty());
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

    fn function(&self, call: &FuncCall) -> Option<String> {
        let plain = call.over.is_none()
            && call.agg_filter.is_none()
            && call.agg_order.is_empty()
            && !call.agg_star
            && !call.agg_distinct
            && !call.func_variadic;
        if !plain {
            return None;
        }
        let name = match call.name.as_slice() {
            [name] => name.as_str(),
            [schema, name] if schema == "pg_catalog" => name.as_str(),
            _ => return None,
        };
        if call.format == CoercionForm::SqlSyntax {
            return self.sql_syntax(name, &call.args);
        }
        const SEQUENCE: &[&str] = &["nextval", "currval", "setval"];
        let mut items = Vec::new();
        for (position, expr) in call.args.iter().enumerate() {
            let own = self.type_of(expr);
            if SEQUENCE.contains(&name) && position == 0 && own == Some(Oid::UNKNOWN) {
                let Expr::Const(AConst { value: ConstValue::String(text), .. }) = expr else { return None };
                items.push(format!("{}::regclass", quote_literal(&self.regclass(text))));
                continue;
            }
            let wanted = match own {
                Some(Oid::VARCHAR) => Some(Oid::TEXT),
                Some(Oid::UNKNOWN) => functions::only_type_at(name, call.args.len(), position),
                _ => None,
            };
            items.push(self.expr(expr, wanted));
        }
        Some(format!("{}({})", quote_identifier(name), items.join(", ")))
    }

    /// The calls that SQL has words for.
    fn sql_syntax(&self, name: &str, args: &[Expr]) -> Option<String> {
        Some(match (name, args) {
            ("timezone", [zone, value]) => {
                format!("({} AT TIME ZONE {})", self.expr(value, None), self.expr(zone, None))
            }
            ("extract", [Expr::Const(AConst { value: ConstValue::String(field), .. }), source]) => {
                format!("EXTRACT({} FROM {})", field.to_lowercase(), self.expr(source, None))
            }
            ("position", [haystack, needle]) => format!(
                "POSITION(({}) IN ({}))",
                self.expr(needle, Some(Oid::TEXT)),
                self.expr(haystack, Some(Oid::TEXT))
            ),
            _ => return None,
        })
    }

    fn case(&self, conditions: &[ast::CaseWhen], otherwise: Option<&Expr>) -> String {
        let results = conditions.iter().map(|w| &w.result).chain(otherwise);
        let known = results.filter_map(|e| self.type_of(e)).find(|t| *t != Oid::UNKNOWN);
        let mut text = "\nCASE".to_owned();
        for when in conditions {
            let (condition, result) = (self.expr(&when.expr, None), self.expr(&when.result, known));
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

/// A string constant; with a backslash it is written E'…'.
fn quote_literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    format!("'{quoted}'")
}
