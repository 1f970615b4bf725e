//! Functions and procedures: rows of `__pg_proc`.
//!
//! Owns: that table, which files of older versions get with their first change of the schema.

use std::sync::Arc;

use rusqlite::{Connection, Result, Row, params};
use serde_json::{Value as Json, json};

use crate::catalog::aggregates::Aggregate;
use crate::catalog::routines::{Body, Effects, Language, Parameter, ParameterMode, Routine, RoutineKind, Volatility};
use crate::catalog::schema::CatalogSnapshot;
use crate::types::pg_type::Oid;

/// The table. `{0}` is SQLite's schema.
pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS {0}.__pg_proc (
    oid INTEGER PRIMARY KEY, schema TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, language TEXT NOT NULL,
    parameters TEXT NOT NULL, returns INTEGER NOT NULL, returns_set INTEGER NOT NULL, body TEXT NOT NULL,
    is_parsed INTEGER NOT NULL, options TEXT NOT NULL);";

/// Adds a routine, or replaces the one with its OID.
pub fn put_routine(connection: &Connection, routine: &Routine) -> Result<()> {
    let parameters = routine
        .parameters
        .iter()
        .map(|parameter| json!([parameter.name, parameter.mode.letter(), parameter.type_oid.0, parameter.default]));
    let parameters = Json::Array(parameters.collect()).to_string();
    let (body, is_parsed) = match &routine.body {
        Body::Text(text) => (text, false),
        Body::Parsed(text) => (text, true),
    };
    let options = json!({
        "volatility": routine.volatility.letter(),
        "strict": routine.strict,
        "security_definer": routine.security_definer,
        "leakproof": routine.leakproof,
        "parallel": char::from(routine.parallel).to_string(),
        "cost": routine.cost,
        "rows": routine.rows,
        "settings": routine.settings,
        "writes": routine.effects.writes,
        "calls": routine.effects.calls,
        "uses": super::options::written_uses(&routine.uses),
        "aggregate": routine.aggregate.as_ref().map(|aggregate| aggregate.to_json()),
    });
    connection.execute(
        &format!(
            "INSERT OR REPLACE INTO {}.__pg_proc VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            database(routine)
        ),
        params![
            routine.oid.0,
            routine.schema,
            routine.name,
            routine.kind_letter(),
            routine.language.name(),
            parameters,
            routine.returns.0,
            routine.returns_set,
            body,
            is_parsed,
            options.to_string()
        ],
    )?;
    Ok(())
}

/// Removes a routine and its comment.
pub fn remove_routine(connection: &Connection, routine: &Routine) -> Result<()> {
    connection.execute(&format!("DELETE FROM {}.__pg_proc WHERE oid = ?1", database(routine)), [routine.oid.0])?;
    super::save::remove_comments(connection, routine.oid)
}

/// SQLite's schema: those of pg_temp are the connection's own.
fn database(routine: &Routine) -> &'static str {
    if routine.is_temporary() { "temp" } else { "main" }
}

/// All there are.
pub(super) fn load(connection: &Connection, database: &str, snapshot: &mut CatalogSnapshot) -> Result<()> {
    if !connection.table_exists(Some(database), "__pg_proc")? {
        return Ok(());
    }
    let mut statement = connection.prepare(&format!("SELECT * FROM {database}.__pg_proc ORDER BY oid"))?;
    for routine in statement.query_map([], read)? {
        snapshot.put_routine(Arc::new(routine?));
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Routine> {
    let json = |name: &str| -> Result<Json> {
        let text: String = row.get(name)?;
        serde_json::from_str(&text)
            .map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(e)))
    };
    let (parameters, options) = (json("parameters")?, json("options")?);
    let flag = |name: &str| options.get(name).and_then(Json::as_bool).unwrap_or(false);
    let text = |name: &str| options.get(name).and_then(Json::as_str).unwrap_or_default();
    let number = |name: &str| options.get(name).and_then(Json::as_f64).unwrap_or(0.0);
    let list = |name: &str| options.get(name).and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let item = |value: &Json, place: usize| value.get(place).and_then(Json::as_str).unwrap_or_default().to_owned();
    let body: String = row.get("body")?;
    Ok(Routine {
        oid: Oid(row.get("oid")?),
        schema: row.get("schema")?,
        name: row.get("name")?,
        kind: match row.get_ref("kind")?.as_str()? {
            "p" => RoutineKind::Procedure,
            "a" => RoutineKind::Aggregate,
            _ => RoutineKind::Function,
        },
        language: match row.get_ref("language")?.as_str()? {
            "sql" => Language::Sql,
            "internal" => Language::Internal,
            _ => Language::PlPgSql,
        },
        parameters: parameters.as_array().map_or(&[][..], Vec::as_slice).iter().map(read_parameter).collect(),
        returns: Oid(row.get("returns")?),
        returns_set: row.get("returns_set")?,
        volatility: Volatility::of_letter(text("volatility")),
        strict: flag("strict"),
        security_definer: flag("security_definer"),
        leakproof: flag("leakproof"),
        parallel: text("parallel").bytes().next().unwrap_or(b'u'),
        cost: number("cost"),
        rows: number("rows"),
        settings: list("settings").iter().map(|setting| (item(setting, 0), item(setting, 1))).collect(),
        body: if row.get("is_parsed")? { Body::Parsed(body) } else { Body::Text(body) },
        effects: Effects {
            writes: flag("writes"),
            calls: list("calls").iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        },
        uses: super::options::read_uses(&options),
        aggregate: options
            .get("aggregate")
            .filter(|json| json.is_object())
            .map(|json| Box::new(Aggregate::of_json(json))),
    })
}

fn read_parameter(value: &Json) -> Parameter {
    let text = |place: usize| value.get(place).and_then(Json::as_str);
    let oid = value.get(2).and_then(Json::as_u64).and_then(|oid| u32::try_from(oid).ok());
    Parameter {
        name: text(0).unwrap_or_default().to_owned(),
        mode: ParameterMode::of_letter(text(1).unwrap_or_default()),
        type_oid: oid.map_or(Oid::INVALID, Oid),
        default: text(3).map(str::to_owned),
    }
}
