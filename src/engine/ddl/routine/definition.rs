//! The attributes of CREATE AGGREGATE, OPERATOR and TYPE: what their values are taken for.
//!
//! Specification: define.c.

use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::DataType;
use crate::sql::syntax::ast::definition::{DefArg, DefElem};

/// defGetQualifiedName
pub(in crate::engine::ddl) fn qualified_name(option: &DefElem) -> Result<Vec<String>> {
    match &option.arg {
        Some(DefArg::TypeName(type_name)) => Ok(type_name.names.clone()),
        Some(DefArg::Operator(name) | DefArg::Name(name)) => Ok(name.clone()),
        Some(DefArg::String(text)) => Ok(vec![text.clone()]),
        None => Err(needs_parameter(option)),
        Some(_) => Err(Error::new(SqlState::SYNTAX_ERROR, format!("argument of {} must be a name", option.name))),
    }
}

/// defGetTypeName
pub(in crate::engine::ddl) fn type_name(option: &DefElem) -> Result<DataType> {
    match &option.arg {
        Some(DefArg::TypeName(type_name)) => Ok(type_name.clone()),
        Some(DefArg::String(text)) => Ok(DataType { names: vec![text.clone()], ..DataType::default() }),
        None => Err(needs_parameter(option)),
        Some(_) => Err(Error::new(SqlState::SYNTAX_ERROR, format!("argument of {} must be a type name", option.name))),
    }
}

/// defGetBoolean
pub(in crate::engine::ddl) fn boolean(option: &DefElem) -> Result<bool> {
    let word = match &option.arg {
        None => return Ok(true),
        Some(DefArg::Boolean(value)) => return Ok(*value),
        Some(DefArg::Integer(0)) => return Ok(false),
        Some(DefArg::Integer(1)) => return Ok(true),
        Some(DefArg::String(text)) => text.to_lowercase(),
        Some(DefArg::TypeName(type_name)) => type_name.names.join(".").to_lowercase(),
        Some(_) => String::new(),
    };
    match word.as_str() {
        "true" | "on" => Ok(true),
        "false" | "off" => Ok(false),
        _ => Err(Error::new(SqlState::SYNTAX_ERROR, format!("{} requires a Boolean value", option.name))),
    }
}

/// defGetString
pub(in crate::engine::ddl) fn string(option: &DefElem) -> Result<String> {
    Ok(match &option.arg {
        None => return Err(needs_parameter(option)),
        Some(DefArg::Integer(number)) => number.to_string(),
        Some(DefArg::Float(text) | DefArg::String(text)) => text.clone(),
        Some(DefArg::Boolean(value)) => value.to_string(),
        Some(DefArg::TypeName(type_name)) => type_name.names.join("."),
        Some(DefArg::Operator(name) | DefArg::Name(name)) => name.join("."),
        Some(_) => return Err(Error::internal("a text that is none")),
    })
}

/// defGetInt32
pub(in crate::engine::ddl) fn integer(option: &DefElem) -> Result<i32> {
    match &option.arg {
        Some(DefArg::Integer(number)) => Ok(*number),
        None => Err(needs_parameter(option)),
        Some(_) => Err(Error::new(SqlState::SYNTAX_ERROR, format!("{} requires an integer value", option.name))),
    }
}

fn needs_parameter(option: &DefElem) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, format!("{} requires a parameter", option.name))
}
