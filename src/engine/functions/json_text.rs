//! Reading parts of JSON text without building a tree: `json` keeps the text as it was sent, and a part of it is a
//! piece of that text; a part of normalised jsonb text is normalised too.
//!
//! Owns: [`Kind`], [`kind`], [`members`], [`elements`], [`text_value`]. The text is valid JSON: json_in has seen to it.

use std::borrow::Cow;

/// What a JSON text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Array,
    String,
    Number,
    Boolean,
    Null,
}

impl Kind {
    /// The name json_typeof() gives.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Object => "object",
            Kind::Array => "array",
            Kind::String => "string",
            Kind::Number => "number",
            Kind::Boolean => "boolean",
            Kind::Null => "null",
        }
    }
}

/// What the text is.
pub(super) fn kind(text: &str) -> Kind {
    match text.trim_start().as_bytes().first() {
        Some(b'{') => Kind::Object,
        Some(b'[') => Kind::Array,
        Some(b'"') => Kind::String,
        Some(b't' | b'f') => Kind::Boolean,
        Some(b'n') => Kind::Null,
        _ => Kind::Number,
    }
}

/// An object's members: key and the value's text. Nothing for other kinds.
pub(super) fn members(text: &str) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
    let mut rest = inside(text, Kind::Object);
    std::iter::from_fn(move || {
        let (key, after) = rest.split_at(value_end(rest));
        if key.is_empty() {
            return None;
        }
        let after = after.trim_start().strip_prefix(':')?.trim_start();
        let (value, after) = after.split_at(value_end(after));
        rest = next_item(after);
        Some((unescape(key), value))
    })
}

/// An array's elements as text. Nothing for other kinds.
pub(super) fn elements(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = inside(text, Kind::Array);
    std::iter::from_fn(move || {
        let (value, after) = rest.split_at(value_end(rest));
        rest = next_item(after);
        (!value.is_empty()).then_some(value)
    })
}

/// The value as `->>` gives it: a string without quotes, NULL for null, the text of anything else.
pub(super) fn text_value(value: &str) -> Option<Cow<'_, str>> {
    match kind(value) {
        Kind::Null => None,
        Kind::String => Some(unescape(value.trim())),
        _ => Some(Cow::Borrowed(value)),
    }
}

/// What stands between the brackets of an object or array.
fn inside(text: &str, wanted: Kind) -> &str {
    let trimmed = text.trim();
    if kind(trimmed) != wanted {
        return "";
    }
    trimmed.get(1..trimmed.len().saturating_sub(1)).unwrap_or("").trim_start()
}

fn next_item(rest: &str) -> &str {
    let rest = rest.trim_start();
    rest.strip_prefix(',').unwrap_or(rest).trim_start()
}

/// Where the value at the start of the text ends.
fn value_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    match bytes.first() {
        Some(b'"') => string_end(bytes, 0),
        Some(b'{' | b'[') => {
            let (mut depth, mut at) = (0usize, 0);
            while let Some(byte) = bytes.get(at) {
                match byte {
                    b'"' => {
                        at = string_end(bytes, at);
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    break;
                }
            }
            at
        }
        _ => bytes
            .iter()
            .position(|b| matches!(b, b',' | b'}' | b']' | b':' | b' ' | b'\t' | b'\n' | b'\r'))
            .unwrap_or(bytes.len()),
    }
}

/// Behind the closing quote of the string that opens at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// A JSON string's content.
pub(super) fn unescape(quoted: &str) -> Cow<'_, str> {
    let content = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or("");
    if !content.contains('\\') {
        return Cow::Borrowed(content);
    }
    Cow::Owned(serde_json::from_str(quoted).unwrap_or_else(|_| content.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_objects_and_arrays_apart() {
        let text = r#" { "a" : {"b": [1, "}"]} , "c\"d":null,"e":1.50 } "#;
        let found: Vec<_> = members(text).map(|(key, value)| (key.into_owned(), value)).collect();
        let expected = [("a", r#"{"b": [1, "}"]}"#), ("c\"d", "null"), ("e", "1.50")];
        assert_eq!(found, expected.map(|(key, value)| (key.to_owned(), value)));
        assert_eq!(elements(r#"[1 , "x,]", [2,[3]],{} ]"#).collect::<Vec<_>>(), ["1", r#""x,]""#, "[2,[3]]", "{}"]);
        assert_eq!(elements("[]").count() + members("{ }").count() + elements("{}").count(), 0);
    }
}
