//! Options of definitions: sequences' settings, storage parameters, collations.
//!
//! Owns: [`Definer::sequence_settings`], [`Definer::check_storage_parameters`], [`Definer::check_collation`].
//! Specification: sql-createsequence.html, sql-createtable.html#SQL-CREATETABLE-STORAGE-PARAMETERS.

use super::Definer;
use crate::catalog::tables::recorded::{Recording, recording};
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{Name, SequenceSettings};
use crate::sql::syntax::ast::definition::{DefArg, DefElem};
use crate::sql::syntax::ast::location::Location;

/// The storage parameters of a table (reloptions.c).
const TABLE_PARAMETERS: &[&str] = &[
    "fillfactor",
    "toast_tuple_target",
    "parallel_workers",
    "user_catalog_table",
    "log_autovacuum_min_duration",
    "vacuum_index_cleanup",
    "vacuum_truncate",
    "autovacuum_enabled",
    "autovacuum_vacuum_threshold",
    "autovacuum_vacuum_insert_threshold",
    "autovacuum_analyze_threshold",
    "autovacuum_vacuum_cost_limit",
    "autovacuum_vacuum_cost_delay",
    "autovacuum_vacuum_scale_factor",
    "autovacuum_vacuum_insert_scale_factor",
    "autovacuum_analyze_scale_factor",
    "autovacuum_freeze_min_age",
    "autovacuum_freeze_max_age",
    "autovacuum_freeze_table_age",
    "autovacuum_multixact_freeze_min_age",
    "autovacuum_multixact_freeze_max_age",
    "autovacuum_multixact_freeze_table_age",
];

impl Definer<'_> {
    /// The options of CREATE SEQUENCE, ALTER SEQUENCE and identity columns, in any order, none twice.
    pub(super) fn sequence_settings(self, options: &[DefElem]) -> Result<SequenceSettings> {
        let mut settings = SequenceSettings::default();
        for (index, option) in options.iter().enumerate() {
            if options.iter().take(index).any(|other| other.name == option.name) {
                return Err(self.syntax_error("conflicting or redundant options", option.location));
            }
            self.sequence_setting(option, &mut settings)?;
        }
        Ok(settings)
    }

    fn sequence_setting(self, option: &DefElem, settings: &mut SequenceSettings) -> Result<()> {
        let number = || option.arg.as_ref().map(number).transpose();
        match (option.name.as_str(), &option.arg) {
            ("sequence_name", Some(DefArg::Name(name))) => settings.name = Some(self.name(name)?),
            ("as", Some(DefArg::TypeName(type_name))) => settings.data_type = Some(type_name.clone()),
            ("increment", _) => settings.increment = number()?,
            ("minvalue", _) => settings.min = Some(number()?),
            ("maxvalue", _) => settings.max = Some(number()?),
            ("start", _) => settings.start = number()?,
            ("restart", _) => settings.restart = Some(number()?),
            ("cache", _) => settings.cache = number()?,
            ("cycle", Some(DefArg::Boolean(cycle))) => settings.cycle = Some(*cycle),
            ("owned_by", Some(DefArg::Name(name))) => settings.owned_by = Some(self.owner(name)?),
            // Whether a sequence is logged makes no difference here.
            ("logged" | "unlogged", _) => {}
            (other, _) => {
                return Err(self.syntax_error(format!("option \"{other}\" not recognized"), option.location));
            }
        }
        Ok(())
    }

    /// OWNED BY [schema.]table.column, or NONE.
    fn owner(self, name: &[String]) -> Result<Option<(Name, String)>> {
        match name {
            [none] if none == "none" => Ok(None),
            [_] | [] => Err(Error::new(SqlState::SYNTAX_ERROR, "invalid OWNED BY option")
                .with_hint("Specify OWNED BY table.column or OWNED BY NONE.")),
            [table @ .., column] => Ok(Some((self.name(table)?, column.clone()))),
        }
    }

    /// A table's WITH (…): 22023 for a parameter that there is not. Those that there are have no effect here.
    pub(super) fn check_storage_parameters(self, options: &[DefElem]) -> Result<()> {
        for option in options {
            match (option.namespace.as_deref(), option.name.as_str()) {
                (None, "oids") => {
                    let on = !matches!(&option.arg, Some(DefArg::String(value)) if value == "false")
                        && !matches!(&option.arg, Some(DefArg::TypeName(t)) if t.names == ["false"]);
                    if on {
                        let message = "tables declared WITH OIDS are not supported";
                        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
                    }
                }
                (None | Some("toast"), name) if TABLE_PARAMETERS.contains(&name) => {}
                (Some(namespace), _) if namespace != "toast" => {
                    let message = format!("unrecognized parameter namespace \"{namespace}\"");
                    return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
                }
                (_, name) => {
                    let message = format!("unrecognized parameter \"{name}\"");
                    return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
                }
            }
        }
        Ok(())
    }

    /// COLLATE name: every collation there is orders by bytes.
    pub(super) fn check_collation(self, name: &[String], location: Location) -> Result<()> {
        let name = self.name(name)?;
        let mut known = Recording::new(recording!("pg_collation")).lines();
        if known.any(|line| line.text("collname") == name.name) {
            return Ok(());
        }
        let message = format!("collation \"{name}\" for encoding \"UTF8\" does not exist");
        Err(self.at(Error::new(SqlState::UNDEFINED_OBJECT, message), location))
    }
}

/// An option's number (defGetInt64).
fn number(arg: &DefArg) -> Result<i64> {
    match arg {
        DefArg::Integer(number) => Ok(i64::from(*number)),
        DefArg::Float(text) => text.parse().map_err(|_| {
            let message = match text.contains(['.', 'e', 'E']) {
                true => format!("invalid input syntax for type bigint: \"{text}\""),
                false => format!("value \"{text}\" is out of range for type bigint"),
            };
            let code = match text.contains(['.', 'e', 'E']) {
                true => SqlState::INVALID_TEXT_REPRESENTATION,
                false => SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
            };
            Error::new(code, message)
        }),
        _ => Err(Error::internal("a number that is none")),
    }
}
