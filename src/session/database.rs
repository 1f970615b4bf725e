//! Statements about what all databases share: CREATE, ALTER and DROP DATABASE, COMMENT ON DATABASE, settings of databases
//! and roles, and as much of roles as there is: one, the superuser of the configuration.
//!
//! Must not know: how databases are kept and made (`engine::databases`), where the facts are (`engine::cluster`).
//! Specification: sql-createdatabase.html, sql-alterdatabase.html, sql-alterrole.html; checks in the order of
//! PostgreSQL 15's dbcommands.c.
//!
//! What a transaction changes of the facts others see once it is committed, and the session itself, too.

use std::sync::Arc;

use crate::catalog::cluster::{ClusterChange, DatabaseFacts, LOCALE, POSTGRES, SettingOf, TEMPLATE0, TEMPLATE1};
use crate::catalog::tables::source::BOOTSTRAP_SUPERUSER;
use crate::engine::databases::{already_exists, does_not_exist};
use crate::error::{Error, ErrorFields, Result, Severity, SqlState};
use crate::session::machine::{Outcome, StateMachine};
use crate::settings::variable::parse_boolean;
use crate::sql::database::{DatabaseCommand, DefElem, DefValue, RoleSpec, SettingChange};
use crate::types::charset;
use crate::types::pg_type::Oid;

/// The attributes of the superuser a server is set up with, as ALTER ROLE writes them; they cannot be taken away.
const SUPERUSER: &[&str] = &["superuser", "inherit", "createrole", "createdb", "login", "replication", "bypassrls"];

impl StateMachine {
    pub(super) async fn database(&mut self, command: &DatabaseCommand) -> Outcome<()> {
        match command {
            DatabaseCommand::Create { name, options } => self.create_database(name, options).await,
            DatabaseCommand::Alter { name, options } => Ok(self.alter_database(name, options)?),
            DatabaseCommand::Rename { name, to } => self.rename_database(name, to).await,
            DatabaseCommand::Owner { name, owner } => {
                self.require_database(name)?;
                let owner = self.role(owner)?;
                let facts = DatabaseFacts { owner, ..self.context().cluster_facts().database(name) };
                self.change(ClusterChange::Database(name.clone(), facts));
                Ok(())
            }
            DatabaseCommand::RefreshCollation { name } => {
                self.require_database(name)?;
                self.notice("version has not changed".to_owned());
                Ok(())
            }
            DatabaseCommand::Drop { name, if_exists, force } => self.drop_database(name, *if_exists, *force).await,
            DatabaseCommand::Comment { name, text } => {
                if self.databases.exists(name) {
                    self.change(ClusterChange::Comment(name.clone(), text.clone()));
                } else {
                    // So that a dump can be restored under another name.
                    self.warn(SqlState::INVALID_CATALOG_NAME, format!("database \"{name}\" does not exist"));
                }
                Ok(())
            }
            DatabaseCommand::Set { database, role, change } => {
                Ok(self.change_setting(database.as_deref(), role.as_ref(), change)?)
            }
            DatabaseCommand::CreateRole { name } if self.role(&RoleSpec::Named(name.clone())).is_ok() => {
                let message = format!("role \"{name}\" already exists");
                Err(Error::new(SqlState::DUPLICATE_OBJECT, message).into())
            }
            DatabaseCommand::CreateRole { .. } => Err(Error::unsupported("CREATE ROLE").into()),
            DatabaseCommand::AlterRole { role, options } => {
                self.role(role)?;
                Ok(options.iter().try_for_each(check_unchanged)?)
            }
            DatabaseCommand::DropRole { roles, if_exists } => Ok(self.drop_roles(roles, *if_exists)?),
        }
    }

    async fn create_database(&mut self, name: &str, options: &[DefElem]) -> Outcome<()> {
        self.refuse_in_block("CREATE DATABASE")?;
        let facts = self.context().cluster_facts();
        let new = NewDatabase::read(
            options,
            |role| self.role(&RoleSpec::Named(role.to_owned())),
            |template| self.databases.exists(template).then(|| facts.database(template)),
        )?;
        if self.databases.exists(name) {
            return Err(already_exists(name).into());
        }
        if new.facts != DatabaseFacts::of(name) || facts.mentions(name) {
            // Before it is there, so that nobody finds it without them; what a crash leaves behind goes with the next
            // of that name.
            let forget = ClusterChange::Dropped(name.to_owned());
            let changes = [forget, ClusterChange::Database(name.to_owned(), new.facts)];
            self.databases.change_cluster(&changes, &self.engine).await?;
        }
        let interrupt = self.engine.interrupt_handle();
        let own = new.template == self.context().database;
        Ok(self.databases.create_like(&new.template, own, name, &interrupt).await?)
    }

