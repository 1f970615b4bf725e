//! Arrays on the wire: '{1,NULL,"a b"}' and the binary form, to and from stored arrays.
//!
//! Owns: encoding and decoding of arrays, int2vector and oidvector. Specification: arrays.html#ARRAYS-IO; array_in,
//! array_out, array_send and array_recv in PostgreSQL 15's arrayfuncs.c.

use bytes::{BufMut, BytesMut};

use crate::error::{Error, Result, SqlState};
use crate::types::array::{
    Element, MAX_DIMENSIONS, Part, Reader, dimensions, lower_bounds, push_element, split_bounds, too_many_dimensions,
    with_bounds,
};
use crate::types::encoding::{check_xml, decode_binary, decode_text, encode_scalar, insufficient_data, wrong_format};
use crate::types::format::{Format, FormatSettings};
use crate::types::pg_type::{Oid, Scalar, type_info};
use crate::types::value::ValueRef;

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// Appends "{…}".
pub(super) fn encode_text(stored: &str, scalar: Scalar, settings: &FormatSettings, out: &mut BytesMut) -> Result<()> {
    if let (Some(_), _) = split_bounds(stored) {
        let lengths = dimensions(stored)?;
        for (lower, length) in lower_bounds(stored, lengths.len()).iter().zip(&lengths) {
            out.put_slice(format!("[{lower}:{}]", lower + *length as i64 - 1).as_bytes());
        }
        out.put_u8(b'=');
    }
    let mut reader = Reader::new(stored);
    let mut scratch = BytesMut::new();
    let mut first = true;
    while let Some(part) = reader.next_part()? {
        if part == Part::Close {
            out.put_u8(b'}');
            first = false;
            continue;
        }
        if !first {
            out.put_u8(scalar.delimiter());
        }
        first = false;
        match part {
            Part::Open => {
                out.put_u8(b'{');
                first = true;
            }
            Part::Element(Element::Null) => out.put_slice(b"NULL"),
            Part::Element(element) => {
                scratch.clear();
                element_to_wire(&element, scalar, Format::Text, settings, &mut scratch)?;
                put_quoted(&scratch, scalar.delimiter(), out);
            }
            Part::Close => {}
        }
    }
    Ok(())
}

fn element_to_wire(
    element: &Element<'_>,
    scalar: Scalar,
    format: Format,
    settings: &FormatSettings,
    out: &mut BytesMut,
) -> Result<()> {
    match (element, scalar) {
        // The usual text needs no copy in between.
        (Element::Text(text), scalar) if !scalar.is_blob() && !matches!(scalar, Scalar::Float4 | Scalar::Float8) => {
            encode_scalar(scalar, format, ValueRef::Text(text), settings, out)
        }
        _ => encode_scalar(scalar, format, element.to_value(scalar)?.as_ref(), settings, out),
    }
}

/// Appends an element's text, quoted where array_in would misread it.
fn put_quoted(text: &[u8], delimiter: u8, out: &mut BytesMut) {
    let special = |byte: &u8| is_space(*byte) || *byte == delimiter || b"\"\\{}".contains(byte);
    if !text.is_empty() && !text.iter().any(special) && !text.eq_ignore_ascii_case(b"null") {
        out.put_slice(text);
        return;
    }
    out.put_u8(b'"');
    for byte in text {
        if matches!(byte, b'"' | b'\\') {
            out.put_u8(b'\\');
        }
        out.put_u8(*byte);
    }
    out.put_u8(b'"');
}

fn length_of(value: usize) -> Result<i32> {
    i32::try_from(value).map_err(|_| Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "array is too large"))
}

