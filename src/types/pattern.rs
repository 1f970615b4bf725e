//! PostgreSQL's regular expressions.
//!
//! Owns: [`Pattern`]. An ARE is read into a tree (`parse`). Whether it matches, and where a match begins, the `regex` crate
//! finds, in time that grows with the text alone. That engine takes the first alternative that leads to a match, PostgreSQL
//! the longest match, or the shortest, and then the longest or shortest of each part: where the two can differ `machine`
//! finds the end and `dissect` the groups. Both do everything where there are back-references or look-around.
//! Specification: functions-posix-regexp.html.

mod dissect;
mod machine;
mod parse;

use regex::Regex;

use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;
use dissect::{Dissection, Piece};
use machine::{Context, Ranges};
use parse::{Anchor, Node, Tree};

/// The start and end of a match and of each of its groups, in bytes; index 0 is the whole match.
pub(crate) type Groups = Vec<Option<(usize, usize)>>;

/// What finding and keeping a match costs besides reading the text.
const MATCH: usize = 256;

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Pattern {
    groups: usize,
    /// Finds where a match begins, and whether there is one; not where there are back-references or look-around.
    regex: Option<Regex>,
    /// Finds where it ends and what its groups have; not where the first alternative is all there is to find.
    exact: Option<Box<Exact>>,
}

/// What matches as PostgreSQL does.
#[derive(Debug)]
struct Exact {
    piece: Piece,
    classes: Vec<Ranges>,
    options: Options,
}

/// The options of regexp functions (ARE embedded-option letters).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    pub global: bool,
    ignore_case: bool,
    /// `.` and bracket expressions do not match a newline.
    newline_stops: bool,
    /// `^` and `$` match at lines.
    newline_anchors: bool,
    expanded: bool,
    literal: bool,
}

impl Options {
    /// Reads option letters; 22023 for one that there is not.
    pub(crate) fn parse(letters: &str) -> Result<Self> {
        let mut options = Options::default();
        for letter in letters.chars() {
            if letter == 'g' {
                options.global = true;
            } else if !options.set(letter) {
                return Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("invalid regular expression option: \"{letter}\""),
                ));
            }
        }
        Ok(options)
    }

    pub(crate) fn ignoring_case() -> Self {
        Options { ignore_case: true, ..Options::default() }
    }

    fn set(&mut self, letter: char) -> bool {
        match letter {
            'i' => self.ignore_case = true,
            'c' => self.ignore_case = false,
            'n' | 'm' => (self.newline_stops, self.newline_anchors) = (true, true),
            's' => (self.newline_stops, self.newline_anchors) = (false, false),
            'p' => (self.newline_stops, self.newline_anchors) = (true, false),
            'w' => (self.newline_stops, self.newline_anchors) = (false, true),
            'x' => self.expanded = true,
            't' => self.expanded = false,
            'q' => self.literal = true,
            'b' | 'e' => {}
            _ => return false,
        }
        true
    }

    /// As the `regex` crate writes them.
    fn prefix(self) -> String {
        let mut flags = String::from("(?");
        for (on, letter) in [(self.ignore_case, 'i'), (!self.newline_stops, 's'), (self.newline_anchors, 'm')] {
            if on {
                flags.push(letter);
            }
        }
        if flags.len() == 2 { String::new() } else { flags + ")" }
    }
}

fn invalid(reason: &str) -> Error {
    Error::new(SqlState::INVALID_REGULAR_EXPRESSION, format!("invalid regular expression: {reason}"))
}

impl Pattern {
    /// Compiles an ARE.
    pub(crate) fn compile(source: &str, options: Options) -> Result<Self> {
        let tree = parse::parse(source, options)?;
        let regex = if tree.irregular { None } else { Some(regular(&tree)?) };
        let differs = tree.irregular || tree.choices > 1;
        let exact = if differs {
            let piece = Piece::new(&tree.node, &tree.node)?;
            Some(Box::new(Exact { piece, classes: machine::ranges(&tree)?, options: tree.options }))
        } else {
            None
        };
        Ok(Pattern { groups: tree.groups, regex, exact })
    }

    /// Compiles what SIMILAR TO means by a pattern (sql-similarto-regexp); the match covers the whole text.
    pub(crate) fn similar(source: &str, escape: Option<char>) -> Result<Self> {
        Self::compile(&similar_to_are(source, escape)?, Options::default())
    }

    /// Whether it matches anywhere.
    pub(crate) fn is_match(&self, text: &str) -> Result<bool> {
        match &self.regex {
            Some(regex) => Ok(regex.is_match(text)),
            None => Ok(self.find_at(text, 0)?.is_some()),
        }
    }

