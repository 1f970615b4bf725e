//! The triggers of foreign keys in pg_trigger: two on the referenced table, two on the referencing one, as PostgreSQL has
//! them. Here SQLite checks keys itself.
//!
//! Specification: createForeignKeyActionTriggers and createForeignKeyCheckTriggers in tablecmds.c.

use crate::catalog::schema::{Constraint, ForeignKey, Relation};
use crate::catalog::tables::contents::View;
use crate::catalog::tables::rows::{Cell, Rows, row};
use crate::catalog::tables::triggers::triggers;
use crate::types::pg_type::Oid;

/// tgtype: for each row, after; and the event.
const INSERT: i32 = 1 | 4;
const DELETE: i32 = 1 | 8;
const UPDATE: i32 = 1 | 16;

/// RI_FKey_check_ins and RI_FKey_check_upd.
const CHECKS: [(i32, u32); 2] = [(INSERT, 1644), (UPDATE, 1645)];

/// The function of an action on DELETE; that on UPDATE is the next one.
fn action_function(action: u8) -> u32 {
    match action {
        b'c' => 1646,
        b'r' => 1648,
        b'n' => 1650,
        b'd' => 1652,
        _ => 1654,
    }
}

/// pg_trigger: users' triggers, and those of every foreign key of users' tables.
pub fn key_triggers(rows: &mut Rows, view: &View<'_>) {
    triggers(rows, view);
    for relation in view.user_relations() {
        for constraint in &relation.constraints {
            if let Some(key) = constraint.foreign_key() {
                triggers_of(rows, view, relation, constraint, key);
            }
        }
    }
}

fn triggers_of(rows: &mut Rows, view: &View<'_>, relation: &Relation, constraint: &Constraint, key: &ForeignKey) {
    let index = view.constraint_index(relation, constraint).map_or(Oid::INVALID, |index| index.oid);
    let mut add = |number: u32, (on, other): (Oid, Oid), (event, function): (i32, u32), timing: (bool, bool)| {
        // The catalog keeps none; this one is the same every time.
        let oid = Oid(0x8000_0000 | (constraint.oid.0.wrapping_mul(4).wrapping_add(number) & 0x7fff_ffff));
        let letter = if number < 2 { 'a' } else { 'c' };
        row!(rows,
            oid: oid,
            tgrelid: on,
            tgname: format!("RI_ConstraintTrigger_{letter}_{}", oid.0),
            tgfoid: function,
            tgtype: event,
            tgenabled: if relation.options.triggers_disabled { "D" } else { "O" },
            tgisinternal: true,
            tgconstrrelid: other,
            tgconstrindid: index,
            tgconstraint: constraint.oid,
            tgdeferrable: timing.0,
            tginitdeferred: timing.1,
            tgattr: Cell::ints::<i64>([]),
        );
    };
    let timing = (constraint.deferrable, constraint.initially_deferred);
    // Only the check of NO ACTION can be put off.
    let acted = |action: u8| if action == b'a' { timing } else { (false, false) };
    let referenced = (key.relation, relation.oid);
    add(0, referenced, (DELETE, action_function(key.on_delete)), acted(key.on_delete));
    add(1, referenced, (UPDATE, action_function(key.on_update) + 1), acted(key.on_update));
    for (check, number) in CHECKS.into_iter().zip(2..) {
        add(number, (relation.oid, key.relation), check, timing);
    }
}
