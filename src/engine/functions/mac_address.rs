//! Functions and operators over macaddr and macaddr8 (functions-net.html); the computing is `types::mac_address`.

use super::{Args, Definition, Output};
use crate::error::Result;
use crate::types::mac_address::MacAddress;

/// The functions of this area.
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_macaddr_trunc", 1, |a| put(address(a, 0)?.truncated())),
    Definition::pure("pg_macaddr_not", 1, |a| put(address(a, 0)?.not())),
    Definition::pure("pg_macaddr_and", 2, |a| put(address(a, 0)?.combine(&address(a, 1)?, |a, b| a & b))),
    Definition::pure("pg_macaddr_or", 2, |a| put(address(a, 0)?.combine(&address(a, 1)?, |a, b| a | b))),
    Definition::pure("pg_macaddr8_set7bit", 1, |a| put(address(a, 0)?.with_seventh_bit())),
    Definition::pure("pg_macaddr_widen", 1, |a| put(address(a, 0)?.widened())),
    Definition::pure("pg_macaddr_narrow", 1, |a| put(address(a, 0)?.narrowed()?)),
];

fn address(args: &Args<'_>, index: usize) -> Result<MacAddress> {
    MacAddress::from_stored(&args.text(index)?)
}

fn put(address: MacAddress) -> Result<Output> {
    Ok(address.to_text().into())
}
