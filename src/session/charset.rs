//! Values in the client's encoding.
//!
//! Owns: which of a value's bytes are text. Must not know: the encodings (`types::charset`).

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};

use crate::error::{Error, Result};
use crate::types::charset::Charset;
use crate::types::encoding::utf8;
use crate::types::format::Format;
use crate::types::pg_type::{Repr, Scalar};

/// How many bytes stand before a value's text; none if it is no text in this format.
fn text_begins(repr: Repr, format: Format, charset: &Charset) -> Result<Option<usize>> {
    use Scalar::*;
    let is_text = matches!(repr.scalar, Text | BpChar | Char | Json | Jsonb | JsonPath);
    match (format, repr.array_of) {
        (Format::Text, _) => Ok(Some(0)),
        (Format::Binary, Some(_)) if is_text => {
            Err(Error::unsupported(format!("a binary array of text for a client whose encoding is {}", charset.name)))
        }
        // Its version.
        (Format::Binary, None) if matches!(repr.scalar, Jsonb | JsonPath) => Ok(Some(1)),
        (Format::Binary, None) if is_text => Ok(Some(0)),
        (Format::Binary, _) => Ok(None),
    }
}

/// Puts the value that was written in UTF-8 since `start` into the client's encoding.
pub(super) fn encode_value(
    charset: &Charset,
    repr: Repr,
    format: Format,
    start: usize,
    out: &mut BytesMut,
) -> Result<()> {
    match text_begins(repr, format, charset)? {
        Some(before) => encode_since(charset, start + before, out),
        None => Ok(()),
    }
}

/// Puts the text that was written in UTF-8 since `start` into the client's encoding.
pub(super) fn encode_since(charset: &Charset, start: usize, out: &mut BytesMut) -> Result<()> {
    let written = out.get(start..).unwrap_or(&[]);
    if written.is_ascii() {
        return Ok(());
    }
    let encoded = charset.encode(utf8(written)?)?.into_owned();
    out.truncate(start);
    out.put_slice(&encoded);
    Ok(())
}

/// A parameter's bytes with its text in UTF-8.
pub(super) fn decode_value<'b>(
    charset: &'static Charset,
    repr: Repr,
    format: Format,
    bytes: &'b [u8],
) -> Result<Cow<'b, [u8]>> {
    let Some((head, text)) = text_begins(repr, format, charset)?.and_then(|before| bytes.split_at_checked(before))
    else {
        return Ok(bytes.into());
    };
    match charset.decode(text)? {
        Cow::Borrowed(_) => Ok(bytes.into()),
        Cow::Owned(text) => Ok([head, &text].concat().into()),
    }
}
