//! Expressions over variables and constants alone, evaluated without the host: integers, booleans and texts.
//!
//! Owns: [`compile`], [`Simple`] and its evaluation, with PostgreSQL's errors (int.c, int8.c). What is not known here is no
//! simple expression. Must not know: statements.
//!
//! Operators are those of pg_catalog, which are found first for operands of exactly these types.

use std::borrow::Cow;

use crate::error::{Error, Result, SqlState};
use crate::limits::{memory, session, stack};
use crate::plpgsql::value::{DataType, TypeKind};
use crate::plpgsql::variables::Slot;
use crate::sql::syntax::ast::expression::{
    AExpr, AExprKind, BoolExpr, BoolExprType, BoolTestType, ConstValue, Expr, Field, Indirection, TypeName,
};
use crate::types::array_assign;
use crate::types::pg_type::{Oid, Scalar};
use crate::types::value::Value;

/// A simple expression, by the kind of its value.
#[derive(Clone, Debug)]
pub enum Simple {
    Integer(Integer, Width),
    Boolean(Boolean),
    /// Also of an unknown type: a string or NULL that nothing gives another type.
    Text(Text),
}

/// smallint, integer, bigint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Width {
    Two,
    Four,
    Eight,
}

#[derive(Clone, Debug)]
pub enum Integer {
    Constant(i64),
    Variable(u32),
    /// In the width of the result.
    Operation(Arithmetic, Width, Box<Integer>, Box<Integer>),
    Negation(Width, Box<Integer>),
    /// To a smaller width.
    Narrowed(Width, Box<Integer>),
    Element(Element),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

#[derive(Clone, Debug)]
pub enum Boolean {
    Constant(bool),
    /// What a comparison with NULL gives.
    Null,
    Variable(u32),
    Compare(Comparison, Box<Integer>, Box<Integer>),
    /// Texts have no order here: that is the collation's.
    SameText {
        negated: bool,
        left: Box<Text>,
        right: Box<Text>,
    },
    Same {
        negated: bool,
        left: Box<Boolean>,
        right: Box<Boolean>,
    },
    And(Vec<Boolean>),
    Or(Vec<Boolean>),
    Not(Box<Boolean>),
    IsNull {
        negated: bool,
        of: Box<Simple>,
    },
    /// IS NULL of any variable. A record is NULL if all of its fields are, and not NULL if none is.
    VariableIsNull {
        negated: bool,
        variable: u32,
    },
    Test(BoolTestType, Box<Boolean>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Debug)]
pub enum Text {
    Constant(String),
    /// NULL without a type.
    Null,
    Variable(u32),
    Concatenation(Box<Text>, Box<Text>),
    Integer(Box<Integer>),
    Boolean(Box<Boolean>),
    Element(Element),
}

/// An element of an array variable of one dimension.
#[derive(Clone, Debug)]
pub struct Element {
    variable: u32,
    scalar: Scalar,
    index: Box<Integer>,
    /// The first subscript.
    base: i64,
}

/// What names mean.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    pub number: u32,
    pub data_type: DataType,
    /// The first subscript of an array.
    pub base: i64,
}

/// The scalar variable that names mean.
pub type Lookup<'a> = &'a dyn Fn(&[&str]) -> Option<Found>;

// ----- compiling

/// The expression, if it is simple.
pub fn compile(expr: &Expr, lookup: Lookup<'_>) -> Option<Simple> {
    if stack::is_deep() {
        return None;
    }
    match expr {
        Expr::Const(constant) => compile_constant(&constant.value),
        Expr::ColumnRef(_) | Expr::ParamRef(_) => variable(&found(expr, lookup)?),
        Expr::Indirection(path) => match path.indirection.as_slice() {
            [Indirection::Index(index)] => compile_element(&found(&path.arg, lookup)?, index, lookup),
            _ => None,
        },
        Expr::AExpr(operation) if operation.kind == AExprKind::Op => compile_operation(operation, lookup),
        Expr::AExpr(operation) if operation.kind == AExprKind::In => compile_in(operation, lookup),
        Expr::Bool(expr) => compile_bool(expr, lookup).map(Simple::Boolean),
        Expr::NullTest(test) => compile_null_test(&test.arg, !test.is_null, lookup).map(Simple::Boolean),
        Expr::BooleanTest(test) => {
            let of = compile_boolean(&test.arg, lookup)?;
            Some(Simple::Boolean(Boolean::Test(test.test, Box::new(of))))
        }
        Expr::TypeCast(cast) => compile_cast(compile(&cast.arg, lookup)?, &cast.type_name),
        _ => None,
    }
}

