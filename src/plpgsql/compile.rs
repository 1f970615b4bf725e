//! A function's body, compiled.
//!
//! Owns: [`compile`]. Must not know: how it runs.

use crate::error::{Error, Result};
use crate::plpgsql::function::{Function, Options, Signature};
use crate::plpgsql::host::Types;

/// Compiles a body. An error has its place in the body as internal position, or CONTEXT says which line it is near.
pub fn compile(_source: &str, _signature: Signature, _options: Options, _types: &mut dyn Types) -> Result<Function> {
    Err(Error::unsupported("LANGUAGE plpgsql"))
}
