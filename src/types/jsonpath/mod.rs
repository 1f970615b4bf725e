//! The type jsonpath: SQL/JSON's path language, read, printed and run.
//!
//! Owns: [`JsonPath`], the tree of a path. Reading is `lexer` and `parser`, the text form `print`, running `execute`
//! with `methods` and `moments`. Must not know: SQLite, sessions beyond how they format dates. Specification:
//! functions-sqljson-path.html, datatype-jsonpath; jsonpath_gram.y, jsonpath.c and jsonpath_exec.c in PostgreSQL 15,
//! whose errors these are word for word.

mod execute;
mod layout;
mod lexer;
mod methods;
mod moments;
mod parser;
mod predicate;
mod print;

use std::sync::Arc;

pub use execute::{Arguments, Item};

use crate::error::{Error, Result, SqlState};
use crate::types::json::JsonValue;
use crate::types::pattern::Pattern;

/// A path. Printed, it is the type's text form, which is also how it is stored.
#[derive(Debug)]
pub struct JsonPath {
    /// Structural errors are ignored, arrays wrapped and unwrapped.
    lax: bool,
    expr: Chain,
}

/// An item and the accessors that follow it, each applied to what the one before gives. Never empty.
type Chain = Vec<Step>;

/// One item (JsonPathItemType).
#[derive(Debug)]
enum Step {
    /// null, a boolean, a number or a string.
    Literal(JsonValue),
    Variable(String),
    /// `$`
    Root,
    /// `@`
    Current,
    Last,
    Key(String),
    AnyKey,
    AnyArray,
    Subscripts(Vec<(Chain, Option<Chain>)>),
    /// `**`, between two levels; [`LAST_LEVEL`] is the leaves.
    Any {
        first: u32,
        last: u32,
    },
    Method(Method),
    Datetime(Option<String>),
    Filter(Chain),
    Arithmetic(Arithmetic, Chain, Chain),
    Plus(Chain),
    Minus(Chain),
    And(Chain, Chain),
    Or(Chain, Chain),
    Not(Chain),
    IsUnknown(Chain),
    Exists(Chain),
    Comparison(Comparison, Chain, Chain),
    StartsWith(Chain, Chain),
    LikeRegex(Box<LikeRegex>),
}

/// The level `last` in `**{…}`.
const LAST_LEVEL: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Abs,
    Ceiling,
    Double,
    Floor,
    KeyValue,
    Size,
    Type,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Method::Abs => "abs",
            Method::Ceiling => "ceiling",
            Method::Double => "double",
            Method::Floor => "floor",
            Method::KeyValue => "keyvalue",
            Method::Size => "size",
            Method::Type => "type",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arithmetic {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
}

impl Arithmetic {
    fn symbol(self) -> &'static str {
        match self {
            Arithmetic::Add => "+",
            Arithmetic::Sub => "-",
            Arithmetic::Mul => "*",
            Arithmetic::Div => "/",
            Arithmetic::Mod => "%",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
}

impl Comparison {
    fn symbol(self) -> &'static str {
        match self {
            Comparison::Equal => "==",
            Comparison::NotEqual => "!=",
            Comparison::Less => "<",
            Comparison::Greater => ">",
            Comparison::LessOrEqual => "<=",
            Comparison::GreaterOrEqual => ">=",
        }
    }
}

/// `subject like_regex "pattern" flag "flags"`.
#[derive(Debug)]
struct LikeRegex {
    subject: Chain,
    pattern: String,
    /// Those of "ismxq" that were given, in this order.
    flags: String,
    compiled: Arc<Pattern>,
}

impl JsonPath {
    /// Reads a path (jsonpath_in).
    pub fn parse(text: &str) -> Result<Self> {
        let Some(path) = parser::parse(text)? else {
            let message = format!("invalid input syntax for type jsonpath: \"{text}\"");
            return Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message));
        };
        Ok(path)
    }
}

/// A path in the type's text form.
pub fn normalize(text: &str) -> Result<String> {
    Ok(JsonPath::parse(text)?.to_string())
}

#[cfg(test)]
mod tests;
