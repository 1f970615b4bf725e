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
        let time = jiff::Timestamp::now();
        match format {
            LogFormat::Text => {
                writeln!(out, "{time:.3} {:<5} {} {}", record.level(), record.target(), record.args())
            }
            LogFormat::Json => {
                let line = serde_json::json!({
                    "timestamp": format!("{time:.3}"),
                    "level": record.level().as_str(),
                    "target": record.target(),
                    "message": record.args().to_string(),
                });
                writeln!(out, "{line}")
            }
        }
    });
    // A library user may have installed a logger before.
    _ = builder.try_init();
}
