//! Functions and procedures that users made (pg_proc).
//!
//! Owns: [`Routine`] and its parts, and how a [`CatalogSnapshot`] finds them. Must not know: how they are kept
//! (`catalog::store`), what a body means, how one is run. Specification: catalog-pg-proc.html.

use std::collections::HashSet;
use std::sync::Arc;

use crate::catalog::aggregates::Aggregate;
use crate::catalog::schema::{CatalogSnapshot, Uses};
use crate::types::pg_type::Oid;

pub const PG_PROC: Oid = Oid(1255);

/// Pseudo-types that stand for the types of a call: anyelement and its family, anycompatible and its.
const POLYMORPHIC: &[u32] = &[2277, 2283, 2776, 3500, 3831, 4537];
const COMPATIBLE: &[u32] = &[5077, 5078, 5079, 5080, 4538];

/// Whether a declared type stands for others.
pub fn is_polymorphic(oid: Oid) -> bool {
    POLYMORPHIC.contains(&oid.0) || is_compatible(oid)
}

/// Whether it is one of anycompatible's family.
pub fn is_compatible(oid: Oid) -> bool {
    COMPATIBLE.contains(&oid.0)
}

/// A function or procedure.
#[derive(Clone, Debug, PartialEq)]
pub struct Routine {
    pub oid: Oid,
    pub schema: String,
    pub name: String,
    pub kind: RoutineKind,
    pub language: Language,
    /// All of them in order, those of RETURNS TABLE included.
    pub parameters: Vec<Parameter>,
    /// prorettype
    pub returns: Oid,
    pub returns_set: bool,
    pub volatility: Volatility,
    pub strict: bool,
    pub security_definer: bool,
    pub leakproof: bool,
    /// proparallel: s, r, u.
    pub parallel: u8,
    pub cost: f64,
    /// The rows that a set is taken to have.
    pub rows: f64,
    /// SET name TO value; as pg_settings would show the value.
    pub settings: Vec<(String, String)>,
    pub body: Body,
    pub effects: Effects,
    /// What a body refers to that is kept as it was read.
    pub uses: Uses,
    /// Of an aggregate: what it is computed by.
    pub aggregate: Option<Box<Aggregate>>,
}

/// prokind
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoutineKind {
    Function,
    Procedure,
    Aggregate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Sql,
    PlPgSql,
    /// What aggregates are in: they have no body of their own.
    Internal,
}

/// provolatile
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Volatility {
    Immutable,
    Stable,
    #[default]
    Volatile,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Empty for none.
    pub name: String,
    pub mode: ParameterMode,
    pub type_oid: Oid,
    /// As PostgreSQL text with resolved names.
    pub default: Option<String>,
}

/// proargmodes
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterMode {
    In,
    Out,
    InOut,
    Variadic,
    Table,
}

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// AS '…'
    Text(String),
    /// RETURN … or BEGIN ATOMIC … END, as PostgreSQL text.
    Parsed(String),
}

/// What running it may do, as far as its text says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// It may change the database by itself.
    pub writes: bool,
    /// The names of the functions and procedures that it calls.
    pub calls: Vec<String>,
}

impl Volatility {
    pub fn letter(self) -> &'static str {
        match self {
            Volatility::Immutable => "i",
            Volatility::Stable => "s",
            Volatility::Volatile => "v",
        }
    }

    pub fn of_letter(letter: &str) -> Self {
        match letter {
            "i" => Volatility::Immutable,
            "s" => Volatility::Stable,
            _ => Volatility::Volatile,
        }
    }
}

impl Language {
    pub fn name(self) -> &'static str {
        match self {
            Language::Sql => "sql",
            Language::PlPgSql => "plpgsql",
            Language::Internal => "internal",
        }
    }
}

impl ParameterMode {
    pub fn letter(self) -> &'static str {
        match self {
            ParameterMode::In => "i",
            ParameterMode::Out => "o",
            ParameterMode::InOut => "b",
            ParameterMode::Variadic => "v",
            ParameterMode::Table => "t",
        }
    }

    pub fn of_letter(letter: &str) -> Self {
        match letter {
            "o" => ParameterMode::Out,
            "b" => ParameterMode::InOut,
            "v" => ParameterMode::Variadic,
            "t" => ParameterMode::Table,
            _ => ParameterMode::In,
        }
    }

    /// Whether a call gives a value for it.
    pub fn is_input(self) -> bool {
        matches!(self, ParameterMode::In | ParameterMode::InOut | ParameterMode::Variadic)
    }

    /// Whether it gives a value back.
    pub fn is_output(self) -> bool {
        matches!(self, ParameterMode::Out | ParameterMode::InOut | ParameterMode::Table)
    }
}

