//! A server as a child process, killed when dropped.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long a start or a stop may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// What nodes on another machine, or in a network of their own, are asked with.
const TOKEN: &str = "a token of the tests";
const BEARER: &str = "Bearer a token of the tests";

/// A running `troupe start`.
pub(crate) struct Server {
    child: Child,
    pub(crate) mysql_port: u16,
    pub(crate) admin: String,
    pub(crate) bridge: String,
    pub(crate) data_dir: PathBuf,
    /// Removes the directory after the process is gone.
    _owned: Option<tempfile::TempDir>,
    log: PathBuf,
}

/// How a server is started.
#[derive(Default)]
pub(crate) struct Options<'a> {
    /// Uses this directory instead of one of its own.
    pub(crate) data_dir: Option<&'a Path>,
    /// Further arguments.
    pub(crate) args: &'a [&'a str],
    /// Further environment.
    pub(crate) env: &'a [(&'a str, &'a str)],
    /// What a shell does before it becomes the server.
    pub(crate) through: Option<&'a str>,
    /// That shell is alone with what it mounts.
    pub(crate) mounts: bool,
    /// The network namespace it runs in, if not that of the test.
    pub(crate) namespace: Option<&'a str>,
}

/// A command for the binary under test, without the environment's own settings.
pub(crate) fn troupe() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_troupe"));
    without_settings(&mut command);
    command
}

/// Takes the environment's own settings away, and has all nodes of all tests belong to each other.
fn without_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TROUPE_") {
            command.env_remove(name);
        }
    }
    // Not those of whoever runs the tests.
    command
        .env("TROUPE_BRIDGE_SECRET_FILE", concat!(env!("CARGO_TARGET_TMPDIR"), "/cluster-secret"));
    let token = concat!(env!("CARGO_TARGET_TMPDIR"), "/admin-token");
    std::fs::write(token, TOKEN).expect("the folder of the tests takes a file");
    command.env("TROUPE_ADMIN_TOKEN_FILE", token);
}

/// The binary under test, started by a shell that says something first, and is then replaced by it. What it mounts nobody
/// else sees, and is gone with it.
pub(crate) fn through_shell(first: &str, mounts: bool) -> Command {
    let mut command = Command::new(if mounts { "unshare" } else { "sh" });
    without_settings(&mut command);
    if mounts {
        command.args(["--map-root-user", "--mount", "sh"]);
    }
    command.arg("-c").arg(format!("{first}; exec \"$0\" \"$@\"")).arg(env!("CARGO_BIN_EXE_troupe"));
    command
}

/// The binary under test in a network namespace.
fn within(namespace: &str) -> Command {
    let mut command = Command::new("ip");
    without_settings(&mut command);
    command.args(["netns", "exec", namespace, env!("CARGO_BIN_EXE_troupe")]);
    command
}

impl Server {
    pub(crate) fn start() -> Server {
        Server::with(&Options::default())
    }

    pub(crate) fn with(options: &Options<'_>) -> Server {
        let owned = options.data_dir.is_none().then(|| tempfile::tempdir().unwrap());
        let data_dir = match (&owned, options.data_dir) {
            (Some(owned), _) => owned.path().join("data"),
            (None, Some(path)) => path.to_owned(),
            (None, None) => unreachable!("one of them is there"),
        };
        std::fs::create_dir_all(&data_dir).unwrap();
        let log = data_dir.join("server.log");
        let stderr = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let mut command = match (options.namespace, options.through) {
            (Some(namespace), _) => within(namespace),
            (None, Some(first)) => through_shell(first, options.mounts),
            (None, None) => troupe(),
        };
        let mut child = command
            .arg("start")
            .args(["--mysql-addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0"])
            .args(["--addr", "127.0.0.1:0", "--data-dir"])
            .arg(&data_dir)
            .args(options.args)
            .envs(options.env.iter().copied())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut server = Server {
            child,
            mysql_port: 0,
            admin: String::new(),
            bridge: String::new(),
            data_dir,
            _owned: owned,
            log,
        };
        while server.bridge.is_empty() {
            let Ok(line) = lines.recv_timeout(PATIENCE) else {
                panic!("the server did not start:\n{}", server.log());
            };
            if let Some((_, rest)) = line.split_once(" -P ") {
                server.mysql_port = rest.split(' ').next().unwrap().parse().unwrap();
            }
            if let Some((_, url)) = line.split_once("admin  ") {
                url.trim_end_matches('/').clone_into(&mut server.admin);
            }
            if let Some((_, address)) = line.split_once("bridge ") {
                address.trim().clone_into(&mut server.bridge);
            }
        }
        server
    }