fn compile_constant(value: &ConstValue) -> Option<Simple> {
    Some(match value {
        ConstValue::Integer(number) => Simple::Integer(Integer::Constant(i64::from(*number)), Width::Four),
        ConstValue::Float(digits) => Simple::Integer(Integer::Constant(digits.parse().ok()?), Width::Eight),
        ConstValue::Boolean(value) => Simple::Boolean(Boolean::Constant(*value)),
        ConstValue::String(text) => Simple::Text(Text::Constant(text.clone())),
        ConstValue::Null => Simple::Text(Text::Null),
        ConstValue::BitString(_) => return None,
    })
}

/// The variable that an expression is.
fn found(expr: &Expr, lookup: Lookup<'_>) -> Option<Found> {
    match expr {
        Expr::ColumnRef(column) => {
            let mut names = Vec::with_capacity(column.fields.len());
            for field in &column.fields {
                let Field::Name(name) = field else { return None };
                names.push(name.as_str());
            }
            lookup(&names)
        }
        Expr::ParamRef(param) => lookup(&[&format!("${}", param.number)]),
        _ => None,
    }
}

fn compile_element(array: &Found, index: &Expr, lookup: Lookup<'_>) -> Option<Simple> {
    let Simple::Integer(index, Width::Two | Width::Four) = compile(index, lookup)? else { return None };
    let repr = array.data_type.repr;
    let element = Element { variable: array.number, scalar: repr.scalar, index: Box::new(index), base: array.base };
    if array.data_type.kind != TypeKind::Base {
        return None;
    }
    Some(match repr.array_of? {
        Oid::INT2 => Simple::Integer(Integer::Element(element), Width::Two),
        Oid::INT4 => Simple::Integer(Integer::Element(element), Width::Four),
        Oid::INT8 => Simple::Integer(Integer::Element(element), Width::Eight),
        Oid::TEXT => Simple::Text(Text::Element(element)),
        _ => return None,
    })
}

fn variable(found: &Found) -> Option<Simple> {
    let Found { number, data_type, .. } = *found;
    if data_type.kind != TypeKind::Base {
        return None;
    }
    Some(match data_type.oid {
        Oid::INT2 => Simple::Integer(Integer::Variable(number), Width::Two),
        Oid::INT4 => Simple::Integer(Integer::Variable(number), Width::Four),
        Oid::INT8 => Simple::Integer(Integer::Variable(number), Width::Eight),
        Oid::BOOL => Simple::Boolean(Boolean::Variable(number)),
        Oid::TEXT => Simple::Text(Text::Variable(number)),
        _ => return None,
    })
}

fn compile_boolean(expr: &Expr, lookup: Lookup<'_>) -> Option<Boolean> {
    match compile(expr, lookup)? {
        Simple::Boolean(boolean) => Some(boolean),
        _ => None,
    }
}

fn compile_bool(expr: &BoolExpr, lookup: Lookup<'_>) -> Option<Boolean> {
    let mut args = expr.args.iter().map(|arg| compile_boolean(arg, lookup)).collect::<Option<Vec<Boolean>>>()?;
    match expr.op {
        BoolExprType::And => Some(Boolean::And(args)),
        BoolExprType::Or => Some(Boolean::Or(args)),
        BoolExprType::Not => Some(Boolean::Not(Box::new(args.pop()?))),
    }
}

fn compile_null_test(arg: &Expr, negated: bool, lookup: Lookup<'_>) -> Option<Boolean> {
    if let Some(of) = compile(arg, lookup) {
        return Some(Boolean::IsNull { negated, of: Box::new(of) });
    }
    let variable = found(arg, lookup)?.number;
    Some(Boolean::VariableIsNull { negated, variable })
}

fn compile_operation(operation: &AExpr, lookup: Lookup<'_>) -> Option<Simple> {
    let [operator] = operation.name.as_slice() else { return None };
    let right = compile(&operation.right, lookup)?;
    let Some(left) = &operation.left else {
        let Simple::Integer(integer, width) = right else { return None };
        return match operator.as_str() {
            "-" => Some(Simple::Integer(Integer::Negation(width, Box::new(integer)), width)),
            "+" => Some(Simple::Integer(integer, width)),
            _ => None,
        };
    };
    binary(operator, compile(left, lookup)?, right)
}

