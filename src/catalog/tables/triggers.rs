//! Triggers that users made, in pg_trigger and information_schema, and the statement that makes one again.
//!
//! Must not know: SQLite, how triggers fire. Specification: catalog-pg-trigger.html, infoschema-triggers.html,
//! pg_get_triggerdef_worker() in ruleutils.c.

use crate::catalog::definitions::{Names, Shown, quote_identifier};
use crate::catalog::schema::Relation;
use crate::catalog::tables::contents::View;
use crate::catalog::tables::procs::proc;
use crate::catalog::tables::rows::{Cell, Rows, row};
use crate::catalog::trigger::{Event, Timing, Trigger};
use crate::types::pg_type::Oid;

/// pg_trigger: users' triggers.
pub fn triggers(rows: &mut Rows, view: &View<'_>) {
    for relation in view.user_relations() {
        for trigger in &relation.options.triggers {
            row!(rows,
                oid: trigger.oid,
                tgrelid: relation.oid,
                tgparentid: view.catalog.parent_trigger(relation, trigger).unwrap_or(Oid::INVALID),
                tgname: &trigger.name,
                tgfoid: trigger.function,
                tgtype: trigger.bits(),
                tgenabled: trigger.enabled.letter(),
                tgisinternal: false,
                tgconstrrelid: trigger.constraint_relation.unwrap_or(Oid::INVALID),
                tgconstraint: trigger.constraint.unwrap_or(Oid::INVALID),
                tgdeferrable: trigger.deferrable,
                tginitdeferred: trigger.initially_deferred,
                tgnargs: i64::try_from(trigger.arguments.len()).unwrap_or(i64::MAX),
                tgattr: Cell::ints(trigger.columns.iter().copied()),
                tgargs: packed(&trigger.arguments),
                tgqual: trigger.condition.clone(),
                tgoldtable: trigger.old_table.clone(),
                tgnewtable: trigger.new_table.clone(),
            );
        }
    }
}

/// tgargs: each argument with a zero behind it.
fn packed(arguments: &[String]) -> Cell {
    Cell::Blob(arguments.iter().flat_map(|argument| argument.bytes().chain([0])).collect())
}

/// The constraints that constraint triggers have in pg_constraint.
pub fn trigger_constraints(rows: &mut Rows, view: &View<'_>) {
    for relation in view.user_relations() {
        for trigger in &relation.options.triggers {
            let Some(oid) = trigger.constraint else { continue };
            row!(rows,
                oid: oid,
                conname: &trigger.name,
                connamespace: view.namespace_oid(&relation.schema),
                contype: "t",
                condeferrable: trigger.deferrable,
                condeferred: trigger.initially_deferred,
                convalidated: true,
                conrelid: relation.oid,
                confupdtype: " ",
                confdeltype: " ",
                confmatchtype: " ",
                conislocal: true,
                connoinherit: true,
            );
        }
    }
}

/// information_schema.triggers: a row for each event but TRUNCATE, which SQL does not have.
pub fn information_triggers(rows: &mut Rows, view: &View<'_>) {
    let path = view.source.search_path();
    let names = Names { catalog: view.catalog, search_path: &path };
    for relation in view.user_relations() {
        let triggers = &relation.options.triggers;
        for (place, trigger) in triggers.iter().enumerate() {
            for event in [Event::Insert, Event::Delete, Event::Update].into_iter().filter(|e| trigger.fires_on(*e)) {
                let alike = |other: &Trigger| {
                    other.fires_on(event)
                        && (other.timing, other.for_each_row) == (trigger.timing, trigger.for_each_row)
                };
                let order = triggers.iter().take(place + 1).filter(|other| alike(other)).count();
                row!(rows,
                    trigger_catalog: Cell::Database,
                    trigger_schema: &relation.schema,
                    trigger_name: &trigger.name,
                    event_manipulation: event.word(),
                    event_object_catalog: Cell::Database,
                    event_object_schema: &relation.schema,
                    event_object_table: &relation.name,
                    action_order: i64::try_from(order).unwrap_or(i64::MAX),
                    action_condition: trigger.condition.clone(),
                    action_statement: action(&names, trigger),
                    action_orientation: if trigger.for_each_row { "ROW" } else { "STATEMENT" },
                    action_timing: timing(trigger.timing),
                    action_reference_old_table: trigger.old_table.clone(),
                    action_reference_new_table: trigger.new_table.clone(),
                );
            }
        }
    }
}

