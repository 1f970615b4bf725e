//! CREATE and ALTER SEQUENCE, and the sequences of serial and identity columns (commands/sequence.c).

use super::Change;
use crate::catalog::definitions::identity_of;
use crate::catalog::schema::{Column, Relation, RelationKind, RelationOptions, SequenceOptions, sqlite_name};
use crate::catalog::store;
use crate::engine::sequences::SequenceState;
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{Name, SequenceSettings};
use crate::types::pg_type::{Oid, type_info};

/// What SELECT * FROM a sequence shows.
const COLUMNS: &[(&str, Oid)] = &[("last_value", Oid::INT8), ("log_cnt", Oid::INT8), ("is_called", Oid::BOOL)];

impl Change<'_> {
    pub(super) fn create_sequence_statement(
        &mut self,
        name: &Name,
        temporary: bool,
        if_not_exists: bool,
        settings: &SequenceSettings,
    ) -> Result<()> {
        let schema = self.creation_schema(name, temporary)?;
        if if_not_exists && self.catalog.relation(&schema, &name.name).is_some() {
            let message = format!("relation \"{}\" already exists, skipping", name.name);
            self.notice(SqlState::DUPLICATE_TABLE, message);
            return Ok(());
        }
        if temporary {
            self.ensure_temporary()?;
        }
        self.new_sequence((schema, name.name.clone(), temporary), settings, Oid::INT8, None)?;
        Ok(())
    }

    /// Makes a sequence. `default_type` is its type unless the settings name one.
    pub(super) fn new_sequence(
        &mut self,
        (schema, name, temporary): (String, String, bool),
        settings: &SequenceSettings,
        default_type: Oid,
        owner: Option<(Oid, i16)>,
    ) -> Result<Relation> {
        self.check_free(&schema, &name)?;
        let type_oid = match &settings.data_type {
            Some(data_type) => sequence_type(self.resolve_type(data_type)?.oid)?,
            None => default_type,
        };
        let mut options = options(settings, type_oid, None)?;
        options.owned_by = match &settings.owned_by {
            Some(owned_by) => self.owner(owned_by.as_ref(), &schema)?,
            None => owner,
        };
        let columns = (1..).zip(COLUMNS).filter_map(|(number, (name, type_oid))| {
            let info = type_info(*type_oid)?;
            Some(Column { not_null: true, ..Column::new(number, (*name).to_owned(), (*type_oid, -1), info.repr) })
        });
        let relation = Relation {
            oid: self.new_oid()?,
            sqlite_name: sqlite_name(&schema, &name),
            schema,
            name,
            kind: RelationKind::Sequence,
            temporary,
            columns: columns.collect(),
            constraints: Vec::new(),
            indexes: Vec::new(),
            view_query: None,
            sequence: Some(options),
            declared: true,
            options: RelationOptions {
                unlogged: !temporary && settings.unlogged == Some(true),
                ..RelationOptions::default()
            },
        };
        self.put_relation(relation.clone())?;
        Ok(relation)
    }

    /// OWNED BY: the table must be in the sequence's schema.
    fn owner(&self, owned_by: Option<&(Name, String)>, schema: &str) -> Result<Option<(Oid, i16)>> {
        let Some((table, column)) = owned_by else { return Ok(None) };
        let relation = self.relation(table)?;
        if relation.kind != RelationKind::Table {
            let message = format!("sequence cannot be owned by relation \"{}\"", relation.name);
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        if relation.schema != schema {
            let message = "sequence must be in same schema as table it is linked to";
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
        }
        let Some(found) = relation.column(column) else {
            let message = format!("column \"{column}\" of relation \"{}\" does not exist", relation.name);
            return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
        };
        Ok(Some((relation.oid, found.number)))
    }

    pub(super) fn alter_sequence(&mut self, name: &Name, if_exists: bool, settings: &SequenceSettings) -> Result<()> {
        let Some(relation) = self.find(name) else {
            if if_exists {
                let message = format!("relation \"{name}\" does not exist, skipping");
                self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
                return Ok(());
            }
            return Err(Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{name}\" does not exist")));
        };
        if relation.kind != RelationKind::Sequence {
            let message = format!("\"{}\" is not a sequence", relation.name);
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        if settings.owned_by.is_some()
            && let Some((table, _)) = identity_of(&self.catalog, &relation)
        {
            let detail = format!("Sequence \"{}\" is linked to table \"{}\".", relation.name, table.name);
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "cannot change ownership of identity sequence")
                .with_detail(detail));
        }
        self.change_sequence(&relation, settings)
    }

    /// Applies settings to an existing sequence; RESTART also moves it.
    pub(super) fn change_sequence(&mut self, relation: &Relation, settings: &SequenceSettings) -> Result<()> {
        let Some(before) = relation.sequence else { return Err(Error::internal("sequence's options")) };
        let type_oid = match &settings.data_type {
            Some(data_type) => sequence_type(self.resolve_type(data_type)?.oid)?,
            None => before.type_oid,
        };
        let mut after = options(settings, type_oid, Some(&before))?;
        after.owned_by = match &settings.owned_by {
            Some(owned_by) => self.owner(owned_by.as_ref(), &relation.schema)?,
            None => before.owned_by,
        };
        self.put_relation(Relation { sequence: Some(after), ..relation.clone() })?;
        match settings.restart {
            Some(value) => self.restart_sequence(relation.oid, &after, value.unwrap_or(after.start)),
            None => self.check_position(relation, &before, &after),
        }
    }

    /// Where the sequence stands must be within its bounds; 22023.
    fn check_position(&self, relation: &Relation, before: &SequenceOptions, after: &SequenceOptions) -> Result<()> {
        let state = self.slot.sequences().state(relation.oid).unwrap_or(SequenceState::initial(before));
        check_restart(state.last_value, after, "RESTART")
    }

    pub(super) fn restart_sequence(&mut self, oid: Oid, options: &SequenceOptions, value: i64) -> Result<()> {
        check_restart(value, options, "RESTART")?;
        self.restarted.extend(self.slot.sequences().state(oid).map(|before| (oid, before)));
        self.sqlite(store::set_sequence_state(self.connection, oid, value, false))?;
        self.slot.sequences().load(oid, SequenceState { last_value: value, is_called: false });
        Ok(())
    }
}