/// left IN (list): one comparison after the other.
fn compile_in(operation: &AExpr, lookup: Lookup<'_>) -> Option<Simple> {
    let ([operator], Expr::List(list)) = (operation.name.as_slice(), &operation.right) else { return None };
    let left = compile(operation.left.as_ref()?, lookup)?;
    let compare = |item| match binary(operator, left.clone(), compile(item, lookup)?)? {
        Simple::Boolean(boolean) => Some(boolean),
        _ => None,
    };
    let comparisons = list.iter().map(compare).collect::<Option<Vec<Boolean>>>()?;
    match operator.as_str() {
        "=" => Some(Simple::Boolean(Boolean::Or(comparisons))),
        "<>" => Some(Simple::Boolean(Boolean::And(comparisons))),
        _ => None,
    }
}

fn binary(operator: &str, left: Simple, right: Simple) -> Option<Simple> {
    match (left, right) {
        (Simple::Integer(left, a), Simple::Integer(right, b)) => integers(operator, left, right, a.max(b)),
        (Simple::Boolean(left), Simple::Boolean(right)) => {
            let (left, right) = (Box::new(left), Box::new(right));
            match comparison(operator)? {
                Comparison::Equal => Some(Simple::Boolean(Boolean::Same { negated: false, left, right })),
                Comparison::NotEqual => Some(Simple::Boolean(Boolean::Same { negated: true, left, right })),
                _ => None,
            }
        }
        (left, right) => texts(operator, left, right),
    }
}

fn integers(operator: &str, left: Integer, right: Integer, width: Width) -> Option<Simple> {
    let (left, right) = (Box::new(left), Box::new(right));
    if let Some(comparison) = comparison(operator) {
        return Some(Simple::Boolean(Boolean::Compare(comparison, left, right)));
    }
    let arithmetic = match operator {
        "+" => Arithmetic::Add,
        "-" => Arithmetic::Subtract,
        "*" => Arithmetic::Multiply,
        "/" => Arithmetic::Divide,
        "%" => Arithmetic::Modulo,
        _ => return None,
    };
    Some(Simple::Integer(Integer::Operation(arithmetic, width, left, right), width))
}

fn texts(operator: &str, left: Simple, right: Simple) -> Option<Simple> {
    let is_null = |simple: &Simple| matches!(simple, Simple::Text(Text::Null));
    match (is_null(&left), is_null(&right)) {
        (false, false) => {}
        (true, false) | (false, true) if comparison(operator).is_some() => return Some(Simple::Boolean(Boolean::Null)),
        // Which operator it is depends on the other's type.
        (true, _) if !matches!(right, Simple::Text(_)) => return None,
        (_, true) if !matches!(left, Simple::Text(_)) => return None,
        _ => {}
    }
    if operator == "||" {
        let (left, right) = (Box::new(as_text(left)), Box::new(as_text(right)));
        return Some(Simple::Text(Text::Concatenation(left, right)));
    }
    let (Simple::Text(left), Simple::Text(right)) = (left, right) else { return None };
    let negated = match comparison(operator)? {
        Comparison::Equal => false,
        Comparison::NotEqual => true,
        _ => return None,
    };
    Some(Simple::Boolean(Boolean::SameText { negated, left: Box::new(left), right: Box::new(right) }))
}

fn as_text(simple: Simple) -> Text {
    match simple {
        Simple::Text(text) => text,
        Simple::Integer(integer, _) => Text::Integer(Box::new(integer)),
        Simple::Boolean(boolean) => Text::Boolean(Box::new(boolean)),
    }
}

