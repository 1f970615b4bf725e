//! Changes of the schema as data: what CREATE, ALTER, DROP, COMMENT … mean after analysis.
//!
//! Owns: [`Ddl`]. Must not know: how they are carried out (`engine::ddl`).

/// One analysed DDL statement.
#[derive(Clone, Debug)]
pub enum Ddl {}
