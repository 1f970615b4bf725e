//! The table of keys against itself, and what must not be started.

use super::*;

fn from_env(pairs: &[(&str, &str)]) -> Result<Config, String> {
    Config::load(None, |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
}

#[test]
fn defaults_are_valid_and_documented() {
    let mut config = Config::default();
    for key in KEYS {
        assert_eq!((key.set)(&mut config, key.default), Ok(()), "{}", key.env);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let printed = [
        ("config.example.toml", example_toml()),
        (".env.example", example_env()),
        ("docs/configuration.md", reference()),
    ];
    for (file, expected) in printed {
        if std::env::var_os("REWRITE").is_some() {
            std::fs::write(root.join(file), &expected).unwrap();
        }
        assert_eq!(std::fs::read_to_string(root.join(file)).unwrap(), expected, "run with REWRITE=1: {file}");
    }
}

#[test]
fn bad_values_name_key_value_and_what_is_allowed() {
    let error = from_env(&[("PG_PORT", "http")]).unwrap_err();
    assert_eq!(error, "PG_PORT = \"http\" is not valid; allowed: a port, 0 to 65535");
    for (name, most) in [("MAX_CONNECTIONS", 262_143), ("MAX_MESSAGE_MB", 1024), ("CONNECTION_POOL_SIZE", 1000)] {
        for value in ["0", "-1", "9999999999999999999", "99999999999999999999"] {
            let error = from_env(&[(name, value)]).unwrap_err();
            let expected = format!("{name} = \"{value}\" is not valid; allowed: a whole number from 1 to {most}");
            assert_eq!(error, expected);
        }
    }
    let error = from_env(&[("AZURE_STORAGE_KEY", "s3cret!")]).unwrap_err();
    assert_eq!(error, "AZURE_STORAGE_KEY = \"…\" is not valid; allowed: the account's key in base64");
    let error = from_env(&[("STORAGE", "ftp")]).unwrap_err();
    assert_eq!(error, "STORAGE = \"ftp\" is not valid; allowed: local, s3, azure or directory");
    let mut config = Config::default();
    let error = config.apply_toml("prot = 1", Path::new("c.toml")).unwrap_err();
    assert!(error.starts_with("c.toml: unknown key prot; known are host, port"), "{error}");
}

#[test]
fn a_store_that_is_not_named_is_missed_before_the_start() {
    assert_eq!(from_env(&[("STORAGE", "s3")]).unwrap_err(), "STORAGE = s3 needs S3_BUCKET");
    assert_eq!(from_env(&[("STORAGE", "azure")]).unwrap_err(), "STORAGE = azure needs AZURE_STORAGE_ACCOUNT");
    assert!(from_env(&[("STORAGE", "s3"), ("S3_BUCKET", "databases")]).is_ok());
}

#[test]
fn a_certificate_is_not_ignored() {
    for file in ["TLS_CERT_FILE", "TLS_KEY_FILE", "TLS_CLIENT_CA_FILE"] {
        assert!(from_env(&[(file, "x.pem")]).unwrap_err().ends_with("need TLS = prefer or require"), "{file}");
    }
    assert!(from_env(&[("TLS", "require"), ("TLS_CERT_FILE", "x.pem"), ("TLS_KEY_FILE", "y.pem")]).is_ok());
}

#[test]
fn listening_beyond_loopback_needs_a_password() {
    assert!(from_env(&[("PG_HOST", "0.0.0.0")]).unwrap_err().contains("needs a password"));
    assert!(from_env(&[("PG_HOST", "0.0.0.0"), ("PG_PASSWORD", "x"), ("PG_AUTH", "trust")]).is_err());
    let config = from_env(&[("PG_HOST", "0.0.0.0"), ("PG_PASSWORD", "x")]).unwrap();
    assert_eq!(config.auth_method(), AuthMethod::ScramSha256);
}

#[test]
fn passwords_go_over_a_network_as_they_are_only_if_that_is_said() {
    let beyond = [("PG_HOST", "0.0.0.0"), ("PG_PASSWORD", "x"), ("PG_AUTH", "password")];
    let error = from_env(&beyond).unwrap_err();
    assert!(error.starts_with("PG_AUTH = password sends passwords as they are to PG_HOST = 0.0.0.0"), "{error}");
    assert!(error.contains("ALLOW_CLEARTEXT_PASSWORD = on"), "{error}");
    let and = |more: &[(&'static str, &'static str)]| from_env(&[&beyond[..], more].concat());
    assert!(and(&[("ALLOW_CLEARTEXT_PASSWORD", "on")]).is_ok());
    let files = [("TLS_CERT_FILE", "x.pem"), ("TLS_KEY_FILE", "y.pem")];
    assert!(and(&[&files[..], &[("TLS", "require")]].concat()).is_ok());
    assert!(and(&[&files[..], &[("TLS", "prefer")]].concat()).is_err(), "a client may choose not to encrypt");
    assert!(from_env(&[("PG_PASSWORD", "x"), ("PG_AUTH", "password")]).is_ok(), "nobody else reads loopback");
}

#[test]
fn a_name_is_verified_by_an_authority() {
    let error = from_env(&[("TLS_CLIENT_CERT", "verify-full")]).unwrap_err();
    assert_eq!(error, "TLS_CLIENT_CERT = verify-full needs TLS_CLIENT_CA_FILE");
}
