//! pg_trgm: how similar texts are by their trigrams (contrib/pg_trgm/trgm_op.c).

use super::super::{Args, ContextSlot, Definition, Output};
use crate::error::{Error, Result};
use crate::limits::session as limits;
use crate::types::extension::trigram::{Trigram, in_order, trigrams};

/// The functions of this area.
#[rustfmt::skip]
pub(in crate::engine::functions) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_similarity", 2, |a| Ok(f64::from(similarity(&a.text(0)?, &a.text(1)?)?).into())),
    Definition::pure("pg_similarity_distance", 2, |a| distance(similarity(&a.text(0)?, &a.text(1)?)?)),
    Definition::pure("pg_word_similarity", 2, |a| Ok(f64::from(word_similarity(&a.text(0)?, &a.text(1)?, false)?).into())),
    Definition::pure("pg_word_distance", 2, |a| distance(word_similarity(&a.text(0)?, &a.text(1)?, false)?)),
    Definition::pure("pg_strict_word_similarity", 2, |a| Ok(f64::from(word_similarity(&a.text(0)?, &a.text(1)?, true)?).into())),
    Definition::pure("pg_strict_word_distance", 2, |a| distance(word_similarity(&a.text(0)?, &a.text(1)?, true)?)),
    Definition::stable("pg_is_similar", 2, |a| Ok((f64::from(similarity(&a.text(0)?, &a.text(1)?)?) >= threshold(a, SIMILARITY)?).into())),
    Definition::stable("pg_has_similar_word", 2, |a| Ok((f64::from(word_similarity(&a.text(0)?, &a.text(1)?, false)?) >= threshold(a, WORD)?).into())),
    Definition::stable("pg_has_similar_words", 2, |a| Ok((f64::from(word_similarity(&a.text(0)?, &a.text(1)?, true)?) >= threshold(a, STRICT_WORD)?).into())),
    Definition::pure("pg_show_trgm", 1, show),
    Definition::stable("pg_trgm_limit", 0, |a| Ok(f64::from(threshold(a, SIMILARITY)? as f32).into())),
    Definition::stable("pg_set_trgm_limit", 1, set_limit),
];

const SIMILARITY: &str = "pg_trgm.similarity_threshold";
const WORD: &str = "pg_trgm.word_similarity_threshold";
const STRICT_WORD: &str = "pg_trgm.strict_word_similarity_threshold";

fn distance(similarity: f32) -> Result<Output> {
    Ok(f64::from((1.0 - f64::from(similarity)) as f32).into())
}

fn threshold_of(slot: &ContextSlot, name: &str) -> Result<f64> {
    let text = slot.with_session(|session| Ok(session.settings.current(name)))?;
    text.and_then(|text| text.parse().ok()).ok_or_else(|| Error::internal("a threshold"))
}

/// What `%` asks for at least.
pub(in crate::engine::functions) fn similarity_threshold(slot: &ContextSlot) -> Result<f64> {
    threshold_of(slot, SIMILARITY)
}

fn threshold(args: &Args<'_>, name: &str) -> Result<f64> {
    threshold_of(args.slot(), name)
}

fn set_limit(args: &Args<'_>) -> Result<Output> {
    let limit = args.float(0)? as f32;
    args.slot().with_session(|session| session.set_variable(SIMILARITY, Some(&limit.to_string()), false))?;
    Ok(f64::from(limit).into())
}

/// CALCSML
fn share(common: usize, left: usize, right: usize) -> f32 {
    common as f32 / (left + right - common) as f32
}

fn similarity(left: &str, right: &str) -> Result<f32> {
    let (left, right) = (trigrams(left)?, trigrams(right)?);
    if left.is_empty() || right.is_empty() {
        return Ok(0.0);
    }
    let common = left.iter().filter(|trigram| right.binary_search(trigram).is_ok()).count();
    Ok(share(common, left.len(), right.len()))
}

/// The greatest similarity of the first text and a part of the second (calc_word_similarity): of any part, or strictly of
/// one that begins and ends with words.
fn word_similarity(wanted: &str, text: &str, strict: bool) -> Result<f32> {
    let (wanted, text) = (trigrams(wanted)?, in_order(text)?);
    // Trigrams by number, and which of them are wanted.
    let mut distinct: Vec<Trigram> = text.iter().map(|found| found.trigram).collect();
    distinct.sort_unstable();
    distinct.dedup();
    let is_wanted: Vec<bool> = distinct.iter().map(|trigram| wanted.binary_search(trigram).is_ok()).collect();
    let numbers: Vec<usize> =
        text.iter().map(|found| distinct.binary_search(&found.trigram).unwrap_or_default()).collect();
    let wanted_at = |place: usize| numbers.get(place).and_then(|number| is_wanted.get(*number)).is_some_and(|w| *w);
    let mut last: Vec<Option<usize>> = vec![None; distinct.len()];
    let (mut best, mut lower) = (0.0f32, strict.then_some(0));
    let (mut length, mut common) = (0usize, 0usize);
    for (place, found) in text.iter().enumerate() {
        let number = numbers.get(place).copied().unwrap_or_default();
        if (lower.is_some() || wanted_at(place))
            && let Some(seen) = last.get_mut(number)
        {
            if seen.is_none() {
                length += 1;
                common += usize::from(wanted_at(place));
            }
            *seen = Some(place);
        }
        if !(if strict { found.ends } else { wanted_at(place) }) {
            continue;
        }
        let from = *lower.get_or_insert_with(|| {
            length = 1;
            place
        });
        limits::work(place - from + 1)?;
        let mut current = share(common, wanted.len(), length);
        let (mut shorter, mut fewer, mut start) = (length, common, from);
        for begin in from..=place {
            if !strict || text.get(begin).is_some_and(|found| found.begins) {
                let of_part = share(fewer, wanted.len(), shorter);
                if of_part > current {
                    (current, length, common, start) = (of_part, shorter, fewer, begin);
                }
            }
            let number = numbers.get(begin).copied().unwrap_or_default();
            if last.get(number).copied().flatten() == Some(begin) {
                shorter = shorter.saturating_sub(1);
                fewer = fewer.saturating_sub(usize::from(wanted_at(begin)));
            }
        }
        lower = Some(start);
        best = best.max(current);
        for skipped in from..start {
            let number = numbers.get(skipped).copied().unwrap_or_default();
            if let Some(seen) = last.get_mut(number).filter(|seen| **seen == Some(skipped)) {
                *seen = None;
            }
        }
    }
    Ok(if best.is_nan() { 0.0 } else { best })
}

fn show(args: &Args<'_>) -> Result<Output> {
    let shown = trigrams(&args.text(0)?)?.into_iter().map(|trigram| {
        let bytes = trigram.map(|byte| byte as u8);
        match bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b' ') {
            true => bytes.map(char::from).iter().collect(),
            false => format!("0x{:02x}{:02x}{:02x}", bytes[0], bytes[1], bytes[2]),
        }
    });
    let shown: Vec<String> = shown.collect();
    serde_json::to_string(&shown).map(Output::from).map_err(|_| Error::internal("an array of trigrams"))
}
