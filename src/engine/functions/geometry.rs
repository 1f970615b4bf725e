//! Functions and operators over geometric types (functions-geometry.html), under the names of PostgreSQL's C functions;
//! the computing is `types::geometry`.

use super::{Args, Definition, Output};
use crate::error::Result;
use crate::types::geometry::text::Shape;
use crate::types::geometry::{
    Circle, Line, Lseg, Path, Point, Polygon, Rectangle, fp_eq, fp_ge, fp_gt, fp_le, fp_lt, fp_zero, near,
};

/// A function of one shape.
macro_rules! one {
    ($name:literal, $shape:ty, $body:expr) => {
        Definition::pure($name, 1, |args| {
            let body: fn(&$shape) -> Result<_> = $body;
            Ok(Output::from(body(&shape(args, 0)?)?))
        })
    };
}

/// A function of two shapes.
macro_rules! two {
    ($name:literal, $left:ty, $right:ty, $body:expr) => {
        Definition::pure($name, 2, |args| {
            let body: fn(&$left, &$right) -> Result<_> = $body;
            Ok(Output::from(body(&shape(args, 0)?, &shape(args, 1)?)?))
        })
    };
}

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_point_part", 2, |a| { let p: Point = shape(a, 0)?; part(a, [p.x, p.y]) }),
    Definition::pure("pg_line_part", 2, |a| { let l: Line = shape(a, 0)?; part(a, [l.a, l.b, l.c]) }),
    Definition::pure("pg_lseg_part", 2, |a| { let l: Lseg = shape(a, 0)?; part(a, [l.start, l.end]) }),
    Definition::pure("pg_box_part", 2, |a| { let b: Rectangle = shape(a, 0)?; part(a, [b.high, b.low]) }),
    Definition::pure("pg_construct_point", 2, |a| Ok(Point::new(a.float(0)?, a.float(1)?).into())),
    Definition::pure("pg_cr_circle", 2, |a| Ok(Circle { center: shape(a, 0)?, radius: a.float(1)? }.into())),
    Definition::pure("pg_circle_poly", 2, |a| Ok(shape::<Circle>(a, 1)?.polygon(a.int4(0)?)?.into())),
    one!("pg_box_area", Rectangle, |a| a.area()),
    one!("pg_box_center", Rectangle, |a| a.center()),
    one!("pg_box_circle", Rectangle, |a| a.circle()),
    one!("pg_box_diagonal", Rectangle, |a| Ok(Lseg::new(a.high, a.low))),
    one!("pg_box_height", Rectangle, |a| a.height()),
    one!("pg_box_width", Rectangle, |a| a.width()),
    one!("pg_box_poly", Rectangle, |a| Ok(a.polygon())),
    one!("pg_circle_area", Circle, |a| a.area()),
    one!("pg_circle_box", Circle, |a| a.rectangle()),
    one!("pg_circle_center", Circle, |a| Ok(a.center)),
    one!("pg_circle_diameter", Circle, |a| Circle::times(a.radius, 2.0)),
    one!("pg_circle_radius", Circle, |a| Ok(a.radius)),
    one!("pg_line_horizontal", Line, |a| Ok(fp_zero(a.a))),
    one!("pg_line_vertical", Line, |a| Ok(fp_zero(a.b))),
    one!("pg_lseg_center", Lseg, |a| a.center()),
    one!("pg_lseg_length", Lseg, |a| a.length()),
    one!("pg_lseg_horizontal", Lseg, |a| Ok(fp_eq(a.start.y, a.end.y))),
    one!("pg_lseg_vertical", Lseg, |a| Ok(fp_eq(a.start.x, a.end.x))),
    one!("pg_path_area", Path, |a| a.area()),
    one!("pg_path_close", Path, |a| Ok(Path { closed: true, ..a.clone() })),
    one!("pg_path_open", Path, |a| Ok(Path { closed: false, ..a.clone() })),
    one!("pg_path_isclosed", Path, |a| Ok(a.closed)),
    one!("pg_path_isopen", Path, |a| Ok(!a.closed)),
    one!("pg_path_length", Path, |a| a.length()),
    one!("pg_path_npoints", Path, |a| Ok(a.points.len() as i64)),
    one!("pg_path_poly", Path, |a| a.polygon()),
    one!("pg_point_box", Point, |a| Ok(Rectangle::new(a, a))),
    one!("pg_poly_box", Polygon, |a| Ok(a.bounds())),
    one!("pg_poly_center", Polygon, |a| Ok(a.circle()?.center)),
    one!("pg_poly_circle", Polygon, |a| a.circle()),
    one!("pg_poly_npoints", Polygon, |a| Ok(a.points.len() as i64)),
    one!("pg_poly_path", Polygon, |a| Ok(Path { closed: true, points: a.points.clone() })),
    two!("pg_box_above", Rectangle, Rectangle, |a, b| Ok(fp_gt(a.low.y, b.high.y))),
    two!("pg_box_above_eq", Rectangle, Rectangle, |a, b| Ok(fp_ge(a.low.y, b.high.y))),
    two!("pg_box_below", Rectangle, Rectangle, |a, b| Ok(fp_lt(a.high.y, b.low.y))),
    two!("pg_box_below_eq", Rectangle, Rectangle, |a, b| Ok(fp_le(a.high.y, b.low.y))),
    two!("pg_box_left", Rectangle, Rectangle, |a, b| Ok(fp_lt(a.high.x, b.low.x))),
    two!("pg_box_right", Rectangle, Rectangle, |a, b| Ok(fp_gt(a.low.x, b.high.x))),
    two!("pg_box_overabove", Rectangle, Rectangle, |a, b| Ok(fp_ge(a.low.y, b.low.y))),
    two!("pg_box_overbelow", Rectangle, Rectangle, |a, b| Ok(fp_le(a.high.y, b.high.y))),
    two!("pg_box_overleft", Rectangle, Rectangle, |a, b| Ok(fp_le(a.high.x, b.high.x))),
    two!("pg_box_overright", Rectangle, Rectangle, |a, b| Ok(fp_ge(a.low.x, b.low.x))),
    two!("pg_box_contain", Rectangle, Rectangle, |a, b| Ok(a.contains(b))),
    two!("pg_box_contained", Rectangle, Rectangle, |a, b| Ok(b.contains(a))),
    two!("pg_box_overlap", Rectangle, Rectangle, |a, b| Ok(a.overlaps(b))),
    two!("pg_box_same", Rectangle, Rectangle, |a, b| Ok(a.high.same(&b.high) && a.low.same(&b.low))),
    two!("pg_box_eq", Rectangle, Rectangle, |a, b| Ok(fp_eq(a.area()?, b.area()?))),
    two!("pg_circle_eq", Circle, Circle, |a, b| Ok(fp_eq(a.area()?, b.area()?))),
    two!("pg_box_lt", Rectangle, Rectangle, |a, b| Ok(fp_lt(a.area()?, b.area()?))),
    two!("pg_circle_lt", Circle, Circle, |a, b| Ok(fp_lt(a.area()?, b.area()?))),
    two!("pg_lseg_lt", Lseg, Lseg, |a, b| Ok(fp_lt(a.length()?, b.length()?))),
    two!("pg_box_le", Rectangle, Rectangle, |a, b| Ok(fp_le(a.area()?, b.area()?))),
    two!("pg_circle_le", Circle, Circle, |a, b| Ok(fp_le(a.area()?, b.area()?))),
    two!("pg_lseg_le", Lseg, Lseg, |a, b| Ok(fp_le(a.length()?, b.length()?))),
    two!("pg_box_gt", Rectangle, Rectangle, |a, b| Ok(fp_gt(a.area()?, b.area()?))),
    two!("pg_circle_gt", Circle, Circle, |a, b| Ok(fp_gt(a.area()?, b.area()?))),
    two!("pg_lseg_gt", Lseg, Lseg, |a, b| Ok(fp_gt(a.length()?, b.length()?))),
    two!("pg_box_ge", Rectangle, Rectangle, |a, b| Ok(fp_ge(a.area()?, b.area()?))),
    two!("pg_circle_ge", Circle, Circle, |a, b| Ok(fp_ge(a.area()?, b.area()?))),
    two!("pg_lseg_ge", Lseg, Lseg, |a, b| Ok(fp_ge(a.length()?, b.length()?))),
    two!("pg_circle_ne", Circle, Circle, |a, b| Ok(!fp_eq(a.area()?, b.area()?))),
    two!("pg_path_n_eq", Path, Path, |a, b| Ok(a.points.len() == b.points.len())),
    two!("pg_path_n_lt", Path, Path, |a, b| Ok(a.points.len() < b.points.len())),
    two!("pg_path_n_le", Path, Path, |a, b| Ok(a.points.len() <= b.points.len())),
    two!("pg_path_n_gt", Path, Path, |a, b| Ok(a.points.len() > b.points.len())),
    two!("pg_path_n_ge", Path, Path, |a, b| Ok(a.points.len() >= b.points.len())),
    two!("pg_box_add", Rectangle, Point, |a, b| a.moved(b, Point::plus)),
    two!("pg_path_add_pt", Path, Point, |a, b| a.moved(b, Point::plus)),
    two!("pg_point_add", Point, Point, |a, b| a.plus(b)),
    two!("pg_box_sub", Rectangle, Point, |a, b| a.moved(b, Point::minus)),
    two!("pg_path_sub_pt", Path, Point, |a, b| a.moved(b, Point::minus)),
    two!("pg_point_sub", Point, Point, |a, b| a.minus(b)),
    two!("pg_box_mul", Rectangle, Point, |a, b| a.moved(b, Point::times)),
    two!("pg_path_mul_pt", Path, Point, |a, b| a.moved(b, Point::times)),
    two!("pg_point_mul", Point, Point, |a, b| a.times(b)),
    two!("pg_box_div", Rectangle, Point, |a, b| a.moved(b, Point::over)),
    two!("pg_path_div_pt", Path, Point, |a, b| a.moved(b, Point::over)),
    two!("pg_point_div", Point, Point, |a, b| a.over(b)),
    two!("pg_circle_add_pt", Circle, Point, |a, b| a.moved(b, Point::plus)),
    two!("pg_circle_sub_pt", Circle, Point, |a, b| a.moved(b, Point::minus)),
    two!("pg_circle_mul_pt", Circle, Point, |a, b| a.stretched(b, Point::times, Circle::times)),
    two!("pg_circle_div_pt", Circle, Point, |a, b| a.stretched(b, Point::over, Circle::over)),
    two!("pg_box_distance", Rectangle, Rectangle, |a, b| a.center()?.distance(&b.center()?)),
    two!("pg_box_intersect", Rectangle, Rectangle, |a, b| Ok(a.intersection(b))),
    two!("pg_boxes_bound_box", Rectangle, Rectangle, |a, b| Ok(Rectangle::around(&[a.high, a.low, b.high, b.low]))),
    two!("pg_box_contain_pt", Rectangle, Point, |a, b| Ok(a.contains_point(b))),
    two!("pg_circle_above", Circle, Circle, |a, b| Ok(fp_gt(a.low()?.y, b.high()?.y))),
    two!("pg_circle_below", Circle, Circle, |a, b| Ok(fp_lt(a.high()?.y, b.low()?.y))),
    two!("pg_circle_left", Circle, Circle, |a, b| Ok(fp_lt(a.high()?.x, b.low()?.x))),
    two!("pg_circle_right", Circle, Circle, |a, b| Ok(fp_gt(a.low()?.x, b.high()?.x))),
    two!("pg_circle_overabove", Circle, Circle, |a, b| Ok(fp_ge(a.low()?.y, b.low()?.y))),
    two!("pg_circle_overbelow", Circle, Circle, |a, b| Ok(fp_le(a.high()?.y, b.high()?.y))),
    two!("pg_circle_overleft", Circle, Circle, |a, b| Ok(fp_le(a.high()?.x, b.high()?.x))),
    two!("pg_circle_overright", Circle, Circle, |a, b| Ok(fp_ge(a.low()?.x, b.low()?.x))),
    two!("pg_circle_same", Circle, Circle, |a, b| Ok(a.same(b))),
    two!("pg_circle_contain", Circle, Circle, |a, b| a.contains(b)),
    two!("pg_circle_contained", Circle, Circle, |a, b| b.contains(a)),
    two!("pg_circle_overlap", Circle, Circle, |a, b| a.overlaps(b)),
    two!("pg_circle_distance", Circle, Circle, |a, b| near::circle_distance(a, b)),
    two!("pg_circle_contain_pt", Circle, Point, |a, b| a.contains_point(b)),
    two!("pg_pt_contained_circle", Point, Circle, |a, b| b.contains_point(a)),
    two!("pg_close_ls", Line, Lseg, |a, b| Ok(unless_parallel(b.slope()?, a.slope()?, near::lseg_to_line(b, a)?))),
    two!("pg_close_lseg", Lseg, Lseg, |a, b| Ok(unless_parallel(a.slope()?, b.slope()?, near::lseg_to_lseg(b, a)?))),
    two!("pg_close_pb", Point, Rectangle, |a, b| Ok(closest(near::box_to_point(b, a)?))),
    two!("pg_close_pl", Point, Line, |a, b| Ok(closest(near::line_to_point(b, a)?))),
    two!("pg_close_ps", Point, Lseg, |a, b| Ok(closest(near::lseg_to_point(b, a)?))),
    two!("pg_close_sb", Lseg, Rectangle, |a, b| Ok(closest(near::box_to_lseg(b, a)?))),
    two!("pg_dist_bp", Rectangle, Point, |a, b| Ok(near::box_to_point(a, b)?.1)),
    two!("pg_dist_pb", Point, Rectangle, |a, b| Ok(near::box_to_point(b, a)?.1)),
    two!("pg_dist_bs", Rectangle, Lseg, |a, b| Ok(near::box_to_lseg(a, b)?.1)),
    two!("pg_dist_sb", Lseg, Rectangle, |a, b| Ok(near::box_to_lseg(b, a)?.1)),
    two!("pg_dist_cpoint", Circle, Point, |a, b| near::circle_to_point(a, b)),
    two!("pg_dist_pc", Point, Circle, |a, b| near::circle_to_point(b, a)),
    two!("pg_dist_cpoly", Circle, Polygon, |a, b| near::circle_to_polygon(a, b)),
    two!("pg_dist_polyc", Polygon, Circle, |a, b| near::circle_to_polygon(b, a)),
    two!("pg_dist_lp", Line, Point, |a, b| Ok(near::line_to_point(a, b)?.1)),
    two!("pg_dist_pl", Point, Line, |a, b| Ok(near::line_to_point(b, a)?.1)),
    two!("pg_dist_sl", Lseg, Line, |a, b| Ok(near::lseg_to_line(a, b)?.1)),
    two!("pg_dist_ls", Line, Lseg, |a, b| Ok(near::lseg_to_line(b, a)?.1)),
    two!("pg_dist_pathp", Path, Point, |a, b| near::path_to_point(a, b)),
    two!("pg_dist_ppath", Point, Path, |a, b| near::path_to_point(b, a)),
    two!("pg_dist_polyp", Polygon, Point, |a, b| near::polygon_to_point(a, b)),
    two!("pg_dist_ppoly", Point, Polygon, |a, b| near::polygon_to_point(b, a)),
    two!("pg_dist_sp", Lseg, Point, |a, b| Ok(near::lseg_to_point(a, b)?.1)),
    two!("pg_dist_ps", Point, Lseg, |a, b| Ok(near::lseg_to_point(b, a)?.1)),
    two!("pg_line_distance", Line, Line, |a, b| near::line_distance(a, b)),
    two!("pg_lseg_distance", Lseg, Lseg, |a, b| Ok(near::lseg_to_lseg(a, b)?.1)),
    two!("pg_path_distance", Path, Path, |a, b| near::path_distance(a, b)),
    two!("pg_point_distance", Point, Point, |a, b| a.distance(b)),
    two!("pg_poly_distance", Polygon, Polygon, |a, b| near::polygon_distance(a, b)),
    two!("pg_inter_lb", Line, Rectangle, |a, b| near::line_box(a, b)),
    two!("pg_inter_sb", Lseg, Rectangle, |a, b| near::box_lseg(b, a)),
    two!("pg_inter_sl", Lseg, Line, |a, b| Ok(near::lseg_line(a, b)?.is_some())),
    two!("pg_line_interpt", Line, Line, |a, b| near::line_line(a, b)),
    two!("pg_line_intersect", Line, Line, |a, b| Ok(near::line_line(a, b)?.is_some())),
    two!("pg_line_parallel", Line, Line, |a, b| Ok(near::line_line(a, b)?.is_none())),
    two!("pg_line_perp", Line, Line, |a, b| a.is_perpendicular(b)),
    two!("pg_line_eq", Line, Line, |a, b| a.same(b)),
    two!("pg_line_construct_pp", Point, Point, |a, b| Line::between(a, b)),
    two!("pg_lseg_interpt", Lseg, Lseg, |a, b| near::lseg_lseg(a, b)),
    two!("pg_lseg_intersect", Lseg, Lseg, |a, b| Ok(near::lseg_lseg(a, b)?.is_some())),
    two!("pg_lseg_parallel", Lseg, Lseg, |a, b| a.is_parallel(b)),
    two!("pg_lseg_perp", Lseg, Lseg, |a, b| a.is_perpendicular(b)),
    two!("pg_lseg_eq", Lseg, Lseg, |a, b| Ok(a.same(b))),
    two!("pg_lseg_ne", Lseg, Lseg, |a, b| Ok(!a.same(b))),
    two!("pg_lseg_construct", Point, Point, |a, b| Ok(Lseg::new(*a, *b))),
    two!("pg_on_pb", Point, Rectangle, |a, b| Ok(b.contains_point(a))),
    two!("pg_on_pl", Point, Line, |a, b| near::line_contains(b, a)),
    two!("pg_on_ppath", Point, Path, |a, b| b.contains_point(a)),
    two!("pg_on_ps", Point, Lseg, |a, b| near::lseg_contains(b, a)),
    two!("pg_on_sb", Lseg, Rectangle, |a, b| Ok(b.contains_point(&a.start) && b.contains_point(&a.end))),
    two!("pg_on_sl", Lseg, Line, |a, b| Ok(near::line_contains(b, &a.start)? && near::line_contains(b, &a.end)?)),
    two!("pg_path_add", Path, Path, |a, b| Ok(a.joined(b))),
    two!("pg_path_inter", Path, Path, |a, b| near::path_path(a, b)),
    two!("pg_path_contain_pt", Path, Point, |a, b| a.contains_point(b)),
    two!("pg_point_above", Point, Point, |a, b| Ok(fp_gt(a.y, b.y))),
    two!("pg_point_below", Point, Point, |a, b| Ok(fp_lt(a.y, b.y))),
    two!("pg_point_left", Point, Point, |a, b| Ok(fp_lt(a.x, b.x))),
    two!("pg_point_right", Point, Point, |a, b| Ok(fp_gt(a.x, b.x))),
    two!("pg_point_eq", Point, Point, |a, b| Ok(a.same(b))),
    two!("pg_point_ne", Point, Point, |a, b| Ok(!a.same(b))),
    two!("pg_point_horiz", Point, Point, |a, b| Ok(fp_eq(a.y, b.y))),
    two!("pg_point_vert", Point, Point, |a, b| Ok(fp_eq(a.x, b.x))),
    two!("pg_point_slope", Point, Point, |a, b| a.slope(b)),
    two!("pg_points_box", Point, Point, |a, b| Ok(Rectangle::new(a, b))),
    two!("pg_poly_above", Polygon, Polygon, |a, b| bounds(a, b, |a, b| a.low.y > b.high.y)),
    two!("pg_poly_below", Polygon, Polygon, |a, b| bounds(a, b, |a, b| a.high.y < b.low.y)),
    two!("pg_poly_left", Polygon, Polygon, |a, b| bounds(a, b, |a, b| a.high.x < b.low.x)),
    two!("pg_poly_right", Polygon, Polygon, |a, b| bounds(a, b, |a, b| a.low.x > b.high.x)),
    two!("pg_poly_overabove", Polygon, Polygon, |a, b| bounds(a, b, |a, b| a.low.y >= b.low.y)),
    two!("pg_poly_overbelow", Polygon, Polygon, |a, b| bounds(a, b, |a, b| a.high.y <= b.high.y)),
    two!("pg_poly_overleft", Polygon, Polygon, |a, b| bounds(a, b, |a, b| a.high.x <= b.high.x)),
    two!("pg_poly_overright", Polygon, Polygon, |a, b| bounds(a, b, |a, b| a.low.x >= b.low.x)),
    two!("pg_poly_contain", Polygon, Polygon, |a, b| a.contains(b)),
    two!("pg_poly_contained", Polygon, Polygon, |a, b| b.contains(a)),
    two!("pg_poly_overlap", Polygon, Polygon, |a, b| a.overlaps(b)),
    two!("pg_poly_same", Polygon, Polygon, |a, b| Ok(a.same(b))),
    two!("pg_poly_contain_pt", Polygon, Point, |a, b| a.contains_point(b)),
    two!("pg_pt_contained_poly", Point, Polygon, |a, b| b.contains_point(a)),
];

