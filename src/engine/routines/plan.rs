//! The plans of a body's statements, with the variables that they name as parameters.
//!
//! Owns: [`InnerPlan`], [`plan_query`], [`plan_text`].

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use crate::engine::functions::{TRANSITIONS, TransitionTable};
use crate::engine::routines::types::data_type;
use crate::error::{Error, Result, SqlState};
use crate::plpgsql::function::VariableConflict;
use crate::plpgsql::query::Query;
use crate::plpgsql::value::{Column, DataType, TypeKind, Typed};
use crate::plpgsql::variables::{Argument, Reference, Variables};
use crate::sql::analyze::outer::{Conflict, Outer, OuterNames, OuterTable, OuterValue};
use crate::sql::plan::{Planned, PositionedOn, Tag};
use crate::sql::planner::{self, Inner, InnerCommand, PlanContext};
use crate::sql::scan::{self, Source};
use crate::sql::stored::Dependencies;
use crate::types::pg_type::{Oid, Repr, Scalar};
use crate::types::value::Value;

/// A planned statement.
pub(crate) struct InnerPlan {
    pub planned: Planned,
    pub command: InnerCommand,
    pub tag: &'static str,
    /// Of a statement that returns rows.
    pub columns: Option<Arc<[Column]>>,
    pub catalog_version: u64,
    search_path: Arc<[String]>,
    used: Vec<Used>,
    pub positioned: PositionedOn,
    /// It reads transition tables, which the next trigger may not have.
    pub is_for_once: bool,
}

/// What a parameter of a plan is.
#[derive(Clone, Debug, PartialEq)]
struct Used {
    reference: Reference,
    /// The field of a whole row.
    field: Option<usize>,
    data_type: DataType,
}

/// The variables of a function, as a statement in it sees them.
struct FunctionNames<'a> {
    query: &'a Query,
    variables: Variables<'a>,
    used: RefCell<Vec<Used>>,
    tables: Tables<'a>,
}

/// The transition tables of the trigger that the function runs for.
struct Tables<'a> {
    all: &'a [TransitionTable],
    are_used: Cell<bool>,
}

impl Tables<'_> {
    fn table(&self, name: &str) -> Option<OuterTable> {
        let (number, table) = (TRANSITIONS..).zip(self.all).find(|(_, table)| table.name == name)?;
        self.are_used.set(true);
        Some(OuterTable { relation: table.relation, number })
    }
}

/// A text that was computed sees only those.
impl OuterNames for Tables<'_> {
    fn name(&self, _: &[&str]) -> Result<Option<Outer>> {
        Ok(None)
    }

    fn parameter(&self, _: u32) -> Result<Option<Outer>> {
        Ok(None)
    }

    fn conflict(&self) -> Conflict {
        Conflict::Column
    }

    fn table(&self, name: &str) -> Option<OuterTable> {
        Tables::table(self, name)
    }
}

impl FunctionNames<'_> {
    fn value(&self, used: Used) -> OuterValue {
        let (type_oid, typmod) = (used.data_type.oid, used.data_type.typmod);
        let from_zero = used.field.is_none() && self.variables.lower_bound(&used.reference) == 0;
        let mut all = self.used.borrow_mut();
        let known = all.iter().position(|known| *known == used);
        let parameter = known.unwrap_or_else(|| {
            all.push(used);
            all.len() - 1
        });
        OuterValue { parameter, type_oid, typmod, from_zero }
    }

    fn outer(&self, reference: Reference) -> Result<Outer> {
        let data_type = self.variables.data_type(&reference)?;
        if !data_type.is_row() {
            return Ok(Outer::Value(self.value(Used { reference, field: None, data_type })));
        }
        let Some(columns) = self.variables.columns(&reference)? else {
            return match data_type.kind {
                TypeKind::Record => Err(self.not_assigned(&reference)),
                _ => Ok(Outer::Value(self.value(Used { reference, field: None, data_type }))),
            };
        };
        let fields = columns.iter().enumerate().map(|(index, column)| {
            let used = Used { reference: reference.clone(), field: Some(index), data_type: column.data_type };
            (column.name.clone(), self.value(used))
        });
        let fields = fields.collect();
        // A row that was not set is NULL, unlike one of NULLs.
        let present = match &reference {
            Reference::Variable(_) => {
                let used = Used { reference: reference.clone(), field: None, data_type };
                Some(OuterValue { type_oid: Oid::INT8, typmod: -1, from_zero: false, ..self.value(used) })
            }
            _ => None,
        };
        let type_oid = if data_type.kind == TypeKind::Composite { data_type.oid } else { Oid::RECORD };
        Ok(Outer::Row(type_oid, fields, present))
    }

    fn not_assigned(&self, reference: &Reference) -> Error {
        let name = match reference {
            Reference::Variable(number) => self.variables.name(*number).to_owned(),
            Reference::Field(_, field) => field.to_string(),
        };
        Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, format!("record \"{name}\" is not assigned yet"))
            .with_detail("The tuple structure of a not-yet-assigned record is indeterminate.")
    }
}

