//! COMMENT ON what a statement names by kind and name alone: languages, extensions, text search, … Those of PostgreSQL's
//! own that are here are recorded; what cannot be made here is not there.
//!
//! Specification: sql-comment.html; get_object_address in objectaddress.c.

use super::Change;
use crate::catalog::named::NamedKind;
use crate::catalog::statistics::PG_STATISTIC_EXT;
use crate::catalog::tables::recorded::{Recording, recording};
use crate::engine::identity::denied;
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{Name, ObjectRef, ObjectType};
use crate::types::pg_type::Oid;

/// A kind of objects that are recorded.
struct Kind {
    kind: ObjectType,
    /// pg_description.classoid
    class: Oid,
    noun: &'static str,
    rows: &'static str,
    /// The column of the name.
    name: &'static str,
    /// Of what belongs to an access method: the column of that.
    method: &'static str,
}

const fn kind(
    kind: ObjectType,
    class: u32,
    noun: &'static str,
    rows: &'static str,
    (name, method): (&'static str, &'static str),
) -> Kind {
    Kind { kind, class: Oid(class), noun, rows, name, method }
}

static RECORDED: &[Kind] = &[
    kind(ObjectType::AccessMethod, 2601, "access method", recording!("pg_am"), ("amname", "")),
    kind(ObjectType::Language, 2612, "language", recording!("pg_language"), ("lanname", "")),
    kind(ObjectType::Collation, 3456, "collation", recording!("pg_collation"), ("collname", "")),
    kind(ObjectType::OpClass, 2616, "operator class", recording!("pg_opclass"), ("opcname", "opcmethod")),
    kind(ObjectType::OpFamily, 2753, "operator family", recording!("pg_opfamily"), ("opfname", "opfmethod")),
    kind(ObjectType::TsConfiguration, 3602, "text search configuration", recording!("pg_ts_config"), ("cfgname", "")),
    kind(ObjectType::TsDictionary, 3600, "text search dictionary", recording!("pg_ts_dict"), ("dictname", "")),
    kind(ObjectType::TsParser, 3601, "text search parser", recording!("pg_ts_parser"), ("prsname", "")),
    kind(ObjectType::TsTemplate, 3764, "text search template", recording!("pg_ts_template"), ("tmplname", "")),
    kind(ObjectType::Extension, 3079, "extension", recording!("pg_extension"), ("extname", "")),
];

/// Kinds of which there are none here, and what messages call them.
const NONE: &[(ObjectType, &str)] = &[
    (ObjectType::Conversion, "conversion"),
    (ObjectType::EventTrigger, "event trigger"),
    (ObjectType::Fdw, "foreign-data wrapper"),
    (ObjectType::ForeignServer, "server"),
    (ObjectType::Publication, "publication"),
    (ObjectType::Subscription, "subscription"),
];

fn missing(message: impl Into<String>) -> Error {
    Error::new(SqlState::UNDEFINED_OBJECT, message.into())
}

/// The OID of a recorded object of that name; of an access method if it belongs to one.
fn recorded(kind: &Kind, name: &str, method: Option<Oid>) -> Option<Oid> {
    let mut lines = Recording::new(kind.rows).lines();
    let found = lines.find(|line| {
        line.text(kind.name) == name && method.is_none_or(|method| line.number(kind.method) == i64::from(method.0))
    });
    found.and_then(|line| line.number("oid").try_into().ok()).map(Oid)
}

