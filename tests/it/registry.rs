//! The registry in a real etcd.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::server::{Options, Server, free_address, have, mariadb, run, troupe};
use crate::tls::Certificates;

const PATIENCE: Duration = Duration::from_secs(60);

/// A running etcd, killed when dropped.
struct Etcd {
    child: Child,
    address: String,
}

impl Etcd {
    fn start(dir: &Path, address: &str) -> Etcd {
        let etcd = Etcd::spawn(dir, &format!("http://{address}"), &[]);
        let begun = Instant::now();
        while etcd.records().is_none() {
            assert!(begun.elapsed() < PATIENCE, "etcd does not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        etcd
    }

    fn spawn(dir: &Path, client: &str, args: &[&str]) -> Etcd {
        let peer = format!("http://{}", free_address());
        let child = Command::new("etcd")
            .args(["--name", "e", "--log-level", "error", "--data-dir", dir.to_str().unwrap()])
            .args(["--listen-client-urls", client, "--advertise-client-urls", client])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("e={peer}")])
            .args(args)
            .env_remove("ETCD_NAME")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let address = client.rsplit('/').next().unwrap().to_owned();
        Etcd { child, address }
    }

    /// What the nodes have written, by its JSON gateway; `None` if it does not answer.
    fn records(&self) -> Option<Vec<Value>> {
        let body =
            json!({ "key": BASE64.encode("/troupe/"), "range_end": BASE64.encode("/troupe0") });
        let url = format!("http://{}/v3/kv/range", self.address);
        let mut response = ureq::post(&url).send(body.to_string()).ok()?;
        let answer: Value =
            serde_json::from_str(&response.body_mut().read_to_string().ok()?).ok()?;
        let record = |kv: &Value| {
            let value = BASE64.decode(kv["value"].as_str().unwrap()).unwrap();
            let record: Value = serde_json::from_slice(&value).unwrap();
            let key =
                String::from_utf8(BASE64.decode(kv["key"].as_str().unwrap()).unwrap()).unwrap();
            assert!(
                key.ends_with(&format!("/nodes/{}", record["name"].as_str().unwrap())),
                "{key}"
            );
            assert_ne!(kv["lease"], Value::Null, "{key} has a lease");
            record
        };
        Some(answer["kvs"].as_array().into_iter().flatten().map(record).collect())
    }

    fn names(&self) -> Vec<String> {
        let records = self.records().unwrap_or_default();
        records.iter().map(|record| record["name"].as_str().unwrap().to_owned()).collect()
    }

    fn until_names(&self, names: &[&str]) -> Duration {
        let begun = Instant::now();
        while self.names() != names {
            assert!(begun.elapsed() < PATIENCE, "{:?}", self.records());
            std::thread::sleep(Duration::from_millis(100));
        }
        begun.elapsed()
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.kill();
    }
}

fn node(name: &str, role: &str, pd: Option<&Server>, etcd: &str, dir: &Path) -> Server {
    let mut args = vec!["--name", name, "--role", role];
    args.extend(pd.map(|pd| ["--pd", pd.bridge.as_str()]).into_iter().flatten());
    Server::with(&Options {
        args: &args,
        data_dir: Some(&dir.join(name)),
        env: &[
            ("TROUPE_REGISTRY_TYPE", "etcd"),
            // The first of them is not there: the next one is asked.
            ("TROUPE_REGISTRY_ENDPOINTS", &format!("127.0.0.1:1,http://{etcd}")),
            ("TROUPE_REGISTRY_LEASE", "3s"),
        ],
        ..Options::default()
    })
}

