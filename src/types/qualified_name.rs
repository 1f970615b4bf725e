//! Names of objects in values: 'schema.name'::regclass, nextval('"Sequence"').
//!
//! Owns: [`name_parts`]. Specification: SplitIdentifierString in varlena.c, which takes any character but a dot, a
//! quote or a blank for a part of an unquoted name.

use crate::error::{Error, Result, SqlState};

/// The parts of a possibly qualified name, folded and unquoted; 42602 for a malformed one.
pub fn name_parts(text: &str) -> Result<Vec<String>> {
    let invalid = || Error::new(SqlState::INVALID_NAME, "invalid name syntax");
    let mut parts = Vec::new();
    let mut rest = text.trim();
    loop {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (part, after) = unquote(quoted).ok_or_else(invalid)?;
            parts.push(part);
            rest = after;
        } else {
            let end = rest.find(['.', '"', ' ']).unwrap_or(rest.len());
            let (part, after) = rest.split_at(end);
            parts.push(part.to_ascii_lowercase());
            rest = after;
        }
        if parts.last().is_none_or(String::is_empty) {
            return Err(invalid());
        }
        rest = rest.trim_start();
        match rest.strip_prefix('.') {
            Some(after) => rest = after.trim_start(),
            None if rest.is_empty() => return Ok(parts),
            None => return Err(invalid()),
        }
    }
}

/// A quoted identifier behind its opening quote, and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"')?;
        part.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                part.push('"');
                rest = more;
            }
            None => return Some((part, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_as_postgresql_splits_them() {
        for (text, parts) in [
            ("a", vec!["a"]),
            ("Object-Sequence", vec!["object-sequence"]),
            (" A . \"B.\"\"c\" ", vec!["a", "B.\"c"]),
            ("\"x\".y$z", vec!["x", "y$z"]),
        ] {
            assert_eq!(name_parts(text).unwrap(), parts, "{text}");
        }
        for text in ["", ".", "a.", "a b", "\"a", "\"\"", "a\"b\""] {
            assert_eq!(name_parts(text).unwrap_err().code(), SqlState::INVALID_NAME, "{text}");
        }
    }
}
