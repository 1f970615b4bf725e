//! Full text search: documents, queries, and how texts become either.
//!
//! The types are `vector` and `query`; `parser` takes texts apart, `configuration` makes lexemes of the tokens, `document` puts
//! both together; `matching`, `rank` and `headline` bring a document and a query together. Must not know: SQLite, sessions.
//! Specification: textsearch.html.

pub mod configuration;
pub mod document;
pub mod headline;
mod marks;
pub mod matching;
pub mod parser;
pub mod query;
pub mod query_parser;
pub mod rank;
pub mod rewrite;
mod rules;
mod states;
#[cfg(test)]
mod tests;
pub mod tokens;
pub mod vector;
mod word;

pub use query::TsQuery;
pub use vector::TsVector;
