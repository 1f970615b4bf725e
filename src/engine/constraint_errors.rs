//! What a violated constraint is called: SQLite's messages and the catalog give PostgreSQL's message, DETAIL and the
//! fields schema, table, column and constraint.
//!
//! Owns: [`describe`], [`Origin`]. Must not know: sessions, transactions (the statement that failed is in one).
//! Specification: PostgreSQL's errors.h messages in execMain.c, nbtinsert.c, ri_triggers.c.

use std::sync::{Arc, PoisonError};

use rusqlite::ffi;

use crate::catalog::definitions::{Names, quote_identifier};
use crate::catalog::schema::{
    CatalogSnapshot, Constraint, ConstraintKind, Index, Relation, index_name_by_case, sqlite_name,
};
use crate::engine::connection::{Control, Entered};
use crate::engine::constraint_timing::Timing;
use crate::engine::context::SharedContext;
use crate::engine::cursor::value_of;
use crate::engine::ddl::PARTITION_CHECK;
use crate::engine::error_map::{self, Failure};
use crate::engine::foreign_key_errors;
use crate::engine::row_capture;
use crate::engine::statement::{Code, RawStatement};
use crate::error::{Error, Result, SqlState};
use crate::settings::Settings;
use crate::sql::plan::{ProgramStep, SqliteStatement};
use crate::sql::ruleutils::{self, Style};
use crate::sql::stored;
use crate::sql::syntax::parse;
use crate::types::encoding;
use crate::types::format::{Format, FormatSettings};
use crate::types::pg_type::Oid;
use crate::types::value::Value;

/// What SQLite says where RESTRICT stops a cascade.
const RESTRICTED: &str = "FOREIGN KEY constraint failed";

/// What is known about a writing statement, in case it fails.
pub(crate) struct Origin {
    timing: Arc<Timing>,
    /// Asked for the catalog the statement was planned against, and for how values are shown.
    context: SharedContext,
    target: Option<Oid>,
    /// Values by attribute number, where the plan knows them.
    keys: Vec<(i16, Value)>,
    /// All that it changes it deletes.
    deletes: bool,
    /// It changes other tables, too.
    others: bool,
}

/// The circumstances of a failure.
pub(crate) struct Scene<'o> {
    pub(crate) catalog: Arc<CatalogSnapshot>,
    pub(crate) target: Option<Oid>,
    keys: &'o [(i16, Value)],
    pub(crate) format: FormatSettings,
}

impl Origin {
    /// A statement that changes `target`.
    pub(crate) fn new(context: SharedContext, timing: Arc<Timing>, target: Option<Oid>) -> Self {
        Origin { timing, context, target, keys: Vec::new(), deletes: false, others: false }
    }

    /// The same, of a statement of these steps.
    pub(crate) fn in_steps(mut self, steps: &[ProgramStep]) -> Self {
        let mut changes = steps.iter().filter(|step| step.target.is_some()).peekable();
        self.deletes = changes.peek().is_some() && changes.all(|step| step.deletes);
        self.others = steps.iter().any(|step| step.target.is_some() && step.target != self.target);
        self
    }

    /// Whether it deletes only, and the one table that it changes.
    fn changes(&self) -> (bool, Option<Oid>) {
        (self.deletes, self.target.filter(|_| !self.others))
    }

    /// Whether the triggers of the table it changes are disabled, and so what foreign keys do.
    pub(crate) fn is_unchecked(&self) -> bool {
        let context = self.context.lock().unwrap_or_else(PoisonError::into_inner);
        let target = self.target.and_then(|target| context.catalog.relations.get(&target));
        target.is_some_and(|target| target.options.triggers_disabled || context.settings.is_replica())
    }

    /// The relation that is changed.
    pub(crate) fn target(&self) -> Option<Oid> {
        self.target
    }

    /// The session.
    pub(crate) fn context(&self) -> &SharedContext {
        &self.context
    }

    /// What SET CONSTRAINTS has said.
    pub(crate) fn timing(&self) -> &Timing {
        &self.timing
    }

