//! How well a document fits a query.
//!
//! Owns: [`rank`], [`rank_by_cover`]. Specification: textsearch-controls.html#TEXTSEARCH-RANKING; tsrank.c in PostgreSQL 15,
//! with its mixture of single and double precision, so that results are equal to the last digit.

use std::collections::HashMap;

use super::matching::{Places, Ternary, execute};
use super::query::{Node, Operator, TsQuery, Value};
use super::vector::{Lexeme, MAX_POSITION, Position, TsVector, Weight};
use crate::error::Result;
use crate::limits::session as limits;

/// What occurrences count by weight, D first.
pub type Weights = [f32; 4];

/// The weights if none are given.
pub const DEFAULT_WEIGHTS: Weights = [0.1, 0.2, 0.4, 1.0];

const LOG_LENGTH: i64 = 1;
const LENGTH: i64 = 2;
const EXTENT_DISTANCE: i64 = 4;
const UNIQUE: i64 = 8;
const LOG_UNIQUE: i64 = 16;
const RANK_PLUS_1: i64 = 32;

fn weight_of(weights: &Weights, weight: Weight) -> f32 {
    weights.get(weight as usize).copied().unwrap_or(0.0)
}

/// How much two words so far apart belong together.
fn word_distance(distance: i32) -> f32 {
    if distance > 100 {
        return 1e-30;
    }
    (1.0 / (1.005 + 0.05 * (f64::from(distance as f32) / 1.5 - 2.0).exp())) as f32
}

/// How many words there are, those without positions once.
fn length(document: &TsVector) -> usize {
    document.lexemes.iter().map(|lexeme| lexeme.positions.len().max(1)).sum()
}

/// The lexemes of a document that a word finds.
fn found<'d>(document: &'d TsVector, value: &'d Value) -> Vec<&'d Lexeme> {
    if value.prefix {
        document.beginning(&value.text).collect()
    } else {
        document.find(&value.text).into_iter().collect()
    }
}

/// A query's words, sorted, each once.
fn unique_values(query: &Node) -> Vec<&Value> {
    let mut values = Vec::new();
    query.each_value(&mut |value| values.push(value));
    values.sort_by(|a, b| a.text.cmp(&b.text));
    values.dedup_by(|a, b| a.text == b.text);
    values
}

fn rank_and(weights: &Weights, document: &TsVector, query: &Node) -> Result<f32> {
    let values = unique_values(query);
    if values.len() < 2 {
        return rank_or(weights, document, query);
    }
    // A lexeme without positions stands behind everything.
    const NOWHERE: &[Position] = &[Position { place: MAX_POSITION, weight: Weight::D }];
    let places = |lexeme: &'_ Lexeme| lexeme.positions.is_empty();
    let mut seen: Vec<Option<(&[Position], bool)>> = Vec::new();
    let mut result = -1f32;
    for value in values {
        let mut own = None;
        for lexeme in found(document, value) {
            let nowhere = places(lexeme);
            let positions = if nowhere { NOWHERE } else { lexeme.positions.as_slice() };
            own = Some((positions, nowhere));
            for (others, other_nowhere) in seen.iter().flatten() {
                limits::work(positions.len() * others.len() * 16)?;
                for position in positions {
                    for other in *others {
                        let mut distance = (i32::from(position.place) - i32::from(other.place)).abs();
                        if distance == 0 {
                            if !nowhere && !other_nowhere {
                                continue;
                            }
                            distance = i32::from(MAX_POSITION) + 1;
                        }
                        let both = weight_of(weights, position.weight) * weight_of(weights, other.weight);
                        let current = f64::from(both * word_distance(distance)).sqrt() as f32;
                        result = if result < 0.0 {
                            current
                        } else {
                            (1.0 - (1.0 - f64::from(result)) * (1.0 - f64::from(current))) as f32
                        };
                    }
                }
            }
        }
        seen.push(own);
    }
    Ok(result)
}

