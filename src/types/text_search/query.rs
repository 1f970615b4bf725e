//! The type tsquery: words and how they are to occur together.
//!
//! Owns: [`TsQuery`], [`Node`], their text and binary forms and order. Reading a text is `query_parser`, matching
//! `matching`. Specification: datatype-textsearch.html#DATATYPE-TSQUERY; tsquery.c, tsquery_op.c, tsquery_util.c and
//! tsquery_cleanup.c in PostgreSQL 15.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt::{self, Write};

use bytes::{BufMut, BytesMut};

use super::vector::{MAX_LEXEME, MAX_STRINGS, cut_string, write_quoted};
use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;
use crate::limits::stack;
use crate::types::encoding::{insufficient_data, wrong_format};

/// How deep a query may be nested: so deep that it can still be dropped.
const MAX_DEPTH: u32 = 10_000;

/// A query. One without words finds nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TsQuery {
    pub root: Option<Node>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    Value(Value),
    /// A word that is no lexeme; only while a query is read.
    Stop,
    Not(Box<Node>),
    Binary(Box<Binary>),
}

/// A word, and which occurrences of it count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    pub text: String,
    /// Bits by weight, D the first; 0 is any.
    pub weights: u8,
    /// What begins so counts as well.
    pub prefix: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binary {
    pub operator: Operator,
    pub left: Node,
    pub right: Node,
    depth: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    And,
    Or,
    /// The right operand so many places after the left one.
    Phrase(u16),
}

impl Operator {
    fn priority(self) -> u8 {
        match self {
            Operator::Or => 1,
            Operator::And => 2,
            Operator::Phrase(_) => 3,
        }
    }

    /// The operator's number in the binary form.
    fn code(self) -> u8 {
        match self {
            Operator::And => 2,
            Operator::Or => 3,
            Operator::Phrase(_) => 4,
        }
    }
}

const NOT_PRIORITY: u8 = 4;
const NOT_CODE: u8 = 1;

impl Node {
    /// 54001 if that is too deep.
    pub fn binary(operator: Operator, left: Node, right: Node) -> Result<Node> {
        let depth = left.depth().max(right.depth()) + 1;
        if depth > MAX_DEPTH {
            return Err(stack::too_deep());
        }
        Ok(Node::Binary(Box::new(Binary { operator, left, right, depth })))
    }

    fn depth(&self) -> u32 {
        let (mut node, mut above) = (self, 0);
        // Operators know theirs; few NOTs stand in a row.
        while let Node::Not(inner) = node {
            (node, above) = (inner, above + 1);
        }
        match node {
            Node::Binary(binary) => above + binary.depth,
            _ => above,
        }
    }

    /// How many words and operators there are.
    pub fn count(&self) -> usize {
        let (mut count, mut waiting) = (0, vec![self]);
        while let Some(node) = waiting.pop() {
            count += 1;
            match node {
                Node::Value(_) | Node::Stop => {}
                Node::Not(operand) => waiting.push(operand),
                Node::Binary(binary) => waiting.extend([&binary.left, &binary.right]),
            }
        }
        count
    }

    /// Calls `each` with every word, those on the right first.
    pub fn each_value<'n>(&'n self, each: &mut dyn FnMut(&'n Value)) {
        let mut waiting = vec![self];
        while let Some(node) = waiting.pop() {
            match node {
                Node::Value(value) => each(value),
                Node::Stop => {}
                Node::Not(operand) => waiting.push(operand),
                Node::Binary(binary) => waiting.extend([&binary.left, &binary.right]),
            }
        }
    }

    /// Without what is negated; `None` if nothing is left (clean_NOT_intree).
    pub fn without_not(&self) -> Result<Option<Node>> {
        stack::check()?;
        Ok(match self {
            Node::Value(_) => Some(self.clone()),
            Node::Stop | Node::Not(_) => None,
            Node::Binary(binary) => match (binary.left.without_not()?, binary.right.without_not()?) {
                (Some(left), Some(right)) => Some(Node::binary(binary.operator, left, right)?),
                _ if binary.operator == Operator::Or => None,
                (left, right) => left.or(right),
            },
        })
    }

