//! What is printed is parsed as the same tree: of every statement in the fixtures that the grammar takes.

use std::path::Path;

use crate::sql::syntax::ast::statement::Stmt;
use crate::sql::syntax::grammar::statement::statement;
use crate::sql::syntax::lexer::{TokenKind, tokens};
use crate::sql::syntax::print;

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

#[test]
fn printed_statements_parse_as_the_same_tree() {
    let mut found = Vec::new();
    texts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"), &mut found);
    let (mut all, mut printed, mut wrong) = (0, 0, Vec::new());
    for stmt in found.iter().flat_map(|text| statements(text)) {
        all += 1;
        let Some(text) = print::statement(&stmt) else { continue };
        printed += 1;
        match statement(&text, &tokens(&text, true)) {
            Ok(Some(again)) if again == stmt => {}
            Ok(again) => wrong.push(format!("{text}\n  {stmt:?}\n  {again:?}")),
            Err(error) => wrong.push(format!("{text}\n  {}", error.message())),
        }
    }
    println!("{printed} of {all} statements are printed");
    assert!(all > 1000, "{all} statements");
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
