//! macaddr and macaddr8: text and binary forms, and what is computed from them.
//!
//! Owns: [`MacAddress`]. The stored form is the text form, which sorts as the bytes do. Specification:
//! datatype-net-types.html; mac.c and mac8.c.

use crate::error::{Error, Result, SqlState};
use crate::types::encoding::{insufficient_data, wrong_format};
use crate::types::number_text::invalid_syntax;

/// An address of six or eight bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MacAddress(pub Vec<u8>);

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

/// The two bytes in the middle of a macaddr8 that was a macaddr.
const MIDDLE: [u8; 2] = [0xff, 0xfe];

impl MacAddress {
    /// Reads a macaddr (macaddr_in): six numbers apart, or digits in groups.
    pub fn parse(text: &str) -> Result<MacAddress> {
        let wrong = || invalid_syntax("macaddr", text);
        let trimmed = text.trim_matches(is_space);
        for separator in [':', '-'] {
            let parts: Vec<&str> = trimmed.split(separator).collect();
            if parts.len() == 6 {
                return parts.into_iter().map(|part| octet(part, text)).collect::<Result<_>>().map(MacAddress);
            }
        }
        let digits: String = match trimmed.split(['.', ':', '-']).map(str::len).collect::<Vec<_>>().as_slice() {
            [12] => trimmed.to_owned(),
            [6, 6] if !trimmed.contains('.') => trimmed.replace([':', '-'], ""),
            [4, 4, 4] if same_separator(trimmed, &['.', '-']) => trimmed.replace(['.', '-'], ""),
            _ => return Err(wrong()),
        };
        pairs(&digits).map(MacAddress).ok_or_else(wrong)
    }

    /// Reads a macaddr8, which six bytes become too (macaddr8_in).
    pub fn parse8(text: &str) -> Result<MacAddress> {
        let wrong = || invalid_syntax("macaddr8", text);
        let mut rest = text.trim_matches(is_space);
        let mut bytes = Vec::with_capacity(8);
        let mut separator = None;
        while !rest.is_empty() {
            let (pair, after) = rest.split_at_checked(2).ok_or_else(wrong)?;
            bytes.extend(pairs(pair).ok_or_else(wrong)?);
            rest = after;
            if let Some(found) = rest.chars().next().filter(|c| matches!(c, ':' | '-' | '.')) {
                if *separator.get_or_insert(found) != found {
                    return Err(wrong());
                }
                rest = &rest[1..];
            }
            if bytes.len() > 8 {
                return Err(wrong());
            }
        }
        match bytes.len() {
            6 => Ok(MacAddress(bytes).widened()),
            8 => Ok(MacAddress(bytes)),
            _ => Err(wrong()),
        }
    }

    /// Reads the stored form of either type.
    pub fn from_stored(text: &str) -> Result<MacAddress> {
        pairs(&text.replace(':', "")).map(MacAddress).ok_or_else(|| invalid_syntax("macaddr", text))
    }

    /// The text form, which is the stored form.
    pub fn to_text(&self) -> String {
        let parts: Vec<String> = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        parts.join(":")
    }

    /// Reads the binary form; a macaddr8 may come as six bytes.
    pub fn read_binary(bytes: &[u8], eight: bool) -> Result<MacAddress> {
        let address = MacAddress(bytes.to_vec());
        match (bytes.len(), eight) {
            (6, false) | (8, true) => Ok(address),
            (6, true) => Ok(address.widened()),
            (0..6, _) | (7, true) => Err(insufficient_data()),
            _ => Err(wrong_format()),
        }
    }

    /// A macaddr as a macaddr8.
    pub fn widened(&self) -> MacAddress {
        let (start, end) = self.0.split_at(self.0.len().min(3));
        MacAddress([start, &MIDDLE, end].concat())
    }

    /// A macaddr8 as a macaddr; 22003 if it was none.
    pub fn narrowed(&self) -> Result<MacAddress> {
        match self.0.as_slice() {
            [a, b, c, 0xff, 0xfe, d, e, f] => Ok(MacAddress(vec![*a, *b, *c, *d, *e, *f])),
            _ => {
                let message = "macaddr8 data out of range to convert to macaddr";
                Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message).with_hint(
                    "Only addresses that have FF and FE as values in the 4th and 5th bytes from the left, for example \
                     xx:xx:xx:ff:fe:xx:xx:xx, are eligible to be converted from macaddr8 to macaddr.",
                ))
            }
        }
    }

    /// The manufacturer's part.
    pub fn truncated(&self) -> MacAddress {
        MacAddress((0..).zip(&self.0).map(|(at, byte)| if at < 3 { *byte } else { 0 }).collect())
    }

    /// With the seventh bit set, as IPv6 wants it.
    pub fn with_seventh_bit(mut self) -> MacAddress {
        self.0.iter_mut().take(1).for_each(|byte| *byte |= 2);
        self
    }

    /// Every bit turned round.
    pub fn not(&self) -> MacAddress {
        MacAddress(self.0.iter().map(|byte| !byte).collect())
    }

    /// Both, byte by byte.
    pub fn combine(&self, other: &MacAddress, operation: fn(u8, u8) -> u8) -> MacAddress {
        MacAddress(self.0.iter().zip(&other.0).map(|(a, b)| operation(*a, *b)).collect())
    }
}

fn same_separator(text: &str, allowed: &[char]) -> bool {
    allowed.iter().any(|separator| text.matches(*separator).count() == 2)
}

/// Pairs of hexadecimal digits as bytes.
fn pairs(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.chars().map(|c| c.to_digit(16)).collect::<Option<Vec<u32>>>()?;
    let bytes = digits.chunks(2).map(|pair| match pair {
        [high, low] => Some((high << 4 | low) as u8),
        _ => None,
    });
    bytes.collect()
}

/// One of six numbers: 22003 above 255.
fn octet(part: &str, text: &str) -> Result<u8> {
    let part = part.trim_start_matches(is_space);
    if part.is_empty() || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(invalid_syntax("macaddr", text));
    }
    let value = u64::from_str_radix(part, 16).unwrap_or(u64::MAX);
    u8::try_from(value).map_err(|_| {
        let message = format!("invalid octet value in \"macaddr\" value: \"{text}\"");
        Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
    })
}