    /// The same session's statement about a relation.
    pub(crate) fn with_row_of(&self, target: Option<Oid>) -> Self {
        Origin::new(Arc::clone(&self.context), Arc::clone(&self.timing), target)
    }

    /// The same statement about a row whose values are known.
    pub(crate) fn with_row(&self, relation: &Relation, row: &[Value]) -> Self {
        // Those that are generated are not known before the row is written.
        let values = relation.columns.iter().zip(row).filter(|(column, _)| !column.generated);
        Origin {
            timing: Arc::clone(&self.timing),
            context: Arc::clone(&self.context),
            target: Some(relation.oid),
            keys: values.map(|(column, value)| (column.number, value.clone())).collect(),
            deletes: false,
            others: false,
        }
    }

    /// What is due now that the statement has ended. One that a trigger runs is inside of another, which has put off
    /// what is due.
    pub(crate) fn check(&self, entered: &Entered<'_>) -> Result<()> {
        match entered.slot().trigger_depth() {
            0 => self.timing.check(entered, &self.context),
            _ => self.timing.check_all(entered, &self.context, self.changes()),
        }
    }

    fn scene(&self) -> Scene<'_> {
        Scene { target: self.target, keys: &self.keys, ..Scene::of(&self.context) }
    }

    /// The statement is going to be run many times and counts as one: what is due is due at the end.
    pub(crate) fn begin_loop(&self, entered: &Entered<'_>) -> Result<()> {
        if entered.slot().trigger_depth() > 0 {
            return Ok(());
        }
        entered.control(Control::DeferForeignKeys).map_err(|code| entered.error(code))
    }

    /// What is due while it is not over yet.
    pub(crate) fn check_loop(&self, entered: &Entered<'_>) -> Result<()> {
        self.timing.check_all(entered, &self.context, self.changes())
    }

    /// What is due now that it has been run for the last time.
    pub(crate) fn end_loop(&self, entered: &Entered<'_>) -> Result<()> {
        self.timing.check_all(entered, &self.context, self.changes())?;
        match entered.slot().trigger_depth() {
            0 => self.timing.apply(entered),
            _ => Ok(()),
        }
    }

    /// Takes over the values the statement is about to run with.
    pub(crate) fn set_keys(&mut self, statement: &SqliteStatement, params: &[Value], literals: &[Value]) {
        let known = statement.key_sources.iter();
        self.keys =
            known.filter_map(|(number, source)| Some((*number, value_of(source, params, literals)?.clone()))).collect();
    }
}

impl Scene<'_> {
    /// No statement: a check that was put off.
    pub(crate) fn of(context: &SharedContext) -> Self {
        let context = context.lock().unwrap_or_else(PoisonError::into_inner);
        Scene {
            catalog: Arc::clone(&context.catalog),
            target: None,
            keys: &[],
            format: context.settings.format().clone(),
        }
    }

    /// The relation the statement changes.
    pub(crate) fn target(&self) -> Option<&Arc<Relation>> {
        self.catalog.relations.get(&self.target?)
    }

    /// What the statement gives a column, if it says so.
    pub(crate) fn value(&self, column: i16) -> Option<&Value> {
        self.keys.iter().find(|(number, _)| *number == column).map(|(_, value)| value)
    }

    /// The same, for a relation that may not be the target.
    fn value_of(&self, relation: &Relation, column: i16) -> Option<&Value> {
        if self.target == Some(relation.oid) { self.value(column) } else { None }
    }

    /// "(a, b)=(1, x)" of these columns, if all their values are known.
    fn key_text(&self, relation: &Relation, columns: &[i16]) -> Option<String> {
        let shown = |number: &i16| {
            let column = relation.column_by_number(*number)?;
            show(column.repr, self.value_of(relation, *number)?, &self.format)
        };
        let values: Option<Vec<String>> = columns.iter().map(shown).collect();
        Some(index_key_text(relation, columns, &values?))
    }
}

