//! vector's functions and aggregates (pgvector's README).
//!
//! There is no index behind `hnsw` and `ivfflat`: ORDER BY a distance computes all of them and is exact.

use rusqlite::Connection;

use super::super::aggregate::{self, Accumulator};
use super::super::elements::parse_array;
use super::super::{Args, ContextSlot, Definition, Output};
use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;
use crate::types::array::{dimensions, push_element};
use crate::types::extension::vector::Vector;
use crate::types::pg_type::Scalar;
use crate::types::value::ValueRef;

/// The functions of this area.
#[rustfmt::skip]
pub(in crate::engine::functions) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_vector_l2_distance", 2, |a| sum(a, |x, y| (x - y) * (x - y), |sum| f64::from(sum).sqrt())),
    Definition::pure("pg_vector_l2_squared", 2, |a| sum(a, |x, y| (x - y) * (x - y), f64::from)),
    Definition::pure("pg_vector_inner_product", 2, |a| sum(a, |x, y| x * y, f64::from)),
    Definition::pure("pg_vector_negative_product", 2, |a| sum(a, |x, y| x * y, |sum| -f64::from(sum))),
    Definition::pure("pg_vector_l1_distance", 2, |a| sum(a, |x, y| (x - y).abs(), f64::from)),
    Definition::pure("pg_vector_spherical_distance", 2, |a| sum(a, |x, y| x * y, |sum| f64::from(sum).clamp(-1.0, 1.0).acos() / std::f64::consts::PI)),
    Definition::pure("pg_vector_cosine_distance", 2, cosine_distance),
    Definition::pure("pg_vector_dims", 1, |a| Ok((vector(a, 0)?.numbers().len() as i64).into())),
    Definition::pure("pg_vector_norm", 1, |a| Ok(norm(&vector(a, 0)?).into())),
    Definition::pure("pg_vector_normalize", 1, normalize),
    Definition::pure("pg_vector_add", 2, |a| combine(a, |x, y| x + y)),
    Definition::pure("pg_vector_sub", 2, |a| combine(a, |x, y| x - y)),
    Definition::pure("pg_vector_mul", 2, |a| combine(a, |x, y| x * y)),
    Definition::pure("pg_vector_concat", 2, |a| { let mut both = vector(a, 0)?.numbers().to_vec(); both.extend(vector(a, 1)?.numbers()); made(both) }),
    Definition::pure("pg_vector_subvector", 3, subvector),
    Definition::pure("pg_vector_binary_quantize", 1, |a| Ok(vector(a, 0)?.numbers().iter().map(|x| if *x > 0.0 { '1' } else { '0' }).collect::<String>().into())),
    Definition::pure("pg_vector_cmp", 2, |a| Ok((a.bytes(0)?.cmp(&a.bytes(1)?) as i64).into())),
    Definition::pure("pg_vector_of_array", 1, of_array),
    Definition::pure("pg_vector_to_array", 1, to_array),
    Definition::pure("pg_typmod_vector", 2, check_dimensions),
];

/// Registers the aggregates.
pub(in crate::engine::functions) fn register(connection: &Connection, slot: &ContextSlot) -> Result<()> {
    aggregate::register_one::<Sum<false>>(connection, slot, "pg_vector_sum", 1)?;
    aggregate::register_one::<Sum<true>>(connection, slot, "pg_vector_avg", 1)
}

fn vector(args: &Args<'_>, index: usize) -> Result<Vector> {
    Vector::from_stored(&args.bytes(index)?)
}

fn made(numbers: Vec<f32>) -> Result<Output> {
    Ok(Vector::new(numbers)?.to_stored().into())
}

fn pair(args: &Args<'_>) -> Result<(Vector, Vector)> {
    let (a, b) = (vector(args, 0)?, vector(args, 1)?);
    let (left, right) = (a.numbers().len(), b.numbers().len());
    limits::work(left)?;
    match left == right {
        true => Ok((a, b)),
        false => Err(different(left, right)),
    }
}

fn different(left: usize, right: usize) -> Error {
    Error::new(SqlState::DATA_EXCEPTION, format!("different vector dimensions {left} and {right}"))
}

fn sum(args: &Args<'_>, of: fn(f32, f32) -> f32, result: fn(f32) -> f64) -> Result<Output> {
    let (a, b) = pair(args)?;
    let sum: f32 = a.numbers().iter().zip(b.numbers()).map(|(x, y)| of(*x, *y)).sum();
    Ok(result(sum).into())
}

