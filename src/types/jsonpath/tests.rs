//! What the recorded expressions (`fixtures/functions.tsv`) do not show: bounds, and that a printed path reads as itself.

use super::*;
use crate::limits::stack;
use crate::types::format::FormatSettings;
use crate::types::json;

/// What a path finds, as text.
fn query(path: &str, value: &str) -> Result<Vec<String>> {
    let (path, value) = (JsonPath::parse(path)?, json::parse(value)?);
    let settings = FormatSettings::default();
    let arguments = Arguments { variables: None, silent: false, zoned: false, settings: &settings };
    path.query(&value, arguments, |found| Ok(found.iter().map(ToString::to_string).collect()))
}

#[test]
fn a_printed_path_reads_as_itself() {
    for path in [
        "strict $.a[1, 2 to last].**{1 to last}.*.\"x y\".size()",
        "$ ? (@.a == 1 && (@.b > 2 || !(exists (@.c)))).datetime(\"YYYY\")",
        "-(1 + $.a) * (2).abs() - -$.b % 3",
        "($.a == 1) && $.b like_regex \"x\\\"y\" flag \"iq\"",
    ] {
        let printed = JsonPath::parse(path).unwrap().to_string();
        assert_eq!(normalize(&printed).unwrap(), printed, "{path}");
    }
}

#[test]
fn every_nesting_is_bounded() {
    std::thread::Builder::new()
        .stack_size(8 << 20)
        .spawn(|| {
            stack::begin_thread();
            let deep = |before: &str, inner: &str, after: &str| {
                let path = before.repeat(200_000) + inner + &after.repeat(200_000);
                JsonPath::parse(&path).unwrap_err().code()
            };
            for (before, inner, after) in
                [("(", "1", ")"), ("-", "$", ""), ("$[", "1", "]"), ("$ ? (", "1 == 1", ")"), ("!(", "1 == 1", ")")]
            {
                assert_eq!(deep(before, inner, after), SqlState::STATEMENT_TOO_COMPLEX, "{before}");
            }
            for (begin, again, end) in
                [("1", " + 1", ""), ("$ ? (@ == 1", " && @ == 1", ")"), ("$ ? (@ == 1", " || @ == 1", ")")]
            {
                let chain = |count| begin.to_owned() + &again.repeat(count) + end;
                let error = JsonPath::parse(&chain(1_000_000)).unwrap_err();
                assert_eq!(error.code(), SqlState::STATEMENT_TOO_COMPLEX, "{again}");
                let longest = JsonPath::parse(&chain(5_000));
                assert!(longest.is_ok_and(|path| path.to_string().len() > 20_000), "{again}");
                let _ = query(&chain(5_000), "1");
            }
            // A long chain is no deep one to read, but is to run.
            let long = "$".to_owned() + &"[*]".repeat(200_000);
            assert_eq!(query(&long, "1").unwrap_err().code(), SqlState::STATEMENT_TOO_COMPLEX);
        })
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn what_a_path_makes_is_dropped_one_by_one() {
    let numbers = format!("[{}]", vec!["1"; 100_000].join(","));
    assert_eq!(query("$[*].abs() ? (@ > 1)", &numbers).unwrap(), Vec::<String>::new());
}
