//! An ARE as a tree.
//!
//! Owns: [`Node`], [`parse`]. What one character is matched by is written in the `regex` crate's syntax, and read by it.
//! Specification: functions-posix-regexp.html; regcomp.c, regc_lex.c in PostgreSQL 15.

use super::{Options, invalid};
use crate::error::Result;

/// How deep parentheses go.
const DEPTH: usize = 250;

/// A regular expression.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Empty,
    /// One character, which that entry of [`Tree::classes`] matches.
    Class(usize),
    Anchor(Anchor),
    /// Whether the expression matches behind (or before) this place, or does not.
    Look {
        ahead: bool,
        negated: bool,
        node: Box<Node>,
    },
    /// Capturing parentheses, counted from 1.
    Group {
        index: usize,
        node: Box<Node>,
    },
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
    Repeat {
        node: Box<Node>,
        least: u32,
        most: Option<u32>,
        /// As many as possible, or as few; `None` is {m}, which leaves that to what is repeated.
        greedy: Option<bool>,
    },
    /// What the group matched.
    BackReference(usize),
}

/// A constraint on the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    LineStart,
    LineEnd,
    TextStart,
    TextEnd,
    WordStart,
    WordEnd,
    WordBoundary,
    NotWordBoundary,
}

/// A pattern that was read.
#[derive(Debug)]
pub(super) struct Tree {
    pub node: Node,
    pub options: Options,
    /// What matches one character, in the `regex` crate's syntax.
    pub classes: Vec<String>,
    pub groups: usize,
    /// Alternatives and quantifiers there are.
    pub choices: usize,
    /// There is a non-greedy quantifier.
    pub lazy: bool,
    /// There are back-references or look-around.
    pub irregular: bool,
}

/// Reads an ARE; 2201B.
pub(super) fn parse(source: &str, mut options: Options) -> Result<Tree> {
    let mut rest = source;
    if let Some(literal) = source.strip_prefix("***=") {
        options.literal = true;
        rest = literal;
    } else {
        rest = rest.strip_prefix("***:").unwrap_or(rest);
        rest = embedded_options(rest, &mut options);
    }
    let mut parser = Parser {
        rest,
        frames: vec![Frame::new(Opened::Whole)],
        closed: Vec::new(),
        in_look: 0,
        quantifiable: false,
        tree: Tree {
            node: Node::Empty,
            options,
            classes: Vec::new(),
            groups: 0,
            choices: 0,
            lazy: false,
            irregular: false,
        },
    };
    parser.run()?;
    let Some(whole) = parser.frames.pop().filter(|_| parser.frames.is_empty()) else { return Err(unbalanced()) };
    parser.tree.node = whole.finish();
    Ok(parser.tree)
}

fn unbalanced() -> crate::error::Error {
    invalid("parentheses () not balanced")
}

/// What a parenthesis began.
enum Opened {
    Whole,
    Grouping,
    Capture(usize),
    Look { ahead: bool, negated: bool },
}

/// What stands between a parenthesis and its end.
struct Frame {
    opened: Opened,
    branches: Vec<Node>,
    branch: Vec<Node>,
}

impl Frame {
    fn new(opened: Opened) -> Self {
        Frame { opened, branches: Vec::new(), branch: Vec::new() }
    }

    fn end_branch(&mut self) {
        let mut nodes = std::mem::take(&mut self.branch);
        self.branches.push(match nodes.len() {
            0 => Node::Empty,
            1 => nodes.swap_remove(0),
            _ => Node::Concat(nodes),
        });
    }

    fn finish(mut self) -> Node {
        self.end_branch();
        let node = match self.branches.len() {
            1 => self.branches.swap_remove(0),
            _ => Node::Alternate(self.branches),
        };
        match self.opened {
            Opened::Whole | Opened::Grouping => node,
            Opened::Capture(index) => Node::Group { index, node: Box::new(node) },
            Opened::Look { ahead, negated } => Node::Look { ahead, negated, node: Box::new(node) },
        }
    }
}

