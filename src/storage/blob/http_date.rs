//! The dates of HTTP: `Sun, 06 Nov 1994 08:49:37 GMT`.
//!
//! Owns: writing and reading them. Specification: RFC 9110 section 5.6.7, the one form that may be sent.

use std::time::SystemTime;

use jiff::Timestamp;
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};

/// The time in whole seconds; `None`: no year HTTP can write.
pub fn format(time: SystemTime) -> Option<String> {
    let timestamp = Timestamp::try_from(time).ok()?;
    DateTimePrinter::new().timestamp_to_rfc9110_string(&timestamp).ok()
}

/// The time, or `None` if it is none.
pub fn parse(text: &str) -> Option<SystemTime> {
    let timestamp = DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
    Some(timestamp.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn there_and_back() {
        let time = UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(format(time).as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
        assert_eq!(parse("Sun, 06 Nov 1994 08:49:37 GMT"), Some(time));
        assert_eq!(format(time + Duration::from_millis(900)).as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
        for wrong in ["", "now", "Sun, 06 Nov 1994", "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
