//! The class JavaScript holds.

use crate::admin;
use crate::admin::foreign::{self, RelayForeignPage};
use crate::admin::rows::{RelaySlowReaders, RelaySpaceDetail, RelaySpacePage};
use crate::admin::sample::RelaySample;
use crate::admin::task::LookTask;
use crate::assembly::Running;
use crate::config::{RelayConfig, milliseconds};
use crate::datagram;
use crate::erasure::{EraseSpaceTask, space_id};
use crate::events::{EventQueue, RelayEvent};
use crate::failure::Failure;
use crate::founding_desk::{self, RelayFounding, RelayFoundingVerdict};
use crate::info::RelayInfo;
use crate::log_reset::LogResetTask;
use crate::measures::RelayMeasures;
use crate::moving::{BeginExportTask, ImportTask, VerifyTask};
use crate::native::Native;
use crate::program;
use crate::stats::RelayStats;
use crate::tasks::{StartTask, StopTask};
use crate::tenants::{self, RelayTenantPage};
use crate::tls_reload::TlsReloadTask;
use crate::tracing::RelaySpan;
use napi::Env;
use napi::bindgen_prelude::{AsyncTask, Buffer, Function, Uint8Array};
use napi_derive::napi;
use relay_net::{Embedded, Tracer};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// A running relay until it is stopped; emptied exactly once.
pub(crate) struct Shared {
    running: Mutex<Option<Running>>,
}

impl Shared {
    /// Takes the running relay out; the caller now owns its end.
    pub(crate) fn take(&self) -> Option<Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn with<T>(&self, look: impl FnOnce(&Running) -> T) -> Option<T> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(look)
    }
}

/// How a relay is stopped.
#[napi(object, object_to_js = false, use_nullable = true)]
pub struct RelayStopOptions {
    /// How long clients may take to leave, in milliseconds.
    pub drain_ms: i64,
}

/// The data plane: listener, protocol and store, on threads of its own.
#[napi]
pub struct RelayCore {
    shared: Arc<Shared>,
    events: Arc<EventQueue>,
    info: RelayInfo,
    /// Beside the running relay, which is taken out when it begins to stop: until its end there are bytes to exchange.
    embedded: Option<Arc<Embedded>>,
    /// Beside it too: what was traced while it stopped is taken afterwards.
    tracer: Option<Arc<Tracer>>,
}

impl RelayCore {
    pub(crate) fn new(running: Running, events: Arc<EventQueue>) -> Self {
        let (info, embedded, tracer) = (running.info().clone(), running.embedded().cloned(), running.tracer().cloned());
        Self { shared: Arc::new(Shared { running: Mutex::new(Some(running)) }), events, info, embedded, tracer }
    }

    fn look<T>(&self, look: impl FnOnce(&Native) -> Result<T, Failure> + Send + 'static) -> AsyncTask<LookTask<T>>
    where
        LookTask<T>: napi::Task,
    {
        AsyncTask::new(LookTask::new(self.shared.with(Running::native), look))
    }
}

#[napi]
impl RelayCore {
    /// Starts a relay. `wake` is called, at most once per `drainEvents`, when events wait. With `wakeOutput` no port is
    /// opened: the program owns the sockets, and `wakeOutput` is called when output waits, once until it was taken.
    #[napi(catch_unwind, ts_return_type = "Promise<RelayCore>")]
    pub fn start(
        config: RelayConfig,
        wake: Function<'_, (), ()>,
        wake_output: Option<Function<'_, (), ()>>,
    ) -> napi::Result<AsyncTask<StartTask>> {
        let events = Arc::new(EventQueue::new(&wake)?);
        let program = wake_output.as_ref().map(program::waking).transpose()?;
        Ok(AsyncTask::new(StartTask { config: Some(config), events, program }))
    }

    /// Takes one batch of what happened on the program's sockets; nothing without `wakeOutput`.
    #[napi(catch_unwind)]
    pub fn receive(&self, env: Env, batch: Uint8Array) -> napi::Result<()> {
        let Some(embedded) = &self.embedded else { return Ok(()) };
        embedded.receive(&batch).map_err(|error| Failure::new("internal", error.to_string()).into_error(&env))
    }

