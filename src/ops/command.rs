//! The command line: what the arguments ask for.
//!
//! Owns: [`Command`], [`Failure`], the table of commands ([`COMMANDS`]) and the help made from it. Must not know: how a command is
//! carried out (`main`, `ops::health`, `ops::versions`).

use std::path::PathBuf;

use crate::ops::config::KEYS;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    Serve,
    Health,
    CheckConfig,
    Passwd,
    Versions,
    Restore,
    Branch,
    Help,
    Version,
}

/// Why a command did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// The arguments or the configuration are wrong.
    Wrong(String),
    Failed(String),
}

/// A command's name, what it takes and what it does.
pub struct CommandHelp {
    pub command: Command,
    /// As it is written; the first is the usual one.
    pub names: &'static [&'static str],
    /// What has to follow, in this order.
    pub operands: &'static [&'static str],
    pub options: &'static [CommandOption],
    pub doc: &'static str,
}

/// An option of a command; each has a value.
pub struct CommandOption {
    pub name: &'static str,
    /// What the value is.
    pub value: &'static str,
    pub required: bool,
    pub doc: &'static str,
}

const fn plain(command: Command, names: &'static [&'static str], doc: &'static str) -> CommandHelp {
    CommandHelp { command, names, operands: &[], options: &[], doc }
}

const fn option(name: &'static str, value: &'static str, doc: &'static str) -> CommandOption {
    CommandOption { name, value, required: false, doc }
}

const fn required(name: &'static str, value: &'static str, doc: &'static str) -> CommandOption {
    CommandOption { name, value, required: true, doc }
}

/// Every command there is.
pub static COMMANDS: &[CommandHelp] = &[
    plain(Command::Serve, &["serve"], "Runs the server; what is done without a command."),
    plain(
        Command::Health,
        &["health"],
        "Asks the server of this configuration for SELECT 1, or whether it answers if that needs a password. Exit code 0: it is well.",
    ),
    plain(
        Command::CheckConfig,
        &["check-config"],
        "Reads the configuration as the server would, and says what is wrong with it. Exit code 0: nothing.",
    ),
    plain(
        Command::Passwd,
        &["passwd"],
        "Reads a password from the terminal or the standard input, and prints what PG_PASSWORD can be set to instead of it.",
    ),
    CommandHelp {
        command: Command::Versions,
        names: &["versions"],
        operands: &["DB"],
        options: &[
            option("--since", "TIME|SEQ", "Only that one and later ones."),
            option("--limit", "N", "At most the newest N; 100 unless --since is given."),
        ],
        doc: "Lists the states of a database in an object store that can be restored.",
    },
    CommandHelp {
        command: Command::Restore,
        names: &["restore"],
        operands: &["DB"],
        options: &[
            option(
                "--to",
                "TIME|SEQ",
                "The last state committed until that time, or the one of that number. Not given: the latest.",
            ),
            required(
                "--into",
                "FILE|DB",
                "A new plain SQLite file, if there is a / in it or it ends with .sqlite or .db; else a new database in the store.",
            ),
        ],
        doc: "Makes a file or a database of an earlier state of a database in an object store. Never overwrites anything.",
    },
    CommandHelp {
        command: Command::Branch,
        names: &["branch"],
        operands: &["DB", "NEW"],
        options: &[option("--at", "TIME|SEQ", "As restore's --to.")],
        doc: "Creates a database that begins with a state of another one and goes its own way. Copies nothing.",
    },
    plain(Command::Help, &["--help", "-h", "help"], "Prints this."),
    plain(Command::Version, &["--version", "-V"], "Prints the version."),
];

/// The arguments, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arguments {
    pub command: Command,
    /// `--config FILE`
    pub config: Option<PathBuf>,
    /// As many as the command takes.
    pub operands: Vec<String>,
    /// Names and values of the command's options, each once.
    pub options: Vec<(&'static str, String)>,
}