impl OuterNames for FunctionNames<'_> {
    fn name(&self, names: &[&str]) -> Result<Option<Outer>> {
        self.variables.lookup(self.query, names).map(|reference| self.outer(reference)).transpose()
    }

    fn parameter(&self, number: u32) -> Result<Option<Outer>> {
        self.variables.parameter(self.query, number).map(|reference| self.outer(reference)).transpose()
    }

    fn conflict(&self) -> Conflict {
        match self.variables.conflict() {
            VariableConflict::Error => Conflict::Error,
            VariableConflict::UseVariable => Conflict::Outer,
            VariableConflict::UseColumn => Conflict::Column,
        }
    }

    fn table(&self, name: &str) -> Option<OuterTable> {
        self.tables.table(name)
    }
}

impl InnerPlan {
    /// Whether it was made for that catalog and search path.
    pub fn is_of(&self, planning: PlanContext<'_>) -> bool {
        self.catalog_version == planning.catalog.version
            && (Arc::ptr_eq(&self.search_path, planning.settings.schemas_searched())
                || self.search_path == *planning.settings.schemas_searched())
            && self.planned.is_for(planning.security)
    }

    /// Whether it can be used for variables of these types.
    pub fn fits(&self, variables: Variables<'_>, planning: PlanContext<'_>) -> bool {
        self.is_of(planning)
            && self.used.iter().all(|used| match used.field {
                None => variables.data_type(&used.reference).is_ok_and(|now| now == used.data_type),
                Some(field) => variables.columns(&used.reference).is_ok_and(|columns| {
                    let column = columns.as_ref().and_then(|columns| columns.get(field));
                    column.is_some_and(|column| column.data_type == used.data_type)
                }),
            })
    }

    /// The values of its parameters.
    pub fn values(&self, variables: Variables<'_>) -> Result<Vec<Value>> {
        let mut values = Vec::with_capacity(self.used.len());
        for used in &self.used {
            values.push(match (variables.value(&used.reference)?, used.field) {
                (Argument::Scalar(value), _) => value.clone(),
                (Argument::Record(None), _) => Value::Null,
                (Argument::Record(Some(_)), None) => Value::Integer(1),
                (Argument::Record(Some(record)), Some(field)) => {
                    record.values.get(field).cloned().unwrap_or(Value::Null)
                }
            });
        }
        Ok(values)
    }
}

/// Plans one of a function's statements.
pub(super) fn plan_query(
    query: &Query,
    variables: Variables<'_>,
    (tables, is_cursor): (&[TransitionTable], bool),
    planning: PlanContext<'_>,
) -> Result<InnerPlan> {
    let tables = Tables { all: tables, are_used: Cell::new(false) };
    let names = FunctionNames { query, variables, used: RefCell::default(), tables };
    let inner = planned(&query.sql, None, (&names, is_cursor), planning)?;
    let is_for_once = names.tables.are_used.get();
    Ok(InnerPlan { is_for_once, ..inner_plan(inner, names.used.into_inner(), planning)? })
}

/// Plans a statement whose names may be others'.
pub(super) fn plan_within(text: &str, names: &dyn OuterNames, planning: PlanContext<'_>) -> Result<InnerPlan> {
    inner_plan(planned(text, None, (names, false), planning)?, Vec::new(), planning)
}

