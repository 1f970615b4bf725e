//! A server for tests: types, some functions and two tables' worth of answers, in memory.
//!
//! Owns: [`TestHost`]. What it answers is what the schema of `scripts/record-plpgsql` answers.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{Error, Notice, Result, SqlState};
use crate::plpgsql::call::{Call, Returned};
use crate::plpgsql::compile::compile;
use crate::plpgsql::function::{Options, Parameter, ParameterMode, RoutineKind, Signature};
use crate::plpgsql::host::{Answer, Command, Direction, Host, Member, Output, Source, Types};
use crate::plpgsql::interpret::execute;
use crate::plpgsql::query::Query;
use crate::plpgsql::simple::{self, Found};
use crate::plpgsql::value::{Column, DataType, Record, TypeKind, Typed};
use crate::plpgsql::variables::{Argument, Reference, Variables};
use crate::sql::syntax::ast::expression::{AConst, ConstValue, Expr, Field};
use crate::sql::syntax::ast::query::SelectBody;
use crate::sql::syntax::ast::statement::Stmt;
use crate::sql::syntax::lexer::tokens;
use crate::sql::syntax::parse;
use crate::types::array::push_element;
use crate::types::encoding;
use crate::types::format::{Format, FormatSettings};
use crate::types::pg_type::{Oid, Repr, Scalar, type_by_name, type_info};
use crate::types::value::Value;

const SAMPLE: Oid = Oid(90_001);
const PAIR: Oid = Oid(90_002);

/// An open cursor.
struct Opened {
    columns: Arc<[Column]>,
    rows: Vec<Vec<Value>>,
    /// The row it stands on, from 1.
    at: usize,
}

#[derive(Default)]
pub struct TestHost {
    pub notices: Vec<Notice>,
    pub rows: Vec<Vec<Value>>,
    /// What happened to subtransactions.
    pub blocks: Vec<&'static str>,
    cursors: HashMap<String, Opened>,
    opened: usize,
}

/// A test's signature as `function(a int, out b text) returns setof int`, `procedure(…)` or `do`.
pub fn signature(header: &str, types: &mut dyn Types) -> Signature {
    let (kind, rest) = match header.split_once('(') {
        None => (RoutineKind::Inline, ""),
        Some(("procedure", rest)) => (RoutineKind::Procedure, rest),
        Some((_, rest)) => (RoutineKind::Function, rest),
    };
    let (list, returns) = rest.rsplit_once(") returns ").unwrap_or((rest.trim_end_matches(')'), "void"));
    let parameters: Vec<Parameter> =
        list.split(", ").filter(|item| !item.is_empty()).map(|item| parameter(item, types)).collect();
    let (returns_set, returns) = returns.strip_prefix("setof ").map_or((false, returns), |returns| (true, returns));
    let inputs = parameters.iter().filter(|p| matches!(p.mode, ParameterMode::In | ParameterMode::InOut));
    let shown: Vec<String> = inputs.map(|parameter| types.display(&parameter.data_type)).collect();
    let kind = if returns == "trigger" { RoutineKind::Trigger } else { kind };
    let (name, display) = match kind {
        RoutineKind::Inline => ("inline_code_block".to_owned(), "inline_code_block".to_owned()),
        _ => ("f".to_owned(), format!("f({})", shown.join(","))),
    };
    Signature {
        name,
        display,
        kind,
        parameters,
        returns: polymorphic(types.named(returns).unwrap()),
        returns_set,
        returns_polymorphic: returns == "anyelement",
    }
}

fn parameter(item: &str, types: &mut dyn Types) -> Parameter {
    let words: Vec<&str> = item.split(' ').collect();
    let (mode, rest) = match words.as_slice() {
        ["out", rest @ ..] => (ParameterMode::Out, rest),
        ["inout", rest @ ..] => (ParameterMode::InOut, rest),
        rest => (ParameterMode::In, rest),
    };
    let data_type = polymorphic(types.named(rest[1]).unwrap());
    Parameter { name: Some(rest[0].to_owned()), mode, data_type }
}

