//! Functions in SQL: their statements are run one after the other, and the last one gives the result.
//!
//! Owns: [`SqlBody`], [`statements`]. Must not know: how a statement is planned and run (`plan`, `execute`).
//! Specification: xfunc-sql.html, functions.c (fmgr_sql, check_sql_fn_retval).

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use crate::catalog::routines::{Body, Routine, RoutineKind};
use crate::catalog::schema::Uses;
use crate::engine::routines::execute::Executor;
use crate::engine::routines::plan::{InnerPlan, dependencies, plan_within};
use crate::engine::routines::records;
use crate::engine::routines::signature::{CallTypes, result_columns, signature};
use crate::engine::routines::types::row_columns;
use crate::error::{Error, Result, SqlState};
use crate::limits::stack;
use crate::plpgsql::context;
use crate::plpgsql::function::{ParameterMode, Signature};
use crate::plpgsql::value::{Column, DataType, TypeKind, Typed};
use crate::sql::analyze::outer::{Conflict, Outer, OuterNames, OuterTable, OuterValue};
use crate::sql::plan::Action;
use crate::sql::planner::{InnerCommand, PlanContext};
use crate::sql::scan;
use crate::sql::syntax::ast::routine::RoutineBody;
use crate::sql::syntax::ast::statement::Stmt;
use crate::sql::syntax::lexer::tokens;
use crate::sql::syntax::{parse, print};
use crate::types::pg_type::Oid;
use crate::types::value::Value;

/// A body with its statements.
pub(crate) struct SqlBody {
    signature: Signature,
    statements: Vec<String>,
    /// PostgreSQL looks whether it can be put in place of its calls.
    may_be_inlined: bool,
    /// Those of its result, as far as its signature says.
    pub columns: Option<Arc<[Column]>>,
    plans: Mutex<HashMap<usize, Arc<Planned>>>,
}

/// A statement's plan, and which parts of which arguments its parameters are.
struct Planned {
    plan: InnerPlan,
    used: Vec<Used>,
}

/// An input parameter, or a field of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Used {
    input: usize,
    field: Option<usize>,
}

/// The statements of a body.
pub(super) fn statements(body: &Body) -> Result<Vec<String>> {
    let text = match body {
        Body::Text(text) => text,
        Body::Parsed(text) => return parsed_statements(text),
    };
    let mut statements = Vec::new();
    for source in scan::scan(text) {
        let before = source.offset;
        let parsed = parse::statement(source.text, &source.tokens).map_err(|error| {
            let position = error.fields().position.map(|position| position + before);
            match position {
                Some(position) => error.with_internal_position(position, text.as_str()),
                None => error,
            }
        });
        parsed?;
        statements.push(source.text.to_owned());
    }
    Ok(statements)
}

/// Those of RETURN … and of BEGIN ATOMIC … END.
fn parsed_statements(text: &str) -> Result<Vec<String>> {
    let function = format!("CREATE FUNCTION f() {text}");
    let Some(Stmt::CreateFunction(create)) = parse::statement(&function, &tokens(&function, true))? else {
        return Err(Error::internal("a body that is none"));
    };
    let printed = |statement: &Stmt| match statement {
        Stmt::Return(value) => Ok(format!("SELECT {}", print::expression(value))),
        statement => print::statement(statement).ok_or_else(|| Error::internal("a statement of a body")),
    };
    match &create.body {
        Some(RoutineBody::Return(value)) => Ok(vec![format!("SELECT {}", print::expression(value))]),
        Some(RoutineBody::Atomic(statements)) => statements.iter().map(printed).collect(),
        None => Err(Error::internal("a body that is none")),
    }
}

/// The parameters, as a statement of the body sees them.
struct ParameterNames<'a> {
    signature: &'a Signature,
    /// The columns of the inputs that are rows.
    rows: Vec<Option<Arc<[Column]>>>,
    used: RefCell<Vec<Used>>,
}