    fn alter_database(&mut self, name: &str, options: &[DefElem]) -> Result<()> {
        const KNOWN: &[&str] = &["is_template", "allow_connections", "connection_limit", "tablespace"];
        let options = Options::read(options, KNOWN)?;
        if let Some(tablespace) = options.get("tablespace") {
            if options.0.len() > 1 {
                let message = "option \"tablespace\" cannot be specified with other options";
                return Err(refused(message).with_position(tablespace.position));
            }
            self.require_database(name)?;
            if *name == self.context().database {
                let message = "cannot change the tablespace of the currently open database";
                return Err(Error::new(SqlState::OBJECT_IN_USE, message));
            }
            return check_tablespace(tablespace);
        }
        let mut facts = self.context().cluster_facts().database(name);
        facts.is_template = options.boolean("is_template")?.unwrap_or(facts.is_template);
        facts.allow_connections = options.boolean("allow_connections")?.unwrap_or(facts.allow_connections);
        facts.connection_limit = options.connection_limit()?.unwrap_or(facts.connection_limit);
        self.require_database(name)?;
        if !facts.allow_connections && *name == self.context().database {
            let message = "cannot disallow connections for current database";
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        self.change(ClusterChange::Database(name.to_owned(), facts));
        Ok(())
    }

    /// PostgreSQL can do this inside a transaction block.
    async fn rename_database(&mut self, name: &str, to: &str) -> Outcome<()> {
        self.refuse_in_block("ALTER DATABASE RENAME")?;
        self.require_database(name)?;
        if self.databases.exists(to) {
            return Err(already_exists(to).into());
        }
        if *name == self.context().database {
            return Err(refused("current database cannot be renamed").into());
        }
        refuse_kept(name)?;
        let interrupt = self.engine.interrupt_handle();
        self.databases.rename(name, to, &interrupt).await?;
        if self.context().cluster_facts().mentions(name) {
            let renamed = ClusterChange::Renamed { from: name.to_owned(), to: to.to_owned() };
            self.databases.change_cluster(&[renamed], &self.engine).await?;
        }
        Ok(())
    }

    async fn drop_database(&mut self, name: &str, if_exists: bool, force: bool) -> Outcome<()> {
        self.refuse_in_block("DROP DATABASE")?;
        if self.databases.exists(name) {
            if self.context().cluster_facts().database(name).is_template {
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, "cannot drop a template database").into());
            }
            if *name == self.context().database {
                let message = "cannot drop the currently open database";
                return Err(Error::new(SqlState::OBJECT_IN_USE, message).into());
            }
            refuse_kept(name)?;
        }
        let (backends, interrupt) = (Arc::clone(&self.context().backends), self.engine.interrupt_handle());
        match self.databases.drop_database(name, force.then_some(&*backends), &interrupt).await {
            Err(error) if if_exists && error.code() == SqlState::INVALID_CATALOG_NAME => {
                self.notice(format!("database \"{name}\" does not exist, skipping"));
                return Ok(());
            }
            outcome => outcome?,
        }
        if self.context().cluster_facts().mentions(name) {
            let dropped = ClusterChange::Dropped(name.to_owned());
            self.databases.change_cluster(&[dropped], &self.engine).await?;
        }
        Ok(())
    }

    fn change_setting(
        &mut self,
        database: Option<&str>,
        role: Option<&RoleSpec>,
        change: &SettingChange,
    ) -> Result<()> {
        if let Some(name) = database {
            self.require_database(name)?;
        }
        let role = role.map(|role| self.role(role)).transpose()?;
        let of = SettingOf { database: database.map(str::to_owned), role };
        let change = {
            let context = self.context();
            let settings = &context.settings;
            match change {
                SettingChange::Set(name, Some(value)) => {
                    ClusterChange::Setting(of, settings.check_for_later(name, value)?, Some(value.clone()))
                }
                SettingChange::FromCurrent(name) => {
                    let value = settings.show(name)?;
                    ClusterChange::Setting(of, settings.check_for_later(name, &value)?, Some(value))
                }
                SettingChange::Set(name, None) | SettingChange::Reset(name) => {
                    let name = settings.name_for_later(name)?;
                    ClusterChange::Setting(of, name, None)
                }
                SettingChange::ResetAll => ClusterChange::ResetAll(of),
            }
        };
        self.change(change);
        Ok(())
    }

    fn drop_roles(&mut self, roles: &[RoleSpec], if_exists: bool) -> Result<()> {
        for role in roles {
            match (self.role(role), role) {
                (_, RoleSpec::Current) => {
                    let message = "cannot use special role specifier in DROP ROLE";
                    return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
                }
                (Ok(BOOTSTRAP_SUPERUSER), _) => {
                    return Err(Error::new(SqlState::OBJECT_IN_USE, "current user cannot be dropped"));
                }
                (Ok(_), _) => return Err(Error::unsupported("DROP ROLE of a predefined role")),
                (Err(_), RoleSpec::Named(name)) if if_exists => {
                    self.notice(format!("role \"{name}\" does not exist, skipping"));
                }
                (Err(error), _) => return Err(error),
            }
        }
        Ok(())
    }

    /// 3D000
    fn require_database(&self, name: &str) -> Result<()> {
        if self.databases.exists(name) { Ok(()) } else { Err(does_not_exist(name)) }
    }

    /// The role's OID; 42704.
    fn role(&self, role: &RoleSpec) -> Result<Oid> {
        let name = match role {
            RoleSpec::Current => return Ok(BOOTSTRAP_SUPERUSER),
            RoleSpec::Named(name) => name,
        };
        if *name == self.context().user {
            return Ok(BOOTSTRAP_SUPERUSER);
        }
        let message = format!("role \"{name}\" does not exist");
        predefined_role(name).ok_or_else(|| Error::new(SqlState::UNDEFINED_OBJECT, message))
    }

    /// Happens when the transaction commits.
    fn change(&mut self, change: ClusterChange) {
        let context = &mut *self.context();
        context.cluster_changes.push((context.depth, change));
    }

    fn notice(&self, message: String) {
        let notice = ErrorFields::new(Severity::Notice, SqlState::SUCCESSFUL_COMPLETION, message);
        self.context().notices.push(notice);
    }
}

