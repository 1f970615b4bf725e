//! Statements about what all databases share: CREATE, ALTER and DROP DATABASE, COMMENT ON DATABASE, settings of databases
//! and roles.
//!
//! Must not know: how databases are kept and made (`engine::databases`), where the facts are (`engine::cluster`), roles
//! (`session::role`).
//! Specification: sql-createdatabase.html, sql-alterdatabase.html, sql-alterrole.html; checks in the order of
//! PostgreSQL 15's dbcommands.c.
//!
//! What a transaction changes of the facts others see once it is committed, and the session itself, too.

use std::sync::Arc;

use crate::catalog::cluster::{ClusterChange, DatabaseFacts, LOCALE, POSTGRES, SettingOf, TEMPLATE0, TEMPLATE1};
use crate::engine::databases::{already_exists, does_not_exist};
use crate::engine::identity::denied;
use crate::error::{Error, ErrorFields, Result, Severity, SqlState};
use crate::session::machine::{Outcome, StateMachine};
use crate::session::role::check_not_reserved;
use crate::settings::variable::{Context, parse_boolean};
use crate::sql::database::{DatabaseCommand, DefElem, DefValue, SettingChange};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::statement::{RoleSpec, RoleSpecType};
use crate::types::charset;
use crate::types::pg_type::Oid;

