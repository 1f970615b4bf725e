//! Which part of a match each group has: the match is known, and is divided among the parts of the expression.
//!
//! Owns: [`Piece`]. Each part takes as much as it can, or as little, as long as what follows can match the rest; the first
//! part has the first choice. Specification: functions-posix-regexp.html#POSIX-MATCHING-RULES; regcomp.c's sub-expression
//! tree and regexec.c's cdissect() in PostgreSQL 15.

use super::Groups;
use super::machine::{Context, Machine};
use super::parse::Node;
use crate::error::Result;
use crate::limits::session as limits;

/// What is to be known of an expression before it is divided (regguts.h).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Flags {
    /// As much as possible, as little as possible; the first part that has a preference decides.
    preference: Option<bool>,
    /// Parts of it have different preferences.
    mixed: bool,
    captures: bool,
    back_references: bool,
}

impl Flags {
    /// Those of a part followed by another.
    fn and(self, next: Flags) -> Flags {
        let differ = matches!((self.preference, next.preference), (Some(one), Some(other)) if one != other);
        Flags {
            preference: self.preference.or(next.preference),
            mixed: self.mixed || next.mixed || differ,
            captures: self.captures || next.captures,
            back_references: self.back_references || next.back_references,
        }
    }

    /// It matters how a match of it is divided.
    fn is_messy(self) -> bool {
        self.mixed || self.captures || self.back_references
    }
}

fn flags(node: &Node) -> Flags {
    match node {
        Node::Empty | Node::Class(_) | Node::Anchor(_) | Node::Look { .. } => Flags::default(),
        Node::BackReference(_) => Flags { back_references: true, ..Flags::default() },
        Node::Group { node, .. } => Flags { captures: true, ..flags(node) },
        Node::Concat(nodes) => nodes.iter().map(flags).fold(Flags::default(), Flags::and),
        Node::Alternate(branches) => {
            let all = branches.iter().map(flags).fold(Flags::default(), |all, branch| Flags {
                preference: None,
                mixed: all.mixed || branch.mixed || branch.preference == Some(false),
                captures: all.captures || branch.captures,
                back_references: all.back_references || branch.back_references,
            });
            Flags { preference: Some(true), ..all }
        }
        Node::Repeat { node, greedy, .. } => Flags { preference: *greedy, ..Flags::default() }.and(flags(node)),
    }
}

/// A part of an expression that a part of the match is divided among.
#[derive(Debug)]
pub(super) struct Piece {
    machine: Machine,
    flags: Flags,
    kind: Kind,
    /// The groups in it.
    groups: Vec<usize>,
}

#[derive(Debug)]
enum Kind {
    /// There is nothing more to know of its match.
    Plain,
    Concat(Box<Piece>, Box<Piece>),
    Alternate(Vec<Piece>),
    Repeat {
        piece: Box<Piece>,
        least: usize,
        most: Option<usize>,
    },
    Group {
        index: usize,
        piece: Box<Piece>,
    },
    BackReference {
        number: usize,
        least: usize,
        most: Option<usize>,
    },
}

/// A match that is being divided.
pub(super) struct Dissection<'t> {
    pub context: Context<'t>,
    pub ignore_case: bool,
    pub groups: Groups,
}

impl Piece {
    pub(super) fn new(node: &Node, whole: &Node) -> Result<Self> {
        Piece::of_nodes(&[node], whole)
    }

    /// Whether the whole is as short as it can be.
    pub(super) fn is_short(&self) -> bool {
        self.flags.preference == Some(false)
    }

    pub(super) fn machine(&self) -> &Machine {
        &self.machine
    }

    fn of_nodes(nodes: &[&Node], whole: &Node) -> Result<Self> {
        let flags = nodes.iter().map(|node| flags(node)).fold(Flags::default(), Flags::and);
        let mut groups = Vec::new();
        nodes.iter().for_each(|node| collect_groups(node, &mut groups));
        let kind = if flags.is_messy() { Kind::of(nodes, whole)? } else { Kind::Plain };
        Ok(Piece { machine: Machine::new(nodes, whole)?, flags, kind, groups })
    }

