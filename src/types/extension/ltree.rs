//! ltree, lquery, ltxtquery: paths of labels, and what is asked of them (contrib/ltree).
//!
//! Owns: [`check`], [`LQuery`], [`LtxtQuery`] and what they match. The stored form is the text form; of ltree, whose labels
//! have nothing that sorts before the dot, texts compare as the paths do.

use crate::error::{Error, Result, SqlState};
use crate::limits::{session as limits, stack};
use crate::types::extension::polish::{Query, Token};
use crate::types::text_search::configuration::lower;

/// LTREE_MAX_LEVELS
pub const MOST_LEVELS: usize = 65535;
/// LTREE_LABEL_MAX_CHARS
const MOST_CHARACTERS: usize = 255;
const MOST_BYTES_OF_LEVEL: usize = 65535;

fn syntax(message: impl Into<String>) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, message.into())
}

fn limit(message: impl Into<String>) -> Error {
    Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message.into())
}

/// ISALNUM
fn is_label(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

/// finish_nodeitem: complains of a label that is empty or too long, and ends before character `at`.
fn check_label(label: &str, what: &str, at: usize) -> Result<()> {
    if label.is_empty() {
        let error = syntax(format!("{what} syntax error at character {at}"));
        return Err(error.with_detail("Empty labels are not allowed."));
    }
    let length = label.chars().count();
    if length > MOST_CHARACTERS {
        let detail = format!("Label length is {length}, must be at most {MOST_CHARACTERS}, at character {at}.");
        return Err(Error::new(SqlState::NAME_TOO_LONG, "label string is too long").with_detail(detail));
    }
    Ok(())
}

/// Complains of what is no ltree.
pub fn check(text: &str) -> Result<()> {
    limits::work(text.len())?;
    let levels = text.matches('.').count() + 1;
    if levels > MOST_LEVELS {
        let message = format!("number of ltree labels ({levels}) exceeds the maximum allowed ({MOST_LEVELS})");
        return Err(limit(message));
    }
    let (mut start, mut position) = (None, 1);
    for (at, character) in text.char_indices() {
        match start {
            None if is_label(character) => start = Some(at),
            Some(begin) if character == '.' => {
                check_label(text.get(begin..at).unwrap_or(""), "ltree", position)?;
                start = None;
            }
            Some(_) if is_label(character) => {}
            _ => return Err(syntax(format!("ltree syntax error at character {position}"))),
        }
        position += 1;
    }
    match start {
        Some(begin) => check_label(text.get(begin..).unwrap_or(""), "ltree", position),
        None if text.is_empty() => Ok(()),
        None => Err(syntax("ltree syntax error").with_detail("Unexpected end of input.")),
    }
}

/// The labels.
pub fn labels(path: &str) -> Vec<&str> {
    if path.is_empty() { Vec::new() } else { path.split('.').collect() }
}

/// A label that is looked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pattern {
    label: String,
    /// `*`: what begins so.
    prefix: bool,
    /// `@`: capital letters or small ones.
    any_case: bool,
    /// `%`: its words, which underscores part.
    words: bool,
}

impl Pattern {
    /// Whether that is a flag; then it has it.
    fn take_flag(&mut self, character: char) -> bool {
        match character {
            '*' => self.prefix = true,
            '@' => self.any_case = true,
            '%' => self.words = true,
            _ => return false,
        }
        true
    }

    fn has_flags(&self) -> bool {
        self.prefix || self.any_case || self.words
    }

    fn write(&self, out: &mut String) {
        out.push_str(&self.label);
        for (flag, character) in [(self.words, '%'), (self.any_case, '@'), (self.prefix, '*')] {
            out.extend(flag.then_some(character));
        }
    }

    /// ltree_label_match
    fn is_label(&self, wanted: &str, label: &str) -> bool {
        let equal = |wanted: &str, label: &str| label == wanted || self.prefix && label.starts_with(wanted);
        equal(wanted, label) || self.any_case && equal(&lower(wanted), &lower(label))
    }

    fn matches(&self, label: &str) -> bool {
        if !self.words {
            return self.is_label(&self.label, label);
        }
        let words = |of| str::split(of, '_').filter(|word| !word.is_empty());
        words(&self.label).all(|wanted| words(label).any(|word| self.is_label(wanted, word)))
    }
}

/// One item of an lquery.
#[derive(Clone, Debug, Default, PartialEq)]
struct Level {
    negated: bool,
    /// None: any label.
    variants: Vec<Pattern>,
    /// Whether it says how many labels it is for.
    counted: bool,
    low: usize,
    high: usize,
}

impl Level {
    /// checkLevel
    fn matches(&self, label: &str) -> bool {
        let found = self.variants.is_empty() || self.variants.iter().any(|variant| variant.matches(label));
        found != self.negated
    }

