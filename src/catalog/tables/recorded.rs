//! What PostgreSQL's catalogs contain in a fresh cluster, recorded by `scripts/record-catalogs` and embedded here.
//!
//! Owns: [`Recording`], the reader of one `fixtures/catalog/*.tsv`: a header line, then lines in COPY's text format.
//! Must not know: which relation uses which recording.

use std::borrow::Cow;

/// One recorded table.
#[derive(Clone, Copy)]
pub struct Recording {
    header: &'static str,
    body: &'static str,
}

/// One line of a recording.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    header: &'static str,
    text: &'static str,
}

impl Recording {
    /// Over the text of a file.
    pub fn new(text: &'static str) -> Self {
        let (header, body) = text.split_once('\n').unwrap_or((text, ""));
        Recording { header, body }
    }

    /// The names of the columns.
    pub fn columns(self) -> impl Iterator<Item = &'static str> {
        self.header.split('\t')
    }

    /// The lines.
    pub fn lines(self) -> impl Iterator<Item = Line> {
        self.body.lines().map(move |text| Line { header: self.header, text })
    }
}

impl Line {
    /// The fields in order; `None` is NULL.
    pub fn fields(&self) -> impl Iterator<Item = Option<Cow<'static, str>>> {
        self.text.split('\t').map(value)
    }

    /// The field of that column; empty if it is NULL.
    pub fn text(&self, column: &str) -> Cow<'static, str> {
        let position = self.header.split('\t').position(|c| c == column);
        debug_assert!(position.is_some(), "no recorded column {column}");
        position.and_then(|p| self.text.split('\t').nth(p)).and_then(value).unwrap_or_default()
    }

    /// The field of that column; none if it is NULL, or nothing is recorded.
    pub fn optional(&self, column: &str) -> Option<Cow<'static, str>> {
        let position = self.header.split('\t').position(|c| c == column)?;
        self.fields().nth(position).flatten()
    }

    /// The field of that column as a number; 0 if it is NULL.
    pub fn number(&self, column: &str) -> i64 {
        self.text(column).parse().unwrap_or_default()
    }
}

/// A field's text; `None` is NULL.
fn value(field: &'static str) -> Option<Cow<'static, str>> {
    (field != "\\N").then(|| unescape(field))
}

/// Undoes COPY's backslashes. Only \\, \t and \n occur.
fn unescape(field: &'static str) -> Cow<'static, str> {
    if !field.contains('\\') {
        return Cow::Borrowed(field);
    }
    Cow::Owned(field.replace("\\\\", "\u{0}").replace("\\t", "\t").replace("\\n", "\n").replace('\u{0}', "\\"))
}

/// Reads the recording `fixtures/catalog/<name>.tsv` at compile time.
macro_rules! recording {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/catalog/", $name, ".tsv"))
    };
}
pub(crate) use recording;
