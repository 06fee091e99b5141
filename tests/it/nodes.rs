//! A node seen from another one, the fault switch, and certificates between nodes.

use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::Value;

use crate::server::{Options, Server, troupe};

const PATIENCE: Duration = Duration::from_secs(60);

/// A node of a cluster, by name.
fn node(name: &str, role: &str, pd: Option<&Server>, env: &[(&str, &str)]) -> Server {
    let mut args = vec!["--name", name, "--role", role];
    args.extend(pd.map(|pd| ["--pd", pd.bridge.as_str()]).into_iter().flatten());
    Server::with(&Options { args: &args, env, ..Options::default() })
}

/// Asks until the answer is as it should be.
fn until(server: &Server, path: &str, is_right: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let answer = server.json(path);
        if is_right(&answer) {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "{path}: {answer:#}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The status of an answer, and the answer.
fn ask(server: &Server, method: &str, path: &str) -> (u16, Value) {
    let config = ureq::Agent::config_builder().http_status_as_error(false).build();
    let agent = ureq::Agent::new_with_config(config);
    let url = format!("{}{path}", server.admin);
    let response =
        if method == "POST" { agent.post(&url).send_empty() } else { agent.get(&url).call() };
    let mut response = response.unwrap();
    let text = response.body_mut().read_to_string().unwrap();
    (response.status().as_u16(), serde_json::from_str(&text).unwrap())
}

fn part<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let nodes = answer["nodes"].as_array().unwrap();
    nodes.iter().find(|node| node["node"] == name).unwrap_or(&Value::Null)
}

fn has_path(answer: &Value, path: &str) -> bool {
    answer["actors"].as_array().unwrap().iter().any(|actor| actor["path"] == path)
}

#[test]
fn any_node_shows_the_actors_of_all() {
    let pd = node("pd1", "pd", None, &[]);
    let mut store = node("store1", "store", Some(&pd), &[]);
    let sql = node("sql1", "sql,gateway,ddl", Some(&pd), &[]);

    for server in [&pd, &store, &sql] {
        let all = until(server, "/actors?node=all", |all| {
            all["nodes"].as_array().unwrap().len() == 3
                && all["nodes"].as_array().unwrap().iter().all(|node| node["error"].is_null())
        });
        for path in ["/pd1/pd", "/store1/bridge/observer", "/sql1/gateway"] {
            assert!(has_path(&all, path), "{path} is not in {all:#}");
        }
        assert_eq!(
            all["total"].as_u64().unwrap() as usize,
            all["actors"].as_array().unwrap().len()
        );
    }
    let all = sql.json("/actors?node=all");
    assert_eq!(part(&all, "sql1")["link"], Value::Null);
    let link = &part(&all, "store1")["link"];
    let control = link["sends"].as_array().unwrap().iter().find(|lane| lane["class"] == "control");
    let control = control.unwrap();
    assert_eq!((&control["state"], &control["lost"]), (&"open".into(), &0.into()), "{link}");
    assert!(control["answers"].as_u64().unwrap() > 0, "{link}");

    let one = sql.json("/actors?node=store1&under=/store1/bridge");
    assert!(has_path(&one, "/store1/bridge") && !has_path(&one, "/store1/membership"), "{one:#}");
    let few = sql.json("/actors?node=store1&limit=1");
    assert_eq!((&few["truncated"], few["actors"].as_array().unwrap().len()), (&true.into(), 1));
    // An actor with its inside, as at its own node.
    let bridge = sql.json("/actors/store1/bridge");
    assert_eq!(bridge["observed"]["listening_on"], store.bridge.as_str());
    assert_eq!(bridge["failures"], Value::Array(Vec::new()));
    assert_eq!(ask(&sql, "GET", "/actors/store1/nobody").0, 404);
    assert_eq!(ask(&sql, "GET", "/actors/nowhere/nobody").0, 404);
    let (status, said) = ask(&sql, "GET", "/actors/store1/bridge/trace");
    assert!(status == 404 && said.to_string().contains("its own node, store1"), "{said}");
    let (status, said) = ask(&sql, "GET", "/actors?node=nowhere");
    assert!(status == 404 && said.to_string().contains("pd1, sql1, store1"), "{said}");

    // One that is gone is named with what is wrong, until its lease has ended.
    store.kill();
    let all = until(&sql, "/actors?node=all", |all| part(all, "store1")["error"].is_string());
    assert!(part(&all, "store1")["error"].as_str().unwrap().contains("node store1"), "{all:#}");
    assert!(has_path(&all, "/pd1/pd"), "{all:#}");
    until(&sql, "/actors?node=all", |all| part(all, "store1").is_null());
}

#[test]
fn links_are_cut_and_healed_where_that_is_allowed() {
    let pd = node("pd1", "pd", None, &[("TROUPE_BRIDGE_FAULT_INJECTION", "true")]);
    let store = node("store1", "store", Some(&pd), &[]);
    until(&pd, "/actors?node=all", |all| part(all, "store1")["actors"].as_u64() > Some(0));

    let (status, said) = ask(&store, "POST", "/bridge/cut?node=pd1");
    assert!(status == 403 && said.to_string().contains("fault-injection = true"), "{said}");
    assert_eq!(ask(&pd, "GET", "/bridge/cut?node=store1").0, 405);
    assert_eq!(ask(&pd, "POST", "/bridge/cut").0, 400);
    assert_eq!(ask(&pd, "POST", "/bridge/cut?node=pd1").0, 400);
    assert_eq!(ask(&pd, "POST", "/bridge/cut?node=nowhere").0, 404);

    let (status, said) = ask(&pd, "POST", "/bridge/cut?node=store1");
    assert_eq!(status, 200, "{said}");
    assert!(said["cuts"].to_string().contains("store1"), "{said}");
    let seen = pd.json("/actors?node=store1");
    assert!(part(&seen, "store1")["error"].as_str().unwrap().contains("cut"), "{seen:#}");
    // The other way is closed too: the store finds nobody to renew its lease with.
    until(&store, "/actors/store1/membership", |it| it["observed"]["trouble"].is_string());
    let link = |bridge: &Value| {
        let links = bridge["links"].as_array().unwrap();
        links.iter().find(|link| link["node"] == "store1").unwrap().clone()
    };
    assert_eq!(link(&pd.json("/bridge"))["cut"], true);

    let (status, said) = ask(&pd, "POST", "/bridge/heal?node=store1");
    assert!(status == 200 && said["cuts"] == Value::Array(Vec::new()), "{said}");
    until(&store, "/actors/store1/membership", |it| it["observed"]["trouble"].is_null());
    until(&pd, "/actors?node=all", |all| part(all, "store1")["actors"].as_u64() > Some(0));
    assert_eq!(link(&pd.json("/bridge"))["cut"], false);
}

/// An authority, and files it has signed.
struct Authority {
    dir: tempfile::TempDir,
}

impl Authority {
    fn new() -> Authority {
        let dir = tempfile::tempdir().unwrap();
        let authority_key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority for a test");
        let authority = params.self_signed(&authority_key).unwrap();
        let issuer = Issuer::from_params(&params, &authority_key);
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "a node");
        let certificate = params.signed_by(&key, &issuer).unwrap();
        std::fs::write(dir.path().join("ca.pem"), authority.pem()).unwrap();
        std::fs::write(dir.path().join("node.pem"), certificate.pem()).unwrap();
        std::fs::write(dir.path().join("node.key"), key.serialize_pem()).unwrap();
        Authority { dir }
    }

    /// The environment of a node with certificates of this authority.
    fn env(&self) -> [(&'static str, String); 3] {
        [("CA", "ca.pem"), ("CERT", "node.pem"), ("KEY", "node.key")].map(|(key, file)| {
            let name = match key {
                "CA" => "TROUPE_BRIDGE_TLS_CA",
                "CERT" => "TROUPE_BRIDGE_TLS_CERT",
                _ => "TROUPE_BRIDGE_TLS_KEY",
            };
            (name, self.dir.path().join(file).to_str().unwrap().to_owned())
        })
    }
}

fn borrowed<'a>(env: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    env.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// What a store says that cannot join.
fn refused(pd: &Server, env: &[(&'static str, String)]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let output = troupe()
        .args(["start", "--role", "store", "--name", "stranger", "--pd", &pd.bridge])
        .args(["--addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0", "--join-timeout", "3s"])
        .arg("--data-dir")
        .arg(dir.path())
        .envs(env.iter().map(|(name, value)| (name, value)))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("gave up waiting for the placement driver"), "{said}");
    said
}

#[test]
fn nodes_with_certificates_of_one_authority_let_nobody_else_in() {
    let (ours, others) = (Authority::new(), Authority::new());
    let env = ours.env();
    let pd = node("pd1", "pd", None, &borrowed(&env));
    let _store = node("store1", "store", Some(&pd), &borrowed(&env));
    until(&pd, "/actors?node=all", |all| part(all, "store1")["actors"].as_u64() > Some(0));
    assert_eq!(pd.json("/actors/pd1/bridge")["observed"]["tls"], true);

    // One without certificates, one with those of somebody else, and one that trusts us with a foreign certificate.
    refused(&pd, &[]);
    let said = refused(&pd, &others.env());
    assert!(said.contains("certificate"), "{said}");
    let mut mixed = others.env();
    mixed[0].clone_from(&env[0]);
    let said = refused(&pd, &mixed);
    assert!(
        said.contains("certificate") || said.contains("TLS") || said.contains("alert"),
        "{said}"
    );
    let names: Vec<String> = pd.json("/actors?node=all")["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["node"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["pd1", "store1"]);
}
