//! A work made of two closures: what is done in its turn, and what is told once that is durable.

use super::error::DocumentError;
use super::store::{DocumentStore, DocumentWork, Documents, Keyspace, Usage};

struct Turn<R, Run, Done> {
    bytes: usize,
    run: Option<Run>,
    result: Option<R>,
    done: Done,
}

impl<R, Run, Done> DocumentWork for Turn<R, Run, Done>
where
    R: Send,
    Run: FnOnce(&mut dyn Documents) -> Result<R, DocumentError> + Send,
    Done: FnOnce(Result<R, DocumentError>) + Send,
{
    fn waiting_bytes(&self) -> usize {
        self.bytes
    }

    fn run(&mut self, documents: &mut dyn Documents) -> Result<(), DocumentError> {
        let run = self.run.take().ok_or(DocumentError::Withdrawn)?;
        self.result = Some(run(documents)?);
        Ok(())
    }

    fn done(self: Box<Self>, result: Result<Usage, DocumentError>) {
        let Self { result: made, done, .. } = *self;
        done(result.and_then(|_| made.ok_or(DocumentError::Withdrawn)));
    }
}

/// Lets `run` take its turn; what it made is handed to `done` once everything it read and wrote is durable. `waiting_bytes` is
/// what `run` holds while it waits.
pub fn turn<R: Send + 'static>(
    store: &dyn DocumentStore,
    keyspace: Keyspace,
    waiting_bytes: usize,
    run: impl FnOnce(&mut dyn Documents) -> Result<R, DocumentError> + Send + 'static,
    done: impl FnOnce(Result<R, DocumentError>) + Send + 'static,
) {
    store.document_commit(keyspace, Box::new(Turn { bytes: waiting_bytes, run: Some(run), result: None, done }));
}
