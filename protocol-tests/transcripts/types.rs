//! Type names for OIDs, as transcripts print them. A table of its own: the runner must not trust the server under test.

const TYPES: &[(u32, &str)] = &[
    (16, "bool"),
    (17, "bytea"),
    (18, "char"),
    (19, "name"),
    (20, "int8"),
    (21, "int2"),
    (22, "int2vector"),
    (23, "int4"),
    (24, "regproc"),
    (25, "text"),
    (26, "oid"),
    (28, "xid"),
    (114, "json"),
    (142, "xml"),
    (199, "_json"),
    (650, "cidr"),
    (700, "float4"),
    (701, "float8"),
    (705, "unknown"),
    (869, "inet"),
    (1000, "_bool"),
    (1001, "_bytea"),
    (1005, "_int2"),
    (1007, "_int4"),
    (1009, "_text"),
    (1015, "_varchar"),
    (1016, "_int8"),
    (1021, "_float4"),
    (1022, "_float8"),
    (1042, "bpchar"),
    (1043, "varchar"),
    (1082, "date"),
    (1083, "time"),
    (1114, "timestamp"),
    (1115, "_timestamp"),
    (1182, "_date"),
    (1184, "timestamptz"),
    (1185, "_timestamptz"),
    (1186, "interval"),
    (1231, "_numeric"),
    (1266, "timetz"),
    (1700, "numeric"),
    (2205, "regclass"),
    (2206, "regtype"),
    (2249, "record"),
    (2278, "void"),
    (2950, "uuid"),
    (2951, "_uuid"),
    (3802, "jsonb"),
    (3807, "_jsonb"),
];

pub fn name_of(oid: u32) -> String {
    match TYPES.iter().find(|(known, _)| *known == oid) {
        Some((_, name)) => (*name).to_string(),
        // Types of users and of extensions have the numbers that each server gives them.
        None if oid >= 16384 || (13600..13700).contains(&oid) => "users".to_owned(),
        None => format!("oid{oid}"),
    }
}

/// The OID of a type's name or of a number.
pub fn oid_of(name: &str) -> Result<u32, String> {
    if let Some((oid, _)) = TYPES.iter().find(|(_, known)| *known == name) {
        return Ok(*oid);
    }
    name.parse().map_err(|_| format!("unknown type {name}"))
}