fn check_restart(value: i64, options: &SequenceOptions, what: &str) -> Result<()> {
    if value < options.min {
        let message = format!("{what} value ({value}) cannot be less than MINVALUE ({})", options.min);
        return Err(invalid(message));
    }
    if value > options.max {
        let message = format!("{what} value ({value}) cannot be greater than MAXVALUE ({})", options.max);
        return Err(invalid(message));
    }
    Ok(())
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn sequence_type(oid: Oid) -> Result<Oid> {
    if [Oid::INT2, Oid::INT4, Oid::INT8].contains(&oid) {
        return Ok(oid);
    }
    Err(invalid("sequence type must be smallint, integer, or bigint"))
}

/// The least and the greatest value of an integer type.
fn bounds(type_oid: Oid) -> (i64, i64) {
    match type_oid {
        Oid::INT2 => (i64::from(i16::MIN), i64::from(i16::MAX)),
        Oid::INT4 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    }
}

/// The parameters that settings give, over those there were or PostgreSQL's defaults (init_params).
fn options(settings: &SequenceSettings, type_oid: Oid, before: Option<&SequenceOptions>) -> Result<SequenceOptions> {
    let increment = settings.increment.or(before.map(|b| b.increment)).unwrap_or(1);
    if increment == 0 {
        return Err(invalid("INCREMENT must not be zero"));
    }
    let (least, greatest) = bounds(type_oid);
    let (default_min, default_max) = if increment > 0 { (1, greatest) } else { (least, -1) };
    // A new type moves the limits that were the old type's own.
    let kept = |value: fn(&SequenceOptions) -> i64, old: fn((i64, i64)) -> i64| {
        before.filter(|b| b.type_oid == type_oid || value(b) != old(bounds(b.type_oid))).map(value)
    };
    let min = settings.min.unwrap_or_else(|| kept(|b| b.min, |b| b.0)).unwrap_or(default_min);
    let max = settings.max.unwrap_or_else(|| kept(|b| b.max, |b| b.1)).unwrap_or(default_max);
    for (what, value) in [("MINVALUE", min), ("MAXVALUE", max)] {
        if value < least || value > greatest {
            let type_name = type_info(type_oid).map_or("bigint", |t| t.sql_name);
            return Err(invalid(format!("{what} ({value}) is out of range for sequence data type {type_name}")));
        }
    }
    if min >= max {
        return Err(invalid(format!("MINVALUE ({min}) must be less than MAXVALUE ({max})")));
    }
    let first = if increment > 0 { min } else { max };
    let start = settings.start.or(before.map(|b| b.start)).unwrap_or(first);
    check_restart(start, &SequenceOptions { min, max, ..empty(type_oid) }, "START")?;
    let cache = settings.cache.or(before.map(|b| b.cache)).unwrap_or(1);
    if cache < 1 {
        return Err(invalid(format!("CACHE ({cache}) must be greater than zero")));
    }
    let cycle = settings.cycle.or(before.map(|b| b.cycle)).unwrap_or(false);
    Ok(SequenceOptions { type_oid, start, increment, min, max, cache, cycle, owned_by: None })
}

fn empty(type_oid: Oid) -> SequenceOptions {
    SequenceOptions { type_oid, start: 1, increment: 1, min: 1, max: 1, cache: 1, cycle: false, owned_by: None }
}
