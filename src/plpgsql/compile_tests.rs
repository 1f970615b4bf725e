//! Bodies that PostgreSQL accepted or refused (`fixtures/plpgsql_errors.tsv`, by `scripts/record-plpgsql`), mutations of them,
//! and the bound on nesting.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Error, ErrorFields, Result, SqlState};
use crate::limits::session::Limits;
use crate::limits::stack;
use crate::plpgsql::compile::compile;
use crate::plpgsql::function::{Function, Options};
use crate::plpgsql::run_tests;
use crate::plpgsql::test_host::{TestHost, signature};

const ERRORS: &str = include_str!("../../fixtures/plpgsql_errors.tsv");
const RUNS: &str = include_str!("../../fixtures/plpgsql_runs.tsv");

/// A field of a fixture as it was.
pub fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(other) => out.push(other),
                None => {}
            },
            c => out.push(c),
        }
    }
    out
}

/// A fixture's lines: header, body, what was recorded.
pub fn rows(fixture: &str) -> impl Iterator<Item = (String, String, String)> {
    fixture.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        let mut fields = line.split('\t').map(unescape);
        let mut next = || fields.next().expect("three fields");
        (next(), next(), next())
    })
}

/// A message as the fixtures show it. A position in the body is the statement's, as long as there is no other text.
pub fn shown(fields: &ErrorFields, body: &str) -> String {
    let mut parts =
        vec![fields.severity.as_str().to_owned(), fields.code.as_str().to_owned(), fields.message.to_string()];
    let in_body = fields.internal_query.as_deref() == Some(body);
    if let (Some(position), true) = (fields.internal_position, in_body) {
        parts.push(format!("@{position}"));
    }
    parts.extend(fields.detail.as_ref().map(|detail| format!("D:{detail}")));
    parts.extend(fields.hint.as_ref().map(|hint| format!("H:{hint}")));
    parts.extend(fields.context.as_ref().filter(|context| !context.is_empty()).map(|context| format!("W:{context}")));
    if !in_body {
        parts.extend(fields.internal_position.map(|position| format!("p:{position}")));
        parts.extend(fields.internal_query.as_ref().map(|query| format!("q:{query}")));
    }
    parts.join(" | ")
}

fn compiled(header: &str, body: &str) -> Result<Function> {
    let mut host = TestHost::default();
    let signature = signature(header, &mut host);
    compile(body, signature, Options::default(), &mut host)
}

#[test]
fn bodies_are_accepted_and_refused_as_recorded() {
    let mut wrong = Vec::new();
    for (header, body, recorded) in rows(ERRORS) {
        // What DO does is another test's.
        let recorded = if header == "do" { recorded.lines().last().unwrap_or("").to_owned() } else { recorded };
        let told = match compiled(&header, &body) {
            Ok(_) => "ok".to_owned(),
            Err(error) => shown(error.fields(), &body),
        };
        if told != recorded {
            wrong.push(format!("{header} {body:?}\n  recorded {recorded}\n  told     {told}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Numbers that look random and are the same each time (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }
}

/// A body with a piece left out, doubled, moved, or replaced by one of another.
fn mutated(body: &str, other: &str, numbers: &mut Numbers) -> String {
    let split = |text: &str| -> Vec<String> {
        text.split_inclusive(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned).collect()
    };
    let (mut pieces, others) = (split(body), split(other));
    for _ in 0..1 + numbers.below(3) {
        let at = numbers.below(pieces.len() + 1);
        let piece = others.get(numbers.below(others.len())).cloned().unwrap_or_default();
        match numbers.below(4) {
            0 if at < pieces.len() => drop(pieces.remove(at)),
            1 if at < pieces.len() => pieces.insert(at, pieces[at].clone()),
            2 if at < pieces.len() => pieces[at] = piece,
            _ => pieces.insert(at, piece),
        }
    }
    pieces.concat()
}

/// Whatever a body is, it is compiled or refused; an error has a place in the body or says which line it is near. What is
/// compiled runs until it ends or has run for long enough.
#[test]
fn mutated_bodies_are_refused_or_run() {
    let all: Vec<(String, String, String)> = rows(ERRORS).chain(rows(RUNS)).collect();
    let mut numbers = Numbers(15);
    let mut accepted = 0;
    for round in 0..20 {
        for (index, (header, body, _)) in all.iter().enumerate() {
            let (_, other, _) = &all[(index * 7 + round * 31) % all.len()];
            let body = mutated(body, other, &mut numbers);
            match compiled(header, &body) {
                Ok(_) => {
                    accepted += 1;
                    let limits = short_of_time();
                    let _entered = limits.enter();
                    run_tests::run(header, &body, &mut TestHost::default());
                }
                Err(error) => check_place(&error, &body),
            }
        }
    }
    assert!(accepted > 500, "only {accepted} of the mutated bodies were accepted");
}

/// A session that is cancelled after a while, counted in looks.
fn short_of_time() -> Arc<Limits> {
    let looks = AtomicUsize::new(0);
    Limits::new(move |_| match looks.fetch_add(1, Ordering::Relaxed) {
        0..20 => Ok(()),
        _ => Err(Error::new(SqlState::QUERY_CANCELED, "canceling statement due to user request")),
    })
}

fn check_place(error: &Error, body: &str) {
    let fields = error.fields();
    assert_eq!(fields.position, None, "{body}: {error}");
    match fields.internal_position {
        Some(position) => {
            assert_eq!(fields.internal_query.as_deref(), Some(body));
            assert!(position as usize <= body.chars().count() + 2, "{body}: {error} at {position}");
        }
        None => assert!(fields.context.is_some() || fields.code.as_str() == "0A000", "{body}: {error}"),
    }
}

/// Sessions share compiled functions.
#[test]
fn functions_can_be_shared() {
    fn can_be_shared<T: Send + Sync>(_: &T) {}
    can_be_shared(&compiled("do", "begin null; end").expect("a function"));
}

/// On a stack like those of sessions.
#[test]
fn deep_nesting_is_too_complex() {
    let thread = std::thread::Builder::new().stack_size(stack::SIZE).spawn(|| {
        stack::begin_thread();
        nest_deeply();
    });
    thread.unwrap().join().unwrap();
}

fn nest_deeply() {
    let deep: [(&str, &str, &str); 4] = [
        ("begin ", "null; ", "end; "),
        ("if true then ", "null; ", "end if; "),
        ("loop ", "exit; ", "end loop; "),
        ("case when true then ", "null; ", "end case; "),
    ];
    for (open, inner, close) in deep {
        let nested = |levels: usize| format!("begin {}{inner}{}end", open.repeat(levels), close.repeat(levels));
        compiled("do", &nested(100)).expect("some levels");
        let error = compiled("do", &nested(20_000)).expect_err("too many levels");
        assert_eq!((error.code().as_str(), error.message()), ("54001", "stack depth limit exceeded"), "{open}");
    }
    let parentheses =
        |levels: usize| format!("declare x int := {}1{}; begin end", "(".repeat(levels), ")".repeat(levels));
    compiled("do", &parentheses(100)).expect("some parentheses");
    assert_eq!(compiled("do", &parentheses(20_000)).expect_err("too many").code().as_str(), "54001");
}
