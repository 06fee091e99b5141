//! Services: their order, their deadlines, their failures.

use async_trait::async_trait;

use super::*;

struct Part {
    name: &'static str,
    needs: &'static [&'static str],
    log: Log,
    fails: bool,
    stop_takes: Duration,
}

fn part(name: &'static str, needs: &'static [&'static str], log: &Log) -> Part {
    Part { name, needs, log: log.clone(), fails: false, stop_takes: Duration::ZERO }
}

fn boxed(parts: Vec<Part>) -> Vec<Box<dyn Service>> {
    parts.into_iter().map(|part| Box::new(part) as Box<dyn Service>).collect()
}

#[async_trait(?Send)]
impl Service for Part {
    fn name(&self) -> &'static str {
        self.name
    }

    fn dependencies(&self) -> &'static [&'static str] {
        self.needs
    }

    async fn start(&mut self, _system: &System) -> anyhow::Result<()> {
        anyhow::ensure!(!self.fails, "the disk is gone");
        self.log.lock().push(format!("start {}", self.name));
        Ok(())
    }

    async fn stop(&mut self, _deadline: Duration) -> anyhow::Result<()> {
        self.log.lock().push(format!("stop {}", self.name));
        tokio::time::sleep(self.stop_takes).await;
        self.log.lock().push(format!("stopped {}", self.name));
        Ok(())
    }
}

#[actix_rt::test]
async fn services_start_after_their_dependencies_and_stop_in_reverse() {
    let (system, log) = (paused(), log());
    let parts = vec![
        part("gateway", &["session"], &log),
        part("store", &[], &log),
        part("session", &["pd", "store"], &log),
        part("pd", &["store"], &log),
    ];
    let mut lifecycle = Lifecycle::new(boxed(parts)).unwrap();
    assert_eq!(lifecycle.order(), ["store", "pd", "session", "gateway"]);
    lifecycle.start(&system).await.unwrap();
    assert_eq!(system.health().aggregate(), Health::healthy());
    assert_eq!(lines(&log), ["start store", "start pd", "start session", "start gateway"]);
    log.lock().clear();
    assert!(lifecycle.stop(SECOND).await.is_empty());
    let stops: Vec<String> =
        lines(&log).into_iter().filter(|line| line.starts_with("stop ")).collect();
    assert_eq!(stops, ["stop gateway", "stop session", "stop pd", "stop store"]);
    assert_eq!(system.health().aggregate().state, HealthState::Stopped);
}

#[actix_rt::test]
async fn a_service_that_overruns_the_deadline_is_named_and_passed_over() {
    let (system, log) = (paused(), log());
    let slow = Part { stop_takes: 60 * SECOND, ..part("slow", &["base"], &log) };
    let parts = vec![part("base", &[], &log), slow, part("quick", &["slow"], &log)];
    let mut lifecycle = Lifecycle::new(boxed(parts)).unwrap();
    lifecycle.start(&system).await.unwrap();
    log.lock().clear();
    let since = tokio::time::Instant::now();
    assert_eq!(lifecycle.stop(5 * SECOND).await, ["slow"]);
    assert_eq!(since.elapsed().as_secs(), 5);
    assert_eq!(
        lines(&log),
        ["stop quick", "stopped quick", "stop slow", "stop base", "stopped base"]
    );
    let health = system.health().services();
    assert!(health["slow"].reason.starts_with("did not stop within"), "{:?}", health["slow"]);
    assert_eq!(health["base"].reason, "");
}

#[actix_rt::test]
async fn a_dependency_cycle_is_named() {
    let log = log();
    let parts = vec![
        part("outside", &["a"], &log),
        part("a", &["b"], &log),
        part("b", &["c"], &log),
        part("c", &["a"], &log),
    ];
    let error = Lifecycle::new(boxed(parts)).err().unwrap();
    assert_eq!(error.to_string(), "cycle: a → b → c → a");
    let alone = Lifecycle::new(boxed(vec![part("a", &["a"], &log)])).err().unwrap();
    assert_eq!(alone.to_string(), "cycle: a → a");
}

#[actix_rt::test]
async fn a_missing_dependency_and_a_double_name_are_named() {
    let log = log();
    let missing = Lifecycle::new(boxed(vec![part("x", &["y"], &log)])).err().unwrap();
    assert_eq!(missing.to_string(), "x needs y, which is not there");
    let twice = boxed(vec![part("x", &[], &log), part("x", &[], &log)]);
    let twice = Lifecycle::new(twice).err().unwrap();
    assert_eq!(twice.to_string(), "there are two services called x");
}

#[actix_rt::test]
async fn when_one_fails_to_start_those_before_it_stop() {
    let (system, log) = (paused(), log());
    let broken = Part { fails: true, ..part("broken", &["b"], &log) };
    let parts = vec![
        part("a", &[], &log),
        part("b", &["a"], &log),
        broken,
        part("never", &["broken"], &log),
    ];
    let mut lifecycle = Lifecycle::new(boxed(parts)).unwrap();
    let error = lifecycle.start(&system).await.unwrap_err();
    assert_eq!(error.to_string(), "broken did not start: the disk is gone");
    assert_eq!(lines(&log), ["start a", "start b", "stop b", "stopped b", "stop a", "stopped a"]);
    let health = system.health().aggregate();
    assert_eq!(health, Health::new(HealthState::Unhealthy, "broken: the disk is gone"));
}
