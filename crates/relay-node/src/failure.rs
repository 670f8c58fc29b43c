//! The failures TypeScript sees: a stable code, a message, whether it is temporary, and a hint.

use napi::bindgen_prelude::{Env, JsObjectValue, JsValue, Object};
use napi::{Error, JsError, Status};
use relay_net::StartError;
use relay_net::tls::TlsError;
use relay_store::OpenError;
use relay_store::data_dir::DirError;
use relay_store::documents::DocumentsOpenError;
use std::any::Any;
use std::io::ErrorKind;

/// Becomes a JavaScript `Error` with the properties `code`, `temporary` and `hint`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) temporary: bool,
    pub(crate) hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), temporary: false, hint: None }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn temporary(mut self, temporary: bool) -> Self {
        self.temporary = temporary;
        self
    }

    /// TypeScript passed something its own validation should have refused.
    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::new("config_invalid", message)
    }

    /// Of a text whose last part is the way out: here the two travel apart.
    fn with_way_out(code: &str, text: String) -> Self {
        match text.rsplit_once("; ") {
            Some((message, hint)) => Self::new(code, message).with_hint(sentence(hint)),
            None => Self::new(code, text),
        }
    }

    /// A panic: a bug of ours, contained.
    pub(crate) fn panicked(payload: &(dyn Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        Self::new("internal", format!("the relay core panicked: {text}"))
            .with_hint("This is a bug; please report it with the log lines before it.")
    }

    /// The error to return to napi on the JavaScript thread; the very object built here is what JavaScript catches.
    pub(crate) fn into_error(self, env: &Env) -> Error {
        let Self { code, message, temporary, hint } = self;
        let fallback = Error::new(Status::GenericFailure, message.clone());
        let unknown = JsError::from(Error::new(code, message)).into_unknown(Env::from_raw(env.raw()));
        let mut object = Object::from_raw(env.raw(), unknown.raw());
        let properties =
            object.set_named_property("temporary", temporary).and_then(|()| object.set_named_property("hint", hint));
        match properties {
            Ok(()) => Error::from(unknown),
            Err(_) => fallback,
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let code = match &error {
            StartError::Listen { source, .. } if source.kind() == ErrorKind::AddrInUse => "port_in_use",
            StartError::Listen { .. } => "listen_failed",
            StartError::Tls(error) => tls_code(error),
            _ => "config_invalid",
        };
        // The message ends with the hint; here the two travel apart.
        let hint = error.hint();
        let message = error.to_string();
        let message = message.strip_suffix(hint).and_then(|text| text.strip_suffix("; ")).unwrap_or(&message);
        Self::new(code, message).with_hint(sentence(hint)).temporary(error.is_temporary())
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let code = match &error {
            OpenError::Dir(DirError::Locked { .. }) => "data_dir_locked",
            OpenError::Dir(DirError::BrokenKey { .. } | DirError::MissingKey { .. }) => "relay_key_unusable",
            OpenError::Dir(_) => "data_dir_unusable",
            OpenError::Damaged(_) => "store_damaged",
            OpenError::Meta { .. } => "store_unwritable",
            _ => "store_failed",
        };
        Self::with_way_out(code, error.to_string())
    }
}

impl From<DocumentsOpenError> for Failure {
    fn from(error: DocumentsOpenError) -> Self {
        let code = match &error {
            DocumentsOpenError::Dir(_) => "data_dir_unusable",
            DocumentsOpenError::Damaged(_) | DocumentsOpenError::Tables { .. } => "store_damaged",
            _ => "store_failed",
        };
        Self::with_way_out(code, error.to_string())
    }
}

fn tls_code(error: &TlsError) -> &'static str {
    match error {
        TlsError::Unreadable { .. } => "tls_file_unreadable",
        TlsError::Mismatch { .. } => "tls_key_mismatch",
        TlsError::Expired { .. } | TlsError::NotYetValid { .. } => "tls_certificate_expired",
        TlsError::Library(_) => "internal",
        _ => "tls_file_malformed",
    }
}

/// With a capital letter and a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).chain(['.']).collect())
}

/// Runs `work` and turns a panic into a [`Failure`], so that nothing unwinds into a foreign stack frame.
pub(crate) fn contained<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    // Whatever state the closure left behind is dropped with the failure, so no broken invariant can be seen later.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
        .unwrap_or_else(|payload| Err(Failure::panicked(payload.as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_failure_with_its_message() {
        let failure = contained::<()>(|| panic!("row {}", 7)).unwrap_err();
        assert_eq!(failure.code, "internal");
        assert_eq!(failure.message, "the relay core panicked: row 7");
    }

    #[test]
    fn a_result_passes_through() {
        assert_eq!(contained(|| Ok(3)), Ok(3));
        assert_eq!(contained::<()>(|| Err(Failure::config("x"))), Err(Failure::config("x")));
    }
}
