//! What of a statement and of its error may be in the log: no password, and no value of a parameter.
//!
//! Owns: [`statement`], [`message`]. Must not know: when something is logged. PostgreSQL's log has both; here constants in
//! a statement's text are logged as they are there, but not in one that speaks of a password.

use std::borrow::Cow;

use crate::error::Error;

const WORD: &[u8] = b"password";

/// The statement's text; without its strings if a password is spoken of, since any of them may be it.
pub(super) fn statement(text: &str) -> Cow<'_, str> {
    if !speaks_of_password(text) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(['\'', '$']) {
        let (before, literal) = rest.split_at(start);
        let (literal, after) = literal.split_at(literal_length(literal, before.ends_with(['e', 'E'])));
        shown.push_str(before);
        shown.push_str(if literal.len() > 1 { "'***'" } else { literal });
        rest = after;
    }
    shown.push_str(rest);
    shown.into()
}

fn speaks_of_password(text: &str) -> bool {
    text.as_bytes().windows(WORD.len()).any(|window| window.eq_ignore_ascii_case(WORD))
}

/// The error's message, without what the client has sent as a value. Data exceptions quote it; so do others when a
/// parameter is taken for a name (`$1::regclass`). Constraints' names are told: they are not in the statement.
pub(super) fn message<'e>(error: &'e Error, statement: &str) -> Cow<'e, str> {
    let quotes_values = match error.code().as_str().get(..2) {
        Some("22") => true,
        Some("23") => false,
        // A syntax error quotes a constant, too.
        _ => has_parameters(statement) || speaks_of_password(statement),
    };
    match error.message().split_once('"') {
        Some((before, _)) if quotes_values => format!("{before}\"...\"").into(),
        _ => error.message().into(),
    }
}

/// Whether `$1` or the like is anywhere in the text.
fn has_parameters(text: &str) -> bool {
    text.as_bytes().windows(2).any(|pair| matches!(pair, [b'$', b'0'..=b'9']))
}

/// How long the string constant is that the text begins with; 1 if it is none, all of it if it does not end.
fn literal_length(text: &str, escapes: bool) -> usize {
    let Some(body) = text.strip_prefix('\'') else {
        let tag =
            text.get(1..).and_then(|rest| rest.find(|c: char| !c.is_alphanumeric() && c != '_')).map(|end| end + 1);
        let Some(quote) = tag.filter(|end| text.as_bytes().get(*end) == Some(&b'$')).and_then(|end| text.get(..=end))
        else {
            return 1;
        };
        let end = text.get(quote.len()..).and_then(|rest| rest.find(quote));
        return end.map_or(text.len(), |end| end + 2 * quote.len());
    };
    let mut bytes = body.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' if escapes => drop(bytes.next()),
            // A doubled quote begins another literal right behind this one, with the same fate.
            b'\'' => return at + 2,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::SqlState;

    #[test]
    fn strings_beside_the_word_are_hidden() {
        let cases = [
            ("select 'a'", "select 'a'"),
            ("alter user u password 's3cret'", "alter user u password '***'"),
            (
                "ALTER USER u WITH Password E's3\\'cret' valid until 'x'",
                "ALTER USER u WITH Password E'***' valid until '***'",
            ),
            (
                "insert into u (name, password) values ('a''b', $x$s3cret$x$)",
                "insert into u (name, password) values ('***''***', '***')",
            ),
            ("select dblink('host=h password=s3cret', 'a')", "select dblink('***', '***')"),
            ("select 'a' from t where password = $1", "select '***' from t where password = $1"),
            ("alter user u password 's3cret", "alter user u password '***'"),
            ("select $$password$$, 'ä', $ä$password$ä$", "select '***', '***', '***'"),
        ];
        for (text, shown) in cases {
            assert_eq!(statement(text), shown);
        }
    }

    #[test]
    fn values_in_messages_are_hidden() {
        let error =
            Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type integer: \"s3\"cret\"");
        assert_eq!(message(&error, "select 's3\"cret'::int"), "invalid input syntax for type integer: \"...\"");
        let error = Error::new(SqlState::UNDEFINED_TABLE, "relation \"t\" does not exist");
        assert_eq!(message(&error, "select * from t"), "relation \"t\" does not exist");
        assert_eq!(message(&error, "select $1::regclass"), "relation \"...\"");
        let error = Error::new(SqlState::UNIQUE_VIOLATION, "violates unique constraint \"t_pkey\"");
        assert_eq!(message(&error, "insert into t values ($1)"), "violates unique constraint \"t_pkey\"");
    }
}
