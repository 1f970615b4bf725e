//! What PostgreSQL computes from inet and cidr values: parts of an address, containment, arithmetic.
//!
//! Owns: the functions over [`Network`]. Must not know: SQLite. Specification: functions-net.html; network.c and
//! inet_cidr_ntop.c in PostgreSQL 15.

use std::fmt::Write;
use std::net::IpAddr;

use crate::error::{Error, Result, SqlState};
use crate::types::network::{Network, mask};

impl Network {
    /// A network of the same family from left-aligned bits.
    fn with(&self, aligned: u128, bits: u8) -> Network {
        let address = match self.address {
            IpAddr::V4(_) => IpAddr::V4(((aligned >> 96) as u32).into()),
            IpAddr::V6(_) => IpAddr::V6(aligned.into()),
        };
        Network { address, bits }
    }

    fn full_width(&self) -> u8 {
        Self::width(self.address)
    }

    /// 4 or 6.
    pub fn family(&self) -> i32 {
        if self.address.is_ipv4() { 4 } else { 6 }
    }

    /// Whether both are of one family.
    pub fn same_family(&self, other: &Network) -> bool {
        self.address.is_ipv4() == other.address.is_ipv4()
    }

    /// The address without the bits right of the mask.
    pub fn network(&self) -> Network {
        self.with(self.aligned() & mask(self.bits), self.bits)
    }

    /// The address with all bits right of the mask set.
    pub fn broadcast(&self) -> Network {
        self.with(self.aligned() | !mask(self.bits), self.bits)
    }

    /// The mask as an address.
    pub fn netmask(&self) -> Network {
        self.with(mask(self.bits), self.full_width())
    }

    /// What the mask leaves out, as an address.
    pub fn hostmask(&self) -> Network {
        self.with(!mask(self.bits), self.full_width())
    }

    /// The same address under a mask of so many bits; -1 stands for all.
    pub fn set_masklen(&self, bits: i32) -> Result<Network> {
        let wanted = if bits == -1 { i32::from(self.full_width()) } else { bits };
        match u8::try_from(wanted) {
            Ok(bits) if bits <= self.full_width() => Ok(Network { bits, ..*self }),
            _ => Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid mask length: {bits}"))),
        }
    }

    /// Whether both have their first bits in common.
    fn shares(&self, other: &Network, bits: u8) -> bool {
        self.same_family(other) && (self.aligned() ^ other.aligned()) & mask(bits) == 0
    }

    /// a << b
    pub fn is_within(&self, other: &Network) -> bool {
        self.bits > other.bits && self.shares(other, other.bits)
    }

    /// a <<= b
    pub fn is_within_or_equal(&self, other: &Network) -> bool {
        self.bits >= other.bits && self.shares(other, other.bits)
    }

    /// a && b
    pub fn overlaps(&self, other: &Network) -> bool {
        self.shares(other, self.bits.min(other.bits))
    }

