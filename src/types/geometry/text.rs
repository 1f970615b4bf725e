//! Geometric types: their text and binary forms.
//!
//! Owns: [`Shape`], which every type of shape implements. The stored form is the text form with the shortest digits.
//! Specification: geo_ops.c (pair_decode, path_decode …), whose leniency is PostgreSQL's.

use bytes::{BufMut, BytesMut};

use super::{Circle, Line, Lseg, Path, Point, Polygon, Rectangle, fp_zero};
use crate::error::{Error, Result, SqlState};
use crate::limits::memory;
use crate::types::encoding::{insufficient_data, wrong_format};
use crate::types::number_text::{invalid_syntax, parse_float8, write_float8};

/// How a number is written.
pub type Digits<'d> = &'d dyn Fn(f64) -> String;

/// A geometric type.
pub trait Shape: Sized {
    /// Reads the text form, which the stored form is too.
    fn parse(text: &str) -> Result<Self>;

    /// Appends the text form.
    fn write(&self, digits: Digits<'_>, out: &mut String);

    /// Appends the binary form.
    fn write_binary(&self, out: &mut BytesMut);

    /// Reads the binary form.
    fn read_binary(numbers: &mut Numbers<'_>) -> Result<Self>;

    /// The stored form.
    fn to_stored(&self) -> String {
        let mut out = String::new();
        self.write(&shortest, &mut out);
        out
    }
}

/// The shortest digits that are this number.
fn shortest(value: f64) -> String {
    let mut out = String::new();
    // Writing into memory cannot fail.
    let _ = write_float8(value, &mut out);
    out
}

/// The numbers of a binary form.
pub struct Numbers<'b>(&'b [u8]);

impl<'b> Numbers<'b> {
    /// Reads a whole shape.
    pub fn read<T: Shape>(bytes: &'b [u8]) -> Result<T> {
        let mut numbers = Numbers(bytes);
        let shape = T::read_binary(&mut numbers)?;
        if numbers.0.is_empty() { Ok(shape) } else { Err(wrong_format()) }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or_else(insufficient_data)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn float(&mut self) -> Result<f64> {
        self.take().map(f64::from_be_bytes)
    }

    fn point(&mut self) -> Result<Point> {
        Ok(Point::new(self.float()?, self.float()?))
    }

    /// As many points as the number before them says.
    fn points(&mut self, type_name: &str) -> Result<Vec<Point>> {
        let count = usize::try_from(self.take().map(i32::from_be_bytes)?).ok().filter(|count| *count > 0);
        let count = count.filter(|count| *count < i32::MAX as usize / size_of::<Point>()).ok_or_else(|| {
            let message = format!("invalid number of points in external \"{type_name}\" value");
            Error::new(SqlState::INVALID_BINARY_REPRESENTATION, message)
        })?;
        if self.0.len() < count * size_of::<Point>() {
            return Err(insufficient_data());
        }
        (0..count).map(|_| self.point()).collect()
    }
}

/// A reader of a text form.
struct Reader<'t> {
    rest: &'t str,
    text: &'t str,
    type_name: &'static str,
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

impl<'t> Reader<'t> {
    fn new(text: &'t str, type_name: &'static str) -> Self {
        Reader { rest: text, text, type_name }
    }

    fn wrong(&self) -> Error {
        invalid_syntax(self.type_name, self.text)
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start_matches(is_space);
    }

    fn eat(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, c: char) -> Result<()> {
        if self.eat(c) { Ok(()) } else { Err(self.wrong()) }
    }

    fn end(&self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.wrong()) }
    }

    /// A number with blanks around it (float8in_internal).
    fn number(&mut self) -> Result<f64> {
        self.skip_spaces();
        let length = number_length(self.rest);
        let (digits, rest) = self.rest.split_at(length);
        if digits.is_empty() {
            return Err(self.wrong());
        }
        let value = parse_float8(digits).map_err(|error| match error.code() {
            SqlState::NUMERIC_VALUE_OUT_OF_RANGE => error,
            _ => self.wrong(),
        })?;
        self.rest = rest;
        self.skip_spaces();
        Ok(value)
    }

    /// x,y, maybe in parentheses (pair_decode).
    fn pair(&mut self) -> Result<Point> {
        self.skip_spaces();
        let enclosed = self.eat('(');
        let x = self.number()?;
        self.expect(',')?;
        let y = self.number()?;
        if enclosed {
            self.expect(')')?;
            self.skip_spaces();
        }
        Ok(Point::new(x, y))
    }