/// 0A000 for the database without which nobody would know anything of the others.
fn refuse_kept(name: &str) -> Result<()> {
    if name == POSTGRES {
        return Err(Error::unsupported(
            "dropping or renaming database \"postgres\", which keeps what all databases share",
        ));
    }
    Ok(())
}

/// An attribute that the one role has anyway; 0A000 for any other.
fn check_unchanged(option: &DefElem) -> Result<()> {
    let same = match (option.name.as_str(), &option.value) {
        (name, DefValue::Default) if SUPERUSER.contains(&name) => true,
        ("connection limit", DefValue::Number(limit)) => limit == "-1",
        ("valid until", DefValue::Text(time)) => time == "infinity",
        _ => false,
    };
    if same { Ok(()) } else { Err(Error::unsupported(format!("ALTER ROLE … {}", option.name.to_ascii_uppercase()))) }
}

/// Options by name, none twice.
struct Options<'o>(&'o [DefElem]);

impl<'o> Options<'o> {
    fn read(options: &'o [DefElem], known: &[&str]) -> Result<Self> {
        for (at, option) in options.iter().enumerate() {
            let message = if !known.contains(&option.name.as_str()) {
                format!("option \"{}\" not recognized", option.name)
            } else if options.iter().take(at).any(|earlier| earlier.name == option.name) {
                "conflicting or redundant options".to_owned()
            } else {
                continue;
            };
            return Err(Error::new(SqlState::SYNTAX_ERROR, message).with_position(option.position));
        }
        Ok(Options(options))
    }

