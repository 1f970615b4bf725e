//! A pgserver of its own for a test: the built binary on a free port, its files in a temporary directory.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub struct Server {
    pub addr: SocketAddr,
    pub process: Child,
    directory: PathBuf,
}

impl Server {
    /// Starts the binary with its defaults but a free port and a user; `method` is how that user authenticates.
    #[allow(dead_code, reason = "not every test needs it")]
    pub fn start(user: &str, method: &str, password: &str) -> Result<Server, String> {
        Server::start_with(user, method, password, &[])
    }

    /// The same with more configuration.
    #[allow(dead_code, reason = "not every test needs it")]
    pub fn start_with(user: &str, method: &str, password: &str, more: &[(&str, &str)]) -> Result<Server, String> {
        let binary = Command::new(env!("CARGO_BIN_EXE_pgserver"));
        Server::start_as(binary, user, method, password, more)
    }

    /// The same with so many descriptors and no more.
    #[allow(dead_code, reason = "not every test needs it")]
    pub fn start_within(descriptors: usize, method: &str, password: &str) -> Result<Server, String> {
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(format!("ulimit -n {descriptors}; exec \"$0\"")).arg(env!("CARGO_BIN_EXE_pgserver"));
        Server::start_as(shell, "postgres", method, password, &[])
    }

    fn start_as(
        mut command: Command,
        user: &str,
        method: &str,
        password: &str,
        more: &[(&str, &str)],
    ) -> Result<Server, String> {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).map_err(|e| e.to_string())?.port();
        let directory = std::env::temp_dir().join(format!("pgserver-test-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&directory).map_err(|e| e.to_string())?;
        let log = std::fs::File::create(directory.join("log")).map_err(|e| e.to_string())?;
        command.current_dir(&directory).env_clear().stdin(Stdio::null());
        command.stdout(log.try_clone().map_err(|e| e.to_string())?).stderr(log);
        command.env("PG_HOST", "127.0.0.1").env("PG_PORT", port.to_string()).env("DB_NAME", "postgres");
        command.env("PG_USER", user).envs(more.iter().copied());
        if method != "trust" {
            command.env("PG_PASSWORD", password).env("PG_AUTH", method);
        }
        let process = command.spawn().map_err(|e| format!("cannot start pgserver: {e}"))?;
        let addr = SocketAddr::from(([127, 0, 0, 1], port));
        let mut server = Server { addr, process, directory };
        match server.wait_until_ready() {
            Ok(()) => Ok(server),
            Err(why) => {
                let log = server.log();
                Err(format!("{why}; its log:\n{log}"))
            }
        }
    }

    /// What it has logged so far.
    #[allow(dead_code, reason = "not every test needs it")]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    /// Where it runs, with `data` in it.
    #[allow(dead_code, reason = "not every test needs it")]
    pub fn directory(&self) -> &std::path::Path {
        &self.directory
    }

    /// Stops it with SIGTERM and waits for its end.
    #[allow(dead_code, reason = "not every test needs it")]
    pub fn stop(&mut self) {
        let told = Command::new("kill").arg("-TERM").arg(self.process.id().to_string()).status().unwrap();
        assert!(told.success());
        assert!(self.process.wait().unwrap().success());
    }

    fn wait_until_ready(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.process.try_wait() {
                return Err(format!("pgserver ended with {status}"));
            }
            if TcpStream::connect(self.addr).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err("pgserver does not listen after 20 s".into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
