//! CREATE, ALTER and DROP of what is known by its name alone: COLLATION.
//!
//! Specification: sql-createcollation.html; collationcmds.c.

use std::sync::Arc;

use super::Change;
use super::drop::Object;
use super::follow::Renamed;
use super::routine::definition::{boolean, qualified_name, string};
use super::routine::routine_name;
use crate::catalog::named::{NamedKind, NamedObject, collation_definition};
use crate::catalog::store;
use crate::catalog::tables::recorded::{Recording, recording};
use crate::engine::functions::is_known_locale;
use crate::engine::identity::denied;
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{DefineStmt, RoutineChange};
use crate::sql::syntax::ast::definition::DefElem;
use crate::types::pg_type::Oid;

/// The locales of libc that order by bytes and know cases as the database's own does.
const LIBC_LOCALES: &[&str] = &["C", "POSIX", "C.UTF-8", "C.utf8"];

const DEFAULT: Oid = Oid(100);

/// PG_UTF8
const UTF8: i64 = 6;

fn conflicting(detail: &str) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options").with_detail(detail)
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_OBJECT_DEFINITION, message.into())
}

/// What CREATE COLLATION says.
#[derive(Default)]
struct Clauses {
    from: Option<Vec<String>>,
    locale: Option<String>,
    collate: Option<String>,
    ctype: Option<String>,
    provider: Option<String>,
    nondeterministic: bool,
}