    /// The next piece of what the program's sockets are to send; null once there is none.
    #[napi(catch_unwind, ts_return_type = "Buffer | null")]
    pub fn take_output(&self) -> Option<Buffer> {
        self.embedded.as_ref()?.take().map(Buffer::from)
    }

    /// Begins a new log epoch in a data directory that was restored from a backup; refuses one that a relay holds.
    #[napi(catch_unwind, ts_return_type = "Promise<LogResetReport>")]
    pub fn reset_log(data_dir: String) -> AsyncTask<LogResetTask> {
        AsyncTask::new(LogResetTask { data_dir: PathBuf::from(data_dir) })
    }

    /// Sends one datagram to the Unix socket at `path` (`@name` is an abstract one) and does not wait; false when nobody took it.
    #[napi(catch_unwind)]
    pub fn send_datagram(path: String, payload: Uint8Array) -> bool {
        datagram::send(&path, &payload).is_ok()
    }

    /// What does not change while the relay runs.
    #[napi(catch_unwind)]
    pub fn info(&self) -> RelayInfo {
        self.info.clone()
    }

    /// One snapshot of all counters and gauges; null once the relay was stopped.
    #[napi(catch_unwind, ts_return_type = "RelayStats | null")]
    pub fn stats(&self) -> Option<RelayStats> {
        self.shared.with(|running| running.stats(self.events.dropped()))
    }

    /// Durations by bucket and errors by code, of the same moment as a snapshot taken right before; null once it was stopped.
    #[napi(catch_unwind, ts_return_type = "RelayMeasures | null")]
    pub fn measures(&self) -> Option<RelayMeasures> {
        self.shared.with(Running::measures)
    }

    /// The events that gathered since the last call, oldest first.
    #[napi(catch_unwind)]
    pub fn drain_events(&self) -> Vec<RelayEvent> {
        self.events.drain()
    }

    /// Devices that would found a space and wait for a word, oldest first; each is shown once.
    #[napi(catch_unwind)]
    pub fn drain_foundings(&self) -> Vec<RelayFounding> {
        self.shared.with(Running::foundings).unwrap_or_default()
    }

    /// Says whether a device may found its space.
    #[napi(catch_unwind)]
    pub fn answer_founding(&self, id: i64, said: RelayFoundingVerdict) {
        self.shared.with(|running| running.answer_founding(id, founding_desk::verdict(&said)));
    }

    /// The spans that were finished since the last call, oldest first; none when nothing is traced.
    #[napi(catch_unwind)]
    pub fn drain_spans(&self) -> Vec<RelaySpan> {
        self.tracer.as_ref().map_or_else(Vec::new, |tracer| tracer.drain().into_iter().map(RelaySpan::from).collect())
    }

    /// Erases a space (its id, 64 hexadecimal digits) without its owner; resolves once nothing of it is left on disk.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn erase_space(&self, env: Env, space: String) -> napi::Result<AsyncTask<EraseSpaceTask>> {
        let space = space_id(&space).map_err(|failure| failure.into_error(&env))?;
        let begun = self.shared.with(|running| running.erase_space(space));
        Ok(AsyncTask::new(EraseSpaceTask { begun }))
    }