/// An argument that is a shape.
fn shape<T: Shape>(args: &Args<'_>, index: usize) -> Result<T> {
    T::parse(&args.text(index)?)
}

/// The part that a subscript names; NULL if there is none.
fn part<T: Into<Output> + Copy, const N: usize>(args: &Args<'_>, parts: [T; N]) -> Result<Output> {
    let index = usize::try_from(args.int(1)?).ok();
    Ok(index.and_then(|index| parts.get(index)).copied().into())
}

macro_rules! outputs {
    ($($shape:ty)*) => {
        $(impl From<$shape> for Output {
            fn from(shape: $shape) -> Self {
                shape.to_stored().into()
            }
        })*
    };
}

outputs! { Point Lseg Line Rectangle Path Polygon Circle }

/// A closest point; none if nothing is known of its distance.
fn closest((point, distance): near::Closest) -> Option<Point> {
    (!distance.is_nan()).then_some(point)
}

/// Parallels have no closest point.
fn unless_parallel(one: f64, other: f64, found: near::Closest) -> Option<Point> {
    if one == other { None } else { closest(found) }
}

/// How the boxes around two polygons lie; exact.
fn bounds(a: &Polygon, b: &Polygon, holds: fn(&Rectangle, &Rectangle) -> bool) -> Result<bool> {
    Ok(holds(&a.bounds(), &b.bounds()))
}
