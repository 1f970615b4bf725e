//! Definitions of what is called, and of what calls it, as written: functions, aggregates, operators and their classes,
//! casts, triggers, rules, languages, text search.
//!
//! Owns: those nodes, with the names and the shape of PostgreSQL's parsenodes.h. Must not know: what a name means.

use crate::sql::syntax::ast::definition::{DefElem, TriggerFiring};
use crate::sql::syntax::ast::expression::{AnyName, Expr, TypeName};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::RangeVar;
use crate::sql::syntax::ast::statement::{ObjectType, Stmt};

/// CREATE AGGREGATE, OPERATOR, TYPE name (…), TEXT SEARCH …, COLLATION.
#[derive(Clone, Debug, PartialEq)]
pub struct DefineStmt {
    pub kind: ObjectType,
    /// CREATE AGGREGATE name (base_type = …), of old.
    pub oldstyle: bool,
    pub name: AnyName,
    /// Of an aggregate.
    pub args: Option<AggregateArgs>,
    pub definition: Vec<DefElem>,
    pub if_not_exists: bool,
    pub replace: bool,
}

/// An aggregate's arguments: `(a, b ORDER BY c)`; `(*)` has none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AggregateArgs {
    pub direct: Vec<FunctionParameter>,
    /// Those behind ORDER BY.
    pub ordered: Option<Vec<FunctionParameter>>,
}

/// CREATE FUNCTION, CREATE PROCEDURE
#[derive(Clone, Debug, PartialEq)]
pub struct CreateFunctionStmt {
    pub is_procedure: bool,
    pub replace: bool,
    pub name: AnyName,
    pub parameters: Vec<FunctionParameter>,
    /// RETURNS type; RETURNS TABLE's columns are parameters of mode Table, and this a set of record or of the only one.
    pub return_type: Option<TypeName>,
    pub options: Vec<DefElem>,
    pub body: Option<RoutineBody>,
}

/// A body in SQL, parsed with its function.
#[derive(Clone, Debug, PartialEq)]
pub enum RoutineBody {
    /// RETURN expr
    Return(Box<Expr>),
    /// BEGIN ATOMIC … END; empty statements are left out
    Atomic(Vec<Stmt>),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FunctionParameterMode {
    /// Nothing was written.
    #[default]
    Default,
    In,
    Out,
    InOut,
    Variadic,
    Table,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FunctionParameter {
    pub name: Option<String>,
    pub type_name: TypeName,
    pub mode: FunctionParameterMode,
    pub default: Option<Expr>,
    pub location: Location,
}

/// A function, operator or aggregate with its arguments' types.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectWithArgs {
    pub name: AnyName,
    /// Input arguments only; an operator's missing left or right one is `None`.
    pub args: Vec<Option<TypeName>>,
    /// As written, for functions and aggregates.
    pub parameters: Vec<FunctionParameter>,
    /// For an aggregate: how many of the parameters stand before ORDER BY, if it was written.
    pub ordered_from: Option<usize>,
    /// The list was left out.
    pub args_unspecified: bool,
}

/// ALTER FUNCTION, PROCEDURE, ROUTINE with attributes.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterFunctionStmt {
    pub object_type: ObjectType,
    pub function: ObjectWithArgs,
    pub actions: Vec<DefElem>,
}

