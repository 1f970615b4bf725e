//! pgserver's command line: arguments, configuration, signals, exit code.

use std::path::PathBuf;
use std::process::ExitCode;

use pgserver::engine::allocator::without_huge_pages;
use pgserver::ops::config::{Config, KEYS};
use pgserver::server::Server;

/// Deeply nested statements are analysed recursively on the workers' stacks.
const WORKER_STACK: usize = 8 * 1024 * 1024;

const USAGE: &str = "\
pgserver: a PostgreSQL server over SQLite files

Usage: pgserver [serve] [--config FILE]
       pgserver --help | --version

Without --config, ./config.toml is read if it is there; the environment wins over it.
";

/// What the arguments ask for.
enum Command {
    Serve { config: Option<PathBuf> },
    Help,
    Version,
}

fn arguments(mut args: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut config = None;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "serve" => {}
            "--config" | "-c" => config = Some(args.next().ok_or("--config needs a file")?.into()),
            "--help" | "-h" => return Ok(Command::Help),
            "--version" | "-V" => return Ok(Command::Version),
            other => return Err(format!("unknown argument {other}; see pgserver --help")),
        }
    }
    Ok(Command::Serve { config })
}

fn help() {
    println!("{USAGE}\nEnvironment (and the key in the file):");
    for key in KEYS {
        let default = if key.default.is_empty() { "not set" } else { key.default };
        println!("  {} ({}), default {default}\n      {}", key.env, key.toml, key.doc);
    }
}

fn main() -> ExitCode {
    // Before anything is allocated that lasts.
    without_huge_pages();
    let outcome = match arguments(std::env::args().skip(1)) {
        Ok(Command::Help) => {
            help();
            Ok(())
        }
        Ok(Command::Version) => {
            println!("pgserver {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
        Ok(Command::Serve { config }) => serve(config),
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pgserver: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Raises the limit on open files to what the system allows. Every client takes one, every SQLite connection three, and
/// the usual limit of 1,024 is made for programs that use select(2): a thousand silent clients would shut all others out.
fn raise_descriptor_limit(wanted: u64) {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) if limit >= wanted => {}
        Ok(limit) => {
            log::warn!("the system allows {limit} open files and sockets, fewer than max_connections = {wanted}");
        }
        Err(error) => log::warn!("cannot raise the limit on open files: {error}"),
    }
}

fn serve(file: Option<PathBuf>) -> Result<(), String> {
    let config = Config::load(file.as_deref(), |name| std::env::var(name).ok())?;
    pgserver::ops::log::init(config.log_level, config.log_format);
    raise_descriptor_limit(config.net.max_connections as u64);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("session")
        .thread_stack_size(WORKER_STACK)
        .enable_all()
        .build()
        .map_err(|e| format!("cannot start: {e}"))?;
    runtime.block_on(async {
        let server = Server::bind(config).await?;
        server.run(stop_signal()).await;
        Ok(())
    })
}

/// Resolves at the first SIGTERM or SIGINT; a second one ends the process at once.
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        log::error!("cannot listen for signals");
        return std::future::pending().await;
    };
    let name = tokio::select! { _ = term.recv() => "SIGTERM", _ = int.recv() => "SIGINT" };
    log::info!("{name}: stopping");
    tokio::spawn(async move {
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        log::warn!("stopped the hard way");
        std::process::exit(1);
    });
}
