//! The variables of one session, with PostgreSQL's transactional rules.
//!
//! Owns: [`Settings`]: SET is undone by ROLLBACK, SET LOCAL by the end of the transaction, both by ROLLBACK TO; which
//! reported variables have changed; the values the server itself reads often, kept ready. Must not know: the wire, SQL.
//! Specification: sql-set.html, sql-reset.html, runtime-config-client.html.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result, Severity, SqlState};
use crate::settings::check;
use crate::settings::identity::Identity;
use crate::settings::table::VARIABLES;
use crate::settings::variable::{Context, Kind, Setting, Variable};
use crate::types::charset;
use crate::types::format::{ByteaOutput, FormatSettings, IntervalStyle};
use crate::types::time_zone;

/// One session's variables. What was never set costs nothing.
#[derive(Clone, Debug)]
pub struct Settings {
    /// By name in lower case; built-in variables that are not at their default, and custom ones.
    pub(super) slots: BTreeMap<Cow<'static, str>, Slot>,
    /// What to put back, in order of the changes, while a transaction is open.
    undo: Vec<(Cow<'static, str>, Option<Slot>)>,
    /// Length of `undo` at each open savepoint.
    savepoints: Vec<usize>,
    in_transaction: bool,
    /// Counts the changes.
    changes: u64,
    /// Reported variables that were changed, with the value the client knows.
    unreported: Vec<(&'static Variable, Setting)>,
    pub(super) ready: Ready,
}

/// One variable's values; the first that is there counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    /// SET LOCAL.
    pub(super) local: Option<Setting>,
    /// SET.
    pub(super) session: Option<Setting>,
    /// What RESET goes back to: from the start-up message or the server's configuration.
    pub(super) reset: Option<Setting>,
    /// Where that is from (pg_settings.source).
    source: &'static str,
}

/// The values of some variables.
#[derive(Debug)]
pub struct SavedSettings(Vec<(String, Option<Slot>)>);

impl Slot {
    pub(super) fn effective(&self) -> Option<&Setting> {
        self.local.as_ref().or(self.session.as_ref()).or(self.reset.as_ref())
    }
}

/// Values in the form in which the server needs them.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    pub(super) identity: Identity,
    format: Arc<FormatSettings>,
    time_zone: Setting,
    search_path: Arc<[String]>,
    timeouts: Timeouts,
    least_notice: Severity,
    is_replica: bool,
    standard_strings: bool,
    escape_warning: bool,
    transaction: TransactionSettings,
}

/// transaction_isolation, transaction_read_only and transaction_deferrable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionSettings {
    /// In the words of SET TRANSACTION, in lower case.
    pub isolation: Arc<str>,
    pub read_only: bool,
    pub deferrable: bool,
}

/// The time limits of a session; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    pub statement: Option<Duration>,
    pub lock: Option<Duration>,
    pub idle_in_transaction: Option<Duration>,
    pub idle_session: Option<Duration>,
    /// How long a session waits for a lock before it looks for a deadlock.
    pub deadlock: Duration,
    /// How long a client that has written may idle before others write meanwhile.
    pub writer_patience: Option<Duration>,
}

/// What pg_settings and SHOW ALL say of one variable.
#[derive(Clone, Debug)]
pub struct SettingView {
    pub variable: &'static Variable,
    /// In the base unit, as pg_settings.setting has it.
    pub setting: String,
    /// With unit, as SHOW has it.
    pub shown: String,
    pub reset: String,
    pub source: &'static str,
}

impl Default for Settings {
    fn default() -> Self {
        let mut settings = Settings {
            slots: BTreeMap::new(),
            undo: Vec::new(),
            savepoints: Vec::new(),
            in_transaction: false,
            changes: 0,
            unreported: Vec::new(),
            ready: Ready {
                identity: Identity::default(),
                format: Arc::default(),
                time_zone: Setting::Text("UTC".into()),
                search_path: Arc::default(),
                timeouts: Timeouts::default(),
                least_notice: Severity::Notice,
                is_replica: false,
                standard_strings: true,
                escape_warning: true,
                transaction: TransactionSettings {
                    isolation: "read committed".into(),
                    read_only: false,
                    deferrable: false,
                },
            },
        };
        settings.refresh();
        settings
    }
}