    /// Without recursion, which a query is too deep for.
    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        enum Part<'n> {
            /// A node, what it stands under, and whether it is a phrase's right operand.
            Node(&'n Node, u8, bool),
            Operator(Operator),
            Text(&'static str),
        }
        let mut waiting = vec![Part::Node(self, 0, false)];
        while let Some(part) = waiting.pop() {
            match part {
                Part::Text(text) => f.write_str(text)?,
                Part::Operator(Operator::Or) => f.write_str(" | ")?,
                Part::Operator(Operator::And) => f.write_str(" & ")?,
                Part::Operator(Operator::Phrase(1)) => f.write_str(" <-> ")?,
                Part::Operator(Operator::Phrase(distance)) => write!(f, " <{distance}> ")?,
                Part::Node(Node::Stop, ..) => {}
                Part::Node(Node::Value(value), ..) => write!(f, "{value}")?,
                Part::Node(Node::Not(operand), parent, _) => {
                    let enclosed = NOT_PRIORITY < parent;
                    f.write_str(if enclosed { "( !" } else { "!" })?;
                    waiting.push(Part::Text(if enclosed { " )" } else { "" }));
                    waiting.push(Part::Node(operand, NOT_PRIORITY, false));
                }
                Part::Node(Node::Binary(binary), parent, right_of_phrase) => {
                    let priority = binary.operator.priority();
                    let is_phrase = matches!(binary.operator, Operator::Phrase(_));
                    let enclosed = priority < parent || is_phrase && right_of_phrase;
                    f.write_str(if enclosed { "( " } else { "" })?;
                    waiting.push(Part::Text(if enclosed { " )" } else { "" }));
                    waiting.push(Part::Node(&binary.right, priority, is_phrase));
                    waiting.push(Part::Operator(binary.operator));
                    waiting.push(Part::Node(&binary.left, priority, false));
                }
            }
        }
        Ok(())
    }

    fn write_binary(&self, out: &mut BytesMut) {
        let mut waiting = vec![self];
        while let Some(node) = waiting.pop() {
            match node {
                Node::Stop => {}
                Node::Value(value) => {
                    out.put_u8(1);
                    out.put_u8(value.weights);
                    out.put_u8(value.prefix.into());
                    out.put_slice(value.text.as_bytes());
                    out.put_u8(0);
                }
                Node::Not(operand) => {
                    out.put_slice(&[2, NOT_CODE]);
                    waiting.push(operand);
                }
                Node::Binary(binary) => {
                    out.put_slice(&[2, binary.operator.code()]);
                    if let Operator::Phrase(distance) = binary.operator {
                        out.put_u16(distance);
                    }
                    waiting.extend([&binary.left, &binary.right]);
                }
            }
        }
    }