impl ParameterNames<'_> {
    fn value(&self, input: usize, field: Option<usize>, data_type: DataType) -> OuterValue {
        let used = Used { input, field };
        let mut all = self.used.borrow_mut();
        let known = all.iter().position(|known| *known == used);
        let parameter = known.unwrap_or_else(|| {
            all.push(used);
            all.len() - 1
        });
        OuterValue { parameter, type_oid: data_type.oid, typmod: data_type.typmod, from_zero: false }
    }

    fn input(&self, input: usize) -> Option<Outer> {
        let data_type = inputs(self.signature).nth(input)?.data_type;
        match self.rows.get(input).and_then(Option::as_ref) {
            None => Some(Outer::Value(self.value(input, None, data_type))),
            Some(columns) => {
                let fields = columns.iter().enumerate();
                let fields = fields
                    .map(|(index, column)| (column.name.clone(), self.value(input, Some(index), column.data_type)));
                Some(Outer::Row(data_type.oid, fields.collect(), None))
            }
        }
    }

    fn named(&self, name: &str) -> Option<usize> {
        inputs(self.signature).position(|parameter| parameter.name.as_deref() == Some(name))
    }

    fn field(&self, input: usize, name: &str) -> Option<Outer> {
        let columns = self.rows.get(input)?.as_ref()?;
        let index = columns.iter().position(|column| column.name == name)?;
        Some(Outer::Value(self.value(input, Some(index), columns.get(index)?.data_type)))
    }
}

impl OuterNames for ParameterNames<'_> {
    fn name(&self, names: &[&str]) -> Result<Option<Outer>> {
        let names = match names {
            [function, rest @ ..] if *function == self.signature.name && !rest.is_empty() => {
                match rest.first().and_then(|name| self.named(name)) {
                    Some(_) => rest,
                    None => names,
                }
            }
            names => names,
        };
        Ok(match names {
            [name] | [name, "*"] => self.named(name).and_then(|input| self.input(input)),
            [name, field] => self.named(name).and_then(|input| self.field(input, field)),
            _ => None,
        })
    }

    fn table(&self, _: &str) -> Option<OuterTable> {
        None
    }

    fn parameter(&self, number: u32) -> Result<Option<Outer>> {
        let input = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        match input.and_then(|input| self.input(input)) {
            Some(outer) => Ok(Some(outer)),
            None => {
                let message = format!("there is no parameter ${number}");
                Err(Error::new(SqlState::UNDEFINED_PARAMETER, message))
            }
        }
    }

    fn conflict(&self) -> Conflict {
        Conflict::Column
    }
}

fn inputs(signature: &Signature) -> impl Iterator<Item = &crate::plpgsql::function::Parameter> {
    signature.parameters.iter().filter(|p| matches!(p.mode, ParameterMode::In | ParameterMode::InOut))
}

impl SqlBody {
    /// A routine's body for a call with these types.
    pub fn new(routine: &Routine, types: &CallTypes, planning: PlanContext<'_>) -> Result<Self> {
        let path = planning.settings.search_path();
        let signature = signature(routine, types, planning.catalog, &path)?;
        let columns = result_columns(&signature, planning.catalog);
        let statements = statements(&routine.body)?;
        let may_be_inlined = routine.kind == RoutineKind::Function
            && !routine.returns_set
            && routine.returns != Oid::RECORD
            && !routine.security_definer
            && routine.settings.is_empty()
            && statements.len() == 1;
        Ok(SqlBody { statements, may_be_inlined, signature, columns, plans: Mutex::default() })
    }

    /// The texts of its statements.
    pub fn statements(&self) -> &[String] {
        &self.statements
    }

