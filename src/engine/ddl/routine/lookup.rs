//! Which function a statement means: `f(int, text)`, or `f` alone if there is but one.
//!
//! Specification: LookupFuncWithArgs in parse_func.c.

use std::sync::Arc;

use super::{Change, given, mode_of, routine_name};
use crate::catalog::routines::{ParameterMode, Routine};
use crate::catalog::tables::procs;
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{DataType, Name, ObjectType, ObjectWithArgs};
use crate::types::pg_type::Oid;

impl Change<'_> {
    /// The routine that a statement names.
    pub(in crate::engine::ddl) fn named_routine(
        &mut self,
        kind: ObjectType,
        object: &ObjectWithArgs,
    ) -> Result<Arc<Routine>> {
        let name = routine_name(&object.name)?;
        if let Some(schema) = &name.schema {
            self.existing_schema(schema)?;
        }
        let schemas: Vec<String> = match &name.schema {
            Some(schema) => vec![schema.clone()],
            None => self.search_path.clone(),
        };
        let wanted = |routine: &&Arc<Routine>| match kind {
            ObjectType::Function => !routine.is_procedure(),
            ObjectType::Procedure => routine.is_procedure(),
            ObjectType::Aggregate => routine.is_aggregate(),
            _ => true,
        };
        if object.args_unspecified {
            let all: Vec<&Arc<Routine>> =
                schemas.iter().flat_map(|schema| self.catalog.routines_in(schema, &name.name)).filter(wanted).collect();
            return match all.as_slice() {
                [only] => Ok(Arc::clone(only)),
                [] => Err(self.none_named(kind, &name.to_string())),
                _ => {
                    let noun = words(kind);
                    let message = format!("{noun} name \"{name}\" is not unique");
                    Err(Error::new(SqlState::AMBIGUOUS_FUNCTION, message)
                        .with_hint(format!("Specify the argument list to select the {noun} unambiguously.")))
                }
            };
        }
        let mut types = Vec::new();
        for parameter in given(&object.parameters) {
            types.push(self.routine_type(&parameter.type_name)?);
        }
        let with_inputs = schemas.iter().find_map(|schema| self.catalog.routine(schema, &name.name, &types)).cloned();
        let found = match (with_inputs, kind) {
            (Some(found), _) => Some(found),
            (None, ObjectType::Procedure | ObjectType::Routine) => {
                self.procedure_called(&schemas, &name.name, object)?
            }
            (None, _) => None,
        };
        match found {
            Some(found) if wanted(&&found) => Ok(found),
            Some(found) if kind == ObjectType::Aggregate => {
                let message = format!("function {} is not an aggregate", self.listed_signature(&found, ", "));
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
            }
            Some(found) => {
                let noun = if kind == ObjectType::Procedure { "procedure" } else { "function" };
                let message = format!("{} is not a {noun}", self.listed_signature(&found, ", "));
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
            }
            None if kind == ObjectType::Aggregate && is_own_function(&name, &types) => {
                let types: Vec<String> = types.iter().map(|oid| self.shown_type(*oid)).collect();
                let message = format!("function {}({}) is not an aggregate", name.name, types.join(", "));
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
            }
            None => {
                let mut types: Vec<String> = types.iter().map(|oid| self.shown_type(*oid)).collect();
                if types.is_empty() && kind == ObjectType::Aggregate {
                    types.push("*".to_owned());
                }
                let message = format!("{} {name}({}) does not exist", words(kind), types.join(", "));
                Err(Error::new(SqlState::UNDEFINED_FUNCTION, message))
            }
        }
    }

    /// A procedure by all that CALL gives an argument for, where no modes are written.
    fn procedure_called(
        &mut self,
        schemas: &[String],
        name: &str,
        object: &ObjectWithArgs,
    ) -> Result<Option<Arc<Routine>>> {
        let mut types: Vec<(Oid, ParameterMode)> = Vec::new();
        for parameter in &object.parameters {
            types.push((self.routine_type(&parameter.type_name)?, mode_of(parameter.mode)));
        }
        let fits = |routine: &&Arc<Routine>| {
            let called: Vec<Oid> = routine.called_with().map(|parameter| parameter.type_oid).collect();
            routine.is_procedure() && called.iter().eq(types.iter().map(|(oid, _)| oid))
        };
        let mut all = schemas.iter().flat_map(|schema| self.catalog.routines_in(schema, name));
        Ok(all.find(fits).cloned())
    }

    fn none_named(&self, kind: ObjectType, name: &str) -> Error {
        let message = match kind {
            ObjectType::Function => format!("could not find a function named \"{name}\""),
            ObjectType::Procedure => format!("could not find a procedure named \"{name}\""),
            _ => format!("could not find a routine named \"{name}\""),
        };
        Error::new(SqlState::UNDEFINED_FUNCTION, message)
    }

    /// What DROP … IF EXISTS says is missing.
    pub(super) fn missing_routine(&self, kind: ObjectType, object: &ObjectWithArgs, error: &Error) -> String {
        if error.code() != SqlState::UNDEFINED_FUNCTION {
            return error.message().to_owned();
        }
        let name = object.name.join(".");
        let types: Vec<String> = given(&object.parameters).map(|parameter| written(&parameter.type_name)).collect();
        format!("{} {name}({}) does not exist", words(kind), types.join(","))
    }

    /// As messages list it: `f(integer,text)`.
    pub(in crate::engine::ddl) fn routine_signature(&self, routine: &Routine) -> String {
        self.listed_signature(routine, ",")
    }

    pub(super) fn listed_signature(&self, routine: &Routine, separator: &str) -> String {
        let types: Vec<String> = routine.input_types().into_iter().map(|oid| self.shown_type(oid)).collect();
        let visible = self
            .search_path
            .iter()
            .find_map(|schema| self.catalog.routine(schema, &routine.name, &routine.input_types()))
            .is_some_and(|found| found.oid == routine.oid);
        let name = crate::catalog::definitions::quote_identifier(&routine.name);
        match visible || routine.oid == Oid::INVALID || separator == ", " {
            true => format!("{name}({})", types.join(separator)),
            false => format!("{}.{name}({})", routine.schema, types.join(separator)),
        }
    }
}

/// Whether PostgreSQL has a function of that name for these types.
fn is_own_function(name: &Name, types: &[Oid]) -> bool {
    let mut named = procs::procs_named(&name.name).into_iter();
    name.schema.as_deref().is_none_or(|schema| schema == "pg_catalog")
        && named.any(|proc| proc.is_function() && proc.argument_types() == types)
}

/// TypeNameToString
pub(in crate::engine::ddl) fn written(type_name: &DataType) -> String {
    let array = if type_name.array_bounds.is_empty() { "" } else { "[]" };
    format!("{}{array}", type_name.names.join("."))
}

fn words(kind: ObjectType) -> &'static str {
    match kind {
        ObjectType::Procedure => "procedure",
        ObjectType::Routine => "routine",
        ObjectType::Aggregate => "aggregate",
        _ => "function",
    }
}
