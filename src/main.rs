//! pgserver's command line: arguments, configuration, signals, exit code.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use pgserver::catalog::password::Verifier;
use pgserver::engine::allocator::without_huge_pages;
use pgserver::engine::process::private_files;
use pgserver::limits::{memory, stack};
use pgserver::net::server::{PUBLICATION, TERMINATION};
use pgserver::net::tls::Tls;
use pgserver::ops::command::{self, Arguments, Command, Failure};
use pgserver::ops::config::Config;
use pgserver::ops::signals::{StopLimits, StopSignal};
use pgserver::ops::{health, versions};
use pgserver::server::Server;

fn main() -> ExitCode {
    // Before anything is allocated that lasts.
    without_huge_pages();
    private_files();
    match Arguments::parse(std::env::args().skip(1)).map_err(Failure::Wrong).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Wrong(error)) => complain(&error, 2),
        Err(Failure::Failed(error)) => complain(&error, 1),
    }
}

fn complain(error: &str, code: u8) -> ExitCode {
    eprintln!("pgserver: {error}");
    ExitCode::from(code)
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let config = || Config::load(arguments.config.as_deref(), |name| std::env::var(name).ok()).map_err(Failure::Wrong);
    match arguments.command {
        Command::Serve => serve(config()?).map_err(Failure::Failed),
        Command::Health => health::check(&config()?).map(|well| println!("{well}")).map_err(Failure::Failed),
        Command::CheckConfig => {
            let config = config()?;
            Tls::load(&config.tls).map_err(Failure::Wrong)?;
            println!("the configuration is valid; {}", config.address());
            Ok(())
        }
        Command::Passwd => passwd().map_err(Failure::Failed),
        Command::Versions | Command::Restore | Command::Branch => versions::run(&arguments, &config()?),
        Command::Help => {
            print!("{}", command::help());
            Ok(())
        }
        Command::Version => {
            println!("pgserver {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
    }
}

/// Prints the verifier of a password; the password itself is printed nowhere.
fn passwd() -> Result<(), String> {
    let password = if std::io::stdin().is_terminal() {
        let first = rpassword::prompt_password("Password: ").map_err(|e| e.to_string())?;
        let second = rpassword::prompt_password("Again: ").map_err(|e| e.to_string())?;
        if first != second {
            return Err("the passwords are not the same".to_owned());
        }
        first
    } else {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map_err(|e| format!("cannot read the password: {e}"))?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    if password.is_empty() {
        return Err("an empty password is none".to_owned());
    }
    println!("{}", Verifier::new(&password).to_text());
    Ok(())
}

/// How much later than it should be a stop may be.
const LATE: Duration = Duration::from_secs(1);

/// Raises the limit on open files to what the system allows. Every client takes one, every SQLite connection three, and
/// the usual limit of 1,024 is made for programs that use select(2).
fn raise_descriptor_limit() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        log::warn!("cannot raise the limit on open files: {error}");
    }
}

/// How much the sessions may have.
fn limit_memory(config: &Config) {
    let address_space = rlimit::getrlimit(rlimit::Resource::AS).ok().map(|(soft, _)| soft);
    let (session, process) = config.memory_limits(memory::available(address_space));
    memory::set_limits(session, process);
    log::info!("memory: {} MB for all sessions, {} MB for one", process >> 20, session >> 20);
}

fn serve(config: Config) -> Result<(), String> {
    pgserver::ops::log::init(config.log_level, config.log_format);
    limit_memory(&config);
    raise_descriptor_limit();
    if !config.core_dumps
        && let Err(error) = rlimit::Resource::CORE.set(0, 0)
    {
        log::warn!("cannot switch core dumps off: {error}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("session")
        .thread_stack_size(stack::SIZE)
        .on_thread_start(stack::begin_thread)
        .enable_all()
        .build()
        .map_err(|e| format!("cannot start: {e}"))?;
    let outcome = runtime.block_on(async {
        let limits = StopLimits {
            sessions: config.net.shutdown_grace + TERMINATION + LATE,
            databases: config.remote.commit_timeout + config.net.shutdown_grace.max(PUBLICATION) + LATE,
        };
        let server = Server::bind(config).await?;
        let signal = StopSignal::listen(limits, server.closing());
        let signal = signal.map_err(|e| format!("cannot listen for signals: {e}"))?;
        match server.run(signal.received()).await {
            true => Ok(()),
            false => Err("not everything is in the object store".to_owned()),
        }
    });
    // A statement that does not end keeps its thread; the process does not wait for it.
    runtime.shutdown_background();
    outcome
}
