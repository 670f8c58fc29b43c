//! TLS records of one connection, as functions from bytes to bytes. Nothing here touches a socket.

use rustls::ServerConfig;
use rustls::server::ServerConnectionData;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus, WriteTraffic};
use std::io;
use std::sync::Arc;

/// Longest record on the wire, RFC 8446 5.2: header, content, content type and padding, tag.
pub(super) const RECORD_BYTES_MAX: usize = 5 + PLAIN_BYTES_MAX + 256;
/// Longest content of a record.
const PLAIN_BYTES_MAX: usize = 16 * 1024;
/// What a record adds to its content at most, with the cipher suites of TLS 1.3.
const RECORD_OVERHEAD_BYTES: usize = 32;
/// A change of keys that goes out in front of the next content.
const KEY_UPDATE_BYTES_MAX: usize = 64;

/// Bytes that so much content needs as records.
pub(super) const fn protected_bytes_max(plain_bytes: usize) -> usize {
    plain_bytes + plain_bytes.div_ceil(PLAIN_BYTES_MAX) * RECORD_OVERHEAD_BYTES + KEY_UPDATE_BYTES_MAX
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// More of the handshake must arrive.
    Handshaking,
    Established,
    /// The peer said that nothing follows.
    PeerClosed,
}

/// The state of the protocol.
pub(super) struct Records {
    connection: UnbufferedServerConnection,
    peer_closed: bool,
}

impl Records {
    pub(super) fn new(config: Arc<ServerConfig>) -> io::Result<Self> {
        let connection = UnbufferedServerConnection::new(config).map_err(invalid)?;
        Ok(Self { connection, peer_closed: false })
    }

    /// The protocol that was agreed upon for what comes inside.
    pub(super) fn alpn(&self) -> Option<&[u8]> {
        self.connection.alpn_protocol()
    }

    /// Takes in what arrived: content goes to `plain`, what is to be answered is appended to `unsent`. Returns how many
    /// bytes were used up; the others are the beginning of a record and come again with what follows them.
    ///
    /// # Errors
    /// The peer broke the protocol; `unsent` then ends with the alert that tells it so.
    pub(super) fn take_in(
        &mut self,
        incoming: &mut [u8],
        plain: &mut dyn FnMut(&[u8]),
        unsent: &mut Vec<u8>,
    ) -> io::Result<(usize, Progress)> {
        let mut used = 0;
        loop {
            let rest = incoming.get_mut(used..).unwrap_or_default();
            let UnbufferedStatus { discard, state } = self.connection.process_tls_records(rest);
            used += discard;
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        plain(record.map_err(invalid)?.payload);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(data)) => append(data, unsent)?,
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::BlockedHandshake) => return Ok((used, Progress::Handshaking)),
                Ok(ConnectionState::WriteTraffic(_)) if !self.peer_closed => return Ok((used, Progress::Established)),
                Ok(ConnectionState::WriteTraffic(_) | ConnectionState::Closed) => {
                    return Ok((used, Progress::PeerClosed));
                }
                Ok(ConnectionState::PeerClosed) => self.peer_closed = true,
                // Early data is not offered, so none is accepted.
                Ok(_) => return Err(io::ErrorKind::InvalidData.into()),
                Err(error) => {
                    self.append_alert(incoming.get_mut(used..).unwrap_or_default(), unsent);
                    return Err(invalid(error));
                }
            }
        }
    }

    /// Writes `content` as records into `target`, which has [`protected_bytes_max`] bytes; `incoming` is what the last
    /// [`Self::take_in`] left over.
    pub(super) fn protect(&mut self, content: &[u8], incoming: &mut [u8], target: &mut [u8]) -> io::Result<usize> {
        self.write(incoming, |traffic| traffic.encrypt(content, target))
    }

    /// Writes that nothing follows into `target`.
    pub(super) fn close(&mut self, incoming: &mut [u8], target: &mut [u8]) -> io::Result<usize> {
        self.write(incoming, |traffic| traffic.queue_close_notify(target))
    }

    fn write(
        &mut self,
        incoming: &mut [u8],
        write: impl FnOnce(&mut WriteTraffic<'_, ServerConnectionData>) -> Result<usize, EncryptError>,
    ) -> io::Result<usize> {
        // Everything whole was taken in, so there is nothing in the way of writing.
        match self.connection.process_tls_records(incoming).state {
            Ok(ConnectionState::WriteTraffic(mut traffic)) => write(&mut traffic).map_err(io::Error::other),
            Ok(_) => Err(io::ErrorKind::NotConnected.into()),
            Err(error) => Err(invalid(error)),
        }
    }

    /// What the peer is told about its mistake.
    fn append_alert(&mut self, incoming: &mut [u8], unsent: &mut Vec<u8>) {
        // Only as long as something is to be told: another look at what came would be another mistake.
        while self.connection.wants_write() {
            match self.connection.process_tls_records(incoming).state {
                Ok(ConnectionState::EncodeTlsData(data)) if unsent.len() <= RECORD_BYTES_MAX => {
                    // Without the alert the peer sees a connection that just ends.
                    let _ = append(data, unsent);
                }
                _ => return,
            }
        }
    }
}

fn append(mut data: EncodeTlsData<'_, ServerConnectionData>, unsent: &mut Vec<u8>) -> io::Result<()> {
    let from = unsent.len();
    let mut room = 0;
    loop {
        unsent.resize(from + room, 0);
        match data.encode(unsent.get_mut(from..).unwrap_or_default()) {
            Ok(_) => return Ok(()),
            Err(EncodeError::InsufficientSize(needed)) if needed.required_size > room => room = needed.required_size,
            Err(error) => return Err(io::Error::other(error)),
        }
    }
}

fn invalid(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