    /// QTNodeCompare: what is greater comes first; distances count once the operands are equal.
    fn compare(&self, other: &Node) -> Ordering {
        enum Pair<'n> {
            Nodes(&'n Node, &'n Node),
            Distances(u16, u16),
        }
        let distance = |operator| if let Operator::Phrase(distance) = operator { distance } else { 0 };
        let mut waiting = vec![Pair::Nodes(self, other)];
        while let Some(pair) = waiting.pop() {
            let order = match pair {
                Pair::Distances(a, b) => b.cmp(&a),
                Pair::Nodes(Node::Value(a), Node::Value(b)) => {
                    b.checksum().cmp(&a.checksum()).then_with(|| a.text.cmp(&b.text))
                }
                Pair::Nodes(Node::Not(a), Node::Not(b)) => {
                    waiting.push(Pair::Nodes(a, b));
                    Ordering::Equal
                }
                Pair::Nodes(Node::Binary(a), Node::Binary(b)) => {
                    waiting.push(Pair::Distances(distance(a.operator), distance(b.operator)));
                    waiting.push(Pair::Nodes(&a.left, &b.left));
                    waiting.push(Pair::Nodes(&a.right, &b.right));
                    b.operator.code().cmp(&a.operator.code())
                }
                Pair::Nodes(a, b) => b.kind().cmp(&a.kind()),
            };
            if order.is_ne() {
                return order;
            }
        }
        Ordering::Equal
    }

    /// Operators are greater than words, and each other by their code.
    fn kind(&self) -> (u8, u8) {
        match self {
            Node::Value(_) | Node::Stop => (1, 0),
            Node::Not(_) => (2, NOT_CODE),
            Node::Binary(binary) => (2, binary.operator.code()),
        }
    }

    /// Without stop words. Where they stood in phrases, distances grow; what a missing node leaves for the phrase above on
    /// its left and right goes along (clean_stopword_intree).
    fn without_stops(self) -> Result<(Option<Node>, u16, u16)> {
        stack::check()?;
        Ok(match self {
            Node::Value(_) => (Some(self), 0, 0),
            Node::Stop => (None, 0, 0),
            Node::Not(operand) => {
                let (operand, left, right) = operand.without_stops()?;
                (operand.map(|operand| Node::Not(Box::new(operand))), left, right)
            }
            Node::Binary(binary) => {
                let Binary { operator, left, right, .. } = *binary;
                let (left, left_left, left_right) = left.without_stops()?;
                let (right, right_left, right_right) = right.without_stops()?;
                let phrase = if let Operator::Phrase(distance) = operator { Some(distance) } else { None };
                let own = phrase.unwrap_or(0);
                let sum = |parts: [u16; 3]| parts.iter().fold(0u16, |sum, part| sum.wrapping_add(*part));
                match (left, right, phrase) {
                    (None, None, Some(_)) => {
                        let both = sum([left_left, own, right_left]);
                        (None, both, both)
                    }
                    (None, None, None) => (None, left_left.max(right_left), left_left.max(right_left)),
                    (None, right, Some(_)) => (right, sum([left_left, own, right_left]), right_right),
                    (None, right, None) => (right, right_left, right_right),
                    (left, None, Some(_)) => (left, left_left, sum([left_right, own, right_right])),
                    (left, None, None) => (left, left_left, left_right),
                    (Some(left), Some(right), Some(_)) => {
                        let operator = Operator::Phrase(sum([own, left_right, right_left]));
                        (Some(Node::binary(operator, left, right)?), left_left, right_right)
                    }
                    (Some(left), Some(right), None) => (Some(Node::binary(operator, left, right)?), 0, 0),
                }
            }
        })
    }
}