    /// An option that is given and is not DEFAULT.
    fn get(&self, name: &str) -> Option<&'o DefElem> {
        self.0.iter().find(|option| option.name == name && option.value != DefValue::Default)
    }

    fn text(&self, name: &str) -> Option<&'o str> {
        self.get(name).map(DefElem::text)
    }

    /// defGetBoolean
    fn boolean(&self, name: &str) -> Result<Option<bool>> {
        let Some(option) = self.get(name) else { return Ok(None) };
        let value = match &option.value {
            DefValue::Number(number) => match number.as_str() {
                "0" => Some(false),
                "1" => Some(true),
                _ => None,
            },
            // Unlike a variable's, these are not abbreviated.
            _ => Some(option.text())
                .filter(|word| ["true", "false", "on", "off"].iter().any(|known| word.eq_ignore_ascii_case(known)))
                .and_then(parse_boolean),
        };
        let wrong = || Error::new(SqlState::SYNTAX_ERROR, format!("{name} requires a Boolean value"));
        value.ok_or_else(wrong).map(Some)
    }

    fn connection_limit(&self) -> Result<Option<i32>> {
        let Some(option) = self.get("connection_limit") else { return Ok(None) };
        let DefValue::Number(number) = &option.value else {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "connection_limit requires an integer value"));
        };
        match number.parse::<i32>() {
            Ok(limit) if limit >= -1 => Ok(Some(limit)),
            Ok(limit) => {
                Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid connection limit: {limit}")))
            }
            Err(_) => Err(Error::new(SqlState::SYNTAX_ERROR, "connection_limit requires an integer value")),
        }
    }
}

impl DefElem {
    fn text(&self) -> &str {
        match &self.value {
            DefValue::Default => "",
            DefValue::Number(text) | DefValue::Text(text) => text,
        }
    }
}

/// What CREATE DATABASE is to make.
#[derive(Debug)]
struct NewDatabase {
    template: String,
    facts: DatabaseFacts,
}

impl NewDatabase {
    const KNOWN: &[&str] = &[
        "tablespace",
        "owner",
        "template",
        "encoding",
        "locale",
        "lc_collate",
        "lc_ctype",
        "icu_locale",
        "locale_provider",
        "is_template",
        "allow_connections",
        "connection_limit",
        "collation_version",
        "oid",
        "strategy",
    ];

    /// `role` gives a role's OID, `template` what is known of a database that exists.
    fn read(
        options: &[DefElem],
        role: impl Fn(&str) -> Result<Oid>,
        template: impl Fn(&str) -> Option<DatabaseFacts>,
    ) -> Result<Self> {
        let options = Options::read(options, Self::KNOWN)?;
        check_oid(&options)?;
        let encoding = encoding(&options)?;
        let provider = provider(&options)?;
        let is_template = options.boolean("is_template")?.unwrap_or(false);
        let allow_connections = options.boolean("allow_connections")?.unwrap_or(true);
        let connection_limit = options.connection_limit()?.unwrap_or(-1);
        if options.get("collation_version").is_some() {
            return Err(Error::unsupported("COLLATION_VERSION"));
        }
        let owner = options.text("owner").map_or(Ok(BOOTSTRAP_SUPERUSER), role)?;
        let source_name = options.text("template").unwrap_or(TEMPLATE1);
        let Some(source) = template(source_name) else {
            let message = format!("template database \"{source_name}\" does not exist");
            return Err(Error::new(SqlState::INVALID_CATALOG_NAME, message));
        };
        check_strategy(&options)?;
        let locale = |name: &str| options.text(name).or(options.text("locale")).map(str::to_owned);
        let collate = locale("lc_collate").unwrap_or_else(|| source.collate.clone());
        let ctype = locale("lc_ctype").unwrap_or_else(|| source.ctype.clone());
        check_locale(&collate)?;
        check_locale(&ctype)?;
        check_provider(provider, options.text("icu_locale"))?;
        check_encoding(encoding, &ctype, &collate)?;
        if source_name != TEMPLATE0 {
            check_compatible("collation", &collate, &source.collate)?;
            check_compatible("LC_CTYPE", &ctype, &source.ctype)?;
        }
        options.get("tablespace").map_or(Ok(()), check_tablespace)?;
        let facts =
            DatabaseFacts { owner, is_template, allow_connections, connection_limit, collate, ctype, comment: None };
        Ok(NewDatabase { template: source_name.to_owned(), facts })
    }
}

