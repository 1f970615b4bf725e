//! The table of types.

use super::*;

#[test]
fn types_are_sorted() {
    assert!(TYPES.is_sorted_by_key(|info| info.oid));
}
