//! Whom to talk to, and in which dialect.

use crate::failure::Failure;
use base64ct::{Base64UrlUnpadded, Encoding};
use relay_proto::LogId;
use std::net::SocketAddr;

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// The limit server's `/fan` and `/wal`.
    Limit,
    /// The limit server's `/echo`: a bare round trip.
    Echo,
    /// A plain broadcast server: `/sub` and `/pub`.
    Ws,
    /// Redis: SET, and pub/sub.
    Redis,
    /// NATS: publish and subscribe.
    Nats,
    /// NATS JetStream: publish, acknowledged.
    JetStream,
    /// PostgreSQL: INSERT.
    Postgres,
    /// GUN: puts, acknowledged, and gets that subscribe.
    Gun,
    /// The relay whose key is pinned.
    Relay(LogId),
}

/// A server on a numeric address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) dialect: Dialect,
    pub(crate) address: SocketAddr,
}

const NAMES: &str = "limit echo ws redis nats jetstream postgres gun";
const RELAY_SCHEME: &str = "sealrelay://";

impl Target {
    /// `limit:host:port` and the like, or a relay address.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = || Failure::new(format!("--target {text}: want <one of {NAMES}>:<ip>:<port>, or a relay address"));
        if let Some(rest) = text.strip_prefix(RELAY_SCHEME) {
            let (authority, pin) = rest.split_once("/#k=").ok_or_else(wrong)?;
            let mut log_id = [0; 32];
            let decoded = Base64UrlUnpadded::decode(pin, &mut log_id).map_err(|_| wrong())?;
            if decoded.len() != log_id.len() {
                return Err(wrong());
            }
            let address = authority.parse().map_err(|_| wrong())?;
            return Ok(Self { dialect: Dialect::Relay(LogId(log_id)), address });
        }
        let (name, address) = text.split_once(':').ok_or_else(wrong)?;
        let dialect = match name {
            "limit" => Dialect::Limit,
            "echo" => Dialect::Echo,
            "ws" => Dialect::Ws,
            "redis" => Dialect::Redis,
            "nats" => Dialect::Nats,
            "jetstream" => Dialect::JetStream,
            "postgres" => Dialect::Postgres,
            "gun" => Dialect::Gun,
            _ => return Err(wrong()),
        };
        Ok(Self { dialect, address: address.parse().map_err(|_| wrong())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_dialects() {
        let address: SocketAddr = "127.0.0.1:8080".parse().unwrap();
        let dialect = |text| Target::parse(text).map(|target| (target.dialect, target.address)).ok();
        assert_eq!(dialect("limit:127.0.0.1:8080"), Some((Dialect::Limit, address)));
        assert_eq!(dialect("echo:127.0.0.1:8080"), Some((Dialect::Echo, address)));
        assert_eq!(dialect("ws:127.0.0.1:8080"), Some((Dialect::Ws, address)));
        let pin = Base64UrlUnpadded::encode_string(&[7; 32]);
        let relay = format!("sealrelay://127.0.0.1:8080/#k={pin}");
        assert_eq!(dialect(&relay), Some((Dialect::Relay(LogId([7; 32])), address)));
        for wrong in
            ["", "kafka:127.0.0.1:1", "ws:localhost", "sealrelay://127.0.0.1:8080/", "sealrelay://127.0.0.1:1/#k=AAAA"]
        {
            assert_eq!(dialect(wrong), None, "{wrong}");
        }
    }
}
