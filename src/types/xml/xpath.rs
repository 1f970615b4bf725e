//! XPath 1.0 over a [`Tree`].
//!
//! Owns: [`XPath`], [`Found`]. Must not know: SQL. Specification: XPath 1.0; libxml2 where it differs.

mod functions;
mod parse;

use crate::error::{Error, Result, SqlState};
use crate::limits::{session as limits, stack};
use crate::types::xml::tree::{Kind, Tree};

/// An expression.
#[derive(Debug)]
pub struct XPath(Expr);

/// What an expression gives.
#[derive(Clone, Debug)]
pub enum Found {
    /// In document order.
    Nodes(Vec<usize>),
    Bool(bool),
    Number(f64),
    Text(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Axis {
    Ancestor,
    AncestorOrSelf,
    Attribute,
    Child,
    Descendant,
    DescendantOrSelf,
    Following,
    FollowingSibling,
    Namespace,
    Parent,
    Preceding,
    PrecedingSibling,
    SelfNode,
}

#[derive(Debug)]
enum Test {
    /// Prefix and name; no name is any one.
    Name(String, Option<String>),
    Node,
    Text,
    Comment,
    Instruction(Option<String>),
}

#[derive(Debug)]
struct Step {
    axis: Axis,
    test: Test,
    predicates: Vec<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Union,
}

#[derive(Debug)]
enum Expr {
    Number(f64),
    Text(String),
    Negative(Box<Expr>),
    Binary(Operator, Box<Expr>, Box<Expr>),
    Call(String, Vec<Expr>),
    /// Where it starts (none: at the context's node; the root), predicates over that, and the steps.
    Path {
        start: Option<Box<Expr>>,
        absolute: bool,
        predicates: Vec<Expr>,
        steps: Vec<Step>,
    },
}

/// 2200M and its like are the document's; of the expression it is XX000.
fn failed(detail: impl Into<String>) -> Error {
    Error::new(SqlState::INTERNAL_ERROR, "could not create XPath object").with_detail(detail.into())
}

/// What an expression is evaluated in.
struct Context<'t> {
    tree: &'t Tree,
    namespaces: &'t [(String, String)],
}

/// A node, its place among those that are looked at, and how many these are.
#[derive(Clone, Copy)]
struct At {
    node: usize,
    position: usize,
    size: usize,
}

impl XPath {
    /// XX000 for what is none.
    pub fn parse(text: &str) -> Result<Self> {
        parse::parse(text).map(XPath)
    }

    /// Evaluates it at the document, or at a node of it.
    pub fn evaluate(&self, tree: &Tree, node: usize, namespaces: &[(String, String)]) -> Result<Found> {
        Context { tree, namespaces }.evaluate(&self.0, At { node, position: 1, size: 1 })
    }
}

impl Found {
    pub fn to_bool(&self) -> bool {
        match self {
            Found::Nodes(nodes) => !nodes.is_empty(),
            Found::Bool(value) => *value,
            Found::Number(value) => *value != 0.0 && !value.is_nan(),
            Found::Text(text) => !text.is_empty(),
        }
    }

    pub fn to_text(&self, tree: &Tree) -> Result<String> {
        Ok(match self {
            Found::Nodes(nodes) => match nodes.first() {
                Some(first) => tree.text(*first)?,
                None => String::new(),
            },
            Found::Bool(value) => value.to_string(),
            Found::Number(value) => number_text(*value),
            Found::Text(text) => text.clone(),
        })
    }