/// A stored value in PostgreSQL's text form.
pub(crate) fn show(repr: crate::types::pg_type::Repr, value: &Value, format: &FormatSettings) -> Option<String> {
    if value.is_null() {
        return Some("null".to_owned());
    }
    let mut out = bytes::BytesMut::new();
    encoding::encode(repr, Format::Text, value.as_ref(), format, &mut out).ok()?;
    String::from_utf8(out.to_vec()).ok()
}

/// "(a, b)=(1, x)".
pub(crate) fn key_text(columns: &[&str], values: &[String]) -> String {
    format!("({})=({})", columns.join(", "), values.join(", "))
}

/// The same of an index, whose columns are shown as identifiers are written.
fn index_key_text(relation: &Relation, columns: &[i16], values: &[String]) -> String {
    let names: Vec<String> = column_names(relation, columns).into_iter().map(quote_identifier).collect();
    key_text(&names.iter().map(String::as_str).collect::<Vec<_>>(), values)
}

/// The names of columns by number.
pub(crate) fn column_names<'r>(relation: &'r Relation, columns: &[i16]) -> Vec<&'r str> {
    columns.iter().filter_map(|c| relation.column_by_number(*c)).map(|c| c.name.as_str()).collect()
}

/// The error of a statement whose step failed with `code`.
pub(crate) fn describe(
    entered: &Entered<'_>,
    statement: &mut RawStatement,
    code: Code,
    origin: Option<&Origin>,
) -> Error {
    if let Some(raised) = entered.raised(code) {
        let Some(origin) = origin else { return raised };
        let witness = &mut Witness { entered, statement };
        return match raised.code() {
            SqlState::NOT_NULL_VIOLATION => missing_key(raised, &origin.scene(), witness),
            SqlState::WITH_CHECK_OPTION_VIOLATION => unshown(raised, &origin.scene(), witness),
            _ => raised,
        };
    }
    let failure = entered.failure(code);
    let Some(origin) = origin.filter(|_| failure.primary() == ffi::SQLITE_CONSTRAINT) else {
        return error_map::plain(&failure);
    };
    let scene = &origin.scene();
    let witness = &mut Witness { entered, statement };
    let described = match failure.code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            unique(&failure, scene, witness)
        }
        ffi::SQLITE_CONSTRAINT_NOTNULL => not_null(&failure, scene, witness),
        ffi::SQLITE_CONSTRAINT_CHECK => check(&failure, scene, witness),
        // RESTRICT of a table that a cascade has come to is a trigger's error in SQLite.
        ffi::SQLITE_CONSTRAINT_TRIGGER if failure.message != RESTRICTED => None,
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY | ffi::SQLITE_CONSTRAINT_TRIGGER => {
            Some(foreign_key_errors::of_statement(entered, statement, scene))
        }
        _ => None,
    };
    described.unwrap_or_else(|| generic(&failure))
}

/// A violation of something the catalog does not know: a table that others made, a trigger.
fn generic(failure: &Failure) -> Error {
    let (state, message) = match failure.code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            (SqlState::UNIQUE_VIOLATION, "duplicate key value violates unique constraint".to_owned())
        }
        ffi::SQLITE_CONSTRAINT_NOTNULL => (SqlState::NOT_NULL_VIOLATION, failure.message.clone()),
        ffi::SQLITE_CONSTRAINT_CHECK => (SqlState::CHECK_VIOLATION, failure.message.clone()),
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => (SqlState::FOREIGN_KEY_VIOLATION, failure.message.clone()),
        ffi::SQLITE_CONSTRAINT_DATATYPE => (SqlState::DATATYPE_MISMATCH, failure.message.clone()),
        _ => (SqlState::INTEGRITY_CONSTRAINT_VIOLATION, failure.message.clone()),
    };
    Error::new(state, message)
}

/// Who can tell the row that failed.
struct Witness<'w> {
    entered: &'w Entered<'w>,
    statement: &'w mut RawStatement,
}

