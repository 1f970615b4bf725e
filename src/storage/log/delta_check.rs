//! What must hold of any bytes that are read as a delta or as a manifest, for fuzzing.
//!
//! Owns: [`check_object`], [`check_manifest`].

use bytes::Bytes;

use crate::storage::log::delta::{decode, decode_first, decode_part, forge, peek};
use crate::storage::log::manifest::Manifest;

/// Reading never panics, and what is read keeps to its header; so does the object with its checksums put right.
pub fn check_object(data: &[u8]) {
    check(&Bytes::copy_from_slice(data));
    if let Some(forged) = forge(data) {
        check(&forged);
    }
}

fn check(object: &Bytes) {
    let header = peek(object);
    if let Ok(header) = &header {
        let _ = decode_part(object, header);
    }
    let Ok(delta) = decode(object) else { return };
    assert_eq!(header.as_ref(), Ok(&delta.header));
    assert_eq!(decode_first(object).map(|(_, length)| length), Ok(object.len()));
    assert!(delta.is_in_parts() || delta.pages.len() == delta.header.pages as usize);
    assert!(delta.parts.len() <= delta.header.pages as usize);
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

/// A manifest with something in each place.
const MANIFEST: &str = r#"{"format": 1, "db_id": "00112233445566778899aabbccddeeff", "incarnation": "00112233445566778899aabbccddeeff",
"page_size": 4096, "floor": 4, "floor_raised": 5, "swept": 3, "bases": [{"seq": 2, "key": "b", "size": 9, "blake3":
"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", "post_checksum": "0123456789abcdef", "hlc": 7, "chain":
"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"}], "segs": [{"from": 1, "to": 4, "key": "s", "size": 9, "blake3":
"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", "hlc_first": 1, "hlc_last": 2, "in_parts": [{"seq": 2, "nonce":
"00112233445566778899aabbccddeeff", "parts": 2, "bytes": 9}]}, {"from": 5, "to": 8, "key": "t",
"size": 9, "blake3": "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", "hlc_first": 1, "hlc_last": 2}],
"retention_seconds": 600, "published": {"etag": "e", "seq": 8}, "pins": [{"branch": "c", "seq": 6}], "parent": {"database": "p",
"incarnation": "00112233445566778899aabbccddeeff", "seq": 1, "post_checksum": "0123456789abcdef"}, "trash": [{"key": "o", "since": 3}],
"writer_id": "00112233445566778899aabbccddeeff", "nonce": "00112233445566778899aabbccddeeff"}"#;

/// Reading never panics, and what is read is written and read again the same; so is a right manifest of which some places
/// are changed: of each three bytes two say where and one to what.
pub fn check_manifest(data: &[u8]) {
    check_text(data);
    let mut text = MANIFEST.as_bytes().to_vec();
    for change in data.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([change[0], change[1]]));
        let length = text.len();
        if let Some(byte) = text.get_mut(at % length) {
            *byte = change[2];
        }
    }
    check_text(&text);
}

fn check_text(text: &[u8]) {
    let Ok(manifest) = Manifest::parse(text) else { return };
    assert!(manifest.folded().checked_add(1).is_some());
    let again = serde_json::to_vec(&manifest).map_err(|error| error.to_string());
    assert_eq!(again.and_then(|text| Manifest::parse(&text)), Ok(manifest));
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_manifest_to_be_changed_is_right() {
        super::Manifest::parse(super::MANIFEST.as_bytes()).expect("reads");
        super::check_manifest(b"");
        (0..=u16::MAX).step_by(7).for_each(|at| super::check_manifest(&[(at >> 8) as u8, at as u8, b'9']));
    }

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