fn comparison(operator: &str) -> Option<Comparison> {
    Some(match operator {
        "=" => Comparison::Equal,
        "<>" | "!=" => Comparison::NotEqual,
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        ">" => Comparison::Greater,
        ">=" => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

/// A cast to one of the grammar's own integer types.
fn compile_cast(simple: Simple, type_name: &TypeName) -> Option<Simple> {
    let [schema, name] = type_name.names.as_slice() else { return None };
    let is_plain =
        type_name.typmods.is_empty() && type_name.array_bounds.is_empty() && !type_name.setof && !type_name.pct_type;
    if schema != "pg_catalog" || !is_plain {
        return None;
    }
    let to = match name.as_str() {
        "int2" => Width::Two,
        "int4" => Width::Four,
        "int8" => Width::Eight,
        _ => return None,
    };
    match simple {
        Simple::Integer(integer, from) if from <= to => Some(Simple::Integer(integer, to)),
        Simple::Integer(integer, _) => Some(Simple::Integer(Integer::Narrowed(to, Box::new(integer)), to)),
        _ => None,
    }
}

// ----- evaluating

impl Simple {
    /// Whether it is a constant, and then whether it is a string.
    pub fn constant(&self) -> Option<bool> {
        match self {
            Simple::Integer(Integer::Constant(_), _) => Some(false),
            Simple::Text(Text::Constant(_)) => Some(true),
            _ => None,
        }
    }

    /// The type of its value.
    pub fn data_type(&self) -> DataType {
        match self {
            Simple::Integer(_, Width::Two) => DataType::INT2,
            Simple::Integer(_, Width::Four) => DataType::INT4,
            Simple::Integer(_, Width::Eight) => DataType::INT8,
            Simple::Boolean(_) => DataType::BOOL,
            Simple::Text(_) => DataType::TEXT,
        }
    }

    pub fn evaluate(&self, slots: &[Slot]) -> Result<Value> {
        Ok(match self {
            Simple::Integer(integer, _) => integer.evaluate(slots)?.map_or(Value::Null, Value::Integer),
            Simple::Boolean(boolean) => {
                boolean.evaluate(slots)?.map_or(Value::Null, |value| Value::Integer(i64::from(value)))
            }
            Simple::Text(text) => text.evaluate(slots)?.map_or(Value::Null, |text| Value::Text(text.into_owned())),
        })
    }

    fn is_null(&self, slots: &[Slot]) -> Result<bool> {
        Ok(match self {
            Simple::Integer(integer, _) => integer.evaluate(slots)?.is_none(),
            Simple::Boolean(boolean) => boolean.evaluate(slots)?.is_none(),
            Simple::Text(text) => text.evaluate(slots)?.is_none(),
        })
    }
}

fn integer_variable(slots: &[Slot], number: u32) -> Option<i64> {
    match slots.get(number as usize) {
        Some(Slot::Scalar(Value::Integer(integer))) => Some(*integer),
        _ => None,
    }
}

impl Element {
    fn evaluate(&self, slots: &[Slot]) -> Result<Value> {
        let Some(index) = self.index.evaluate(slots)? else { return Ok(Value::Null) };
        match slots.get(self.variable as usize) {
            Some(Slot::Scalar(Value::Text(stored))) => {
                array_assign::get_element(stored, self.scalar, &[index - self.base + 1])
            }
            _ => Ok(Value::Null),
        }
    }
}

impl Integer {
    /// `None` is NULL.
    pub fn evaluate(&self, slots: &[Slot]) -> Result<Option<i64>> {
        match self {
            Integer::Constant(integer) => Ok(Some(*integer)),
            Integer::Variable(number) => Ok(integer_variable(slots, *number)),
            Integer::Element(element) => match element.evaluate(slots)? {
                Value::Integer(integer) => Ok(Some(integer)),
                _ => Ok(None),
            },
            Integer::Operation(arithmetic, width, left, right) => {
                match (left.evaluate(slots)?, right.evaluate(slots)?) {
                    (Some(left), Some(right)) => arithmetic.apply(*width, left, right).map(Some),
                    _ => Ok(None),
                }
            }
            Integer::Negation(width, of) => match of.evaluate(slots)? {
                Some(value) => width.checked(value.checked_neg()).map(Some),
                None => Ok(None),
            },
            Integer::Narrowed(width, of) => match of.evaluate(slots)? {
                Some(value) => width.checked(Some(value)).map(Some),
                None => Ok(None),
            },
        }
    }
}

impl Arithmetic {
    #[inline]
    fn apply(self, width: Width, left: i64, right: i64) -> Result<i64> {
        let result = match self {
            Arithmetic::Add => left.checked_add(right),
            Arithmetic::Subtract => left.checked_sub(right),
            Arithmetic::Multiply => left.checked_mul(right),
            Arithmetic::Divide | Arithmetic::Modulo if right == 0 => {
                return Err(Error::new(SqlState::DIVISION_BY_ZERO, "division by zero"));
            }
            Arithmetic::Divide => left.checked_div(right),
            // The smallest modulo -1 is 0.
            Arithmetic::Modulo => Some(left.wrapping_rem(right)),
        };
        width.checked(result)
    }
}

impl Width {
    /// 22003 if the value does not fit.
    #[inline]
    fn checked(self, value: Option<i64>) -> Result<i64> {
        let (fits, name) = match self {
            Width::Two => (value.is_some_and(|value| i16::try_from(value).is_ok()), "smallint"),
            Width::Four => (value.is_some_and(|value| i32::try_from(value).is_ok()), "integer"),
            Width::Eight => (value.is_some(), "bigint"),
        };
        match value {
            Some(value) if fits => Ok(value),
            _ => Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("{name} out of range"))),
        }
    }
}

impl Comparison {
    fn holds(self, left: i64, right: i64) -> bool {
        match self {
            Comparison::Equal => left == right,
            Comparison::NotEqual => left != right,
            Comparison::Less => left < right,
            Comparison::LessOrEqual => left <= right,
            Comparison::Greater => left > right,
            Comparison::GreaterOrEqual => left >= right,
        }
    }
}

impl Boolean {
    /// `None` is NULL.
    pub fn evaluate(&self, slots: &[Slot]) -> Result<Option<bool>> {
        Ok(match self {
            Boolean::Constant(value) => Some(*value),
            Boolean::Null => None,
            Boolean::Variable(number) => integer_variable(slots, *number).map(|value| value != 0),
            Boolean::Compare(comparison, left, right) => match (left.evaluate(slots)?, right.evaluate(slots)?) {
                (Some(left), Some(right)) => Some(comparison.holds(left, right)),
                _ => None,
            },
            Boolean::SameText { negated, left, right } => match (left.evaluate(slots)?, right.evaluate(slots)?) {
                (Some(left), Some(right)) => Some((left == right) != *negated),
                _ => None,
            },
            Boolean::Same { negated, left, right } => match (left.evaluate(slots)?, right.evaluate(slots)?) {
                (Some(left), Some(right)) => Some((left == right) != *negated),
                _ => None,
            },
            Boolean::And(args) => connective(args, false, slots)?,
            Boolean::Or(args) => connective(args, true, slots)?,
            Boolean::Not(of) => of.evaluate(slots)?.map(|value| !value),
            Boolean::IsNull { negated, of } => Some(of.is_null(slots)? != *negated),
            Boolean::VariableIsNull { negated, variable } => {
                let slot = slots.get(*variable as usize);
                Some(match slot {
                    Some(Slot::Record(Some(record), _)) => {
                        record.values.iter().all(|value| value.is_null() != *negated)
                    }
                    slot => slot.is_none_or(Slot::is_null) != *negated,
                })
            }
            Boolean::Test(test, of) => Some(holds(*test, of.evaluate(slots)?)),
        })
    }
}

/// AND is decided by a false, OR by a true one.
fn connective(args: &[Boolean], decisive: bool, slots: &[Slot]) -> Result<Option<bool>> {
    let mut result = Some(!decisive);
    for arg in args {
        match arg.evaluate(slots)? {
            Some(value) if value == decisive => return Ok(Some(decisive)),
            Some(_) => {}
            None => result = None,
        }
    }
    Ok(result)
}

fn holds(test: BoolTestType, value: Option<bool>) -> bool {
    match test {
        BoolTestType::IsTrue => value == Some(true),
        BoolTestType::IsNotTrue => value != Some(true),
        BoolTestType::IsFalse => value == Some(false),
        BoolTestType::IsNotFalse => value != Some(false),
        BoolTestType::IsUnknown => value.is_none(),
        BoolTestType::IsNotUnknown => value.is_some(),
    }
}

impl Text {
    /// `None` is NULL.
    pub fn evaluate<'a>(&'a self, slots: &'a [Slot]) -> Result<Option<Cow<'a, str>>> {
        Ok(match self {
            Text::Constant(text) => Some(Cow::Borrowed(text.as_str())),
            Text::Null => None,
            Text::Variable(number) => match slots.get(*number as usize) {
                Some(Slot::Scalar(Value::Text(text))) => Some(Cow::Borrowed(text.as_str())),
                _ => None,
            },
            Text::Element(element) => match element.evaluate(slots)? {
                Value::Text(text) => Some(Cow::Owned(text)),
                _ => None,
            },
            Text::Concatenation(left, right) => match (left.evaluate(slots)?, right.evaluate(slots)?) {
                (Some(left), Some(right)) => Some(Cow::Owned(concatenated(&left, &right)?)),
                _ => None,
            },
            Text::Integer(integer) => integer.evaluate(slots)?.map(|integer| Cow::Owned(integer.to_string())),
            Text::Boolean(boolean) => {
                boolean.evaluate(slots)?.map(|value| Cow::Borrowed(if value { "true" } else { "false" }))
            }
        })
    }
}

fn concatenated(left: &str, right: &str) -> Result<String> {
    let length = left.len().saturating_add(right.len());
    session::work(length)?;
    memory::room(left.len(), right.len())?;
    let mut text = String::with_capacity(length);
    text.push_str(left);
    text.push_str(right);
    Ok(text)
}