fn cosine_distance(args: &Args<'_>) -> Result<Output> {
    let (a, b) = pair(args)?;
    let (mut product, mut left, mut right) = (0.0f32, 0.0f32, 0.0f32);
    for (x, y) in a.numbers().iter().zip(b.numbers()) {
        product += x * y;
        left += x * x;
        right += y * y;
    }
    let similarity = f64::from(product) / (f64::from(left) * f64::from(right)).sqrt();
    Ok((1.0 - similarity.clamp(-1.0, 1.0)).into())
}

fn norm(vector: &Vector) -> f64 {
    vector.numbers().iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt()
}

fn normalize(args: &Args<'_>) -> Result<Output> {
    let vector = vector(args, 0)?;
    let norm = norm(&vector);
    let of = |x: &f32| if norm > 0.0 { (f64::from(*x) / norm) as f32 } else { 0.0 };
    let numbers: Vec<f32> = vector.numbers().iter().map(of).collect();
    if numbers.iter().any(|number| number.is_infinite()) {
        return Err(overflow());
    }
    made(numbers)
}

fn overflow() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow")
}

fn combine(args: &Args<'_>, of: fn(f32, f32) -> f32) -> Result<Output> {
    let (a, b) = pair(args)?;
    let numbers: Vec<f32> = a.numbers().iter().zip(b.numbers()).map(|(x, y)| of(*x, *y)).collect();
    if numbers.iter().any(|number| number.is_infinite()) {
        return Err(overflow());
    }
    made(numbers)
}

/// subvector(vector, from, count): what there is of it.
fn subvector(args: &Args<'_>) -> Result<Output> {
    let (vector, start, count) = (vector(args, 0)?, args.int(1)?, args.int(2)?);
    if count < 1 {
        return made(Vec::new());
    }
    let length = vector.numbers().len() as i64;
    let end = start.saturating_add(count).min(length + 1);
    let start = start.max(1);
    if start > length {
        return made(Vec::new());
    }
    let numbers = vector.numbers().iter().skip(start as usize - 1).take((end - start).max(0) as usize);
    made(numbers.copied().collect())
}

fn of_array(args: &Args<'_>) -> Result<Output> {
    let stored = args.text(0)?;
    if dimensions(&stored)?.len() > 1 {
        return Err(Error::new(SqlState::DATA_EXCEPTION, "array must be 1-D"));
    }
    let elements: Vec<serde_json::Value> = parse_array(&stored)?;
    limits::work(elements.len())?;
    let number = |element: &serde_json::Value| match element {
        serde_json::Value::Null => Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "array must not contain nulls")),
        serde_json::Value::String(text) => text.parse::<f32>().map_err(|_| Error::internal("an array of numbers")),
        other => Ok(other.as_f64().unwrap_or(f64::NAN) as f32),
    };
    made(elements.iter().map(number).collect::<Result<_>>()?)
}

fn to_array(args: &Args<'_>) -> Result<Output> {
    let mut out = "[".to_owned();
    for number in vector(args, 0)?.numbers() {
        if out.len() > 1 {
            out.push(',');
        }
        push_element(&mut out, Scalar::Float4, ValueRef::Real(f64::from(*number)))?;
    }
    out.push(']');
    Ok(out.into())
}

/// vector(n)
fn check_dimensions(args: &Args<'_>) -> Result<Output> {
    let (found, wanted) = (args.bytes(0)?.len() as i64 / 4, args.int(1)?);
    if wanted != -1 && wanted != found {
        let message = format!("expected {wanted} dimensions, not {found}");
        return Err(Error::new(SqlState::DATA_EXCEPTION, message));
    }
    Ok(Output::Argument(0))
}

/// sum(vector), or avg(vector).
#[derive(Default)]
struct Sum<const AVERAGE: bool> {
    sums: Vec<f64>,
    count: u32,
}

impl<const AVERAGE: bool> Sum<AVERAGE> {
    fn change(&mut self, args: &Args<'_>, sign: f64) -> Result<()> {
        let vector = vector(args, 0)?;
        if self.sums.is_empty() {
            self.sums = vec![0.0; vector.numbers().len()];
        }
        if self.sums.len() != vector.numbers().len() {
            return Err(match AVERAGE {
                true => Error::new(
                    SqlState::DATA_EXCEPTION,
                    format!("expected {} dimensions, not {}", self.sums.len(), vector.numbers().len()),
                ),
                false => different(self.sums.len(), vector.numbers().len()),
            });
        }
        for (sum, number) in self.sums.iter_mut().zip(vector.numbers()) {
            *sum += sign * f64::from(*number);
        }
        Ok(())
    }
}