/// anyelement is an integer here, as when a function is validated.
fn polymorphic(data_type: DataType) -> DataType {
    if data_type.oid == Oid::ANYELEMENT { DataType::INT4 } else { data_type }
}

fn known(oid: Oid, typmod: i32) -> Option<DataType> {
    let composite = |oid| DataType { oid, typmod: -1, repr: Repr::scalar(Scalar::Record), kind: TypeKind::Composite };
    if oid == SAMPLE || oid == PAIR {
        return Some(composite(oid));
    }
    let info = type_info(oid)?;
    let kind = match (oid, info.kind) {
        (Oid::RECORD, _) => TypeKind::Record,
        (_, b'p') => TypeKind::Pseudo,
        _ => TypeKind::Base,
    };
    Some(DataType { oid, typmod, repr: info.repr, kind })
}

impl Types for TestHost {
    fn named(&mut self, written: &str) -> Result<DataType> {
        let parsed = parse::type_name(written)?;
        let (name, schema) = parsed.names.split_last().unwrap();
        if schema.first().is_some_and(|schema| schema != "pg_catalog" && schema != "public") {
            let message = format!("schema \"{}\" does not exist", schema[0]);
            return Err(Error::new(SqlState::INVALID_SCHEMA_NAME, message));
        }
        let found = match name.as_str() {
            "sample" => known(SAMPLE, -1),
            "pair" => known(PAIR, -1),
            "refcursor" => Some(DataType::REFCURSOR),
            "cstring" => known(Oid(2275), -1),
            name => type_by_name(name).and_then(|info| known(info.oid, -1)),
        };
        let found =
            found.ok_or_else(|| Error::new(SqlState::UNDEFINED_OBJECT, format!("type \"{name}\" does not exist")))?;
        if parsed.array_bounds.is_empty() {
            return Ok(found);
        }
        let array = type_info(found.oid).map_or(Oid(90_003), |info| info.array);
        Ok(known(array, -1).unwrap_or(DataType { repr: Repr::array(found.oid, Scalar::Text), oid: array, ..found }))
    }

    fn of_column(&mut self, names: &[String]) -> Result<Option<DataType>> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Ok(match names.as_slice() {
            ["sample", "a"] | ["public", "sample", "a"] => Some(DataType::INT4),
            ["sample", "b"] | ["public", "sample", "b"] => Some(DataType::TEXT),
            _ => None,
        })
    }

    fn of_row(&mut self, names: &[String]) -> Result<DataType> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        match names.as_slice() {
            ["sample"] | ["public", "sample"] => known(SAMPLE, -1).ok_or_else(|| Error::internal("no sample")),
            [schema, _] => {
                Err(Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{schema}\" does not exist")))
            }
            _ => Err(Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{}\" does not exist", names.join(".")))),
        }
    }

    fn by_oid(&mut self, oid: Oid, typmod: i32) -> Result<DataType> {
        known(oid, typmod).ok_or_else(|| Error::internal("no such type"))
    }

    fn columns(&mut self, composite: Oid) -> Result<Arc<[Column]>> {
        let names = if composite == SAMPLE { ["a", "b"] } else { ["x", "y"] };
        let [first, second] = names;
        Ok(Arc::from([Column::new(first, DataType::INT4), Column::new(second, DataType::TEXT)]))
    }

    fn display(&mut self, data_type: &DataType) -> String {
        match data_type.oid {
            SAMPLE => "sample".to_owned(),
            PAIR => "pair".to_owned(),
            oid => type_info(oid).map_or_else(String::new, |info| info.sql_name.to_owned()),
        }
    }

    fn collation(&mut self, names: &[String]) -> Result<()> {
        match names.join(".").as_str() {
            "C" => Ok(()),
            name => {
                let message = format!("collation \"{name}\" for encoding \"UTF8\" does not exist");
                Err(Error::new(SqlState::UNDEFINED_OBJECT, message))
            }
        }
    }

    fn is_collatable(&mut self, data_type: &DataType) -> bool {
        data_type.oid == Oid::TEXT
    }
}

