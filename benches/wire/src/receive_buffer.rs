//! A receiver that never reads is noticed once the kernel's buffers are full, which by default hold megabytes.

/// Lets the kernel hold only this much for a socket. A refusal only means that it takes longer.
#[cfg(unix)]
pub fn shrink_receive_buffer(socket: impl std::os::fd::AsFd, bytes: usize) {
    let _refused = rustix::net::sockopt::set_socket_recv_buffer_size(socket, bytes);
}

/// Left as it is here.
#[cfg(not(unix))]
pub fn shrink_receive_buffer<T>(_socket: T, _bytes: usize) {}