/// CREATE TRIGGER
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTrigStmt {
    pub replace: bool,
    pub is_constraint: bool,
    pub name: String,
    pub relation: RangeVar,
    pub function: AnyName,
    /// As strings, whatever was written.
    pub args: Vec<String>,
    pub row: bool,
    pub timing: TriggerTiming,
    pub events: Vec<TriggerEvent>,
    pub when: Option<Expr>,
    pub transitions: Vec<TriggerTransition>,
    pub deferrable: bool,
    pub initially_deferred: bool,
    /// FROM table, of a constraint trigger.
    pub constraint_relation: Option<RangeVar>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerTiming {
    Before,
    After,
    InsteadOf,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TriggerEvent {
    Insert,
    Delete,
    /// UPDATE [OF columns]
    Update(Vec<String>),
    Truncate,
}

/// REFERENCING { NEW | OLD } { TABLE | ROW } AS name
#[derive(Clone, Debug, PartialEq)]
pub struct TriggerTransition {
    pub name: String,
    pub is_new: bool,
    pub is_table: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateEventTrigStmt {
    pub name: String,
    pub event: String,
    /// WHEN filter IN ('…')
    pub when: Vec<(String, Vec<String>)>,
    pub function: AnyName,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterEventTrigStmt {
    pub name: String,
    pub firing: TriggerFiring,
}

/// CREATE RULE
#[derive(Clone, Debug, PartialEq)]
pub struct RuleStmt {
    pub relation: RangeVar,
    pub name: String,
    pub where_clause: Option<Expr>,
    pub event: RuleEvent,
    pub instead: bool,
    pub actions: Vec<Stmt>,
    pub replace: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleEvent {
    Select,
    Update,
    Delete,
    Insert,
}

/// CREATE OPERATOR CLASS
#[derive(Clone, Debug, PartialEq)]
pub struct CreateOpClassStmt {
    pub name: AnyName,
    pub family: Option<AnyName>,
    pub access_method: String,
    pub data_type: TypeName,
    pub items: Vec<OpClassItem>,
    pub is_default: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum OpClassItem {
    Operator {
        number: i32,
        operator: ObjectWithArgs,
        order_family: Option<AnyName>,
        recheck: bool,
    },
    Function {
        number: i32,
        function: ObjectWithArgs,
        class_args: Vec<TypeName>,
    },
    Storage(TypeName),
    /// In ALTER OPERATOR FAMILY … DROP.
    DropOperator {
        number: i32,
        args: Vec<TypeName>,
    },
    DropFunction {
        number: i32,
        args: Vec<TypeName>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateOpFamilyStmt {
    pub name: AnyName,
    pub access_method: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterOpFamilyStmt {
    pub name: AnyName,
    pub access_method: String,
    pub is_drop: bool,
    pub items: Vec<OpClassItem>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterOperatorStmt {
    pub operator: ObjectWithArgs,
    pub options: Vec<DefElem>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateCastStmt {
    pub source: TypeName,
    pub target: TypeName,
    pub function: Option<ObjectWithArgs>,
    pub context: CastContext,
    pub inout: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CastContext {
    Implicit,
    Assignment,
    Explicit,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateTransformStmt {
    pub replace: bool,
    pub type_name: TypeName,
    pub language: String,
    pub from_sql: Option<ObjectWithArgs>,
    pub to_sql: Option<ObjectWithArgs>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateConversionStmt {
    pub name: AnyName,
    pub for_encoding: String,
    pub to_encoding: String,
    pub function: AnyName,
    pub is_default: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreatePLangStmt {
    pub name: String,
    pub replace: bool,
    pub trusted: bool,
    /// None where only a name was given, which is CREATE EXTENSION.
    pub handler: Option<AnyName>,
    pub inline: Option<AnyName>,
    pub validator: Option<AnyName>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateAmStmt {
    pub name: String,
    pub handler: AnyName,
    /// TABLE rather than INDEX.
    pub is_table: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterTSConfigurationStmt {
    pub name: AnyName,
    pub change: TSConfigChange,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TSConfigChange {
    AddMapping {
        tokens: Vec<String>,
        dictionaries: Vec<AnyName>,
    },
    AlterMappingFor {
        tokens: Vec<String>,
        dictionaries: Vec<AnyName>,
    },
    /// For all tokens where none are named.
    ReplaceDictionary {
        tokens: Vec<String>,
        old: AnyName,
        new: AnyName,
    },
    DropMapping {
        tokens: Vec<String>,
        missing_ok: bool,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterTSDictionaryStmt {
    pub name: AnyName,
    pub options: Vec<DefElem>,
}
