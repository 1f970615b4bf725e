//! ltree's functions (contrib/ltree: ltree_op.c, lquery_op.c, ltxtquery_op.c, _ltree_op.c).

use std::borrow::Cow;

use super::super::{Args, Definition, Output};
use super::hstore::texts;
use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;
use crate::types::array::dimensions;
use crate::types::extension::ltree::{LQuery, LtxtQuery, MOST_LEVELS, check, labels};

/// The functions of this area.
#[rustfmt::skip]
pub(in crate::engine::functions) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_ltree_in", 1, |a| { check(&a.text(0)?)?; Ok(Output::Argument(0)) }),
    Definition::pure("pg_ltree_cmp", 2, |a| Ok(compare(&labels(&a.text(0)?), &labels(&a.text(1)?)).into())),
    Definition::pure("pg_ltree_nlevel", 1, |a| Ok((labels(&a.text(0)?).len() as i64).into())),
    Definition::pure("pg_ltree_subltree", 3, |a| part(&labels(&a.text(0)?), a.int(1)?, a.int(2)?)),
    Definition::pure("pg_ltree_subpath", 2, |a| subpath(a, None)),
    Definition::pure("pg_ltree_subpath", 3, |a| subpath(a, Some(a.int(2)?))),
    Definition::pure("pg_ltree_index", 2, |a| index(a, 0)),
    Definition::pure("pg_ltree_index", 3, |a| index(a, a.int(2)?)),
    Definition::pure("pg_ltree_concat", 2, concat),
    Definition::pure("pg_ltree_lca", -1, |a| common(&(0..a.len()).map(|i| a.text(i)).collect::<Result<Vec<_>>>()?)),
    Definition::pure("pg_ltree_lca_array", 1, |a| common(&array(a, 0)?.into_iter().rev().map(Cow::Owned).collect::<Vec<_>>())),
    Definition::pure("pg_ltree_isparent", 2, |a| Ok(Question::Parent(a.text(1)?).holds(&a.text(0)?)?.into())),
    Definition::pure("pg_ltree_regex", 2, |a| Ok(a.cached(1, || LQuery::parse(&a.text(1)?))?.matches(&a.text(0)?)?.into())),
    Definition::pure("pg_ltree_search", 2, |a| Ok(a.cached(1, || LtxtQuery::parse(&a.text(1)?))?.matches(&a.text(0)?)?.into())),
    Definition::pure("pg_ltree_regex_any", 2, |a| regex_any(&[a.text(0)?], &array(a, 1)?)),
    Definition::pure("pg_ltree_any_regex_any", 2, |a| { let queries = array(a, 1)?; regex_any(&array(a, 0)?, &queries) }),
    Definition::pure("pg_ltree_any", 3, |a| Ok(first(a)?.is_some().into())),
    Definition::pure("pg_ltree_first", 3, |a| Ok(first(a)?.into())),
];

fn invalid(message: &str) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message.to_owned())
}

/// ltree_compare
fn compare(a: &[&str], b: &[&str]) -> i64 {
    for (place, (left, right)) in a.iter().zip(b).enumerate() {
        let weight = 10 * (a.len() - place + 1) as i64;
        let shared = left.len().min(right.len());
        match left.as_bytes().get(..shared).cmp(&right.as_bytes().get(..shared)) {
            std::cmp::Ordering::Equal if left.len() == right.len() => {}
            std::cmp::Ordering::Equal => return (left.len() as i64 - right.len() as i64) * weight,
            order => return order as i64 * weight,
        }
    }
    let rest = a.len() - a.len().min(b.len());
    (a.len() as i64 - b.len() as i64) * 10 * (rest as i64 + 1)
}

/// inner_subltree
fn part(labels: &[&str], start: i64, end: i64) -> Result<Output> {
    let wrong = || invalid("invalid positions");
    let start = usize::try_from(start).ok().filter(|start| *start < labels.len()).ok_or_else(wrong)?;
    let end = usize::try_from(end).ok().filter(|end| start <= *end).ok_or_else(wrong)?;
    Ok(labels.get(start..end.min(labels.len())).ok_or_else(wrong)?.join(".").into())
}

