//! Clients that say nothing, too much, or do not listen: they cost themselves, and nobody else.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

use crate::bad_input::{error_and_end, packet, raw, read_packet};
use crate::cluster::{Cluster, Shape};
use crate::server::{Options, Server, mariadb, read_all, run};

const PATIENCE: Duration = Duration::from_secs(8);

fn query(server: &Server, sql: &str) -> String {
    run(mariadb(server).args(["-N", "-e", sql]))
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what} does not come about");
        std::thread::sleep(Duration::from_millis(50));
    }
    begun.elapsed()
}

/// Sockets are cheap for a test, if it may have them.
fn raise_own_limit() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}

/// Sockets that say only this.
fn crowd(address: &str, count: usize, words: &[u8]) -> Vec<TcpStream> {
    let address: SocketAddr = address.trim_start_matches("http://").parse().unwrap();
    let open = |_| {
        let mut socket = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
        // One that was refused may be closed already.
        let _ = socket.write_all(words);
        socket
    };
    (0..count).map(open).collect()
}

/// Whether the node answers an operator soon, as often as it takes to be let in.
fn answers_operators(server: &Server) {
    let begun = Instant::now();
    loop {
        let agent = ureq::Agent::new_with_config(
            ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(10))).build(),
        );
        match agent.get(format!("{}/health", server.admin)).call() {
            Ok(answer) if answer.status() == 200 => return,
            outcome => {
                assert!(begun.elapsed() < PATIENCE, "{outcome:?}");
                std::thread::sleep(Duration::from_millis(200));
            }
        }
    }
}

#[test]
fn sockets_that_never_speak_take_no_files_from_the_engines() {
    raise_own_limit();
    let through = Some("ulimit -n 400");
    let server = Server::with(&Options { through, ..Options::default() });
    assert!(server.log().contains("the limit of open files is too low"), "{}", server.log());
    let mysql = format!("127.0.0.1:{}", server.mysql_port);
    let held =
        [crowd(&mysql, 450, b""), crowd(&server.admin, 450, b""), crowd(&server.bridge, 450, b"")];
    // The first to have come make room.
    std::thread::sleep(Duration::from_millis(1200));
    let tables = |first: usize| -> String {
        (first..first + 10)
            .map(|t| {
                format!("CREATE TABLE d.t{t} (a INT PRIMARY KEY); INSERT INTO d.t{t} VALUES (1);")
            })
            .collect()
    };
    query(&server, &format!("CREATE DATABASE d; {}", tables(0)));
    answers_operators(&server);
    drop(held);
    query(&server, &tables(10));
    assert_eq!(query(&server, "SELECT * FROM d.t3"), "1\n");
    assert!(server.json("/status")["panics"] == 0);
}

#[test]
fn requests_that_are_never_complete_do_not_silence_the_admin_endpoint() {
    raise_own_limit();
    let server = Server::start();
    let half =
        b"POST /pd/api/v1/operators HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{\"name\":";
    let idle = b"GET /status HTTP/1.1\r\nHost: a\r\n\r\n";
    let unread = b"GET /actors HTTP/1.1\r\nHost: a\r\n\r\n".repeat(50);
    let operator = ureq::Agent::new_with_defaults();
    for words in [&half[..], idle, &unread] {
        // One who is in already is not behind their lists.
        ask_health(&operator, &server);
        let held = crowd(&server.admin, 250, words);
        let mut took: Vec<Duration> = (0..20).map(|_| ask_health(&operator, &server)).collect();
        took.sort();
        assert!(took[10] < Duration::from_millis(100), "{took:?}");
        let more = crowd(&server.admin, 50, words);
        std::thread::sleep(Duration::from_millis(1200));
        answers_operators(&server);
        drop((held, more));
    }
}

/// How long an operator waits for `/health`, over the connection he has.
fn ask_health(operator: &ureq::Agent, server: &Server) -> Duration {
    let begun = Instant::now();
    let answer = operator.get(format!("{}/health", server.admin)).call();
    let text = answer.unwrap().body_mut().read_to_string().unwrap();
    assert!(text.contains("healthy"), "{text}");
    begun.elapsed()
}

