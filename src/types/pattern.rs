//! PostgreSQL's regular expressions, compiled for the engine of the `regex` crate.
//!
//! Owns: [`Pattern`]. An ARE is rewritten into that engine's syntax; what it cannot do (back-references, look-around) is
//! refused with 0A000. Where several matches start at the same place PostgreSQL takes the longest, the engine the first
//! alternative: patterns in which the two can differ get a second, slower automaton that finds the longest. Groups inside
//! such a match follow the first alternative that leads to it, where PostgreSQL again prefers the longest.
//! Specification: functions-posix-regexp.html.

use std::sync::{Mutex, PoisonError};

use regex::Regex;
use regex_automata::nfa::thompson::pikevm::{Cache, Config, PikeVM};
use regex_automata::util::captures::Captures;
use regex_automata::{Anchored, Input, MatchKind};

use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;

/// The start and end of a match and of each of its groups, in bytes; index 0 is the whole match.
pub(crate) type Groups = Vec<Option<(usize, usize)>>;

/// What finding and keeping a match costs besides reading the text.
const MATCH: usize = 256;

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Pattern {
    regex: Regex,
    longest: Option<Box<(PikeVM, Mutex<Cache>)>>,
}

/// The options of regexp functions (ARE embedded-option letters).
#[derive(Clone, Copy, Default)]
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

    fn prefix(self) -> String {
        let mut flags = String::from("(?");
        for (on, letter) in
            [(self.ignore_case, 'i'), (!self.newline_stops, 's'), (self.newline_anchors, 'm'), (self.expanded, 'x')]
        {
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
        let mut translation = Translation::new(source, options);
        translation.run()?;
        Self::build(&translation.finish(), translation.ambiguous && !translation.lazy)
    }

    /// Compiles what SIMILAR TO means by a pattern (sql-similarto-regexp); the match covers the whole text.
    pub(crate) fn similar(source: &str, escape: Option<char>) -> Result<Self> {
        Self::compile(&similar_to_are(source, escape)?, Options::default())
    }

    fn build(translated: &str, ambiguous: bool) -> Result<Self> {
        let failed = |_| invalid("invalid syntax");
        let regex = Regex::new(translated).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => invalid("regular expression is too complex"),
            _ => failed(()),
        })?;
        let longest = if ambiguous {
            let vm = PikeVM::builder()
                .configure(Config::new().match_kind(MatchKind::All))
                .build(translated)
                .map_err(|_| failed(()))?;
            let cache = Mutex::new(vm.create_cache());
            Some(Box::new((vm, cache)))
        } else {
            None
        };
        Ok(Pattern { regex, longest })
    }

    /// Whether it matches anywhere.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// How many parenthesised groups it has.
    pub(crate) fn group_count(&self) -> usize {
        self.regex.captures_len() - 1
    }

    /// The first match that starts at or after byte `from`.
    pub(crate) fn find_at(&self, text: &str, from: usize) -> Option<Groups> {
        if from > text.len() {
            return None;
        }
        let Some(longest) = &self.longest else {
            let captures = self.regex.captures_at(text, from)?;
            return Some(captures.iter().map(|group| group.map(|m| (m.start(), m.end()))).collect());
        };
        let start = self.regex.find_at(text, from)?.start();
        let (vm, cache) = &**longest;
        let mut captures: Captures = vm.create_captures();
        let input = Input::new(text).range(start..).anchored(Anchored::Yes);
        vm.captures(&mut cache.lock().unwrap_or_else(PoisonError::into_inner), input, &mut captures);
        Some(captures.iter().map(|group| group.map(|span| (span.start, span.end))).collect())
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
            && let Some(groups) = self.find_at(text, at)
        {
            let (start, end) = groups.first().copied().flatten().unwrap_or((text.len(), text.len()));
            // Who looks for the longest match may have read all of the rest.
            let read = if self.longest.is_some() { text.len() - start } else { end - at };
            limits::work(read + MATCH)?;
            at = if end > start { end } else { next_boundary(text, end) };
            found.push(groups);
        }
        Ok(found)
    }
}