/// The variables of GUC_EXPLAIN that are in no category of planning.
const MEMORY_OF_PLANS: &[&str] = &[
    "hash_mem_multiplier",
    "max_parallel_workers",
    "max_parallel_workers_per_gather",
    "search_path",
    "temp_buffers",
    "work_mem",
];

impl Settings {
    /// How values are written and read: DateStyle, IntervalStyle, TimeZone, extra_float_digits, bytea_output.
    pub fn format(&self) -> &FormatSettings {
        &self.ready.format
    }

    /// The same to keep while rows are encoded.
    pub fn shared_format(&self) -> Arc<FormatSettings> {
        Arc::clone(&self.ready.format)
    }

    /// About the memory that what was set takes; most sessions set nothing.
    pub fn bytes(&self) -> usize {
        let held = |setting: &Option<Setting>| setting.as_ref().map_or(0, Setting::bytes);
        let slot = |(name, slot): (&Cow<'static, str>, &Slot)| {
            name.len() + size_of::<Slot>() + held(&slot.local) + held(&slot.session) + held(&slot.reset)
        };
        self.slots.iter().map(slot).sum()
    }

    /// Another number after every change of a variable.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// The time limits.
    pub fn timeouts(&self) -> Timeouts {
        self.ready.timeouts
    }

    /// The effective search path: the `search_path` setting with "$user" resolved and pg_temp, pg_catalog first.
    pub fn search_path(&self) -> Vec<String> {
        self.ready.search_path.to_vec()
    }

    /// The schemas that `search_path` names, without those that are searched anyway.
    pub fn schemas_named(&self) -> Vec<String> {
        let user = self.current_user();
        let named = check::split_identifiers(&self.current("search_path").unwrap_or_default()).unwrap_or_default();
        named.into_iter().map(|name| if name == "$user" { user.clone() } else { name }).collect()
    }

    /// [`Settings::search_path`] without a copy.
    pub fn schemas_searched(&self) -> &Arc<[String]> {
        &self.ready.search_path
    }

    /// Whether session_replication_role is replica: triggers and foreign keys are left to where the rows come from.
    pub fn is_replica(&self) -> bool {
        self.ready.is_replica
    }

    /// Whether standard_conforming_strings is on, and where it is not, whether backslashes are warned of.
    pub fn strings(&self) -> (bool, bool) {
        (self.ready.standard_strings, self.ready.escape_warning)
    }

    /// Whether client_min_messages lets a notice of that severity through.
    pub fn wants_notice(&self, severity: Severity) -> bool {
        // INFO always goes to the client.
        severity == Severity::Info || rank(severity) >= rank(self.ready.least_notice)
    }

    /// SHOW name; 42704 for an unknown variable.
    pub fn show(&self, name: &str) -> Result<String> {
        self.current(name).ok_or_else(|| unrecognized(name))
    }

    /// current_setting(name, true).
    pub fn current(&self, name: &str) -> Option<String> {
        match find(name) {
            Some(variable) => Some(self.shown(variable)),
            None => {
                let slot = self.slots.get(name.to_ascii_lowercase().as_str())?;
                Some(match slot.effective() {
                    Some(Setting::Text(text)) => text.to_string(),
                    _ => String::new(),
                })
            }
        }
    }

    /// Every listed variable, for SHOW ALL and pg_settings, by name.
    pub fn views(&self) -> impl Iterator<Item = SettingView> {
        VARIABLES.iter().filter(|v| !v.hidden).map(|variable| {
            let slot = self.slots.get(key(variable).as_ref());
            let value = self.effective(variable);
            let reset = slot.and_then(|s| s.reset.clone());
            let source = match slot {
                Some(Slot { local, session, .. }) if local.is_some() || session.is_some() => "session",
                Some(Slot { reset: Some(_), source, .. }) => source,
                _ => "default",
            };
            SettingView {
                variable,
                setting: variable.show_plain(&value),
                shown: self.shown(variable),
                reset: variable.show_plain(&reset.unwrap_or_else(|| variable.default())),
                source,
            }
        })
    }

    /// The variables that plans depend on and that are not what they are by default, with their values, as EXPLAIN shows
    /// them (get_explain_guc_options).
    pub fn explained(&self) -> Vec<(String, String)> {
        let of_plans = |view: &SettingView| {
            let (category, name) = (view.variable.category, view.variable.name);
            category.starts_with("Query Tuning") || MEMORY_OF_PLANS.contains(&name)
        };
        let changed = self
            .views()
            .filter(of_plans)
            .filter(|view| view.setting != view.variable.show_plain(&view.variable.default()));
        changed.map(|view| (view.variable.name.to_owned(), view.shown)).collect()
    }

