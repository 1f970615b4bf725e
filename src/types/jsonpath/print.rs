//! A path's text form (printJsonPathItem in PostgreSQL 15's jsonpath.c).

use std::fmt::{self, Formatter};

use super::{Arithmetic, Chain, JsonPath, LAST_LEVEL, Step};
use crate::types::json::{JsonValue, write_string};

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.lax {
            f.write_str("strict ")?;
        }
        print_chain(&self.expr, true, f)
    }
}

/// How strongly an item binds (operationPriority).
fn priority(chain: &[Step]) -> u8 {
    match chain.first() {
        Some(Step::Or(..)) => 0,
        Some(Step::And(..)) => 1,
        Some(Step::Comparison(..) | Step::StartsWith(..)) => 2,
        Some(Step::Arithmetic(Arithmetic::Add | Arithmetic::Sub, ..)) => 3,
        Some(Step::Arithmetic(..)) => 4,
        Some(Step::Plus(_) | Step::Minus(_)) => 5,
        _ => 6,
    }
}

fn print_chain(chain: &[Step], brackets: bool, f: &mut Formatter<'_>) -> fmt::Result {
    for (index, step) in chain.iter().enumerate() {
        let place = Place { first: index == 0, last: index + 1 == chain.len(), brackets: brackets || index > 0 };
        print_step(step, chain.get(index..).unwrap_or(&[]), place, f)?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
struct Place {
    first: bool,
    last: bool,
    brackets: bool,
}

impl Place {
    /// The point before a key.
    fn point(self) -> &'static str {
        if self.first { "" } else { "." }
    }

    fn open(self) -> &'static str {
        if self.brackets { "(" } else { "" }
    }

    fn close(self) -> &'static str {
        if self.brackets { ")" } else { "" }
    }
}

fn print_step(step: &Step, from: &[Step], place: Place, f: &mut Formatter<'_>) -> fmt::Result {
    match step {
        Step::Literal(JsonValue::Number(number)) if !place.last => write!(f, "({number})"),
        Step::Literal(value) => write!(f, "{value}"),
        Step::Variable(name) => {
            f.write_str("$")?;
            write_string(name, f)
        }
        Step::Root => f.write_str("$"),
        Step::Current => f.write_str("@"),
        Step::Last => f.write_str("last"),
        Step::Key(key) => {
            f.write_str(place.point())?;
            write_string(key, f)
        }
        Step::AnyKey => write!(f, "{}*", place.point()),
        Step::AnyArray => f.write_str("[*]"),
        Step::Subscripts(subscripts) => print_subscripts(subscripts, f),
        Step::Any { first, last } => {
            f.write_str(place.point())?;
            print_levels(*first, *last, f)
        }
        Step::Method(method) => write!(f, ".{}()", method.name()),
        Step::Datetime(template) => {
            f.write_str(".datetime(")?;
            if let Some(template) = template {
                write_string(template, f)?;
            }
            f.write_str(")")
        }
        Step::Filter(condition) => print_enclosed("?(", condition, ")", f),
        Step::Not(condition) => print_enclosed("!(", condition, ")", f),
        Step::IsUnknown(condition) => print_enclosed("(", condition, ") is unknown", f),
        Step::Exists(operand) => print_enclosed("exists (", operand, ")", f),
        Step::Arithmetic(operator, left, right) => print_binary(operator.symbol(), left, right, from, place, f),
        Step::And(left, right) => print_binary("&&", left, right, from, place, f),
        Step::Or(left, right) => print_binary("||", left, right, from, place, f),
        Step::Comparison(operator, left, right) => print_binary(operator.symbol(), left, right, from, place, f),
        Step::StartsWith(left, right) => print_binary("starts with", left, right, from, place, f),
        Step::Plus(operand) | Step::Minus(operand) => {
            f.write_str(place.open())?;
            f.write_str(if matches!(step, Step::Plus(_)) { "+" } else { "-" })?;
            print_chain(operand, priority(operand) <= priority(from), f)?;
            f.write_str(place.close())
        }
        Step::LikeRegex(like) => {
            f.write_str(place.open())?;
            print_chain(&like.subject, priority(&like.subject) <= priority(from), f)?;
            f.write_str(" like_regex ")?;
            write_string(&like.pattern, f)?;
            if !like.flags.is_empty() {
                write!(f, " flag \"{}\"", like.flags)?;
            }
            f.write_str(place.close())
        }
    }
}

fn print_enclosed(before: &str, inner: &Chain, after: &str, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str(before)?;
    print_chain(inner, false, f)?;
    f.write_str(after)
}

fn print_binary(
    symbol: &str,
    left: &Chain,
    right: &Chain,
    whole: &[Step],
    place: Place,
    f: &mut Formatter<'_>,
) -> fmt::Result {
    f.write_str(place.open())?;
    print_chain(left, priority(left) <= priority(whole), f)?;
    write!(f, " {symbol} ")?;
    print_chain(right, priority(right) <= priority(whole), f)?;
    f.write_str(place.close())
}

fn print_subscripts(subscripts: &[(Chain, Option<Chain>)], f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str("[")?;
    for (index, (from, to)) in subscripts.iter().enumerate() {
        f.write_str(if index > 0 { "," } else { "" })?;
        print_chain(from, false, f)?;
        if let Some(to) = to {
            f.write_str(" to ")?;
            print_chain(to, false, f)?;
        }
    }
    f.write_str("]")
}

fn print_levels(first: u32, last: u32, f: &mut Formatter<'_>) -> fmt::Result {
    match (first, last) {
        (0, LAST_LEVEL) => f.write_str("**"),
        (LAST_LEVEL, LAST_LEVEL) => f.write_str("**{last}"),
        (first, last) if first == last => write!(f, "**{{{first}}}"),
        (LAST_LEVEL, last) => write!(f, "**{{last to {last}}}"),
        (first, LAST_LEVEL) => write!(f, "**{{{first} to last}}"),
        (first, last) => write!(f, "**{{{first} to {last}}}"),
    }
}
