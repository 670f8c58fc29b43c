//! The WebSocket below a dialed connection, message by message, without waiting.

use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::net::TcpStream;
use tokio_websockets::{MaybeTlsStream, Message, WebSocketStream};

/// As the client library has it.
pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The other side has gone, or broke the rules.
pub(super) struct Gone;

/// The next message.
pub(super) fn poll_message(socket: &mut Socket, cx: &mut Context<'_>) -> Poll<Result<Message, Gone>> {
    futures_core::Stream::poll_next(Pin::new(socket), cx).map(|message| message.and_then(Result::ok).ok_or(Gone))
}

/// Whether a message can be handed over.
pub(super) fn poll_ready(socket: &mut Socket, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
    futures_sink::Sink::poll_ready(Pin::new(socket), cx).map_err(|_| Gone)
}

/// Hands a message over; only when it is ready for one.
pub(super) fn send(socket: &mut Socket, message: Message) -> Result<(), Gone> {
    futures_sink::Sink::start_send(Pin::new(socket), message).map_err(|_| Gone)
}

/// Writes what was handed over; ready once nothing of it is left.
pub(super) fn poll_flush(socket: &mut Socket, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
    futures_sink::Sink::poll_flush(Pin::new(socket), cx).map_err(|_| Gone)
}
