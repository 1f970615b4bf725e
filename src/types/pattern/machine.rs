//! Where a regular expression can end that begins at a given place: a nondeterministic automaton (Thompson).
//!
//! Owns: [`Machine`]. Must not know: groups, which end is wanted in the whole (`dissect`). Specification: rege_dfa.c in
//! PostgreSQL 15, whose longest() and shortest() these are.

use regex_syntax::hir::{Class, HirKind};

use super::invalid;
use super::parse::{Anchor, Node, Tree};
use crate::error::Result;
use crate::limits::session as limits;

/// How many instructions a pattern may have.
const INSTRUCTIONS: usize = 50_000;

/// The characters that a class matches, as ranges in order.
pub(super) type Ranges = Vec<(char, char)>;

/// What the classes of a pattern match.
pub(super) fn ranges(tree: &Tree) -> Result<Vec<Ranges>> {
    let options = tree.options;
    let mut parser = regex_syntax::ParserBuilder::new();
    parser.case_insensitive(options.ignore_case).dot_matches_new_line(!options.newline_stops);
    let read = |class: &String| {
        let hir = parser.build().parse(class).map_err(|_| invalid("invalid syntax"))?;
        Ok(match hir.into_kind() {
            HirKind::Class(Class::Unicode(class)) => class.iter().map(|range| (range.start(), range.end())).collect(),
            HirKind::Class(Class::Bytes(class)) => {
                class.iter().map(|range| (char::from(range.start()), char::from(range.end()))).collect()
            }
            HirKind::Literal(literal) => {
                let only = std::str::from_utf8(&literal.0).ok().and_then(|text| text.chars().next());
                only.map(|c| (c, c)).into_iter().collect()
            }
            _ => Vec::new(),
        })
    };
    tree.classes.iter().map(read).collect()
}

#[derive(Debug)]
enum Instruction {
    Class(usize),
    Anchor(Anchor),
    Look {
        ahead: bool,
        negated: bool,
        machine: Machine,
    },
    /// On with both.
    Split(usize, usize),
    Jump(usize),
    Match,
}

/// An expression as instructions.
#[derive(Debug)]
pub(super) struct Machine(Vec<Instruction>);

/// What all machines of a pattern read.
pub(super) struct Context<'t> {
    pub text: &'t str,
    pub classes: &'t [Ranges],
    /// `^` and `$` match at lines.
    pub lines: bool,
}

impl Machine {
    /// `whole` is where back-references find their groups: they match no more than what the group can.
    pub(super) fn new(nodes: &[&Node], whole: &Node) -> Result<Self> {
        let mut machine = Machine(Vec::new());
        for node in nodes {
            machine.add(node, whole)?;
        }
        machine.emit(Instruction::Match)?;
        Ok(machine)
    }

    fn emit(&mut self, instruction: Instruction) -> Result<usize> {
        if self.0.len() >= INSTRUCTIONS {
            return Err(invalid("regular expression is too complex"));
        }
        self.0.push(instruction);
        Ok(self.0.len() - 1)
    }

    fn patch(&mut self, at: usize, instruction: Instruction) {
        if let Some(place) = self.0.get_mut(at) {
            *place = instruction;
        }
    }

    fn add(&mut self, node: &Node, whole: &Node) -> Result<()> {
        match node {
            Node::Empty => {}
            Node::Class(index) => {
                self.emit(Instruction::Class(*index))?;
            }
            Node::Anchor(anchor) => {
                self.emit(Instruction::Anchor(*anchor))?;
            }
            Node::Look { ahead, negated, node } => {
                let machine = Machine::new(&[node], whole)?;
                self.emit(Instruction::Look { ahead: *ahead, negated: *negated, machine })?;
            }
            Node::Group { node, .. } => self.add(node, whole)?,
            Node::Concat(nodes) => nodes.iter().try_for_each(|node| self.add(node, whole))?,
            Node::Alternate(branches) => self.alternate(branches, whole)?,
            Node::Repeat { node, least, most, .. } => self.repeat(node, *least, *most, whole)?,
            Node::BackReference(number) => {
                if let Some(group) = group_of(whole, *number) {
                    self.add(group, whole)?;
                }
            }
        }
        Ok(())
    }

    fn alternate(&mut self, branches: &[Node], whole: &Node) -> Result<()> {
        let mut jumps = Vec::new();
        for (index, branch) in branches.iter().enumerate() {
            if index + 1 == branches.len() {
                self.add(branch, whole)?;
                break;
            }
            let split = self.emit(Instruction::Match)?;
            self.add(branch, whole)?;
            jumps.push(self.emit(Instruction::Match)?);
            let next = self.0.len();
            self.patch(split, Instruction::Split(split + 1, next));
        }
        let end = self.0.len();
        jumps.into_iter().for_each(|jump| self.patch(jump, Instruction::Jump(end)));
        Ok(())
    }

    fn repeat(&mut self, node: &Node, least: u32, most: Option<u32>, whole: &Node) -> Result<()> {
        for _ in 0..least {
            self.add(node, whole)?;
        }
        let Some(most) = most else {
            let split = self.emit(Instruction::Match)?;
            self.add(node, whole)?;
            self.emit(Instruction::Jump(split))?;
            let end = self.0.len();
            self.patch(split, Instruction::Split(split + 1, end));
            return Ok(());
        };
        let mut splits = Vec::new();
        for _ in least..most {
            splits.push(self.emit(Instruction::Match)?);
            self.add(node, whole)?;
        }
        let end = self.0.len();
        splits.into_iter().for_each(|split| self.patch(split, Instruction::Split(split + 1, end)));
        Ok(())
    }