    /// Divides the match from `from` to `end`; whether that can be done. That its machine matches there is known.
    pub(super) fn dissect(&self, at: &mut Dissection<'_>, from: usize, end: usize) -> Result<bool> {
        limits::work(1)?;
        match &self.kind {
            Kind::Plain => Ok(true),
            Kind::Concat(first, rest) if first.is_short() => dissect_short(first, rest, at, (from, end)),
            Kind::Concat(first, rest) => dissect_long(first, rest, at, (from, end)),
            Kind::Alternate(branches) => {
                for branch in branches {
                    if branch.machine.matches(&at.context, from, end)? {
                        branch.clear(at);
                        if branch.dissect(at, from, end)? {
                            return Ok(true);
                        }
                    }
                }
                Ok(false)
            }
            Kind::Repeat { piece, least, most } => {
                // Of nothing no match is as short as can be; else one is preferred to none, so that its groups are set.
                if *least == 0 && from == end && piece.is_short() {
                    return Ok(true);
                }
                let (needed, length) = ((*least).max(1), end - from);
                // Empty ones are considered only as far as there must be so many.
                let most = most.map_or(length, |most| most.min(length)).max(needed);
                if (Iterations { piece, least: needed, most, from, end, ends: vec![from] }).dissect(at)? {
                    return Ok(true);
                }
                piece.clear(at);
                Ok(*least == 0 && from == end)
            }
            Kind::Group { index, piece } => {
                if !piece.dissect(at, from, end)? {
                    return Ok(false);
                }
                if let Some(group) = at.groups.get_mut(*index) {
                    *group = Some((from, end));
                }
                Ok(true)
            }
            Kind::BackReference { number, least, most } => at.repeats(*number, (*least, *most), (from, end)),
        }
    }

    /// What its groups had is forgotten.
    fn clear(&self, at: &mut Dissection<'_>) {
        for index in &self.groups {
            if let Some(group) = at.groups.get_mut(*index) {
                *group = None;
            }
        }
    }
}

impl Kind {
    /// How a match of several nodes in a row is divided: parseqatom()'s cases.
    fn of(nodes: &[&Node], whole: &Node) -> Result<Self> {
        let [node] = nodes else { return Kind::of_row(nodes, whole) };
        Ok(match node {
            Node::Concat(inner) => Kind::of_row(&inner.iter().collect::<Vec<_>>(), whole)?,
            Node::Alternate(branches) => {
                Kind::Alternate(branches.iter().map(|branch| Piece::new(branch, whole)).collect::<Result<_>>()?)
            }
            Node::Group { index, node } => Kind::Group { index: *index, piece: Box::new(Piece::new(node, whole)?) },
            Node::BackReference(number) => Kind::BackReference { number: *number, least: 1, most: Some(1) },
            Node::Repeat { node, least, most, greedy } => {
                let (least, most) = (*least as usize, most.map(|most| most as usize));
                let inner = flags(node);
                if let Node::BackReference(number) = &**node {
                    return Ok(Kind::BackReference { number: *number, least, most });
                }
                let preferred = if inner.mixed { None } else { inner.preference };
                let agrees = greedy.is_none() || inner.preference.is_none() && !inner.mixed || *greedy == preferred;
                if (least, most) == (1, Some(1)) && agrees {
                    return Kind::of(&[node], whole);
                }
                if !inner.captures && !inner.back_references {
                    return Ok(Kind::Plain);
                }
                let piece = Piece::new(node, whole)?;
                if least > 0 && !inner.back_references {
                    // The groups have the last one's; the others need not be told apart.
                    let others = Node::Repeat {
                        node: Box::new(node.as_ref().clone()),
                        least: (least - 1) as u32,
                        most: most.map(|most| (most - 1) as u32),
                        greedy: *greedy,
                    };
                    let flags = Flags { preference: flags(&others).preference, ..Flags::default() };
                    let machine = Machine::new(&[&others], whole)?;
                    let others = Piece { machine, flags, kind: Kind::Plain, groups: Vec::new() };
                    return Ok(Kind::Concat(Box::new(others), Box::new(piece)));
                }
                Kind::Repeat { piece: Box::new(piece), least, most }
            }
            Node::Empty | Node::Class(_) | Node::Anchor(_) | Node::Look { .. } => Kind::Plain,
        })
    }