fn subpath(args: &Args<'_>, length: Option<i64>) -> Result<Output> {
    let path = args.text(0)?;
    let labels = labels(&path);
    let count = labels.len() as i64;
    let mut start = args.int(1)?;
    for _ in 0..2 {
        if start < 0 {
            start += count;
        }
    }
    let end = match length {
        None => 0xffff,
        Some(length) if length < 0 => count + length,
        Some(length) => start + length,
    };
    part(&labels, start, end)
}

fn index(args: &Args<'_>, start: i64) -> Result<Output> {
    let (path, wanted) = (args.text(0)?, args.text(1)?);
    let (path, wanted) = (labels(&path), labels(&wanted));
    let count = path.len() as i64;
    let start = match start {
        start if start >= 0 => start,
        start if -start >= count => 0,
        start => count + start,
    };
    if count - start < wanted.len() as i64 || wanted.is_empty() {
        return Ok((-1).into());
    }
    limits::work(path.len() * wanted.len())?;
    let mut found = path.windows(wanted.len()).enumerate().skip(usize::try_from(start).unwrap_or(0));
    Ok(found.find(|(_, part)| *part == wanted).map_or(-1, |(place, _)| place as i64).into())
}

fn concat(args: &Args<'_>) -> Result<Output> {
    let (left, right) = (args.text(0)?, args.text(1)?);
    let levels = labels(&left).len() + labels(&right).len();
    if levels > MOST_LEVELS {
        let message = format!("number of ltree levels ({levels}) exceeds the maximum allowed ({MOST_LEVELS})");
        return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
    }
    let dot = if left.is_empty() || right.is_empty() { "" } else { "." };
    Ok(format!("{left}{dot}{right}").into())
}

/// lca_inner: what is above all of them.
fn common(paths: &[Cow<'_, str>]) -> Result<Output> {
    limits::work(paths.iter().map(|path| path.len()).sum())?;
    let paths: Vec<Vec<&str>> = paths.iter().map(|path| labels(path)).collect();
    let Some((first, others)) = paths.split_first() else { return Ok(Output::NULL) };
    if paths.iter().any(Vec::is_empty) {
        return Ok(Output::NULL);
    }
    let mut length = first.len() - 1;
    for other in others {
        let most = length.min(other.len() - 1);
        length = first.iter().zip(other).take(most).take_while(|(a, b)| a == b).count();
    }
    Ok(first.get(..length).unwrap_or(&[]).join(".").into())
}

/// The elements of an array of one dimension that has no NULLs.
fn array(args: &Args<'_>, index: usize) -> Result<Vec<String>> {
    if dimensions(&args.text(index)?)?.len() > 1 {
        return Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "array must be one-dimensional"));
    }
    let null = || Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "array must not contain nulls");
    texts(args, index)?.into_iter().map(|text| text.ok_or_else(null)).collect()
}

fn regex_any(paths: &[impl AsRef<str>], queries: &[String]) -> Result<Output> {
    for query in queries {
        let query = LQuery::parse(query)?;
        for path in paths {
            if query.matches(path.as_ref())? {
                return Ok(true.into());
            }
        }
    }
    Ok(false.into())
}

/// What is asked of the paths of an array.
enum Question<'q> {
    /// Whether it is above that one, or the same.
    Parent(Cow<'q, str>),
    Child(Cow<'q, str>),
    Regex(LQuery),
    Search(LtxtQuery),
}

impl Question<'_> {
    fn holds(&self, path: &str) -> Result<bool> {
        let above = |parent: &str, child: &str| {
            parent.is_empty() || child.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        Ok(match self {
            Question::Parent(of) => above(path, of),
            Question::Child(of) => above(of, path),
            Question::Regex(query) => query.matches(path)?,
            Question::Search(query) => query.matches(path)?,
        })
    }
}

/// The first path of an array that answers the question: function(which, array, query).
fn first(args: &Args<'_>) -> Result<Option<String>> {
    let query = args.text(2)?;
    let question = match args.int(0)? {
        0 => Question::Parent(query),
        1 => Question::Child(query),
        2 => Question::Regex(LQuery::parse(&query)?),
        _ => Question::Search(LtxtQuery::parse(&query)?),
    };
    for path in array(args, 1)? {
        if question.holds(&path)? {
            return Ok(Some(path));
        }
    }
    Ok(None)
}
