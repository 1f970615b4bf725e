//! Points, lines, segments, boxes, paths, polygons and circles, and the arithmetic under them.
//!
//! Owns: the shapes, fuzzy comparison, checked arithmetic, points and boxes. `geometry::text` reads and writes them,
//! `geometry::near` has distances and intersections, `geometry::area` paths, polygons and circles. Must not know: SQL.
//! Specification: datatype-geometric.html, functions-geometry.html; geo_ops.c, whose order of computing decides the last
//! digit.

pub mod area;
pub mod near;
pub mod text;

use crate::error::{Error, Result, SqlState};

/// A place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

/// A segment between two points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lseg {
    pub start: Point,
    pub end: Point,
}

/// Where Ax + By + C = 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    pub a: f64,
    pub b: f64,
    pub c: f64,
}

/// A rectangle along the axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rectangle {
    pub high: Point,
    pub low: Point,
}

/// Points one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    pub closed: bool,
    pub points: Vec<Point>,
}

/// The inside of a closed path.
#[derive(Clone, Debug, PartialEq)]
pub struct Polygon {
    pub points: Vec<Point>,
}

/// What is no farther than a radius from a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Circle {
    pub center: Point,
    pub radius: f64,
}

/// Differences that count as none.
const EPSILON: f64 = 1.0e-6;

/// The fuzzy comparison.
pub fn fp_zero(a: f64) -> bool {
    a.abs() <= EPSILON
}

/// The fuzzy comparison.
pub fn fp_eq(a: f64, b: f64) -> bool {
    a == b || (a - b).abs() <= EPSILON
}

/// The fuzzy comparison.
pub fn fp_lt(a: f64, b: f64) -> bool {
    a + EPSILON < b
}

/// The fuzzy comparison.
pub fn fp_le(a: f64, b: f64) -> bool {
    a <= b + EPSILON
}

/// The fuzzy comparison.
pub fn fp_gt(a: f64, b: f64) -> bool {
    a > b + EPSILON
}

/// The fuzzy comparison.
pub fn fp_ge(a: f64, b: f64) -> bool {
    a + EPSILON >= b
}

/// NaN is greater than everything else and equal to itself (float8_lt).
pub(super) fn less(a: f64, b: f64) -> bool {
    !a.is_nan() && (b.is_nan() || a < b)
}

fn equal(a: f64, b: f64) -> bool {
    a == b || a.is_nan() && b.is_nan()
}

pub(super) fn least(a: f64, b: f64) -> f64 {
    if less(a, b) { a } else { b }
}

pub(super) fn greatest(a: f64, b: f64) -> f64 {
    if less(b, a) { a } else { b }
}

fn overflow() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow")
}

fn underflow() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: underflow")
}

fn finite(result: f64, a: f64, b: f64) -> Result<f64> {
    if result.is_infinite() && !a.is_infinite() && !b.is_infinite() { Err(overflow()) } else { Ok(result) }
}

/// float8_pl
pub(super) fn pl(a: f64, b: f64) -> Result<f64> {
    finite(a + b, a, b)
}

/// float8_mi
pub(super) fn mi(a: f64, b: f64) -> Result<f64> {
    finite(a - b, a, b)
}

/// float8_mul
pub(super) fn mul(a: f64, b: f64) -> Result<f64> {
    let result = finite(a * b, a, b)?;
    if result == 0.0 && a != 0.0 && b != 0.0 { Err(underflow()) } else { Ok(result) }
}

/// float8_div
pub(super) fn div(a: f64, b: f64) -> Result<f64> {
    if b == 0.0 && !a.is_nan() {
        return Err(Error::new(SqlState::DIVISION_BY_ZERO, "division by zero"));
    }
    let result = a / b;
    if result.is_infinite() && !a.is_infinite() {
        return Err(overflow());
    }
    if result == 0.0 && a != 0.0 && !b.is_infinite() { Err(underflow()) } else { Ok(result) }
}

/// pg_hypot
pub(super) fn hypot(x: f64, y: f64) -> Result<f64> {
    if x.is_infinite() || y.is_infinite() {
        return Ok(f64::INFINITY);
    }
    if x.is_nan() || y.is_nan() {
        return Ok(f64::NAN);
    }
    let (x, y) = (x.abs(), y.abs());
    let (x, y) = if x < y { (y, x) } else { (x, y) };
    if y == 0.0 {
        return Ok(x);
    }
    let ratio = y / x;
    match x * (1.0 + ratio * ratio).sqrt() {
        result if result.is_infinite() => Err(overflow()),
        0.0 => Err(underflow()),
        result => Ok(result),
    }
}

impl Point {
    /// The point at these coordinates.
    pub fn new(x: f64, y: f64) -> Point {
        Point { x, y }
    }

