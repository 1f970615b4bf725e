//! Objects of a store: as they come, and with their checksums put right so that what is behind them is reached. The
//! properties are `storage::log::delta_check`'s.
#![no_main]

use pgserver::storage::log::delta_check::check_object;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check_object(data));
