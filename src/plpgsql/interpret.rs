//! A function's call.
//!
//! Owns: [`execute`]. Must not know: SQL, SQLite.

use crate::error::{Error, Result};
use crate::plpgsql::call::{Call, Returned};
use crate::plpgsql::function::Function;
use crate::plpgsql::host::Host;

/// Runs a function.
pub fn execute(_function: &Function, _call: Call, _host: &mut dyn Host) -> Result<Returned> {
    Err(Error::unsupported("LANGUAGE plpgsql"))
}