    /// Fuzzy, but for NaN.
    pub fn same(&self, other: &Point) -> bool {
        if [self.x, self.y, other.x, other.y].iter().any(|value| value.is_nan()) {
            return equal(self.x, other.x) && equal(self.y, other.y);
        }
        fp_eq(self.x, other.x) && fp_eq(self.y, other.y)
    }

    /// point_dt
    pub fn distance(&self, other: &Point) -> Result<f64> {
        hypot(mi(self.x, other.x)?, mi(self.y, other.y)?)
    }

    /// point_sl
    pub fn slope(&self, other: &Point) -> Result<f64> {
        if fp_eq(self.x, other.x) {
            return Ok(f64::INFINITY);
        }
        if fp_eq(self.y, other.y) {
            return Ok(0.0);
        }
        div(mi(self.y, other.y)?, mi(self.x, other.x)?)
    }

    /// point_invsl
    pub(super) fn inverse_slope(&self, other: &Point) -> Result<f64> {
        if fp_eq(self.x, other.x) {
            return Ok(0.0);
        }
        if fp_eq(self.y, other.y) {
            return Ok(f64::INFINITY);
        }
        div(mi(self.x, other.x)?, mi(other.y, self.y)?)
    }

    /// Moved by a vector.
    pub fn plus(&self, other: &Point) -> Result<Point> {
        Ok(Point::new(pl(self.x, other.x)?, pl(self.y, other.y)?))
    }

    /// Moved back by a vector.
    pub fn minus(&self, other: &Point) -> Result<Point> {
        Ok(Point::new(mi(self.x, other.x)?, mi(self.y, other.y)?))
    }

    /// Turned and stretched: multiplication of complex numbers.
    pub fn times(&self, other: &Point) -> Result<Point> {
        Ok(Point::new(
            mi(mul(self.x, other.x)?, mul(self.y, other.y)?)?,
            pl(mul(self.x, other.y)?, mul(self.y, other.x)?)?,
        ))
    }

    /// The inverse of [`Point::times`].
    pub fn over(&self, other: &Point) -> Result<Point> {
        let divisor = pl(mul(other.x, other.x)?, mul(other.y, other.y)?)?;
        Ok(Point::new(
            div(pl(mul(self.x, other.x)?, mul(self.y, other.y)?)?, divisor)?,
            div(mi(mul(self.y, other.x)?, mul(self.x, other.y)?)?, divisor)?,
        ))
    }
}

/// What moves, turns or stretches every point of a shape.
pub type PointOperation = fn(&Point, &Point) -> Result<Point>;

impl Lseg {
    /// Between two points.
    pub fn new(start: Point, end: Point) -> Lseg {
        Lseg { start, end }
    }

    /// lseg_sl
    pub fn slope(&self) -> Result<f64> {
        self.start.slope(&self.end)
    }

    /// Its length.
    pub fn length(&self) -> Result<f64> {
        self.start.distance(&self.end)
    }

    /// The point in the middle.
    pub fn center(&self) -> Result<Point> {
        Ok(Point::new(div(pl(self.start.x, self.end.x)?, 2.0)?, div(pl(self.start.y, self.end.y)?, 2.0)?))
    }

    /// The line it lies on.
    pub(super) fn line(&self) -> Result<Line> {
        Line::through(&self.start, self.slope()?)
    }

    /// Whether both are parallel.
    pub fn is_parallel(&self, other: &Lseg) -> Result<bool> {
        Ok(fp_eq(self.slope()?, other.slope()?))
    }

    /// Whether there is a right angle between them.
    pub fn is_perpendicular(&self, other: &Lseg) -> Result<bool> {
        Ok(fp_eq(self.slope()?, other.start.inverse_slope(&other.end)?))
    }

    /// From the same point to the same point.
    pub fn same(&self, other: &Lseg) -> bool {
        self.start.same(&other.start) && self.end.same(&other.end)
    }
}

impl Line {
    /// line_construct
    pub fn through(point: &Point, slope: f64) -> Result<Line> {
        if slope.is_infinite() {
            return Ok(Line { a: -1.0, b: 0.0, c: point.x });
        }
        if slope == 0.0 {
            return Ok(Line { a: 0.0, b: -1.0, c: point.y });
        }
        // Adding 0 makes 0 of -0.
        Ok(Line { a: slope, b: -1.0, c: mi(point.y, mul(slope, point.x)?)? + 0.0 })
    }

