//! Manifests of a store: as they come, and a right one that was changed. The properties are `storage::log::delta_check`'s.
#![no_main]

use pgserver::storage::log::delta_check::check_manifest;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check_manifest(data));
