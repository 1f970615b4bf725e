//! What an INSERT, UPDATE or DELETE changes: the table it names, or the one below the view that it names.
//!
//! Owns: [`ResultRelation`], which of its columns can be given values, WITH CHECK OPTION. What makes a view updatable is in
//! `updatable_view`. Specification: sql-createview.html#SQL-CREATEVIEW-UPDATABLE-VIEWS, rewriteTargetView() in
//! rewriteHandler.c.

use crate::catalog::acl::Privileges;
use crate::catalog::schema::{CheckOption, Column, Relation, RelationKind};
use crate::catalog::trigger::Event;
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::scope::RangeVar;
use crate::sql::analyze::updatable_view::{NO_COLUMNS, ViewLevel, ViewRow};
use crate::sql::syntax::ast::query::{RangeVar as RangeName, ResTarget};
use crate::sql::tree::{CheckKind, EntryId, Expr, ExprKind, WithCheck};

/// What is done to a relation, in the words of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Insert,
    Update,
    Delete,
    Merge,
}

impl Change {
    fn verb(self) -> &'static str {
        match self {
            Change::Insert => "insert into",
            Change::Update => "update",
            Change::Delete => "delete from",
            Change::Merge => "merge into",
        }
    }

    /// Whether a view has a trigger that does it instead.
    fn is_instead(self, view: &Relation) -> bool {
        let event = match self {
            Change::Insert => Event::Insert,
            Change::Update => Event::Update,
            Change::Delete => Event::Delete,
            Change::Merge => return false,
        };
        view.has_instead(event)
    }

    fn hint(self) -> &'static str {
        match self {
            Change::Insert => {
                "To enable inserting into the view, provide an INSTEAD OF INSERT trigger or an unconditional ON INSERT DO INSTEAD rule."
            }
            Change::Update => {
                "To enable updating the view, provide an INSTEAD OF UPDATE trigger or an unconditional ON UPDATE DO INSTEAD rule."
            }
            Change::Delete | Change::Merge => {
                "To enable deleting from the view, provide an INSTEAD OF DELETE trigger or an unconditional ON DELETE DO INSTEAD rule."
            }
        }
    }
}

/// The relation that a statement changes.
pub(super) struct ResultRelation<'a> {
    /// The table or view that the statement names.
    pub named: &'a Relation,
    /// The table that is changed.
    pub table: &'a Relation,
    /// The columns of what is named.
    pub columns: Vec<ResultColumn<'a>>,
    /// The views that it is changed through, the one named first.
    pub through: Vec<ViewLevel<'a>>,
    /// Defaults that views have in place of the table's, by the table's columns.
    defaults: Vec<(i16, &'a str)>,
    change: Change,
}

/// A column that a statement may name.
#[derive(Clone, Copy)]
pub(super) struct ResultColumn<'a> {
    pub name: &'a str,
    /// Its number in what is named.
    own: i16,
    /// The table's column, or why there is none.
    pub column: std::result::Result<&'a Column, &'static str>,
}

impl ResultColumn<'_> {
    /// The number of the table's column; 0 if there is none.
    pub fn number(&self) -> i16 {
        self.column.map_or(0, |column| column.number)
    }
}

/// What a statement's names stand for while it is analysed.
pub(super) struct ResultRow {
    pub row: RangeVar,
    /// Of the views: only the rows they show are changed.
    pub conditions: Vec<Expr>,
    pub checks: Vec<WithCheck>,
}

impl<'a> ResultRelation<'a> {
    /// A table.
    pub(super) fn of_table(table: &'a Relation, change: Change) -> Self {
        let columns = table.columns.iter();
        let columns = columns.map(|column| ResultColumn { name: &column.name, own: column.number, column: Ok(column) });
        let (through, defaults) = Default::default();
        ResultRelation { named: table, table, columns: columns.collect(), through, defaults, change }
    }

