//! Ranges and multiranges: what is computed from them.
//!
//! Owns: [`Range`], [`Bound`], the operations over them. A multirange is a list of ranges that are not empty, in order,
//! with space between them. Bounds are kept as the text of their stored form, which `types::order` compares. Must not
//! know: how ranges are written (`types::range_text`). Specification: rangetypes.html, functions-range.html;
//! rangetypes.c and multirangetypes.c.

use std::cmp::Ordering;

use crate::error::{Error, Result, SqlState};
use crate::types::datetime::{Date, Stored};
use crate::types::order::{self, compare_text};
use crate::types::pg_type::{Oid, RangeOf, Scalar};
use crate::types::range_text;

/// One end of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The stored form as text; `None` is infinity.
    pub value: Option<String>,
    pub inclusive: bool,
    pub lower: bool,
}

/// A range that is not empty. An empty one is `None` in what follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    pub lower: Bound,
    pub upper: Bound,
}

fn data_exception(message: &'static str) -> Error {
    Error::new(SqlState::DATA_EXCEPTION, message)
}

impl Bound {
    /// A lower bound.
    pub fn lower(value: Option<String>, inclusive: bool) -> Self {
        Bound { inclusive: inclusive && value.is_some(), value, lower: true }
    }

    /// An upper bound.
    pub fn upper(value: Option<String>, inclusive: bool) -> Self {
        Bound { inclusive: inclusive && value.is_some(), value, lower: false }
    }

    /// The bound of what lies on its other side.
    fn turned(&self) -> Bound {
        Bound { value: self.value.clone(), inclusive: !self.inclusive, lower: !self.lower }
    }

    /// By value alone, whether it belongs to the range or not (range_cmp_bound_values).
    fn compare_value(&self, other: &Bound, scalar: Scalar) -> Ordering {
        match (&self.value, &other.value) {
            (None, None) => other.lower.cmp(&self.lower),
            (None, _) => {
                if self.lower {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
            (_, None) => {
                if other.lower {
                    Ordering::Greater
                } else {
                    Ordering::Less
                }
            }
            (Some(a), Some(b)) => compare_text(scalar, a, b),
        }
    }

    /// range_cmp_bounds
    fn compare(&self, other: &Bound, scalar: Scalar) -> Ordering {
        let by_value = self.compare_value(other, scalar);
        if by_value.is_ne() || self.value.is_none() {
            return by_value;
        }
        // A lower bound that is not included begins later, such an upper bound ends earlier.
        let shift = |bound: &Bound| match (bound.inclusive, bound.lower) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => -1,
        };
        shift(self).cmp(&shift(other))
    }
}

impl Range {
    /// The range between two bounds, in canonical form; `None` if nothing is in it (make_range).
    pub fn new(lower: Bound, upper: Bound, of: RangeOf) -> Result<Option<Range>> {
        let Some(range) = Range::unless_empty(lower, upper, of)? else { return Ok(None) };
        if !of.discrete {
            return Ok(Some(range));
        }
        let Range { mut lower, mut upper } = range;
        if let Some(value) = &lower.value
            && !lower.inclusive
            && !is_infinite(value)
        {
            lower = Bound::lower(Some(next(value, of.subtype)?), true);
        }
        if let Some(value) = &upper.value
            && upper.inclusive
        {
            let (value, included) = (next(value, of.subtype)?, is_infinite(value));
            upper = Bound::upper(Some(value), included);
        }
        Range::unless_empty(lower, upper, of)
    }

    fn unless_empty(lower: Bound, upper: Bound, of: RangeOf) -> Result<Option<Range>> {
        Ok(match lower.compare_value(&upper, of.scalar()) {
            Ordering::Greater => {
                return Err(data_exception("range lower bound must be less than or equal to range upper bound"));
            }
            Ordering::Equal if !(lower.inclusive && upper.inclusive) => None,
            _ => Some(Range { lower, upper }),
        })
    }

    fn contains(&self, other: &Range, scalar: Scalar) -> bool {
        self.lower.compare(&other.lower, scalar).is_le() && self.upper.compare(&other.upper, scalar).is_ge()
    }

    /// Whether a value of the subtype is within.
    pub fn contains_element(&self, element: &str, scalar: Scalar) -> bool {
        let side = |bound: &Bound, outside: Ordering| {
            bound.value.as_ref().is_none_or(|value| match compare_text(scalar, element, value) {
                Ordering::Equal => bound.inclusive,
                order => order != outside,
            })
        };
        side(&self.lower, Ordering::Less) && side(&self.upper, Ordering::Greater)
    }