fn timing(timing: Timing) -> &'static str {
    match timing {
        Timing::Before => "BEFORE",
        Timing::After => "AFTER",
        Timing::InsteadOf => "INSTEAD OF",
    }
}

/// EXECUTE FUNCTION name(arguments)
fn action(names: &Names<'_>, trigger: &Trigger) -> String {
    let quoted = |text: &String| {
        let start = if text.contains('\\') { "E" } else { "" };
        format!("{start}'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
    };
    let arguments: Vec<String> = trigger.arguments.iter().map(quoted).collect();
    format!("EXECUTE FUNCTION {}({})", function_name(names, trigger.function), arguments.join(", "))
}

/// A trigger function's name, with its schema where that is needed.
fn function_name(names: &Names<'_>, oid: Oid) -> String {
    if let Some(routine) = names.catalog.routines.get(&oid) {
        let has = |schema: &&String| names.catalog.routines_in(schema, &routine.name).next().is_some();
        let found = names.search_path.iter().find(has);
        return names.qualified(&routine.schema, &routine.name, found == Some(&routine.schema));
    }
    proc(oid).map_or_else(|| oid.0.to_string(), |proc| quote_identifier(&proc.name))
}

/// pg_get_triggerdef
pub fn definition(names: &Names<'_>, relation: &Relation, trigger: &Trigger, pretty: bool, shown: Shown<'_>) -> String {
    let column = |number: &i16| relation.column_by_number(*number).map(|column| quote_identifier(&column.name));
    let events = [Event::Insert, Event::Delete, Event::Update, Event::Truncate];
    let events: Vec<String> = events
        .into_iter()
        .filter(|event| trigger.fires_on(*event))
        .map(|event| match event {
            Event::Update if !trigger.columns.is_empty() => {
                format!("UPDATE OF {}", trigger.columns.iter().filter_map(column).collect::<Vec<_>>().join(", "))
            }
            event => event.word().to_owned(),
        })
        .collect();
    let qualified = |relation: &Relation| names.qualified(&relation.schema, &relation.name, false);
    let on = if pretty { names.relation(relation) } else { qualified(relation) };
    let mut text = format!(
        "CREATE {}TRIGGER {} {} {} ON {on} ",
        if trigger.constraint.is_some() { "CONSTRAINT " } else { "" },
        quote_identifier(&trigger.name),
        timing(trigger.timing),
        events.join(" OR "),
    );
    if trigger.constraint.is_some() {
        let other = trigger.constraint_relation.and_then(|oid| names.catalog.relations.get(&oid));
        if let Some(other) = other {
            text.push_str(&format!("FROM {} ", names.relation(other)));
        }
        let not = if trigger.deferrable { "" } else { "NOT " };
        let initially = if trigger.initially_deferred { "DEFERRED" } else { "IMMEDIATE" };
        text.push_str(&format!("{not}DEFERRABLE INITIALLY {initially} "));
    }
    if trigger.old_table.is_some() || trigger.new_table.is_some() {
        text.push_str("REFERENCING ");
    }
    for (word, table) in [("OLD", &trigger.old_table), ("NEW", &trigger.new_table)] {
        if let Some(table) = table {
            text.push_str(&format!("{word} TABLE AS {} ", quote_identifier(table)));
        }
    }
    text.push_str(if trigger.for_each_row { "FOR EACH ROW " } else { "FOR EACH STATEMENT " });
    if let Some(condition) = &trigger.condition {
        text.push_str(&format!("WHEN ({}) ", shown(condition, relation)));
    }
    text + &action(names, trigger)
}
