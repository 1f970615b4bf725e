//! CREATE and DROP EXTENSION: which of those built in a database shows.
//!
//! Specification: sql-createextension.html, sql-dropextension.html; extension.c in PostgreSQL 15. What uses a dropped
//! extension's functions is not looked for: it fails when it runs.

use super::Change;
use crate::catalog::extensions::{Available, UNSUPPORTED, find};
use crate::catalog::schema::Extension;
use crate::catalog::store;
use crate::error::{Error, Result, SqlState};

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
        Ok(())
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

    pub(super) fn drop_extensions(&mut self, names: &[String], if_exists: bool) -> Result<()> {
        for name in names {
            if name == "plpgsql" {
                return Err(Error::unsupported("dropping the extension plpgsql"));
            }
            let found = self.catalog.extensions.iter().find(|extension| extension.name == *name).map(|e| e.oid);
            let Some(oid) = found else {
                if if_exists {
                    let message = format!("extension \"{name}\" does not exist, skipping");
                    self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
                    continue;
                }
                let message = format!("extension \"{name}\" does not exist");
                return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
            };
            self.sqlite(store::remove_extension(self.connection, oid))?;
            let catalog = self.catalog_mut();
            catalog.extensions.retain(|extension| extension.oid != oid);
            catalog.remove_comments(oid);
        }
        Ok(())
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
