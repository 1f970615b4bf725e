//! citext: text that compares without regard to case (contrib/citext/citext.c).

use std::cmp::Ordering;

use crate::types::text_search::configuration::lower;

/// citext_cmp: both in lower case, by bytes as every text here.
pub fn compare(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() {
        // Most differ early.
        let order = a.bytes().zip(b.bytes()).find_map(|(a, b)| {
            let order = a.to_ascii_lowercase().cmp(&b.to_ascii_lowercase());
            Some(order).filter(|order| order.is_ne())
        });
        return order.unwrap_or_else(|| a.len().cmp(&b.len()));
    }
    lower(a).cmp(&lower(b))
}
