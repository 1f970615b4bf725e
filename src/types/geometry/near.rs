//! How far shapes are from each other, where they meet, and which of their points is closest.
//!
//! The functions are those of geo_ops.c, term by term: rounding makes the answer.

use super::{
    Circle, Line, Lseg, Path, Point, Polygon, Rectangle, div, fp_eq, fp_zero, hypot, least, less, mi, mul, pl,
};
use crate::error::Result;

/// line_interpt_line: `None` for parallels.
pub fn line_line(l1: &Line, l2: &Line) -> Result<Option<Point>> {
    let solve = |l1: &Line, l2: &Line| -> Result<Option<Point>> {
        if fp_eq(l2.a, mul(l1.a, div(l2.b, l1.b)?)?) {
            return Ok(None);
        }
        let x = div(mi(mul(l1.b, l2.c)?, mul(l2.b, l1.c)?)?, mi(mul(l1.a, l2.b)?, mul(l2.a, l1.b)?)?)?;
        let y = div(-pl(mul(l1.a, x)?, l1.c)?, l1.b)?;
        // Adding 0 makes 0 of -0.
        Ok(Some(Point::new(x + 0.0, y + 0.0)))
    };
    if !fp_zero(l1.b) {
        solve(l1, l2)
    } else if !fp_zero(l2.b) {
        solve(l2, l1)
    } else {
        Ok(None)
    }
}

/// line_distance
pub fn line_distance(l1: &Line, l2: &Line) -> Result<f64> {
    if line_line(l1, l2)?.is_some() {
        return Ok(0.0);
    }
    let usable = |value: f64| !fp_zero(value) && !value.is_nan();
    let ratio = if usable(l1.a) && usable(l2.a) {
        div(l1.a, l2.a)?
    } else if usable(l1.b) && usable(l2.b) {
        div(l1.b, l2.b)?
    } else {
        1.0
    };
    div(mi(l1.c, mul(ratio, l2.c)?)?.abs(), hypot(l1.a, l1.b)?)
}

/// line_contain_point
pub fn line_contains(line: &Line, point: &Point) -> Result<bool> {
    Ok(fp_zero(pl(pl(mul(line.a, point.x)?, mul(line.b, point.y)?)?, line.c)?))
}

/// lseg_contain_point
pub fn lseg_contains(lseg: &Lseg, point: &Point) -> Result<bool> {
    Ok(fp_eq(point.distance(&lseg.start)? + point.distance(&lseg.end)?, lseg.length()?))
}

/// lseg_interpt_line
pub fn lseg_line(lseg: &Lseg, line: &Line) -> Result<Option<Point>> {
    let Some(meeting) = line_line(&lseg.line()?, line)? else { return Ok(None) };
    if !lseg_contains(lseg, &meeting)? {
        return Ok(None);
    }
    // An end is that end exactly.
    let ends = [lseg.start, lseg.end];
    Ok(Some(ends.into_iter().find(|end| end.same(&meeting)).unwrap_or(meeting)))
}

/// lseg_interpt_lseg
pub fn lseg_lseg(l1: &Lseg, l2: &Lseg) -> Result<Option<Point>> {
    match lseg_line(l1, &l2.line()?)? {
        Some(meeting) if lseg_contains(l2, &meeting)? => Ok(Some(meeting)),
        _ => Ok(None),
    }
}

/// A closest point and how far it is.
pub type Closest = (Point, f64);

/// line_closept_point
pub fn line_to_point(line: &Line, point: &Point) -> Result<Closest> {
    let across = Line::through(point, line.inverse_slope()?)?;
    match line_line(&across, line)? {
        Some(closest) => Ok((closest, closest.distance(point)?)),
        None => Ok((*point, f64::NAN)),
    }
}

/// lseg_closept_line
pub fn lseg_to_line(lseg: &Lseg, line: &Line) -> Result<Closest> {
    if let Some(meeting) = lseg_line(lseg, line)? {
        return Ok((meeting, 0.0));
    }
    let (from_start, from_end) = (line_to_point(line, &lseg.start)?.1, line_to_point(line, &lseg.end)?.1);
    Ok(if from_start < from_end { (lseg.start, from_start) } else { (lseg.end, from_end) })
}

/// lseg_closept_point
pub fn lseg_to_point(lseg: &Lseg, point: &Point) -> Result<Closest> {
    let across = Line::through(point, lseg.start.inverse_slope(&lseg.end)?)?;
    let (closest, _) = lseg_to_line(lseg, &across)?;
    Ok((closest, closest.distance(point)?))
}

fn nearer(best: Closest, other: Closest) -> Closest {
    if less(other.1, best.1) { other } else { best }
}

