//! Names of the gateway's metrics.

/// Connections open now.
pub(super) const CONNECTIONS: &str = "troupe_gateway_connections";
/// Connections accepted since the start.
pub(super) const ACCEPTED: &str = "troupe_gateway_connections_accepted_total";
/// Connections refused since the start because there were too many.
pub(super) const REFUSED: &str = "troupe_gateway_connections_refused_total";
/// Logins refused since the start.
pub(super) const DENIED: &str = "troupe_gateway_logins_denied_total";
/// Commands received since the start.
pub(super) const COMMANDS: &str = "troupe_gateway_commands_total";

/// Says what they mean.
pub(in crate::actors) fn describe() {
    metrics::describe_gauge!(CONNECTIONS, "client connections open now");
    metrics::describe_counter!(ACCEPTED, "client connections accepted");
    metrics::describe_counter!(REFUSED, "client connections refused because there were too many");
    metrics::describe_counter!(DENIED, "logins refused");
    metrics::describe_counter!(COMMANDS, "commands received from clients");
}
