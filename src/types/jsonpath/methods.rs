//! Arithmetic, and the item methods.
//!
//! Specification: executeBinaryArithmExpr, executeUnaryArithmExpr, executeNumericItemMethod, executeDateTimeMethod and
//! executeKeyValueMethod in PostgreSQL 15's jsonpath_exec.c.

use super::execute::{Executor, Found, Item, Status};
use super::moments::Moment;
use super::{Arithmetic, Chain, Method, Step};
use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;
use crate::types::datetime_template::parse_standard;
use crate::types::json::JsonValue;
use crate::types::number_text::parse_float8;
use crate::types::numeric::Numeric;

/// The one number of a sequence.
fn single_number(items: &[Item<'_>]) -> Result<Option<Numeric>> {
    match items {
        [Item::Json(JsonValue::Number(number))] => Numeric::parse(number).map(Some),
        _ => Ok(None),
    }
}

impl<'v> Executor<'v> {
    pub(super) fn arithmetic(
        &mut self,
        operator: Arithmetic,
        (left, right): (&'v Chain, &'v Chain),
        rest: &'v [Step],
        item: Item<'v>,
        found: Found<'_, 'v>,
    ) -> Result<Status> {
        let (mut lefts, mut rights) = (Vec::new(), Vec::new());
        if self.operand(left, item, true, Some(&mut lefts))? == Status::Error
            || self.operand(right, item, true, Some(&mut rights))? == Status::Error
        {
            return Ok(Status::Error);
        }
        let not_single = |executor: &Self, side: &str| {
            executor.fail(SqlState::SINGLETON_SQL_JSON_ITEM_REQUIRED, || {
                let symbol = operator.symbol();
                format!("{side} operand of jsonpath operator {symbol} is not a single numeric value")
            })
        };
        let Some(left) = single_number(&lefts)? else { return not_single(self, "left") };
        let Some(right) = single_number(&rights)? else { return not_single(self, "right") };
        let result = match operator {
            Arithmetic::Add => left.add(&right),
            Arithmetic::Sub => left.sub(&right),
            Arithmetic::Mul => left.mul(&right),
            Arithmetic::Div => left.div(&right),
            Arithmetic::Mod => left.rem(&right),
        };
        match result {
            Ok(number) => {
                let number = self.number(&number);
                self.next(rest, number, found)
            }
            Err(error) => self.fail_with(error),
        }
    }

    /// `+` and `-` before an operand, for each of its items.
    pub(super) fn signed(
        &mut self,
        operand: &'v Chain,
        negative: bool,
        rest: &'v [Step],
        item: Item<'v>,
        mut found: Found<'_, 'v>,
    ) -> Result<Status> {
        let mut items = Vec::new();
        if self.operand(operand, item, true, Some(&mut items))? == Status::Error {
            return Ok(Status::Error);
        }
        let only_status = rest.is_empty() && found.is_none();
        let mut status = Status::NotFound;
        for item in items {
            limits::work(32)?;
            let Item::Json(JsonValue::Number(number)) = item else {
                if only_status {
                    continue;
                }
                return self.fail(SqlState::SQL_JSON_NUMBER_NOT_FOUND, || {
                    let symbol = if negative { "-" } else { "+" };
                    format!("operand of unary jsonpath operator {symbol} is not a numeric value")
                });
            };
            if only_status {
                return Ok(Status::Ok);
            }
            let item = if negative { self.number(&Numeric::parse(number)?.neg()) } else { item };
            match self.next(rest, item, found.as_deref_mut())? {
                Status::Error => return Ok(Status::Error),
                Status::Ok if found.is_none() => return Ok(Status::Ok),
                Status::Ok => status = Status::Ok,
                Status::NotFound => {}
            }
        }
        Ok(status)
    }

    pub(super) fn method(
        &mut self,
        method: Method,
        rest: &'v [Step],
        item: Item<'v>,
        found: Found<'_, 'v>,
    ) -> Result<Status> {
        match method {
            Method::Type => {
                let name = self.keep(JsonValue::Text(item.type_name().to_owned()));
                self.next(rest, Item::Json(name), found)
            }
            Method::Size => {
                let size = match item {
                    Item::Json(JsonValue::Array(elements)) => elements.len(),
                    _ if self.lax => 1,
                    _ => {
                        return self.structural(
                            SqlState::SQL_JSON_ARRAY_NOT_FOUND,
                            "jsonpath item method .size() can only be applied to an array",
                        );
                    }
                };
                let size = self.number(&Numeric::from(size as i64));
                self.next(rest, size, found)
            }
            Method::Double => self.double(rest, item, found),
            Method::KeyValue => self.key_value(rest, item, found),
            Method::Abs | Method::Ceiling | Method::Floor => {
                let Item::Json(JsonValue::Number(number)) = item else {
                    return self.fail(SqlState::NON_NUMERIC_SQL_JSON_ITEM, || {
                        format!("jsonpath item method .{}() can only be applied to a numeric value", method.name())
                    });
                };
                let number = Numeric::parse(number)?;
                let number = match method {
                    Method::Abs => number.abs(),
                    Method::Ceiling => number.ceil()?,
                    _ => number.floor()?,
                };
                let number = self.number(&number);
                self.next(rest, number, found)
            }
        }
    }

    fn double(&mut self, rest: &'v [Step], item: Item<'v>, found: Found<'_, 'v>) -> Result<Status> {
        let code = SqlState::NON_NUMERIC_SQL_JSON_ITEM;
        let finite = |text: &str| parse_float8(text).ok().filter(|value| value.is_finite());
        match item {
            Item::Json(JsonValue::Number(number)) => match finite(number) {
                Some(_) => self.next(rest, item, found),
                None => self.fail(code, || {
                    let what = "numeric argument of jsonpath item method .double()";
                    format!("{what} is out of range for type double precision")
                }),
            },
            Item::Json(JsonValue::Text(text)) => match finite(text) {
                Some(value) => {
                    let number = self.number(&Numeric::from_f64(value));
                    self.next(rest, number, found)
                }
                None => self.fail(code, || {
                    let what = "string argument of jsonpath item method .double()";
                    format!("{what} is not a valid representation of a double precision number")
                }),
            },
            _ => self.fail(code, || {
                "jsonpath item method .double() can only be applied to a string or numeric value".to_owned()
            }),
        }
    }

    pub(super) fn datetime(
        &mut self,
        template: Option<&str>,
        rest: &'v [Step],
        item: Item<'v>,
        found: Found<'_, 'v>,
    ) -> Result<Status> {
        let code = SqlState::INVALID_ARGUMENT_FOR_SQL_JSON_DATETIME_FUNCTION;
        let Item::Json(JsonValue::Text(text)) = item else {
            return self.fail(code, || "jsonpath item method .datetime() can only be applied to a string".to_owned());
        };
        let moment = match template {
            // A template that is none is an error that cannot be suppressed.
            Some(template) => match Moment::read(text, &parse_standard(template)?) {
                Ok(moment) => moment,
                Err(error) => return self.fail_with(error),
            },
            None => match Moment::read_iso(text)? {
                Some(moment) => moment,
                None => {
                    let message = format!("datetime format is not recognized: \"{text}\"");
                    let hint = "Use a datetime template argument to specify the input data format.";
                    return self.fail_with(Error::new(code, message).with_hint(hint));
                }
            },
        };
        self.next(rest, Item::Moment(moment), found)
    }

    /// `{"id": …, "key": …, "value": …}` for each member.
    fn key_value(&mut self, rest: &'v [Step], item: Item<'v>, mut found: Found<'_, 'v>) -> Result<Status> {
        let Item::Json(object @ JsonValue::Object(members)) = item else {
            return self.fail(SqlState::SQL_JSON_OBJECT_NOT_FOUND, || {
                "jsonpath item method .keyvalue() can only be applied to an object".to_owned()
            });
        };
        let offset = match self.base.value {
            Some(base) if !members.is_empty() => self.offsets.of(base, object)?,
            _ => 0,
        };
        let id = Numeric::from(offset + self.base.id * 10_000_000_000).to_string();
        let mut status = Status::NotFound;
        for (key, value) in members {
            status = Status::Ok;
            if rest.is_empty() && found.is_none() {
                break;
            }
            limits::work(key.len() + 128)?;
            let pair = self.keep(JsonValue::Object(vec![
                ("id".to_owned(), JsonValue::Number(id.clone())),
                ("key".to_owned(), JsonValue::Text(key.clone())),
                ("value".to_owned(), value.clone()),
            ]));
            let pair_id = self.next_base;
            self.next_base += 1;
            let base = self.set_base(Item::Json(pair), pair_id);
            let result = self.next(rest, Item::Json(pair), found.as_deref_mut());
            self.base = base;
            status = result?;
            if status == Status::Error || status == Status::Ok && found.is_none() {
                break;
            }
        }
        Ok(status)
    }
}