    fn to_number(&self, tree: &Tree) -> Result<f64> {
        Ok(match self {
            Found::Bool(value) => f64::from(u8::from(*value)),
            Found::Number(value) => *value,
            other => number(&other.to_text(tree)?),
        })
    }
}

/// string() of a number.
fn number_text(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else if value == 0.0 {
        "0".to_owned()
    } else {
        value.to_string()
    }
}

/// number() of a text.
fn number(text: &str) -> f64 {
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    let digits = text.strip_prefix('-').unwrap_or(text);
    let fits =
        digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && digits.bytes().any(|b| b.is_ascii_digit());
    if fits { text.parse().unwrap_or(f64::NAN) } else { f64::NAN }
}

impl Context<'_> {
    fn evaluate(&self, expr: &Expr, at: At) -> Result<Found> {
        stack::check()?;
        limits::work(8)?;
        Ok(match expr {
            Expr::Number(value) => Found::Number(*value),
            Expr::Text(text) => Found::Text(text.clone()),
            Expr::Negative(value) => Found::Number(-self.evaluate(value, at)?.to_number(self.tree)?),
            Expr::Binary(operator, left, right) => self.binary(*operator, left, right, at)?,
            Expr::Call(name, args) => self.call(name, args, at)?,
            Expr::Path { start, absolute, predicates, steps } => {
                let mut nodes = match start {
                    None if *absolute => vec![0],
                    None => vec![at.node],
                    Some(start) => match self.evaluate(start, at)? {
                        Found::Nodes(nodes) => nodes,
                        value if predicates.is_empty() && steps.is_empty() => return Ok(value),
                        _ => return Err(failed("Invalid type")),
                    },
                };
                for predicate in predicates {
                    nodes = self.filtered(nodes, predicate)?;
                }
                for step in steps {
                    nodes = self.step(&nodes, step)?;
                }
                Found::Nodes(nodes)
            }
        })
    }

    fn binary(&self, operator: Operator, left: &Expr, right: &Expr, at: At) -> Result<Found> {
        let first = self.evaluate(left, at)?;
        match operator {
            Operator::Or if first.to_bool() => return Ok(Found::Bool(true)),
            Operator::And if !first.to_bool() => return Ok(Found::Bool(false)),
            _ => {}
        }
        let second = self.evaluate(right, at)?;
        let numbers = || -> Result<(f64, f64)> { Ok((first.to_number(self.tree)?, second.to_number(self.tree)?)) };
        Ok(match operator {
            Operator::Or | Operator::And => Found::Bool(second.to_bool()),
            Operator::Add => numbers().map(|(a, b)| Found::Number(a + b))?,
            Operator::Subtract => numbers().map(|(a, b)| Found::Number(a - b))?,
            Operator::Multiply => numbers().map(|(a, b)| Found::Number(a * b))?,
            Operator::Divide => numbers().map(|(a, b)| Found::Number(a / b))?,
            Operator::Modulo => numbers().map(|(a, b)| Found::Number(a % b))?,
            Operator::Union => match (first, second) {
                (Found::Nodes(mut all), Found::Nodes(more)) => {
                    all.extend(more);
                    all.sort_unstable();
                    all.dedup();
                    Found::Nodes(all)
                }
                _ => return Err(failed("Invalid type")),
            },
            comparison => Found::Bool(self.compare(comparison, &first, &second)?),
        })
    }

    fn compare(&self, operator: Operator, left: &Found, right: &Found) -> Result<bool> {
        let equality = matches!(operator, Operator::Equal | Operator::NotEqual);
        match (left, right) {
            (Found::Bool(_), _) | (_, Found::Bool(_)) if equality => {
                Ok((left.to_bool() == right.to_bool()) == (operator == Operator::Equal))
            }
            (Found::Nodes(nodes), other) if !matches!(other, Found::Bool(_)) => {
                self.any(nodes, |text| self.compare(operator, &as_other(text, other), other))
            }
            (other, Found::Nodes(nodes)) if !matches!(other, Found::Bool(_)) => {
                self.any(nodes, |text| self.compare(operator, other, &as_other(text, other)))
            }
            (Found::Text(left), Found::Text(right)) if equality => Ok((left == right) == (operator == Operator::Equal)),
            _ => {
                let (left, right) = (left.to_number(self.tree)?, right.to_number(self.tree)?);
                Ok(match operator {
                    Operator::Equal => left == right,
                    Operator::NotEqual => left != right,
                    Operator::Less => left < right,
                    Operator::LessOrEqual => left <= right,
                    Operator::Greater => left > right,
                    _ => left >= right,
                })
            }
        }
    }