struct Parser<'p> {
    rest: &'p str,
    frames: Vec<Frame>,
    /// The groups that have ended.
    closed: Vec<usize>,
    /// Parentheses of look-around that are open: those inside do not capture.
    in_look: usize,
    /// The last node can take a quantifier.
    quantifiable: bool,
    tree: Tree,
}

impl Parser<'_> {
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

    fn push(&mut self, node: Node, quantifiable: bool) {
        if let Some(frame) = self.frames.last_mut() {
            frame.branch.push(node);
        }
        self.quantifiable = quantifiable;
    }

    fn class(&mut self, text: String) {
        let known = self.tree.classes.iter().position(|known| *known == text);
        let index = known.unwrap_or(self.tree.classes.len());
        if known.is_none() {
            self.tree.classes.push(text);
        }
        self.push(Node::Class(index), true);
    }

    fn character(&mut self, c: char) {
        self.class(regex::escape(c.encode_utf8(&mut [0; 4])));
    }

    fn anchor(&mut self, anchor: Anchor) {
        self.push(Node::Anchor(anchor), false);
    }

    fn run(&mut self) -> Result<()> {
        if self.tree.options.literal {
            while let Some(c) = self.next() {
                self.character(c);
            }
            return Ok(());
        }
        while let Some(c) = self.next() {
            match c {
                '\\' => self.escape()?,
                '[' => self.bracket()?,
                '(' => self.open()?,
                ')' => self.close()?,
                '|' => {
                    self.tree.choices += 2;
                    self.quantifiable = false;
                    if let Some(frame) = self.frames.last_mut() {
                        frame.end_branch();
                    }
                }
                '^' => self.anchor(Anchor::LineStart),
                '$' => self.anchor(Anchor::LineEnd),
                '*' => self.quantifier(0, None, true)?,
                '+' => self.quantifier(1, None, true)?,
                '?' => self.quantifier(0, Some(1), true)?,
                '{' if self.rest.starts_with(|d: char| d.is_ascii_digit()) => self.bound()?,
                '.' => self.class(".".to_owned()),
                _ if self.tree.options.expanded && c.is_whitespace() => {}
                '#' if self.tree.options.expanded => {
                    let comment = self.rest.find('\n').unwrap_or(self.rest.len());
                    self.rest = self.rest.get(comment..).unwrap_or("");
                }
                _ => self.character(c),
            }
        }
        Ok(())
    }

    fn open(&mut self) -> Result<()> {
        const LOOKS: [(&str, bool, bool); 4] =
            [("?=", true, false), ("?!", true, true), ("?<=", false, false), ("?<!", false, true)];
        if self.frames.len() > DEPTH {
            return Err(invalid("regular expression is too complex"));
        }
        let look = LOOKS.iter().find(|(prefix, ..)| self.rest.starts_with(prefix));
        let opened = if let Some((prefix, ahead, negated)) = look {
            self.eat(prefix);
            self.in_look += 1;
            self.tree.irregular = true;
            Opened::Look { ahead: *ahead, negated: *negated }
        } else if self.eat("?:") {
            Opened::Grouping
        } else if self.eat("?#") {
            let end = self.rest.find(')').ok_or_else(unbalanced)?;
            self.rest = self.rest.get(end + 1..).unwrap_or("");
            return Ok(());
        } else if self.rest.starts_with('?') {
            return Err(invalid("quantifier operand invalid"));
        } else if self.in_look > 0 {
            Opened::Grouping
        } else {
            self.tree.groups += 1;
            Opened::Capture(self.tree.groups)
        };
        self.frames.push(Frame::new(opened));
        self.quantifiable = false;
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let frame = self.frames.pop().filter(|_| !self.frames.is_empty()).ok_or_else(unbalanced)?;
        let is_look = matches!(frame.opened, Opened::Look { .. });
        self.in_look -= usize::from(is_look);
        if let Opened::Capture(index) = frame.opened {
            self.closed.push(index);
        }
        self.push(frame.finish(), !is_look);
        Ok(())
    }

    fn quantifier(&mut self, least: u32, most: Option<u32>, preference: bool) -> Result<()> {
        let operand = self.frames.last_mut().and_then(|frame| frame.branch.pop()).filter(|_| self.quantifiable);
        let operand = operand.ok_or_else(|| invalid("quantifier operand invalid"))?;
        let lazy = self.eat("?");
        self.tree.lazy |= lazy;
        self.tree.choices += 1;
        let greedy = preference.then_some(!lazy);
        self.push(Node::Repeat { node: Box::new(operand), least, most, greedy }, false);
        Ok(())
    }

    fn bound(&mut self) -> Result<()> {
        let wrong = || invalid("invalid repetition count(s)");
        let end = self.rest.find('}').ok_or_else(|| invalid("braces {} not balanced"))?;
        let counts = self.rest.get(..end).unwrap_or("");
        let (least, most) = counts.split_once(',').unwrap_or((counts, counts));
        let number = |text: &str| text.parse::<u32>().ok().filter(|n| *n <= 255).ok_or_else(wrong);
        let least = number(least)?;
        let most = if most.is_empty() { None } else { Some(number(most)?) };
        if most.is_some_and(|most| most < least) {
            return Err(wrong());
        }
        let ranges = counts.contains(',');
        self.rest = self.rest.get(end + 1..).unwrap_or("");
        self.quantifier(least, most, ranges)
    }

    fn escape(&mut self) -> Result<()> {
        let c = self.next().ok_or_else(|| invalid("invalid escape \\ sequence"))?;
        match c {
            'y' => self.anchor(Anchor::WordBoundary),
            'Y' => self.anchor(Anchor::NotWordBoundary),
            'm' => self.anchor(Anchor::WordStart),
            'M' => self.anchor(Anchor::WordEnd),
            'A' => self.anchor(Anchor::TextStart),
            'Z' => self.anchor(Anchor::TextEnd),
            '1'..='9' => return self.back_reference(c),
            'D' | 'S' | 'W' => {
                let class = class_escape(c.to_ascii_lowercase()).unwrap_or("");
                // Newline is among what the complements leave out where it stops the others.
                let newline = if self.tree.options.newline_stops && c != 'S' { "\\n" } else { "" };
                self.class(format!("[^{class}{newline}]"));
            }
            _ => match class_escape(c) {
                Some(class) => self.class(format!("[{class}]")),
                None => {
                    let character = self.character_escape(c)?;
                    self.character(character);
                }
            },
        }
        Ok(())
    }

    /// `\3`, and `\12` if there are so many groups; else it is a character's number in octal digits.
    fn back_reference(&mut self, first: char) -> Result<()> {
        let digits: String =
            std::iter::once(first).chain(self.rest.chars().take_while(char::is_ascii_digit).take(2)).collect();
        let number: usize = digits.parse().unwrap_or(usize::MAX);
        if digits.len() > 1 && number > self.tree.groups {
            let octal = digits.chars().take_while(|digit| digit.is_digit(8)).collect::<String>();
            let code = u32::from_str_radix(&octal, 8).ok().and_then(char::from_u32);
            let c = code.ok_or_else(|| invalid("invalid escape \\ sequence"))?;
            self.rest = self.rest.get(octal.len() - 1..).unwrap_or("");
            self.character(c);
            return Ok(());
        }
        if self.in_look > 0 || !self.closed.contains(&number) {
            return Err(invalid("invalid backreference number"));
        }
        self.rest = self.rest.get(digits.len() - 1..).unwrap_or("");
        self.tree.irregular = true;
        self.push(Node::BackReference(number), true);
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
            self.anchor(Anchor::WordStart);
            return Ok(());
        }
        if self.eat("[:>:]]") {
            self.anchor(Anchor::WordEnd);
            return Ok(());
        }
        let negated = self.eat("^");
        let mut class = String::from(if negated { "[^" } else { "[" });
        if negated && self.tree.options.newline_stops {
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
        self.class(class);
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
