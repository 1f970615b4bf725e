//! The start of a session: its variables from the configuration and the start-up packet.
//!
//! Owns: [`prepare`], the grammar of the `options` parameter. Must not know: authentication (`net`), the loop.
//! Specification: protocol-message-formats.html (StartupMessage), config-setting.html#id-1.6.7.4.5.

use std::sync::{Arc, Mutex};

use crate::catalog::roles::{RoleFacts, Roles};
use crate::catalog::tables::source::BOOTSTRAP_SUPERUSER;
use crate::engine::backends::Backends;
use crate::engine::cluster::Cluster;
use crate::engine::context::{SessionContext, SharedContext, now};
use crate::engine::identity::{base_name, denied};
use crate::engine::kept::Kept;
use crate::engine::session::EngineSession;
use crate::error::{Error, ErrorFields, Result, Severity, SqlState};
use crate::session::machine::{Parts, lock};
use crate::session::start::{SessionOptions, SessionStart};
use crate::settings::Settings;
use crate::settings::session::find;
use crate::settings::variable::Context;

/// Makes a session of an admitted connection. The error is for the client, who was promised one.
pub(super) fn prepare(start: SessionStart) -> (Parts, Result<()>) {
    let roles = start.databases.roles();
    let mut context = SessionContext {
        client_address: Some(start.client_address),
        server_address: start.server_address,
        notifications: Arc::clone(start.database.notifications()),
        writer: Arc::clone(start.database.writer()),
        places: Arc::clone(start.database.pool().places()),
        row_locks: Arc::clone(start.database.row_locks()),
        kept: Kept::of(&start.database),
        in_recovery: start.database.is_in_recovery(),
        cluster: Cluster::of(&start.databases),
        backends: start.backends,
        superuser_name: roles.name(BOOTSTRAP_SUPERUSER).into(),
        authenticated: start.role,
        authenticated_superuser: roles.is_superuser(start.role),
        ..SessionContext::new(Settings::default(), &start.user, &start.database_name, start.database.catalog())
    };
    let outcome = configure(&mut context, &start.options)
        .map(|()| begin_with(&mut context, &roles))
        .and_then(|()| apply(&mut context, &start.parameters))
        .map_err(|error| error.with_severity(Severity::Fatal));
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

/// CONNECTION LIMIT of the role and of the database, with the session among those that are counted: 53300.
pub(super) fn check_limits(context: &SharedContext, backends: &Backends) -> Result<()> {
    let (role, database, roles) = {
        let context = lock(context);
        (context.authenticated, context.database.clone(), context.roles())
    };
    if roles.is_superuser(role) {
        return Ok(());
    }
    let exceeded = |limit: i32, sessions: usize| usize::try_from(limit).is_ok_and(|limit| sessions > limit);
    let facts = roles.get(role).unwrap_or_else(|| RoleFacts::new(""));
    let error = |what: &str, name: &str| {
        Error::fatal(SqlState::TOO_MANY_CONNECTIONS, format!("too many connections for {what} \"{name}\""))
    };
    if exceeded(facts.connection_limit, backends.count(|session| session.authenticated == role)) {
        return Err(error("role", &facts.name));
    }
    let limit = roles.facts.database(base_name(&roles.facts, &database)).connection_limit;
    match exceeded(limit, backends.count(|session| session.database == database)) {
        true => Err(error("database", &database)),
        false => Ok(()),
    }
}

fn configure(context: &mut SessionContext, options: &SessionOptions) -> Result<()> {
    let (role, superuser) = (context.authenticated, context.authenticated_superuser);
    let settings = &mut context.settings;
    settings.preset("server_version", &options.server_version)?;
    settings.begin_as(role, &context.user, superuser);
    // On a standby there is nothing to write with.
    if context.in_recovery {
        settings.preset("in_hot_standby", "on")?;
        settings.preset("transaction_read_only", "on")?;
    }
    Ok(())
}

/// The settings of the database and the role. One that is not valid (any more) is a warning, so that somebody can connect
/// and change it.
fn begin_with(context: &mut SessionContext, roles: &Roles) {
    let kept = roles.facts.settings_at_start(base_name(&roles.facts, &context.database), context.authenticated);
    let kept: Vec<_> =
        kept.into_iter().map(|(source, name, value)| (source, name.to_owned(), value.to_owned())).collect();
    for (source, name, value) in kept {
        if let Err(error) = context.begin_with(&name, &value, source) {
            let warning = ErrorFields { severity: Severity::Warning, ..error.fields().clone() };
            context.notices.push(warning);
        }
    }
}

/// The start-up packet's variables; those in `options` come first, as in PostgreSQL.
fn apply(context: &mut SessionContext, parameters: &[(String, String)]) -> Result<()> {
    for (_, options) in parameters.iter().filter(|(name, _)| name == "options") {
        for (name, value) in read_options(options)? {
            apply_one(context, &name, &value)?;
        }
    }
    for (name, value) in parameters.iter().filter(|(name, _)| name != "options") {
        apply_one(context, name, value)?;
    }
    Ok(())
}

fn apply_one(context: &mut SessionContext, name: &str, value: &str) -> Result<()> {
    match find(name).map(|variable| (variable.name, variable.context)) {
        Some(("role" | "session_authorization", _)) => context.begin_with(name, value, "client"),
        Some((_, Context::Superuser)) if !context.authenticated_superuser => {
            Err(denied(format!("permission denied to set parameter \"{name}\"")))
        }
        _ => context.settings.set_at_start(name, value),
    }
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