fn query_soon(server: &Server, sql: &str) -> String {
    let begun = Instant::now();
    loop {
        let output = mariadb(server).args(["-N", "-e", sql]).output().unwrap();
        if output.status.success() {
            return String::from_utf8_lossy(&output.stdout).into_owned();
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(begun.elapsed() < PATIENCE, "{sql}: {said}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn until_health(server: &Server, state: &str) -> Value {
    let begun = Instant::now();
    loop {
        let health = server.json("/health");
        if health["services"]["registry"]["state"] == state {
            return health;
        }
        assert!(begun.elapsed() < PATIENCE, "{health:#}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The nodes that a node knows of.
fn known(server: &Server) -> Vec<String> {
    let all = server.json("/actors?node=all&limit=1");
    let nodes = all["nodes"].as_array().unwrap().iter();
    nodes.map(|node| node["node"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn nodes_are_in_etcd_as_long_as_their_leases() {
    if !have("etcd") {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    let address = free_address();
    let mut etcd = Etcd::start(&dir.join("etcd"), &address);
    let pd = node("pd1", "pd", None, &address, dir);
    let mut store = node("store1", "store", Some(&pd), &address, dir);
    let mut sql = node("sql1", "sql,gateway,ddl", Some(&pd), &address, dir);
    run(mariadb(&sql).args([
        "-e",
        "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY); INSERT INTO d.t VALUES (1)",
    ]));

    etcd.until_names(&["pd1", "sql1", "store1"]);
    let records = etcd.records().unwrap();
    let record = records.iter().find(|record| record["name"] == "store1").unwrap();
    assert_eq!(record["address"], store.bridge.as_str());
    assert_eq!(record["roles"], json!(["store"]));
    assert_eq!(record["version"], env!("CARGO_PKG_VERSION"));
    let begun = Instant::now();
    while !etcd.records().unwrap().iter().all(|record| record["health"] == "healthy") {
        assert!(begun.elapsed() < PATIENCE, "{:?}", etcd.records());
        std::thread::sleep(Duration::from_millis(100));
    }
    let is_served = |record: &Value| record["services"].to_string().contains("/store/");
    assert!(etcd.records().unwrap().iter().any(is_served));
    assert_eq!(known(&sql), ["pd1", "sql1", "store1"]);
    let inside = sql.json("/actors/sql1/registry");
    assert_eq!(inside["observed"]["endpoint"], address.as_str(), "{inside:#}");

    // Killed, it vanishes with its lease, not before, and for everybody; and comes back elsewhere.
    store.kill();
    let took = etcd.until_names(&["pd1", "sql1"]);
    assert!(took > Duration::from_secs(1), "{took:?}");
    let begun = Instant::now();
    while known(&sql) != ["pd1", "sql1"] {
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", known(&sql));
        std::thread::sleep(Duration::from_millis(100));
    }
    let mut store = node("store1", "store", Some(&pd), &address, dir);
    assert_eq!(query_soon(&sql, "SELECT a FROM d.t"), "1\n");

    // Without etcd the cluster goes on with what it knew.
    etcd.kill();
    let health = until_health(&sql, "degraded");
    assert!(health.to_string().contains("etcd does not answer"), "{health}");
    // All the time, and for longer than the leases.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(4) {
        assert_eq!(known(&sql), ["pd1", "sql1", "store1"]);
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(query_soon(&sql, "INSERT INTO d.t VALUES (2); SELECT COUNT(*) FROM d.t"), "2\n");
    assert_eq!(known(&sql), ["pd1", "sql1", "store1"]);
    let etcd = Etcd::start(&dir.join("etcd"), &address);
    until_health(&sql, "healthy");
    etcd.until_names(&["pd1", "sql1", "store1"]);

    // Stopped, it takes its key with it.
    assert!(store.terminate().success(), "{}", store.log());
    assert_eq!(etcd.names(), ["pd1", "sql1"]);
    assert!(sql.terminate().success(), "{}", sql.log());
    assert_eq!(etcd.names(), ["pd1"]);
}

#[test]
fn nodes_start_while_etcd_is_away_and_are_registered_when_it_is_back() {
    let address = free_address();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let pd = node("pd1", "pd", None, &address, &dir.join("pd1"));
    let _store = node("store1", "store", Some(&pd), &address, &dir.join("store1"));
    let sql = node("sql1", "sql,gateway,ddl", Some(&pd), &address, &dir.join("sql1"));
    assert!(sql.log().contains("is not there: going on"), "{}", sql.log());
    until_health(&sql, "degraded");
    assert_eq!(query_soon(&sql, "SELECT 1"), "1\n");
    if !have("etcd") {
        return;
    }
    let etcd = Etcd::start(&dir.join("etcd"), &address);
    until_health(&sql, "healthy");
    etcd.until_names(&["pd1", "sql1", "store1"]);
    assert_eq!(query_soon(&sql, "SELECT 2"), "2\n");
}

/// An etcd that wants certificates, names and passwords.
struct Guarded {
    _etcd: Etcd,
    certificates: Certificates,
    url: String,
}

impl Guarded {
    /// With the user `troupe`, who may read and write what begins with `/troupe/`.
    fn start(dir: &Path) -> Guarded {
        // Etcd's JSON gateway takes a common name for a user's, and refuses it.
        let certificates = Certificates::named(None);
        let file = |name: &str| certificates.path(name).to_str().unwrap().to_owned();
        let (ca, cert, key) = (file("ca.pem"), file("server.pem"), file("server.key"));
        let url = format!("https://{}", free_address());
        let etcd = Etcd::spawn(
            dir,
            &url,
            &[
                "--cert-file",
                &cert,
                "--key-file",
                &key,
                "--client-cert-auth",
                "--trusted-ca-file",
                &ca,
            ],
        );
        let guarded = Guarded { _etcd: etcd, certificates, url };
        let begun = Instant::now();
        while guarded.post("kv/range", &json!({ "key": BASE64.encode("a") }), None).is_none() {
            assert!(begun.elapsed() < PATIENCE, "etcd does not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        let range = json!({
            "permType": "READWRITE",
            "key": BASE64.encode("/troupe/"),
            "range_end": BASE64.encode("/troupe0"),
        });
        for (path, body) in [
            ("auth/user/add", json!({ "name": "root", "password": "secret" })),
            ("auth/role/add", json!({ "name": "root" })),
            ("auth/user/grant", json!({ "user": "root", "role": "root" })),
            ("auth/role/add", json!({ "name": "nodes" })),
            ("auth/role/grant", json!({ "name": "nodes", "perm": range })),
            ("auth/user/add", json!({ "name": "troupe", "password": "open sesame" })),
            ("auth/user/grant", json!({ "user": "troupe", "role": "nodes" })),
            ("auth/enable", json!({})),
        ] {
            guarded.post(path, &body, None).unwrap_or_else(|| panic!("etcd refuses {path}"));
        }
        guarded
    }

    fn post(&self, path: &str, body: &Value, token: Option<&str>) -> Option<Value> {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--fail", "--max-time", "5", "--cacert"])
            .arg(self.certificates.path("ca.pem"))
            .arg("--cert")
            .arg(self.certificates.path("server.pem"))
            .arg("--key")
            .arg(self.certificates.path("server.key"))
            .args(["--data", &body.to_string(), &format!("{}/v3/{path}", self.url)]);
        if let Some(token) = token {
            curl.args(["--header", &format!("Authorization: {token}")]);
        }
        let output = curl.output().unwrap();
        let answer = serde_json::from_slice(&output.stdout).ok();
        output.status.success().then_some(answer?)
    }

    /// The names of the nodes that are there.
    fn names(&self) -> Vec<String> {
        let login = json!({ "name": "root", "password": "secret" });
        let answer = self.post("auth/authenticate", &login, None).expect("root may log in");
        let token = answer["token"].as_str().unwrap();
        let all =
            json!({ "key": BASE64.encode("/troupe/"), "range_end": BASE64.encode("/troupe0") });
        let found = self.post("kv/range", &all, Some(token)).expect("root may read");
        let name = |kv: &Value| {
            let value = BASE64.decode(kv["value"].as_str().unwrap()).unwrap();
            let record: Value = serde_json::from_slice(&value).unwrap();
            record["name"].as_str().unwrap().to_owned()
        };
        found["kvs"].as_array().into_iter().flatten().map(name).collect()
    }

    fn until_names(&self, names: &[&str]) -> Duration {
        let begun = Instant::now();
        while self.names() != names {
            assert!(begun.elapsed() < PATIENCE, "{:?}", self.names());
            std::thread::sleep(Duration::from_millis(200));
        }
        begun.elapsed()
    }

    /// What a node's environment says of it; the password is in this file.
    fn env(&self, password: &Path) -> Vec<(&'static str, String)> {
        let file = |name: &str| self.certificates.path(name).to_str().unwrap().to_owned();
        vec![
            ("TROUPE_REGISTRY_TYPE", "etcd".to_owned()),
            ("TROUPE_REGISTRY_ENDPOINTS", self.url.clone()),
            ("TROUPE_REGISTRY_LEASE", "3s".to_owned()),
            ("TROUPE_REGISTRY_CA", file("ca.pem")),
            ("TROUPE_REGISTRY_CERT", file("server.pem")),
            ("TROUPE_REGISTRY_KEY", file("server.key")),
            ("TROUPE_REGISTRY_USER", "troupe".to_owned()),
            ("TROUPE_REGISTRY_PASSWORD_FILE", password.to_str().unwrap().to_owned()),
        ]
    }
}

#[test]
fn an_etcd_with_certificates_and_passwords_holds_three_placement_drivers() {
    if !have("etcd") || !have("curl") {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    let etcd = Guarded::start(&dir.join("etcd"));
    let password = dir.join("password");
    std::fs::write(&password, "open sesame\n").unwrap();
    let env = etcd.env(&password);
    let env: Vec<(&str, &str)> = env.iter().map(|(key, value)| (*key, value.as_str())).collect();

    let addresses: Vec<String> = (0..3).map(|_| free_address()).collect();
    let all = addresses.join(",");
    let start = |number: usize| {
        let name = format!("pd{}", number + 1);
        let args = ["--name", &name, "--role", "pd", "--addr", &addresses[number], "--pd", &all];
        let data_dir = dir.join(&name);
        Server::with(&Options {
            args: &args,
            data_dir: Some(&data_dir),
            env: &env,
            ..Options::default()
        })
    };
    let mut members: Vec<Server> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..3).map(|number| scope.spawn(move || start(number))).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    etcd.until_names(&["pd1", "pd2", "pd3"]);
    let begun = Instant::now();
    while known(&members[0]) != ["pd1", "pd2", "pd3"] {
        assert!(begun.elapsed() < PATIENCE, "{:?}", known(&members[0]));
        std::thread::sleep(Duration::from_millis(100));
    }

    // Killed, one is there until its lease has ended; back, it is there again.
    members[2].kill();
    let took = etcd.until_names(&["pd1", "pd2"]);
    assert!(took > Duration::from_secs(1), "{took:?}");
    members[2] = start(2);
    etcd.until_names(&["pd1", "pd2", "pd3"]);
    // Stopped, it says goodbye.
    assert!(members[1].terminate().success(), "{}", members[1].log());
    assert_eq!(etcd.names(), ["pd1", "pd3"]);

    // Who does not know the password, or has no certificate, is told what is wrong.
    let refused = |changed: &[(&str, &str)]| {
        let output = troupe()
            .args(["start", "--role", "pd", "--join-timeout", "3s", "--data-dir"])
            .arg(dir.join("refused"))
            .args(["--addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0"])
            .envs(env.iter().copied())
            .envs(changed.iter().copied())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let wrong = dir.join("wrong");
    std::fs::write(&wrong, "guess\n").unwrap();
    let said = refused(&[("TROUPE_REGISTRY_PASSWORD_FILE", wrong.to_str().unwrap())]);
    assert!(said.contains("authentication failed"), "{said}");
    let said = refused(&[("TROUPE_REGISTRY_PASSWORD_FILE", "/nowhere/password")]);
    assert!(said.contains("registry.password-file: cannot use /nowhere/password"), "{said}");
    let said = refused(&[("TROUPE_REGISTRY_CERT", ""), ("TROUPE_REGISTRY_KEY", "")]);
    assert!(
        said.contains("gave up") && said.contains(etcd.url.trim_start_matches("https://")),
        "{said}"
    );
    let other = Certificates::new();
    let other_ca = other.path("ca.pem");
    let said = refused(&[("TROUPE_REGISTRY_CA", other_ca.to_str().unwrap())]);
    assert!(said.contains("gave up") && said.contains("certificate"), "{said}");
    let said = refused(&[("TROUPE_REGISTRY_CA", "")]);
    assert!(said.contains("registry.ca"), "{said}");
}
