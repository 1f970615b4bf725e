//! Runs a path over a value: the accessors, and how their results go on to the next.
//!
//! Owns: [`Item`], [`Arguments`], the executor. Predicates are in `predicate`, arithmetic and methods in `methods`.
//! Specification: jsonpath_exec.c in PostgreSQL 15, function by function: which errors are raised, and in which order, is
//! a matter of when it looks at what.

use std::cell::OnceCell;
use std::fmt;

use super::layout::Offsets;
use super::moments::Moment;
use super::{Chain, JsonPath, LAST_LEVEL, Step};
use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;
use crate::limits::stack;
use crate::types::format::FormatSettings;
use crate::types::json::JsonValue;
use crate::types::numeric::Numeric;

/// What a path runs on besides the value.
#[derive(Clone, Copy, Debug)]
pub struct Arguments<'v> {
    /// An object of the variables; without one every variable is null.
    pub variables: Option<&'v JsonValue>,
    /// Errors that the language can suppress are.
    pub silent: bool,
    /// Times with and without time zone may be compared (the functions whose names end in _tz).
    pub zoned: bool,
    pub settings: &'v FormatSettings,
}

/// An SQL/JSON item: a JSON value, or a date or time.
#[derive(Clone, Copy, Debug)]
pub enum Item<'v> {
    Json(&'v JsonValue),
    Moment(Moment),
}

impl Item<'_> {
    /// The value, if it is a boolean; null is the unknown one.
    pub fn as_bool(&self) -> Option<Option<bool>> {
        match self {
            Item::Json(JsonValue::Bool(value)) => Some(Some(*value)),
            Item::Json(JsonValue::Null) => Some(None),
            _ => None,
        }
    }

    /// What `.type()` says.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Item::Json(JsonValue::Null) => "null",
            Item::Json(JsonValue::Bool(_)) => "boolean",
            Item::Json(JsonValue::Number(_)) => "number",
            Item::Json(JsonValue::Text(_)) => "string",
            Item::Json(JsonValue::Array(_)) => "array",
            Item::Json(JsonValue::Object(_)) => "object",
            Item::Moment(moment) => moment.type_name(),
        }
    }
}

/// As jsonb prints it.
impl fmt::Display for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Item::Json(value) => value.fmt(f),
            Item::Moment(moment) => write!(f, "\"{moment}\""),
        }
    }
}

/// What a step came to (JsonPathExecResult).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    NotFound,
    /// One that was suppressed.
    Error,
}

/// Where items go; without a list only the status is wanted, and the first item is enough.
pub(super) type Found<'f, 'v> = Option<&'f mut Vec<Item<'v>>>;

/// Values made while the path runs, each behind the one before.
struct Made {
    value: JsonValue,
    next: OnceCell<Box<Made>>,
}

impl Drop for Made {
    /// One after the other: their number is not bounded by the stack.
    fn drop(&mut self) {
        let mut next = self.next.take();
        while let Some(mut made) = next {
            next = made.next.take();
        }
    }
}

/// The state of one execution (JsonPathExecContext).
pub(super) struct Executor<'v> {
    pub(super) lax: bool,
    ignore_structural: bool,
    throw: bool,
    root: Item<'v>,
    current: Item<'v>,
    pub(super) arguments: Arguments<'v>,
    /// What the ids of `.keyvalue()` are relative to.
    pub(super) base: Base<'v>,
    pub(super) next_base: i64,
    /// What `last` counts.
    array_size: Option<usize>,
    made: &'v OnceCell<Box<Made>>,
    pub(super) offsets: Offsets,
}

/// An object's id is its base's number, and where in the base it stands.
#[derive(Clone, Copy)]
pub(super) struct Base<'v> {
    pub(super) value: Option<&'v JsonValue>,
    pub(super) id: i64,
}

/// What a step of an execution costs.
const STEP: usize = 32;