impl<const AVERAGE: bool> Accumulator for Sum<AVERAGE> {
    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        self.count += 1;
        self.change(args, 1.0)
    }

    fn remove(&mut self, args: &Args<'_>) -> Result<()> {
        self.count = self.count.saturating_sub(1);
        self.change(args, -1.0)
    }

    fn value(&self) -> Result<Output> {
        if self.count == 0 {
            return Ok(Output::NULL);
        }
        let by = if AVERAGE { f64::from(self.count) } else { 1.0 };
        let numbers: Vec<f32> = self.sums.iter().map(|sum| (sum / by) as f32).collect();
        if numbers.iter().any(|number| number.is_infinite()) {
            return Err(overflow());
        }
        made(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::assert_values;

    /// The answers are those of pgvector's own tests.
    #[test]
    fn vectors_compute_what_pgvectors_do() {
        assert_values(&[
            ("pg_out_vector(pg_vector_add(pg_in_vector('[1,2,3]'), pg_in_vector('[4,5,6]')))", "[5,7,9]"),
            ("pg_out_vector(pg_vector_sub(pg_in_vector('[1,2,3]'), pg_in_vector('[4,5,6]')))", "[-3,-3,-3]"),
            ("pg_out_vector(pg_vector_mul(pg_in_vector('[1,2,3]'), pg_in_vector('[4,5,6]')))", "[4,10,18]"),
            ("pg_vector_add(pg_in_vector('[3e38]'), pg_in_vector('[3e38]'))", "22003 value out of range: overflow"),
            ("pg_vector_add(pg_in_vector('[1,2]'), pg_in_vector('[3]'))", "22000 different vector dimensions 2 and 1"),
            ("pg_vector_dims(pg_in_vector('[1,2,3]'))", "3"),
            ("round(pg_vector_norm(pg_in_vector('[3,4]')))", "5.0"),
            ("pg_vector_l2_distance(pg_in_vector('[0,0]'), pg_in_vector('[3,4]'))", "5.0"),
            ("pg_vector_inner_product(pg_in_vector('[1,2]'), pg_in_vector('[3,4]'))", "11.0"),
            ("pg_vector_negative_product(pg_in_vector('[1,2]'), pg_in_vector('[3,4]'))", "-11.0"),
            ("pg_vector_cosine_distance(pg_in_vector('[1,2]'), pg_in_vector('[2,4]'))", "0.0"),
            ("pg_vector_cosine_distance(pg_in_vector('[1,1]'), pg_in_vector('[-1,-1]'))", "2.0"),
            ("pg_vector_l1_distance(pg_in_vector('[0,0]'), pg_in_vector('[3,4]'))", "7.0"),
            ("pg_out_vector(pg_vector_normalize(pg_in_vector('[3,4]')))", "[0.6,0.8]"),
            ("pg_out_vector(pg_vector_normalize(pg_in_vector('[0,0]')))", "[0,0]"),
            ("pg_vector_binary_quantize(pg_in_vector('[1,0,-1]'))", "100"),
            ("pg_out_vector(pg_vector_subvector(pg_in_vector('[1,2,3,4,5]'), 3, 9))", "[3,4,5]"),
            ("pg_vector_subvector(pg_in_vector('[1,2,3,4,5]'), 1, 0)", "22000 vector must have at least 1 dimension"),
            ("pg_out_vector(pg_vector_of_array('[1,2.5,\"3\"]'))", "[1,2.5,3]"),
            ("pg_vector_of_array('[[1]]')", "22000 array must be 1-D"),
            ("pg_typmod_vector(pg_in_vector('[1,2]'), 3)", "22000 expected 3 dimensions, not 2"),
            (
                "pg_out_vector((SELECT pg_vector_avg(pg_in_vector(column1)) FROM (VALUES ('[1,2,3]'), ('[3,5,7]'))))",
                "[2,3.5,5]",
            ),
            (
                "pg_out_vector((SELECT pg_vector_sum(pg_in_vector(column1)) FROM (VALUES ('[1,2,3]'), ('[3,5,7]'))))",
                "[4,7,10]",
            ),
        ]);
    }
}
