//! As much of etcd's API as the registry takes.

use std::error::Error as _;
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use tokio::time::timeout;
use tonic::metadata::AsciiMetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Status, Streaming};

use super::access::Access;
use super::proto::auth_client::AuthClient;
use super::proto::kv_client::KvClient;
use super::proto::lease_client::LeaseClient;
use super::proto::watch_client::WatchClient;
use super::proto::watch_request::RequestUnion;
use super::proto::{
    AuthenticateRequest, KeyValue, LeaseGrantRequest, LeaseKeepAliveRequest, LeaseRevokeRequest,
    PutRequest, RangeRequest, WatchCreateRequest, WatchRequest, WatchResponse,
};

/// So long an answer may take.
const DEADLINE: Duration = Duration::from_secs(2);
/// A connection over which nothing comes is tried with a ping this often.
const PING: Duration = Duration::from_secs(2);

/// A question to etcd that was not answered. Another member may know.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// It cannot be reached.
    #[error("{0}")]
    Unreachable(String),
    /// No answer in time.
    #[error("no answer within {DEADLINE:?}")]
    Late,
    /// It says no.
    #[error("{0}")]
    Refused(String),
}

impl From<Status> for Error {
    fn from(status: Status) -> Error {
        match status.source() {
            Some(cause) => {
                Error::Unreachable(format!("{}: {}", status.message(), innermost(cause)))
            }
            None => Error::Refused(status.message().to_owned()),
        }
    }
}

/// A lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) id: i64,
    pub(super) ttl: Duration,
}

/// A connection to one member.
#[derive(Clone)]
pub(super) struct Client {
    kv: KvClient<Link>,
    lease: LeaseClient<Link>,
    watch: WatchClient<Link>,
}

/// A connection that says with every call who it is.
type Link = InterceptedService<Channel, Token>;

/// What etcd gave for name and password, if it was asked.
#[derive(Clone)]
struct Token(Option<AsciiMetadataValue>);

impl Interceptor for Token {
    fn call(&mut self, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, Status> {
        if let Token(Some(token)) = self {
            request.metadata_mut().insert("token", token.clone());
        }
        Ok(request)
    }
}

/// Keys, and the revision at which they were so.
pub(super) struct Keys {
    pub(super) kvs: Vec<KeyValue>,
    pub(super) revision: i64,
}

/// What was wrong in the first place: layers above only say that something was.
fn innermost<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a dyn std::error::Error {
    let mut inner = error;
    while let Some(cause) = inner.source() {
        inner = cause;
    }
    inner
}

async fn in_time<T>(
    answer: impl Future<Output = Result<tonic::Response<T>, Status>>,
) -> Result<T, Error> {
    let answered = timeout(DEADLINE, answer).await.map_err(|_elapsed| Error::Late)?;
    Ok(answered?.into_inner())
}

async fn log_in(
    channel: &Channel,
    name: String,
    password: String,
) -> Result<AsciiMetadataValue, Error> {
    let request = AuthenticateRequest { name, password };
    let answer = in_time(AuthClient::new(channel.clone()).authenticate(request)).await?;
    let unusable = |_| Error::Refused("its token cannot be used".to_owned());
    answer.token.parse().map_err(unusable)
}

impl Client {
    /// Connects to a member, `host:port`.
    pub(super) async fn connect(address: &str, access: &Access) -> Result<Client, Error> {
        let unreachable =
            |error: tonic::transport::Error| Error::Unreachable(innermost(&error).to_string());
        let unusable = |error: std::io::Error| Error::Refused(error.to_string());
        let endpoint = Endpoint::from_shared(format!("http://{address}"))
            .map_err(unreachable)?
            .tcp_nodelay(true)
            .connect_timeout(DEADLINE)
            .http2_keep_alive_interval(PING)
            .keep_alive_timeout(DEADLINE);
        let channel = match access.tls(address).map_err(unusable)? {
            Some(connector) => endpoint.connect_with_connector(connector).await,
            None => endpoint.connect().await,
        };
        let channel = channel.map_err(unreachable)?;
        let token = match access.login().map_err(unusable)? {
            Some((name, password)) => Token(Some(log_in(&channel, name, password).await?)),
            None => Token(None),
        };
        Ok(Client {
            kv: KvClient::with_interceptor(channel.clone(), token.clone()),
            lease: LeaseClient::with_interceptor(channel.clone(), token.clone()),
            watch: WatchClient::with_interceptor(channel, token),
        })
    }

    /// A new lease, of at least this long.
    pub(super) async fn grant(&mut self, ttl: Duration) -> Result<Lease, Error> {
        let seconds = i64::try_from(ttl.as_millis().div_ceil(1000)).unwrap_or(i64::MAX);
        let granted =
            in_time(self.lease.lease_grant(LeaseGrantRequest { ttl: seconds, id: 0 })).await?;
        match granted.error.is_empty() {
            true => Ok(Lease { id: granted.id, ttl: time_to_live(granted.ttl) }),
            false => Err(Error::Refused(granted.error)),
        }
    }

    /// Begins a lease anew; `None` if it has ended.
    pub(super) async fn keep_alive(&mut self, id: i64) -> Result<Option<Lease>, Error> {
        let requests = stream::iter([LeaseKeepAliveRequest { id }]);
        let mut answers = in_time(self.lease.lease_keep_alive(requests)).await?;
        let answer =
            timeout(DEADLINE, answers.message()).await.map_err(|_elapsed| Error::Late)??;
        let closed = || Error::Unreachable("it has closed the stream".to_owned());
        let ttl = answer.ok_or_else(closed)?.ttl;
        Ok((ttl > 0).then(|| Lease { id, ttl: time_to_live(ttl) }))
    }

    /// Ends a lease, and removes its keys.
    pub(super) async fn revoke(&mut self, id: i64) -> Result<(), Error> {
        in_time(self.lease.lease_revoke(LeaseRevokeRequest { id })).await.map(drop)
    }

    /// Writes a key that goes with a lease.
    pub(super) async fn put(&mut self, key: &str, value: Vec<u8>, lease: i64) -> Result<(), Error> {
        let put = PutRequest { key: key.into(), value, lease };
        in_time(self.kv.put(put)).await.map(drop)
    }

    /// The keys from `first` to below `end`.
    pub(super) async fn range(&mut self, first: &str, end: &[u8]) -> Result<Keys, Error> {
        let range = RangeRequest { key: first.into(), range_end: end.into() };
        let answer = in_time(self.kv.range(range)).await?;
        let revision = answer.header.map_or(0, |header| header.revision);
        Ok(Keys { kvs: answer.kvs, revision })
    }

    /// The changes of the keys from `first` to below `end`, from a revision on.
    pub(super) async fn watch(
        &mut self,
        first: &str,
        end: &[u8],
        start_revision: i64,
    ) -> Result<Streaming<WatchResponse>, Error> {
        let create =
            WatchCreateRequest { key: first.into(), range_end: end.into(), start_revision };
        let create = WatchRequest { request_union: Some(RequestUnion::CreateRequest(create)) };
        // etcd ends the watch when nobody may ask for more.
        let requests = stream::iter([create]).chain(stream::pending());
        in_time(self.watch.watch(requests)).await
    }
}

fn time_to_live(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}