/// Appends the binary form.
pub(super) fn encode_binary(
    stored: &str,
    scalar: Scalar,
    element_type: Oid,
    settings: &FormatSettings,
    out: &mut BytesMut,
) -> Result<()> {
    let lengths = dimensions(stored)?;
    out.put_i32(lengths.len() as i32);
    let flags_at = out.len();
    out.put_i32(0);
    out.put_u32(element_type.0);
    for (length, lower) in lengths.iter().zip(lower_bounds(stored, lengths.len())) {
        out.put_i32(length_of(*length)?);
        out.put_i32(i32::try_from(lower).unwrap_or(1));
    }
    let expected: usize = lengths.iter().product();
    let mut count = 0;
    let mut has_null = false;
    let mut reader = Reader::new(stored);
    while let Some(part) = reader.next_part()? {
        let Part::Element(element) = part else { continue };
        count += 1;
        if element == Element::Null {
            has_null = true;
            out.put_i32(-1);
            continue;
        }
        let length_at = out.len();
        out.put_i32(0);
        element_to_wire(&element, scalar, Format::Binary, settings, out)?;
        let length = length_of(out.len() - length_at - 4)?;
        put_back(out, length_at, length);
    }
    if !lengths.is_empty() && count != expected {
        return Err(Error::new(SqlState::DATA_CORRUPTED, "a stored array is not rectangular"));
    }
    put_back(out, flags_at, i32::from(has_null));
    Ok(())
}

/// Fills in a number that was not known when its place was passed.
fn put_back(out: &mut BytesMut, at: usize, value: i32) {
    if let Some(place) = out.get_mut(at..at + 4) {
        place.copy_from_slice(&value.to_be_bytes());
    }
}

fn malformed(text: &str, detail: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("malformed array literal: \"{text}\""))
        .with_detail(detail)
}

/// Where in an array literal the reader is (ArrayParseState in arrayfuncs.c).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    LevelStarted,
    Element,
    Quoted,
    QuotedDone,
    ElementDelimited,
    LevelDone,
    LevelDelimited,
}

/// What an array literal consists of.
enum Token {
    Open,
    Close,
    Element(Option<String>),
}

/// Splits array literals into tokens and checks their structure before any element is read, as PostgreSQL does.
struct Literal<'t> {
    text: &'t str,
    rest: std::str::CharIndices<'t>,
    /// What stands between elements.
    separator: char,
    state: State,
    tokens: Vec<Token>,
    element: String,
    /// Length of the element up to its last character that counts; blanks after it do not.
    kept: usize,
    escaped: bool,
    /// Elements seen so far on each open level.
    counts: Vec<usize>,
    /// Lengths of the levels, by depth, once one of that depth is complete.
    lengths: [Option<usize>; MAX_DIMENSIONS],
    /// The depth at which elements are.
    element_depth: Option<usize>,
}

impl<'t> Literal<'t> {
    /// `body` is the part of `text` after the dimensions, from its first brace on.
    fn new(text: &'t str, body: &'t str, separator: char) -> Self {
        Literal {
            text,
            rest: body.char_indices(),
            separator,
            state: State::LevelStarted,
            tokens: Vec::new(),
            element: String::new(),
            kept: 0,
            escaped: false,
            counts: Vec::new(),
            lengths: [None; MAX_DIMENSIONS],
            element_depth: None,
        }
    }

    fn unexpected(&self, character: char) -> Error {
        malformed(self.text, format!("Unexpected \"{character}\" character."))
    }

    fn end_of_input(&self) -> Error {
        malformed(self.text, "Unexpected end of input.")
    }

    fn run(mut self) -> Result<Vec<Token>> {
        loop {
            let Some((_, character)) = self.rest.next() else { return Err(self.end_of_input()) };
            if self.state == State::Quoted && !matches!(character, '"' | '\\') {
                self.element.push(character);
                continue;
            }
            match character {
                '\\' => self.backslash()?,
                '"' => self.quote()?,
                '{' => self.open()?,
                '}' => {
                    self.close()?;
                    if self.counts.is_empty() {
                        break;
                    }
                }
                c if c == self.separator => self.delimiter()?,
                c if c.is_ascii() && is_space(c as u8) => {
                    if self.state == State::Element {
                        self.element.push(c);
                    }
                }
                c => self.plain(c)?,
            }
        }
        match self.rest.as_str().bytes().all(is_space) {
            true => Ok(self.tokens),
            false => Err(malformed(self.text, "Junk after closing right brace.")),
        }
    }

    fn start_element(&mut self, state: State) -> Result<()> {
        let depth = self.counts.len();
        if *self.element_depth.get_or_insert(depth) != depth {
            return Err(self.not_rectangular());
        }
        self.state = state;
        self.element.clear();
        self.kept = 0;
        self.escaped = false;
        Ok(())
    }

