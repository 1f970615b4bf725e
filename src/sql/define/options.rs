//! Options of definitions: sequences' settings, storage parameters, COLLATE.
//!
//! Owns: [`Definer::sequence_settings`], [`Definer::check_storage_parameters`], [`Definer::collation`].
//! Specification: sql-createsequence.html, sql-createtable.html#SQL-CREATETABLE-STORAGE-PARAMETERS.

use super::Definer;
use crate::catalog::tables::recorded::{Recording, recording};
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{CollateName, Name, Parameter, SequenceSettings};
use crate::sql::syntax::ast::definition::{DefArg, DefElem};
use crate::sql::syntax::ast::location::Location;

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
            ("logged", _) => settings.unlogged = Some(false),
            ("unlogged", _) => settings.unlogged = Some(true),
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

    /// A table's WITH (…), without the OIDS of old, which can only be off.
    pub(super) fn table_parameters(self, options: &[DefElem]) -> Result<Vec<Parameter>> {
        let (oids, others): (Vec<DefElem>, Vec<DefElem>) =
            options.iter().cloned().partition(|option| option.namespace.is_none() && option.name == "oids");
        for parameter in parameters(&oids)? {
            if parameter.value.as_deref() != Some("false") {
                let message = "tables declared WITH OIDS are not supported";
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
        }
        parameters(&others)
    }

    /// COLLATE name
    pub(super) fn collation(self, name: &[String], location: Location) -> CollateName {
        CollateName { names: name.to_vec(), place: self.place(location) }
    }
}

/// 42704 unless there is such an access method for tables.
pub(super) fn check_access_method(name: Option<&String>) -> Result<()> {
    match name.filter(|name| *name != "heap") {
        None => Ok(()),
        Some(name) => {
            let mut known = Recording::new(recording!("pg_am")).lines();
            Err(match known.any(|line| line.text("amname") == *name) {
                true => {
                    let message = format!("access method \"{name}\" is not of type TABLE");
                    Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                }
                false => {
                    let message = format!("access method \"{name}\" does not exist");
                    Error::new(SqlState::UNDEFINED_OBJECT, message)
                }
            })
        }
    }
}

/// 42704 unless there is such a tablespace: there is but one.
pub(super) fn check_tablespace(name: Option<&String>) -> Result<()> {
    match name.map(String::as_str) {
        None | Some("pg_default" | "") => Ok(()),
        Some("pg_global") => {
            let message = "only shared relations can be placed in pg_global tablespace";
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
        }
        Some(name) => {
            let message = format!("tablespace \"{name}\" does not exist");
            Err(Error::new(SqlState::UNDEFINED_OBJECT, message))
        }
    }
}

/// Storage parameters, as the catalog keeps them: their values as text (defGetString).
pub(super) fn parameters(options: &[DefElem]) -> Result<Vec<Parameter>> {
    options.iter().map(parameter).collect()
}

/// The options that operator classes have: how large and how many the signatures in an index page are. There are no
/// such pages here, so a right value is taken and changes nothing.
const CLASS_OPTIONS: &[(&str, &str, i64, i64)] = &[
    ("gist__int_ops", "numranges", 1, 252),
    ("gist__intbig_ops", "siglen", 1, 2024),
    ("gist__ltree_ops", "siglen", 1, 2024),
    ("gist_hstore_ops", "siglen", 1, 2024),
    ("gist_ltree_ops", "siglen", 4, 2024),
    ("gist_trgm_ops", "siglen", 1, 2024),
    ("tsvector_ops", "siglen", 1, 2024),
];

/// Refuses the options that an operator class does not have, and values out of bounds.
pub(super) fn check_class_options(class: &[String], options: &[DefElem]) -> Result<()> {
    let wrong = |message: String| Error::new(SqlState::INVALID_PARAMETER_VALUE, message);
    let name = class.last().map_or("", String::as_str);
    let known = CLASS_OPTIONS.iter().find(|(class, ..)| *class == name);
    for (at, option) in options.iter().enumerate() {
        let Some((_, known_option, least, most)) = known else {
            return Err(wrong(format!("operator class {name} has no options")));
        };
        if option.name != *known_option {
            return Err(wrong(format!("unrecognized parameter \"{}\"", option.name)));
        }
        if options.iter().take(at).any(|before| before.name == option.name) {
            return Err(wrong(format!("parameter \"{}\" specified more than once", option.name)));
        }
        let value = parameter(option)?.value.unwrap_or_default();
        let number: i64 = value
            .parse()
            .map_err(|_| wrong(format!("invalid value for integer option \"{}\": {value}", option.name)))?;
        if !(*least..=*most).contains(&number) {
            return Err(wrong(format!("value {value} out of bounds for option \"{}\"", option.name))
                .with_detail(format!("Valid values are between \"{least}\" and \"{most}\".")));
        }
    }
    Ok(())
}

fn parameter(option: &DefElem) -> Result<Parameter> {
    let value = match &option.arg {
        None => None,
        Some(DefArg::Integer(number)) => Some(number.to_string()),
        Some(DefArg::Float(text) | DefArg::String(text)) => Some(text.clone()),
        Some(DefArg::Boolean(value)) => Some(value.to_string()),
        Some(DefArg::TypeName(type_name)) => Some(type_name.names.join(".")),
        Some(_) => {
            let message = format!("invalid value for parameter \"{}\"", option.name);
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
    };
    Ok(Parameter { namespace: option.namespace.clone(), name: option.name.clone(), value })
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