    /// What is simple stays together, up to the first part that is not.
    fn of_row(nodes: &[&Node], whole: &Node) -> Result<Self> {
        let mut together = Flags::default();
        let mut count = 0;
        for node in nodes {
            let with = together.and(flags(node));
            if with.is_messy() {
                break;
            }
            together = with;
            count += 1;
        }
        let (first, rest) = nodes.split_at(count.max(1));
        if rest.is_empty() {
            return Kind::of(first, whole);
        }
        let (first, rest) = (Piece::of_nodes(first, whole)?, Piece::of_nodes(rest, whole)?);
        Ok(Kind::Concat(Box::new(first), Box::new(rest)))
    }
}

fn collect_groups(node: &Node, groups: &mut Vec<usize>) {
    match node {
        Node::Group { index, node } => {
            groups.push(*index);
            collect_groups(node, groups);
        }
        Node::Repeat { node, .. } => collect_groups(node, groups),
        Node::Concat(nodes) | Node::Alternate(nodes) => nodes.iter().for_each(|node| collect_groups(node, groups)),
        _ => {}
    }
}

/// The place of the character before a place.
fn previous(text: &str, at: usize) -> Option<usize> {
    text.get(..at).and_then(|text| text.chars().next_back()).map(|c| at - c.len_utf8())
}

/// The place behind the next character.
fn following(text: &str, at: usize) -> Option<usize> {
    text.get(at..).and_then(|text| text.chars().next()).map(|c| at + c.len_utf8())
}

/// ccondissect(): the first part is as long as it can be.
fn dissect_long(first: &Piece, rest: &Piece, at: &mut Dissection<'_>, (from, end): (usize, usize)) -> Result<bool> {
    let mut middle = first.machine.longest(&at.context, from, end)?;
    while let Some(place) = middle {
        if rest.machine.matches(&at.context, place, end)?
            && first.dissect(at, from, place)?
            && rest.dissect(at, place, end)?
        {
            return Ok(true);
        }
        first.clear(at);
        rest.clear(at);
        middle = match previous(at.context.text, place).filter(|limit| *limit >= from && place > from) {
            Some(limit) => first.machine.longest(&at.context, from, limit)?,
            None => None,
        };
    }
    Ok(false)
}

/// crevcondissect(): the first part is as short as it can be.
fn dissect_short(first: &Piece, rest: &Piece, at: &mut Dissection<'_>, (from, end): (usize, usize)) -> Result<bool> {
    let mut middle = first.machine.shortest(&at.context, from, (from, end))?;
    while let Some(place) = middle {
        if rest.machine.matches(&at.context, place, end)?
            && first.dissect(at, from, place)?
            && rest.dissect(at, place, end)?
        {
            return Ok(true);
        }
        first.clear(at);
        rest.clear(at);
        middle = match following(at.context.text, place).filter(|least| *least <= end) {
            Some(least) => first.machine.shortest(&at.context, from, (least, end))?,
            None => None,
        };
    }
    Ok(false)
}

/// The matches of something that is repeated.
struct Iterations<'p> {
    piece: &'p Piece,
    least: usize,
    most: usize,
    from: usize,
    end: usize,
    /// Where each begins; the last one ends behind it.
    ends: Vec<usize>,
}

