//! Storage parameters: WITH (…), SET (…), RESET (…). What is right is kept and shown; none changes what is stored.
//!
//! Specification: reloptions.c, sql-createtable.html#SQL-CREATETABLE-STORAGE-PARAMETERS, sql-createindex.html, sql-createview.html.

use crate::error::{Error, Result, SqlState};
use crate::settings::variable::parse_boolean;
use crate::sql::ddl::Parameter;

/// What values a parameter takes.
#[derive(Clone, Copy)]
pub(super) enum Values {
    Boolean,
    Integer(i64, i64),
    Real(f64, f64),
    Word(&'static [&'static str]),
}

use Values::{Boolean, Integer, Real, Word};

type Known = &'static [(&'static str, Values)];

const MAX: i64 = i32::MAX as i64;

pub(super) const TABLE: Known = &[
    ("fillfactor", Integer(10, 100)),
    ("toast_tuple_target", Integer(128, 8160)),
    ("parallel_workers", Integer(0, 1024)),
    ("user_catalog_table", Boolean),
    ("log_autovacuum_min_duration", Integer(-1, MAX)),
    ("vacuum_index_cleanup", Word(&["auto", "on", "off", "true", "false", "yes", "no", "1", "0"])),
    ("vacuum_truncate", Boolean),
    ("autovacuum_enabled", Boolean),
    ("autovacuum_vacuum_threshold", Integer(0, MAX)),
    ("autovacuum_vacuum_insert_threshold", Integer(-1, MAX)),
    ("autovacuum_analyze_threshold", Integer(0, MAX)),
    ("autovacuum_vacuum_cost_limit", Integer(1, 10_000)),
    ("autovacuum_vacuum_cost_delay", Real(0.0, 100.0)),
    ("autovacuum_vacuum_scale_factor", Real(0.0, 100.0)),
    ("autovacuum_vacuum_insert_scale_factor", Real(0.0, 100.0)),
    ("autovacuum_analyze_scale_factor", Real(0.0, 100.0)),
    ("autovacuum_freeze_min_age", Integer(0, 1_000_000_000)),
    ("autovacuum_freeze_max_age", Integer(100_000, 2_000_000_000)),
    ("autovacuum_freeze_table_age", Integer(0, 2_000_000_000)),
    ("autovacuum_multixact_freeze_min_age", Integer(0, 1_000_000_000)),
    ("autovacuum_multixact_freeze_max_age", Integer(10_000, 2_000_000_000)),
    ("autovacuum_multixact_freeze_table_age", Integer(0, 2_000_000_000)),
];

pub(super) const VIEW: Known =
    &[("security_barrier", Boolean), ("security_invoker", Boolean), ("check_option", Word(&["local", "cascaded"]))];

pub(super) const COLUMN: Known =
    &[("n_distinct", Real(-1.0, f64::MAX)), ("n_distinct_inherited", Real(-1.0, f64::MAX))];

const FILL: (&str, Values) = ("fillfactor", Integer(10, 100));

/// The parameters of an index, by its access method.
pub(super) fn of_method(method: &str) -> Known {
    match method {
        "btree" => &[FILL, ("deduplicate_items", Boolean)],
        "gist" => &[FILL, ("buffering", Word(&["on", "off", "auto"]))],
        "gin" => &[("fastupdate", Boolean), ("gin_pending_list_limit", Integer(64, MAX))],
        "hnsw" => &[("m", Integer(2, 100)), ("ef_construction", Integer(4, 1000))],
        "ivfflat" => &[("lists", Integer(1, 32_768))],
        "brin" => &[("pages_per_range", Integer(1, 131_072)), ("autosummarize", Boolean)],
        _ => &[FILL],
    }
}