    fn overlaps(&self, other: &Range, scalar: Scalar) -> bool {
        self.lower.compare(&other.upper, scalar).is_le() && other.lower.compare(&self.upper, scalar).is_le()
    }

    fn is_adjacent(&self, other: &Range, of: RangeOf) -> Result<bool> {
        Ok(meet(&self.upper, &other.lower, of)? || meet(&other.upper, &self.lower, of)?)
    }

    /// The smallest range that both are within.
    pub fn span(&self, other: &Range, scalar: Scalar) -> Range {
        let lower = if self.lower.compare(&other.lower, scalar).is_lt() { &self.lower } else { &other.lower };
        let upper = if self.upper.compare(&other.upper, scalar).is_gt() { &self.upper } else { &other.upper };
        Range { lower: lower.clone(), upper: upper.clone() }
    }

    fn intersection(&self, other: &Range, of: RangeOf) -> Option<Range> {
        let scalar = of.scalar();
        self.overlaps(other, scalar).then(|| {
            let lower = if self.lower.compare(&other.lower, scalar).is_ge() { &self.lower } else { &other.lower };
            let upper = if self.upper.compare(&other.upper, scalar).is_le() { &self.upper } else { &other.upper };
            Range { lower: lower.clone(), upper: upper.clone() }
        })
    }

    /// What is left of it on either side of another.
    fn without(&self, other: &Range, of: RangeOf) -> Result<[Option<Range>; 2]> {
        let scalar = of.scalar();
        if !self.overlaps(other, scalar) {
            return Ok([Some(self.clone()), None]);
        }
        let before = match self.lower.compare(&other.lower, scalar) {
            Ordering::Less => Range::new(self.lower.clone(), other.lower.turned(), of)?,
            _ => None,
        };
        let after = match self.upper.compare(&other.upper, scalar) {
            Ordering::Greater => Range::new(other.upper.turned(), self.upper.clone(), of)?,
            _ => None,
        };
        Ok([before, after])
    }

    /// range_cmp, of ranges that are not empty.
    fn compare(&self, other: &Range, scalar: Scalar) -> Ordering {
        self.lower.compare(&other.lower, scalar).then_with(|| self.upper.compare(&other.upper, scalar))
    }
}

fn is_infinite(value: &str) -> bool {
    matches!(value, "infinity" | "-infinity")
}

/// The next value of a discrete type; a date that is infinite has none.
fn next(value: &str, subtype: Oid) -> Result<String> {
    let out_of_range = |name| Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("{name} out of range"));
    let corrupt = |_| Error::new(SqlState::DATA_CORRUPTED, "a stored range has a bound that is not of its subtype");
    match subtype {
        Oid::INT4 => {
            let value = value.parse::<i32>().map_err(corrupt)?;
            Ok(value.checked_add(1).ok_or_else(|| out_of_range("integer"))?.to_string())
        }
        Oid::INT8 => {
            let value = value.parse::<i64>().map_err(corrupt)?;
            Ok(value.checked_add(1).ok_or_else(|| out_of_range("bigint"))?.to_string())
        }
        Oid::DATE if !is_infinite(value) => Date::from_days(i64::from(Date::from_stored(value)?.0) + 1)?.to_stored(),
        _ => Ok(value.to_owned()),
    }
}

/// Whether an upper and a lower bound leave nothing between them and have nothing in common (bounds_adjacent).
fn meet(upper: &Bound, lower: &Bound, of: RangeOf) -> Result<bool> {
    Ok(match upper.compare_value(lower, of.scalar()) {
        Ordering::Less => of.discrete && Range::new(upper.turned(), lower.turned(), of)?.is_none(),
        Ordering::Equal => upper.inclusive != lower.inclusive,
        Ordering::Greater => false,
    })
}

/// Sorts ranges and joins those that touch (multirange_canonicalize).
pub fn normalized(mut ranges: Vec<Range>, of: RangeOf) -> Result<Vec<Range>> {
    let scalar = of.scalar();
    ranges.sort_by(|a, b| a.compare(b, scalar));
    let mut joined: Vec<Range> = Vec::with_capacity(ranges.len());
    for range in ranges {
        crate::limits::session::work(64)?;
        match joined.last_mut() {
            Some(last) if last.overlaps(&range, scalar) || last.is_adjacent(&range, of)? => {
                *last = last.span(&range, scalar);
            }
            _ => joined.push(range),
        }
    }
    Ok(joined)
}