    fn not_rectangular(&self) -> Error {
        malformed(self.text, "Multidimensional arrays must have sub-arrays with matching dimensions.")
    }

    fn plain(&mut self, character: char) -> Result<()> {
        match self.state {
            State::Element => {}
            State::LevelStarted | State::ElementDelimited => self.start_element(State::Element)?,
            _ => return Err(malformed(self.text, "Unexpected array element.")),
        }
        self.element.push(character);
        self.kept = self.element.len();
        Ok(())
    }

    fn backslash(&mut self) -> Result<()> {
        match self.state {
            State::LevelStarted | State::ElementDelimited => self.start_element(State::Element)?,
            State::Element | State::Quoted => {}
            _ => return Err(self.unexpected('\\')),
        }
        let Some((_, character)) = self.rest.next() else { return Err(self.end_of_input()) };
        self.element.push(character);
        self.kept = self.element.len();
        self.escaped = true;
        Ok(())
    }

    fn quote(&mut self) -> Result<()> {
        match self.state {
            State::LevelStarted | State::ElementDelimited => self.start_element(State::Quoted),
            State::Quoted => {
                self.state = State::QuotedDone;
                Ok(())
            }
            _ => Err(malformed(self.text, "Unexpected array element.")),
        }
    }

    fn open(&mut self) -> Result<()> {
        if !self.counts.is_empty() && !matches!(self.state, State::LevelStarted | State::LevelDelimited) {
            return Err(self.unexpected('{'));
        }
        let depth = self.counts.len() + 1;
        if depth > MAX_DIMENSIONS {
            return Err(too_many_dimensions(depth));
        }
        if self.element_depth.is_some_and(|elements| depth > elements) {
            return Err(self.not_rectangular());
        }
        self.state = State::LevelStarted;
        self.counts.push(0);
        self.tokens.push(Token::Open);
        Ok(())
    }

    /// Ends the element before a comma or brace, and counts what the level has.
    fn finish_item(&mut self) {
        let item = match self.state {
            State::QuotedDone => Some(std::mem::take(&mut self.element)),
            State::Element => {
                self.element.truncate(self.kept);
                let null = !self.escaped && self.element.eq_ignore_ascii_case("null");
                if null { None } else { Some(std::mem::take(&mut self.element)) }
            }
            _ => {
                self.count_item();
                return;
            }
        };
        self.tokens.push(Token::Element(item));
        self.count_item();
    }

    fn count_item(&mut self) {
        if let Some(count) = self.counts.last_mut() {
            *count += 1;
        }
    }

    fn item_is_complete(&self) -> bool {
        matches!(self.state, State::Element | State::QuotedDone | State::LevelDone)
    }

    fn close(&mut self) -> Result<()> {
        let empty = self.counts.len() == 1 && self.state == State::LevelStarted;
        if !empty {
            if !self.item_is_complete() {
                return Err(self.unexpected('}'));
            }
            self.finish_item();
        }
        let count = self.counts.pop().unwrap_or(0);
        let seen = self.lengths.get_mut(self.counts.len()).map(|length| *length.get_or_insert(count));
        if seen.is_some_and(|length| length != count) {
            return Err(self.not_rectangular());
        }
        self.state = State::LevelDone;
        self.tokens.push(Token::Close);
        Ok(())
    }

    fn delimiter(&mut self) -> Result<()> {
        if !self.item_is_complete() {
            return Err(self.unexpected(','));
        }
        self.finish_item();
        self.state = if self.state == State::LevelDone { State::LevelDelimited } else { State::ElementDelimited };
        Ok(())
    }
}