    /// Sets what RESET goes back to, whatever the variable's context: for the server's configuration.
    pub fn preset(&mut self, name: &str, value: &str) -> Result<()> {
        let variable = find(name).ok_or_else(|| unrecognized(name))?;
        let value = variable.parse(name, value)?;
        self.begin_with(key(variable), value, "configuration file");
        Ok(())
    }

    /// A setting of the start-up message: what RESET goes back to, if a client may set it.
    pub fn set_at_start(&mut self, name: &str, value: &str) -> Result<()> {
        match find(name) {
            Some(variable) if !variable.at_start && variable.context != Context::Backend => {
                check_context(variable, name)?;
            }
            _ => {}
        }
        self.start_with(name, value, "client")
    }

    /// A setting that was checked when it was made: what RESET goes back to, and where it is from.
    pub fn start_with(&mut self, name: &str, value: &str, source: &'static str) -> Result<()> {
        let (key, value) = match find(name) {
            Some(variable) => (key(variable), self.parse(variable, name, value)?),
            None => (custom_key(name)?, Setting::Text(value.into())),
        };
        self.begin_with(key, value, source);
        Ok(())
    }

    pub(super) fn begin_with(&mut self, key: Cow<'static, str>, value: Setting, source: &'static str) {
        if let ("server_version", Setting::Text(version)) = (&*key, &value) {
            let slot = self.slots.entry("server_version_num".into()).or_default();
            (slot.reset, slot.source) = (Some(Setting::Integer(check::version_number(version))), source);
        }
        let slot = self.slots.entry(key).or_default();
        (slot.reset, slot.source) = (Some(value), source);
        self.refresh();
    }

    /// Checks a setting that sessions are to start with later; gives the variable's own name.
    pub fn check_for_later(&self, name: &str, value: &str) -> Result<String> {
        if let Some(variable) = find(name) {
            if !variable.at_start {
                check_context(variable, name)?;
            }
            self.parse(variable, name, value)?;
        }
        self.name_for_later(name)
    }

    /// The name under which such a setting is kept.
    pub fn name_for_later(&self, name: &str) -> Result<String> {
        match find(name) {
            Some(variable) => Ok(variable.name.to_owned()),
            None => custom_key(name).map(Cow::into_owned),
        }
    }

    /// SET [LOCAL] name = value; `None` is DEFAULT. Gives the new value as SHOW prints it.
    pub fn set(&mut self, name: &str, value: Option<&str>, local: bool) -> Result<String> {
        let Some(variable) = find(name) else { return self.set_custom(name, value, local) };
        check_context(variable, name)?;
        self.check_role(variable, value)?;
        let parsed = value.map(|value| self.parse(variable, name, value)).transpose()?;
        // A transaction's own modes end with it however they were set.
        let local = local || transaction_default(variable.name).is_some();
        if variable.reported {
            self.note_unreported(variable);
        }
        let reset = self.slots.get(key(variable).as_ref()).and_then(|s| s.reset.clone());
        self.change(key(variable), |slot| {
            if local {
                slot.local = Some(parsed.or(reset).unwrap_or_else(|| variable.default()));
            } else {
                slot.session = parsed;
                slot.local = None;
            }
        });
        self.refresh();
        Ok(self.shown(variable))
    }

    fn set_custom(&mut self, name: &str, value: Option<&str>, local: bool) -> Result<String> {
        let key = custom_key(name)?;
        let text = value.map(|value| Setting::Text(value.into()));
        self.change(key, |slot| {
            if local {
                slot.local = Some(text.unwrap_or_else(|| Setting::Text("".into())));
            } else {
                slot.session = text;
                slot.local = None;
            }
        });
        Ok(self.current(name).unwrap_or_default())
    }

    /// RESET name.
    pub fn reset(&mut self, name: &str) -> Result<()> {
        match find(name) {
            None if !self.slots.contains_key(name.to_ascii_lowercase().as_str()) => {
                // The name's form is checked, and a custom variable comes to be.
                self.set_custom(name, None, false).map(drop)
            }
            _ => self.set(name, None, false).map(drop),
        }
    }

