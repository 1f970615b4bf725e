//! In which order the parts of CREATE TABLE and ALTER TABLE are carried out: a key may be referred to by a foreign key
//! that was written before it, what is dropped goes before what is added. Only the order; what each part does is
//! elsewhere. Specification: AT_PASS_… of tablecmds.c, and transformIndexConstraints of parse_utilcmd.c.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

use crate::sql::ddl::{AlterAction, ConstraintDefinition, ConstraintDefinitionKind, KeySource};

const DROP: u8 = 0;
const ALTER_TYPE: u8 = 1;
const ADD_COLUMN: u8 = 4;
const ADD_CONSTRAINT: u8 = 5;
const COLUMN_ATTRIBUTES: u8 = 6;
const ADD_KEY_USING_INDEX: u8 = 7;
const ADD_KEY: u8 = 8;
const ADD_OTHER: u8 = 9;
const MISCELLANEOUS: u8 = 10;

/// The actions of one ALTER TABLE that are still to be done.
pub(super) struct Passes<'a>(BTreeMap<u8, VecDeque<Cow<'a, AlterAction>>>);

impl<'a> Passes<'a> {
    pub(super) fn of(actions: &'a [AlterAction]) -> Self {
        let mut passes = Passes(BTreeMap::new());
        for action in actions {
            passes.0.entry(first_pass(action)).or_default().push_back(Cow::Borrowed(action));
        }
        passes
    }

    /// The constraints that came with a column that was added.
    pub(super) fn add_constraints(&mut self, definitions: Vec<ConstraintDefinition>) {
        for definition in definitions {
            let pass = constraint_pass(&definition);
            self.0.entry(pass).or_default().push_back(Cow::Owned(AlterAction::AddConstraint(Box::new(definition))));
        }
    }

    pub(super) fn next(&mut self) -> Option<Cow<'a, AlterAction>> {
        loop {
            let mut first = self.0.first_entry()?;
            let pass = *first.key();
            let Some(action) = first.get_mut().pop_front() else {
                first.remove();
                continue;
            };
            match &*action {
                AlterAction::AddConstraint(definition) if pass == ADD_CONSTRAINT => {
                    let pass = constraint_pass(definition);
                    self.0.entry(pass).or_default().push_back(action);
                }
                _ => return Some(action),
            }
        }
    }
}

fn first_pass(action: &AlterAction) -> u8 {
    match action {
        AlterAction::DropColumn { .. }
        | AlterAction::DropConstraint { .. }
        | AlterAction::DropIdentity { .. }
        | AlterAction::DropExpression { .. }
        | AlterAction::SetDefault { default: None, .. }
        | AlterAction::SetNotNull { not_null: false, .. } => DROP,
        AlterAction::AlterType { .. } => ALTER_TYPE,
        AlterAction::AddColumn { .. } => ADD_COLUMN,
        AlterAction::AddConstraint(_) => ADD_CONSTRAINT,
        AlterAction::SetNotNull { .. } => COLUMN_ATTRIBUTES,
        AlterAction::SetDefault { .. } | AlterAction::AddIdentity { .. } => ADD_OTHER,
        _ => MISCELLANEOUS,
    }
}

fn constraint_pass(definition: &ConstraintDefinition) -> u8 {
    match &definition.kind {
        ConstraintDefinitionKind::PrimaryKey(KeySource::Index(_))
        | ConstraintDefinitionKind::Unique(KeySource::Index(_)) => ADD_KEY_USING_INDEX,
        ConstraintDefinitionKind::PrimaryKey(_)
        | ConstraintDefinitionKind::Unique(_)
        | ConstraintDefinitionKind::Exclusion(_) => ADD_KEY,
        ConstraintDefinitionKind::Check(_) | ConstraintDefinitionKind::ForeignKey { .. } => ADD_OTHER,
    }
}

/// The constraints of a new table, or of a new column: checks, the primary key, the other keys, foreign keys. A key
/// that is there already, but for its name, is left out, and its name goes to one that has none.
pub(super) fn in_order<'a>(
    definitions: impl Iterator<Item = &'a ConstraintDefinition>,
) -> Vec<Cow<'a, ConstraintDefinition>> {
    let mut ordered: Vec<Cow<'a, ConstraintDefinition>> = definitions.map(Cow::Borrowed).collect();
    ordered.sort_by_key(|definition| match &definition.kind {
        ConstraintDefinitionKind::Check(_) => 0,
        ConstraintDefinitionKind::PrimaryKey(_) => 1,
        ConstraintDefinitionKind::Unique(_) | ConstraintDefinitionKind::Exclusion(_) => 2,
        ConstraintDefinitionKind::ForeignKey { .. } => 3,
    });
    let mut kept: Vec<Cow<'a, ConstraintDefinition>> = Vec::with_capacity(ordered.len());
    for definition in ordered {
        match kept.iter_mut().find(|prior| same_key(prior, &definition)) {
            Some(prior) if prior.name.is_none() => prior.to_mut().name = definition.name.clone(),
            Some(_) => (),
            None => kept.push(definition),
        }
    }
    kept
}

fn same_key(prior: &ConstraintDefinition, definition: &ConstraintDefinition) -> bool {
    use ConstraintDefinitionKind::{PrimaryKey, Unique};
    let columns = match (&prior.kind, &definition.kind) {
        (PrimaryKey(KeySource::Columns(a, b)) | Unique(KeySource::Columns(a, b)), Unique(KeySource::Columns(c, d))) => {
            (a, b) == (c, d)
        }
        _ => false,
    };
    columns
        && prior.nulls_not_distinct == definition.nulls_not_distinct
        && prior.deferrable == definition.deferrable
        && prior.initially_deferred == definition.initially_deferred
}
