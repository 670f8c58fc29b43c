//! A look at the core, off the JavaScript thread.

use crate::failure::{Failure, contained};
use crate::native::Native;
use napi::bindgen_prelude::{ToNapiValue, TypeName};
use napi::{Env, Task};

type Look<T> = Box<dyn FnOnce(&Native) -> Result<T, Failure> + Send>;

/// Looks once, and resolves to what was seen.
pub struct LookTask<T> {
    native: Option<Native>,
    look: Option<Look<T>>,
}

impl<T> LookTask<T> {
    /// `native` is `None` once the relay was stopped.
    pub(crate) fn new(
        native: Option<Native>,
        look: impl FnOnce(&Native) -> Result<T, Failure> + Send + 'static,
    ) -> Self {
        Self { native, look: Some(Box::new(look)) }
    }
}

impl<T: ToNapiValue + TypeName + Send + 'static> Task for LookTask<T> {
    type Output = Result<T, Failure>;
    type JsValue = T;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let (native, look) = (self.native.take(), self.look.take());
        Ok(contained(|| {
            let native = native.ok_or_else(|| Failure::new("stopped", "the relay was stopped"))?;
            let look = look.ok_or_else(|| Failure::new("internal", "a look was taken twice"))?;
            look(&native)
        }))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        output.map_err(|failure| failure.into_error(&env))
    }
}