    /// RESET ALL.
    pub fn reset_all(&mut self) {
        let changed = self.slots.iter().filter(|(_, slot)| slot.local.is_some() || slot.session.is_some());
        let keys: Vec<_> = changed.map(|(key, _)| key.clone()).filter(|key| !kept_by_reset_all(key)).collect();
        for key in keys {
            if let Some(variable) = find(&key).filter(|v| v.reported) {
                self.note_unreported(variable);
            }
            self.change(key, |slot| (slot.local, slot.session) = (None, None));
        }
        self.refresh();
    }

    /// A transaction begins (an implicit one too).
    pub fn begin(&mut self) {
        self.in_transaction = true;
    }

    /// The transaction commits: what was SET stays, what was SET LOCAL goes.
    pub fn commit(&mut self) {
        self.in_transaction = false;
        if self.undo.is_empty() {
            return;
        }
        self.savepoints.clear();
        for (key, _) in std::mem::take(&mut self.undo) {
            if self.slots.get(&key).is_some_and(|slot| slot.local.is_some()) {
                if let Some(variable) = find(&key).filter(|v| v.reported) {
                    self.note_unreported(variable);
                }
                if let Some(slot) = self.slots.get_mut(&key) {
                    slot.local = None;
                }
            }
        }
        self.refresh();
    }

    /// The transaction is undone.
    pub fn rollback(&mut self) {
        self.in_transaction = false;
        self.savepoints.clear();
        self.undo_to(0);
    }

    /// The values of variables, to be put back by [`Settings::restore`].
    pub fn save(&self, names: &[&str]) -> SavedSettings {
        let keys = names.iter().filter_map(|name| match find(name) {
            Some(variable) => Some(key(variable)),
            None => custom_key(name).ok(),
        });
        SavedSettings(keys.map(|key| (key.clone().into_owned(), self.slots.get(key.as_ref()).cloned())).collect())
    }

    /// Variables are what they were.
    pub fn restore(&mut self, saved: SavedSettings) {
        for (name, slot) in saved.0 {
            if let Some(variable) = find(&name).filter(|variable| variable.reported) {
                self.note_unreported(variable);
            }
            self.change(name.into(), |now| *now = slot.unwrap_or_default());
        }
        self.refresh();
    }

    /// A savepoint is set inside the others.
    pub fn savepoint(&mut self) {
        self.savepoints.push(self.undo.len());
    }

    /// The savepoint that has `depth` others around it is released, with those inside it.
    pub fn release(&mut self, depth: usize) {
        self.savepoints.truncate(depth);
    }

    /// Whether that would change anything: [`Settings::rollback_to`].
    pub fn has_changed_since(&self, depth: usize) -> bool {
        self.savepoints.get(depth).is_some_and(|mark| self.undo.len() > *mark)
    }

    /// Back to the savepoint that has `depth` others around it; it stays.
    pub fn rollback_to(&mut self, depth: usize) {
        if let Some(mark) = self.savepoints.get(depth).copied() {
            self.savepoints.truncate(depth + 1);
            self.undo_to(mark);
        }
    }

    /// The reported variables with their values, for the start of a session.
    pub fn reported(&self) -> impl Iterator<Item = (&'static str, String)> {
        VARIABLES.iter().filter(|v| v.reported).map(|v| (v.name, self.shown(v)))
    }

    /// The reported variables whose value is not what the client knows.
    pub fn take_unreported(&mut self) -> Vec<(&'static str, String)> {
        let candidates = std::mem::take(&mut self.unreported);
        let changed = candidates.into_iter().filter(|(variable, known)| self.effective(variable) != *known);
        changed.map(|(variable, _)| (variable.name, self.shown(variable))).collect()
    }

    /// Whether [`Settings::take_unreported`] may have something.
    pub fn has_unreported(&self) -> bool {
        !self.unreported.is_empty()
    }

    /// The modes of the open transaction, else of the next.
    pub fn transaction(&self) -> &TransactionSettings {
        &self.ready.transaction
    }

    pub(super) fn note_unreported(&mut self, variable: &'static Variable) {
        if !self.unreported.iter().any(|(known, _)| known.name == variable.name) {
            self.unreported.push((variable, self.effective(variable)));
        }
    }

    pub(super) fn change(&mut self, key: Cow<'static, str>, change: impl FnOnce(&mut Slot)) {
        if self.in_transaction {
            self.undo.push((key.clone(), self.slots.get(&key).cloned()));
        }
        change(self.slots.entry(key).or_default());
        self.changes += 1;
    }

