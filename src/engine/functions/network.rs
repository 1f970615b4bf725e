//! Functions and operators over inet and cidr (functions-net.html); the computing is `types::network_math`.

use super::{Args, Definition, Output};
use crate::error::{Error, Result};
use crate::types::network::Network;

/// The functions of this area.
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_inet_cidr", 1, |a| cidr(network(a, 0)?.network())),
    Definition::pure("pg_inet_text", 1, |a| text(network(a, 0)?, true)),
    Definition::pure("pg_inet_host", 1, |a| Ok(network(a, 0)?.host().into())),
    Definition::pure("pg_inet_family", 1, |a| Ok(network(a, 0)?.family().into())),
    Definition::pure("pg_inet_masklen", 1, |a| Ok(i32::from(network(a, 0)?.bits).into())),
    Definition::pure("pg_inet_netmask", 1, |a| inet(network(a, 0)?.netmask())),
    Definition::pure("pg_inet_hostmask", 1, |a| inet(network(a, 0)?.hostmask())),
    Definition::pure("pg_inet_broadcast", 1, |a| inet(network(a, 0)?.broadcast())),
    Definition::pure("pg_cidr_abbrev", 1, |a| Ok(network(a, 0)?.abbreviated().into())),
    Definition::pure("pg_inet_set_masklen", 2, |a| inet(network(a, 0)?.set_masklen(a.int4(1)?)?)),
    Definition::pure("pg_cidr_set_masklen", 2, |a| cidr(network(a, 0)?.set_masklen(a.int4(1)?)?.network())),
    Definition::pure("pg_inet_same_family", 2, |a| Ok(network(a, 0)?.same_family(&network(a, 1)?).into())),
    Definition::pure("pg_inet_merge", 2, |a| cidr(network(a, 0)?.merge(&network(a, 1)?)?)),
    Definition::pure("pg_inet_sub", 2, |a| Ok(network(a, 0)?.is_within(&network(a, 1)?).into())),
    Definition::pure("pg_inet_subeq", 2, |a| Ok(network(a, 0)?.is_within_or_equal(&network(a, 1)?).into())),
    Definition::pure("pg_inet_sup", 2, |a| Ok(network(a, 1)?.is_within(&network(a, 0)?).into())),
    Definition::pure("pg_inet_supeq", 2, |a| Ok(network(a, 1)?.is_within_or_equal(&network(a, 0)?).into())),
    Definition::pure("pg_inet_overlap", 2, |a| Ok(network(a, 0)?.overlaps(&network(a, 1)?).into())),
    Definition::pure("pg_inet_not", 1, |a| inet(network(a, 0)?.not())),
    Definition::pure("pg_inet_and", 2, |a| inet(network(a, 0)?.and(&network(a, 1)?)?)),
    Definition::pure("pg_inet_or", 2, |a| inet(network(a, 0)?.or(&network(a, 1)?)?)),
    Definition::pure("pg_inet_plus", 2, |a| inet(network(a, 0)?.plus(a.int(1)?)?)),
    Definition::pure("pg_inet_minus_int8", 2, |a| inet(network(a, 0)?.plus(a.int(1)?.wrapping_neg())?)),
    Definition::pure("pg_inet_minus", 2, |a| Ok(network(a, 0)?.minus(&network(a, 1)?)?.into())),
];

fn network(args: &Args<'_>, index: usize) -> Result<Network> {
    Network::from_stored(&args.text(index)?)
}

fn text(network: Network, with_bits: bool) -> Result<Output> {
    let mut text = String::new();
    network.write(with_bits, &mut text).map_err(|_| Error::internal("writing a network"))?;
    Ok(text.into())
}

fn inet(network: Network) -> Result<Output> {
    text(network, false)
}

fn cidr(network: Network) -> Result<Output> {
    text(network, true)
}