impl Routine {
    /// A function in SQL that the server writes itself: in no schema, without parameters, volatile; it is strict or not.
    pub fn sql(oid: Oid, name: &str, returns: Oid, (body, strict): (String, bool)) -> Self {
        Routine {
            oid,
            schema: String::new(),
            name: name.to_owned(),
            kind: RoutineKind::Function,
            language: Language::Sql,
            parameters: Vec::new(),
            returns,
            returns_set: false,
            volatility: Volatility::Volatile,
            strict,
            security_definer: false,
            leakproof: false,
            parallel: b's',
            cost: 1.0,
            rows: 0.0,
            settings: Vec::new(),
            body: Body::Text(body),
            effects: Effects::default(),
            uses: Uses::default(),
            aggregate: None,
        }
    }

    /// What calls give values for.
    pub fn inputs(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(|parameter| parameter.mode.is_input())
    }

    /// What gives values back.
    pub fn outputs(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(|parameter| parameter.mode.is_output())
    }

    /// Of a procedure, what CALL has an argument for: OUT parameters too.
    pub fn called_with(&self) -> impl Iterator<Item = &Parameter> {
        let is_procedure = self.kind == RoutineKind::Procedure;
        let takes = move |p: &&Parameter| p.mode.is_input() || is_procedure && p.mode == ParameterMode::Out;
        self.parameters.iter().filter(takes)
    }

    /// proargtypes, which together with the name and the schema is unique.
    pub fn input_types(&self) -> Vec<Oid> {
        self.inputs().map(|parameter| parameter.type_oid).collect()
    }

    pub fn is_variadic(&self) -> bool {
        self.parameters.iter().any(|parameter| parameter.mode == ParameterMode::Variadic)
    }

    /// Of the session's own schema.
    pub fn is_temporary(&self) -> bool {
        self.schema == "pg_temp"
    }

    pub fn is_procedure(&self) -> bool {
        self.kind == RoutineKind::Procedure
    }

    pub fn is_aggregate(&self) -> bool {
        self.kind == RoutineKind::Aggregate
    }

    /// function, procedure, aggregate
    pub fn noun(&self) -> &'static str {
        match self.kind {
            RoutineKind::Function => "function",
            RoutineKind::Procedure => "procedure",
            RoutineKind::Aggregate => "aggregate",
        }
    }

    /// prokind
    pub fn kind_letter(&self) -> &'static str {
        match self.kind {
            RoutineKind::Function => "f",
            RoutineKind::Procedure => "p",
            RoutineKind::Aggregate => "a",
        }
    }

    /// PostgreSQL lets others than volatile functions only read; an aggregate does what its functions do.
    fn may_write(&self) -> bool {
        self.volatility == Volatility::Volatile || self.is_aggregate()
    }
}

impl CatalogSnapshot {
    /// Adds a routine, or replaces the one with its OID.
    pub fn put_routine(&mut self, routine: Arc<Routine>) {
        self.remove_routine(routine.oid);
        let key = (routine.schema.clone(), routine.name.clone());
        let mut named = self.routine_names.get(&key).cloned().unwrap_or_default();
        named.push(routine.oid);
        named.sort_unstable();
        self.routine_names.insert(key, named);
        self.routines.insert(routine.oid, routine);
    }

    /// Removes a routine.
    pub fn remove_routine(&mut self, oid: Oid) {
        let Some(routine) = self.routines.remove(&oid) else { return };
        let key = (routine.schema.clone(), routine.name.clone());
        let mut named = self.routine_names.get(&key).cloned().unwrap_or_default();
        named.retain(|other| *other != oid);
        match named.is_empty() {
            true => self.routine_names.remove(&key),
            false => self.routine_names.insert(key, named),
        };
    }

    pub(super) fn temporary_routines(&self) -> impl Iterator<Item = &Arc<Routine>> {
        self.routines.values().filter(|routine| routine.is_temporary())
    }

    /// The routines of a name in a schema, in the order of their OIDs.
    pub fn routines_in(&self, schema: &str, name: &str) -> impl Iterator<Item = &Arc<Routine>> {
        let oids = self.routine_names.get(&(schema.to_owned(), name.to_owned()));
        oids.into_iter().flatten().filter_map(|oid| self.routines.get(oid))
    }

    /// The routine with these input types.
    pub fn routine(&self, schema: &str, name: &str, types: &[Oid]) -> Option<&Arc<Routine>> {
        self.routines_in(schema, name).find(|routine| routine.input_types() == types)
    }

    /// Whether running the routine may change the database: by itself, or by what it calls. Names are taken for all
    /// routines that have them.
    pub fn routine_writes(&self, routine: &Routine) -> bool {
        if !routine.may_write() {
            return false;
        }
        routine.effects.writes || self.called_routines_write(&routine.effects)
    }

    /// Whether what something calls may change the database.
    pub fn called_routines_write(&self, effects: &Effects) -> bool {
        let mut seen = HashSet::new();
        let mut next = vec![effects];
        while let Some(effects) = next.pop() {
            for called in self.routines.values().filter(|called| effects.calls.contains(&called.name)) {
                if called.may_write() && seen.insert(called.oid) {
                    if called.effects.writes {
                        return true;
                    }
                    next.push(&called.effects);
                }
            }
        }
        false
    }
}
