//! Rows of information_schema's routines and parameters.
//!
//! Must not know: SQLite. Specification: infoschema-routines.html, infoschema-parameters.html; information_schema.sql.

use crate::catalog::composite::relation_of;
use crate::catalog::routines::{Body, Parameter, ParameterMode, Routine, Volatility};
use crate::catalog::tables::contents::View;
use crate::catalog::tables::information_columns::yes_or_no;
use crate::catalog::tables::rows::{Cell, Rows, row};
use crate::types::pg_type::{Oid, type_info};

fn sorted<'v>(view: &'v View<'_>) -> Vec<&'v Routine> {
    let mut routines: Vec<&Routine> = view.catalog.routines.values().map(AsRef::as_ref).collect();
    routines.sort_unstable_by_key(|routine| routine.oid);
    routines
}

/// data_type, and the schema and name of the type.
fn described(view: &View<'_>, oid: Oid) -> (String, String, String) {
    if let Some(info) = type_info(oid) {
        let shown = if info.is_array() { "ARRAY" } else { info.sql_name };
        return (shown.to_owned(), "pg_catalog".to_owned(), info.name.to_owned());
    }
    let user = |schema: &str, name: String| ("USER-DEFINED".to_owned(), schema.to_owned(), name);
    if let Some(found) = view.catalog.user_type(oid) {
        return match found.oid == oid {
            true => user(&found.schema, found.name.clone()),
            false => ("ARRAY".to_owned(), found.schema.clone(), format!("_{}", found.name)),
        };
    }
    match relation_of(view.catalog, oid) {
        Some((relation, _)) => user(&relation.schema, relation.name.clone()),
        None => user("pg_catalog", String::new()),
    }
}

/// routines.
pub fn routines(rows: &mut Rows, view: &View<'_>) {
    for routine in sorted(view) {
        let specific = format!("{}_{}", routine.name, routine.oid);
        let (data_type, schema, name) = match routine.is_procedure() {
            true => (None, None, None),
            false => {
                let (data_type, schema, name) = described(view, routine.returns);
                (Some(data_type), Some(schema), Some(name))
            }
        };
        let has_type = data_type.is_some();
        let (body, definition) = match &routine.body {
            Body::Parsed(_) => ("SQL", None),
            Body::Text(text) => ("EXTERNAL", Some(text.clone())),
        };
        row!(rows,
            specific_catalog: Cell::Database,
            specific_schema: &routine.schema,
            specific_name: specific,
            routine_catalog: Cell::Database,
            routine_schema: &routine.schema,
            routine_name: &routine.name,
            routine_type: if routine.is_procedure() { "PROCEDURE" } else { "FUNCTION" },
            data_type: data_type,
            type_udt_catalog: if has_type { Cell::Database } else { Cell::Null },
            type_udt_schema: schema,
            type_udt_name: name,
            dtd_identifier: has_type.then_some("0"),
            routine_body: body,
            routine_definition: definition,
            external_language: routine.language.name().to_uppercase(),
            parameter_style: "GENERAL",
            is_deterministic: yes_or_no(routine.volatility == Volatility::Immutable),
            sql_data_access: "MODIFIES",
            is_null_call: (!routine.is_procedure()).then(|| yes_or_no(routine.strict)),
            schema_level_routine: "YES",
            max_dynamic_result_sets: 0,
            security_type: if routine.security_definer { "DEFINER" } else { "INVOKER" },
            as_locator: "NO",
            is_udt_dependent: "NO",
        );
    }
}

/// parameters.
pub fn parameters(rows: &mut Rows, view: &View<'_>) {
    for routine in sorted(view) {
        for (parameter, number) in routine.parameters.iter().zip(1..) {
            parameter_row(rows, view, routine, (parameter, number));
        }
    }
}

fn parameter_row(rows: &mut Rows, view: &View<'_>, routine: &Routine, (parameter, number): (&Parameter, i64)) {
    let (data_type, schema, name) = described(view, parameter.type_oid);
    row!(rows,
        specific_catalog: Cell::Database,
        specific_schema: &routine.schema,
        specific_name: format!("{}_{}", routine.name, routine.oid),
        ordinal_position: number,
        parameter_mode: match parameter.mode {
            ParameterMode::In | ParameterMode::Variadic => "IN",
            ParameterMode::Out | ParameterMode::Table => "OUT",
            ParameterMode::InOut => "INOUT",
        },
        is_result: "NO",
        as_locator: "NO",
        parameter_name: Some(&parameter.name).filter(|name| !name.is_empty()),
        data_type: data_type,
        udt_catalog: Cell::Database,
        udt_schema: schema,
        udt_name: name,
        dtd_identifier: number.to_string(),
        parameter_default: parameter.default.as_ref(),
    );
}
