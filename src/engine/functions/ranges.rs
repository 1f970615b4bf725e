//! Functions and operators over ranges and multiranges (functions-range.html); the computing is `types::range`.
//!
//! The functions are told their arguments' types, which say what the bounds are and whether a value is one range,
//! several, or an element.

use rusqlite::types::ValueRef;

use super::args::stored;
use super::elements::{Typed, find_type};
use super::{Args, Definition, Output};
use crate::error::{Error, Result, SqlState};
use crate::types::pg_type::{RangeOf, Scalar, TypeInfo};
use crate::types::range::{self, Bound, Range, Relation};
use crate::types::range_text::{
    bound_of_value, range_of_stored, ranges_of_stored, stored_multirange, stored_range, value_of_bound,
};

/// The functions of this area.
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_range_contains", 3, |a| contains(a, 0, 1)),
    Definition::pure("pg_range_contained", 3, |a| contains(a, 1, 0)),
    Definition::pure("pg_range_overlaps", 3, |a| relation(a, range::overlap)),
    Definition::pure("pg_range_before", 3, |a| relation(a, range::is_before)),
    Definition::pure("pg_range_after", 3, |a| relation(a, |a, b, of| range::is_before(b, a, of))),
    Definition::pure("pg_range_overleft", 3, |a| relation(a, range::ends_no_later)),
    Definition::pure("pg_range_overright", 3, |a| relation(a, range::begins_no_earlier)),
    Definition::pure("pg_range_adjacent", 3, |a| relation(a, range::is_adjacent)),
    Definition::pure("pg_range_union", 3, |a| {
        combine(a, range::union, |a, b, of| range::normalized(a.iter().chain(b).cloned().collect(), of))
    }),
    Definition::pure("pg_range_minus", 3, |a| combine(a, range::minus, range::difference)),
    Definition::pure("pg_range_intersect", 3, |a| combine(a, intersect, range::intersection)),
    Definition::pure("pg_range_merge", 3, |a| combine(a, merge, |a, _, _| Ok(a.to_vec()))),
    Definition::pure("pg_multirange_merge", 2, |a| {
        let typed = Typed::new(a)?;
        Ok(stored_range(range::span(&ranges(&typed, 0)?).as_ref()).into())
    }),
    Definition::pure("pg_range_lower", 2, |a| bound(a, |range| &range.lower)),
    Definition::pure("pg_range_upper", 2, |a| bound(a, |range| &range.upper)),
    Definition::pure("pg_range_isempty", 2, |a| Ok(ranges(&Typed::new(a)?, 0)?.is_empty().into())),
    Definition::pure("pg_range_lower_inc", 2, |a| ends(a, |range| range.lower.inclusive)),
    Definition::pure("pg_range_upper_inc", 2, |a| ends(a, |range| range.upper.inclusive)),
    Definition::pure("pg_range_lower_inf", 2, |a| ends(a, |range| range.lower.value.is_none())),
    Definition::pure("pg_range_upper_inf", 2, |a| ends(a, |range| range.upper.value.is_none())),
    Definition::pure("pg_range_make", 4, make).called_on_null(),
    Definition::pure("pg_multirange_make", -1, make_multirange).called_on_null(),
    Definition::pure("pg_multirange_of", 2, |a| Ok(stored_multirange(&ranges(&Typed::new(a)?, 0)?).into())),
    Definition::pure("pg_multirange_array", 1, |a| {
        let ranges = ranges_of_stored(&a.text(0)?)?;
        let texts: Vec<String> = ranges.iter().map(|range| stored_range(Some(range))).collect();
        Ok(serde_json::to_string(&texts).map_err(|_| Error::internal("ranges as an array"))?.into())
    }),
];

/// What a range type is over.
pub(super) fn range_of(info: &TypeInfo) -> Result<RangeOf> {
    info.repr.scalar.range().ok_or_else(|| Error::internal(format_args!("{} is no range type", info.name)))
}

/// An argument's ranges; none for NULL and for what is empty.
fn ranges(typed: &Typed<'_, '_>, index: usize) -> Result<Vec<Range>> {
    ranges_of_stored(&super::args::text_of(typed.raw(index))?)
}

fn is_range(info: &TypeInfo) -> bool {
    info.repr.array_of.is_none() && info.repr.scalar.range().is_some()
}

/// range @> range, multirange or element.
fn contains(args: &Args<'_>, whole: usize, part: usize) -> Result<Output> {
    let typed = Typed::new(args)?;
    let of = range_of(typed.type_of(whole)?)?;
    let outer = ranges(&typed, whole)?;
    if is_range(typed.type_of(part)?) {
        return Ok(range::contains(&outer, &ranges(&typed, part)?, of)?.into());
    }
    let element = bound_of_value(of, stored(typed.raw(part))?)?;
    Ok(outer.iter().any(|range| range.contains_element(&element, of.scalar())).into())
}