impl TestHost {
    /// What a query gives: a table's rows by its text, or a list of expressions.
    fn answer(&mut self, sql: &str, scope: Option<(&Query, Variables<'_>)>, using: &[Typed]) -> Result<Answer> {
        let ab: Arc<[Column]> = Arc::from([Column::new("a", DataType::INT4), Column::new("b", DataType::TEXT)]);
        let row = |a, b: &str| vec![Value::Integer(a), Value::Text(b.to_owned())];
        let words = sql.split_whitespace().collect::<Vec<&str>>().join(" ");
        let rows = match words.to_ascii_lowercase().as_str() {
            "select * from sample" | "select * from sample order by a" => {
                vec![row(1, "one"), row(2, "two"), row(3, "three")]
            }
            "select * from sample where a = 2" => vec![row(2, "two")],
            "select * from sample where false" => vec![],
            "insert into sample values (4, 'four') returning *" => {
                return Ok(Answer {
                    command: Command::Modify,
                    tag: "INSERT",
                    columns: Some(ab),
                    rows: vec![row(4, "four")],
                    processed: 1,
                });
            }
            "insert into sample values (4, 'four')" => {
                return Ok(Answer { command: Command::Modify, tag: "INSERT", processed: 1, ..Answer::default() });
            }
            "update sample set a = a" => {
                return Ok(Answer { command: Command::Modify, tag: "UPDATE", processed: 3, ..Answer::default() });
            }
            "create temp table made (a int)" => return Ok(Answer { tag: "CREATE TABLE", ..Answer::default() }),
            "savepoint x" => return Ok(Answer { command: Command::Transaction, ..Answer::default() }),
            "copy sample to stdout" => return Ok(Answer { command: Command::CopyClient, ..Answer::default() }),
            _ => return self.list(sql, scope, using),
        };
        let processed = rows.len() as u64;
        Ok(Answer { command: Command::Select, tag: "SELECT", columns: Some(ab), rows, processed })
    }

    /// SELECT expression, …
    fn list(&mut self, sql: &str, scope: Option<(&Query, Variables<'_>)>, using: &[Typed]) -> Result<Answer> {
        let Some(Stmt::Select(select)) = parse::statement(sql, &tokens(sql, true))? else {
            return Err(Error::internal(format!("no answer to {sql}")));
        };
        let SelectBody::Select(body) = &select.body else { return Err(Error::internal(format!("no answer to {sql}"))) };
        if !body.from.is_empty() {
            return Err(Error::internal(format!("no answer to {sql}")));
        }
        let (mut columns, mut row) = (Vec::new(), Vec::new());
        for target in &body.targets {
            let expr = target.value.as_ref().unwrap();
            let value = self.value(expr, scope, using)?;
            let name = match (&target.name, expr) {
                (Some(name), _) => name.clone(),
                (None, Expr::ColumnRef(column)) => last_name(&column.fields),
                (None, Expr::FuncCall(call)) => call.name.last().cloned().unwrap_or_default(),
                _ => "?column?".to_owned(),
            };
            columns.push(Column { name, data_type: value.data_type, fields: value.fields });
            row.push(value.value);
        }
        Ok(Answer {
            command: Command::Select,
            tag: "SELECT",
            columns: Some(Arc::from(columns)),
            rows: vec![row],
            processed: 1,
        })
    }

    fn value(&mut self, expr: &Expr, scope: Option<(&Query, Variables<'_>)>, using: &[Typed]) -> Result<Typed> {
        match expr {
            Expr::ColumnRef(column) => {
                let names: Vec<String> = column.fields.iter().map(field_name).collect();
                let parts: Vec<&str> = names.iter().map(String::as_str).collect();
                let reference = scope.and_then(|(query, variables)| variables.lookup(query, &parts));
                let Some((reference, (_, variables))) = reference.zip(scope) else {
                    let message = format!("column \"{}\" does not exist", names.join("."));
                    let position = column.location.byte().unwrap_or(0) as u32 + 1;
                    return Err(Error::new(SqlState::UNDEFINED_COLUMN, message).with_position(position));
                };
                self.referenced(&reference, variables)
            }
            Expr::ParamRef(param) => using.get(param.number as usize - 1).cloned().ok_or_else(|| {
                let message = format!("there is no parameter ${}", param.number);
                let position = param.location.byte().unwrap_or(0) as u32 + 1;
                Error::new(SqlState::UNDEFINED_PARAMETER, message).with_position(position)
            }),
            Expr::Array(array) => {
                let mut stored = String::from("[");
                for (index, element) in array.elements.iter().enumerate() {
                    let value = self.value(element, scope, using)?;
                    stored.push_str(if index > 0 { "," } else { "" });
                    match &value.value {
                        // An array of arrays.
                        Value::Text(inner) if value.data_type.repr.array_of.is_some() => stored.push_str(inner),
                        element => push_element(&mut stored, Scalar::Int4, element.as_ref())?,
                    }
                }
                stored.push(']');
                Ok(Typed::new(known(Oid::INT4_ARRAY, -1).unwrap(), Value::Text(stored)))
            }
            Expr::Row(row) => {
                let (mut columns, mut values) = (Vec::new(), Vec::new());
                for (index, arg) in row.args.iter().enumerate() {
                    let value = self.value(arg, scope, using)?;
                    columns.push(Column::new(format!("f{}", index + 1), value.data_type));
                    values.push(value.value);
                }
                let value = self.compose(&columns, &values)?;
                Ok(Typed { data_type: DataType::RECORD, value, fields: Some(Arc::from(columns)) })
            }
            Expr::FuncCall(call) if call.name == ["inner_raise"] => {
                let argument = self.value(&call.args[0], scope, using)?;
                self.inner_raise(argument.value)
            }
            Expr::TypeCast(cast) => {
                let value = self.value(&cast.arg, scope, using)?;
                let to = self.named(cast.type_name.names.last().unwrap())?;
                let to = match cast.type_name.array_bounds.is_empty() {
                    true => to,
                    false => known(type_info(to.oid).unwrap().array, -1).unwrap(),
                };
                Ok(Typed::new(to, self.cast(value, &to)?))
            }
            Expr::NullTest(test) => {
                let value = self.value(&test.arg, scope, using)?;
                let is_null = value.value.is_null() == test.is_null;
                Ok(Typed::new(DataType::BOOL, Value::Integer(i64::from(is_null))))
            }
            Expr::Const(AConst { value: ConstValue::Float(digits), .. }) if digits.contains('.') => {
                Ok(Typed::new(known(Oid::NUMERIC, -1).unwrap(), Value::Text(digits.clone())))
            }
            expr => {
                if let Expr::AExpr(operation) = expr {
                    // For names that mean nothing.
                    operation.left.as_ref().map(|left| self.value(left, scope, using)).transpose()?;
                }
                let lookup = |names: &[&str]| -> Option<Found> {
                    let (query, variables) = scope?;
                    let reference = variables.lookup(query, names)?;
                    let Reference::Variable(number) = reference else { return None };
                    Some(Found { number, data_type: variables.data_type(&reference).ok()?, base: 1 })
                };
                let slots = scope.map_or(&[][..], |(_, variables)| variables.slots);
                match simple::compile(expr, &lookup) {
                    Some(simple) => Ok(Typed::new(simple.data_type(), simple.evaluate(slots)?)),
                    None => Err(Error::internal("an expression that tests do not know")),
                }
            }
        }
    }

    fn referenced(&mut self, reference: &Reference, variables: Variables<'_>) -> Result<Typed> {
        let data_type = variables.data_type(reference)?;
        let fields = variables.columns(reference)?;
        let value = match variables.value(reference)? {
            Argument::Scalar(value) => value.clone(),
            Argument::Record(None) => Value::Null,
            Argument::Record(Some(Record { columns, values, .. })) => self.compose(columns, values)?,
        };
        Ok(Typed { data_type, value, fields })
    }

    /// The function of that name, as `scripts/record-plpgsql` makes it.
    fn inner_raise(&mut self, argument: Value) -> Result<Typed> {
        let body =
            "\nbegin raise notice 'inner %', a; if a > 8 then raise exception 'too much'; end if; return a; end ";
        let mut of = signature("function(a int) returns int", self);
        (of.name, of.display) = ("inner_raise".to_owned(), "inner_raise(integer)".to_owned());
        let function = compile(body, of, Options::default(), self)?;
        let call = Call { arguments: vec![argument], ..Call::default() };
        match execute(&function, &call, self)? {
            Returned::Scalar(value) => Ok(Typed::new(DataType::INT4, value)),
            _ => Err(Error::internal("no value")),
        }
    }

    fn answer_to(&mut self, source: Source<'_>) -> Result<Answer> {
        match source {
            Source::Query(query, variables) => self.answer(&query.sql, Some((query, variables)), &[]),
            Source::Text(text, using) => self.answer(text, None, using),
        }
    }
}

fn field_name(field: &Field) -> String {
    match field {
        Field::Name(name) => name.clone(),
        Field::Star => "*".to_owned(),
    }
}

fn last_name(fields: &[Field]) -> String {
    fields.last().map(field_name).unwrap_or_default()
}

impl Host for TestHost {
    fn run(&mut self, source: Source<'_>, _limit: Option<u64>) -> Result<Answer> {
        self.answer_to(source)
    }

    fn call(&mut self, query: &Query, _: Variables<'_>) -> Result<Vec<Output>> {
        let value = |value| Typed::new(DataType::INT4, Value::Integer(value));
        let output = |argument, value| Output { argument, name: Some("b".to_owned()), place: argument + 1, value };
        match query.sql.starts_with("call two(") {
            true => Ok(vec![output(0, value(10)), output(1, value(20))]),
            false => Ok(Vec::new()),
        }
    }

    fn open(&mut self, name: Option<&str>, source: Source<'_>, _scroll: Option<bool>) -> Result<String> {
        let answer = self.answer_to(source)?;
        self.opened += 1;
        let name = name.map_or_else(|| format!("<unnamed portal {}>", self.opened), str::to_owned);
        let opened = Opened { columns: answer.columns.unwrap_or_else(|| Arc::from([])), rows: answer.rows, at: 0 };
        self.cursors.insert(name.clone(), opened);
        Ok(name)
    }

    fn is_open(&mut self, name: &str) -> bool {
        self.cursors.contains_key(name)
    }

    fn fetch(&mut self, name: &str, direction: Direction, is_move: bool) -> Result<Answer> {
        let cursor = self.cursors.get_mut(name).ok_or_else(|| Error::internal("no such cursor"))?;
        let length = cursor.rows.len();
        let (at, count) = match direction {
            Direction::Forward(count) => (cursor.at, count.max(0) as usize),
            Direction::Backward(_) => (cursor.at.saturating_sub(2), 1),
            Direction::Absolute(place) if place < 0 => (length - 1, 1),
            Direction::Absolute(place) => (place as usize - 1, 1),
            Direction::Relative(by) => ((cursor.at as i64 + by - 1).max(0) as usize, 1),
        };
        let end = at.saturating_add(count).min(length);
        let rows: Vec<Vec<Value>> = cursor.rows.get(at..end).map_or_else(Vec::new, <[_]>::to_vec);
        cursor.at = if rows.is_empty() { length + 1 } else { end };
        let processed = rows.len() as u64;
        let rows = if is_move { Vec::new() } else { rows };
        Ok(Answer {
            command: Command::Select,
            tag: "FETCH",
            columns: Some(Arc::clone(&cursor.columns)),
            rows,
            processed,
        })
    }

    fn close(&mut self, name: &str) -> Result<()> {
        self.cursors.remove(name);
        Ok(())
    }

    fn cast(&mut self, value: Typed, to: &DataType) -> Result<Value> {
        if value.value.is_null() {
            return Ok(Value::Null);
        }
        let same = value.data_type.repr.scalar == to.repr.scalar && value.data_type.repr.array_of == to.repr.array_of;
        match (&value.value, to.oid) {
            (Value::Integer(integer), Oid::INT4) if i32::try_from(*integer).is_err() => {
                Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range"))
            }
            (Value::Integer(integer), Oid::INT2) if i16::try_from(*integer).is_err() => {
                Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "smallint out of range"))
            }
            (Value::Integer(_), Oid::INT2 | Oid::INT4 | Oid::INT8) if value.data_type.oid != Oid::BOOL => {
                Ok(value.value)
            }
            (Value::Text(_), _) if same || to.is_row() => Ok(value.value),
            _ => {
                let text = self.text(&value)?;
                let settings = FormatSettings::default();
                let info = type_info(to.oid);
                encoding::decode(
                    to.repr,
                    info.map_or("", |info| info.sql_name),
                    Format::Text,
                    text.as_bytes(),
                    &settings,
                )
            }
        }
    }

    fn text(&mut self, value: &Typed) -> Result<String> {
        if let (Value::Text(text), Scalar::Record | Scalar::Text, None) =
            (&value.value, value.data_type.repr.scalar, value.data_type.repr.array_of)
        {
            return Ok(text.clone());
        }
        let mut out = bytes::BytesMut::new();
        encoding::encode(
            value.data_type.repr,
            Format::Text,
            value.value.as_ref(),
            &FormatSettings::default(),
            &mut out,
        )?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    /// Tests have no values that need quotes.
    fn compose(&mut self, columns: &[Column], values: &[Value]) -> Result<Value> {
        let mut parts = Vec::new();
        for (column, value) in columns.iter().zip(values) {
            parts.push(match value {
                Value::Null => String::new(),
                value => self.text(&Typed::new(column.data_type, value.clone()))?,
            });
        }
        Ok(Value::Text(format!("({})", parts.join(","))))
    }

    fn decompose(&mut self, columns: &[Column], value: &Value) -> Result<Vec<Value>> {
        let Value::Text(text) = value else { return Err(Error::internal("no row")) };
        let inner = text.trim_start_matches('(').trim_end_matches(')');
        let mut values = Vec::new();
        for (column, part) in columns.iter().zip(inner.split(',')) {
            let value = if part.is_empty() { Value::Null } else { Value::Text(part.to_owned()) };
            values.push(self.cast(Typed::new(DataType::UNKNOWN, value), &column.data_type)?);
        }
        Ok(values)
    }

    fn pin(&mut self, _: &str, _: bool) {}

    fn assign_member(&mut self, _: Option<&str>, _: Vec<Member>, _: &str) -> Result<Value> {
        Err(Error::internal("no jsonb here"))
    }

    fn begin_block(&mut self) -> Result<()> {
        self.blocks.push("begin");
        Ok(())
    }

    fn release_block(&mut self) -> Result<()> {
        self.blocks.push("release");
        Ok(())
    }

    fn rollback_block(&mut self) -> Result<()> {
        self.blocks.push("rollback");
        Ok(())
    }

    fn commit(&mut self, _chain: bool) -> Result<()> {
        Err(Error::new(SqlState(*b"2D000"), "invalid transaction termination"))
    }

    fn rollback(&mut self, chain: bool) -> Result<()> {
        self.commit(chain)
    }

    fn notice(&mut self, notice: Notice) {
        self.notices.push(notice);
    }

    fn emit(&mut self, row: Vec<Value>) -> Result<()> {
        self.rows.push(row);
        Ok(())
    }
}