    /// Whether it is so of the text of one of the nodes.
    fn any(&self, nodes: &[usize], is_so: impl Fn(String) -> Result<bool>) -> Result<bool> {
        for node in nodes {
            if is_so(self.tree.text(*node)?)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The nodes, in the order given, for which a predicate holds.
    fn filtered(&self, nodes: Vec<usize>, predicate: &Expr) -> Result<Vec<usize>> {
        let size = nodes.len();
        let mut kept = Vec::new();
        for (place, node) in nodes.into_iter().enumerate() {
            let holds = match self.evaluate(predicate, At { node, position: place + 1, size })? {
                Found::Number(number) => number == (place + 1) as f64,
                value => value.to_bool(),
            };
            if holds {
                kept.push(node);
            }
        }
        Ok(kept)
    }

    fn step(&self, from: &[usize], step: &Step) -> Result<Vec<usize>> {
        let mut all = Vec::new();
        for node in from {
            let mut nodes = Vec::new();
            for node in self.axis(*node, step.axis)? {
                if self.passes(node, step)? {
                    nodes.push(node);
                }
            }
            for predicate in &step.predicates {
                nodes = self.filtered(nodes, predicate)?;
            }
            crate::limits::memory::reserve(nodes.len() * size_of::<usize>())?;
            all.extend(nodes);
        }
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }

    /// The nodes of an axis, the nearest first.
    fn axis(&self, node: usize, axis: Axis) -> Result<Vec<usize>> {
        let tree = self.tree;
        let of = tree.node(node);
        let descendants = |node: usize| -> Result<Vec<usize>> {
            let mut found = Vec::new();
            let mut waiting: Vec<usize> = tree.node(node).children.iter().rev().copied().collect();
            while let Some(next) = waiting.pop() {
                limits::work(4)?;
                found.push(next);
                waiting.extend(tree.node(next).children.iter().rev());
            }
            Ok(found)
        };
        let ancestors = || {
            let mut found = Vec::new();
            let mut at = node;
            while at != 0 {
                at = tree.node(at).parent;
                found.push(at);
            }
            found
        };
        let siblings = || -> &[usize] {
            match of.kind {
                Kind::Attribute | Kind::Document => &[],
                _ => &tree.node(of.parent).children,
            }
        };
        let found = match axis {
            Axis::SelfNode => vec![node],
            Axis::Child => of.children.clone(),
            Axis::Attribute => of.attributes.clone(),
            Axis::Namespace => return Err(Error::unsupported("the namespace axis of XPath")),
            Axis::Parent => {
                if node == 0 {
                    Vec::new()
                } else {
                    vec![of.parent]
                }
            }
            Axis::Descendant => descendants(node)?,
            Axis::DescendantOrSelf => [vec![node], descendants(node)?].concat(),
            Axis::Ancestor => ancestors(),
            Axis::AncestorOrSelf => [vec![node], ancestors()].concat(),
            Axis::FollowingSibling => siblings().iter().copied().filter(|other| *other > node).collect(),
            Axis::PrecedingSibling => siblings().iter().rev().copied().filter(|other| *other < node).collect(),
            Axis::Following => {
                // Document order is the order of numbers: what is behind all below it.
                let last = descendants(node)?.last().copied().unwrap_or(node);
                descendants(0)?.into_iter().filter(|other| *other > last).collect()
            }
            Axis::Preceding => {
                let above = ancestors();
                let before = descendants(0)?.into_iter().filter(|other| *other < node && !above.contains(other));
                let mut before: Vec<usize> = before.collect();
                before.reverse();
                before
            }
        };
        limits::work(found.len() * 2)?;
        Ok(found)
    }

    fn passes(&self, node: usize, step: &Step) -> Result<bool> {
        let node = self.tree.node(node);
        let principal = if step.axis == Axis::Attribute { Kind::Attribute } else { Kind::Element };
        Ok(match &step.test {
            Test::Node => true,
            Test::Text => matches!(node.kind, Kind::Text | Kind::Section),
            Test::Comment => node.kind == Kind::Comment,
            Test::Instruction(name) => {
                node.kind == Kind::Instruction && name.as_ref().is_none_or(|name| *name == node.name)
            }
            Test::Name(prefix, name) => {
                let uri = self.uri(prefix)?;
                node.kind == principal
                    && match name {
                        Some(name) => *name == node.parts().1 && uri == node.uri,
                        None => prefix.is_empty() || uri == node.uri,
                    }
            }
        })
    }

    fn uri(&self, prefix: &str) -> Result<&str> {
        if prefix.is_empty() {
            return Ok("");
        }
        let found = self.namespaces.iter().rev().find(|(known, _)| known == prefix);
        match found {
            Some((_, uri)) => Ok(uri),
            None if prefix == "xml" => Ok("http://www.w3.org/XML/1998/namespace"),
            None => Err(failed("Undefined namespace prefix")),
        }
    }
}

/// A node's text as a comparison with such a value takes it.
fn as_other(text: String, other: &Found) -> Found {
    match other {
        Found::Number(_) => Found::Number(number(&text)),
        _ => Found::Text(text),
    }
}
