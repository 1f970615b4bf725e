//! fuzzystrmatch's metaphone: how an English word sounds (contrib/fuzzystrmatch/fuzzystrmatch.c).

use crate::error::{Error, Result, SqlState};

/// The most bytes of a word and of what it sounds like.
const MOST: usize = 255;
/// What "sh" and "th" are written as.
const SH: u8 = b'X';
const TH: u8 = b'0';

fn is_vowel(letter: u8) -> bool {
    b"AEIOU".contains(&letter)
}

/// What makes C and G soft.
fn softens(letter: u8) -> bool {
    b"EIY".contains(&letter)
}

/// A word in capital letters; outside of it there are zeros.
struct Word(Vec<u8>);

impl Word {
    fn at(&self, index: usize, offset: isize) -> u8 {
        index.checked_add_signed(offset).and_then(|index| self.0.get(index)).copied().unwrap_or(0)
    }
}

/// metaphone(word, length)
pub(super) fn of(text: &str, length: i64) -> Result<String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let too_long = |what: &str| {
        let message = format!("{what} exceeds the maximum length of {MOST} bytes");
        Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
    };
    if text.len() > MOST {
        return Err(too_long("argument"));
    }
    let length = usize::try_from(length).unwrap_or(0);
    if length > MOST {
        return Err(too_long("output"));
    }
    if length == 0 {
        return Err(Error::new(SqlState::ZERO_LENGTH_CHARACTER_STRING, "output cannot be empty string"));
    }
    Ok(sounds(&Word(text.bytes().map(|byte| byte.to_ascii_uppercase()).collect()), length))
}

fn sounds(word: &Word, length: usize) -> String {
    let mut out = Vec::new();
    let Some(mut at) = word.0.iter().position(u8::is_ascii_alphabetic) else { return String::new() };
    at += beginning(word, at, &mut out);
    while at < word.0.len() && out.len() < length {
        let letter = word.at(at, 0);
        if letter.is_ascii_alphabetic() && (letter != before(word, at) || letter == b'C') {
            at += middle(word, at, length, &mut out);
        }
        at += 1;
    }
    out.truncate(length.max(1));
    out.into_iter().map(char::from).collect()
}

fn before(word: &Word, at: usize) -> u8 {
    word.at(at, -1)
}

/// The letters that sound otherwise at the beginning; how many are done with.
fn beginning(word: &Word, at: usize, out: &mut Vec<u8>) -> usize {
    let next = word.at(at, 1);
    let (sound, done) = match word.at(at, 0) {
        b'A' if next == b'E' => (b'E', 2),
        b'G' | b'K' | b'P' if next == b'N' => (b'N', 2),
        b'W' if matches!(next, b'H' | b'R') => (next, 2),
        b'W' if is_vowel(next) => (b'W', 2),
        b'X' => (b'S', 1),
        letter if is_vowel(letter) => (letter, 1),
        _ => return 0,
    };
    out.push(sound);
    done
}

/// One letter; how many behind it are done with as well.
fn middle(word: &Word, at: usize, length: usize, out: &mut Vec<u8>) -> usize {
    let (letter, next, after) = (word.at(at, 0), word.at(at, 1), word.at(at, 2));
    let previous = before(word, at);
    let (sound, skipped) = match letter {
        b'B' if previous != b'M' => (b'B', 0),
        b'C' if softens(next) => match (next, after) {
            (b'I', b'A') => (SH, 0),
            _ if previous == b'S' => return 0,
            _ => (b'S', 0),
        },
        b'C' if next == b'H' => (if after == b'R' || previous == b'S' { b'K' } else { SH }, 1),
        b'C' => (b'K', 0),
        b'D' if next == b'G' && softens(after) => (b'J', 1),
        b'D' => (b'T', 0),
        b'G' if next == b'H' => match b"BDH".contains(&word.at(at, -3)) || word.at(at, -4) == b'H' {
            true => return 0,
            false => (b'F', 1),
        },
        b'G' if next == b'N' => {
            if !after.is_ascii_alphabetic() || after == b'E' && word.at(at, 3) == b'D' {
                return 0;
            }
            (b'K', 0)
        }
        b'G' => (if softens(next) && previous != b'G' { b'J' } else { b'K' }, 0),
        b'H' if is_vowel(next) && !b"CGPST".contains(&previous) => (b'H', 0),
        b'K' if previous != b'C' => (b'K', 0),
        b'P' => (if next == b'H' { b'F' } else { b'P' }, 0),
        b'Q' => (b'K', 0),
        b'S' if next == b'I' && matches!(after, b'O' | b'A') => (SH, 0),
        b'S' if next == b'H' => (SH, 1),
        b'S' if next == b'C' && after == b'H' && word.at(at, 3) == b'W' => (SH, 2),
        b'S' | b'Z' => (b'S', 0),
        b'T' if next == b'I' && matches!(after, b'O' | b'A') => (SH, 0),
        b'T' if next == b'H' => (TH, 1),
        b'T' => (b'T', 0),
        b'V' => (b'F', 0),
        b'W' | b'Y' if is_vowel(next) => (letter, 0),
        b'X' => {
            out.push(b'K');
            if out.len() >= length {
                return 0;
            }
            (b'S', 0)
        }
        b'F' | b'J' | b'L' | b'M' | b'N' | b'R' => (letter, 0),
        _ => return 0,
    };
    out.push(sound);
    skipped
}

#[cfg(test)]
mod tests {
    use super::of;

    /// From PostgreSQL.
    #[test]
    fn words_sound_as_in_postgresql() {
        for (word, length, sound) in [("GUMBO", 4, "KM"), ("Thompson", 4, "0MPS"), ("Knight", 8, "NFT")] {
            assert_eq!(of(word, length).unwrap(), sound, "{word}");
        }
    }
}
