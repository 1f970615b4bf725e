//! The start of a session: its variables from the configuration and the start-up packet.
//!
//! Owns: [`prepare`], the grammar of the `options` parameter. Must not know: authentication (`net`), the loop.
//! Specification: protocol-message-formats.html (StartupMessage), config-setting.html#id-1.6.7.4.5.

use std::sync::{Arc, Mutex};

use crate::catalog::tables::source::BOOTSTRAP_SUPERUSER;
use crate::engine::cluster::Cluster;
use crate::engine::context::{SessionContext, now};
use crate::engine::kept::Kept;
use crate::engine::session::EngineSession;
use crate::error::{Error, ErrorFields, Notice, Result, Severity, SqlState};
use crate::session::machine::Parts;
use crate::session::start::{SessionOptions, SessionStart};
use crate::settings::Settings;

/// Makes a session of an admitted connection. The error is for the client, who was promised one.
pub(super) fn prepare(start: SessionStart) -> (Parts, Result<()>) {
    let (mut settings, mut notices) = (Settings::default(), Vec::new());
    let facts = start.databases.known_cluster();
    let kept = facts.settings_at_start(&start.database_name, BOOTSTRAP_SUPERUSER);
    let outcome = configure(&mut settings, &start.options, &start.user)
        .and_then(|()| if start.database.is_in_recovery() { follow(&mut settings) } else { Ok(()) })
        .map(|()| notices = begin_with(&mut settings, &kept))
        .and_then(|()| apply(&mut settings, &start.parameters))
        .map_err(|error| error.with_severity(Severity::Fatal));
    let mut context = SessionContext {
        client_address: Some(start.client_address),
        notifications: Arc::clone(start.database.notifications()),
        writer: Arc::clone(start.database.writer()),
        places: Arc::clone(start.database.pool().places()),
        kept: Kept::of(&start.database),
        in_recovery: start.database.is_in_recovery(),
        cluster: Cluster::of(&start.databases),
        notices,
        backends: start.backends,
        ..SessionContext::new(settings, &start.user, &start.database_name, start.database.catalog())
    };
    context.activity.started = now();
    let parts = Parts {
        conn: start.conn,
        engine: EngineSession::new(start.database, Arc::new(Mutex::new(context))),
        databases: start.databases,
        options: start.options,
        stopping: start.stopping,
        pid: 0,
    };
    (parts, outcome)
}

/// Who connected, for the log.
pub(super) fn describe(context: &SessionContext) -> String {
    let client = context.client_address.map_or_else(|| "local".to_owned(), |address| address.to_string());
    let application = context.settings.current("application_name").unwrap_or_default();
    format!(
        "{client} connected as \"{}\" to database \"{}\", application \"{application}\"",
        context.user, context.database
    )
}

fn configure(settings: &mut Settings, options: &SessionOptions, user: &str) -> Result<()> {
    settings.preset("server_version", &options.server_version)?;
    settings.preset("session_authorization", user)
}

/// On a standby there is nothing to write with.
fn follow(settings: &mut Settings) -> Result<()> {
    settings.preset("in_hot_standby", "on")?;
    settings.preset("transaction_read_only", "on")
}

/// The settings of the database and the role. One that is not valid (any more) is a warning, so that somebody can connect
/// and change it.
fn begin_with(settings: &mut Settings, kept: &[(&'static str, &str, &str)]) -> Vec<Notice> {
    let refused = kept.iter().filter_map(|(source, name, value)| settings.start_with(name, value, source).err());
    refused.map(|error| ErrorFields { severity: Severity::Warning, ..error.fields().clone() }).collect()
}

/// The start-up packet's variables; those in `options` come first, as in PostgreSQL.
fn apply(settings: &mut Settings, parameters: &[(String, String)]) -> Result<()> {
    for (_, options) in parameters.iter().filter(|(name, _)| name == "options") {
        for (name, value) in read_options(options)? {
            settings.set_at_start(&name, &value)?;
        }
    }
    for (name, value) in parameters.iter().filter(|(name, _)| name != "options") {
        settings.set_at_start(name, value)?;
    }
    Ok(())
}

/// `-c name=value` and `--name=value`, separated by blanks; a backslash keeps a blank.
fn read_options(options: &str) -> Result<Vec<(String, String)>> {
    let mut words = split_words(options).into_iter();
    let mut settings = Vec::new();
    while let Some(word) = words.next() {
        let assignment = if word == "-c" {
            words.next()
        } else {
            word.strip_prefix("--").or_else(|| word.strip_prefix("-c")).map(str::to_owned)
        };
        let Some(assignment) = assignment else {
            let message = format!("invalid command-line argument for server process: {word}");
            return Err(Error::new(SqlState::SYNTAX_ERROR, message));
        };
        let Some((name, value)) = assignment.split_once('=') else {
            let form = if word.starts_with("--") { "--" } else { "-c " };
            let message = format!("{form}{assignment} requires a value");
            return Err(Error::new(SqlState::SYNTAX_ERROR, message));
        };
        settings.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(settings)
}

fn split_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = None::<String>;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_ascii_whitespace() => words.extend(word.take()),
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_as_on_a_command_line() {
        let read = read_options("-c statement_timeout=5s  -cgeqo=off --application-name=via\\ options").expect("valid");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            read,
            [pair("statement_timeout", "5s"), pair("geqo", "off"), pair("application_name", "via options")]
        );
        assert!(read_options("nonsense").is_err());
    }
}