    fn undo_to(&mut self, mark: usize) {
        if self.undo.len() <= mark {
            return;
        }
        self.changes += 1;
        for (key, slot) in self.undo.split_off(mark).into_iter().rev() {
            if let Some(variable) = find(&key).filter(|v| v.reported) {
                self.note_unreported(variable);
            }
            // A custom variable once mentioned stays, empty, as in PostgreSQL.
            self.slots.insert(key, slot.unwrap_or_default());
        }
        self.refresh();
    }

    fn parse(&self, variable: &Variable, name: &str, value: &str) -> Result<Setting> {
        if variable.name == "DateStyle" {
            let format = self.format();
            if let Some(complete) = check::complete_date_style(value, (format.date_style, format.date_order)) {
                return variable.parse(name, &complete);
            }
        }
        variable.parse(name, value)
    }

    /// Who knows which roles there are sets these by [`set_role`](Self::set_role) and its sibling.
    fn check_role(&self, variable: &Variable, value: Option<&str>) -> Result<()> {
        match (variable.name, value) {
            ("role" | "session_authorization", Some(value)) if value != "none" => {
                Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("role \"{value}\" does not exist")))
            }
            _ => Ok(()),
        }
    }

    fn effective(&self, variable: &Variable) -> Setting {
        let own = self.slots.get(key(variable).as_ref()).and_then(Slot::effective).cloned();
        match (own, transaction_default(variable.name).and_then(find)) {
            (Some(value), _) => value,
            (None, Some(default)) => self.effective(default),
            (None, None) => variable.default(),
        }
    }

    fn shown(&self, variable: &Variable) -> String {
        if variable.name == "seed" {
            return "unavailable".to_owned();
        }
        variable.show(&self.effective(variable))
    }

    /// Computes [`Ready`] anew.
    pub(super) fn refresh(&mut self) {
        let value = |name: &str| find(name).map(|variable| self.effective(variable));
        let text = |name: &str| match value(name) {
            Some(Setting::Text(text)) => text,
            _ => "".into(),
        };
        let number = |name: &str| match value(name) {
            Some(Setting::Integer(number)) => number,
            _ => 0,
        };
        let limit = |name: &str| u64::try_from(number(name)).ok().filter(|ms| *ms > 0).map(Duration::from_millis);
        let (style, order) = check::read_date_style(&text("DateStyle")).unwrap_or_default();
        let zone = Setting::Text(text("TimeZone"));
        let time_zone = match &zone {
            zone if *zone == self.ready.time_zone => self.ready.format.time_zone.clone(),
            Setting::Text(name) => time_zone::from_setting(name).unwrap_or(jiff::tz::TimeZone::UTC),
            _ => jiff::tz::TimeZone::UTC,
        };
        let format = FormatSettings {
            date_style: style.unwrap_or_default(),
            date_order: order.unwrap_or_default(),
            interval_style: match text("IntervalStyle").as_ref() {
                "postgres_verbose" => IntervalStyle::PostgresVerbose,
                "sql_standard" => IntervalStyle::SqlStandard,
                "iso_8601" => IntervalStyle::Iso8601,
                _ => IntervalStyle::Postgres,
            },
            bytea_output: match text("bytea_output").as_ref() {
                "escape" => ByteaOutput::Escape,
                _ => ByteaOutput::Hex,
            },
            extra_float_digits: i32::try_from(number("extra_float_digits")).unwrap_or(1),
            time_zone,
            transaction_start: self.ready.format.transaction_start.clone(),
            charset: charset::named(&text("client_encoding")).filter(|charset| charset.converts()),
        };
        self.ready = Ready {
            identity: self.identity_of_slots(),
            format: Arc::new(format),
            time_zone: zone,
            search_path: effective_search_path(&text("search_path"), &self.current_user()),
            timeouts: Timeouts {
                statement: limit("statement_timeout"),
                lock: limit("lock_timeout"),
                idle_in_transaction: limit("idle_in_transaction_session_timeout"),
                idle_session: limit("idle_session_timeout"),
                deadlock: limit("deadlock_timeout").unwrap_or_default(),
                writer_patience: limit("writer_patience"),
            },
            transaction: TransactionSettings {
                isolation: text("transaction_isolation"),
                read_only: value("transaction_read_only") == Some(Setting::Boolean(true)),
                deferrable: value("transaction_deferrable") == Some(Setting::Boolean(true)),
            },
            is_replica: text("session_replication_role").as_ref() == "replica",
            standard_strings: value("standard_conforming_strings") != Some(Setting::Boolean(false)),
            escape_warning: value("escape_string_warning") != Some(Setting::Boolean(false)),
            least_notice: match text("client_min_messages").as_ref() {
                "error" => Severity::Error,
                "warning" => Severity::Warning,
                "notice" => Severity::Notice,
                "info" => Severity::Info,
                "log" => Severity::Log,
                _ => Severity::Debug,
            },
        };
    }
}

