//! CREATE and DROP EXTENSION: which of those built in a database shows.
//!
//! Specification: sql-createextension.html, sql-dropextension.html; extension.c in PostgreSQL 15.

use super::Change;
use super::drop::Object;
use crate::catalog::extensions::{Available, UNSUPPORTED, find};
use crate::catalog::schema::Extension;
use crate::catalog::store;
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::Name;
use crate::sql::types;
use crate::types::extension;
use crate::types::pg_type::Oid;

/// The catalog of extensions, as pg_description.classoid has it.
const PG_EXTENSION: Oid = Oid(3079);

impl Change<'_> {
    pub(super) fn create_extension(
        &mut self,
        name: &str,
        schema: Option<&str>,
        version: Option<&str>,
        if_not_exists: bool,
    ) -> Result<()> {
        if self.catalog.has_extension(name) {
            if if_not_exists {
                self.notice(SqlState::DUPLICATE_OBJECT, format!("extension \"{name}\" already exists, skipping"));
                return Ok(());
            }
            let message = format!("extension \"{name}\" already exists");
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        let available = find(name).ok_or_else(|| unavailable(name))?;
        if let Some(version) = version.filter(|version| *version != available.version) {
            let message =
                format!("extension \"{name}\" has no installation script nor update path for version \"{version}\"");
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        let schema = self.extension_schema(available, schema)?;
        let oid = self.new_oid()?;
        let extension = Extension { oid, name: name.to_owned(), schema, version: available.version.to_owned() };
        self.sqlite(store::put_extension(self.connection, &extension))?;
        self.catalog_mut().extensions.push(extension);
        self.set_comment((PG_EXTENSION, oid, 0), Some(available.comment))
    }

    /// The schema named, or the first of the search path that there is.
    fn extension_schema(&self, available: &Available, named: Option<&str>) -> Result<String> {
        if let Some(fixed) = available.schema {
            return Ok(fixed.to_owned());
        }
        let missing =
            |name: &str| Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{name}\" does not exist"));
        match named {
            Some(name) if self.catalog.has_schema(name) => Ok(name.to_owned()),
            Some(name) => Err(missing(name)),
            None => {
                let found = self.schemas_named.iter().find(|name| self.catalog.has_schema(name));
                let none = || Error::new(SqlState::INVALID_SCHEMA_NAME, "no schema has been selected to create in");
                found.cloned().ok_or_else(none)
            }
        }
    }

    pub(super) fn drop_extensions(&mut self, names: &[String], if_exists: bool, cascade: bool) -> Result<()> {
        let mut objects = Vec::new();
        for name in names {
            if name == "plpgsql" {
                return Err(Error::unsupported("dropping the extension plpgsql"));
            }
            match self.catalog.extensions.iter().find(|extension| extension.name == *name) {
                Some(extension) => objects.push(Object::Extension(extension.oid)),
                None if if_exists => {
                    let message = format!("extension \"{name}\" does not exist, skipping");
                    self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
                }
                None => {
                    let message = format!("extension \"{name}\" does not exist");
                    return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
                }
            }
        }
        self.drop_objects(&objects, cascade)
    }

    pub(super) fn remove_extension(&mut self, oid: Oid) -> Result<()> {
        self.sqlite(store::remove_extension(self.connection, oid))?;
        let catalog = self.catalog_mut();
        catalog.extensions.retain(|extension| extension.oid != oid);
        catalog.remove_comments(oid);
        Ok(())
    }

    /// The type of an extension that a name means.
    pub(super) fn find_extension_type(&self, name: &Name) -> Option<Oid> {
        let schemas = match &name.schema {
            Some(schema) => std::slice::from_ref(schema),
            None => &self.search_path,
        };
        let found = schemas.iter().find_map(|schema| types::named(&self.catalog, schema, &name.name));
        found.filter(|oid| extension::of_oid(*oid).is_some())
    }
}

/// As PostgreSQL says of one whose files are not there; those it has and we have not are not supported.
fn unavailable(name: &str) -> Error {
    if UNSUPPORTED.contains(&name) {
        return Error::unsupported(format!("extension \"{name}\""));
    }
    let detail = format!(
        "Could not open extension control file \"/usr/share/postgresql/15/extension/{name}.control\": No such file or directory."
    );
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("extension \"{name}\" is not available"))
        .with_detail(detail)
        .with_hint("The extension must first be installed on the system where PostgreSQL is running.")
}