    fn of_view(named: &'a Relation, row: ViewRow<'a>, change: Change) -> Self {
        let table = row.table;
        let number = |expr: &Expr| match &expr.kind {
            ExprKind::Var(var) => var.attribute,
            _ => 0,
        };
        let below = |place: usize| {
            if let Some(why) = row.computed.get(place).copied().flatten() {
                return Err(why);
            }
            let number = row.columns.get(place).map_or(0, |column| number(&column.expr));
            table.column_by_number(number).ok_or("")
        };
        let columns = named.columns.iter().enumerate();
        let columns = columns
            .map(|(place, column)| ResultColumn { name: &column.name, own: column.number, column: below(place) })
            .collect();
        ResultRelation { named, table, columns, through: row.levels, defaults: row.defaults, change }
    }

    /// Whether it is a view whose triggers do what there is to do.
    pub(super) fn is_instead(&self) -> bool {
        self.named.kind == RelationKind::View && self.table.kind == RelationKind::View
    }

    /// Whether a view has columns that are none of the table's.
    pub(super) fn is_computed(&self) -> bool {
        self.columns.iter().any(|column| column.column.is_err())
    }

    /// The column of a name, of what is named.
    pub(super) fn column(&self, name: &str) -> Option<ResultColumn<'a>> {
        self.columns.iter().find(|column| column.name == name).copied()
    }

    /// The default that a view has for the table's column.
    pub(super) fn view_default(&self, column: &Column) -> Option<&'a str> {
        self.defaults.iter().find(|(number, _)| *number == column.number).map(|(_, default)| *default)
    }

    /// The table's column; 0A000 for one of a view that is computed.
    pub(super) fn written(&self, column: &ResultColumn<'a>) -> Result<&'a Column> {
        column.column.map_err(|why| {
            let verb = if self.change == Change::Insert { "insert into" } else { "update" };
            let message = format!("cannot {verb} column \"{}\" of view \"{}\"", column.name, self.named.name);
            Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).with_detail(why)
        })
    }
}

