//! Paths, polygons and circles: what they enclose, and how they become each other.

use std::f64::consts::PI;

use super::near::{lseg_contains, lseg_lseg};
use super::{
    Circle, Lseg, Path, Point, PointOperation, Polygon, Rectangle, div, fp_eq, fp_ge, fp_gt, fp_le, fp_lt, fp_zero,
    hypot, mi, mul, pl,
};
use crate::error::{Error, Result, SqlState};
use crate::limits::{memory, session, stack};

/// The segments between points, the one from the last to the first in front.
fn segments(points: &[Point], closed: bool) -> impl Iterator<Item = Lseg> + '_ {
    let closing = points.last().zip(points.first()).filter(|_| closed).map(|(last, first)| Lseg::new(*last, *first));
    let between = points.iter().zip(points.iter().skip(1)).map(|(start, end)| Lseg::new(*start, *end));
    closing.into_iter().chain(between)
}

impl Path {
    /// Its segments; a closed one comes back to its start.
    pub fn segments(&self) -> impl Iterator<Item = Lseg> + '_ {
        segments(&self.points, self.closed)
    }

    /// path_area: only a closed path has one.
    pub fn area(&self) -> Result<Option<f64>> {
        if !self.closed {
            return Ok(None);
        }
        let mut area = 0.0;
        let next = self.points.iter().cycle().skip(1);
        for (point, next) in self.points.iter().zip(next) {
            area = pl(area, mul(point.x, next.y)?)?;
            area = mi(area, mul(point.y, next.x)?)?;
        }
        Ok(Some(div(area.abs(), 2.0)?))
    }

    /// path_length
    pub fn length(&self) -> Result<f64> {
        self.segments().try_fold(0.0, |length, segment| pl(length, segment.length()?))
    }

    /// on_ppath: on an open path, or within a closed one.
    pub fn contains_point(&self, point: &Point) -> Result<bool> {
        if self.closed {
            return is_inside(point, &self.points);
        }
        for segment in self.segments() {
            let ways = pl(point.distance(&segment.start)?, point.distance(&segment.end)?)?;
            if fp_eq(ways, segment.length()?) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Every point moved.
    pub fn moved(&self, by: &Point, operation: PointOperation) -> Result<Path> {
        let points = self.points.iter().map(|point| operation(point, by)).collect::<Result<_>>()?;
        Ok(Path { closed: self.closed, points })
    }

    /// One open path after the other (path_add).
    pub fn joined(&self, other: &Path) -> Option<Path> {
        (!self.closed && !other.closed)
            .then(|| Path { closed: false, points: self.points.iter().chain(&other.points).copied().collect() })
    }

    /// path_poly
    pub fn polygon(&self) -> Result<Polygon> {
        if !self.closed {
            let message = "open path cannot be converted to polygon";
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        Ok(Polygon { points: self.points.clone() })
    }
}

impl Polygon {
    /// Its sides.
    pub fn segments(&self) -> impl Iterator<Item = Lseg> + '_ {
        segments(&self.points, true)
    }

    /// The smallest box around it.
    pub fn bounds(&self) -> Rectangle {
        Rectangle::around(&self.points)
    }

    /// Whether a point is inside or on a side.
    pub fn contains_point(&self, point: &Point) -> Result<bool> {
        is_inside(point, &self.points)
    }

    /// poly_same: the same points in the same order, from wherever and in whichever direction.
    pub fn same(&self, other: &Polygon) -> bool {
        let count = self.points.len();
        let matches = |start: usize, step: usize| {
            let others = (0..count).map(|at| (start + at * step) % count).map(|at| other.points.get(at));
            self.points.iter().zip(others).all(|(a, b)| b.is_some_and(|b| a.same(b)))
        };
        count == other.points.len() && (0..count).any(|start| matches(start, 1) || matches(start, count - 1))
    }

    /// poly_overlap_internal
    pub fn overlaps(&self, other: &Polygon) -> Result<bool> {
        if !self.bounds().overlaps(&other.bounds()) {
            return Ok(false);
        }
        for one in self.segments() {
            session::work(other.points.len() * 64)?;
            for side in other.segments() {
                if lseg_lseg(&one, &side)?.is_some() {
                    return Ok(true);
                }
            }
        }
        let first_within = |inner: &Polygon, outer: &Polygon| match inner.points.first() {
            Some(first) => outer.contains_point(first),
            None => Ok(false),
        };
        Ok(first_within(self, other)? || first_within(other, self)?)
    }

    /// poly_contain_poly
    pub fn contains(&self, other: &Polygon) -> Result<bool> {
        if !self.bounds().contains(&other.bounds()) {
            return Ok(false);
        }
        for side in other.segments() {
            if !self.contains_segment(&side.start, &side.end, 0)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// lseg_inside_poly: the sides from `start` on are looked at.
    fn contains_segment(&self, a: &Point, b: &Point, start: usize) -> Result<bool> {
        stack::check()?;
        session::work(self.points.len() * 64)?;
        let segment = Lseg::new(*a, *b);
        let mut crosses = false;
        for (index, side) in self.segments().enumerate().skip(start) {
            let (has_a, has_b) = (lseg_contains(&side, a)?, lseg_contains(&side, b)?);
            let inside = match (has_a, has_b) {
                (true, true) => return Ok(true),
                (true, false) => self.contains_touching(a, b, &side, index + 1)?,
                (false, true) => self.contains_touching(b, a, &side, index + 1)?,
                (false, false) => match lseg_lseg(&segment, &side)? {
                    Some(meeting) => {
                        crosses = true;
                        self.contains_segment(a, &meeting, index + 1)?
                            && self.contains_segment(b, &meeting, index + 1)?
                    }
                    None => true,
                },
            };
            if !inside {
                return Ok(false);
            }
        }
        if crosses { Ok(true) } else { self.contains_point(&segment.center()?) }
    }

    /// touched_lseg_inside_poly: `a` lies on the side.
    fn contains_touching(&self, a: &Point, b: &Point, side: &Lseg, start: usize) -> Result<bool> {
        let segment = Lseg::new(*a, *b);
        let corner = if a.same(&side.start) {
            side.end
        } else if a.same(&side.end) {
            side.start
        } else if lseg_contains(&segment, &side.start)? {
            return self.contains_segment(b, &side.start, start);
        } else {
            side.end
        };
        if lseg_contains(&segment, &corner)? { self.contains_segment(b, &corner, start) } else { Ok(true) }
    }

    /// poly_to_circle: around the mean of its points, as wide as their mean distance.
    pub fn circle(&self) -> Result<Circle> {
        let count = self.points.len() as f64;
        let sum = self.points.iter().try_fold(Point::new(0.0, 0.0), |sum, point| sum.plus(point))?;
        let center = Point::new(div(sum.x, count)?, div(sum.y, count)?);
        let distances = self.points.iter().try_fold(0.0, |sum, point| pl(sum, point.distance(&center)?))?;
        Ok(Circle { center, radius: div(distances, count)? })
    }
}

impl Rectangle {
    /// box_poly
    pub fn polygon(&self) -> Polygon {
        let Rectangle { high, low } = *self;
        Polygon { points: vec![low, Point::new(low.x, high.y), high, Point::new(high.x, low.y)] }
    }

    /// box_circle
    pub fn circle(&self) -> Result<Circle> {
        let center = self.center()?;
        Ok(Circle { center, radius: center.distance(&self.high)? })
    }
}

impl Circle {
    /// circle_ar
    pub fn area(&self) -> Result<f64> {
        mul(mul(self.radius, self.radius)?, PI)
    }

    /// circle_same
    pub fn same(&self, other: &Circle) -> bool {
        let radius = self.radius.is_nan() && other.radius.is_nan() || fp_eq(self.radius, other.radius);
        radius && self.center.same(&other.center)
    }

    /// circle_overlap
    pub fn overlaps(&self, other: &Circle) -> Result<bool> {
        Ok(fp_le(self.center.distance(&other.center)?, pl(self.radius, other.radius)?))
    }

    /// circle_contain
    pub fn contains(&self, other: &Circle) -> Result<bool> {
        Ok(fp_le(self.center.distance(&other.center)?, mi(self.radius, other.radius)?))
    }

    /// circle_contain_pt: exact.
    pub fn contains_point(&self, point: &Point) -> Result<bool> {
        Ok(self.center.distance(point)? <= self.radius)
    }

    /// Its ends to the right and to the top.
    pub fn high(&self) -> Result<Point> {
        Ok(Point::new(pl(self.center.x, self.radius)?, pl(self.center.y, self.radius)?))
    }

    /// Its ends to the left and to the bottom.
    pub fn low(&self) -> Result<Point> {
        Ok(Point::new(mi(self.center.x, self.radius)?, mi(self.center.y, self.radius)?))
    }

    /// Moved by a vector.
    pub fn moved(&self, by: &Point, operation: PointOperation) -> Result<Circle> {
        Ok(Circle { center: operation(&self.center, by)?, radius: self.radius })
    }

    /// circle_mul_pt and circle_div_pt: the radius too.
    pub fn stretched(
        &self,
        by: &Point,
        operation: PointOperation,
        radius: fn(f64, f64) -> Result<f64>,
    ) -> Result<Circle> {
        Ok(Circle { center: operation(&self.center, by)?, radius: radius(self.radius, hypot(by.x, by.y)?)? })
    }

    /// float8_mul, for [`Circle::stretched`].
    pub fn times(radius: f64, factor: f64) -> Result<f64> {
        mul(radius, factor)
    }

    /// float8_div, for [`Circle::stretched`].
    pub fn over(radius: f64, divisor: f64) -> Result<f64> {
        div(radius, divisor)
    }

    /// circle_box: the box within it.
    pub fn rectangle(&self) -> Result<Rectangle> {
        let delta = div(self.radius, 2f64.sqrt())?;
        Ok(Rectangle {
            high: Point::new(pl(self.center.x, delta)?, pl(self.center.y, delta)?),
            low: Point::new(mi(self.center.x, delta)?, mi(self.center.y, delta)?),
        })
    }

    /// circle_poly
    pub fn polygon(&self, count: i32) -> Result<Polygon> {
        if fp_zero(self.radius) {
            let message = "cannot convert circle with radius zero to polygon";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        if count < 2 {
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "must request at least 2 points"));
        }
        if count as usize > i32::MAX as usize / size_of::<Point>() {
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "too many points requested"));
        }
        memory::reserve((count as usize).saturating_mul(size_of::<Point>() + 64))?;
        let step = div(2.0 * PI, f64::from(count))?;
        let point = |index: i32| {
            let angle = mul(step, f64::from(index))?;
            Ok(Point::new(
                mi(self.center.x, mul(self.radius, angle.cos())?)?,
                pl(self.center.y, mul(self.radius, angle.sin())?)?,
            ))
        };
        Ok(Polygon { points: (0..count).map(point).collect::<Result<_>>()? })
    }
}