    /// The last place up to `limit` where a match that begins at `from` can end.
    pub(super) fn longest(&self, context: &Context<'_>, from: usize, limit: usize) -> Result<Option<usize>> {
        let mut last = None;
        self.run(context, from, limit, &mut |end| {
            last = Some(end);
            false
        })?;
        Ok(last)
    }

    /// The first place from `least` to `limit` where a match that begins at `from` can end.
    pub(super) fn shortest(
        &self,
        context: &Context<'_>,
        from: usize,
        (least, limit): (usize, usize),
    ) -> Result<Option<usize>> {
        let mut first = None;
        self.run(context, from, limit, &mut |end| {
            first = Some(end).filter(|end| *end >= least);
            first.is_some()
        })?;
        Ok(first)
    }

    /// Whether it matches from `from` to `end`.
    pub(super) fn matches(&self, context: &Context<'_>, from: usize, end: usize) -> Result<bool> {
        Ok(self.longest(context, from, end)? == Some(end))
    }

    /// Tells all ends, in order, until it hears that it is enough.
    fn run(
        &self,
        context: &Context<'_>,
        from: usize,
        limit: usize,
        enough: &mut dyn FnMut(usize) -> bool,
    ) -> Result<()> {
        let mut states = States::new(self.0.len());
        let mut next = States::new(self.0.len());
        let mut at = from;
        self.reach(context, 0, at, &mut states)?;
        loop {
            limits::work(1 + states.list.len())?;
            if states.matched && enough(at) || at >= limit || states.list.is_empty() {
                return Ok(());
            }
            let Some(c) = context.text.get(at..).and_then(|rest| rest.chars().next()) else { return Ok(()) };
            let behind = at + c.len_utf8();
            next.clear();
            for &state in &states.list {
                if let Some(Instruction::Class(class)) = self.0.get(state)
                    && context.classes.get(*class).is_some_and(|ranges| contains(ranges, c))
                {
                    self.reach(context, state + 1, behind, &mut next)?;
                }
            }
            std::mem::swap(&mut states, &mut next);
            at = behind;
        }
    }

    /// Adds a state, and those that it leads to without a character.
    fn reach(&self, context: &Context<'_>, state: usize, at: usize, states: &mut States) -> Result<()> {
        let mut waiting = vec![state];
        while let Some(state) = waiting.pop() {
            if !states.add(state) {
                continue;
            }
            match self.0.get(state) {
                Some(Instruction::Class(_)) => states.list.push(state),
                Some(Instruction::Match) | None => states.matched = true,
                Some(Instruction::Jump(to)) => waiting.push(*to),
                Some(Instruction::Split(one, other)) => waiting.extend([*other, *one]),
                Some(Instruction::Anchor(anchor)) => {
                    if holds(*anchor, context, at) {
                        waiting.push(state + 1);
                    }
                }
                Some(Instruction::Look { ahead, negated, machine }) => {
                    if machine.is_there(context, at, *ahead)? != *negated {
                        waiting.push(state + 1);
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether it matches something behind a place, or before it.
    fn is_there(&self, context: &Context<'_>, at: usize, ahead: bool) -> Result<bool> {
        if ahead {
            return Ok(self.shortest(context, at, (at, context.text.len()))?.is_some());
        }
        let mut from = at;
        loop {
            if self.matches(context, from, at)? {
                return Ok(true);
            }
            match before(context.text, from) {
                Some(c) => from -= c.len_utf8(),
                None => return Ok(false),
            }
        }
    }
}

/// The states that are reached at one place.
struct States {
    seen: Vec<bool>,
    added: Vec<usize>,
    /// Those that wait for a character.
    list: Vec<usize>,
    matched: bool,
}

impl States {
    fn new(length: usize) -> Self {
        States { seen: vec![false; length], added: Vec::new(), list: Vec::new(), matched: false }
    }

    fn add(&mut self, state: usize) -> bool {
        let Some(seen) = self.seen.get_mut(state) else { return false };
        if *seen {
            return false;
        }
        *seen = true;
        self.added.push(state);
        true
    }

    fn clear(&mut self) {
        for state in self.added.drain(..) {
            if let Some(seen) = self.seen.get_mut(state) {
                *seen = false;
            }
        }
        self.list.clear();
        self.matched = false;
    }
}

/// The group of that number.
fn group_of(node: &Node, number: usize) -> Option<&Node> {
    match node {
        Node::Group { index, node } if *index == number => Some(node),
        Node::Group { node, .. } | Node::Repeat { node, .. } => group_of(node, number),
        Node::Concat(nodes) | Node::Alternate(nodes) => nodes.iter().find_map(|node| group_of(node, number)),
        _ => None,
    }
}

fn contains(ranges: &Ranges, c: char) -> bool {
    let after = ranges.partition_point(|(start, _)| *start <= c);
    after.checked_sub(1).and_then(|index| ranges.get(index)).is_some_and(|(_, end)| c <= *end)
}

fn before(text: &str, at: usize) -> Option<char> {
    text.get(..at).and_then(|text| text.chars().next_back())
}

fn is_word(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_alphanumeric() || c == '_')
}

fn holds(anchor: Anchor, context: &Context<'_>, at: usize) -> bool {
    let (last, next) = (before(context.text, at), context.text.get(at..).and_then(|text| text.chars().next()));
    match anchor {
        Anchor::TextStart => last.is_none(),
        Anchor::TextEnd => next.is_none(),
        Anchor::LineStart => last.is_none() || context.lines && last == Some('\n'),
        Anchor::LineEnd => next.is_none() || context.lines && next == Some('\n'),
        Anchor::WordStart => !is_word(last) && is_word(next),
        Anchor::WordEnd => is_word(last) && !is_word(next),
        Anchor::WordBoundary => is_word(last) != is_word(next),
        Anchor::NotWordBoundary => is_word(last) == is_word(next),
    }
}