impl Change<'_> {
    pub(super) fn create_named(&mut self, define: &DefineStmt) -> Result<()> {
        let kind = NamedKind::Collation;
        let name = routine_name(&define.name)?;
        let schema = self.creation_schema(&name, false)?;
        let definition = self.collation_definition(&define.definition)?;
        if let Some(other) = self.catalog.named_object(kind, &schema, &name.name) {
            let message = format!("collation \"{}\"{} already exists", name.name, for_encoding(other));
            if define.if_not_exists {
                self.notice(SqlState::DUPLICATE_OBJECT, format!("{message}, skipping"));
                return Ok(());
            }
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        let oid = self.new_oid()?;
        self.put_named(NamedObject { oid, kind, schema, name: name.name, definition })?;
        match self.holder().role {
            Oid::BOOTSTRAP_SUPERUSER => Ok(()),
            role => self.put_privileges((kind.class(), oid, 0), role, None),
        }
    }

    fn collation_clauses(&self, options: &[DefElem]) -> Result<Clauses> {
        let mut clauses = Clauses::default();
        for (at, option) in options.iter().enumerate() {
            if options.iter().take(at).any(|other| other.name == option.name) {
                return Err(Error::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options"));
            }
            match option.name.as_str() {
                "from" => clauses.from = Some(qualified_name(option)?),
                "locale" => clauses.locale = Some(string(option)?),
                "lc_collate" => clauses.collate = Some(string(option)?),
                "lc_ctype" => clauses.ctype = Some(string(option)?),
                "provider" => clauses.provider = Some(string(option)?),
                "deterministic" => clauses.nondeterministic = !boolean(option)?,
                // What pg_upgrade keeps; the order is this server's own.
                "version" => _ = string(option)?,
                other => {
                    let message = format!("collation attribute \"{other}\" not recognized");
                    return Err(Error::new(SqlState::SYNTAX_ERROR, message));
                }
            }
        }
        if clauses.locale.is_some() && (clauses.collate.is_some() || clauses.ctype.is_some()) {
            return Err(conflicting("LOCALE cannot be specified together with LC_COLLATE or LC_CTYPE."));
        }
        match clauses.from.is_some() && options.len() > 1 {
            true => Err(conflicting("FROM cannot be specified together with any other options.")),
            false => Ok(clauses),
        }
    }

    fn collation_definition(&self, options: &[DefElem]) -> Result<serde_json::Value> {
        let clauses = self.collation_clauses(options)?;
        if let Some(from) = &clauses.from {
            return self.copied_collation(from);
        }
        let icu = match clauses.provider.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("libc") => false,
            Some("icu") => true,
            Some(_) => {
                let provider = clauses.provider.unwrap_or_default();
                return Err(invalid(format!("unrecognized collation provider: {provider}")));
            }
        };
        let unspecified = |what: &str| invalid(format!("parameter \"{what}\" must be specified"));
        if icu {
            let locale = clauses.locale.ok_or_else(|| unspecified("locale"))?;
            if clauses.nondeterministic {
                return Err(Error::unsupported("a nondeterministic collation"));
            }
            is_known_locale(&locale)?;
            let (collate, ctype) = (clauses.collate.as_deref(), clauses.ctype.as_deref());
            return Ok(collation_definition(Some(&locale), [collate, ctype], -1));
        }
        let collate = clauses.collate.or_else(|| clauses.locale.clone()).ok_or_else(|| unspecified("lc_collate"))?;
        let ctype = clauses.ctype.or(clauses.locale).ok_or_else(|| unspecified("lc_ctype"))?;
        if clauses.nondeterministic {
            let message = "nondeterministic collations not supported with this provider";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        match [&collate, &ctype].into_iter().find(|locale| !LIBC_LOCALES.contains(&locale.as_str())) {
            Some(locale) => {
                let message = format!("could not create locale \"{locale}\": No such file or directory");
                let detail =
                    format!("The operating system could not find any locale data for the locale name \"{locale}\".");
                Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).with_detail(detail))
            }
            None => Ok(collation_definition(None, [Some(&collate), Some(&ctype)], UTF8)),
        }
    }

    /// CREATE COLLATION … FROM
    fn copied_collation(&self, from: &[String]) -> Result<serde_json::Value> {
        let oid = self.catalog.find_collation(from, &self.search_path).ok_or_else(|| missing(from))?;
        if oid == DEFAULT {
            return Err(invalid("collation \"default\" cannot be copied"));
        }
        if let Some(own) = self.catalog.named.get(&oid) {
            return Ok(own.definition.clone());
        }
        let mut lines = Recording::new(recording!("pg_collation")).lines();
        let line = lines.find(|line| line.number("oid") == i64::from(oid.0)).ok_or_else(|| missing(from))?;
        let field = |name: &str| line.optional(name);
        let (icu, collate, ctype) = (field("colliculocale"), field("collcollate"), field("collctype"));
        let locales = [collate.as_deref(), ctype.as_deref()];
        Ok(collation_definition(icu.as_deref(), locales, line.number("collencoding")))
    }

    fn put_named(&mut self, own: NamedObject) -> Result<()> {
        self.sqlite(store::put_named(self.connection, &own))?;
        self.catalog_mut().named.insert(own.oid, Arc::new(own));
        Ok(())
    }

    pub(super) fn remove_named(&mut self, oid: Oid) -> Result<()> {
        self.sqlite(store::remove_object(self.connection, oid))?;
        let catalog = self.catalog_mut();
        catalog.named.remove(&oid);
        catalog.remove_comments(oid);
        Ok(())
    }

    fn find_named(&self, name: &[String]) -> Result<Oid> {
        if let [.., schema, _] = name
            && schema != "pg_catalog"
        {
            self.existing_schema(schema)?;
        }
        self.catalog.find_collation(name, &self.search_path).ok_or_else(|| missing(name))
    }

    /// One of the users' own, which the role may change.
    pub(super) fn own_named(&self, kind: NamedKind, name: &[String]) -> Result<Arc<NamedObject>> {
        let oid = self.find_named(name)?;
        let shown = name.last().map_or("", String::as_str);
        let not_owner = || denied(format!("must be owner of {} {shown}", kind.noun()));
        match self.catalog.named.get(&oid) {
            Some(own) if self.catalog.owns(&self.holder(), kind.class(), oid) => Ok(Arc::clone(own)),
            None if self.holder().superuser => {
                Err(Error::unsupported(format!("changing the system's {} {shown}", kind.noun())))
            }
            _ => Err(not_owner()),
        }
    }

    pub(super) fn drop_named(
        &mut self,
        kind: NamedKind,
        names: &[Vec<String>],
        (if_exists, cascade): (bool, bool),
    ) -> Result<()> {
        let mut dropped = Vec::new();
        for name in names {
            let shown = name.join(".");
            if let Ok(oid) = self.find_named(name)
                && oid < Oid::FIRST_NORMAL
                && self.holder().superuser
            {
                let names =
                    crate::catalog::definitions::Names { catalog: &self.catalog, search_path: &self.search_path };
                let shown = names.collation(oid);
                let message =
                    format!("cannot drop {} {shown} because it is required by the database system", kind.noun());
                return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message));
            }
            match self.own_named(kind, name) {
                Ok(own) => dropped.push(Object::Named(kind, own.oid)),
                Err(error) if if_exists && super::operator::is_missing(&error) => {
                    let message = match error.code() {
                        SqlState::UNDEFINED_OBJECT => format!("{} \"{shown}\" does not exist, skipping", kind.noun()),
                        _ => format!("{}, skipping", error.message()),
                    };
                    self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
                }
                Err(error) => return Err(error),
            }
        }
        self.drop_objects(&dropped, cascade)
    }

    pub(super) fn change_named(
        &mut self,
        kind: NamedKind,
        name: &[String],
        change: Option<&RoutineChange>,
    ) -> Result<()> {
        let Some(change) = change else { return self.refresh_collation(kind, name) };
        let own = self.own_named(kind, name)?;
        let mut changed = NamedObject::clone(&own);
        match change {
            RoutineChange::Owner(owner) => {
                let owner = self.role(owner)?;
                self.require_member(owner)?;
                return self.put_privileges((kind.class(), own.oid, 0), owner, None);
            }
            RoutineChange::Rename(to) => changed.name.clone_from(to),
            RoutineChange::SetSchema(schema) => {
                changed.schema = self.existing_schema(schema)?.name.clone();
                if changed.schema == own.schema {
                    return Ok(());
                }
            }
        }
        if let Some(other) = self.catalog.named_object(kind, &changed.schema, &changed.name) {
            let NamedObject { name, schema, .. } = &changed;
            let noun = kind.noun();
            let message = format!("{noun} \"{name}\"{} already exists in schema \"{schema}\"", for_encoding(other));
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        let before = Arc::clone(&self.catalog);
        self.put_named(changed)?;
        self.follow(&before, Renamed::Routine(own.oid))
    }

    /// ALTER COLLATION … REFRESH VERSION: the order is this server's own, and is not updated beside it.
    fn refresh_collation(&mut self, kind: NamedKind, name: &[String]) -> Result<()> {
        let oid = self.find_named(name)?;
        if oid == DEFAULT {
            let message = "cannot refresh version of default collation";
            let hint = "Use ALTER DATABASE ... REFRESH COLLATION VERSION instead.";
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).with_hint(hint));
        }
        if oid >= Oid::FIRST_NORMAL {
            self.own_named(kind, name)?;
        }
        self.notice(SqlState::SUCCESSFUL_COMPLETION, "version has not changed".to_owned());
        Ok(())
    }
}

/// What messages say of a collation that is not for all encodings.
fn for_encoding(other: &NamedObject) -> &'static str {
    if other.encoding() == -1 { "" } else { " for encoding \"UTF8\"" }
}

fn missing(name: &[String]) -> Error {
    let message = format!("collation \"{}\" for encoding \"UTF8\" does not exist", name.join("."));
    Error::new(SqlState::UNDEFINED_OBJECT, message)
}
