//! What puts one query in the place of another inside of a third (ts_rewrite).
//!
//! Owns: [`Rewriting`]. Operands are sorted and chains of & and | are one node, so that the order they were written in does
//! not matter; the result shows that order. Specification: tsquery_rewrite.c and tsquery_util.c.

use std::cmp::Ordering;
use std::collections::VecDeque;

use super::query::{Node, Operator, TsQuery, Value};
use crate::error::Result;
use crate::limits::session as limits;
use crate::limits::stack;

#[derive(Clone)]
enum Kind {
    Word(Value),
    Not,
    Operator(Operator),
}

/// A node with any number of operands, the right one first (QTNode).
#[derive(Clone)]
struct Tree {
    kind: Kind,
    operands: Vec<Tree>,
    /// Of the words below; as PostgreSQL has it, what is put in later does not count.
    sign: u32,
    /// What was put in is not changed itself.
    fixed: bool,
}

/// A query that is being rewritten.
pub struct Rewriting(Option<Tree>);

impl Rewriting {
    pub fn new(query: &TsQuery) -> Result<Self> {
        Ok(Rewriting(query.root.as_ref().map(sorted).transpose()?))
    }

    /// Puts `substitute` where `target` is.
    pub fn replace(&mut self, target: &TsQuery, substitute: &TsQuery) -> Result<()> {
        let Some(target) = &target.root else { return Ok(()) };
        let Some(tree) = self.0.take() else { return Ok(()) };
        let (target, substitute) = (sorted(target)?, substitute.root.as_ref().map(Tree::of).transpose()?);
        let search = Search { target, substitute };
        self.0 = search.below(tree)?;
        Ok(())
    }

    /// Another replacement follows, which sees what the ones before have put in.
    pub fn go_on(&mut self) -> Result<()> {
        if let Some(tree) = &mut self.0 {
            tree.release()?;
            tree.flatten()?;
            tree.sort()?;
        }
        Ok(())
    }

    /// What has become of it.
    pub fn query(self) -> Result<TsQuery> {
        Ok(TsQuery { root: self.0.map(Tree::into_node).transpose()? })
    }
}

fn sorted(node: &Node) -> Result<Tree> {
    let mut tree = Tree::of(node)?;
    tree.flatten()?;
    tree.sort()?;
    Ok(tree)
}

impl Tree {
    /// QT2QTN
    fn of(node: &Node) -> Result<Tree> {
        stack::check()?;
        limits::work(64)?;
        let (kind, operands) = match node {
            Node::Value(value) => (Kind::Word(value.clone()), Vec::new()),
            Node::Stop => (Kind::Not, Vec::new()),
            Node::Not(operand) => (Kind::Not, vec![Tree::of(operand)?]),
            Node::Binary(binary) => {
                (Kind::Operator(binary.operator), vec![Tree::of(&binary.right)?, Tree::of(&binary.left)?])
            }
        };
        let sign = match &kind {
            Kind::Word(value) => 1 << (value.checksum() as u32 % 32),
            _ => operands.iter().fold(0, |sign, operand| sign | operand.sign),
        };
        Ok(Tree { kind, operands, sign, fixed: false })
    }

    fn is_chain(&self) -> bool {
        matches!(self.kind, Kind::Operator(Operator::And | Operator::Or))
    }

    /// QTNTernary
    fn flatten(&mut self) -> Result<()> {
        stack::check()?;
        limits::work(64)?;
        self.operands.iter_mut().try_for_each(Tree::flatten)?;
        if self.is_chain() {
            let code = self.code();
            let operands = std::mem::take(&mut self.operands);
            for operand in operands {
                match operand.code() == code {
                    true => self.operands.extend(operand.operands),
                    false => self.operands.push(operand),
                }
            }
        }
        Ok(())
    }

    /// QTNSort
    fn sort(&mut self) -> Result<()> {
        stack::check()?;
        self.operands.iter_mut().try_for_each(Tree::sort)?;
        if !matches!(self.kind, Kind::Operator(Operator::Phrase(_))) {
            self.operands.sort_by(Tree::compare);
        }
        Ok(())
    }

    /// Words before operators, and each operator by its number.
    fn code(&self) -> u8 {
        match &self.kind {
            Kind::Word(_) => 0,
            Kind::Not => 1,
            Kind::Operator(Operator::And) => 2,
            Kind::Operator(Operator::Or) => 3,
            Kind::Operator(Operator::Phrase(_)) => 4,
        }
    }