    /// How many parenthesised groups it has.
    pub(crate) fn group_count(&self) -> usize {
        self.groups
    }

    /// The first match that starts at or after byte `from`.
    pub(crate) fn find_at(&self, text: &str, from: usize) -> Result<Option<Groups>> {
        if from > text.len() {
            return Ok(None);
        }
        match (&self.regex, &self.exact) {
            (Some(regex), None) => Ok(regex
                .captures_at(text, from)
                .map(|captures| captures.iter().map(|group| group.map(|m| (m.start(), m.end()))).collect())),
            (Some(regex), Some(exact)) => match regex.find_at(text, from) {
                Some(found) => exact.at(text, found.start(), self.groups),
                None => Ok(None),
            },
            (None, Some(exact)) => {
                let mut start = from;
                while start <= text.len() {
                    if let Some(groups) = exact.at(text, start, self.groups)? {
                        return Ok(Some(groups));
                    }
                    start = next_boundary(text, start);
                }
                Ok(None)
            }
            (None, None) => Ok(None),
        }
    }

    /// Every match from byte `from` on, none overlapping: after an empty one the search goes on one character further.
    pub(crate) fn find_all(&self, text: &str, from: usize) -> Result<Vec<Groups>> {
        self.find_up_to(text, from, usize::MAX)
    }

    /// The same, but no more than `most`.
    pub(crate) fn find_up_to(&self, text: &str, from: usize, most: usize) -> Result<Vec<Groups>> {
        let mut found = Vec::new();
        let mut at = from;
        while found.len() < most
            && let Some(groups) = self.find_at(text, at)?
        {
            let (start, end) = groups.first().copied().flatten().unwrap_or((text.len(), text.len()));
            limits::work(end - at + MATCH)?;
            at = if end > start { end } else { next_boundary(text, end) };
            found.push(groups);
        }
        Ok(found)
    }
}

impl Exact {
    /// The match that begins at a place: the longest, or the shortest, that can be divided among its parts.
    fn at(&self, text: &str, start: usize, groups: usize) -> Result<Option<Groups>> {
        let context = Context { text, classes: &self.classes, lines: self.options.newline_anchors };
        let ignore_case = self.options.ignore_case;
        let mut dissection = Dissection { context, ignore_case, groups: vec![None; groups + 1] };
        let short = self.piece.is_short();
        let mut bound = if short { start } else { text.len() };
        loop {
            let machine = self.piece.machine();
            let end = match short {
                true => machine.shortest(&dissection.context, start, (bound, text.len()))?,
                false => machine.longest(&dissection.context, start, bound)?,
            };
            let Some(end) = end else { return Ok(None) };
            dissection.groups.fill(None);
            if self.piece.dissect(&mut dissection, start, end)? {
                if let Some(whole) = dissection.groups.first_mut() {
                    *whole = Some((start, end));
                }
                return Ok(Some(dissection.groups));
            }
            let next = match short {
                true => Some(next_boundary(text, end)).filter(|next| *next <= text.len()),
                false => last_boundary(text, end).filter(|last| *last >= start),
            };
            match next {
                Some(next) => bound = next,
                None => return Ok(None),
            }
        }
    }
}

fn next_boundary(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.chars().next()).map_or(text.len() + 1, |c| at + c.len_utf8())
}

fn last_boundary(text: &str, at: usize) -> Option<usize> {
    text.get(..at).and_then(|text| text.chars().next_back()).map(|c| at - c.len_utf8())
}

/// The `regex` crate's automaton of a pattern that it can express.
fn regular(tree: &Tree) -> Result<Regex> {
    let mut text = tree.options.prefix();
    print(&tree.node, &tree.classes, &mut text);
    Regex::new(&text).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => invalid("regular expression is too complex"),
        _ => invalid("invalid syntax"),
    })
}

/// Writes a tree in the `regex` crate's syntax.
fn print(node: &Node, classes: &[String], out: &mut String) {
    match node {
        Node::Class(index) => out.push_str(classes.get(*index).map_or("", String::as_str)),
        Node::Anchor(anchor) => out.push_str(match anchor {
            Anchor::LineStart => "^",
            Anchor::LineEnd => "$",
            Anchor::TextStart => r"\A",
            Anchor::TextEnd => r"\z",
            Anchor::WordStart => r"\b{start}",
            Anchor::WordEnd => r"\b{end}",
            Anchor::WordBoundary => r"\b",
            Anchor::NotWordBoundary => r"\B",
        }),
        Node::Group { node, .. } => {
            out.push('(');
            print(node, classes, out);
            out.push(')');
        }
        Node::Concat(nodes) => nodes.iter().for_each(|node| print(node, classes, out)),
        Node::Alternate(branches) => {
            out.push_str("(?:");
            for (index, branch) in branches.iter().enumerate() {
                if index > 0 {
                    out.push('|');
                }
                print(branch, classes, out);
            }
            out.push(')');
        }
        Node::Repeat { node, least, most, greedy } => {
            out.push_str("(?:");
            print(node, classes, out);
            out.push(')');
            match most {
                Some(most) => out.push_str(&format!("{{{least},{most}}}")),
                None => out.push_str(&format!("{{{least},}}")),
            }
            if *greedy == Some(false) {
                out.push('?');
            }
        }
        // A pattern that has them is none of the crate's.
        Node::Empty | Node::Look { .. } | Node::BackReference(_) => {}
    }
}

