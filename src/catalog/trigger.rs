//! Triggers as the catalog has them.
//!
//! Owns: [`Trigger`], its parts, and pg_trigger's numbers for them. Must not know: where they are kept
//! (`catalog::store`), how they fire (`engine::triggers`). Specification: catalog-pg-trigger.html, sql-createtrigger.html.

use crate::catalog::schema::Uses;
use crate::types::pg_type::Oid;

/// A trigger that a user has made (pg_trigger).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    pub oid: Oid,
    pub name: String,
    pub function: Oid,
    pub timing: Timing,
    pub for_each_row: bool,
    pub events: Events,
    /// UPDATE OF: attribute numbers; empty for any.
    pub columns: Vec<i16>,
    pub arguments: Vec<String>,
    /// WHEN, over `old` and `new`, as PostgreSQL text.
    pub condition: Option<String>,
    pub enabled: Enabled,
    /// The OID of a constraint trigger's constraint.
    pub constraint: Option<Oid>,
    /// FROM table, of a constraint trigger.
    pub constraint_relation: Option<Oid>,
    pub deferrable: bool,
    pub initially_deferred: bool,
    /// REFERENCING OLD TABLE and NEW TABLE.
    pub old_table: Option<String>,
    pub new_table: Option<String>,
    /// Of the condition.
    pub uses: Uses,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    Before,
    After,
    InsteadOf,
}

/// What a trigger fires on: any of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Events {
    pub insert: bool,
    pub delete: bool,
    pub update: bool,
    pub truncate: bool,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    Insert,
    Update,
    Delete,
    Truncate,
}

/// When it fires by session_replication_role (pg_trigger.tgenabled).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enabled {
    /// In any role but replica.
    Origin,
    Always,
    Replica,
    Disabled,
}

/// tgtype's bits.
const ROW: i32 = 1;
const BEFORE: i32 = 2;
const INSERT: i32 = 4;
const DELETE: i32 = 8;
const UPDATE: i32 = 16;
const TRUNCATE: i32 = 32;
const INSTEAD: i32 = 64;

impl Trigger {
    /// tgtype
    pub fn bits(&self) -> i32 {
        let Events { insert, delete, update, truncate } = self.events;
        let timing = match self.timing {
            Timing::Before => BEFORE,
            Timing::After => 0,
            Timing::InsteadOf => INSTEAD,
        };
        let bits =
            [(self.for_each_row, ROW), (insert, INSERT), (delete, DELETE), (update, UPDATE), (truncate, TRUNCATE)];
        timing | bits.iter().filter(|(is_set, _)| *is_set).map(|(_, bit)| bit).sum::<i32>()
    }

    /// What those bits say: the timing, the level, the events.
    pub fn read_bits(bits: i32) -> (Timing, bool, Events) {
        let has = |bit: i32| bits & bit != 0;
        let timing = match (has(BEFORE), has(INSTEAD)) {
            (true, _) => Timing::Before,
            (_, true) => Timing::InsteadOf,
            _ => Timing::After,
        };
        let events = Events { insert: has(INSERT), delete: has(DELETE), update: has(UPDATE), truncate: has(TRUNCATE) };
        (timing, has(ROW), events)
    }

    /// Whether it fires on that, if that is an UPDATE of any column.
    pub fn fires_on(&self, event: Event) -> bool {
        match event {
            Event::Insert => self.events.insert,
            Event::Update => self.events.update,
            Event::Delete => self.events.delete,
            Event::Truncate => self.events.truncate,
        }
    }
}

impl Enabled {
    const LETTERS: [(Enabled, &'static str); 4] =
        [(Enabled::Origin, "O"), (Enabled::Always, "A"), (Enabled::Replica, "R"), (Enabled::Disabled, "D")];

    /// tgenabled
    pub fn letter(self) -> &'static str {
        Enabled::LETTERS.iter().find(|(enabled, _)| *enabled == self).map_or("O", |(_, letter)| letter)
    }

    /// What that letter says.
    pub fn of_letter(letter: &str) -> Self {
        Enabled::LETTERS.iter().find(|(_, known)| *known == letter).map_or(Enabled::Origin, |(enabled, _)| *enabled)
    }

    /// Whether it fires in a session that is, or is not, a replica (session_replication_role).
    pub fn fires(self, replica: bool) -> bool {
        match self {
            Enabled::Origin => !replica,
            Enabled::Replica => replica,
            Enabled::Always => true,
            Enabled::Disabled => false,
        }
    }
}

impl Event {
    /// In statements and TG_OP.
    pub fn word(self) -> &'static str {
        match self {
            Event::Insert => "INSERT",
            Event::Update => "UPDATE",
            Event::Delete => "DELETE",
            Event::Truncate => "TRUNCATE",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_say_it_all() {
        for bits in [2, 5, 7, 16, 29, 34, 69, 81] {
            let (timing, for_each_row, events) = Trigger::read_bits(bits);
            let trigger = Trigger {
                oid: Oid(1),
                name: "t".into(),
                function: Oid(2),
                timing,
                for_each_row,
                events,
                columns: Vec::new(),
                arguments: Vec::new(),
                condition: None,
                enabled: Enabled::Origin,
                constraint: None,
                constraint_relation: None,
                deferrable: false,
                initially_deferred: false,
                old_table: None,
                new_table: None,
                uses: Uses::default(),
            };
            assert_eq!(trigger.bits(), bits);
        }
    }
}
