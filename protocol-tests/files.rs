//! The files a server makes, and those it finds.

#[path = "server.rs"]
mod server;
#[path = "wire.rs"]
mod wire;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use server::Server;
use wire::{Session, connect, error_field, message, startup};

/// Every file and directory below, but the log that the test writes. Links have no modes of their own.
fn modes(directory: &Path) -> Vec<(String, u32)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap).filter(|entry| entry.file_name() != "log") {
        // One that was there for a moment only.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_symlink() {
            continue;
        }
        found.push((entry.path().display().to_string(), metadata.permissions().mode() & 0o7777));
        if metadata.is_dir() {
            found.extend(modes(&entry.path()));
        }
    }
    found
}

#[test]
fn files_are_their_users_alone() {
    for settings in [&[][..], &[("STORAGE", "directory"), ("DB_PATH", "copies")], &[("STORAGE", "directory")]] {
        let temporary = std::env::temp_dir().join(format!("pgserver-files-{}", std::process::id()));
        fs::create_dir_all(&temporary).unwrap();
        let place = [("TMPDIR", temporary.to_str().unwrap())];
        let server = Server::start_with("postgres", "trust", "", &[settings, &place].concat()).unwrap();
        let mut session = Session::open(server.addr);
        session.run("create table t (i int); insert into t values (1)");
        session.run("create database other");
        let mut found = modes(server.directory());
        let own = modes(&temporary);
        // Working copies without a place of their own are in a directory of this server's, and nowhere else.
        assert_eq!(own.is_empty(), settings.len() != 1, "{own:?}");
        found.extend(own);
        assert!(found.iter().any(|(name, _)| name.ends_with(".sqlite-wal")), "{found:?}");
        for (name, mode) in found {
            assert!(matches!(mode, 0o600 | 0o700), "{name}: {mode:o}");
        }
        drop(server);
        fs::remove_dir_all(&temporary).unwrap();
    }
}

/// Tries to log in to a database; the error.
fn refusal(server: &Server, database: &str) -> String {
    let mut stream = connect(server.addr);
    let parameters = format!("user\0postgres\0database\0{database}\0\0");
    stream.write_all(&startup(0x0003_0000, parameters.as_bytes())).unwrap();
    loop {
        let (tag, body) = message(&mut stream).expect("an answer");
        match tag {
            b'E' => return format!("{} {}", error_field(&body, b'C'), error_field(&body, b'M')),
            b'Z' => return String::new(),
            _ => {}
        }
    }
}

#[test]
fn files_that_are_no_databases_are_left_as_they_are() {
    let server = Server::start("postgres", "trust", "").unwrap();
    let data = server.directory().join("data");
    let text = "This is somebody's letter, and no database of anybody's.";
    fs::write(data.join("letter.sqlite"), text).unwrap();
    fs::write(data.join("empty.sqlite"), "").unwrap();
    fs::write(data.join("short.sqlite"), "SQLite").unwrap();
    fs::create_dir(data.join("directory.sqlite")).unwrap();
    for (name, what) in [
        ("letter", "is not a SQLite database"),
        ("empty", "is empty"),
        ("short", "is not a SQLite database"),
        ("directory", "is not a file"),
    ] {
        assert_eq!(refusal(&server, name), format!("XX001 database file \"{name}.sqlite\" {what}"));
    }
    assert_eq!(fs::read_to_string(data.join("letter.sqlite")).unwrap(), text);
    assert_eq!(fs::metadata(data.join("empty.sqlite")).unwrap().len(), 0);
    assert!(!data.join("empty.sqlite-wal").exists());
    // What pgserver makes is whole, and nothing is beside it.
    let mut session = Session::open(server.addr);
    session.run("create database made");
    assert_eq!(refusal(&server, "made"), "");
    assert!(!data.join("made.sqlite.new").exists() && !data.join("made.sqlite.new-wal").exists());
}
