//! What a device does about an Error frame: which ones an honest device may get at all, and what follows from them.

use super::super::scheduler::{MS, SECOND};
use super::Device;
use super::session::Phase;
use super::snapshots::Bootstrap;
use relay_proto::ErrorCode;
use relay_proto::frame::ErrorFrame;

/// Wait of a device that the relay does not know, in microseconds.
const UNKNOWN_US: u64 = 3 * SECOND;
/// Wait before a roster change is tried again, in microseconds.
const CHANGE_US: u64 = 250 * MS;

/// Errors that an honest device may be sent by an honest relay.
const EXPECTED: [ErrorCode; 20] = [
    ErrorCode::HandshakeFailed,
    ErrorCode::HandshakeTimeout,
    ErrorCode::DeviceRevoked,
    ErrorCode::PushSeqGap,
    ErrorCode::KeyEpochOld,
    ErrorCode::KeyEpochUnknown,
    ErrorCode::RosterConflict,
    ErrorCode::SnapshotInvalid,
    ErrorCode::SnapshotUnknown,
    ErrorCode::SnapshotChunkUnexpected,
    ErrorCode::StoreUnavailable,
    ErrorCode::StorePoisoned,
    ErrorCode::DiskFull,
    ErrorCode::Draining,
    ErrorCode::Overloaded,
    ErrorCode::TooManyConnections,
    ErrorCode::IdleTimeout,
    ErrorCode::WriteStalled,
    ErrorCode::RateLimited,
    ErrorCode::Busy,
];

impl Device {
    pub(super) fn on_error(&mut self, error: &ErrorFrame, now_us: u64) -> Result<(), String> {
        let Some(code) = ErrorCode::from_number(error.code) else {
            return Err(format!("protocol_violation: error {}", error.code));
        };
        self.refusals.insert(code);
        if code == ErrorCode::CursorAhead {
            return Err("rollback: the relay says that its log ends before what it attested".to_owned());
        }
        if !EXPECTED.contains(&code) {
            return Err(format!("refused: {} about {}", code.name(), error.context));
        }
        if code == ErrorCode::HandshakeFailed {
            // The relay may have lost the statement that made this device a member: it is shown every other time.
            self.show_chain = !self.show_chain;
            self.retry_at_us = now_us + if self.show_chain { 10 * MS } else { UNKNOWN_US };
        }
        if code.close() != 0 {
            self.hangs_up = true;
            let told_us = u64::from(error.retry_after_ms) * MS;
            self.retry_at_us = self.retry_at_us.max(now_us + told_us);
            return Ok(());
        }
        if self.on_push_refused(code, error, now_us)? {
            return Ok(());
        }
        self.on_request_refused(code, now_us);
        Ok(())
    }

    fn on_request_refused(&mut self, code: ErrorCode, now_us: u64) {
        let Phase::Open(open) = &mut self.phase else { return };
        match code {
            ErrorCode::RosterConflict => open.change_at_us = Some(now_us + CHANGE_US),
            ErrorCode::SnapshotInvalid | ErrorCode::SnapshotUnknown | ErrorCode::SnapshotChunkUnexpected => {
                open.upload = None;
                if !matches!(open.bootstrap, Bootstrap::Live | Bootstrap::Resets) {
                    self.hangs_up = true;
                }
            }
            // Somebody's request found no room or no store: what was asked for is asked again in a new session.
            ErrorCode::DiskFull | ErrorCode::RateLimited | ErrorCode::Busy => {
                if self.wants.is_some() {
                    open.change_at_us = Some(now_us + CHANGE_US);
                }
                if !open.is_live() || open.upload.is_some() {
                    self.hangs_up = true;
                }
            }
            _ => {}
        }
    }
}