impl StateMachine {
    pub(super) async fn database(&mut self, command: &DatabaseCommand) -> Outcome<()> {
        match command {
            DatabaseCommand::Create { name, options } => self.create_database(name, options).await,
            DatabaseCommand::Alter { name, options } => Ok(self.alter_database(name, options)?),
            DatabaseCommand::Rename { name, to } => self.rename_database(name, to).await,
            DatabaseCommand::Owner { name, owner } => Ok(self.change_database_owner(name, owner)?),
            DatabaseCommand::RefreshCollation { name } => {
                self.require_database(name)?;
                self.require_database_owner(name)?;
                self.notice("version has not changed".to_owned());
                Ok(())
            }
            DatabaseCommand::Drop { name, if_exists, force } => self.drop_database(name, *if_exists, *force).await,
            DatabaseCommand::Comment { name, text } => {
                if self.databases.exists(name) {
                    self.require_database_owner(name)?;
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
            DatabaseCommand::Role(command) => Box::pin(self.role_command(command)).await,
        }
    }

    async fn create_database(&mut self, name: &str, options: &[DefElem]) -> Outcome<()> {
        self.refuse_in_block("CREATE DATABASE")?;
        let facts = self.context().cluster_facts();
        let owner = |role: Option<&str>| self.owner_of_new_database(role);
        let new = NewDatabase::read(options, owner, |template| {
            let template_facts = self.databases.exists(template).then(|| facts.database(template));
            match template_facts {
                Some(known) if !known.is_template && !self.owns_database(template) => {
                    Err(denied(format!("permission denied to copy database \"{template}\"")))
                }
                known => Ok(known),
            }
        })?;
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

    /// Whose a new database is, if the current role may make it so.
    fn owner_of_new_database(&self, owner: Option<&str>) -> Result<Oid> {
        let current = self.context().role();
        let owner = match owner {
            Some(name) => {
                let named = RoleSpecType::Name(name.to_owned());
                self.role(&RoleSpec { role: named, location: Location::UNKNOWN })?
            }
            None => current,
        };
        self.require_create_db("permission denied to create database")?;
        self.require_member(owner)?;
        Ok(owner)
    }

    /// have_createdb_privilege()
    fn require_create_db(&self, message: &str) -> Result<()> {
        let context = self.context();
        match context.is_superuser() || context.roles().get(context.role()).is_some_and(|role| role.create_db) {
            true => Ok(()),
            false => Err(denied(message)),
        }
    }

    /// check_is_member_of_role()
    pub(super) fn require_member(&self, role: Oid) -> Result<()> {
        let context = self.context();
        let roles = context.roles();
        match roles.is_member(context.role(), role, context.database_owner(&roles.facts)) {
            true => Ok(()),
            false => Err(denied(format!("must be member of role \"{}\"", roles.name(role)))),
        }
    }

    fn owns_database(&self, name: &str) -> bool {
        let mut context = self.context();
        let owner = context.cluster_facts().database(name).owner;
        context.has_privileges_of(owner)
    }

    fn require_database_owner(&self, name: &str) -> Result<()> {
        match self.owns_database(name) {
            true => Ok(()),
            false => Err(denied(format!("must be owner of database {name}"))),
        }
    }

    fn change_database_owner(&mut self, name: &str, owner: &RoleSpec) -> Result<()> {
        let owner = self.role(owner)?;
        self.require_database(name)?;
        let facts = self.context().cluster_facts().database(name);
        if facts.owner == owner {
            return Ok(());
        }
        self.require_database_owner(name)?;
        self.require_member(owner)?;
        self.require_create_db("permission denied to change owner of database")?;
        let acl = facts.acl.as_ref().map(|acl| acl.with_owner(facts.owner, owner));
        self.change(ClusterChange::Database(name.to_owned(), DatabaseFacts { owner, acl, ..facts }));
        Ok(())
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
            self.require_database_owner(name)?;
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
        self.require_database_owner(name)?;
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
        self.require_database_owner(name)?;
        self.require_create_db("permission denied to rename database")?;
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
            self.require_database_owner(name)?;
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
        if force {
            let roles = backends.roles_in(name);
            roles.into_iter().try_for_each(|role| self.context().check_may_terminate(role))?;
        }
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
        let role = role.map(|role| self.role_to_set(role)).transpose()?;
        if let Some(name) = database {
            self.require_database(name)?;
        }
        match (database, role) {
            (Some(name), None) => self.require_database_owner(name)?,
            (None, None) => self.require_superuser("must be superuser to alter settings globally")?,
            _ => {}
        }
        let of = SettingOf { database: database.map(str::to_owned), role };
        let change = {
            let context = self.context();
            let superuser = context.is_superuser();
            let settings = &context.settings;
            match change {
                SettingChange::Set(name, _) | SettingChange::Reset(name) | SettingChange::FromCurrent(name)
                    if !superuser && is_for_superusers(name) =>
                {
                    return Err(denied(format!("permission denied to set parameter \"{name}\"")));
                }
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

    /// The role whose settings the current role may change.
    fn role_to_set(&self, role: &RoleSpec) -> Result<Oid> {
        if let RoleSpecType::Name(name) = &role.role {
            check_not_reserved(name, "Cannot alter reserved roles.")?;
        }
        let oid = self.role(role)?;
        let roles = self.context().roles();
        let current = self.context().role();
        if roles.is_superuser(oid) {
            self.require_superuser("must be superuser to alter superusers")?;
        } else if oid != current && !self.can_create_roles() {
            return Err(denied("permission denied"));
        }
        Ok(oid)
    }

    /// 3D000
    fn require_database(&self, name: &str) -> Result<()> {
        if self.databases.exists(name) { Ok(()) } else { Err(does_not_exist(name)) }
    }

    /// Happens when the transaction commits.
    pub(super) fn change(&mut self, change: ClusterChange) {
        let context = &mut *self.context();
        context.cluster_changes.push((context.depth, change));
    }

    pub(super) fn notice(&self, message: String) {
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

fn is_for_superusers(name: &str) -> bool {
    crate::settings::session::find(name).is_some_and(|variable| variable.context == Context::Superuser)
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

    /// `owner` gives the owner's OID, `template` what is known of a database that exists.
    fn read(
        options: &[DefElem],
        owner: impl Fn(Option<&str>) -> Result<Oid>,
        template: impl Fn(&str) -> Result<Option<DatabaseFacts>>,
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
        let owner = owner(options.text("owner"))?;
        let source_name = options.text("template").unwrap_or(TEMPLATE1);
        let Some(source) = template(source_name)? else {
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
        let (comment, acl) = (None, None);
        let facts =
            DatabaseFacts { owner, is_template, allow_connections, connection_limit, collate, ctype, comment, acl };
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
