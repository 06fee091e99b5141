//! Says when the machine's clock was set, or the machine slept: whoever reads logs has to know that their times jump.

use std::time::Duration;

use tracing::warn;

use crate::actors::runtime::Clock;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Less than this is no step: clocks are corrected all the time.
const STEP_MIN_US: u64 = 500_000;

/// Compares the machine's clock with one that is never set, for ever.
pub(super) async fn watch(clock: Clock) {
    let mut before = clock.drift_us();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = clock.drift_us();
        if now.abs_diff(before) >= STEP_MIN_US {
            let seconds = (now - before) as f64 / 1e6;
            warn!(
                seconds,
                "the machine's clock has stepped: NOW() and logs follow, timestamps never go back"
            );
        }
        before = now;
    }
}