impl Witness<'_> {
    /// The values of the row in the order of the relation's columns: those the plan knows, or those of a second run.
    fn row(&mut self, relation: &Relation, scene: &Scene<'_>) -> Option<Vec<Value>> {
        let known: Option<Vec<Value>> =
            relation.columns.iter().map(|c| scene.value_of(relation, c.number).cloned()).collect();
        known.or_else(|| row_capture::failing_row(self.entered, self.statement, relation))
    }

    /// "(a, b)=(1, x)" of these columns.
    fn key_text(&mut self, relation: &Relation, columns: &[i16], scene: &Scene<'_>) -> Option<String> {
        if let Some(text) = scene.key_text(relation, columns) {
            return Some(text);
        }
        let row = self.row(relation, scene)?;
        let values: Option<Vec<String>> = columns
            .iter()
            .map(|number| {
                let (column, value) = relation.columns.iter().zip(&row).find(|(c, _)| c.number == *number)?;
                show(column.repr, value, &scene.format)
            })
            .collect();
        Some(index_key_text(relation, columns, &values?))
    }

    /// The same of an index with expressions, which are shown and evaluated.
    fn index_key_text(&mut self, relation: &Relation, index: &Index, scene: &Scene<'_>) -> Option<String> {
        let row = self.row(relation, scene)?;
        let settings = Settings::default();
        let search_path = stored::search_path();
        let names = Names { catalog: &scene.catalog, search_path: &search_path };
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for key in &index.keys {
            let shown = |text: &str, relation: &Relation| {
                let context = stored::context(&scene.catalog, &settings);
                let printed = ruleutils::stored_expression(text, Some(relation), &names, context, Style::PRETTY);
                printed.unwrap_or_else(|| text.to_owned())
            };
            let shown = names.index_key(relation, key, Some(&shown));
            let expression = match &key.expression {
                Some(text) => parse::expression(text).ok()?,
                None => stored::column_expression(&relation.column_by_number(key.column)?.name),
            };
            let how = (stored::Origin::Stored, stored::Target::Any);
            let context = stored::context(&scene.catalog, &settings);
            let analysed = stored::relation_expression(&expression, Some(relation), how, context).ok()?.ok()?;
            let value = row_capture::evaluate(self.entered, &analysed.sql, relation, &row)?;
            values.push(show(scene.catalog.repr(analysed.type_oid)?, &value, &scene.format)?);
            keys.push(shown);
        }
        Some(key_text(&keys.iter().map(String::as_str).collect::<Vec<_>>(), &values))
    }
}

/// "UNIQUE constraint failed: t.a, t.b", or "…: index 'name'" when expressions are indexed.
fn unique(failure: &Failure, scene: &Scene<'_>, witness: &mut Witness<'_>) -> Option<Error> {
    let subject = failure.message.strip_prefix("UNIQUE constraint failed: ")?;
    let (relation, name, key) =
        if let Some(name) = subject.strip_prefix("index '").and_then(|rest| rest.strip_suffix('\'')) {
            let (relation, index) = named_index(name, scene)?;
            (relation, index.name.as_str(), witness.index_key_text(relation, index, scene))
        } else {
            let (relation, columns) = named_columns(subject, scene)?;
            (relation, unique_name(relation, &columns)?, witness.key_text(relation, &columns, scene))
        };
    let error = with_origin(duplicate(name), relation).with_constraint(name);
    Some(match key {
        Some(key) => error.with_detail(format!("Key {key} already exists.")),
        None => error,
    })
}

/// The index of that name inside SQLite. The statement's target is tried first.
fn named_index<'o>(name: &str, scene: &'o Scene<'_>) -> Option<(&'o Arc<Relation>, &'o Index)> {
    let of = |relation: &'o Arc<Relation>| {
        let is_it = |index: &&Index| {
            sqlite_name(&relation.schema, &index.name) == name
                || index_name_by_case(&relation.schema, &index.name) == name
        };
        let index = relation.indexes.iter().find(is_it)?;
        Some((relation, index))
    };
    scene.target().and_then(of).or_else(|| scene.catalog.relations.values().find_map(of))
}

