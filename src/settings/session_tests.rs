//! Variables against what PostgreSQL 15 answers.

use crate::settings::Settings;
use crate::settings::table::VARIABLES;

/// What SHOW prints after SET, or the error's SQLSTATE, message, detail and hint; recorded from PostgreSQL 15.
const RECORDED: &[(&str, &str, &str)] = &[
    ("statement_timeout", "1.5", "2ms"),
    ("statement_timeout", "1.5s", "1500ms"),
    ("statement_timeout", "60000", "1min"),
    ("statement_timeout", "90 min", "90min"),
    ("statement_timeout", "0x10", "16ms"),
    ("statement_timeout", "1e3", "1s"),
    ("statement_timeout", " 5 s ", "5s"),
    ("statement_timeout", "abc", "22023 invalid value for parameter \"statement_timeout\": \"abc\""),
    ("statement_timeout", "", "22023 invalid value for parameter \"statement_timeout\": \"\""),
    (
        "statement_timeout",
        "10x",
        "22023 invalid value for parameter \"statement_timeout\": \"10x\" hint=Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\".",
    ),
    (
        "statement_timeout",
        "-1",
        "22023 -1 ms is outside the valid range for parameter \"statement_timeout\" (0 .. 2147483647)",
    ),
    (
        "statement_timeout",
        "99999999999",
        "22023 invalid value for parameter \"statement_timeout\": \"99999999999\" hint=Value exceeds integer range.",
    ),
    ("idle_in_transaction_session_timeout", "1d", "1d"),
    ("idle_in_transaction_session_timeout", "1us", "0"),
    ("idle_in_transaction_session_timeout", "1600us", "2ms"),
    ("work_mem", "1GB", "1GB"),
    ("work_mem", "1.5MB", "1536kB"),
    ("work_mem", "1kB", "22023 1 kB is outside the valid range for parameter \"work_mem\" (64 .. 2147483647)"),
    (
        "temp_buffers",
        "50",
        "22023 50 8kB is outside the valid range for parameter \"temp_buffers\" (100 .. 1073741823)",
    ),
    ("geqo_seed", "2", "22023 2 is outside the valid range for parameter \"geqo_seed\" (0 .. 1)"),
    ("geqo_seed", "0.25", "0.25"),
    ("vacuum_cost_delay", "0.5ms", "500us"),
    (
        "vacuum_cost_delay",
        "200ms",
        "22023 200 ms is outside the valid range for parameter \"vacuum_cost_delay\" (0 .. 100)",
    ),
    ("enable_seqscan", "of", "off"),
    ("enable_seqscan", "T", "on"),
    ("enable_seqscan", "o", "22023 parameter \"enable_seqscan\" requires a Boolean value"),
    ("bytea_output", "ESCAPE", "escape"),
    (
        "bytea_output",
        "foo",
        "22023 invalid value for parameter \"bytea_output\": \"foo\" hint=Available values: escape, hex.",
    ),
    ("client_encoding", "utf-8", "UTF8"),
    ("client_encoding", "unicode", "UTF8"),
    ("client_encoding", "foo", "22023 invalid value for parameter \"client_encoding\": \"foo\""),
    ("datestyle", "German", "German, DMY"),
    ("datestyle", "ISO, ISO, US", "ISO, MDY"),
    ("datestyle", "postgres, european", "Postgres, DMY"),
    ("datestyle", "DMY", "ISO, DMY"),
    (
        "datestyle",
        "foo",
        "22023 invalid value for parameter \"DateStyle\": \"foo\" detail=Unrecognized key word: \"foo\".",
    ),
    (
        "datestyle",
        "YMD, DMY",
        "22023 invalid value for parameter \"DateStyle\": \"YMD, DMY\" detail=Conflicting \"datestyle\" specifications.",
    ),
    ("timezone", "utc", "UTC"),
    ("timezone", "europe/berlin", "Europe/Berlin"),
    ("timezone", "-3.5", "<-03:30>+03:30"),
    ("timezone", "3", "<+03>-03"),
    ("timezone", "<+02>-02", "<+02>-02"),
    ("timezone", "UTC+3", "UTC+3"),
    ("timezone", "foo", "22023 invalid value for parameter \"TimeZone\": \"foo\""),
    (
        "timezone",
        "200",
        "22023 invalid value for parameter \"TimeZone\": \"200\" detail=UTC timezone offset is out of range.",
    ),
    ("server_version", "1", "55P02 parameter \"server_version\" cannot be changed"),
    ("max_connections", "1", "55P02 parameter \"max_connections\" cannot be changed without restarting the server"),
    ("fsync", "off", "55P02 parameter \"fsync\" cannot be changed now"),
    ("nope", "1", "42704 unrecognized configuration parameter \"nope\""),
    ("foo.Bar", "1", "1"),
    (
        "foo.1x",
        "3",
        "42602 invalid configuration parameter name \"foo.1x\" detail=Custom parameter names must be two or more simple identifiers separated by dots.",
    ),
    ("search_path", "a, b, \"C d\"", "a, b, \"C d\""),
    ("search_path", "a b", "22023 invalid value for parameter \"search_path\": \"a b\" detail=List syntax is invalid."),
    ("application_name", "hé\nx", "h???x"),
    ("role", "foo", "22023 role \"foo\" does not exist"),
    ("seed", "0.5", "unavailable"),
    ("constraint_exclusion", "true", "on"),
    ("client_min_messages", "info", "info"),
    ("default_transaction_isolation", "SERIALIZABLE", "serializable"),
    ("default_with_oids", "true", "0A000 tables declared WITH OIDS are not supported"),
];