impl Value {
    /// PostgreSQL's CRC-32 of the word, which its order of queries is by: a table for one direction, used in the other.
    pub(super) fn checksum(&self) -> i32 {
        let table_entry = |index: u32| {
            (0..8).fold(index, |entry, _| if entry & 1 == 1 { entry >> 1 ^ 0xEDB8_8320 } else { entry >> 1 })
        };
        let fold = |crc: u32, byte: u8| table_entry((crc >> 24 ^ u32::from(byte)) & 0xFF) ^ crc << 8;
        !self.text.bytes().fold(u32::MAX, fold) as i32
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_quoted(&self.text, f)?;
        if self.weights != 0 || self.prefix {
            f.write_str(if self.prefix { ":*" } else { ":" })?;
        }
        for (bit, letter) in [(8, 'A'), (4, 'B'), (2, 'C'), (1, 'D')] {
            if self.weights & bit != 0 {
                f.write_char(letter)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for TsQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.as_ref().map_or(Ok(()), |root| root.print(f))
    }
}

impl TsQuery {
    /// Without stop words, and whether that left nothing of something.
    pub(super) fn clean(root: Node) -> Result<(Self, bool)> {
        let (root, ..) = root.without_stops()?;
        let nothing = root.is_none();
        Ok((TsQuery { root }, nothing))
    }

    /// How many words and operators there are (numnode).
    pub fn count(&self) -> usize {
        self.root.as_ref().map_or(0, Node::count)
    }

    /// Its words, each once.
    fn words(&self) -> BTreeSet<&str> {
        let mut words = BTreeSet::new();
        if let Some(root) = &self.root {
            root.each_value(&mut |value| {
                words.insert(value.text.as_str());
            });
        }
        words
    }

    /// Whether the other's words are all in this one (tsq_mcontains).
    pub fn contains(&self, other: &TsQuery) -> bool {
        other.words().is_subset(&self.words())
    }

    /// Both under an operator; one of them alone if the other is empty.
    pub fn join(self, operator: Operator, other: TsQuery) -> Result<TsQuery> {
        let root = match (self.root, other.root) {
            (Some(left), Some(right)) => Some(Node::binary(operator, left, right)?),
            (left, right) => left.or(right),
        };
        Ok(TsQuery { root })
    }

    /// `!!`
    pub fn negated(self) -> TsQuery {
        TsQuery { root: self.root.map(|root| Node::Not(Box::new(root))) }
    }

    /// The order of two queries: by size first (CompareTSQ).
    pub fn compare(&self, other: &TsQuery) -> Ordering {
        let size = |query: &TsQuery| {
            let mut strings = 0;
            if let Some(root) = &query.root {
                root.each_value(&mut |value| strings += value.text.len() + 1);
            }
            (query.count(), strings)
        };
        size(self).cmp(&size(other)).then_with(|| match (&self.root, &other.root) {
            (Some(a), Some(b)) => a.compare(b),
            _ => Ordering::Equal,
        })
    }

    /// Appends the binary form (tsquerysend): operators before their operands, the right one first.
    pub fn write_binary(&self, out: &mut BytesMut) {
        out.put_u32(self.count() as u32);
        if let Some(root) = &self.root {
            root.write_binary(out);
        }
    }

    /// Reads the binary form (tsqueryrecv).
    pub fn read_binary(bytes: &[u8]) -> Result<Self> {
        let (count, rest) = bytes.split_first_chunk::<4>().ok_or_else(insufficient_data)?;
        let mut reader = Reader { rest, left: u32::from_be_bytes(*count), strings: 0 };
        let root = if reader.left > 0 { Some(reader.node()?) } else { None };
        if reader.left > 0 {
            return Err(internal("malformed tsquery: extra nodes"));
        }
        if reader.rest.is_empty() { Ok(TsQuery { root }) } else { Err(wrong_format()) }
    }
}

fn internal(message: &'static str) -> Error {
    Error::new(SqlState::INTERNAL_ERROR, message)
}

/// The nodes of a binary form.
struct Reader<'b> {
    rest: &'b [u8],
    /// How many nodes are still to come.
    left: u32,
    strings: usize,
}

impl<'b> Reader<'b> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or_else(insufficient_data)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn node(&mut self) -> Result<Node> {
        stack::check()?;
        limits::work(64)?;
        self.left = self.left.checked_sub(1).ok_or_else(|| internal("malformed tsquery: operand not found"))?;
        match self.bytes::<1>()? {
            [1] => self.value(),
            [2] => match self.bytes::<1>()? {
                [NOT_CODE] => Ok(Node::Not(Box::new(self.node()?))),
                [code @ 2..=4] => {
                    let operator = match code {
                        2 => Operator::And,
                        3 => Operator::Or,
                        _ => Operator::Phrase(u16::from_be_bytes(self.bytes()?)),
                    };
                    let right = self.node()?;
                    Node::binary(operator, self.node()?, right)
                }
                [code] => {
                    let message = format!("invalid tsquery: unrecognized operator type {code}");
                    Err(Error::new(SqlState::INTERNAL_ERROR, message))
                }
            },
            [kind] => Err(Error::new(SqlState::INTERNAL_ERROR, format!("unrecognized tsquery node type: {kind}"))),
        }
    }

    fn value(&mut self) -> Result<Node> {
        let [weights, prefix] = self.bytes()?;
        let (text, rest) = cut_string(self.rest)?;
        self.rest = rest;
        if weights > 0xF {
            return Err(internal("invalid tsquery: invalid weight bitmap"));
        }
        if text.len() > MAX_LEXEME {
            return Err(internal("invalid tsquery: operand too long"));
        }
        // PostgreSQL takes it, but cannot read what it prints then, and the text form is what is stored here.
        if text.is_empty() {
            return Err(internal("invalid tsquery: empty operand"));
        }
        if self.strings > MAX_STRINGS {
            return Err(internal("invalid tsquery: total operand length exceeded"));
        }
        self.strings += text.len() + 1;
        Ok(Node::Value(Value { text: text.to_owned(), weights, prefix: prefix != 0 }))
    }
}
