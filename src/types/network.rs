//! inet and cidr: text and binary forms, their order.
//!
//! Owns: [`Network`]. What is computed from networks is in `types::network_math`. Specification:
//! datatype-net-types.html; network_in, network_send, network_recv and network_cmp in PostgreSQL 15.

use std::cmp::Ordering;
use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::{BufMut, BytesMut};

use crate::error::{Error, Result, SqlState};
use crate::types::number_text::invalid_syntax;

/// Address families as PostgreSQL numbers them on the wire.
const FAMILY_V4: u8 = 2;
const FAMILY_V6: u8 = 3;

/// An address and how many of its bits are the network's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    pub address: IpAddr,
    pub bits: u8,
}

impl PartialOrd for Network {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Network {
    /// IPv4 first; then by the bits that both have, by how many they have, and by the whole address (network_cmp).
    fn cmp(&self, other: &Self) -> Ordering {
        let shared = |network: &Network| network.aligned() & mask(self.bits.min(other.bits));
        (self.address.is_ipv6().cmp(&other.address.is_ipv6()))
            .then_with(|| shared(self).cmp(&shared(other)))
            .then_with(|| self.bits.cmp(&other.bits))
            .then_with(|| self.aligned().cmp(&other.aligned()))
    }
}

/// The first bits of 128.
pub(super) fn mask(bits: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0)
}

impl Network {
    pub(super) fn width(address: IpAddr) -> u8 {
        if address.is_ipv4() { 32 } else { 128 }
    }

    /// Reads the stored form of either type.
    pub fn from_stored(text: &str) -> Result<Network> {
        Network::parse(text, false)
    }

    /// The address as a number, left-aligned in 128 bits.
    pub(super) fn aligned(&self) -> u128 {
        match self.address {
            IpAddr::V4(v4) => u128::from(u32::from(v4)) << 96,
            IpAddr::V6(v6) => u128::from(v6),
        }
    }

    /// Whether bits right of the mask are set.
    fn has_host_bits(&self) -> bool {
        self.bits < 128 && self.aligned() << self.bits != 0
    }

    /// Reads an inet, or a cidr, which may leave octets out and may not have bits set right of its mask.
    pub fn parse(text: &str, cidr: bool) -> Result<Network> {
        let type_name = if cidr { "cidr" } else { "inet" };
        let parsed = if text.contains(':') { parse_v6(text) } else { parse_v4(text, cidr) };
        let network = parsed.ok_or_else(|| invalid_syntax(type_name, text))?;
        if cidr && network.has_host_bits() {
            let error = Error::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("invalid cidr value: \"{text}\""));
            return Err(error.with_detail("Value has bits set to right of mask."));
        }
        Ok(network)
    }

    /// Writes the text form; a cidr always shows its bits.
    pub fn write(&self, cidr: bool, out: &mut impl Write) -> fmt::Result {
        match self.address {
            // ::a.b.c.d, as PostgreSQL shows addresses whose first 96 bits are zero.
            IpAddr::V6(v6) if v6.segments()[..6] == [0; 6] && v6.segments()[6] != 0 => {
                write!(out, "::{}", Ipv4Addr::from(u128::from(v6) as u32))?;
            }
            address => write!(out, "{address}")?,
        }
        if cidr || self.bits != Self::width(self.address) {
            write!(out, "/{}", self.bits)?;
        }
        Ok(())
    }

    /// Appends the binary form.
    pub fn write_binary(&self, cidr: bool, out: &mut BytesMut) {
        let mut put = |family: u8, address: &[u8]| {
            out.put_slice(&[family, self.bits, u8::from(cidr), address.len() as u8]);
            out.put_slice(address);
        };
        match self.address {
            IpAddr::V4(v4) => put(FAMILY_V4, &v4.octets()),
            IpAddr::V6(v6) => put(FAMILY_V6, &v6.octets()),
        }
    }

    /// Reads the binary form.
    pub fn read_binary(bytes: &[u8], cidr: bool) -> Result<Network> {
        let type_name = if cidr { "cidr" } else { "inet" };
        let invalid = |what: &str| {
            Error::new(
                SqlState::INVALID_BINARY_REPRESENTATION,
                format!("invalid {what} in external \"{type_name}\" value"),
            )
        };
        let [family, bits, _, length, address @ ..] = bytes else {
            return Err(Error::new(SqlState::PROTOCOL_VIOLATION, "insufficient data left in message"));
        };
        let width = match *family {
            FAMILY_V4 => 32,
            FAMILY_V6 => 128,
            _ => return Err(invalid("address family")),
        };
        if *bits > width {
            return Err(invalid("bits"));
        }
        if *length != width / 8 {
            return Err(invalid("length"));
        }
        let address = match (<[u8; 4]>::try_from(address), <[u8; 16]>::try_from(address)) {
            (Ok(v4), _) if width == 32 => IpAddr::V4(Ipv4Addr::from(v4)),
            (_, Ok(v6)) if width == 128 => IpAddr::V6(Ipv6Addr::from(v6)),
            _ if address.len() < usize::from(width / 8) => {
                return Err(Error::new(SqlState::PROTOCOL_VIOLATION, "insufficient data left in message"));
            }
            _ => return Err(Error::new(SqlState::INVALID_BINARY_REPRESENTATION, "incorrect binary data format")),
        };
        let network = Network { address, bits: *bits };
        if cidr && network.has_host_bits() {
            let error = Error::new(SqlState::INVALID_BINARY_REPRESENTATION, "invalid external \"cidr\" value");
            return Err(error.with_detail("Value has bits set to right of mask."));
        }
        Ok(network)
    }
}

fn decimal(text: &str, max: u32) -> Option<u32> {
    let plain = !text.is_empty() && text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|value| plain && *value <= max)
}

fn parse_v6(text: &str) -> Option<Network> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, decimal(bits, 128)?),
        None => (text, 128),
    };
    Some(Network { address: IpAddr::V6(address.parse().ok()?), bits: bits as u8 })
}

/// Octets may be left out at the end when bits are given or, for a cidr, are to be guessed from the address' class.
fn parse_v4(text: &str, cidr: bool) -> Option<Network> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(decimal(bits, 32)? as u8)),
        None => (text, None),
    };
    let mut octets = [0u8; 4];
    let mut count = 0u8;
    for part in address.split('.') {
        *octets.get_mut(usize::from(count))? = decimal(part, 255)? as u8;
        count += 1;
    }
    let bits = match bits {
        Some(bits) => bits,
        None if count == 4 => 32,
        None if cidr => {
            let class = match octets[0] {
                240.. => 32,
                224..240 if count == 1 => 4,
                224..240 => 8,
                192..224 => 24,
                128..192 => 16,
                _ => 8,
            };
            class.max(count * 8)
        }
        None => return None,
    };
    // Fewer octets than the mask covers are no address.
    if count < 4 && !cidr && u32::from(count) * 8 < u32::from(bits) {
        return None;
    }
    Some(Network { address: IpAddr::V4(Ipv4Addr::from(octets)), bits })
}