    /// What it logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM, and the exit status.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        self.signal(rustix::process::Signal::TERM);
        self.exit()
    }

    pub(crate) fn process(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_raw(self.pid() as i32).unwrap()
    }

    /// Any signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.process(), signal).unwrap();
    }

    /// From now on no file of the server may grow beyond so many bytes.
    pub(crate) fn limit_files(&self, bytes: u64) {
        use rustix::process::{Resource, Rlimit, prlimit};
        let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
        prlimit(Some(self.process()), Resource::Fsize, limit).unwrap();
    }

    /// Waits for the end of the process.
    pub(crate) fn exit(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "the server does not stop:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// An admin endpoint's answer.
    pub(crate) fn get(&self, path: &str) -> String {
        let url = format!("{}{path}", self.admin);
        let mut response = ureq::get(&url)
            .header("Authorization", BEARER)
            .call()
            .unwrap_or_else(|error| panic!("{url}: {error}"));
        response.body_mut().read_to_string().unwrap()
    }

    /// Has an admin endpoint do something.
    pub(crate) fn post(&self, path: &str) {
        let url = format!("{}{path}", self.admin);
        ureq::post(&url)
            .header("Authorization", BEARER)
            .send_empty()
            .unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// An admin endpoint's answer as JSON.
    pub(crate) fn json(&self, path: &str) -> serde_json::Value {
        serde_json::from_str(&self.get(path)).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<_> = log.lines().rev().take(40).collect();
            eprintln!("--- end of the server's log ---");
            tail.iter().rev().for_each(|line| eprintln!("{line}"));
        }
    }
}

/// Runs a command to its end; panics with its output if it fails.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = [output.stdout.clone(), output.stderr.clone()].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(output.status.success(), "{command:?} failed:\n{text}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Whether processes may mount what only they see; a test that needs it is skipped where they may not, loudly.
pub(crate) fn may_mount() -> bool {
    let script = "mount -t tmpfs tmpfs /mnt";
    let tried = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script])
        .output()
        .is_ok_and(|output| output.status.success());
    if !tried {
        eprintln!("SKIPPED: a process may not mount a file system here (unshare --map-root-user)");
    }
    tried
}

/// Whether a program is there. In CI it must be; elsewhere a test without it is skipped, loudly.
pub(crate) fn have(program: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        assert!(std::env::var_os("CI").is_none(), "{program} is not installed");
        eprintln!("SKIPPED: {program} is not installed; `make test` installs it");
    }
    found
}

/// Debian's `mariadb` client, without the user's own settings.
pub(crate) fn mariadb(server: &Server) -> Command {
    let mut command = Command::new("mariadb");
    command.args(["--no-defaults", "-h", "127.0.0.1", "-u", "root", "-P"]);
    command.arg(server.mysql_port.to_string());
    command
}

/// Waits until so many clients have a statement in hand that begins so.
pub(crate) fn until_running(server: &Server, beginning: &str, many: usize) {
    let list = format!(
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE '{beginning}%'"
    );
    let begun = Instant::now();
    loop {
        let running = run(mariadb(server).args(["-N", "-e", &list]));
        if running.trim().parse::<usize>().is_ok_and(|running| running >= many) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{beginning}: {running} of {many} run");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Reads a file of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Everything a child has to say, once it has ended.
pub(crate) fn read_all(mut source: impl std::io::Read) -> String {
    let mut text = String::new();
    let _ = source.read_to_string(&mut text);
    text
}

/// An address that nobody has, for a process that is to come back where it was. Its port is below those that the system gives to
/// sockets that ask for none, so that nobody gets it in the meantime.
pub(crate) fn free_address() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const PORTS: std::ops::Range<u32> = 11_000..31_000;
    loop {
        let count = NEXT.fetch_add(1, Ordering::Relaxed);
        // Runs beside each other begin at places of their own.
        let at = std::process::id().wrapping_mul(97).wrapping_add(count);
        let address = format!("127.0.0.1:{}", PORTS.start + at % (PORTS.end - PORTS.start));
        if std::net::TcpListener::bind(&address).is_ok() {
            return address;
        }
    }
}

/// A node of a cluster, by name.
pub(crate) fn node(name: &str, role: &str, pd: Option<&Server>) -> Server {
    let mut args = vec!["--name", name, "--role", role];
    args.extend(pd.map(|pd| ["--pd", pd.bridge.as_str()]).into_iter().flatten());
    Server::with(&Options { args: &args, ..Options::default() })
}

/// A client of a node.
pub(crate) async fn connect(server: &Server) -> mysql_async::Conn {
    let opts = mysql_async::OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(server.mysql_port)
        .user(Some("root"));
    mysql_async::Conn::new(opts).await.unwrap()
}

/// The error that a statement ends with.
pub(crate) fn code(outcome: mysql_async::Result<()>) -> Option<u16> {
    match outcome {
        Ok(()) => None,
        Err(mysql_async::Error::Server(error)) => Some(error.code),
        Err(error) => panic!("{error}"),
    }
}
