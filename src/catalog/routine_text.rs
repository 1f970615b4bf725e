//! Routines as PostgreSQL writes them: their arguments, results and definitions.
//!
//! Specification: pg_get_functiondef and print_function_arguments in ruleutils.c.

use crate::catalog::definitions::{Names, quote_identifier};
use crate::catalog::routines::{Body, Language, Parameter, ParameterMode, Routine, Volatility};
use crate::types::pg_type::Oid;

/// Which arguments are written, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arguments {
    /// pg_get_function_arguments
    WithDefaults,
    /// pg_get_function_identity_arguments
    Identity,
}

/// What a definition says besides that follows from no routine of a user's.
#[derive(Clone, Debug)]
pub struct Definition {
    pub language: &'static str,
    pub window: bool,
    /// The planner's support function.
    pub support: Option<String>,
    /// The file that a function in C is in.
    pub library: Option<String>,
}

impl Definition {
    /// Of a routine of a user's.
    pub fn of(routine: &Routine) -> Self {
        Definition { language: routine.language.name(), window: false, support: None, library: None }
    }
}

impl Names<'_> {
    /// The arguments in parentheses, without these.
    pub fn routine_arguments(&self, routine: &Routine, how: Arguments) -> String {
        let shown = routine.parameters.iter().filter(|parameter| parameter.mode != ParameterMode::Table);
        let shown: Vec<String> = shown.map(|parameter| self.parameter(routine, parameter, how)).collect();
        shown.join(", ")
    }

    fn parameter(&self, routine: &Routine, parameter: &Parameter, how: Arguments) -> String {
        let mode = match parameter.mode {
            ParameterMode::In if routine.is_procedure() => "IN ",
            ParameterMode::In | ParameterMode::Table => "",
            ParameterMode::Out => "OUT ",
            ParameterMode::InOut => "INOUT ",
            ParameterMode::Variadic => "VARIADIC ",
        };
        let name = match parameter.name.as_str() {
            "" => String::new(),
            name => quote_identifier(name) + " ",
        };
        let default = match (&parameter.default, how) {
            (Some(default), Arguments::WithDefaults) => format!(" DEFAULT {default}"),
            _ => String::new(),
        };
        format!("{mode}{name}{}{default}", self.format_type(parameter.type_oid, None))
    }

    /// pg_get_function_result; none for a procedure.
    pub fn routine_result(&self, routine: &Routine) -> Option<String> {
        if routine.is_procedure() {
            return None;
        }
        let columns = routine.parameters.iter().filter(|parameter| parameter.mode == ParameterMode::Table);
        let columns: Vec<String> = columns
            .map(|column| format!("{} {}", quote_identifier(&column.name), self.format_type(column.type_oid, None)))
            .collect();
        if !columns.is_empty() {
            return Some(format!("TABLE({})", columns.join(", ")));
        }
        let set = if routine.returns_set { "SETOF " } else { "" };
        Some(format!("{set}{}", self.format_type(routine.returns, None)))
    }

    /// Name and input types, as regprocedure shows them.
    pub fn routine_signature(&self, routine: &Routine) -> String {
        let types: Vec<String> = routine.input_types().into_iter().map(|oid| self.format_type(oid, None)).collect();
        format!("{}({})", self.routine_name(routine), types.join(","))
    }

    /// The name, with its schema if it would not be found.
    pub fn routine_name(&self, routine: &Routine) -> String {
        self.qualified(&routine.schema, &routine.name, self.routine_is_visible(routine))
    }

    /// pg_function_is_visible
    pub fn routine_is_visible(&self, routine: &Routine) -> bool {
        let inputs = routine.input_types();
        let mut path = self.search_path.iter();
        let found = path.find_map(|schema| self.catalog.routine(schema, &routine.name, &inputs));
        found.is_some_and(|found| found.oid == routine.oid)
    }

    /// pg_get_functiondef
    pub fn routine_definition(&self, routine: &Routine, more: &Definition) -> String {
        let kind = if routine.is_procedure() { "PROCEDURE" } else { "FUNCTION" };
        let name = format!("{}.{}", quote_identifier(&routine.schema), quote_identifier(&routine.name));
        let arguments = self.routine_arguments(routine, Arguments::WithDefaults);
        let mut text = format!("CREATE OR REPLACE {kind} {name}({arguments})\n");
        if let Some(result) = self.routine_result(routine) {
            text.push_str(&format!(" RETURNS {result}\n"));
        }
        text.push_str(&format!(" LANGUAGE {}\n", more.language));
        let attributes = attributes(routine, more);
        if !attributes.is_empty() {
            text.push_str(&format!("{attributes}\n"));
        }
        for (name, value) in &routine.settings {
            text.push_str(&format!(" SET {} TO {}\n", quote_identifier(name), setting(name, value)));
        }
        match &routine.body {
            Body::Parsed(body) => text.push_str(&format!("{body}\n")),
            Body::Text(body) => {
                let mut tag = if routine.is_procedure() { "$procedure".to_owned() } else { "$function".to_owned() };
                while body.contains(&tag) {
                    tag.push('x');
                }
                let library = more.library.as_ref().map_or_else(String::new, |file| format!("'{file}', "));
                text.push_str(&format!("AS {library}{tag}${body}{tag}$\n"));
            }
        }
        text
    }
}

fn attributes(routine: &Routine, more: &Definition) -> String {
    let mut text = if more.window { " WINDOW".to_owned() } else { String::new() };
    match routine.volatility {
        Volatility::Immutable => text.push_str(" IMMUTABLE"),
        Volatility::Stable => text.push_str(" STABLE"),
        Volatility::Volatile => {}
    }
    match routine.parallel {
        b's' => text.push_str(" PARALLEL SAFE"),
        b'r' => text.push_str(" PARALLEL RESTRICTED"),
        _ => {}
    }
    for (is_so, word) in [
        (routine.strict, " STRICT"),
        (routine.security_definer, " SECURITY DEFINER"),
        (routine.leakproof, " LEAKPROOF"),
    ] {
        text.push_str(if is_so { word } else { "" });
    }
    let usual = if routine.language == Language::Sql || routine.language == Language::PlPgSql { 100.0 } else { 1.0 };
    if routine.cost != usual {
        text.push_str(&format!(" COST {}", routine.cost));
    }
    if routine.rows != 0.0 && routine.rows != 1000.0 {
        text.push_str(&format!(" ROWS {}", routine.rows));
    }
    if let Some(support) = &more.support {
        text.push_str(&format!(" SUPPORT {support}"));
    }
    text
}

/// The variables whose values are lists of names.
const LISTS: &[&str] = &["search_path", "temp_tablespaces", "session_preload_libraries", "shared_preload_libraries"];

fn setting(name: &str, value: &str) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    if !LISTS.contains(&name) {
        return quoted(value);
    }
    let parts = value.split(',').map(|part| {
        let part = part.trim();
        quoted(&part.strip_prefix('"').and_then(|part| part.strip_suffix('"')).unwrap_or(part).replace("\"\"", "\""))
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// The routine with that OID.
pub fn routine_of<'n>(names: &Names<'n>, oid: Oid) -> Option<&'n Routine> {
    names.catalog.routines.get(&oid).map(AsRef::as_ref)
}
