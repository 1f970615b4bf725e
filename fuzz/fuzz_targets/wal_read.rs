//! Write-ahead logs: as they come, and with their checksums put right. The properties are `storage::log::wal_check`'s.
#![no_main]

use pgserver::storage::log::wal_check::check_log;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check_log(data));