impl JsonPath {
    /// Whether the path finds anything; `None` if an error was suppressed.
    pub fn exists(&self, value: &JsonValue, arguments: Arguments<'_>) -> Result<Option<bool>> {
        let made = OnceCell::new();
        let mut executor = Executor::new(self, value, arguments, &made)?;
        let item = executor.root;
        let status = if self.lax {
            executor.run(&self.expr, item, None)?
        } else {
            // There must be no error in the whole list.
            let mut found = Vec::new();
            match executor.run(&self.expr, item, Some(&mut found))? {
                Status::Error => Status::Error,
                _ if found.is_empty() => Status::NotFound,
                _ => Status::Ok,
            }
        };
        Ok(match status {
            Status::Ok => Some(true),
            Status::NotFound => Some(false),
            Status::Error => None,
        })
    }

    /// Gives what the path finds to `give`.
    pub fn query<T>(
        &self,
        value: &JsonValue,
        arguments: Arguments<'_>,
        give: impl FnOnce(&[Item<'_>]) -> Result<T>,
    ) -> Result<T> {
        let made = OnceCell::new();
        let mut executor = Executor::new(self, value, arguments, &made)?;
        let item = executor.root;
        let mut found = Vec::new();
        executor.run(&self.expr, item, Some(&mut found))?;
        give(&found)
    }
}

impl<'v> Executor<'v> {
    fn new(
        path: &JsonPath,
        value: &'v JsonValue,
        arguments: Arguments<'v>,
        made: &'v OnceCell<Box<Made>>,
    ) -> Result<Self> {
        if arguments.variables.is_some_and(|variables| !matches!(variables, JsonValue::Object(_))) {
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "\"vars\" argument is not an object")
                .with_detail("Jsonpath parameters should be encoded as key-value pairs of \"vars\" object."));
        }
        let root = Item::Json(value);
        Ok(Executor {
            lax: path.lax,
            ignore_structural: path.lax,
            throw: !arguments.silent,
            root,
            current: root,
            arguments,
            base: Base { value: None, id: 0 },
            next_base: if arguments.variables.is_some() { 2 } else { 1 },
            array_size: None,
            made,
            offsets: Offsets::default(),
        })
    }