    /// line_construct_pp
    pub fn between(a: &Point, b: &Point) -> Result<Line> {
        if a.same(b) {
            let message = "invalid line specification: must be two distinct points";
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        Line::through(a, a.slope(b)?)
    }

    /// line_sl
    pub fn slope(&self) -> Result<f64> {
        if fp_zero(self.a) {
            return Ok(0.0);
        }
        if fp_zero(self.b) { Ok(f64::INFINITY) } else { div(self.a, -self.b) }
    }

    /// line_invsl
    pub(super) fn inverse_slope(&self) -> Result<f64> {
        if fp_zero(self.a) {
            return Ok(f64::INFINITY);
        }
        if fp_zero(self.b) { Ok(0.0) } else { div(self.b, self.a) }
    }

    /// line_perp
    pub fn is_perpendicular(&self, other: &Line) -> Result<bool> {
        if fp_zero(self.a) {
            return Ok(fp_zero(other.b));
        }
        if fp_zero(other.a) {
            return Ok(fp_zero(self.b));
        }
        if fp_zero(self.b) {
            return Ok(fp_zero(other.a));
        }
        if fp_zero(other.b) {
            return Ok(fp_zero(self.a));
        }
        Ok(fp_eq(div(mul(self.a, other.a)?, mul(self.b, other.b)?)?, -1.0))
    }

    fn has_nan(&self) -> bool {
        self.a.is_nan() || self.b.is_nan() || self.c.is_nan()
    }

    /// line_eq: the same points, whatever the factor.
    pub fn same(&self, other: &Line) -> Result<bool> {
        if self.has_nan() || other.has_nan() {
            return Ok(equal(self.a, other.a) && equal(self.b, other.b) && equal(self.c, other.c));
        }
        let ratio = if !fp_zero(other.a) {
            div(self.a, other.a)?
        } else if !fp_zero(other.b) {
            div(self.b, other.b)?
        } else if !fp_zero(other.c) {
            div(self.c, other.c)?
        } else {
            1.0
        };
        Ok(fp_eq(self.a, mul(ratio, other.a)?)
            && fp_eq(self.b, mul(ratio, other.b)?)
            && fp_eq(self.c, mul(ratio, other.c)?))
    }
}

impl Rectangle {
    /// From any two opposite corners (box_construct).
    pub fn new(a: &Point, b: &Point) -> Rectangle {
        let (high_x, low_x) = if less(b.x, a.x) { (a.x, b.x) } else { (b.x, a.x) };
        let (high_y, low_y) = if less(b.y, a.y) { (a.y, b.y) } else { (b.y, a.y) };
        Rectangle { high: Point::new(high_x, high_y), low: Point::new(low_x, low_y) }
    }

    /// The smallest one around some points.
    pub fn around(points: &[Point]) -> Rectangle {
        let first = points.first().copied().unwrap_or(Point::new(0.0, 0.0));
        points.iter().fold(Rectangle { high: first, low: first }, |bounds, point| Rectangle {
            high: Point::new(greatest(point.x, bounds.high.x), greatest(point.y, bounds.high.y)),
            low: Point::new(least(point.x, bounds.low.x), least(point.y, bounds.low.y)),
        })
    }

    /// box_wd
    pub fn width(&self) -> Result<f64> {
        mi(self.high.x, self.low.x)
    }

    /// box_ht
    pub fn height(&self) -> Result<f64> {
        mi(self.high.y, self.low.y)
    }

    /// box_ar
    pub fn area(&self) -> Result<f64> {
        mul(self.width()?, self.height()?)
    }

    /// box_cn
    pub fn center(&self) -> Result<Point> {
        Lseg::new(self.high, self.low).center()
    }

    /// box_ov
    pub fn overlaps(&self, other: &Rectangle) -> bool {
        fp_le(self.low.x, other.high.x)
            && fp_le(other.low.x, self.high.x)
            && fp_le(self.low.y, other.high.y)
            && fp_le(other.low.y, self.high.y)
    }

    /// box_contain_box
    pub fn contains(&self, other: &Rectangle) -> bool {
        fp_ge(self.high.x, other.high.x)
            && fp_le(self.low.x, other.low.x)
            && fp_ge(self.high.y, other.high.y)
            && fp_le(self.low.y, other.low.y)
    }

    /// box_contain_point: exact.
    pub fn contains_point(&self, point: &Point) -> bool {
        self.high.x >= point.x && self.low.x <= point.x && self.high.y >= point.y && self.low.y <= point.y
    }

    /// What both have.
    pub fn intersection(&self, other: &Rectangle) -> Option<Rectangle> {
        self.overlaps(other).then(|| Rectangle {
            high: Point::new(least(self.high.x, other.high.x), least(self.high.y, other.high.y)),
            low: Point::new(greatest(self.low.x, other.low.x), greatest(self.low.y, other.low.y)),
        })
    }

    /// Both corners moved; turned ones change places.
    pub fn moved(&self, by: &Point, operation: PointOperation) -> Result<Rectangle> {
        Ok(Rectangle::new(&operation(&self.high, by)?, &operation(&self.low, by)?))
    }

    /// Its four sides, in the order in which PostgreSQL looks at them.
    pub(super) fn sides(&self) -> [Lseg; 4] {
        let (left_top, right_bottom) = (Point::new(self.low.x, self.high.y), Point::new(self.high.x, self.low.y));
        [
            Lseg::new(self.low, left_top),
            Lseg::new(self.high, left_top),
            Lseg::new(self.low, right_bottom),
            Lseg::new(self.high, right_bottom),
        ]
    }
}