#[test]
fn connections_are_counted_exactly_and_root_has_one_in_reserve() {
    let server = Server::with(&Options {
        env: &[("TROUPE_MYSQL_MAX_CONNECTIONS", "20")],
        ..Options::default()
    });
    query(&server, "CREATE USER u");
    assert_eq!(query(&server, "SELECT @@max_connections"), "20\n");
    // All at once.
    let mut clients: Vec<_> = (0..60)
        .map(|_| {
            let mut command = mariadb(&server);
            command.args(["-uu", "-N", "-e", "SELECT SLEEP(600)"]);
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let mut refused = 0;
    until("the end of those without a place", || {
        let ended = |client: &mut Child| client.try_wait().unwrap().is_some();
        for at in (0..clients.len()).rev() {
            if ended(&mut clients[at]) {
                let said = read_all(clients.remove(at).stderr.take().unwrap());
                assert!(said.contains("1040") && said.contains("Too many connections"), "{said}");
                refused += 1;
            }
        }
        refused == 40
    });
    until("the others' statements", || running(&server, "SLEEP(600)") == 20);
    assert!(query_u(&server).contains("1040"));
    // There is one place for root, and no second.
    let list = query(&server, "SELECT COUNT(*) FROM information_schema.PROCESSLIST");
    assert_eq!(list, "21\n");
    for mut client in clients {
        client.kill().unwrap();
        client.wait().unwrap();
    }
    until("free places", || !query_u(&server).contains("1040"));
}

/// What `u` is told.
fn query_u(server: &Server) -> String {
    let output = mariadb(server).args(["-uu", "-N", "-e", "SELECT 1"]).output().unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

fn greeted(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", server.mysql_port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    read_packet(&mut stream).expect("a greeting");
    stream
}

#[test]
fn before_the_login_little_is_taken_and_nonsense_is_named() {
    let server = Server::start();
    let mut large = greeted(&server);
    large.write_all(&[1, 64, 0, 1]).unwrap();
    assert_eq!(error_and_end(large), 1153, "16 KiB and a byte");
    let mut nonsense = greeted(&server);
    nonsense.write_all(&packet(1, &[0xff; 40])).unwrap();
    assert_eq!(error_and_end(nonsense), 1043);
    let mut short = greeted(&server);
    short.write_all(&packet(1, b"\x01")).unwrap();
    assert_eq!(error_and_end(short), 1043);

    // Whoever guesses waits longer and longer, and it is on record.
    let begun = Instant::now();
    for _ in 0..5 {
        let output = mariadb(&server).args(["-unobody", "-pguess", "-e", "SELECT 1"]).output();
        assert!(String::from_utf8_lossy(&output.unwrap().stderr).contains("1045"));
    }
    assert!(begun.elapsed() > Duration::from_millis(700), "{:?}", begun.elapsed());
    assert!(server.log().contains("login denied"), "{}", server.log());
    // Who knows the password does not.
    let begun = Instant::now();
    query(&server, "SELECT 1");
    assert!(begun.elapsed() < Duration::from_millis(700), "{:?}", begun.elapsed());

    // A pattern that fits in many ways, or in none.
    let host = format!("{}x", "%".repeat(100));
    query(&server, &format!("CREATE USER 'many'@'{host}'"));
    let output = mariadb(&server).args(["-umany", "-e", "SELECT 1"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("1045"));
}

fn send(stream: &mut TcpStream, sql: &str) {
    stream.write_all(&packet(0, &[b"\x03", sql.as_bytes()].concat())).unwrap();
}

/// How many statements with this in them run.
fn running(server: &Server, part: &str) -> usize {
    let list = query(server, "SHOW FULL PROCESSLIST");
    list.lines().filter(|line| line.contains(part) && !line.contains("PROCESSLIST")).count()
}

#[test]
fn the_statement_of_a_client_that_is_gone_ends() {
    let server = Server::start();
    query(
        &server,
        "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY, b INT); INSERT INTO d.t VALUES (1, 1)",
    );
    let mut holder = raw(&server);
    for sql in ["BEGIN", "UPDATE d.t SET b = 2"] {
        send(&mut holder, sql);
        assert_eq!(read_packet(&mut holder).unwrap()[0], 0, "{sql}");
    }
    for sql in ["SELECT SLEEP(600)", "UPDATE d.t SET b = 3 WHERE a = 1"] {
        let mut stream = raw(&server);
        send(&mut stream, sql);
        until("the statement", || running(&server, sql) == 1);
        drop(stream);
        let took = until("its end", || running(&server, sql) == 0);
        assert!(took < Duration::from_secs(5), "{sql}: {took:?}");
    }
    drop(holder);
}

/// A client with a large answer that it does not read.
fn deaf(server: &Server, before: &str) -> TcpStream {
    let mut stream = raw(server);
    for sql in before.split(';').filter(|sql| !sql.is_empty()) {
        send(&mut stream, sql);
        assert_eq!(read_packet(&mut stream).unwrap()[0], 0, "{sql}");
    }
    send(&mut stream, "SELECT x.b, y.b FROM d.big x JOIN d.big y");
    until("its statement", || running(server, "FROM d.big x") == 1);
    stream
}

fn fill_big(server: &Server) {
    let rows: Vec<String> = (0..400).map(|a| format!("({a}, REPEAT('x', 1000))")).collect();
    let rows = rows.join(",");
    query(
        server,
        &format!(
            "CREATE DATABASE d; CREATE TABLE d.big (a INT PRIMARY KEY, b TEXT); INSERT INTO d.big VALUES {rows}"
        ),
    );
}

#[test]
fn a_client_that_does_not_read_is_ended() {
    let mut server = Server::start();
    fill_big(&server);
    write_timeout_ends(&server);
    // By KILL, and its statement by KILL QUERY, at once.
    for kill in ["KILL", "KILL QUERY"] {
        let stream = deaf(&server, "");
        let list = query(&server, "SHOW PROCESSLIST");
        let line = list.lines().find(|line| line.contains("FROM d.big x")).unwrap();
        let id = line.split('\t').next().unwrap();
        query(&server, &format!("{kill} {id}"));
        let took = until("its end", || running(&server, "FROM d.big x") == 0);
        assert!(took < Duration::from_secs(3), "{kill}: {took:?}");
        // Nothing of it is in the way of a schema change.
        let begun = Instant::now();
        query(&server, "CREATE INDEX i ON d.big (a); DROP INDEX i ON d.big");
        assert!(begun.elapsed() < Duration::from_secs(10), "{kill}: {:?}", begun.elapsed());
        drop(stream);
    }
    // And the server does not wait for it when it stops.
    let stream = deaf(&server, "");
    let begun = Instant::now();
    assert!(server.terminate().success(), "{}", server.log());
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}\n{}", begun.elapsed(), server.log());
    drop(stream);
}

/// A client that does not read is ended by the `net_write_timeout` it has set.
fn write_timeout_ends(server: &Server) {
    let stream = deaf(server, "SET net_write_timeout = 1");
    let took = until("its end", || running(server, "FROM d.big x") == 0);
    assert!(took < Duration::from_secs(10), "{took:?}");
    until("the word of it", || server.log().contains("net_write_timeout"));
    drop(stream);
}

#[test]
fn behind_a_gateway_the_timeouts_are_those_the_client_has_set() {
    let cluster = Cluster::of(Shape { pds: 1, stores: 3, fronts: 1, gateways: 1 });
    let gateway = cluster.gateways[0].server();
    fill_big(gateway);
    write_timeout_ends(gateway);
    wait_and_read_timeouts_end(gateway);
}

#[test]
fn an_idle_client_is_ended_by_its_wait_timeout_and_a_killed_one_finds_it_closed() {
    let server = Server::start();
    wait_and_read_timeouts_end(&server);

    let killed = raw(&server);
    let list = query(&server, "SHOW PROCESSLIST");
    let line = list.lines().find(|line| line.contains("Sleep")).expect("it is idle");
    query(&server, &format!("KILL {}", line.split('\t').next().unwrap()));
    let mut killed = killed;
    assert_eq!(killed.read(&mut [0; 16]).unwrap(), 0, "nothing is said");

    let said = mariadb(&server).args(["-e", "SET SESSION max_allowed_packet = 1024"]).output();
    let said = String::from_utf8_lossy(&said.unwrap().stderr).into_owned();
    assert!(said.contains("1621") && said.contains("is read-only. Use SET GLOBAL"), "{said}");
}

/// Clients that say nothing, or stop within a packet, are ended by the timeouts they have set.
fn wait_and_read_timeouts_end(server: &Server) {
    let mut idle = raw(server);
    send(&mut idle, "SET wait_timeout = 1");
    assert_eq!(read_packet(&mut idle).unwrap()[0], 0);
    let begun = Instant::now();
    assert_eq!(idle.read(&mut [0; 16]).unwrap(), 0, "nothing is said");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());

    // One that stops in the middle of a packet is ended by its net_read_timeout.
    let mut half = raw(server);
    send(&mut half, "SET net_read_timeout = 1");
    assert_eq!(read_packet(&mut half).unwrap()[0], 0);
    half.write_all(&packet(0, b"\x03SELECT 1")[..7]).unwrap();
    let begun = Instant::now();
    assert_eq!(half.read(&mut [0; 16]).unwrap(), 0, "nothing is said");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    until("the word of it", || server.log().contains("net_read_timeout"));
}

#[test]
fn compression_is_spoken_by_who_asks_for_it() {
    let server = Server::start();
    fill_big(&server);
    let long = "y".repeat(100_000);
    let sql = format!(
        "SELECT LENGTH('{long}'), @@have_compress; SELECT SUM(LENGTH(b)) FROM d.big; SELECT b FROM d.big WHERE a < 200"
    );
    let plain = query(&server, &sql);
    let packed = run(mariadb(&server).args(["--compress", "-N", "-e", &sql]));
    assert!(
        packed == plain && plain.starts_with("100000\tYES\n"),
        "{} {}",
        packed.len(),
        plain.len()
    );
}

#[test]
fn the_default_plugin_can_be_chosen() {
    let args = ["--default-authentication-plugin", "mysql_native_password"];
    let server = Server::with(&Options { args: &args, ..Options::default() });
    let asked = "SELECT @@default_authentication_plugin";
    assert_eq!(query(&server, asked), "mysql_native_password\n");
    query(
        &server,
        "CREATE USER ann IDENTIFIED BY 'secret'; CREATE USER 'root'@'%' IDENTIFIED BY 'far'",
    );
    // The greeting names it, and nobody is asked for another.
    let mut stream = TcpStream::connect(("127.0.0.1", server.mysql_port)).unwrap();
    let greeting = read_packet(&mut stream).unwrap();
    assert!(String::from_utf8_lossy(&greeting).contains("mysql_native_password"));
    let ann = ["-uann", "-psecret", "--default-auth=mysql_native_password", "-N", "-e", "SELECT 1"];
    assert_eq!(run(mariadb(&server).args(ann)), "1\n");
    // Another root beside it leaves the built-in one as it was.
    assert_eq!(query(&server, "SELECT CURRENT_USER()"), "root@localhost\n");
}

#[test]
fn signals_that_are_no_stop_end_nothing_and_sigquit_drains() {
    let mut server = Server::start();
    for signal in [Signal::HUP, Signal::USR1, Signal::USR2] {
        server.signal(signal);
    }
    until("the word of them", || server.log().contains("SIGUSR1"));
    assert_eq!(query(&server, "SELECT 1"), "1\n");
    server.signal(Signal::QUIT);
    assert!(server.exit().success(), "{}", server.log());
    assert!(server.log().contains("stopping on SIGQUIT"), "{}", server.log());
}