    /// Keeps a value for as long as the path runs.
    pub(super) fn keep(&mut self, value: JsonValue) -> &'v JsonValue {
        let made = self.made.get_or_init(|| Box::new(Made { value, next: OnceCell::new() }));
        self.made = &made.next;
        &made.value
    }

    pub(super) fn number(&mut self, number: &Numeric) -> Item<'v> {
        Item::Json(self.keep(JsonValue::Number(number.to_string())))
    }

    /// An error that can be suppressed (RETURN_ERROR).
    pub(super) fn fail(&self, code: SqlState, message: impl FnOnce() -> String) -> Result<Status> {
        if self.throw { Err(Error::new(code, message())) } else { Ok(Status::Error) }
    }

    /// The same, made elsewhere.
    pub(super) fn fail_with(&self, error: Error) -> Result<Status> {
        if self.throw { Err(error) } else { Ok(Status::Error) }
    }

    /// An error that lax mode does not have.
    pub(super) fn structural(&self, code: SqlState, message: &'static str) -> Result<Status> {
        if self.ignore_structural {
            return Ok(Status::NotFound);
        }
        self.fail(code, || message.to_owned())
    }

    /// Applies a chain to an item (executeItem).
    pub(super) fn run(&mut self, chain: &'v [Step], item: Item<'v>, found: Found<'_, 'v>) -> Result<Status> {
        self.run_unwrapping(chain, item, found, self.lax)
    }

    /// Hands an item to the rest of its chain, or to the list (executeNextItem).
    pub(super) fn next(&mut self, rest: &'v [Step], item: Item<'v>, found: Found<'_, 'v>) -> Result<Status> {
        if !rest.is_empty() {
            return self.run(rest, item, found);
        }
        if let Some(found) = found {
            found.push(item);
        }
        Ok(Status::Ok)
    }

    /// Applies a chain; an array is unwrapped first where the item wants none (executeItemOptUnwrapTarget).
    fn run_unwrapping(
        &mut self,
        chain: &'v [Step],
        item: Item<'v>,
        found: Found<'_, 'v>,
        unwrap: bool,
    ) -> Result<Status> {
        stack::check()?;
        limits::work(STEP)?;
        let Some((step, rest)) = chain.split_first() else { return Ok(Status::NotFound) };
        if let Item::Json(JsonValue::Array(elements)) = item
            && unwrap
            && step.unwraps()
        {
            return self.each(chain, elements.iter(), found, false);
        }
        match step {
            Step::And(..)
            | Step::Or(..)
            | Step::Not(_)
            | Step::IsUnknown(_)
            | Step::Exists(_)
            | Step::Comparison(..)
            | Step::StartsWith(..)
            | Step::LikeRegex(_) => {
                let truth = self.truth(step, item)?;
                self.next_truth(rest, truth, found)
            }
            Step::Literal(_) if rest.is_empty() && found.is_none() => Ok(Status::Ok),
            Step::Literal(value) => self.next(rest, Item::Json(value), found),
            Step::Variable(name) => self.variable(name, rest, found),
            Step::Root => {
                let root = self.root;
                let base = self.set_base(root, 0);
                let status = self.next(rest, root, found);
                self.base = base;
                status
            }
            Step::Current => self.next(rest, self.current, found),
            Step::Last => {
                let size = self.array_size.ok_or_else(|| Error::internal("LAST outside of a subscript"))?;
                let last = self.number(&Numeric::from(size as i64 - 1));
                self.next(rest, last, found)
            }
            Step::Key(key) => self.member(key, rest, item, found),
            Step::AnyKey => match item {
                Item::Json(JsonValue::Object(members)) => {
                    self.each(rest, members.iter().map(|(_, value)| value), found, self.lax)
                }
                _ => self.structural(
                    SqlState::SQL_JSON_OBJECT_NOT_FOUND,
                    "jsonpath wildcard member accessor can only be applied to an object",
                ),
            },
            Step::AnyArray => match item {
                Item::Json(JsonValue::Array(elements)) => self.each(rest, elements.iter(), found, self.lax),
                _ if self.lax => self.next(rest, item, found),
                _ => self.structural(
                    SqlState::SQL_JSON_ARRAY_NOT_FOUND,
                    "jsonpath wildcard array accessor can only be applied to an array",
                ),
            },
            Step::Subscripts(subscripts) => self.subscripts(subscripts, rest, item, found),
            Step::Any { first, last } => self.any(*first, *last, rest, item, found),
            Step::Filter(condition) => {
                let outer = std::mem::replace(&mut self.current, item);
                let truth = condition.first().map_or(Ok(None), |step| self.truth(step, item));
                self.current = outer;
                if truth? == Some(true) { self.next(rest, item, found) } else { Ok(Status::NotFound) }
            }
            Step::Arithmetic(operator, left, right) => self.arithmetic(*operator, (left, right), rest, item, found),
            Step::Plus(operand) => self.signed(operand, false, rest, item, found),
            Step::Minus(operand) => self.signed(operand, true, rest, item, found),
            Step::Method(method) => self.method(*method, rest, item, found),
            Step::Datetime(template) => self.datetime(template.as_deref(), rest, item, found),
        }
    }

    /// Applies a chain to each of the values, or lists them.
    fn each(
        &mut self,
        chain: &'v [Step],
        values: impl Iterator<Item = &'v JsonValue>,
        mut found: Found<'_, 'v>,
        unwrap: bool,
    ) -> Result<Status> {
        let mut status = Status::NotFound;
        for value in values {
            limits::work(STEP)?;
            let item = Item::Json(value);
            if !chain.is_empty() {
                status = self.run_unwrapping(chain, item, found.as_deref_mut(), unwrap)?;
                if status == Status::Error || status == Status::Ok && found.is_none() {
                    break;
                }
            } else if let Some(found) = &mut found {
                found.push(item);
            } else {
                return Ok(Status::Ok);
            }
        }
        Ok(status)
    }

    pub(super) fn set_base(&mut self, item: Item<'v>, id: i64) -> Base<'v> {
        let value = match item {
            Item::Json(value @ (JsonValue::Array(_) | JsonValue::Object(_))) => Some(value),
            _ => None,
        };
        std::mem::replace(&mut self.base, Base { value, id })
    }

    fn variable(&mut self, name: &str, rest: &'v [Step], found: Found<'_, 'v>) -> Result<Status> {
        let Some(variables) = self.arguments.variables else {
            return self.next(rest, Item::Json(&JsonValue::Null), found);
        };
        let Some(value) = variables.get(name) else {
            let message = format!("could not find jsonpath variable \"{name}\"");
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
        };
        let base = self.set_base(Item::Json(variables), 1);
        let status = self.next(rest, Item::Json(value), found);
        self.base = base;
        status
    }

    fn member(&mut self, key: &str, rest: &'v [Step], item: Item<'v>, found: Found<'_, 'v>) -> Result<Status> {
        let Item::Json(value @ JsonValue::Object(_)) = item else {
            return self.structural(
                SqlState::SQL_JSON_MEMBER_NOT_FOUND,
                "jsonpath member accessor can only be applied to an object",
            );
        };
        match value.get(key) {
            Some(member) => self.next(rest, Item::Json(member), found),
            None if self.ignore_structural => Ok(Status::NotFound),
            None => {
                self.fail(SqlState::SQL_JSON_MEMBER_NOT_FOUND, || format!("JSON object does not contain key \"{key}\""))
            }
        }
    }

    fn subscripts(
        &mut self,
        subscripts: &'v [(Chain, Option<Chain>)],
        rest: &'v [Step],
        item: Item<'v>,
        found: Found<'_, 'v>,
    ) -> Result<Status> {
        let elements = match item {
            Item::Json(JsonValue::Array(elements)) => Some(elements.as_slice()),
            _ if self.lax => None,
            _ => {
                return self.structural(
                    SqlState::SQL_JSON_ARRAY_NOT_FOUND,
                    "jsonpath array accessor can only be applied to an array",
                );
            }
        };
        let outer = self.array_size.replace(elements.map_or(1, <[_]>::len));
        let status = self.each_subscript(subscripts, elements, rest, item, found);
        self.array_size = outer;
        status
    }

    fn each_subscript(
        &mut self,
        subscripts: &'v [(Chain, Option<Chain>)],
        elements: Option<&'v [JsonValue]>,
        rest: &'v [Step],
        item: Item<'v>,
        mut found: Found<'_, 'v>,
    ) -> Result<Status> {
        let size = elements.map_or(1, <[_]>::len) as i64;
        let mut status = Status::NotFound;
        for (from, to) in subscripts {
            let Some(first) = self.array_index(from, item)? else { return Ok(Status::Error) };
            let last = match to {
                Some(to) => self.array_index(to, item)?,
                None => Some(first),
            };
            let Some(last) = last else { return Ok(Status::Error) };
            if !self.ignore_structural && (first < 0 || first > last || last >= size) {
                return self.fail(SqlState::INVALID_SQL_JSON_SUBSCRIPT, || {
                    "jsonpath array subscript is out of bounds".to_owned()
                });
            }
            status = Status::NotFound;
            for index in first.max(0)..=last.min(size - 1) {
                limits::work(STEP)?;
                let element = match elements {
                    Some(elements) => match usize::try_from(index).ok().and_then(|index| elements.get(index)) {
                        Some(element) => Item::Json(element),
                        None => continue,
                    },
                    None => item,
                };
                status = self.next(rest, element, found.as_deref_mut())?;
                if status == Status::Error || status == Status::Ok && found.is_none() {
                    return Ok(status);
                }
            }
        }
        Ok(status)
    }

    /// A subscript as an integer; `None` if an error was suppressed (getArrayIndex).
    fn array_index(&mut self, chain: &'v [Step], item: Item<'v>) -> Result<Option<i64>> {
        let code = SqlState::INVALID_SQL_JSON_SUBSCRIPT;
        let mut found = Vec::new();
        if self.run(chain, item, Some(&mut found))? == Status::Error {
            return Ok(None);
        }
        let [Item::Json(JsonValue::Number(number))] = found.as_slice() else {
            let message = "jsonpath array subscript is not a single numeric value";
            return self.fail(code, || message.to_owned()).map(|_| None);
        };
        match Numeric::parse(number)?.trunc(0)?.to_i32() {
            Ok(index) => Ok(Some(index.into())),
            Err(_) => {
                let message = "jsonpath array subscript is out of integer range";
                self.fail(code, || message.to_owned()).map(|_| None)
            }
        }
    }

    /// `**`
    fn any(
        &mut self,
        first: u32,
        last: u32,
        rest: &'v [Step],
        item: Item<'v>,
        mut found: Found<'_, 'v>,
    ) -> Result<Status> {
        let mut status = Status::NotFound;
        if first == 0 {
            let structural = std::mem::replace(&mut self.ignore_structural, true);
            let result = self.next(rest, item, found.as_deref_mut());
            self.ignore_structural = structural;
            status = result?;
            if status == Status::Ok && found.is_none() {
                return Ok(status);
            }
        }
        match item {
            Item::Json(value @ (JsonValue::Array(_) | JsonValue::Object(_))) => {
                self.below(rest, value, found, 1, (first, last))
            }
            _ => Ok(status),
        }
    }

    /// What stands between two levels below a value, depth first (executeAnyItem).
    fn below(
        &mut self,
        rest: &'v [Step],
        value: &'v JsonValue,
        mut found: Found<'_, 'v>,
        level: u32,
        (first, last): (u32, u32),
    ) -> Result<Status> {
        stack::check()?;
        let mut status = Status::NotFound;
        if level > last {
            return Ok(status);
        }
        for child in children(value) {
            limits::work(STEP)?;
            let is_container = matches!(child, JsonValue::Array(_) | JsonValue::Object(_));
            if level >= first || first == LAST_LEVEL && last == LAST_LEVEL && !is_container {
                let structural = std::mem::replace(&mut self.ignore_structural, true);
                let result = match rest {
                    [] => self.next(rest, Item::Json(child), found.as_deref_mut()),
                    _ => self.run_unwrapping(rest, Item::Json(child), found.as_deref_mut(), self.lax),
                };
                self.ignore_structural = structural;
                status = result?;
                if status == Status::Error || status == Status::Ok && found.is_none() {
                    break;
                }
            }
            if level < last && is_container {
                status = self.below(rest, child, found.as_deref_mut(), level + 1, (first, last))?;
                if status == Status::Error || status == Status::Ok && found.is_none() {
                    break;
                }
            }
        }
        Ok(status)
    }

    /// A chain's items, arrays among them unwrapped in lax mode if asked for (executeItemOptUnwrapResult).
    pub(super) fn operand(
        &mut self,
        chain: &'v [Step],
        item: Item<'v>,
        unwrap: bool,
        found: Found<'_, 'v>,
    ) -> Result<Status> {
        if !unwrap || !self.lax {
            return self.run(chain, item, found);
        }
        let mut items = Vec::new();
        if self.run(chain, item, Some(&mut items))? == Status::Error {
            return Ok(Status::Error);
        }
        if let Some(found) = found {
            for item in items {
                limits::work(STEP)?;
                match item {
                    Item::Json(JsonValue::Array(elements)) => found.extend(elements.iter().map(Item::Json)),
                    item => found.push(item),
                }
            }
        }
        Ok(Status::Ok)
    }

    /// The same, errors suppressed.
    pub(super) fn quiet_operand(
        &mut self,
        chain: &'v [Step],
        item: Item<'v>,
        unwrap: bool,
        found: Found<'_, 'v>,
    ) -> Result<Status> {
        let throw = std::mem::replace(&mut self.throw, false);
        let status = self.operand(chain, item, unwrap, found);
        self.throw = throw;
        status
    }
}

impl Step {
    /// Whether lax mode applies it to an array's elements instead of the array.
    fn unwraps(&self) -> bool {
        use super::Method::{Size, Type};
        match self {
            Step::Key(_) | Step::AnyKey | Step::Filter(_) | Step::Datetime(_) => true,
            Step::Method(method) => !matches!(method, Size | Type),
            _ => false,
        }
    }
}

/// The elements of an array or the values of an object.
fn children(value: &JsonValue) -> Box<dyn Iterator<Item = &JsonValue> + '_> {
    match value {
        JsonValue::Array(elements) => Box::new(elements.iter()),
        JsonValue::Object(members) => Box::new(members.iter().map(|(_, value)| value)),
        _ => Box::new(std::iter::empty()),
    }
}
