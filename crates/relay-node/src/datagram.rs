//! Datagrams to sockets of the machine, which Node cannot send: the service manager's and the system log's.

/// Sends one datagram to the Unix socket at `path` (`@name` is an abstract one) and does not wait.
#[cfg(unix)]
pub(crate) fn send(path: &str, payload: &[u8]) -> std::io::Result<usize> {
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    let address = match path.strip_prefix('@') {
        Some(name) => abstract_address(name)?,
        None => SocketAddr::from_pathname(path)?,
    };
    socket.send_to_addr(payload, &address)
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &str) -> std::io::Result<std::os::unix::net::SocketAddr> {
    use std::os::linux::net::SocketAddrExt;
    std::os::unix::net::SocketAddr::from_abstract_name(name)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn abstract_address(_: &str) -> std::io::Result<std::os::unix::net::SocketAddr> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// Other systems have none.
#[cfg(not(unix))]
pub(crate) fn send(_: &str, _: &[u8]) -> std::io::Result<usize> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::send;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    #[test]
    fn a_datagram_reaches_named_and_abstract_sockets_and_nobody_elsewhere() {
        let name = format!("sealrelay-test-{}", std::process::id());
        let path = std::env::temp_dir().join(&name);
        let named = UnixDatagram::bind(&path).unwrap();
        let hidden = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let mut buffer = [0; 16];
        for (socket, address) in [(named, path.to_string_lossy().into_owned()), (hidden, format!("@{name}"))] {
            assert_eq!(send(&address, b"READY=1").unwrap(), 7, "{address}");
            assert_eq!(socket.recv(&mut buffer).unwrap(), 7);
            assert_eq!(&buffer[..7], b"READY=1");
        }
        std::fs::remove_file(&path).unwrap();
        assert!(send(&path.to_string_lossy(), b"READY=1").is_err());
    }
}