impl Iterations<'_> {
    /// citerdissect() and creviterdissect().
    fn dissect(&mut self, at: &mut Dissection<'_>) -> Result<bool> {
        let short = self.piece.is_short();
        let mut verified = 0;
        // Up to where, or from where on, the next one may end.
        let mut bound = if short { self.from } else { self.end };
        loop {
            limits::work(1)?;
            let number = self.ends.len();
            let begin = self.ends.last().copied().unwrap_or(self.from);
            let found = if short { self.short_end(at, begin, bound)? } else { self.long_end(at, begin, bound)? };
            if let Some(place) = found {
                self.ends.push(place);
                verified = verified.min(number - 1);
                if place != self.end && number < self.most {
                    bound = if short { place } else { self.end };
                    continue;
                }
                if place == self.end && number >= self.least && self.verify(at, &mut verified)? {
                    return Ok(true);
                }
            }
            match self.back(at, short) {
                Some(next) => bound = next,
                None => return Ok(false),
            }
        }
    }

    /// The end of the next one. An empty one counts only where there must be so many.
    fn long_end(&self, at: &Dissection<'_>, begin: usize, limit: usize) -> Result<Option<usize>> {
        let place = self.piece.machine.longest(&at.context, begin, limit)?;
        let number = self.ends.len();
        let empty = |place: usize| place == begin && place != self.end;
        let needed = |place: usize| number < self.least && self.least - number >= self.end - place;
        Ok(place.filter(|place| !empty(*place) || needed(*place)))
    }

    fn short_end(&self, at: &Dissection<'_>, begin: usize, least: usize) -> Result<Option<usize>> {
        let number = self.ends.len();
        let mut least = least;
        let needed = number < self.least && self.least - number >= self.end - least;
        if least == begin && least != self.end && !needed {
            least = following(at.context.text, least).unwrap_or(self.end);
        }
        if number >= self.most {
            least = self.end;
        }
        self.piece.machine.shortest(&at.context, begin, (least, self.end))
    }

    /// Takes back the last end that can be another one; up to where, or from where on, that may be.
    fn back(&mut self, at: &Dissection<'_>, short: bool) -> Option<usize> {
        while self.ends.len() > 1 {
            let number = self.ends.len() - 1;
            let place = self.ends.pop()?;
            let begin = self.ends.last().copied()?;
            if short {
                if place < self.end {
                    return following(at.context.text, place);
                }
            } else if place > begin {
                let limit = previous(at.context.text, place)?;
                if limit > begin || number < self.least && self.least - number >= self.end - begin {
                    return Some(limit);
                }
            }
        }
        None
    }

    /// Divides each of them; those before the last leave nothing in the groups.
    fn verify(&self, at: &mut Dissection<'_>, verified: &mut usize) -> Result<bool> {
        for number in *verified + 1..self.ends.len() {
            let (Some(from), Some(end)) = (self.ends.get(number - 1), self.ends.get(number)) else { return Ok(false) };
            self.piece.clear(at);
            if !self.piece.dissect(at, *from, *end)? {
                return Ok(false);
            }
            *verified = number;
        }
        Ok(true)
    }
}

impl Dissection<'_> {
    /// cbrdissect(): whether what a group has stands there, so many times.
    fn repeats(
        &self,
        group: usize,
        (least, most): (usize, Option<usize>),
        (from, end): (usize, usize),
    ) -> Result<bool> {
        let Some((start, stop)) = self.groups.get(group).copied().flatten() else { return Ok(false) };
        let (Some(one), Some(all)) = (self.context.text.get(start..stop), self.context.text.get(from..end)) else {
            return Ok(false);
        };
        limits::work(all.len())?;
        if one.is_empty() {
            return Ok(all.is_empty() && most.is_none_or(|most| least <= most));
        }
        let mut rest = all.chars();
        let mut count = 0;
        while !rest.as_str().is_empty() {
            if !one.chars().all(|c| rest.next().is_some_and(|found| self.same(c, found))) {
                return Ok(false);
            }
            count += 1;
        }
        Ok(count >= least && most.is_none_or(|most| count <= most))
    }

    fn same(&self, one: char, other: char) -> bool {
        one == other || self.ignore_case && one.to_lowercase().eq(other.to_lowercase())
    }
}