fn rank_or(weights: &Weights, document: &TsVector, query: &Node) -> Result<f32> {
    const ONCE: &[Position] = &[Position { place: 0, weight: Weight::D }];
    let values = unique_values(query);
    let count = values.len();
    let mut result = 0f32;
    for value in values {
        for lexeme in found(document, value) {
            limits::work(lexeme.positions.len() * 16 + 16)?;
            let positions = if lexeme.positions.is_empty() { ONCE } else { lexeme.positions.as_slice() };
            let (mut sum, mut most, mut most_at) = (0f32, -1f32, 0);
            for (index, position) in positions.iter().enumerate() {
                let weight = weight_of(weights, position.weight);
                sum += weight / ((index + 1) * (index + 1)) as f32;
                if weight > most {
                    (most, most_at) = (weight, index);
                }
            }
            let own = most + sum - most / ((most_at + 1) * (most_at + 1)) as f32;
            result = (f64::from(result) + f64::from(own) / 1.64493406685) as f32;
        }
    }
    Ok(if count > 0 { result / count as f32 } else { result })
}

/// ts_rank
pub fn rank(weights: &Weights, document: &TsVector, query: &TsQuery, method: i64) -> Result<f32> {
    let Some(root) = query.root.as_ref().filter(|_| !document.lexemes.is_empty()) else { return Ok(0.0) };
    let together = matches!(root, Node::Binary(binary) if binary.operator != Operator::Or);
    let mut result = if together { rank_and(weights, document, root)? } else { rank_or(weights, document, root)? };
    if result < 0.0 {
        result = 1e-20;
    }
    let divided = |rank: f32, divisor: f64| (f64::from(rank) / divisor) as f32;
    let unique = document.lexemes.len();
    if method & LOG_LENGTH != 0 {
        // PostgreSQL divides by both.
        result = divided(result, ((length(document) + 1) as f64).ln() / 2f64.ln());
    }
    if method & LENGTH != 0 {
        result /= length(document) as f32;
    }
    if method & UNIQUE != 0 {
        result /= unique as f32;
    }
    if method & LOG_UNIQUE != 0 {
        result = divided(result, ((unique + 1) as f64).ln() / 2f64.ln());
    }
    if method & RANK_PLUS_1 != 0 {
        result /= result + 1.0;
    }
    Ok(result)
}

/// A place in the document, with the query's words that are found there.
struct Occurrence {
    position: Position,
    values: Vec<usize>,
}

/// The occurrences of a query's words in their order (get_docrep).
fn occurrences(document: &TsVector, values: &[&Value]) -> Result<Vec<Occurrence>> {
    let mut all: Vec<(Position, &str, usize)> = Vec::new();
    for (index, value) in values.iter().enumerate() {
        for lexeme in found(document, value) {
            limits::work(lexeme.positions.len() * 16 + 16)?;
            let counts = |weight: Weight| value.weights == 0 || value.weights & weight.bit() != 0;
            let positions = lexeme.positions.iter().filter(|position| counts(position.weight));
            all.extend(positions.map(|position| (*position, lexeme.text.as_str(), index)));
        }
    }
    all.sort_by(|(a, a_text, _), (b, b_text, _)| {
        a.place.cmp(&b.place).then(a.weight.cmp(&b.weight)).then_with(|| a_text.cmp(b_text))
    });
    let mut joined: Vec<(Occurrence, &str)> = Vec::new();
    for (position, text, value) in all {
        match joined.last_mut().filter(|(last, last_text)| last.position == position && *last_text == text) {
            Some((last, _)) => last.values.push(value),
            None => joined.push((Occurrence { position, values: vec![value] }, text)),
        }
    }
    Ok(joined.into_iter().map(|(occurrence, _)| occurrence).collect())
}

/// A part of the document that fulfils the query: its first and last occurrence.
struct Cover {
    begin: usize,
    end: usize,
    /// Where the search for the next one starts.
    next: usize,
}

/// A query over the occurrences seen so far.
struct Seen<'q> {
    root: &'q Node,
    /// The words' numbers, by where they are in memory.
    numbers: HashMap<usize, usize>,
    places: Vec<Option<Vec<i32>>>,
}

