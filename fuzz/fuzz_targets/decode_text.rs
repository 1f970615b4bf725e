//! Values in text form of every type, from arbitrary bytes. The properties are `types::encoding_check`'s.
#![no_main]

use pgserver::types::encoding_check::check_bytes;
use pgserver::types::format::Format;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check_bytes(Format::Text, data));
