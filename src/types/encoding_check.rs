//! What must hold of every value that a client can send, as a function for fuzz targets and tests.
//!
//! Owns: [`check_decoded`], [`check_bytes`]. They panic when something does not hold.

use bytes::BytesMut;

use crate::types::encoding::{decode, encode};
use crate::types::format::{Format, FormatSettings};
use crate::types::pg_type::{Scalar, TYPES, TypeInfo};

/// Decodes bytes that anyone may have sent. If they are a value, it can be written in both forms, and what was
/// written reads back as the same value.
pub fn check_decoded(info: &TypeInfo, format: Format, bytes: &[u8], settings: &FormatSettings) {
    let Ok(value) = decode(info.repr, info.sql_name, format, bytes, settings) else { return };
    for format in [Format::Text, Format::Binary] {
        let mut out = BytesMut::new();
        match encode(info.repr, format, value.as_ref(), settings, &mut out) {
            Ok(()) => {}
            // A name that a catalog would have to resolve, or a row value.
            Err(_) if format == Format::Binary && !has_binary_form(info.repr.scalar) => {}
            Err(error) => panic!("{} {value:?} cannot be written: {error}", info.name),
        }
        // A name stays a name, but its binary form is the number it stands for.
        if format == Format::Binary && !has_binary_form(info.repr.scalar) {
            continue;
        }
        let again = decode(info.repr, info.sql_name, format, &out, settings);
        assert_eq!(again.as_ref(), Ok(&value), "{} written as {out:?}", info.name);
    }
}

fn has_binary_form(scalar: Scalar) -> bool {
    use Scalar::*;
    scalar != Record && !scalar.names_object()
}

/// The body of the fuzz targets: the first byte picks the type, the rest is the value.
pub fn check_bytes(format: Format, data: &[u8]) {
    let Some((pick, bytes)) = data.split_first() else { return };
    if let Some(info) = TYPES.get(usize::from(*pick) % TYPES.len()) {
        check_decoded(info, format, bytes, &FormatSettings::default());
    }
}