fn next_boundary(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.chars().next()).map_or(text.len() + 1, |c| at + c.len_utf8())
}

/// The state of one rewriting.
struct Translation<'p> {
    rest: &'p str,
    options: Options,
    out: String,
    depth: usize,
    /// The last thing written can take a quantifier.
    quantifiable: bool,
    quantifiers: usize,
    /// First alternative and longest match may differ.
    ambiguous: bool,
    /// There is a non-greedy quantifier.
    lazy: bool,
}

impl<'p> Translation<'p> {
    fn new(source: &'p str, mut options: Options) -> Self {
        let mut rest = source;
        if let Some(literal) = source.strip_prefix("***=") {
            options.literal = true;
            rest = literal;
        } else {
            rest = rest.strip_prefix("***:").unwrap_or(rest);
            rest = embedded_options(rest, &mut options);
        }
        Translation {
            rest,
            options,
            out: String::with_capacity(source.len() + 8),
            depth: 0,
            quantifiable: false,
            quantifiers: 0,
            ambiguous: false,
            lazy: false,
        }
    }

    fn finish(&self) -> String {
        self.options.prefix() + &self.out
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = self.rest.get(c.len_utf8()..).unwrap_or("");
        Some(c)
    }

    fn eat(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn run(&mut self) -> Result<()> {
        if self.options.literal {
            self.out = regex::escape(self.rest);
            return Ok(());
        }
        while let Some(c) = self.next() {
            match c {
                '\\' => self.escape()?,
                '[' => self.bracket()?,
                '(' => self.open()?,
                ')' if self.depth > 0 => {
                    self.depth -= 1;
                    self.atom(")");
                }
                ')' => return Err(invalid("parentheses () not balanced")),
                '|' => {
                    self.ambiguous = true;
                    self.out.push('|');
                    self.quantifiable = false;
                }
                '^' | '$' => {
                    self.out.push(c);
                    self.quantifiable = false;
                }
                '*' | '+' | '?' => self.quantifier(&c.to_string())?,
                '{' if self.rest.starts_with(|d: char| d.is_ascii_digit()) => self.bound()?,
                '.' => self.atom("."),
                _ => self.literal(c),
            }
        }
        if self.depth > 0 { Err(invalid("parentheses () not balanced")) } else { Ok(()) }
    }

    fn atom(&mut self, text: &str) {
        self.out.push_str(text);
        self.quantifiable = true;
    }

    fn literal(&mut self, c: char) {
        if self.options.expanded && (c.is_whitespace() || c == '#') {
            self.out.push(c);
            return;
        }
        self.out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
        self.quantifiable = true;
    }

    fn open(&mut self) -> Result<()> {
        self.depth += 1;
        if self.eat("?:") {
            self.out.push_str("(?:");
        } else if self.rest.starts_with("?=") || self.rest.starts_with("?!") || self.rest.starts_with("?<") {
            return Err(Error::unsupported("look-around in regular expressions"));
        } else if self.rest.starts_with('?') {
            return Err(invalid("quantifier operand invalid"));
        } else {
            self.out.push('(');
        }
        self.quantifiable = false;
        Ok(())
    }

    fn quantifier(&mut self, text: &str) -> Result<()> {
        if !self.quantifiable {
            return Err(invalid("quantifier operand invalid"));
        }
        self.out.push_str(text);
        if self.eat("?") {
            self.lazy = true;
            self.out.push('?');
        }
        self.quantifiable = false;
        self.quantifiers += 1;
        self.ambiguous |= self.quantifiers > 1;
        Ok(())
    }

    fn bound(&mut self) -> Result<()> {
        let wrong = || invalid("invalid repetition count(s)");
        let end = self.rest.find('}').ok_or_else(|| invalid("braces {} not balanced"))?;
        let counts = self.rest.get(..end).unwrap_or("");
        let (least, most) = counts.split_once(',').unwrap_or((counts, counts));
        let number = |text: &str| text.parse::<u32>().ok().filter(|n| *n <= 255).ok_or_else(wrong);
        let least = number(least)?;
        if !most.is_empty() && number(most)? < least {
            return Err(wrong());
        }
        let text = format!("{{{counts}}}");
        self.rest = self.rest.get(end + 1..).unwrap_or("");
        self.quantifier(&text)
    }

    fn escape(&mut self) -> Result<()> {
        let c = self.next().ok_or_else(|| invalid("invalid escape \\ sequence"))?;
        let constraint = match c {
            'y' => Some(r"\b"),
            'Y' => Some(r"\B"),
            'm' => Some(r"\b{start}"),
            'M' => Some(r"\b{end}"),
            'A' => Some(r"\A"),
            'Z' => Some(r"\z"),
            _ => None,
        };
        if let Some(constraint) = constraint {
            self.out.push_str(constraint);
            self.quantifiable = false;
            return Ok(());
        }
        if matches!(c, '1'..='9') {
            return Err(Error::unsupported("a back-reference in a regular expression"));
        }
        if let Some(class) = class_escape(c) {
            self.atom(&format!("[{class}]"));
            return Ok(());
        }
        if matches!(c, 'D' | 'S' | 'W') {
            let class = class_escape(c.to_ascii_lowercase()).unwrap_or("");
            self.atom(&format!("[^{class}]"));
            return Ok(());
        }
        let character = self.character_escape(c)?;
        self.atom(&regex::escape(character.encode_utf8(&mut [0; 4])));
        Ok(())
    }

    /// The character that `\c…` stands for.
    fn character_escape(&mut self, c: char) -> Result<char> {
        Ok(match c {
            'a' => '\x07',
            'b' => '\x08',
            'B' => '\\',
            'e' => '\x1b',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            '0' => '\0',
            'c' => {
                let next = self.next().ok_or_else(|| invalid("invalid escape \\ sequence"))?;
                char::from((u32::from(next) & 0x1f) as u8)
            }
            'u' => self.code_point(4)?,
            'U' => self.code_point(8)?,
            'x' => self.code_point(0)?,
            _ if c.is_ascii_alphanumeric() => return Err(invalid("invalid escape \\ sequence")),
            _ => c,
        })
    }

    /// A code point in exactly `digits` hexadecimal digits, or in as many as there are for 0.
    fn code_point(&mut self, digits: usize) -> Result<char> {
        let available = self.rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        let length = if digits == 0 { available } else { digits };
        let code = self.rest.get(..length).and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
        match code {
            Some(c) if length <= available => {
                self.rest = self.rest.get(length..).unwrap_or("");
                Ok(c)
            }
            _ => Err(invalid("invalid escape \\ sequence")),
        }
    }

    fn bracket(&mut self) -> Result<()> {
        if self.eat("[:<:]]") {
            self.out.push_str(r"\b{start}");
            self.quantifiable = false;
            return Ok(());
        }
        if self.eat("[:>:]]") {
            self.out.push_str(r"\b{end}");
            self.quantifiable = false;
            return Ok(());
        }
        let negated = self.eat("^");
        let mut class = String::from(if negated { "[^" } else { "[" });
        if negated && self.options.newline_stops {
            class.push_str("\\n");
        }
        let mut first = true;
        loop {
            let c = self.next().ok_or_else(|| invalid("brackets [] not balanced"))?;
            if c == ']' && !first {
                break;
            }
            first = false;
            self.bracket_item(c, &mut class)?;
        }
        class.push(']');
        self.atom(&class);
        Ok(())
    }

    fn bracket_item(&mut self, c: char, class: &mut String) -> Result<()> {
        if c == '[' && self.eat(":") {
            let end = self.rest.find(":]").ok_or_else(|| invalid("brackets [] not balanced"))?;
            let name = self.rest.get(..end).unwrap_or("");
            class.push_str(named_class(name).ok_or_else(|| invalid("invalid character class"))?);
            self.rest = self.rest.get(end + 2..).unwrap_or("");
            return Ok(());
        }
        if c == '\\'
            && let Some(set) = self.rest.chars().next().and_then(class_escape)
        {
            self.next();
            class.push_str(set);
            return Ok(());
        }
        let low = self.bracket_character(c)?;
        push_class_character(class, low);
        if self.rest.starts_with('-') && !self.rest.starts_with("-]") {
            self.next();
            let c = self.next().ok_or_else(|| invalid("brackets [] not balanced"))?;
            let high = self.bracket_character(c)?;
            if high < low {
                return Err(invalid("invalid character range"));
            }
            class.push('-');
            push_class_character(class, high);
        }
        Ok(())
    }

    fn bracket_character(&mut self, c: char) -> Result<char> {
        if c == '\\' {
            let escaped = self.next().ok_or_else(|| invalid("invalid escape \\ sequence"))?;
            return self.character_escape(escaped);
        }
        for (open, close) in [(".", ".]"), ("=", "=]")] {
            if c == '[' && self.eat(open) {
                let element = self.next().ok_or_else(|| invalid("invalid collating element"))?;
                return if self.eat(close) { Ok(element) } else { Err(invalid("invalid collating element")) };
            }
        }
        Ok(c)
    }
}

fn embedded_options<'p>(source: &'p str, options: &mut Options) -> &'p str {
    let Some(inside) = source.strip_prefix("(?") else { return source };
    let Some((letters, rest)) = inside.split_once(')') else { return source };
    let mut changed = *options;
    if letters.is_empty() || !letters.chars().all(|letter| changed.set(letter)) {
        return source;
    }
    *options = changed;
    rest
}

