//! Logs: one line an event, as text or JSON.
//!
//! Owns: [`init`], [`LogFormat`]. What is logged, and at which level, is decided where it happens.

use std::io::Write;

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    /// One JSON object a line: timestamp, level, target, message.
    Json,
}

/// Starts logging to standard error. RUST_LOG refines the level per module.
pub fn init(level: log::LevelFilter, format: LogFormat) {
    let mut builder = env_logger::Builder::new();
    builder.filter_level(level);
    // TLS libraries report every handshake at debug.
    builder.filter_module("rustls", log::LevelFilter::Warn);
    if let Ok(filters) = std::env::var("RUST_LOG") {
        builder.parse_filters(&filters);
    }
    builder.format(move |out, record| {
        let time = format!("{:.3}", jiff::Timestamp::now());
        writeln!(out, "{}", line(format, &time, record.level(), record.target(), &record.args().to_string()))
    });
    // A library user may have installed a logger before.
    _ = builder.try_init();
}

/// An event's line. A message can hold what a client sent, so line breaks in it are escaped: it forges no line.
fn line(format: LogFormat, time: &str, level: log::Level, target: &str, message: &str) -> String {
    match format {
        LogFormat::Text => {
            let message = message.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
            format!("{time} {level:<5} {target} {message}")
        }
        LogFormat::Json => serde_json::json!({
            "timestamp": time,
            "level": level.as_str(),
            "target": target,
            "message": message,
        })
        .to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line() {
        let message = "statement: select '\r\n2026 ERROR forged\\n'";
        let text = line(LogFormat::Text, "T", log::Level::Info, "t", message);
        assert_eq!(text, r"T INFO  t statement: select '\r\n2026 ERROR forged\\n'");
        let json = line(LogFormat::Json, "T", log::Level::Info, "t", message);
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert!(!json.contains('\n') && read["message"] == message && read["level"] == "INFO", "{json}");
    }
}
