//! What must hold of any bytes that are read as a delta, for fuzzing.
//!
//! Owns: [`check_object`].

use bytes::Bytes;

use crate::storage::log::delta::{decode, decode_first, forge, peek};

/// Reading never panics, and what is read keeps to its header; so does the object with its checksums put right.
pub fn check_object(data: &[u8]) {
    check(&Bytes::copy_from_slice(data));
    if let Some(forged) = forge(data) {
        check(&forged);
    }
}

fn check(object: &Bytes) {
    let header = peek(object);
    let Ok(delta) = decode(object) else { return };
    assert_eq!(header.as_ref(), Ok(&delta.header));
    assert_eq!(decode_first(object).map(|(_, length)| length), Ok(object.len()));
    assert_eq!(delta.pages.len(), delta.header.pages as usize);
    assert_eq!(delta.transactions.len(), delta.header.transactions as usize);
    let mut before = 0;
    for page in &delta.pages {
        assert!(page.number > before && page.number <= delta.header.pages_after);
        assert_eq!(page.bytes.len(), delta.header.page_size as usize);
        before = page.number;
    }
    let zeros = vec![0; delta.header.page_size as usize];
    assert_eq!(delta.apply(|_| Some(&zeros)).map(|pages| pages.len()), Ok(delta.pages.len()));
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_forged_object_is_read() {
        let mut data = vec![0; 220 + 44];
        data[..4].copy_from_slice(b"PGSD");
        (data[4], data[9]) = (1, 2);
        super::check_object(&data);
        let forged = super::forge(&data).expect("long enough");
        assert!(super::decode(&forged).is_ok(), "{:?}", super::decode(&forged));
    }
}