/// What a statement refers to whose names may be others'.
pub(super) fn dependencies(text: &str, names: &dyn OuterNames, planning: PlanContext<'_>) -> Result<Dependencies> {
    planned(text, None, (names, false), planning).map(|inner| inner.used)
}

/// Plans a text that was computed, with the values of its parameters.
pub(super) fn plan_text(
    text: &str,
    using: &[Typed],
    (tables, is_cursor): (&[TransitionTable], bool),
    planning: PlanContext<'_>,
) -> Result<InnerPlan> {
    let types: Vec<Oid> = using.iter().map(|value| value.data_type.oid).collect();
    let tables = Tables { all: tables, are_used: Cell::new(false) };
    let inner = planned(text, Some(&types), (&tables, is_cursor), planning)?;
    inner_plan(inner, Vec::new(), planning)
}

fn planned(
    text: &str,
    types: Option<&[Oid]>,
    (outer, is_cursor): (&dyn OuterNames, bool),
    planning: PlanContext<'_>,
) -> Result<Inner> {
    let sources = scan::scan(text);
    let source = match sources.as_slice() {
        [only] => only,
        [] => return Ok(nothing(planning)),
        _ => return Err(Error::unsupported("several statements in one EXECUTE")),
    };
    let inner = planner::plan_inner(source, types.unwrap_or_default(), Some(outer), is_cursor, planning)?;
    if let Some(types) = types.filter(|types| inner.planned.plan.params.len() > types.len()) {
        return Err(no_parameter(source, types.len()));
    }
    Ok(inner)
}

/// 42P02
fn no_parameter(source: &Source<'_>, given: usize) -> Error {
    planner::unbound_parameter_after(source, given)
}

fn nothing(planning: PlanContext<'_>) -> Inner {
    use crate::sql::plan::{Action, Plan};
    let plan = Plan { params: Vec::new(), columns: None, tag: Tag::Fixed(""), action: Action::Empty };
    Inner {
        planned: Planned {
            plan: Arc::new(plan),
            literals: Arc::from([]),
            bytes: 0,
            catalog_version: planning.catalog.version,
            security: None,
        },
        fields: Vec::new(),
        command: InnerCommand::Utility,
        used: Dependencies::default(),
        positioned: PositionedOn::default(),
    }
}

fn inner_plan(inner: Inner, used: Vec<Used>, planning: PlanContext<'_>) -> Result<InnerPlan> {
    let Inner { planned, fields, command, positioned, .. } = inner;
    let catalog = planning.catalog;
    let known = |oid: Oid, typmod: i32, repr: Repr| {
        let unknown = DataType { oid, typmod, repr, kind: DataType::TEXT.kind };
        data_type(catalog, oid, typmod).unwrap_or(unknown)
    };
    let columns = planned.plan.columns.as_ref().map(|columns| {
        let columns = columns.iter().enumerate().map(|(index, column)| {
            let fields = fields.get(index).filter(|fields| !fields.is_empty()).map(|fields| {
                let text = Repr::scalar(Scalar::Text);
                fields.iter().map(|(name, oid, typmod)| Column::new(name.clone(), known(*oid, *typmod, text))).collect()
            });
            Column { name: column.name.clone(), data_type: known(column.type_oid, column.typmod, column.repr), fields }
        });
        columns.collect()
    });
    let tag = match planned.plan.tag {
        Tag::Select => "SELECT",
        Tag::Insert => "INSERT",
        Tag::Update => "UPDATE",
        Tag::Delete => "DELETE",
        Tag::Merge => "MERGE",
        Tag::Copy => "COPY",
        Tag::Fetch => "FETCH",
        Tag::Move => "MOVE",
        Tag::Fixed(tag) => tag,
    };
    let search_path = Arc::clone(planning.settings.schemas_searched());
    Ok(InnerPlan {
        planned,
        command,
        tag,
        columns,
        catalog_version: catalog.version,
        search_path,
        used,
        positioned,
        is_for_once: false,
    })
}
