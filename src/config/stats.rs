//! Statistics of tables.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::units::Span;

/// Times below this would be work without end.
const INTERVAL_MIN: Duration = Duration::from_millis(100);

/// Statistics of tables: when SQL nodes report what was written, and when tables are analyzed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct StatsConfig {
    /// How often a SQL node adds what its transactions did to the tables' records, if they did anything.
    pub report_interval: Span,
    /// How often a SQL node reads all records for what other nodes have written, where there are others.
    pub reload_interval: Span,
    /// Whether a node with role `stats` analyzes tables by itself.
    pub auto_analyze: bool,
    /// How often it looks for tables that need it.
    pub analyze_interval: Span,
    /// A table is analyzed again when more than this part of its rows was written since the last time.
    pub analyze_ratio: f64,
    /// The part of the time that an analysis reads; the rest it pauses. More is sooner done, and more in the way of others.
    pub analyze_load: f64,
}

impl Default for StatsConfig {
    fn default() -> Self {
        StatsConfig {
            report_interval: Span::seconds(3),
            reload_interval: Span::seconds(60),
            auto_analyze: true,
            analyze_interval: Span::seconds(60),
            analyze_ratio: 0.5,
            analyze_load: 0.2,
        }
    }
}

impl StatsConfig {
    /// Checks what types cannot. The error is the key and what is wrong with it.
    pub(super) fn validate(&self) -> Result<(), (&'static str, String)> {
        let intervals = [
            ("stats.report-interval", self.report_interval),
            ("stats.reload-interval", self.reload_interval),
            ("stats.analyze-interval", self.analyze_interval),
        ];
        for (key, interval) in intervals {
            if interval.0 < INTERVAL_MIN {
                return Err((key, "must be at least 100ms".to_owned()));
            }
        }
        if !self.analyze_ratio.is_finite() || self.analyze_ratio <= 0.0 {
            return Err(("stats.analyze-ratio", "must be a number above 0".to_owned()));
        }
        if !(0.01..=1.0).contains(&self.analyze_load) {
            return Err(("stats.analyze-load", "must be between 0.01 and 1".to_owned()));
        }
        Ok(())
    }
}
