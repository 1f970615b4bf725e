//! What is printed is parsed as the same tree: of every statement in the fixtures that the grammar takes.

use std::path::Path;

use crate::sql::syntax::ast::statement::Stmt;
use crate::sql::syntax::grammar::statement::statement;
use crate::sql::syntax::lexer::{TokenKind, tokens};
use crate::sql::syntax::print::check::check_statement;

/// How many mixed statements are tried.
const MIXED: usize = 20_000;

/// The statements of a text that parse; what stands between two semicolons is taken for one.
fn statements(text: &str) -> Vec<Stmt> {
    let tokens = tokens(text, true);
    let parts = tokens.split_inclusive(|token| token.kind == TokenKind::Symbol(b';'));
    parts.filter_map(|part| statement(text, part).ok().flatten()).collect()
}

fn texts(directory: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts(&path, found);
            continue;
        }
        let Ok(content) = std::fs::read_to_string(&path) else { continue };
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("sql") => found.push(content),
            Some("pt") => {
                let queries = content.lines().filter_map(|line| line.split_once("Query '")?.1.strip_suffix('\''));
                found.extend(queries.map(|query| query.replace("\\n", "\n").replace("\\'", "'")));
            }
            Some("tsv") => found.extend(content.lines().filter_map(|line| Some(line.split('\t').next()?.to_owned()))),
            _ => {}
        }
    }
}

fn fixtures() -> Vec<String> {
    let mut found = Vec::new();
    texts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"), &mut found);
    found
}

#[test]
fn printed_statements_parse_as_the_same_tree() {
    let (mut all, mut printed, mut wrong) = (0, 0, Vec::new());
    for stmt in fixtures().iter().flat_map(|text| statements(text)) {
        all += 1;
        match check_statement(&stmt) {
            Ok(known) => printed += usize::from(known),
            Err(difference) => wrong.push(difference),
        }
    }
    println!("{printed} of {all} statements are printed");
    assert!(all > 1000, "{all} statements");
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Words of one statement in another's place find what nobody writes.
#[test]
fn mixed_statements_too() {
    let texts = fixtures();
    let mut words: Vec<&str> = Vec::new();
    let mut whole: Vec<Vec<&str>> = Vec::new();
    for text in &texts {
        for part in tokens(text, true).split_inclusive(|token| token.kind == TokenKind::Symbol(b';')) {
            let said: Vec<&str> = part.iter().map(|token| token.text(text)).filter(|word| *word != ";").collect();
            if said.len() < 200 && statement(text, part).is_ok() {
                words.extend(&said);
                whole.push(said);
            }
        }
    }
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below.max(1)
    };
    let (mut parsed, mut wrong) = (0, Vec::new());
    for _ in 0..MIXED {
        let mut mixed = whole[random(whole.len())].clone();
        for _ in 0..=random(3) {
            let at = random(mixed.len());
            let other = &whole[random(whole.len())];
            match random(4) {
                0 if !mixed.is_empty() => drop(mixed.remove(at)),
                1 => mixed.insert(at, words[random(words.len())]),
                2 if !other.is_empty() => {
                    let from = random(other.len());
                    let to = from + random((other.len() - from).min(8) + 1);
                    mixed.splice(at..at, other[from..to].iter().copied());
                }
                _ if !mixed.is_empty() => mixed[at] = words[random(words.len())],
                _ => {}
            }
        }
        let text = mixed.join(" ");
        if let Ok(Some(stmt)) = statement(&text, &tokens(&text, true)) {
            parsed += 1;
            if let Err(difference) = check_statement(&stmt) {
                wrong.push(format!("{text}\n  {difference}"));
            }
        }
    }
    println!("{parsed} of {MIXED} mixed statements parse");
    assert!(parsed > MIXED / 20, "{parsed} parse");
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
