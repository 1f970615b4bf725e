//! Events at level debug.
//!
//! Owns: `debug!`. The logging facade's own macro is compiled out (feature `max_level_info`), in every crate: the parser's
//! would write each statement's tree, constants included, and the code for that is a tenth of the binary.

use std::fmt::Arguments;

use log::{Level, LevelFilter, Record};

/// As `log::debug!`.
macro_rules! debug {
    ($($what:tt)+) => {
        if $crate::debug_log::is_wanted() {
            $crate::debug_log::write(module_path!(), format_args!($($what)+));
        }
    };
}
pub(crate) use debug;

/// Whether the level may be written at all.
pub(crate) fn is_wanted() -> bool {
    log::max_level() >= LevelFilter::Debug
}

/// Hands an event to the logger, which decides whether it is written.
pub(crate) fn write(target: &str, what: Arguments<'_>) {
    log::logger().log(&Record::builder().level(Level::Debug).target(target).args(what).build());
}