/// point_inside: how often the sides go round a point; on a side counts as inside.
fn is_inside(point: &Point, points: &[Point]) -> Result<bool> {
    let relative = points.iter().map(|corner| corner.minus(point)).collect::<Result<Vec<_>>>()?;
    let mut total = 0;
    let nexts = relative.iter().skip(1).chain(relative.first());
    for (previous, next) in relative.iter().zip(nexts) {
        match crossing(next, previous)? {
            Some(crosses) => total += crosses,
            None => return Ok(true),
        }
    }
    Ok(total != 0)
}

/// lseg_crossing: how a side crosses the half-axis to the right of the origin; `None` if it goes through the origin.
fn crossing(to: &Point, from: &Point) -> Result<Option<i32>> {
    if fp_zero(to.y) {
        return Ok(if fp_zero(to.x) {
            None
        } else if fp_gt(to.x, 0.0) {
            match (fp_zero(from.y), fp_gt(from.x, 0.0)) {
                (true, right) => right.then_some(0),
                (false, _) => Some(if fp_lt(from.y, 0.0) { 1 } else { -1 }),
            }
        } else if fp_zero(from.y) {
            fp_lt(from.x, 0.0).then_some(0)
        } else {
            Some(0)
        });
    }
    let sign = if fp_gt(to.y, 0.0) { 1 } else { -1 };
    if fp_zero(from.y) {
        return Ok(Some(if fp_lt(from.x, 0.0) { 0 } else { sign }));
    }
    if sign < 0 && fp_lt(from.y, 0.0) || sign > 0 && fp_gt(from.y, 0.0) {
        return Ok(Some(0));
    }
    if fp_ge(to.x, 0.0) && fp_gt(from.x, 0.0) {
        return Ok(Some(2 * sign));
    }
    if fp_lt(to.x, 0.0) && fp_le(from.x, 0.0) {
        return Ok(Some(0));
    }
    let z = mi(mul(mi(to.x, from.x)?, to.y)?, mul(mi(to.y, from.y)?, to.x)?)?;
    Ok(if fp_zero(z) {
        None
    } else if sign < 0 && fp_lt(z, 0.0) || sign > 0 && fp_gt(z, 0.0) {
        Some(0)
    } else {
        Some(2 * sign)
    })
}
