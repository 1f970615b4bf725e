//! INHERITS, PARTITION BY and PARTITION OF: a row in `__pg_inherits` for each table of which something of it is said.
//!
//! Owns: that table's rows. Parents and children are lists of OIDs, the key and the bound JSON.

use std::collections::HashMap;

use rusqlite::{Connection, Result, params};
use serde_json::{Value as Json, json};

use crate::catalog::inheritance::{Datum, Inheritance, KeyColumn, PartitionBound, PartitionKey, RangeDatum, Strategy};
use crate::catalog::schema::Relation;
use crate::types::pg_type::Oid;
use crate::types::value::Value;

/// `{0}` is SQLite's schema, main or temp.
pub(super) const TABLE: &str = "
CREATE TABLE IF NOT EXISTS {0}.__pg_inherits (
    relation INTEGER PRIMARY KEY, parents TEXT NOT NULL, children TEXT NOT NULL, partition_key TEXT, bound TEXT);
";

/// Writes what is said of a relation, in place of what was.
pub(super) fn put(connection: &Connection, database: &str, relation: &Relation) -> Result<()> {
    let inheritance = &relation.options.inheritance;
    if *inheritance == Inheritance::default() {
        return remove(connection, database, relation.oid);
    }
    let oids = |oids: &[Oid]| json!(oids.iter().map(|oid| oid.0).collect::<Vec<_>>()).to_string();
    let text = |value: Json| value.to_string();
    connection.execute(
        &format!("INSERT OR REPLACE INTO {database}.__pg_inherits VALUES (?1, ?2, ?3, ?4, ?5)"),
        params![
            relation.oid.0,
            oids(&inheritance.parents),
            oids(&inheritance.children),
            inheritance.key.as_ref().map(written_key).map(text),
            inheritance.bound.as_ref().map(written_bound).map(text)
        ],
    )?;
    Ok(())
}

/// Removes what is said of a relation.
pub(super) fn remove(connection: &Connection, database: &str, oid: Oid) -> Result<()> {
    connection.execute(&format!("DELETE FROM {database}.__pg_inherits WHERE relation = ?1"), [oid.0])?;
    Ok(())
}

/// What is said of all relations.
pub(super) fn load(connection: &Connection, database: &str) -> Result<HashMap<Oid, Inheritance>> {
    if !connection.table_exists(Some(database), "__pg_inherits")? {
        return Ok(HashMap::new());
    }
    let mut statement = connection.prepare(&format!("SELECT * FROM {database}.__pg_inherits"))?;
    let rows = statement.query_map([], |row| {
        let parsed = |place: usize| -> Result<Option<Json>> {
            let text: Option<String> = row.get(place)?;
            Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
        };
        let oids = |place: usize| -> Result<Vec<Oid>> {
            let list = parsed(place)?.unwrap_or_default();
            Ok(list.as_array().into_iter().flatten().filter_map(oid).collect())
        };
        let inheritance = Inheritance {
            parents: oids(1)?,
            children: oids(2)?,
            key: parsed(3)?.as_ref().and_then(read_key),
            bound: parsed(4)?.as_ref().and_then(read_bound),
        };
        Ok((Oid(row.get(0)?), inheritance))
    })?;
    rows.collect()
}

fn oid(json: &Json) -> Option<Oid> {
    json.as_u64().and_then(|oid| oid.try_into().ok()).map(Oid)
}

fn written_key(key: &PartitionKey) -> Json {
    let column = |c: &KeyColumn| json!([c.column, c.expression, c.type_oid.0, c.collation, c.operator_class]);
    let columns: Vec<Json> = key.columns.iter().map(column).collect();
    json!([key.strategy.letter(), columns])
}

fn read_key(json: &Json) -> Option<PartitionKey> {
    let text = |json: &Json, place: usize| json.get(place).and_then(Json::as_str).map(str::to_owned);
    let column = |json: &Json| {
        Some(KeyColumn {
            column: json.get(0)?.as_i64()?.try_into().ok()?,
            expression: text(json, 1),
            type_oid: oid(json.get(2)?)?,
            collation: text(json, 3),
            operator_class: text(json, 4),
        })
    };
    let columns = json.get(1)?.as_array()?.iter().map(column).collect::<Option<Vec<_>>>()?;
    Some(PartitionKey { strategy: Strategy::of_letter(json.get(0)?.as_str()?)?, columns })
}