/// OIDs follow from names here.
fn check_oid(options: &Options<'_>) -> Result<()> {
    let Some(option) = options.get("oid") else { return Ok(()) };
    match option.text().parse::<u32>() {
        Ok(oid) if oid < Oid::FIRST_NORMAL.0 => {
            let message = format!("OIDs less than {} are reserved for system objects", Oid::FIRST_NORMAL.0);
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
        }
        _ => Err(Error::unsupported("CREATE DATABASE with OID")),
    }
}

/// The encoding's name; 42704 if a server cannot have it.
fn encoding(options: &Options<'_>) -> Result<Option<&'static str>> {
    let Some(option) = options.get("encoding") else { return Ok(None) };
    let text = option.text();
    let (kind, found) = match option.value {
        DefValue::Number(_) => ("code", text.parse().ok().and_then(charset::numbered)),
        _ => ("name", charset::named(text)),
    };
    let wrong = || {
        let message = format!("{text} is not a valid encoding {kind}");
        Error::new(SqlState::UNDEFINED_OBJECT, message).with_position(option.position)
    };
    found.filter(|charset| !charset.client_only).map(|charset| Some(charset.name)).ok_or_else(wrong)
}

/// Whether ICU is asked for.
fn provider(options: &Options<'_>) -> Result<bool> {
    match options.text("locale_provider").map(str::to_ascii_lowercase).as_deref() {
        None | Some("libc") => Ok(false),
        Some("icu") => Ok(true),
        Some(_) => {
            let given = options.text("locale_provider").unwrap_or_default();
            let message = format!("unrecognized locale provider: {given}");
            Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message))
        }
    }
}

/// ICU is refused as a PostgreSQL refuses it that was built without.
fn check_provider(icu: bool, locale: Option<&str>) -> Result<()> {
    match (icu, locale) {
        (false, None) => Ok(()),
        (false, Some(_)) => {
            let message = "ICU locale cannot be specified unless locale provider is ICU";
            Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message))
        }
        (true, None) => Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "ICU locale must be specified")),
        (true, Some(_)) => Err(refused("ICU is not supported in this build")),
    }
}

fn check_strategy(options: &Options<'_>) -> Result<()> {
    match options.text("strategy") {
        None => Ok(()),
        Some(strategy) if ["wal_log", "file_copy"].iter().any(|known| strategy.eq_ignore_ascii_case(known)) => Ok(()),
        Some(strategy) => {
            let message = format!("invalid create database strategy \"{strategy}\"");
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
                .with_hint("Valid strategies are \"wal_log\" and \"file_copy\"."))
        }
    }
}

/// Text is ordered by its bytes, which these locales are the names of; any other is as on a machine that does not have it.
fn check_locale(name: &str) -> Result<()> {
    if ["C", "POSIX", LOCALE, "C.utf8"].contains(&name) {
        return Ok(());
    }
    Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("invalid locale name: \"{name}\"")))
}

fn check_encoding(encoding: Option<&str>, ctype: &str, collate: &str) -> Result<()> {
    let Some(encoding) = encoding.filter(|name| *name != "UTF8") else { return Ok(()) };
    for (setting, locale) in [("LC_CTYPE", ctype), ("LC_COLLATE", collate)] {
        if !matches!(locale, "C" | "POSIX") && encoding != "SQL_ASCII" {
            let message = format!("encoding \"{encoding}\" does not match locale \"{locale}\"");
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
                .with_detail(format!("The chosen {setting} setting requires encoding \"UTF8\".")));
        }
    }
    Err(Error::unsupported(format!("server encoding {encoding}")))
}

fn check_compatible(what: &str, new: &str, old: &str) -> Result<()> {
    if new == old {
        return Ok(());
    }
    let message = format!("new {what} ({new}) is incompatible with the {what} of the template database ({old})");
    Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
        .with_hint(format!("Use the same {what} as in the template database, or use template0 as template.")))
}

fn check_tablespace(option: &DefElem) -> Result<()> {
    match option.text() {
        "pg_default" => Ok(()),
        "pg_global" => {
            let message = "pg_global cannot be used as default tablespace";
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
        }
        name => Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("tablespace \"{name}\" does not exist"))),
    }
}

/// 0A000 in PostgreSQL's words.
fn refused(message: &'static str) -> Error {
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
}

fn predefined_role(name: &str) -> Option<Oid> {
    crate::catalog::tables::server::predefined_roles().find(|role| role.name == name).map(|role| role.oid)
}
