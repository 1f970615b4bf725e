//! What the log tells, and what it never does: passwords and the values of parameters.

use std::collections::BTreeSet;

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls};

mod server;

use server::Server;

/// Part of everything that must not be in the log.
const SECRET: &str = "s3cr3t";

fn config(server: &Server) -> Config {
    let mut config = Config::new();
    config.host("127.0.0.1").port(server.addr.port()).user("postgres").dbname("postgres");
    config
}

async fn connect(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Uses passwords and parameters in every way there is, well and in error.
async fn be_secretive(server: &Server) {
    let secret = format!("{SECRET}-parameter");
    assert!(connect(config(server).password(format!("{SECRET}-wrong"))).await.is_err());
    let client = connect(config(server).password(format!("{SECRET}-password"))).await.unwrap();
    client.batch_execute("create table notes (id int primary key, note varchar(20), password text)").await.unwrap();
    let insert = "insert into notes values ($1, $2, $3)";
    let values: &[&(dyn ToSql + Sync)] = &[&1i32, &secret, &secret];
    client.execute(insert, values).await.unwrap();
    client.execute(insert, values).await.expect_err("a duplicate");
    // Too long, and no numbers, dates, or names.
    client.execute(insert, &[&2i32, &secret.repeat(9), &secret]).await.expect_err("too long");
    for cast in ["int", "date", "uuid", "json", "interval", "numeric", "boolean", "regclass", "regtype"] {
        let sql = format!("select $1::text::{cast}");
        client.query(&sql, &[&secret]).await.expect_err("no such value");
    }
    // Nothing is bound here, but a password is spoken of.
    for sql in [
        "alter user postgres password 's3cr3t-new'",
        "create role r login encrypted password E's3cr3t\\'-new'",
        "alter user postgres passwort 's3cr3t-new' password $p$s3cr3t-new$p$",
        "update notes set password = 's3cr3t-new' where no_such_column",
        "alter user postgres passwd 's3cr3t-new'",
        "alter user postgres pw \"s3cr3t-new\"",
        "select pg_sleep(0.2), 's3cr3t-new' as pw",
        "select pg_sleep(0.2), password = 's3cr3t-new' from notes",
    ] {
        // Some are refused, some are not; either way they may be logged.
        let _ = client.simple_query(sql).await;
    }
    // Slow, with a parameter.
    client.query("select pg_sleep(0.2), $1::text", &[&secret]).await.unwrap();
    // COPY carries values, too.
    let sink = client.copy_in::<_, bytes::Bytes>("copy notes from stdin").await.unwrap();
    futures_util::pin_mut!(sink);
    futures_util::SinkExt::send(&mut sink, format!("{secret}\t{secret}\t{secret}\n").into()).await.unwrap();
    sink.finish().await.expect_err("no number");
}

/// At that level and in that format; gives the log.
async fn log_of(method: &str, level: &str, format: &str) -> String {
    let password = format!("{SECRET}-password");
    let settings = [("LOG_LEVEL", level), ("LOG_FORMAT", format)];
    let mut server = Server::start_with("postgres", method, &password, &settings).unwrap();
    be_secretive(&server).await;
    // What it says at its end is waited for.
    server.stop();
    server.log()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_keeps_secrets_at_every_level() {
    for method in ["password", "md5", "scram-sha-256"] {
        for level in ["info", "debug"] {
            let log = log_of(method, level, "text").await;
            let leaks: Vec<&str> = log.lines().filter(|line| line.contains(SECRET)).collect();
            assert!(leaks.is_empty(), "{method}, {level}: {leaks:#?}");
            for event in [
                "password authentication failed for user",
                "connected as \"postgres\"",
                "disconnected",
                "(23505)",
                "slow query",
                "SIGTERM",
            ] {
                assert!(log.contains(event), "{method}, {level}: nothing of {event} in\n{log}");
            }
            assert!(level != "debug" || log.contains("DEBUG"), "{log}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_of_json_parses() {
    let log = log_of("scram-sha-256", "debug", "json").await;
    let leaks: Vec<&str> = log.lines().filter(|line| line.contains(SECRET)).collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
    let mut levels = BTreeSet::new();
    for line in log.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for key in ["timestamp", "level", "target", "message"] {
            assert!(event[key].is_string(), "{key}: {line}");
        }
        levels.insert(event["level"].as_str().unwrap().to_owned());
    }
    assert!(levels.is_superset(&["DEBUG", "INFO", "WARN"].map(str::to_owned).into()), "{levels:?}");
}

/// Names and statements come from clients; an operator's terminal does not obey them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_has_no_control_characters() {
    const EVIL: &str = "evil\u{1b}[2J\u{7}\u{9b}1m\r\nforged";
    for format in ["text", "json"] {
        let settings = [("LOG_LEVEL", "debug"), ("LOG_FORMAT", format)];
        let mut server = Server::start_with("postgres", "trust", "", &settings).unwrap();
        assert!(connect(config(&server).user(EVIL)).await.is_err());
        assert!(connect(config(&server).dbname(EVIL)).await.is_err());
        let client = connect(config(&server).application_name(EVIL)).await.unwrap();
        client.batch_execute(&format!("select '{EVIL}' from nowhere")).await.unwrap_err();
        client.batch_execute(&format!("select \"{EVIL}\"")).await.unwrap_err();
        client.batch_execute(&format!("select pg_sleep(0.2), '{EVIL}'")).await.unwrap();
        server.stop();
        let log = server.log();
        let raw: Vec<char> = log.chars().filter(|c| c.is_control() && *c != '\n').collect();
        assert!(raw.is_empty() && log.matches("forged").count() >= 5, "{raw:?} in {log}");
        assert!(!log.lines().any(|line| line.starts_with("forged")), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_again_is_written_once() {
    let mut server = Server::start("postgres", "trust", "").unwrap();
    let client = connect(&config(&server)).await.unwrap();
    for _ in 0..200 {
        client.simple_query("select 1/0").await.unwrap_err();
    }
    server.stop();
    let log = server.log();
    // Longer than ten seconds it does not take; a slow machine may get a second line.
    let lines = log.lines().filter(|line| line.contains("division by zero")).count();
    assert!((1..=5).contains(&lines), "{log}");
}
