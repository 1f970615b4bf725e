//! Statements, from arbitrary bytes: what is printed parses as the same. The property is `sql::syntax::print::check`'s.
#![no_main]

use pgserver::sql::syntax::print::check::check_bytes;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check_bytes(data));