/// What stands inside brackets for \d, \s, \w.
fn class_escape(c: char) -> Option<&'static str> {
    match c {
        'd' => Some("0-9"),
        's' => Some(r"\s"),
        'w' => Some(r"\p{Alphabetic}0-9_"),
        _ => None,
    }
}

fn named_class(name: &str) -> Option<&'static str> {
    Some(match name {
        "alpha" => r"\p{Alphabetic}",
        "alnum" => r"\p{Alphabetic}0-9",
        "word" => r"\p{Alphabetic}0-9_",
        "lower" => r"\p{Lowercase}",
        "upper" => r"\p{Uppercase}",
        "digit" => "0-9",
        "space" => r"\s",
        "blank" => r" \t",
        "punct" => "[:punct:]",
        "xdigit" => "0-9A-Fa-f",
        "cntrl" => r"\x00-\x1f\x7f",
        "print" => r"\x20-\x7e\u{a0}-\u{10ffff}",
        "graph" => r"\x21-\x7e\u{a1}-\u{10ffff}",
        _ => return None,
    })
}

fn push_class_character(class: &mut String, c: char) {
    if c.is_alphanumeric() {
        class.push(c);
    } else {
        class.push_str(&format!("\\x{{{:x}}}", u32::from(c)));
    }
}

/// similar_escape_internal() of regexp.c, without its parts for SUBSTRING … FOR.
fn similar_to_are(source: &str, escape: Option<char>) -> Result<String> {
    let mut out = String::from("^(?:");
    let mut characters = source.chars();
    let mut in_class = false;
    while let Some(c) = characters.next() {
        if Some(c) == escape {
            let escaped = characters.next().ok_or_else(|| {
                Error::new(SqlState::INVALID_ESCAPE_SEQUENCE, "invalid escape sequence in SIMILAR TO pattern")
            })?;
            if !escaped.is_alphanumeric() {
                out.push('\\');
            }
            out.push(escaped);
            continue;
        }
        match c {
            ']' if in_class => {
                in_class = false;
                out.push(c);
            }
            '\\' => out.push_str("\\\\"),
            _ if in_class => out.push(c),
            '[' => {
                in_class = true;
                out.push(c);
            }
            '%' => out.push_str(".*"),
            '_' => out.push('.'),
            '(' => out.push_str("(?:"),
            '.' | '^' | '$' => {
                out.push('\\');
                out.push(c);
            }
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
            let groups = compiled.find_at(text, 0);
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
