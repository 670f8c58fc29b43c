//! A client that sends any bytes, right or wrong, and reads the server's frames strictly.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub const PATIENCE: Duration = Duration::from_secs(8);
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

pub const CONTINUATION: u8 = 0;
pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// A frame of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub opcode: u8,
    pub payload: Vec<u8>,
}

impl Frame {
    pub fn close_code(&self) -> Option<u16> {
        assert_eq!(self.opcode, CLOSE, "{self:?}");
        self.payload.first_chunk().map(|code| u16::from_be_bytes(*code))
    }
}

pub struct Client {
    pub socket: TcpStream,
}

/// A client frame with the given first byte, masked.
pub fn raw_frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..=125 => bytes.push(0x80 | u8::try_from(length).unwrap()),
        length @ 126..=65_535 => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            bytes.push(0x80 | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    bytes.extend(mask);
    bytes.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ mask[i % 4]));
    bytes
}

/// A final frame.
pub fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    raw_frame(0x80 | opcode, payload)
}

pub fn close_payload(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), reason].concat()
}

pub fn upgrade_request(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: relay.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    )
}

impl Client {
    pub async fn open(address: SocketAddr, path: &str) -> Self {
        let mut client = Self { socket: TcpStream::connect(address).await.unwrap() };
        client.socket.set_nodelay(true).unwrap();
        client.send(upgrade_request(path).as_bytes()).await;
        let head = client.read_head().await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        client
    }

    /// Upgrades without a look at the answer beyond its status.
    pub async fn open_leniently(address: SocketAddr, path: &str) -> Self {
        let mut client = Self { socket: TcpStream::connect(address).await.unwrap() };
        client.send(upgrade_request(path).as_bytes()).await;
        assert!(client.read_head().await.starts_with("HTTP/1.1 101 "));
        client
    }

    /// Sends bytes; the server may already have hung up.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = timeout(PATIENCE, self.socket.write_all(bytes)).await.expect("the server takes bytes");
    }

    pub async fn read_head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = timeout(PATIENCE, self.socket.read_u8()).await.expect("a head in time");
            match byte {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
        String::from_utf8(head).unwrap()
    }

    /// The server's next frame; none once it hung up.
    pub async fn next(&mut self) -> Option<Frame> {
        timeout(PATIENCE, self.read_frame()).await.expect("a frame in time")
    }

    async fn read_frame(&mut self) -> Option<Frame> {
        let first = self.socket.read_u8().await.ok()?;
        assert_eq!(first & 0xf0, 0x80, "server frames are final and without reserved bits");
        let length = match self.socket.read_u8().await.ok()? {
            126 => u64::from(self.socket.read_u16().await.ok()?),
            127 => self.socket.read_u64().await.ok()?,
            short => {
                assert!(short < 126, "server frames are not masked");
                u64::from(short)
            }
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.socket.read_exact(&mut payload).await.ok()?;
        Some(Frame { opcode: first & 0x0f, payload })
    }

    /// The next message, leaving out control frames.
    pub async fn message(&mut self) -> Vec<u8> {
        loop {
            let frame = self.next().await.expect("a message before the end");
            if frame.opcode == BINARY {
                return frame.payload;
            }
            assert!(frame.opcode > CLOSE, "closed: {:?}", frame.close_code());
        }
    }

    pub async fn echoes(&mut self, payload: &[u8]) {
        self.send(&frame(BINARY, payload)).await;
        assert_eq!(self.message().await, payload);
    }

    /// The code of the close frame the server sends next, leaving out everything before it.
    pub async fn closed_with(&mut self) -> Option<u16> {
        loop {
            let frame = self.next().await.expect("a close frame before the end");
            if frame.opcode == CLOSE {
                return frame.close_code();
            }
        }
    }

    /// All frames up to the end of the stream.
    pub async fn rest(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            frames.push(frame);
        }
        frames
    }
}