/// The order of severities for client_min_messages, where LOG is below INFO.
fn rank(severity: Severity) -> u8 {
    match severity {
        Severity::Debug => 0,
        Severity::Log => 1,
        Severity::Info => 2,
        Severity::Notice => 3,
        Severity::Warning => 4,
        Severity::Error | Severity::Fatal | Severity::Panic => 5,
    }
}

/// pg_temp and pg_catalog come first unless they are named.
fn effective_search_path(text: &str, user: &str) -> Arc<[String]> {
    let listed = check::split_identifiers(text).unwrap_or_default();
    let implied = ["pg_temp", "pg_catalog"].into_iter().filter(|name| !listed.iter().any(|l| l == name));
    let resolved = listed.iter().map(|name| if name == "$user" { user.to_owned() } else { name.clone() });
    implied.map(str::to_owned).chain(resolved).collect()
}

/// The built-in variable of that name, in any case.
pub fn find(name: &str) -> Option<&'static Variable> {
    // PostgreSQL knows these by their old names, too.
    let name = match name {
        "sort_mem" => "work_mem",
        "vacuum_mem" => "maintenance_work_mem",
        _ => name,
    };
    let compare = |variable: &Variable| {
        let known = variable.name.bytes().map(|b| b.to_ascii_lowercase());
        known.cmp(name.bytes().map(|b| b.to_ascii_lowercase()))
    };
    VARIABLES.binary_search_by(compare).ok().and_then(|at| VARIABLES.get(at))
}

fn key(variable: &Variable) -> Cow<'static, str> {
    if variable.name.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(variable.name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(variable.name)
    }
}

/// The key of a custom variable ("a.b"): 42704 for a plain unknown name, 42602 for a malformed one.
fn custom_key(name: &str) -> Result<Cow<'static, str>> {
    if !name.contains('.') {
        return Err(unrecognized(name));
    }
    let simple = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$') || !c.is_ascii())
    };
    if !name.split('.').all(simple) {
        let message = format!("invalid configuration parameter name \"{name}\"");
        return Err(Error::new(SqlState::INVALID_NAME, message)
            .with_detail("Custom parameter names must be two or more simple identifiers separated by dots."));
    }
    Ok(Cow::Owned(name.to_ascii_lowercase()))
}

fn unrecognized(name: &str) -> Error {
    Error::new(SqlState::UNDEFINED_OBJECT, format!("unrecognized configuration parameter \"{name}\""))
}

/// 55P02 unless any user may change the variable at any time.
fn check_context(variable: &Variable, name: &str) -> Result<()> {
    let why = match variable.context {
        Context::User | Context::Superuser => return Ok(()),
        Context::Internal => "cannot be changed",
        Context::Postmaster => "cannot be changed without restarting the server",
        Context::Sighup => "cannot be changed now",
        Context::Backend => "cannot be set after connection start",
    };
    Err(Error::new(SqlState::CANT_CHANGE_RUNTIME_PARAM, format!("parameter \"{name}\" {why}")))
}

/// The variable that gives a transaction's mode its first value.
fn transaction_default(name: &str) -> Option<&'static str> {
    match name {
        "transaction_isolation" => Some("default_transaction_isolation"),
        "transaction_read_only" => Some("default_transaction_read_only"),
        "transaction_deferrable" => Some("default_transaction_deferrable"),
        _ => None,
    }
}

fn kept_by_reset_all(key: &str) -> bool {
    transaction_default(key).is_some() || matches!(key, "role" | "session_authorization" | "seed" | "is_superuser")
}

impl Kind {
    /// vartype in pg_settings.
    pub fn type_name(&self) -> &'static str {
        match self {
            Kind::Boolean { .. } => "bool",
            Kind::Integer { .. } => "integer",
            Kind::Real { .. } => "real",
            Kind::Enum { .. } => "enum",
            Kind::Text { .. } => "string",
        }
    }
}
