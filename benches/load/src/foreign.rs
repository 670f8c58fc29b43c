//! Other people's protocols, as much of each as one bench needs: how to say hello, how to send, what an answer is.

pub(crate) mod gun;
pub(crate) mod nats;
pub(crate) mod postgres;
pub(crate) mod redis;
