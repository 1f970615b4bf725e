//! Says of statements whether the grammar takes them: what `scripts/grammar-check` compares with PostgreSQL's.
//!
//! Reads statements from its input, each ended by a NUL, and prints a line for each: `ok`, or the error's SQLSTATE,
//! position and message.

use std::io::Read;

use pgserver::sql::syntax::grammar::statement::statement;
use pgserver::sql::syntax::lexer::tokens;

fn main() -> std::io::Result<()> {
    let mut input = Vec::new();
    std::io::stdin().read_to_end(&mut input)?;
    for text in input.split(|byte| *byte == 0).filter(|text| !text.is_empty()) {
        let text = String::from_utf8_lossy(text);
        match statement(&text, &tokens(&text, true)) {
            Ok(_) => println!("ok"),
            Err(error) => {
                let position = error.fields().position.unwrap_or(0);
                println!("{} {position} {}", error.code().as_str(), error.message().replace('\n', "\\n"));
            }
        }
    }
    Ok(())
}
