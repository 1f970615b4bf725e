//! Streams of frontend messages, well-formed three times in four and fed in pieces. The properties are
//! `protocol::codec_check`'s.
#![no_main]

use pgserver::protocol::codec_check::check_stream;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check_stream(data));
