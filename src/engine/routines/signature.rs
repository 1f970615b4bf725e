//! A routine as PL/pgSQL knows it, for a call with certain types.
//!
//! Owns: [`signature`], [`CallTypes`], the columns of what a routine returns.

use std::sync::Arc;

use crate::catalog::definitions::{Names, quote_identifier};
use crate::catalog::routines::{self, Routine, is_polymorphic};
use crate::catalog::schema::CatalogSnapshot;
use crate::engine::routines::types::{data_type, row_columns};
use crate::error::{Error, Result};
use crate::plpgsql::function::{Parameter, ParameterMode, RoutineKind, Signature};
use crate::plpgsql::value::{Column, DataType, TypeKind};
use crate::types::pg_type::Oid;

/// The types of a call, where they are not those declared: of all parameters, and of the result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct CallTypes {
    pub parameters: Vec<Oid>,
    pub returns: Option<Oid>,
}

/// What a polymorphic type is taken for when a function is only looked at (plpgsql_resolve_polymorphic_argtypes).
fn sample(oid: Oid) -> Oid {
    match oid.0 {
        2277 | 5078 => Oid::INT4_ARRAY,
        3831 | 5080 => Oid(3904),
        4537 | 4538 => Oid(4451),
        _ => Oid::INT4,
    }
}

fn actual(declared: Oid, given: Option<Oid>) -> Oid {
    match is_polymorphic(declared) {
        true => given.unwrap_or_else(|| sample(declared)),
        false => declared,
    }
}

/// `f(integer,text)`, as CONTEXT names it.
pub(crate) fn display(routine: &Routine, catalog: &CatalogSnapshot, search_path: &[String]) -> String {
    let names = Names { catalog, search_path };
    let types: Vec<String> = routine.called_with().map(|p| names.format_type(p.type_oid, None)).collect();
    let inputs: Vec<Oid> = routine.input_types();
    let found = search_path.iter().find_map(|schema| catalog.routine(schema, &routine.name, &inputs));
    let name = quote_identifier(&routine.name);
    match found.is_some_and(|found| found.oid == routine.oid) {
        true => format!("{name}({})", types.join(",")),
        false => format!("{}.{name}({})", quote_identifier(&routine.schema), types.join(",")),
    }
}

/// The signature in a call with these types.
pub(crate) fn signature(
    routine: &Routine,
    types: &CallTypes,
    catalog: &CatalogSnapshot,
    search_path: &[String],
) -> Result<Signature> {
    let known = |oid: Oid| data_type(catalog, oid, -1).ok_or_else(|| Error::internal(format!("no type {oid}")));
    let mut parameters = Vec::with_capacity(routine.parameters.len());
    for (index, parameter) in routine.parameters.iter().enumerate() {
        parameters.push(Parameter {
            name: Some(parameter.name.clone()).filter(|name| !name.is_empty()),
            mode: match parameter.mode {
                routines::ParameterMode::In | routines::ParameterMode::Variadic => ParameterMode::In,
                routines::ParameterMode::Out => ParameterMode::Out,
                routines::ParameterMode::InOut => ParameterMode::InOut,
                routines::ParameterMode::Table => ParameterMode::Table,
            },
            data_type: known(actual(parameter.type_oid, types.parameters.get(index).copied()))?,
        });
    }
    let kind = match routine.returns {
        _ if routine.is_procedure() => RoutineKind::Procedure,
        oid if oid == DataType::TRIGGER.oid => RoutineKind::Trigger,
        oid if oid == DataType::EVENT_TRIGGER.oid => RoutineKind::EventTrigger,
        _ => RoutineKind::Function,
    };
    Ok(Signature {
        name: routine.name.clone(),
        display: display(routine, catalog, search_path),
        kind,
        parameters,
        returns: known(actual(routine.returns, types.returns))?,
        returns_set: routine.returns_set,
        returns_polymorphic: is_polymorphic(routine.returns),
    })
}

/// The columns of the rows that it returns, as far as its signature says: of a scalar, one. `None` for a `record`.
pub(crate) fn result_columns(signature: &Signature, catalog: &CatalogSnapshot) -> Option<Arc<[Column]>> {
    let outputs: Vec<&Parameter> = signature.parameters.iter().filter(|p| p.mode != ParameterMode::In).collect();
    match (outputs.as_slice(), signature.returns.kind) {
        ([], TypeKind::Record) => None,
        ([], TypeKind::Composite) => row_columns(catalog, signature.returns.oid),
        ([], _) => Some(Arc::from([Column::new(signature.name.clone(), signature.returns)])),
        ([only], _) if only.data_type.kind == TypeKind::Record => None,
        ([only], kind) if kind != TypeKind::Record => {
            let name = only.name.clone().unwrap_or_else(|| signature.name.clone());
            Some(Arc::from([Column::new(name, only.data_type)]))
        }
        (outputs, _) => {
            let column = |(index, output): (usize, &&Parameter)| {
                let name = output.name.clone().unwrap_or_else(|| format!("column{}", index + 1));
                Column::new(name, output.data_type)
            };
            Some(outputs.iter().enumerate().map(column).collect())
        }
    }
}
