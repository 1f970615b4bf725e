//! What a statement needs to be allowed: which relations it reads and changes, which of their columns, and as whom.
//!
//! Owns: [`PermissionEntry`], [`Permissions`] while a statement is analysed. Must not know: who runs the statement; a plan
//! is everybody's, and it is checked when it runs (`engine::privileges`). Specification: RangeTblEntry's requiredPerms,
//! checkAsUser, selectedCols, insertedCols and updatedCols in parsenodes.h.

use std::collections::BTreeSet;

use crate::catalog::acl::Privileges;
use crate::catalog::schema::Relation;
use crate::types::pg_type::Oid;

/// One relation, as one role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionEntry {
    pub relation: Oid,
    /// The view whose owner needs it; none where it is who runs the statement.
    pub view: Option<Oid>,
    pub required: Privileges,
    /// Attribute numbers. A privilege that is required on none is required on any.
    pub selected: BTreeSet<i16>,
    pub inserted: BTreeSet<i16>,
    pub updated: BTreeSet<i16>,
    /// LOCK TABLE, for which any right to change the relation is enough.
    pub locked: bool,
    /// The statement itself names it: then its schema must be one that may be used.
    pub named: bool,
}

/// What was found so far.
#[derive(Clone, Debug, Default)]
pub struct Permissions {
    entries: Vec<PermissionEntry>,
    /// The views whose texts are being analysed, outermost first.
    views: Vec<Option<Oid>>,
    /// How many texts of the catalog are around what is being analysed.
    stored: usize,
}

impl Permissions {
    /// What follows is in the view's text, until [`leave_view`](Self::leave_view). It needs what the view's owner has, or, of a
    /// view with security_invoker, what who runs the statement has.
    pub fn enter_view(&mut self, view: &Relation) {
        self.enter((!view.is_on("security_invoker")).then_some(view.oid));
    }

    fn enter(&mut self, view: Option<Oid>) {
        self.views.push(view);
    }

    /// The view whose owner needs what is found now.
    pub fn view(&self) -> Option<Oid> {
        self.views.last().copied().flatten()
    }

    /// What follows is a text of the catalog's, whose names were looked up when it was made.
    pub fn enter_stored(&mut self) {
        self.stored += 1;
    }

    /// That text has ended.
    pub fn leave_stored(&mut self) {
        self.stored -= 1;
    }

    /// The view's text has ended.
    pub fn leave_view(&mut self) {
        self.views.pop();
    }

    /// The relation is read, if perhaps no column of it.
    pub fn read(&mut self, relation: Oid) {
        self.entry(relation, Privileges::SELECT);
    }

    /// A column of the relation is read.
    pub fn read_column(&mut self, relation: Oid, column: i16) {
        self.entry(relation, Privileges::SELECT).selected.insert(column);
    }

    /// Rows are inserted, updated, deleted or locked; these columns of theirs are given values.
    pub fn change(&mut self, relation: Oid, needed: Privileges, columns: &[i16]) {
        let entry = self.entry(relation, needed);
        match needed {
            Privileges::INSERT => entry.inserted.extend(columns),
            Privileges::UPDATE => entry.updated.extend(columns),
            Privileges::SELECT => entry.selected.extend(columns),
            _ => {}
        }
    }

    /// Something else is done with the relation.
    pub fn require(&mut self, relation: Oid, privileges: Privileges) {
        self.entry(relation, privileges);
    }

    /// The relation is locked as a whole.
    pub fn lock(&mut self, relation: Oid) {
        self.entry(relation, Privileges::NONE).locked = true;
    }

    /// All entries, in the order in which they were found.
    pub fn entries(&self) -> Vec<PermissionEntry> {
        self.entries.clone()
    }

    fn entry(&mut self, relation: Oid, required: Privileges) -> &mut PermissionEntry {
        let view = self.view();
        let at = self.entries.iter().position(|entry| entry.relation == relation && entry.view == view);
        let at = at.unwrap_or_else(|| {
            let none = BTreeSet::new;
            let required = Privileges::NONE;
            let entry = PermissionEntry {
                relation,
                view,
                required,
                selected: none(),
                inserted: none(),
                updated: none(),
                locked: false,
                named: false,
            };
            self.entries.push(entry);
            self.entries.len() - 1
        });
        let entry = &mut self.entries[at];
        entry.named |= self.stored == 0;
        entry.required = entry.required.and(required);
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relation_has_an_entry_for_each_who_reads_it() {
        let mut permissions = Permissions::default();
        permissions.read(Oid(1));
        permissions.read_column(Oid(1), 2);
        permissions.enter(Some(Oid(1)));
        permissions.read_column(Oid(1), 3);
        permissions.leave_view();
        permissions.change(Oid(1), Privileges::UPDATE, &[4]);
        let entries = permissions.entries();
        let of = |view: Option<Oid>| entries.iter().find(|entry| entry.view == view).unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!(of(None).required, Privileges::SELECT.and(Privileges::UPDATE));
        assert_eq!((of(None).selected.len(), of(Some(Oid(1))).selected.first()), (1, Some(&3)));
    }
}