impl<'a> Analyzer<'a> {
    /// The relation that a name in INSERT, UPDATE or DELETE stands for.
    pub(super) fn result_relation(&mut self, name: &RangeName, change: Change) -> Result<ResultRelation<'a>> {
        if let Some(outer) = self.outer.filter(|_| self.in_stored_text == 0 && name.schema.is_none())
            && outer.table(&name.relation).is_some()
        {
            let message = format!("relation \"{}\" cannot be the target of a modifying statement", name.relation);
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let relation = self.relation(name)?;
        let refused = |error| Err(self.at(error, name.location));
        match relation.kind {
            RelationKind::Table if relation.is_materialized() => {
                let message = format!("cannot change materialized view \"{}\"", relation.name);
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
            }
            RelationKind::Table => Ok(ResultRelation::of_table(relation, change)),
            RelationKind::System => {
                let message = format!("permission denied for table {}", relation.name);
                refused(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
            }
            RelationKind::View if change == Change::Merge => {
                let message = format!("cannot execute MERGE on relation \"{}\"", relation.name);
                let error = Error::new(SqlState::FEATURE_NOT_SUPPORTED, message);
                Err(error.with_detail("This operation is not supported for views."))
            }
            RelationKind::View if change.is_instead(relation) => Ok(ResultRelation::of_table(relation, change)),
            RelationKind::View => {
                let entry = self.fresh_entry();
                let row = self.view_or_refusal(relation, entry, change)?;
                if row.levels.iter().any(|level| change.is_instead(level.below)) {
                    return Err(Error::unsupported("changing a view over a view with INSTEAD OF triggers"));
                }
                Ok(ResultRelation::of_view(relation, row, change))
            }
            RelationKind::Composite => {
                let message = format!("\"{}\" is a composite type", relation.name);
                refused(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
            }
            RelationKind::Sequence | RelationKind::Index => {
                let kind = if relation.kind == RelationKind::Index { "index" } else { "sequence" };
                let message = format!("cannot change {kind} \"{}\"", relation.name);
                refused(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
            }
        }
    }

    fn view_or_refusal(&mut self, view: &'a Relation, entry: EntryId, change: Change) -> Result<ViewRow<'a>> {
        let row = self.updatable_view(view, entry)?;
        let columnless = |row: &ViewRow<'a>| row.columnless.filter(|_| change != Change::Delete);
        let row = row.and_then(|row| columnless(&row).map_or(Ok(row), |view| Err((view, NO_COLUMNS))));
        row.map_err(|(view, why)| {
            let message = format!("cannot {} view \"{}\"", change.verb(), view.name);
            let error = Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message);
            error.with_detail(why).with_hint(change.hint())
        })
    }

    /// The row that the statement's names mean, over `entry`, the table's row.
    pub(super) fn result_row(
        &mut self,
        relation: &ResultRelation<'a>,
        shown: &str,
        entry: EntryId,
    ) -> Result<ResultRow> {
        let named = relation.named;
        if named.kind == RelationKind::Table || relation.is_instead() {
            let mut row = RangeVar::table(self, named, shown.to_owned(), entry);
            row.has_members = named.has_members();
            return Ok(ResultRow { row, conditions: Vec::new(), checks: Vec::new() });
        }
        let view = self.view_or_refusal(named, entry, relation.change)?;
        let checks = checks(&view);
        let conditions = view.levels.into_iter().filter_map(|level| level.condition).collect();
        // Which of a view's computed columns are read is not noted: a statement that might read one needs the right to.
        if relation.is_computed() && relation.change != Change::Insert {
            self.permissions.borrow_mut().read(named.oid);
        }
        let mut row = RangeVar::of_view(named, view.columns, entry);
        shown.clone_into(&mut row.name);
        Ok(ResultRow { row, conditions, checks })
    }

    /// What changing the relation needs to be allowed: of who runs the statement on what is named, and of each view's
    /// owner on what is below the view.
    pub(super) fn permit(&self, relation: &ResultRelation<'a>, needed: Privileges, columns: &[ResultColumn<'a>]) {
        let mut permissions = self.permissions.borrow_mut();
        let mut columns: Vec<i16> = columns.iter().map(|column| column.own).collect();
        permissions.change(relation.named.oid, needed, &columns);
        for level in &relation.through {
            let below = |own: &i16| {
                let place = level.view.columns.iter().position(|column| column.number == *own)?;
                level.columns.get(place).copied().flatten()
            };
            columns = columns.iter().filter_map(below).collect();
            permissions.enter_view(level.view);
            permissions.change(level.below.oid, needed, &columns);
        }
        relation.through.iter().for_each(|_| permissions.leave_view());
    }

    /// The column that an INSERT or an assignment names.
    pub(super) fn result_column(&self, target: &ResTarget, relation: &ResultRelation<'a>) -> Result<ResultColumn<'a>> {
        let name = target.name.as_deref().unwrap_or_default();
        let Some(column) = relation.column(name) else {
            let message = format!("column \"{name}\" of relation \"{}\" does not exist", relation.named.name);
            return Err(self.at(Error::new(SqlState::UNDEFINED_COLUMN, message), target.location));
        };
        Ok(column)
    }
}

/// What WITH CHECK OPTION asks of a new row, the innermost view first: CASCADED asks it of the views below, too.
fn checks(view: &ViewRow<'_>) -> Vec<WithCheck> {
    let mut cascaded = false;
    let mut checks = Vec::new();
    for ViewLevel { view, condition, .. } in &view.levels {
        let option = view.check_option();
        cascaded |= option == Some(CheckOption::Cascaded);
        if let (true, Some(condition)) = (cascaded || option.is_some(), condition) {
            let (name, condition) = (view.name.clone(), condition.clone());
            checks.insert(0, WithCheck { kind: CheckKind::View, name, policy: None, condition });
        }
    }
    checks
}