/// The error of a unique constraint that was checked late.
pub(crate) fn duplicate_key(
    relation: &Relation,
    constraint: &Constraint,
    values: &[Value],
    format: &FormatSettings,
) -> Error {
    let error = with_origin(duplicate(&constraint.name), relation).with_constraint(&constraint.name);
    let columns = constraint.columns.iter().map(|number| relation.column_by_number(*number));
    let shown: Option<Vec<String>> =
        columns.zip(values).map(|(column, value)| show(column?.repr, value, format)).collect();
    match shown {
        Some(shown) => {
            let key = index_key_text(relation, &constraint.columns, &shown);
            error.with_detail(format!("Key {key} already exists."))
        }
        None => error,
    }
}

fn duplicate(name: &str) -> Error {
    let message = format!("duplicate key value violates unique constraint \"{name}\"");
    Error::new(SqlState::UNIQUE_VIOLATION, message)
}

/// The constraint or index over exactly these columns; SQLite names only the columns.
fn unique_name<'r>(relation: &'r Relation, columns: &[i16]) -> Option<&'r str> {
    let constraint = relation.constraints.iter().find(|c| {
        matches!(c.kind, ConstraintKind::PrimaryKey | ConstraintKind::Unique) && same_columns(&c.columns, columns)
    });
    let index = relation.indexes.iter().find(|index| {
        index.unique && same_columns(&index.keys.iter().map(|key| key.column).collect::<Vec<_>>(), columns)
    });
    constraint.map(|c| c.name.as_str()).or(index.map(|i| i.name.as_str()))
}

fn same_columns(a: &[i16], b: &[i16]) -> bool {
    a.len() == b.len() && a.iter().all(|column| b.contains(column))
}

/// "NOT NULL constraint failed: t.a"
fn not_null(failure: &Failure, scene: &Scene<'_>, witness: &mut Witness<'_>) -> Option<Error> {
    let subject = failure.message.strip_prefix("NOT NULL constraint failed: ")?;
    let (relation, columns) = named_columns(subject, scene)?;
    let column = relation.column_by_number(*columns.first()?)?;
    let message = format!(
        "null value in column \"{}\" of relation \"{}\" violates not-null constraint",
        column.name, relation.name
    );
    let error = with_origin(Error::new(SqlState::NOT_NULL_VIOLATION, message), relation).with_column(&column.name);
    Some(with_row(error, relation, scene, witness))
}

/// The error that `pg_raise_not_null` raised for the statement's target.
fn missing_key(error: Error, scene: &Scene<'_>, witness: &mut Witness<'_>) -> Error {
    match scene.target() {
        Some(relation) if error.fields().table.as_deref() == Some(relation.name.as_str()) => {
            with_row(with_origin(error, relation), relation, scene, witness)
        }
        _ => error,
    }
}

/// The error that a view's CHECK OPTION raised.
fn unshown(error: Error, scene: &Scene<'_>, witness: &mut Witness<'_>) -> Error {
    match scene.target() {
        Some(relation) => with_row(error, relation, scene, witness),
        None => error,
    }
}

/// "CHECK constraint failed: name"
fn check(failure: &Failure, scene: &Scene<'_>, witness: &mut Witness<'_>) -> Option<Error> {
    let name = failure.message.strip_prefix("CHECK constraint failed: ")?;
    if name == PARTITION_CHECK {
        let relation = scene.target()?;
        let message = format!("new row for relation \"{}\" violates partition constraint", relation.name);
        let error = with_origin(Error::new(SqlState::CHECK_VIOLATION, message), relation);
        return Some(with_row(error, relation, scene, witness));
    }
    let target = scene.target();
    let relation = target
        .filter(|relation| check_named(relation, name).is_some())
        .or_else(|| scene.catalog.relations.values().find(|relation| check_named(relation, name).is_some()))
        .or(target)?;
    if check_named(relation, name).is_some_and(|constraint| constraint.foreign_key().is_some()) {
        return Some(match_full(relation, name));
    }
    let message = format!("new row for relation \"{}\" violates check constraint \"{name}\"", relation.name);
    let error = with_origin(Error::new(SqlState::CHECK_VIOLATION, message), relation).with_constraint(name);
    Some(with_row(error, relation, scene, witness))
}