/// The lower bounds and lengths given before a literal ("[1:2][1:3]="), and the rest of it.
fn explicit_dimensions(text: &str) -> Result<(Vec<(i64, usize)>, &str)> {
    let mut rest = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let mut lengths = Vec::new();
    let invalid = || malformed(text, "\"[\" must introduce explicitly-specified array dimensions.");
    while let Some(after) = rest.strip_prefix('[') {
        let (bounds, after) =
            after.split_once(']').ok_or_else(|| malformed(text, "Missing \"]\" after array dimensions."))?;
        let (lower, upper) = bounds.split_once(':').unwrap_or(("1", bounds));
        let lower: i32 = lower.trim().parse().map_err(|_| invalid())?;
        let upper: i32 = upper.trim().parse().map_err(|_| malformed(text, "Missing array dimension value."))?;
        if lengths.len() == MAX_DIMENSIONS {
            return Err(too_many_dimensions(MAX_DIMENSIONS + 1));
        }
        if upper < lower {
            return Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "upper bound cannot be less than lower bound"));
        }
        let length = i64::from(upper) - i64::from(lower) + 1;
        lengths.push((i64::from(lower), usize::try_from(length).unwrap_or(usize::MAX)));
        rest = after.trim_start();
    }
    if lengths.is_empty() {
        return Ok((lengths, rest));
    }
    let rest = rest.strip_prefix('=').ok_or_else(|| malformed(text, "Missing \"=\" after array dimensions."))?;
    Ok((lengths, rest.trim_start()))
}

/// Reads an array literal into its stored form (array_in).
pub(super) fn decode_literal(text: &str, scalar: Scalar, type_name: &str, settings: &FormatSettings) -> Result<String> {
    let (lengths, body) = explicit_dimensions(text)?;
    if !body.starts_with('{') {
        let detail = if lengths.is_empty() {
            "Array value must start with \"{\" or dimension information."
        } else {
            "Array contents must start with \"{\"."
        };
        return Err(malformed(text, detail));
    }
    let tokens = Literal::new(text, body, char::from(scalar.delimiter())).run()?;
    let mut stored = String::with_capacity(text.len() + 8);
    let mut separate = false;
    for token in tokens {
        if matches!(token, Token::Close) {
            stored.push(']');
            separate = true;
            continue;
        }
        if separate {
            stored.push(',');
        }
        separate = true;
        match token {
            Token::Open => {
                stored.push('[');
                separate = false;
            }
            Token::Element(None) => stored.push_str("null"),
            Token::Element(Some(element)) => {
                let value = decode_text(scalar, type_name, &element, settings)?;
                push_element(&mut stored, scalar, value.as_ref())?;
            }
            Token::Close => {}
        }
    }
    if lengths.is_empty() {
        return Ok(stored);
    }
    if !dimensions(&stored)?.iter().eq(lengths.iter().map(|(_, length)| length)) {
        return Err(malformed(text, "Specified array dimensions do not match array contents."));
    }
    let lower: Vec<i64> = lengths.iter().map(|(lower, _)| *lower).collect();
    Ok(with_bounds(&lower, stored))
}

/// Reads big-endian numbers off a binary value.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn int(&mut self) -> Result<i32> {
        let (number, rest) = self.0.split_first_chunk::<4>().ok_or_else(insufficient_data)?;
        self.0 = rest;
        Ok(i32::from_be_bytes(*number))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(insufficient_data)?;
        self.0 = rest;
        Ok(taken)
    }
}

fn invalid_binary(message: String) -> Error {
    Error::new(SqlState::INVALID_BINARY_REPRESENTATION, message)
}

fn type_label(oid: Oid) -> &'static str {
    type_info(oid).map_or("???", |info| info.sql_name)
}

/// Reads the binary form into the stored one (array_recv). With `from_zero` it is a vector, which counts from 0.
pub(super) fn decode_array(
    bytes: &[u8],
    scalar: Scalar,
    element_type: Oid,
    from_zero: bool,
    settings: &FormatSettings,
) -> Result<String> {
    let mut input = Input(bytes);
    let count = input.int()?;
    let depth = usize::try_from(count).map_err(|_| invalid_binary(format!("invalid number of dimensions: {count}")))?;
    if depth > MAX_DIMENSIONS {
        return Err(too_many_dimensions(depth));
    }
    if !matches!(input.int()?, 0 | 1) {
        return Err(invalid_binary("invalid array flags".to_owned()));
    }
    let sent = Oid(input.int()?.cast_unsigned());
    if sent != element_type {
        return Err(Error::new(
            SqlState::DATATYPE_MISMATCH,
            format!(
                "binary data has array element type {sent} ({}) instead of expected {element_type} ({})",
                type_label(sent),
                type_label(element_type)
            ),
        ));
    }
    let (mut lengths, mut lower) = (Vec::with_capacity(depth), Vec::with_capacity(depth));
    for _ in 0..depth {
        let length = input.int()?;
        let bound = input.int()?;
        lower.push(if from_zero { 1 } else { i64::from(bound) });
        lengths.push(usize::try_from(length).map_err(|_| invalid_binary("invalid array length".to_owned()))?);
    }
    let too_large = || Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "array size exceeds the maximum allowed");
    let total =
        lengths.iter().try_fold(1usize, |product, length| product.checked_mul(*length)).ok_or_else(too_large)?;
    // Every element takes four bytes at least, so a count that cannot be true is refused before the work.
    if total > 0 && depth > 0 && total > bytes.len() / 4 {
        return Err(insufficient_data());
    }
    let mut stored = String::with_capacity(bytes.len());
    if total == 0 || depth == 0 {
        stored.push_str("[]");
    } else {
        BinaryElements { input: &mut input, scalar, element_type, settings }.level(&lengths, &mut stored)?;
    }
    if input.0.is_empty() { Ok(with_bounds(&lower, stored)) } else { Err(wrong_format()) }
}

