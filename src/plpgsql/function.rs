//! A function as it is called, and as it was compiled.
//!
//! Owns: [`Signature`], what the catalog says of a function; [`Function`], its compiled form, which any number of
//! sessions may share. Must not know: how statements run.

use std::sync::Arc;

use crate::error::{Error, Severity};
use crate::plpgsql::query::Query;
use crate::plpgsql::scope::Names;
use crate::plpgsql::tree::{Expression, Statement};
use crate::plpgsql::value::{Column, DataType};

/// What is known of a function beside its body. Polymorphic types are replaced by those of the call, or by integer when
/// it is only validated.
#[derive(Clone, Debug)]
pub struct Signature {
    /// Its name; `inline_code_block` for DO.
    pub name: String,
    /// With the types of its arguments, as CONTEXT shows it: `f(integer)`; `inline_code_block` for DO.
    pub display: String,
    pub kind: RoutineKind,
    /// All parameters in order, those of RETURNS TABLE included.
    pub parameters: Vec<Parameter>,
    pub returns: DataType,
    pub returns_set: bool,
    /// Whether it was declared to return a polymorphic type, so that $0 is a variable.
    pub returns_polymorphic: bool,
}

/// What a body belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoutineKind {
    Function,
    Procedure,
    /// DO.
    Inline,
    Trigger,
    EventTrigger,
}

/// One parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    pub name: Option<String>,
    pub mode: ParameterMode,
    pub data_type: DataType,
}

/// How it is passed. VARIADIC is `In`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterMode {
    In,
    Out,
    InOut,
    Table,
}

/// Settings that a function is compiled under.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// plpgsql.variable_conflict
    pub variable_conflict: VariableConflict,
    /// plpgsql.print_strict_params
    pub print_strict_params: bool,
    /// Whether the SQL in it is parsed, too: when it is created (check_function_bodies), and for DO.
    pub check_syntax: bool,
    /// What is said of variables that hide others: only when it is created.
    pub shadowed_variables: Option<Severity>,
}

/// The checks of plpgsql.extra_warnings and plpgsql.extra_errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtraCheck {
    ShadowedVariables,
    TooManyRows,
    StrictMultiAssignment,
}

impl ExtraCheck {
    /// As the settings name it.
    pub fn name(self) -> &'static str {
        match self {
            ExtraCheck::ShadowedVariables => "shadowed_variables",
            ExtraCheck::TooManyRows => "too_many_rows",
            ExtraCheck::StrictMultiAssignment => "strict_multi_assignment",
        }
    }

    /// How it speaks: what the setting for errors names is an error.
    pub fn severity(self, warnings: Option<String>, errors: Option<String>) -> Option<Severity> {
        let names = |setting: Option<String>| {
            setting.is_some_and(|list| {
                let mut words = list.split(',').map(|word| word.trim().trim_matches('"'));
                words.any(|word| word.eq_ignore_ascii_case("all") || word.eq_ignore_ascii_case(self.name()))
            })
        };
        match names(errors) {
            true => Some(Severity::Error),
            false => names(warnings).then_some(Severity::Warning),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Options {
            variable_conflict: VariableConflict::Error,
            print_strict_params: false,
            check_syntax: true,
            shadowed_variables: None,
        }
    }
}

/// What a name means that is both a variable and a column (plpgsql-implementation.html#PLPGSQL-VAR-SUBST).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableConflict {
    /// 42702 with DETAIL "It could refer to either a PL/pgSQL variable or a table column."
    Error,
    /// Variables are looked up before columns.
    UseVariable,
    UseColumn,
}

/// A compiled function.
#[derive(Debug)]
pub struct Function {
    pub signature: Signature,
    /// As set by `#variable_conflict`, else as the options say.
    pub variable_conflict: VariableConflict,
    pub(super) print_strict_params: bool,
    pub(super) names: Names,
    pub(super) variables: Vec<Variable>,
    pub(super) texts: Vec<String>,
    pub(super) is_dynamic: bool,
    /// The variables of the arguments.
    pub(super) arguments: Vec<u32>,
    pub(super) output: Output,
    pub(super) found: u32,
    /// Of a trigger function.
    pub(super) trigger: Option<TriggerVariables>,
    pub(super) body: Statement,
    /// What is to be said of it when it is created.
    pub warnings: Vec<Error>,
    /// As CONTEXT shows it.
    pub(super) display: Arc<str>,
}

impl Function {
    /// How many queries it has; see [`Query::number`].
    pub fn query_count(&self) -> usize {
        self.texts.len()
    }

    /// The SQL in it, in the order of [`Query::number`].
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Whether it runs SQL that it computes (EXECUTE).
    pub fn is_dynamic(&self) -> bool {
        self.is_dynamic
    }
}

/// A function's output parameters.
#[derive(Clone, Debug)]
pub(super) enum Output {
    None,
    One(u32),
    Row(Vec<u32>),
}

/// NEW and OLD, and those of TG_… that the body names.
#[derive(Debug, Default)]
pub(super) struct TriggerVariables {
    pub new: u32,
    pub old: u32,
    /// TG_ARGV
    pub arguments: Option<u32>,
    pub special: Vec<(TriggerVariable, u32)>,
}

/// TG_…
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TriggerVariable {
    Name,
    When,
    Level,
    Operation,
    Relid,
    TableName,
    TableSchema,
    ArgumentCount,
    Arguments,
    Event,
    Tag,
}

/// A declared variable.
#[derive(Debug)]
pub(super) struct Variable {
    pub name: String,
    /// 0 for those that are not in the body.
    pub line: u32,
    pub data_type: DataType,
    /// Of a composite type.
    pub columns: Option<Arc<[Column]>>,
    pub constant: bool,
    pub not_null: bool,
    pub default: Option<Expression>,
    /// Of a bound cursor.
    pub cursor: Option<Arc<Cursor>>,
}

/// What a cursor variable is bound to.
#[derive(Debug)]
pub(super) struct Cursor {
    pub query: Query,
    pub arguments: Option<Vec<u32>>,
    pub scroll: Option<bool>,
}