/// Sets parameters among those there are. A parameter of the TOAST table has its namespace in front.
pub(super) fn set(current: &mut Vec<String>, given: &[Parameter], known: Known) -> Result<()> {
    for (place, parameter) in given.iter().enumerate() {
        if given.iter().take(place).any(|p| (&p.namespace, &p.name) == (&parameter.namespace, &parameter.name)) {
            let message = format!("parameter \"{}\" specified more than once", parameter.name);
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        let values = values_of(parameter, known)?;
        let value = parameter.value.as_deref().unwrap_or("true");
        check(&parameter.name, value, values)?;
        let name = full_name(parameter);
        current.retain(|entry| !is_of(entry, &name));
        current.push(format!("{name}={value}"));
    }
    Ok(())
}

/// Takes parameters away. One that there is not is none that could be set.
pub(super) fn reset(current: &mut Vec<String>, given: &[Parameter]) -> Result<()> {
    if given.iter().any(|parameter| parameter.value.is_some()) {
        return Err(Error::new(SqlState::SYNTAX_ERROR, "RESET must not include values for parameters"));
    }
    for parameter in given {
        let name = full_name(parameter);
        current.retain(|entry| !is_of(entry, &name));
    }
    Ok(())
}

fn full_name(parameter: &Parameter) -> String {
    match &parameter.namespace {
        Some(namespace) => format!("{namespace}.{}", parameter.name),
        None => parameter.name.clone(),
    }
}

fn is_of(entry: &str, name: &str) -> bool {
    entry.split_once('=').is_some_and(|(own, _)| own == name)
}

fn values_of(parameter: &Parameter, known: Known) -> Result<Values> {
    match parameter.namespace.as_deref() {
        None | Some("toast") => {}
        Some(namespace) => {
            let message = format!("unrecognized parameter namespace \"{namespace}\"");
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
    }
    let found = known.iter().find(|(name, _)| *name == parameter.name);
    found.map(|(_, values)| *values).ok_or_else(|| {
        let message = format!("unrecognized parameter \"{}\"", parameter.name);
        Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
    })
}

fn check(name: &str, value: &str, values: Values) -> Result<()> {
    let invalid = |kind: &str| {
        let message = format!("invalid value for {kind} option \"{name}\": {value}");
        Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
    };
    let out_of_bounds = |least: String, greatest: String| {
        let message = format!("value {value} out of bounds for option \"{name}\"");
        let detail = format!("Valid values are between \"{least}\" and \"{greatest}\".");
        Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).with_detail(detail))
    };
    match values {
        Boolean if parse_boolean(value).is_none() => invalid("boolean"),
        Boolean => Ok(()),
        Integer(least, greatest) => match value.trim().parse::<i64>() {
            Err(_) => invalid("integer"),
            Ok(number) if (least..=greatest).contains(&number) => Ok(()),
            Ok(_) => out_of_bounds(least.to_string(), greatest.to_string()),
        },
        Real(least, greatest) => match value.trim().parse::<f64>() {
            Err(_) => invalid("floating point"),
            Ok(number) if (least..=greatest).contains(&number) => Ok(()),
            Ok(_) => out_of_bounds(format!("{least:.6}"), format!("{greatest:.6}")),
        },
        Word(words) if words.iter().any(|word| word.eq_ignore_ascii_case(value)) => Ok(()),
        Word(words) => {
            let message = format!("invalid value for enum option \"{name}\": {value}");
            let listed: Vec<String> = words.iter().take(3).map(|word| format!("\"{word}\"")).collect();
            let detail = match listed.as_slice() {
                [first, second, third] => format!("Valid values are {first}, {second}, and {third}."),
                _ => format!("Valid values are {}.", listed.join(" and ")),
            };
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).with_detail(detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(name: &str, value: Option<&str>) -> Parameter {
        Parameter { namespace: None, name: name.to_owned(), value: value.map(str::to_owned) }
    }

    #[test]
    fn parameters_replace_each_other_and_are_checked() {
        let mut current = vec!["fillfactor=70".to_owned()];
        set(&mut current, &[parameter("autovacuum_enabled", None), parameter("fillfactor", Some("80"))], TABLE)
            .unwrap();
        assert_eq!(current, ["autovacuum_enabled=true", "fillfactor=80"]);
        for (name, value, message) in [
            ("fillfactor", "5", "value 5 out of bounds for option \"fillfactor\""),
            ("fillfactor", "x", "invalid value for integer option \"fillfactor\": x"),
            ("nope", "1", "unrecognized parameter \"nope\""),
            ("autovacuum_enabled", "maybe", "invalid value for boolean option \"autovacuum_enabled\": maybe"),
        ] {
            let error = set(&mut current, &[parameter(name, Some(value))], TABLE).unwrap_err();
            assert_eq!(error.message(), message);
        }
        reset(&mut current, &[parameter("fillfactor", None), parameter("nope", None)]).unwrap();
        assert_eq!(current, ["autovacuum_enabled=true"]);
    }
}
