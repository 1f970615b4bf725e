//! What CREATE FUNCTION says of a body (check_function_bodies), and what it learns of it.
//!
//! Owns: [`validate`]. Specification: plpgsql_validator in pl_handler.c, fmgr_sql_validator in pg_proc.c.

use crate::catalog::routines::{Body, Effects, Language, Routine, is_polymorphic};
use crate::catalog::schema::Uses;
use crate::engine::routines::effects::effects;
use crate::engine::routines::signature::{CallTypes, signature};
use crate::engine::routines::sql_body::SqlBody;
use crate::engine::routines::types::CatalogTypes;
use crate::error::{Error, Notice, Result, Severity, SqlState};
use crate::plpgsql::compile::compile;
use crate::plpgsql::function::{ExtraCheck, Options, VariableConflict};
use crate::settings::Settings;
use crate::settings::variable::parse_boolean;
use crate::sql::planner::PlanContext;
use crate::types::pg_type::{Oid, type_info};

/// The settings that bodies are compiled under.
pub(super) fn options(settings: &Settings, check_syntax: bool) -> Options {
    let setting = |name: &str| settings.current(name).unwrap_or_default();
    Options {
        variable_conflict: match setting("plpgsql.variable_conflict").as_str() {
            "use_variable" => VariableConflict::UseVariable,
            "use_column" => VariableConflict::UseColumn,
            _ => VariableConflict::Error,
        },
        print_strict_params: is_on(&setting("plpgsql.print_strict_params")),
        check_syntax,
        shadowed_variables: None,
    }
}

/// A setting that is a boolean; the language's own are kept as they were written.
pub(super) fn is_on(value: &str) -> bool {
    parse_boolean(value).unwrap_or(false)
}

/// Checks a body if it is to be checked.
pub(crate) fn validate(
    routine: &Routine,
    planning: PlanContext<'_>,
    checks: bool,
    notices: &mut Vec<Notice>,
) -> Result<Effects> {
    let unknown = || Effects { writes: true, calls: Vec::new() };
    match (routine.language, &routine.body) {
        (Language::PlPgSql, Body::Text(body)) => {
            check_pseudo(routine)?;
            let path = planning.settings.search_path();
            let signature = signature(routine, &CallTypes::default(), planning.catalog, &path)?;
            let mut types = CatalogTypes { planning };
            let setting = |name: &str| planning.settings.current(name);
            let (warnings, errors) = (setting("plpgsql.extra_warnings"), setting("plpgsql.extra_errors"));
            let shadowed_variables = ExtraCheck::ShadowedVariables.severity(warnings, errors).filter(|_| checks);
            let options = Options { shadowed_variables, ..options(planning.settings, checks) };
            match compile(body, signature, options, &mut types) {
                Ok(function) => {
                    let warning = |error: &Error| Notice { severity: Severity::Warning, ..error.fields().clone() };
                    notices.extend(function.warnings.iter().map(warning));
                    Ok(effects(function.texts().iter().map(String::as_str), function.is_dynamic()))
                }
                Err(error) if checks => Err(error),
                Err(_) => Ok(unknown()),
            }
        }
        (Language::PlPgSql, Body::Parsed(_)) => Err(Error::internal("a parsed body of another language")),
        (Language::Internal, _) => Ok(Effects::default()),
        (Language::Sql, _) => {
            let kind = type_info(routine.returns).map_or(0, |info| info.kind);
            let is_allowed = matches!(routine.returns, Oid::RECORD | Oid::VOID) || is_polymorphic(routine.returns);
            if checks && kind == b'p' && !is_allowed {
                let message = format!("SQL functions cannot return type {}", planning.type_name(routine.returns));
                return Err(Error::new(SqlState::INVALID_FUNCTION_DEFINITION, message));
            }
            let body = match SqlBody::new(routine, &CallTypes::default(), planning) {
                Err(_) if !checks => return Ok(unknown()),
                body => body?,
            };
            let is_polymorphic = routine.parameters.iter().any(|parameter| is_polymorphic(parameter.type_oid));
            if checks && !is_polymorphic {
                let line = format!("SQL function \"{}\"", routine.name);
                let place = |error: Error| match error.fields().position {
                    Some(_) => located(error, &body, routine),
                    None => error.within(&line),
                };
                body.check(planning).map_err(place)?;
            }
            Ok(effects(body.statements().iter().map(String::as_str), false))
        }
    }
}

/// An error in a statement is one in the body.
fn located(error: Error, body: &SqlBody, routine: &Routine) -> Error {
    let (Some(position), Body::Text(text)) = (error.fields().position, &routine.body) else { return error };
    // The first statement that the position can be in; where it is not the first, it is not shown.
    match body.statements() {
        [only] => {
            let before = text.find(only.as_str()).and_then(|at| text.get(..at)).map_or(0, |t| t.chars().count());
            error.with_internal_position(position + before as u32, text.as_str())
        }
        _ => error,
    }
}

/// What a body refers to that is kept as it was read (RETURN, BEGIN ATOMIC).
pub(crate) fn uses(routine: &Routine, planning: PlanContext<'_>) -> Result<Uses> {
    match &routine.body {
        Body::Parsed(_) => SqlBody::new(routine, &CallTypes::default(), planning)?.uses(planning),
        Body::Text(_) => Ok(Uses::default()),
    }
}

/// Types that PL/pgSQL has no values of (plpgsql_validator).
fn check_pseudo(routine: &Routine) -> Result<()> {
    let refused =
        |oid: Oid| type_info(oid).is_some_and(|info| info.kind == b'p') && oid != Oid::RECORD && !is_polymorphic(oid);
    let name = |oid: Oid| type_info(oid).map_or("", |info| info.sql_name);
    let allowed = |oid: Oid| oid == Oid::VOID || oid == Oid::TRIGGER || oid == Oid(3838);
    if refused(routine.returns) && !allowed(routine.returns) {
        let message = format!("PL/pgSQL functions cannot return type {}", name(routine.returns));
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    }
    match routine.parameters.iter().find(|parameter| refused(parameter.type_oid)) {
        Some(parameter) => {
            let message = format!("PL/pgSQL functions cannot accept type {}", name(parameter.type_oid));
            Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
        }
        None => Ok(()),
    }
}