impl Arguments {
    /// Without the program's own name. The error is for the operator.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut arguments = arguments.into_iter();
        let mut found: Option<&CommandHelp> = None;
        let mut parsed = Arguments { command: Command::Serve, config: None, operands: Vec::new(), options: Vec::new() };
        while let Some(argument) = arguments.next() {
            if matches!(argument.as_str(), "--config" | "-c") {
                parsed.config = Some(arguments.next().ok_or("--config needs a file")?.into());
                continue;
            }
            let Some(command) = found else {
                let known = COMMANDS.iter().find(|known| known.names.contains(&argument.as_str()));
                found = Some(known.ok_or_else(|| format!("unknown argument {argument}; see pgserver --help"))?);
                continue;
            };
            if matches!(argument.as_str(), "--help" | "-h") {
                return Ok(Arguments { command: Command::Help, ..parsed });
            }
            parsed.take(command, argument, &mut arguments)?;
        }
        if let Some(command) = found {
            parsed.command = command.command;
            parsed.check(command)?;
        }
        Ok(parsed)
    }

    /// An operand or option of the command.
    fn take(
        &mut self,
        command: &CommandHelp,
        argument: String,
        rest: &mut impl Iterator<Item = String>,
    ) -> Result<(), String> {
        if let Some(option) = command.options.iter().find(|option| option.name == argument) {
            let value = rest.next().ok_or_else(|| format!("{argument} needs a value: {}", option.value))?;
            if self.option(option.name).is_some() {
                return Err(format!("{argument} is given twice"));
            }
            self.options.push((option.name, value));
            return Ok(());
        }
        if self.operands.len() < command.operands.len() && !argument.starts_with('-') {
            self.operands.push(argument);
            return Ok(());
        }
        let is_command = COMMANDS.iter().any(|known| known.names.contains(&argument.as_str()));
        let what = if is_command { "is one command too many" } else { "is not understood" };
        Err(format!("{argument} {what}; see pgserver --help"))
    }

    fn check(&self, command: &CommandHelp) -> Result<(), String> {
        let missing_operand = command.operands.get(self.operands.len()).copied();
        let missing = command.options.iter().find(|option| option.required && self.option(option.name).is_none());
        let missing_option = missing.map(|option| option.name);
        match missing_operand.or(missing_option) {
            None => Ok(()),
            Some(missing) => Err(format!("{missing} is missing: pgserver {}; see pgserver --help", usage(command))),
        }
    }

    /// An operand; empty beyond those the command takes.
    pub fn operand(&self, index: usize) -> &str {
        self.operands.get(index).map_or("", String::as_str)
    }

    /// The value of an option.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

/// How a command is written.
fn usage(command: &CommandHelp) -> String {
    let mut usage = command.names.join(", ");
    for operand in command.operands {
        usage.push_str(&format!(" {operand}"));
    }
    for CommandOption { name, value, required, .. } in command.options {
        usage.push_str(&if *required { format!(" {name} {value}") } else { format!(" [{name} {value}]") });
    }
    usage
}

/// What `--help` prints.
pub fn help() -> String {
    let mut text = String::from(
        "pgserver: a PostgreSQL server over SQLite files\n\nUsage: pgserver [COMMAND] [--config FILE]\n\nCommands:\n",
    );
    for command in COMMANDS {
        let (usage, doc) = (usage(command), command.doc);
        let begin = if usage.len() > 14 { format!("{usage}\n  {:<14}", "") } else { format!("{usage:<14}") };
        text.push_str(&format!("  {begin}  {doc}\n"));
        for option in command.options {
            text.push_str(&format!("  {:<14}  {} {}: {}\n", "", option.name, option.value, option.doc));
        }
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
            let expected = Arguments { command, config, operands: Vec::new(), options: Vec::new() };
            assert_eq!(parse(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn operands_and_options_of_a_command() {
        let parsed = parse("restore app --into x.sqlite -c f.toml --to 7").expect("understood");
        assert_eq!((parsed.command, parsed.operand(0)), (Command::Restore, "app"));
        assert_eq!((parsed.option("--to"), parsed.option("--into")), (Some("7"), Some("x.sqlite")));
        assert_eq!((parsed.config, parsed.operands.len()), (Some(PathBuf::from("f.toml")), 1));
        assert_eq!(parse("branch app new").expect("understood").operand(1), "new");
        assert_eq!(parse("restore --help").expect("understood").command, Command::Help);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (line, expected) in [
            ("--confg x", "unknown argument --confg; see pgserver --help"),
            ("serve --config", "--config needs a file"),
            ("serve health", "health is one command too many; see pgserver --help"),
            ("--to 5 restore", "unknown argument --to; see pgserver --help"),
            ("versions", "DB is missing: pgserver versions DB [--since TIME|SEQ] [--limit N]; see pgserver --help"),
            (
                "restore app",
                "--into is missing: pgserver restore DB [--to TIME|SEQ] --into FILE|DB; see pgserver --help",
            ),
            ("restore app --to", "--to needs a value: TIME|SEQ"),
            ("restore app --to 1 --to 2", "--to is given twice"),
            ("branch a b c", "c is not understood; see pgserver --help"),
            ("versions app --to 3", "--to is not understood; see pgserver --help"),
        ] {
            assert_eq!(parse(line), Err(expected.to_owned()));
        }
    }

    #[test]
    fn help_names_every_command_and_key() {
        let help = help();
        assert!(COMMANDS.iter().all(|c| help.contains(c.names[0])) && KEYS.iter().all(|key| help.contains(key.env)));
        assert!(COMMANDS.iter().flat_map(|c| c.options).all(|option| help.contains(option.doc)));
    }
}