    /// The smallest network that has both.
    pub fn merge(&self, other: &Network) -> Result<Network> {
        if !self.same_family(other) {
            let message = "cannot merge addresses from different families";
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        let common = (self.aligned() ^ other.aligned()).leading_zeros() as u8;
        let bits = common.min(self.bits).min(other.bits);
        Ok(Network { bits, ..*self }.network())
    }

    /// ~ a
    pub fn not(&self) -> Network {
        self.with(!self.aligned(), self.bits)
    }

    /// a & b
    pub fn and(&self, other: &Network) -> Result<Network> {
        self.require_same_size(other, "AND")?;
        Ok(self.with(self.aligned() & other.aligned(), self.bits.max(other.bits)))
    }

    /// a | b
    pub fn or(&self, other: &Network) -> Result<Network> {
        self.require_same_size(other, "OR")?;
        Ok(self.with(self.aligned() | other.aligned(), self.bits.max(other.bits)))
    }

    fn require_same_size(&self, other: &Network, operation: &str) -> Result<()> {
        if self.same_family(other) {
            return Ok(());
        }
        let message = format!("cannot {operation} inet values of different sizes");
        Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
    }

    /// The address as a number, right-aligned.
    fn number(&self) -> u128 {
        self.aligned() >> (128 - u32::from(self.full_width()))
    }

    /// a + n
    pub fn plus(&self, addend: i64) -> Result<Network> {
        let sum = self.number().checked_add_signed(i128::from(addend)).ok_or_else(out_of_range)?;
        let unused = 128 - u32::from(self.full_width());
        let aligned = sum << unused;
        if aligned >> unused == sum { Ok(self.with(aligned, self.bits)) } else { Err(out_of_range()) }
    }

    /// a - b
    pub fn minus(&self, other: &Network) -> Result<i64> {
        self.require_same_size(other, "subtract")?;
        // Across half of the address space the difference wraps, as it does there.
        let difference = self.number().wrapping_sub(other.number()) as i128;
        i64::try_from(difference).map_err(|_| out_of_range())
    }

    /// The address without its mask.
    pub fn host(&self) -> String {
        let mut text = String::new();
        // Writing into memory cannot fail.
        _ = Network { bits: self.full_width(), ..*self }.write(false, &mut text);
        text
    }

    /// A cidr with as few octets as its mask needs (pg_inet_cidr_ntop).
    pub fn abbreviated(&self) -> String {
        let mut text = match self.address {
            IpAddr::V4(v4) => self.abbreviated_v4(v4.octets()),
            IpAddr::V6(_) => self.abbreviated_v6(),
        };
        _ = write!(text, "/{}", self.bits);
        text
    }

    fn abbreviated_v4(&self, octets: [u8; 4]) -> String {
        let count = usize::from(self.bits.div_ceil(8)).max(1);
        octets.iter().take(count).map(u8::to_string).collect::<Vec<_>>().join(".")
    }

    fn abbreviated_v6(&self) -> String {
        if self.bits == 0 {
            return "::".to_owned();
        }
        let segments = std::net::Ipv6Addr::from(self.aligned() & mask(self.bits)).segments();
        let words = usize::from(self.bits.div_ceil(16)).max(2);
        let shown = segments.get(..words).unwrap_or(&segments);
        let (start, length) = longest_zeros(shown);
        let mapped = match length {
            6 => true,
            5 => segments[5] == 0xffff,
            7 => segments[7] >> 8 != 0 && segments[7] & 0xff != 1,
            _ => false,
        };
        let as_v4 = length != words && start == 0 && mapped;
        let mut text = String::new();
        for (index, word) in shown.iter().enumerate() {
            if length != 0 && (start..start + length).contains(&index) {
                text.push_str(if index == start { ":" } else { "" });
                text.push_str(if index == words - 1 { ":" } else { "" });
            } else if as_v4 && index > 5 {
                _ = write!(text, "{}{}", if index == 6 { ':' } else { '.' }, word >> 8);
                if index != 7 || self.bits > 120 {
                    _ = write!(text, ".{}", word & 0xff);
                }
            } else {
                text.push_str(if text.is_empty() { "" } else { ":" });
                _ = write!(text, "{word:x}");
            }
        }
        text
    }
}

/// Where the run of zeros begins that is left out, and its length. As PostgreSQL, which adds to a run that was not
/// the longest what the next one has.
fn longest_zeros(words: &[u16]) -> (usize, usize) {
    let (mut best, mut run) = ((0, 0), (0, 0));
    for (index, word) in words.iter().enumerate() {
        if *word == 0 {
            run = if run.1 == 0 { (index, 1) } else { (run.0, run.1 + 1) };
        } else if run.1 > best.1 {
            best = run;
            run.1 = 0;
        }
    }
    if run.1 > best.1 { run } else { best }
}

fn out_of_range() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "result is out of range")
}