struct BinaryElements<'i, 'a> {
    input: &'i mut Input<'a>,
    scalar: Scalar,
    element_type: Oid,
    settings: &'i FormatSettings,
}

impl BinaryElements<'_, '_> {
    /// Recurses once per dimension, of which there are six at most.
    fn level(&mut self, lengths: &[usize], stored: &mut String) -> Result<()> {
        let Some((length, inner)) = lengths.split_first() else { return self.element(stored) };
        stored.push('[');
        for index in 0..*length {
            if index > 0 {
                stored.push(',');
            }
            self.level(inner, stored)?;
        }
        stored.push(']');
        Ok(())
    }

    fn element(&mut self, stored: &mut String) -> Result<()> {
        let length = self.input.int()?;
        if length == -1 {
            return push_element(stored, self.scalar, ValueRef::Null);
        }
        let length = usize::try_from(length).map_err(|_| insufficient_data())?;
        let bytes = self.input.take(length)?;
        if self.element_type == Oid::XML {
            check_xml(bytes)?;
        }
        let value = decode_binary(self.scalar, bytes, self.settings)?;
        push_element(stored, self.scalar, value.as_ref())
    }
}

/// int2vector and oidvector: the element's scalar and type.
fn vector_element(scalar: Scalar) -> (Scalar, Oid) {
    if scalar == Scalar::OidVector { (Scalar::Oid, Oid::OID) } else { (Scalar::Int2, Oid::INT2) }
}

/// Appends an int2vector or oidvector: "1 2 3", or an array whose lower bound is 0.
pub(super) fn encode_vector(
    stored: &str,
    scalar: Scalar,
    format: Format,
    settings: &FormatSettings,
    out: &mut BytesMut,
) -> Result<()> {
    let (element, element_type) = vector_element(scalar);
    if format == Format::Text {
        let mut reader = Reader::new(stored);
        let mut first = true;
        while let Some(part) = reader.next_part()? {
            let Part::Element(item) = part else { continue };
            if !first {
                out.put_u8(b' ');
            }
            first = false;
            element_to_wire(&item, element, Format::Text, settings, out)?;
        }
        return Ok(());
    }
    let start = out.len();
    encode_binary(stored, element, element_type, settings, out)?;
    // One dimension even when there is nothing in it, and its lower bound is 0.
    if stored == "[]" {
        out.put_slice(&[0; 8]);
        put_back(out, start, 1);
    } else {
        put_back(out, start + 16, 0);
    }
    Ok(())
}

/// Reads an int2vector or oidvector.
pub(super) fn decode_vector(scalar: Scalar, format: Format, bytes: &[u8], settings: &FormatSettings) -> Result<String> {
    let (element, element_type) = vector_element(scalar);
    if format == Format::Binary {
        return decode_array(bytes, element, element_type, true, settings);
    }
    let text = crate::types::encoding::utf8(bytes)?;
    let type_name = type_label(element_type);
    let mut stored = "[".to_owned();
    for (index, number) in text.split_ascii_whitespace().enumerate() {
        if index > 0 {
            stored.push(',');
        }
        let value = decode_text(element, type_name, number, settings)?;
        push_element(&mut stored, element, value.as_ref())?;
    }
    stored.push(']');
    Ok(stored)
}