fn written_bound(bound: &PartitionBound) -> Json {
    let list = |bounds: &[RangeDatum]| -> Json { bounds.iter().map(written_range_datum).collect() };
    match bound {
        PartitionBound::Default => json!({ "default": true }),
        PartitionBound::List(values) => json!({ "list": values.iter().map(written_datum).collect::<Json>() }),
        PartitionBound::Range { lower, upper } => json!({ "lower": list(lower), "upper": list(upper) }),
        PartitionBound::Hash { modulus, remainder } => json!({ "modulus": modulus, "remainder": remainder }),
    }
}

fn read_bound(json: &Json) -> Option<PartitionBound> {
    let list = |json: &Json| json.as_array()?.iter().map(read_range_datum).collect::<Option<Vec<_>>>();
    let number = |name: &str| json.get(name).and_then(Json::as_i64)?.try_into().ok();
    if let Some(values) = json.get("list") {
        return Some(PartitionBound::List(values.as_array()?.iter().map(read_datum).collect::<Option<Vec<_>>>()?));
    }
    if let Some((lower, upper)) = json.get("lower").zip(json.get("upper")) {
        return Some(PartitionBound::Range { lower: list(lower)?, upper: list(upper)? });
    }
    if let Some((modulus, remainder)) = number("modulus").zip(number("remainder")) {
        return Some(PartitionBound::Hash { modulus, remainder });
    }
    json.get("default").map(|_| PartitionBound::Default)
}

fn written_range_datum(datum: &RangeDatum) -> Json {
    match datum {
        RangeDatum::MinValue => json!("min"),
        RangeDatum::MaxValue => json!("max"),
        RangeDatum::Value(datum) => written_datum(datum),
    }
}

fn read_range_datum(json: &Json) -> Option<RangeDatum> {
    match json.as_str() {
        Some("min") => Some(RangeDatum::MinValue),
        Some("max") => Some(RangeDatum::MaxValue),
        _ => read_datum(json).map(RangeDatum::Value),
    }
}

/// The literal, then the value under its kind: a float by its bits, which no text loses.
fn written_datum(Datum { value, literal }: &Datum) -> Json {
    match value {
        Value::Null => json!([literal]),
        Value::Integer(value) => json!([literal, "i", value]),
        Value::Real(value) => json!([literal, "r", value.to_bits()]),
        Value::Text(value) => json!([literal, "t", value]),
        Value::Blob(value) => json!([literal, "b", value]),
    }
}

fn read_datum(json: &Json) -> Option<Datum> {
    let literal = json.get(0)?.as_str()?.to_owned();
    let given = json.get(2);
    let value = match json.get(1).and_then(Json::as_str) {
        None => Value::Null,
        Some("i") => Value::Integer(given?.as_i64()?),
        Some("r") => Value::Real(f64::from_bits(given?.as_u64()?)),
        Some("t") => Value::Text(given?.as_str()?.to_owned()),
        Some("b") => {
            let bytes = given?.as_array()?.iter().map(|byte| byte.as_u64()?.try_into().ok());
            Value::Blob(bytes.collect::<Option<_>>()?)
        }
        Some(_) => return None,
    };
    Some(Datum { value, literal })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_bounds_are_read_as_they_were_written() {
        let datum = |value, literal: &str| Datum { value, literal: literal.to_owned() };
        let values = vec![
            datum(Value::Null, "NULL"),
            datum(Value::Integer(-1), "'-1'"),
            datum(Value::Real(0.1), "'0.1'"),
            datum(Value::Text("a\"b".to_owned()), "'a\"b'"),
            datum(Value::Blob(vec![0, 255]), "'\\x00ff'"),
        ];
        let upper = vec![RangeDatum::Value(values[1].clone()), RangeDatum::MaxValue];
        let bounds = [
            PartitionBound::Default,
            PartitionBound::List(values),
            PartitionBound::Range { lower: vec![RangeDatum::MinValue; 2], upper },
            PartitionBound::Hash { modulus: 4, remainder: 3 },
        ];
        for bound in bounds {
            assert_eq!(read_bound(&written_bound(&bound)), Some(bound));
        }
        let column = KeyColumn {
            column: 0,
            expression: Some("lower(a)".to_owned()),
            type_oid: Oid::TEXT,
            collation: Some("C".to_owned()),
            operator_class: None,
        };
        let key = PartitionKey { strategy: Strategy::Range, columns: vec![column] };
        assert_eq!(read_key(&written_key(&key)), Some(key));
    }
}
