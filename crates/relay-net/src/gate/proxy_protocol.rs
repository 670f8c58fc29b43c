//! The PROXY protocol, versions 1 and 2 (haproxy.org, `proxy-protocol.txt`): what a trusted proxy writes before the first byte
//! of its client. Read from trusted proxies only; from them it must come.
//!
//! Invariants:
//! 1. Exactly the header is taken off the socket: what follows is the client's, TLS included.
//! 2. A header that is not understood to its end is none, and the connection is not served.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// What both versions have at least; it tells them apart.
const START_BYTES: usize = 12;
const V2_SIGNATURE: [u8; START_BYTES] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Longest line of version 1, its end included.
const V1_BYTES_MAX: usize = 107;
/// Most bytes after the first sixteen of version 2: addresses, and the extensions of proxies, which are overlooked.
const V2_REST_BYTES_MAX: usize = 2048;

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The client.
    Client(IpAddr),
    /// Nobody: the proxy speaks for itself, as for its health checks, or does not know.
    Proxy,
}

fn broken(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Takes the header off a socket.
pub(crate) async fn read(socket: &mut TcpStream) -> io::Result<Source> {
    let mut start = [0; START_BYTES];
    socket.read_exact(&mut start).await?;
    if start == V2_SIGNATURE {
        let mut fixed = [0; 4];
        socket.read_exact(&mut fixed).await?;
        let [version_command, family, length @ ..] = fixed;
        let length = usize::from(u16::from_be_bytes(length));
        if length > V2_REST_BYTES_MAX {
            return Err(broken("its extensions are too long"));
        }
        let mut rest = vec![0; length];
        socket.read_exact(&mut rest).await?;
        return v2(version_command, family, &rest).ok_or_else(|| broken("it is no header of version 2"));
    }
    if !start.starts_with(b"PROXY ") {
        return Err(broken("there is none"));
    }
    let line = rest_of_line(socket, start.to_vec()).await?;
    v1(&line).ok_or_else(|| broken("it is no header of version 1"))
}

/// Reads to the end of the line and not beyond.
async fn rest_of_line(socket: &mut TcpStream, mut line: Vec<u8>) -> io::Result<Vec<u8>> {
    let mut buffer = [0; V1_BYTES_MAX];
    while !line.ends_with(b"\n") {
        let room = buffer.get_mut(..V1_BYTES_MAX - line.len()).filter(|room| !room.is_empty());
        let room = room.ok_or_else(|| broken("its line is too long"))?;
        let count = socket.peek(room).await?;
        let seen = room.get(..count).unwrap_or_default();
        let end = seen.iter().position(|byte| *byte == b'\n').map_or(count, |place| place + 1);
        if end == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let taken = room.get_mut(..end).unwrap_or_default();
        socket.read_exact(taken).await?;
        line.extend_from_slice(taken);
    }
    Ok(line)
}

fn v1(line: &[u8]) -> Option<Source> {
    let line = std::str::from_utf8(line.strip_suffix(b"\r\n")?).ok()?;
    let mut words = line.split(' ');
    let (_, family) = (words.next()?, words.next()?);
    if family == "UNKNOWN" {
        return Some(Source::Proxy);
    }
    let (source, destination) = (words.next()?, words.next()?);
    let ports = (words.next()?.parse::<u16>(), words.next()?.parse::<u16>());
    let source: IpAddr = match family {
        "TCP4" => (source.parse::<Ipv4Addr>().ok()?, destination.parse::<Ipv4Addr>().ok()?).0.into(),
        "TCP6" => (source.parse::<Ipv6Addr>().ok()?, destination.parse::<Ipv6Addr>().ok()?).0.into(),
        _ => return None,
    };
    (matches!(ports, (Ok(_), Ok(_))) && words.next().is_none()).then_some(Source::Client(source.to_canonical()))
}

fn v2(version_command: u8, family: u8, rest: &[u8]) -> Option<Source> {
    match (version_command, family) {
        // LOCAL: whatever the addresses are, they are not a client's.
        (0x20, _) => Some(Source::Proxy),
        // Streams over IPv4 and IPv6: source, destination, two ports.
        (0x21, 0x11) if rest.len() >= 12 => Some(Source::Client(Ipv4Addr::from(*rest.first_chunk::<4>()?).into())),
        (0x21, 0x21) if rest.len() >= 36 => {
            Some(Source::Client(IpAddr::from(Ipv6Addr::from(*rest.first_chunk::<16>()?)).to_canonical()))
        }
        // Unspecified, or a Unix socket.
        (0x21, 0x00 | 0x31) => Some(Source::Proxy),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    /// A header of version 2 as a proxy writes it.
    fn v2_header(source: SocketAddr) -> Vec<u8> {
        let mut header = V2_SIGNATURE.to_vec();
        match source.ip() {
            IpAddr::V4(ip) => {
                header.extend([0x21, 0x11, 0, 12]);
                header.extend(ip.octets());
                header.extend([127, 0, 0, 1]);
            }
            IpAddr::V6(ip) => {
                header.extend([0x21, 0x21, 0, 36]);
                header.extend(ip.octets());
                header.extend(Ipv6Addr::LOCALHOST.octets());
            }
        }
        header.extend(source.port().to_be_bytes());
        header.extend(443_u16.to_be_bytes());
        header
    }

    /// What is read of these bytes, sent in pieces, and what is left for the client.
    async fn read_of(bytes: &[u8], piece_bytes: usize) -> (Option<Source>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut proxy = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        proxy.set_nodelay(true).unwrap();
        let (mut socket, _) = listener.accept().await.unwrap();
        let reading = tokio::spawn(async move {
            let source = read(&mut socket).await.ok();
            let mut rest = Vec::new();
            if source.is_some() {
                socket.read_to_end(&mut rest).await.unwrap();
            }
            (source, rest)
        });
        for piece in bytes.chunks(piece_bytes) {
            // Whoever was refused reads no more.
            let _ = proxy.write_all(piece).await;
            tokio::task::yield_now().await;
        }
        drop(proxy);
        reading.await.unwrap()
    }

    fn client(text: &str) -> Option<Source> {
        Some(Source::Client(text.parse().unwrap()))
    }

    #[tokio::test]
    async fn the_client_is_who_the_proxy_names_and_its_bytes_are_left_alone() {
        let v4 = v2_header("198.51.100.7:4711".parse().unwrap());
        let v6 = v2_header("[2001:db8::7]:4711".parse().unwrap());
        let mut extended = v4.clone();
        extended[15] += 5;
        extended.extend([4, 0, 2, 1, 2]);
        let local = [&V2_SIGNATURE[..], &[0x20, 0, 0, 0]].concat();
        for (header, source) in [
            (&b"PROXY TCP4 198.51.100.7 10.0.0.1 4711 443\r\n"[..], client("198.51.100.7")),
            (b"PROXY TCP6 2001:db8::7 ::1 4711 443\r\n", client("2001:db8::7")),
            (b"PROXY TCP6 ::ffff:198.51.100.7 ::1 4711 443\r\n", client("198.51.100.7")),
            (b"PROXY UNKNOWN\r\n", Some(Source::Proxy)),
            (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", Some(Source::Proxy)),
            (&v4, client("198.51.100.7")),
            (&v6, client("2001:db8::7")),
            (&extended, client("198.51.100.7")),
            (&local, Some(Source::Proxy)),
        ] {
            for piece_bytes in [1, 7, 1000] {
                let sent = [header, b"GET / HTTP/1.1\r\n"].concat();
                let (read, rest) = read_of(&sent, piece_bytes).await;
                assert_eq!((read, &rest[..]), (source, &b"GET / HTTP/1.1\r\n"[..]), "{header:?}");
            }
        }
    }

    #[tokio::test]
    async fn what_is_no_whole_header_is_refused() {
        let mut unknown = v2_header("198.51.100.7:1".parse().unwrap());
        unknown[12] = 0x31;
        let mut datagram = v2_header("198.51.100.7:1".parse().unwrap());
        datagram[13] = 0x12;
        let mut short = v2_header("198.51.100.7:1".parse().unwrap());
        short[15] = 11;
        let long = [&V2_SIGNATURE[..], &[0x21, 0x11, 0xff, 0xff]].concat();
        for header in [
            &b"GET / HTTP/1.1\r\nHost: r\r\n\r\n"[..],
            b"PROXY TCP4 198.51.100.7 10.0.0.1 4711 443\n",
            b"PROXY TCP4 198.51.100.7 10.0.0.1 4711\r\n",
            b"PROXY TCP4 198.51.100.7 10.0.0.1 4711 443 6\r\n",
            b"PROXY TCP4 2001:db8::7 10.0.0.1 4711 443\r\n",
            b"PROXY TCP4 198.51.100.7 10.0.0.1 70000 443\r\n",
            b"PROXY UDP4 198.51.100.7 10.0.0.1 1 2\r\n",
            b"PROXY TCP4 198.51.100.7",
            &[b"PROXY UNKNOWN ".as_slice(), &[b'x'; 200], b"\r\n"].concat(),
            &unknown,
            &datagram,
            &short,
            &long,
            &V2_SIGNATURE,
            b"",
        ] {
            let (read, _) = read_of(header, 1000).await;
            assert_eq!(read, None, "{header:?}");
        }
    }
}
