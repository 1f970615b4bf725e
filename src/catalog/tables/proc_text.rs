//! PostgreSQL's own functions as it writes them: arguments, results, definitions.
//!
//! Must not know: SQLite. Specification: pg_get_functiondef and print_function_arguments in ruleutils.c.

use crate::catalog::definitions::Names;
use crate::catalog::routine_text::{Arguments, Definition};
use crate::catalog::routines::{Body, Effects, Language, Parameter, ParameterMode, Routine, RoutineKind};
use crate::catalog::schema::Uses;
use crate::catalog::tables::procs::{Proc, proc};
use crate::catalog::tables::recorded::{Recording, recording};
use crate::types::pg_type::Oid;

impl Proc {
    /// pg_get_function_arguments, or those that identify it.
    pub fn arguments(&self, names: &Names<'_>, how: Arguments) -> String {
        let routine = self.routine();
        match self.direct_arguments() {
            Some(direct) => ordered_set(names, &routine, direct),
            None => names.routine_arguments(&routine, how),
        }
    }

    /// pg_get_function_result; none for a procedure.
    pub fn result(&self, names: &Names<'_>) -> Option<String> {
        names.routine_result(&self.routine())
    }

    /// The default of a parameter, by its place among all.
    pub fn default(&self, place: usize) -> Option<String> {
        self.routine().parameters.into_iter().nth(place).and_then(|parameter| parameter.default)
    }

    /// pg_get_function_sqlbody
    pub fn sql_body(&self) -> Option<String> {
        self.line.optional("prosqlbody").map(|text| text.into_owned())
    }

    /// pg_get_functiondef
    pub fn definition(&self, names: &Names<'_>) -> String {
        let language = match self.line.optional("prolang").as_deref() {
            Some("14") => "sql",
            Some("13") => "c",
            _ => "internal",
        };
        let support = self.line.optional("prosupport").and_then(|oid| proc(Oid(oid.parse().ok()?)));
        let library = match self.extension.as_str() {
            "" => self.line.optional("probin").map(|text| text.into_owned()),
            extension => Some(format!("$libdir/{extension}")).filter(|_| language == "c"),
        };
        let window = self.kind == b'w';
        let support = support.map(|support| support.name.clone());
        let schema = names.catalog.extensions.iter().find(|e| e.name == self.extension).map(|e| e.schema.clone());
        let routine = Routine { schema: schema.unwrap_or_else(|| "pg_catalog".to_owned()), ..self.routine() };
        names.routine_definition(&routine, &Definition { language, window, support, library })
    }

    /// Of an ordered-set aggregate: how many arguments stand before ORDER BY.
    fn direct_arguments(&self) -> Option<usize> {
        if self.kind != b'a' {
            return None;
        }
        let mut lines = Recording::new(recording!("pg_aggregate")).lines();
        let line = lines.find(|line| line.number("aggfnoid") == i64::from(self.oid.0))?;
        if line.text("aggkind") == "n" { None } else { line.number("aggnumdirectargs").try_into().ok() }
    }

    /// The function as if a user had made it.
    fn routine(&self) -> Routine {
        let line = &self.line;
        let types = if self.all_types.is_empty() { &self.types } else { &self.all_types };
        let mode = |i: usize| match self.modes.get(i).map_or("i", String::as_str) {
            "o" => ParameterMode::Out,
            "b" => ParameterMode::InOut,
            "t" => ParameterMode::Table,
            "v" => ParameterMode::Variadic,
            _ if self.variadic != Oid::INVALID && self.modes.is_empty() && i + 1 == types.len() => {
                ParameterMode::Variadic
            }
            _ => ParameterMode::In,
        };
        let parameter = |(i, oid): (usize, &Oid)| Parameter {
            name: self.names.get(i).cloned().unwrap_or_default(),
            mode: mode(i),
            type_oid: *oid,
            default: None,
        };
        let mut parameters: Vec<Parameter> = types.iter().enumerate().map(parameter).collect();
        let is_input = |p: &&mut Parameter| !matches!(p.mode, ParameterMode::Out | ParameterMode::Table);
        let defaults = line.optional("proargdefaults").map_or_else(Vec::new, |text| list(&text));
        // The last of the input arguments have them.
        for (parameter, default) in parameters.iter_mut().rev().filter(is_input).zip(defaults.into_iter().rev()) {
            parameter.default = Some(default);
        }
        let in_sql = line.optional("prolang").as_deref() == Some("14");
        let number = |column| line.optional(column).and_then(|text| text.parse().ok());
        let body = match self.sql_body() {
            Some(body) => Body::Parsed(body),
            None => Body::Text(line.optional("prosrc").map_or_else(|| self.name.clone(), |text| text.into_owned())),
        };
        Routine {
            oid: self.oid,
            schema: "pg_catalog".to_owned(),
            name: self.name.clone(),
            kind: match self.kind {
                b'p' => RoutineKind::Procedure,
                b'a' => RoutineKind::Aggregate,
                _ => RoutineKind::Function,
            },
            language: if in_sql { Language::Sql } else { Language::Internal },
            parameters,
            returns: self.returns(),
            returns_set: self.returns_set(),
            volatility: self.volatility,
            strict: self.strict,
            security_definer: false,
            leakproof: line.optional("proleakproof").as_deref() == Some("1"),
            parallel: line.optional("proparallel").and_then(|text| text.bytes().next()).unwrap_or(b'u'),
            cost: number("procost").unwrap_or(1.0),
            rows: number("prorows").unwrap_or(0.0),
            settings: Vec::new(),
            body,
            effects: Effects::default(),
            uses: Uses::default(),
            aggregate: None,
        }
    }
}

/// An ordered-set aggregate's arguments. One that takes any number of them shows its last twice.
fn ordered_set(names: &Names<'_>, routine: &Routine, direct: usize) -> String {
    let of = |parameters: &[Parameter]| {
        let part = Routine { parameters: parameters.to_vec(), ..routine.clone() };
        names.routine_arguments(&part, Arguments::Identity)
    };
    let parameters = routine.parameters.as_slice();
    let before = of(parameters.get(..direct).unwrap_or(parameters));
    let sorted = match parameters.get(direct..) {
        None | Some([]) => of(parameters.last().map_or(&[], std::slice::from_ref)),
        Some(sorted) => of(sorted),
    };
    let blank = if before.is_empty() { "" } else { " " };
    format!("{before}{blank}ORDER BY {sorted}")
}

/// The parts of a list of expressions: commas in parentheses and quotes separate nothing.
fn list(text: &str) -> Vec<String> {
    let (mut depth, mut quoted, mut start, mut parts) = (0, false, 0, Vec::new());
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            b'\'' => quoted = !quoted,
            _ if quoted => {}
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b',' if depth == 0 => {
                parts.push(text.get(start..place).unwrap_or_default().trim().to_owned());
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default().trim().to_owned());
    parts
}