    /// The parameters' names, as its statements see them.
    fn names(&self, planning: PlanContext<'_>) -> ParameterNames<'_> {
        let rows = inputs(&self.signature).map(|parameter| match parameter.data_type.kind {
            TypeKind::Composite => row_columns(planning.catalog, parameter.data_type.oid),
            _ => None,
        });
        ParameterNames { signature: &self.signature, rows: rows.collect(), used: RefCell::default() }
    }

    /// What its statements refer to.
    pub fn uses(&self, planning: PlanContext<'_>) -> Result<Uses> {
        let (mut columns, mut routines) = (BTreeSet::new(), BTreeSet::new());
        for text in &self.statements {
            let used = dependencies(text, &self.names(planning), planning)?;
            let whole = used.relations.iter().filter(|oid| used.columns.iter().all(|(of, _)| of != *oid));
            columns.extend(whole.map(|oid| (*oid, 0)));
            columns.extend(used.columns);
            routines.extend(used.routines);
        }
        let (columns, routines) = (columns.into_iter().collect(), routines.into_iter().collect());
        Ok(Uses { columns, constraints: Vec::new(), routines })
    }

    fn planned(&self, index: usize, planning: PlanContext<'_>) -> Result<Arc<Planned>> {
        let known = self.plans.lock().unwrap_or_else(PoisonError::into_inner).get(&index).cloned();
        if let Some(known) = known.filter(|known| known.plan.is_of(planning)) {
            return Ok(known);
        }
        let Some(text) = self.statements.get(index) else { return Err(Error::internal("no such statement")) };
        let names = self.names(planning);
        let plan = plan_within(text, &names, planning)?;
        let planned = Arc::new(Planned { plan, used: names.used.into_inner() });
        self.plans.lock().unwrap_or_else(PoisonError::into_inner).insert(index, Arc::clone(&planned));
        Ok(planned)
    }

    /// Plans all statements, and checks what the last one gives (check_function_bodies).
    pub fn check(&self, planning: PlanContext<'_>) -> Result<()> {
        let mut last = None;
        for index in 0..self.statements.len() {
            last = Some(self.planned(index, planning)?);
        }
        let returns = self.signature.returns;
        if returns.oid == Oid::VOID || self.signature.kind == crate::plpgsql::function::RoutineKind::Procedure {
            return Ok(());
        }
        let mismatch = |detail: String| {
            let declared = planning.type_name(returns.oid);
            let message = format!("return type mismatch in function declared to return {declared}");
            Err(Error::new(SqlState::INVALID_FUNCTION_DEFINITION, message).with_detail(detail))
        };
        let columns = last.as_ref().and_then(|last| {
            let gives = matches!(last.plan.command, InnerCommand::Select | InnerCommand::Modify);
            last.plan.columns.clone().filter(|_| gives)
        });
        let Some(columns) = columns else {
            return mismatch("Function's final statement must be SELECT or INSERT/UPDATE/DELETE RETURNING.".to_owned());
        };
        let shown = |data_type: &DataType| planning.type_name(data_type.oid);
        let fits = |from: &DataType, to: &DataType| crate::sql::stored::can_assign(from.oid, to.oid, planning);
        let Some(expected) = self.columns.as_deref().filter(|_| returns.is_row()) else {
            if returns.is_row() {
                return Ok(());
            }
            return match &*columns {
                [only] if fits(&only.data_type, &returns) => Ok(()),
                [only] => mismatch(format!("Actual return type is {}.", shown(&only.data_type))),
                _ => mismatch("Final statement must return exactly one column.".to_owned()),
            };
        };
        if let [only] = &*columns
            && only.data_type.oid == returns.oid
        {
            return Ok(());
        }
        for (index, (given, wanted)) in columns.iter().zip(expected).enumerate() {
            if !fits(&given.data_type, &wanted.data_type) {
                return mismatch(format!(
                    "Final statement returns {} instead of {} at column {}.",
                    shown(&given.data_type),
                    shown(&wanted.data_type),
                    index + 1
                ));
            }
        }
        match columns.len().cmp(&expected.len()) {
            std::cmp::Ordering::Less => mismatch("Final statement returns too few columns.".to_owned()),
            std::cmp::Ordering::Greater => mismatch("Final statement returns too many columns.".to_owned()),
            std::cmp::Ordering::Equal => Ok(()),
        }
    }

    /// Runs the statements; gives the rows of the last one, each as the columns that are expected, or as one value.
    pub(super) fn run(
        &self,
        executor: &Executor,
        arguments: &[Value],
        columns: Option<&Arc<[Column]>>,
    ) -> Result<Vec<Vec<Value>>> {
        stack::check()?;
        let returns = self.signature.returns;
        let mut rows = Vec::new();
        let last = self.statements.len().checked_sub(1);
        for index in 0..self.statements.len() {
            let line = format!("SQL function \"{}\" statement {}", self.signature.name, index + 1);
            let _entered = context::enter(Rc::new(line.clone()));
            let ran = self.statement(index, executor, arguments, (Some(index) == last, columns));
            rows = ran.map_err(|error| match error.fields().internal_position {
                None if error.fields().position.is_some() => self.misplaced(error, index),
                _ => error.within(&line),
            })?;
        }
        match returns.oid == Oid::VOID {
            true => Ok(Vec::new()),
            false => Ok(rows),
        }
    }

    /// An error in planning has its place in the statement.
    fn misplaced(&self, error: Error, index: usize) -> Error {
        let position = error.fields().position.unwrap_or(1);
        let text = self.statements.get(index).cloned().unwrap_or_default();
        let when = if self.may_be_inlined { "inlining" } else { "startup" };
        let line = format!("SQL function \"{}\" during {when}", self.signature.name);
        error.with_internal_position(position, text).within(line)
    }

    fn statement(
        &self,
        index: usize,
        executor: &Executor,
        arguments: &[Value],
        (is_last, columns): (bool, Option<&Arc<[Column]>>),
    ) -> Result<Vec<Vec<Value>>> {
        let planned = executor.planning(|planning| self.planned(index, planning))?;
        if planned.plan.command == InnerCommand::Transaction {
            let message = format!("{} is not allowed in an SQL function", planned.plan.tag);
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        if matches!(planned.plan.planned.plan.action, Action::Call(_)) && planned.plan.columns.is_some() {
            let message = "calling procedures with output arguments is not supported in SQL functions";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let mut values = Vec::with_capacity(planned.used.len());
        for used in &planned.used {
            let argument = arguments.get(used.input).cloned().unwrap_or(Value::Null);
            values.push(match (used.field, argument) {
                (Some(_), Value::Null) => Value::Null,
                (Some(field), argument) => self.field_of(used.input, field, &argument, executor)?,
                (None, argument) => argument,
            });
        }
        let limit = match is_last {
            false => Some(0),
            true if self.signature.returns_set => None,
            true => Some(1),
        };
        let lease = executor.lease.get()?;
        let kept = lease.slot().take_kept_rows();
        let outcome = executor.execute(&planned.plan.planned, &values, limit.filter(|limit| *limit > 0));
        lease.slot().put_kept_rows(kept);
        let mut rows = outcome?.rows;
        if !is_last {
            return Ok(Vec::new());
        }
        if !self.signature.returns_set {
            rows.truncate(1);
        }
        let given = planned.plan.columns.clone().unwrap_or_else(|| Arc::from([]));
        rows.into_iter().map(|row| self.result(executor, &given, row, columns)).collect()
    }

    fn field_of(&self, input: usize, field: usize, row: &Value, executor: &Executor) -> Result<Value> {
        let data_type = inputs(&self.signature).nth(input).map(|parameter| parameter.data_type);
        let oid = data_type.map_or(Oid::INVALID, |data_type| data_type.oid);
        let columns = row_columns(&executor.link.catalog(), oid).ok_or_else(|| Error::internal("a row's columns"))?;
        let fields = records::decompose(&columns, row)?;
        Ok(fields.into_iter().nth(field).unwrap_or(Value::Null))
    }

    /// A row of the last statement, as the result's columns.
    fn result(
        &self,
        executor: &Executor,
        given: &Arc<[Column]>,
        row: Vec<Value>,
        columns: Option<&Arc<[Column]>>,
    ) -> Result<Vec<Value>> {
        let returns = self.signature.returns;
        let typed =
            |column: &Column, value: Value| Typed { data_type: column.data_type, value, fields: column.fields.clone() };
        if !returns.is_row() {
            let mut row = row;
            return match (given.first(), row.is_empty()) {
                (Some(column), false) => Ok(vec![executor.cast(typed(column, row.swap_remove(0)), &returns)?]),
                _ => Ok(vec![Value::Null]),
            };
        }
        // One column that is the row itself.
        if let ([only], [value]) = (&**given, row.as_slice())
            && only.data_type.is_row()
            && columns.is_none_or(|columns| columns.len() != 1 || !columns[0].data_type.is_row())
        {
            return Ok(match (value, executor.fields(&typed(only, value.clone()))) {
                (Value::Null, _) => vec![Value::Null; columns.map_or(0, |columns| columns.len())],
                (value, Some(fields)) => records::decompose(&fields, value)?,
                (_, None) => row,
            });
        }
        let Some(columns) = columns else { return Ok(row) };
        let mut values = Vec::with_capacity(columns.len());
        for ((value, from), to) in row.into_iter().zip(given.iter()).zip(columns.iter()) {
            values.push(executor.cast(typed(from, value), &to.data_type)?);
        }
        Ok(values)
    }

    /// What it returns, by its signature.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }
}
