//! Columns from their definitions: type, serial and identity with their sequences, defaults, generated columns.

use super::Change;
use super::naming;
use crate::catalog::definitions::nextval_text;
use crate::catalog::schema::{Column, ColumnOptions, Identity, Relation};
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::type_name::{self, ResolvedType};
use crate::sql::ddl::{CollateName, ColumnDefinition, DataType, Expr, IdentityDefinition, SequenceSettings};
use crate::types::pg_type::{Oid, type_info};

/// A sequence that a new column wants, made once the table has its OID.
pub(super) struct WantedSequence {
    pub(super) column: String,
    pub(super) type_oid: Oid,
    pub(super) settings: SequenceSettings,
}

impl Change<'_> {
    pub(super) fn resolve_type(&self, data_type: &DataType) -> Result<ResolvedType> {
        type_name::resolve(data_type, &self.catalog, &self.search_path)
    }

    /// COLLATE of a column: 42704 if there is none such, 42804 for a type that has none. The type's own is not kept.
    pub(super) fn column_collation(&self, collation: Option<&CollateName>, type_oid: Oid) -> Result<Option<String>> {
        let Some(written) = collation else { return Ok(None) };
        let at = |error: Error| match written.place {
            Some(place) => error.with_position(place),
            None => error,
        };
        let Some(oid) = self.catalog.find_collation(&written.names, &self.search_path) else {
            let name = written.names.join(".");
            let message = format!("collation \"{name}\" for encoding \"UTF8\" does not exist");
            return Err(at(Error::new(SqlState::UNDEFINED_OBJECT, message)));
        };
        if type_info(self.base_type(type_oid)).is_some_and(|info| info.collation == Oid::INVALID) {
            let message = format!("collations are not supported by type {}", self.type_display(type_oid));
            return Err(at(Error::new(SqlState::DATATYPE_MISMATCH, message)));
        }
        Ok(Some(oid)
            .filter(|oid| *oid != self.catalog.type_collation(type_oid))
            .map(|oid| self.catalog.kept_collation(oid)))
    }

    /// A column from its definition, without its default and constraints; and the sequence it needs.
    pub(super) fn new_column(
        &self,
        definition: &ColumnDefinition,
        number: i16,
    ) -> Result<(Column, Option<WantedSequence>)> {
        let serial = type_name::serial(&definition.data_type);
        let resolved = match serial {
            Some(oid) => {
                let info = type_info(oid).ok_or_else(|| Error::internal("serial type"))?;
                ResolvedType { oid, typmod: -1, repr: info.repr }
            }
            None => self.resolve_type(&definition.data_type)?,
        };
        if type_info(resolved.oid).is_some_and(|t| t.kind == b'p') {
            let type_name = self.type_display(resolved.oid);
            let message = format!("column \"{}\" has pseudo-type {type_name}", definition.name);
            return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
        }
        let identity = definition.identity.as_ref();
        let mut column = Column {
            number,
            name: definition.name.clone(),
            type_oid: resolved.oid,
            typmod: resolved.typmod,
            repr: resolved.repr,
            not_null: definition.not_null || serial.is_some() || identity.is_some(),
            default: None,
            identity: identity.map(identity_kind),
            generated: definition.generated.is_some(),
            rowid_alias: false,
            options: ColumnOptions {
                collation: self.column_collation(definition.collation.as_ref(), resolved.oid)?,
                ..ColumnOptions::default()
            },
        };
        self.set_compression(&mut column, definition.compression.as_deref())?;
        let wanted = match (serial, identity) {
            (Some(_), Some(_)) => {
                let message = "both default and identity specified for column";
                return Err(Error::new(SqlState::SYNTAX_ERROR, format!("{message} \"{}\"", definition.name)));
            }
            (Some(type_oid), None) => {
                Some(WantedSequence { column: column.name.clone(), type_oid, settings: SequenceSettings::default() })
            }
            (None, Some(identity)) => {
                check_identity_type(resolved.oid)?;
                Some(WantedSequence {
                    column: column.name.clone(),
                    type_oid: resolved.oid,
                    settings: identity.settings.clone(),
                })
            }
            (None, None) => None,
        };
        Ok((column, wanted))
    }

    /// Gives columns their defaults and generation expressions, once all columns of the table are known.
    pub(super) fn set_expressions(&self, relation: &mut Relation, definitions: &[&ColumnDefinition]) -> Result<()> {
        for definition in definitions {
            if let Some(default) = &definition.default {
                if definition.identity.is_some() || definition.generated.is_some() {
                    let what = if definition.identity.is_some() { "identity" } else { "generation expression" };
                    let message = format!(
                        "both default and {what} specified for column \"{}\" of table \"{}\"",
                        definition.name, relation.name
                    );
                    return Err(Error::new(SqlState::SYNTAX_ERROR, message));
                }
                let text = self.default_text(relation, &definition.name, default)?;
                set_default(relation, &definition.name, text);
            }
            if let Some(generated) = &definition.generated {
                let text = self.generated_text(relation, &definition.name, generated)?;
                set_default(relation, &definition.name, Some(text));
            }
        }
        Ok(())
    }

    /// Makes a column's sequence and sets its default to the sequence's next value.
    pub(super) fn own_sequence(&mut self, relation: &mut Relation, wanted: WantedSequence) -> Result<()> {
        let column = relation.column(&wanted.column).ok_or_else(|| Error::internal("sequence's column"))?;
        let number = column.number;
        let name = match &wanted.settings.name {
            Some(name) => name.name.clone(),
            None => naming::free_name(&relation.name, Some(&wanted.column), "seq", |name| {
                self.catalog.relation(&relation.schema, name).is_some() || name == relation.name
            }),
        };
        let mut settings = wanted.settings;
        settings.unlogged = settings.unlogged.or(Some(relation.options.unlogged));
        let sequence = self.new_sequence(
            (relation.schema.clone(), name, relation.temporary),
            &settings,
            wanted.type_oid,
            Some((relation.oid, number)),
        )?;
        let text = nextval_text(&sequence);
        set_default(relation, &wanted.column, Some(text));
        Ok(())
    }

    /// A stored default's text: type-checked against the column, in PostgreSQL's spelling.
    pub(super) fn default_text(&self, relation: &Relation, column: &str, default: &Expr) -> Result<Option<String>> {
        let column = relation.column(column).ok_or_else(|| Error::internal("default's column"))?;
        self.default_expression(default, &column.name, (column.type_oid, column.typmod))
    }

    fn generated_text(&self, relation: &Relation, column: &str, expression: &Expr) -> Result<String> {
        let column = relation.column(column).ok_or_else(|| Error::internal("generated column"))?;
        for name in self.columns_of(expression, relation) {
            let used = relation.column(&name);
            if used.is_some_and(|c| c.generated) {
                let message = format!("cannot use generated column \"{name}\" in column generation expression");
                return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message)
                    .with_detail("A generated column cannot reference another generated column."));
            }
        }
        self.check_generated(expression, column, relation)?;
        Ok(self.deparse(expression, relation))
    }
}

pub(super) fn identity_kind(definition: &IdentityDefinition) -> Identity {
    if definition.always { Identity::Always } else { Identity::ByDefault }
}

pub(super) fn check_identity_type(oid: Oid) -> Result<()> {
    if [Oid::INT2, Oid::INT4, Oid::INT8].contains(&oid) {
        return Ok(());
    }
    let message = "identity column type must be smallint, integer, or bigint";
    Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
}

pub(super) fn set_default(relation: &mut Relation, column: &str, default: Option<String>) {
    if let Some(column) = relation.columns.iter_mut().find(|c| c.name == column) {
        column.default = default;
    }
}

/// 0A000 for a column whose type the same ALTER TABLE has changed already.
pub(super) fn refuse_second_type(before: &Relation, column: &Column) -> Result<()> {
    let of = |column: &Column| (column.type_oid, column.typmod, column.options.collation.clone());
    match before.column_by_number(column.number).is_some_and(|old| of(old) != of(column)) {
        false => Ok(()),
        true => {
            let message = format!("cannot alter type of column \"{}\" twice", column.name);
            Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
        }
    }
}
