//! Timers, spawned futures and exclusive waits, on paused time.

use super::*;

fn write_after(after: Duration, what: &'static str) -> Do<Subject<Plain>> {
    act(move |_, ctx| {
        ctx.run_later(after, move |subject, _| subject.write(what));
    })
}

#[actix_rt::test]
async fn an_hour_passes_in_no_time() {
    let (system, log) = (paused(), log());
    let subject = Subject::<Plain>::root(&system, "s", &log);
    let before = system.clock().unix_ms();
    subject.tell(write_after(2 * 1800 * SECOND, "late")).unwrap();
    subject.tell(write_after(1800 * SECOND, "early")).unwrap();
    tokio::time::sleep(3601 * SECOND).await;
    assert_eq!(lines(&log), ["s started", "s early", "s late"]);
    // Timers of tokio are exact to a millisecond.
    assert!((3_601_000..=3_601_001).contains(&(system.clock().unix_ms() - before)));
    assert_eq!(before, 1_700_000_000_000);
}

#[actix_rt::test]
async fn an_interval_ticks_until_it_is_cancelled() {
    let (system, log) = (paused(), log());
    let subject = Subject::<Plain>::root(&system, "s", &log);
    let (sender, handle) = std::sync::mpsc::channel();
    subject
        .tell(act::<Plain>(move |_, ctx| {
            let timer = ctx.run_interval(SECOND, |subject, _| subject.write("tick"));
            sender.send(timer).unwrap();
        }))
        .unwrap();
    tokio::time::sleep(SECOND * 7 / 2).await;
    handle.recv().unwrap().cancel();
    tokio::time::sleep(10 * SECOND).await;
    assert_eq!(lines(&log), ["s started", "s tick", "s tick", "s tick"]);
}

#[actix_rt::test]
async fn a_cancelled_timer_does_not_fire() {
    let (system, log) = (paused(), log());
    let subject = Subject::<Plain>::root(&system, "s", &log);
    subject
        .tell(act::<Plain>(|_, ctx| {
            let timer = ctx.run_later(SECOND, |subject, _| subject.write("no"));
            ctx.run_later(SECOND / 2, move |_, _| timer.cancel());
        }))
        .unwrap();
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(lines(&log), ["s started"]);
}

#[actix_rt::test]
async fn a_wait_lets_nothing_in_between() {
    let (system, log) = (paused(), log());
    let subject = Subject::<Plain>::root(&system, "s", &log);
    subject.tell(write_after(SECOND, "timer")).unwrap();
    let waited = log.clone();
    subject
        .tell(act::<Plain>(move |_, ctx| {
            ctx.wait(async move {
                tokio::time::sleep(3 * SECOND).await;
                waited.lock().push("waited".to_owned());
            });
        }))
        .unwrap();
    subject.tell(Note(1)).unwrap();
    tokio::time::sleep(5 * SECOND).await;
    let lines = lines(&log);
    assert_eq!(lines[..2], ["s started", "waited"]);
    assert_eq!(lines.len(), 4);
}

#[actix_rt::test]
async fn a_spawned_future_lets_messages_in_between_and_comes_back() {
    let (system, log) = (paused(), log());
    let subject = Subject::<Plain>::root(&system, "s", &log);
    subject
        .tell(act::<Plain>(|_, ctx| {
            let result = async {
                tokio::time::sleep(SECOND).await;
                42
            };
            ctx.spawn_then(result, |subject, value, _| subject.write(&format!("got {value}")));
        }))
        .unwrap();
    subject.tell(Note(1)).unwrap();
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(lines(&log), ["s started", "s 1", "s got 42"]);
}

#[actix_rt::test]
async fn timers_fire_while_messages_never_end() {
    let (system, log) = (paused(), log());
    let subject = Subject::<Plain>::root(&system, "s", &log);
    fn again(ctx: &mut Context<Subject<Plain>>, left: u32) {
        if left > 0 {
            ctx.me().tell(act::<Plain>(move |_, ctx| again(ctx, left - 1))).unwrap();
        }
    }
    subject
        .tell(act::<Plain>(|_, ctx| {
            ctx.spawn_then(tokio::task::yield_now(), |subject, (), _| subject.write("between"));
            again(ctx, 2_000);
            ctx.me().tell(Note(1)).unwrap();
        }))
        .unwrap();
    settle().await;
    assert_eq!(lines(&log), ["s started", "s 1", "s between"]);
    assert_eq!(subject.figures().handled, 2_002);
}
