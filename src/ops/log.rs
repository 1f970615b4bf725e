//! Logs: one line an event, as text or JSON; what is said again and again is counted instead.
//!
//! Owns: [`init`], [`LogFormat`]. What is logged, and at which level, is decided where it happens.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use log::Level;

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    /// One JSON object a line: timestamp, level, target, message.
    Json,
}

/// How long an event that comes again in the same words is counted instead of being written.
const QUIET: Duration = Duration::from_secs(10);

/// Different events remembered for that. More at a time are written each.
const REMEMBERED: usize = 128;

/// Bytes of a message that may be remembered: a statement can be as long as a client likes. Longer ones are written each.
const LONGEST_REMEMBERED: usize = 8192;

/// Starts logging to standard error. RUST_LOG refines the level per module.
pub fn init(level: log::LevelFilter, format: LogFormat) {
    let mut builder = env_logger::Builder::new();
    builder.filter_level(level);
    if let Ok(filters) = std::env::var("RUST_LOG") {
        builder.parse_filters(&filters);
    }
    let repeats = Mutex::new(Repeats::default());
    builder.format(move |out, record| {
        let time = format!("{:.3}", jiff::Timestamp::now());
        let event = Event::of(record);
        // Whoever wants every detail gets every detail.
        let events = match event.level {
            Level::Debug | Level::Trace => vec![event],
            // The list is valid after any panic.
            _ => repeats.lock().unwrap_or_else(PoisonError::into_inner).admit(event, Instant::now()),
        };
        events.iter().try_for_each(|event| writeln!(out, "{}", line(format, &time, event)))
    });
    // A library user may have installed a logger before.
    _ = builder.try_init();
}

/// What is logged.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Event {
    level: Level,
    target: String,
    message: String,
}

impl Event {
    fn of(record: &log::Record<'_>) -> Self {
        Event { level: record.level(), target: record.target().to_owned(), message: record.args().to_string() }
    }
}

/// The events of late, and how often each of them came again.
#[derive(Debug, Default)]
struct Repeats(HashMap<Event, (Instant, u64)>);

impl Repeats {
    /// What is to be written now: the event, unless it was written a short time ago, after the counts of those that
    /// were not.
    fn admit(&mut self, event: Event, now: Instant) -> Vec<Event> {
        let over = |written: Instant| now.saturating_duration_since(written) >= QUIET;
        let mut due: Vec<Event> = Vec::new();
        for (event, (written, repeats)) in self.0.extract_if(|_, (written, _)| over(*written)) {
            if repeats > 0 {
                let seconds = now.saturating_duration_since(written).as_secs();
                let message = format!("{} (again, {repeats} times in {seconds} s)", event.message);
                due.push(Event { message, ..event });
            }
        }
        match self.0.get_mut(&event) {
            Some((_, repeats)) => *repeats += 1,
            None => {
                if self.0.len() < REMEMBERED && event.message.len() <= LONGEST_REMEMBERED {
                    self.0.insert(event.clone(), (now, 0));
                }
                due.push(event);
            }
        }
        due
    }
}

/// An event's line. A message can hold what a client sent: what could end the line, move a terminal's cursor or change the
/// order of letters is written as an escape, so that it forges nothing.
fn line(format: LogFormat, time: &str, event: &Event) -> String {
    let Event { level, target, message } = event;
    match format {
        LogFormat::Text => format!("{time} {level:<5} {target} {}", text(message)),
        LogFormat::Json => {
            let object = serde_json::json!({
                "timestamp": time,
                "level": level.as_str(),
                "target": target,
                "message": message,
            });
            json(&object.to_string())
        }
    }
}

/// Control characters, separators of lines and paragraphs, and marks of direction.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn text(message: &str) -> String {
    let mut shown = String::with_capacity(message.len());
    for c in message.chars() {
        match c {
            '\\' | '\n' | '\r' | '\t' => shown.extend(c.escape_default()),
            c if is_hidden(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// Hides what JSON allows as it is. Such characters are inside of strings only.
fn json(object: &str) -> String {
    let mut shown = String::with_capacity(object.len());
    for c in object.chars() {
        if is_hidden(c) {
            shown.push_str(&format!("\\u{:04x}", c as u32));
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(message: &str) -> Event {
        Event { level: Level::Info, target: "t".to_owned(), message: message.to_owned() }
    }

    #[test]
    fn an_event_is_one_line() {
        let event = event("statement: select '\r\n2026 ERROR forged\\n'");
        let text = line(LogFormat::Text, "T", &event);
        assert_eq!(text, r"T INFO  t statement: select '\r\n2026 ERROR forged\\n'");
        let json = line(LogFormat::Json, "T", &event);
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert!(!json.contains('\n') && read["message"] == event.message && read["level"] == "INFO", "{json}");
    }

    #[test]
    fn a_line_moves_no_cursor() {
        let hidden = "a\u{1b}[2J\u{7}\u{0}\u{7f}\u{85}\u{9b}\u{2028}\u{202e}b\té";
        let event = event(hidden);
        let text = line(LogFormat::Text, "T", &event);
        assert_eq!(text, r"T INFO  t a\u{1b}[2J\u{7}\u{0}\u{7f}\u{85}\u{9b}\u{2028}\u{202e}b\té");
        let json = line(LogFormat::Json, "T", &event);
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert!(!json.chars().any(is_hidden) && read["message"] == event.message, "{json}");
    }

    #[test]
    fn what_comes_again_is_counted() {
        let (mut repeats, begun) = (Repeats::default(), Instant::now());
        let mut admit = |message: &str, seconds: u64| {
            let events = repeats.admit(event(message), begun + Duration::from_secs(seconds));
            events.into_iter().map(|event| event.message).collect::<Vec<_>>()
        };
        assert_eq!(admit("a", 0), ["a"]);
        assert_eq!(admit("b", 1), ["b"]);
        for _ in 0..3 {
            assert!(admit("a", 9).is_empty());
        }
        // Its time is over: the count is told by whatever comes next.
        assert_eq!(admit("c", 10), ["a (again, 3 times in 10 s)", "c"]);
        // It was silent, so nothing is told of it.
        assert_eq!(admit("b", 12), ["b"]);
        assert_eq!(admit("a", 12), ["a"]);
    }

    #[test]
    fn a_flood_of_different_events_is_not_remembered() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        for number in 0..1000 {
            assert_eq!(repeats.admit(event(&number.to_string()), now).len(), 1);
        }
        assert_eq!(repeats.0.len(), REMEMBERED);
    }

    #[test]
    fn long_events_are_not_remembered() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        let long = event(&"x".repeat(LONGEST_REMEMBERED + 1));
        for _ in 0..2 {
            assert_eq!(repeats.admit(long.clone(), now), std::slice::from_ref(&long));
        }
        assert!(repeats.0.is_empty());
    }
}