    fn count(&self) -> (usize, usize) {
        if self.counted || self.variants.is_empty() { (self.low, self.high) } else { (1, 1) }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct LQuery(Vec<Level>);

enum State {
    Level,
    Variant,
    Delimiter,
    Open,
    First,
    AfterFirst,
    Second,
    Close,
    End,
}

/// The number that stands there (atoi).
fn number(text: &str) -> usize {
    let digits = text.bytes().take_while(u8::is_ascii_digit);
    digits.fold(0, |value: usize, digit| value.saturating_mul(10).saturating_add(usize::from(digit - b'0')))
}

impl LQuery {
    /// parse_lquery
    pub fn parse(text: &str) -> Result<Self> {
        limits::work(text.len() * 4)?;
        let items = text.matches('.').count() + 1;
        if items > MOST_LEVELS {
            let message = format!("number of lquery items ({items}) exceeds the maximum allowed ({MOST_LEVELS})");
            return Err(limit(message));
        }
        let mut done = Vec::new();
        let mut level = Level::default();
        let mut variant = Pattern::default();
        let mut state = State::Level;
        let mut position = 1;
        // How many characters of flags the variant has.
        let mut flags = 0;
        let out_of_range = |which: &str, value: usize, position: usize| {
            let detail = format!(
                "{which} limit ({value}) exceeds the maximum allowed ({MOST_LEVELS}), at character {position}."
            );
            limit("lquery syntax error").with_detail(detail)
        };
        for (at, character) in text.char_indices() {
            let wrong = || syntax(format!("lquery syntax error at character {position}"));
            let digit = character.is_ascii_digit();
            let finish = |level: &mut Level, variant: &mut Pattern, flags: &mut usize| -> Result<()> {
                check_label(&variant.label, "lquery", position - *flags)?;
                *flags = 0;
                level.variants.push(std::mem::take(variant));
                if level.variants.len() > MOST_LEVELS {
                    let detail = format!("Number of variants exceeds the maximum allowed ({MOST_LEVELS}).");
                    return Err(limit("lquery level has too many variants").with_detail(detail));
                }
                Ok(())
            };
            state = match (state, character) {
                (State::Level | State::Variant, character) if is_label(character) => {
                    variant.label.push(character);
                    State::Delimiter
                }
                (State::Level, '!') => {
                    level.negated = true;
                    State::Delimiter
                }
                (State::Level, '*') => State::Open,
                (State::Delimiter, character) if variant.take_flag(character) => {
                    flags += 1;
                    State::Delimiter
                }
                (State::Delimiter, '|') => {
                    finish(&mut level, &mut variant, &mut flags)?;
                    State::Variant
                }
                (State::Delimiter, '{') => {
                    finish(&mut level, &mut variant, &mut flags)?;
                    level.counted = true;
                    State::First
                }
                (State::Delimiter, '.') => {
                    finish(&mut level, &mut variant, &mut flags)?;
                    done.push(std::mem::take(&mut level));
                    State::Level
                }
                (State::Delimiter, character) if is_label(character) && !variant.has_flags() => {
                    variant.label.push(character);
                    State::Delimiter
                }
                (State::Open, '{') => State::First,
                (State::Open, '.') => {
                    level.high = MOST_LEVELS;
                    done.push(std::mem::take(&mut level));
                    State::Level
                }
                (State::First, ',') => State::Second,
                (State::First, _) if digit => {
                    level.low = number(text.get(at..).unwrap_or(""));
                    if level.low > MOST_LEVELS {
                        return Err(out_of_range("Low", level.low, position));
                    }
                    State::AfterFirst
                }
                (State::Second, _) if digit => {
                    level.high = number(text.get(at..).unwrap_or(""));
                    if level.high > MOST_LEVELS {
                        return Err(out_of_range("High", level.high, position));
                    }
                    if level.low > level.high {
                        let detail = format!(
                            "Low limit ({}) is greater than high limit ({}), at character {position}.",
                            level.low, level.high
                        );
                        return Err(syntax("lquery syntax error").with_detail(detail));
                    }
                    State::Close
                }
                (State::Second, '}') => {
                    level.high = MOST_LEVELS;
                    State::End
                }
                (State::Close, '}') => State::End,
                (State::Close, _) if digit => State::Close,
                (State::AfterFirst, '}') => {
                    level.high = level.low;
                    State::End
                }
                (State::AfterFirst, ',') => State::Second,
                (State::AfterFirst, _) if digit => State::AfterFirst,
                (State::End, '.') => {
                    done.push(std::mem::take(&mut level));
                    State::Level
                }
                _ => return Err(wrong()),
            };
            position += 1;
        }
        match state {
            State::Delimiter => {
                check_label(&variant.label, "lquery", position - flags)?;
                level.variants.push(variant);
            }
            State::Open => level.high = MOST_LEVELS,
            State::End => {}
            _ => return Err(syntax("lquery syntax error").with_detail("Unexpected end of input.")),
        }
        done.push(level);
        // As PostgreSQL keeps them, each padded.
        let size = |level: &Level| -> usize {
            16 + level.variants.iter().map(|variant| 8 + variant.label.len().next_multiple_of(8)).sum::<usize>()
        };
        if done.iter().any(|level| size(level) > MOST_BYTES_OF_LEVEL) {
            let detail = format!("Total size of level exceeds the maximum allowed ({MOST_BYTES_OF_LEVEL} bytes).");
            return Err(limit("lquery level is too large").with_detail(detail));
        }
        Ok(LQuery(done))
    }

    /// The text form.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for (place, level) in self.0.iter().enumerate() {
            out.extend((place > 0).then_some('.'));
            out.extend(level.negated.then_some('!'));
            for (place, variant) in level.variants.iter().enumerate() {
                out.extend((place > 0).then_some('|'));
                variant.write(&mut out);
            }
            let any = level.variants.is_empty();
            out.extend(any.then_some('*'));
            if !any && !level.counted {
                continue;
            }
            match (level.low, level.high) {
                (low, high) if low == high => out.push_str(&format!("{{{low}}}")),
                (0, MOST_LEVELS) if any => {}
                (0, MOST_LEVELS) => out.push_str("{,}"),
                (0, high) => out.push_str(&format!("{{,{high}}}")),
                (low, MOST_LEVELS) => out.push_str(&format!("{{{low},}}")),
                (low, high) => out.push_str(&format!("{{{low},{high}}}")),
            }
        }
        out
    }