impl Change<'_> {
    /// What is commented on: its class and its OID.
    pub(super) fn named_object(&self, kind: ObjectType, object: &ObjectRef) -> Result<(Oid, Oid)> {
        if let (ObjectType::StatisticExt, ObjectRef::Name(name)) = (kind, object) {
            return Ok((PG_STATISTIC_EXT, self.own_statistics(&super::routine::routine_name(name)?)?.1));
        }
        if let (ObjectType::Collation, ObjectRef::Name(name)) = (kind, object)
            && let Ok(own) = self.own_named(NamedKind::Collation, name)
        {
            return Ok((own.kind.class(), own.oid));
        }
        let Some(found) = RECORDED.iter().find(|recorded| recorded.kind == kind) else {
            return Err(self.none_of(kind, object)?);
        };
        let (name, method) = match object {
            ObjectRef::Name(name) => (name, None),
            ObjectRef::OpClass { name, access_method } => {
                let methods = RECORDED.iter().find(|recorded| recorded.kind == ObjectType::AccessMethod);
                let oid = methods.and_then(|methods| recorded(methods, access_method, None));
                let oid = oid.ok_or_else(|| missing(format!("access method \"{access_method}\" does not exist")))?;
                (name, Some((oid, access_method)))
            }
            _ => return Err(Error::internal("a comment on what has no name")),
        };
        let shown = name.join(".");
        let plain = name.last().map_or("", String::as_str);
        let extension = self.catalog.extensions.iter().find(|e| kind == ObjectType::Extension && e.name == plain);
        let oid = match extension {
            Some(extension) => Some(extension.oid),
            None => recorded(found, plain, method.map(|(oid, _)| oid)),
        };
        let Some(oid) = oid else {
            return Err(missing(match (kind, method) {
                (ObjectType::Collation, _) => format!("collation \"{shown}\" for encoding \"UTF8\" does not exist"),
                (_, Some((_, method))) => {
                    format!("{} \"{shown}\" does not exist for access method \"{method}\"", found.noun)
                }
                _ => format!("{} \"{shown}\" does not exist", found.noun),
            }));
        };
        match self.holder().superuser {
            true => Ok((found.class, oid)),
            false => Err(denied(format!("must be owner of {} {shown}", found.noun))),
        }
    }

    /// Why a comment on an object of a kind that is not here is none.
    fn none_of(&self, kind: ObjectType, object: &ObjectRef) -> Result<Error> {
        let shown = match object {
            ObjectRef::Name(name) => name.join("."),
            _ => String::new(),
        };
        if let Some((_, noun)) = NONE.iter().find(|(none, _)| *none == kind) {
            return Ok(missing(format!("{noun} \"{shown}\" does not exist")));
        }
        Ok(match (kind, object) {
            (ObjectType::Rule, ObjectRef::Name(name)) => {
                let (table, rule) = match name.split_last() {
                    Some((rule, table)) => (super::routine::routine_name(table)?, rule),
                    None => return Err(Error::internal("a rule without a name")),
                };
                let relation = self.relation(&table)?;
                match rule == "_RETURN" && relation.view_query.is_some() {
                    true => Error::unsupported("COMMENT ON RULE"),
                    false => missing(format!("rule \"{rule}\" for relation \"{}\" does not exist", relation.name)),
                }
            }
            (ObjectType::ForeignTable, ObjectRef::Name(name)) => {
                let name: Name = super::routine::routine_name(name)?;
                let relation = self.relation(&name)?;
                Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not a foreign table", relation.name))
            }
            (ObjectType::Tablespace, _) if shown != "pg_default" && shown != "pg_global" => {
                missing(format!("tablespace \"{shown}\" does not exist"))
            }
            (kind, _) => Error::unsupported(format!("COMMENT ON {}", crate::sql::define::kind_words(kind))),
        })
    }

    // ----- ALTER EXTENSION

    /// ALTER EXTENSION … UPDATE: there is one version of each.
    pub(super) fn alter_extension(&mut self, name: &str, version: Option<&str>) -> Result<()> {
        let installed = self.installed_version(name)?;
        if !self.holder().superuser {
            return Err(denied(format!("must be owner of extension {name}")));
        }
        let available = crate::catalog::extensions::find(name).map(|available| available.version);
        let wanted = version.or(available).unwrap_or(&installed).to_owned();
        if wanted == installed {
            let message = format!("version \"{wanted}\" of extension \"{name}\" is already installed");
            self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
            return Ok(());
        }
        let message =
            format!("extension \"{name}\" has no update path from version \"{installed}\" to version \"{wanted}\"");
        Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
    }

    /// The version of an extension of this database: 42704.
    fn installed_version(&self, name: &str) -> Result<String> {
        let created = self.catalog.extensions.iter().find(|extension| extension.name == name);
        if let Some(created) = created {
            return Ok(created.version.clone());
        }
        let mut own = Recording::new(recording!("pg_extension")).lines();
        let own = own.find(|line| line.text("extname") == name).map(|line| line.text("extversion").into_owned());
        own.ok_or_else(|| missing(format!("extension \"{name}\" does not exist")))
    }

    /// ALTER EXTENSION … ADD, DROP, SET SCHEMA: of those that are there they are not supported.
    pub(super) fn change_extension(&self, name: &str, what: &str) -> Result<()> {
        self.installed_version(name)?;
        Err(Error::unsupported(format!("ALTER EXTENSION … {what}")))
    }
}