impl Seen<'_> {
    fn clear(&mut self) {
        self.places.iter_mut().for_each(|places| *places = None);
    }

    /// Adds an occurrence; whether the query is fulfilled.
    fn add(&mut self, occurrence: &Occurrence, backwards: bool) -> Result<bool> {
        let place = i32::from(occurrence.position.place);
        for value in &occurrence.values {
            let Some(places) = self.places.get_mut(*value) else { continue };
            let places = places.get_or_insert_default();
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
        execute(self.root, &mut |value, out| {
            let number = self.numbers.get(&std::ptr::from_ref(value).addr());
            let Some(Some(places)) = number.and_then(|number| self.places.get(*number)) else {
                return Ok(Ternary::No);
            };
            if let Some(out) = out {
                limits::work(places.len() * 4)?;
                out.places = places.clone();
                if backwards {
                    out.places.reverse();
                }
            }
            Ok(Ternary::Yes)
        })
    }
}

/// The next part, shortest first from both ends (Cover).
fn cover(occurrences: &[Occurrence], seen: &mut Seen<'_>, from: usize) -> Result<Option<Cover>> {
    let mut from = from;
    loop {
        seen.clear();
        let mut end = None;
        for (index, occurrence) in occurrences.iter().enumerate().skip(from) {
            limits::work(16)?;
            if seen.add(occurrence, false)? {
                end = Some(index).filter(|_| occurrence.position.place > 0);
                break;
            }
        }
        let Some(end) = end else { return Ok(None) };
        seen.clear();
        for index in (from..=end).rev() {
            limits::work(16)?;
            let Some(occurrence) = occurrences.get(index) else { break };
            if seen.add(occurrence, true)? {
                return Ok(Some(Cover { begin: index, end, next: index + 1 }));
            }
        }
        from += 1;
    }
}

/// ts_rank_cd
pub fn rank_by_cover(weights: &Weights, document: &TsVector, query: &TsQuery, method: i64) -> Result<f32> {
    let Some(root) = &query.root else { return Ok(0.0) };
    let inverse = weights.map(|weight| 1.0 / f64::from(weight));
    let mut values = Vec::new();
    root.each_value(&mut |value| values.push(value));
    let occurrences = occurrences(document, &values)?;
    let numbers =
        values.iter().enumerate().map(|(number, value)| (std::ptr::from_ref(*value).addr(), number)).collect();
    let mut seen = Seen { root, numbers, places: vec![None; values.len()] };
    let (mut result, mut distances, mut previous, mut extents) = (0f64, 0f64, 0f64, 0u32);
    let mut from = 0;
    while let Some(Cover { begin, end, next }) = cover(&occurrences, &mut seen, from)? {
        let part = occurrences.get(begin..=end).unwrap_or(&[]);
        let place = |occurrence: Option<&Occurrence>| occurrence.map_or(0, |o| i32::from(o.position.place));
        let (first, last) = (place(part.first()), place(part.last()));
        let inverse_sum: f64 =
            part.iter().map(|o| inverse.get(o.position.weight as usize).copied().unwrap_or(1.0)).sum();
        let between = part.len() as i32 - 1;
        let mut noise = last - first - between;
        if noise < 0 {
            noise = between / 2;
        }
        result += part.len() as f64 / inverse_sum / f64::from(1 + noise);
        let middle = f64::from(last + first) / 2.0;
        if extents > 0 && middle > previous {
            distances += 1.0 / (middle - previous);
        }
        previous = middle;
        extents += 1;
        from = next;
    }
    let unique = document.lexemes.len();
    if unique > 0 {
        if method & LOG_LENGTH != 0 {
            result /= ((length(document) + 1) as f64).ln();
        }
        if method & LENGTH != 0 {
            result /= length(document) as f64;
        }
        if method & EXTENT_DISTANCE != 0 && extents > 0 && distances > 0.0 {
            result /= f64::from(extents) / distances;
        }
        if method & UNIQUE != 0 {
            result /= unique as f64;
        }
        if method & LOG_UNIQUE != 0 {
            result /= ((unique + 1) as f64).ln() / 2f64.ln();
        }
    }
    if method & RANK_PLUS_1 != 0 {
        result /= result + 1.0;
    }
    Ok(result as f32)
}

/// A place of a word, for [`execute`]'s callers beside this file.
pub(super) fn give_places(out: Option<&mut Places>, places: Vec<i32>) -> Ternary {
    if places.is_empty() {
        return Ternary::No;
    }
    if let Some(out) = out {
        out.places = places;
    }
    Ternary::Yes
}