/// What both have, in order. Both lists are in order already.
pub fn intersection(a: &[Range], b: &[Range], of: RangeOf) -> Result<Vec<Range>> {
    let mut shared = Vec::new();
    for range in a {
        crate::limits::session::work(b.len())?;
        shared.extend(b.iter().filter_map(|other| range.intersection(other, of)));
    }
    Ok(shared)
}

/// What the first has and the second has not.
pub fn difference(a: &[Range], b: &[Range], of: RangeOf) -> Result<Vec<Range>> {
    let mut left = a.to_vec();
    for other in b {
        crate::limits::session::work(left.len())?;
        let mut remaining = Vec::with_capacity(left.len() + 1);
        for range in left {
            remaining.extend(range.without(other, of)?.into_iter().flatten());
        }
        left = remaining;
    }
    Ok(left)
}

/// The smallest range that all are within; they are in order.
pub fn span(ranges: &[Range]) -> Option<Range> {
    Some(Range { lower: ranges.first()?.lower.clone(), upper: ranges.last()?.upper.clone() })
}

/// range_union: 22000 if something would lie between.
pub fn union(a: Option<Range>, b: Option<Range>, of: RangeOf) -> Result<Option<Range>> {
    match (a, b) {
        (Some(a), Some(b)) => {
            if !a.overlaps(&b, of.scalar()) && !a.is_adjacent(&b, of)? {
                return Err(data_exception("result of range union would not be contiguous"));
            }
            Ok(Some(a.span(&b, of.scalar())))
        }
        (a, b) => Ok(a.or(b)),
    }
}

/// range_minus: 22000 if two ranges would be left.
pub fn minus(a: Option<Range>, b: Option<Range>, of: RangeOf) -> Result<Option<Range>> {
    let (Some(left), Some(right)) = (&a, &b) else { return Ok(a) };
    match left.without(right, of)? {
        [Some(_), Some(_)] => Err(data_exception("result of range difference would not be contiguous")),
        [before, after] => Ok(before.or(after)),
    }
}

/// A relation between two ranges or multiranges, each as the list of its ranges.
pub type Relation = fn(&[Range], &[Range], RangeOf) -> Result<bool>;

/// @>
pub fn contains(a: &[Range], b: &[Range], of: RangeOf) -> Result<bool> {
    Ok(b.iter().all(|part| a.iter().any(|whole| whole.contains(part, of.scalar()))))
}

/// &&
pub fn overlap(a: &[Range], b: &[Range], of: RangeOf) -> Result<bool> {
    Ok(a.iter().any(|one| b.iter().any(|other| one.overlaps(other, of.scalar()))))
}

/// Both ends of both; nothing is left of, right of or beside what is empty.
fn ends(a: &[Range], b: &[Range], relation: impl Fn(&Range, &Range) -> Result<bool>) -> Result<bool> {
    match (span(a), span(b)) {
        (Some(a), Some(b)) => relation(&a, &b),
        _ => Ok(false),
    }
}

/// <<
pub fn is_before(a: &[Range], b: &[Range], of: RangeOf) -> Result<bool> {
    ends(a, b, |a, b| Ok(a.upper.compare(&b.lower, of.scalar()).is_lt()))
}

/// &<
pub fn ends_no_later(a: &[Range], b: &[Range], of: RangeOf) -> Result<bool> {
    ends(a, b, |a, b| Ok(a.upper.compare(&b.upper, of.scalar()).is_le()))
}

/// &>
pub fn begins_no_earlier(a: &[Range], b: &[Range], of: RangeOf) -> Result<bool> {
    ends(a, b, |a, b| Ok(a.lower.compare(&b.lower, of.scalar()).is_ge()))
}

/// -|-
pub fn is_adjacent(a: &[Range], b: &[Range], of: RangeOf) -> Result<bool> {
    ends(a, b, |a, b| a.is_adjacent(b, of))
}

/// range_cmp and multirange_cmp over stored values: what is empty comes first.
pub fn compare_stored(scalar: Scalar, a: &str, b: &str) -> Ordering {
    let parse = |text: &str| range_text::ranges_of_stored(text).ok();
    order::read(a, b, parse, |a, b| {
        let pairs = a.iter().zip(b).map(|(a, b)| a.compare(b, scalar));
        pairs.into_iter().find(|order| order.is_ne()).unwrap_or_else(|| a.len().cmp(&b.len()))
    })
}