    /// Whether a path is one of those it describes.
    pub fn matches(&self, path: &str) -> Result<bool> {
        matches(&self.0, &labels(path))
    }
}

/// checkCond
fn matches(mut query: &[Level], mut path: &[&str]) -> Result<bool> {
    stack::check()?;
    while let Some((level, rest)) = query.split_first() {
        let (low, high) = level.count();
        let high = high.min(path.len());
        if high < low {
            return Ok(false);
        }
        for count in 0..high {
            limits::work(16)?;
            if count >= low && matches(rest, path)? {
                return Ok(true);
            }
            match path.split_first() {
                Some((label, behind)) if level.matches(label) => path = behind,
                _ => return Ok(false),
            }
        }
        query = rest;
    }
    Ok(path.is_empty())
}

#[derive(Clone, Debug, PartialEq)]
pub struct LtxtQuery(Query<Pattern>);

impl LtxtQuery {
    /// queryin
    pub fn parse(text: &str) -> Result<Self> {
        const DEPTH: usize = 32;
        let mut characters = text.chars().peekable();
        let (mut after_operand, mut open, mut bytes) = (false, 0usize, 0usize);
        let too_big = |what: &str| Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("{what} is too big"));
        let next = || -> Result<Token<Pattern>> {
            loop {
                let character = characters.next();
                match (after_operand, character) {
                    (false, Some('!')) => return Ok(Token::Operator(b'!')),
                    (false, Some('(')) => {
                        open += 1;
                        return Ok(Token::Open);
                    }
                    (false, Some(first)) if is_label(first) => {
                        let mut pattern = Pattern { label: first.to_string(), ..Pattern::default() };
                        while let Some(character) = characters.peek().copied() {
                            if is_label(character) {
                                if pattern.has_flags() {
                                    return Err(syntax("modifiers syntax error"));
                                }
                                pattern.label.push(character);
                            } else if !pattern.take_flag(character) {
                                break;
                            }
                            characters.next();
                        }
                        if bytes > 0xffff {
                            return Err(too_big("value"));
                        }
                        if pattern.label.len() > 0xff {
                            let what = if pattern.label.len() > 0xffff { "word" } else { "operand" };
                            let message = format!("{what} is too long");
                            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
                        }
                        bytes += pattern.label.len() + 1;
                        after_operand = true;
                        return Ok(Token::Operand(pattern));
                    }
                    (false, Some(space)) if space.is_whitespace() => {}
                    (false, _) => return Err(syntax("operand syntax error")),
                    (true, Some(operator @ ('&' | '|'))) => {
                        after_operand = false;
                        return Ok(Token::Operator(operator as u8));
                    }
                    (true, Some(')')) if open > 0 => {
                        open -= 1;
                        return Ok(Token::Close);
                    }
                    (true, None) if open == 0 => return Ok(Token::End),
                    (true, Some(other)) if other == ' ' || !other.is_ascii() => {}
                    (true, _) => return Err(syntax("syntax error")),
                }
            }
        };
        let query = Query::parse(next, DEPTH, || Error::new(SqlState::INTERNAL_ERROR, "stack too short"))?;
        Ok(LtxtQuery(query))
    }

    /// The text form.
    pub fn to_text(&self) -> Result<String> {
        self.0.to_text(Pattern::write)
    }

    /// Whether a path has the labels that it wants.
    pub fn matches(&self, path: &str) -> Result<bool> {
        let labels = labels(path);
        self.0.evaluate(|pattern| {
            limits::work(labels.len())?;
            Ok(labels.iter().any(|label| pattern.matches(label)))
        })
    }
}
