//! The control: a server that speaks enough WebSocket to echo and minds no rule. What breaks a rule must fail here.

use super::support::client::{CLOSE, KEY, PING, PONG};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Silence after which the sloppy server hangs up.
const SILENCE: Duration = Duration::from_millis(30);

pub(crate) async fn listen() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(timeout(Duration::from_secs(5), serve(socket)));
        }
    });
    address
}

async fn serve(mut socket: TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = socket.read_u8().await else { return };
        head.push(byte);
    }
    assert!(String::from_utf8_lossy(&head).contains(KEY));
    let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    let answer = format!("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {accept}\r\n\r\n");
    let _ = socket.write_all(answer.as_bytes()).await;
    while let Ok(Some((opcode, payload))) = timeout(SILENCE, read_frame(&mut socket)).await {
        let opcode = if opcode == PING { PONG } else { opcode };
        let mut frame = vec![0x80 | opcode, 126, 0, 0];
        let length = u16::try_from(payload.len().min(1_000)).unwrap();
        frame[2..].copy_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(&payload[..usize::from(length)]);
        if socket.write_all(&frame).await.is_err() || opcode == CLOSE {
            return;
        }
    }
}

/// Any frame, whatever its bits say.
async fn read_frame(socket: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let first = socket.read_u8().await.ok()?;
    let second = socket.read_u8().await.ok()?;
    let length = match second & 0x7f {
        126 => u64::from(socket.read_u16().await.ok()?),
        127 => socket.read_u64().await.ok()?.min(1 << 21),
        short => u64::from(short),
    };
    let mut mask = [0; 4];
    if second & 0x80 != 0 {
        socket.read_exact(&mut mask).await.ok()?;
    }
    let mut payload = vec![0; usize::try_from(length).ok()?];
    socket.read_exact(&mut payload).await.ok()?;
    payload.iter_mut().enumerate().for_each(|(i, byte)| *byte ^= mask[i % 4]);
    Some((first & 0x0f, payload))
}
