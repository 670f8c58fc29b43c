//! Gives memory back to the system after spaces were let go: the allocator keeps what is freed between other things, and only
//! gives back by itself what is free at the end of a heap.

/// Spaces let go since the last time from which it is worth a look at the whole heap.
const SPACES_MIN: u64 = 256;
/// Looks after which it is done although more and more spaces are let go: a minute.
const LOOKS_BETWEEN: u32 = 12;

/// When it is time: once nothing more is let go, or after a minute of it.
#[derive(Debug, Default)]
pub(crate) struct HeapTrim {
    /// Spaces let go when it was done last, and at the last look.
    let_go: u64,
    seen: u64,
    /// Looks since it was done last.
    looks: u32,
}

impl HeapTrim {
    /// Looks once; `let_go` counts the spaces that were let go so far.
    pub(crate) async fn look(&mut self, let_go: u64) {
        if self.is_due(let_go) {
            // It takes milliseconds for each hundred megabytes; a worker of the runtime has connections to serve.
            let _done = tokio::task::spawn_blocking(trim).await;
        }
    }

    fn is_due(&mut self, let_go: u64) -> bool {
        self.looks = self.looks.saturating_add(1);
        let is_calm = std::mem::replace(&mut self.seen, let_go) == let_go;
        let is_much = let_go.saturating_sub(self.let_go) >= SPACES_MIN;
        let is_due = is_much && (is_calm || self.looks > LOOKS_BETWEEN);
        if is_due {
            (self.let_go, self.looks) = (let_go, 0);
        }
        is_due
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn trim() {
    unsafe extern "C" {
        fn malloc_trim(pad: usize) -> std::ffi::c_int;
    }
    // SAFETY: malloc_trim(3) takes a number, may be called by any thread at any time, and touches free memory only. Rust's
    // allocator is the same library's malloc, and an addon is loaded into a process that has it.
    unsafe { malloc_trim(0) };
}

/// Other allocators give back what is free by themselves, or have no such call.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
const fn trim() {}

#[cfg(test)]
mod tests {
    use super::{HeapTrim, LOOKS_BETWEEN, SPACES_MIN};

    #[test]
    fn it_is_due_once_nothing_more_is_let_go_and_after_a_minute_of_it() {
        let mut heap = HeapTrim::default();
        assert!(!heap.is_due(SPACES_MIN - 1) && !heap.is_due(SPACES_MIN - 1), "too few");
        assert!(!heap.is_due(9 * SPACES_MIN), "more may follow");
        assert!(heap.is_due(9 * SPACES_MIN));
        assert!(!heap.is_due(9 * SPACES_MIN), "it was done");
        let due: Vec<u32> = (2..=30).filter(|look| heap.is_due(SPACES_MIN * u64::from(9 + look))).collect();
        assert_eq!(due, [LOOKS_BETWEEN + 1, 2 * (LOOKS_BETWEEN + 1)]);
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn memory_that_is_free_between_other_things_goes_back_to_the_system() {
        const PIECES: usize = 40_000;
        let resident = || {
            let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
            statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap() * 4096
        };
        // A small one that stays behind every 64 KiB, so that nothing is free at the end of the heap.
        let mut kept = Vec::new();
        let mut freed = Vec::new();
        for at in 0..PIECES {
            freed.push(vec![1_u8; 1024]);
            if at % 64 == 0 {
                kept.push(Box::new([1_u8; 32]));
            }
        }
        let full = resident();
        drop(freed);
        super::trim();
        let left = full.saturating_sub(resident());
        assert!(left > PIECES * 1024 / 2, "{left} bytes went back, with {} left behind", kept.len());
    }
}