#[test]
fn values_are_read_and_shown_as_postgresql_does() {
    for (name, value, expected) in RECORDED {
        let mut settings = Settings::default();
        let got = match settings.set(name, Some(value), false) {
            Ok(shown) => shown,
            Err(error) => {
                let fields = error.fields();
                let part = |label: &str, text: &Option<String>| match text {
                    Some(text) => format!(" {label}={text}"),
                    None => String::new(),
                };
                format!(
                    "{} {}{}{}",
                    fields.code.as_str(),
                    fields.message,
                    part("detail", &fields.detail),
                    part("hint", &fields.hint)
                )
            }
        };
        assert_eq!(&got, expected, "SET {name} = '{value}'");
    }
}

#[test]
fn the_table_is_sorted_and_its_defaults_are_valid() {
    let names: Vec<_> = VARIABLES.iter().map(|v| v.name.to_ascii_lowercase()).collect();
    assert!(names.is_sorted(), "binary search needs the order");
    for variable in VARIABLES {
        let default = variable.default();
        let text = variable.show_plain(&default);
        if variable.name != "session_authorization" {
            assert_eq!(variable.parse(variable.name, &text), Ok(default), "{}", variable.name);
        }
    }
}

fn set(settings: &mut Settings, value: &str, local: bool) {
    settings.set("work_mem", Some(value), local).expect("valid");
}

#[test]
fn set_follows_the_transaction() {
    let mut s = Settings::default();
    let show = |s: &Settings| s.show("work_mem").expect("known");
    s.begin();
    set(&mut s, "1MB", false);
    s.rollback();
    assert_eq!(show(&s), "4MB", "SET is undone by ROLLBACK");

    s.begin();
    set(&mut s, "1MB", false);
    set(&mut s, "2MB", true);
    assert_eq!(show(&s), "2MB");
    s.commit();
    assert_eq!(show(&s), "1MB", "SET LOCAL ends with the transaction, SET before it stays");

    s.begin();
    s.savepoint();
    set(&mut s, "3MB", true);
    s.savepoint();
    set(&mut s, "5MB", false);
    s.rollback_to(1);
    assert_eq!(show(&s), "3MB");
    s.rollback_to(0);
    assert_eq!(show(&s), "1MB");
    set(&mut s, "6MB", true);
    s.release(0);
    assert_eq!(show(&s), "6MB", "SET LOCAL outlives its savepoint's release");
    s.commit();
    assert_eq!(show(&s), "1MB");
}

#[test]
fn reported_variables_are_reported_once() {
    let mut s = Settings::default();
    s.set("application_name", Some("a"), false).expect("valid");
    s.set("application_name", Some("b"), false).expect("valid");
    s.set("work_mem", Some("1MB"), false).expect("valid");
    assert_eq!(s.take_unreported(), [("application_name", "b".to_owned())]);
    s.begin();
    s.set("timezone", Some("UTC"), true).expect("valid");
    s.rollback();
    assert_eq!(s.take_unreported(), [], "changed and changed back");
}

#[test]
fn the_search_path_is_resolved() {
    let mut s = Settings::default();
    s.preset("session_authorization", "ann").expect("known");
    assert_eq!(s.search_path(), ["pg_temp", "pg_catalog", "ann", "public"]);
    s.set("search_path", Some("\"X\", pg_catalog"), false).expect("valid");
    assert_eq!(s.search_path(), ["pg_temp", "X", "pg_catalog"]);
}

#[test]
fn a_session_may_begin_as_another_version() {
    let mut settings = Settings::default();
    settings.preset("server_version", "13.0").expect("configuration");
    settings.start_with("server_version", "14.1", "database").expect("of the database");
    settings.set_at_start("server_version", "15.2 (as asked for)").expect("of the client");
    assert_eq!(settings.current("server_version").as_deref(), Some("15.2 (as asked for)"));
    assert_eq!(settings.current("server_version_num").as_deref(), Some("150002"));
    assert_eq!(settings.set_at_start("server_version", "newest").expect_err("none").code().as_str(), "22023");
    assert_eq!(settings.set_at_start("server_version_num", "160000").expect_err("follows").code().as_str(), "55P02");
    assert_eq!(settings.set("server_version", Some("16"), false).expect_err("too late").code().as_str(), "55P02");
    assert_eq!(settings.check_for_later("server_version", "15.0").expect("for a database"), "server_version");
    assert_eq!(settings.check_for_later("max_connections", "5").expect_err("not").code().as_str(), "55P02");
}