    /// QTNodeCompare: what is greater comes first.
    fn compare(&self, other: &Tree) -> Ordering {
        if let (Kind::Word(a), Kind::Word(b)) = (&self.kind, &other.kind) {
            return b.checksum().cmp(&a.checksum()).then_with(|| a.text.cmp(&b.text));
        }
        let distance = |tree: &Tree| if let Kind::Operator(Operator::Phrase(d)) = tree.kind { d } else { 0 };
        let operands = || {
            let pairs = self.operands.iter().zip(&other.operands);
            pairs.map(|(a, b)| a.compare(b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        };
        let codes = other.code().cmp(&self.code());
        codes
            .then_with(|| other.operands.len().cmp(&self.operands.len()))
            .then_with(operands)
            .then_with(|| distance(other).cmp(&distance(self)))
    }

    fn is_equal(&self, other: &Tree) -> bool {
        self.sign == other.sign && self.compare(other).is_eq()
    }

    /// What was put in may be changed from now on.
    fn release(&mut self) -> Result<()> {
        stack::check()?;
        self.fixed = false;
        self.operands.iter_mut().try_for_each(Tree::release)
    }

    /// QTNBinary and QTN2QT
    fn into_node(self) -> Result<Node> {
        stack::check()?;
        let mut operands = self.operands.into_iter().map(Tree::into_node).collect::<Result<VecDeque<_>>>()?;
        let operator = match self.kind {
            Kind::Word(value) => return Ok(Node::Value(value)),
            Kind::Not => return Ok(operands.pop_front().map_or(Node::Stop, |operand| Node::Not(Box::new(operand)))),
            Kind::Operator(operator) => operator,
        };
        loop {
            match (operands.pop_front(), operands.pop_front(), operands.pop_back()) {
                (Some(right), Some(left), None) => return Node::binary(operator, left, right),
                (Some(right), Some(left), Some(last)) => {
                    operands.push_front(last);
                    operands.push_front(Node::binary(operator, left, right)?);
                }
                (only, ..) => return Ok(only.unwrap_or(Node::Stop)),
            }
        }
    }
}

struct Search {
    target: Tree,
    substitute: Option<Tree>,
}

impl Search {
    fn put(&self) -> Option<Tree> {
        self.substitute.clone().map(|substitute| Tree { fixed: true, ..substitute })
    }

    /// dofindsubquery
    fn below(&self, tree: Tree) -> Result<Option<Tree>> {
        stack::check()?;
        limits::work(64)?;
        let Some(mut tree) = self.here(tree)? else { return Ok(None) };
        if tree.fixed || matches!(tree.kind, Kind::Word(_)) {
            return Ok(Some(tree));
        }
        let mut kept = Vec::with_capacity(tree.operands.len());
        for operand in tree.operands {
            kept.extend(self.below(operand)?);
        }
        tree.operands = kept;
        Ok(match (tree.operands.len(), &tree.kind) {
            (0, _) => None,
            (1, Kind::Operator(_)) => tree.operands.pop(),
            _ => Some(tree),
        })
    }

    /// findeq
    fn here(&self, mut tree: Tree) -> Result<Option<Tree>> {
        let target = &self.target;
        if tree.sign & target.sign != target.sign || tree.fixed || tree.code() != target.code() {
            return Ok(Some(tree));
        }
        if tree.operands.len() == target.operands.len() {
            return Ok(if tree.is_equal(target) { self.put() } else { Some(tree) });
        }
        if tree.operands.len() < target.operands.len() || target.operands.is_empty() {
            return Ok(Some(tree));
        }
        // Some of a chain's operands.
        let mut matched = vec![false; tree.operands.len()];
        let mut wanted = target.operands.iter().peekable();
        for (operand, matched) in tree.operands.iter().zip(&mut matched) {
            match wanted.peek().map(|wanted| operand.compare(wanted)) {
                Some(Ordering::Equal) => {
                    *matched = true;
                    wanted.next();
                }
                Some(Ordering::Less) => {}
                Some(Ordering::Greater) | None => break,
            }
        }
        if wanted.peek().is_none() {
            let operands = std::mem::take(&mut tree.operands).into_iter().zip(matched);
            tree.operands = operands.filter(|(_, matched)| !matched).map(|(operand, _)| operand).collect();
            tree.operands.extend(self.put());
            tree.sort()?;
        }
        Ok(Some(tree))
    }
}