/// lseg_closept_lseg: the closest point is on the first.
pub fn lseg_to_lseg(on: &Lseg, to: &Lseg) -> Result<Closest> {
    if let Some(meeting) = lseg_lseg(on, to)? {
        return Ok((meeting, 0.0));
    }
    let mut best = lseg_to_point(on, &to.start)?;
    best = nearer(best, lseg_to_point(on, &to.end)?);
    best = nearer(best, (on.start, lseg_to_point(to, &on.start)?.1));
    Ok(nearer(best, (on.end, lseg_to_point(to, &on.end)?.1)))
}

/// box_closept_point
pub fn box_to_point(rectangle: &Rectangle, point: &Point) -> Result<Closest> {
    if rectangle.contains_point(point) {
        return Ok((*point, 0.0));
    }
    let [first, others @ ..] = rectangle.sides();
    let mut best = lseg_to_point(&first, point)?;
    for side in &others {
        best = nearer(best, lseg_to_point(side, point)?);
    }
    Ok(best)
}

/// box_interpt_lseg
pub fn box_lseg(rectangle: &Rectangle, lseg: &Lseg) -> Result<bool> {
    if !Rectangle::around(&[lseg.start, lseg.end]).overlaps(rectangle) {
        return Ok(false);
    }
    if rectangle.contains_point(&lseg.start) || rectangle.contains_point(&lseg.end) {
        return Ok(true);
    }
    for side in rectangle.sides() {
        if lseg_lseg(&side, lseg)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// box_closept_lseg
pub fn box_to_lseg(rectangle: &Rectangle, lseg: &Lseg) -> Result<Closest> {
    if box_lseg(rectangle, lseg)? {
        return Ok((lseg_to_point(lseg, &rectangle.center()?)?.0, 0.0));
    }
    let [first, others @ ..] = rectangle.sides();
    let mut best = lseg_to_lseg(&first, lseg)?;
    for side in &others {
        best = nearer(best, lseg_to_lseg(side, lseg)?);
    }
    Ok(best)
}

/// inter_lb
pub fn line_box(line: &Line, rectangle: &Rectangle) -> Result<bool> {
    for side in rectangle.sides() {
        if lseg_line(&side, line)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The least of some distances, each worth a look at the clock.
fn closest_of(distances: impl Iterator<Item = Result<f64>>) -> Result<Option<f64>> {
    let mut best: Option<f64> = None;
    for distance in distances {
        crate::limits::session::work(64)?;
        let distance = distance?;
        best = Some(best.map_or(distance, |best| least(distance, best)));
    }
    Ok(best)
}

/// path_distance: NULL without segments.
pub fn path_distance(p1: &Path, p2: &Path) -> Result<Option<f64>> {
    let others: Vec<Lseg> = p2.segments().collect();
    closest_of(p1.segments().flat_map(|one| others.iter().map(move |other| Ok(lseg_to_lseg(&one, other)?.1))))
}

/// path_inter
pub fn path_path(p1: &Path, p2: &Path) -> Result<bool> {
    if !Rectangle::around(&p1.points).overlaps(&Rectangle::around(&p2.points)) {
        return Ok(false);
    }
    for one in p1.segments() {
        crate::limits::session::work(p2.points.len() * 64)?;
        for other in p2.segments() {
            if lseg_lseg(&one, &other)?.is_some() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// dist_ppath_internal
pub fn path_to_point(path: &Path, point: &Point) -> Result<f64> {
    Ok(closest_of(path.segments().map(|segment| Ok(lseg_to_point(&segment, point)?.1)))?.unwrap_or(0.0))
}

/// dist_ppoly_internal
pub fn polygon_to_point(polygon: &Polygon, point: &Point) -> Result<f64> {
    if polygon.contains_point(point)? {
        return Ok(0.0);
    }
    Ok(closest_of(polygon.segments().map(|segment| Ok(lseg_to_point(&segment, point)?.1)))?.unwrap_or(0.0))
}

/// poly_distance
pub fn polygon_distance(a: &Polygon, b: &Polygon) -> Result<Option<f64>> {
    if a.overlaps(b)? {
        return Ok(Some(0.0));
    }
    let others: Vec<Lseg> = b.segments().collect();
    closest_of(a.segments().flat_map(|one| others.iter().map(move |other| Ok(lseg_to_lseg(&one, other)?.1))))
}

/// A distance from an edge; inside it is none.
fn outside(distance: f64) -> f64 {
    if distance < 0.0 { 0.0 } else { distance }
}

/// circle_distance
pub fn circle_distance(a: &Circle, b: &Circle) -> Result<f64> {
    Ok(outside(mi(a.center.distance(&b.center)?, pl(a.radius, b.radius)?)?))
}

/// dist_pc
pub fn circle_to_point(circle: &Circle, point: &Point) -> Result<f64> {
    Ok(outside(mi(point.distance(&circle.center)?, circle.radius)?))
}

/// dist_cpoly_internal
pub fn circle_to_polygon(circle: &Circle, polygon: &Polygon) -> Result<f64> {
    Ok(outside(mi(polygon_to_point(polygon, &circle.center)?, circle.radius)?))
}