fn relation(args: &Args<'_>, holds: Relation) -> Result<Output> {
    let typed = Typed::new(args)?;
    let of = range_of(typed.type_of(0)?)?;
    Ok(holds(&ranges(&typed, 0)?, &ranges(&typed, 1)?, of)?.into())
}

type OfRanges = fn(Option<Range>, Option<Range>, RangeOf) -> Result<Option<Range>>;
type OfMultiranges = fn(&[Range], &[Range], RangeOf) -> Result<Vec<Range>>;

/// Two ranges give a range, two multiranges a multirange.
fn combine(args: &Args<'_>, single: OfRanges, several: OfMultiranges) -> Result<Output> {
    let typed = Typed::new(args)?;
    let info = typed.type_of(0)?;
    let of = range_of(info)?;
    let (left, right) = (ranges(&typed, 0)?, ranges(&typed, 1)?);
    Ok(match info.repr.scalar {
        Scalar::Multirange(_) => stored_multirange(&several(&left, &right, of)?).into(),
        _ => stored_range(single(left.into_iter().next(), right.into_iter().next(), of)?.as_ref()).into(),
    })
}

/// What two ranges have in common.
pub(super) fn intersect(a: Option<Range>, b: Option<Range>, of: RangeOf) -> Result<Option<Range>> {
    let (a, b): (Vec<Range>, Vec<Range>) = (a.into_iter().collect(), b.into_iter().collect());
    Ok(range::intersection(&a, &b, of)?.into_iter().next())
}

fn merge(a: Option<Range>, b: Option<Range>, of: RangeOf) -> Result<Option<Range>> {
    Ok(match (a, b) {
        (Some(a), Some(b)) => Some(a.span(&b, of.scalar())),
        (a, b) => a.or(b),
    })
}

/// lower() and upper(): NULL where there is no such bound.
fn bound(args: &Args<'_>, end: fn(&Range) -> &Bound) -> Result<Output> {
    let typed = Typed::new(args)?;
    let of = range_of(typed.type_of(0)?)?;
    let span = range::span(&ranges(&typed, 0)?);
    match span.as_ref().and_then(|range| end(range).value.as_ref()) {
        Some(text) => Ok(value_of_bound(of, text)?.into()),
        None => Ok(Output::NULL),
    }
}

/// A property of the ends; what is empty has none.
fn ends(args: &Args<'_>, property: fn(&Range) -> bool) -> Result<Output> {
    Ok(range::span(&ranges(&Typed::new(args)?, 0)?).is_some_and(|range| property(&range)).into())
}

/// pg_range_make(range type, lower, upper, flags)
fn make(args: &Args<'_>) -> Result<Output> {
    let info = args.cached(0, || find_type(&args.text(0)?))?;
    let of = range_of(*info)?;
    let flags = args.text(3)?;
    let (lower_inclusive, upper_inclusive) = match flags.as_ref() {
        _ if args.is_null(3) => {
            let message = "range constructor flags argument must not be null";
            return Err(Error::new(SqlState::DATA_EXCEPTION, message));
        }
        "[]" => (true, true),
        "[)" => (true, false),
        "(]" => (false, true),
        "()" => (false, false),
        _ => {
            let hint = "Valid values are \"[]\", \"[)\", \"(]\", and \"()\".";
            return Err(Error::new(SqlState::SYNTAX_ERROR, "invalid range bound flags").with_hint(hint));
        }
    };
    let value = |index| match args.raw(index) {
        ValueRef::Null => Ok(None),
        value => bound_of_value(of, stored(value)?).map(Some),
    };
    let (lower, upper) = (Bound::lower(value(1)?, lower_inclusive), Bound::upper(value(2)?, upper_inclusive));
    Ok(stored_range(Range::new(lower, upper, of)?.as_ref()).into())
}

/// pg_multirange_make(range types, range, …)
fn make_multirange(args: &Args<'_>) -> Result<Output> {
    let info = Typed::new(args)?.type_of(0)?;
    let mut ranges = Vec::new();
    for index in 1..args.len() {
        if args.is_null(index) {
            let message = "multirange values cannot contain null members";
            return if args.len() == 2 {
                Ok(Output::NULL)
            } else {
                Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message))
            };
        }
        let text = args.text(index)?;
        ranges.extend(range_of_stored(&text)?);
    }
    Ok(stored_multirange(&range::normalized(ranges, range_of(info)?)?).into())
}