/// similar_escape_internal() of regexp.c. What stands between two escaped double quotes is a group, the text around them
/// takes as little as it can before and as much as it can after it.
pub(crate) fn similar_to_are(source: &str, escape: Option<char>) -> Result<String> {
    let mut out = String::from("^(?:");
    let mut quotes = 0;
    // How deep it is in brackets; and what ends a bracket expression: not a ']' right behind its '[' or "[^".
    let (mut depth, mut position) = (0_usize, 0);
    let mut characters = source.chars();
    while let Some(c) = characters.next() {
        if Some(c) == escape {
            match characters.next() {
                // PostgreSQL takes no notice of one at the end.
                None => break,
                Some('"') if depth == 0 => {
                    out.push_str(match quotes {
                        0 => "){1,1}?(",
                        1 => "){1,1}(?:",
                        _ => {
                            let message =
                                "SQL regular expression may not contain more than two escape-double-quote separators";
                            return Err(Error::new(SqlState::INVALID_USE_OF_ESCAPE_CHARACTER, message));
                        }
                    });
                    quotes += 1;
                }
                // Any character may be escaped, so those of classes and constraints are there.
                Some(escaped) => {
                    out.extend(['\\', escaped]);
                    position = 3;
                }
            }
            continue;
        }
        if depth > 0 {
            if c == '\\' {
                out.push('\\');
            }
            out.push(c);
            match c {
                ']' if position > 2 => depth -= 1,
                '[' => {
                    depth += 1;
                    position = 3;
                }
                '^' if position == 1 => position = 2,
                _ => position = 3,
            }
            continue;
        }
        match c {
            '[' => {
                out.push(c);
                (depth, position) = (1, 1);
            }
            '%' => out.push_str(".*"),
            '_' => out.push('.'),
            '(' => out.push_str("(?:"),
            '\\' | '.' | '^' | '$' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out.push_str(")$");
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from PostgreSQL: pattern, text, what substring(text from pattern) gives.
    const MATCHES: &[(&str, &str, Option<&str>)] = &[
        ("a|ab|abc", "xabcd", Some("abc")),
        ("[[:alpha:]]+", "12é3", Some("é")),
        ("\\mfoo\\M", "a foo b", Some("foo")),
        ("b{2,3}", "abbbb", Some("bbb")),
        ("a{", "a{", Some("a{")),
        ("[]a]+", "x]a]", Some("]a]")),
        ("[^]a]+", "]xy]", Some("xy")),
        ("(?i)ABC", "xabc", Some("abc")),
        ("***=a.c", "abc a.c", Some("a.c")),
        ("a.c", "a\nc", Some("a\nc")),
        ("^b", "a\nb", None),
        ("(?n)^b", "a\nb", Some("b")),
        ("\\d+\\.\\d+", "v1.25", Some("1.25")),
        ("[\\w-]+", "?a-b?", Some("a-b")),
        ("a.*?c", "abcbc", Some("abc")),
        ("\\u0041", "xA", Some("A")),
    ];

    #[test]
    fn matches_like_postgresql() {
        for (pattern, text, expected) in MATCHES {
            let compiled = Pattern::compile(pattern, Options::default()).unwrap();
            let groups = compiled.find_at(text, 0).unwrap();
            let shown = groups.and_then(|g| if g.len() > 1 { g[1] } else { g[0] }).map(|(s, e)| &text[s..e]);
            assert_eq!(shown, *expected, "{pattern}");
        }
    }

    #[test]
    fn errors_are_named() {
        for (pattern, message) in [
            ("(", "parentheses () not balanced"),
            ("[a", "brackets [] not balanced"),
            ("*a", "quantifier operand invalid"),
            ("a{3,1}", "invalid repetition count(s)"),
            ("\\", "invalid escape \\ sequence"),
        ] {
            let error = Pattern::compile(pattern, Options::default()).err().unwrap();
            assert_eq!(error.message(), format!("invalid regular expression: {message}"));
        }
    }
}
