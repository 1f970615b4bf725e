//! intarray's functions: arrays of integers as sets (contrib/intarray: _int_op.c, _int_tool.c, _int_bool.c).

use super::super::elements::parse_array;
use super::super::{Args, Definition, Output};
use super::hstore::texts;
use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;
use crate::types::array::{dimensions, split_bounds};
use crate::types::extension::query_int::QueryInt;

/// The functions of this area.
#[rustfmt::skip]
pub(in crate::engine::functions) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_intarray_query", 2, |a| { let query = a.cached(1, || QueryInt::parse(&a.text(1)?))?; Ok(query.matches(&sorted(a, 0)?)?.into()) }),
    Definition::pure("pg_intarray_querytree", 1, |_| Err(Error::new(SqlState::INTERNAL_ERROR, "querytree is no longer implemented"))),
    Definition::pure("pg_intarray_contains", 2, |a| { let whole = set(a, 0)?; Ok(set(a, 1)?.iter().all(|part| whole.binary_search(part).is_ok()).into()) }),
    Definition::pure("pg_intarray_overlap", 2, |a| { let whole = set(a, 0)?; Ok(set(a, 1)?.iter().any(|part| whole.binary_search(part).is_ok()).into()) }),
    Definition::pure("pg_intarray_same", 2, |a| Ok((sorted(a, 0)? == sorted(a, 1)?).into())),
    Definition::pure("pg_intarray_union", 2, |a| { let mut all = integers(a, 0)?; all.extend(integers(a, 1)?); all.sort_unstable(); all.dedup(); made(&all) }),
    Definition::pure("pg_intarray_inter", 2, |a| { let (mut of, with) = (set(a, 0)?, set(a, 1)?); of.retain(|part| with.binary_search(part).is_ok()); made(&of) }),
    Definition::pure("pg_intarray_subtract", 2, |a| { let (mut of, with) = (set(a, 0)?, set(a, 1)?); of.retain(|part| with.binary_search(part).is_err()); made(&of) }),
    Definition::pure("pg_intarray_union_elem", 2, |a| { let mut all = integers(a, 0)?; all.push(a.int4(1)?); all.sort_unstable(); all.dedup(); made(&all) }),
    Definition::pure("pg_intarray_count", 1, |a| Ok((texts(a, 0)?.len() as i64).into())),
    Definition::pure("pg_intarray_push", 2, |a| { let mut all = integers(a, 0)?; all.push(a.int4(1)?); made(&all) }),
    Definition::pure("pg_intarray_push_array", 2, |a| { let mut all = integers(a, 0)?; all.extend(integers(a, 1)?); made(&all) }),
    Definition::pure("pg_intarray_del", 2, |a| { let gone = a.int4(1)?; changed(a, |all| all.retain(|one| *one != gone)) }),
    Definition::pure("pg_intarray_uniq", 1, |a| changed(a, Vec::dedup)),
    Definition::pure("pg_intarray_sort", 1, |a| changed(a, |all| all.sort_unstable())),
    Definition::pure("pg_intarray_sort", 2, sort),
    Definition::pure("pg_intarray_idx", 2, |a| { let wanted = a.int4(1)?; Ok(integers(a, 0)?.iter().position(|one| *one == wanted).map_or(0, |place| place as i64 + 1).into()) }),
    Definition::pure("pg_intarray_sub", 2, |a| part(a, 0)),
    Definition::pure("pg_intarray_sub", 3, |a| part(a, a.int(2)?)),
];

/// The elements, of which none may be NULL.
fn integers(args: &Args<'_>, index: usize) -> Result<Vec<i32>> {
    fn flatten(value: serde_json::Value, out: &mut Vec<i32>) -> Result<()> {
        match value {
            serde_json::Value::Array(parts) => parts.into_iter().try_for_each(|part| flatten(part, out)),
            value => {
                let number = value.as_i64().and_then(|number| i32::try_from(number).ok());
                let null = || Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "array must not contain nulls");
                out.push(number.ok_or_else(null)?);
                Ok(())
            }
        }
    }
    let mut found = Vec::new();
    let parts = parse_array::<Vec<serde_json::Value>>(&args.text(index)?)?;
    parts.into_iter().try_for_each(|part| flatten(part, &mut found))?;
    limits::work(found.len() * 8)?;
    Ok(found)
}

fn sorted(args: &Args<'_>, index: usize) -> Result<Vec<i32>> {
    let mut all = integers(args, index)?;
    all.sort_unstable();
    Ok(all)
}

fn set(args: &Args<'_>, index: usize) -> Result<Vec<i32>> {
    let mut all = sorted(args, index)?;
    all.dedup();
    Ok(all)
}

fn made(all: &[i32]) -> Result<Output> {
    let parts: Vec<String> = all.iter().map(i32::to_string).collect();
    Ok(format!("[{}]", parts.join(",")).into())
}

/// The array changed in place: it keeps its lower bound.
fn changed(args: &Args<'_>, change: impl Fn(&mut Vec<i32>)) -> Result<Output> {
    let stored = args.text(0)?;
    let mut all = integers(args, 0)?;
    let shape = dimensions(&stored)?.len();
    change(&mut all);
    if shape > 1 {
        let message = "intarray's changes of arrays of several dimensions are not supported";
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    }
    match split_bounds(&stored).0 {
        Some(bounds) if !all.is_empty() => {
            let parts: Vec<String> = all.iter().map(i32::to_string).collect();
            Ok(format!("/*{bounds}*/[{}]", parts.join(",")).into())
        }
        _ => made(&all),
    }
}

fn sort(args: &Args<'_>) -> Result<Output> {
    let direction = args.text(1)?;
    if integers(args, 0)?.len() < 2 {
        return Ok(Output::Argument(0));
    }
    match direction.to_ascii_lowercase().as_str() {
        "asc" => changed(args, |all| all.sort_unstable()),
        "desc" => changed(args, |all| all.sort_unstable_by(|a, b| b.cmp(a))),
        _ => {
            let message = "second parameter must be \"ASC\" or \"DESC\"";
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
        }
    }
}

fn part(args: &Args<'_>, length: i64) -> Result<Output> {
    let all = integers(args, 0)?;
    let count = all.len() as i64;
    let start = args.int(1)?;
    let start = if start > 0 {
        start - 1
    } else if start < 0 {
        count + start
    } else {
        0
    };
    let end = match length {
        0 => count,
        length if length < 0 => count + length,
        length => (start + length).min(count),
    };
    let place = |at: i64| usize::try_from(at).unwrap_or(0);
    made(all.get(place(start)..place(end)).unwrap_or(&[]))
}
