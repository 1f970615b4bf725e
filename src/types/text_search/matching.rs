//! Whether a document matches a query.
//!
//! Owns: [`matches`], [`execute`]. Specification: TS_execute and TS_phrase_execute in PostgreSQL 15's tsvector_op.c: what is
//! negated inside of a phrase matches everywhere but where its operand does.

use super::query::{Binary, Node, Operator, TsQuery, Value};
use super::vector::{Lexeme, TsVector};
use crate::error::Result;
use crate::limits::session as limits;
use crate::limits::stack;

/// Whether something matches; a phrase cannot be decided where positions are not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ternary {
    No,
    Yes,
    Maybe,
}

/// Where a part of a phrase matches.
#[derive(Debug, Default)]
pub struct Places {
    pub places: Vec<i32>,
    /// It matches everywhere but there.
    negated: bool,
    /// How far the match reaches to the left of its place.
    width: i32,
}

/// Says whether a word occurs, and where if that is asked for.
pub type Find<'f> = dyn FnMut(&Value, Option<&mut Places>) -> Result<Ternary> + 'f;

/// `document @@ query`
pub fn matches(document: &TsVector, query: &TsQuery) -> Result<bool> {
    let Some(root) = &query.root else { return Ok(false) };
    execute(root, &mut |value, places| find(document, value, places))
}

/// Whether a query matches, given where words occur.
pub fn execute(root: &Node, find: &mut Find<'_>) -> Result<bool> {
    Ok(ternary(root, find)? != Ternary::No)
}

fn ternary(node: &Node, find: &mut Find<'_>) -> Result<Ternary> {
    stack::check()?;
    limits::work(16)?;
    let binary = match node {
        Node::Stop => return Ok(Ternary::No),
        Node::Value(value) => return find(value, None),
        Node::Not(operand) => {
            return Ok(match ternary(operand, find)? {
                Ternary::No => Ternary::Yes,
                Ternary::Yes => Ternary::No,
                Ternary::Maybe => Ternary::Maybe,
            });
        }
        Node::Binary(binary) => binary,
    };
    Ok(match binary.operator {
        Operator::And => match ternary(&binary.left, find)? {
            Ternary::No => Ternary::No,
            left => match ternary(&binary.right, find)? {
                Ternary::Yes => left,
                right => right,
            },
        },
        Operator::Or => match ternary(&binary.left, find)? {
            Ternary::Yes => Ternary::Yes,
            left => match ternary(&binary.right, find)? {
                Ternary::No => left,
                right => right,
            },
        },
        Operator::Phrase(_) => match phrase(node, find, None)? {
            // Without positions there is no phrase.
            Ternary::Maybe => Ternary::No,
            decided => decided,
        },
    })
}

fn phrase(node: &Node, find: &mut Find<'_>, out: Option<&mut Places>) -> Result<Ternary> {
    stack::check()?;
    limits::work(16)?;
    match node {
        Node::Stop => Ok(Ternary::No),
        Node::Value(value) => find(value, out),
        Node::Not(operand) => {
            let mut own = Places::default();
            let out = out.unwrap_or(&mut own);
            Ok(match phrase(operand, find, Some(out))? {
                Ternary::No => {
                    *out = Places { negated: true, ..Places::default() };
                    Ternary::Yes
                }
                Ternary::Yes if out.places.is_empty() && out.negated => {
                    out.negated = false;
                    Ternary::No
                }
                Ternary::Yes => {
                    out.negated = !out.negated;
                    Ternary::Yes
                }
                Ternary::Maybe => Ternary::Maybe,
            })
        }
        Node::Binary(binary) if binary.operator == Operator::Or => phrase_or(binary, find, out),
        Node::Binary(binary) => phrase_and(binary, find, out),
    }
}

/// Which of two lists' places go into the result.
#[derive(Clone, Copy)]
struct Emit {
    left: bool,
    right: bool,
    both: bool,
}

fn phrase_and(binary: &Binary, find: &mut Find<'_>, out: Option<&mut Places>) -> Result<Ternary> {
    let (mut left, mut right) = (Places::default(), Places::default());
    let left_matches = phrase(&binary.left, find, Some(&mut left))?;
    if left_matches == Ternary::No {
        return Ok(Ternary::No);
    }
    let right_matches = phrase(&binary.right, find, Some(&mut right))?;
    if right_matches == Ternary::No {
        return Ok(Ternary::No);
    }
    if left_matches == Ternary::Maybe || right_matches == Ternary::Maybe {
        return Ok(Ternary::Maybe);
    }
    let (offsets, width) = match binary.operator {
        Operator::Phrase(distance) => {
            let distance = i32::from(distance);
            ((distance + right.width, 0), distance + left.width + right.width)
        }
        _ => {
            let width = left.width.max(right.width);
            ((width - left.width, width - right.width), width)
        }
    };
    let mut own = Places::default();
    let out = out.unwrap_or(&mut own);
    out.width = width;
    let emit = match (left.negated, right.negated) {
        (true, true) => Emit { left: true, right: true, both: true },
        (true, false) => Emit { left: false, right: true, both: false },
        (false, true) => Emit { left: true, right: false, both: false },
        (false, false) => Emit { left: false, right: false, both: true },
    };
    merge(&left, &right, emit, offsets, out)?;
    if left.negated && right.negated {
        out.negated = true;
        return Ok(Ternary::Yes);
    }
    Ok(if out.places.is_empty() { Ternary::No } else { Ternary::Yes })
}

