//! The command line: what the arguments ask for.
//!
//! Owns: [`Command`], the table of commands ([`COMMANDS`]) and the help made from it. Must not know: how a command is
//! carried out (`main`, `ops::health`).

use std::path::PathBuf;

use crate::ops::config::KEYS;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    Serve,
    Health,
    CheckConfig,
    Passwd,
    Help,
    Version,
}

/// A command's name and what it does.
pub struct CommandHelp {
    pub command: Command,
    /// As it is written; the first is the usual one.
    pub names: &'static [&'static str],
    pub doc: &'static str,
}

/// Every command there is.
pub static COMMANDS: &[CommandHelp] = &[
    CommandHelp { command: Command::Serve, names: &["serve"], doc: "Runs the server; what is done without a command." },
    CommandHelp {
        command: Command::Health,
        names: &["health"],
        doc: "Asks the server of this configuration for SELECT 1, or whether it answers if that needs a password. Exit code 0: it is well.",
    },
    CommandHelp {
        command: Command::CheckConfig,
        names: &["check-config"],
        doc: "Reads the configuration as the server would, and says what is wrong with it. Exit code 0: nothing.",
    },
    CommandHelp {
        command: Command::Passwd,
        names: &["passwd"],
        doc: "Reads a password from the terminal or the standard input, and prints what PG_PASSWORD can be set to instead of it.",
    },
    CommandHelp { command: Command::Help, names: &["--help", "-h", "help"], doc: "Prints this." },
    CommandHelp { command: Command::Version, names: &["--version", "-V"], doc: "Prints the version." },
];

/// The arguments, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arguments {
    pub command: Command,
    /// `--config FILE`
    pub config: Option<PathBuf>,
}

impl Arguments {
    /// Without the program's own name. The error is for the operator.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut arguments = arguments.into_iter();
        let (mut command, mut config) = (None, None);
        while let Some(argument) = arguments.next() {
            if matches!(argument.as_str(), "--config" | "-c") {
                config = Some(arguments.next().ok_or("--config needs a file")?.into());
                continue;
            }
            let known = COMMANDS.iter().find(|known| known.names.contains(&argument.as_str()));
            let known = known.ok_or_else(|| format!("unknown argument {argument}; see pgserver --help"))?;
            if command.replace(known.command).is_some() {
                return Err(format!("{argument} is one command too many; see pgserver --help"));
            }
        }
        Ok(Arguments { command: command.unwrap_or(Command::Serve), config })
    }
}

/// What `--help` prints.
pub fn help() -> String {
    let mut text = String::from(
        "pgserver: a PostgreSQL server over SQLite files\n\nUsage: pgserver [COMMAND] [--config FILE]\n\nCommands:\n",
    );
    for CommandHelp { names, doc, .. } in COMMANDS {
        text.push_str(&format!("  {:<14}  {doc}\n", names.join(", ")));
    }
    text.push_str(
        "\nWithout --config, ./config.toml is read if it is there; the environment wins over it.\n\
         Exit codes: 0 done, 1 failed, 2 the arguments or the configuration are wrong.\n\n\
         Environment (and the key in the file):\n",
    );
    for key in KEYS {
        let default = if key.default.is_empty() { "not set" } else { key.default };
        text.push_str(&format!("  {} ({}), default {default}\n      {}\n", key.env, key.toml, key.doc));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn commands_and_their_file() {
        let file = || Some(PathBuf::from("f.toml"));
        for (line, command, config) in [
            ("", Command::Serve, None),
            ("serve --config f.toml", Command::Serve, file()),
            ("-c f.toml check-config", Command::CheckConfig, file()),
            ("health", Command::Health, None),
            ("passwd", Command::Passwd, None),
            ("-h", Command::Help, None),
            ("-V", Command::Version, None),
        ] {
            assert_eq!(parse(line), Ok(Arguments { command, config }), "{line}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (line, expected) in [
            ("--confg x", "unknown argument --confg; see pgserver --help"),
            ("serve --config", "--config needs a file"),
            ("serve health", "health is one command too many; see pgserver --help"),
        ] {
            assert_eq!(parse(line), Err(expected.to_owned()));
        }
    }

    #[test]
    fn help_names_every_command_and_key() {
        let help = help();
        assert!(COMMANDS.iter().all(|c| help.contains(c.names[0])) && KEYS.iter().all(|key| help.contains(key.env)));
    }
}
