//! The system views of extensions.
//!
//! Must not know: what an extension brings (`catalog::extensions`, `sql::functions`). Specification: catalog-pg-extension.html,
//! view-pg-available-extensions.html.

use crate::catalog::extensions;
use crate::catalog::tables::contents::View;
use crate::catalog::tables::rows::{Rows, row};
use crate::catalog::tables::source::BOOTSTRAP_SUPERUSER;
use crate::types::pg_type::Oid;

/// The rows of pg_extension for those created.
pub fn extensions(rows: &mut Rows, view: &View<'_>) {
    for extension in &view.catalog.extensions {
        let schema = view.catalog.schemas.iter().find(|schema| schema.name == extension.schema);
        row!(rows,
            oid: extension.oid,
            extname: &extension.name,
            extowner: BOOTSTRAP_SUPERUSER,
            extnamespace: schema.map_or(Oid::INVALID, |schema| schema.oid),
            extrelocatable: extensions::find(&extension.name).is_some_and(|found| found.relocatable),
            extversion: &extension.version,
        );
    }
}

/// The rows of pg_available_extensions.
pub fn available_extensions(rows: &mut Rows, view: &View<'_>) {
    for available in extensions::AVAILABLE {
        let installed = view.catalog.has_extension(available.name).then_some(available.version);
        row!(rows,
            name: available.name,
            default_version: available.version,
            installed_version: installed,
            comment: available.comment,
        );
    }
}

/// The rows of pg_available_extension_versions.
pub fn available_extension_versions(rows: &mut Rows, view: &View<'_>) {
    for available in extensions::AVAILABLE {
        row!(rows,
            name: available.name,
            version: available.version,
            installed: view.catalog.has_extension(available.name),
            superuser: true,
            trusted: true,
            relocatable: available.relocatable,
            schema: available.schema,
            comment: available.comment,
        );
    }
}
