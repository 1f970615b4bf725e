//! The types of a catalog, as PL/pgSQL asks for them.
//!
//! Owns: [`CatalogTypes`], [`data_type`], [`row_columns`].

use std::sync::Arc;

pub(crate) use crate::catalog::composite::row_relation;
use crate::catalog::composite::{relation_of, row_type_oid};
use crate::catalog::definitions::Names;
use crate::catalog::schema::{CatalogSnapshot, Relation, UserTypeKind};
use crate::error::{Error, Result, SqlState};
use crate::plpgsql::host::Types;
use crate::plpgsql::value::{Column, DataType, TypeKind};
use crate::sql::analyze::type_name;
use crate::sql::ddl::DataType as TypeName;
use crate::sql::planner::PlanContext;
use crate::sql::syntax::parse;
use crate::types::pg_type::{Oid, Scalar, type_info};

/// A catalog, and where names are looked for.
pub(crate) struct CatalogTypes<'a> {
    pub planning: PlanContext<'a>,
}

/// A type by its OID.
pub(crate) fn data_type(catalog: &CatalogSnapshot, oid: Oid, typmod: i32) -> Option<DataType> {
    if let Some(info) = type_info(oid) {
        let kind = match (oid, info.kind) {
            (Oid::RECORD, _) => TypeKind::Record,
            (_, b'p') => TypeKind::Pseudo,
            _ => TypeKind::Base,
        };
        return Some(DataType { oid, typmod, repr: info.repr, kind });
    }
    if let Some(user) = catalog.user_type(oid) {
        let kind = match &user.kind {
            UserTypeKind::Domain { .. } if user.oid == oid => TypeKind::Domain,
            _ => TypeKind::Base,
        };
        return Some(DataType { oid, typmod, repr: catalog.repr(oid)?, kind });
    }
    let (_, is_array) = relation_of(catalog, oid)?;
    let kind = if is_array { TypeKind::Base } else { TypeKind::Composite };
    Some(DataType { oid, typmod: -1, repr: catalog.repr(oid)?, kind })
}

/// The columns of a composite type.
pub(crate) fn row_columns(catalog: &CatalogSnapshot, oid: Oid) -> Option<Arc<[Column]>> {
    let columns = row_relation(catalog, oid)?.columns.iter();
    let columns = columns.filter_map(|column| {
        Some(Column::new(column.name.clone(), data_type(catalog, column.type_oid, column.typmod)?))
    });
    Some(columns.collect())
}

impl CatalogTypes<'_> {
    fn catalog(&self) -> &CatalogSnapshot {
        self.planning.catalog
    }

    /// The relation of that name: 42P01, 3F000.
    fn relation(&self, names: &[String]) -> Result<&Relation> {
        let path = self.planning.settings.schemas_searched();
        let found = match names {
            [name] => self.catalog().find_relation(path, name),
            [.., schema, name] => {
                if !self.catalog().has_schema(schema) {
                    let message = format!("schema \"{schema}\" does not exist");
                    return Err(Error::new(SqlState::INVALID_SCHEMA_NAME, message));
                }
                self.catalog().relation(schema, name)
            }
            [] => None,
        };
        found.map(AsRef::as_ref).ok_or_else(|| {
            Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{}\" does not exist", names.join(".")))
        })
    }

    fn of_name(&self, written: &TypeName) -> Result<DataType> {
        let path = self.planning.settings.schemas_searched();
        let error = match type_name::resolve(written, self.catalog(), path) {
            Ok(resolved) => return self.known(resolved.oid, resolved.typmod),
            Err(error) if error.code() == SqlState::UNDEFINED_OBJECT => error,
            Err(error) => return Err(error),
        };
        match self.relation(&written.names) {
            Ok(relation) if has_rows(relation) && written.array_bounds.is_empty() => {
                self.known(row_type_oid(relation), -1)
            }
            _ => Err(error),
        }
    }

    fn known(&self, oid: Oid, typmod: i32) -> Result<DataType> {
        data_type(self.catalog(), oid, typmod).ok_or_else(|| Error::internal(format!("no type {oid}")))
    }
}

fn has_rows(relation: &Relation) -> bool {
    row_type_oid(relation) != Oid::INVALID
}

impl Types for CatalogTypes<'_> {
    fn named(&mut self, written: &str) -> Result<DataType> {
        self.of_name(&parse::type_name(written)?)
    }

    fn of_column(&mut self, names: &[String]) -> Result<Option<DataType>> {
        let Some((column, table)) = names.split_last() else { return Ok(None) };
        let Ok(relation) = self.relation(table) else { return Ok(None) };
        match relation.column(column) {
            Some(column) => self.known(column.type_oid, column.typmod).map(Some),
            None => Ok(None),
        }
    }

    fn of_row(&mut self, names: &[String]) -> Result<DataType> {
        let relation = self.relation(names)?;
        match has_rows(relation) {
            true => self.known(row_type_oid(relation), -1),
            false => {
                let message = format!("relation \"{}\" does not have a composite type", names.join("."));
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
            }
        }
    }

    fn by_oid(&mut self, oid: Oid, typmod: i32) -> Result<DataType> {
        self.known(oid, typmod)
    }

    fn columns(&mut self, composite: Oid) -> Result<Arc<[Column]>> {
        row_columns(self.catalog(), composite).ok_or_else(|| Error::internal("a composite type without columns"))
    }

    fn display(&mut self, data_type: &DataType) -> String {
        let search_path = self.planning.settings.search_path();
        let names = Names { catalog: self.catalog(), search_path: &search_path };
        names.format_type(data_type.oid, Some(data_type.typmod))
    }

    fn collation(&mut self, names: &[String]) -> Result<()> {
        let search_path = self.planning.settings.search_path();
        let missing = || {
            let message = format!("collation \"{}\" for encoding \"UTF8\" does not exist", names.join("."));
            Error::new(SqlState::UNDEFINED_OBJECT, message)
        };
        self.catalog().find_collation(names, &search_path).map(|_| ()).ok_or_else(missing)
    }

    fn is_collatable(&mut self, data_type: &DataType) -> bool {
        let scalar = data_type.repr.array_of.unwrap_or(data_type.oid);
        matches!(scalar, Oid::TEXT | Oid::VARCHAR | Oid::BPCHAR | Oid::NAME)
            || matches!(data_type.kind, TypeKind::Domain) && data_type.repr.scalar == Scalar::Text
    }
}