fn phrase_or(binary: &Binary, find: &mut Find<'_>, out: Option<&mut Places>) -> Result<Ternary> {
    let (mut left, mut right) = (Places::default(), Places::default());
    let left_matches = phrase(&binary.left, find, Some(&mut left))?;
    let right_matches = phrase(&binary.right, find, Some(&mut right))?;
    if left_matches == Ternary::No && right_matches == Ternary::No {
        return Ok(Ternary::No);
    }
    if left_matches == Ternary::Maybe || right_matches == Ternary::Maybe {
        return Ok(Ternary::Maybe);
    }
    if left_matches == Ternary::No {
        left.width = 0;
    }
    if right_matches == Ternary::No {
        right.width = 0;
    }
    let width = left.width.max(right.width);
    let offsets = (width - left.width, width - right.width);
    let mut own = Places::default();
    let out = out.unwrap_or(&mut own);
    out.width = width;
    let emit = match (left.negated, right.negated) {
        (true, true) => Emit { left: false, right: false, both: true },
        (true, false) => Emit { left: true, right: false, both: false },
        (false, true) => Emit { left: false, right: true, both: false },
        (false, false) => Emit { left: true, right: true, both: true },
    };
    merge(&left, &right, emit, offsets, out)?;
    if left.negated || right.negated {
        out.negated = true;
        return Ok(Ternary::Yes);
    }
    Ok(if out.places.is_empty() { Ternary::No } else { Ternary::Yes })
}

/// Joins two ascending lists of places (TS_phrase_output).
fn merge(left: &Places, right: &Places, emit: Emit, offsets: (i32, i32), out: &mut Places) -> Result<()> {
    let mut lefts = left.places.iter().map(|place| place + offsets.0).peekable();
    let mut rights = right.places.iter().map(|place| place + offsets.1).peekable();
    out.places.clear();
    loop {
        limits::work(8)?;
        let (l, r) = (lefts.peek().copied(), rights.peek().copied());
        let (place, wanted) = match (l, r) {
            (None, None) => break,
            (Some(l), Some(r)) if l == r => {
                lefts.next();
                rights.next();
                (r, emit.both)
            }
            (Some(l), r) if r.is_none_or(|r| l < r) => {
                lefts.next();
                (l, emit.left)
            }
            (_, Some(r)) => {
                rights.next();
                (r, emit.right)
            }
            (Some(_), None) => break,
        };
        if wanted && place > 0 {
            out.places.push(place);
        }
    }
    Ok(())
}

/// Where a document has a word (checkcondition_str).
fn find(document: &TsVector, value: &Value, mut places: Option<&mut Places>) -> Result<Ternary> {
    if !value.prefix {
        return Ok(document.find(&value.text).map_or(Ternary::No, |lexeme| occurs(lexeme, value, places)));
    }
    let mut found = Ternary::No;
    let mut all = Vec::new();
    for lexeme in document.beginning(&value.text) {
        limits::work(16)?;
        match occurs(lexeme, value, places.as_deref_mut()) {
            Ternary::No => {}
            Ternary::Maybe => return Ok(Ternary::Maybe),
            Ternary::Yes => {
                found = Ternary::Yes;
                match &mut places {
                    Some(places) => all.append(&mut places.places),
                    None => break,
                }
            }
        }
    }
    if let Some(places) = places {
        all.sort_unstable();
        all.dedup();
        places.places = all;
    }
    Ok(found)
}

/// Whether a lexeme occurs with one of a word's weights (checkclass_str).
fn occurs(lexeme: &Lexeme, value: &Value, places: Option<&mut Places>) -> Ternary {
    if lexeme.positions.is_empty() {
        // Weights cannot be looked at; nor can places.
        return if places.is_some() { Ternary::Maybe } else { Ternary::Yes };
    }
    let counts = |weight: super::vector::Weight| value.weights == 0 || value.weights & weight.bit() != 0;
    let mut found = lexeme.positions.iter().filter(|position| counts(position.weight)).peekable();
    if found.peek().is_none() {
        return Ternary::No;
    }
    if let Some(places) = places {
        places.places = found.map(|position| position.place.into()).collect();
    }
    Ternary::Yes
}