    /// So many points, maybe enclosed; and whether by brackets, which is an open path (path_decode).
    fn points(&mut self, count: usize, may_be_open: bool) -> Result<(Vec<Point>, bool)> {
        self.skip_spaces();
        let mut depth = 0;
        let open = self.rest.starts_with('[');
        if open {
            if !may_be_open {
                return Err(self.wrong());
            }
            depth += 1;
            self.eat('[');
        } else if let Some(inner) = self.rest.strip_prefix('(') {
            let inner = inner.trim_start_matches(is_space);
            if inner.starts_with('(') || !inner.contains('(') {
                depth += 1;
                self.rest = inner;
            }
        }
        memory::reserve(count.saturating_mul(size_of::<Point>()))?;
        let mut points = Vec::with_capacity(count);
        for _ in 0..count {
            points.push(self.pair()?);
            self.eat(',');
        }
        while depth > 0 {
            if !(self.eat(')') || open && depth == 1 && self.eat(']')) {
                return Err(self.wrong());
            }
            depth -= 1;
            self.skip_spaces();
        }
        Ok((points, open))
    }

    /// How many points there are by the commas between numbers (pair_count).
    fn count(&self) -> Result<usize> {
        let commas = self.text.matches(',').count();
        if commas % 2 == 1 { Ok(commas.div_ceil(2)) } else { Err(self.wrong()) }
    }

    fn two(&mut self, may_be_open: bool) -> Result<Lseg> {
        let (points, _) = self.points(2, may_be_open)?;
        self.end()?;
        match points.as_slice() {
            [start, end] => Ok(Lseg::new(*start, *end)),
            _ => Err(self.wrong()),
        }
    }
}

/// How long the number is that a text begins with.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let sign = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let unsigned = text.get(sign..).unwrap_or("");
    for name in ["infinity", "nan", "inf"] {
        if unsigned.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) {
            return sign + name.len();
        }
    }
    let digits = |from: usize| bytes.iter().skip(from).take_while(|b| b.is_ascii_digit()).count();
    let mut at = sign + digits(sign);
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        at += digits(at);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let signed = at + 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        if digits(signed) > 0 {
            at = signed + digits(signed);
        }
    }
    at
}

fn put_point(point: &Point, digits: Digits<'_>, out: &mut String) {
    out.push('(');
    out.push_str(&digits(point.x));
    out.push(',');
    out.push_str(&digits(point.y));
    out.push(')');
}

fn put_points(points: &[Point], digits: Digits<'_>, out: &mut String) {
    for (index, point) in points.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        put_point(point, digits, out);
    }
}

fn put_numbers(points: &[Point], out: &mut BytesMut) {
    for point in points {
        out.put_f64(point.x);
        out.put_f64(point.y);
    }
}

fn put_count(points: &[Point], out: &mut BytesMut) {
    out.put_i32(i32::try_from(points.len()).unwrap_or(i32::MAX));
}

impl Shape for Point {
    fn parse(text: &str) -> Result<Self> {
        let mut reader = Reader::new(text, "point");
        let point = reader.pair()?;
        reader.end()?;
        Ok(point)
    }

    fn write(&self, digits: Digits<'_>, out: &mut String) {
        put_point(self, digits, out);
    }

    fn write_binary(&self, out: &mut BytesMut) {
        put_numbers(&[*self], out);
    }

    fn read_binary(numbers: &mut Numbers<'_>) -> Result<Self> {
        numbers.point()
    }
}

impl Shape for Lseg {
    fn parse(text: &str) -> Result<Self> {
        Reader::new(text, "lseg").two(true)
    }

    fn write(&self, digits: Digits<'_>, out: &mut String) {
        out.push('[');
        put_points(&[self.start, self.end], digits, out);
        out.push(']');
    }

    fn write_binary(&self, out: &mut BytesMut) {
        put_numbers(&[self.start, self.end], out);
    }

    fn read_binary(numbers: &mut Numbers<'_>) -> Result<Self> {
        Ok(Lseg::new(numbers.point()?, numbers.point()?))
    }
}

impl Shape for Rectangle {
    fn parse(text: &str) -> Result<Self> {
        let corners = Reader::new(text, "box").two(false)?;
        Ok(Rectangle::new(&corners.start, &corners.end))
    }

    fn write(&self, digits: Digits<'_>, out: &mut String) {
        put_points(&[self.high, self.low], digits, out);
    }

    fn write_binary(&self, out: &mut BytesMut) {
        put_numbers(&[self.high, self.low], out);
    }

    fn read_binary(numbers: &mut Numbers<'_>) -> Result<Self> {
        Ok(Rectangle::new(&numbers.point()?, &numbers.point()?))
    }
}

