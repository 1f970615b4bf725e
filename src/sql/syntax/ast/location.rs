//! Where a node was written.
//!
//! Owns: [`Location`]. Must not know: nodes.

/// The byte in the statement's text at which a node's token begins; `Location::UNKNOWN` for what was not written.
///
/// Two locations always compare equal, so that two trees are equal when they say the same, wherever it stands.
#[derive(Clone, Copy, Debug)]
pub struct Location(u32);

impl Location {
    /// Of a node that no token of the text stands for.
    pub const UNKNOWN: Location = Location(u32::MAX);

    /// The location of a byte; texts are shorter than 4 GiB, as messages are.
    pub fn new(byte: usize) -> Location {
        Location(u32::try_from(byte).unwrap_or(u32::MAX))
    }

    /// The byte, unless unknown.
    pub fn byte(self) -> Option<usize> {
        (self.0 != u32::MAX).then_some(self.0 as usize)
    }
}

impl Default for Location {
    fn default() -> Self {
        Location::UNKNOWN
    }
}

impl PartialEq for Location {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Location {}