fn check_named<'r>(relation: &'r Relation, name: &str) -> Option<&'r Constraint> {
    let is_checked = |c: &Constraint| matches!(c.kind, ConstraintKind::Check(_)) || c.options.match_full;
    relation.constraints.iter().find(|c| c.name == name && is_checked(c))
}

/// A foreign key of which some columns are null, where all should be or none (ri_Check_Full_Match).
fn match_full(relation: &Relation, name: &str) -> Error {
    let message = format!("insert or update on table \"{}\" violates foreign key constraint \"{name}\"", relation.name);
    with_origin(Error::new(SqlState::FOREIGN_KEY_VIOLATION, message), relation)
        .with_constraint(name)
        .with_detail("MATCH FULL does not allow mixing of null and nonnull key values.")
}

/// DETAIL with the whole row (ExecBuildSlotValueDescription).
fn with_row(error: Error, relation: &Relation, scene: &Scene<'_>, witness: &mut Witness<'_>) -> Error {
    let Some(row) = witness.row(relation, scene) else { return error };
    let columns = relation.columns.iter().zip(&row);
    let values: Option<Vec<String>> =
        columns.map(|(c, value)| show(c.repr, value, &scene.format).map(shortened)).collect();
    match values {
        Some(values) => error.with_detail(format!("Failing row contains ({}).", values.join(", "))),
        None => error,
    }
}

/// The same of a row that is at hand.
pub(crate) fn with_failing_row(error: Error, relation: &Relation, row: &[Value], context: &SharedContext) -> Error {
    let scene = Scene::of(context);
    let columns = relation.columns.iter().zip(row);
    let values: Option<Vec<String>> =
        columns.map(|(c, value)| show(c.repr, value, &scene.format).map(shortened)).collect();
    match values {
        Some(values) => error.with_detail(format!("Failing row contains ({}).", values.join(", "))),
        None => error,
    }
}

/// A long value's first 64 bytes, by whole characters.
fn shortened(mut shown: String) -> String {
    const LONGEST: usize = 64;
    if shown.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|&at| shown.is_char_boundary(at)).unwrap_or_default();
        shown.truncate(end);
        shown.push_str("...");
    }
    shown
}

/// Splits SQLite's "t.a, t.b", where the table's name and the columns' may contain anything, into a relation of the
/// catalog and its columns' numbers. The statement's target is tried first; triggers and foreign keys reach others.
fn named_columns<'o>(subject: &str, scene: &'o Scene<'_>) -> Option<(&'o Arc<Relation>, Vec<i16>)> {
    let of = |relation: &'o Arc<Relation>| {
        let columns = columns_of(subject, relation)?;
        Some((relation, columns))
    };
    scene.target().and_then(of).or_else(|| scene.catalog.relations.values().find_map(of))
}

fn columns_of(subject: &str, relation: &Relation) -> Option<Vec<i16>> {
    let mut rest = subject;
    let mut numbers = Vec::new();
    loop {
        rest = rest.strip_prefix(relation.sqlite_name.as_str())?.strip_prefix('.')?;
        let (column, after) = relation.columns.iter().find_map(|column| {
            let after = rest.strip_prefix(column.stored_name())?;
            (after.is_empty() || after.starts_with(", ")).then_some((column, after))
        })?;
        numbers.push(column.number);
        match after.strip_prefix(", ") {
            Some(next) => rest = next,
            None => return Some(numbers),
        }
    }
}

/// The fields that say where.
pub(crate) fn with_origin(error: Error, relation: &Relation) -> Error {
    error.with_schema(&relation.schema).with_table(&relation.name)
}