impl Shape for Line {
    fn parse(text: &str) -> Result<Self> {
        let invalid = |message| Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message);
        let mut reader = Reader::new(text, "line");
        reader.skip_spaces();
        if !reader.eat('{') {
            let ends = reader.two(true)?;
            if ends.start.same(&ends.end) {
                return Err(invalid("invalid line specification: must be two distinct points"));
            }
            return ends.line();
        }
        let a = reader.number()?;
        reader.expect(',')?;
        let b = reader.number()?;
        reader.expect(',')?;
        let c = reader.number()?;
        reader.expect('}')?;
        reader.skip_spaces();
        reader.end()?;
        if fp_zero(a) && fp_zero(b) {
            return Err(invalid("invalid line specification: A and B cannot both be zero"));
        }
        Ok(Line { a, b, c })
    }

    fn write(&self, digits: Digits<'_>, out: &mut String) {
        out.push('{');
        out.push_str(&[self.a, self.b, self.c].map(digits).join(","));
        out.push('}');
    }

    fn write_binary(&self, out: &mut BytesMut) {
        [self.a, self.b, self.c].into_iter().for_each(|number| out.put_f64(number));
    }

    fn read_binary(numbers: &mut Numbers<'_>) -> Result<Self> {
        let line = Line { a: numbers.float()?, b: numbers.float()?, c: numbers.float()? };
        if fp_zero(line.a) && fp_zero(line.b) {
            let message = "invalid line specification: A and B cannot both be zero";
            return Err(Error::new(SqlState::INVALID_BINARY_REPRESENTATION, message));
        }
        Ok(line)
    }
}

impl Shape for Path {
    fn parse(text: &str) -> Result<Self> {
        let mut reader = Reader::new(text, "path");
        let count = reader.count()?;
        reader.skip_spaces();
        // One parenthesis alone is around all of it.
        let enclosed = reader.rest.starts_with('(') && reader.rest.rfind('(') == Some(0);
        if enclosed {
            reader.eat('(');
        }
        let (points, open) = reader.points(count, true)?;
        if enclosed {
            reader.expect(')')?;
            reader.skip_spaces();
        }
        reader.end()?;
        Ok(Path { closed: !open, points })
    }

    fn write(&self, digits: Digits<'_>, out: &mut String) {
        out.push(if self.closed { '(' } else { '[' });
        put_points(&self.points, digits, out);
        out.push(if self.closed { ')' } else { ']' });
    }

    fn write_binary(&self, out: &mut BytesMut) {
        out.put_u8(u8::from(self.closed));
        put_count(&self.points, out);
        put_numbers(&self.points, out);
    }

    fn read_binary(numbers: &mut Numbers<'_>) -> Result<Self> {
        let closed = numbers.take::<1>()? != [0];
        Ok(Path { closed, points: numbers.points("path")? })
    }
}

impl Shape for Polygon {
    fn parse(text: &str) -> Result<Self> {
        let mut reader = Reader::new(text, "polygon");
        let count = reader.count()?;
        let (points, _) = reader.points(count, false)?;
        reader.end()?;
        Ok(Polygon { points })
    }

    fn write(&self, digits: Digits<'_>, out: &mut String) {
        out.push('(');
        put_points(&self.points, digits, out);
        out.push(')');
    }

    fn write_binary(&self, out: &mut BytesMut) {
        put_count(&self.points, out);
        put_numbers(&self.points, out);
    }

    fn read_binary(numbers: &mut Numbers<'_>) -> Result<Self> {
        Ok(Polygon { points: numbers.points("polygon")? })
    }
}

impl Shape for Circle {
    fn parse(text: &str) -> Result<Self> {
        let mut reader = Reader::new(text, "circle");
        reader.skip_spaces();
        let angled = reader.eat('<');
        let mut depth = usize::from(angled);
        if !angled && let Some(inner) = reader.rest.strip_prefix('(') {
            let inner = inner.trim_start_matches(is_space);
            if inner.starts_with('(') {
                depth += 1;
                reader.rest = inner;
            }
        }
        let center = reader.pair()?;
        reader.eat(',');
        let radius = reader.number()?;
        if radius < 0.0 {
            return Err(reader.wrong());
        }
        if depth > 0 {
            if !(reader.eat(')') || reader.eat('>')) {
                return Err(reader.wrong());
            }
            reader.skip_spaces();
        }
        reader.end()?;
        Ok(Circle { center, radius })
    }

    fn write(&self, digits: Digits<'_>, out: &mut String) {
        out.push('<');
        put_point(&self.center, digits, out);
        out.push(',');
        out.push_str(&digits(self.radius));
        out.push('>');
    }

    fn write_binary(&self, out: &mut BytesMut) {
        put_numbers(&[self.center], out);
        out.put_f64(self.radius);
    }

    fn read_binary(numbers: &mut Numbers<'_>) -> Result<Self> {
        let circle = Circle { center: numbers.point()?, radius: numbers.float()? };
        if circle.radius < 0.0 {
            let message = "invalid radius in external \"circle\" value";
            return Err(Error::new(SqlState::INVALID_BINARY_REPRESENTATION, message));
        }
        Ok(circle)
    }
}