    /// A page of spaces, at most 100, behind the one with the pseudonym `after`.
    #[napi(
        catch_unwind,
        ts_args_type = "after: string | null, count: number",
        ts_return_type = "Promise<RelaySpacePage>"
    )]
    pub fn spaces(&self, after: Option<String>, count: u32) -> AsyncTask<LookTask<RelaySpacePage>> {
        self.look(move |native| admin::spaces(native, after.as_deref(), count))
    }

    /// The space with a pseudonym, with its devices.
    #[napi(catch_unwind, ts_return_type = "Promise<RelaySpaceDetail>")]
    pub fn space(&self, pseudonym: String) -> AsyncTask<LookTask<RelaySpaceDetail>> {
        self.look(move |native| admin::space(native, &pseudonym))
    }

    /// The open subscriptions that are furthest behind, at most 100.
    #[napi(catch_unwind, ts_return_type = "Promise<RelaySlowReaders>")]
    pub fn slow_readers(&self, count: u32) -> AsyncTask<LookTask<RelaySlowReaders>> {
        self.look(move |native| Ok(admin::slow_readers(native, count)))
    }

    /// A page of tenants with what they take, at most 1,000, behind the one with the id `after`.
    #[napi(
        catch_unwind,
        ts_args_type = "after: string | null, count: number",
        ts_return_type = "Promise<RelayTenantPage>"
    )]
    pub fn tenants(&self, after: Option<String>, count: u32) -> AsyncTask<LookTask<RelayTenantPage>> {
        self.look(move |native| tenants::page(native, after.as_deref(), count))
    }

    /// The newest stored record of the space with a pseudonym, or of the space written to last; null when there is none.
    #[napi(catch_unwind, ts_args_type = "pseudonym: string | null", ts_return_type = "Promise<RelaySample | null>")]
    pub fn sample(&self, pseudonym: Option<String>) -> AsyncTask<LookTask<Option<RelaySample>>> {
        self.look(move |native| admin::sample(native, pseudonym.as_deref()))
    }

    /// Erases the space with a pseudonym; resolves once nothing of it is left on disk.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn erase_by_pseudonym(&self, pseudonym: String) -> AsyncTask<LookTask<()>> {
        self.look(move |native| admin::erase(native, &pseudonym))
    }

    /// A page of the tenants of foreign systems, at most 100, behind the one with the pseudonym `after`.
    #[napi(
        catch_unwind,
        ts_args_type = "after: string | null, count: number",
        ts_return_type = "Promise<RelayForeignPage>"
    )]
    pub fn foreign_tenants(&self, after: Option<String>, count: u32) -> AsyncTask<LookTask<RelayForeignPage>> {
        let compat = self.shared.with(Running::compat).unwrap_or_default();
        self.look(move |native| foreign::page(native, &compat, after.as_deref(), count))
    }

    /// Erases the foreign tenant with a pseudonym; resolves once nothing of it is left on disk.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn erase_foreign_tenant(&self, pseudonym: String) -> AsyncTask<LookTask<()>> {
        let compat = self.shared.with(Running::compat).unwrap_or_default();
        self.look(move |native| foreign::erase(native, &compat, &pseudonym))
    }

    /// Begins to write a space (its id, 64 hexadecimal digits) as a file.
    #[napi(catch_unwind, ts_return_type = "Promise<SpaceExport>")]
    pub fn begin_export(&self, space: String) -> AsyncTask<BeginExportTask> {
        AsyncTask::new(BeginExportTask { native: self.shared.with(Running::native), space })
    }

    /// Makes a space of a file that another relay wrote, or goes on with one that is there; resolves once all of it is durable. Of
    /// a new space that fails nothing is left.
    #[napi(catch_unwind, ts_return_type = "Promise<ImportReport>")]
    pub fn import_space(&self, path: String) -> AsyncTask<ImportTask> {
        AsyncTask::new(ImportTask { native: self.shared.with(Running::native), path: PathBuf::from(path) })
    }

    /// Checks a file that a relay wrote, and says what it holds.
    #[napi(catch_unwind, ts_return_type = "Promise<ExportReport>")]
    pub fn verify_export(path: String) -> AsyncTask<VerifyTask> {
        AsyncTask::new(VerifyTask { path: PathBuf::from(path) })
    }

    /// Reads the files of the certificate again; rejects when they are of no use, and goes on with what there was.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn reload_certificate(&self) -> AsyncTask<TlsReloadTask> {
        AsyncTask::new(TlsReloadTask { tls: self.shared.with(Running::tls).flatten() })
    }

    /// Says that the JavaScript event loop turns; liveness fails when it was not called for the configured time.
    #[napi(catch_unwind)]
    pub fn beat(&self) {
        self.shared.with(Running::beat);
    }

    /// Stops accepting, tells clients when to return, waits for them, closes the store. Again after that: nothing.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn stop(&self, env: Env, options: RelayStopOptions) -> napi::Result<AsyncTask<StopTask>> {
        let drain = milliseconds("drainMs", options.drain_ms).map_err(|failure: Failure| failure.into_error(&env))?;
        Ok(AsyncTask::new(StopTask { shared: Arc::clone(&self.shared), drain }))
    }
}
